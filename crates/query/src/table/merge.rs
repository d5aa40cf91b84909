//! Reads sources whose times overlap: merges them by key as they stream, so that memory grows with the number of sources and
//! not with their rows.
//!
//! Each source comes sorted by (tags, time). The k-way merge keeps the order of the sources on equal keys, the oldest first,
//! which is what [`super::newest`] needs. Memory is reserved in the query's pool. Sets of sources are independent of each
//! other; a partition reads its sets one after the other.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::sorts::streaming_merge::StreamingMergeBuilder;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::newest::NewestWins;

/// Plans of one partition each, oldest first, that give sorted rows in the columns of the merge.
pub(crate) type SortedSources = Vec<Arc<dyn ExecutionPlan>>;

/// What merged rows look like.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// The columns of the sources: time, all tags, then the fields that are needed.
    pub(crate) schema: SchemaRef,
    /// How many of them are the key.
    pub(crate) keys: usize,
    /// Which of them are handed on.
    pub(crate) output: Vec<usize>,
}

/// Merges sets of overlapping sources.
#[derive(Debug)]
pub(crate) struct MergeNewestExec {
    shape: Shape,
    order: LexOrdering,
    partitions: Vec<Vec<SortedSources>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl MergeNewestExec {
    /// Spreads the sets over at most `partitions` partitions; `None` when there is nothing to merge.
    pub(crate) fn new(shape: Shape, sets: Vec<SortedSources>, partitions: usize) -> Result<Option<Self>> {
        let count = sets.len().min(partitions.max(1));
        let Some(order) = order(&shape) else { return Ok(None) };
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
        let output = Arc::new(shape.schema.project(&shape.output)?);
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(output),
            Partitioning::UnknownPartitioning(count),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Ok(Some(Self { shape, order, partitions: spread, properties, metrics: ExecutionPlanMetricsSet::new() }))
    }
}

/// The order of stored rows: tags, absent first, then time, which is the first column.
fn order(shape: &Shape) -> Option<LexOrdering> {
    let fields = shape.schema.fields();
    let column = |index: usize| {
        let name = fields.get(index)?.name();
        Some(PhysicalSortExpr::new_default(Arc::new(Column::new(name, index))).asc().nulls_first())
    };
    let keys = (1..shape.keys).chain([0]).map(column).collect::<Option<Vec<_>>>()?;
    LexOrdering::new(keys)
}

/// Opens one set: a stream of rows with unique keys, in the output's columns.
fn open(
    shape: &Shape,
    order: &LexOrdering,
    sources: &[Arc<dyn ExecutionPlan>],
    context: &Arc<TaskContext>,
    metrics: &BaselineMetrics,
) -> Result<SendableRecordBatchStream> {
    let streams = sources.iter().map(|source| source.execute(0, Arc::clone(context))).collect::<Result<Vec<_>>>()?;
    let single = streams.len() == 1;
    let reservation = MemoryConsumer::new("merge of overlapping files").register(context.memory_pool());
    let merged = StreamingMergeBuilder::new()
        .with_streams(streams)
        .with_schema(Arc::clone(&shape.schema))
        .with_expressions(order)
        .with_metrics(metrics.intermediate())
        .with_batch_size(context.session_config().batch_size())
        .with_reservation(reservation)
        .with_round_robin_tie_breaker(false)
        .build()?;
    let output = Arc::new(shape.schema.project(&shape.output)?);
    let columns = shape.output.clone();
    if single {
        let projected = merged.map(move |batch| Ok(batch?.project(&columns)?));
        return Ok(Box::pin(RecordBatchStreamAdapter::new(output, projected)));
    }
    let newest = NewestWins::new(Arc::clone(&shape.schema), shape.keys);
    let resolved = stream::try_unfold(Some((merged, newest)), |state| async move {
        let Some((mut merged, mut newest)) = state else { return Ok(None) };
        loop {
            match merged.next().await.transpose()? {
                Some(batch) => {
                    if let Some(batch) = newest.push(batch)? {
                        return Ok(Some((batch, Some((merged, newest)))));
                    }
                }
                None => return Ok(newest.finish()?.map(|batch| (batch, None))),
            }
        }
    });
    let projected = resolved.and_then(move |batch| std::future::ready(batch.project(&columns).map_err(Into::into)));
    Ok(Box::pin(RecordBatchStreamAdapter::new(output, projected)))
}

impl DisplayAs for MergeNewestExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sets = self.partitions.iter().map(Vec::len).sum::<usize>();
        let sources = self.partitions.iter().flatten().map(Vec::len).sum::<usize>();
        write!(f, "MergeNewestExec: sets={sets}, sources={sources}, partitions={}", self.partitions.len())
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
        let (shape, order) = (self.shape.clone(), self.order.clone());
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let rows = metrics.output_rows().clone();
        let merged = stream::iter(sets)
            .map(move |sources| open(&shape, &order, &sources, &context, &metrics))
            .try_flatten()
            .inspect_ok(move |batch| rows.add(batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), merged)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
