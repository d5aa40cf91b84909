//! Reduces rows as they come, in any order, without knowing beforehand which times they span.
//!
//! Stretches are as long as a power of two of nanoseconds, and begin at multiples of that. When the rows so far span more stretches
//! than wanted, neighbours are put together, which gives the same as if they had been one from the start.
//!
//! Memory: the rows that are kept, at most two and two per number for each stretch of each series; and as many that are not
//! kept any more, until they are left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::compute::{cast, interleave};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit, TimestampNanosecondType};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use sensorium_model::FastMap;

use super::bucket::{Bucket, Pick};

/// Rows that are not kept any more and may stay.
const SLACK_ROWS: usize = 65_536;

/// However long stretches are, one ends at the epoch.
const MIN_WIDTH: usize = 2;

/// What the columns of rows are to the reduction.
#[derive(Debug, Clone)]
pub(super) struct Roles {
    pub(super) time: usize,
    /// Those whose extremes are kept.
    numbers: Vec<usize>,
    /// Those that tell series apart.
    keys: Vec<usize>,
}

impl Roles {
    /// The first time is the time, numbers are values, and everything else tells series apart; `None` without a time.
    pub(super) fn of(schema: &SchemaRef) -> Option<Self> {
        let columns = || schema.fields().iter().enumerate();
        let time = columns().find(|(_, field)| matches!(field.data_type(), DataType::Timestamp(_, _)))?.0;
        let is_number = |kind: &DataType| kind.is_numeric();
        let numbers = columns().filter(|(_, field)| is_number(field.data_type())).map(|(index, _)| index).collect();
        let keys = columns().filter(|(index, field)| *index != time && !is_number(field.data_type()));
        Some(Self { time, numbers, keys: keys.map(|(index, _)| index).collect() })
    }
}

/// The reduction.
#[derive(Debug)]
pub(super) struct M4 {
    schema: SchemaRef,
    roles: Roles,
    /// Stretches wanted over all times.
    width: usize,
    /// A stretch is two to this power of nanoseconds long.
    shift: u32,
    span: Option<(i64, i64)>,
    keys: RowConverter,
    by_key: FastMap<OwnedRow, usize>,
    /// In order of first appearance, each by number of stretch.
    series: Vec<BTreeMap<i64, Bucket>>,
    /// What holds the rows that are kept.
    batches: Vec<RecordBatch>,
    rows: usize,
    /// Rows from which on those that are not kept any more are left out.
    tidy_at: usize,
}

impl M4 {
    pub(super) fn new(schema: SchemaRef, roles: Roles, width: usize) -> Result<Self, ArrowError> {
        let fields = roles.keys.iter().filter_map(|index| schema.fields().get(*index));
        let keys = RowConverter::new(fields.map(|field| SortField::new(field.data_type().clone())).collect())?;
        Ok(Self {
            schema,
            roles,
            width: width.max(MIN_WIDTH),
            shift: 0,
            span: None,
            keys,
            by_key: FastMap::default(),
            series: Vec::new(),
            batches: Vec::new(),
            rows: 0,
            tidy_at: SLACK_ROWS,
        })
    }

    /// Takes in rows; those without a time are left out.
    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<(), ArrowError> {
        let wanted = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let Some(times) = batch.columns().get(self.roles.time) else { return Ok(()) };
        let times = cast(times, &wanted)?;
        let times = times.as_primitive::<TimestampNanosecondType>();
        let (Some(min), Some(max)) = (arrow::compute::min(times), arrow::compute::max(times)) else { return Ok(()) };
        self.widen(min, max);
        let numbers = self.roles.numbers.iter().filter_map(|index| batch.columns().get(*index));
        let numbers: Vec<Float64Array> = numbers
            .map(|column| Ok(cast(column, &DataType::Float64)?.as_primitive().clone()))
            .collect::<Result<_, ArrowError>>()?;
        let keys: Vec<ArrayRef> =
            self.roles.keys.iter().filter_map(|index| batch.columns().get(*index).cloned()).collect();
        let keys = if keys.is_empty() { None } else { Some(self.keys.convert_columns(&keys)?) };
        let in_batch = self.batches.len();
        let mut before: Option<(usize, usize)> = None;
        for row in (0..batch.num_rows()).filter(|row| times.is_valid(*row)) {
            let time_ns = times.value(row);
            let number = match (&keys, before) {
                (Some(keys), Some((earlier, number))) if keys.row(earlier) == keys.row(row) => number,
                (Some(keys), _) => self.number(keys.row(row).owned()),
                (None, _) => self.only(),
            };
            before = Some((row, number));
            let pick = Pick { batch: in_batch, row, time_ns, value: 0.0 };
            let Some(stretches) = self.series.get_mut(number) else { continue };
            let bucket = stretches.entry(time_ns >> self.shift).or_insert_with(|| Bucket::new(pick, numbers.len()));
            bucket.add(pick);
            for (index, values) in numbers.iter().enumerate().filter(|(_, values)| values.is_valid(row)) {
                bucket.add_value(index, Pick { value: values.value(row), ..pick });
            }
        }
        self.rows += batch.num_rows();
        self.batches.push(batch);
        if self.rows > self.tidy_at {
            self.tidy()?;
            self.tidy_at = 2 * self.rows + SLACK_ROWS;
        }
        Ok(())
    }

    /// Bytes of the rows that are held, about.
    pub(super) fn bytes(&self) -> usize {
        let of_rows: usize = self.batches.iter().map(RecordBatch::get_array_memory_size).sum();
        let pick = size_of::<Pick>() * 2 * (1 + self.roles.numbers.len()) + 64;
        of_rows + self.series.iter().map(|stretches| stretches.len() * pick).sum::<usize>()
    }

    /// The rows that are kept: series by series, each by time.
    pub(super) fn finish(mut self) -> Result<Vec<RecordBatch>, ArrowError> {
        self.tidy()?;
        Ok(self.batches)
    }

    fn number(&mut self, key: OwnedRow) -> usize {
        let series = &mut self.series;
        *self.by_key.entry(key).or_insert_with(|| {
            series.push(BTreeMap::new());
            series.len() - 1
        })
    }

    /// The series of rows that nothing tells apart.
    fn only(&mut self) -> usize {
        if self.series.is_empty() {
            self.series.push(BTreeMap::new());
        }
        0
    }

    /// Makes stretches longer until all times fit.
    fn widen(&mut self, min: i64, max: i64) {
        let (min, max) = self.span.map_or((min, max), |(earlier, later)| (min.min(earlier), max.max(later)));
        self.span = Some((min, max));
        let before = self.shift;
        let too_many = |shift: u32| (max >> shift).abs_diff(min >> shift) >= self.width as u64;
        while self.shift < i64::BITS - 1 && too_many(self.shift) {
            self.shift += 1;
        }
        let grown = self.shift - before;
        if grown == 0 {
            return;
        }
        for stretches in &mut self.series {
            let mut longer: BTreeMap<i64, Bucket> = BTreeMap::new();
            for (index, bucket) in std::mem::take(stretches) {
                match longer.get_mut(&(index >> grown)) {
                    Some(earlier) => earlier.absorb(&bucket),
                    None => drop(longer.insert(index >> grown, bucket)),
                }
            }
            *stretches = longer;
        }
    }

    /// Holds only the rows that are kept: series by series, each by time.
    fn tidy(&mut self) -> Result<(), ArrowError> {
        let mut kept: Vec<(usize, usize)> = Vec::new();
        let mut moved: FastMap<(usize, usize), usize> = FastMap::default();
        for bucket in self.series.iter().flat_map(BTreeMap::values) {
            let mut picks: Vec<&Pick> = bucket.picks().collect();
            picks.sort_by_key(|pick| (pick.time_ns, pick.batch, pick.row));
            for pick in picks {
                let place = (pick.batch, pick.row);
                moved.entry(place).or_insert_with(|| {
                    kept.push(place);
                    kept.len() - 1
                });
            }
        }
        let columns = (0..self.schema.fields().len()).map(|index| {
            let arrays: Vec<&dyn Array> =
                self.batches.iter().filter_map(|batch| Some(batch.columns().get(index)?.as_ref())).collect();
            interleave(&arrays, &kept)
        });
        let batch = match self.batches.is_empty() {
            true => RecordBatch::new_empty(Arc::clone(&self.schema)),
            false => RecordBatch::try_new(Arc::clone(&self.schema), columns.collect::<Result<_, _>>()?)?,
        };
        for pick in self.series.iter_mut().flat_map(BTreeMap::values_mut).flat_map(Bucket::picks_mut) {
            if let Some(row) = moved.get(&(pick.batch, pick.row)) {
                (pick.batch, pick.row) = (0, *row);
            }
        }
        self.rows = batch.num_rows();
        self.batches = vec![batch];
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray, TimestampMillisecondArray};
    use arrow::compute::concat_batches;
    use arrow::datatypes::{Field, Float64Type, Int64Type, Schema, TimestampMillisecondType};
    use proptest::prelude::*;

    use super::*;

    type Row = (i64, Option<u8>, Option<f64>, i64);

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("a", DataType::Float64, true),
            Field::new("t", DataType::Timestamp(TimeUnit::Millisecond, None), true),
            Field::new("k", DataType::Utf8, true),
            Field::new("b", DataType::Int64, true),
        ]))
    }

    fn batch(rows: &[Row]) -> RecordBatch {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| Some(row.0)).collect::<TimestampMillisecondArray>()),
            Arc::new(rows.iter().map(|row| row.1.map(|key| key.to_string())).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| Some(row.3)).collect::<Int64Array>()),
        ];
        RecordBatch::try_new(schema(), columns).unwrap()
    }

    fn rows(batch: &RecordBatch) -> Vec<Row> {
        let (a, b) = (batch.column(0).as_primitive::<Float64Type>(), batch.column(3).as_primitive::<Int64Type>());
        let (time, key) =
            (batch.column(1).as_primitive::<TimestampMillisecondType>(), batch.column(2).as_string::<i32>());
        (0..batch.num_rows())
            .map(|row| {
                let key = key.is_valid(row).then(|| key.value(row).parse().unwrap());
                (time.value(row), key, a.is_valid(row).then(|| a.value(row)), b.value(row))
            })
            .collect()
    }

    fn reduced(input: &[Row], size: usize, width: usize, tidy: bool) -> (Vec<Row>, u32) {
        let mut m4 = M4::new(schema(), Roles::of(&schema()).unwrap(), width).unwrap();
        for rows in input.chunks(size) {
            m4.push(batch(rows)).unwrap();
            if tidy {
                m4.tidy().unwrap();
            }
        }
        let shift = m4.shift;
        (rows(&concat_batches(&schema(), &m4.finish().unwrap()).unwrap()), shift)
    }

    /// What is to be kept of the rows of one series and stretch.
    fn kept_of(stretch: &[Row]) -> Vec<Row> {
        let mut kept: Vec<Row> = Vec::new();
        kept.extend(stretch.iter().min_by_key(|row| row.0));
        kept.extend(stretch.iter().max_by_key(|row| row.0));
        for value in [(|row: &Row| row.2) as fn(&Row) -> Option<f64>, |row| Some(row.3 as f64)] {
            let some = || stretch.iter().filter(|row| value(row).is_some());
            let by = |a: &&Row, b: &&Row| value(a).unwrap().total_cmp(&value(b).unwrap());
            kept.extend(some().min_by(|a, b| by(a, b).then(a.0.cmp(&b.0))));
            kept.extend(some().max_by(|a, b| by(a, b).then(b.0.cmp(&a.0))));
        }
        kept.sort_by_key(|row| row.0);
        kept.dedup();
        kept
    }

    proptest! {
        #[test]
        fn first_last_and_extremes_of_each_stretch_are_kept_however_the_rows_come(
            values in proptest::collection::btree_map(
                (-5_000i64..5_000, proptest::option::of(0u8..3)),
                (proptest::option::of(-9i32..9), -5i64..5),
                0..120,
            ).prop_shuffle_rows(),
            size in 1usize..30,
            width in MIN_WIDTH..20,
            tidy in any::<bool>(),
        ) {
            let (answer, shift) = reduced(&values, size, width, tidy);
            let mut stretches: BTreeMap<(Option<u8>, i64), Vec<Row>> = BTreeMap::new();
            let mut ordered = values.clone();
            ordered.sort_by_key(|row| row.0);
            for row in ordered {
                stretches.entry((row.1, (row.0 * 1_000_000) >> shift)).or_default().push(row);
            }
            let mut expected: Vec<Row> = stretches.values().flat_map(|rows| kept_of(rows)).collect();
            let mut sorted = answer.clone();
            let order = |a: &Row, b: &Row| (a.1, a.0).cmp(&(b.1, b.0));
            expected.sort_by(order);
            sorted.sort_by(order);
            prop_assert_eq!(sorted, expected);
            for key in [None, Some(0), Some(1), Some(2)] {
                let times: Vec<i64> = answer.iter().filter(|row| row.1 == key).map(|row| row.0).collect();
                prop_assert!(times.is_sorted(), "{:?}", times);
                let of_key = stretches.keys().filter(|stretch| stretch.0 == key).count();
                prop_assert!(of_key <= width && times.len() <= 6 * width);
            }
        }
    }

    /// Rows out of order, with unique keys.
    trait ShuffledRows {
        fn prop_shuffle_rows(self) -> BoxedStrategy<Vec<Row>>;
    }

    impl<S: Strategy<Value = BTreeMap<(i64, Option<u8>), (Option<i32>, i64)>> + 'static> ShuffledRows for S {
        fn prop_shuffle_rows(self) -> BoxedStrategy<Vec<Row>> {
            let rows = self.prop_map(|rows| {
                rows.into_iter().map(|((t, k), (a, b))| (t, k, a.map(f64::from), b)).collect::<Vec<Row>>()
            });
            rows.prop_shuffle().boxed()
        }
    }

    #[test]
    fn many_rows_take_the_memory_of_those_that_are_kept() {
        let mut m4 = M4::new(schema(), Roles::of(&schema()).unwrap(), 100).unwrap();
        let mut most = 0;
        for part in 0..200_i64 {
            let values: Vec<Row> = (0..2_000).map(|row| (part * 2_000 + row, None, Some(1.0), row)).collect();
            m4.push(batch(&values)).unwrap();
            most = most.max(m4.rows);
        }
        assert!(most <= SLACK_ROWS + 4_000, "{most}");
        let kept: usize = m4.finish().unwrap().iter().map(RecordBatch::num_rows).sum();
        assert!((100..=600).contains(&kept), "{kept}");
    }
}
