//! PNG (W3C, third edition): the header, the palette, what is transparent, how colours are meant, and the pixels are kept.
//!
//! The pixels are inflated once, into nothing, to see that they are as many as the header says: a file that would inflate to
//! more than that is refused after that much.

use std::io::{self, Read};

use axum::body::Bytes;
use flate2::read::ZlibDecoder;
use img_parts::png::{Png, PngChunk};
use sensorium_metadata::places::NewPicture;

use super::{PictureError, check_size};

/// The chunks that make the picture.
const KEPT: [&[u8; 4]; 8] = [b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"IDAT", b"IEND"];
/// The seven passes of an interlaced picture: first column and row, and steps.
const PASSES: [(u32, u32, u32, u32); 7] =
    [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

const DAMAGED: PictureError = PictureError::Damaged("PNG");

pub(super) fn clean(file: Bytes) -> Result<NewPicture, PictureError> {
    let mut png = Png::from_bytes(file).map_err(|_| DAMAGED)?;
    png.chunks_mut().retain(|chunk| KEPT.contains(&&chunk.kind()));
    let header = png.chunks().first().filter(|chunk| chunk.kind() == *b"IHDR").and_then(Header::of).ok_or(DAMAGED)?;
    let is_whole = png.chunks().last().is_some_and(|chunk| chunk.kind() == *b"IEND" && chunk.contents().is_empty());
    if !is_whole || png.chunks_by_type(*b"IHDR").count() != 1 {
        return Err(DAMAGED);
    }
    check_size(header.width, header.height)?;
    let expected = header.bytes();
    let pixels = Pieces { chunks: png.chunks().iter().filter(|chunk| chunk.kind() == *b"IDAT"), piece: &[] };
    let inflated = io::copy(&mut ZlibDecoder::new(pixels).take(expected + 1), &mut io::sink()).map_err(|_| DAMAGED)?;
    if inflated != expected {
        return Err(DAMAGED);
    }
    let bytes = png.encoder().bytes().to_vec();
    Ok(NewPicture { width: header.width, height: header.height, media_type: "image/png", bytes })
}

/// The size and the form of the pixels.
struct Header {
    width: u32,
    height: u32,
    bits_per_pixel: u64,
    interlaced: bool,
}

impl Header {
    fn of(chunk: &PngChunk) -> Option<Self> {
        let contents: &[u8; 13] = chunk.contents().as_ref().try_into().ok()?;
        let [w0, w1, w2, w3, h0, h1, h2, h3, depth, colour, 0, 0, interlace @ (0 | 1)] = *contents else { return None };
        let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
        let samples = match (colour, depth) {
            (0, 1 | 2 | 4 | 8 | 16) | (3, 1 | 2 | 4 | 8) => 1,
            (2, 8 | 16) => 3,
            (4, 8 | 16) => 2,
            (6, 8 | 16) => 4,
            _ => return None,
        };
        let is_some = width > 0 && height > 0 && i32::try_from(width.max(height)).is_ok();
        is_some.then_some(Self {
            width,
            height,
            bits_per_pixel: samples * u64::from(depth),
            interlaced: interlace == 1,
        })
    }

    /// The bytes that the pixels take, each line with one that names its filter.
    fn bytes(&self) -> u64 {
        let of = |width: u32, height: u32| match width {
            0 => 0,
            _ => u64::from(height) * (1 + (u64::from(width) * self.bits_per_pixel).div_ceil(8)),
        };
        if !self.interlaced {
            return of(self.width, self.height);
        }
        let count = |size: u32, first: u32, step: u32| size.saturating_sub(first).div_ceil(step);
        PASSES.iter().map(|(x, y, right, down)| of(count(self.width, *x, *right), count(self.height, *y, *down))).sum()
    }
}

/// The contents of chunks, one after the other.
struct Pieces<'c, I> {
    chunks: I,
    piece: &'c [u8],
}

impl<'c, I: Iterator<Item = &'c PngChunk>> Read for Pieces<'c, I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.chunks.next() {
                Some(chunk) => self.piece = chunk.contents(),
                None => return Ok(0),
            }
        }
        self.piece.read(buffer)
    }
}
