//! Counters of the query engine, through the `metrics` facade.
//!
//! - `sensorium_query_started_total`: queries accepted for running;
//! - `sensorium_query_failed_total{code}`: queries that ended in an error, by kind, refused ones included;
//! - `sensorium_query_running`: queries that hold a slot now;
//! - `sensorium_query_seconds`: wall time from the request to the end of its work, failed and abandoned ones included;
//! - `sensorium_query_rows_total`: rows handed over;
//! - `sensorium_query_direct_total`: queries answered without a plan.

use std::time::Instant;

use crate::error::QueryError;

const STARTED: &str = "sensorium_query_started_total";
const FAILED: &str = "sensorium_query_failed_total";
const RUNNING: &str = "sensorium_query_running";
const SECONDS: &str = "sensorium_query_seconds";
const ROWS: &str = "sensorium_query_rows_total";
const DIRECT: &str = "sensorium_query_direct_total";

/// Describes the metrics to the recorder, once per engine.
pub(crate) fn describe() {
    metrics::describe_counter!(STARTED, "Queries accepted for running.");
    metrics::describe_counter!(FAILED, "Queries that ended in an error, by kind.");
    metrics::describe_gauge!(RUNNING, "Queries that run now.");
    metrics::describe_histogram!(SECONDS, metrics::Unit::Seconds, "Wall time of queries.");
    metrics::describe_counter!(ROWS, "Rows returned by queries.");
    metrics::describe_counter!(
        DIRECT,
        "Queries answered without a plan: newest values, and one series in bins of time."
    );
}

/// Counts a failure and passes it on.
pub(crate) fn failed(error: QueryError) -> QueryError {
    metrics::counter!(FAILED, "code" => error.kind().as_str()).increment(1);
    error
}

/// Counts a failure behind the first rows of an answer and passes it on. Whoever reads the answer may only see that it breaks
/// off, so the log says why.
pub(crate) fn failed_on_the_way(error: QueryError) -> QueryError {
    tracing::warn!(%error, "a query failed after its first rows; its answer was cut off");
    failed(error)
}

/// Counts rows that were handed over.
pub(crate) fn rows(count: usize) {
    metrics::counter!(ROWS).increment(u64::try_from(count).unwrap_or(u64::MAX));
}

/// Counts a query that needed no plan.
pub(crate) fn answered_directly() {
    metrics::counter!(DIRECT).increment(1);
}

/// Measures one query from its creation to its drop, however it ends.
pub(crate) struct Running {
    since: Instant,
}

impl Running {
    pub(crate) fn start() -> Self {
        metrics::counter!(STARTED).increment(1);
        metrics::gauge!(RUNNING).increment(1.0);
        Self { since: Instant::now() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        metrics::gauge!(RUNNING).decrement(1.0);
        metrics::histogram!(SECONDS).record(self.since.elapsed().as_secs_f64());
    }
}
