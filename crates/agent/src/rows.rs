//! Where the collectors put their rows: a batch, with the time and the `host` tag filled in.

use std::borrow::Cow;

use sensorium_model::{BatchBuilder, Point, RowError, Value};

/// A named field.
pub(crate) type Field = (&'static str, Value<'static>);

/// An integer field; Telegraf writes signed integers, so counters beyond 2^63 stay at the end of the range.
pub(crate) fn int(value: u64) -> Value<'static> {
    Value::I64(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A part as a percentage of a whole; 0 of an empty whole.
pub(crate) fn percent(part: u64, whole: u64) -> Value<'static> {
    Value::F64(if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 })
}

/// The rows of one sample.
pub(crate) struct Rows<'r, 's> {
    into: &'r mut BatchBuilder<'s>,
    host: &'r str,
    time_ns: i64,
    written: u32,
    refused: Vec<(&'static str, RowError)>,
}

impl<'r, 's> Rows<'r, 's> {
    pub(crate) fn new(into: &'r mut BatchBuilder<'s>, host: &'r str, time_ns: i64) -> Self {
        Self { into, host, time_ns, written: 0, refused: Vec::new() }
    }

    /// Adds a row; a row that the batch refuses is kept for the report and harms no other.
    pub(crate) fn push(&mut self, table: &'static str, tags: &[(&'static str, &str)], fields: &[Field]) {
        let mut point = Point::new(table, self.time_ns);
        point.tags.reserve(tags.len() + 1);
        point.tags.push((Cow::Borrowed("host"), Cow::Borrowed(self.host)));
        point.tags.extend(tags.iter().map(|(name, value)| (Cow::Borrowed(*name), Cow::Borrowed(*value))));
        point.fields.extend(fields.iter().map(|(name, value)| (Cow::Borrowed(*name), value.clone())));
        match self.into.push(&point, self.written + 1) {
            Ok(()) => self.written += 1,
            Err(error) => self.refused.push((table, error)),
        }
    }

    /// The number of rows written, and the refused ones.
    pub(crate) fn finish(self) -> (u32, Vec<(&'static str, RowError)>) {
        (self.written, self.refused)
    }
}
