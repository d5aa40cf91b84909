//! What a version of the manifest says.

use std::collections::{BTreeMap, BTreeSet};

use sensorium_model::{DatabaseKey, DatabaseName, Name, OrgId, TableSchema};
use serde::{Deserialize, Serialize};

/// A database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct DatabaseEntry {
    pub(crate) organisation: OrgId,
    pub(crate) name: DatabaseName,
}

impl From<&DatabaseKey> for DatabaseEntry {
    fn from(key: &DatabaseKey) -> Self {
        Self { organisation: key.org, name: key.name.clone() }
    }
}

impl From<&DatabaseEntry> for DatabaseKey {
    fn from(entry: &DatabaseEntry) -> Self {
        Self::new(entry.organisation, entry.name.clone())
    }
}

/// A Parquet file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    /// Path below the store's folder.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    pub(crate) time_min_ns: i64,
    pub(crate) time_max_ns: i64,
}

/// A file of last values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastEntry {
    /// Path below the store's folder.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// Whether it holds all series of the table, so that the files before it are not needed.
    pub(crate) full: bool,
}

/// What changes about a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableEdit {
    pub(crate) database: DatabaseEntry,
    pub(crate) table: Name,
    /// All columns.
    pub(crate) schema: TableSchema,
    /// New files, oldest first.
    pub(crate) files: Vec<FileEntry>,
    /// New files of last values, oldest first.
    pub(crate) last: Vec<LastEntry>,
}

/// What a version adds to the one before, or, in a checkpoint, to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edit {
    pub(crate) version: u64,
    /// The newest record of the log whose rows are in files.
    pub(crate) flushed_seq: u64,
    pub(crate) databases: Vec<DatabaseEntry>,
    pub(crate) tables: Vec<TableEdit>,
}

/// A table as the manifest knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TableState {
    pub(crate) schema: TableSchema,
    pub(crate) files: Vec<FileEntry>,
    pub(crate) last: Vec<LastEntry>,
}

/// Everything at one version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct State {
    pub(crate) version: u64,
    pub(crate) flushed_seq: u64,
    pub(crate) databases: BTreeSet<DatabaseEntry>,
    pub(crate) tables: BTreeMap<(DatabaseEntry, Name), TableState>,
}

impl State {
    /// Adds an edit. Files of last values that a full one made needless are returned.
    pub(crate) fn apply(&mut self, edit: &Edit) -> Vec<LastEntry> {
        debug_assert!(edit.version >= self.version && edit.flushed_seq >= self.flushed_seq);
        let mut needless = Vec::new();
        self.version = edit.version;
        self.flushed_seq = edit.flushed_seq;
        self.databases.extend(edit.databases.iter().cloned());
        for change in &edit.tables {
            let table = self.tables.entry((change.database.clone(), change.table.clone())).or_default();
            table.schema = change.schema.clone();
            table.files.extend(change.files.iter().cloned());
            for last in &change.last {
                if last.full {
                    needless.append(&mut table.last);
                }
                table.last.push(last.clone());
            }
        }
        needless
    }

    /// Everything as one edit.
    pub(crate) fn checkpoint(&self) -> Edit {
        let table = |((database, table), state): (&(DatabaseEntry, Name), &TableState)| TableEdit {
            database: database.clone(),
            table: table.clone(),
            schema: state.schema.clone(),
            files: state.files.clone(),
            last: state.last.clone(),
        };
        Edit {
            version: self.version,
            flushed_seq: self.flushed_seq,
            databases: self.databases.iter().cloned().collect(),
            tables: self.tables.iter().map(table).collect(),
        }
    }
}
