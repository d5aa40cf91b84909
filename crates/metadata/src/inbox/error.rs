//! Why a message does not land in the inbox.

use std::time::Duration;

use sensorium_model::ErrorKind;
use thiserror::Error;

/// A failure of the inbox; names the device or the limit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InboxError {
    /// So many devices wait that another one may not.
    #[error(
        "device {name:?} is not known, and {most} devices are in the inbox already (inbox.devices); adopt or delete some, or add this one to the devices"
    )]
    Full {
        /// What the device calls itself.
        name: String,
        /// How many there may be.
        most: u64,
    },
    /// A message is longer than all that is kept of a device.
    #[error(
        "device {name:?} is not known, and of such a device at most {most} bytes are kept (inbox.bytes), not {bytes}; adopt it first"
    )]
    TooLong {
        /// What the device calls itself.
        name: String,
        /// The length of the message.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// Devices that are not known send more often than they may.
    #[error(
        "device {name:?} is not known, and such devices send more often than {most} times a minute (inbox.per_minute); adopt them, or send later"
    )]
    TooOften {
        /// What the device calls itself.
        name: String,
        /// How often they may.
        most: u32,
        /// When one may again.
        retry_after: Duration,
    },
    /// Somebody wants nothing of this device.
    #[error("device {0:?} is ignored; an editor can change that in the inbox")]
    Ignored(String),
}

impl InboxError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Full { .. } | Self::TooOften { .. } => ErrorKind::Busy,
            Self::TooLong { .. } => ErrorKind::TooLarge,
            Self::Ignored(_) => ErrorKind::Denied,
        }
    }

    /// When another attempt can succeed, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooOften { retry_after, .. } => Some(*retry_after),
            Self::Full { .. } => Some(Duration::from_secs(60)),
            Self::TooLong { .. } | Self::Ignored(_) => None,
        }
    }
}
