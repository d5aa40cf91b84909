//! Limits on what a peer may send and hold. Each has a default, a setting in `[coap]` and an answer that names it.

use serde::{Deserialize, Serialize};

/// Limits of messages, bodies, peers and observers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoapLimits {
    /// Bytes of one message with its header (setting `coap.message_bytes`); told to reliable peers in their CSM.
    pub message_bytes: usize,
    /// Options of one message (setting `coap.options`).
    pub options: usize,
    /// Bytes of the values of one message's options (setting `coap.option_bytes`).
    pub option_bytes: usize,
    /// Bytes of a body that is put together of blocks (setting `coap.body_bytes`).
    pub body_bytes: usize,
    /// The largest block that is sent and asked for (setting `coap.block_bytes`): a power of two from 16 to 1,024.
    pub block_bytes: usize,
    /// Bodies of all peers that are not complete yet (setting `coap.assemblies`).
    pub assemblies: usize,
    /// Bodies of one peer that are not complete yet (setting `coap.assemblies_per_peer`).
    pub assemblies_per_peer: usize,
    /// Bytes of all bodies that are not complete yet (setting `coap.assembly_bytes`).
    pub assembly_bytes: usize,
    /// How long a body waits for its next block, in milliseconds (setting `coap.assembly_ms`).
    pub assembly_ms: u64,
    /// Responses kept for a peer that fetches them in blocks (setting `coap.kept_bodies_per_peer`).
    pub kept_bodies_per_peer: usize,
    /// Bytes of all responses that are kept for that (setting `coap.kept_body_bytes`).
    pub kept_body_bytes: usize,
    /// How long a response is kept after its last block was asked for, in milliseconds (setting `coap.kept_body_ms`).
    pub kept_body_ms: u64,
    /// Peers that something is remembered of (setting `coap.peers`).
    pub peers: usize,
    /// Messages that are remembered of a peer, to know repeats (setting `coap.remembered_messages`).
    pub remembered_messages: usize,
    /// Bytes of all replies that are kept for repeats (setting `coap.remembered_bytes`).
    pub remembered_bytes: usize,
    /// Requests that wait for their answer (setting `coap.exchanges`).
    pub exchanges: usize,
    /// Observers of all peers (setting `coap.observers`).
    pub observers: usize,
    /// Observers of one peer (setting `coap.observers_per_peer`).
    pub observers_per_peer: usize,
    /// Every how many notifications one is to be acknowledged (setting `coap.confirmed_every`).
    pub confirmed_every: u32,
    /// How long the first acknowledgement is waited for, in milliseconds (setting `coap.ack_timeout_ms`); up to half as
    /// much more by chance, and twice as long with each retransmission.
    pub ack_timeout_ms: u64,
    /// How often a message that is not acknowledged is sent again (setting `coap.max_retransmit`).
    pub max_retransmit: u32,
    /// The time over which answers to multicast are spread, in milliseconds (setting `coap.leisure_ms`).
    pub leisure_ms: u64,
    /// Bytes sent to a peer for each byte that came from it, until it has shown that it is where it says (setting
    /// `coap.amplification`); 0 for no limit.
    pub amplification: u32,
    /// After how long a silence a reliable connection is asked for a sign of life, in milliseconds (setting
    /// `coap.keep_alive_ms`); after as long again it is closed.
    pub keep_alive_ms: u64,
}

impl Default for CoapLimits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1_024,
            options: 64,
            option_bytes: 2 * 1_024,
            body_bytes: 4 * 1_024 * 1_024,
            block_bytes: 1_024,
            assemblies: 1_024,
            assemblies_per_peer: 8,
            assembly_bytes: 64 * 1_024 * 1_024,
            assembly_ms: 120_000,
            kept_bodies_per_peer: 8,
            kept_body_bytes: 64 * 1_024 * 1_024,
            kept_body_ms: 60_000,
            peers: 100_000,
            remembered_messages: 64,
            remembered_bytes: 64 * 1_024 * 1_024,
            exchanges: 65_536,
            observers: 100_000,
            observers_per_peer: 256,
            confirmed_every: 16,
            ack_timeout_ms: 2_000,
            max_retransmit: 4,
            leisure_ms: 5_000,
            amplification: 3,
            keep_alive_ms: 120_000,
        }
    }
}
