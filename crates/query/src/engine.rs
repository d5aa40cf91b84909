//! Runs statements: one task each, on threads of their own.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::sql::parser::Statement;
use futures::StreamExt;
use sensorium_model::{DatabaseName, DatabaseScope, OrgId, Subject};
use sensorium_store::Store;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::bounds::Stop;
use crate::config::QueryConfig;
use crate::direct;
use crate::error::QueryError;
use crate::managed;
use crate::pg_catalog::{self, Described, Postgres};
use crate::reduce::M4Exec;
use crate::registry::{Listed, QueryId, Registry, RunningQuery};
use crate::session::Sessions;
use crate::statement::{self, Managing};
use crate::stream::{CancelOnDrop, Opened, Part, QueryStream, Source};
use crate::telemetry::{self, Running};

/// Stack of a query thread. Planning recurses as deep as the deepest statement that is let through; untouched pages cost
/// nothing.
const STACK_BYTES: usize = 32 * 1024 * 1024;
/// Batches that wait for a reader before the query pauses.
const WAITING_BATCHES: usize = 2;

/// Who asks, for the list of running queries.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The caller.
    pub subject: Subject,
    /// Whether `SHOW QUERIES` and `KILL` are allowed, for the queries of the caller's organisation.
    pub manages_queries: bool,
    /// How callers are called in the answer to `SHOW QUERIES`; without a name, the kind of caller is told.
    pub names: HashMap<Subject, String>,
}

impl Asker {
    /// Sensorium itself.
    pub fn system() -> Self {
        Self { subject: Subject::System, manages_queries: true, names: HashMap::new() }
    }
}

/// One statement and who asks it.
#[derive(Debug, Clone)]
pub struct QueryRequest {
    /// The organisation whose databases exist for this query.
    pub org: OrgId,
    /// The database of tables that are named without one.
    pub database: DatabaseName,
    /// The databases that the caller may read.
    pub scope: DatabaseScope,
    /// Who asks.
    pub asker: Asker,
    /// The statement.
    pub sql: String,
    /// For a chart: how many pixels wide it is. Of each series and pixel, the answer then holds the rows with the first, last,
    /// smallest and largest values only.
    pub points: Option<NonZeroUsize>,
    /// Present when it comes over PostgreSQL's protocol: there is a catalog as PostgreSQL has it, and there may be parameters.
    pub postgres: Option<Postgres>,
}

/// Answers SQL over a store. Clones share their threads and limits.
#[derive(Clone)]
pub struct QueryEngine {
    pub(crate) shared: Arc<Shared>,
}

/// What all queries of an engine share.
pub(crate) struct Shared {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) config: QueryConfig,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) threads: Threads,
}

/// A runtime that may be dropped anywhere: it stops its tasks without waiting for them.
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    /// The runtime that queries run on.
    pub(crate) fn runtime(&self) -> Option<&Runtime> {
        self.0.as_ref()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for QueryEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryEngine").field("config", &self.shared.config).field("running", &self.running()).finish()
    }
}

impl QueryEngine {
    /// Starts the threads that queries run on.
    pub fn new(store: Store, config: QueryConfig) -> Result<Self, QueryError> {
        telemetry::describe();
        let runtime = Builder::new_multi_thread()
            .worker_threads(config.threads.max(1))
            .max_blocking_threads(config.threads.max(1) * 2)
            .thread_stack_size(STACK_BYTES)
            .thread_name("sensorium-query")
            .enable_time()
            .build()
            .map_err(QueryError::Threads)?;
        let sessions =
            Sessions::new(store, &config).map_err(|error| QueryError::from_datafusion(error, config.memory_bytes))?;
        let slots = Arc::new(Semaphore::new(config.concurrent));
        let threads = Threads(Some(runtime));
        let registry = Arc::default();
        Ok(Self { shared: Arc::new(Shared { sessions: Arc::new(sessions), config, slots, registry, threads }) })
    }

    /// The number of queries that hold a slot now.
    pub fn running(&self) -> usize {
        self.shared.config.concurrent.saturating_sub(self.shared.slots.available_permits())
    }

    /// The queries of an organisation that run now, oldest first.
    pub fn queries(&self, org: OrgId) -> Vec<RunningQuery> {
        self.shared.registry.list(org)
    }

    /// Ends a query of an organisation: its reader gets [`QueryError::Killed`]. False if no such query runs.
    pub fn kill(&self, org: OrgId, query: QueryId) -> bool {
        self.shared.registry.kill(org, query)
    }

    /// Plans a statement and starts it; the rows come from the stream. Needs a Tokio runtime with time enabled around it.
    pub async fn execute(&self, request: QueryRequest) -> Result<QueryStream, QueryError> {
        self.start(request).await.map_err(telemetry::failed)
    }

    /// Whether an organisation has a database of this name.
    pub fn has_database(&self, org: OrgId, database: &DatabaseName) -> bool {
        self.shared.sessions.has_database(org, database)
    }

    /// What a statement takes and gives, without running it. Needs a Tokio runtime with time enabled around it.
    pub async fn describe(&self, request: QueryRequest) -> Result<Described, QueryError> {
        let Shared { sessions, config, slots, registry, threads } = self.shared.as_ref();
        match Managing::read(&request.sql) {
            None => {}
            Some(Managing::Kill(_)) => {
                return Ok(Described { parameters: Vec::new(), columns: managed::columns_of_kill() });
            }
            Some(statement) => {
                let columns = managed::answer(registry, &request, statement)?.schema();
                return Ok(Described { parameters: Vec::new(), columns });
            }
        }
        let slot = Arc::clone(slots).try_acquire_owned().map_err(|_| QueryError::Busy { limit: config.concurrent })?;
        let Some(runtime) = &threads.0 else {
            return Err(QueryError::Internal { message: "the threads have stopped".into() });
        };
        let deadline = Instant::now() + config.timeout;
        let sessions = Arc::clone(sessions);
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(config.memory_bytes));
        let task = runtime.spawn(async move {
            let _slot = slot;
            describe(&sessions, &request, &pool).await
        });
        let stop = Stop::at(deadline.into_std());
        let _cancel = CancelOnDrop { task: task.abort_handle(), stop };
        let described = match timeout_at(deadline, task).await {
            Err(_) => Err(QueryError::Timeout { seconds: config.timeout.as_secs_f64() }),
            Ok(Err(_)) => Err(QueryError::Internal { message: "planning ended unexpectedly".into() }),
            Ok(Ok(described)) => described,
        };
        described.map_err(telemetry::failed)
    }

    async fn start(&self, request: QueryRequest) -> Result<QueryStream, QueryError> {
        let Shared { sessions, config, slots, registry, threads } = self.shared.as_ref();
        let deadline = Instant::now() + config.timeout;
        if let Some(statement) = Managing::read(&request.sql) {
            // It needs no slot: it is there for the moment when all are taken.
            let rows = managed::answer(registry, &request, statement)?;
            return Ok(QueryStream::ready(rows, deadline, config));
        }
        let slot = Arc::clone(slots).try_acquire_owned().map_err(|_| QueryError::Busy { limit: config.concurrent })?;
        let Some(runtime) = threads.runtime() else {
            return Err(QueryError::Internal { message: "the threads have stopped".into() });
        };
        let (opened, planned) = oneshot::channel();
        let (parts, received) = mpsc::channel(WAITING_BATCHES);
        let stop = Stop::at(deadline.into_std());
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(config.memory_bytes));
        let listed = registry.add(&request, Arc::clone(&pool), stop.clone());
        let entry = Arc::clone(&listed.entry);
        let job = Job {
            sessions: Arc::clone(sessions),
            request,
            pool,
            stop: stop.clone(),
            opened,
            parts,
            listed,
            _running: Running::start(),
            _slot: slot,
        };
        // The deadline holds on both sides: here, so that slots come free even when nobody reads the stream; in the
        // stream, so that its reader gets an error even while this task computes.
        let task = runtime.spawn(async move {
            let _ = timeout_at(deadline, job.run()).await;
        });
        entry.runs_as(task.abort_handle());
        let cancel = CancelOnDrop { task: task.abort_handle(), stop };
        let seconds = config.timeout.as_secs_f64();
        let opened: Opened = match timeout_at(deadline, planned).await {
            Err(_) => return Err(QueryError::Timeout { seconds }),
            Ok(Err(_) | Ok(Err(_))) if entry.is_killed() => return Err(QueryError::Killed),
            Ok(Err(_)) if Instant::now() >= deadline => return Err(QueryError::Timeout { seconds }),
            Ok(Err(_)) => return Err(QueryError::Internal { message: "planning ended unexpectedly".into() }),
            Ok(Ok(Err(_))) if Instant::now() >= deadline => return Err(QueryError::Timeout { seconds }),
            Ok(Ok(opened)) => opened?,
        };
        Ok(QueryStream::new(opened.schema, received, deadline, config, Some(Source { cancel, entry })))
    }
}

/// A query from its text to its last row.
struct Job {
    sessions: Arc<Sessions>,
    request: QueryRequest,
    pool: Arc<dyn MemoryPool>,
    stop: Stop,
    opened: oneshot::Sender<Result<Opened, QueryError>>,
    parts: mpsc::Sender<Part>,
    listed: Listed,
    _running: Running,
    _slot: OwnedSemaphorePermit,
}

impl Job {
    async fn run(self) {
        // The plan is held until the end: it keeps the files readable and counts memory.
        let (mut rows, _plan) = match plan(&self.sessions, &self.request, &self.pool, &self.stop).await {
            Ok(planned) => planned,
            Err(error) => {
                let _ = self.opened.send(Err(error));
                return;
            }
        };
        if self.opened.send(Ok(Opened { schema: rows.schema() })).is_err() {
            return;
        }
        while let Some(batch) = rows.next().await {
            let part = match batch {
                Ok(batch) => {
                    self.listed.entry.count(&batch);
                    Part::Rows(batch)
                }
                Err(error) => Part::Failed(self.sessions.error(error)),
            };
            let last = matches!(part, Part::Failed(_));
            if self.parts.send(part).await.is_err() || last {
                return;
            }
        }
        let _ = self.parts.send(Part::End).await;
    }
}

/// The statement of a request, in words that the planner knows.
fn read(request: &QueryRequest) -> Result<Statement, QueryError> {
    let mut statement = statement::parse(&request.sql)?;
    if let Some(postgres) = &request.postgres {
        pg_catalog::rewrite(&mut statement, postgres)?;
    }
    Ok(statement)
}

/// What a statement takes and gives, without running it.
async fn describe(
    sessions: &Sessions,
    request: &QueryRequest,
    pool: &Arc<dyn MemoryPool>,
) -> Result<Described, QueryError> {
    let statement = read(request)?;
    let who = (&request.scope, request.postgres.as_ref());
    let session = sessions.open(request.org, &request.database, who, pool)?;
    session.check_names(&statement)?;
    let logical = session.state.statement_to_plan(statement).await;
    logical.and_then(|logical| Described::of(&logical)).map_err(|error| sessions.error(error))
}

/// The rows to come, and the plan behind them where there is one.
type Planned = (SendableRecordBatchStream, Option<Arc<dyn ExecutionPlan>>);

async fn plan(
    sessions: &Sessions,
    request: &QueryRequest,
    pool: &Arc<dyn MemoryPool>,
    stop: &Stop,
) -> Result<Planned, QueryError> {
    let statement = read(request)?;
    let answer = direct::answer(sessions.reading(), request, &statement).await;
    if let Some(answer) = answer.map_err(|error| sessions.error(error))? {
        let schema = answer.schema();
        let rows = RecordBatchStreamAdapter::new(schema, futures::stream::once(std::future::ready(Ok(answer))));
        return Ok((Box::pin(rows), None));
    }
    let who = (&request.scope, request.postgres.as_ref());
    let mut session = sessions.open(request.org, &request.database, who, pool)?;
    session.check_names(&statement)?;
    let run = async {
        let logical = session.state.statement_to_plan(statement).await?;
        let mut physical = session.plan(&logical).await?;
        if let Some(points) = request.points {
            physical = Arc::new(M4Exec::new(physical, points.get())?);
        }
        let physical = stop.guard(physical)?;
        let rows = execute_stream(Arc::clone(&physical), session.task_context())?;
        Ok((rows, Some(physical)))
    };
    run.await.map_err(|error: DataFusionError| sessions.error(error))
}
