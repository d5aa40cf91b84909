//! Merges sorted streams of rows into one, with memory for one batch of each.
//!
//! Keys are compared as bytes. From the stream with the smallest key as many rows are taken at once as lie before the next
//! stream's key, found by galloping: sources that hold different series or times cost one comparison per run, not per row.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{SortOptions, interleave};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::row::{Row, RowConverter, Rows, SortField};

/// Sorted batches of one source, in the columns of the merge.
pub(crate) type Source = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Rows of a merged batch.
const BATCH_ROWS: usize = 8_192;

/// A row: its batch among those that are held, and its number there.
type At = (usize, usize);

/// A source and where it stands.
type Place = (usize, At);

/// Merged batches: sorted, with unique keys; of equal keys each field has the value of the newest source that has one.
pub(crate) struct Merge {
    schema: SchemaRef,
    /// The first columns, which are the key: the time, then the tags.
    keys: usize,
    converter: RowConverter,
    sources: Vec<Cursor>,
    /// Batches that rows to come, or waiting rows, lie in.
    held: Vec<Held>,
    /// For each row of the result so far its newest row.
    rows: Vec<At>,
    /// Older rows of the same key: position in `rows`, and the row; the newest last.
    older: Vec<(usize, At)>,
}

struct Cursor {
    source: Source,
    /// Where it stands; `None` at its end.
    at: Option<At>,
}

struct Held {
    batch: RecordBatch,
    keys: Rows,
}

impl Merge {
    /// Begins to merge sources, the oldest first; each is sorted by tags, absent first, then by time, with unique keys.
    pub(crate) fn new(schema: SchemaRef, tag_columns: usize, oldest_first: Vec<Source>) -> Result<Self, ArrowError> {
        let options = SortOptions { descending: false, nulls_first: true };
        let key = |index: usize| schema.fields().get(index).map(|field| field.data_type().clone());
        let fields = (1..=tag_columns).chain([0]).filter_map(key);
        let converter = RowConverter::new(fields.map(|kind| SortField::new_with_options(kind, options)).collect())?;
        let mut merge = Self {
            schema,
            keys: 1 + tag_columns,
            converter,
            sources: oldest_first.into_iter().map(|source| Cursor { source, at: None }).collect(),
            held: Vec::new(),
            rows: Vec::new(),
            older: Vec::new(),
        };
        for index in 0..merge.sources.len() {
            merge.load(index)?;
        }
        Ok(merge)
    }

    /// Reads the next batch of a source.
    fn load(&mut self, index: usize) -> Result<(), ArrowError> {
        let Some(cursor) = self.sources.get_mut(index) else { return Ok(()) };
        cursor.at = None;
        for batch in cursor.source.by_ref() {
            let batch = batch?;
            if batch.num_rows() == 0 {
                continue;
            }
            let columns = batch.columns();
            let tags = columns.iter().take(self.keys).skip(1);
            let key: Vec<ArrayRef> = tags.chain(columns.first()).map(Arc::clone).collect();
            let keys = self.converter.convert_columns(&key)?;
            cursor.at = Some((self.held.len(), 0));
            self.held.push(Held { batch, keys });
            break;
        }
        Ok(())
    }

    fn key(&self, at: At) -> Option<Row<'_>> {
        let held = self.held.get(at.0)?;
        (at.1 < held.keys.num_rows()).then(|| held.keys.row(at.1))
    }

    /// The source with the smallest key, the oldest of equal ones, and where the one behind it stands.
    fn smallest(&self) -> Option<(Place, Option<Place>)> {
        let mut best: Option<Place> = None;
        let mut second: Option<Place> = None;
        for (index, cursor) in self.sources.iter().enumerate() {
            let Some(at) = cursor.at else { continue };
            let less = |than: Option<Place>| than.is_none_or(|(_, other)| self.key(at) < self.key(other));
            if less(best) {
                (second, best) = (best, Some((index, at)));
            } else if less(second) {
                second = Some((index, at));
            }
        }
        best.map(|best| (best, second))
    }

    /// How many rows of a batch, from the place on, lie before the key of the next source; at least one. Of equal keys those of
    /// the older source come first.
    fn run(&self, (source, at): Place, next: Option<Place>) -> usize {
        let rest = self.held.get(at.0).map_or(1, |held| held.keys.num_rows() - at.1);
        let Some((next_source, next)) = next else { return rest };
        let Some(bound) = self.key(next) else { return rest };
        let before = |offset: usize| match self.key((at.0, at.1 + offset)).map(|key| key.cmp(&bound)) {
            Some(Ordering::Less) => true,
            Some(Ordering::Equal) => source < next_source,
            _ => false,
        };
        // Gallop, then halve.
        let (mut low, mut step) = (1, 1);
        while low + step <= rest && before(low + step - 1) {
            low += step;
            step *= 2;
        }
        let mut high = (low + step).min(rest + 1);
        while low + 1 < high {
            let middle = low.midpoint(high);
            if before(middle - 1) { low = middle } else { high = middle }
        }
        low
    }

    /// Takes the next run; false at the end.
    fn advance(&mut self) -> Result<bool, ArrowError> {
        let Some((place, next)) = self.smallest() else { return Ok(false) };
        let (source, at) = place;
        let run = self.run(place, next).min(BATCH_ROWS);
        // Keys are unique within a source, so only the first row of a run can have the key of the row before.
        let mut taken = at.1..at.1 + run;
        if let Some(before) = self.rows.last().copied().filter(|before| self.key(*before) == self.key(at)) {
            let position = self.rows.len() - 1;
            self.older.push((position, before));
            if let Some(row) = self.rows.last_mut() {
                *row = at;
            }
            taken.start += 1;
        }
        self.rows.extend(taken.map(|row| (at.0, row)));
        let end = at.1 + run;
        if self.held.get(at.0).is_some_and(|held| end < held.batch.num_rows()) {
            if let Some(cursor) = self.sources.get_mut(source) {
                cursor.at = Some((at.0, end));
            }
        } else {
            self.load(source)?;
        }
        Ok(true)
    }

    /// Makes a batch of the waiting rows, except, unless it is the end, the last one, whose key may go on.
    fn batch(&mut self, end: bool) -> Result<Option<RecordBatch>, ArrowError> {
        let count = self.rows.len() - usize::from(!end && !self.rows.is_empty());
        if count == 0 {
            return Ok(None);
        }
        let rows: Vec<At> = self.rows.drain(..count).collect();
        let split = self.older.iter().position(|(position, _)| *position >= count).unwrap_or(self.older.len());
        let older: Vec<(usize, At)> = self.older.drain(..split).collect();
        self.older.iter_mut().for_each(|(position, _)| *position -= count);
        let columns = (0..self.schema.fields().len()).map(|index| {
            let held: Vec<&dyn Array> = self.held.iter().map(|held| held.batch.column(index).as_ref()).collect();
            if older.is_empty() || index < self.keys {
                return interleave(&held, &rows);
            }
            interleave(&held, &newest(&rows, &older, &held))
        });
        let merged = RecordBatch::try_new(Arc::clone(&self.schema), columns.collect::<Result<_, _>>()?)?;
        self.forget();
        Ok(Some(merged))
    }

    /// Lets go of batches that no row lies in any more.
    fn forget(&mut self) {
        let mut used = vec![false; self.held.len()];
        let waiting = self.rows.iter().chain(self.older.iter().map(|(_, at)| at));
        for at in waiting.chain(self.sources.iter().filter_map(|cursor| cursor.at.as_ref())) {
            if let Some(used) = used.get_mut(at.0) {
                *used = true;
            }
        }
        let mut kept = 0;
        let numbers: Vec<usize> = used
            .iter()
            .map(|used| {
                kept += usize::from(*used);
                kept.saturating_sub(1)
            })
            .collect();
        let renumber = |at: &mut At| at.0 = numbers.get(at.0).copied().unwrap_or_default();
        self.rows.iter_mut().for_each(renumber);
        self.older.iter_mut().for_each(|(_, at)| renumber(at));
        self.sources.iter_mut().filter_map(|cursor| cursor.at.as_mut()).for_each(renumber);
        let mut used = used.into_iter();
        self.held.retain(|_| used.next().unwrap_or(true));
    }
}

/// For each row the newest row of its key that has a value in a column, or its newest one when none has.
fn newest(rows: &[At], older: &[(usize, At)], column: &[&dyn Array]) -> Vec<At> {
    let has = |at: At| column.get(at.0).is_some_and(|array| array.is_valid(at.1));
    let mut chosen = rows.to_vec();
    for (position, at) in older.iter().rev() {
        if let Some(row) = chosen.get_mut(*position).filter(|row| !has(**row)) {
            *row = *at;
        }
    }
    chosen
}

impl Iterator for Merge {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let more = match self.advance() {
                Ok(more) => more,
                Err(error) => return Some(Err(error)),
            };
            if !more || self.rows.len() > BATCH_ROWS {
                return self.batch(!more).transpose();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::{DictionaryArray, Float64Array, StringArray, TimestampNanosecondArray};
    use arrow::datatypes::Int32Type;
    use proptest::prelude::*;
    use sensorium_model::{ColumnKind, FieldType, TableSchema};

    use super::*;
    use crate::columns::arrow_schema;
    use crate::tests::reference::merge_newest_wins;

    /// Fields of the rows of a source, by tag and time.
    type Keyed = BTreeMap<(Option<u8>, i64), (Option<f64>, Option<u8>)>;

    fn schema() -> SchemaRef {
        let mut schema = TableSchema::default();
        schema.add("tag".into(), ColumnKind::Tag).unwrap();
        schema.add("x".into(), ColumnKind::Field(FieldType::F64)).unwrap();
        schema.add("y".into(), ColumnKind::Field(FieldType::Text)).unwrap();
        arrow_schema(&schema)
    }

    fn batch(rows: &Keyed) -> RecordBatch {
        let time = TimestampNanosecondArray::from_iter_values(rows.keys().map(|(_, time)| *time)).with_timezone("UTC");
        let text = |value: Option<u8>| value.map(|value| format!("{value}"));
        let tags: Vec<_> = rows.keys().map(|(tag, _)| text(*tag)).collect();
        let tags: DictionaryArray<Int32Type> = tags.iter().map(Option::as_deref).collect();
        let x: Float64Array = rows.values().map(|(x, _)| *x).collect();
        let y: StringArray = rows.values().map(|(_, y)| text(*y)).collect();
        RecordBatch::try_new(schema(), vec![Arc::new(time), Arc::new(tags), Arc::new(x), Arc::new(y)]).unwrap()
    }

    fn merge(sources: &[RecordBatch], batch_rows: usize) -> RecordBatch {
        let slices = |batch: &RecordBatch| -> Source {
            let batch = batch.clone();
            let starts = (0..batch.num_rows()).step_by(batch_rows);
            let slice = move |start| Ok(batch.slice(start, batch_rows.min(batch.num_rows() - start)));
            Box::new(starts.map(slice).collect::<Vec<_>>().into_iter())
        };
        let merge = Merge::new(schema(), 1, sources.iter().map(slices).collect()).unwrap();
        let batches: Vec<_> = merge.map(Result::unwrap).collect();
        arrow::compute::concat_batches(&schema(), &batches).unwrap()
    }

    /// As rows, because equal dictionaries may be numbered differently.
    fn rows(batch: &RecordBatch) -> Vec<Vec<String>> {
        let text = |column: &ArrayRef, row| arrow::util::display::array_value_to_string(column, row).unwrap();
        (0..batch.num_rows()).map(|row| batch.columns().iter().map(|column| text(column, row)).collect()).collect()
    }

    fn keyed(rows: std::ops::Range<usize>) -> impl Strategy<Value = Keyed> {
        let key = (proptest::option::of(0u8..4), 0i64..30);
        let value = (proptest::option::of(-9.0..9.0f64), proptest::option::of(any::<u8>()));
        proptest::collection::btree_map(key, value, rows)
    }

    proptest! {
        #[test]
        fn a_merge_by_streams_is_the_merge_of_everything_at_once(
            sources in proptest::collection::vec(keyed(0..40), 0..6),
            batch_rows in 1usize..20,
        ) {
            let batches: Vec<_> = sources.iter().map(batch).collect();
            let expected = merge_newest_wins(&schema(), 1, &batches).unwrap();
            prop_assert_eq!(rows(&merge(&batches, batch_rows)), rows(&expected));
        }
    }

    #[test]
    fn a_key_that_goes_on_behind_a_full_batch_is_one_row() {
        // The last row of the first merged batch has a newer version in the other source.
        let many: Keyed = (0..20_000).map(|time| ((Some(1), time), (Some(1.0), None))).collect();
        for time in [BATCH_ROWS as i64 - 1, BATCH_ROWS as i64, BATCH_ROWS as i64 + 1] {
            let newer: Keyed = [((Some(1), time), (None, Some(7)))].into();
            let merged = merge(&[batch(&many), batch(&newer)], 1_000);
            assert_eq!(merged.num_rows(), 20_000);
            assert_eq!(rows(&merged)[usize::try_from(time).unwrap()][2..], ["1.0", "7"]);
        }
    }

    #[test]
    fn batches_are_let_go_when_their_rows_are_out() {
        let many: Keyed = (0..100_000).map(|time| ((Some(1), time), (Some(1.0), None))).collect();
        let source = batch(&many);
        let slices: Vec<_> = (0..100).map(|part| Ok(source.slice(part * 1_000, 1_000))).collect();
        let mut merge = Merge::new(schema(), 1, vec![Box::new(slices.into_iter())]).unwrap();
        while let Some(batch) = merge.next() {
            batch.unwrap();
            assert!(merge.held.len() <= 2, "{}", merge.held.len());
        }
    }
}
