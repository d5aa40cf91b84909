//! JPEG (ITU-T T.81): tables, frames and scans are kept, and Adobe's word about colours; other application data and comments go,
//! as does whatever follows the picture.

use axum::body::Bytes;
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use sensorium_metadata::places::NewPicture;

use super::{PictureError, check_size};

const DAMAGED: PictureError = PictureError::Damaged("JPEG");
/// Arithmetic conditioning.
const DAC: u8 = 0xcc;
/// The number of lines, after the first scan.
const DNL: u8 = 0xdc;

pub(super) fn clean(file: Bytes) -> Result<NewPicture, PictureError> {
    let jpeg = Jpeg::from_bytes(file.clone()).map_err(|_| DAMAGED)?;
    let (width, height) = jpeg.dimensions().map(|(width, height)| (width.into(), height.into())).ok_or(DAMAGED)?;
    check_size(width, height)?;
    let mut bytes = vec![0xff, markers::SOI];
    let mut is_whole = false;
    for segment in jpeg.segments().iter().filter(|segment| is_kept(segment.marker(), segment.contents())) {
        write(&mut bytes, segment);
        if segment.marker() == markers::SOS {
            // The first scan goes on to the end of the file, as far as the segments know.
            let scans = file.len().saturating_sub(segment.len_with_entropy() - segment.len());
            is_whole = write_scans(&mut bytes, file.get(scans..).unwrap_or_default()).is_some();
        }
    }
    if !is_whole {
        return Err(DAMAGED);
    }
    bytes.extend([0xff, markers::EOI]);
    Ok(NewPicture { width, height, media_type: "image/jpeg", bytes })
}

fn is_kept(marker: u8, contents: &[u8]) -> bool {
    match marker {
        // SOF0 to SOF15 with the Huffman tables among them; JPG (0xc8) is for extensions.
        0xc0..=0xc7 | 0xc9..=0xcb | DAC | 0xcd..=0xcf => true,
        markers::DQT | markers::DRI | markers::SOS | DNL => true,
        markers::APP14 => contents.starts_with(b"Adobe"),
        _ => false,
    }
}

fn write(bytes: &mut Vec<u8>, segment: &JpegSegment) {
    write_segment(bytes, segment.marker(), segment.contents());
}

fn write_segment(bytes: &mut Vec<u8>, marker: u8, contents: &[u8]) {
    // It was read with a length of two bytes.
    let length = u16::try_from(contents.len() + 2).unwrap_or(u16::MAX);
    bytes.extend([0xff, marker]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(contents);
}

/// Writes the first scan and what follows it up to the end of the picture, without what does not belong to it; none if there is
/// no end.
fn write_scans(bytes: &mut Vec<u8>, mut rest: &[u8]) -> Option<()> {
    loop {
        let data = rest.windows(2).position(|pair| matches!(*pair, [0xff, marker] if ends_data(marker)))?;
        let (scan, tail) = rest.split_at_checked(data)?;
        bytes.extend(scan);
        let (&[_, marker], tail) = tail.split_first_chunk::<2>()?;
        match marker {
            markers::EOI => return Some(()),
            // A fill byte: the marker begins with the second one.
            0xff => {
                rest = rest.get(data + 1..)?;
                continue;
            }
            _ => {}
        }
        let (length, tail) = tail.split_first_chunk::<2>()?;
        let (contents, after) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)).checked_sub(2)?)?;
        if is_kept(marker, contents) {
            write_segment(bytes, marker, contents);
        }
        rest = after;
    }
}

/// Whether what follows 0xff in the data of a scan is a marker that ends it: neither a stuffed byte nor a restart.
fn ends_data(marker: u8) -> bool {
    !matches!(marker, 0x00 | 0xd0..=0xd7)
}
