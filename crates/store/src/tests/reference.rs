//! Joins sorted sources of a table into one.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::{SortOptions, concat_batches, take};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, Rows, SortField};

use crate::columns::adapt;

/// Merges sources, each sorted by its tags and time with unique keys, into one that is so again.
///
/// `schema` is that of [`crate::arrow_schema`]: the time, then `tag_columns` tags, then fields. A source may lack columns. On
/// equal keys each field keeps the value of the newest source that has one.
pub(crate) fn merge_newest_wins(
    schema: &SchemaRef,
    tag_columns: usize,
    oldest_first: &[RecordBatch],
) -> Result<RecordBatch, ArrowError> {
    let sources = oldest_first.iter().filter(|batch| batch.num_rows() > 0).map(|batch| adapt(batch, schema));
    let sources: Vec<_> = sources.collect::<Result<_, _>>()?;
    let joined = match sources.as_slice() {
        [] => return Ok(RecordBatch::new_empty(Arc::clone(schema))),
        [only] => return Ok(only.clone()),
        several => concat_batches(schema, several)?,
    };
    let count = u32::try_from(joined.num_rows())
        .map_err(|_| ArrowError::ComputeError("more than 4 billion rows cannot be merged at once".into()))?;
    let keys = keys(&joined, tag_columns)?;
    let key = |row: u32| keys.row(row as usize);
    if (1..count).all(|row| key(row - 1) < key(row)) {
        return Ok(joined);
    }
    // Stable, so that of equal keys the oldest source stays first; it also finds the sorted runs that the sources are.
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_by(|a, b| key(*a).cmp(&key(*b)));
    let groups: Vec<&[u32]> = order.chunk_by(|a, b| key(*a) == key(*b)).collect();
    let unique = groups.len() == order.len();
    let last = UInt32Array::from_iter_values(groups.iter().filter_map(|group| group.last().copied()));
    let columns = joined.columns().iter().enumerate().map(|(index, column)| {
        if unique || index <= tag_columns || column.null_count() == 0 {
            return take(column, &last, None);
        }
        let newest = |group: &&[u32]| group.iter().rev().find(|row| column.is_valid(**row as usize)).copied();
        take(column, &groups.iter().map(newest).collect::<UInt32Array>(), None)
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}

/// The keys of all rows, comparable as bytes: the tags, absent first, then the time.
fn keys(batch: &RecordBatch, tag_columns: usize) -> Result<Rows, ArrowError> {
    let time = batch.columns().first().into_iter();
    let columns: Vec<ArrayRef> = batch.columns().iter().skip(1).take(tag_columns).chain(time).map(Arc::clone).collect();
    let options = SortOptions { descending: false, nulls_first: true };
    let sort = |column: &ArrayRef| SortField::new_with_options(column.data_type().clone(), options);
    RowConverter::new(columns.iter().map(sort).collect())?.convert_columns(&columns)
}
