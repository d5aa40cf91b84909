//! What the process knows of the computing of rollups, and the manifest does not yet.
//!
//! Invariant: everything here is changed while the manifest is locked, so that no window is lost between what a flush makes
//! pending and what was computed from the files before it. A restart forgets it: what is pending then is computed again.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::spans::{Span, Spans};
use crate::manifest::{RollupEdit, RollupKey};
use crate::requests::Requests;

/// Results of a rollup that wait for a flush, with the record that they are in, at most; the oldest are joined beyond that.
const MAX_WRITTEN: usize = 32;

/// The work on all rollups.
#[derive(Default)]
pub(crate) struct Rolling {
    /// Requests to the thread that computes.
    pub(crate) requests: Requests,
    /// Held while results are written, or deleted, and while a rollup is declared or deleted: so that no result comes after its
    /// rollup has gone. Before the manifest.
    pub(crate) writing: Mutex<()>,
    progress: Mutex<HashMap<RollupKey, Progress>>,
}

#[derive(Default)]
struct Progress {
    running: Option<Running>,
    /// Windows whose results are in the log up to a record: pending until its rows are in files.
    written: Vec<(u64, Spans)>,
    problem: Option<String>,
}

/// Windows that are being computed.
struct Running {
    span: Span,
    /// Those of them that were touched meanwhile.
    again: Spans,
}

impl Rolling {
    /// Takes note of a version of the manifest; true if there is something to compute.
    pub(crate) fn note(&self, edits: &[RollupEdit]) -> bool {
        let mut progress = self.progress.lock();
        let mut touched = false;
        for edit in edits {
            touched |= !edit.touched.is_empty();
            let key = edit.key();
            if edit.removed {
                progress.remove(&key);
            } else if let Some(progress) = progress.get_mut(&key) {
                if let Some(running) = &mut progress.running {
                    running.again.add_all(&edit.touched);
                }
                progress.written.iter_mut().for_each(|(_, spans)| spans.remove_all(&edit.touched));
            }
        }
        touched
    }

    /// The windows whose results are in files, once all records up to `seq` are: to be taken off what is pending.
    pub(crate) fn settled(&self, seq: u64) -> Vec<RollupEdit> {
        let progress = self.progress.lock();
        let edits = progress.iter().filter_map(|(key, progress)| {
            let mut computed = Spans::default();
            let settled = progress.written.iter().filter(|(written, _)| *written <= seq);
            settled.for_each(|(_, spans)| computed.add_all(spans));
            let edit = RollupEdit::of(key.0.clone(), key.1.clone());
            (!computed.is_empty()).then_some(RollupEdit { computed, ..edit })
        });
        edits.collect()
    }

    /// Forgets what [`Rolling::settled`] told and the manifest knows now.
    pub(crate) fn settle(&self, seq: u64) {
        let mut progress = self.progress.lock();
        progress.values_mut().for_each(|progress| progress.written.retain(|(written, _)| *written > seq));
    }

    /// The windows whose results wait for a flush.
    pub(crate) fn written(&self, key: &RollupKey) -> Spans {
        let progress = self.progress.lock();
        let mut all = Spans::default();
        let written = progress.get(key).into_iter().flat_map(|progress| &progress.written);
        written.for_each(|(_, spans)| all.add_all(spans));
        all
    }

    /// Begins to compute windows.
    pub(crate) fn begin(&self, key: &RollupKey, span: Span) {
        let running = Running { span, again: Spans::default() };
        self.progress.lock().entry(key.clone()).or_default().running = Some(running);
    }

    /// The windows that were begun are computed: their results are in the log up to a record. Some rows may have been refused.
    pub(crate) fn end(&self, key: &RollupKey, seq: u64, problem: Option<String>) {
        let mut progress = self.progress.lock();
        // Without an entry the rollup is gone.
        let Some(progress) = progress.get_mut(key) else { return };
        let Some(running) = progress.running.take() else { return };
        progress.problem = problem;
        let mut done = Spans::from(running.span);
        done.remove_all(&running.again);
        progress.written.retain(|(_, spans)| !spans.is_empty());
        if progress.written.len() >= MAX_WRITTEN {
            let (_, oldest) = progress.written.remove(0);
            if let Some((_, next)) = progress.written.first_mut() {
                next.add_all(&oldest);
            }
        }
        progress.written.push((seq, done));
    }

    /// The windows that were begun could not be computed, or not now: they are as they were.
    pub(crate) fn give_up(&self, key: &RollupKey, problem: Option<String>) {
        if let Some(progress) = self.progress.lock().get_mut(key) {
            progress.running = None;
            if problem.is_some() {
                progress.problem = problem;
            }
        }
    }

    /// What went wrong when windows were computed last.
    pub(crate) fn problem(&self, key: &RollupKey) -> Option<String> {
        self.progress.lock().get(key).and_then(|progress| progress.problem.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::DatabaseEntry;
    use crate::wal::codec::tests::key;

    fn of(target: &RollupKey) -> RollupEdit {
        RollupEdit::of(target.0.clone(), target.1.clone())
    }

    fn touched(target: &RollupKey, start: i64, end: i64) -> RollupEdit {
        RollupEdit { touched: Span::new(start, end).into(), ..of(target) }
    }

    #[test]
    fn what_is_touched_while_it_is_computed_stays_pending() {
        let rolling = Rolling::default();
        let target: RollupKey = (DatabaseEntry::from(&key()), "r".into());
        rolling.begin(&target, Span::new(0, 10));
        assert!(rolling.note(&[touched(&target, 3, 5)]));
        rolling.end(&target, 7, None);
        assert_eq!(rolling.settled(6), [], "its rows are not in files yet");
        let mut computed = Spans::from(Span::new(0, 3));
        computed.add(Span::new(5, 10));
        assert_eq!(rolling.settled(7), [RollupEdit { computed: computed.clone(), ..of(&target) }]);
        assert_eq!(rolling.written(&target), computed);
        // Touched after that, it is to be computed again.
        rolling.note(&[touched(&target, 0, 9)]);
        assert_eq!(rolling.written(&target), Span::new(9, 10).into());
        rolling.settle(7);
        assert_eq!(rolling.settled(7), []);
    }

    #[test]
    fn many_results_are_joined_and_a_deleted_rollup_is_forgotten() {
        let rolling = Rolling::default();
        let target: RollupKey = (DatabaseEntry::from(&key()), "r".into());
        for seq in 0..100 {
            let start = i64::try_from(seq).unwrap() * 2;
            rolling.begin(&target, Span::new(start, start + 1));
            rolling.end(&target, seq, None);
        }
        assert_eq!(rolling.written(&target).windows(1), 100);
        assert_eq!(rolling.settled(60), [], "with the newest of those that were joined");
        assert_eq!(rolling.settled(98)[0].computed.windows(1), 99);
        rolling.begin(&target, Span::new(0, 1));
        rolling.note(&[RollupEdit { removed: true, ..of(&target) }]);
        rolling.end(&target, 1_000, None);
        assert_eq!(rolling.settled(1_000), []);
    }
}
