//! CBOR (RFC 8949) as what the other decoders read.

use std::fmt::Write as _;

use ciborium::Value;
use sensorium_model::ErrorKind;
use thiserror::Error;

use crate::json::MAX_DEPTH;

/// The largest body of CBOR: a tree of it takes some thirty times its bytes.
pub const MAX_CBOR_BYTES: usize = 256 * 1_024;

/// Why bytes are no CBOR that is read here.
#[derive(Debug, Error)]
pub enum CborError {
    /// Larger than is allowed.
    #[error("the body has {bytes} bytes of CBOR; at most {MAX_CBOR_BYTES} are read (MAX_CBOR_BYTES, a fixed limit)")]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// It is no CBOR, or nested too deep.
    #[error("the body is no CBOR, or nested more than {MAX_DEPTH} levels deep")]
    Syntax {
        /// What the parser found.
        #[source]
        source: ciborium::de::Error<std::io::Error>,
    },
    /// More follows after the end.
    #[error("{bytes} bytes follow after the end of the CBOR")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// A kind of value that no column holds.
    #[error("the CBOR holds {0}, which is not read; send numbers, texts, truth values, maps and arrays")]
    Unreadable(&'static str),
}

impl CborError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Syntax { .. } | Self::Trailing { .. } | Self::Unreadable(_) => ErrorKind::Invalid,
        }
    }
}

/// Reads one item to the end of the body.
pub(super) fn read(body: &[u8]) -> Result<Value, CborError> {
    if body.len() > MAX_CBOR_BYTES {
        return Err(CborError::TooLarge { bytes: body.len() });
    }
    let mut rest = body;
    let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, MAX_DEPTH)
        .map_err(|source| CborError::Syntax { source })?;
    match rest.len() {
        0 => Ok(value),
        bytes => Err(CborError::Trailing { bytes }),
    }
}

/// A number as decimal text, also a decimal fraction (section 3.4.4); none when it is something else or not finite.
pub(super) fn number(value: &Value) -> Option<String> {
    match value {
        Value::Integer(integer) => Some(i128::from(*integer).to_string()),
        Value::Float(float) => float.is_finite().then(|| float.to_string()),
        Value::Tag(4, inner) => match inner.as_array()?.as_slice() {
            [exponent, mantissa] => {
                let exponent = i8::try_from(i128::from(exponent.as_integer()?)).ok()?;
                Some(format!("{}e{exponent}", i128::from(mantissa.as_integer()?)))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The same as JSON. Keys that are integers become text; null and undefined are null; other tags tell nothing that is read.
pub(super) fn to_json(value: &Value) -> Result<String, CborError> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String) -> Result<(), CborError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Text(text) => push_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                match key {
                    Value::Text(text) => push_text(text, out),
                    Value::Integer(integer) => push_text(&i128::from(*integer).to_string(), out),
                    _ => return Err(CborError::Unreadable("a key that is neither text nor an integer")),
                }
                out.push(':');
                write(item, out)?;
            }
            out.push('}');
        }
        Value::Bytes(_) => return Err(CborError::Unreadable("bytes")),
        Value::Tag(tag, inner) if *tag != 4 => write(inner, out)?,
        other => match number(other) {
            Some(text) => out.push_str(&text),
            None => return Err(CborError::Unreadable("a number that is not finite")),
        },
    }
    Ok(())
}

fn push_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                // Writing to a text never fails.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
