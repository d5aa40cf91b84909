//! Reads sources whose times overlap: merges them by key as they stream, so that memory grows with the number of sources and
//! not with their rows.
//!
//! Each source comes sorted by (tags, time); [`super::newest`] finds equal keys. Memory is reserved in the query's pool. Sets of
//! sources are independent of each other; a partition reads its sets one after the other.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::narrow::NarrowExec;
use super::newest::{NewestWins, Shape};

/// Plans of one partition each, oldest first, that give sorted rows in the columns of the merge.
pub(crate) type SortedSources = Vec<Arc<dyn ExecutionPlan>>;

/// Merges sets of overlapping sources.
#[derive(Debug)]
pub(crate) struct MergeNewestExec {
    shape: Shape,
    partitions: Vec<Vec<SortedSources>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl MergeNewestExec {
    /// Spreads the sets over at most `partitions` partitions; `None` when there is nothing to merge.
    pub(crate) fn new(shape: Shape, sets: Vec<SortedSources>, partitions: usize) -> Result<Option<Self>> {
        let count = sets.len().min(partitions.max(1));
        if count == 0 {
            return Ok(None);
        }
        let mut spread: Vec<Vec<SortedSources>> = Vec::new();
        spread.resize_with(count, Vec::new);
        let per_partition = sets.len().div_ceil(count);
        for (index, set) in sets.into_iter().enumerate() {
            if let Some(partition) = spread.get_mut(index / per_partition) {
                partition.push(set);
            }
        }
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(shape.output_schema()?),
            Partitioning::UnknownPartitioning(count),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Ok(Some(Self { shape, partitions: spread, properties, metrics: ExecutionPlanMetricsSet::new() }))
    }
}

/// Opens one set: a stream of rows with unique keys, in the output's columns.
fn open(
    shape: &Shape,
    sources: &[Arc<dyn ExecutionPlan>],
    context: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let streams = sources.iter().map(|source| source.execute(0, Arc::clone(context))).collect::<Result<Vec<_>>>()?;
    let reservation = MemoryConsumer::new("merge of overlapping files").register(context.memory_pool());
    let batch_size = context.session_config().batch_size();
    let output = shape.output_schema()?;
    let newest = NewestWins::new(shape.clone(), streams, batch_size, reservation)?;
    let rows =
        stream::try_unfold(newest, |mut newest| async move { Ok(newest.next().await?.map(|batch| (batch, newest))) });
    Ok(Box::pin(RecordBatchStreamAdapter::new(output, rows)))
}

/// Whether few pages of a file are read.
fn is_narrow(source: &Arc<dyn ExecutionPlan>) -> bool {
    source.name() == NarrowExec::NAME || source.children().into_iter().any(is_narrow)
}

impl DisplayAs for MergeNewestExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sets = self.partitions.iter().map(Vec::len).sum::<usize>();
        let sources = self.partitions.iter().flatten().map(Vec::len).sum::<usize>();
        let narrow = self.partitions.iter().flatten().flatten().filter(|source| is_narrow(source)).count();
        let partitions = self.partitions.len();
        write!(f, "MergeNewestExec: sets={sets}, sources={sources}, narrow={narrow}, partitions={partitions}")
    }
}

impl ExecutionPlan for MergeNewestExec {
    fn name(&self) -> &str {
        "MergeNewestExec"
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
        let sets = self.partitions.get(partition).cloned().unwrap_or_default();
        let shape = self.shape.clone();
        let rows = BaselineMetrics::new(&self.metrics, partition).output_rows().clone();
        let merged = stream::iter(sets)
            .map(move |sources| open(&shape, &sources, &context))
            .try_flatten()
            .inspect_ok(move |batch| rows.add(batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), merged)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
