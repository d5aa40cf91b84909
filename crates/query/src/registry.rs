//! The queries that run now: who asked, what they have used so far, and a way to end each.
//!
//! A query is listed from before it is planned until its work has ended. Every look-up names an organisation, so that the
//! queries of another one do not exist.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use arrow::array::RecordBatch;
use datafusion::execution::memory_pool::MemoryPool;
use parking_lot::Mutex;
use sensorium_model::{DatabaseName, OrgId, Subject};
use tokio::task::AbortHandle;
use uuid::Uuid;

use crate::bounds::Stop;
use crate::engine::QueryRequest;

/// Characters of a statement that are kept for listing.
const LISTED_CHARACTERS: usize = 1_000;

/// Names a running query; unique across restarts and processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(Uuid);

impl QueryId {
    /// The id behind a UUID.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    pub fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for QueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for QueryId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

/// A query that runs.
#[derive(Debug, Clone)]
pub struct RunningQuery {
    /// Names it to [`crate::QueryEngine::kill`].
    pub id: QueryId,
    /// Who asked.
    pub subject: Subject,
    /// The database of tables that are named without one.
    pub database: DatabaseName,
    /// The statement, or its first 1,000 characters.
    pub sql: String,
    /// When it came, nanoseconds since the epoch.
    pub started_ns: i64,
    /// Milliseconds since then.
    pub elapsed_ms: f64,
    /// Rows of the answer so far.
    pub rows: u64,
    /// Their size in memory so far, in bytes.
    pub bytes: u64,
    /// Working memory that it holds now, in bytes.
    pub memory_bytes: usize,
}

/// The queries of all organisations, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    running: Mutex<BTreeMap<QueryId, Arc<Entry>>>,
}

impl Registry {
    /// Lists a query until the guard is dropped.
    pub(crate) fn add(self: &Arc<Self>, request: &QueryRequest, pool: Arc<dyn MemoryPool>, stop: Stop) -> Listed {
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let entry = Arc::new(Entry {
            id: QueryId(Uuid::now_v7()),
            org: request.org,
            subject: request.asker.subject,
            database: request.database.clone(),
            sql: listed(&request.sql),
            started_ns: i64::try_from(started.as_nanos()).unwrap_or(i64::MAX),
            since: Instant::now(),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            pool,
            ending: Ending { stop, task: OnceLock::new(), killed: AtomicBool::new(false) },
        });
        self.running.lock().insert(entry.id, Arc::clone(&entry));
        Listed { registry: Arc::clone(self), entry }
    }

    /// The queries of an organisation, oldest first.
    pub(crate) fn list(&self, org: OrgId) -> Vec<RunningQuery> {
        self.running.lock().values().filter(|entry| entry.org == org).map(|entry| entry.now()).collect()
    }

    /// Ends a query of an organisation; false if there is none of that id.
    pub(crate) fn kill(&self, org: OrgId, id: QueryId) -> bool {
        let entry = self.running.lock().get(&id).filter(|entry| entry.org == org).cloned();
        entry.is_some_and(|entry| {
            entry.ending.kill();
            true
        })
    }
}

/// A query in the list.
#[derive(Debug)]
pub(crate) struct Entry {
    id: QueryId,
    org: OrgId,
    subject: Subject,
    database: DatabaseName,
    sql: String,
    started_ns: i64,
    since: Instant,
    rows: AtomicU64,
    bytes: AtomicU64,
    pool: Arc<dyn MemoryPool>,
    ending: Ending,
}

impl Entry {
    /// Counts rows of the answer.
    pub(crate) fn count(&self, batch: &RecordBatch) {
        self.count_rows(batch.num_rows(), batch.get_array_memory_size());
    }

    /// Counts rows of the answer and their bytes.
    pub(crate) fn count_rows(&self, rows: usize, bytes: usize) {
        let add = |counter: &AtomicU64, count: usize| {
            counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        };
        add(&self.rows, rows);
        add(&self.bytes, bytes);
    }

    /// Says which task runs the query.
    pub(crate) fn runs_as(&self, task: AbortHandle) {
        self.ending.runs_as(task);
    }

    /// Whether an administrator ended it.
    pub(crate) fn is_killed(&self) -> bool {
        self.ending.killed.load(Ordering::SeqCst)
    }

    fn now(&self) -> RunningQuery {
        RunningQuery {
            id: self.id,
            subject: self.subject,
            database: self.database.clone(),
            sql: self.sql.clone(),
            started_ns: self.started_ns,
            elapsed_ms: self.since.elapsed().as_secs_f64() * 1e3,
            rows: self.rows.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            memory_bytes: self.pool.reserved(),
        }
    }
}

/// How a query is ended.
#[derive(Debug)]
struct Ending {
    stop: Stop,
    task: OnceLock<AbortHandle>,
    killed: AtomicBool,
}

impl Ending {
    fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
        self.stop.now();
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    fn runs_as(&self, task: AbortHandle) {
        let task = self.task.get_or_init(|| task);
        // It may have been killed before it was known how.
        if self.killed.load(Ordering::SeqCst) {
            task.abort();
        }
    }
}

/// Keeps a query in the list.
#[derive(Debug)]
pub(crate) struct Listed {
    registry: Arc<Registry>,
    pub(crate) entry: Arc<Entry>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.registry.running.lock().remove(&self.entry.id);
    }
}

/// A statement, cut where it is long.
fn listed(sql: &str) -> String {
    let sql = sql.trim();
    match sql.char_indices().nth(LISTED_CHARACTERS) {
        Some((end, _)) => format!("{}…", sql.get(..end).unwrap_or_default()),
        None => sql.to_owned(),
    }
}
