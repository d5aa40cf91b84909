//! The plan node, and how it becomes an operator.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::Field;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{Column, DFSchema, DFSchemaRef, Result, internal_err, plan_err};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, Projection, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use super::bins::Bins;
use super::exec::GapFillExec;
use super::fill::{Fill, FilledColumn, Part};

/// The rows of an aggregation with those for empty bins. Its columns are those of the aggregation and, behind them, filled ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct GapFill {
    input: LogicalPlan,
    schema: DFSchemaRef,
    columns: Vec<FilledColumn>,
    bins: Bins,
}

impl GapFill {
    /// Over an aggregation whose columns `parts` describes, with the names of `schema`.
    pub(super) fn new(input: LogicalPlan, schema: &DFSchema, parts: Vec<Part>, bins: Bins) -> Result<Self> {
        let columns = parts.into_iter().enumerate().map(|(input, part)| FilledColumn { input, part }).collect();
        // In rows that are made, any aggregate may be null.
        let fields =
            schema.iter().map(|(table, field)| (table.cloned(), Arc::new(field.as_ref().clone().with_nullable(true))));
        let schema = Arc::new(DFSchema::new_with_metadata(fields.collect(), schema.metadata().clone())?);
        Ok(Self { input, schema, columns, bins })
    }

    /// With one more column of this name: an expression over aggregates, its gaps filled.
    pub(super) fn with(mut self, name: &str, expr: &Expr, fill: Fill) -> Result<Self> {
        if self.schema.has_column(&Column::from_name(name)) {
            return Ok(self);
        }
        for column in expr.column_refs() {
            let index = self.schema.maybe_index_of_column(column);
            let part = index.and_then(|index| self.columns.get(index)).map(|column| &column.part);
            if part != Some(&Part::Filled(Fill::Null)) {
                return plan_err!(
                    "{name} fills {column}, which is no aggregate: write locf(avg(temperature)), for example"
                );
            }
        }
        if expr.column_refs().is_empty() {
            return plan_err!("{name} has nothing to fill: write locf(avg(temperature)), for example");
        }
        let kind = expr.get_type(&self.schema)?;
        let input = self.input_with(expr)?;
        self.columns.push(FilledColumn { input, part: Part::Filled(fill) });
        let fields = self.schema.iter().map(|(table, field)| (table.cloned(), Arc::clone(field)));
        let fields = fields.chain([(None, Arc::new(Field::new(name, kind, true)))]);
        self.schema = Arc::new(DFSchema::new_with_metadata(fields.collect(), self.schema.metadata().clone())?);
        Ok(self)
    }

    /// The place of an expression among the columns of the input, which gets it if it lacks it.
    fn input_with(&mut self, expr: &Expr) -> Result<usize> {
        let column = match expr {
            Expr::Column(column) => column.clone(),
            other => Column::from_name(other.schema_name().to_string()),
        };
        if let Some(index) = self.input.schema().maybe_index_of_column(&column) {
            return Ok(index);
        }
        let mut columns: Vec<Expr> = self.input.schema().columns().into_iter().map(Expr::Column).collect();
        columns.push(expr.clone());
        let index = columns.len() - 1;
        let input = std::mem::take(&mut self.input);
        self.input = LogicalPlan::Projection(Projection::try_new(columns, Arc::new(input))?);
        Ok(index)
    }
}

/// Nodes with other inputs are in no order.
impl PartialOrd for GapFill {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        if self == other {
            Some(Ordering::Equal)
        } else {
            self.input.partial_cmp(&other.input).filter(|order| order.is_ne())
        }
    }
}

/// Its columns are looked up by position, so it has no expressions, and wants all columns of its input.
impl UserDefinedLogicalNodeCore for GapFill {
    fn name(&self) -> &str {
        "GapFill"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GapFill: {}", Described(&self.columns))
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        match <[LogicalPlan; 1]>::try_from(inputs) {
            Ok([input]) => Ok(Self { input, ..self.clone() }),
            Err(inputs) => internal_err!("GapFill has one input, not {}", inputs.len()),
        }
    }
}

/// How columns are filled, for people.
pub(super) struct Described<'a>(pub(super) &'a [FilledColumn]);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fills = self.0.iter().filter_map(|column| match &column.part {
            Part::Filled(fill) => Some(format!("{fill:?}")),
            Part::Time | Part::Group => None,
        });
        write!(f, "fill=[{}]", fills.collect::<Vec<_>>().join(", "))
    }
}

/// Makes physical plans, also of gap filling, of at most so many rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GapFillPlanner {
    pub(crate) max_rows: u64,
}

#[async_trait]
impl QueryPlanner for GapFillPlanner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(*self)]);
        planner.create_physical_plan(plan, session).await
    }
}

#[async_trait]
impl ExtensionPlanner for GapFillPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let (Some(node), [input]) = (node.as_any().downcast_ref::<GapFill>(), physical_inputs) else {
            return Ok(None);
        };
        let schema = Arc::new(node.schema.as_arrow().clone());
        let exec = GapFillExec::new(Arc::clone(input), schema, node.columns.clone(), node.bins.clone(), self.max_rows)?;
        Ok(Some(Arc::new(exec)))
    }
}
