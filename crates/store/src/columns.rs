//! How a table looks as Arrow columns.
//!
//! Order: `time` (nanoseconds, UTC, never null), the tags by name (dictionary-encoded text, null when absent), the fields by
//! name (null when absent).

use std::sync::Arc;

use arrow::array::{Array, new_null_array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use sensorium_model::names::TIME_COLUMN;
use sensorium_model::{FieldType, TableSchema};

/// The type of the `time` column.
pub(crate) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

/// The type of a tag column.
pub(crate) fn tag_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The type of a field column.
pub(crate) fn field_type(field_type: FieldType) -> DataType {
    match field_type {
        FieldType::F64 => DataType::Float64,
        FieldType::I64 => DataType::Int64,
        FieldType::U64 => DataType::UInt64,
        FieldType::Bool => DataType::Boolean,
        FieldType::Text => DataType::Utf8,
        FieldType::Vector(_) => DataType::List(vector_item()),
    }
}

/// The numbers of a vector. It is a list, although its length is known: a list of fixed size has room for the numbers of
/// the rows that have none, so that one long vector among a million short rows would fill the memory.
pub(crate) fn vector_item() -> FieldRef {
    Arc::new(Field::new(Field::LIST_FIELD_DEFAULT_NAME, DataType::Float32, false))
}

/// The Arrow schema of a table.
pub fn arrow_schema(schema: &TableSchema) -> SchemaRef {
    let time = Field::new(TIME_COLUMN, time_type(), false);
    let tags = schema.tags().map(|name| Field::new(name.as_ref(), tag_type(), true));
    let fields = schema.fields().map(|(name, kind)| Field::new(name.as_ref(), field_type(kind), true));
    Arc::new(Schema::new(std::iter::once(time).chain(tags).chain(fields).collect::<Vec<_>>()))
}

/// Leaves out the tags and fields that no row has; returns the rest and its number of tags.
pub(crate) fn without_empty(batch: &RecordBatch, tag_columns: usize) -> (RecordBatch, usize) {
    let used = |index: &usize| {
        *index == 0 || batch.columns().get(*index).is_some_and(|column| column.null_count() < batch.num_rows())
    };
    let kept: Vec<usize> = (0..batch.num_columns()).filter(used).collect();
    let tags = kept.iter().filter(|index| (1..=tag_columns).contains(*index)).count();
    match batch.project(&kept) {
        Ok(rest) => (rest, tags),
        Err(_) => (batch.clone(), tag_columns),
    }
}

/// Brings a batch to a schema: columns in its order, those that the batch lacks as nulls, other types cast.
pub fn adapt(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
        Some(column) => arrow::compute::cast(column, field.data_type()),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}
