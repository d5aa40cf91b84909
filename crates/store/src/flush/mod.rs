//! From memory to files.
//!
//! One thread flushes, one flush at a time: it asks the committer for a new log segment; seals all buckets at one sequence
//! number; writes a Parquet file per table and day, and the newest values of the series that changed; makes the next version
//! of the manifest durable; replaces the sealed buckets by their files; removes the log segments that are not needed. Writers
//! and readers go on meanwhile.
//!
//! Invariants:
//! - the order of syncs is files, folders, manifest, log: after a crash between any two steps the rows are in the log or in
//!   named files, and never read from both, because the log is replayed only behind the manifest's `flushed_seq`;
//! - a flush that fails changes nothing: its rows stay sealed in memory and in the log, and the next flush takes them again.
//!
//! Limits: rows of more than [`plan::SPARSE_DAYS`] days are joined into files of at least [`plan::LEAST_ROWS`] rows.

pub(crate) mod delete;
pub(crate) mod flusher;
pub(crate) mod plan;
pub(crate) mod step;
