//! The store's figures for Prometheus.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const APPENDED_BYTES: &str = "sensorium_store_appended_bytes_total";
const COMMIT_SECONDS: &str = "sensorium_store_commit_seconds";
const COMMIT_BATCHES: &str = "sensorium_store_commit_group_batches";
const MEMTABLE_BYTES: &str = "sensorium_store_memtable_bytes";
const FLUSH_SECONDS: &str = "sensorium_store_flush_seconds";
const FLUSH_FAILURES: &str = "sensorium_store_flush_failures_total";
const FLUSHED_ROWS: &str = "sensorium_store_flushed_rows_total";
const FLUSHED_BYTES: &str = "sensorium_store_flushed_bytes_total";
const FILES: &str = "sensorium_store_files";
const FILE_BYTES: &str = "sensorium_store_file_bytes";

/// Tells the recorder what the figures mean; to be called after the recorder is installed.
pub fn describe_metrics() {
    describe_counter!(APPENDED_BYTES, Unit::Bytes, "Bytes appended to the log");
    describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "Time to write and sync one group of writes");
    describe_histogram!(COMMIT_BATCHES, Unit::Count, "Writes that shared one sync");
    describe_gauge!(MEMTABLE_BYTES, Unit::Bytes, "Rows in memory, those of writes under way included");
    describe_histogram!(FLUSH_SECONDS, Unit::Seconds, "Time to write the rows in memory to files");
    describe_counter!(FLUSH_FAILURES, Unit::Count, "Flushes that failed and are tried again");
    describe_counter!(FLUSHED_ROWS, Unit::Count, "Rows written to files");
    describe_counter!(FLUSHED_BYTES, Unit::Bytes, "Bytes of files written");
    describe_gauge!(FILES, Unit::Count, "Data files");
    describe_gauge!(FILE_BYTES, Unit::Bytes, "Size of the data files");
}

/// A group of writes is on disk.
pub(crate) fn committed(bytes: usize, batches: usize, took: Duration) {
    counter!(APPENDED_BYTES).increment(bytes as u64);
    histogram!(COMMIT_BATCHES).record(batches as f64);
    histogram!(COMMIT_SECONDS).record(took.as_secs_f64());
}

/// Rows came into memory or left it.
pub(crate) fn memory(bytes: usize) {
    gauge!(MEMTABLE_BYTES).set(bytes as f64);
}

/// Rows are in files.
pub(crate) fn flushed(rows: u64, bytes: u64, took: Duration) {
    counter!(FLUSHED_ROWS).increment(rows);
    counter!(FLUSHED_BYTES).increment(bytes);
    histogram!(FLUSH_SECONDS).record(took.as_secs_f64());
}

/// A flush failed.
pub(crate) fn flush_failed() {
    counter!(FLUSH_FAILURES).increment(1);
}

/// The files in use.
pub(crate) fn files(count: usize, bytes: u64) {
    gauge!(FILES).set(count as f64);
    gauge!(FILE_BYTES).set(bytes as f64);
}
