//! A table whose rows are made, when it is read, from what is in memory.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::TableType;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{TryStreamExt, stream};

use crate::slices::slices;

/// Rows that can be had without a scan; `Debug` names them in plans.
pub(super) trait InMemory: fmt::Debug + Send + Sync {
    /// All columns.
    fn schema(&self) -> &SchemaRef;

    /// The rows now, with some of the columns.
    fn rows(&self, columns: &[usize]) -> Result<RecordBatch>;
}

/// Such rows as a table.
#[derive(Debug)]
pub(super) struct InMemoryTable {
    rows: Arc<dyn InMemory>,
}

impl InMemoryTable {
    pub(super) fn new(rows: Arc<dyn InMemory>) -> Self {
        Self { rows }
    }
}

#[async_trait]
impl TableProvider for InMemoryTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.rows.schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = || (0..self.rows.schema().fields().len()).collect();
        let columns: Vec<usize> = projection.cloned().unwrap_or_else(all);
        let schema = Arc::new(self.rows.schema().project(&columns)?);
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Ok(Arc::new(InMemoryExec { rows: Arc::clone(&self.rows), columns, properties }))
    }
}

/// Makes the rows.
#[derive(Debug)]
struct InMemoryExec {
    rows: Arc<dyn InMemory>,
    columns: Vec<usize>,
    properties: Arc<PlanProperties>,
}

impl DisplayAs for InMemoryExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InMemoryExec: {:?}", self.rows)
    }
}

impl ExecutionPlan for InMemoryExec {
    fn name(&self) -> &str {
        "InMemoryExec"
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

    fn execute(&self, _partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (source, columns) = (Arc::clone(&self.rows), self.columns.clone());
        let size = context.session_config().batch_size();
        let reservation = MemoryConsumer::new("rows made from memory").register(context.memory_pool());
        let opened = stream::once(async move {
            let rows = source.rows(&columns)?;
            reservation.try_grow(rows.get_array_memory_size())?;
            // The reservation lives as long as the rows do.
            let parts = slices(rows, size).map(move |part| {
                let _held = &reservation;
                Ok::<_, DataFusionError>(part)
            });
            Ok::<_, DataFusionError>(stream::iter(parts))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), opened.try_flatten())))
    }
}
