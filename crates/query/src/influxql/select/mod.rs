//! `SELECT`: from a statement to the rows of its series.
//!
//! [`resolve`] gives names their meaning, from the schemas of the tables behind `FROM`; [`scan`] reads a table through
//! DataFusion, which leaves out rows and, where its functions mean the same, makes the bins; a single series, and what is
//! newest, are read without a plan ([`only`], [`newest`]); [`exec`] cuts what comes into series and hands out their rows,
//! which [`series`] makes. Rows of sub-queries go through the same ([`nested`]).
//!
//! Memory: one series is held at a time, of it what its functions need, and of sub-queries all rows; both are asked for from
//! the query's pool.

mod accumulate;
mod budget;
mod exec;
mod explain;
mod expressions;
mod fill;
mod filter;
mod integral;
mod limit;
mod nested;
mod newest;
mod only;
mod plan;
mod resolve;
mod rows;
mod scan;
mod series;
mod sources;
mod transform;
mod validate;
mod value;
mod window;

use std::sync::Arc;

use sensorium_model::DatabaseName;
use sensorium_protocols::influxql::{Select, Source as Written, Statement};

use super::run::{Items, Output, Running};
use super::{Cell, Context, Series};
use crate::error::QueryError;
use exec::{Executor, Target};
use plan::{Plan, Source};
use series::{OutputRow, SeriesKey};

pub(crate) use explain::explain;

/// Hands out the answer to a `SELECT`.
pub(crate) async fn answer(
    context: Context<'_>,
    select: &Select,
    running: &Running,
    output: &mut Output<'_>,
) -> Result<(), QueryError> {
    let plan = resolve::plan(context, select)?;
    let Some(mut executor) = executor(context, &plan, running)? else { return Ok(()) };
    let mut answer = Answer::new(&plan, output);
    executor.run(&plan, &mut answer).await?;
    answer.items.flush().await
}

/// What runs a plan; `None` when it reads no table.
fn executor<'a>(context: Context<'a>, plan: &Plan, running: &'a Running) -> Result<Option<Executor<'a>>, QueryError> {
    let Some(database) = database(plan) else { return Ok(None) };
    let Context { sessions, config, request, .. } = context;
    let mut session = sessions.open(request.org, database, (&request.scope, None), &running.pool)?;
    // DataFusion's rule that leaves out sort keys fails where it leaves out all; what it did not change is right as it is.
    session.state.config_mut().options_mut().optimizer.skip_failed_rules = true;
    let seed = request.now_ns.unsigned_abs();
    Ok(Some(Executor { sessions, config, running, session, seed }))
}

/// The database of the first table.
fn database(plan: &Plan) -> Option<&DatabaseName> {
    plan.sources.iter().find_map(|source| match source {
        Source::Table { key, .. } => Some(&key.name),
        Source::Query(inner) => database(inner),
    })
}

/// The first database that a statement names.
pub(crate) fn first_database(statement: &Statement) -> Option<DatabaseName> {
    let select = match statement {
        Statement::Select(select) => select,
        Statement::Explain(explain) => &explain.select,
        _ => return None,
    };
    named(select)
}

fn named(select: &Select) -> Option<DatabaseName> {
    select.sources.iter().find_map(|source| match source {
        Written::Measurement(measurement) => DatabaseName::new(measurement.database.as_deref()?).ok(),
        Written::SubQuery(inner) => named(inner),
    })
}

/// The rows of the answer on their way out.
struct Answer<'o, 'a> {
    items: Items<'o, 'a>,
    columns: Arc<[Arc<str>]>,
    tags: Vec<Arc<str>>,
    /// The series of the last row.
    last: Option<SeriesKey>,
}

impl<'o, 'a> Answer<'o, 'a> {
    fn new(plan: &Plan, output: &'o mut Output<'a>) -> Self {
        let names = plan.outputs.iter().map(|output| Arc::clone(&output.name));
        let columns = std::iter::once(Arc::clone(&plan.time_name)).chain(names).collect();
        Self { items: Items::new(output), columns, tags: plan.group_by.clone(), last: None }
    }
}

impl Target for Answer<'_, '_> {
    async fn row(&mut self, _plan: &Plan, key: &SeriesKey, (time, values): OutputRow) -> Result<bool, QueryError> {
        let is_same = self.last.as_ref() == Some(key);
        if !is_same {
            self.last = Some(key.clone());
        }
        let mut row = Vec::with_capacity(values.len() + 1);
        row.push(Cell::Time(time));
        row.extend(values);
        let (columns, tags) = (&self.columns, &self.tags);
        let opened = || Series {
            name: Arc::clone(&key.0),
            tags: tags.iter().cloned().zip(key.1.iter().cloned()).collect(),
            columns: Arc::clone(columns),
            rows: Vec::new(),
            is_partial: false,
        };
        self.items.row(row, |_| is_same, opened).await?;
        Ok(true)
    }
}
