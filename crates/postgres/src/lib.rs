//! The PostgreSQL wire protocol, version 3.0, read-only: for psql, psycopg, SQLAlchemy and what builds on them.
//!
//! Way of a statement: [`wire`] takes a message from its socket, [`frontend`] reads it, [`session`] decides what it asks,
//! `sensorium_query` answers, and [`values`] writes the rows. What the server and its tables look like to a client is
//! `sensorium_query`'s catalog. The types of messages that go out are those of `pgwire`; messages that come in are read here, because
//! its decoder trusts the lengths in them.
//!
//! Invariants:
//! - nothing of an organisation is seen before somebody is let in, and nothing but theirs after that; who was let in is looked at
//!   again every minute;
//! - a password goes over TLS, over the loopback address, or not at all, unless a setting says otherwise;
//! - statements only read; whatever begins, ends or sets something is acknowledged and does nothing;
//! - a client that leaves, or asks to cancel, ends its query;
//! - times are in UTC and have microseconds: PostgreSQL's have no nanoseconds. The rest is cut off.
//!
//! Limits: those of [`PostgresConfig`] and of the query engine; a startup message has at most 10,000 bytes, and what a connection keeps
//! of statements and parameters 16 times the largest message. Connections on their way in
//! have places of their own, so that those who never say who they are keep nobody out who is in.

mod cancel;
mod failure;
mod frontend;
mod listener;
mod parameter;
mod portal;
mod scan;
mod session;
mod settings;
mod startup;
mod statement;
mod values;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use sensorium_metadata::Metadata;
use sensorium_query::QueryEngine;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use cancel::Cancellations;
pub use listener::Handshake;

/// What the listener is told to do.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// Connections of those who are let in (setting `postgres.connections`); further ones are refused.
    pub connections: usize,
    /// Connections on their way in (setting `postgres.starting`); further ones wait.
    pub starting: usize,
    /// How long a connection may take until it is let in (setting `postgres.startup_ms`).
    pub startup: Duration,
    /// The largest message of a client, in bytes (setting `postgres.message_bytes`).
    pub message_bytes: usize,
    /// How long a connection may do nothing, or take nothing of an answer (setting `postgres.idle_seconds`).
    pub idle: Duration,
    /// Prepared statements, and portals, of a connection (setting `postgres.statements`).
    pub statements: usize,
    /// Whether passwords are taken without TLS from other machines (setting `postgres.plain_passwords`).
    pub plain_passwords: bool,
}

/// The server side of the protocol. Cheap to clone.
#[derive(Clone)]
pub struct Postgres(Arc<Shared>);

struct Shared {
    config: PostgresConfig,
    metadata: Metadata,
    query: QueryEngine,
    cancellations: Cancellations,
    starting: Arc<Semaphore>,
    connected: Arc<Semaphore>,
    tasks: TaskTracker,
    /// No new connections, and no new statements on those that are there.
    stop: CancellationToken,
    /// Connections that are still there are dropped.
    abort: CancellationToken,
}

impl Postgres {
    /// A server without connections. It takes some until `stop` is cancelled.
    pub fn new(config: PostgresConfig, metadata: Metadata, query: QueryEngine, stop: CancellationToken) -> Self {
        let permits = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Shared {
            starting: permits(config.starting),
            connected: permits(config.connections),
            config,
            metadata,
            query,
            cancellations: Cancellations::default(),
            tasks: TaskTracker::new(),
            stop,
            abort: CancellationToken::new(),
        }))
    }

    /// Waits until statements under way are answered, at most so long; then drops the rest. Returns how many were dropped.
    pub async fn drain(&self, at_most: Duration) -> usize {
        self.0.tasks.close();
        if tokio::time::timeout(at_most, self.0.tasks.wait()).await.is_ok() {
            return 0;
        }
        let left = self.0.tasks.len();
        self.0.abort.cancel();
        self.0.tasks.wait().await;
        left
    }
}
