//! Writing a Parquet file.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::encoding::{Choice, choose};
use crate::error::WriteError;
use crate::folder::{sync_parent, temporary};

/// Rows in a row group.
const ROW_GROUP_ROWS: usize = 131_072;

/// Rows in a data page.
const PAGE_ROWS: usize = 8_192;

/// Distinct values that a tag's bloom filter is sized for at most.
const MAX_BLOOM_VALUES: u64 = 131_072;

/// Writes sorted rows durably under `path`, whose folder exists; returns the file's size.
pub(crate) fn write_parquet(path: &Path, batch: &RecordBatch, tag_columns: usize) -> Result<u64, WriteError> {
    let temporary = temporary(path);
    let failed = |source| WriteError::io("write a data file", source);
    let file = File::create(&temporary).map_err(failed)?;
    let encode = |error| encode_error(path, error);
    let mut writer =
        ArrowWriter::try_new(file, batch.schema(), Some(properties(batch, tag_columns)?)).map_err(encode)?;
    writer.write(batch).map_err(encode)?;
    let file = writer.into_inner().map_err(encode)?;
    file.sync_all().map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    std::fs::rename(&temporary, path).map_err(failed)?;
    sync_parent(path).map_err(failed)?;
    Ok(bytes)
}

/// Finds the system's error behind one of the encoder's, so that a full disk is told as such.
fn encode_error(path: &Path, error: ParquetError) -> WriteError {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => WriteError::io("write a data file", *source),
            Err(source) => WriteError::Encode { path: path.to_owned(), source: Arc::from(source as Box<_>) },
        },
        other => WriteError::Encode { path: path.to_owned(), source: Arc::new(other) },
    }
}

fn properties(batch: &RecordBatch, tag_columns: usize) -> Result<WriterProperties, WriteError> {
    let level = ZstdLevel::try_new(3)
        .map_err(|source| WriteError::Encode { path: Default::default(), source: Arc::new(source) })?;
    let sorting = (1..=tag_columns).chain(std::iter::once(0));
    let sorting = sorting.filter_map(|column| i32::try_from(column).ok());
    let sorting =
        sorting.map(|column_idx| SortingColumn { column_idx, descending: false, nulls_first: true }).collect();
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_created_by(concat!("sensorium ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_sorting_columns(Some(sorting));
    for (index, (field, column)) in batch.schema_ref().fields().iter().zip(batch.columns()).enumerate() {
        let path = || ColumnPath::new(vec![field.name().clone()]);
        if index == 0 {
            builder = builder
                .set_column_dictionary_enabled(path(), false)
                .set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED);
        } else if index <= tag_columns {
            let distinct = column.as_dictionary::<Int32Type>().values().len() as u64;
            builder = builder
                .set_column_bloom_filter_enabled(path(), true)
                .set_column_bloom_filter_max_ndv(path(), distinct.clamp(1, MAX_BLOOM_VALUES));
        } else if let Choice::Direct(encoding) = choose(column) {
            builder = builder.set_column_dictionary_enabled(path(), false).set_column_encoding(path(), encoding);
        }
    }
    Ok(builder.build())
}
