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
    /// How many rows were taken and left out in turn, row group by row group.
    pub(super) rows: Vec<usize>,
}

/// The rows; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecentRows {
    generations: Arc<Mutex<Generations>>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Key, RecordBatch>,
    young_bytes: usize,
    old: HashMap<Key, RecordBatch>,
}

impl RecentRows {
    /// The rows of a key, read now if they are not here.
    pub(super) fn get_or_read<E>(
        &self,
        key: Key,
        read: impl FnOnce() -> Result<RecordBatch, E>,
    ) -> Result<RecordBatch, E> {
        if let Some(rows) = self.generations.lock().get(&key) {
            return Ok(rows);
        }
        let rows = read()?;
        self.generations.lock().keep(key, rows.clone());
        Ok(rows)
    }
}

impl Generations {
    fn get(&mut self, key: &Key) -> Option<RecordBatch> {
        if let Some(rows) = self.young.get(key) {
            return Some(rows.clone());
        }
        let (key, rows) = self.old.remove_entry(key)?;
        self.keep(key, rows.clone());
        Some(rows)
    }

    fn keep(&mut self, key: Key, rows: RecordBatch) {
        let bytes = rows.get_array_memory_size() + ENTRY_BYTES;
        // No single answer pushes out all others.
        if bytes > BYTES / 8 {
            return;
        }
        if self.young_bytes + bytes > BYTES / 2 {
            self.old = take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(key, rows).is_none() {
            self.young_bytes += bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn key(number: usize) -> Key {
        Key { file: PathBuf::from("file"), what: vec!["a".to_owned()].into(), rows: vec![number] }
    }

    fn rows(count: usize) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count as i64));
        RecordBatch::try_from_iter([("a", column)]).unwrap()
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let recent = RecentRows::default();
        let reads = Cell::new(0);
        let ask = |number: usize, count: usize| {
            let read = || {
                reads.set(reads.get() + 1);
                Ok::<_, Infallible>(rows(count))
            };
            recent.get_or_read(key(number), read).unwrap().num_rows()
        };
        assert_eq!((ask(0, 10), ask(0, 99), reads.get()), (10, 10, 1));
        // Many others, between which the first one is asked for.
        for number in 1..1_000 {
            ask(number, 4_000);
            ask(0, 99);
        }
        assert_eq!(reads.get(), 1_000);
        ask(1, 4_000);
        assert_eq!(reads.get(), 1_001);
        let generations = recent.generations.lock();
        let bytes = |kept: &HashMap<Key, RecordBatch>| {
            kept.values().map(|rows| rows.get_array_memory_size() + ENTRY_BYTES).sum::<usize>()
        };
        assert!(bytes(&generations.young) <= BYTES / 2 && bytes(&generations.old) <= BYTES / 2);
        assert_eq!(bytes(&generations.young), generations.young_bytes);
    }

    #[test]
    fn what_is_large_is_not_kept() {
        let recent = RecentRows::default();
        recent.get_or_read(key(0), || Ok::<_, Infallible>(rows(BYTES / 64 + 1))).unwrap();
        assert!(recent.generations.lock().young.is_empty());
    }
}
