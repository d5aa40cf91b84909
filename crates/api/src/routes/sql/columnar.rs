//! The columnar formats: Arrow IPC stream and Parquet.

use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::encoder::{EncodeError, Encoder};
use crate::error::ApiError;

/// Rows of a row group: what is held in memory before it is sent.
const ROW_GROUP_ROWS: usize = 64 << 10;

/// Writes an Arrow IPC stream: the schema with the first batch, an end mark after the last.
pub(super) struct ArrowStream {
    writer: StreamWriter<Vec<u8>>,
}

impl ArrowStream {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, EncodeError> {
        Ok(Self { writer: StreamWriter::try_new(Vec::new(), schema)? })
    }
}

impl Encoder for ArrowStream {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
        self.writer.write(batch)?;
        Ok(std::mem::take(self.writer.get_mut()))
    }

    fn finish(mut self: Box<Self>, _: Duration) -> Result<Vec<u8>, EncodeError> {
        self.writer.finish()?;
        Ok(std::mem::take(self.writer.get_mut()))
    }

    fn fail(self: Box<Self>, _: &ApiError) -> Option<Vec<u8>> {
        None
    }
}

/// Writes a Parquet file, a row group at a time. Without its footer, which comes last, nobody reads it: half a file is not
/// mistaken for a whole one.
pub(super) struct ParquetFile {
    writer: ArrowWriter<Vec<u8>>,
}

impl ParquetFile {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, EncodeError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        Ok(Self { writer: ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties))? })
    }
}

impl Encoder for ParquetFile {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
        self.writer.write(batch)?;
        // The writer counts what it wrote itself, so that taking the written bytes away does not move its offsets.
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    fn finish(self: Box<Self>, _: Duration) -> Result<Vec<u8>, EncodeError> {
        Ok(self.writer.into_inner()?)
    }

    fn fail(self: Box<Self>, _: &ApiError) -> Option<Vec<u8>> {
        None
    }
}
