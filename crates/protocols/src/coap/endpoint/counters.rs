//! What an endpoint counts, for metrics.

/// What has happened; numbers only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Datagrams that came.
    pub datagrams: u64,
    /// Requests that reached the application.
    pub requests: u64,
    /// Messages that had come before.
    pub repeats: u64,
    /// Datagrams that are no message, or none that is understood.
    pub malformed: u64,
    /// Requests that were answered without the application because of what is wrong with them.
    pub refused: u64,
    /// Pings.
    pub pings: u64,
    /// Messages that were sent again.
    pub retransmissions: u64,
    /// Messages that were never acknowledged.
    pub timeouts: u64,
    /// Notifications that were sent.
    pub notifications: u64,
    /// Requests that were answered with an Echo challenge.
    pub challenges: u64,
    /// Responses that were cut or not sent because their peer has not shown where it is.
    pub curtailed: u64,
    /// Peers that were forgotten to make room.
    pub evicted_peers: u64,
}

/// What is held now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gauges {
    /// Peers that something is remembered of.
    pub peers: usize,
    /// Bytes of remembered messages and replies.
    pub remembered_bytes: usize,
    /// Requests that wait for their answer.
    pub exchanges: usize,
    /// Observers.
    pub observers: usize,
    /// Messages that wait for their acknowledgement.
    pub unacknowledged: usize,
    /// Bodies that are not complete yet.
    pub assemblies: usize,
    /// Their bytes.
    pub assembly_bytes: usize,
    /// Bytes of responses that are fetched in blocks.
    pub kept_body_bytes: usize,
}
