//! What the store can be told.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sensorium_model::{Batch, IngestLimits};

/// When an acknowledged write is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Each group of writes is synced before it is acknowledged: survives power loss.
    #[default]
    Fsync,
    /// Writes are acknowledged once the kernel has them and are synced in the background: survives a killed process, can lose
    /// the last fraction of a second at power loss.
    Memory,
}

/// Called by the committer with each stored batch and its sequence number, after the batch is durable and visible.
///
/// It runs on the thread that every write waits for, so it must not block.
pub type CommitListener = Arc<dyn Fn(u64, &Arc<Batch>) + Send + Sync>;

/// The time now, in nanoseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Settings of a store.
#[derive(Clone)]
pub struct StoreConfig {
    /// The folder that the store owns; created when missing.
    pub dir: PathBuf,
    /// Limits on tables and columns, checked again when columns are reserved.
    pub limits: IngestLimits,
    /// When a write is acknowledged.
    pub durability: Durability,
    /// A log segment is closed at this size, in bytes (default 128 MiB).
    pub segment_bytes: u64,
    /// How long the committer waits for company while other writers are active (default 1 ms, at most 100 ms).
    pub commit_delay: Duration,
    /// A group of writes is committed at this size, in bytes (default 1 MiB).
    pub commit_bytes: usize,
    /// Batches that may wait for the committer; further writers wait for room (default 1,024).
    pub queue_batches: usize,
    /// Hard bound on rows held in memory, in bytes; beyond it writers are answered `Busy` (default 256 MiB).
    pub memtable_bytes: usize,
    /// Rows in memory that trigger a flush, in bytes (default 16 MiB).
    pub flush_bytes: usize,
    /// Rows are flushed at the latest after this time (default 30 minutes).
    pub flush_interval: Duration,
    /// Files are merged into ones of up to this size, in bytes (default 512 MiB).
    pub compaction_file_bytes: u64,
    /// All files of a day, or of several days, are merged when none came for this long (default 2 hours).
    pub compaction_settle: Duration,
    /// Writes are refused while the disk has less room than this, in bytes (default 256 MiB; 0 switches it off).
    pub disk_reserve_bytes: u64,
    /// Series in one table; rows of further series are refused (default 1,000,000).
    pub series_per_table: usize,
    /// Rollups in one database (default 100).
    pub rollups_per_database: usize,
    /// Tells what is older than it is kept (default: it is always 1970, so that nothing is).
    pub clock: Clock,
    /// Told of each stored batch.
    pub on_commit: Option<CommitListener>,
}

impl StoreConfig {
    /// The defaults, for a folder.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            limits: IngestLimits::default(),
            durability: Durability::Fsync,
            segment_bytes: 128 << 20,
            commit_delay: Duration::from_millis(1),
            commit_bytes: 1 << 20,
            queue_batches: 1_024,
            memtable_bytes: 256 << 20,
            flush_bytes: 16 << 20,
            flush_interval: Duration::from_secs(30 * 60),
            compaction_file_bytes: 512 << 20,
            compaction_settle: Duration::from_secs(2 * 60 * 60),
            disk_reserve_bytes: 256 << 20,
            series_per_table: 1_000_000,
            rollups_per_database: 100,
            clock: Arc::new(|| 0),
            on_commit: None,
        }
    }
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig")
            .field("dir", &self.dir)
            .field("durability", &self.durability)
            .field("memtable_bytes", &self.memtable_bytes)
            .field("flush_bytes", &self.flush_bytes)
            .finish_non_exhaustive()
    }
}
