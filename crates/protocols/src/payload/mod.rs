//! Messages of which only the topic tells what they are: whatever devices publish over MQTT.
//!
//! In this order, a message is
//! - what a make of devices sends ([`crate::decoders`]);
//! - what a device announced, where the caller knows that ([`decode_announced`]);
//! - line protocol, with times in nanoseconds, when the last level of its topic is [`LINE_PROTOCOL_LEVEL`];
//! - JSON, when it is objects or lists of objects. An object that has `table` as a text or `tags` as an object is a reading as in
//!   [`crate::json`]. Of any other object all members are fields, nested ones flattened with `_` (`door_open`), but for the first
//!   of `time`, `timestamp`, `Time` and `ts` that reads as a time since the year 2000: it is the time. A member `time` that is
//!   no time, and one called `topic`, get `payload_` in front, because those columns mean something else;
//! - line protocol, when each of its lines is a reading;
//! - one value in the field `value`: a number, a truth value (`true`, `false`, `on`, `off`, `ON`, `OFF`), or else a text. It is
//!   a text in any case where the stored column holds texts.
//!
//! The table of objects of any shape and of single values is the last level of the topic, and the tag [`TOPIC_TAG`] holds the
//! topic as a whole. What has no time of its own has that of its arrival.
//!
//! Bodies that say what they are, as in CoAP, are read by [`content`], and lists of SenML by [`senml`].
//!
//! Invariants: as those of the crate; a message that is refused as a whole leaves nothing in the builder.
//!
//! Limits: [`MAX_TEXT_BYTES`] of a single text; those of [`crate::json`]; those of the builder.

pub mod cbor;
pub mod content;
pub mod senml;

use std::collections::HashSet;

use sensorium_model::names::MAX_NAME_BYTES;
use sensorium_model::{BatchBuilder, ColumnKind, ErrorKind, FieldType, Point, Precision, Value};
use thiserror::Error;

use crate::decoders::announced::Announced;
use crate::decoders::{self, DecodeError, Message};
use crate::json::text::text;
use crate::json::{self, JsonError};
use crate::line_protocol;
use crate::numbers::number;
use crate::refusals::Refusals;

/// The tag that holds the topic of a message.
pub const TOPIC_TAG: &str = "topic";
/// The last level of topics whose messages are line protocol.
pub const LINE_PROTOCOL_LEVEL: &str = "lp";
/// The longest text that is taken for a single value.
pub const MAX_TEXT_BYTES: usize = 1_024;

/// The field of a single value.
const VALUE: &str = "value";
/// The table of messages whose topic has no level with a name.
const NAMELESS: &str = "mqtt";

/// Why a message is refused as a whole.
#[derive(Debug, Error)]
pub enum PayloadError {
    /// There is nothing in it.
    #[error("the message holds no value; send a number, a text, JSON or line protocol")]
    Empty,
    /// It is no text, or none that people read.
    #[error("the message is neither text nor JSON nor line protocol; bytes of other formats are not read")]
    Binary,
    /// It is a text that is too long to be a value.
    #[error(
        "the message is a text of {bytes} bytes, and one value has at most {MAX_TEXT_BYTES} (MAX_TEXT_BYTES, a fixed limit); send JSON or line protocol"
    )]
    LongText {
        /// How long it is.
        bytes: usize,
    },
    /// It begins like JSON and is none that holds readings.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It is under a topic of a make, and not what the make sends.
    #[error(transparent)]
    Make(#[from] DecodeError),
}

impl PayloadError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::LongText { .. } => ErrorKind::TooLarge,
            Self::Empty | Self::Binary | Self::Json(_) => ErrorKind::Invalid,
            Self::Make(error) => error.kind(),
        }
    }
}

/// Reads a message into the builder; refused readings go to `refusals`, numbered from 1 as lines or items. Returns the number of
/// readings that were seen.
pub fn decode_topic(
    topic: &str,
    body: &[u8],
    now_ns: i64,
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Result<u64, PayloadError> {
    if let Some(make) = decoders::recognise(topic, body) {
        return Ok(make.decode(Message { topic, body, now_ns }, builder, refusals)?.readings);
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value = body.trim_ascii();
    if matches!(value, b"" | b"null") {
        return Err(PayloadError::Empty);
    }
    let lines = line_protocol::Options { precision: Precision::Ns, now_ns };
    if topic.rsplit('/').next() == Some(LINE_PROTOCOL_LEVEL) {
        return Ok(line_protocol::decode(body, lines, builder, refusals));
    }
    let table = table(topic);
    let objects = matches!(value.first(), Some(b'{' | b'[')).then(|| json::check(body));
    if matches!(objects, Some(Ok(()))) {
        let options = json::Options { table: Some(&table), tags: &HashSet::new(), precision: None, now_ns };
        return Ok(json::decode_any_shape(body, topic, &options, builder, refusals)?);
    }
    if line_protocol::is_line_protocol(body, lines) {
        return Ok(line_protocol::decode(body, lines, builder, refusals));
    }
    if let Some(Err(error)) = objects {
        return Err(error.into());
    }
    let value = single(value, builder.kind(&table, VALUE))?;
    let point = Point::new(table, now_ns).tag(TOPIC_TAG, topic).field(VALUE, value);
    if let Err(error) = builder.push(&point, 1) {
        refusals.push(1, error, body);
    }
    Ok(1)
}

/// Reads a message of which a device announced what is in it, as [`decode_topic`] does. What a make of devices sends, and what nobody
/// said where it stands, is read as if nothing had been announced.
pub fn decode_announced(
    topic: &str,
    body: &[u8],
    announced: &Announced,
    now_ns: i64,
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Result<u64, PayloadError> {
    if !announced.tells_places() || decoders::recognise(topic, body).is_some() {
        return decode_topic(topic, body, now_ns, builder, refusals);
    }
    Ok(announced.decode(Message { topic, body, now_ns }, builder, refusals)?.readings)
}

/// The table of a topic: its last level that is not empty, without control characters, as long as names may be.
fn table(topic: &str) -> String {
    let level = topic.rsplit('/').find(|level| !level.is_empty()).unwrap_or(NAMELESS);
    let mut name = String::with_capacity(level.len().min(MAX_NAME_BYTES));
    for character in level.chars().map(|c| if c.is_control() { '_' } else { c }) {
        if name.len() + character.len_utf8() > MAX_NAME_BYTES {
            break;
        }
        name.push(character);
    }
    name
}

/// The value of a body that is one.
fn single(body: &[u8], column: Option<ColumnKind>) -> Result<Value<'_>, PayloadError> {
    let body = std::str::from_utf8(body).map_err(|_| PayloadError::Binary)?;
    if body.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n')) {
        return Err(PayloadError::Binary);
    }
    if body.len() > MAX_TEXT_BYTES {
        return Err(PayloadError::LongText { bytes: body.len() });
    }
    if body.starts_with('"')
        && let Some(quoted) = text(body)
    {
        return Ok(Value::Text(quoted));
    }
    if column == Some(ColumnKind::Field(FieldType::Text)) {
        return Ok(Value::Text(body.into()));
    }
    Ok(match (number(body, column), body) {
        (Some(number), _) => number,
        (None, "true" | "on" | "ON") => Value::Bool(true),
        (None, "false" | "off" | "OFF") => Value::Bool(false),
        (None, _) => Value::Text(body.into()),
    })
}

#[cfg(test)]
mod tests;
