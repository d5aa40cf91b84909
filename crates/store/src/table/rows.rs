//! Where the rows of a table are: in files, in sealed buckets that wait for a file, in buckets that take rows.
//!
//! Invariant: each stored row is in exactly one of the three, and moves on under the table's lock only, so that a view taken
//! under it never has a row twice or misses one. In the order files, sealed, active, later rows stand behind earlier ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use sensorium_model::TableBatch;
use sensorium_model::time::day_of;

use crate::deletion::Deletion;
use crate::files::data_file::DataFile;
use crate::memtable::bucket::{Bounds, Bucket, Sealed, View};
use crate::memtable::chunk::Incoming;

/// The rows of a table.
#[derive(Default)]
pub(crate) struct TableRows {
    files: Vec<Arc<DataFile>>,
    /// Deletions that are not yet real in all files, with the version from which on files are not concerned.
    deletions: Vec<(u64, Arc<Deletion>)>,
    sealed: Vec<Arc<Sealed>>,
    sealed_bytes: usize,
    active: BTreeMap<i64, Bucket>,
    next_bucket: u64,
}

/// The rows of a table at one moment.
pub(crate) struct RowsView {
    /// With the deletions that concern each.
    pub(crate) files: Vec<(Arc<DataFile>, Vec<Arc<Deletion>>)>,
    pub(crate) sealed: Vec<Arc<Sealed>>,
    pub(crate) active: Vec<(i64, Bounds, View)>,
}

impl TableRows {
    pub(crate) fn has_active(&self) -> bool {
        !self.active.is_empty()
    }

    /// Appends rows; returns by how many bytes the memtable grew.
    pub(crate) fn append(&mut self, batch: &TableBatch, series: &[u32]) -> usize {
        let incoming = Incoming::new(batch, series);
        let mut grown = 0;
        let mut start = 0;
        // Rows mostly come day by day, so that a run is the whole batch.
        for run in batch.time_ns.chunk_by(|a, b| day_of(*a) == day_of(*b)) {
            let Some(first) = run.first() else { continue };
            let next_bucket = &mut self.next_bucket;
            let mut before = None;
            let bucket = self.active.entry(day_of(*first)).or_insert_with(|| {
                *next_bucket += 1;
                before = Some(0);
                Bucket::new(*next_bucket)
            });
            let before = before.unwrap_or_else(|| bucket.bytes());
            bucket.append(&incoming, start..start + run.len());
            grown += bucket.bytes().saturating_sub(before);
            start += run.len();
        }
        debug_assert_eq!(start, batch.rows());
        grown
    }

    /// Bytes of one more row in the widest growing chunk.
    pub(crate) fn widest_row_bytes(&self) -> usize {
        self.active.values().map(Bucket::row_bytes).max().unwrap_or(0)
    }

    /// The rows now.
    pub(crate) fn view(&mut self, now: Instant) -> RowsView {
        RowsView {
            files: self.files.iter().map(|file| (Arc::clone(file), self.deletions_of(file))).collect(),
            sealed: self.sealed.clone(),
            active: self.active.iter_mut().map(|(day, bucket)| (*day, bucket.bounds(), bucket.view(now))).collect(),
        }
    }

    /// Keeps a sorted form for the next reader.
    pub(crate) fn keep_sorted(&mut self, day: i64, id: u64, batch: RecordBatch, rows: usize, now: Instant) {
        if let Some(bucket) = self.active.get_mut(&day).filter(|bucket| bucket.id() == id) {
            bucket.keep_sorted(rows, batch, now);
        }
    }

    /// Forgets sorted forms that nobody used for a while.
    pub(crate) fn forget_unused(&mut self, now: Instant, after: Duration) {
        self.active.values_mut().for_each(|bucket| bucket.forget_unused(now, after));
    }

    /// Ends all buckets that take rows.
    pub(crate) fn seal(&mut self) {
        for (day, bucket) in std::mem::take(&mut self.active) {
            self.sealed_bytes += bucket.bytes();
            self.sealed.push(Arc::new(bucket.seal(day)));
        }
    }

    /// The buckets that wait for files.
    pub(crate) fn sealed(&self) -> Vec<Arc<Sealed>> {
        self.sealed.clone()
    }

    /// Replaces all sealed buckets by the files that hold their rows; returns the bytes that are free now.
    pub(crate) fn publish(&mut self, files: impl IntoIterator<Item = Arc<DataFile>>) -> usize {
        self.files.extend(files);
        self.sealed.clear();
        std::mem::take(&mut self.sealed_bytes)
    }

    /// Puts a merged file, if any row is left, where the newest of its inputs stands, and retires them.
    ///
    /// As in the manifest: flushes only add files behind all others, so it does not matter which comes first.
    pub(crate) fn replace(&mut self, inputs: &[Arc<DataFile>], merged: Option<Arc<DataFile>>) {
        let is_input = |file: &Arc<DataFile>| inputs.iter().any(|input| Arc::ptr_eq(input, file));
        debug_assert_eq!(self.files.iter().filter(|file| is_input(file)).count(), inputs.len());
        let slot = self.files.iter().rposition(is_input).and_then(|newest| self.files.get_mut(newest));
        if let (Some(slot), Some(merged)) = (slot, merged) {
            *slot = merged;
        }
        self.files.retain(|file| !is_input(file));
        inputs.iter().for_each(|input| input.retire());
        let files = &self.files;
        self.deletions.retain(|(version, deletion)| files.iter().any(|file| concerns(*version, deletion, file)));
    }

    /// Hides rows of the files that there are; `version` is higher than those of the files.
    pub(crate) fn delete(&mut self, version: u64, deletion: Arc<Deletion>) {
        if self.files.iter().any(|file| concerns(version, &deletion, file)) {
            self.deletions.push((version, deletion));
        }
    }

    /// The deletions that are to be applied to a file's rows.
    pub(crate) fn deletions_of(&self, file: &DataFile) -> Vec<Arc<Deletion>> {
        let concerning = self.deletions.iter().filter(|(version, deletion)| concerns(*version, deletion, file));
        concerning.map(|(_, deletion)| Arc::clone(deletion)).collect()
    }

    pub(crate) fn files(&self) -> &[Arc<DataFile>] {
        &self.files
    }

    /// The earliest time of rows in memory.
    pub(crate) fn earliest_in_memory(&self) -> Option<i64> {
        let sealed = self.sealed.iter().map(|sealed| sealed.bounds.time_min_ns);
        sealed.chain(self.active.values().map(|bucket| bucket.bounds().time_min_ns)).min()
    }

    /// Whether there is no row: none in memory, and none in files that is not deleted.
    pub(crate) fn is_empty(&self) -> bool {
        let is_deleted = |file: &Arc<DataFile>| {
            self.deletions_of(file).iter().any(|deletion| deletion.covers(file.time_min_ns, file.time_max_ns))
        };
        self.memory_rows() == 0 && self.files.iter().all(is_deleted)
    }

    /// Bytes of the files and of the rows in memory.
    pub(crate) fn bytes(&self) -> u64 {
        let files = self.files.iter().map(|file| file.bytes).sum::<u64>();
        let active = self.active.values().map(Bucket::bytes).sum::<usize>();
        files + (self.sealed_bytes + active) as u64
    }

    /// Rows in memory.
    pub(crate) fn memory_rows(&self) -> u64 {
        let sealed = self.sealed.iter().map(|sealed| sealed.bounds.rows as u64).sum::<u64>();
        sealed + self.active.values().map(|bucket| bucket.bounds().rows as u64).sum::<u64>()
    }
}

/// Whether a deletion may hold for rows of a file.
fn concerns(version: u64, deletion: &Deletion, file: &DataFile) -> bool {
    file.version < version && deletion.overlaps(file.time_min_ns, file.time_max_ns)
}
