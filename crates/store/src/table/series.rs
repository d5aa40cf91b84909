//! The series of a table, interned: each distinct set of tags gets a small number once.
//!
//! Invariant: numbers are dense, in order of first appearance, and never change or go away while the process runs.

use std::cmp::Ordering;

use parking_lot::{RwLock, RwLockReadGuard};
use sensorium_model::{FastMap, FastSet, Name, SeriesKey, TableBatch, TagColumn};

/// The number of a row whose series was refused.
pub(crate) const REFUSED: u32 = u32::MAX;

/// The series of a table.
#[derive(Default)]
pub(crate) struct SeriesSet {
    entries: RwLock<SeriesEntries>,
}

/// The series, by number.
#[derive(Default)]
pub(crate) struct SeriesEntries {
    ids: FastMap<Name, u32>,
    entries: Vec<SeriesEntry>,
    /// Tag names and values, so that equal ones share their text.
    texts: FastSet<Name>,
}

/// One series.
pub(crate) struct SeriesEntry {
    /// The canonical text.
    pub(crate) key: Name,
    /// Tags, sorted by name.
    pub(crate) tags: Box<[(Name, Name)]>,
}

impl SeriesSet {
    /// The series' numbers and tags; writers of new series wait while the guard is held.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, SeriesEntries> {
        self.entries.read()
    }

    /// The number of each row's series; [`REFUSED`] for new series beyond the limit.
    pub(crate) fn intern(&self, batch: &TableBatch, limit: usize) -> Vec<u32> {
        let mut combinations = Combinations::new(batch);
        let mut text = String::new();
        let mut missing = false;
        let entries = self.entries.read();
        let mut ids: Vec<u32> = (0..batch.rows())
            .map(|row| {
                let id = combinations.find(batch, row, |row| {
                    SeriesKey::write_sorted(batch.row_tags(row), &mut text);
                    entries.ids.get(text.as_str()).copied()
                });
                missing |= id.is_none();
                id.unwrap_or(REFUSED)
            })
            .collect();
        drop(entries);
        if missing {
            let mut entries = self.entries.write();
            for (row, id) in ids.iter_mut().enumerate().filter(|(_, id)| **id == REFUSED) {
                *id = combinations
                    .find(batch, row, |row| {
                        SeriesKey::write_sorted(batch.row_tags(row), &mut text);
                        entries.add(&text, batch.row_tags(row), limit)
                    })
                    .unwrap_or(REFUSED);
            }
        }
        ids
    }
}

impl SeriesEntries {
    /// The number of a series, which is added if there is room.
    fn add<'t>(&mut self, key: &str, tags: impl Iterator<Item = (&'t str, &'t str)>, limit: usize) -> Option<u32> {
        if let Some(id) = self.ids.get(key) {
            return Some(*id);
        }
        let id = u32::try_from(self.entries.len()).ok().filter(|id| (*id as usize) < limit && *id != REFUSED)?;
        let key: Name = key.into();
        let tags = tags.map(|(name, value)| (self.text(name), self.text(value))).collect();
        self.entries.push(SeriesEntry { key: key.clone(), tags });
        self.ids.insert(key, id);
        Some(id)
    }

    fn text(&mut self, text: &str) -> Name {
        if let Some(shared) = self.texts.get(text) {
            return shared.clone();
        }
        let shared: Name = text.into();
        self.texts.insert(shared.clone());
        shared
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn get(&self, id: u32) -> Option<&SeriesEntry> {
        self.entries.get(id as usize)
    }

    /// The order of stored rows: tag columns by name, absent first.
    ///
    /// It does not depend on which columns the table has, so rows sorted before a tag was added stay sorted after.
    pub(crate) fn compare(&self, a: u32, b: u32) -> Ordering {
        let (Some(a), Some(b)) = (self.get(a), self.get(b)) else { return a.cmp(&b) };
        for (left, right) in a.tags.iter().zip(&b.tags) {
            // The side whose next tag has the smaller name has a value where the other one has none.
            let order = right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1));
            if order.is_ne() {
                return order;
            }
        }
        a.tags.len().cmp(&b.tags.len())
    }
}

impl SeriesEntry {
    /// The value of a tag.
    pub(crate) fn tag(&self, name: &str) -> Option<&Name> {
        self.tags.iter().find(|(tag, _)| tag.as_ref() == name).map(|(_, value)| value)
    }
}

/// Remembers the series of each combination of dictionary keys within a batch, so that its text is made once.
struct Combinations {
    /// The factor of each tag column; `None` when the combinations do not fit into the number, or none comes twice.
    factors: Option<Vec<u128>>,
    known: FastMap<u128, u32>,
}

impl Combinations {
    fn new(batch: &TableBatch) -> Self {
        let mut product = 1_u128;
        let mut factors = Vec::with_capacity(batch.tags.len());
        for tag in &batch.tags {
            factors.push(product);
            match product.checked_mul(tag.dictionary.len() as u128 + 1) {
                Some(next) => product = next,
                None => return Self { factors: None, known: FastMap::default() },
            }
        }
        // A tag of which no row repeats the value of another makes each combination the only one of its kind.
        let may_repeat = batch.tags.iter().all(|tag| tag.dictionary.len() < batch.rows());
        Self { factors: may_repeat.then_some(factors), known: FastMap::default() }
    }

    fn find(&mut self, batch: &TableBatch, row: usize, look_up: impl FnOnce(usize) -> Option<u32>) -> Option<u32> {
        let Some(factors) = &self.factors else { return look_up(row) };
        let digit = |tag: &TagColumn| u128::from(tag.keys.get(row).map_or(0, |key| key.wrapping_add(1)));
        let combination = batch.tags.iter().zip(factors).map(|(tag, factor)| digit(tag) * factor).sum();
        if let Some(id) = self.known.get(&combination) {
            return Some(*id);
        }
        let id = look_up(row)?;
        self.known.insert(combination, id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use sensorium_model::{BatchBuilder, DatabaseSchema, IngestLimits, Point, Value};

    use super::*;
    use crate::wal::codec::tests::key;

    fn rows(tags: &[&[(&'static str, &'static str)]]) -> TableBatch {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), i64::MAX);
        for tags in tags {
            let point = tags.iter().fold(Point::new("t", 1), |point, (name, value)| point.tag(*name, *value));
            builder.push(&point.field("f", Value::F64(1.0)), 1).unwrap();
        }
        builder.finish(key()).tables.remove(0)
    }

    #[test]
    fn equal_tags_get_equal_numbers_and_the_limit_refuses_new_ones_only() {
        let set = SeriesSet::default();
        let batch = rows(&[&[("a", "1")], &[("a", "2"), ("b", "1")], &[("a", "1")], &[("b", "1")], &[]]);
        assert_eq!(set.intern(&batch, 3), [0, 1, 0, 2, REFUSED]);
        assert_eq!(set.intern(&rows(&[&[]]), 4), [3]);
        assert_eq!(set.intern(&batch, 0), [0, 1, 0, 2, 3]);
    }

    #[test]
    fn absent_tags_sort_first_column_by_column() {
        let set = SeriesSet::default();
        let sorted = rows(&[
            &[],
            &[("c", "1")],
            &[("b", "1")],
            &[("b", "1"), ("c", "0")],
            &[("a", "1")],
            &[("a", "1"), ("c", "9")],
            &[("a", "1"), ("b", "0")],
            &[("a", "2")],
        ]);
        let ids = set.intern(&sorted, 100);
        let entries = set.read();
        for (i, a) in ids.iter().enumerate() {
            for (j, b) in ids.iter().enumerate() {
                assert_eq!(entries.compare(*a, *b), i.cmp(&j), "{i} {j}");
            }
        }
    }
}
