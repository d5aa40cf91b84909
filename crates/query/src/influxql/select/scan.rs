//! Reads a table for a `SELECT`: a DataFusion plan that leaves out rows, groups them where its functions mean the same, and
//! puts them in the order in which series and their points are told.
//!
//! Rows are sorted only as far as what is made of them depends on it.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, TimestampNanosecondType};
use datafusion::common::{Column, Result, ScalarValue, TableReference, internal_err};
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::expr_fn::{avg, count, first_value, max, min, sum};
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, Volatility, cast, create_udf, ident, lit,
};
use sensorium_model::names::TIME_COLUMN;
use sensorium_model::{DatabaseKey, Name, TableSchema};

use super::filter::{Filters, any_present};
use super::plan::{Call, Kind, Leaf, Plan};
use super::window::{Bounds, Windows};
use crate::session::Session;

/// How the rows of a table come.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) logical: LogicalPlan,
    pub(super) shape: Shape,
    /// Whether the condition is left to the reader.
    pub(super) is_residual: bool,
}

/// What the columns of the batches are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The time, the tags that rows are grouped by, and the columns of the plan.
    Rows,
    /// The beginning of a bin, the tags, and for each call its value and when that was.
    Bins,
}

/// What one table of a plan is.
pub(super) struct Table<'a> {
    pub(super) plan: &'a Plan,
    pub(super) key: &'a DatabaseKey,
    pub(super) name: &'a Name,
    pub(super) schema: &'a TableSchema,
}

impl Table<'_> {
    fn kind(&self, column: &str) -> Option<Kind> {
        self.schema.kind(column).and_then(Kind::stored)
    }

    /// The plan that reads the table; `None` when none of its rows can be in the answer.
    pub(super) async fn scan(&self, session: &Session) -> Result<Option<Scan>> {
        let plan = self.plan;
        let bounds = plan.widest_bounds();
        if bounds.min > bounds.max {
            return Ok(None);
        }
        let Some(provider) = session.table(self.key, self.name).await? else { return Ok(None) };
        let mut rows =
            LogicalPlanBuilder::scan(TableReference::bare(self.name.as_ref()), provider_as_source(provider), None)?;
        if let Some(times) = within(bounds) {
            rows = rows.filter(times)?;
        }
        let filters = Filters { schema: self.schema, columns: &plan.columns };
        let mut is_residual = false;
        if let Some(condition) = &plan.condition {
            match filters.exact(condition) {
                Some(exact) => rows = rows.filter(exact)?,
                None => {
                    is_residual = true;
                    for necessary in filters.necessary(condition) {
                        rows = rows.filter(necessary)?;
                    }
                }
            }
        }
        if !is_residual && let Some(values) = self.values() {
            let logical = self.bins(rows, &values)?;
            return Ok(Some(Scan { logical, shape: Shape::Bins, is_residual }));
        }
        Ok(self.rows(rows, is_residual)?.map(|logical| Scan { logical, shape: Shape::Rows, is_residual }))
    }

    /// Rows one by one.
    fn rows(&self, mut rows: LogicalPlanBuilder, is_residual: bool) -> Result<Option<LogicalPlan>> {
        let plan = self.plan;
        let of_fields = |index: &usize| {
            let column = plan.columns.get(*index)?;
            let kind = self.kind(&column.name).filter(|kind| *kind != Kind::Tag && column.kind.reads(*kind))?;
            Some((kind, &column.name))
        };
        let mut read: Vec<usize> = plan.shown_columns.clone();
        if !plan.is_raw() {
            read = plan.calls.iter().map(|call| call.column).collect();
        }
        let Some(present) = any_present(read.iter().filter_map(of_fields).map(|(_, name)| name)) else {
            return Ok(None);
        };
        rows = rows.filter(present)?;
        let is_ordered = plan.is_raw() || self.needs_order();
        if is_ordered || !plan.group_by.is_empty() {
            let mut order: Vec<&str> = plan.group_by.iter().map(AsRef::as_ref).collect();
            order.retain(|tag| self.kind(tag) == Some(Kind::Tag));
            if is_ordered {
                let ties: Vec<&str> =
                    self.schema.tags().map(AsRef::as_ref).filter(|tag| !order.contains(tag)).collect();
                order.push(TIME_COLUMN);
                order.extend(ties);
            }
            // One series is cut off here; others are counted by the reader.
            let is_cut = plan.is_raw() && plan.limit > 0 && plan.group_by.is_empty() && !is_residual;
            let fetch = (is_cut && plan.sources.len() == 1).then(|| plan.limit.saturating_add(plan.offset));
            rows = rows.sort_with_limit(order.iter().map(|name| by(ident(*name), plan.ascending)), fetch)?;
        }
        let mut columns = vec![ident(TIME_COLUMN).alias("t")];
        columns.extend(self.tags());
        columns.extend(plan.columns.iter().enumerate().map(|(index, column)| {
            let is_read = self.kind(&column.name).is_some_and(|kind| column.kind.reads(kind));
            let value = if is_read { ident(column.name.as_ref()) } else { lit(ScalarValue::Null) };
            value.alias(format!("c{index}"))
        }));
        rows.project(columns)?.build().map(Some)
    }

    /// The tags that rows are grouped by, as texts.
    fn tags(&self) -> impl Iterator<Item = Expr> {
        self.plan.group_by.iter().enumerate().map(|(index, tag)| {
            let is_tag = self.kind(tag) == Some(Kind::Tag);
            let value = if is_tag { ident(tag.as_ref()) } else { lit(ScalarValue::Utf8(None)) };
            value.alias(format!("g{index}"))
        })
    }

    fn needs_order(&self) -> bool {
        let is_unordered =
            |call: &Call| call.transforms.is_empty() && call.leaf.as_ref().is_some_and(Leaf::is_unordered);
        !self.plan.windows.is_one() || !self.plan.calls.iter().all(is_unordered)
    }

    /// What DataFusion computes for each call, if it can for all.
    fn values(&self) -> Option<Vec<(Expr, Option<Expr>)>> {
        let plan = self.plan;
        if plan.calls.is_empty() || (plan.is_selection() && !plan.shown_columns.is_empty()) {
            return None;
        }
        let widest = plan.widest_bounds();
        let value = |call: &Call| {
            let column = plan.columns.get(call.column)?;
            let kind = self.kind(&column.name);
            let Some(kind) = kind.filter(|kind| *kind != Kind::Tag && column.kind == *kind) else {
                // Nothing is made of a field that is not there.
                return match kind {
                    Some(kind) if kind != Kind::Tag => None,
                    _ => Some((lit(ScalarValue::Int64(None)), None)),
                };
            };
            let (value, time) = computed(call.leaf.as_ref()?, &column.name, kind)?;
            let bounds = plan.bounds_of(call);
            let narrowed = |value: Aggregate| value.build((bounds != widest).then(|| within(bounds)).flatten());
            let times = plan.windows.is_one() && plan.is_selection();
            let time = if times { Some(narrowed(time?).ok()?) } else { None };
            Some((narrowed(value).ok()?, time))
        };
        let values: Vec<(Expr, Option<Expr>)> = plan.calls.iter().map(value).collect::<Option<_>>()?;
        values.iter().any(|(value, _)| !matches!(value, Expr::Literal(..))).then_some(values)
    }

    /// Bins, each of which is one row.
    fn bins(&self, rows: LogicalPlanBuilder, values: &[(Expr, Option<Expr>)]) -> Result<LogicalPlan> {
        let plan = self.plan;
        let tags = plan.group_by.iter().enumerate().filter(|(_, tag)| self.kind(tag) == Some(Kind::Tag));
        let mut groups: Vec<(String, Expr)> =
            tags.map(|(index, tag)| (format!("g{index}"), ident(tag.as_ref()))).collect();
        if !plan.windows.is_one() {
            groups.push(("t".to_owned(), bin(plan.windows, plan.widest_bounds())));
        }
        let mut made: Vec<(String, Expr)> = Vec::new();
        for (index, (value, time)) in values.iter().enumerate() {
            if !matches!(value, Expr::Literal(..)) {
                made.push((format!("v{index}"), value.clone()));
            }
            if let Some(time) = time {
                made.push((format!("w{index}"), time.clone()));
            }
        }
        // Two calls may be made of the same values.
        let aliased = made.iter().map(|(name, value)| value.clone().alias(name));
        let bins = rows.aggregate(groups.iter().map(|(_, group)| group.clone()), aliased)?;
        let known: Vec<Expr> = bins.schema().iter().map(|column| Expr::Column(Column::from(column))).collect();
        let order: Vec<Sort> = known.iter().take(groups.len()).map(|group| by(group.clone(), plan.ascending)).collect();
        let names: Vec<&str> = groups.iter().chain(&made).map(|(name, _)| name.as_str()).collect();
        let column = |name: String, otherwise: Expr| {
            let place = names.iter().position(|known| *known == name);
            place.and_then(|place| known.get(place).cloned()).unwrap_or(otherwise).alias(name)
        };
        let nothing = || lit(ScalarValue::Int64(None));
        let mut columns = vec![column("t".to_owned(), lit(plan.bounds.min))];
        columns.extend((0..plan.group_by.len()).map(|index| column(format!("g{index}"), lit(ScalarValue::Utf8(None)))));
        for index in 0..values.len() {
            columns.push(column(format!("v{index}"), nothing()));
            columns.push(column(format!("w{index}"), nothing()));
        }
        let bins = if order.is_empty() { bins } else { bins.sort(order)? };
        bins.project(columns)?.build()
    }
}

/// The predicate that a row is within bounds; none when all are.
fn within(bounds: Bounds) -> Option<Expr> {
    let time = |nanoseconds: i64| lit(ScalarValue::TimestampNanosecond(Some(nanoseconds), Some("UTC".into())));
    let from = (bounds.min > super::window::MIN_TIME).then(|| ident(TIME_COLUMN).gt_eq(time(bounds.min)));
    let until = (bounds.max < super::window::MAX_TIME).then(|| ident(TIME_COLUMN).lt_eq(time(bounds.max)));
    match (from, until) {
        (Some(from), Some(until)) => Some(from.and(until)),
        (from, until) => from.or(until),
    }
}

/// Absent tags stand first, as the empty text does.
fn by(expr: Expr, ascending: bool) -> Sort {
    expr.sort(ascending, ascending)
}

/// An aggregate before it is known which rows it is of.
struct Aggregate {
    function: Expr,
    filter: Option<Expr>,
    order: Vec<Sort>,
    is_distinct: bool,
}

impl Aggregate {
    fn plain(function: Expr) -> Self {
        Self { function, filter: None, order: Vec::new(), is_distinct: false }
    }

    fn distinct(function: Expr) -> Self {
        Self { is_distinct: true, ..Self::plain(function) }
    }

    /// The first value in an order, of the rows that have a field.
    fn first(of: Expr, present: &str, order: Vec<Sort>) -> Self {
        let filter = Some(ident(present).is_not_null());
        Self { function: first_value(of, Vec::new()), filter, order, is_distinct: false }
    }

    fn build(self, within: Option<Expr>) -> Result<Expr> {
        let filter = match (self.filter, within) {
            (Some(filter), Some(within)) => Some(filter.and(within)),
            (filter, within) => filter.or(within),
        };
        // A builder forgets what the function had of these.
        let mut builder = self.function.order_by(self.order);
        if let Some(filter) = filter {
            builder = builder.filter(filter);
        }
        if self.is_distinct {
            builder = builder.distinct();
        }
        builder.build()
    }
}

/// What a function is in DataFusion, and when the point is that it selects.
fn computed(leaf: &Leaf, name: &Arc<str>, kind: Kind) -> Option<(Aggregate, Option<Aggregate>)> {
    let name = name.as_ref();
    let field = || ident(name);
    let time = || ident(TIME_COLUMN);
    let selected =
        |by: Vec<Sort>| (Aggregate::first(field(), name, by.clone()), Some(Aggregate::first(time(), name, by)));
    let number = kind.is_number();
    Some(match leaf {
        Leaf::Count => (Aggregate::plain(count(field())), None),
        Leaf::CountDistinct => (Aggregate::distinct(count(field())), None),
        Leaf::Sum if number => (Aggregate::plain(sum(field())), None),
        Leaf::Mean if number => (Aggregate::plain(avg(cast(field(), DataType::Float64))), None),
        Leaf::Min if number => {
            let order = vec![field().sort(true, false), time().sort(true, false)];
            (Aggregate::plain(min(field())), Some(Aggregate::first(time(), name, order)))
        }
        Leaf::Max if number => {
            let order = vec![field().sort(false, false), time().sort(true, false)];
            (Aggregate::plain(max(field())), Some(Aggregate::first(time(), name, order)))
        }
        Leaf::First if number => selected(vec![time().sort(true, false), field().sort(false, false)]),
        Leaf::Last if number => selected(vec![time().sort(false, false), field().sort(false, false)]),
        _ => return None,
    })
}

/// When the bin of a row begins, in nanoseconds.
fn bin(windows: Windows, bounds: Bounds) -> Expr {
    let start = move |arguments: &[ColumnarValue]| -> Result<ColumnarValue> {
        let Some(times) = arguments.first() else { return internal_err!("a bin needs a time") };
        let times = match times {
            ColumnarValue::Array(times) => Arc::clone(times),
            ColumnarValue::Scalar(time) => time.to_array()?,
        };
        let Some(times) = times.as_primitive_opt::<TimestampNanosecondType>() else {
            return internal_err!("a time is no time");
        };
        let mut last: Option<(i64, i64)> = None;
        let starts = times.values().iter().map(|time| match last {
            Some((start, end)) if start <= *time && *time < end => start,
            _ => {
                let bin = windows.of(*time, bounds);
                last = Some(bin);
                bin.0
            }
        });
        Ok(ColumnarValue::Array(Arc::new(Int64Array::from_iter_values(starts)) as ArrayRef))
    };
    let utc = DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, Some("UTC".into()));
    let function = create_udf("influxql_bin", vec![utc], DataType::Int64, Volatility::Immutable, Arc::new(start));
    function.call(vec![ident(TIME_COLUMN)])
}
