//! Why the store could not be opened or a write was not stored.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sensorium_model::{DatabaseKey, ErrorKind};
use thiserror::Error;

/// Why a store could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process owns the folder.
    #[error("the data folder {} is in use by process {pid}; stop that process or choose another folder", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
        /// The other process, or "unknown".
        pid: String,
    },
    /// The folder or a file in it may not be written.
    #[error("{} cannot be written; give this user write permission or choose another data folder", path.display())]
    ReadOnly {
        /// What could not be written.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The folder was written by another version, or is no store.
    #[error("{} says format {found:?}, but this version reads {expected:?}; use the version that wrote the folder", path.display())]
    Format {
        /// The file that names the format.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What this version reads.
        expected: &'static str,
    },
    /// The folder holds files that are not the store's.
    #[error("{} is not empty and is no Sensorium store; choose an empty folder", dir.display())]
    NotAStore {
        /// The folder.
        dir: PathBuf,
    },
    /// Stored data failed verification.
    #[error("{} is damaged at byte {offset}: {what}. Nothing was changed. {remedy}", path.display())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// Where in the file, in bytes.
        offset: u64,
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The disk is full.
    #[error("no space left while writing {}; free some space and start again", path.display())]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl OpenError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InUse { .. } => ErrorKind::Conflict,
            Self::ReadOnly { .. } | Self::NoSpace { .. } => ErrorKind::NoSpace,
            Self::Damaged { .. } => ErrorKind::Corrupt,
            Self::Format { .. } | Self::NotAStore { .. } => ErrorKind::Invalid,
            Self::Io { .. } => ErrorKind::Internal,
        }
    }

    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, source },
            _ if is_no_space(&source) => Self::NoSpace { path, source },
            _ => Self::Io { action, path, source },
        }
    }
}

/// Why a write, a flush or the creation of a database failed.
#[derive(Debug, Clone, Error)]
pub enum WriteError {
    /// The database does not exist.
    #[error("database not found: {:?}; create it first", database.name.as_str())]
    MissingDatabase {
        /// The database.
        database: DatabaseKey,
    },
    /// There is no room in memory now.
    #[error(
        "{bytes} bytes of readings wait to be written to disk, and store.memtable_bytes allows {limit}; try again in {} ms",
        retry_after.as_millis()
    )]
    Busy {
        /// Bytes held, this write included.
        bytes: usize,
        /// The bound.
        limit: usize,
        /// When to try again.
        retry_after: Duration,
    },
    /// One batch is larger than the store can ever take.
    #[error("the batch takes {bytes} bytes, and at most {limit} are possible; send it in parts")]
    TooLarge {
        /// Bytes of the batch.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The number of databases is exhausted.
    #[error("there are already {limit} databases; put the readings into a table of one of them")]
    TooManyDatabases {
        /// The limit.
        limit: usize,
    },
    /// The columns of the batch do not fit together: a defect of the decoder.
    #[error("the columns of table {table:?} differ in length or order")]
    Malformed {
        /// The table.
        table: String,
    },
    /// A sync failed earlier: what is on disk is unknown, so nothing more is accepted.
    #[error("the log could not be synced to disk earlier; check the disk and start the server again")]
    Poisoned,
    /// The disk is full.
    #[error("the disk is full, the readings were not stored; free some space and send them again")]
    NoSpace {
        /// The system's answer.
        #[source]
        source: Arc<io::Error>,
    },
    /// The disk is so full that its last room is kept for the store's own work.
    #[error(
        "the disk has {free_bytes} bytes left, and store.disk_reserve_bytes keeps {reserve_bytes} free; free some space, \
         writes are taken again by themselves"
    )]
    Reserve {
        /// What is left.
        free_bytes: u64,
        /// What is kept free.
        reserve_bytes: u64,
    },
    /// The system cannot open another file at this moment.
    #[error("the system has no room for another open file; try again in a moment, or raise the limit (ulimit -n)")]
    Exhausted {
        /// The system's answer.
        #[source]
        source: Arc<io::Error>,
    },
    /// A file could not be written.
    #[error("cannot {action}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The system's answer.
        #[source]
        source: Arc<io::Error>,
    },
    /// A data file could not be encoded.
    #[error("cannot encode {}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// The encoder's answer.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The store is shutting down.
    #[error("the store is shutting down; send the readings again in a moment")]
    Closed,
}

impl WriteError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::MissingDatabase { .. } => ErrorKind::Missing,
            Self::Busy { .. } | Self::Exhausted { .. } | Self::Closed => ErrorKind::Busy,
            Self::TooLarge { .. } | Self::TooManyDatabases { .. } => ErrorKind::TooLarge,
            Self::NoSpace { .. } | Self::Reserve { .. } => ErrorKind::NoSpace,
            Self::Io { source, .. } if is_no_space(source) => ErrorKind::NoSpace,
            Self::Malformed { .. } | Self::Poisoned | Self::Io { .. } | Self::Encode { .. } => ErrorKind::Internal,
        }
    }

    pub(crate) fn io(action: &'static str, source: io::Error) -> Self {
        Self::Io { action, source: Arc::new(source) }
    }
}

/// Whether the process or the system has too much open, or too little memory, at this moment.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    const EXHAUSTED: [rustix::io::Errno; 3] =
        [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE, rustix::io::Errno::NOMEM];
    EXHAUSTED.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// What to do about stored data that is damaged.
pub(crate) const SALVAGE: &str = "Restore the folder from a backup with `sensorium restore`; or run `sensorium store salvage`, \
                                  which keeps everything that is readable and says exactly what is lost";

/// An error and its causes on one line.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        sentence = format!("{sentence}: {error}");
        cause = error.source();
    }
    sentence
}

/// Whether the system says that there is no room on the disk.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
