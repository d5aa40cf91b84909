//! The room that is kept free on the disk.
//!
//! Below the reserve, writes are refused, so that flushing, merging and the system itself can go on; they are taken again by
//! themselves when there is room. The disk is asked at most once a second, by a writer.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::WriteError;
use crate::wal::file::LogFolder;

/// For how long an answer of the disk holds.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Watches the free room of the disk that the log is on.
pub(crate) struct DiskWatch {
    folder: PathBuf,
    files: Arc<dyn LogFolder>,
    reserve_bytes: u64,
    opened: Instant,
    /// When to look again, in milliseconds since `opened`.
    look_at_ms: AtomicU64,
    /// `u64::MAX` while it is not known.
    free_bytes: AtomicU64,
    is_low: AtomicBool,
}

impl DiskWatch {
    pub(crate) fn new(folder: PathBuf, files: Arc<dyn LogFolder>, reserve_bytes: u64) -> Self {
        Self {
            folder,
            files,
            reserve_bytes,
            opened: Instant::now(),
            look_at_ms: AtomicU64::new(0),
            free_bytes: AtomicU64::new(u64::MAX),
            is_low: AtomicBool::new(false),
        }
    }

    /// Whether a write may use some of the disk.
    pub(crate) fn check(&self) -> Result<(), WriteError> {
        self.look();
        if self.is_low.load(Ordering::Relaxed) {
            let free_bytes = self.free_bytes.load(Ordering::Relaxed);
            return Err(WriteError::Reserve { free_bytes, reserve_bytes: self.reserve_bytes });
        }
        Ok(())
    }

    /// Whether writes are refused because there is too little room.
    pub(crate) fn is_low(&self) -> bool {
        self.look();
        self.is_low.load(Ordering::Relaxed)
    }

    /// The room that the disk had when it was looked at last, if it said so.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        Some(self.free_bytes.load(Ordering::Relaxed)).filter(|free_bytes| *free_bytes < u64::MAX)
    }

    fn look(&self) {
        let now_ms = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = self.look_at_ms.load(Ordering::Relaxed);
        let next = now_ms + LOOK_EVERY.as_millis() as u64;
        if self.reserve_bytes == 0
            || now_ms < due
            || self.look_at_ms.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        match self.files.free_bytes(&self.folder) {
            Ok(free_bytes) => {
                self.free_bytes.store(free_bytes, Ordering::Relaxed);
                let is_low = free_bytes < self.reserve_bytes;
                let was_low = self.is_low.swap(is_low, Ordering::Relaxed);
                if is_low && !was_low {
                    tracing::warn!(
                        free_bytes,
                        reserve_bytes = self.reserve_bytes,
                        "the disk is nearly full; writes are refused until there is room"
                    );
                } else if was_low && !is_low {
                    tracing::info!(free_bytes, "there is room on the disk again; writes are taken");
                }
            }
            Err(error) => tracing::warn!(%error, "the disk does not say how much room it has"),
        }
    }
}
