//! Cleans an uploaded picture: what comes out is a picture and nothing else.
//!
//! The kind is found in the content, not in a name. Of a PNG the chunks that make the picture are kept ([`png`]), of a JPEG the
//! segments that do ([`jpeg`]), so that no place, owner or comment of a photograph survives; an SVG is written anew without
//! scripts, links and references to elsewhere ([`svg`]).
//!
//! Limits: [`MAX_PIXELS`] of a PNG or a JPEG, [`MAX_SIDE`] of any picture; those of SVG stand there.

mod jpeg;
mod png;
mod svg;
#[cfg(test)]
mod tests;

use axum::body::Bytes;
use sensorium_metadata::places::NewPicture;
use thiserror::Error;

/// The most pixels of a picture; a browser takes four bytes for each.
const MAX_PIXELS: u64 = 40_000_000;
/// The most pixels of a side.
const MAX_SIDE: u32 = 32_768;

/// Why a picture cannot be used.
#[derive(Debug, Error)]
pub enum PictureError {
    /// It is something else.
    #[error("this is no PNG, JPEG or SVG picture; save the plan as one of them")]
    Unknown,
    /// The file is not whole, or not as its format wants it.
    #[error("this {0} picture is damaged or cut off; save it anew")]
    Damaged(&'static str),
    /// It has too many pixels.
    #[error(
        "the picture has {width} × {height} pixels; at most {MAX_PIXELS} in all (MAX_PIXELS) and {MAX_SIDE} on a side (MAX_SIDE) are taken, which are fixed limits: make it smaller"
    )]
    TooManyPixels {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// An SVG that cannot be used; says why.
    #[error("this SVG picture cannot be used: {0}")]
    Svg(&'static str),
}

/// What a server of this version keeps of a picture, so that a program can tell whether it has it.
pub fn kept_picture(file: &Bytes) -> Result<Bytes, PictureError> {
    clean(file).map(|picture| picture.bytes.into())
}

/// Finds out what a file is and cleans it.
pub(super) fn clean(file: &Bytes) -> Result<NewPicture, PictureError> {
    if file.starts_with(b"\x89PNG\r\n\x1a\n") {
        png::clean(file.clone())
    } else if file.starts_with(&[0xff, 0xd8, 0xff]) {
        jpeg::clean(file.clone())
    } else if svg::is_svg(file) {
        svg::clean(file)
    } else {
        Err(PictureError::Unknown)
    }
}

fn check_size(width: u32, height: u32) -> Result<(), PictureError> {
    let pixels = u64::from(width) * u64::from(height);
    if width > MAX_SIDE || height > MAX_SIDE || pixels > MAX_PIXELS {
        return Err(PictureError::TooManyPixels { width, height });
    }
    Ok(())
}
