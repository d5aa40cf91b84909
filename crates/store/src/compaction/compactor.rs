//! The compactor's thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::choose::{Candidate, Rules, choose};
use super::step::{Compaction, Outcome};
use crate::error::WriteError;
use crate::files::data_file::DataFile;
use crate::priority::yield_to_others;
use crate::requests::Asked;
use crate::shared::Shared;
use crate::table::Table;
use crate::telemetry;

/// How often it is looked whether a window has settled, if no file came meanwhile.
const TICK: Duration = Duration::from_secs(5);

/// How long after a failure the next attempt follows.
const RETRY: Duration = Duration::from_secs(60);

/// How nice the thread is to those that take and answer requests, from 0 to 19.
const NICENESS: i32 = 10;

/// Merges files when there is something to merge, and when asked.
pub(crate) struct Compactor {
    shared: Arc<Shared>,
    failed: Option<Instant>,
}

/// Ends all waiting when the thread ends, also by a defect.
struct EndsAsking(Arc<Shared>);

impl Drop for EndsAsking {
    fn drop(&mut self) {
        self.0.compaction.end();
    }
}

impl Compactor {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, failed: None }
    }

    /// Works until stopped.
    pub(crate) fn run(mut self) {
        let _ends = EndsAsking(Arc::clone(&self.shared));
        yield_to_others(NICENESS);
        loop {
            let Asked { askers, stop } = self.shared.compaction.wait(TICK);
            if stop {
                return;
            }
            if askers.is_empty() && self.failed.is_some_and(|failed| failed.elapsed() < RETRY) {
                continue;
            }
            // Who asks wants everything merged that can be.
            let settled = !askers.is_empty();
            let done = self.compact(settled);
            self.failed = done.is_err().then(Instant::now);
            askers.into_iter().for_each(|asker| asker.tell(done.clone()));
        }
    }

    /// Drops what is too old, and merges until nothing is to be merged.
    fn compact(&self, settled: bool) -> Result<(), WriteError> {
        let settle_after = if settled { Duration::ZERO } else { self.shared.config.compaction_settle };
        let rules = Rules { file_bytes: self.shared.config.compaction_file_bytes, settle_after, keep: None };
        for database in self.shared.catalog.all() {
            for table in database.tables() {
                crate::retention::drop_expired(&self.shared, &table)?;
                while let Some(inputs) = self.next(&table, rules) {
                    if !self.merge(&table, &inputs)? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Merges files of a table; false if the store is closing.
    fn merge(&self, table: &Table, inputs: &[Arc<DataFile>]) -> Result<bool, WriteError> {
        if self.shared.is_poisoned() {
            return Err(WriteError::Poisoned);
        }
        let started = Instant::now();
        let bytes: u64 = inputs.iter().map(|input| input.bytes).sum();
        match Compaction::new(&self.shared, table, inputs).run() {
            Ok(Outcome::Merged { bytes: merged_bytes }) => {
                telemetry::compacted(bytes, started.elapsed());
                tracing::debug!(
                    table = %table.name,
                    files = inputs.len(),
                    bytes,
                    merged_bytes,
                    elapsed_ms = started.elapsed().as_millis(),
                    "files were merged into one"
                );
                Ok(true)
            }
            Ok(Outcome::Outdated) => Ok(true),
            Ok(Outcome::Stopped) => Ok(false),
            Err(error) => {
                telemetry::compaction_failed();
                tracing::error!(
                    table = %table.name,
                    error = &error as &dyn std::error::Error,
                    "files could not be merged; they stay as they are, and it is tried again"
                );
                Err(error)
            }
        }
    }

    /// The files of a table to merge next.
    fn next(&self, table: &Table, rules: Rules) -> Option<Vec<Arc<DataFile>>> {
        let rules = Rules { keep: self.shared.keeps(table), ..rules };
        let rows = table.rows.lock();
        let files = rows.files();
        let candidates: Vec<Candidate> = files
            .iter()
            .map(|file| Candidate {
                bytes: file.bytes,
                time_min_ns: file.time_min_ns,
                time_max_ns: file.time_max_ns,
                age: file.age(),
                has_deleted: !rows.deletions_of(file).is_empty(),
            })
            .collect();
        let chosen = choose(&candidates, rules)?;
        Some(chosen.iter().filter_map(|position| files.get(*position).cloned()).collect())
    }
}
