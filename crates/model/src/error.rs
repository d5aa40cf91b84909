//! The kinds of failure that a client can tell apart, whatever protocol it speaks.

use std::error::Error;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// What went wrong, from the client's point of view.
///
/// Each edge maps a kind to its own protocol in one table: an HTTP status, an MQTT reason code, a CoAP code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request is malformed or breaks a rule; sending it again unchanged cannot succeed.
    Invalid,
    /// Nobody is signed in, or the credentials are wrong.
    Unauthenticated,
    /// The signed-in principal may not do this.
    Denied,
    /// The thing does not exist, or does not exist for this principal.
    Missing,
    /// The request contradicts what is stored.
    Conflict,
    /// A limit of size or number was exceeded.
    TooLarge,
    /// The server has no room for this now; trying again later can succeed.
    Busy,
    /// The disk is full or may not be written.
    NoSpace,
    /// Stored data failed verification.
    Corrupt,
    /// A defect or a failing environment.
    Internal,
}

impl ErrorKind {
    /// The stable word for this kind that machine-readable error bodies carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unauthenticated => "unauthenticated",
            Self::Denied => "denied",
            Self::Missing => "missing",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::NoSpace => "no_space",
            Self::Corrupt => "corrupt",
            Self::Internal => "internal",
        }
    }
}

/// An error and its causes on one line, for logs.
pub fn chain(error: &(dyn Error + 'static)) -> impl Display {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
