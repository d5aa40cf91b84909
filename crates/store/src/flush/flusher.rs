//! The flusher's thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::delete::{Delete, delete};
use super::step::Flush;
use crate::error::WriteError;
use crate::priority::yield_to_others;
use crate::requests::Asked;
use crate::shared::Shared;
use crate::table::Table;
use crate::telemetry;

/// How often the flusher looks whether rows have become old enough.
const TICK: Duration = Duration::from_secs(1);

/// How long after a failure the next attempt of its own follows.
const RETRY: Duration = Duration::from_secs(5);

/// Sorted views of rows in memory that nobody reads for this long are forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(10);

/// How nice the thread is to those that take and answer requests, from 0 to 19: less than the compactor, for rows wait in memory
/// until it has written them.
const NICENESS: i32 = 5;

/// Flushes when asked, when there are many rows, and when they are old.
pub(crate) struct Flusher {
    shared: Arc<Shared>,
    /// Tables with sealed rows: those of a flush that failed.
    sealed: Vec<Arc<Table>>,
    failed: Option<Instant>,
}

/// Ends all waiting when the thread ends, also by a defect.
struct EndsAsking(Arc<Shared>);

impl Drop for EndsAsking {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the flusher hit a defect; no further write is accepted");
            self.0.poison();
        }
        self.0.deletes.lock().clear();
        self.0.flush.end();
    }
}

impl Flusher {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, sealed: Vec::new(), failed: None }
    }

    /// Works until stopped.
    pub(crate) fn run(mut self) {
        let _ends = EndsAsking(Arc::clone(&self.shared));
        yield_to_others(NICENESS);
        let mut tidied = Instant::now();
        loop {
            let Asked { askers, stop } = self.shared.flush.wait(TICK);
            let deletes = std::mem::take(&mut *self.shared.deletes.lock());
            if !askers.is_empty() || !deletes.is_empty() || !stop && self.is_due() {
                let flushed = self.flush();
                askers.into_iter().for_each(|asker| asker.tell(flushed.clone()));
                deletes.into_iter().for_each(|asked| self.delete(asked, flushed.clone()));
            }
            if stop {
                return;
            }
            let now = Instant::now();
            if now.duration_since(tidied) >= TICK {
                tidied = now;
                self.forget_unused(now);
            }
        }
    }

    fn is_due(&self) -> bool {
        if self.shared.is_poisoned() || self.failed.is_some_and(|failed| failed.elapsed() < RETRY) {
            return false;
        }
        let applied = self.shared.applied.lock();
        let many = applied.bytes >= self.shared.flush_bytes();
        let old = applied.since.is_some_and(|since| since.elapsed() >= self.shared.config.flush_interval);
        many || old || !self.sealed.is_empty()
    }

    fn forget_unused(&self, now: Instant) {
        let tables = self.shared.applied.lock().tables.clone();
        tables.iter().for_each(|table| table.rows.lock().forget_unused(now, FORGET_AFTER));
    }

    /// Deletes rows that are in files, and saves the newest values again.
    fn delete(&mut self, asked: Delete, flushed: Result<(), WriteError>) {
        let deleted = flushed.and_then(|()| delete(&self.shared, &asked.table, &asked.deletion)).and_then(|()| {
            self.sealed.push(asked.table);
            self.flush()
        });
        // Whoever asked may have gone away.
        drop(asked.done.send(deleted));
        self.shared.compaction.wake();
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        if self.shared.is_poisoned() {
            return Err(WriteError::Poisoned);
        }
        let started = Instant::now();
        let flushed =
            Flush::begin(&self.shared, &mut self.sealed).and_then(|flush| flush.run(&mut self.shared.manifest.lock()));
        match flushed {
            Ok(written) => {
                self.failed = None;
                self.sealed.clear();
                if written.rows > 0 {
                    telemetry::flushed(written.rows, written.bytes, started.elapsed());
                    tracing::debug!(
                        rows = written.rows,
                        bytes = written.bytes,
                        files = written.files,
                        elapsed_ms = started.elapsed().as_millis(),
                        "rows in memory are in files now"
                    );
                }
                Ok(())
            }
            Err(error) => {
                self.failed = Some(Instant::now());
                telemetry::flush_failed();
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "rows could not be written to files; they are safe in the log, and it is tried again"
                );
                Err(error)
            }
        }
    }
}
