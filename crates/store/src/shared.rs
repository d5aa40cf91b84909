//! What the writers, the committer, the flusher and the readers share.
//!
//! Invariants:
//! - once poisoned, nothing is appended, acknowledged or flushed any more;
//! - `applied.seq` is the newest record whose rows are visible; it moves only while `applied` is locked, so that a flush that
//!   seals under the same lock knows exactly which records it has;
//! - `memory` counts the rows in memory and those of writes under way, and is kept below its limit by
//!   refusing writes; only what is replayed at start may exceed it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sensorium_model::TableSchema;

use crate::catalog::Catalog;
use crate::commit::queue::CommitQueue;
use crate::config::StoreConfig;
use crate::deletion::Deletion;
use crate::disk::DiskWatch;
use crate::error::WriteError;
use crate::flush::delete::Delete;
use crate::folder::Layout;
use crate::manifest::{CommitError, Edit, LastEntry, Manifest};
use crate::requests::Requests;
use crate::rollup::progress::Rolling;
use crate::table::{Growth, Table};
use crate::wal::file::LogFolder;
use crate::wal::writer::ClosedSegments;

/// When a writer that found no room should try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The store's state.
pub(crate) struct Shared {
    pub(crate) config: StoreConfig,
    pub(crate) layout: Layout,
    pub(crate) catalog: Catalog,
    /// Held while a version is made, for a flush from its first file on: the version is in the files' names.
    pub(crate) manifest: Mutex<Manifest>,
    pub(crate) memory: Arc<MemoryBudget>,
    pub(crate) disk: DiskWatch,
    pub(crate) applied: Mutex<Applied>,
    pub(crate) queue: CommitQueue,
    pub(crate) flush: Requests,
    pub(crate) compaction: Requests,
    /// Requests to the thread that computes rollups, and its progress.
    pub(crate) rolling: Rolling,
    /// What the flusher is to delete.
    pub(crate) deletes: Mutex<Vec<Delete>>,
    pub(crate) closed_segments: ClosedSegments,
    pub(crate) open_segment_bytes: AtomicU64,
    pub(crate) flushed_seq: AtomicU64,
    pub(crate) creating: Mutex<()>,
    poisoned: AtomicBool,
    /// Where a test interrupts the next flush, merge or rollup.
    #[cfg(test)]
    pub(crate) crash_at: Mutex<Option<Moment>>,
}

/// The moments between the steps of a flush, a merge or a rollup, at which tests let the process "crash".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The files of a flush are durable, the manifest does not name them yet.
    FilesWritten,
    /// The manifest names the files of a flush, the log still has their rows.
    ManifestWritten,
    /// A merged file is durable, the manifest still names its inputs.
    MergeWritten,
    /// The manifest names a merged file, its inputs are still there.
    MergeNamed,
    /// Rows of a rollup are deleted, the manifest still says that they are to be.
    RollupCleared,
    /// Results of a rollup are in the log, nobody knows that their windows are computed.
    RollupWritten,
}

/// What has become visible.
#[derive(Default)]
pub(crate) struct Applied {
    /// The newest record.
    pub(crate) seq: u64,
    /// Tables with rows that are not sealed.
    pub(crate) tables: Vec<Arc<Table>>,
    /// Bytes of those rows.
    pub(crate) bytes: usize,
    /// When the first of those rows came.
    pub(crate) since: Option<Instant>,
}

impl Applied {
    /// Notes rows that became visible.
    pub(crate) fn add(&mut self, table: &Arc<Table>, growth: Growth) {
        self.bytes += growth.bytes;
        if growth.first {
            self.tables.push(Arc::clone(table));
            self.since.get_or_insert_with(Instant::now);
        }
    }
}

impl Shared {
    pub(crate) fn new(
        config: StoreConfig,
        layout: Layout,
        files: Arc<dyn LogFolder>,
        manifest: Manifest,
        closed_segments: ClosedSegments,
    ) -> Self {
        Self {
            disk: DiskWatch::new(layout.root.clone(), files, config.disk_reserve_bytes),
            memory: Arc::new(MemoryBudget { used: AtomicUsize::new(0), limit: config.memtable_bytes }),
            queue: CommitQueue::new(config.queue_batches),
            config,
            layout,
            catalog: Catalog::default(),
            manifest: Mutex::new(manifest),
            applied: Mutex::default(),
            flush: Requests::default(),
            compaction: Requests::default(),
            rolling: Rolling::default(),
            deletes: Mutex::default(),
            closed_segments,
            open_segment_bytes: AtomicU64::new(0),
            flushed_seq: AtomicU64::new(0),
            creating: Mutex::default(),
            poisoned: AtomicBool::new(false),
            #[cfg(test)]
            crash_at: Mutex::default(),
        }
    }

    /// Unsealed bytes at which rows are flushed; half of the bound, should that be less, so that writers need not wait.
    pub(crate) fn flush_bytes(&self) -> usize {
        self.config.flush_bytes.min(self.config.memtable_bytes / 2).max(1)
    }

    /// Stops everything that writes.
    pub(crate) fn poison(&self) {
        self.poisoned.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::SeqCst)
    }

    /// Whether writes are still taken.
    pub(crate) fn check_open(&self) -> Result<(), WriteError> {
        if self.is_poisoned() {
            return Err(WriteError::Poisoned);
        }
        if self.queue.is_closed() { Err(WriteError::Closed) } else { Ok(()) }
    }

    /// The columns of a table now.
    pub(crate) fn schema_of(&self, table: &Table) -> Arc<TableSchema> {
        let database = self.catalog.get(&table.database);
        database.and_then(|database| database.table_schema(&table.name)).unwrap_or_default()
    }

    /// For how long rows of a table are kept; for ever, if `None`.
    pub(crate) fn keeps(&self, table: &Table) -> Option<Duration> {
        self.catalog.get(&table.database)?.keeps(&table.name)
    }

    /// The rows of a table that are older than they are kept.
    pub(crate) fn expired(&self, table: &Table) -> Option<Arc<Deletion>> {
        let keep = i64::try_from(self.keeps(table)?.as_nanos()).ok()?;
        Some(Arc::new(Deletion::before((self.config.clock)().saturating_sub(keep))))
    }

    /// The earliest time of rows that are not too old to be kept.
    pub(crate) fn earliest_ns(&self, table: &Table) -> i64 {
        self.expired(table).map_or(i64::MIN, |expired| expired.time_max_ns.saturating_add(1))
    }

    /// Removes files of last values that are not needed any more. When that fails, the next start does it.
    pub(crate) fn remove_last(&self, needless: &[LastEntry]) {
        for entry in needless {
            let path = self.layout.root.join(&entry.path);
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "a file that is not needed any more could not be removed");
            }
        }
    }

    /// A file's path as the manifest names it: relative to the store's folder.
    pub(crate) fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.layout.root).unwrap_or(path).to_string_lossy().into_owned()
    }

    /// Makes the next version of the manifest durable; returns files of last values that are not needed any more. When that
    /// fails, the files that were `written` for it are removed.
    pub(crate) fn commit(
        &self,
        manifest: &mut Manifest,
        edit: &Edit,
        written: &[PathBuf],
    ) -> Result<Vec<LastEntry>, WriteError> {
        let needless = manifest.commit(edit).map_err(|error| self.commit_failed(error, written))?;
        if self.rolling.note(&edit.rollups) {
            self.rolling.requests.wake();
        }
        if let Err(error) = manifest.checkpoint_if_due() {
            tracing::warn!(%error, "the manifest's checkpoint could not be written; it is tried again");
        }
        Ok(needless)
    }

    /// Says why a version of the manifest was not committed; poisons the store if nobody knows whether it was.
    fn commit_failed(&self, error: CommitError, written: &[PathBuf]) -> WriteError {
        match error {
            CommitError::Failed { source, .. } => {
                written.iter().for_each(|path| drop(std::fs::remove_file(path)));
                WriteError::io("write the manifest", source)
            }
            CommitError::Unknown { path, source } => {
                tracing::error!(path = %path.display(), %source, "the manifest's state is unknown; nothing more is written");
                self.poison();
                WriteError::io("write the manifest", source)
            }
        }
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "only tests interrupt this")]
    pub(crate) fn reached(&self, _moment: Moment) -> Result<(), WriteError> {
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn reached(&self, moment: Moment) -> Result<(), WriteError> {
        if self.crash_at.lock().is_some_and(|at| at == moment) {
            self.poison();
            return Err(WriteError::Poisoned);
        }
        Ok(())
    }

    /// The answer to a writer whose request the committer dropped.
    pub(crate) fn dropped(&self) -> WriteError {
        if self.is_poisoned() { WriteError::Poisoned } else { WriteError::Closed }
    }
}

/// Bytes of rows in memory.
pub(crate) struct MemoryBudget {
    used: AtomicUsize,
    limit: usize,
}

/// Room for a write under way; given back when dropped.
pub(crate) struct Reservation {
    budget: Arc<MemoryBudget>,
    bytes: usize,
}

impl MemoryBudget {
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether so little room is left that work in the background should wait.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.used() > self.limit / 4 * 3
    }

    /// Takes room for a write.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: usize) -> Result<Reservation, WriteError> {
        if bytes > self.limit {
            return Err(WriteError::TooLarge { bytes, limit: self.limit });
        }
        let room = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) {
            Ok(_) => Ok(Reservation { budget: Arc::clone(self), bytes }),
            Err(used) => {
                Err(WriteError::Busy { bytes: used.saturating_add(bytes), limit: self.limit, retry_after: RETRY_AFTER })
            }
        }
    }

    /// Counts rows that were there at start.
    pub(crate) fn add(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives back the room of rows that are in files now.
    pub(crate) fn release(&self, bytes: usize) {
        let before = self.used.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "only what was counted is given back");
    }
}

impl Reservation {
    /// The estimate.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Replaces the estimate by the bytes that the rows really took; they are given back when the rows are in files.
    pub(crate) fn settle(mut self, actual: usize) {
        self.budget.add(actual);
        self.budget.release(std::mem::take(&mut self.bytes));
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.release(self.bytes);
    }
}
