//! Which windows of which rollups a change of a table's files touches.

use std::sync::Arc;

use sensorium_model::Name;

use super::spans::{Span, Spans};
use super::{MAX_SPANS, definition::Rollup};
use crate::deletion::Deletion;
use crate::manifest::{DatabaseEntry, FileEntry, RollupEdit, State};
use crate::memtable::bucket::Sealed;

/// The windows that rows lie in which come to the files of a table.
pub(crate) fn by_rows(
    state: &State,
    database: &DatabaseEntry,
    table: &Name,
    sealed: &[Arc<Sealed>],
) -> Vec<RollupEdit> {
    let touched = |rollup: &Rollup| {
        let mut starts = Vec::new();
        let times = sealed.iter().flat_map(|bucket| &bucket.chunks).flat_map(|chunk| chunk.time_ns.iter());
        for time in times {
            let start = rollup.window_of(*time);
            // Rows mostly come in order of time.
            if starts.last() != Some(&start) {
                starts.push(start);
            }
        }
        let mut touched = Spans::of_windows(starts, rollup.interval_ns());
        touched.bound(MAX_SPANS);
        touched
    };
    edits(state, database, table, touched, None)
}

/// The windows of a table's files that a deletion touches.
pub(crate) fn by_deletion(
    state: &State,
    database: &DatabaseEntry,
    table: &Name,
    deletion: &Deletion,
) -> Vec<RollupEdit> {
    let key = (database.clone(), Arc::clone(table));
    let files = state.tables.get(&key).map(|table| table.files.as_slice()).unwrap_or_default();
    let touched = |rollup: &Rollup| {
        let touched = |file: &&FileEntry| deletion.overlaps(file.time_min_ns, file.time_max_ns);
        in_files(files.iter().filter(touched), rollup, deletion.time_min_ns, deletion.time_max_ns)
    };
    edits(state, database, table, touched, Some(deletion))
}

/// The windows that the files of a table have rows in: what a new rollup has to compute.
pub(crate) fn by_declaring(state: &State, database: &DatabaseEntry, rollup: &Rollup) -> Spans {
    let Some(table) = state.tables.get(&(database.clone(), Arc::clone(&rollup.source))) else {
        return Spans::default();
    };
    let mut touched = in_files(table.files.iter(), rollup, i64::MIN, i64::MAX);
    touched.remove(closed(rollup, table.dropped_until_ns));
    touched
}

/// The windows of files between two times, both included.
fn in_files<'f>(files: impl Iterator<Item = &'f FileEntry>, rollup: &Rollup, min: i64, max: i64) -> Spans {
    let mut spans = Spans::default();
    for file in files {
        spans.add(rollup.windows(file.time_min_ns.max(min), file.time_max_ns.min(max)));
    }
    spans.bound(MAX_SPANS);
    spans
}

/// The windows of which rows were dropped: up to the first that begins behind all of them.
pub(crate) fn closed(rollup: &Rollup, dropped_until_ns: Option<i64>) -> Span {
    Span::new(i64::MIN, dropped_until_ns.map_or(i64::MIN, |until| rollup.first_from(until)))
}

fn edits(
    state: &State,
    database: &DatabaseEntry,
    table: &Name,
    touched: impl Fn(&Rollup) -> Spans,
    deletion: Option<&Deletion>,
) -> Vec<RollupEdit> {
    let key = (database.clone(), Arc::clone(table));
    let dropped_until_ns = state.tables.get(&key).and_then(|table| table.dropped_until_ns);
    let edits = state.rollups_of(database, table).filter_map(|state| {
        let rollup = &state.rollup;
        let mut touched = touched(rollup);
        touched.remove(closed(rollup, dropped_until_ns));
        let hull = touched.hull()?;
        let shrunk = deletion.map(|deletion| Deletion {
            time_min_ns: hull.start,
            time_max_ns: hull.end.saturating_sub(1),
            tags: deletion.tags.clone(),
        });
        let shrunk = shrunk.into_iter().collect();
        Some(RollupEdit { touched, shrunk, ..RollupEdit::of(database.clone(), Arc::clone(&rollup.target)) })
    });
    edits.collect()
}
