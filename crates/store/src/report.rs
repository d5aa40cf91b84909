//! What the store answers: reports of writes and of recovery, last values, snapshots and figures.

use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use sensorium_model::{Name, Rejection, SeriesKey, TableSchema, Value};

use crate::deletion::Deletion;
use crate::files::data_file::DataFile;
use crate::rollup::definition::Rollup;

/// What became of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteReport {
    /// Sequence number of the batch; when no row was accepted, the newest one of the store.
    pub seq: u64,
    /// Rows stored.
    pub accepted: usize,
    /// Rows refused, in ascending order of line.
    pub rejected: Vec<Rejection>,
}

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecoveryReport {
    /// Log segments read.
    pub segments: usize,
    /// Records of the log that were not yet in data files.
    pub records: u64,
    /// Rows in those records.
    pub rows: u64,
    /// Bytes of an unfinished last write that were cut off; it was never acknowledged.
    pub torn_bytes: u64,
    /// Files of an unfinished flush that were removed; their rows are in the log.
    pub removed_files: usize,
    /// Data files that the manifest does not name and that were left alone.
    pub unknown_files: usize,
    /// Data files in use.
    pub files: usize,
}

/// The newest values of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct LastRow {
    /// The series.
    pub series: SeriesKey,
    /// One entry per field that the series ever had, sorted by name.
    pub fields: Vec<LastField>,
}

/// The newest value of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct LastField {
    /// The field.
    pub name: Name,
    /// Time of the value, nanoseconds since the epoch.
    pub time_ns: i64,
    /// The value.
    pub value: Value<'static>,
}

/// The rows of a table at one moment.
#[derive(Debug, Clone)]
pub struct TableSnapshot {
    /// The table's columns; a source may lack the newest of them.
    pub schema: Arc<TableSchema>,
    /// Oldest first: on equal series and time, a newer source wins field by field.
    pub sources: Vec<Source>,
}

/// Part of a table's rows, sorted by tags (by column name, absent first), then by time, with unique keys.
#[derive(Debug, Clone)]
pub struct Source {
    /// The earliest time, deleted rows included.
    pub time_min_ns: i64,
    /// The latest time, deleted rows included.
    pub time_max_ns: i64,
    /// The number of rows, deleted ones included.
    pub rows: u64,
    /// The rows.
    pub data: SourceData,
    /// What is to be left out of the rows before they are merged with those of other sources.
    pub deletions: Vec<Arc<Deletion>>,
}

/// Where the rows of a source are.
#[derive(Debug, Clone)]
pub enum SourceData {
    /// In memory, with the columns of [`crate::arrow_schema`].
    Memory(RecordBatch),
    /// In a Parquet file, which stays readable while the reference is held.
    File(Arc<DataFile>),
}

/// A rollup and what is still to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupInfo {
    /// The rollup.
    pub rollup: Rollup,
    /// For how long its rows are kept, where its table has a time of its own.
    pub keep: Option<Duration>,
    /// Windows that are to be computed, those without readings between others included.
    pub pending_windows: u64,
    /// The start of the first of them and the end of the last, nanoseconds since the epoch.
    pub pending_ns: Option<(i64, i64)>,
    /// Why windows could not be computed, or not with all of their rows, when that was tried last.
    pub problem: Option<String>,
}

/// Sizes and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Databases of all organisations.
    pub databases: usize,
    /// Tables in all databases.
    pub tables: usize,
    /// Series in all tables.
    pub series: usize,
    /// Bytes of rows in memory, those of writes under way included.
    pub memtable_bytes: usize,
    /// Rows in memory.
    pub memtable_rows: u64,
    /// Data files.
    pub files: usize,
    /// Their size.
    pub file_bytes: u64,
    /// Their rows, before duplicates are resolved.
    pub file_rows: u64,
    /// Log segments.
    pub log_segments: usize,
    /// Their size.
    pub log_bytes: u64,
    /// The newest sequence number.
    pub last_seq: u64,
    /// The newest sequence number whose rows are in data files.
    pub flushed_seq: u64,
    /// Whether a failed sync stopped writing.
    pub poisoned: bool,
    /// Whether writes are refused because the disk has too little room.
    pub disk_is_low: bool,
    /// Room that is left on the disk, in bytes; unknown when none is to be kept free, or when the disk does not say.
    pub disk_free_bytes: Option<u64>,
    /// Room that is to be kept free, in bytes (`store.disk_reserve_bytes`).
    pub disk_reserve_bytes: u64,
}
