//! Runs a statement of InfluxQL as SQL is run: in a slot, on a thread of queries, in the list of those that run, until its
//! deadline.

use std::sync::Arc;

use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use sensorium_model::DatabaseName;
use sensorium_protocols::influxql::Statement;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout_at};

use super::stream::{Part, SeriesStream};
use super::{Cell, Context, ITEM_ROWS, InfluxqlRequest, Series};
use crate::bounds::Stop;
use crate::config::QueryConfig;
use crate::engine::{QueryEngine, QueryRequest};
use crate::error::QueryError;
use crate::registry::{Listed, Registry};
use crate::session::Sessions;
use crate::stream::{CancelOnDrop, Source};
use crate::telemetry;

/// Items that wait for a reader before the statement pauses.
const WAITING_ITEMS: usize = 2;

/// What a statement holds while it runs.
#[derive(Debug)]
pub(crate) struct Running {
    /// Its memory.
    pub(crate) pool: Arc<dyn MemoryPool>,
    /// Whether it is still wanted.
    pub(crate) stop: Stop,
}

impl QueryEngine {
    /// Starts a statement; its series come from the stream. Needs a Tokio runtime with time enabled around it.
    ///
    /// The first item is waited for, so that most errors come from here.
    pub async fn influxql(&self, request: InfluxqlRequest, statement: &Statement) -> Result<SeriesStream, QueryError> {
        let started = self.start_influxql(request, statement).map_err(telemetry::failed)?;
        started.opened().await
    }

    fn start_influxql(&self, request: InfluxqlRequest, statement: &Statement) -> Result<SeriesStream, QueryError> {
        let shared = &self.shared;
        let config = &shared.config;
        let deadline = Instant::now() + config.timeout;
        let slot = Arc::clone(&shared.slots).try_acquire_owned();
        let slot = slot.map_err(|_| QueryError::Busy { limit: config.concurrent })?;
        let Some(runtime) = shared.threads.runtime() else {
            return Err(QueryError::Internal { message: "the threads have stopped".into() });
        };
        let stop = Stop::at(deadline.into_std());
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(config.memory_bytes));
        let listed =
            listing(&request, statement).map(|listing| shared.registry.add(&listing, Arc::clone(&pool), stop.clone()));
        let entry = listed.as_ref().map(|listed| Arc::clone(&listed.entry));
        let (parts, received) = mpsc::channel(WAITING_ITEMS);
        let job = Job {
            sessions: Arc::clone(&shared.sessions),
            registry: Arc::clone(&shared.registry),
            config: config.clone(),
            request,
            statement: statement.clone(),
            running: Running { pool, stop: stop.clone() },
            parts,
            listed,
            _measured: telemetry::Running::start(),
            _slot: slot,
        };
        let task = runtime.spawn(async move {
            let _ = timeout_at(deadline, job.run()).await;
        });
        if let Some(entry) = &entry {
            entry.runs_as(task.abort_handle());
        }
        let cancel = CancelOnDrop { task: task.abort_handle(), stop };
        let source = match entry {
            Some(entry) => (Some(Source { cancel, entry }), None),
            None => (None, Some(cancel)),
        };
        Ok(SeriesStream::new(received, deadline, config, source))
    }
}

/// How a statement is listed among those that run; one without a database reads nothing that takes time.
fn listing(request: &InfluxqlRequest, statement: &Statement) -> Option<QueryRequest> {
    let database: DatabaseName = request.database.clone().or_else(|| super::select::first_database(statement))?;
    Some(QueryRequest {
        org: request.org,
        database,
        scope: request.scope.clone(),
        asker: request.asker.clone(),
        sql: statement.to_string(),
        points: None,
        postgres: None,
    })
}

/// A statement from its syntax to its last row.
struct Job {
    sessions: Arc<Sessions>,
    registry: Arc<Registry>,
    config: QueryConfig,
    request: InfluxqlRequest,
    statement: Statement,
    running: Running,
    parts: mpsc::Sender<Part>,
    listed: Option<Listed>,
    _measured: telemetry::Running,
    _slot: OwnedSemaphorePermit,
}

impl Job {
    async fn run(self) {
        let Self { sessions, registry, config, request, statement, running, parts, listed, .. } = &self;
        let context = Context { sessions, registry, config, request };
        let chunk = request.chunk.unwrap_or(ITEM_ROWS).max(1);
        let mut output = Output { parts, listed: listed.as_ref(), chunk, max_rows: config.max_rows, rows: 0 };
        let ended = super::answer(context, statement, running, &mut output).await;
        let last = match ended {
            Ok(()) => Part::End,
            Err(error) => Part::Failed(error),
        };
        let _ = parts.send(last).await;
    }
}

/// Where the series of an answer go.
pub(crate) struct Output<'a> {
    parts: &'a mpsc::Sender<Part>,
    listed: Option<&'a Listed>,
    chunk: usize,
    max_rows: u64,
    rows: u64,
}

impl Output<'_> {
    /// The most rows of one item.
    pub(crate) fn chunk(&self) -> usize {
        self.chunk
    }

    /// Hands out a series, or a part of one; fails when the answer has too many rows or nobody reads it.
    pub(crate) async fn series(&mut self, series: Series) -> Result<(), QueryError> {
        let rows = u64::try_from(series.rows.len()).unwrap_or(u64::MAX);
        self.rows = self.rows.saturating_add(rows);
        if self.rows > self.max_rows {
            return Err(QueryError::Rows { limit: self.max_rows });
        }
        if let Some(listed) = self.listed {
            let bytes = series.rows.iter().map(|row| size_of_val(row.as_slice())).sum::<usize>();
            listed.entry.count_rows(series.rows.len(), bytes);
        }
        let unread = |_| QueryError::Internal { message: "nobody reads the answer".into() };
        self.parts.send(Part::Series(series)).await.map_err(unread)
    }
}

/// Rows of a series on their way into items.
pub(crate) struct Items<'o, 'a> {
    output: &'o mut Output<'a>,
    series: Option<Series>,
}

impl<'o, 'a> Items<'o, 'a> {
    pub(crate) fn new(output: &'o mut Output<'a>) -> Self {
        Self { output, series: None }
    }

    /// Takes the next row; `is_same` tells whether it belongs to the series before it, `opened` makes the one that it begins.
    pub(crate) async fn row(
        &mut self,
        row: Vec<Cell>,
        is_same: impl Fn(&Series) -> bool,
        opened: impl FnOnce() -> Series,
    ) -> Result<(), QueryError> {
        match self.series.as_mut().filter(|series| is_same(series)) {
            Some(series) if series.rows.len() < self.output.chunk() => series.rows.push(row),
            Some(series) => {
                let next = Series { rows: vec![row], ..Series::without_rows(series) };
                let mut full = std::mem::replace(series, next);
                full.is_partial = true;
                self.output.series(full).await?;
            }
            None => {
                self.flush().await?;
                let mut series = opened();
                series.rows.push(row);
                self.series = Some(series);
            }
        }
        Ok(())
    }

    /// Hands out what is left.
    pub(crate) async fn flush(&mut self) -> Result<(), QueryError> {
        match self.series.take() {
            Some(series) => self.output.series(series).await,
            None => Ok(()),
        }
    }
}
