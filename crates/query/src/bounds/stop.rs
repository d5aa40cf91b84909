//! An end for work that nobody waits for any more.
//!
//! Aborting a task ends it where it next yields. A join whose predicate rejects nearly every pair yields rarely, so the plan
//! itself looks whether it is still wanted: below every operator that reads a source, and above every one that combines several.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, exec_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::TryStreamExt;

/// Whether a query is still wanted.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    stopped: Arc<AtomicBool>,
    deadline: Instant,
}

impl Stop {
    /// Wanted until the deadline.
    pub(crate) fn at(deadline: Instant) -> Self {
        Self { stopped: Arc::default(), deadline }
    }

    /// Not wanted any more.
    pub(crate) fn now(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn is_due(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }

    /// Makes a plan look at this between batches.
    pub(crate) fn guard(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if node.children().len() == 1 {
                return Ok(Transformed::no(node));
            }
            Ok(Transformed::yes(Arc::new(StopExec { input: node, stop: self.clone() }) as Arc<dyn ExecutionPlan>))
        })
        .data()
    }
}

/// Passes batches on for as long as the query is wanted.
#[derive(Debug)]
struct StopExec {
    input: Arc<dyn ExecutionPlan>,
    stop: Stop,
}

impl DisplayAs for StopExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StopExec")
    }
}

impl ExecutionPlan for StopExec {
    fn name(&self) -> &str {
        "StopExec"
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
        Ok(match children.into_iter().next() {
            Some(input) => Arc::new(Self { input, stop: self.stop.clone() }),
            None => self,
        })
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let schema = input.schema();
        let stop = self.stop.clone();
        let guarded = input.and_then(move |batch| {
            let passed = if stop.is_due() { exec_err!("the query is not wanted any more") } else { Ok(batch) };
            std::future::ready(passed)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, guarded)))
    }
}
