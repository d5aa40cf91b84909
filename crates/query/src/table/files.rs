//! How data files are read: through DataFusion's Parquet source, which prunes row groups by statistics and Bloom filters and
//! pages by the page index, adds columns that a file lacks as nulls, and brings the others to the table's types ([`adapter`]).

mod adapter;

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DataFusionError, Result, ScalarValue, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, ParquetFileReaderFactory, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use object_store::local::LocalFileSystem;
use object_store::{ObjectMeta, ObjectStore};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use sensorium_store::{DataFile, Wanted};

use self::adapter::TableTypes;
use super::narrow::{FEW_ROWS, FilePages};
use crate::session::FOOTER_GUESS_BYTES;

/// What leaves out parts of files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pruning<'a> {
    /// What rows must satisfy, in terms of the table's schema.
    pub(crate) predicate: Option<&'a Arc<dyn PhysicalExpr>>,
    /// Whether some series are known to match. They are in most files then, and to read in Bloom filters that they are costs
    /// more than it saves.
    pub(crate) series_known: bool,
}

/// What reading files needs, shared by all queries: footers stay cached between them.
#[derive(Debug, Clone)]
pub(crate) struct FileReading {
    files: Arc<dyn ObjectStore>,
    footers: Arc<FileMetadataCache>,
    factory: Arc<dyn ParquetFileReaderFactory>,
}

impl FileReading {
    pub(crate) fn new(environment: &RuntimeEnv) -> Self {
        let files: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
        let footers = environment.cache_manager.get_file_metadata_cache();
        let factory = Arc::new(CachedParquetFileReaderFactory::new(Arc::clone(&files), Arc::clone(&footers)));
        Self { files, footers, factory }
    }

    /// The pages of a file that may hold wanted rows, if they are few.
    pub(crate) async fn few_pages(&self, file: &Arc<DataFile>, wanted: Wanted<'_>) -> Result<Option<FilePages>> {
        let object = object(file)?;
        let metadata = DFParquetMetadata::new(self.files.as_ref(), &object)
            .with_file_metadata_cache(Some(Arc::clone(&self.footers)))
            .with_metadata_size_hint(Some(FOOTER_GUESS_BYTES))
            .fetch_metadata()
            .await?;
        let metadata = ArrowReaderMetadata::try_new(metadata, ArrowReaderOptions::new())?;
        let pages = wanted.pages(metadata.metadata(), metadata.schema());
        Ok((pages.rows <= FEW_ROWS).then(|| FilePages { file: Arc::clone(file), metadata, pages }))
    }

    /// A plan that reads columns of files.
    pub(crate) fn plan(
        &self,
        state: &dyn Session,
        schema: &SchemaRef,
        columns: &[usize],
        groups: Vec<FileGroup>,
        pruning: Pruning<'_>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut options =
            TableParquetOptions { global: state.config_options().execution.parquet.clone(), ..Default::default() };
        options.global.bloom_filter_on_read = !pruning.series_known;
        let mut source = ParquetSource::new(Arc::clone(schema))
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::clone(&self.factory));
        if let Some(predicate) = pruning.predicate {
            source = source.with_predicate(Arc::clone(predicate));
        }
        let statistics = sum(schema, groups.iter().flat_map(|group| group.iter()));
        let scan = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_limit(limit)
            .with_expr_adapter(Some(Arc::new(TableTypes)))
            .with_projection_indices(Some(columns.to_vec()))?
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }
}

/// A data file as the Parquet source wants it; it stays readable while the plan exists.
pub(crate) fn partitioned(file: &Arc<DataFile>, schema: &SchemaRef) -> Result<PartitionedFile> {
    let statistics = statistics(schema, file.rows, (file.time_min_ns, file.time_max_ns));
    let partitioned = PartitionedFile::new_from_meta(object(file)?);
    Ok(partitioned.with_statistics(Arc::new(statistics)).with_extension(Arc::clone(file)))
}

/// A data file as an object.
fn object(file: &DataFile) -> Result<ObjectMeta> {
    let location = location(&file.path)?;
    Ok(ObjectMeta { location, ..PartitionedFile::new(String::new(), file.bytes).object_meta })
}

fn location(path: &Path) -> Result<object_store::path::Path> {
    let absolute = std::path::absolute(path).map_err(DataFusionError::IoError)?;
    object_store::path::Path::from_absolute_path(absolute).map_err(|error| DataFusionError::External(Box::new(error)))
}

/// What is known of a source without opening it.
pub(crate) fn statistics(schema: &SchemaRef, rows: u64, (min, max): (i64, i64)) -> Statistics {
    let rows = usize::try_from(rows).map_or(Precision::Absent, Precision::Exact);
    let mut columns = vec![ColumnStatistics::new_unknown(); schema.fields().len()];
    if let Some(time) = columns.first_mut() {
        let at = |time| Precision::Exact(ScalarValue::TimestampNanosecond(Some(time), Some("UTC".into())));
        time.null_count = Precision::Exact(0);
        time.min_value = at(min);
        time.max_value = at(max);
    }
    Statistics { num_rows: rows, total_byte_size: Precision::Absent, column_statistics: columns }
}

/// The statistics of several files together.
fn sum<'a>(schema: &SchemaRef, files: impl Iterator<Item = &'a PartitionedFile>) -> Statistics {
    let known = files.filter_map(|file| file.extension::<Arc<DataFile>>());
    let (mut rows, mut span) = (0u64, (i64::MAX, i64::MIN));
    for file in known {
        rows = rows.saturating_add(file.rows);
        span = (span.0.min(file.time_min_ns), span.1.max(file.time_max_ns));
    }
    statistics(schema, rows, span)
}
