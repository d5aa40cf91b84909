//! A store in a temporary folder, filled and asked by tests.

#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its own part; a failed step fails the test")]

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use sensorium_model::{BatchBuilder, DatabaseKey, DatabaseName, DatabaseScope, IngestLimits, OrgId, Point};
use sensorium_query::{Asker, QueryConfig, QueryEngine, QueryError, QueryRequest};
use sensorium_store::{Durability, Store, StoreConfig};
use tempfile::TempDir;
use uuid::Uuid;

/// 2023-11-14T22:00:00Z.
pub(crate) const START: i64 = 1_699_999_200_000_000_000;
/// An hour in nanoseconds.
pub(crate) const HOUR: i64 = 3_600_000_000_000;

/// A store, an engine over it and the folder that holds both up.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) engine: QueryEngine,
    pub(crate) org: OrgId,
    folder: TempDir,
    config: QueryConfig,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(QueryConfig { threads: 2, ..QueryConfig::default() })
    }

    pub(crate) fn with(config: QueryConfig) -> Self {
        Self::create(config, 1, |_| ())
    }

    /// For an organisation whose folder is filled before the store opens it.
    pub(crate) fn with_data(org: u128, fill: impl FnOnce(&Path)) -> Self {
        Self::create(QueryConfig { threads: 2, ..QueryConfig::default() }, org, fill)
    }

    fn create(config: QueryConfig, org: u128, fill: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path());
        let bench = Self::open(folder, config, OrgId::from_uuid(Uuid::from_u128(org)));
        bench.store.create_database(&key(bench.org, "main")).unwrap();
        bench
    }

    fn open(folder: TempDir, config: QueryConfig, org: OrgId) -> Self {
        let settings = StoreConfig { durability: Durability::Memory, ..StoreConfig::new(folder.path()) };
        let (store, _) = Store::open(settings).unwrap();
        let engine = QueryEngine::new(store.clone(), config.clone()).unwrap();
        Self { store, engine, org, folder, config }
    }

    /// Ends the store without writing files, and reads the log again.
    pub(crate) async fn restart(self) -> Self {
        // A query that has ended frees its slot last.
        eventually("no query uses the store", || self.engine.running() == 0).await;
        let Self { store, engine, org, folder, config } = self;
        drop((engine, store));
        Self::open(folder, config, org)
    }

    /// Stores points in a database of an organisation.
    pub(crate) async fn write_to(&self, key: DatabaseKey, points: &[Point<'_>]) {
        let schema = self.store.schema(&key).unwrap();
        let mut builder = BatchBuilder::new(schema.as_ref(), IngestLimits::default(), START);
        for (line, point) in (1..).zip(points) {
            builder.push(point, line).unwrap();
        }
        let batch = builder.finish(key);
        let report = self.store.write(batch).await.unwrap();
        assert_eq!(report.rejected, []);
    }

    /// Stores points in the database `main`.
    pub(crate) async fn write(&self, points: &[Point<'_>]) {
        self.write_to(key(self.org, "main"), points).await;
    }

    pub(crate) async fn flush(&self) {
        self.store.flush().await.unwrap();
    }

    pub(crate) fn request(&self, sql: &str) -> QueryRequest {
        let database = DatabaseName::new("main").unwrap();
        QueryRequest {
            org: self.org,
            database,
            scope: DatabaseScope::All,
            asker: Asker::system(),
            sql: sql.to_owned(),
            points: None,
            postgres: None,
        }
    }

    /// The batches of an answer, or the first error.
    pub(crate) async fn batches(&self, request: QueryRequest) -> Result<Vec<RecordBatch>, QueryError> {
        self.engine.execute(request).await?.try_collect().await
    }

    /// The rows of an answer as text, values separated by `|`, nothing for null.
    pub(crate) async fn ask(&self, sql: &str) -> Vec<String> {
        match self.batches(self.request(sql)).await {
            Ok(batches) => batches.iter().flat_map(rows).collect(),
            Err(error) => panic!("{sql}: {error} ({error:?})"),
        }
    }

    /// The error of a statement that must fail.
    pub(crate) async fn refused(&self, sql: &str) -> QueryError {
        match self.batches(self.request(sql)).await {
            Ok(batches) => panic!("{sql} was answered: {batches:?}"),
            Err(error) => error,
        }
    }
}

pub(crate) fn key(org: OrgId, database: &str) -> DatabaseKey {
    DatabaseKey::new(org, DatabaseName::new(database).unwrap())
}

/// The rows of a batch as text.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("");
    let columns: Vec<ArrayFormatter<'_>> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"))
        .collect()
}

/// Runs a test on a runtime like that of the server.
pub(crate) fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// Waits until something holds; fails after ten seconds.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "not within ten seconds: {what}");
        tokio::task::yield_now().await;
    }
}
