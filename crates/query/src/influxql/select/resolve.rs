//! From a statement to its [`Plan`]: checks it, finds its sources, and gives names their meaning.

use std::collections::BTreeSet;
use std::sync::Arc;

use sensorium_protocols::influxql::conditions::time_range;
use sensorium_protocols::influxql::names::column_names;
use sensorium_protocols::influxql::{self as ast, Expr, Field, Select};

use super::super::{Cell, Context, meaning};
use super::expressions::Mapper;
use super::fill::too_many_bins;
use super::plan::{Fill, Output, Plan, Source};
use super::sources::{Names, tables};
use super::validate::{self, is_time};
use super::window::{Bounds, MAX_TIME, MIN_TIME, Windows};
use crate::error::QueryError;

/// What a sub-query takes from the query around it.
#[derive(Clone, Copy)]
struct Around {
    bounds: Bounds,
    windows: Windows,
    ascending: bool,
}

/// The plan of a statement.
pub(super) fn plan(context: Context<'_>, select: &Select) -> Result<Plan, QueryError> {
    let plan = resolve(context, select, None)?;
    let is_cut = plan.limit > 0 && plan.calls.iter().all(|call| call.transforms.is_empty());
    let Plan { windows, bounds, .. } = &plan;
    if !plan.is_raw() && !windows.is_one() && plan.fill != Fill::None && !is_cut && bounds.min > MIN_TIME {
        let (first, last) = (windows.start(bounds.min, *bounds), windows.start(bounds.max, *bounds));
        let bins = last.saturating_sub(first).saturating_add(windows.every) / windows.every;
        let bins = u64::try_from(bins).unwrap_or(0);
        if bins > context.config.max_rows {
            return Err(too_many_bins(bins, context.config.max_rows));
        }
    }
    Ok(plan)
}

fn resolve(context: Context<'_>, select: &Select, around: Option<Around>) -> Result<Plan, QueryError> {
    let now_ns = context.request.now_ns;
    let inherited = around.filter(|around| !around.windows.is_one());
    let (range, condition) = match &select.condition {
        Some(condition) => {
            let split = time_range(condition, now_ns, select.zone);
            split.map_err(|error| meaning(error.to_string()))?
        }
        None => Default::default(),
    };
    condition.as_ref().map_or(Ok(()), validate::condition)?;
    let checked = validate::check(select, now_ns, inherited.is_some())?;
    let windows = match (checked.interval, inherited) {
        (Some((every, offset)), _) => Windows { every, offset, zone: select.zone },
        (None, Some(around)) => around.windows,
        (None, None) => Windows { every: 0, offset: 0, zone: select.zone },
    };
    let max = range.max_ns.unwrap_or(if checked.interval.is_some() { now_ns } else { MAX_TIME });
    let mut bounds = Bounds { min: range.min_ns.unwrap_or(MIN_TIME).max(MIN_TIME), max: max.min(MAX_TIME) };
    let mut ascending = select.ascending.unwrap_or(true);
    if let Some(around) = around {
        if select.ascending.is_some_and(|ascending| ascending != around.ascending) {
            return Err(meaning("subqueries must be ordered in the same direction as the query itself"));
        }
        ascending = around.ascending;
        bounds = bounds.and(around.bounds);
    }
    let mut sources = sources(context, select, Around { bounds, windows, ascending })?;
    let names = Names::new(&sources);
    let group_by = names.tags(&select.dimensions)?;
    let fields = written(select);
    let time_name = select.fields.iter().rev().find(|field| is_time(&field.expr)).and_then(|field| field.alias.clone());
    let fields = names.fields(fields, &select.dimensions)?;
    let mut mapper = Mapper::new(&names, (!windows.is_one()).then_some(windows.every));
    let outputs = outputs(&mut mapper, with_extra(fields, select))?;
    let condition = condition.map(|condition| mapper.condition(&condition)).transpose()?;
    let Mapper { columns, calls, shown, .. } = mapper;
    let fill = match &select.fill {
        ast::Fill::Null if around.is_some() && !calls.is_empty() => Fill::None,
        ast::Fill::Null => Fill::Null,
        ast::Fill::None => Fill::None,
        ast::Fill::Previous => Fill::Previous,
        ast::Fill::Linear => Fill::Linear,
        ast::Fill::Float(number) => Fill::Number(Cell::Float(*number)),
        ast::Fill::Integer(number) => Fill::Number(Cell::Integer(*number)),
    };
    for source in &mut sources {
        if let Source::Query(inner) = source {
            group_further(inner, &group_by);
        }
    }
    Ok(Plan {
        sources,
        columns,
        calls,
        outputs,
        time_name: Arc::from(time_name.as_deref().unwrap_or("time")),
        condition,
        bounds,
        windows,
        group_by: group_by.into_iter().collect(),
        fill,
        ascending,
        limit: select.limit,
        offset: select.offset,
        series_limit: select.series_limit,
        series_offset: select.series_offset,
        shown_columns: shown,
    })
}

/// The columns of the answer, without `time`.
fn written(select: &Select) -> Vec<Field> {
    select.fields.iter().filter(|field| !is_time(&field.expr)).cloned().collect()
}

/// The columns with those that `top` and `bottom` show beside their own.
fn with_extra(fields: Vec<Field>, select: &Select) -> Vec<Field> {
    let mut all = Vec::new();
    for field in fields {
        let extra = match &field.expr {
            Expr::Call(call) if matches!(call.name.as_str(), "top" | "bottom") && select.target.is_none() => {
                let names = call.args.iter().skip(1).filter(|arg| matches!(arg, Expr::VarRef(_)));
                names.map(|arg| Field { expr: arg.clone(), alias: None }).collect()
            }
            _ => Vec::new(),
        };
        all.push(field);
        all.extend(extra);
    }
    all
}

fn outputs(mapper: &mut Mapper<'_>, fields: Vec<Field>) -> Result<Vec<Output>, QueryError> {
    let names = column_names(&fields);
    let named = fields.iter().zip(names);
    let output = |(field, name): (&Field, String)| {
        let (value, kind) = mapper.field(&field.expr)?;
        Ok(Output { name: Arc::from(name), value, kind })
    };
    named.map(output).collect()
}

/// The tables by name, in the order in which their series are told, and the sub-queries.
fn sources(context: Context<'_>, select: &Select, around: Around) -> Result<Vec<Source>, QueryError> {
    let (mut found, mut queries) = (Vec::new(), Vec::new());
    for source in &select.sources {
        match source {
            ast::Source::Measurement(measurement) => found.extend(tables(context, measurement)?),
            ast::Source::SubQuery(inner) => {
                queries.push(Source::Query(Box::new(resolve(context, inner, Some(around))?)));
            }
        }
    }
    let place = |source: &Source| match source {
        Source::Table { key, table, .. } => Some((table.clone(), key.name.as_str().to_owned())),
        Source::Query(_) => None,
    };
    found.sort_by_key(place);
    found.dedup_by_key(|source| place(source));
    if !around.ascending {
        found.reverse();
    }
    found.extend(queries);
    Ok(found)
}

/// Groups a sub-query by the tags of the query around as well.
fn group_further(plan: &mut Plan, tags: &BTreeSet<Arc<str>>) {
    let all: BTreeSet<Arc<str>> = plan.group_by.iter().chain(tags).map(Arc::clone).collect();
    for source in &mut plan.sources {
        if let Source::Query(inner) = source {
            group_further(inner, &all);
        }
    }
    plan.group_by = all.into_iter().collect();
}
