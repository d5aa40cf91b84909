//! The rows of one table on one UTC day that are not yet in files.

use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;

use super::chunk::{Chunk, Incoming};

/// What a bucket costs before it has rows.
pub(crate) const BUCKET_BYTES: usize = 512;

/// A bucket that takes rows.
pub(crate) struct Bucket {
    /// Different for each bucket of a table, so that a sorted view finds its bucket again.
    id: u64,
    full: Vec<Arc<Chunk>>,
    full_bytes: usize,
    growing: Chunk,
    bounds: Bounds,
    sorted: Option<Sorted>,
}

/// The number of rows, and their earliest and latest time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) rows: usize,
    pub(crate) time_min_ns: i64,
    pub(crate) time_max_ns: i64,
}

/// The bucket's rows, sorted; valid while the bucket has as many rows.
struct Sorted {
    rows: usize,
    batch: RecordBatch,
    used: Instant,
}

/// A bucket's rows at one moment.
pub(crate) enum View {
    /// Sorted before.
    Sorted(RecordBatch),
    /// In order of arrival, to be sorted.
    Rows {
        /// The bucket.
        id: u64,
        /// Its rows.
        chunks: Vec<Arc<Chunk>>,
    },
}

/// A bucket that takes no more rows and waits for its file.
pub(crate) struct Sealed {
    pub(crate) day: i64,
    pub(crate) chunks: Vec<Arc<Chunk>>,
    pub(crate) bounds: Bounds,
    /// The rows, sorted, once someone asked.
    pub(crate) sorted: OnceLock<RecordBatch>,
}

impl Bounds {
    pub(crate) const EMPTY: Self = Self { rows: 0, time_min_ns: i64::MAX, time_max_ns: i64::MIN };

    pub(crate) fn add(&mut self, times: &[i64]) {
        self.rows += times.len();
        for time in times {
            self.time_min_ns = self.time_min_ns.min(*time);
            self.time_max_ns = self.time_max_ns.max(*time);
        }
    }

    pub(crate) fn join(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            time_min_ns: self.time_min_ns.min(other.time_min_ns),
            time_max_ns: self.time_max_ns.max(other.time_max_ns),
        }
    }
}

impl Bucket {
    pub(crate) fn new(id: u64) -> Self {
        Self { id, full: Vec::new(), full_bytes: 0, growing: Chunk::default(), bounds: Bounds::EMPTY, sorted: None }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn bounds(&self) -> Bounds {
        self.bounds
    }

    pub(crate) fn bytes(&self) -> usize {
        BUCKET_BYTES + self.full_bytes + self.growing.bytes()
    }

    pub(crate) fn row_bytes(&self) -> usize {
        self.growing.row_bytes()
    }

    /// Appends rows of a batch.
    pub(crate) fn append(&mut self, incoming: &Incoming<'_>, range: Range<usize>) {
        self.bounds.add(incoming.times(range.clone()));
        self.growing.append(incoming, range);
        if self.growing.is_full() {
            self.close_chunk();
        }
    }

    fn close_chunk(&mut self) {
        let chunk = std::mem::take(&mut self.growing);
        self.full_bytes += chunk.bytes();
        self.full.push(Arc::new(chunk));
    }

    /// The rows now: sorted, if nothing came since they were last sorted.
    pub(crate) fn view(&mut self, now: Instant) -> View {
        if let Some(sorted) = self.sorted.as_mut().filter(|sorted| sorted.rows == self.bounds.rows) {
            sorted.used = now;
            return View::Sorted(sorted.batch.clone());
        }
        self.sorted = None;
        let mut chunks = self.full.clone();
        if self.growing.rows() > 0 {
            chunks.push(Arc::new(self.growing.clone()));
        }
        View::Rows { id: self.id, chunks }
    }

    /// Keeps the sorted form of the bucket's first `rows` rows, if it still has no more.
    pub(crate) fn keep_sorted(&mut self, rows: usize, batch: RecordBatch, now: Instant) {
        if rows == self.bounds.rows {
            self.sorted = Some(Sorted { rows, batch, used: now });
        }
    }

    /// Forgets a sorted form that nobody used for a while.
    pub(crate) fn forget_unused(&mut self, now: Instant, after: Duration) {
        if self.sorted.as_ref().is_some_and(|sorted| now.duration_since(sorted.used) >= after) {
            self.sorted = None;
        }
    }

    /// Ends the bucket.
    pub(crate) fn seal(mut self, day: i64) -> Sealed {
        if self.growing.rows() > 0 {
            self.close_chunk();
        }
        let sorted = OnceLock::new();
        if let Some(current) = self.sorted.filter(|sorted| sorted.rows == self.bounds.rows) {
            let _set = sorted.set(current.batch);
        }
        debug_assert_eq!(self.full.iter().map(|chunk| chunk.rows()).sum::<usize>(), self.bounds.rows);
        Sealed { day, chunks: self.full, bounds: self.bounds, sorted }
    }
}
