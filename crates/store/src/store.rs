//! The store's public face.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parking_lot::Mutex;
use sensorium_model::{Batch, DatabaseKey, DatabaseName, DatabaseSchema, Name, OrgId};
use tokio::sync::oneshot;

use crate::catalog::{MAX_DATABASES, Writer};
use crate::commit::queue::{Content, Pending};
use crate::commit::write::write;
use crate::config::StoreConfig;
use crate::deletion::Deletion;
use crate::error::{OpenError, WriteError};
use crate::flush::delete::Delete;
use crate::folder::FolderLock;
use crate::open::{Opened, open};
use crate::report::{LastRow, RecoveryReport, RollupInfo, StoreStats, TableSnapshot, WriteReport};
use crate::requests::{Asker, Done};
use crate::retention;
use crate::rollup::declare;
use crate::rollup::definition::Rollup;
use crate::rollup::error::RollupError;
use crate::shared::Shared;
use crate::telemetry;
use crate::wal::codec::encode_database;
use crate::wal::file::{LocalFolder, LogFolder};

/// A durable store of readings; clones share it.
///
/// When the last clone is dropped, the threads end and the folder is free for another process; rows in memory stay in the
/// log, from where the next start reads them. [`Store::shutdown`] also writes them to files.
#[derive(Clone)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    threads: Arc<Threads>,
}

impl Store {
    /// Opens the folder, recovers what the log holds and locks the folder against other processes.
    ///
    /// Blocks for as long as the log takes to read.
    pub fn open(config: StoreConfig) -> Result<(Self, RecoveryReport), OpenError> {
        Self::open_with(config, Arc::new(LocalFolder))
    }

    pub(crate) fn open_with(
        config: StoreConfig,
        files: Arc<dyn LogFolder>,
    ) -> Result<(Self, RecoveryReport), OpenError> {
        telemetry::describe_metrics();
        let Opened { shared, committer, flusher, compactor, roller, lock, report } = open(config, files)?;
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
            thread.map_err(|source| OpenError::io("start a thread for", &shared.layout.root, source))
        };
        let mut threads = Running { committer: None, flusher: None, compactor: None, roller: None, _lock: lock };
        threads.committer = Some(spawn("store-commit", Box::new(move || committer.run()))?);
        threads.flusher = Some(spawn("store-flush", Box::new(move || flusher.run()))?);
        threads.compactor = Some(spawn("store-compact", Box::new(move || compactor.run()))?);
        threads.roller = Some(spawn("store-rollup", Box::new(move || roller.run()))?);
        let threads = Arc::new(Threads { shared: Arc::clone(&shared), running: Mutex::new(Some(threads)) });
        Ok((Self { shared, threads }, report))
    }

    /// Creates a database; true if it is new. Durable when it returns, which takes one sync of the disk.
    pub fn create_database(&self, key: &DatabaseKey) -> Result<bool, WriteError> {
        if self.shared.catalog.get(key).is_some() {
            return Ok(false);
        }
        let _one_at_a_time = self.shared.creating.lock();
        if self.shared.catalog.get(key).is_some() {
            return Ok(false);
        }
        self.shared.check_open()?;
        if self.shared.catalog.len() >= MAX_DATABASES {
            return Err(WriteError::TooManyDatabases { limit: MAX_DATABASES });
        }
        let mut body = Vec::new();
        encode_database(key, &mut body);
        let body_crc = crc32c::crc32c(&body);
        let (answer, answered) = sync_channel(1);
        self.shared.queue.push(Pending { body, body_crc, content: Content::Create { key: key.clone(), answer } })?;
        answered.recv().map_err(|_| self.shared.dropped())??;
        Ok(true)
    }

    /// The databases of an organisation, by name.
    pub fn databases(&self, org: OrgId) -> Vec<DatabaseName> {
        self.shared.catalog.names(org)
    }

    /// The tables and columns of a database; `None` if there is no such database.
    pub fn schema(&self, key: &DatabaseKey) -> Option<Arc<DatabaseSchema>> {
        self.shared.catalog.get(key).map(|database| database.schema())
    }

    /// Stores a batch; resolves after it is durable and visible.
    ///
    /// Rows that do not fit what is stored are refused in the report; the others are stored as a whole or not at all. When
    /// the future is dropped before it resolves, the batch may be stored or not.
    pub async fn write(&self, batch: Batch) -> Result<WriteReport, WriteError> {
        write(&self.shared, batch, Writer::Anyone).await
    }

    /// The rows of a table at this moment; `None` if there is no such table.
    ///
    /// Sorts the rows that came since the last call, so it may take a while: not for a task that others wait for.
    pub fn snapshot(&self, key: &DatabaseKey, table: &str) -> Option<TableSnapshot> {
        let database = self.shared.catalog.get(key)?;
        let of_database = database.table(table)?;
        let expired = self.shared.expired(&of_database);
        Some(of_database.snapshot(expired, || database.table_schema(table).unwrap_or_default()))
    }

    /// The newest value of each field of each series of a table, in order of the series' first appearance; never scans.
    pub fn last_values(&self, key: &DatabaseKey, table: &str) -> Vec<LastRow> {
        let Some(table) = self.shared.catalog.get(key).and_then(|database| database.table(table)) else {
            return Vec::new();
        };
        let earliest_ns = self.shared.earliest_ns(&table);
        let last = table.last.lock();
        let series = table.series.read();
        last.rows(&series, earliest_ns)
    }

    /// As [`Store::last_values`], of the series that have all of these tags.
    pub fn last_values_with(&self, key: &DatabaseKey, table: &str, tags: &[(Name, Name)]) -> Vec<LastRow> {
        let Some(table) = self.shared.catalog.get(key).and_then(|database| database.table(table)) else {
            return Vec::new();
        };
        let earliest_ns = self.shared.earliest_ns(&table);
        let last = table.last.lock();
        let series = table.series.read();
        last.rows_with(tags, &series, earliest_ns)
    }

    /// How many series of a table have values, and the newest values of those of them that changed last, at most so many.
    pub fn newest_values(&self, key: &DatabaseKey, table: &str, limit: usize) -> (usize, Vec<LastRow>) {
        let Some(table) = self.shared.catalog.get(key).and_then(|database| database.table(table)) else {
            return (0, Vec::new());
        };
        let earliest_ns = self.shared.earliest_ns(&table);
        let last = table.last.lock();
        let series = table.series.read();
        last.newest(&series, earliest_ns, limit)
    }

    /// The newest values as columns, those of [`crate::arrow_schema`] that are wanted: one row per series, its `time` the
    /// newest of any of its fields; never scans. No rows if there is no such table.
    pub fn last_batch(&self, key: &DatabaseKey, table: &str, columns: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let Some(table) = self.shared.catalog.get(key).and_then(|database| database.table(table)) else {
            return Ok(RecordBatch::new_empty(Arc::clone(columns)));
        };
        let earliest_ns = self.shared.earliest_ns(&table);
        let last = table.last.lock();
        let series = table.series.read();
        last.batch(&series, earliest_ns, columns)
    }

    /// The number of series of a table, which never shrinks.
    pub fn series_count(&self, key: &DatabaseKey, table: &str) -> usize {
        let table = self.shared.catalog.get(key).and_then(|database| database.table(table));
        table.map_or(0, |table| table.series.read().len())
    }

    /// The tags of the series of a table, one row each; `columns` are those tags of [`crate::arrow_schema`] that are wanted.
    /// The first rows of a later answer are those of an earlier one. Every row of a snapshot that was taken before belongs to
    /// one of the series; a series may be without rows.
    pub fn series_batch(&self, key: &DatabaseKey, table: &str, columns: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        match self.shared.catalog.get(key).and_then(|database| database.table(table)) {
            Some(table) => table.series.read().batch(columns),
            None => Ok(RecordBatch::new_empty(Arc::clone(columns))),
        }
    }

    /// Bytes that a database takes: its data files, those with deleted rows until they are merged included, and its rows in memory
    /// as `memtable_bytes` counts them, in the place of the log that holds them. Adds up what is known, and asks no disk; 0 if
    /// there is no such database.
    pub fn database_bytes(&self, key: &DatabaseKey) -> u64 {
        let tables = self.shared.catalog.get(key).map(|database| database.tables()).unwrap_or_default();
        tables.iter().map(|table| table.rows.lock().bytes()).sum()
    }

    /// Whether writes are refused because the disk has too little room.
    pub fn disk_is_low(&self) -> bool {
        self.shared.disk.is_low()
    }

    /// Sizes and counts.
    pub fn stats(&self) -> StoreStats {
        let mut stats = StoreStats {
            databases: self.shared.catalog.len(),
            memtable_bytes: self.shared.memory.used(),
            last_seq: self.shared.applied.lock().seq,
            flushed_seq: self.shared.flushed_seq.load(Ordering::SeqCst),
            poisoned: self.shared.is_poisoned(),
            disk_is_low: self.shared.disk.is_low(),
            disk_free_bytes: self.shared.disk.free_bytes(),
            disk_reserve_bytes: self.shared.config.disk_reserve_bytes,
            ..StoreStats::default()
        };
        for table in self.shared.catalog.all().iter().flat_map(|database| database.tables()) {
            stats.tables += 1;
            stats.series += table.series.read().len();
            let rows = table.rows.lock();
            stats.memtable_rows += rows.memory_rows();
            stats.files += rows.files().len();
            stats.file_bytes += rows.files().iter().map(|file| file.bytes).sum::<u64>();
            stats.file_rows += rows.files().iter().map(|file| file.rows).sum::<u64>();
        }
        let open_bytes = self.shared.open_segment_bytes.load(Ordering::Relaxed);
        let closed = self.shared.closed_segments.lock();
        stats.log_segments = closed.len() + usize::from(open_bytes > 0);
        stats.log_bytes = open_bytes + closed.iter().map(|segment| segment.bytes).sum::<u64>();
        stats
    }

    /// Sets for how long rows of a database, or of one of its tables, are kept; `None` is for ever, and for a table what the
    /// database says. Blocks; durable when it returns. Rows that are too old are gone for readers at once.
    pub fn set_retention(
        &self,
        key: &DatabaseKey,
        table: Option<&Name>,
        keep: Option<Duration>,
    ) -> Result<(), WriteError> {
        retention::set(&self.shared, key, table, keep)
    }

    /// For how long rows of a database are kept in tables that have no time of their own, or the time of such a table.
    pub fn retention(&self, key: &DatabaseKey, table: Option<&str>) -> Option<Duration> {
        self.shared.catalog.get(key)?.retention(table)
    }

    /// Deletes the rows that a table has now: those that [`Deletion`] tells. Resolves after that is durable; rows that
    /// are written meanwhile may be deleted or not.
    pub async fn delete(&self, key: &DatabaseKey, table: &str, deletion: Deletion) -> Result<(), WriteError> {
        self.shared.check_open()?;
        let Some(table) = self.shared.catalog.get(key).and_then(|database| database.table(table)) else {
            return Ok(());
        };
        let (done, deleted) = oneshot::channel();
        self.shared.deletes.lock().push(Delete { table, deletion, done });
        self.shared.flush.wake();
        deleted.await.map_err(|_| self.shared.dropped())?
    }

    /// Writes the rows in memory to data files and cuts the log.
    pub async fn flush(&self) -> Result<(), WriteError> {
        let (asker, flushed) = oneshot::channel();
        self.shared.flush.ask(Asker::Task(asker));
        flushed.await.map_err(|_| self.shared.dropped())?
    }

    /// Merges the data files of each table as far as that is possible.
    pub async fn compact(&self) -> Result<(), WriteError> {
        let (asker, compacted) = oneshot::channel();
        self.shared.compaction.ask(Asker::Task(asker));
        compacted.await.map_err(|_| self.shared.dropped())?
    }

    /// Declares a rollup and, if it is given, for how long its rows are kept. Blocks; durable when it returns. What the table has
    /// in files is pending from then on, and what comes to them later.
    pub fn create_rollup(&self, key: &DatabaseKey, rollup: Rollup, keep: Option<Duration>) -> Result<(), RollupError> {
        declare::create(&self.shared, key, rollup, keep)
    }

    /// Deletes a rollup. Blocks; durable when it returns. Its rows stay, in a table that is like any other from then on.
    pub fn delete_rollup(&self, key: &DatabaseKey, target: &str) -> Result<Rollup, RollupError> {
        declare::delete(&self.shared, key, target)
    }

    /// The rollups of a database, by name. Blocks while a flush is under way.
    pub fn rollups(&self, key: &DatabaseKey) -> Vec<RollupInfo> {
        declare::list(&self.shared, key)
    }

    /// Computes all windows of rollups that are pending now.
    pub async fn roll_up(&self) -> Result<(), WriteError> {
        let (asker, computed) = oneshot::channel();
        self.shared.rolling.requests.ask(Asker::Task(asker));
        computed.await.map_err(|_| self.shared.dropped())?
    }

    /// Stops accepting writes, finishes those under way, flushes, syncs and frees the folder.
    pub async fn shutdown(&self) -> Result<(), WriteError> {
        let threads = Arc::clone(&self.threads);
        let (done, ended) = oneshot::channel();
        let end = move || drop(done.send(threads.end(true)));
        std::thread::Builder::new()
            .name("store-shutdown".to_owned())
            .spawn(end)
            .map_err(|source| WriteError::io("start a thread", source))?;
        ended.await.map_err(|_| WriteError::Closed)?
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("dir", &self.shared.layout.root).finish_non_exhaustive()
    }
}

/// The threads of a store; ended when the last clone of the store is dropped.
struct Threads {
    shared: Arc<Shared>,
    running: Mutex<Option<Running>>,
}

struct Running {
    committer: Option<JoinHandle<()>>,
    flusher: Option<JoinHandle<()>>,
    compactor: Option<JoinHandle<()>>,
    roller: Option<JoinHandle<()>>,
    /// Freed after the threads have ended.
    _lock: FolderLock,
}

impl Threads {
    fn end(&self, flush: bool) -> Done {
        let mut guard = self.running.lock();
        let Some(running) = guard.as_mut() else { return Ok(()) };
        self.shared.queue.close();
        // A merge under way is given up: its inputs stay. So are windows of a rollup: they stay pending.
        self.shared.compaction.stop();
        self.shared.rolling.requests.stop();
        join(running.compactor.take());
        join(running.roller.take());
        join(running.committer.take());
        let mut flushed = Ok(());
        if flush {
            let (asker, done) = sync_channel(1);
            self.shared.flush.ask(Asker::Thread(asker));
            flushed = done.recv().unwrap_or_else(|_| Err(self.shared.dropped()));
        }
        self.shared.flush.stop();
        join(running.flusher.take());
        *guard = None;
        flushed
    }
}

/// Waits for a thread, unless it is the one that asks.
fn join(thread: Option<JoinHandle<()>>) {
    if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
        // A thread that panicked has poisoned the store and said so.
        let _ended = thread.join();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let _flushed = self.end(false);
    }
}
