//! Rows that were read from files, kept for the next question about the same series.
//!
//! Files never change, so that what was read of them stays right; a page that draws itself anew asks for the same series again and
//! again. There are two generations: what is asked for moves to the young one, and when that is full, the old one goes.
//!
//! Limit: [`BYTES`] in both generations together.

use std::collections::HashMap;
use std::mem::take;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use parking_lot::Mutex;

use crate::table::TimeRange;

/// Bytes of rows that are kept.
const BYTES: usize = 8 * 1024 * 1024;
/// What an entry takes beside its columns.
const ENTRY_BYTES: usize = 512;

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Of which file.
    pub(super) file: PathBuf,
    /// The tags and the columns.
    pub(super) what: Arc<[String]>,
}

/// Rows of a file.
#[derive(Debug, Clone)]
struct Kept {
    /// All rows of these times are among them.
    times: TimeRange,
    rows: RecordBatch,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.rows.get_array_memory_size() + ENTRY_BYTES
    }
}

/// The rows; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecentRows {
    generations: Arc<Mutex<Generations>>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Key, Kept>,
    young_bytes: usize,
    old: HashMap<Key, Kept>,
}

impl RecentRows {
    /// All rows of these times, and maybe others, if they are here.
    pub(super) fn get(&self, key: &Key, times: TimeRange) -> Option<RecordBatch> {
        self.generations.lock().get(key, times)
    }

    /// Keeps rows that are all of these times, and maybe others.
    pub(super) fn keep(&self, key: Key, times: TimeRange, rows: RecordBatch) {
        self.generations.lock().keep(key, Kept { times, rows });
    }
}

impl Generations {
    fn get(&mut self, key: &Key, times: TimeRange) -> Option<RecordBatch> {
        let has_all = |kept: &Kept| kept.times.min <= times.min && times.max <= kept.times.max;
        if let Some(kept) = self.young.get(key) {
            return has_all(kept).then(|| kept.rows.clone());
        }
        let (key, kept) = self.old.remove_entry(key)?;
        let rows = has_all(&kept).then(|| kept.rows.clone());
        self.keep(key, kept);
        rows
    }

    fn keep(&mut self, key: Key, kept: Kept) {
        let bytes = kept.bytes();
        // No single answer pushes out all others.
        if bytes > BYTES / 8 {
            return;
        }
        if self.young_bytes + bytes > BYTES / 2 {
            self.old = take(&mut self.young);
            self.young_bytes = 0;
        }
        let replaced = self.young.insert(key, kept).map_or(0, |kept| kept.bytes());
        self.young_bytes = self.young_bytes + bytes - replaced;
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn key(number: usize) -> Key {
        Key { file: PathBuf::from(number.to_string()), what: vec!["a".to_owned()].into() }
    }

    fn rows(count: usize) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count as i64));
        RecordBatch::try_from_iter([("a", column)]).unwrap()
    }

    fn times(min: i64, max: i64) -> TimeRange {
        TimeRange { min, max }
    }

    #[test]
    fn rows_of_times_within_those_that_were_read_are_here() {
        let recent = RecentRows::default();
        recent.keep(key(0), times(10, 20), rows(3));
        let has = |min, max| recent.get(&key(0), times(min, max)).is_some();
        assert!(has(10, 20) && has(12, 15));
        assert!(!has(9, 20) && !has(10, 21) && !has(30, 40));
        assert!(recent.get(&key(1), times(10, 20)).is_none());
        recent.keep(key(0), times(5, 21), rows(4));
        assert!(has(5, 21));
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let recent = RecentRows::default();
        let all = TimeRange::ALL;
        recent.keep(key(0), all, rows(10));
        // Many others, between which the first one is asked for.
        for number in 1..1_000 {
            recent.keep(key(number), all, rows(4_000));
            assert_eq!(recent.get(&key(0), all).map(|rows| rows.num_rows()), Some(10));
        }
        assert!(recent.get(&key(1), all).is_none() && recent.get(&key(999), all).is_some());
        let generations = recent.generations.lock();
        let bytes = |kept: &HashMap<Key, Kept>| kept.values().map(Kept::bytes).sum::<usize>();
        assert!(bytes(&generations.young) <= BYTES / 2 && bytes(&generations.old) <= BYTES / 2);
        assert_eq!(bytes(&generations.young), generations.young_bytes);
    }

    #[test]
    fn what_takes_the_place_of_others_counts_once() {
        let recent = RecentRows::default();
        for count in [4_000, 10, 4_000, 20] {
            recent.keep(key(0), TimeRange::ALL, rows(count));
        }
        let generations = recent.generations.lock();
        assert_eq!(generations.young_bytes, rows(20).get_array_memory_size() + ENTRY_BYTES);
    }

    #[test]
    fn what_is_large_is_not_kept() {
        let recent = RecentRows::default();
        recent.keep(key(0), TimeRange::ALL, rows(BYTES / 64 + 1));
        assert!(recent.generations.lock().young.is_empty());
    }
}
