//! Brings a batch into the shape that a format wants: times as milliseconds if asked for, and no types that readers of
//! that format do not know.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// What to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wishes {
    /// Times become doubles: milliseconds since the epoch.
    pub(super) epoch_ms: bool,
    /// Dictionaries become plain columns, and times without a zone become times in UTC, which they are.
    pub(super) as_text: bool,
}

/// The change from one schema to another.
#[derive(Debug, Clone)]
pub(super) struct Reshape {
    wishes: Wishes,
    schema: SchemaRef,
}

impl Reshape {
    pub(super) fn new(from: &Schema, wishes: Wishes) -> Self {
        let fields: Vec<Field> = from
            .fields()
            .iter()
            .map(|field| Field::new(field.name(), target(field.data_type(), wishes), field.is_nullable()))
            .collect();
        Self { wishes, schema: Arc::new(Schema::new(fields)) }
    }

    /// The schema of the batches that [`Reshape::apply`] makes.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Changes a batch; columns that are right already are shared.
    pub(super) fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let columns = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(column, field)| self.column(column, field.data_type()))
            .collect::<Result<Vec<_>, _>>()?;
        let rows = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &rows)
    }

    fn column(&self, column: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
        match column.data_type() {
            from if from == to => Ok(column.clone()),
            DataType::Timestamp(unit, _) if self.wishes.epoch_ms => {
                let per_ms = match unit {
                    TimeUnit::Second => 0.001,
                    TimeUnit::Millisecond => 1.0,
                    TimeUnit::Microsecond => 1_000.0,
                    TimeUnit::Nanosecond => 1_000_000.0,
                };
                let ticks = cast(column, &DataType::Int64)?;
                let millis = ticks.as_primitive::<Int64Type>().unary::<_, Float64Type>(|ticks| ticks as f64 / per_ms);
                Ok(Arc::new(millis))
            }
            _ => cast(column, to),
        }
    }
}

fn target(from: &DataType, wishes: Wishes) -> DataType {
    match from {
        DataType::Timestamp(_, _) if wishes.epoch_ms => DataType::Float64,
        DataType::Timestamp(unit, None) if wishes.as_text => DataType::Timestamp(*unit, Some("UTC".into())),
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) if wishes.as_text => target(value, wishes),
        DataType::Dictionary(key, value) if matches!(**value, DataType::Utf8View) => {
            DataType::Dictionary(key.clone(), Box::new(DataType::Utf8))
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, Int32Array, StringViewArray, TimestampMillisecondArray, TimestampNanosecondArray};

    use super::*;

    fn reshaped(column: ArrayRef, wishes: Wishes) -> ArrayRef {
        let schema = Schema::new(vec![Field::new("c", column.data_type().clone(), true)]);
        let reshape = Reshape::new(&schema, wishes);
        let batch = RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap();
        reshape.apply(&batch).unwrap().column(0).clone()
    }

    #[test]
    fn times_of_every_unit_become_milliseconds() {
        let wishes = Wishes { epoch_ms: true, as_text: false };
        let nanos = TimestampNanosecondArray::from(vec![Some(1_500_000), None]).with_timezone("UTC");
        let column = reshaped(Arc::new(nanos), wishes);
        assert_eq!((column.as_primitive::<Float64Type>().value(0), column.is_null(1)), (1.5, true));
        let column = reshaped(Arc::new(TimestampMillisecondArray::from(vec![7])), wishes);
        assert_eq!(column.as_primitive::<Float64Type>().value(0), 7.0);
    }

    #[test]
    fn views_and_dictionaries_become_plain_text() {
        let wishes = Wishes { epoch_ms: false, as_text: true };
        let view: ArrayRef =
            Arc::new(StringViewArray::from(vec!["a long text that does not fit into the view itself"]));
        assert_eq!(*reshaped(view, wishes).data_type(), DataType::Utf8);
        let words: ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["a"]));
        let dictionary = arrow::array::DictionaryArray::new(Int32Array::from(vec![0, 0]), words);
        assert_eq!(reshaped(Arc::new(dictionary), wishes).as_string::<i32>().value(1), "a");
    }
}
