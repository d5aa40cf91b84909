//! Finds what is to be filled in a plan.
//!
//! It is the first of all rules: types fit already, and an aggregation still looks as it was written.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result, ScalarValue, plan_datafusion_err, plan_err};
use datafusion::functions::datetime;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Aggregate, Expr, ExprSchemable, Extension, Filter, LogicalPlan, Union, UserDefinedLogicalNode, Window,
};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::bins::{Bins, Step};
use super::bounds::{simplified, times};
use super::fill::{Fill, Part};
use super::functions::{bin_arguments, fill_argument};
use super::node::GapFill;
use crate::table::TimeRange;

/// Nanoseconds of a day.
const DAY_NS: i64 = 86_400_000_000_000;
/// Nanoseconds of a millisecond.
const MILLISECOND_NS: i64 = 1_000_000;

/// Puts nodes in the place of the functions that ask for gap filling.
#[derive(Debug)]
pub(crate) struct FillGaps;

impl OptimizerRule for FillGaps {
    fn name(&self) -> &str {
        "fill_gaps"
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if first_call(&plan)?.is_none() {
            return Ok(Transformed::no(plan));
        }
        let plan = plan.transform_up_with_subqueries(|node| rewritten(node, config).map(Transformed::yes)).data()?;
        match first_call(&plan)? {
            None => Ok(Transformed::yes(plan)),
            Some(Call::Bin) => plan_err!(
                "date_bin_gapfill stands in GROUP BY, by itself, and in SELECT as what is grouped by: \
                 SELECT date_bin_gapfill(INTERVAL '10 minutes', time) AS t, avg(temperature) FROM room \
                 WHERE time >= now() - INTERVAL '1 day' GROUP BY t"
            ),
            Some(Call::Fill) => plan_err!(
                "locf and interpolate stand in SELECT, around an aggregate, in a query with GROUP BY date_bin_gapfill(…)"
            ),
        }
    }
}

/// A function that asks for gap filling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Bin,
    Fill,
}

fn call(expr: &Expr) -> Option<Call> {
    match (bin_arguments(expr), fill_argument(expr)) {
        (Some(_), _) => Some(Call::Bin),
        (_, Some(_)) => Some(Call::Fill),
        _ => None,
    }
}

/// A call that is anywhere in a plan.
fn first_call(plan: &LogicalPlan) -> Result<Option<Call>> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                found = found.or(call(part));
                Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })
        })
    })?;
    Ok(found)
}

/// A node whose inputs have been rewritten.
fn rewritten(node: LogicalPlan, config: &dyn OptimizerConfig) -> Result<LogicalPlan> {
    match node {
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.iter().any(|expr| bin_arguments(expr).is_some()) => {
            filled(aggregate, config)
        }
        LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::Window(_) => {
            let fills = fills_of(&node)?;
            if fills.is_empty() { with_schema(node) } else { with_fills(node, &fills) }
        }
        other => with_schema(other),
    }
}

/// A node that knows that more is null below it.
fn with_schema(node: LogicalPlan) -> Result<LogicalPlan> {
    match node {
        node if !node.exists(|node| Ok(gap_fill(node).is_some()))? => Ok(node),
        LogicalPlan::Union(union) => Ok(LogicalPlan::Union(Union::try_new(union.inputs)?)),
        node => node.recompute_schema(),
    }
}

fn gap_fill(node: &LogicalPlan) -> Option<&GapFill> {
    match node {
        LogicalPlan::Extension(Extension { node }) => node.as_any().downcast_ref(),
        _ => None,
    }
}

fn extension(node: GapFill) -> LogicalPlan {
    let node: Arc<dyn UserDefinedLogicalNode> = Arc::new(node);
    LogicalPlan::Extension(Extension { node })
}

/// Gap filling over an aggregation by `date_bin`, in the place of one by `date_bin_gapfill`.
fn filled(aggregate: Aggregate, config: &dyn OptimizerConfig) -> Result<LogicalPlan> {
    let mut bins = None;
    let mut parts = Vec::new();
    let mut groups = Vec::new();
    for expr in &aggregate.group_expr {
        let Some(arguments) = bin_arguments(expr) else {
            parts.push(Part::Group);
            groups.push(expr.clone());
            continue;
        };
        if bins.is_some() {
            return plan_err!("GROUP BY takes one date_bin_gapfill");
        }
        bins = Some(bins_of(arguments, &aggregate.input, config)?);
        parts.push(Part::Time);
        groups.push(Expr::ScalarFunction(ScalarFunction::new_udf(datetime::date_bin(), arguments.to_vec())));
    }
    let Some(bins) = bins else { return plan_err!("GROUP BY lacks date_bin_gapfill") };
    parts.extend(aggregate.aggr_expr.iter().map(|_| Part::Filled(Fill::Null)));
    let by_bin = Aggregate::try_new(Arc::clone(&aggregate.input), groups, aggregate.aggr_expr)?;
    Ok(extension(GapFill::new(LogicalPlan::Aggregate(by_bin), &aggregate.schema, parts, bins)?))
}

/// The bins that the arguments of `date_bin_gapfill` and the predicates below it ask for.
fn bins_of(arguments: &[Expr], input: &LogicalPlan, config: &dyn OptimizerConfig) -> Result<Bins> {
    let (Some(interval), Some(time)) = (arguments.first(), arguments.get(1)) else {
        return plan_err!("date_bin_gapfill takes an interval and a time");
    };
    let kind = time.get_type(input.schema())?;
    let (Expr::Column(column), DataType::Timestamp(TimeUnit::Nanosecond, _)) = (time, kind) else {
        return plan_err!("The second argument of date_bin_gapfill is the column time");
    };
    let step = step_of(&simplified(interval, input, config)?)?;
    let origin_ns = match arguments.get(2).map(|origin| simplified(origin, input, config)).transpose()? {
        None => 0,
        Some(Expr::Literal(ScalarValue::TimestampNanosecond(Some(origin_ns), _), _)) => origin_ns,
        Some(_) => return plan_err!("The third argument of date_bin_gapfill is a constant time"),
    };
    let TimeRange { min, max } = times(input, column, config)?;
    if min == i64::MIN {
        let name = column.name();
        return plan_err!(
            "date_bin_gapfill needs to know where to begin: add a lower bound to WHERE, such as \
             {name} >= now() - INTERVAL '1 day'"
        );
    }
    let max = match max {
        i64::MAX => config
            .query_execution_start_time()
            .and_then(|now| now.timestamp_nanos_opt())
            .ok_or_else(|| plan_datafusion_err!("date_bin_gapfill needs an upper bound of time in WHERE"))?,
        max => max,
    };
    Ok(Bins::over(step, origin_ns, min, max))
}

fn step_of(interval: &Expr) -> Result<Step> {
    let step = match interval {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) => {
            match (interval.months, interval.days, interval.nanoseconds) {
                (months, 0, 0) if months != 0 => Some(Step::Months(months)),
                (0, days, nanos) => {
                    i64::from(days).checked_mul(DAY_NS).and_then(|day_ns| day_ns.checked_add(nanos)).map(Step::Nanos)
                }
                _ => return plan_err!("The interval of date_bin_gapfill has months or shorter times, not both"),
            }
        }
        Expr::Literal(ScalarValue::IntervalDayTime(Some(interval)), _) => {
            let time_ns = i64::from(interval.milliseconds).checked_mul(MILLISECOND_NS);
            let day_ns = i64::from(interval.days).checked_mul(DAY_NS);
            time_ns.zip(day_ns).and_then(|(time_ns, day_ns)| day_ns.checked_add(time_ns)).map(Step::Nanos)
        }
        _ => return plan_err!("The first argument of date_bin_gapfill is a constant such as INTERVAL '10 minutes'"),
    };
    match step {
        Some(step @ Step::Nanos(1..) | step @ Step::Months(1..)) => Ok(step),
        Some(_) => plan_err!("The interval of date_bin_gapfill is more than nothing"),
        None => plan_err!("The interval of date_bin_gapfill is too long"),
    }
}

/// A call of `locf` or `interpolate`.
struct FillCall {
    /// The name of the column that it makes.
    name: String,
    fill: Fill,
    argument: Expr,
}

/// The calls in the expressions of a node.
fn fills_of(node: &LogicalPlan) -> Result<Vec<FillCall>> {
    let mut calls: Vec<FillCall> = Vec::new();
    node.apply_expressions(|expr| {
        expr.apply(|part| {
            let Some((fill, argument)) = fill_argument(part) else { return Ok(TreeNodeRecursion::Continue) };
            if argument.exists(|inner| Ok(call(inner).is_some()))? {
                return plan_err!("locf and interpolate do not go around each other or date_bin_gapfill");
            }
            let name = part.schema_name().to_string();
            if calls.iter().all(|call| call.name != name) {
                calls.push(FillCall { name, fill, argument: argument.clone() });
            }
            Ok(TreeNodeRecursion::Jump)
        })
    })?;
    Ok(calls)
}

/// A node with columns in the place of the calls, which gap filling below it makes.
fn with_fills(node: LogicalPlan, calls: &[FillCall]) -> Result<LogicalPlan> {
    let node = node.map_children(|input| with_columns(input, calls).map(Transformed::yes))?.data;
    let names = NamePreserver::new(&node);
    let node = node.map_expressions(|expr| {
        let name = names.save(&expr);
        let replaced = expr.transform_down(|part| {
            Ok(match fill_argument(&part) {
                None => Transformed::no(part),
                Some(_) => Transformed::yes(Expr::Column(Column::from_name(part.schema_name().to_string()))),
            })
        })?;
        Ok(replaced.update_data(|expr| name.restore(expr)))
    })?;
    node.data.recompute_schema()
}

/// A plan whose gap filling also makes the columns of calls.
fn with_columns(plan: LogicalPlan, calls: &[FillCall]) -> Result<LogicalPlan> {
    if let Some(node) = gap_fill(&plan) {
        let mut node = node.clone();
        for FillCall { name, fill, argument } in calls {
            node = node.with(name, argument, fill.clone())?;
        }
        return Ok(extension(node));
    }
    match plan {
        LogicalPlan::Filter(Filter { predicate, input, .. }) => {
            let input = with_columns(Arc::unwrap_or_clone(input), calls)?;
            Ok(LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(input))?))
        }
        LogicalPlan::Window(Window { window_expr, input, .. }) => {
            let input = with_columns(Arc::unwrap_or_clone(input), calls)?;
            Ok(LogicalPlan::Window(Window::try_new(window_expr, Arc::new(input))?))
        }
        _ => plan_err!(
            "locf and interpolate stand in SELECT, around an aggregate, in a query with GROUP BY date_bin_gapfill(…)"
        ),
    }
}
