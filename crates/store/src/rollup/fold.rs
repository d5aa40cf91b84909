//! From merged rows to one row per series and window.
//!
//! The rows come sorted by series, then time, so that one window of one series is under way at a time: the memory does not
//! depend on how many rows, series or windows there are. Values are added in order of time, so that the same rows give the same
//! sums, bit by bit.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Array, PrimitiveArray, RecordBatch, StringArray};
use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, Float64Type, Int32Type, Int64Type, SchemaRef, TimestampNanosecondType,
    UInt64Type,
};
use arrow::error::ArrowError;
use sensorium_model::{FastMap, FieldColumn, FieldType, Name, TableBatch, TagColumn, Value};

use super::definition::{Aggregate, ResultColumn, Rollup};

/// Rows of a table on their way to rows of its rollup.
pub(super) struct Fold {
    rollup: Arc<Rollup>,
    /// The fields of what comes, behind the time and the tags.
    fields: Vec<Accumulator>,
    /// The window under way.
    group: Option<Group>,
    out: Output,
}

/// A window of a series.
struct Group {
    tags: Vec<Option<Name>>,
    start_ns: i64,
}

/// Rows that are done.
struct Output {
    time_ns: Vec<i64>,
    tags: Vec<Tag>,
    /// With the position of the field that each is of.
    columns: Vec<(usize, Aggregate, FieldColumn)>,
}

struct Tag {
    column: TagColumn,
    keys: FastMap<Name, u32>,
}

/// A tag of a batch.
struct TagView<'b> {
    keys: &'b Int32Array,
    values: &'b StringArray,
}

impl Fold {
    /// Begins. `schema` is that of the rows to come: the time, `tags` tags, and fields that `results` are of.
    pub(super) fn new(rollup: Arc<Rollup>, schema: &SchemaRef, tags: usize, results: &[ResultColumn]) -> Self {
        let tag = |name: &String| Tag {
            column: TagColumn::with_absent_rows(name.as_str().into(), 0),
            keys: FastMap::default(),
        };
        let mut out = Output { time_ns: Vec::new(), tags: Vec::new(), columns: Vec::new() };
        let mut fields = Vec::new();
        for (index, name) in schema.fields().iter().map(|field| field.name()).enumerate().skip(1) {
            if index <= tags {
                out.tags.push(tag(name));
                continue;
            }
            let of_field = || results.iter().filter(|result| result.field.as_ref() == name.as_str());
            for result in of_field() {
                let kind = result.aggregate.of(result.field_type);
                let column = FieldColumn::with_absent_rows(Arc::clone(&result.name), kind, 0);
                out.columns.push((fields.len(), result.aggregate, column));
            }
            fields.push(Accumulator::new(of_field().next().map_or(FieldType::F64, |result| result.field_type)));
        }
        Self { rollup, fields, group: None, out }
    }

    /// Columns of the result.
    pub(super) fn columns(&self) -> usize {
        1 + self.out.tags.len() + self.out.columns.len()
    }

    /// Rows that are done.
    pub(super) fn rows(&self) -> usize {
        self.out.time_ns.len()
    }

    /// Takes the next rows.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let unexpected = || ArrowError::SchemaError("a column is not what its table says".to_owned());
        let columns = batch.columns();
        let times = columns.first().and_then(|time| time.as_primitive_opt::<TimestampNanosecondType>());
        let times: &[i64] = times.ok_or_else(unexpected)?.values();
        let tags = columns.iter().skip(1).take(self.out.tags.len()).map(|column| {
            let tags = column.as_dictionary_opt::<Int32Type>()?;
            Some(TagView { keys: tags.keys(), values: tags.values().as_string_opt::<i32>()? })
        });
        let tags: Vec<TagView<'_>> = tags.collect::<Option<_>>().ok_or_else(unexpected)?;
        let mut row = 0;
        while let Some(time) = times.get(row) {
            let start_ns = self.rollup.window_of(*time);
            if !self.group.as_ref().is_some_and(|group| group.start_ns == start_ns && group.has(&tags, row)) {
                self.close();
                let tags = tags.iter().map(|tag| tag.get(row).map(Name::from)).collect();
                self.group = Some(Group { tags, start_ns });
            }
            let window = start_ns..start_ns.saturating_add(self.rollup.interval_ns());
            let more = times.iter().enumerate().skip(row + 1);
            let more =
                more.take_while(|(next, time)| window.contains(*time) && tags.iter().all(|tag| tag.same(row, *next)));
            let end = row + 1 + more.count();
            for (field, column) in self.fields.iter_mut().zip(columns.iter().skip(1 + tags.len())) {
                field.add(column.as_ref(), row..end).ok_or_else(unexpected)?;
            }
            row = end;
        }
        Ok(())
    }

    /// Ends the window under way: no more rows come.
    pub(super) fn close(&mut self) {
        let Some(group) = self.group.take() else { return };
        if self.fields.iter().any(|field| field.count() > 0) {
            self.out.push(&group, &self.fields);
        }
        self.fields.iter_mut().for_each(Accumulator::clear);
    }

    /// The rows that are done, if there are any.
    pub(super) fn take(&mut self) -> Option<TableBatch> {
        self.out.take(&self.rollup.target)
    }
}

impl Group {
    fn has(&self, tags: &[TagView<'_>], row: usize) -> bool {
        self.tags.iter().zip(tags).all(|(own, tag)| own.as_deref() == tag.get(row))
    }
}

impl<'b> TagView<'b> {
    fn get(&self, row: usize) -> Option<&'b str> {
        let key = self.keys.is_valid(row).then(|| self.keys.value(row))?;
        Some(self.values.value(usize::try_from(key).ok()?))
    }

    /// Whether two rows have the same value; a value may stand in the dictionary more than once.
    fn same(&self, a: usize, b: usize) -> bool {
        match (self.keys.is_valid(a), self.keys.is_valid(b)) {
            (true, true) => self.keys.value(a) == self.keys.value(b) || self.get(a) == self.get(b),
            (a, b) => a == b,
        }
    }
}

impl Output {
    fn push(&mut self, group: &Group, fields: &[Accumulator]) {
        let row = self.time_ns.len();
        self.time_ns.push(group.start_ns);
        for (tag, value) in self.tags.iter_mut().zip(&group.tags) {
            tag.push(value.as_ref());
        }
        for (field, aggregate, column) in &mut self.columns {
            if let Some(value) = fields.get(*field).and_then(|field| field.result(*aggregate)) {
                column.fill_to(row);
                let pushed = column.push(&value);
                debug_assert!(pushed, "a result has the type of its column");
            }
        }
    }

    /// The rows as a batch, without columns that none of them has.
    fn take(&mut self, table: &Name) -> Option<TableBatch> {
        let time_ns = std::mem::take(&mut self.time_ns);
        let rows = time_ns.len();
        if rows == 0 {
            return None;
        }
        let tags = self.tags.iter_mut().map(Tag::take).filter(|tag| !tag.dictionary.is_empty()).collect();
        let columns = self.columns.iter_mut().map(|(_, _, column)| {
            let empty = FieldColumn::with_absent_rows(Arc::clone(&column.name), column.values.field_type(), 0);
            let mut column = std::mem::replace(column, empty);
            column.fill_to(rows);
            column
        });
        let mut fields: Vec<FieldColumn> = columns.filter(|column| column.valid.count_valid() > 0).collect();
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        let source = (1..).take(rows).collect();
        Some(TableBatch { table: Arc::clone(table), time_ns, tags, fields, source })
    }
}

impl Tag {
    fn push(&mut self, value: Option<&Name>) {
        let column = &mut self.column;
        let key = value.map(|value| {
            *self.keys.entry(Arc::clone(value)).or_insert_with(|| {
                column.dictionary.push(Arc::clone(value));
                column.dictionary.len() as u32 - 1
            })
        });
        column.keys.push(key.unwrap_or(TagColumn::ABSENT));
    }

    fn take(&mut self) -> TagColumn {
        self.keys.clear();
        let empty = TagColumn::with_absent_rows(Arc::clone(&self.column.name), 0);
        std::mem::replace(&mut self.column, empty)
    }
}

/// What is known of the values of a field in the window under way.
enum Accumulator {
    F64(Numbers<f64>),
    I64(Numbers<i64>),
    U64(Numbers<u64>),
}

#[derive(Default)]
struct Numbers<T: Number> {
    count: i64,
    sum: T::Sum,
    min: T,
    max: T,
    first: T,
    last: T,
}

/// A type of numbers.
trait Number: ArrowNativeType {
    /// Holds the sum of any number of them.
    type Sum: Copy + Default;

    fn plus(sum: Self::Sum, value: Self) -> Self::Sum;
    fn total(sum: Self::Sum) -> Self;
    fn mean(sum: Self::Sum, count: i64) -> f64;
    fn value(self) -> Value<'static>;
}

impl Number for f64 {
    type Sum = Self;

    fn plus(sum: Self, value: Self) -> Self {
        sum + value
    }

    fn total(sum: Self) -> Self {
        sum.clamp(Self::MIN, Self::MAX)
    }

    fn mean(sum: Self, count: i64) -> f64 {
        Self::total(sum) / count as f64
    }

    fn value(self) -> Value<'static> {
        Value::F64(self)
    }
}

impl Number for i64 {
    type Sum = i128;

    fn plus(sum: i128, value: Self) -> i128 {
        sum.saturating_add(value.into())
    }

    fn total(sum: i128) -> Self {
        Self::try_from(sum).unwrap_or(if sum < 0 { Self::MIN } else { Self::MAX })
    }

    fn mean(sum: i128, count: i64) -> f64 {
        sum as f64 / count as f64
    }

    fn value(self) -> Value<'static> {
        Value::I64(self)
    }
}

impl Number for u64 {
    type Sum = u128;

    fn plus(sum: u128, value: Self) -> u128 {
        sum.saturating_add(value.into())
    }

    fn total(sum: u128) -> Self {
        Self::try_from(sum).unwrap_or(Self::MAX)
    }

    fn mean(sum: u128, count: i64) -> f64 {
        sum as f64 / count as f64
    }

    fn value(self) -> Value<'static> {
        Value::U64(self)
    }
}

impl Accumulator {
    fn new(field: FieldType) -> Self {
        match field {
            FieldType::I64 => Self::I64(Numbers::default()),
            FieldType::U64 => Self::U64(Numbers::default()),
            _ => Self::F64(Numbers::default()),
        }
    }

    fn count(&self) -> i64 {
        match self {
            Self::F64(numbers) => numbers.count,
            Self::I64(numbers) => numbers.count,
            Self::U64(numbers) => numbers.count,
        }
    }

    fn clear(&mut self) {
        match self {
            Self::F64(numbers) => *numbers = Numbers::default(),
            Self::I64(numbers) => *numbers = Numbers::default(),
            Self::U64(numbers) => *numbers = Numbers::default(),
        }
    }

    /// Adds the values of some rows; `None` if the column is of another type.
    fn add(&mut self, column: &dyn Array, rows: Range<usize>) -> Option<()> {
        match self {
            Self::F64(numbers) => numbers.add(column.as_primitive_opt::<Float64Type>()?, rows),
            Self::I64(numbers) => numbers.add(column.as_primitive_opt::<Int64Type>()?, rows),
            Self::U64(numbers) => numbers.add(column.as_primitive_opt::<UInt64Type>()?, rows),
        }
        Some(())
    }

    fn result(&self, aggregate: Aggregate) -> Option<Value<'static>> {
        match self {
            Self::F64(numbers) => numbers.result(aggregate),
            Self::I64(numbers) => numbers.result(aggregate),
            Self::U64(numbers) => numbers.result(aggregate),
        }
    }
}

impl<T: Number> Numbers<T> {
    fn add<A: ArrowPrimitiveType<Native = T>>(&mut self, column: &PrimitiveArray<A>, rows: Range<usize>) {
        let start = rows.start;
        let values = column.values().get(rows).unwrap_or_default();
        if column.null_count() == 0 {
            values.iter().for_each(|value| self.push(*value));
        } else {
            let present = values.iter().enumerate().filter(|(row, _)| column.is_valid(start + row));
            present.for_each(|(_, value)| self.push(*value));
        }
    }

    fn push(&mut self, value: T) {
        if self.count == 0 {
            (self.min, self.max, self.first) = (value, value, value);
        }
        if value < self.min {
            self.min = value;
        }
        if value > self.max {
            self.max = value;
        }
        self.last = value;
        self.sum = T::plus(self.sum, value);
        self.count += 1;
    }

    fn result(&self, aggregate: Aggregate) -> Option<Value<'static>> {
        (self.count > 0).then(|| match aggregate {
            Aggregate::Min => self.min.value(),
            Aggregate::Max => self.max.value(),
            Aggregate::Mean => Value::F64(T::mean(self.sum, self.count)),
            Aggregate::Sum => T::total(self.sum).value(),
            Aggregate::Count => Value::I64(self.count),
            Aggregate::First => self.first.value(),
            Aggregate::Last => self.last.value(),
        })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, TimestampNanosecondArray, UInt64Array};
    use sensorium_model::{ColumnKind, TableSchema};

    use super::*;
    use crate::columns::arrow_schema;

    const SECOND: i64 = 1_000_000_000;

    fn schema() -> TableSchema {
        let mut schema = TableSchema::default();
        for (name, kind) in [("d", FieldType::F64), ("i", FieldType::I64), ("u", FieldType::U64)] {
            schema.add(name.into(), ColumnKind::Field(kind)).unwrap();
        }
        schema.add("x".into(), ColumnKind::Tag).unwrap();
        schema
    }

    type Row = (Option<&'static str>, i64, Option<f64>, Option<i64>, Option<u64>);

    fn batch(rows: &[Row]) -> RecordBatch {
        let time = TimestampNanosecondArray::from_iter_values(rows.iter().map(|row| row.1)).with_timezone("UTC");
        let tags: DictionaryArray<Int32Type> = rows.iter().map(|row| row.0).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(time),
            Arc::new(tags),
            Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| row.3).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.4).collect::<UInt64Array>()),
        ];
        RecordBatch::try_new(arrow_schema(&schema()), columns).unwrap()
    }

    fn fold(batches: &[RecordBatch]) -> Option<TableBatch> {
        let rollup = Rollup {
            target: "t".into(),
            source: "s".into(),
            interval_seconds: 60,
            aggregates: Aggregate::ALL.to_vec(),
            fields: Vec::new(),
        };
        let results = rollup.results(&schema());
        let mut fold = Fold::new(Arc::new(rollup), &arrow_schema(&schema()), 1, &results);
        batches.iter().for_each(|batch| fold.add(batch).unwrap());
        fold.close();
        let taken = fold.take();
        assert!(fold.take().is_none());
        taken
    }

    fn value<'t>(rows: &'t TableBatch, row: usize, name: &str) -> Option<Value<'t>> {
        rows.fields.iter().find(|field| field.name.as_ref() == name).and_then(|field| field.get(row))
    }

    #[test]
    fn each_series_and_window_becomes_a_row() {
        let rows = [
            (None, 5 * SECOND, Some(1.5), Some(7), None),
            (None, 59 * SECOND, Some(-2.0), None, None),
            (None, 60 * SECOND, None, None, None),
            (None, 120 * SECOND, Some(4.0), None, Some(3)),
            (Some("a"), 120 * SECOND, Some(5.0), Some(i64::MAX), Some(u64::MAX)),
            (Some("a"), 121 * SECOND, Some(6.0), Some(i64::MAX), Some(1)),
        ];
        // Cut anywhere, the rows give the same.
        for cut in 0..=rows.len() {
            let folded = fold(&[batch(&rows[..cut]), batch(&rows[cut..])]).unwrap();
            assert!(folded.is_rectangular());
            assert_eq!(folded.time_ns, [0, 120 * SECOND, 120 * SECOND], "a window without values has no row");
            let tags: Vec<_> = (0..3).map(|row| folded.tags[0].get(row).map(|tag| tag.as_ref())).collect();
            assert_eq!(tags, [None, None, Some("a")]);
            let first: Vec<_> = Aggregate::ALL.iter().map(|a| value(&folded, 0, &format!("d_{a}")).unwrap()).collect();
            let doubles = |values: [f64; 7]| values.map(Value::F64);
            let mut expected = doubles([-2.0, 1.5, -0.25, -0.5, 0.0, 1.5, -2.0]);
            expected[4] = Value::I64(2);
            assert_eq!(first, expected);
            assert_eq!(value(&folded, 0, "i_count"), Some(Value::I64(1)));
            assert_eq!(value(&folded, 0, "u_count"), None);
            assert_eq!(value(&folded, 2, "i_sum"), Some(Value::I64(i64::MAX)), "what does not fit is the largest");
            assert_eq!(value(&folded, 2, "i_mean"), Some(Value::F64(i64::MAX as f64)));
            assert_eq!(value(&folded, 2, "u_sum"), Some(Value::U64(u64::MAX)));
            assert_eq!(value(&folded, 2, "u_last"), Some(Value::U64(1)));
        }
    }

    #[test]
    fn columns_without_a_value_are_left_out_and_sums_stay_finite() {
        let folded = fold(&[batch(&[(None, 1, Some(f64::MAX), None, None), (None, 2, Some(f64::MAX), None, None)])]);
        let folded = folded.unwrap();
        assert!(folded.tags.is_empty() && folded.fields.iter().all(|field| field.name.starts_with("d_")));
        assert_eq!(value(&folded, 0, "d_sum"), Some(Value::F64(f64::MAX)));
        assert!(fold(&[batch(&[])]).is_none());
    }
}
