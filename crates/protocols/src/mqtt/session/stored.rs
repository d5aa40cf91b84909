//! What of a session is stored, piece by piece, so that a message more or less does not write the others again.

use std::sync::Arc;

use super::state::Head;
use crate::mqtt::Delivery;
use crate::mqtt::packet::{PacketId, Qos};

/// Everything that is stored of a session.
#[derive(Debug)]
pub struct Stored {
    /// The session without its messages.
    pub head: Head,
    /// Messages to the client, in the order of their numbers.
    pub messages: Vec<StoredMessage>,
    /// QoS 2 messages of the client whose identifiers are taken.
    pub received: Vec<Received>,
}

/// A message to the client that waits or is under way.
#[derive(Debug)]
pub struct StoredMessage {
    /// Its number in the session; messages are sent in the order of their numbers.
    pub number: u64,
    /// The message; none when only PUBREL is still to be answered.
    pub delivery: Option<Delivery>,
    /// Its identifier, when it was sent.
    pub sent: Option<PacketId>,
}

/// A QoS 2 message of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Its identifier.
    pub packet_id: PacketId,
    /// When it came first, in nanoseconds since the epoch.
    pub received_ns: i64,
    /// Whether it was taken; otherwise nobody knows.
    pub is_taken: bool,
}

/// What changed of a session that is kept.
#[derive(Debug, Default)]
pub struct Changes {
    /// The session without its messages, when it is not as it was.
    pub head: Option<Box<Head>>,
    /// Of the messages to the client, in their order.
    pub messages: Vec<Change>,
    /// Whether what was written by the connection since must not be sent before the changes are durable.
    pub is_awaited: bool,
}

/// What became of a message to the client.
#[derive(Debug, Clone)]
pub enum Change {
    /// It waits.
    Queued {
        /// Its number.
        number: u64,
        /// The message.
        delivery: Delivery,
    },
    /// It is sent with this identifier.
    Sent {
        /// Its number.
        number: u64,
        /// Its identifier.
        packet_id: PacketId,
        /// Its quality of service.
        qos: Qos,
    },
    /// The client has it; PUBREL is still to be answered.
    Released {
        /// Its number.
        number: u64,
        /// Its identifier.
        packet_id: PacketId,
    },
    /// It is delivered, or dropped.
    Done {
        /// Its number.
        number: u64,
    },
}

impl Change {
    /// Of the message.
    pub fn number(&self) -> u64 {
        match self {
            Self::Queued { number, .. }
            | Self::Sent { number, .. }
            | Self::Released { number, .. }
            | Self::Done { number } => *number,
        }
    }

    /// A client that gets a QoS 2 message must not get it again under another identifier, and one that got PUBREL must not get
    /// the message again. A QoS 1 message may come twice.
    pub(super) fn is_awaited(&self) -> bool {
        match self {
            Self::Sent { qos, .. } => *qos == Qos::ExactlyOnce,
            Self::Released { .. } => true,
            Self::Queued { .. } | Self::Done { .. } => false,
        }
    }
}

impl Head {
    /// Whose session it is.
    pub fn client_id(&self) -> &Arc<str> {
        &self.client_id
    }

    /// How many subscriptions it has.
    pub fn subscriptions(&self) -> usize {
        self.subscriptions.len()
    }
}
