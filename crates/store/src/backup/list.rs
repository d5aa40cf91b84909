//! What belongs to a backup.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::BackupError;
use crate::error::OpenError;
use crate::files::checksum::Checksums;
use crate::folder::write_durably;

/// The format of the lists.
const FORMAT: u32 = 1;

/// The folder of the backups' own files, below the folder of all backups.
const FOLDER: &str = "backups";

/// The file of a list.
const FILE: &str = "backup.json";

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    /// Below the folder of all backups.
    pub(super) path: String,
    /// Below the data folder.
    pub(super) restored: String,
    pub(super) bytes: u64,
    pub(super) crc32c: Checksums,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct List {
    pub(super) format: u32,
    /// Rows in data files.
    pub(super) rows: u64,
    pub(super) files: Vec<Listed>,
}

#[derive(Serialize, Deserialize)]
struct Checked {
    crc32c: String,
    backup: Box<RawValue>,
}

impl List {
    pub(super) fn new() -> Self {
        Self { format: FORMAT, rows: 0, files: Vec::new() }
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Writes the list durably: from then on, there is the backup.
    pub(super) fn write(&self, root: &Path, name: &str) -> Result<(), BackupError> {
        let path = own_folder(root, name).join(FILE);
        let failed = |source| OpenError::io("write", &path, source);
        let write = || {
            let backup = serde_json::value::to_raw_value(self)?;
            let checked = Checked { crc32c: checksum(backup.get()), backup };
            write_durably(&path, &serde_json::to_vec(&checked)?)
        };
        Ok(write().map_err(failed)?)
    }

    /// Reads the list of a backup.
    pub(super) fn read(root: &Path, name: &str) -> Result<Self, BackupError> {
        let path = own_folder(root, name).join(FILE);
        let text = std::fs::read(&path).map_err(|source| OpenError::io("read", &path, source))?;
        let broken = |what: String| BackupError::Damaged { path: path.clone(), what };
        let checked: Checked = serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
        if checksum(checked.backup.get()) != checked.crc32c {
            return Err(broken("its checksum does not match".to_owned()));
        }
        let list: Self = serde_json::from_str(checked.backup.get()).map_err(|error| broken(error.to_string()))?;
        if list.format > FORMAT {
            let found = list.format.to_string();
            return Err(OpenError::Format { path, found, expected: "1" }.into());
        }
        let stays_inside =
            |path: &str| Path::new(path).components().all(|component| matches!(component, Component::Normal(_)));
        if let Some(file) = list.files.iter().find(|file| !stays_inside(&file.path) || !stays_inside(&file.restored)) {
            return Err(broken(format!("{:?} is not below the folder", file.path)));
        }
        Ok(list)
    }
}

/// The folder of the files that are one backup's own.
pub(super) fn own_folder(root: &Path, name: &str) -> PathBuf {
    root.join(FOLDER).join(name)
}

/// The path of such a file below the folder of all backups.
pub(super) fn own_path(name: &str, file: &str) -> String {
    format!("{FOLDER}/{name}/{file}")
}

/// The names of the backups that are whole, and of those that are not; oldest first, as their names are times.
pub(super) fn names(root: &Path) -> Result<(Vec<String>, Vec<String>), BackupError> {
    let folder = root.join(FOLDER);
    let failed = |source| OpenError::io("read the folder", &folder, source);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names.into_iter().partition(|name| own_folder(root, name).join(FILE).exists()))
}

fn checksum(text: &str) -> String {
    format!("{:08x}", crc32c::crc32c(text.as_bytes()))
}
