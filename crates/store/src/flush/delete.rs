//! Deleting rows.
//!
//! The rows in memory are flushed first, so that the deletion concerns files only, and exactly those that the manifest names
//! when it notes the deletion: what is written later is not touched. Then the newest values that were deleted are looked for
//! among what is left; until they are saved, the manifest says that they are unknown, and a start looks for them itself.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::deletion::Deletion;
use crate::error::WriteError;
use crate::manifest::{DatabaseEntry, DeletionEntry, Edit, TableEdit};
use crate::requests::Done;
use crate::rollup::touch;
use crate::shared::Shared;
use crate::table::Table;

/// A deletion that was asked for.
pub(crate) struct Delete {
    pub(crate) table: Arc<Table>,
    pub(crate) deletion: Deletion,
    pub(crate) done: oneshot::Sender<Done>,
}

/// Hides the rows of the files, durably, and corrects the newest values. All rows that it concerns are in files.
pub(crate) fn delete(shared: &Shared, table: &Table, deletion: &Deletion) -> Result<(), WriteError> {
    let noted = Arc::new(deletion.clone());
    let mut manifest = shared.manifest.lock();
    let version = manifest.state().version + 1;
    let database = DatabaseEntry::from(&table.database);
    let rollups = touch::by_deletion(manifest.state(), &database, &table.name, deletion);
    let edit = TableEdit {
        deleted: vec![DeletionEntry { version, deletion: Arc::clone(&noted) }],
        forget_last: true,
        ..manifest.state().table_edit(database, table.name.clone())
    };
    let edit = Edit { tables: vec![edit], rollups, ..manifest.state().next_edit() };
    let needless = shared.commit(&mut manifest, &edit, &[])?;
    table.rows.lock().delete(version, noted);
    drop(manifest);
    shared.remove_last(&needless);
    table.forget_deleted(shared, deletion)
}
