//! The reduction as the last step of a plan.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};

use super::m4::{M4, Roles};
use crate::slices::slices;

/// Keeps the rows that a chart of so many pixels shows.
#[derive(Debug)]
pub(crate) struct M4Exec {
    input: Arc<dyn ExecutionPlan>,
    roles: Roles,
    width: usize,
    properties: Arc<PlanProperties>,
}

impl M4Exec {
    /// Fails when the rows have no time.
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, width: usize) -> Result<Self> {
        let schema = input.schema();
        let Some(roles) = Roles::of(&schema) else {
            return plan_err!("points needs a time in the answer: select the column time, or date_bin of it");
        };
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        ));
        let one = input.properties().output_partitioning().partition_count() == 1;
        let input = if one { input } else { Arc::new(CoalescePartitionsExec::new(input)) };
        Ok(Self { input, roles, width, properties })
    }
}

impl DisplayAs for M4Exec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "M4Exec: width={}", self.width)
    }
}

impl ExecutionPlan for M4Exec {
    fn name(&self) -> &str {
        "M4Exec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
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
        match children.into_iter().next() {
            Some(input) => Ok(Arc::new(Self::new(input, self.width)?)),
            None => Ok(self),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut rows = self.input.execute(partition, Arc::clone(&context))?;
        let mut m4 = M4::new(self.schema(), self.roles.clone(), self.width)?;
        let reservation = MemoryConsumer::new("rows of a chart").register(context.memory_pool());
        let size = context.session_config().batch_size();
        let reduced = stream::once(async move {
            while let Some(batch) = rows.next().await.transpose()? {
                m4.push(batch)?;
                reservation.try_resize(m4.bytes())?;
            }
            let kept = m4.finish()?;
            let parts = kept.into_iter().flat_map(move |batch| slices(batch, size));
            // The reservation lives as long as the rows do.
            Ok::<_, DataFusionError>(stream::iter(parts.map(move |part| {
                let _held = &reservation;
                Ok(part)
            })))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), reduced.try_flatten())))
    }
}
