//! What can go wrong with identities, and what the person can do about it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::DbErr;
use sensorium_devices::Problem;
use sensorium_model::ErrorKind;
use thiserror::Error;

use crate::classes::Class;
use crate::classes::quotas::QuotaError;
use crate::engine::{Engine, PostgresUrl};
use crate::groups::GroupError;
use crate::inbox::InboxError;
use crate::networks::Network;
use crate::people::Person;
use crate::places::Place;
use crate::registry::RegistryError;

/// A failure of this crate.
#[derive(Debug, Error)]
pub enum MetadataError {
    /// The login or password is wrong; deliberately does not say which.
    #[error("the login or the password is wrong")]
    WrongCredentials,
    /// The password is right, and a code of the second factor is to be sent with it.
    #[error("send a code of your second factor, or a recovery code, with the password")]
    CodeNeeded,
    /// The password is right, the code is not.
    #[error("{0}")]
    WrongCode(&'static str),
    /// The set-up code is wrong.
    #[error("the set-up code is wrong; use the one that the server printed when it last started")]
    WrongSetupCode,
    /// The password is right, and nobody has decided yet whether the person may join.
    #[error("you have asked to join, and no administrator has decided yet; try again later")]
    AwaitsApproval,
    /// A one-time link does not work; deliberately does not say why.
    #[error(
        "this link does not work: it was used, revoked or replaced, or it is too old; ask an administrator for another one"
    )]
    WrongLink,
    /// A link that confirms an e-mail address does not work; deliberately does not say why.
    #[error(
        "this link does not work: it was used or replaced, or it is too old; sign in and ask for another one on the page Account"
    )]
    WrongConfirmation,
    /// A claim link does not work; deliberately does not say why.
    #[error(
        "this claim link does not work: it was used, revoked or replaced, or it is too old; ask whoever manages the device for another one"
    )]
    WrongClaim,
    /// There is an administrator already.
    #[error("set-up is done: there is an administrator; sign in instead")]
    SetUpDone,
    /// Someone else has this login.
    #[error("this login is taken; choose another one")]
    LoginTaken,
    /// The person is not, or no longer, as the request takes it; holds how the person is now.
    #[error("{} was changed in the meantime; look at the current state, and send the change again with its version {}", .0.login, .0.version)]
    Changed(Box<Person>),
    /// The network is not, or no longer, as the request takes it; holds how it is now.
    #[error("{} was changed in the meantime; look at the current state, and send the change again with its version {}", .0.name, .0.version)]
    NetworkChanged(Box<Network>),
    /// The place is not as the request takes it; holds how it is now.
    #[error("{} was changed in the meantime; look at the current state, and send the change again with its version {}", .0.name, .0.version)]
    PlaceChanged(Box<Place>),
    /// The class is not as the request takes it; holds how it is now.
    #[error("{} was changed in the meantime; look at the current state, and send the change again with its version {}", .0.name, .0.version)]
    ClassChanged(Box<Class>),
    /// A quota of the caller's class is used up.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// Something uses the thing; says what.
    #[error("{0}")]
    InUse(String),
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
    /// The tables were written by a newer version.
    #[error(
        "{engine} was written by a newer version of Sensorium (its format is {found}, this one knows {known}); use that version, or restore a backup"
    )]
    TooNew {
        /// Where they are.
        engine: Engine,
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
    /// PostgreSQL could not be used while the metadata was opened.
    #[error(
        "cannot use {url}; check that PostgreSQL runs there, that the user may sign in, and that the database exists and may be changed by this user (metadata.url)"
    )]
    Unreachable {
        /// Where it should be.
        url: PostgresUrl,
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
    /// The key that seals secrets cannot be used; says what to do.
    #[error("the secret key {} cannot be used: {problem}", path.display())]
    SecretKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what helps.
        problem: &'static str,
        /// Why it could not be read or written.
        #[source]
        source: Option<std::io::Error>,
    },
    /// A sealed value does not open, although the key is right.
    #[error("a sealed value of {0} is damaged, or was moved here from another place; set it anew")]
    Sealed(&'static str),
    /// Something stored cannot be understood.
    #[error("a stored {0} cannot be read; a newer version of Sensorium may have written it")]
    Unreadable(&'static str),
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
    /// Something about groups.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// A message of a device that is not known.
    #[error(transparent)]
    Inbox(#[from] InboxError),
    /// A template that was submitted cannot be used; holds what is wrong with it.
    #[error("the template cannot be used: {}", Listed(.0))]
    Template(Vec<Problem>),
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Interrupted(#[source] tokio::task::JoinError),
}

/// The first problem, and how many more there are.
struct Listed<'p>(&'p [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, more)) = self.0.split_first() else { return Ok(()) };
        first.fmt(f)?;
        if more.is_empty() { Ok(()) } else { write!(f, "; and {} more in `template_problems`", more.len()) }
    }
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
            Self::WrongClaim
            | Self::WrongConfirmation
            | Self::WrongCredentials
            | Self::CodeNeeded
            | Self::WrongCode(_)
            | Self::WrongSetupCode
            | Self::WrongLink => ErrorKind::Unauthenticated,
            Self::SetUpDone | Self::LoginTaken | Self::Changed(_) | Self::NetworkChanged(_) | Self::Conflict(_) => {
                ErrorKind::Conflict
            }
            Self::PlaceChanged(_) | Self::ClassChanged(_) | Self::InUse(_) => ErrorKind::Conflict,
            Self::Quota(error) => error.kind(),
            Self::TooManyAttempts { .. } | Self::Busy => ErrorKind::Busy,
            Self::Invalid { .. } | Self::Template(_) => ErrorKind::Invalid,
            Self::Denied(_) | Self::AwaitsApproval => ErrorKind::Denied,
            Self::Missing(_) => ErrorKind::Missing,
            Self::TooNew { .. }
            | Self::Open { .. }
            | Self::SecretKey { .. }
            | Self::Sealed(_)
            | Self::Unreadable(_) => ErrorKind::Corrupt,
            Self::Registry(error) => error.kind(),
            Self::Group(error) => error.kind(),
            Self::Inbox(error) => error.kind(),
            Self::NoSpace(_) | Self::Disk { .. } => ErrorKind::NoSpace,
            Self::Create { .. }
            | Self::Unreachable { .. }
            | Self::Statement(_)
            | Self::Hash(_)
            | Self::Interrupted(_) => ErrorKind::Internal,
        }
    }

    /// When another attempt can succeed, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyAttempts { retry_after }
            | Self::Quota(QuotaError::Points { retry_after, .. })
            | Self::Registry(RegistryError::TooOften { retry_after, .. }) => Some(*retry_after),
            Self::Inbox(error) => error.retry_after(),
            Self::Busy => Some(Duration::from_secs(3)),
            _ => None,
        }
    }
}

impl From<DbErr> for MetadataError {
    fn from(error: DbErr) -> Self {
        // A full disk has no variant of its own in SeaORM; the signs are those of SQLite and of PostgreSQL.
        let text = error.to_string();
        match ["database or disk is full", "No space left on device"].iter().any(|sign| text.contains(sign)) {
            true => Self::NoSpace(error),
            false => Self::Statement(error),
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
