//! Takes sorted sources whose keys may be equal and gives back rows with unique keys, the newest value of each field winning.
//!
//! Rows that share their key with no other source are handed on in the batches that they came in; nothing is copied for them.
//! Contested rows, of which there are few, are left out of those batches, put together by column and handed on in batches of
//! their own. So the answer is in no particular order, and costs little more than reading the sources one by one.
//!
//! Memory: a batch of each source, and those that hold contested rows which are not yet handed on, at most
//! [`HELD_BATCHES`] and two of each source.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::interleave;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use futures::StreamExt;

use super::cursor::{self, Cursor};

/// Batches with contested rows that may wait.
const HELD_BATCHES: usize = 32;

/// What rows look like.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// The columns of the sources: time, all tags, then the fields that are needed.
    pub(crate) schema: SchemaRef,
    /// How many of them are the key.
    pub(crate) keys: usize,
    /// Which of them are handed on.
    pub(crate) output: Vec<usize>,
}

impl Shape {
    /// The columns that are handed on.
    pub(crate) fn output_schema(&self) -> Result<SchemaRef> {
        Ok(Arc::new(self.schema.project(&self.output)?))
    }
}

/// Merges sources.
pub(crate) struct NewestWins {
    shape: Shape,
    /// The oldest source first.
    sources: Vec<Source>,
    contested: Contested,
    ready: VecDeque<RecordBatch>,
    /// Rows of a batch of contested ones.
    batch_size: usize,
    reservation: MemoryReservation,
}

struct Source {
    rows: SendableRecordBatchStream,
    /// Absent before the first batch and after the last.
    cursor: Option<Cursor>,
    ended: bool,
}

impl NewestWins {
    /// Merges streams, the oldest first, each sorted and with unique keys.
    pub(crate) fn new(
        shape: Shape,
        streams: Vec<SendableRecordBatchStream>,
        batch_size: usize,
        reservation: MemoryReservation,
    ) -> Result<Self> {
        let contested = Contested::new(shape.output_schema()?);
        let sources = streams.into_iter().map(|rows| Source { rows, cursor: None, ended: false }).collect();
        Ok(Self { shape, sources, contested, ready: VecDeque::new(), batch_size, reservation })
    }

    /// The next rows.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            self.load().await?;
            if self.sources.iter().all(|source| source.cursor.is_none()) {
                self.ready.extend(self.contested.take(&self.shape)?);
                return Ok(self.ready.pop_front());
            }
            self.advance();
            if self.contested.rows() >= self.batch_size || self.contested.batches.len() > HELD_BATCHES {
                self.ready.extend(self.contested.take(&self.shape)?);
            }
        }
    }

    /// Hands on the batches that were looked at, and sees that each source that has more rows has one to look at.
    async fn load(&mut self) -> Result<()> {
        for source in &mut self.sources {
            if source.cursor.as_ref().is_some_and(|cursor| !cursor.is_done()) {
                continue;
            }
            if let Some(cursor) = source.cursor.take() {
                let batch = cursor.uncontested(&self.shape.output)?;
                if batch.num_rows() > 0 {
                    self.ready.push_back(batch);
                }
            }
            while source.cursor.is_none() && !source.ended {
                match source.rows.next().await.transpose()? {
                    Some(batch) if batch.num_rows() == 0 => {}
                    Some(batch) => source.cursor = Some(Cursor::new(batch, self.shape.keys)?),
                    None => source.ended = true,
                }
            }
        }
        let cursors = self.sources.iter().filter_map(|source| source.cursor.as_ref());
        let held = cursors.map(Cursor::bytes).sum::<usize>() + self.contested.bytes;
        self.reservation.try_resize(held)
    }

    /// Looks at rows, in the order of their keys over all sources, until a source needs its next batch.
    fn advance(&mut self) {
        let mut cursors: Vec<&mut Cursor> =
            self.sources.iter_mut().filter_map(|source| source.cursor.as_mut()).collect();
        // Which cursors stand at the lowest series, ascending.
        let mut lowest: Vec<usize> = Vec::with_capacity(cursors.len());
        loop {
            lowest.clear();
            for (index, cursor) in cursors.iter().enumerate() {
                if cursor.is_done() {
                    return;
                }
                let first = lowest.first().and_then(|first| cursors.get(*first));
                match first.map_or(Ordering::Equal, |first| cursor.compare_series(first)) {
                    Ordering::Less => {
                        lowest.clear();
                        lowest.push(index);
                    }
                    Ordering::Equal => lowest.push(index),
                    Ordering::Greater => {}
                }
            }
            match lowest.as_slice() {
                [] => return,
                [only] => {
                    if let Some(cursor) = cursors.get_mut(*only) {
                        cursor.pass_run();
                    }
                }
                several => merge_run(&mut cursors, several, &mut self.contested),
            }
        }
    }
}

/// Looks at rows of one series until one of its cursors has left it.
fn merge_run(cursors: &mut [&mut Cursor], several: &[usize], contested: &mut Contested) {
    loop {
        let times = || several.iter().filter_map(|index| Some((*index, cursors.get(*index)?.time())));
        let Some((earliest, time)) = times().min_by_key(|(_, time)| *time) else { return };
        let next = times().filter(|(index, _)| *index != earliest).map(|(_, time)| time).min().unwrap_or(i64::MAX);
        if next > time {
            if cursors.get_mut(earliest).is_none_or(|cursor| cursor.pass_until(next)) {
                return;
            }
            continue;
        }
        let mut left = false;
        for index in several {
            if let Some(cursor) = cursors.get_mut(*index).filter(|cursor| cursor.time() == time) {
                contested.add(*index, cursor);
                left |= cursor.give_away();
            }
        }
        contested.close();
        if left {
            return;
        }
    }
}

/// Rows that share their keys.
struct Contested {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// The newest of `batches` by source.
    newest: Vec<Option<usize>>,
    /// Batch and row; rows of one key follow each other, the oldest source first.
    rows: Vec<(usize, usize)>,
    /// Where in `rows` each key ends.
    ends: Vec<usize>,
    bytes: usize,
}

impl Contested {
    fn new(schema: SchemaRef) -> Self {
        Self { schema, batches: Vec::new(), newest: Vec::new(), rows: Vec::new(), ends: Vec::new(), bytes: 0 }
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Takes in the row that a source stands at.
    fn add(&mut self, source: usize, cursor: &Cursor) {
        if self.newest.len() <= source {
            self.newest.resize(source + 1, None);
        }
        let batch = cursor.batch();
        let known = self.newest.get(source).copied().flatten();
        let is_this = |index: &usize| self.batches.get(*index).is_some_and(|held| is_same(held, batch));
        let index = known.filter(is_this).unwrap_or_else(|| {
            self.bytes += cursor::bytes(batch);
            self.batches.push(batch.clone());
            self.batches.len() - 1
        });
        if let Some(newest) = self.newest.get_mut(source) {
            *newest = Some(index);
        }
        self.rows.push((index, cursor.position()));
    }

    /// Ends the rows of a key.
    fn close(&mut self) {
        self.ends.push(self.rows.len());
    }

    /// Puts the rows of each key together and forgets them.
    fn take(&mut self, shape: &Shape) -> Result<Option<RecordBatch>, ArrowError> {
        let taken = std::mem::replace(self, Self::new(Arc::clone(&self.schema)));
        if taken.ends.is_empty() {
            return Ok(None);
        }
        let starts = std::iter::once(0).chain(taken.ends.iter().copied());
        let groups: Vec<&[(usize, usize)]> =
            starts.zip(&taken.ends).filter_map(|(start, end)| taken.rows.get(start..*end)).collect();
        let columns = shape.output.iter().map(|index| {
            let arrays: Vec<&ArrayRef> = taken.batches.iter().filter_map(|batch| batch.columns().get(*index)).collect();
            let is_value = |(batch, row): &&(usize, usize)| {
                *index < shape.keys || arrays.get(*batch).is_some_and(|array| array.is_valid(*row))
            };
            // Without any value the newest row serves as well as any: it has none.
            let newest = |group: &&[(usize, usize)]| group.iter().rev().find(is_value).or(group.last()).copied();
            let picks: Vec<(usize, usize)> = groups.iter().filter_map(newest).collect();
            interleave(&arrays.iter().map(|array| array.as_ref()).collect::<Vec<&dyn Array>>(), &picks)
        });
        let columns = columns.collect::<Result<_, _>>()?;
        let rows = arrow::array::RecordBatchOptions::new().with_row_count(Some(groups.len()));
        RecordBatch::try_new_with_options(taken.schema, columns, &rows).map(Some)
    }
}

/// Whether two batches are one: they share their columns.
fn is_same(a: &RecordBatch, b: &RecordBatch) -> bool {
    match (a.columns().first(), b.columns().first()) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::{AsArray, DictionaryArray, Float64Array, Int32Array, StringArray, TimestampNanosecondArray};
    use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Schema, TimeUnit, TimestampNanosecondType};
    use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, UnboundedMemoryPool};
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use futures::executor::block_on;
    use futures::stream;
    use proptest::prelude::*;

    use super::*;

    type Key = (Option<u8>, Option<u8>, i64);
    type Fields = (Option<u8>, Option<u8>);
    type Rows = BTreeMap<Key, Fields>;

    fn schema() -> SchemaRef {
        let tag = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        Arc::new(Schema::new(vec![
            Field::new("time", DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())), false),
            Field::new("k", tag.clone(), true),
            Field::new("l", tag, true),
            Field::new("a", DataType::Float64, true),
            Field::new("b", DataType::Float64, true),
        ]))
    }

    /// A tag column whose dictionary is in no order and, at times, holds a value twice.
    fn tag(values: impl Iterator<Item = Option<u8>>) -> ArrayRef {
        let values: Vec<Option<u8>> = values.collect();
        let keys = values.iter().enumerate().map(|(row, value)| {
            value.map(|value| if row % 7 == 6 { 4 + i32::from(value) } else { 3 - i32::from(value) })
        });
        let keys: Int32Array = keys.collect();
        let texts = StringArray::from(vec!["t3", "t2", "t1", "t0", "t0", "t1", "t2", "t3"]);
        Arc::new(DictionaryArray::try_new(keys, Arc::new(texts)).unwrap())
    }

    fn batch(rows: &[(Key, Fields)]) -> RecordBatch {
        let time = TimestampNanosecondArray::from_iter_values(rows.iter().map(|row| row.0.2)).with_timezone("UTC");
        let field = |value: fn(&Fields) -> Option<u8>| -> ArrayRef {
            Arc::new(rows.iter().map(|row| value(&row.1).map(f64::from)).collect::<Float64Array>())
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(time),
            tag(rows.iter().map(|row| row.0.0)),
            tag(rows.iter().map(|row| row.0.1)),
            field(|fields| fields.0),
            field(|fields| fields.1),
        ];
        RecordBatch::try_new(schema(), columns).unwrap()
    }

    /// The rows of batches whose columns are b, a, l, k, time.
    fn rows(batches: &[RecordBatch]) -> Vec<(Key, Fields)> {
        let mut rows = Vec::new();
        for batch in batches {
            let tag = |column: usize, row: usize| {
                let tag = batch.column(column).as_dictionary::<Int32Type>();
                let value = tag.is_valid(row).then(|| tag.values().as_string::<i32>().value(tag.key(row).unwrap()));
                value.map(|text| text[1..].parse().unwrap())
            };
            let field = |column: usize, row: usize| {
                let field = batch.column(column).as_primitive::<Float64Type>();
                field.is_valid(row).then(|| field.value(row) as u8)
            };
            for row in 0..batch.num_rows() {
                let time = batch.column(4).as_primitive::<TimestampNanosecondType>().value(row);
                rows.push(((tag(3, row), tag(2, row), time), (field(1, row), field(0, row))));
            }
        }
        rows
    }

    fn merged(sources: &[Vec<Vec<(Key, Fields)>>], batch_size: usize) -> Vec<RecordBatch> {
        let shape = Shape { schema: schema(), keys: 3, output: vec![4, 3, 2, 1, 0] };
        let streams = sources.iter().map(|batches| -> SendableRecordBatchStream {
            let batches: Vec<_> = batches.iter().map(|rows| Ok(batch(rows))).collect();
            Box::pin(RecordBatchStreamAdapter::new(schema(), stream::iter(batches)))
        });
        let pool: Arc<dyn MemoryPool> = Arc::new(UnboundedMemoryPool::default());
        let reservation = MemoryConsumer::new("test").register(&pool);
        let mut newest = NewestWins::new(shape, streams.collect(), batch_size, reservation).unwrap();
        let mut batches = Vec::new();
        while let Some(batch) = block_on(newest.next()).unwrap() {
            assert!(batch.num_rows() > 0);
            batches.push(batch);
        }
        batches
    }

    fn source() -> impl Strategy<Value = Rows> {
        let key = (proptest::option::of(0u8..4), proptest::option::weighted(0.3, 0u8..3), 0i64..25);
        let fields = (proptest::option::of(any::<u8>()), proptest::option::of(any::<u8>()));
        proptest::collection::btree_map(key, fields, 0..60)
    }

    proptest! {
        #[test]
        fn each_key_is_answered_once_with_the_newest_value_of_each_field(
            sources in proptest::collection::vec((source(), 1usize..20), 0..5),
            batch_size in 1usize..30,
        ) {
            let mut model = Rows::new();
            for (source, _) in &sources {
                for (key, fields) in source {
                    let row = model.entry(*key).or_default();
                    *row = (fields.0.or(row.0), fields.1.or(row.1));
                }
            }
            let cut: Vec<Vec<Vec<(Key, Fields)>>> = sources
                .iter()
                .map(|(source, size)| {
                    let rows: Vec<(Key, Fields)> = source.iter().map(|(key, fields)| (*key, *fields)).collect();
                    rows.chunks(*size).map(<[_]>::to_vec).chain([Vec::new()]).collect()
                })
                .collect();
            let mut answer = rows(&merged(&cut, batch_size));
            answer.sort_unstable();
            prop_assert_eq!(answer, model.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn rows_without_a_rival_stay_in_their_batches() {
        let series =
            |k: u8, times: std::ops::Range<i64>| times.map(move |time| ((Some(k), None, time), (Some(1), None)));
        let old: Vec<_> = series(0, 0..100).chain(series(1, 0..100)).collect();
        let new: Vec<_> = series(0, 99..150).chain(series(1, 120..150)).collect();
        let sizes: Vec<usize> = merged(&[vec![old], vec![new]], 8_192).iter().map(RecordBatch::num_rows).collect();
        assert_eq!(sizes, [199, 80, 1]);
    }
}
