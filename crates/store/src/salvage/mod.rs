//! Recovers what is readable from a damaged store that nobody has open, and says exactly what is lost.
//!
//! A plan is made first, which changes nothing. Carrying it out keeps every damaged file: it is linked into a folder
//! `salvaged/<name>/` before anything takes its place. Then the order is that of a flush, so that a crash between any two
//! steps loses nothing more and the command can be given again: files with the rows that are kept, the manifest that names
//! them, the log, and last the damaged files are removed from their places.
//!
//! A log keeps its intact records ([`log`]), a data file its intact row groups ([`file`]). The newest values of a table of
//! which anything may have been lost are forgotten: the next start finds them in the rows.
//!
//! Limit: a damaged manifest cannot be salvaged, because nothing else says which files are to be read and in which order.

mod file;
mod log;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sensorium_model::DatabaseKey;

use crate::check::CheckProgress;
use crate::error::{OpenError, WriteError, sentence};
use crate::files::last_file::read_last;
use crate::files::path::table_folder;
use crate::files::verify::verify;
use crate::folder::{FolderLock, Layout, create_folders_durably, sync_parent};
use crate::manifest::{DatabaseEntry, Edit, FileEntry, Manifest, TableEdit};
use file::{Kept, Target};
use log::LogPlan;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use log::count_intact;

/// Something that is damaged, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The damaged file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub damage: String,
    /// What is kept.
    pub kept: String,
    /// What is lost; nothing, if there is nothing here.
    pub lost: Vec<String>,
}

/// What is to be done about a damaged store. Holds the folder's lock.
pub struct Salvage {
    layout: Layout,
    manifest: Manifest,
    log: LogPlan,
    files: Vec<DamagedFile>,
    /// Tables whose newest values are to be forgotten, and the damaged files of newest values.
    last: BTreeSet<TableKey>,
    damaged_last: Vec<PathBuf>,
    repairs: Vec<Repair>,
    _lock: FolderLock,
}

type TableKey = (DatabaseEntry, sensorium_model::Name);

struct DamagedFile {
    table: TableKey,
    entry: FileEntry,
    kept: Kept,
}

impl Salvage {
    /// Reads everything that the store in a folder has, which no process may have open, and plans what to keep.
    pub fn plan(dir: &Path, mut progress: impl FnMut(CheckProgress)) -> Result<Self, OpenError> {
        let layout = Layout::of(dir)?;
        if layout.is_new()? {
            return Err(OpenError::NotAStore { dir: layout.root });
        }
        let lock = layout.lock()?;
        let manifest = Manifest::load(&layout.manifest)?;
        let state = manifest.state().clone();
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let of_tables = || state.tables.values();
        let file_bytes: u64 = of_tables().flat_map(|table| &table.files).map(|file| file.bytes).sum();
        let last_bytes: u64 = of_tables().flat_map(|table| &table.last).map(|last| last.bytes).sum();
        let log_bytes: u64 = crate::wal::replay::segments(&layout.wal)?.iter().map(|(_, path)| size(path)).sum();
        let total_bytes = file_bytes + last_bytes + log_bytes;
        let mut bytes = 0;
        let mut read = |more: u64| {
            bytes += more;
            progress(CheckProgress { bytes, total_bytes });
        };
        let databases = state.databases.iter().map(DatabaseKey::from).collect();
        let log = LogPlan::make(&layout, databases, state.flushed_seq, |path| read(size(path)))?;
        let mut salvage = Self {
            repairs: log.repairs.clone(),
            log,
            files: Vec::new(),
            last: BTreeSet::new(),
            damaged_last: Vec::new(),
            manifest,
            layout,
            _lock: lock,
        };
        for (key, table) in &state.tables {
            if salvage.log.lost && !table.last.is_empty() {
                // They may hold values of rows that were not in files yet.
                salvage.last.insert(key.clone());
            }
            for entry in &table.files {
                let path = salvage.layout.root.join(&entry.path);
                let verified = verify(&path, entry, &table.schema);
                if !verified.findings.is_empty() {
                    let kept = file::find(&path, entry, &table.schema, &verified);
                    salvage.damaged_file(key, path, entry, kept, &verified.findings);
                }
                read(entry.bytes);
            }
            for entry in &table.last {
                let path = salvage.layout.root.join(&entry.path);
                if let Err(error) = read_last(&path) {
                    salvage.damaged_last(key, path, &error);
                }
                read(entry.bytes);
            }
        }
        Ok(salvage)
    }

    /// What is damaged, and what becomes of it.
    pub fn repairs(&self) -> &[Repair] {
        &self.repairs
    }

    fn damaged_file(&mut self, key: &TableKey, path: PathBuf, entry: &FileEntry, kept: Kept, findings: &[String]) {
        let table = format!("table {:?} of database {}", key.1, key.0.name);
        let unproven = kept.rows > 0 && entry.crc32c.is_none();
        let doubt =
            "; the file is of a format without checksums, so that it is not proven that they are what was written";
        self.repairs.push(Repair {
            path,
            damage: findings.join("; "),
            kept: format!("{} rows{}", kept.rows, if unproven { doubt } else { "" }),
            lost: kept.lost(entry, &table),
        });
        self.last.insert(key.clone());
        self.files.push(DamagedFile { table: key.clone(), entry: entry.clone(), kept });
    }

    fn damaged_last(&mut self, key: &TableKey, path: PathBuf, error: &OpenError) {
        // The error also says what to do, which is being done.
        let damage = match error {
            OpenError::Damaged { what, .. } => what.clone(),
            other => sentence(other),
        };
        let kept = "the newest values are found again in the rows, at the next start".to_owned();
        self.repairs.push(Repair { path: path.clone(), damage, kept, lost: Vec::new() });
        self.last.insert(key.clone());
        self.damaged_last.push(path);
    }

    /// Carries the plan out; the damaged files are then in `salvaged/<name>/`, which is returned. The name must be new.
    pub fn apply(mut self, name: &str) -> Result<PathBuf, OpenError> {
        let folder = self.layout.root.join("salvaged").join(name);
        self.keep_originals(&folder)?;
        self.layout.empty_scratch()?;
        let edit = self.edit()?;
        if edit.databases.is_empty() && edit.tables.is_empty() {
            self.log.write(&self.layout)?;
            return Ok(folder);
        }
        let needless = self
            .manifest
            .commit(&edit)
            .map_err(|error| OpenError::io("write", &self.layout.manifest, std::io::Error::other(error)))?;
        self.log.write(&self.layout)?;
        let files = self.files.iter().map(|file| self.layout.root.join(&file.entry.path));
        for path in files.chain(needless.iter().map(|last| self.layout.root.join(&last.path))) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(OpenError::io("remove", path, error));
                }
                _ => {}
            }
        }
        Ok(folder)
    }

    /// Links all damaged files into a folder of their own, below which they have the paths that they have here.
    fn keep_originals(&self, folder: &Path) -> Result<(), OpenError> {
        let root = &self.layout.root;
        if folder.exists() {
            let error = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
            return Err(OpenError::io("create the folder", folder, error));
        }
        create_folders_durably(root, folder).map_err(|source| OpenError::io("create the folder", folder, source))?;
        let data = self.files.iter().map(|file| root.join(&file.entry.path));
        for path in data.chain(self.damaged_last.iter().cloned()).chain(self.log.originals().cloned()) {
            if !path.exists() {
                continue;
            }
            let kept = folder.join(path.strip_prefix(root).unwrap_or(&path));
            let link = || {
                create_folders_durably(root, kept.parent().unwrap_or(folder))?;
                std::fs::hard_link(&path, &kept)?;
                sync_parent(&kept)
            };
            link().map_err(|source| OpenError::io("keep a copy of", &path, source))?;
        }
        Ok(())
    }

    /// Writes what is kept of the data files, and makes the version of the manifest that names it.
    fn edit(&self) -> Result<Edit, OpenError> {
        let state = self.manifest.state();
        let next = state.next_edit();
        let mut tables = Vec::new();
        for (number, file) in self.files.iter().enumerate() {
            let Some(table) = state.tables.get(&file.table) else { continue };
            let key = DatabaseKey::from(&file.table.0);
            let source = self.layout.root.join(&file.entry.path);
            let target = Target {
                root: &self.layout.root,
                scratch: &self.layout.scratch,
                table: &table_folder(&self.layout.data, &key, &file.table.1),
                version: next.version,
                number,
            };
            let deletions: Vec<_> = table
                .deletions
                .iter()
                .filter(|entry| file.entry.version() < entry.version)
                .map(|entry| Arc::clone(&entry.deletion))
                .collect();
            let written = file.kept.write(&source, &table.schema, &deletions, &target);
            let written = written.map_err(|error: WriteError| {
                OpenError::io("write what is kept of", &source, std::io::Error::other(error))
            })?;
            // One by one: each stands where its original stood in the order of age.
            tables.push(TableEdit {
                files: written.into_iter().collect(),
                replaced: vec![file.entry.path.clone()],
                ..state.table_edit(file.table.0.clone(), file.table.1.clone())
            });
        }
        for (database, table) in &self.last {
            tables.push(TableEdit { forget_last: true, ..state.table_edit(database.clone(), table.clone()) });
        }
        let databases = self.log.databases.iter().map(DatabaseEntry::from).collect();
        Ok(Edit { databases, tables, ..next })
    }
}
