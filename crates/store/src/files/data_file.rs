//! A data file in use.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::manifest::FileEntry;

/// A Parquet file. It stays readable while someone holds it: a file that was replaced is deleted when the last holder lets go.
#[derive(Debug)]
pub struct DataFile {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// The earliest time in it.
    pub time_min_ns: i64,
    /// The latest time in it.
    pub time_max_ns: i64,
    /// The version of the manifest that named it first.
    pub(crate) version: u64,
    since: Instant,
    retired: AtomicBool,
}

impl DataFile {
    /// The file at `path` that an entry of the manifest describes.
    pub(crate) fn new(path: PathBuf, entry: &FileEntry) -> Self {
        Self {
            path,
            bytes: entry.bytes,
            rows: entry.rows,
            time_min_ns: entry.time_min_ns,
            time_max_ns: entry.time_max_ns,
            version: entry.version(),
            since: Instant::now(),
            retired: AtomicBool::new(false),
        }
    }

    /// For how long this process has had the file.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Deletes the file when nobody holds it any more; the manifest does not name it any more.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
    }
}

impl Drop for DataFile {
    fn drop(&mut self) {
        if !self.retired.load(Ordering::SeqCst) {
            return;
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a replaced file could not be removed; the next start does it");
        }
    }
}
