//! What every format does: turn batches into bytes, one after the other.

use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::errors::ParquetError;
use thiserror::Error;

use super::columnar::{ArrowStream, ParquetFile};
use super::csv::Csv;
use super::format::Format;
use super::json::Json;
use super::objects::{Objects, Pretty};
use crate::error::ApiError;

/// Why an answer could not be written.
#[derive(Debug, Error)]
pub(super) enum EncodeError {
    /// Arrow refused.
    #[error("the answer could not be written")]
    Arrow(#[from] ArrowError),
    /// Parquet refused.
    #[error("the answer could not be written as Parquet")]
    Parquet(#[from] ParquetError),
    /// A value has no JSON form.
    #[error("the answer could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Writes one answer. The bytes of all calls, one after the other, are the answer.
pub(super) trait Encoder: Send {
    /// The bytes of a batch, which has the schema that the encoder was made for; may be empty.
    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, EncodeError>;

    /// The end of a whole answer.
    fn finish(self: Box<Self>, elapsed: Duration) -> Result<Vec<u8>, EncodeError>;

    /// The end of an answer that fails half-way, if the format can say so; else the connection must be cut.
    fn fail(self: Box<Self>, error: &ApiError) -> Option<Vec<u8>>;
}

/// An encoder of a format.
pub(super) fn encoder(format: Format, schema: &SchemaRef) -> Result<Box<dyn Encoder>, EncodeError> {
    Ok(match format {
        Format::Json => Box::new(Json::new(schema)?),
        Format::Csv => Box::new(Csv::default()),
        Format::Arrow => Box::new(ArrowStream::new(schema)?),
        Format::Parquet => Box::new(ParquetFile::new(schema)?),
        Format::Objects => Box::new(Objects::list()),
        Format::Lines => Box::new(Objects::lines()),
        Format::Pretty => Box::new(Pretty::default()),
    })
}
