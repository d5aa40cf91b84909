//! Bodies that say what they are: the Content-Formats of CoAP (RFC 7252, section 12.3).
//!
//! | format | body |
//! |---|---|
//! | none | what it looks like: JSON, line protocol, or one value |
//! | 0, text | one value: a number, a truth value or a text, in the field of the target |
//! | 50, JSON | as [`crate::json`]; readings without a table go to the target's. A number alone is one value |
//! | 60, CBOR | the same as JSON: a map, an array of maps, or one value |
//! | 110, SenML in JSON | as [`super::senml`] |
//! | 112, SenML in CBOR | as [`super::senml`] |
//! | [`LINE_PROTOCOL`] | line protocol, with times in nanoseconds |
//!
//! The target's tags are added to readings of the formats none, 0, 50 and 60 that do not have them themselves.
//!
//! Invariants: as those of the crate. After an error the builder holds the readings before it and must be thrown away.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use sensorium_model::{BatchBuilder, DEVICE_TAG, ErrorKind, Point, Precision};
use thiserror::Error;

use super::cbor::{self, CborError};
use super::senml::{self, SenmlError};
use super::{PayloadError, single};
use crate::coap::format;
use crate::json::{self, JsonError};
use crate::line_protocol;
use crate::refusals::Refusals;

/// The Content-Format of line protocol: of the range for experiments, because none is registered.
pub const LINE_PROTOCOL: u16 = 65_000;

/// Where readings go that do not say it themselves.
#[derive(Debug, Clone, Copy)]
pub struct Target<'t> {
    /// The table.
    pub table: &'t str,
    /// The field of a single value.
    pub field: &'t str,
    /// Tags that are added.
    pub tags: &'t [(&'t str, &'t str)],
    /// The device, where neither the body nor who sent it tells.
    pub device: Option<&'t str>,
}

/// Why a body is refused as a whole.
#[derive(Debug, Error)]
pub enum ContentError {
    /// Of a format that is not read.
    #[error(
        "Content-Format {format} is not read; send text (0), JSON (50), CBOR (60), SenML (110, 112) or line protocol ({LINE_PROTOCOL})"
    )]
    Unsupported {
        /// Its number.
        format: u16,
    },
    /// No value.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// No JSON with readings.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// No CBOR with readings.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// No SenML.
    #[error(transparent)]
    Senml(#[from] SenmlError),
}

impl ContentError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unsupported { .. } | Self::Json(_) => ErrorKind::Invalid,
            Self::Payload(error) => error.kind(),
            Self::Cbor(error) => error.kind(),
            Self::Senml(error) => error.kind(),
        }
    }

    /// Whether it is the format that is not read, which CoAP has a code of its own for.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported { .. })
    }
}

/// Reads a body into the builder; refused readings go to `refusals`, numbered from 1. Units that the body tells go to `units`,
/// by field. Returns the number of readings that were seen.
pub fn decode(
    format: Option<u16>,
    body: &[u8],
    target: &Target<'_>,
    now_ns: i64,
    units: &mut BTreeMap<String, String>,
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Result<u64, ContentError> {
    let lines = line_protocol::Options { precision: Precision::Ns, now_ns };
    let senml = senml::Options { table: target.table, device: target.device, now_ns };
    match format {
        None if is_json(body) => json(body, target, now_ns, builder, refusals),
        None if line_protocol::is_line_protocol(body, lines) => {
            Ok(line_protocol::decode(body, lines, builder, refusals))
        }
        None | Some(format::TEXT) => value(body, target, now_ns, builder, refusals),
        Some(format::JSON) if is_json(body) => json(body, target, now_ns, builder, refusals),
        Some(format::JSON) => scalar(body, target, now_ns, builder, refusals),
        Some(format::CBOR) => {
            let text = cbor::to_json(&cbor::read(body)?)?;
            match is_json(text.as_bytes()) {
                true => json(text.as_bytes(), target, now_ns, builder, refusals),
                false => scalar(text.as_bytes(), target, now_ns, builder, refusals),
            }
        }
        Some(format::SENML_JSON) => Ok(senml::decode_json(body, &senml, units, builder, refusals)?),
        Some(format::SENML_CBOR) => Ok(senml::decode_cbor(body, &senml, units, builder, refusals)?),
        Some(LINE_PROTOCOL) => Ok(line_protocol::decode(body, lines, builder, refusals)),
        Some(format) => Err(ContentError::Unsupported { format }),
    }
}

/// Whether a body begins like objects.
fn is_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

fn json(
    body: &[u8],
    target: &Target<'_>,
    now_ns: i64,
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Result<u64, ContentError> {
    let options = json::Options { table: Some(target.table), tags: &HashSet::new(), precision: None, now_ns };
    let tags = tags(target, builder);
    Ok(json::decode_tagged(body, &options, &tags, builder, refusals)?)
}

/// JSON that is one value: it must be JSON, so `on` and `off` are none.
fn scalar(
    body: &[u8],
    target: &Target<'_>,
    now_ns: i64,
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Result<u64, ContentError> {
    if !body.trim_ascii().is_empty() {
        serde_json::from_slice::<serde::de::IgnoredAny>(body).map_err(|source| JsonError::Syntax { source })?;
    }
    value(body, target, now_ns, builder, refusals)
}

fn value(
    body: &[u8],
    target: &Target<'_>,
    now_ns: i64,
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Result<u64, ContentError> {
    let text = body.trim_ascii();
    if matches!(text, b"" | b"null") {
        return Err(PayloadError::Empty.into());
    }
    let value = single(text, builder.kind(target.table, target.field))?;
    let mut point = Point::new(target.table, now_ns).field(target.field, value);
    for (name, value) in tags(target, builder) {
        point = point.tag(name, value);
    }
    if let Err(error) = builder.push(&point, 1) {
        refusals.push(1, error, body);
    }
    Ok(1)
}

/// The tags of what is put into the target.
fn tags<'t>(target: &Target<'t>, builder: &BatchBuilder<'_>) -> Vec<(Cow<'t, str>, Cow<'t, str>)> {
    let device = target.device.filter(|_| builder.sender().is_none()).map(|device| (DEVICE_TAG, device));
    let own = target.tags.iter().copied().filter(|(name, _)| device.is_none() || *name != DEVICE_TAG);
    own.chain(device).map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value))).collect()
}

#[cfg(test)]
mod tests;
