//! From a backup to a data folder.

use std::path::Path;

use super::copy::copy;
use super::list::{self, List};
use super::{BackupError, is_backup_folder};
use crate::check::CheckProgress;
use crate::folder::Layout;

/// A backup that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupInfo {
    /// Its name.
    pub name: String,
    /// Its files.
    pub files: usize,
    /// Rows in its data files.
    pub rows: u64,
    /// Bytes of its files.
    pub bytes: u64,
}

/// The backups in a folder, oldest first.
pub fn backups(root: &Path) -> Result<Vec<BackupInfo>, BackupError> {
    if !is_backup_folder(root) {
        return Err(BackupError::NotABackup { folder: root.to_owned() });
    }
    let (names, _) = list::names(root)?;
    names.into_iter().map(|name| List::read(root, &name).map(|list| info(name, &list))).collect()
}

fn info(name: String, list: &List) -> BackupInfo {
    BackupInfo { name, files: list.files.len(), rows: list.rows, bytes: list.bytes() }
}

/// Makes a data folder from a backup: the one of this name, or the newest. The folder must be empty or missing. Each file is
/// compared with its checksum; the folder is no store before all of them are there.
pub fn restore(
    root: &Path,
    name: Option<&str>,
    to: &Path,
    mut progress: impl FnMut(CheckProgress),
) -> Result<BackupInfo, BackupError> {
    if !is_backup_folder(root) {
        return Err(BackupError::NotABackup { folder: root.to_owned() });
    }
    let (names, _) = list::names(root)?;
    let name = match name {
        Some(name) => names.iter().find(|known| *known == name).ok_or_else(|| name.to_owned()),
        None => names.last().ok_or_else(|| "any".to_owned()),
    };
    let name = name.map_err(|name| BackupError::Missing { name, folder: root.to_owned() })?;
    let list = List::read(root, name)?;
    if std::fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(BackupError::NotEmpty { folder: to.to_owned() });
    }
    let layout = Layout::create(to)?;
    let _lock = layout.lock()?;
    layout.create_folders()?;
    let (mut bytes, total_bytes) = (0, list.bytes());
    for file in &list.files {
        let wanted = Some((file.bytes, &file.crc32c));
        copy(&root.join(&file.path), &layout.root, &layout.root.join(&file.restored), wanted, |more| {
            bytes += more;
            progress(CheckProgress { bytes, total_bytes });
        })?;
    }
    // Last: until then, no server takes the folder for a store.
    layout.write_format()?;
    Ok(info(name.clone(), &list))
}
