//! Limits on what a client may send and hold. Each has a default, a setting in `[mqtt]` and an error that names it.

use serde::{Deserialize, Serialize};

/// Limits of topics, connections, sessions and retained messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MqttLimits {
    /// Bytes of one packet with its header (setting `mqtt.packet_bytes`); told to clients of 5.0 in CONNACK.
    pub packet_bytes: u32,
    /// Bytes of a topic name or a topic filter (setting `mqtt.topic_bytes`); at most 65,535.
    pub topic_bytes: usize,
    /// Levels of a topic name or a topic filter (setting `mqtt.topic_levels`).
    pub topic_levels: usize,
    /// Bytes of a client identifier (setting `mqtt.client_id_bytes`).
    pub client_id_bytes: usize,
    /// User properties of one packet (setting `mqtt.user_properties`).
    pub user_properties: usize,
    /// QoS 1 and 2 messages that a client may have under way to the server (setting `mqtt.receive_maximum`); told to
    /// clients of 5.0 in CONNACK, and with clients of 3.1.1 nothing more is read at this number.
    pub receive_maximum: u16,
    /// Topic aliases that a client may set (setting `mqtt.topic_aliases`), and that the server sets for a client that
    /// takes them.
    pub topic_aliases: u16,
    /// The longest interval without a packet, in seconds (setting `mqtt.keep_alive_seconds`); 0 for as long as the
    /// client wants.
    pub keep_alive_seconds: u16,
    /// How long a connection may take until it is accepted, in milliseconds (setting `mqtt.connect_ms`).
    pub connect_ms: u64,
    /// How long a session is kept without its client, in seconds (setting `mqtt.session_expiry_seconds`).
    pub session_expiry_seconds: u32,
    /// Subscriptions of one session (setting `mqtt.subscriptions_per_session`).
    pub subscriptions_per_session: usize,
    /// QoS 1 and 2 messages that are sent to a client and not acknowledged (setting `mqtt.inflight_messages`).
    pub inflight_messages: u16,
    /// Messages that wait for a client (setting `mqtt.queued_messages`).
    pub queued_messages: usize,
    /// Bytes of topics and payloads that wait for a client (setting `mqtt.queued_bytes`).
    pub queued_bytes: usize,
    /// Bytes that wait for a connection to be written (setting `mqtt.send_buffer_bytes`); beyond them messages wait in
    /// the session's queue.
    pub send_buffer_bytes: usize,
    /// Retained messages of an organisation (setting `mqtt.retained_messages`).
    pub retained_messages: usize,
    /// Bytes of topics and payloads of an organisation's retained messages (setting `mqtt.retained_bytes`).
    pub retained_bytes: usize,
    /// Subscriptions of all sessions of an organisation (setting `mqtt.subscriptions_per_organisation`).
    pub subscriptions_per_organisation: usize,
}

impl Default for MqttLimits {
    fn default() -> Self {
        Self {
            packet_bytes: 1_024 * 1_024,
            topic_bytes: 1_024,
            topic_levels: 32,
            client_id_bytes: 256,
            user_properties: 64,
            receive_maximum: 256,
            topic_aliases: 16,
            keep_alive_seconds: 0,
            connect_ms: 10_000,
            session_expiry_seconds: 30 * 86_400,
            subscriptions_per_session: 1_000,
            inflight_messages: 64,
            queued_messages: 1_000,
            queued_bytes: 4 * 1_024 * 1_024,
            send_buffer_bytes: 256 * 1_024,
            retained_messages: 100_000,
            retained_bytes: 64 * 1_024 * 1_024,
            subscriptions_per_organisation: 1_000_000,
        }
    }
}
