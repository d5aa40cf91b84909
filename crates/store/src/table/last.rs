//! The newest value of each field of each series, in columns by series number.
//!
//! Invariant: of equal times the later write wins, as in the stored rows. Updating is idempotent: replaying a log over values
//! that already contain it changes nothing.
//!
//! Limit: a field takes up to 16 bytes per series of its table, or 32 and the newest text's length.

use std::collections::BTreeMap;

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

/// The newest values of a field. Invariant: as many values as times.
struct LastColumn {
    times: Vec<i64>,
    values: Newest,
}

enum Newest {
    F64(Vec<f64>),
    I64(Vec<i64>),
    U64(Vec<u64>),
    Bool(Vec<bool>),
    Text(Vec<String>),
}

impl LastValues {
    /// Takes in rows whose series have the numbers `ids`.
    pub(crate) fn update(&mut self, batch: &TableBatch, ids: &[u32]) {
        let time = |row: usize| batch.time_ns.get(row).copied().unwrap_or(NEVER);
        for field in &batch.fields {
            self.column(field).take(field, ids, time);
        }
    }

    /// Takes in what [`LastValues::to_tables`] made: values, and the time of each.
    pub(crate) fn restore(&mut self, values: &TableBatch, times: &TableBatch, ids: &[u32]) {
        for field in &values.fields {
            let times = times.fields.iter().find(|times| times.name == field.name).map(|times| &times.values);
            let Some(FieldValues::I64(times)) = times else { continue };
            self.column(field).take(field, ids, |row| times.get(row).copied().unwrap_or(NEVER));
        }
    }

    fn column(&mut self, field: &FieldColumn) -> &mut LastColumn {
        if !self.fields.contains_key(&field.name) {
            self.fields.insert(field.name.clone(), LastColumn::new(field.values.field_type()));
        }
        self.fields.entry(field.name.clone()).or_insert_with(|| LastColumn::new(field.values.field_type()))
    }

    /// The newest values by series, in order of first appearance.
    pub(crate) fn rows(&self, series: &SeriesEntries) -> Vec<LastRow> {
        let row = |id: usize| {
            let entry = series.get(u32::try_from(id).ok()?)?;
            let field = |(name, column): (&Name, &LastColumn)| {
                let (time_ns, value) = column.get(id)?;
                Some(LastField { name: name.clone(), time_ns, value })
            };
            let fields: Vec<_> = self.fields.iter().filter_map(field).collect();
            (!fields.is_empty()).then(|| LastRow { series: SeriesKey::from_canonical(&entry.key), fields })
        };
        (0..series.len()).filter_map(row).collect()
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
            let valid: Validity = ids.iter().map(|id| column.time(*id as usize) != NEVER).collect();
            if valid.count_valid() == 0 {
                continue;
            }
            let of_field =
                ids.iter().map(|id| column.time(*id as usize)).map(|time| if time == NEVER { 0 } else { time });
            let of_field = FieldValues::I64(of_field.collect());
            times.push(FieldColumn { name: name.clone(), values: of_field, valid: valid.clone() });
            values.push(FieldColumn { name: name.clone(), values: column.values.pick(ids), valid });
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
    fn new(field_type: FieldType) -> Self {
        let values = match field_type {
            FieldType::F64 => Newest::F64(Vec::new()),
            FieldType::I64 => Newest::I64(Vec::new()),
            FieldType::U64 => Newest::U64(Vec::new()),
            FieldType::Bool => Newest::Bool(Vec::new()),
            FieldType::Text => Newest::Text(Vec::new()),
        };
        Self { times: Vec::new(), values }
    }

    fn take(&mut self, field: &FieldColumn, ids: &[u32], time: impl Fn(usize) -> i64) {
        let times = &mut self.times;
        match (&mut self.values, &field.values) {
            (Newest::F64(to), FieldValues::F64(from)) => {
                newer(times, to, field, ids, time, |to, row| set(to, from, row))
            }
            (Newest::I64(to), FieldValues::I64(from)) => {
                newer(times, to, field, ids, time, |to, row| set(to, from, row))
            }
            (Newest::U64(to), FieldValues::U64(from)) => {
                newer(times, to, field, ids, time, |to, row| set(to, from, row))
            }
            (Newest::Bool(to), FieldValues::Bool(from)) => {
                newer(times, to, field, ids, time, |to, row| set(to, from, row))
            }
            (Newest::Text(to), FieldValues::Text(from)) => {
                newer(times, to, field, ids, time, |to: &mut String, row| {
                    to.clear();
                    to.push_str(from.get(row));
                })
            }
            _ => debug_assert!(false, "the catalog keeps a field to one type"),
        }
    }

    fn time(&self, id: usize) -> i64 {
        self.times.get(id).copied().unwrap_or(NEVER)
    }

    fn get(&self, id: usize) -> Option<(i64, Value<'static>)> {
        let time = self.times.get(id).copied().filter(|time| *time != NEVER)?;
        let value = match &self.values {
            Newest::F64(values) => Value::F64(*values.get(id)?),
            Newest::I64(values) => Value::I64(*values.get(id)?),
            Newest::U64(values) => Value::U64(*values.get(id)?),
            Newest::Bool(values) => Value::Bool(*values.get(id)?),
            Newest::Text(values) => Value::Text(values.get(id)?.clone().into()),
        };
        Some((time, value))
    }
}

impl Newest {
    fn pick(&self, ids: &[u32]) -> FieldValues {
        fn at<T: Copy + Default>(values: &[T], ids: &[u32]) -> Vec<T> {
            ids.iter().map(|id| values.get(*id as usize).copied().unwrap_or_default()).collect()
        }
        match self {
            Self::F64(values) => FieldValues::F64(at(values, ids)),
            Self::I64(values) => FieldValues::I64(at(values, ids)),
            Self::U64(values) => FieldValues::U64(at(values, ids)),
            Self::Bool(values) => FieldValues::Bool(at(values, ids)),
            Self::Text(values) => {
                let text = |id: &u32| values.get(*id as usize).map_or("", String::as_str);
                FieldValues::Text(ids.iter().map(text).collect::<TextColumn>())
            }
        }
    }
}

fn set<T: Copy>(to: &mut T, from: &[T], row: usize) {
    if let Some(value) = from.get(row) {
        *to = *value;
    }
}

/// Puts each present value that is not older than the one that stands.
fn newer<T: Clone + Default>(
    times: &mut Vec<i64>,
    values: &mut Vec<T>,
    field: &FieldColumn,
    ids: &[u32],
    time: impl Fn(usize) -> i64,
    set: impl Fn(&mut T, usize),
) {
    let series = ids.iter().max().map_or(0, |id| *id as usize + 1);
    if times.len() < series {
        times.resize(series, NEVER);
        values.resize(series, T::default());
    }
    for (row, id) in ids.iter().enumerate().filter(|(row, _)| field.valid.get(*row)) {
        if let (Some(stands), Some(value)) = (times.get_mut(*id as usize), values.get_mut(*id as usize)) {
            let time = time(row);
            if time >= *stands {
                *stands = time;
                set(value, row);
            }
        }
    }
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
                let rows = last.rows(&set.read());
                for row in &rows {
                    for field in &row.fields {
                        let column = table.fields.iter().find(|column| column.name == field.name).unwrap();
                        let of_series = (0..table.rows()).filter(|at| table.series_key(*at) == row.series);
                        let newest = of_series.filter(|at| column.valid.get(*at)).max_by_key(|at| table.time_ns[*at]);
                        prop_assert_eq!(column.get(newest.unwrap()), Some(field.value.clone()));
                    }
                }
                let all: Vec<u32> = (0..set.read().len() as u32).collect();
                let saved = last.to_tables(&all, &set.read());
                let (other, mut restored) = (SeriesSet::default(), LastValues::default());
                let ids = other.intern(&saved[0], usize::MAX);
                restored.restore(&saved[0], &saved[1], &ids);
                prop_assert_eq!(restored.rows(&other.read()), rows);
            }
        }
    }
}
