//! The operator: reads the rows of an aggregation, sorted by group and time, and puts rows where bins are empty.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, LexOrdering, OrderingRequirements, Partitioning, PhysicalExpr,
    PhysicalSortExpr,
};
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputDistributionRequirements, PlanProperties,
};
use futures::{StreamExt, stream};
use thiserror::Error;

use super::bins::Bins;
use super::fill::{FilledColumn, Filling, Part};
use super::groups::Groups;
use super::node::Described;

/// Bins are so short, or the time so long, that more rows would be made than a query may have.
#[derive(Debug, Error)]
#[error("filling gaps makes more than {limit} rows")]
pub(crate) struct TooManyRows {
    pub(crate) limit: u64,
}

/// Fills gaps.
#[derive(Debug)]
pub(super) struct GapFillExec {
    input: Arc<dyn ExecutionPlan>,
    schema: SchemaRef,
    columns: Vec<FilledColumn>,
    bins: Bins,
    max_rows: u64,
    /// What the input is to be sorted by.
    order: LexOrdering,
    properties: Arc<PlanProperties>,
}

impl GapFillExec {
    /// Makes at most `max_rows` rows with the columns of `schema`, which `columns` describes.
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
        columns: Vec<FilledColumn>,
        bins: Bins,
        max_rows: u64,
    ) -> Result<Self> {
        let (Some(order), Some(output_order)) =
            (order(&columns, &input.schema(), |_, column| column.input), order(&columns, &schema, |index, _| index))
        else {
            return internal_err!("gap filling has neither groups nor times");
        };
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new_with_orderings(Arc::clone(&schema), [output_order]),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Ok(Self { input, schema, columns, bins, max_rows, order, properties })
    }
}

/// As ORDER BY sorts when nothing else is said, so that what is sorted like this is not sorted again.
const ASCENDING: SortOptions = SortOptions { descending: false, nulls_first: false };

/// By groups, and in each by time; columns are numbered by `place`.
fn order(
    columns: &[FilledColumn],
    schema: &SchemaRef,
    place: impl Fn(usize, &FilledColumn) -> usize,
) -> Option<LexOrdering> {
    let by = |part: Part| {
        let columns = columns.iter().enumerate().filter(move |(_, column)| column.part == part);
        columns.map(|(index, column)| place(index, column)).collect::<Vec<_>>()
    };
    let places = by(Part::Group).into_iter().chain(by(Part::Time));
    LexOrdering::new(places.filter_map(|index| {
        let column = Column::new(schema.fields().get(index)?.name(), index);
        Some(PhysicalSortExpr::new(Arc::new(column), ASCENDING))
    }))
}

impl DisplayAs for GapFillExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GapFillExec: {}", Described(&self.columns))
    }
}

impl ExecutionPlan for GapFillExec {
    fn name(&self) -> &str {
        "GapFillExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![Some(OrderingRequirements::new(self.order.clone().into()))]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.into_iter().next() else { return Ok(self) };
        let (schema, columns, bins) = (Arc::clone(&self.schema), self.columns.clone(), self.bins.clone());
        Ok(Arc::new(Self::new(input, schema, columns, bins, self.max_rows)?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let keys = self.columns.iter().filter(|column| column.part == Part::Group).map(|column| column.input);
        let run = Run {
            groups: Groups::new(input.schema(), keys.collect())?,
            input,
            ended: false,
            schema: Arc::clone(&self.schema),
            columns: self.columns.clone(),
            bins: self.bins.clone(),
            filling: None,
            made: 0,
            max_rows: self.max_rows,
            size: context.session_config().batch_size(),
            reservation: MemoryConsumer::new("rows around gaps").register(context.memory_pool()),
        };
        let rows = RecordBatchStreamAdapter::new(self.schema(), stream::try_unfold(run, Run::next));
        // Rows that are made need no waiting, and yet others are to have their turn.
        Ok(make_cooperative(Box::pin(rows)))
    }
}

/// Gap filling as it runs.
struct Run {
    input: SendableRecordBatchStream,
    ended: bool,
    groups: Groups,
    schema: SchemaRef,
    columns: Vec<FilledColumn>,
    bins: Bins,
    /// The group that is being filled.
    filling: Option<Filling>,
    made: u64,
    max_rows: u64,
    size: usize,
    reservation: MemoryReservation,
}

impl Run {
    async fn next(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(filling) = &mut self.filling {
                if let Some(batch) = filling.next(self.size)? {
                    self.made = self.made.saturating_add(u64::try_from(batch.num_rows()).unwrap_or(u64::MAX));
                    if self.made > self.max_rows {
                        return Err(DataFusionError::External(Box::new(TooManyRows { limit: self.max_rows })));
                    }
                    return Ok(Some((batch, self)));
                }
                self.filling = None;
            }
            if let Some(group) = self.groups.next()? {
                // A group from several batches is held twice: as it came, and joined.
                self.reservation.try_resize(self.groups.bytes().saturating_add(group.get_array_memory_size()))?;
                self.filling = Some(Filling::new(&self.schema, &self.columns, &group, &self.bins)?);
            } else if self.ended {
                return Ok(None);
            } else if let Some(batch) = self.input.next().await.transpose()? {
                self.groups.push(&batch)?;
                self.reservation.try_resize(self.groups.bytes())?;
            } else {
                self.groups.end();
                self.ended = true;
            }
        }
    }
}
