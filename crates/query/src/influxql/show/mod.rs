//! `SHOW`: what there is, in InfluxDB 1.8's shapes and order.
//!
//! Answers come from schemas and from the newest values of series, both of which are in memory; no row is read. A series is
//! shown while it has values. What a condition says of time is compared with a series' newest value: a series is shown that has
//! one at or after the earliest moment that is asked for.
//!
//! Invariant: only databases of the request's organisation and scope exist here.

mod cardinality;
mod condition;
mod known;
mod lists;
mod server;

use std::sync::Arc;

use regex::Regex;
use sensorium_model::{DatabaseKey, DatabaseSchema, Name, TableSchema};
use sensorium_protocols::influxql::shows::ShowSchema;
use sensorium_protocols::influxql::{Measurement, MeasurementName, Statement};

use super::{Cell, Context, ITEM_ROWS, Series, meaning};
use crate::error::QueryError;

/// The answer to a `SHOW`; series of many rows come in parts.
pub(crate) fn answer(context: Context<'_>, statement: &Statement) -> Result<Vec<Series>, QueryError> {
    let series = match statement {
        Statement::ShowDatabases => server::databases(context),
        Statement::ShowMeasurements(of) => lists::measurements(context, of)?,
        Statement::ShowSeries(of) => lists::series(context, of)?,
        Statement::ShowTagKeys(of) => lists::tag_keys(context, of)?,
        Statement::ShowTagValues(of) => lists::tag_values(context, of)?,
        Statement::ShowFieldKeys(of) => lists::field_keys(context, of)?,
        Statement::ShowCardinality(of) => cardinality::answer(context, of)?,
        Statement::ShowRetentionPolicies { database } => {
            server::retention_policies(context, &context.database(database.as_deref())?)
        }
        Statement::ShowQueries => server::queries(context),
        Statement::ShowShards => server::shards(context),
        Statement::ShowShardGroups => server::shard_groups(),
        // There are none, and InfluxDB answers with nothing then.
        Statement::ShowSubscriptions | Statement::ShowStats { .. } | Statement::ShowDiagnostics { .. } => Vec::new(),
        other => return Err(meaning(format!("{other} is not a query"))),
    };
    let chunk = context.request.chunk.unwrap_or(ITEM_ROWS).max(1);
    Ok(series.into_iter().flat_map(|series| parts(series, chunk)).collect())
}

/// A series in parts of at most so many rows.
fn parts(mut series: Series, chunk: usize) -> Vec<Series> {
    if series.rows.len() <= chunk {
        return vec![series];
    }
    let mut rows = std::mem::take(&mut series.rows).into_iter();
    let mut parts = Vec::with_capacity(rows.len().div_ceil(chunk));
    while rows.len() > 0 {
        let part: Vec<Vec<Cell>> = rows.by_ref().take(chunk).collect();
        parts.push(Series { rows: part, is_partial: rows.len() > 0, ..series.without_rows() });
    }
    parts
}

/// A series without tags.
fn table(name: &str, columns: &[&str], rows: Vec<Vec<Cell>>) -> Series {
    Series {
        name: name.into(),
        tags: Vec::new(),
        columns: columns.iter().map(|column| Arc::from(*column)).collect(),
        rows,
        is_partial: false,
    }
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

/// What `LIMIT` and `OFFSET` leave of rows; a limit of 0 is none.
fn limited<T>(rows: impl Iterator<Item = T>, limit: usize, offset: usize) -> Vec<T> {
    rows.skip(offset).take(if limit == 0 { usize::MAX } else { limit }).collect()
}

/// Which measurements a `FROM` names; all of them without one.
struct Sources<'a> {
    names: Vec<&'a str>,
    patterns: Vec<Regex>,
    are_all: bool,
}

impl<'a> Sources<'a> {
    fn new(sources: impl IntoIterator<Item = &'a Measurement>) -> Result<Self, QueryError> {
        let mut all = Self { names: Vec::new(), patterns: Vec::new(), are_all: true };
        for source in sources {
            all.are_all = false;
            match &source.name {
                MeasurementName::Name(name) => all.names.push(name),
                MeasurementName::Regex(pattern) => all.patterns.push(compiled(pattern)?),
                MeasurementName::Same => {}
            }
        }
        Ok(all)
    }

    fn have(&self, name: &str) -> bool {
        self.are_all || self.names.contains(&name) || self.patterns.iter().any(|pattern| pattern.is_match(name))
    }
}

fn compiled(pattern: &str) -> Result<Regex, QueryError> {
    Regex::new(pattern).map_err(|_| meaning(format!("error parsing regexp: `{pattern}`")))
}

/// The database of a statement: that behind `ON`, else that of its first measurement, else that of the request.
fn database_of(context: Context<'_>, on: Option<&str>, sources: &[Measurement]) -> Result<DatabaseKey, QueryError> {
    let of_source = sources.iter().find_map(|source| source.database.as_deref());
    context.database(on.or(of_source))
}

/// The measurements that a statement is about, by name.
fn tables<'s>(schema: &'s DatabaseSchema, sources: &Sources<'_>) -> Vec<(&'s Name, &'s Arc<TableSchema>)> {
    schema.tables.iter().filter(|(name, _)| sources.have(name)).collect()
}

/// The schema of a database, which may have gone meanwhile.
fn schema_of(context: Context<'_>, key: &DatabaseKey) -> Arc<DatabaseSchema> {
    context.store().schema(key).unwrap_or_default()
}

/// The database and the measurements of a statement.
fn opened<'a>(context: Context<'_>, of: &'a ShowSchema) -> Result<(DatabaseKey, Sources<'a>), QueryError> {
    Ok((database_of(context, of.database.as_deref(), &of.sources)?, Sources::new(&of.sources)?))
}
