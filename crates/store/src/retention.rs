//! Keeping rows for a limited time: for readers the limit is exact, files are dropped as a whole once all their rows are
//! too old, and merging leaves out what is too old.

use std::sync::Arc;
use std::time::Duration;

use sensorium_model::{DatabaseKey, Name};

use crate::error::WriteError;
use crate::files::data_file::DataFile;
use crate::manifest::{DatabaseEntry, Edit, RetentionEntry, TableEdit};
use crate::shared::Shared;
use crate::table::Table;

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
    let Some(expired) = shared.expired(table) else { return Ok(()) };
    let is_old = |file: &&Arc<DataFile>| expired.covers(file.time_min_ns, file.time_max_ns);
    let files: Vec<Arc<DataFile>> = table.rows.lock().files().iter().filter(is_old).cloned().collect();
    if files.is_empty() {
        return Ok(());
    }
    let mut manifest = shared.manifest.lock();
    let edit = TableEdit {
        replaced: files.iter().map(|file| shared.relative(&file.path)).collect(),
        ..manifest.state().table_edit(DatabaseEntry::from(&table.database), table.name.clone())
    };
    let edit = Edit { tables: vec![edit], ..manifest.state().next_edit() };
    shared.commit(&mut manifest, &edit, &[])?;
    table.rows.lock().replace(&files, None);
    tracing::info!(table = %table.name, files = files.len(), "files whose rows are older than they are kept were dropped");
    Ok(())
}
