//! Reads few pages of files: what a question about few series needs.
//!
//! DataFusion's Parquet source builds a predicate for each file, prunes with it and reads in pieces that several threads share,
//! which takes milliseconds whatever a file holds. Here the pages were found before, and one thread reads them.

use std::fmt;
use std::fs::File;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream::{self, StreamExt, TryStreamExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use sensorium_store::{DataFile, Pages, adapt};

/// Rows up to which the pages of a file count as few.
pub(crate) const FEW_ROWS: usize = 64 * 1024;

/// Pages of a file; it stays readable while they exist.
#[derive(Debug, Clone)]
pub(crate) struct FilePages {
    pub(crate) file: Arc<DataFile>,
    pub(crate) metadata: ArrowReaderMetadata,
    pub(crate) pages: Pages,
}

/// Reads pages of files, one file after the other.
#[derive(Debug)]
pub(crate) struct NarrowExec {
    files: Vec<FilePages>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl NarrowExec {
    pub(super) const NAME: &str = "NarrowExec";

    /// Reads the columns of `schema`.
    pub(crate) fn new(files: Vec<FilePages>, schema: SchemaRef) -> Self {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Self { files, properties, metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl FilePages {
    /// Reads the wanted columns of them, so many rows at once.
    pub(crate) fn reader(
        &self,
        is_wanted: impl Fn(&str) -> bool,
        batch_size: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let input = File::open(&self.file.path).map_err(DataFusionError::IoError)?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, self.metadata.clone());
        let wanted = builder.schema().fields().iter().enumerate().filter(|(_, field)| is_wanted(field.name()));
        let columns = ProjectionMask::roots(builder.parquet_schema(), wanted.map(|(index, _)| index));
        let reader = builder
            .with_projection(columns)
            .with_row_groups(self.pages.groups.clone())
            .with_row_selection(self.pages.selection.clone())
            .with_batch_size(batch_size)
            .build()?;
        Ok(reader)
    }
}

/// The rows of one file, in the columns and types of the table.
fn rows(pages: FilePages, schema: SchemaRef, batch_size: usize) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
    let reader = pages.reader(|name| schema.column_with_name(name).is_some(), batch_size)?;
    Ok(reader.map(move |batch| {
        let _is_readable = &pages;
        Ok(adapt(&batch?, &schema)?)
    }))
}

impl DisplayAs for NarrowExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.files.iter().map(|file| file.pages.rows).sum::<usize>();
        write!(f, "{}: files={}, rows={rows}", Self::NAME, self.files.len())
    }
}

impl ExecutionPlan for NarrowExec {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (schema, batch_size) = (self.schema(), context.session_config().batch_size());
        let counted = BaselineMetrics::new(&self.metrics, partition).output_rows().clone();
        let batches = stream::iter(self.files.clone())
            .map(move |file| -> Result<_> { Ok(stream::iter(rows(file, Arc::clone(&schema), batch_size)?)) })
            .try_flatten()
            .inspect_ok(move |batch: &RecordBatch| counted.add(batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
