//! Limits of the query engine.

use std::time::Duration;

/// What one query may use, and how many run at once.
#[derive(Debug, Clone)]
pub struct QueryConfig {
    /// Bytes of working memory of one query (`query.memory_bytes`); default 256 MiB.
    pub memory_bytes: usize,
    /// Wall time of one query, until its last row has been taken (`query.timeout_seconds`); default 60 s.
    pub timeout: Duration,
    /// Rows that one query may return (`query.max_rows`); default 1,000,000.
    pub max_rows: u64,
    /// Queries that run at once (`query.concurrent`); one more is refused as busy. Default 8.
    pub concurrent: usize,
    /// Threads that run queries, apart from those of the rest of the server; default: one per core, at most 8.
    pub threads: usize,
}

impl Default for QueryConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            memory_bytes: 256 * 1024 * 1024,
            timeout: Duration::from_secs(60),
            max_rows: 1_000_000,
            concurrent: 8,
            threads: cores.min(8),
        }
    }
}
