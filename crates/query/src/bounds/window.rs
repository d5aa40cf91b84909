//! Window functions that need all of their input first hold it without telling the memory pool; here it is told.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::TryStreamExt;
use parking_lot::Mutex;

/// How often a batch is held: as it came, and joined with the others.
const COPIES: usize = 2;

/// Puts a counter below each window operator that holds its input.
#[derive(Debug)]
pub(crate) struct CountWindowInput;

impl PhysicalOptimizerRule for CountWindowInput {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if !node.is::<WindowAggExec>() {
                return Ok(Transformed::no(node));
            }
            let children = node.children().into_iter().map(|child| CountedExec::over(Arc::clone(child))).collect();
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            node.replace_children(children, options).map(Transformed::yes)
        })
        .data()
    }

    fn name(&self) -> &str {
        "count_window_input"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Passes batches on and keeps what they weigh reserved for as long as the plan exists.
#[derive(Debug)]
struct CountedExec {
    input: Arc<dyn ExecutionPlan>,
    reserved: Arc<Mutex<Option<MemoryReservation>>>,
}

impl CountedExec {
    fn over(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self { input, reserved: Arc::default() })
    }
}

impl DisplayAs for CountedExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CountedExec")
    }
}

impl ExecutionPlan for CountedExec {
    fn name(&self) -> &str {
        "CountedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
        Ok(children.into_iter().next().map_or_else(|| self as Arc<dyn ExecutionPlan>, Self::over))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let reserved = Arc::clone(&self.reserved);
        let schema = input.schema();
        let counted = input.and_then(move |batch| {
            let mut reserved = reserved.lock();
            let reservation = reserved.get_or_insert_with(|| {
                MemoryConsumer::new("input of a window function").register(context.memory_pool())
            });
            let grown = reservation.try_grow(batch.get_array_memory_size().saturating_mul(COPIES));
            std::future::ready(grown.map(|()| batch))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, counted)))
    }
}
