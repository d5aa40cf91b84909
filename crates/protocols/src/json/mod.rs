//! Readings as JSON: one object, a list of objects, or several of either one after the other (NDJSON).
//!
//! ```json
//! {"table": "room", "time": "2026-02-04T17:51:00Z", "tags": {"place": "room1"}, "temperature": 21.5, "door": {"open": true}}
//! ```
//!
//! - `table` names the table, unless the request does;
//! - `time` (or `timestamp`) is RFC 3339 or a number since 1970, whose unit the request names or its size tells
//!   ([`crate::time::guess_precision`]); without it a reading gets the time of receipt;
//! - `tags` is an object of text, numbers or truth values, all stored as text; nulls are left out;
//! - every other key is a field. Objects inside of it are flattened with `_` (`door_open`), lists with `_0`, `_1` …;
//!   nulls are left out. Flattened names that the request lists as tags become tags;
//! - a number is a float, unless the column is an integer and the number fits it, or the number is an integer beyond
//!   2^53, which a float could not hold.
//!
//! A reading that breaks a rule costs only itself. Text that is no JSON at all refuses the request as a whole, because
//! nobody can tell where the next reading starts.
//!
//! Limits: [`MAX_DEPTH`] levels of nesting; memory per request is that of the rows, no tree is built.

mod any_shape;
mod item;
pub(crate) mod text;
pub(crate) mod walk;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use sensorium_model::{BatchBuilder, Point, Precision};
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::refusals::Refusals;

pub(crate) use any_shape::{check, decode_any_shape};

/// The deepest nesting of objects and lists inside of a reading.
pub const MAX_DEPTH: usize = 16;

/// How to read a body.
#[derive(Debug, Clone, Copy)]
pub struct Options<'o> {
    /// The table of readings that do not name one.
    pub table: Option<&'o str>,
    /// Flattened names that are tags instead of fields.
    pub tags: &'o HashSet<String>,
    /// The unit of times that are numbers; guessed by their size when absent.
    pub precision: Option<Precision>,
    /// The time of readings without one: when the request was received, nanoseconds since the epoch.
    pub now_ns: i64,
}

/// Why a body is refused as a whole.
#[derive(Debug, Error)]
pub enum JsonError {
    /// There is nothing in it.
    #[error("the body is empty; send one reading as a JSON object, or a list of them")]
    Empty,
    /// It is no JSON.
    #[error("the body is no JSON: {source}")]
    Syntax {
        /// What the parser found, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// It is JSON, but neither objects nor lists of objects.
    #[error("a reading in JSON is an object, and several are a list of objects")]
    NotObjects,
}

/// Reads a whole body into the builder; refused readings go to `refusals`, numbered from 1. Returns the number of
/// readings that were seen. After an error the builder holds the readings before it and must be thrown away.
pub fn decode(
    body: &[u8],
    options: &Options<'_>,
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Result<u64, JsonError> {
    decode_tagged(body, options, &[], builder, refusals)
}

/// As [`decode`]; each reading gets tags besides, unless it has them itself.
pub(crate) fn decode_tagged(
    body: &[u8],
    options: &Options<'_>,
    tags: &[(Cow<'_, str>, Cow<'_, str>)],
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Result<u64, JsonError> {
    Items { options, topic: None, tags, builder, refusals, point: Point::default(), seen: 0 }.run(body)
}

/// Takes readings one by one.
struct Items<'i, 's, 'b> {
    options: &'i Options<'i>,
    /// Where objects of any shape were published.
    topic: Option<&'b str>,
    /// Tags of readings that do not have them.
    tags: &'i [(Cow<'i, str>, Cow<'i, str>)],
    builder: &'i mut BatchBuilder<'s>,
    refusals: &'i mut Refusals,
    point: Point<'b>,
    seen: u64,
}

impl<'b> Items<'_, '_, 'b> {
    fn run(mut self, body: &'b [u8]) -> Result<u64, JsonError> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        for document in serde_json::Deserializer::from_slice(body).into_iter::<&RawValue>() {
            let document = document.map_err(|source| JsonError::Syntax { source })?.get();
            if document.starts_with('[') {
                let mut list = serde_json::Deserializer::from_str(document);
                list.deserialize_seq(List(&mut self)).map_err(|source| JsonError::Syntax { source })?;
            } else {
                self.take(document);
            }
        }
        match self.seen {
            0 if body.trim_ascii().is_empty() => Err(JsonError::Empty),
            seen => Ok(seen),
        }
    }

    fn take(&mut self, item: &'b str) {
        self.seen += 1;
        let number = u32::try_from(self.seen).unwrap_or(u32::MAX);
        let read = item::read(item, self.options, self.topic, self.builder, &mut self.point);
        for (name, value) in self.tags {
            if self.point.tags.iter().all(|(known, _)| known != name) {
                self.point.tags.push((Cow::Owned(name.to_string()), Cow::Owned(value.to_string())));
            }
        }
        let pushed = read.map_err(Into::into).and_then(|()| self.builder.push(&self.point, number));
        if let Err(error) = pushed {
            self.refusals.push(number, error, item.as_bytes());
        }
    }
}

/// A list of readings, which never stands in memory as a list.
struct List<'l, 'i, 's, 'b>(&'l mut Items<'i, 's, 'b>);

impl<'b> Visitor<'b> for List<'_, '_, '_, 'b> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of readings")
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element_seed(std::marker::PhantomData::<&'b RawValue>)? {
            self.0.take(item.get());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
