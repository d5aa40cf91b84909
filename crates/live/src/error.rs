//! Why the hub refuses something.

use sensorium_model::ErrorKind;
use thiserror::Error;

/// A refusal that the client is told about.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LiveError {
    /// Too many clients are connected.
    #[error("{limit} live clients are connected already; close one, or raise http.live_clients")]
    Clients {
        /// The limit.
        limit: usize,
    },
    /// The client has too many subscriptions.
    #[error("a client may hold {limit} live subscriptions; unsubscribe from one first, or watch more with table \"*\"")]
    Subscriptions {
        /// The limit.
        limit: usize,
    },
    /// The subscription names too many tags or fields.
    #[error("a live subscription may name {limit} {what}, this one names {found}; leave them out to watch all")]
    Filter {
        /// "tags" or "fields".
        what: &'static str,
        /// The limit.
        limit: usize,
        /// How many were named.
        found: usize,
    },
}

impl LiveError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Clients { .. } => ErrorKind::Busy,
            Self::Subscriptions { .. } | Self::Filter { .. } => ErrorKind::TooLarge,
        }
    }
}
