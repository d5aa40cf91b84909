//! From a held moment of a store to a backup.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::copy::copy;
use super::list::{self, List, Listed, own_folder, own_path};
use super::{BackupError, MARK, MARK_FILE, is_backup_folder};
use crate::check::CheckProgress;
use crate::error::OpenError;
use crate::files::checksum::Checksums;
use crate::folder::{FolderLock, Layout, create_folders_durably, write_durably};
use crate::manifest::Manifest;

/// A backup that is being made. Holds the lock of the folder of backups.
pub struct Backup {
    root: PathBuf,
    name: String,
    list: List,
    report: BackupReport,
    /// What earlier backups have, by its path.
    known: HashMap<String, Listed>,
    _lock: FolderLock,
}

/// What a backup has, and what of it was copied now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BackupReport {
    /// Files of the backup.
    pub files: usize,
    /// Rows in its data files.
    pub rows: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Files that earlier backups did not have.
    pub copied_files: usize,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Earlier backups that were removed, because there are enough later ones.
    pub removed: usize,
}

impl Backup {
    /// Begins a backup in a folder of backups, which is made if it is missing. Names sort by time.
    pub fn begin(folder: &Path, name: &str) -> Result<Self, BackupError> {
        let used = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        if used && !is_backup_folder(folder) {
            return Err(BackupError::NotEmpty { folder: folder.to_owned() });
        }
        let Layout { root, .. } = Layout::create(folder)?;
        let mark = root.join(MARK_FILE);
        if !used {
            write_durably(&mark, MARK.as_bytes()).map_err(|source| OpenError::io("write", &mark, source))?;
        }
        let lock = Layout::of(&root)?.lock()?;
        let own = own_folder(&root, name);
        if own.exists() {
            let error = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
            return Err(OpenError::io("create the folder", own, error).into());
        }
        create_folders_durably(&root, &own).map_err(|source| OpenError::io("create the folder", &own, source))?;
        let (whole, begun) = list::names(&root)?;
        // What an interrupted backup left; its copies of data files are used if they are what they should be.
        for name in begun.iter().filter(|begun| *begun != name) {
            remove_folder(&own_folder(&root, name))?;
        }
        let mut known = HashMap::new();
        for name in whole {
            let files = List::read(&root, &name)?.files;
            known.extend(files.into_iter().map(|file| (file.path.clone(), file)));
        }
        let (name, list, report) = (name.to_owned(), List::new(), BackupReport::default());
        Ok(Self { root, name, list, report, known, _lock: lock })
    }

    /// Where files go that are this backup's own; see [`Backup::add`].
    pub fn folder(&self) -> PathBuf {
        own_folder(&self.root, &self.name)
    }

    /// Copies the files of a held moment that earlier backups do not have.
    pub fn copy(&mut self, frozen: &Path, mut progress: impl FnMut(CheckProgress)) -> Result<(), BackupError> {
        let manifest = Manifest::load(&frozen.join("manifest"))?;
        let mut wanted: Vec<(&str, u64, Option<&Checksums>)> = Vec::new();
        for table in manifest.state().tables.values() {
            self.list.rows += table.files.iter().map(|file| file.rows).sum::<u64>();
            wanted.extend(table.files.iter().map(|file| (file.path.as_str(), file.bytes, file.crc32c.as_ref())));
        }
        let mut missing = Vec::new();
        for (path, bytes, crc32c) in wanted {
            match self.known.get(path) {
                Some(known) if known.bytes == bytes && is_same(&frozen.join(path), bytes, crc32c, known)? => {
                    let size = std::fs::metadata(self.root.join(path)).map_or(0, |metadata| metadata.len());
                    if size != bytes {
                        let what = format!("it has {size} bytes, and had {bytes}");
                        return Err(BackupError::Damaged { path: self.root.join(path), what });
                    }
                    self.list.files.push(known.clone());
                }
                Some(_) => return Err(BackupError::Foreign { path: self.root.join(path) }),
                None => missing.push((path, bytes, crc32c)),
            }
        }
        let total_bytes = missing.iter().map(|(_, bytes, _)| bytes).sum();
        let mut done = 0;
        progress(CheckProgress { bytes: 0, total_bytes });
        for (path, bytes, crc32c) in missing {
            let copied = |more: u64| {
                done += more;
                progress(CheckProgress { bytes: done, total_bytes });
            };
            let wanted = crc32c.map(|crc32c| (bytes, crc32c));
            let (bytes, crc32c) = copy(&frozen.join(path), &self.root, &self.root.join(path), wanted, copied)?;
            self.report.copied_files += 1;
            self.report.copied_bytes += bytes;
            self.list.files.push(Listed { path: path.to_owned(), restored: path.to_owned(), bytes, crc32c });
        }
        let folder = frozen.join("manifest");
        let failed = |source| OpenError::io("read the folder", &folder, source);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let file = format!("manifest/{}", entry.map_err(failed)?.file_name().to_string_lossy());
            copy(&frozen.join(&file), &self.root, &self.folder().join(&file), None, |_| {})?;
            self.add(&file)?;
        }
        Ok(())
    }

    /// Takes a file of this name in [`Backup::folder`] into the backup, to be restored under the same name.
    pub fn add(&mut self, file: &str) -> Result<(), BackupError> {
        let path = self.folder().join(file);
        let read = || {
            let file = std::fs::File::open(&path)?;
            file.sync_all()?;
            Checksums::of_file_that_had(&path, file.metadata()?.len())
        };
        let (bytes, crc32c) = read().map_err(|source| OpenError::io("read", &path, source))?;
        self.list.files.push(Listed { path: own_path(&self.name, file), restored: file.to_owned(), bytes, crc32c });
        Ok(())
    }

    /// Ends the backup: now it counts. Then removes the oldest backups beyond `keep`, and the files that only they had.
    pub fn finish(mut self, keep: usize) -> Result<BackupReport, BackupError> {
        let own = self.folder();
        crate::folder::sync_parent(&own.join("backup.json")).map_err(|source| OpenError::io("sync", &own, source))?;
        self.list.write(&self.root, &self.name)?;
        self.report.files = self.list.files.len();
        self.report.rows = self.list.rows;
        self.report.bytes = self.list.bytes();
        let (names, _) = list::names(&self.root)?;
        let surplus = names.len().saturating_sub(keep.max(1));
        let (old, kept) = names.split_at(surplus.min(names.len()));
        for name in old {
            remove_folder(&own_folder(&self.root, name))?;
            self.report.removed += 1;
        }
        let mut needed = HashSet::new();
        for name in kept {
            needed.extend(List::read(&self.root, name)?.files.into_iter().map(|file| self.root.join(file.path)));
        }
        remove_others(&self.root.join("data"), &needed)?;
        Ok(self.report)
    }
}

/// Whether a file is the one that an earlier backup has. Manifests of format 1 have no checksum; then the file is read.
fn is_same(path: &Path, bytes: u64, crc32c: Option<&Checksums>, known: &Listed) -> Result<bool, BackupError> {
    if let Some(crc32c) = crc32c {
        return Ok(*crc32c == known.crc32c);
    }
    let found = Checksums::of_file_that_had(path, bytes).map_err(|source| OpenError::io("read", path, source))?;
    Ok(found.1 == known.crc32c)
}

/// Removes a backup's own files, its list first: then there is no backup that lacks something.
fn remove_folder(folder: &Path) -> Result<(), BackupError> {
    let remove = || {
        match std::fs::remove_file(folder.join("backup.json")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::fs::remove_dir_all(folder)
    };
    Ok(remove().map_err(|source| OpenError::io("remove", folder, source))?)
}

/// Removes files that no backup has.
fn remove_others(folder: &Path, needed: &HashSet<PathBuf>) -> Result<(), BackupError> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |source| OpenError::io("remove what no backup has from", &folder, source);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error).into()),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(entry.path());
            } else if !needed.contains(&entry.path()) {
                std::fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
    }
    Ok(())
}
