//! What can go wrong with groups.

use sensorium_model::ErrorKind;
use thiserror::Error;
use uuid::Uuid;

use super::Group;

/// A failure of groups.
#[derive(Debug, Error)]
pub enum GroupError {
    /// The group is not as the request takes it; holds how it is now.
    #[error("{} was changed in the meantime; look at the current state, and send the change again with its version {}", .0.name, .0.version)]
    Changed(Box<Group>),
    /// Something that a group is to have is not in the organisation.
    #[error("there is no such {what}: {id}; nothing was changed")]
    Unknown {
        /// `person`, `device` or `place`.
        what: &'static str,
        /// What was sent.
        id: Uuid,
    },
}

impl GroupError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Changed(_) => ErrorKind::Conflict,
            Self::Unknown { .. } => ErrorKind::Missing,
        }
    }
}
