//! The thread that computes rollups.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sensorium_model::DatabaseKey;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::definition::Rollup;
use super::spans::{Span, Spans};
use super::step::{Computed, FileBounds, Step, newest_part};
use super::touch::closed;
use crate::deletion::Deletion;
use crate::error::{OpenError, WriteError, sentence};
use crate::files::data_file::DataFile;
use crate::flush::delete::Delete;
use crate::manifest::{Edit, RollupEdit, RollupKey};
use crate::priority::yield_to_others;
use crate::requests::Asked;
use crate::shared::{Moment, Shared};
use crate::table::Table;
use crate::telemetry;

/// How often it is looked whether something is to be tried again, if nothing came meanwhile.
const TICK: Duration = Duration::from_secs(5);

/// How long after a failure the next attempt follows.
const RETRY: Duration = Duration::from_secs(30);

/// How nice the thread is to those that take and answer requests, from 0 to 19.
const NICENESS: i32 = 10;

/// Computes pending windows when there are some, and when asked.
pub(crate) struct Roller {
    shared: Arc<Shared>,
    /// For waiting; it has neither threads nor clocks.
    runtime: Runtime,
    failed: Option<Instant>,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Did {
    Something,
    Nothing,
    /// The store is closing.
    Stopped,
}

/// Ends all waiting when the thread ends, also by a defect.
struct EndsAsking(Arc<Shared>);

impl Drop for EndsAsking {
    fn drop(&mut self) {
        self.0.rolling.requests.end();
    }
}

impl Roller {
    pub(crate) fn new(shared: Arc<Shared>) -> Result<Self, OpenError> {
        let runtime = Builder::new_current_thread().build();
        let runtime = runtime.map_err(|source| OpenError::io("wait for writes to", &shared.layout.root, source))?;
        Ok(Self { shared, runtime, failed: None })
    }

    /// Works until stopped.
    pub(crate) fn run(mut self) {
        let _ends = EndsAsking(Arc::clone(&self.shared));
        yield_to_others(NICENESS);
        // What was pending when the store was opened.
        self.shared.rolling.requests.wake();
        loop {
            let Asked { askers, stop } = self.shared.rolling.requests.wait(TICK);
            if stop {
                return;
            }
            if askers.is_empty() && self.failed.is_some_and(|failed| failed.elapsed() < RETRY) {
                continue;
            }
            let done = self.roll_up();
            self.failed = done.is_err().then(Instant::now);
            askers.into_iter().for_each(|asker| asker.tell(done.clone()));
        }
    }

    /// Computes until nothing is pending, one part of each rollup in turn. A rollup that fails does not stop the others.
    fn roll_up(&self) -> Result<(), WriteError> {
        let mut result = Ok(());
        let mut failed = HashSet::new();
        loop {
            let keys: Vec<RollupKey> = self.shared.manifest.lock().state().rollups.keys().cloned().collect();
            let mut worked = false;
            for key in keys {
                if failed.contains(&key) {
                    continue;
                }
                match self.step(&key) {
                    Ok(Did::Something) => worked = true,
                    Ok(Did::Nothing) => {}
                    Ok(Did::Stopped) => return Ok(()),
                    Err(error) => {
                        telemetry::rollup_failed();
                        tracing::error!(
                            rollup = %key.1,
                            error = &error as &dyn std::error::Error,
                            "a rollup could not be computed; what it lacks stays pending, and it is tried again"
                        );
                        self.shared.rolling.give_up(&key, Some(sentence(&error)));
                        failed.insert(key);
                        result = result.and(Err(error));
                    }
                }
            }
            if !worked {
                break;
            }
        }
        result.and(self.settle())
    }

    /// Takes windows without results, for which no flush need come, off what is pending.
    fn settle(&self) -> Result<(), WriteError> {
        let mut manifest = self.shared.manifest.lock();
        let seq = manifest.state().flushed_seq;
        let rollups = self.shared.rolling.settled(seq);
        if rollups.is_empty() {
            return Ok(());
        }
        let edit = Edit { rollups, ..manifest.state().next_edit() };
        self.shared.commit(&mut manifest, &edit, &[])?;
        self.shared.rolling.settle(seq);
        Ok(())
    }

    /// Follows deletions of a rollup, or computes the newest of its pending windows.
    fn step(&self, key: &RollupKey) -> Result<Did, WriteError> {
        if self.shared.is_poisoned() {
            return Err(WriteError::Poisoned);
        }
        let mut manifest = self.shared.manifest.lock();
        let Some(state) = manifest.state().rollups.get(key) else { return Ok(Did::Nothing) };
        let rollup = Arc::clone(&state.rollup);
        if !state.shrunk.is_empty() {
            let shrunk = state.shrunk.clone();
            drop(manifest);
            return self.clear(key, &rollup, &shrunk);
        }
        let mut pending = state.pending.clone();
        let Some(database) = self.shared.catalog.get(&DatabaseKey::from(&key.0)) else { return Ok(Did::Nothing) };
        let source = database.table(&rollup.source);

        let dropped_until_ns = manifest.state().tables.get(&(key.0.clone(), Arc::clone(&rollup.source)));
        let mut needless = closed(&rollup, dropped_until_ns.and_then(|table| table.dropped_until_ns));
        if let Some(keep) = database.keeps(&rollup.target) {
            // Results that would be too old at once.
            let keep = i64::try_from(keep.as_nanos()).unwrap_or(i64::MAX);
            needless.end = needless.end.max(rollup.first_from((self.shared.config.clock)().saturating_sub(keep)));
        }
        let computed = pending.within(needless);
        if !computed.is_empty() {
            pending.remove_all(&computed);
            let rollups = vec![RollupEdit { computed, ..RollupEdit::of(key.0.clone(), Arc::clone(&key.1)) }];
            let edit = Edit { rollups, ..manifest.state().next_edit() };
            self.shared.commit(&mut manifest, &edit, &[])?;
        }
        pending.remove_all(&self.shared.rolling.written(key));
        let (Some(newest), Some(source)) = (pending.last(), source) else { return Ok(Did::Nothing) };
        let (span, files) = files_of(&source, newest, rollup.interval_ns());
        let schema = self.shared.schema_of(&source);
        self.shared.rolling.begin(key, span);
        drop(manifest);

        let started = Instant::now();
        let (shared, runtime) = (self.shared.as_ref(), &self.runtime);
        let step = Step { shared, runtime, database: &database, rollup: &rollup, span, schema, files };
        let Computed::Written { seq, problem } = step.run()? else {
            self.shared.rolling.give_up(key, None);
            return Ok(if self.shared.rolling.requests.is_stopped() { Did::Stopped } else { Did::Something });
        };
        self.shared.reached(Moment::RollupWritten)?;
        if let Some(problem) = &problem {
            tracing::warn!(rollup = %key.1, problem, "rows of a rollup were refused");
        }
        let _manifest = self.shared.manifest.lock();
        self.shared.rolling.end(key, seq, problem);
        tracing::debug!(
            rollup = %key.1,
            windows = span.windows(rollup.interval_ns()),
            elapsed_ms = started.elapsed().as_millis(),
            "windows of a rollup were computed"
        );
        Ok(Did::Something)
    }

    /// Deletes rows of a rollup that were computed from readings that were deleted.
    fn clear(&self, key: &RollupKey, rollup: &Arc<Rollup>, shrunk: &[Deletion]) -> Result<Did, WriteError> {
        let Some(database) = self.shared.catalog.get(&DatabaseKey::from(&key.0)) else { return Ok(Did::Nothing) };
        {
            let _one_at_a_time = self.shared.rolling.writing.lock();
            if !database.rollup(&key.1).is_some_and(|now| Arc::ptr_eq(&now, rollup)) {
                return Ok(Did::Nothing);
            }
            if let Some(table) = database.table(&key.1) {
                self.delete(&table, shrunk)?;
            }
        }
        self.shared.reached(Moment::RollupCleared)?;
        let mut manifest = self.shared.manifest.lock();
        // Also what lies between deletions that were joined.
        let mut touched = Spans::default();
        shrunk.iter().for_each(|one| touched.add(rollup.windows(one.time_min_ns, one.time_max_ns)));
        let edit = RollupEdit::of(key.0.clone(), Arc::clone(&key.1));
        let edit = RollupEdit { touched, cleared: shrunk.to_vec(), ..edit };
        let edit = Edit { rollups: vec![edit], ..manifest.state().next_edit() };
        self.shared.commit(&mut manifest, &edit, &[])?;
        Ok(Did::Something)
    }

    /// Has the flusher delete rows, and waits for it.
    fn delete(&self, table: &Arc<Table>, deletions: &[Deletion]) -> Result<(), WriteError> {
        let mut answers = Vec::with_capacity(deletions.len());
        {
            let mut deletes = self.shared.deletes.lock();
            for deletion in deletions {
                let (done, deleted) = oneshot::channel();
                deletes.push(Delete { table: Arc::clone(table), deletion: deletion.clone(), done });
                answers.push(deleted);
            }
        }
        self.shared.flush.wake();
        for deleted in answers {
            deleted.blocking_recv().map_err(|_| self.shared.dropped())??;
        }
        Ok(())
    }
}

/// Windows and the files that have rows in them, with the deletions that concern each.
type WithFiles = (Span, Vec<(Arc<DataFile>, Vec<Arc<Deletion>>)>);

/// The newest windows of a span that are computed at once, and their files.
fn files_of(source: &Table, newest: Span, interval_ns: i64) -> WithFiles {
    let rows = source.rows.lock();
    let bounds: Vec<FileBounds> = rows
        .files()
        .iter()
        .map(|file| FileBounds { time_min_ns: file.time_min_ns, time_max_ns: file.time_max_ns, rows: file.rows })
        .collect();
    let span = newest_part(newest, interval_ns, &bounds);
    let has = |time_min_ns: i64, time_max_ns: i64| time_min_ns < span.end && time_max_ns >= span.start;
    let files = rows.files().iter().filter(|file| has(file.time_min_ns, file.time_max_ns));
    (span, files.map(|file| (Arc::clone(file), rows.deletions_of(file))).collect())
}
