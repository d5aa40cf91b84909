//! The manifest's files.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sensorium_model::names::TIME_COLUMN;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{Edit, LastEntry, State};
use crate::error::OpenError;
use crate::folder::temporary;
use crate::wal::file::sync_folder;

/// Deltas after which a checkpoint is written.
const CHECKPOINT_EVERY: u64 = 32;

const REMEDY: &str = "Restore the folder from a backup with `sensorium restore`";

/// The format that is written where there are no rollups.
pub(crate) const FORMAT: u32 = 2;

/// The format of files that say something of rollups, and the newest that is read.
const FORMAT_WITH_ROLLUPS: u32 = 3;

#[derive(Serialize, Deserialize)]
struct Checked {
    #[serde(default = "first_format")]
    format: u32,
    crc32c: String,
    edit: Box<RawValue>,
}

/// The format of files that do not say it.
fn first_format() -> u32 {
    1
}

/// The manifest on disk and what it says.
#[derive(Debug)]
pub(crate) struct Manifest {
    folder: PathBuf,
    state: State,
    checkpoint: u64,
}

/// Why a version was not committed.
#[derive(Debug, Error)]
pub(crate) enum CommitError {
    /// The manifest is as it was.
    #[error("cannot write {}", path.display())]
    Failed {
        /// The version's file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The version is there, and nobody knows whether power loss would take it away, or whose it is.
    #[error("cannot sync {}, or another process wrote it", path.display())]
    Unknown {
        /// The version's file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Checkpoint,
    Delta,
}

impl Manifest {
    /// Writes the first version of a new store.
    pub(crate) fn create(folder: &Path) -> Result<(), OpenError> {
        let mut manifest = Self { folder: folder.to_owned(), state: State::default(), checkpoint: 0 };
        let path = manifest.path(0, Kind::Checkpoint);
        match manifest.write_checkpoint() {
            // Left by a start that did not come further.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            result => result.map_err(|source| OpenError::io("write", path, source)),
        }
    }

    /// Reads the newest checkpoint and the deltas behind it.
    pub(crate) fn load(folder: &Path) -> Result<Self, OpenError> {
        let found = list(folder)?;
        let newest = found.iter().filter(|(_, kind, _)| *kind == Kind::Checkpoint).max_by_key(|(version, ..)| *version);
        let Some((checkpoint, _, path)) = newest else {
            return Err(damaged(folder, "the manifest has no checkpoint".to_owned()));
        };
        let mut state = State::default();
        state.apply(&read(path, *checkpoint)?);
        let mut deltas: Vec<_> =
            found.iter().filter(|(version, kind, _)| *kind == Kind::Delta && version > checkpoint).collect();
        deltas.sort_unstable();
        for (version, _, path) in deltas {
            if *version != state.version + 1 {
                return Err(damaged(path, format!("version {} before it is missing", state.version + 1)));
            }
            let edit = read(path, *version)?;
            check_order(path, &state, &edit)?;
            state.apply(&edit);
        }
        Ok(Self { folder: folder.to_owned(), state, checkpoint: *checkpoint })
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Writes everything at this version into another folder, for data files that lie there under the same paths. Files of
    /// newest values are not named: they may hold values of rows that are only in the log.
    pub(crate) fn write_copy(&self, folder: &Path) -> io::Result<()> {
        let mut state = State { retired: BTreeSet::new(), ..self.state.clone() };
        for table in state.tables.values_mut() {
            table.last.clear();
            table.last_is_unknown = true;
        }
        let mut copy = Self { folder: folder.to_owned(), state, checkpoint: 0 };
        copy.write_checkpoint()
    }

    /// Makes the next version durable.
    ///
    /// Returns files of last values that are not needed any more.
    pub(crate) fn commit(&mut self, edit: &Edit) -> Result<Vec<LastEntry>, CommitError> {
        debug_assert_eq!(edit.version, self.state.version + 1);
        let path = self.path(edit.version, Kind::Delta);
        match self.create_once(&path, edit) {
            Ok(()) => Ok(self.state.apply(edit)),
            Err(source) if path.exists() => Err(CommitError::Unknown { path, source }),
            Err(source) => Err(CommitError::Failed { path, source }),
        }
    }

    /// Writes a checkpoint, if it is time, and deletes what it makes needless. Not needed for correctness.
    pub(crate) fn checkpoint_if_due(&mut self) -> io::Result<()> {
        if self.state.version - self.checkpoint < CHECKPOINT_EVERY {
            return Ok(());
        }
        let root = self.root().to_owned();
        self.state.retired.retain(|path| root.join(path).exists());
        self.write_checkpoint()?;
        for (version, kind, path) in list(&self.folder).map_err(io::Error::other)? {
            if version < self.checkpoint || version == self.checkpoint && kind == Kind::Delta {
                std::fs::remove_file(path)?;
            }
        }
        sync_folder(&self.folder)
    }

    fn write_checkpoint(&mut self) -> io::Result<()> {
        self.create_once(&self.path(self.state.version, Kind::Checkpoint), &self.state.checkpoint())?;
        self.checkpoint = self.state.version;
        Ok(())
    }

    /// The store's folder, which the paths of files are relative to.
    fn root(&self) -> &Path {
        self.folder.parent().unwrap_or(&self.folder)
    }

    fn path(&self, version: u64, kind: Kind) -> PathBuf {
        let kind = match kind {
            Kind::Checkpoint => "checkpoint",
            Kind::Delta => "delta",
        };
        self.folder.join(format!("{version:020}.{kind}.json"))
    }

    /// Writes a file whole and durably; fails when there is one of this name.
    fn create_once(&self, path: &Path, edit: &Edit) -> io::Result<()> {
        let format = if edit.rollups.is_empty() { FORMAT } else { FORMAT_WITH_ROLLUPS };
        let text = written(format, serde_json::value::to_raw_value(edit)?)?;
        let temporary = temporary(path);
        let mut file = File::create(&temporary)?;
        file.write_all(&text)?;
        file.sync_all()?;
        let linked = std::fs::hard_link(&temporary, path);
        let _removed = std::fs::remove_file(&temporary);
        linked?;
        sync_folder(&self.folder)
    }
}

fn checksum(text: &str) -> String {
    format!("{:08x}", crc32c::crc32c(text.as_bytes()))
}

fn damaged(path: &Path, what: String) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), offset: 0, what, remedy: REMEDY }
}

/// The bytes of a file whose edit has this text.
pub(crate) fn written(format: u32, edit: Box<RawValue>) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Checked { format, crc32c: checksum(edit.get()), edit })
}

fn read(path: &Path, version: u64) -> Result<Edit, OpenError> {
    let text = std::fs::read(path).map_err(|source| OpenError::io("read", path, source))?;
    let edit = parse(path, &text)?;
    if edit.version != version {
        return Err(damaged(path, format!("it is version {}", edit.version)));
    }
    Ok(edit)
}

/// Fails when an edit takes back what is known to be in files.
pub(crate) fn check_order(path: &Path, state: &State, edit: &Edit) -> Result<(), OpenError> {
    if edit.flushed_seq < state.flushed_seq {
        let (State { version, flushed_seq, .. }, Edit { flushed_seq: less, .. }) = (state, edit);
        let what = format!("its log ends at record {less}, and that of version {version} at {flushed_seq}");
        return Err(damaged(path, what));
    }
    Ok(())
}

/// What the bytes of a file say; the path is only named in errors.
pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<Edit, OpenError> {
    let broken = |error: serde_json::Error| damaged(path, error.to_string());
    let checked: Checked = serde_json::from_slice(text).map_err(broken)?;
    if checked.format > FORMAT_WITH_ROLLUPS {
        let found = checked.format.to_string();
        return Err(OpenError::Format { path: path.to_owned(), found, expected: "1 to 3" });
    }
    if checksum(checked.edit.get()) != checked.crc32c {
        return Err(damaged(path, "its checksum does not match".to_owned()));
    }
    let edit: Edit = serde_json::from_str(checked.edit.get()).map_err(broken)?;
    if let Some(table) = edit.tables.iter().find(|table| table.schema.kind(TIME_COLUMN).is_some()) {
        return Err(damaged(path, format!("table {:?} has a second column {TIME_COLUMN:?}", table.table)));
    }
    // Both are counted on from.
    if edit.version == u64::MAX || edit.flushed_seq == u64::MAX {
        return Err(damaged(path, "its numbers are larger than any store has".to_owned()));
    }
    Ok(edit)
}

/// The versions in the folder; unfinished files are removed.
fn list(folder: &Path) -> Result<Vec<(u64, Kind, PathBuf)>, OpenError> {
    let failed = |source| OpenError::io("read the folder", folder, source);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let (stem, kind) = match (name.strip_suffix(".checkpoint.json"), name.strip_suffix(".delta.json")) {
            (Some(stem), _) => (stem, Kind::Checkpoint),
            (_, Some(stem)) => (stem, Kind::Delta),
            _ if name.ends_with(".json.tmp") => {
                std::fs::remove_file(&path).map_err(|source| OpenError::io("remove", &path, source))?;
                continue;
            }
            _ => continue,
        };
        match stem.parse() {
            Ok(version) => found.push((version, kind, path)),
            Err(_) => return Err(damaged(&path, "its name is not a version".to_owned())),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use sensorium_model::{ColumnKind, FieldType, TableSchema};

    use super::super::{DatabaseEntry, FileEntry, TableEdit};
    use super::*;
    use crate::wal::codec::tests::key;

    fn edit(version: u64) -> Edit {
        let mut schema = TableSchema::default();
        schema.add("f".into(), ColumnKind::Field(FieldType::F64)).unwrap();
        schema.add("t".into(), ColumnKind::Tag).unwrap();
        let database = DatabaseEntry::from(&key());
        let file = FileEntry {
            path: format!("{version}"),
            bytes: 1,
            rows: 2,
            time_min_ns: -3,
            time_max_ns: i64::MAX,
            crc32c: None,
        };
        let last = vec![LastEntry { path: format!("{version}"), bytes: 1, full: version.is_multiple_of(3) }];
        let table = TableEdit { files: vec![file], last, ..TableEdit::of(database.clone(), "x".into(), schema) };
        let before = State { version: version - 1, flushed_seq: version * 10, ..State::default() };
        Edit { databases: vec![database], tables: vec![table], ..before.next_edit() }
    }

    #[test]
    fn versions_survive_with_and_without_checkpoints() {
        let folder = tempfile::tempdir().unwrap();
        Manifest::create(folder.path()).unwrap();
        let mut manifest = Manifest::load(folder.path()).unwrap();
        for version in 1..=CHECKPOINT_EVERY * 2 + 3 {
            manifest.commit(&edit(version)).unwrap();
            manifest.checkpoint_if_due().unwrap();
            let loaded = Manifest::load(folder.path()).unwrap();
            assert_eq!(loaded.state(), manifest.state());
        }
        let table = manifest.state().tables.values().next().unwrap();
        assert_eq!((table.files.len(), table.last.len()), (67, 2));
        assert!(std::fs::read_dir(folder.path()).unwrap().count() <= 4);
    }

    #[test]
    fn new_files_stand_where_the_newest_of_the_replaced_ones_stood() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("manifest");
        std::fs::create_dir(&folder).unwrap();
        Manifest::create(&folder).unwrap();
        let mut manifest = Manifest::load(&folder).unwrap();
        (1..=5).for_each(|version| drop(manifest.commit(&edit(version)).unwrap()));
        let mut merge = edit(6);
        merge.tables[0].replaced = vec!["2".to_owned(), "4".to_owned()];
        manifest.commit(&merge).unwrap();
        // One of the two is still there when the checkpoint is written.
        std::fs::write(folder.parent().unwrap().join("4"), "").unwrap();
        let paths = |manifest: &Manifest| -> Vec<String> {
            let table = manifest.state().tables.values().next().unwrap();
            table.files.iter().map(|file| file.path.clone()).collect()
        };
        assert_eq!(paths(&manifest), ["1", "3", "6", "5"]);
        assert_eq!(Manifest::load(&folder).unwrap().state(), manifest.state());
        (7..=CHECKPOINT_EVERY + 1).for_each(|version| drop(manifest.commit(&edit(version)).unwrap()));
        manifest.checkpoint_if_due().unwrap();
        let loaded = Manifest::load(&folder).unwrap();
        assert_eq!(paths(&loaded)[..4], ["1", "3", "6", "5"]);
        assert_eq!(loaded.state().retired.iter().collect::<Vec<_>>(), ["4"]);
    }

    #[test]
    fn a_version_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        Manifest::create(folder.path()).unwrap();
        let (mut one, mut other) = (Manifest::load(folder.path()).unwrap(), Manifest::load(folder.path()).unwrap());
        one.commit(&edit(1)).unwrap();
        assert!(matches!(other.commit(&edit(1)), Err(CommitError::Unknown { .. })));
        assert_eq!(other.state().version, 0);
    }

    #[test]
    fn damage_and_gaps_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        Manifest::create(folder.path()).unwrap();
        let mut manifest = Manifest::load(folder.path()).unwrap();
        (1..=3).for_each(|version| drop(manifest.commit(&edit(version)).unwrap()));
        let second = manifest.path(2, Kind::Delta);
        let intact = std::fs::read_to_string(&second).unwrap();
        std::fs::write(&second, intact.replace("\"rows\":2", "\"rows\":3")).unwrap();
        let error = Manifest::load(folder.path()).unwrap_err();
        assert!(error.to_string().contains("00000000000000000002.delta.json"), "{error}");
        std::fs::remove_file(&second).unwrap();
        let error = Manifest::load(folder.path()).unwrap_err();
        assert!(error.to_string().contains("version 2 before it is missing"), "{error}");
    }
}
