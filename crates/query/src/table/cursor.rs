//! A sorted source that is being merged: one batch of it, and how far its rows have been looked at.
//!
//! Rows of one series follow each other, and within them times ascend. A run is the rows of one series in one batch; its end is
//! found by a search and not row by row, so that the tags of a row are rarely compared.

use std::cmp::Ordering;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int32Array, PrimitiveArray, RecordBatch, StringArray,
};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Int32Type, TimestampNanosecondType};
use arrow::error::ArrowError;

use super::search::first;

/// One batch of a source.
#[derive(Debug)]
pub(super) struct Cursor {
    batch: RecordBatch,
    times: PrimitiveArray<TimestampNanosecondType>,
    tags: Vec<Tag>,
    /// The row that is looked at next.
    position: usize,
    /// The end of the run that `position` is in.
    run_end: usize,
    /// Rows that share their key with a row of another source: they are answered elsewhere.
    contested: Vec<usize>,
}

/// A tag column.
#[derive(Debug)]
struct Tag {
    keys: Int32Array,
    values: StringArray,
}

impl Tag {
    fn new(column: &ArrayRef) -> Result<Self, ArrowError> {
        let wanted = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let column = if *column.data_type() == wanted { column.clone() } else { cast(column, &wanted)? };
        let dictionary: &DictionaryArray<Int32Type> = column.as_dictionary();
        Ok(Self { keys: dictionary.keys().clone(), values: dictionary.values().as_string::<i32>().clone() })
    }

    fn value(&self, row: usize) -> Option<&str> {
        let key = self.keys.is_valid(row).then(|| self.keys.value(row))?;
        let key = usize::try_from(key).ok().filter(|key| self.values.is_valid(*key))?;
        Some(self.values.value(key))
    }

    /// Whether two rows have the same value; mostly seen by the number of the value.
    fn is_same(&self, a: usize, b: usize) -> bool {
        let both = self.keys.is_valid(a) && self.keys.is_valid(b);
        (both && self.keys.value(a) == self.keys.value(b)) || self.value(a) == self.value(b)
    }
}

impl Cursor {
    /// Looks at a batch, which has rows: the time is its first column, the other keys are tags.
    pub(super) fn new(batch: RecordBatch, keys: usize) -> Result<Self, ArrowError> {
        let columns = batch.columns().get(..keys).unwrap_or_default();
        let Some((times, tags)) = columns.split_first() else {
            return Err(ArrowError::SchemaError("a table has a time column".into()));
        };
        let times = times.as_primitive::<TimestampNanosecondType>().clone();
        let tags = tags.iter().map(Tag::new).collect::<Result<_, _>>()?;
        let mut cursor = Self { batch, times, tags, position: 0, run_end: 0, contested: Vec::new() };
        cursor.find_run_end();
        Ok(cursor)
    }

    /// Whether all rows have been looked at.
    pub(super) fn is_done(&self) -> bool {
        self.position >= self.batch.num_rows()
    }

    pub(super) fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The time of the row that is looked at next, which exists.
    pub(super) fn time(&self) -> i64 {
        self.times.value(self.position)
    }

    /// The order of the next rows' series; absent tags stand first.
    pub(super) fn compare_series(&self, other: &Self) -> Ordering {
        let pairs = self.tags.iter().zip(&other.tags);
        let mut orders = pairs.map(|(a, b)| a.value(self.position).cmp(&b.value(other.position)));
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// Passes the rest of the run.
    pub(super) fn pass_run(&mut self) {
        self.move_to(self.run_end);
    }

    /// Passes the rows of the run that are older than `time`; true if that is the rest of the run.
    pub(super) fn pass_until(&mut self, time: i64) -> bool {
        let end = first(self.position..self.run_end, |row| self.times.value(row) >= time);
        let left = end == self.run_end;
        self.move_to(end);
        left
    }

    /// Passes one row that is answered elsewhere; true if it was the last of the run.
    pub(super) fn give_away(&mut self) -> bool {
        self.contested.push(self.position);
        let next = self.position + 1;
        let left = next == self.run_end;
        self.move_to(next);
        left
    }

    /// The rows that no other source contests, in some of the columns.
    pub(super) fn uncontested(&self, columns: &[usize]) -> Result<RecordBatch, ArrowError> {
        let batch = self.batch.project(columns)?;
        if self.contested.is_empty() {
            return Ok(batch);
        }
        let mut keep = vec![true; batch.num_rows()];
        for row in &self.contested {
            if let Some(keep) = keep.get_mut(*row) {
                *keep = false;
            }
        }
        filter_record_batch(&batch, &BooleanArray::from(keep))
    }

    /// Bytes of the batch's rows.
    pub(super) fn bytes(&self) -> usize {
        bytes(&self.batch)
    }

    fn move_to(&mut self, position: usize) {
        self.position = position;
        if position >= self.run_end {
            self.find_run_end();
        }
    }

    fn find_run_end(&mut self) {
        let start = self.position;
        self.run_end = first(start..self.batch.num_rows(), |row| !self.tags.iter().all(|tag| tag.is_same(start, row)));
    }
}

/// Bytes of a batch's rows, without what it shares with others.
pub(super) fn bytes(batch: &RecordBatch) -> usize {
    let of_column = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(0);
    batch.columns().iter().map(of_column).sum()
}
