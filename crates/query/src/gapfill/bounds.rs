//! Which times a query asks for.

use datafusion::common::{Column, Result};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, Filter, Join, LogicalPlan, Projection, SubqueryAlias};
use datafusion::optimizer::OptimizerConfig;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;

use crate::table::TimeRange;

/// An expression as simple as it gets, with `now()` in place.
pub(super) fn simplified(expr: &Expr, plan: &LogicalPlan, config: &dyn OptimizerConfig) -> Result<Expr> {
    let context = SimplifyContext::builder()
        .with_schema(plan.schema().clone())
        .with_config_options(config.options())
        .with_query_execution_start_time(config.query_execution_start_time())
        .build();
    ExprSimplifier::new(context).simplify(expr.clone())
}

/// The times that the predicates of a plan leave possible for one of its columns, or more.
pub(super) fn times(plan: &LogicalPlan, column: &Column, config: &dyn OptimizerConfig) -> Result<TimeRange> {
    let (mut plan, mut column, mut range) = (plan, column.clone(), TimeRange::ALL);
    loop {
        plan = match plan {
            LogicalPlan::Filter(Filter { predicate, input, .. }) => {
                let schema = input.schema();
                let wanted = schema.maybe_index_of_column(&column);
                let is_time = |column: &Column| wanted.is_some() && schema.maybe_index_of_column(column) == wanted;
                let predicate = simplified(predicate, input, config)?;
                range = range.and(TimeRange::of_column(&[predicate], &is_time));
                input
            }
            LogicalPlan::SubqueryAlias(SubqueryAlias { input, schema, .. }) => {
                let Some(index) = schema.maybe_index_of_column(&column) else { break };
                column = Column::from(input.schema().qualified_field(index));
                input
            }
            LogicalPlan::Projection(Projection { expr, input, schema, .. }) => {
                let index = schema.maybe_index_of_column(&column);
                let Some(Expr::Column(inner)) = index.and_then(|index| expr.get(index)).map(unaliased) else { break };
                column = inner.clone();
                input
            }
            LogicalPlan::Join(Join { left, right, .. }) => match left.schema().has_column(&column) {
                true => left,
                false => right,
            },
            LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Distinct(_) => match plan.inputs().as_slice() {
                [input] => *input,
                _ => break,
            },
            _ => break,
        };
    }
    Ok(range)
}

fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}
