//! Pictures that come through, what is taken out of them, and files that are no pictures or are meant to do harm.

use std::io::Write;

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;

fn chunk(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let chunk = img_parts::png::PngChunk::new(*kind, Bytes::copy_from_slice(contents));
    let mut png = img_parts::png::Png::from_bytes(Bytes::from_static(b"\x89PNG\r\n\x1a\n")).unwrap();
    png.chunks_mut().push(chunk);
    png.encoder().bytes().split_off(8).to_vec()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A grey picture of 8 bits whose pixels are `pixels`.
fn png(width: u32, height: u32, interlace: u8, pixels: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 0, 0, 0, interlace]);
    let parts =
        [vec![chunk(b"IHDR", &header)], more.to_vec(), vec![chunk(b"IDAT", &deflated(pixels)), chunk(b"IEND", &[])]];
    [b"\x89PNG\r\n\x1a\n".to_vec(), parts.concat().concat()].concat()
}

fn cleaned(file: &[u8]) -> Result<NewPicture, PictureError> {
    clean(&Bytes::copy_from_slice(file))
}

fn refusal(file: &[u8]) -> String {
    cleaned(file).err().unwrap_or_else(|| panic!("it was taken")).to_string()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_png_keeps_its_pixels_and_loses_the_rest() {
    let more =
        [chunk(b"tEXt", b"Author\0secret-name"), chunk(b"eXIf", b"secret-place"), chunk(b"gAMA", &[0, 0, 0xb1, 0x8f])];
    let mut file = png(3, 2, 0, &[0, 1, 2, 3, 0, 4, 5, 6], &more);
    file.extend(b"<script>secret-tail</script>");
    let picture = cleaned(&file).unwrap();
    assert_eq!((picture.width, picture.height, picture.media_type), (3, 2, "image/png"));
    assert!(!holds(&picture.bytes, b"secret") && holds(&picture.bytes, b"gAMA"));
    assert_eq!(cleaned(&picture.bytes).unwrap().bytes, picture.bytes, "once is enough");
}

#[test]
fn the_passes_of_an_interlaced_png_are_counted() {
    // 3 × 2: pixel (0,0) in the first pass, (2,0) in the fourth, (1,0) in the sixth, the second line in the seventh.
    let pixels = [0, 1, 0, 2, 0, 3, 0, 4, 5, 6];
    assert!(cleaned(&png(3, 2, 1, &pixels, &[])).is_ok());
    assert!(cleaned(&png(3, 2, 1, &pixels[..9], &[])).is_err());
}

#[test]
fn a_png_that_is_not_what_its_header_says_is_refused() {
    let good = png(3, 2, 0, &[0; 8], &[]);
    assert!(cleaned(&good).is_ok());
    // An inflating bomb stops at what the header allows.
    assert!(refusal(&png(3, 2, 0, &vec![0; 50_000_000], &[])).contains("damaged"));
    assert!(refusal(&png(3, 2, 0, &[0; 7], &[])).contains("damaged"));
    let huge = refusal(&png(60_000, 60_000, 0, &[0; 8], &[]));
    assert!(huge.contains("60000 × 60000") && huge.contains("MAX_PIXELS"), "{huge}");
    assert!(refusal(&png(40_000, 1, 0, &[0; 40_001], &[])).contains("MAX_SIDE"));
    for wrong in [png(0, 2, 0, &[], &[]), png(3, 2, 2, &[0; 8], &[]), png(u32::MAX, u32::MAX, 1, &[], &[])] {
        refusal(&wrong);
    }
    for end in 0..good.len() {
        refusal(&good[..end]);
    }
    let mut flipped = good.clone();
    flipped[20] ^= 1;
    refusal(&flipped);
}

/// A JPEG of one grey pixel, which Pillow made.
const JPEG_HEAD: &[u8] = &[0xff, 0xd8, 0xff, 0xe0, 0, 16, b'J', b'F', b'I', b'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0];

fn jpeg(more: &[u8], tail: &[u8]) -> Vec<u8> {
    let quantisation = [&[0xff, 0xdb, 0, 67, 0][..], &[1; 64]].concat();
    let frame = [0xff, 0xc0, 0, 11, 8, 0, 2, 0, 3, 1, 1, 0x11, 0];
    let huffman = [&[0xff, 0xc4, 0, 20, 0, 1][..], &[0; 15], &[0]].concat();
    let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
    let data = [0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56];
    [JPEG_HEAD, more, &quantisation, &frame, &huffman, &scan, &data, tail].concat()
}

fn segment(marker: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker][..], &length, contents].concat()
}

#[test]
fn a_jpeg_keeps_its_picture_and_loses_the_rest() {
    let more = [
        segment(0xe1, b"Exif\0\0secret-place"),
        segment(0xfe, b"secret-comment"),
        segment(0xee, b"Adobe\0d\0\0\0\0\x01"),
    ];
    let between = [segment(0xfe, b"secret-between"), segment(0xda, &[1, 1, 0, 0, 63, 0])].concat();
    let tail = [&between[..], &[0x78, 0xff, 0xff, 0xd9], b"<?php secret-tail"].concat();
    let picture = cleaned(&jpeg(&more.concat(), &tail)).unwrap();
    assert_eq!((picture.width, picture.height, picture.media_type), (3, 2, "image/jpeg"));
    assert!(!holds(&picture.bytes, b"secret") && holds(&picture.bytes, b"Adobe") && !holds(&picture.bytes, b"JFIF"));
    assert!(
        holds(&picture.bytes, &[0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56])
            && picture.bytes.ends_with(&[0x78, 0xff, 0xd9])
    );
    assert_eq!(cleaned(&picture.bytes).unwrap().bytes, picture.bytes, "once is enough");
}

#[test]
fn a_jpeg_that_is_cut_off_is_refused() {
    let good = jpeg(&[], &[0xff, 0xd9]);
    assert!(cleaned(&good).is_ok());
    for end in 0..good.len() {
        refusal(&good[..end]);
    }
    refusal(&jpeg(&[], &[0xff, 0xfe, 0, 0, 0xff, 0xd9]));
}

fn svg(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 200 100\">{body}</svg>"
    )
}

#[test]
fn an_svg_loses_what_runs_links_and_refers_elsewhere() {
    let body = "<script>alert(1)</script><rect id=\"r\" width=\"5\" height=\"5\" onclick=\"alert(2)\"/>\
        <a href=\"javascript:alert(3)\"><text>Hall</text></a><image href=\"https://evil.example/x.png\"/>\
        <foreignObject><iframe src=\"https://evil.example\"/></foreignObject><use href=\"#r\"/>\
        <style>rect { fill: url(https://evil.example/y) }</style><rect style=\"background:url('//evil.example')\"/>";
    let picture = cleaned(svg(body).as_bytes()).unwrap();
    let text = String::from_utf8(picture.bytes).unwrap();
    for harm in ["alert", "evil.example", "foreignObject", "iframe", "script"] {
        assert!(!text.contains(harm), "{harm}: {text}");
    }
    assert!(text.contains("Hall") && text.contains("<rect"), "{text}");
    assert_eq!((picture.width, picture.height, picture.media_type), (1_000, 500, "image/svg+xml"));
}

#[test]
fn the_size_of_an_svg_is_its_view_box_or_else_its_pixels() {
    let of = |attributes: &str| {
        let text = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" {attributes}><rect/></svg>");
        cleaned(text.as_bytes()).map(|picture| (picture.width, picture.height)).map_err(|error| error.to_string())
    };
    assert_eq!(of("viewBox=\"-5,-5 3000 2000\" width=\"10cm\""), Ok((3_000, 2_000)));
    assert_eq!(of("width=\"1500px\" height=\"1200\""), Ok((1_500, 1_200)));
    for bad in
        ["", "width=\"10cm\" height=\"5cm\"", "viewBox=\"0 0 0 5\"", "viewBox=\"0 0 NaN 5\"", "viewBox=\"0 0 1e300 1\""]
    {
        assert!(of(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_svg_that_grows_is_refused() {
    let laughs = "<!DOCTYPE svg [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
    refusal(svg("").replace("<svg", &format!("{laughs}<svg")).as_bytes());
    let plain =
        "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">";
    assert!(cleaned(svg("").replace("<svg", &format!("{plain}<svg")).as_bytes()).is_ok());
    let mut uses = "<g id=\"g0\"><rect/></g>".to_owned();
    for n in 1..20 {
        uses.push_str(&format!("<g id=\"g{n}\">{}</g>", format!("<use href=\"#g{}\"/>", n - 1).repeat(10)));
    }
    assert!(refusal(svg(&uses).as_bytes()).contains("MAX_DRAWN"));
    assert!(refusal(svg("<g id=\"a\"><use xlink:href=\"#a\"/></g>").as_bytes()).contains("MAX_DRAWN"));
    let deep = format!("{}{}", "<g>".repeat(300), "</g>".repeat(300));
    assert!(refusal(svg(&deep).as_bytes()).contains("MAX_DEPTH"));
    refusal(svg("").replace("</svg>", "").as_bytes());
}

#[test]
fn what_is_no_picture_is_refused() {
    for other in [
        &b""[..],
        b"GIF89a\x01\x00\x01\x00",
        b"<html><body>svg</body></html>",
        b"%PDF-1.7",
        b"\0\0\0\0",
        b"RIFF\0\0\0\0WEBP",
    ] {
        assert!(refusal(other).contains("PNG, JPEG or SVG"));
    }
}
