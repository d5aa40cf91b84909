//! The store's counters and latencies for Prometheus; sizes are in [`crate::StoreStats`].

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

const APPENDED_BYTES: &str = "sensorium_store_appended_bytes_total";
const FSYNC_SECONDS: &str = "sensorium_store_fsync_seconds";
const COMMIT_BATCHES: &str = "sensorium_store_commit_group_batches";
const FLUSH_SECONDS: &str = "sensorium_store_flush_seconds";
const FLUSH_FAILURES: &str = "sensorium_store_flush_failures_total";
const FLUSHED_ROWS: &str = "sensorium_store_flushed_rows_total";
const FLUSHED_BYTES: &str = "sensorium_store_flushed_bytes_total";

const COMPACTION_SECONDS: &str = "sensorium_store_compaction_seconds";
const COMPACTION_FAILURES: &str = "sensorium_store_compaction_failures_total";
const COMPACTED_BYTES: &str = "sensorium_store_compacted_bytes_total";

const ROLLED_UP_ROWS: &str = "sensorium_store_rolled_up_rows_total";
const ROLLUP_FAILURES: &str = "sensorium_store_rollup_failures_total";

/// Tells the recorder what the figures mean; to be called after the recorder is installed.
pub fn describe_metrics() {
    describe_counter!(APPENDED_BYTES, Unit::Bytes, "Bytes appended to the log");
    describe_histogram!(FSYNC_SECONDS, Unit::Seconds, "Time to sync one group of writes to disk");
    describe_histogram!(COMMIT_BATCHES, Unit::Count, "Writes that shared one sync");
    describe_histogram!(FLUSH_SECONDS, Unit::Seconds, "Time to write the rows in memory to files");
    describe_counter!(FLUSH_FAILURES, Unit::Count, "Flushes that failed and are tried again");
    describe_counter!(FLUSHED_ROWS, Unit::Count, "Rows written to files");
    describe_counter!(FLUSHED_BYTES, Unit::Bytes, "Bytes of files written");
    describe_histogram!(COMPACTION_SECONDS, Unit::Seconds, "Time to merge files into one");
    describe_counter!(COMPACTION_FAILURES, Unit::Count, "Merges that failed and are tried again");
    describe_counter!(COMPACTED_BYTES, Unit::Bytes, "Bytes of files that were merged");
    describe_counter!(ROLLED_UP_ROWS, Unit::Count, "Rows of rollups that were computed");
    describe_counter!(ROLLUP_FAILURES, Unit::Count, "Rollups that could not be computed and are tried again");
}

/// A group of writes is in the log; `fsync` says how long its sync took, if it had one.
pub(crate) fn committed(bytes: usize, batches: usize, fsync: Option<Duration>) {
    counter!(APPENDED_BYTES).increment(bytes as u64);
    histogram!(COMMIT_BATCHES).record(batches as f64);
    if let Some(took) = fsync {
        histogram!(FSYNC_SECONDS).record(took.as_secs_f64());
    }
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

/// Files were merged into one.
pub(crate) fn compacted(bytes: u64, took: Duration) {
    counter!(COMPACTED_BYTES).increment(bytes);
    histogram!(COMPACTION_SECONDS).record(took.as_secs_f64());
}

/// A merge failed.
pub(crate) fn compaction_failed() {
    counter!(COMPACTION_FAILURES).increment(1);
}

/// Rows of a rollup were computed and written.
pub(crate) fn rolled_up(rows: u64) {
    counter!(ROLLED_UP_ROWS).increment(rows);
}

/// A rollup could not be computed.
pub(crate) fn rollup_failed() {
    counter!(ROLLUP_FAILURES).increment(1);
}
