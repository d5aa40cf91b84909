//! Reading a Parquet file of the store.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::columns::adapt;
use crate::deletion::{Deletion, without_deleted};
use crate::error::WriteError;

/// Rows that are read at once.
const BATCH_ROWS: usize = 8_192;

/// Opens a file.
pub(crate) fn open(path: &Path) -> Result<ParquetRecordBatchReader, WriteError> {
    let failed = |source| WriteError::Encode { path: path.to_owned(), source: Arc::new(source) };
    let file = File::open(path).map_err(|source| WriteError::io("read a data file", source))?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
        .map_err(failed)
}

/// The rows of a file in the columns of a schema, without the deleted ones.
pub(crate) fn rows(
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
    deletions: Vec<Arc<Deletion>>,
) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send {
    reader.map(move |batch| without_deleted(adapt(&batch?, &schema)?, &deletions))
}
