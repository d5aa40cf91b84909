//! InfluxQL over the store: what InfluxDB 1.8 answers, in series of rows.
//!
//! `SELECT` and `EXPLAIN` are `select`, `SHOW` is `show`; statements that change something are refused here, because they
//! belong to the one who holds the metadata. A measurement is a table, its field keys and tag keys are the columns.
//!
//! Permission, memory, wall time, rows and the list of running queries are those of SQL: a statement sees the databases of
//! its [`InfluxqlRequest`] and nothing else. Errors are InfluxDB's words where it has some.

mod run;
mod select;
mod show;
mod stream;

use std::sync::Arc;

use sensorium_model::{DatabaseKey, DatabaseName, DatabaseScope, OrgId};
use sensorium_protocols::influxql::Statement;
use sensorium_store::Store;

use crate::config::QueryConfig;
use crate::engine::Asker;
use crate::error::QueryError;
use crate::registry::Registry;
use crate::session::Sessions;

pub use stream::SeriesStream;

/// A value of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// Nanoseconds since the epoch.
    Time(i64),
    /// A float, never NaN.
    Float(f64),
    /// A signed integer.
    Integer(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// A truth value.
    Boolean(bool),
    /// A text.
    Text(Arc<str>),
}

/// Rows of one measurement that have the same tags.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The measurement, or what InfluxDB calls this part of an answer.
    pub name: Arc<str>,
    /// The tags that the rows are grouped by, by name; empty when they are not.
    pub tags: Vec<(Arc<str>, Arc<str>)>,
    /// The names of the columns; of a `SELECT`, the time comes first.
    pub columns: Arc<[Arc<str>]>,
    /// The rows, each with one value a column.
    pub rows: Vec<Vec<Cell>>,
    /// Whether more rows of the same series follow in the next item. Whoever answers without chunks joins them.
    pub is_partial: bool,
}

impl Series {
    /// A series of the same name, tags and columns.
    fn without_rows(&self) -> Self {
        let Self { name, tags, columns, .. } = self;
        Self {
            name: Arc::clone(name),
            tags: tags.clone(),
            columns: Arc::clone(columns),
            rows: Vec::new(),
            is_partial: false,
        }
    }
}

/// Rows of one item when the request does not say how many.
const ITEM_ROWS: usize = 10_000;

/// Who asks, and of what.
#[derive(Debug, Clone)]
pub struct InfluxqlRequest {
    /// The organisation whose databases exist for this statement.
    pub org: OrgId,
    /// The database of measurements that are named without one (`db`).
    pub database: Option<DatabaseName>,
    /// The databases that the caller may read.
    pub scope: DatabaseScope,
    /// Who asks.
    pub asker: Asker,
    /// What `now()` means, in nanoseconds since the epoch.
    pub now_ns: i64,
    /// The most rows of one item; 10,000 without it.
    pub chunk: Option<usize>,
}

/// What answering a statement needs.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) sessions: &'a Sessions,
    pub(crate) registry: &'a Registry,
    pub(crate) config: &'a QueryConfig,
    pub(crate) request: &'a InfluxqlRequest,
}

impl Context<'_> {
    pub(crate) fn store(&self) -> &Store {
        self.sessions.reading().store
    }

    /// The database that is named, or else that of the request; fails when there is none or the caller may not read it.
    pub(crate) fn database(&self, named: Option<&str>) -> Result<DatabaseKey, QueryError> {
        let name = match (named, &self.request.database) {
            (Some(named), _) => named,
            (None, Some(database)) => database.as_str(),
            (None, None) => return Err(meaning("database name required")),
        };
        let unknown = || meaning(format!("database not found: {name}"));
        let name = DatabaseName::new(name).map_err(|_| unknown())?;
        let is_visible = match &self.request.scope {
            DatabaseScope::All => true,
            DatabaseScope::One(only) => *only == name,
        };
        let key = DatabaseKey::new(self.request.org, name.clone());
        if !is_visible || self.store().schema(&key).is_none() {
            return Err(unknown());
        }
        Ok(key)
    }
}

/// An error in InfluxDB's words.
pub(crate) fn meaning(message: impl Into<String>) -> QueryError {
    QueryError::Meaning { message: message.into(), position: None }
}

/// Hands out the answer to a statement, item by item.
pub(crate) async fn answer(
    context: Context<'_>,
    statement: &Statement,
    running: &run::Running,
    rows: &mut run::Output<'_>,
) -> Result<(), QueryError> {
    match statement {
        Statement::Select(select) => select::answer(context, select, running, rows).await,
        Statement::Explain(explain) => select::explain(context, explain, running, rows).await,
        _ => {
            for series in show::answer(context, statement)? {
                rows.series(series).await?;
            }
            Ok(())
        }
    }
}
