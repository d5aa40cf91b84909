//! What can go wrong with devices and their types.

use std::fmt;
use std::time::Duration;

use sensorium_model::ErrorKind;
use thiserror::Error;

use super::{Device, DeviceState, DeviceType, MAX_PROBLEMS};

/// A failure of the registry.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// The device is not as the request takes it; holds how it is now.
    #[error("device {:?} was changed in the meantime; look at the current state, and send the change again with its version {}", .0.name, .0.version)]
    DeviceChanged(Box<Device>),
    /// The type is not as the request takes it; holds how it is now.
    #[error("device type {:?} was changed in the meantime; look at the current state, and send the change again with its version {}", .0.name, .0.version)]
    TypeChanged(Box<DeviceType>),
    /// The desired state is not as the request takes it; holds how it is now.
    #[error("the desired state of device {:?} was changed in the meantime; look at the current one, and send the change again with its version {}", .0.device, .0.desired.version)]
    StateChanged(Box<DeviceState>),
    /// A device has as many commands before it as it may.
    #[error(
        "{open} commands of this device are queued, or delivered and not answered, and there may be {most} (devices.open_commands); wait until it answers, or until they expire"
    )]
    TooManyOpen {
        /// How many there are.
        open: u64,
        /// How many there may be.
        most: u64,
    },
    /// So many requests wait that another one may not.
    #[error("{0}; ask again without `wait`, or later")]
    TooManyWait(String),
    /// A device reports more often than it may.
    #[error(
        "this device reports more often than {most} times a minute (devices.reports_per_minute); send the newest state later"
    )]
    TooOften {
        /// How often it may.
        most: u32,
        /// When it may again.
        retry_after: Duration,
    },
    /// Something of this name exists.
    #[error("there is a {what} called {name:?} already, and case does not matter; choose another name")]
    NameTaken {
        /// `device` or `device type`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Another device writes under this name.
    #[error("the device {device:?} writes as {writes_as:?} already; give that one another name to write as first")]
    WritesAsTaken {
        /// The name.
        writes_as: String,
        /// The device.
        device: String,
    },
    /// The type that a submission changes is no more.
    #[error("the device type that {0:?} was to change was deleted; return it, or have it submitted as a new type")]
    TypeGone(String),
    /// Devices have the type.
    #[error("{count} devices have this type, such as {}; give them another type first", Listed(.names))]
    TypeInUse {
        /// How many.
        count: u64,
        /// The names of the first ones.
        names: Vec<String>,
    },
    /// Something that was sent breaks a rule.
    #[error("{what}: {rule}")]
    Wrong {
        /// What breaks it.
        what: String,
        /// The rule.
        rule: String,
    },
    /// Lines of a file are wrong; nothing was changed.
    #[error("{} problems in this file, and nothing was changed; `problems` tells the first {}", .0.total, .0.first.len())]
    Import(Problems),
}

impl RegistryError {
    pub(super) fn writes_as_taken(writes_as: &str, device: &str) -> Self {
        Self::WritesAsTaken { writes_as: writes_as.to_owned(), device: device.to_owned() }
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::DeviceChanged(_)
            | Self::TypeChanged(_)
            | Self::StateChanged(_)
            | Self::TooManyOpen { .. }
            | Self::NameTaken { .. }
            | Self::WritesAsTaken { .. }
            | Self::TypeGone(_)
            | Self::TypeInUse { .. } => ErrorKind::Conflict,
            Self::TooManyWait(_) | Self::TooOften { .. } => ErrorKind::Busy,
            Self::Wrong { .. } | Self::Import(_) => ErrorKind::Invalid,
        }
    }
}

/// Something that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineProblem {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong, as a sentence.
    pub problem: String,
}

/// What is wrong in a file: all is counted, the first is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    /// The first ones.
    pub first: Vec<LineProblem>,
    /// How many there are.
    pub total: u64,
}

impl Problems {
    /// Adds one.
    pub fn add(&mut self, line: u64, problem: impl Into<String>) {
        self.total += 1;
        if self.first.len() < MAX_PROBLEMS {
            self.first.push(LineProblem { line, problem: problem.into() });
        }
    }
}

/// Names as they stand in a sentence.
struct Listed<'n>(&'n [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}{name:?}")?;
        }
        Ok(())
    }
}
