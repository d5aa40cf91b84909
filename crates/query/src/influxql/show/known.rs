//! The series of a table that have values, and their tags.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, TimestampNanosecondType};
use sensorium_model::{DatabaseKey, Name, TableSchema};
use sensorium_store::arrow_schema;

use super::super::Context;
use crate::error::QueryError;

/// The series of one table.
pub(super) struct KnownSeries<'s> {
    pub(super) measurement: &'s str,
    pub(super) schema: &'s TableSchema,
    /// The tag columns, by name.
    keys: Vec<&'s str>,
    /// The time and the tags, a row each.
    rows: RecordBatch,
}

impl<'s> KnownSeries<'s> {
    pub(super) fn open(
        context: Context<'_>,
        key: &DatabaseKey,
        (name, schema): (&'s Name, &'s TableSchema),
    ) -> Result<Self, QueryError> {
        let failed = |error: arrow::error::ArrowError| context.sessions.error(error.into());
        let keys: Vec<&str> = schema.tags().map(AsRef::as_ref).collect();
        let columns = arrow_schema(schema).project(&(0..=keys.len()).collect::<Vec<_>>()).map_err(failed)?;
        let rows = context.store().last_batch(key, name, &Arc::new(columns)).map_err(failed)?;
        Ok(Self { measurement: name, schema, keys, rows })
    }

    pub(super) fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// When a series had its newest value.
    pub(super) fn newest_ns(&self, series: usize) -> i64 {
        self.rows.column(0).as_primitive::<TimestampNanosecondType>().value(series)
    }

    /// A tag of a series; empty when it has none of that name.
    pub(super) fn tag(&self, series: usize, key: &str) -> &str {
        let column = self.keys.binary_search(&key).ok().and_then(|index| self.value(series, index));
        column.unwrap_or_default()
    }

    /// The tags of a series, by name.
    pub(super) fn tags(&self, series: usize) -> impl Iterator<Item = (&'s str, &str)> {
        let tags = self.keys.iter().enumerate();
        tags.filter_map(move |(index, key)| Some((*key, self.value(series, index)?)))
    }

    fn value(&self, series: usize, key: usize) -> Option<&str> {
        let column = self.rows.columns().get(key + 1)?.as_dictionary::<Int32Type>();
        let value = column.key(series)?;
        Some(column.values().as_string::<i32>().value(value))
    }
}
