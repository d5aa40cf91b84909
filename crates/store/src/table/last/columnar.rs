//! The newest values as Arrow columns, without a look at any row.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampNanosecondArray, UInt64Array, new_null_array,
};
use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use sensorium_model::FastMap;
use sensorium_model::names::TIME_COLUMN;

use super::{LastColumn, LastValues, NEVER, PAGE, Pages, Slot, count};
use crate::table::series::SeriesEntries;

impl LastValues {
    /// One row per series that has a value not before a time, in order of first appearance: its tags, the newest value of
    /// each field, and as `time` the newest time of any. `columns` are those of [`crate::arrow_schema`] that are wanted.
    pub(crate) fn batch(
        &self,
        series: &SeriesEntries,
        earliest_ns: i64,
        columns: &SchemaRef,
    ) -> Result<RecordBatch, ArrowError> {
        let mut newest: Vec<i64> = vec![NEVER; series.len()];
        for column in self.fields.values() {
            with_pages!(column, pages => pages.raise(&mut newest));
        }
        let numbered = (0..count(series)).zip(newest);
        let (ids, times): (Vec<u32>, Vec<i64>) =
            numbered.filter(|(_, time_ns)| *time_ns != NEVER && *time_ns >= earliest_ns).unzip();
        let array = |field: &Field| -> Result<ArrayRef, ArrowError> {
            if field.name() == TIME_COLUMN {
                return Ok(Arc::new(TimestampNanosecondArray::from(times.clone()).with_timezone("UTC")));
            }
            Ok(match (field.data_type(), self.fields.get(field.name().as_str())) {
                (DataType::Dictionary(_, _), _) => series.tag_array(field.name(), ids.iter().copied())?,
                (_, Some(column)) => column.array(&ids, earliest_ns),
                (absent, None) => new_null_array(absent, ids.len()),
            })
        };
        let arrays = columns.fields().iter().map(|field| array(field)).collect::<Result<_, _>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(ids.len()));
        RecordBatch::try_new_with_options(Arc::clone(columns), arrays, &rows)
    }
}

impl<T> Pages<T> {
    /// Raises times, by series, to those of the values.
    fn raise(&self, newest: &mut [i64]) {
        for (newest, page) in newest.chunks_mut(PAGE).zip(&self.pages) {
            for (newest, slot) in newest.iter_mut().zip(page.iter().flatten()) {
                *newest = (*newest).max(slot.time_ns);
            }
        }
    }

    /// The values of some series that are not before a time.
    fn not_before<'a>(&'a self, ids: &'a [u32], earliest_ns: i64) -> impl Iterator<Item = Option<&'a T>> {
        let there = move |slot: &&Slot<T>| slot.time_ns != NEVER && slot.time_ns >= earliest_ns;
        ids.iter().map(move |id| self.get(*id).filter(there).map(|slot| &slot.value))
    }
}

impl LastColumn {
    fn array(&self, ids: &[u32], earliest_ns: i64) -> ArrayRef {
        match self {
            Self::F64(pages) => {
                Arc::new(pages.not_before(ids, earliest_ns).map(Option::<&f64>::copied).collect::<Float64Array>())
            }
            Self::I64(pages) => {
                Arc::new(pages.not_before(ids, earliest_ns).map(Option::<&i64>::copied).collect::<Int64Array>())
            }
            Self::U64(pages) => {
                Arc::new(pages.not_before(ids, earliest_ns).map(Option::<&u64>::copied).collect::<UInt64Array>())
            }
            Self::Bool(pages) => {
                Arc::new(pages.not_before(ids, earliest_ns).map(Option::<&bool>::copied).collect::<BooleanArray>())
            }
            Self::Text(pages) => Arc::new(pages.not_before(ids, earliest_ns).collect::<StringArray>()),
        }
    }
}

impl SeriesEntries {
    /// The tags of all series, one row each, in order of first appearance. `columns` are tags of the table.
    pub(crate) fn batch(&self, columns: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let arrays = columns.fields().iter().map(|field| self.tag_array(field.name(), 0..count(self)));
        let rows = RecordBatchOptions::new().with_row_count(Some(self.len()));
        RecordBatch::try_new_with_options(Arc::clone(columns), arrays.collect::<Result<_, _>>()?, &rows)
    }

    /// The values of a tag of some series; the dictionary has no value that none of them has, and none twice.
    fn tag_array(&self, tag: &str, ids: impl Iterator<Item = u32>) -> Result<ArrayRef, ArrowError> {
        let mut values: Vec<&str> = Vec::new();
        let mut known: FastMap<&str, i32> = FastMap::default();
        let keys = ids.map(|id| {
            let value = self.get(id)?.tag(tag)?.as_ref();
            Some(*known.entry(value).or_insert_with(|| {
                values.push(value);
                i32::try_from(values.len()).map_or(i32::MAX, |count| count - 1)
            }))
        });
        let keys: Int32Array = keys.collect();
        Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(StringArray::from(values)))?))
    }
}
