//! Reading a Parquet file of the store.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use crate::columns::adapt;
use crate::deletion::{Deletion, without_deleted};
use crate::error::WriteError;

/// Rows that are read at once.
const BATCH_ROWS: usize = 8_192;

/// The fewest, however long they are.
const MIN_BATCH_ROWS: usize = 64;

/// Bytes at which fewer rows are read at once: those of a merge are in memory for each of its files.
const BATCH_BYTES: usize = 8 << 20;

/// Opens a file.
pub(crate) fn open(path: &Path) -> Result<ParquetRecordBatchReader, WriteError> {
    let failed = |source: ArrowError| WriteError::Encode { path: path.to_owned(), source: Arc::new(source) };
    let file = File::open(path).map_err(|source| WriteError::io("read a data file", source))?;
    let builder = builder(file).map_err(failed)?;
    let rows = batch_rows(builder.metadata());
    builder.with_batch_size(rows).build().map_err(|error| failed(error.into()))
}

/// What a file says of itself, ready to read its rows.
pub(crate) fn builder(file: File) -> Result<ParquetRecordBatchReaderBuilder<File>, ArrowError> {
    without_panic(|| Ok(ParquetRecordBatchReaderBuilder::try_new(file)?))
}

/// Decodes bytes that may be damaged: the decoders panic on some that no encoder writes.
fn without_panic<T>(decode: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ArrowError> {
    let gave_up = |_| Err(ArrowError::ParseError("the file is not what any encoder writes".to_owned()));
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(gave_up)
}

/// How many rows of a file are read at once, by their average length.
fn batch_rows(metadata: &ParquetMetaData) -> usize {
    let count = |sum: i64| usize::try_from(sum).unwrap_or_default();
    let rows = count(metadata.file_metadata().num_rows());
    let bytes = count(metadata.row_groups().iter().map(RowGroupMetaData::total_byte_size).sum());
    (BATCH_BYTES / bytes.checked_div(rows).unwrap_or(1).max(1)).clamp(MIN_BATCH_ROWS, BATCH_ROWS)
}

/// The rows of a file in the columns of a schema, without the deleted ones; they end at the first error.
pub(crate) fn rows(
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
    deletions: Vec<Arc<Deletion>>,
) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send {
    let mut reader = Some(reader);
    std::iter::from_fn(move || {
        let batch = without_panic(|| reader.as_mut().and_then(Iterator::next).transpose()).transpose()?;
        if batch.is_err() {
            reader = None;
        }
        Some(batch.and_then(|batch| without_deleted(adapt(&batch, &schema)?, &deletions)))
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Float32Builder, ListBuilder, TimestampNanosecondArray};

    use super::super::parquet::write_parquet;
    use super::*;
    use crate::columns::vector_item;

    #[test]
    fn long_rows_are_read_a_few_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        for (numbers, batch_rows) in [(4_096, 512), (3, 600)] {
            let mut vectors = ListBuilder::new(Float32Builder::new()).with_field(vector_item());
            for row in 0..600 {
                let vector: Vec<f32> = (0..numbers).map(|number| (row * numbers + number) as f32).collect();
                vectors.values().append_slice(&vector);
                vectors.append(true);
            }
            let times = TimestampNanosecondArray::from_iter_values(0..600).with_timezone("UTC");
            let columns: [(&str, ArrayRef); 2] = [("time", Arc::new(times)), ("v", Arc::new(vectors.finish()))];
            let path = folder.path().join(numbers.to_string());
            write_parquet(&path, &RecordBatch::try_from_iter(columns).unwrap(), 0).unwrap();
            let rows: Vec<usize> = open(&path).unwrap().map(|batch| batch.unwrap().num_rows()).collect();
            assert!(rows[0].abs_diff(batch_rows) < 8, "{rows:?}");
            assert_eq!(rows.iter().sum::<usize>(), 600);
        }
    }
}
