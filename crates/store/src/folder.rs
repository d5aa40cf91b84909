//! The store's own folder: who may use it, and which version wrote it.
//!
//! ```text
//! <dir>/LOCK       locked while a process has the store open; holds its id
//! <dir>/FORMAT     "sensorium-store 1": written last when the folder is made, so that it vouches for the rest
//! <dir>/wal/       the log
//! <dir>/manifest/  which files make up each table
//! <dir>/data/      Parquet files and last values
//! <dir>/tmp/       a merged file while it is written; emptied at start
//! <dir>/salvaged/  damaged files that were replaced by what is readable of them
//! ```

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::error::OpenError;
use crate::wal::file::sync_folder;

/// What `FORMAT` says.
const FORMAT: &str = "sensorium-store 1";

/// The paths of a store's parts.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
    pub(crate) wal: PathBuf,
    pub(crate) manifest: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) scratch: PathBuf,
}

/// Keeps other processes out of the folder until it is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl Layout {
    /// Makes the root folder, if it is missing.
    pub(crate) fn create(root: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::io("create the folder", root, source);
        // Readings are nobody else's business: only a folder that is there keeps the rights that it has.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(failed)?;
        // From here on it does not matter where the process is.
        Self::of(root)
    }

    /// The parts of a root folder that exists.
    pub(crate) fn of(root: &Path) -> Result<Self, OpenError> {
        let root = root.canonicalize().map_err(|source| OpenError::io("find the folder", root, source))?;
        Ok(Self {
            wal: root.join("wal"),
            manifest: root.join("manifest"),
            data: root.join("data"),
            scratch: root.join("tmp"),
            root,
        })
    }

    /// Locks the folder.
    pub(crate) fn lock(&self) -> Result<FolderLock, OpenError> {
        let path = self.root.join("LOCK");
        let failed = |source| OpenError::io("lock", &path, source);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _read = file.take(20).read_to_string(&mut pid);
                let pid = if pid.trim().is_empty() { "unknown" } else { pid.trim() };
                return Err(OpenError::InUse { dir: self.root.clone(), pid: pid.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(FolderLock { _file: file })
    }

    /// Checks the version of the folder; true if the folder is new, and then `FORMAT` is still to be written.
    pub(crate) fn is_new(&self) -> Result<bool, OpenError> {
        let path = self.root.join("FORMAT");
        match std::fs::read_to_string(&path) {
            Ok(found) if found.trim() == FORMAT => Ok(false),
            Ok(found) => {
                let found = found.lines().next().unwrap_or_default().chars().take(80).collect();
                Err(OpenError::Format { path, found, expected: FORMAT })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                for part in [&self.wal, &self.data] {
                    if std::fs::read_dir(part).is_ok_and(|mut entries| entries.next().is_some()) {
                        return Err(OpenError::NotAStore { dir: self.root.clone() });
                    }
                }
                Ok(true)
            }
            Err(source) => Err(OpenError::io("read", path, source)),
        }
    }

    /// Makes the folders of a new store.
    pub(crate) fn create_folders(&self) -> Result<(), OpenError> {
        for part in [&self.wal, &self.manifest, &self.data] {
            std::fs::create_dir_all(part).map_err(|source| OpenError::io("create", part, source))?;
        }
        // The folder above may belong to somebody else; then its entry is theirs to care for.
        let _synced = sync_parent(&self.root);
        sync_folder(&self.root).map_err(|source| OpenError::io("sync", &self.root, source))
    }

    /// Makes an empty folder for files that are being written.
    pub(crate) fn empty_scratch(&self) -> Result<(), OpenError> {
        let failed = |source| OpenError::io("empty", &self.scratch, source);
        match std::fs::remove_dir_all(&self.scratch) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => std::fs::create_dir(&self.scratch).map_err(failed),
        }
    }

    /// Declares the folder a store, after everything else in it is made.
    pub(crate) fn write_format(&self) -> Result<(), OpenError> {
        let path = self.root.join("FORMAT");
        let failed = |source| OpenError::io("write", &path, source);
        write_durably(&path, format!("{FORMAT}\n").as_bytes()).map_err(failed)
    }
}

/// Writes a file so that it is there whole or not at all, even after power loss; replaces one of the same name.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary(path);
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    sync_parent(path)
}

/// The name of a file while it is being written.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    path.with_file_name(name)
}

/// Brings the entry of a file in its folder to disk.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes a folder below another, with each new entry on disk.
pub(crate) fn create_folders_durably(below: &Path, folder: &Path) -> io::Result<()> {
    if folder.is_dir() || folder == below {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folders_durably(below, parent)?;
    }
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_parent(folder),
    }
}
