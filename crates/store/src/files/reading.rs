//! Reading a Parquet file of the store.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, RowGroupMetaData};

use super::pages::Wanted;
use crate::columns::adapt;
use crate::deletion::{Deletion, without_deleted};
use crate::error::WriteError;

/// Rows that are read at once.
const BATCH_ROWS: usize = 8_192;

/// The fewest, however long they are.
const MIN_BATCH_ROWS: usize = 64;

/// Bytes at which fewer rows are read at once: those of a merge are in memory for each of its files.
const BATCH_BYTES: usize = 8 << 20;

/// Files that are read together with full batches; of more, each has smaller ones.
const FULL_BATCHES: usize = 32;

/// The same when they are merged, which holds the keys of their batches, too.
const FULL_BATCHES_OF_MERGE: usize = 4;

/// Opens one of so many files that are read together.
pub(crate) fn open(path: &Path, files: usize) -> Result<ParquetRecordBatchReader, WriteError> {
    let failed = |source: ArrowError| WriteError::Encode { path: path.to_owned(), source: Arc::new(source) };
    let file = File::open(path).map_err(|source| WriteError::io("read a data file", source))?;
    let builder = builder(file).map_err(failed)?;
    let share = |whole: usize| whole * FULL_BATCHES_OF_MERGE / files.max(FULL_BATCHES_OF_MERGE);
    let rows = batch_rows(builder.metadata(), share(BATCH_BYTES)).min(share(BATCH_ROWS));
    builder.with_batch_size(rows).build().map_err(|error| failed(error.into()))
}

/// What a file says of itself, ready to read its rows.
pub(crate) fn builder(file: File) -> Result<ParquetRecordBatchReaderBuilder<File>, ArrowError> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    without_panic(|| Ok(ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?))
}

/// Decodes bytes that may be damaged: the decoders panic on some that no encoder writes.
fn without_panic<T>(decode: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ArrowError> {
    let gave_up = |_| Err(ArrowError::ParseError("the file is not what any encoder writes".to_owned()));
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(gave_up)
}

/// Part of a file.
pub(crate) struct Part<'w> {
    /// Which columns are wanted; the time always is.
    pub(crate) wants: &'w dyn Fn(&str) -> bool,
    /// The first time that is wanted. Other rows come too, where they stand among those that are.
    pub(crate) time_min_ns: i64,
    /// The last time, included.
    pub(crate) time_max_ns: i64,
    /// How many files are read together: what is in memory of them is limited.
    pub(crate) files: usize,
}

/// Opens part of a file: the pages that may have rows between two times.
pub(crate) fn open_part(path: &Path, part: &Part<'_>) -> Result<ParquetRecordBatchReader, WriteError> {
    let failed = |source: ArrowError| WriteError::Encode { path: path.to_owned(), source: Arc::new(source) };
    let file = File::open(path).map_err(|source| WriteError::io("read a data file", source))?;
    let builder = builder(file).map_err(failed)?;
    let columns = builder.schema().fields().iter().enumerate();
    let wanted = columns.filter(|(index, field)| *index == 0 || (part.wants)(field.name()));
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.map(|(index, _)| index));
    let wanted = Wanted { time_min_ns: part.time_min_ns, time_max_ns: part.time_max_ns, tags: &[] };
    let pages = wanted.pages(builder.metadata(), builder.schema());
    let rows = batch_rows(builder.metadata(), BATCH_BYTES * FULL_BATCHES / part.files.max(FULL_BATCHES));
    let builder = builder.with_projection(mask).with_row_groups(pages.groups).with_row_selection(pages.selection);
    builder.with_batch_size(rows).build().map_err(|error| failed(error.into()))
}

/// How many rows of a file are read at once, by their average length.
fn batch_rows(metadata: &ParquetMetaData, batch_bytes: usize) -> usize {
    let count = |sum: i64| usize::try_from(sum).unwrap_or_default();
    let rows = count(metadata.file_metadata().num_rows());
    let bytes = count(metadata.row_groups().iter().map(RowGroupMetaData::total_byte_size).sum());
    (batch_bytes / bytes.checked_div(rows).unwrap_or(1).max(1)).clamp(MIN_BATCH_ROWS, BATCH_ROWS)
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
    use arrow::array::{ArrayRef, AsArray, Float32Builder, ListBuilder, TimestampNanosecondArray};

    use super::super::parquet::write_parquet;
    use super::*;
    use crate::columns::vector_item;

    #[test]
    fn only_pages_of_the_wanted_times_and_columns_are_read() {
        // Two series of 20,000 rows each: pages of about 8,192 rows.
        let folder = tempfile::tempdir().unwrap();
        for unit in [1, 1_000, 1_000_000] {
            let rows: Vec<i64> = (0..2).flat_map(|_| 0..20_000).collect();
            let times =
                TimestampNanosecondArray::from_iter_values(rows.iter().map(|row| row * unit)).with_timezone("UTC");
            let numbers = || Arc::new(arrow::array::Int64Array::from(rows.clone())) as ArrayRef;
            let columns = [("time", Arc::new(times) as ArrayRef), ("x", numbers()), ("y", numbers())];
            let path = folder.path().join(unit.to_string());
            write_parquet(&path, &RecordBatch::try_from_iter(columns).unwrap(), 0).unwrap();
            let read = |from: i64, to: i64| -> Vec<i64> {
                let (time_min_ns, time_max_ns) = (from * unit, to * unit);
                let part = Part { wants: &|name| name == "y", time_min_ns, time_max_ns, files: 1 };
                let batches = open_part(&path, &part).unwrap().map(Result::unwrap);
                let column = |batch: RecordBatch| {
                    assert_eq!(batch.num_columns(), 2);
                    let y = batch.column_by_name("y").unwrap();
                    y.as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()
                };
                batches.flat_map(column).collect()
            };
            let found = read(15_000, 15_001);
            assert_eq!(found.iter().filter(|row| (15_000..=15_001).contains(*row)).count(), 4);
            assert!(found.len() < 30_000, "{}", found.len());
            assert_eq!(read(0, i64::MAX / unit).len(), 40_000);
            assert_eq!(read(20_000, 30_000), [] as [i64; 0]);
            assert_eq!(read(-10, -1), [] as [i64; 0]);
        }
    }

    #[test]
    fn long_rows_are_read_a_few_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        for (numbers, files, batch_rows) in [(4_096, 1, 512), (4_096, 16, 128), (3, 1, 600)] {
            let mut vectors = ListBuilder::new(Float32Builder::new()).with_field(vector_item());
            for row in 0..600 {
                let vector: Vec<f32> = (0..numbers).map(|number| (row * numbers + number) as f32).collect();
                vectors.values().append_slice(&vector);
                vectors.append(true);
            }
            let times = TimestampNanosecondArray::from_iter_values(0..600).with_timezone("UTC");
            let columns: [(&str, ArrayRef); 2] = [("time", Arc::new(times)), ("v", Arc::new(vectors.finish()))];
            let path = folder.path().join(format!("{numbers} of {files}"));
            write_parquet(&path, &RecordBatch::try_from_iter(columns).unwrap(), 0).unwrap();
            let rows: Vec<usize> = open(&path, files).unwrap().map(|batch| batch.unwrap().num_rows()).collect();
            assert!(rows[0].abs_diff(batch_rows) < 8, "{rows:?}");
            assert_eq!(rows.iter().sum::<usize>(), 600);
        }
    }
}
