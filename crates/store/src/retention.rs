//! Keeping rows for a limited time: for readers the limit is exact, files are dropped as a whole once all their rows are
//! too old, and merging leaves out what is too old. Rows that a rollup still needs stay in the files meanwhile.

use std::sync::Arc;
use std::time::Duration;

use sensorium_model::time::NANOS_PER_SECOND;
use sensorium_model::{DatabaseKey, Name};

use crate::deletion::Deletion;
use crate::error::WriteError;
use crate::files::data_file::DataFile;
use crate::manifest::{DatabaseEntry, Edit, RetentionEntry, State, TableEdit};
use crate::shared::Shared;
use crate::table::Table;

/// Rows that are this little too old stay in the files of a table that has rollups, in nanoseconds: a write that began when they
/// were not may still be under way to their window.
const UNDER_WAY_NS: i64 = 60 * NANOS_PER_SECOND;

/// The rows of a table that may leave its files: those that are too old, but no part of a window that a rollup has still to
/// compute, or that rows in memory or to come lie in.
pub(crate) fn droppable(shared: &Shared, state: &State, table: &Table) -> Option<Arc<Deletion>> {
    let expired = shared.expired(table)?;
    let kept_ns = expired.time_max_ns.saturating_add(1);
    let in_memory = table.rows.lock().earliest_in_memory();
    let database = DatabaseEntry::from(&table.database);
    let before = state.rollups_of(&database, &table.name).map(|state| {
        let pending = state.pending.first().map(|span| span.start);
        let needed = pending.into_iter().chain(in_memory).min();
        state.rollup.window_of(needed.map_or(i64::MAX, |needed| needed).min(kept_ns.saturating_sub(UNDER_WAY_NS)))
    });
    match before.min() {
        Some(before) => Some(Arc::new(Deletion::before(before))),
        None => Some(expired),
    }
}

/// Sets for how long rows of a database, or of one of its tables, are kept; durable when it returns.
pub(crate) fn set(
    shared: &Shared,
    key: &DatabaseKey,
    table: Option<&Name>,
    keep: Option<Duration>,
) -> Result<(), WriteError> {
    let database = shared.catalog.get(key).ok_or_else(|| WriteError::MissingDatabase { database: key.clone() })?;
    shared.check_open()?;
    let entry = DatabaseEntry::from(key);
    let mut manifest = shared.manifest.lock();
    let retention = RetentionEntry {
        database: entry.clone(),
        table: table.cloned(),
        keep_seconds: keep.map(|keep| keep.as_secs()),
    };
    let edit = Edit { databases: vec![entry], retention: vec![retention], ..manifest.state().next_edit() };
    shared.commit(&mut manifest, &edit, &[])?;
    database.keep(table, keep);
    drop(manifest);
    shared.compaction.wake();
    Ok(())
}

/// Drops the files of a table whose rows are all too old.
pub(crate) fn drop_expired(shared: &Shared, table: &Table) -> Result<(), WriteError> {
    let old = |expired: &Deletion| -> Vec<Arc<DataFile>> {
        let is_old = |file: &&Arc<DataFile>| expired.covers(file.time_min_ns, file.time_max_ns);
        table.rows.lock().files().iter().filter(is_old).cloned().collect()
    };
    // The manifest is not locked for nothing.
    if shared.expired(table).is_none_or(|expired| old(&expired).is_empty()) {
        return Ok(());
    }
    let mut manifest = shared.manifest.lock();
    let Some(droppable) = droppable(shared, manifest.state(), table) else { return Ok(()) };
    let files = old(&droppable);
    if files.is_empty() {
        return Ok(());
    }
    let edit = TableEdit {
        replaced: files.iter().map(|file| shared.relative(&file.path)).collect(),
        dropped_until_ns: files.iter().map(|file| file.time_max_ns.saturating_add(1)).max(),
        ..manifest.state().table_edit(DatabaseEntry::from(&table.database), table.name.clone())
    };
    let edit = Edit { tables: vec![edit], ..manifest.state().next_edit() };
    shared.commit(&mut manifest, &edit, &[])?;
    table.rows.lock().replace(&files, None);
    tracing::info!(table = %table.name, files = files.len(), "files whose rows are older than they are kept were dropped");
    Ok(())
}
