//! Readings in columns: what the log, the memtable, the live hub and the flows all see.

use std::collections::{HashMap, HashSet};

use crate::column::{FieldColumn, TagColumn};
use crate::names::{DEVICE_TAG, DatabaseKey, Name};
use crate::series::SeriesKey;

/// Rows of one table.
///
/// Invariants, checked by [`TableBatch::is_rectangular`]: every column and `source` have as many rows as `time_ns`;
/// tags and fields are each sorted by name.
#[derive(Debug, Clone, PartialEq)]
pub struct TableBatch {
    /// The table.
    pub table: Name,
    /// Time of each row, nanoseconds since the epoch.
    pub time_ns: Vec<i64>,
    /// Tag columns, sorted by name.
    pub tags: Vec<TagColumn>,
    /// Field columns, sorted by name.
    pub fields: Vec<FieldColumn>,
    /// The line or item, from 1, of the request that each row came from; reported when the row is refused.
    pub source: Vec<u32>,
}

impl TableBatch {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.time_ns.len()
    }

    /// Whether all columns have one length and are in order.
    pub fn is_rectangular(&self) -> bool {
        let rows = self.rows();
        self.source.len() == rows
            && self.tags.iter().all(|tag| tag.keys.len() == rows)
            && self.fields.iter().all(|field| field.values.len() == rows && field.valid.len() == rows)
            && self.tags.is_sorted_by(|a, b| a.name < b.name)
            && self.fields.is_sorted_by(|a, b| a.name < b.name)
    }

    /// The tags of a row that are present, sorted by name.
    pub fn row_tags(&self, row: usize) -> impl Iterator<Item = (&str, &str)> {
        self.tags.iter().filter_map(move |tag| tag.get(row).map(|value| (tag.name.as_ref(), value.as_ref())))
    }

    /// The column of the tag that names the device of each row.
    fn device_tag(&self) -> Option<&TagColumn> {
        self.tags.iter().find(|tag| *tag.name == *DEVICE_TAG)
    }

    /// The series that a row belongs to.
    pub fn series_key(&self, row: usize) -> SeriesKey {
        SeriesKey::from_sorted(self.row_tags(row))
    }

    /// The earliest and latest time, if there are rows.
    pub fn time_bounds(&self) -> Option<(i64, i64)> {
        Some((*self.time_ns.iter().min()?, *self.time_ns.iter().max()?))
    }
}

/// Readings for one database: what one request, message or sample brought, stored as a whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Where the readings go.
    pub database: DatabaseKey,
    /// One entry per table, each with at least one row.
    pub tables: Vec<TableBatch>,
}

impl Batch {
    /// The number of rows in all tables.
    pub fn rows(&self) -> usize {
        self.tables.iter().map(TableBatch::rows).sum()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows() == 0
    }

    /// The devices that rows name by the tag [`DEVICE_TAG`], each once, in order of appearance.
    pub fn devices(&self) -> Vec<Name> {
        let mut devices: Vec<Name> = Vec::new();
        let mut seen = HashSet::new();
        for name in self.tables.iter().flat_map(TableBatch::device_tag).flat_map(|tag| &tag.dictionary) {
            if seen.insert(name) {
                devices.push(name.clone());
            }
        }
        devices
    }

    /// How many rows name each device.
    pub fn rows_by_device(&self) -> HashMap<Name, u64> {
        let mut rows = HashMap::new();
        for tag in self.tables.iter().flat_map(TableBatch::device_tag) {
            for name in (0..tag.keys.len()).filter_map(|row| tag.get(row)) {
                *rows.entry(name.clone()).or_default() += 1;
            }
        }
        rows
    }

    /// Gives devices other names; those that are not named stay.
    pub fn rename_devices(&mut self, names: &HashMap<Name, Name>) {
        for table in &mut self.tables {
            if let Some(tag) = table.tags.iter_mut().find(|tag| *tag.name == *DEVICE_TAG) {
                tag.rename(|name| names.get(name).unwrap_or(name).clone());
            }
        }
    }
}
