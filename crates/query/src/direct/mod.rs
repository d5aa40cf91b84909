//! Answers without a plan: what is it now, and one series in bins of time.
//!
//! "This sensor's hour, by minute" and "the newest value of each" are what pages ask most, and their rows are few: to plan such
//! a question takes DataFusion longer than to answer it. So [`newest`] and [`question`] recognise them in the parsed
//! statement. Newest values are in memory; [`rows`] reads a series, of which [`recent`] keeps what was read last, and
//! [`aggregate`] goes over it once. Whatever is not recognised to the last clause, matches more than one series or needs many
//! rows is planned as always, and so is what would be an error, so that there is one place that words errors.
//!
//! Invariant: the answer is what DataFusion answers, names and types of the columns included.

mod aggregate;
mod literal;
mod newest;
mod question;
mod recent;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Field;
use datafusion::common::Result;
use datafusion::sql::parser::Statement;
use sensorium_model::names::TIME_COLUMN;
use sensorium_model::{ColumnKind, DatabaseKey, DatabaseName, DatabaseScope, Name, TableSchema};
use sensorium_store::{Store, TableSnapshot, arrow_schema};

use self::aggregate::{Aggregate, answer_of};
use self::newest::Newest;
use self::question::{Output, Question};
pub(crate) use self::recent::RecentRows;
use self::rows::SeriesRows;
use crate::engine::QueryRequest;
use crate::table::{FileReading, KnownSeries, TimeRange};
use crate::telemetry;

/// What reading needs.
pub(crate) struct Reading<'a> {
    pub(crate) store: &'a Store,
    pub(crate) files: &'a FileReading,
    pub(crate) series: &'a KnownSeries,
    pub(crate) recent: &'a RecentRows,
}

/// The answer to a statement, if it is of this kind.
pub(crate) async fn answer(
    reading: Reading<'_>,
    request: &QueryRequest,
    statement: &Statement,
) -> Result<Option<RecordBatch>> {
    if request.points.is_some() {
        return Ok(None);
    }
    let answer = match Newest::read(statement) {
        Some(newest) => newest.answer(&reading, request)?,
        None => in_bins(&reading, request, statement).await?,
    };
    if answer.is_some() {
        telemetry::answered_directly();
    }
    Ok(answer)
}

/// The answer to a question about one series in bins of time.
async fn in_bins(reading: &Reading<'_>, request: &QueryRequest, statement: &Statement) -> Result<Option<RecordBatch>> {
    let now_ns = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
    let Some(question) = Question::read(statement, now_ns) else { return Ok(None) };
    let Some(key) = database(question.database.as_deref(), request) else { return Ok(None) };
    let Some(schema) = reading.store.schema(&key) else { return Ok(None) };
    let Some((table, schema)) = schema.tables.get_key_value(question.table.as_str()) else { return Ok(None) };
    let Some(columns) = columns(&question, schema) else { return Ok(None) };
    // Before the series are looked at: those of its rows are all known.
    let Some(snapshot) = reading.store.snapshot(&key, table) else { return Ok(None) };
    let fields: Vec<&str> = columns.iter().filter_map(|column| column.1.field.as_deref()).collect();
    let wanted = (question.tags.as_slice(), question.times);
    let Some(series) = only_series(reading, (&key, table, schema), &snapshot, wanted, fields).await? else {
        return Ok(None);
    };
    answer_of(&question, &columns, &series.rows)
}

/// The rows of one series.
pub(crate) struct OnlySeries {
    /// Its tags by name, those that it lacks included.
    pub(crate) tags: Vec<(String, Option<String>)>,
    /// The time and the wanted fields by name, in order of time, each time once.
    pub(crate) rows: RecordBatch,
}

/// The rows between two times of the only series that has these tags; `None` unless there is exactly one, and its rows can be
/// had by reading little. The snapshot was taken before.
pub(crate) async fn only_series(
    reading: &Reading<'_>,
    (key, table, schema): (&DatabaseKey, &Name, &TableSchema),
    snapshot: &TableSnapshot,
    (tags, times): (&[(String, String)], TimeRange),
    mut fields: Vec<&str>,
) -> Result<Option<OnlySeries>> {
    let all = arrow_schema(schema);
    let columns = Arc::new(all.project(&(1..=schema.tags().count()).collect::<Vec<_>>())?);
    let Some(series) = reading.series.only(reading.store, (key, table), &columns, tags)? else { return Ok(None) };
    fields.sort_unstable();
    fields.dedup();
    let indices: Vec<usize> =
        std::iter::once(TIME_COLUMN).chain(fields).map(|name| all.index_of(name)).collect::<Result<_, _>>()?;
    let fields = Arc::new(all.project(&indices)?);
    let all_tags = series.prefix.clone();
    let wanted = SeriesRows::new((tags, times), series, all, fields);
    let rows = wanted.read(reading.files, reading.recent, snapshot).await?;
    Ok(rows.map(|rows| OnlySeries { tags: all_tags, rows }))
}

/// The database that is named, or else that of the request, if the caller may read it.
fn database(named: Option<&str>, request: &QueryRequest) -> Option<DatabaseKey> {
    let database = match named {
        None => request.database.clone(),
        Some(name) => DatabaseName::new(name).ok()?,
    };
    let is_visible = match &request.scope {
        DatabaseScope::All => true,
        DatabaseScope::One(only) => *only == database,
    };
    is_visible.then(|| DatabaseKey::new(request.org, database))
}

/// A column of the answer and what is in it; the time without a function.
type Column = (Field, Aggregate);

/// The columns of the answer, if the table has what is asked for and it is of a type that is understood here.
fn columns(question: &Question, schema: &TableSchema) -> Option<Vec<Column>> {
    let is_tag = |name: &String| schema.kind(name) == Some(ColumnKind::Tag);
    // A name in GROUP BY is a column's before it is an alias.
    let is_column = |name: &str| name == TIME_COLUMN || schema.kind(name).is_some();
    if !question.tags.iter().all(|(name, _)| is_tag(name)) || is_column(&question.bin_name) {
        return None;
    }
    let column = |output: &Output| {
        let Output::Aggregate { function, field, name } = output else {
            let time = arrow_schema(schema).field(0).data_type().clone();
            return Some((Field::new(&question.bin_name, time, true), Aggregate::bin()));
        };
        let kind = match field.as_deref() {
            None | Some(TIME_COLUMN) => None,
            Some(field) => match schema.kind(field)? {
                ColumnKind::Field(kind) => Some(kind),
                ColumnKind::Tag => return None,
            },
        };
        let aggregate = Aggregate::of(function, field.clone(), kind)?;
        let data_type = aggregate.data_type();
        Some((Field::new(name, data_type, !aggregate.is_count()), aggregate))
    };
    question.outputs.iter().map(column).collect()
}
