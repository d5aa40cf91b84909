//! What a connection asks for, and the answers that it gets.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::state::Session;
use super::watch::{Seen, Watch};
use crate::mqtt::packet::{Connect, DecodeError, PacketId, SubscriptionOptions};
use crate::mqtt::{Message, ReasonCode, TopicFilter};

/// The number of something whose [`Outcome`] a connection waits for; never used twice by a session.
pub type Ticket = u64;

/// What comes out of a connection. It is for the caller to use again: bytes that were written and actions that were done are
/// taken out, and what the socket does not take yet stays.
#[derive(Debug, Default)]
pub struct Output {
    /// To be written, in their order.
    pub bytes: BytesMut,
    /// To be done, in their order.
    pub actions: Vec<Action>,
    /// Who sees each packet.
    pub watch: Option<Arc<dyn Watch>>,
}

impl Output {
    /// Tells who watches, if anybody does.
    pub(super) fn saw(&self, seen: impl FnOnce() -> Seen) {
        if let Some(watch) = &self.watch {
            watch.saw(seen());
        }
    }
}

/// What the caller is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Find out who this is, and answer with [`Connection::accept`](super::Connection::accept),
    /// [`Connection::refuse`](super::Connection::refuse) or [`Connection::challenge`](super::Connection::challenge). Another
    /// connection with this client identifier is closed first, with [`ReasonCode::SessionTakenOver`] [MQTT-3.1.4-3].
    Connect(Box<Connect>),
    /// Judge the answer to a challenge (section 4.12), or the first data of a client that authenticates again; answers as
    /// above, or [`Connection::authenticated`](super::Connection::authenticated) when the client `is_accepted` already.
    Authenticate {
        /// What the client says.
        data: Option<Bytes>,
        /// Whether the connection was accepted before (section 4.12.1).
        is_accepted: bool,
    },
    /// Check the rights, store, retain and route the message.
    Publish {
        /// The message.
        message: Arc<Message>,
        /// The sender waits for [`Connection::outcome`](super::Connection::outcome); none with QoS 0.
        ticket: Option<Ticket>,
        /// A QoS 2 message of a session that is kept: that it came is to be durable before anything is done with it, and that it
        /// is taken together with what it became.
        received: Option<Begun>,
    },
    /// Make durable that the identifier of a QoS 2 message is free again.
    Release {
        /// The identifier.
        packet_id: PacketId,
        /// The sender waits for [`Connection::outcome`](super::Connection::outcome).
        ticket: Ticket,
    },
    /// Check the rights, and answer with [`Connection::subscribed`](super::Connection::subscribed).
    Subscribe(Vec<Requested>),
    /// The session does not subscribe to this any more.
    Unsubscribe(TopicFilter),
    /// Publish the will.
    PublishWill(Arc<Message>),
    /// The session is over: forget it, and that it subscribes to this.
    EndSession {
        /// What it subscribed to.
        filters: Vec<TopicFilter>,
        /// Whether anything of it is stored.
        was_kept: bool,
    },
    /// Write the bytes and close the socket.
    Close {
        /// Why.
        reason: ReasonCode,
        /// In words, for the device's page.
        text: Cow<'static, str>,
    },
}

/// A QoS 2 message whose identifier survives the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// Its identifier.
    pub packet_id: PacketId,
    /// When it came first, in nanoseconds since the epoch, if that was before the process was killed: the time that it is to be
    /// stored with.
    pub first_ns: Option<i64>,
}

/// What a client wants to subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// The filter; what is wrong with it otherwise, which needs no answer of its own.
    pub filter: Result<TopicFilter, ReasonCode>,
    /// How.
    pub options: SubscriptionOptions,
    /// What comes with its messages.
    pub subscription_id: Option<u32>,
    /// Whether there was none to this filter before, which [`RetainHandling`](crate::mqtt::packet::RetainHandling) asks.
    pub is_new: bool,
}

/// What became of a message or a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is durable, or nobody wants it to be.
    Taken,
    /// It was refused. A client of 3.1.1 cannot be told, so its connection is closed [MQTT-3.3.5-2].
    Refused {
        /// Why.
        reason: ReasonCode,
        /// In words.
        text: Option<Arc<str>>,
    },
}

/// How a client is let in.
#[derive(Debug, Default)]
pub struct Accept {
    /// For a client that left the choice to the server [MQTT-3.1.3-6]: unique. Not used otherwise.
    pub assigned_client_id: Option<Arc<str>>,
    /// The stored session of this client; with clean start it is forgotten [MQTT-3.1.2-4].
    pub session: Option<Session>,
    /// The last word of enhanced authentication.
    pub authentication_data: Option<Bytes>,
    /// A part of topics for responses, for clients that asked for it.
    pub response_information: Option<Arc<str>>,
}

/// Why a connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) reason: ReasonCode,
    pub(super) text: Cow<'static, str>,
}

impl Failure {
    pub(super) fn new(reason: ReasonCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, text: text.into() }
    }

    pub(super) fn protocol(text: &'static str) -> Self {
        Self::new(ReasonCode::ProtocolError, text)
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::new(error.reason(), error.to_string())
    }
}
