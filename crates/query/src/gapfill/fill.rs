//! Fills the gaps of one group: the rows of the group in order of time on one side, the beginnings of bins on the other.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, TimestampNanosecondArray, UInt64Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, SchemaRef, TimestampNanosecondType};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, internal_err};

use super::bins::{Bins, Starts};
use super::linear::{self, Place};

/// What stands where there is no value: in a bin without a row, and where a row holds null.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Fill {
    /// Nothing.
    Null,
    /// The value before; nothing before the first.
    Previous,
    /// What lies on the line between the values before and after; nothing before the first and after the last.
    Linear,
    /// Always the same, of the type of the column or one that becomes it.
    #[cfg_attr(not(test), expect(dead_code, reason = "fill(value) of InfluxQL; in SQL, coalesce does the same"))]
    Value(ScalarValue),
}

/// What a column of the filled rows holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// When the bin begins.
    Time,
    /// What all rows of the group have.
    Group,
    /// Values with gaps.
    Filled(Fill),
}

/// A column of the filled rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FilledColumn {
    /// The column of the unfilled rows that it is made from.
    pub(crate) input: usize,
    pub(crate) part: Part,
}

/// The rows of a group while they are being filled.
pub(super) struct Filling {
    schema: SchemaRef,
    times: TimestampNanosecondArray,
    columns: Vec<Column>,
    starts: Starts,
    /// Rows that are done.
    done: usize,
}

/// A row that is made.
struct Slot {
    time_ns: i64,
    /// The unfilled row that it is; `None` in a gap.
    row: Option<usize>,
    /// How many unfilled rows stand before it.
    position: usize,
}

impl Filling {
    /// For the rows of one group, in order of time.
    pub(super) fn new(schema: &SchemaRef, columns: &[FilledColumn], rows: &RecordBatch, bins: &Bins) -> Result<Self> {
        let column = |index: usize| {
            rows.columns().get(index).cloned().ok_or_else(|| internal_datafusion_err!("a column to fill is missing"))
        };
        let time =
            columns.iter().find(|column| column.part == Part::Time).map(|time| column(time.input)).transpose()?;
        let Some(times) = time.as_ref().and_then(|times| times.as_primitive_opt::<TimestampNanosecondType>()) else {
            return internal_err!("rows to fill have no times");
        };
        if times.null_count() > 0 {
            return internal_err!("a row to fill has no time");
        }
        let columns = columns
            .iter()
            .map(|FilledColumn { input, part }| Column::new(column(*input)?, part.clone()))
            .collect::<Result<_>>()?;
        Ok(Self { schema: Arc::clone(schema), times: times.clone(), columns, starts: bins.starts(), done: 0 })
    }

    /// The next rows, at most `size`; `None` after the last.
    pub(super) fn next(&mut self, size: usize) -> Result<Option<RecordBatch>> {
        let slots: Vec<Slot> = std::iter::from_fn(|| self.slot()).take(size.max(1)).collect();
        if slots.is_empty() {
            return Ok(None);
        }
        let times = &self.times;
        let columns = self.columns.iter_mut().map(|column| column.fill(&slots, times)).collect::<Result<_>>()?;
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }

    fn slot(&mut self) -> Option<Slot> {
        let position = self.done;
        let row_ns = (position < self.times.len()).then(|| self.times.value(position));
        let bin_ns = self.starts.peek();
        match (bin_ns, row_ns) {
            (Some(time_ns), row_ns) if row_ns.is_none_or(|row_ns| time_ns < row_ns) => {
                self.starts.advance();
                Some(Slot { time_ns, row: None, position })
            }
            (_, Some(time_ns)) => {
                if bin_ns == row_ns {
                    self.starts.advance();
                }
                self.done += 1;
                Some(Slot { time_ns, row: Some(position), position })
            }
            _ => None,
        }
    }
}

/// A column of one group.
struct Column {
    part: Part,
    data: ArrayRef,
    nulls: Option<NullBuffer>,
    /// What stands in gaps, as a column of one row, where that is always the same.
    constant: Option<ArrayRef>,
    /// The last row with a value before the row that is `seen`.
    before: Option<usize>,
    seen: usize,
    /// The first row with a value that is not before the position that was asked last.
    after: usize,
}

impl Column {
    fn new(data: ArrayRef, part: Part) -> Result<Self> {
        let constant = match &part {
            Part::Filled(Fill::Value(value)) => Some(value.cast_to(data.data_type())?.to_array_of_size(1)?),
            _ => None,
        };
        let nulls = data.logical_nulls();
        Ok(Self { part, data, nulls, constant, before: None, seen: 0, after: 0 })
    }

    fn has_value(&self, row: usize) -> bool {
        self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
    }

    /// The last row with a value before a position; positions only grow.
    fn before(&mut self, position: usize) -> Option<usize> {
        while self.seen < position {
            if self.has_value(self.seen) {
                self.before = Some(self.seen);
            }
            self.seen += 1;
        }
        self.before
    }

    /// The first row with a value from a position on; positions only grow.
    fn after(&mut self, position: usize) -> Option<usize> {
        self.after = self.after.max(position);
        while self.after < self.data.len() && !self.has_value(self.after) {
            self.after += 1;
        }
        (self.after < self.data.len()).then_some(self.after)
    }

    fn fill(&mut self, slots: &[Slot], times: &TimestampNanosecondArray) -> Result<ArrayRef> {
        match &self.part {
            Part::Time => {
                let times = TimestampNanosecondArray::from_iter_values(slots.iter().map(|slot| slot.time_ns));
                let zone = match self.data.data_type() {
                    DataType::Timestamp(_, zone) => zone.clone(),
                    _ => None,
                };
                Ok(Arc::new(times.with_timezone_opt(zone)))
            }
            Part::Group => self.rows(slots.iter().map(|_| Some(0))),
            Part::Filled(Fill::Null) => self.rows(slots.iter().map(|slot| slot.row)),
            Part::Filled(Fill::Previous) => {
                let rows: Vec<Option<usize>> = slots
                    .iter()
                    .map(|slot| slot.row.filter(|row| self.has_value(*row)).or_else(|| self.before(slot.position)))
                    .collect();
                self.rows(rows.into_iter())
            }
            Part::Filled(Fill::Linear) => {
                let places: Vec<Place> = slots.iter().map(|slot| self.place(slot, times)).collect();
                linear::values(&self.data, &places)
            }
            Part::Filled(Fill::Value(_)) => {
                let Some(constant) = &self.constant else { return internal_err!("a constant to fill with is missing") };
                let value = |slot: &Slot| slot.row.filter(|row| self.has_value(*row)).map_or((1, 0), |row| (0, row));
                let places: Vec<(usize, usize)> = slots.iter().map(value).collect();
                Ok(interleave(&[self.data.as_ref(), constant.as_ref()], &places)?)
            }
        }
    }

    /// Values of rows, null where there is none.
    fn rows(&self, rows: impl Iterator<Item = Option<usize>>) -> Result<ArrayRef> {
        let indices: UInt64Array = rows.map(|row| row.and_then(|row| u64::try_from(row).ok())).collect();
        Ok(take(&self.data, &indices, None)?)
    }

    fn place(&mut self, slot: &Slot, times: &TimestampNanosecondArray) -> Place {
        if let Some(row) = slot.row.filter(|row| self.has_value(*row)) {
            return Place::Row(row);
        }
        let (Some(before), Some(after)) = (self.before(slot.position), self.after(slot.position)) else {
            return Place::Nowhere;
        };
        let start_ns = i128::from(times.value(before));
        let (part, whole) = (i128::from(slot.time_ns) - start_ns, i128::from(times.value(after)) - start_ns);
        if whole > 0 { Place::Between { before, after, part, whole } } else { Place::Row(before) }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray};
    use arrow::compute::concat_batches;
    use arrow::datatypes::{Field, Float64Type, Int64Type, Schema, TimeUnit};

    use super::super::bins::Step;
    use super::*;

    const TIME: DataType = DataType::Timestamp(TimeUnit::Nanosecond, None);

    /// The filled rows of a group with these times and values, made `size` at a time.
    fn filled(times: &[i64], values: ArrayRef, fill: Fill, until: i64, size: usize) -> (Vec<i64>, ArrayRef) {
        let kind = values.data_type().clone();
        let fields =
            vec![Field::new("t", TIME, true), Field::new("k", DataType::Utf8, true), Field::new("v", kind, true)];
        let schema = Arc::new(Schema::new(fields));
        let keys = Arc::new(StringArray::from(vec!["a"; times.len()]));
        let columns: Vec<ArrayRef> = vec![Arc::new(TimestampNanosecondArray::from(times.to_vec())), keys, values];
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let parts = [Part::Time, Part::Group, Part::Filled(fill)];
        let columns: Vec<FilledColumn> =
            parts.into_iter().enumerate().map(|(input, part)| FilledColumn { input, part }).collect();
        let bins = Bins::over(Step::Nanos(10), 0, 0, until);
        let mut filling = Filling::new(&schema, &columns, &rows, &bins).unwrap();
        let mut made = Vec::new();
        while let Some(batch) = filling.next(size).unwrap() {
            assert!(batch.num_rows() <= size);
            made.push(batch);
        }
        let all = concat_batches(&schema, &made).unwrap();
        assert!(all.column(1).as_string::<i32>().iter().all(|key| key == Some("a")));
        (all.column(0).as_primitive::<TimestampNanosecondType>().values().to_vec(), Arc::clone(all.column(2)))
    }

    fn floats(times: &[i64], values: &[Option<f64>], fill: Fill, until: i64) -> Vec<Option<f64>> {
        let column = || Arc::new(Float64Array::from(values.to_vec()));
        let answer = |size: usize| {
            let (_, values) = filled(times, column(), fill.clone(), until, size);
            values.as_primitive::<Float64Type>().iter().collect::<Vec<_>>()
        };
        assert_eq!(answer(1), answer(100), "it does not matter how many rows are made at once");
        answer(3)
    }

    fn integers(times: &[i64], values: &[Option<i64>], fill: Fill, until: i64) -> Vec<Option<i64>> {
        let (_, values) = filled(times, Arc::new(Int64Array::from(values.to_vec())), fill, until, 2);
        values.as_primitive::<Int64Type>().iter().collect()
    }

    #[test]
    fn there_is_one_row_per_bin() {
        let values: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        assert_eq!(filled(&[20, 40], values, Fill::Null, 55, 4).0, [0, 10, 20, 30, 40, 50]);
        let values: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        assert_eq!(filled(&[0, 50], values, Fill::Null, 50, 4).0, [0, 10, 20, 30, 40, 50]);
        let values: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        assert_eq!(filled(&[-10, 5, 90], values, Fill::Null, 10, 4).0, [-10, 0, 5, 10, 90], "no row is lost");
    }

    #[test]
    fn nothing_stands_in_gaps() {
        assert_eq!(floats(&[10, 30], &[Some(1.0), None], Fill::Null, 40), [None, Some(1.0), None, None, None]);
    }

    #[test]
    fn the_value_before_stands_in_gaps_and_for_nulls() {
        let values = [Some(1.0), None, Some(3.0)];
        let expected = [None, Some(1.0), Some(1.0), Some(1.0), Some(1.0), Some(3.0), Some(3.0)];
        assert_eq!(floats(&[10, 30, 50], &values, Fill::Previous, 60), expected);
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("on"), None]));
        let (_, texts) = filled(&[0, 20], texts, Fill::Previous, 20, 2);
        assert_eq!(texts.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("on"); 3]);
    }

    #[test]
    fn a_line_goes_through_gaps_and_nulls_but_not_beyond_the_ends() {
        let values = [Some(1.0), None, Some(5.0)];
        let expected = [None, Some(1.0), Some(2.0), Some(3.0), Some(4.0), Some(5.0), None];
        assert_eq!(floats(&[10, 30, 50], &values, Fill::Linear, 60), expected);
        assert_eq!(floats(&[10, 30], &[None, Some(5.0)], Fill::Linear, 30), [None, None, None, Some(5.0)]);
        assert_eq!(floats(&[10], &[None], Fill::Linear, 20), [None; 3]);
        let values = [Some(0), Some(10), Some(-10)];
        let expected = [Some(0), Some(3), Some(7), Some(10), Some(0), Some(-10), None];
        assert_eq!(integers(&[0, 30, 50], &values, Fill::Linear, 60), expected);
    }

    #[test]
    fn a_constant_stands_in_gaps_and_for_nulls() {
        let zero = Fill::Value(ScalarValue::Int64(Some(0)));
        assert_eq!(integers(&[10, 20], &[Some(7), None], zero.clone(), 30), [Some(0), Some(7), Some(0), Some(0)]);
        assert_eq!(floats(&[10], &[Some(7.5)], zero, 20), [Some(0.0), Some(7.5), Some(0.0)]);
    }
}
