//! What the writers, the committer, the flusher and the readers share.
//!
//! Invariants:
//! - once poisoned, nothing is appended, acknowledged or flushed any more;
//! - `applied.seq` is the newest record whose rows are visible; it moves only while `applied` is locked, so that a flush that
//!   seals under the same lock knows exactly which records it has;
//! - `memory` counts the rows in memory and those of writes under way, and is kept below its limit by
//!   refusing writes; only what is replayed at start may exceed it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::catalog::Catalog;
use crate::commit::queue::CommitQueue;
use crate::config::StoreConfig;
use crate::error::WriteError;
use crate::flush::control::FlushControl;
use crate::folder::Layout;
use crate::table::{Growth, Table};
use crate::wal::writer::ClosedSegments;

/// When a writer that found no room should try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The store's state.
pub(crate) struct Shared {
    pub(crate) config: StoreConfig,
    pub(crate) layout: Layout,
    pub(crate) catalog: Catalog,
    pub(crate) memory: Arc<MemoryBudget>,
    pub(crate) applied: Mutex<Applied>,
    pub(crate) queue: CommitQueue,
    pub(crate) flush: FlushControl,
    pub(crate) closed_segments: ClosedSegments,
    pub(crate) open_segment_bytes: AtomicU64,
    pub(crate) flushed_seq: AtomicU64,
    pub(crate) creating: Mutex<()>,
    poisoned: AtomicBool,
    /// Where a test interrupts the next flush.
    #[cfg(test)]
    pub(crate) crash_at: Mutex<Option<crate::flush::step::Moment>>,
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
    pub(crate) fn new(config: StoreConfig, layout: Layout, closed_segments: ClosedSegments) -> Self {
        Self {
            memory: Arc::new(MemoryBudget { used: AtomicUsize::new(0), limit: config.memtable_bytes }),
            queue: CommitQueue::new(config.queue_batches),
            config,
            layout,
            catalog: Catalog::default(),
            applied: Mutex::default(),
            flush: FlushControl::default(),
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
