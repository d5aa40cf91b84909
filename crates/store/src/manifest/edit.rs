//! What a version of the manifest says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use sensorium_model::{DatabaseKey, DatabaseName, Name, OrgId, TableSchema};
use serde::{Deserialize, Serialize};

use crate::deletion::Deletion;
use crate::files::checksum::Checksums;
use crate::files::path::version_of;

use super::rollups::{RollupEdit, RollupKey, RollupState};

/// A database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// Of the file's blocks; manifests of format 1 had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) crc32c: Option<Checksums>,
}

impl FileEntry {
    /// The version that named the file first.
    pub(crate) fn version(&self) -> u64 {
        version_of(Path::new(&self.path)).unwrap_or(0)
    }
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

/// A deletion: it holds for the files whose version is lower than its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeletionEntry {
    pub(crate) version: u64,
    #[serde(flatten)]
    pub(crate) deletion: Arc<Deletion>,
}

/// For how long rows are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RetentionEntry {
    pub(crate) database: DatabaseEntry,
    /// The table, or the whole database.
    pub(crate) table: Option<Name>,
    /// For ever, if it is not given.
    pub(crate) keep_seconds: Option<u64>,
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
    /// Paths of files that the new ones replace, and in whose place they stand; without any, the new ones are the newest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) replaced: Vec<String>,
    /// New files of last values, oldest first.
    pub(crate) last: Vec<LastEntry>,
    /// New deletions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) deleted: Vec<DeletionEntry>,
    /// The saved newest values are not true any more, until a file has all of them again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) forget_last: bool,
    /// Rows from before this time were dropped, or may have been, because they were older than they are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dropped_until_ns: Option<i64>,
}

impl TableEdit {
    /// An edit that changes nothing.
    pub(crate) fn of(database: DatabaseEntry, table: Name, schema: TableSchema) -> Self {
        Self {
            database,
            table,
            schema,
            files: Vec::new(),
            replaced: Vec::new(),
            last: Vec::new(),
            deleted: Vec::new(),
            forget_last: false,
            dropped_until_ns: None,
        }
    }
}

/// What a version adds to the one before, or, in a checkpoint, to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edit {
    pub(crate) version: u64,
    /// The newest record of the log whose rows are in files.
    pub(crate) flushed_seq: u64,
    pub(crate) databases: Vec<DatabaseEntry>,
    pub(crate) tables: Vec<TableEdit>,
    /// In a checkpoint, the replaced files that may still be on disk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) retired: Vec<String>,
    /// Changed retentions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) retention: Vec<RetentionEntry>,
    /// Changes of rollups, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rollups: Vec<RollupEdit>,
}

/// A table as the manifest knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TableState {
    pub(crate) schema: TableSchema,
    pub(crate) files: Vec<FileEntry>,
    pub(crate) last: Vec<LastEntry>,
    pub(crate) deletions: Vec<DeletionEntry>,
    /// The newest values must be looked for in the files.
    pub(crate) last_is_unknown: bool,
    /// Rows from before this time may be missing, because they were older than they are kept.
    pub(crate) dropped_until_ns: Option<i64>,
}

/// Everything at one version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct State {
    pub(crate) version: u64,
    pub(crate) flushed_seq: u64,
    pub(crate) databases: BTreeSet<DatabaseEntry>,
    pub(crate) tables: BTreeMap<(DatabaseEntry, Name), TableState>,
    /// Paths of files that were replaced and may still be on disk, because a reader held them.
    pub(crate) retired: BTreeSet<String>,
    pub(crate) retention: BTreeMap<(DatabaseEntry, Option<Name>), u64>,
    pub(crate) rollups: BTreeMap<RollupKey, RollupState>,
}

impl State {
    /// Adds an edit. Files of last values that a full one made needless are returned.
    pub(crate) fn apply(&mut self, edit: &Edit) -> Vec<LastEntry> {
        debug_assert!(edit.version >= self.version && edit.flushed_seq >= self.flushed_seq);
        let mut needless = Vec::new();
        self.version = edit.version;
        self.flushed_seq = edit.flushed_seq;
        self.databases.extend(edit.databases.iter().cloned());
        self.retired.extend(edit.retired.iter().cloned());
        for change in &edit.tables {
            let table = self.tables.entry((change.database.clone(), change.table.clone())).or_default();
            table.schema = change.schema.clone();
            table.replace(&change.replaced, &change.files);
            table.deletions.extend(change.deleted.iter().cloned());
            table.drop_real_deletions();
            table.dropped_until_ns = table.dropped_until_ns.max(change.dropped_until_ns);
            if change.forget_last {
                needless.append(&mut table.last);
                table.last_is_unknown = true;
            }
            self.retired.extend(change.replaced.iter().cloned());
            for last in &change.last {
                if last.full {
                    needless.append(&mut table.last);
                    table.last_is_unknown = false;
                }
                table.last.push(last.clone());
            }
        }
        for entry in &edit.retention {
            let key = (entry.database.clone(), entry.table.clone());
            match entry.keep_seconds {
                Some(seconds) => drop(self.retention.insert(key, seconds)),
                None => drop(self.retention.remove(&key)),
            }
        }
        edit.rollups.iter().for_each(|rollup| rollup.apply(&mut self.rollups));
        needless
    }

    /// The rollups that are computed from a table.
    pub(crate) fn rollups_of<'s>(
        &'s self,
        database: &'s DatabaseEntry,
        table: &'s Name,
    ) -> impl Iterator<Item = &'s RollupState> {
        self.rollups_in(database).filter(move |state| state.rollup.source == *table)
    }

    /// The rollups of a database, by name.
    pub(crate) fn rollups_in<'s>(&'s self, database: &'s DatabaseEntry) -> impl Iterator<Item = &'s RollupState> {
        let from = (database.clone(), Name::from(""));
        self.rollups.range(from..).take_while(move |((of, _), _)| of == database).map(|(_, state)| state)
    }

    /// The next version, with nothing changed.
    pub(crate) fn next_edit(&self) -> Edit {
        Edit {
            version: self.version + 1,
            flushed_seq: self.flushed_seq,
            databases: Vec::new(),
            tables: Vec::new(),
            retired: Vec::new(),
            retention: Vec::new(),
            rollups: Vec::new(),
        }
    }

    /// An edit of a table, with nothing changed.
    pub(crate) fn table_edit(&self, database: DatabaseEntry, table: Name) -> TableEdit {
        let key = (database, table);
        let schema = self.tables.get(&key).map(|state| state.schema.clone()).unwrap_or_default();
        TableEdit::of(key.0, key.1, schema)
    }

    /// Everything as one edit.
    pub(crate) fn checkpoint(&self) -> Edit {
        let table = |((database, table), state): (&(DatabaseEntry, Name), &TableState)| TableEdit {
            files: state.files.clone(),
            last: state.last.clone(),
            deleted: state.deletions.clone(),
            forget_last: state.last_is_unknown,
            dropped_until_ns: state.dropped_until_ns,
            ..TableEdit::of(database.clone(), table.clone(), state.schema.clone())
        };
        let retention = |((database, table), seconds): (&(DatabaseEntry, Option<Name>), &u64)| RetentionEntry {
            database: database.clone(),
            table: table.clone(),
            keep_seconds: Some(*seconds),
        };
        Edit {
            version: self.version,
            flushed_seq: self.flushed_seq,
            databases: self.databases.iter().cloned().collect(),
            tables: self.tables.iter().map(table).collect(),
            retired: self.retired.iter().cloned().collect(),
            retention: self.retention.iter().map(retention).collect(),
            rollups: self.rollups.iter().map(|(key, state)| state.checkpoint(key)).collect(),
        }
    }
}

impl TableState {
    /// Puts files where the newest of those that they replace stood, or behind all others.
    fn replace(&mut self, replaced: &[String], files: &[FileEntry]) {
        let is_replaced = |entry: &FileEntry| replaced.contains(&entry.path);
        let newest = self.files.iter().rposition(is_replaced);
        let at = newest.map_or(self.files.len(), |position| position + 1);
        let behind = self.files.split_off(at);
        self.files.retain(|entry| !is_replaced(entry));
        self.files.extend(files.iter().cloned().chain(behind));
    }

    /// Forgets deletions of which no file has a row any more.
    fn drop_real_deletions(&mut self) {
        let files = &self.files;
        self.deletions.retain(|entry| {
            files.iter().any(|file| {
                file.version() < entry.version && entry.deletion.overlaps(file.time_min_ns, file.time_max_ns)
            })
        });
    }
}
