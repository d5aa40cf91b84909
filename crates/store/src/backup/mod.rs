//! Copies of a running store in a folder of backups, and back.
//!
//! ```text
//! <folder>/BACKUP                            "sensorium-backup 1"
//! <folder>/data/…                            data files, by the names that they have in the store
//! <folder>/backups/<time>/manifest/…         what is one backup's own: its manifest, and what the server adds
//! <folder>/backups/<time>/backup.json        {"crc32c":"…","backup":{"format":1,"files":[…]}}: what belongs to it
//! ```
//!
//! Data files are never changed and never change their name, so that a backup is the manifest of a moment and the files that
//! it names, of which only those are copied that no earlier backup has. To hold them still meanwhile, the store links
//! them into a folder of their own ([`freeze`]); a copy of the log is not needed, because everything was flushed before. Newest values are not
//! copied: a file of them may hold some of rows that came later. The first start of a restored store finds them in the rows.
//!
//! Invariants:
//! - a backup counts from the moment on that its list is there, which is written last;
//! - what was acknowledged before the moment is in it, as a whole;
//! - each file is compared with the checksum of the manifest when it is copied, and with that of the list when it is restored.

mod copy;
mod freeze;
mod list;
mod restore;
mod write;

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::error::OpenError;

pub use freeze::Frozen;
pub use restore::{BackupInfo, backups, restore};
pub use write::{Backup, BackupReport};

/// The file that makes a folder one of backups.
const MARK_FILE: &str = "BACKUP";

/// What it says.
const MARK: &str = "sensorium-backup 1\n";

/// Why there is no backup, or none was restored.
#[derive(Debug, Error)]
pub enum BackupError {
    /// A file or folder cannot be used.
    #[error(transparent)]
    Folder(#[from] OpenError),
    /// There are no backups in the folder.
    #[error("{} is not a folder of backups that `sensorium backup` made", folder.display())]
    NotABackup {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder is used for something else.
    #[error("{} is not empty; choose an empty folder or a new one", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no such backup.
    #[error("{} does not have the backup {name:?}; `sensorium restore --list` shows those that there are", folder.display())]
    Missing {
        /// The name.
        name: String,
        /// The folder of backups.
        folder: PathBuf,
    },
    /// A file is not what it was.
    #[error("{} is damaged: {what}; `sensorium store check` reads all of a data folder", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The backups are those of another store.
    #[error("{} is of another store, or of one that was restored; choose another folder for the backups of this one", path.display())]
    Foreign {
        /// The file that differs.
        path: PathBuf,
    },
}

fn is_backup_folder(folder: &Path) -> bool {
    std::fs::read_to_string(folder.join(MARK_FILE)).is_ok_and(|text| text == MARK)
}
