//! The newest value of each field of each series, in columns by series number.
//!
//! A column has pages of [`PAGE`] series, and only those in which a series has the field: a new field of the newest of a million
//! series costs one page and not a million values.
//!
//! Invariant: of equal times the later write wins, as in the stored rows. Updating is idempotent: replaying a log over values
//! that already contain it changes nothing.
//!
//! Vectors are not kept: nobody looks at the newest one, and for a million series they would take gigabytes.
//!
//! Limit: a field takes 16 bytes per series of its pages, or 32 and the newest text's length, and a word per page of its table.

use std::collections::{BTreeMap, HashSet};
use std::ops::RangeInclusive;

use sensorium_model::{
    FieldColumn, FieldType, FieldValues, Name, SeriesKey, TableBatch, TagColumn, TextColumn, Validity, Value,
};

use super::series::SeriesEntries;
use crate::report::{LastField, LastRow};

/// The time of a series that never had the field.
const NEVER: i64 = i64::MIN;

/// The newest values of a table.
#[derive(Default)]
pub(crate) struct LastValues {
    fields: BTreeMap<Name, LastColumn>,
}

/// Series in a page.
const PAGE: usize = 256;

/// The newest values of a field.
enum LastColumn {
    F64(Pages<f64>),
    I64(Pages<i64>),
    U64(Pages<u64>),
    Bool(Pages<bool>),
    Text(Pages<String>),
}

/// Values by series number.
#[derive(Default)]
struct Pages<T> {
    pages: Vec<Option<Box<[Slot<T>]>>>,
}

/// A value and its time; [`NEVER`] when there is none.
#[derive(Clone)]
struct Slot<T> {
    time_ns: i64,
    value: T,
}

/// Does the same with whatever pages a column has.
macro_rules! with_pages {
    ($column:expr, $pages:ident => $do:expr) => {
        match $column {
            LastColumn::F64($pages) => $do,
            LastColumn::I64($pages) => $do,
            LastColumn::U64($pages) => $do,
            LastColumn::Bool($pages) => $do,
            LastColumn::Text($pages) => $do,
        }
    };
}

// Behind the macro, which it uses.
mod columnar;

impl<T> Pages<T> {
    /// The slot of a series, if its page is there.
    fn get(&self, id: u32) -> Option<&Slot<T>> {
        self.pages.get(id as usize / PAGE)?.as_ref()?.get(id as usize % PAGE)
    }
}

impl<T: Clone + Default> Pages<T> {
    /// The slot of a series, whose page is made.
    fn slot(&mut self, id: u32) -> Option<&mut Slot<T>> {
        let page = id as usize / PAGE;
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let empty = || vec![Slot { time_ns: NEVER, value: T::default() }; PAGE].into_boxed_slice();
        self.pages.get_mut(page)?.get_or_insert_with(empty).get_mut(id as usize % PAGE)
    }

    fn time(&self, id: u32) -> i64 {
        self.get(id).map_or(NEVER, |slot| slot.time_ns)
    }

    /// Puts each present value of a field that is not older than the one that stands.
    fn take(&mut self, field: &FieldColumn, ids: &[u32], time: impl Fn(usize) -> i64, set: impl Fn(&mut T, usize)) {
        for (row, id) in ids.iter().enumerate().filter(|(row, _)| field.valid.get(*row)) {
            if let Some(slot) = self.slot(*id) {
                let time_ns = time(row);
                if time_ns >= slot.time_ns {
                    slot.time_ns = time_ns;
                    set(&mut slot.value, row);
                }
            }
        }
    }

    fn forget(&mut self, id: u32, span: &RangeInclusive<i64>) -> bool {
        let slot = self.pages.get_mut(id as usize / PAGE).and_then(Option::as_mut);
        let slot = slot.and_then(|page| page.get_mut(id as usize % PAGE));
        let Some(slot) = slot.filter(|slot| slot.time_ns != NEVER && span.contains(&slot.time_ns)) else {
            return false;
        };
        slot.time_ns = NEVER;
        true
    }

    /// Takes over values that are newer than those that stand; of equal times those that stand win.
    fn absorb(&mut self, older: Self) {
        for (page, slots) in older.pages.into_iter().enumerate() {
            let slots = slots.into_iter().flatten().enumerate();
            for (at, from) in slots.filter(|(_, from)| from.time_ns != NEVER) {
                let to = u32::try_from(page * PAGE + at).ok().and_then(|id| self.slot(id));
                if let Some(to) = to.filter(|to| from.time_ns > to.time_ns) {
                    *to = from;
                }
            }
        }
    }

    fn pick(&self, ids: &[u32]) -> Vec<T> {
        ids.iter().map(|id| self.get(*id).map_or_else(T::default, |slot| slot.value.clone())).collect()
    }
}

impl LastValues {
    /// Takes in rows whose series have the numbers `ids`.
    pub(crate) fn update(&mut self, batch: &TableBatch, ids: &[u32]) {
        let time = |row: usize| batch.time_ns.get(row).copied().unwrap_or(NEVER);
        for field in &batch.fields {
            if let Some(column) = self.column(field) {
                column.take(field, ids, time);
            }
        }
    }

    /// Takes in what [`LastValues::to_tables`] made: values, and the time of each.
    pub(crate) fn restore(&mut self, values: &TableBatch, times: &TableBatch, ids: &[u32]) {
        for field in &values.fields {
            let times = times.fields.iter().find(|times| times.name == field.name).map(|times| &times.values);
            let Some(FieldValues::I64(times)) = times else { continue };
            if let Some(column) = self.column(field) {
                column.take(field, ids, |row| times.get(row).copied().unwrap_or(NEVER));
            }
        }
    }

    /// Forgets the values of some series within a span of time; returns the series that had one.
    pub(crate) fn forget(&mut self, ids: &[u32], span: &RangeInclusive<i64>) -> HashSet<u32> {
        let mut concerned = HashSet::new();
        for column in self.fields.values_mut() {
            concerned.extend(ids.iter().filter(|id| with_pages!(column, pages => pages.forget(**id, span))));
        }
        concerned
    }

    /// Takes in values that are older than those that were written meanwhile: of equal times those that stand win.
    pub(crate) fn absorb(&mut self, older: Self) {
        for (name, from) in older.fields {
            match self.fields.get_mut(&name) {
                Some(to) => to.absorb(from),
                None => drop(self.fields.insert(name, from)),
            }
        }
    }

    /// The newest values of a field; `None` for a type of which none are kept.
    fn column(&mut self, field: &FieldColumn) -> Option<&mut LastColumn> {
        if !self.fields.contains_key(&field.name) {
            self.fields.insert(field.name.clone(), LastColumn::new(field.values.field_type())?);
        }
        self.fields.get_mut(&field.name)
    }

    /// The newest values that are not before a time, by series, in order of first appearance.
    pub(crate) fn rows(&self, series: &SeriesEntries, earliest_ns: i64) -> Vec<LastRow> {
        (0..count(series)).filter_map(|id| self.row(id, series, earliest_ns)).collect()
    }

    /// As [`LastValues::rows`], of the series that have all of these tags.
    pub(crate) fn rows_with(&self, tags: &[(Name, Name)], series: &SeriesEntries, earliest_ns: i64) -> Vec<LastRow> {
        let has_all = |id: &u32| series.get(*id).is_some_and(|entry| tags.iter().all(|tag| entry.tags.contains(tag)));
        (0..count(series)).filter(has_all).filter_map(|id| self.row(id, series, earliest_ns)).collect()
    }

    /// How many series have a value that is not before a time, and the newest values of those of them that changed last.
    pub(crate) fn newest(&self, series: &SeriesEntries, earliest_ns: i64, limit: usize) -> (usize, Vec<LastRow>) {
        let time = |id: u32| self.fields.values().map(|column| column.time(id)).max().unwrap_or(NEVER);
        let mut times: Vec<(i64, u32)> = (0..count(series)).map(|id| (time(id), id)).collect();
        times.retain(|(time_ns, _)| *time_ns != NEVER && *time_ns >= earliest_ns);
        let total = times.len();
        let key = |id: u32| series.get(id).map(|entry| &entry.key);
        let newest_first = |a: &(i64, u32), b: &(i64, u32)| b.0.cmp(&a.0).then_with(|| key(a.1).cmp(&key(b.1)));
        if limit < total {
            times.select_nth_unstable_by(limit, newest_first);
            times.truncate(limit);
        }
        times.sort_unstable_by(newest_first);
        let rows = times.iter().filter_map(|(_, id)| self.row(*id, series, earliest_ns)).collect();
        (total, rows)
    }

    fn row(&self, id: u32, series: &SeriesEntries, earliest_ns: i64) -> Option<LastRow> {
        let entry = series.get(id)?;
        let field = |(name, column): (&Name, &LastColumn)| {
            let (time_ns, value) = column.get(id).filter(|(time_ns, _)| *time_ns >= earliest_ns)?;
            Some(LastField { name: name.clone(), time_ns, value })
        };
        let fields: Vec<_> = self.fields.iter().filter_map(field).collect();
        (!fields.is_empty()).then(|| LastRow { series: SeriesKey::from_canonical(&entry.key), fields })
    }

    /// The newest values of some series as two tables of equal rows: `values`, and `times` with the time of each value.
    pub(crate) fn to_tables(&self, ids: &[u32], series: &SeriesEntries) -> Vec<TableBatch> {
        let tags = tag_columns(ids, series);
        let table = |name: &str, fields: Vec<FieldColumn>| TableBatch {
            table: name.into(),
            time_ns: vec![0; ids.len()],
            tags: tags.clone(),
            fields,
            source: vec![0; ids.len()],
        };
        let mut values = Vec::new();
        let mut times = Vec::new();
        for (name, column) in &self.fields {
            let valid: Validity = ids.iter().map(|id| column.time(*id) != NEVER).collect();
            if valid.count_valid() == 0 {
                continue;
            }
            let of_field = ids.iter().map(|id| column.time(*id)).map(|time| if time == NEVER { 0 } else { time });
            let of_field = FieldValues::I64(of_field.collect());
            times.push(FieldColumn { name: name.clone(), values: of_field, valid: valid.clone() });
            values.push(FieldColumn { name: name.clone(), values: column.pick(ids), valid });
        }
        vec![table("values", values), table("times", times)]
    }
}

/// The tags of some series as columns.
fn tag_columns(ids: &[u32], series: &SeriesEntries) -> Vec<TagColumn> {
    let mut columns: BTreeMap<Name, (TagColumn, BTreeMap<Name, u32>)> = BTreeMap::new();
    for (row, id) in ids.iter().enumerate() {
        for (name, value) in series.get(*id).into_iter().flat_map(|entry| entry.tags.iter()) {
            let create = || (TagColumn::with_absent_rows(name.clone(), 0), BTreeMap::new());
            let (column, keys) = columns.entry(name.clone()).or_insert_with(create);
            let next = u32::try_from(column.dictionary.len()).unwrap_or(TagColumn::ABSENT);
            let key = *keys.entry(value.clone()).or_insert(next);
            if key == next {
                column.dictionary.push(value.clone());
            }
            column.keys.resize(row, TagColumn::ABSENT);
            column.keys.push(key);
        }
    }
    let finish = |(mut column, _): (TagColumn, _)| {
        column.keys.resize(ids.len(), TagColumn::ABSENT);
        column
    };
    columns.into_values().map(finish).collect()
}

impl LastColumn {
    fn new(field_type: FieldType) -> Option<Self> {
        Some(match field_type {
            FieldType::F64 => Self::F64(Pages::default()),
            FieldType::I64 => Self::I64(Pages::default()),
            FieldType::U64 => Self::U64(Pages::default()),
            FieldType::Bool => Self::Bool(Pages::default()),
            FieldType::Text => Self::Text(Pages::default()),
            FieldType::Vector(_) => return None,
        })
    }

    fn take(&mut self, field: &FieldColumn, ids: &[u32], time: impl Fn(usize) -> i64) {
        match (self, &field.values) {
            (Self::F64(to), FieldValues::F64(from)) => to.take(field, ids, time, |to, row| set(to, from, row)),
            (Self::I64(to), FieldValues::I64(from)) => to.take(field, ids, time, |to, row| set(to, from, row)),
            (Self::U64(to), FieldValues::U64(from)) => to.take(field, ids, time, |to, row| set(to, from, row)),
            (Self::Bool(to), FieldValues::Bool(from)) => to.take(field, ids, time, |to, row| set(to, from, row)),
            (Self::Text(to), FieldValues::Text(from)) => to.take(field, ids, time, |to, row| {
                to.clear();
                to.push_str(from.get(row));
            }),
            _ => debug_assert!(false, "the catalog keeps a field to one type"),
        }
    }

    fn absorb(&mut self, older: Self) {
        match (self, older) {
            (Self::F64(to), Self::F64(from)) => to.absorb(from),
            (Self::I64(to), Self::I64(from)) => to.absorb(from),
            (Self::U64(to), Self::U64(from)) => to.absorb(from),
            (Self::Bool(to), Self::Bool(from)) => to.absorb(from),
            (Self::Text(to), Self::Text(from)) => to.absorb(from),
            _ => debug_assert!(false, "the catalog keeps a field to one type"),
        }
    }

    fn time(&self, id: u32) -> i64 {
        with_pages!(self, pages => pages.time(id))
    }

    fn get(&self, id: u32) -> Option<(i64, Value<'static>)> {
        let time = Some(self.time(id)).filter(|time| *time != NEVER)?;
        let value = match self {
            Self::F64(pages) => Value::F64(pages.get(id)?.value),
            Self::I64(pages) => Value::I64(pages.get(id)?.value),
            Self::U64(pages) => Value::U64(pages.get(id)?.value),
            Self::Bool(pages) => Value::Bool(pages.get(id)?.value),
            Self::Text(pages) => Value::Text(pages.get(id)?.value.clone().into()),
        };
        Some((time, value))
    }

    fn pick(&self, ids: &[u32]) -> FieldValues {
        match self {
            Self::F64(pages) => FieldValues::F64(pages.pick(ids)),
            Self::I64(pages) => FieldValues::I64(pages.pick(ids)),
            Self::U64(pages) => FieldValues::U64(pages.pick(ids)),
            Self::Bool(pages) => FieldValues::Bool(pages.pick(ids)),
            Self::Text(pages) => FieldValues::Text(pages.pick(ids).iter().map(String::as_str).collect::<TextColumn>()),
        }
    }
}

fn set<T: Copy>(to: &mut T, from: &[T], row: usize) {
    if let Some(value) = from.get(row) {
        *to = *value;
    }
}

fn count(series: &SeriesEntries) -> u32 {
    u32::try_from(series.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::table::series::SeriesSet;
    use crate::wal::codec::tests::batch;

    proptest! {
        #[test]
        fn newest_values_survive_being_saved(batch in batch()) {
            for table in &batch.tables {
                let set = SeriesSet::default();
                let ids = set.intern(table, usize::MAX);
                let mut last = LastValues::default();
                last.update(table, &ids);
                let rows = last.rows(&set.read(), i64::MIN);
                for row in &rows {
                    for field in &row.fields {
                        let column = table.fields.iter().find(|column| column.name == field.name).unwrap();
                        let of_series = (0..table.rows()).filter(|at| table.series_key(*at) == row.series);
                        let newest = of_series.filter(|at| column.valid.get(*at)).max_by_key(|at| table.time_ns[*at]);
                        prop_assert_eq!(column.get(newest.unwrap()), Some(field.value.clone()));
                    }
                }
                let all: Vec<u32> = (0..set.read().len() as u32).collect();
                let (total, newest) = last.newest(&set.read(), i64::MIN, 2);
                let time = |row: &LastRow| row.fields.iter().map(|field| field.time_ns).max();
                let mut by_time = rows.clone();
                by_time.sort_by(|a, b| time(b).cmp(&time(a)).then_with(|| a.series.cmp(&b.series)));
                by_time.truncate(2);
                prop_assert_eq!((total, newest), (rows.len(), by_time));
                let saved = last.to_tables(&all, &set.read());
                let (other, mut restored) = (SeriesSet::default(), LastValues::default());
                let ids = other.intern(&saved[0], usize::MAX);
                restored.restore(&saved[0], &saved[1], &ids);
                prop_assert_eq!(restored.rows(&other.read(), i64::MIN), rows);
            }
        }
    }

    #[test]
    fn a_field_that_only_the_newest_series_has_costs_one_page() {
        let mut last = LastValues::default();
        let field = FieldColumn {
            name: "f".into(),
            values: FieldValues::F64(vec![1.0]),
            valid: std::iter::once(true).collect(),
        };
        last.column(&field).unwrap().take(&field, &[1_000_000], |_| 5);
        let Some(LastColumn::F64(pages)) = last.fields.get("f") else { panic!("a column of doubles") };
        assert_eq!(pages.pages.iter().flatten().count(), 1);
        assert_eq!((pages.time(1_000_000), pages.time(999_999), pages.time(0)), (5, NEVER, NEVER));
    }
}
