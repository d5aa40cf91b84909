//! CSV: a header line, then a line per row; an absent value is an empty cell, a list the text of a JSON list.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, StringBuilder};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;

use super::encoder::{EncodeError, Encoder};
use super::json::Cells;
use crate::error::ApiError;

/// Writes CSV.
#[derive(Debug, Default)]
pub(super) struct Csv {
    has_header: bool,
}

impl Encoder for Csv {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::new();
        let header = !std::mem::replace(&mut self.has_header, true);
        WriterBuilder::new().with_header(header).build(&mut bytes).write(&without_lists(batch)?)?;
        Ok(bytes)
    }

    fn finish(self: Box<Self>, _: Duration) -> Result<Vec<u8>, EncodeError> {
        Ok(Vec::new())
    }

    fn fail(self: Box<Self>, _: &ApiError) -> Option<Vec<u8>> {
        None
    }
}

/// The batch with lists as text, because CSV has no word for them.
fn without_lists(batch: &RecordBatch) -> Result<RecordBatch, EncodeError> {
    let is_list = |column: &ArrayRef| matches!(column.data_type(), DataType::List(_));
    if !batch.columns().iter().any(is_list) {
        return Ok(batch.clone());
    }
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let column = if is_list(column) { texts(column)? } else { Arc::clone(column) };
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn texts(column: &ArrayRef) -> Result<ArrayRef, EncodeError> {
    let cells = Cells::of(column)?;
    let mut texts = StringBuilder::new();
    let mut cell = Vec::new();
    for row in 0..column.len() {
        cell.clear();
        cells.write(row, &mut cell)?;
        texts.append_option(column.is_valid(row).then(|| String::from_utf8_lossy(&cell)));
    }
    Ok(Arc::new(texts.finish()))
}
