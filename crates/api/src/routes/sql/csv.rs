//! CSV: a header line, then a line per row; an absent value is an empty cell.

use std::time::Duration;

use arrow::csv::WriterBuilder;
use arrow::record_batch::RecordBatch;

use super::encoder::{EncodeError, Encoder};
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
        WriterBuilder::new().with_header(header).build(&mut bytes).write(batch)?;
        Ok(bytes)
    }

    fn finish(self: Box<Self>, _: Duration) -> Result<Vec<u8>, EncodeError> {
        Ok(Vec::new())
    }

    fn fail(self: Box<Self>, _: &ApiError) -> Option<Vec<u8>> {
        None
    }
}
