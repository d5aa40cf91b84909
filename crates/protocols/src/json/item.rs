//! One JSON object: from its text to a point.

use std::borrow::Cow;

use sensorium_model::names::TIME_COLUMN;
use sensorium_model::time::NANOS_PER_SECOND;
use sensorium_model::{BatchBuilder, Point, RowError, Value};
use thiserror::Error;

use super::text::{first, text};
use super::walk::{LongName, elements, entries, flattened};
use super::{MAX_DEPTH, Options};
use crate::numbers::number;
use crate::payload::TOPIC_TAG;
use crate::time::{TimeTextError, parse_utc};

/// What is wrong with a reading.
#[derive(Debug, Error)]
pub(super) enum ItemError {
    #[error("a reading is a JSON object like {{\"table\": \"room\", \"temperature\": 21.5}}")]
    NotAnObject,
    #[error("the reading names no table; add \"table\": \"…\", or ?table=… to the address")]
    NoTable,
    #[error("\"{0}\" is text")]
    NotText(&'static str),
    #[error("\"tags\" is an object of texts, like {{\"place\": \"room1\"}}")]
    Tags,
    #[error("field {0:?}: the number is too large for 64 bits")]
    Number(String),
    #[error("objects and lists are nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    #[error("the reading has more than {0} columns")]
    TooManyColumns(usize),
    #[error(transparent)]
    LongName(#[from] LongName),
    #[error("{0}")]
    Time(#[from] TimeTextError),
    #[error("{0}")]
    Json(String),
}

impl From<serde_json::Error> for ItemError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

impl From<ItemError> for RowError {
    fn from(error: ItemError) -> Self {
        match error {
            ItemError::TooManyColumns(limit) => Self::Limit {
                what: "the number of columns of one reading".into(),
                limit,
                setting: "limits.columns_per_table",
            },
            other => Self::Malformed(other.to_string()),
        }
    }
}

/// Names that the time of a reading has in objects of any shape.
const TIMES: [&str; 4] = ["time", "timestamp", "Time", "ts"];
/// What is before the year 2000 is no time of a reading, but for example the seconds since a device was switched on.
const EARLIEST_NS: i64 = 946_684_800 * NANOS_PER_SECOND;

/// Whether an object is a reading as we describe them: it names its table, or has tags.
fn is_reading(item: &str) -> bool {
    let mut found = false;
    let walked = entries(item, |key, value| {
        found |= matches!((key.as_ref(), first(value)), ("table", b'"') | ("tags", b'{'));
        Ok::<_, ItemError>(())
    });
    walked.is_ok() && found
}

/// Reads an object into `point`, whose vectors are reused. With a topic it may be of any shape.
pub(super) fn read<'b>(
    item: &'b str,
    options: &Options<'_>,
    topic: Option<&'b str>,
    builder: &BatchBuilder<'_>,
    point: &mut Point<'b>,
) -> Result<(), ItemError> {
    point.tags.clear();
    point.fields.clear();
    point.table = Cow::Borrowed("");
    point.time_ns = options.now_ns;
    if !item.starts_with('{') {
        return Err(ItemError::NotAnObject);
    }
    // Numbers need the column's type and so the table, which may be the last key: they are read in a second step.
    let mut numbers = Vec::new();
    let max_columns = builder.limits().columns_per_table;
    let mut reading = Reading { options, point, numbers: &mut numbers, max_columns, values: 0 };
    match topic.filter(|_| !is_reading(item)) {
        Some(topic) => reading.of_any_shape(item, topic)?,
        None => reading.object(item)?,
    }
    if point.table.is_empty() {
        point.table = Cow::Owned(options.table.ok_or(ItemError::NoTable)?.to_owned());
    }
    for (position, text) in numbers {
        if let Some((name, value)) = point.fields.get_mut(position) {
            let kind = builder.kind(&point.table, name);
            *value = number(text, kind).ok_or_else(|| ItemError::Number(name.to_string()))?;
        }
    }
    Ok(())
}

struct Reading<'r, 'b> {
    options: &'r Options<'r>,
    point: &'r mut Point<'b>,
    /// Fields whose number is not read yet: where they stand and their text.
    numbers: &'r mut Vec<(usize, &'b str)>,
    max_columns: usize,
    /// Values so far, nulls and empty objects included: they cost work too.
    values: usize,
}

impl<'b> Reading<'_, 'b> {
    fn object(&mut self, item: &'b str) -> Result<(), ItemError> {
        entries(item, |key, value| match (key.as_ref(), first(value)) {
            ("table", _) => {
                self.point.table = text(value).ok_or(ItemError::NotText("table"))?;
                Ok(())
            }
            ("time" | "timestamp", b'n') => Ok(()),
            ("time" | "timestamp", _) => self.time(value),
            ("tags", b'n') => Ok(()),
            ("tags", b'{') => entries(value, |name, value| self.tag(name, value)),
            ("tags", _) => Err(ItemError::Tags),
            _ => self.column(key, value, 1),
        })
    }

    /// An object of any shape: all of it is fields, but for the first member that tells the time.
    fn of_any_shape(&mut self, item: &'b str, topic: &'b str) -> Result<(), ItemError> {
        self.point.tags.push((Cow::Borrowed(TOPIC_TAG), Cow::Borrowed(topic)));
        let mut has_time = false;
        entries(item, |key, value| {
            if !has_time
                && TIMES.contains(&key.as_ref())
                && let Some(time_ns) = moment(value)
            {
                self.point.time_ns = time_ns;
                has_time = true;
                return Ok(());
            }
            let is_taken = matches!(key.as_ref(), TIME_COLUMN | TOPIC_TAG);
            self.column(if is_taken { Cow::Owned(format!("payload_{key}")) } else { key }, value, 1)
        })
    }

    fn time(&mut self, value: &'b str) -> Result<(), ItemError> {
        let time = match first(value) {
            b'"' => text(value).unwrap_or_default(),
            _ => Cow::Borrowed(value),
        };
        self.point.time_ns = parse_utc(&time, self.options.precision)?;
        Ok(())
    }

    fn tag(&mut self, name: Cow<'b, str>, value: &'b str) -> Result<(), ItemError> {
        self.check_columns()?;
        match first(value) {
            b'n' => {}
            b'"' => self.point.tags.push((name, text(value).unwrap_or_default())),
            b'{' | b'[' => return Err(ItemError::Tags),
            _ => self.point.tags.push((name, Cow::Borrowed(value))),
        }
        Ok(())
    }

    /// A value outside of `tags`: a field, or several when it is nested.
    fn column(&mut self, name: Cow<'b, str>, value: &'b str, depth: usize) -> Result<(), ItemError> {
        self.check_columns()?;
        match first(value) {
            b'{' | b'[' if depth >= MAX_DEPTH => Err(ItemError::TooDeep),
            b'{' => entries(value, |key, value| self.column(flattened(&name, &key)?, value, depth + 1)),
            b'[' => {
                elements(value, |index, value| self.column(flattened(&name, &index.to_string())?, value, depth + 1))
            }
            b'n' => Ok(()),
            _ if self.options.tags.contains(name.as_ref()) => self.tag(name, value),
            b'"' => {
                let text = text(value).ok_or_else(|| ItemError::Json(format!("the text of {name:?} is broken")))?;
                self.point.fields.push((name, Value::Text(text)));
                Ok(())
            }
            b't' | b'f' => {
                self.point.fields.push((name, Value::Bool(value == "true")));
                Ok(())
            }
            _ => {
                self.numbers.push((self.point.fields.len(), value));
                self.point.fields.push((name, Value::F64(0.0)));
                Ok(())
            }
        }
    }

    fn check_columns(&mut self) -> Result<(), ItemError> {
        self.values += 1;
        match self.values > self.max_columns {
            true => Err(ItemError::TooManyColumns(self.max_columns)),
            false => Ok(()),
        }
    }
}

/// The time that a value of an unknown shape tells, if it does.
fn moment(value: &str) -> Option<i64> {
    let time = if first(value) == b'"' { text(value)? } else { Cow::Borrowed(value) };
    parse_utc(&time, None).ok().filter(|time_ns| *time_ns >= EARLIEST_NS)
}
