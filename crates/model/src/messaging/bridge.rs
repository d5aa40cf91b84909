//! Connections of a broker to other brokers.

use std::sync::Arc;

/// A connection to another broker. The numbers count since the broker started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagingBridge {
    /// What it is called.
    pub name: String,
    /// Host and port of the other broker.
    pub address: String,
    /// Whether there is a connection now.
    pub is_connected: bool,
    /// Since when there is one, or none, in milliseconds since the epoch.
    pub since_ms: u64,
    /// What is wrong with it.
    pub error: Option<Arc<str>>,
    /// Messages that wait to go out.
    pub queued: usize,
    /// Messages that went out and were acknowledged, where that is asked for.
    pub sent: u64,
    /// Messages that came in.
    pub received: u64,
    /// Messages that were not taken, on either side.
    pub refused: u64,
    /// Messages that were to go out and found no room.
    pub dropped: u64,
}
