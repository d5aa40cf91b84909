//! What can go wrong with identities, and what the person can do about it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::DbErr;
use sensorium_model::ErrorKind;
use thiserror::Error;

use crate::people::Person;
use crate::registry::RegistryError;

/// A failure of this crate.
#[derive(Debug, Error)]
pub enum MetadataError {
    /// The login or password is wrong; deliberately does not say which.
    #[error("the login or the password is wrong")]
    WrongCredentials,
    /// The set-up code is wrong.
    #[error("the set-up code is wrong; use the one that the server printed when it last started")]
    WrongSetupCode,
    /// A one-time link does not work; deliberately does not say why.
    #[error(
        "this link does not work: it was used, revoked or replaced, or it is too old; ask an administrator for another one"
    )]
    WrongLink,
    /// There is an administrator already.
    #[error("set-up is done: there is an administrator; sign in instead")]
    SetUpDone,
    /// Someone else has this login.
    #[error("this login is taken; choose another one")]
    LoginTaken,
    /// The person is not, or no longer, as the request takes it; holds how the person is now.
    #[error("{} was changed in the meantime; look at the current state, and send the change again with its version {}", .0.login, .0.version)]
    Changed(Box<Person>),
    /// The request contradicts what is stored; says what to do.
    #[error("{0}")]
    Conflict(&'static str),
    /// Too many failed attempts.
    #[error("too many failed attempts; try again in {} seconds", retry_after.as_secs().max(1))]
    TooManyAttempts {
        /// When the next attempt is heard.
        retry_after: Duration,
    },
    /// The password hashers have more to do than they can.
    #[error("too many people sign in at this moment; try again in a few seconds")]
    Busy,
    /// Something that was sent breaks a rule.
    #[error("{what}: {rule}")]
    Invalid {
        /// What breaks it.
        what: &'static str,
        /// The rule.
        rule: &'static str,
    },
    /// The caller may not do this.
    #[error("{0}")]
    Denied(&'static str),
    /// The thing does not exist in the caller's organisation.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The file was written by a newer version.
    #[error("{} was written by a newer version of Sensorium (its format is {found}, this one knows {known}); use that version, or restore a backup", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The format that was found.
        found: i32,
        /// The newest format that this version knows.
        known: i32,
    },
    /// The file could not be created or opened.
    #[error("cannot open {}; check that the folder exists and may be written", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no database or is damaged.
    #[error("cannot use {} as a database; restore it from a backup, or move it away to start with no users", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: DbErr,
    },
    /// The disk failed or is full while the file was opened.
    #[error("cannot read or write {}; free some space, and check the disk; the file itself is not known to be damaged", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: DbErr,
    },
    /// The disk is full.
    #[error("the disk that holds the metadata is full; free some space")]
    NoSpace(#[source] DbErr),
    /// A statement failed.
    #[error("a statement on the metadata failed")]
    Statement(#[source] DbErr),
    /// A stored password hash cannot be read, or hashing failed.
    #[error("hashing a password failed")]
    Hash(#[source] argon2::password_hash::Error),
    /// Something about devices and their types.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Interrupted(#[source] tokio::task::JoinError),
}

impl MetadataError {
    /// The file could not be used while it was opened. A disk that fails or is full says nothing about the file, so nobody must be
    /// advised to give it up.
    pub(crate) fn opening(path: &Path, source: DbErr) -> Self {
        let path = path.to_owned();
        let text = source.to_string();
        match ["disk I/O error", "database or disk is full", "unable to open"].iter().any(|sign| text.contains(sign)) {
            true => Self::Disk { path, source },
            false => Self::Open { path, source },
        }
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::WrongCredentials | Self::WrongSetupCode | Self::WrongLink => ErrorKind::Unauthenticated,
            Self::SetUpDone | Self::LoginTaken | Self::Changed(_) | Self::Conflict(_) => ErrorKind::Conflict,
            Self::TooManyAttempts { .. } | Self::Busy => ErrorKind::Busy,
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::Denied(_) => ErrorKind::Denied,
            Self::Missing(_) => ErrorKind::Missing,
            Self::TooNew { .. } | Self::Open { .. } => ErrorKind::Corrupt,
            Self::Registry(error) => error.kind(),
            Self::NoSpace(_) | Self::Disk { .. } => ErrorKind::NoSpace,
            Self::Create { .. } | Self::Statement(_) | Self::Hash(_) | Self::Interrupted(_) => ErrorKind::Internal,
        }
    }

    /// When another attempt can succeed, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyAttempts { retry_after } => Some(*retry_after),
            Self::Busy => Some(Duration::from_secs(3)),
            _ => None,
        }
    }
}

impl From<DbErr> for MetadataError {
    fn from(error: DbErr) -> Self {
        // SQLITE_FULL has no variant of its own in SeaORM.
        if error.to_string().contains("database or disk is full") {
            Self::NoSpace(error)
        } else {
            Self::Statement(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_disk_is_no_reason_to_give_up_the_file() {
        let error = |text: &str| MetadataError::opening(Path::new("m.sqlite"), DbErr::Custom(text.to_owned()));
        let full = error("error returned from database: (code: 4874) disk I/O error");
        assert!(!full.to_string().contains("move it away"), "{full}");
        assert_eq!(full.kind(), ErrorKind::NoSpace);
        let broken = error("error returned from database: (code: 26) file is not a database");
        assert!(broken.to_string().contains("move it away"), "{broken}");
    }
}
