//! Traces: what clients and the broker say to each other, packet by packet and without what the packets carry.

use std::sync::Arc;

use super::ClientKey;
use crate::ids::{DeviceId, TraceId};

/// Whose packets are written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceOf {
    /// Those of one client.
    Client(ClientKey),
    /// Those of all clients that are a device.
    Device(DeviceId),
}

/// A trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagingTrace {
    /// Which one.
    pub id: TraceId,
    /// Whose packets.
    pub of: TraceOf,
    /// When it began, in milliseconds since the epoch.
    pub since_ms: u64,
    /// When it ends, or ended.
    pub until_ms: u64,
    /// Whether it goes on.
    pub is_running: bool,
    /// How many packets were written down.
    pub packets: u64,
    /// How many of them, the oldest, are gone because there is no room for more.
    pub gone: u64,
}

/// A packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedPacket {
    /// Counts from 1 in its trace.
    pub number: u64,
    /// When it came or went, in milliseconds since the epoch.
    pub at_ms: u64,
    /// The client.
    pub client_id: Arc<str>,
    /// Whether the client sent it.
    pub is_from_client: bool,
    /// Its name in the standard; `CLOSED` for the end of the connection.
    pub kind: &'static str,
    /// The number of a message or a request under way.
    pub packet_id: Option<u16>,
    /// The topic of a message, or the filters of a subscription.
    pub topic: Option<Arc<str>>,
    /// 0, 1 or 2, of a message.
    pub qos: Option<u8>,
    /// Whether a message was, or is to be, retained.
    pub retain: bool,
    /// Whether a message may have been sent before.
    pub dup: bool,
    /// The code and the name of its reason.
    pub reason: Option<(u8, &'static str)>,
    /// On the wire.
    pub bytes: usize,
}
