//! Messages by topic and the clients that exchange them, as the rest of the program sees the broker: plain data, and a trait that
//! the broker implements.
//!
//! Everything is of one organisation. Who may see and do it is asked before, with [`Action::ReadMessages`](crate::Action) and
//! [`Action::ManageMessages`](crate::Action); what somebody publishes and reads is bound by their own rights, too, as it would be
//! over the protocol.

mod bridge;
mod trace;

use std::borrow::Cow;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;

use crate::error::ErrorKind;
use crate::ids::{DeviceId, OrgId, TraceId};
use crate::permissions::{ActingDevice, Principal};

pub use bridge::MessagingBridge;
pub use trace::{MessagingTrace, TraceOf, TracedPacket};

/// What takes its time.
pub type MessagingFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A broker of messages.
pub trait Messaging: Send + Sync {
    /// The numbers of an organisation, and where the broker listens.
    fn overview(&self, org: OrgId) -> MessagingOverview;

    /// A page of the clients that are connected or have a session, in the order of their keys.
    fn clients(&self, org: OrgId, wanted: &ClientQuery) -> Vec<MessagingClient>;

    /// A client with what it subscribes to; none when it has neither a connection nor a session.
    fn client(&self, org: OrgId, key: &ClientKey) -> Option<(MessagingClient, Vec<ClientSubscription>)>;

    /// Ends a client's connection, and its session too when that is asked for; whether there was such a client. Waits until it is
    /// sure that a session that nobody is connected to does not come back.
    fn disconnect<'a>(&'a self, org: OrgId, key: &'a ClientKey, with_session: bool) -> MessagingFuture<'a, bool>;

    /// A page of the retained messages whose topics match a filter, in the order of their topics, behind the topic `after`.
    fn retained(
        &self,
        org: OrgId,
        filter: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<TopicMessage>, MessagingError>;

    /// Removes the retained message of a topic, as an empty one that is to be retained does; whether there was one. Waits until it is
    /// sure that it does not come back.
    fn remove_retained<'a>(&'a self, org: OrgId, topic: &'a str) -> MessagingFuture<'a, Result<bool, MessagingError>>;

    /// Takes a message as if its publisher had sent it over the protocol from this address.
    fn publish<'a>(
        &'a self,
        who: &'a Principal,
        peer: IpAddr,
        message: NewTopicMessage,
    ) -> MessagingFuture<'a, Result<Published, MessagingError>>;

    /// Reads the messages whose topics match a filter, from now on.
    fn subscribe(&self, who: &Principal, filter: &str) -> Result<Box<dyn MessageReader>, MessagingError>;

    /// Begins to write down the packets of clients, for so many seconds.
    fn start_trace(&self, org: OrgId, of: TraceOf, seconds: u64) -> Result<MessagingTrace, MessagingError>;

    /// The traces that were begun and not removed, the newest first.
    fn traces(&self, org: OrgId) -> Vec<MessagingTrace>;

    /// A trace with at most so many of its packets, those behind the number `after`.
    fn trace(&self, org: OrgId, id: TraceId, after: u64, limit: usize) -> Option<(MessagingTrace, Vec<TracedPacket>)>;

    /// Ends and forgets a trace; whether there was one.
    fn remove_trace(&self, org: OrgId, id: TraceId) -> bool;
}

/// Reads messages as they come. What waits for it is bounded; what finds no room is counted and gone.
pub trait MessageReader: Send {
    /// The next message, or how many are missing at this point; none when the broker stops. It may be dropped and called again
    /// without losing anything.
    fn next(&mut self) -> MessagingFuture<'_, Option<Heard>>;
}

/// What a reader hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A message.
    Message(TopicMessage),
    /// So many messages came while there was no room for them.
    Missed(u64),
}

/// A message that somebody published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMessage {
    /// Where.
    pub topic: Arc<str>,
    /// 0, 1 or 2, as it was published.
    pub qos: u8,
    /// Whether it is, or was to be, retained.
    pub retain: bool,
    /// What.
    pub payload: Bytes,
    /// What its publisher says that the payload is.
    pub content_type: Option<Arc<str>>,
    /// When nobody is to get it any more, in milliseconds since the epoch.
    pub expires_ms: Option<u64>,
    /// When it was passed on, in milliseconds since the epoch; not known of what is retained.
    pub at_ms: Option<u64>,
    /// The identifier of the client that sent it, when a client did; not known of what is retained.
    pub client_id: Option<Arc<str>>,
}

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopicMessage {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Bytes,
    /// 0, 1 or 2.
    pub qos: u8,
    /// Whether it is to be retained.
    pub retain: bool,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// How many clients it was passed on to, with those that are away; one that shares a subscription may count twice.
    pub receivers: usize,
    /// Whether readings were stored of it, or are kept in the inbox.
    pub stored: bool,
}

/// The numbers of an organisation. Those of messages count since the broker started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessagingOverview {
    /// Where the broker listens.
    pub listeners: Vec<MessagingListener>,
    /// Its connections to other brokers.
    pub bridges: Vec<MessagingBridge>,
    /// Clients that are connected.
    pub connections: usize,
    /// Sessions, with and without a connection.
    pub sessions: usize,
    /// Subscriptions of all sessions.
    pub subscriptions: usize,
    /// Retained messages.
    pub retained: usize,
    /// Bytes of their topics and payloads.
    pub retained_bytes: usize,
    /// Messages that were published.
    pub received: u64,
    /// Messages that were passed on, counted once for each receiver.
    pub sent: u64,
    /// Messages that were not taken.
    pub refused: u64,
    /// Messages that were passed on and found no room in the queue of their receiver.
    pub dropped: u64,
    /// How often a connection was not read for a while because it was over its rate.
    pub limited: u64,
}

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagingListener {
    /// Address and port.
    pub address: String,
    /// How.
    pub transport: Transport,
}

/// What carries the packets of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
    /// WebSocket, with and without TLS.
    WebSocket,
}

impl Transport {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::WebSocket => "websocket",
        }
    }
}

/// Which client; the same when it comes again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientKey {
    /// What it calls itself.
    pub client_id: Arc<str>,
    /// The device that it is; devices share client identifiers with nobody.
    pub device: Option<DeviceId>,
}

/// Which clients to list; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct ClientQuery {
    /// Stands somewhere in the client identifier, or of a client that is connected in the user name, the address or the name of the
    /// device; without regard to case.
    pub search: Option<String>,
    /// Only those that are connected, or only those that are not.
    pub is_connected: Option<bool>,
    /// Only those behind this one.
    pub after: Option<ClientKey>,
    /// At most so many.
    pub limit: usize,
}

/// A client that is connected or has a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagingClient {
    /// Which one.
    pub key: ClientKey,
    /// None for a session whose client is away.
    pub connection: Option<ClientConnection>,
    /// When the connection began, or when it ended, in milliseconds since the epoch.
    pub since_ms: u64,
    /// How long the session outlives a connection, in seconds; `u32::MAX` for ever.
    pub session_expiry_seconds: u32,
    /// When the session ends if the client does not come, in milliseconds since the epoch.
    pub expires_ms: Option<u64>,
    /// Subscriptions.
    pub subscriptions: usize,
    /// Messages that wait for it.
    pub queued: usize,
    /// Messages that were sent to it and that it has not acknowledged.
    pub inflight: usize,
    /// QoS 0 messages for which there was no room.
    pub dropped_qos0: u64,
    /// QoS 1 and 2 messages that were the oldest when there was no room.
    pub dropped_oldest: u64,
    /// Messages that expired before they were sent.
    pub expired_messages: u64,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientConnection {
    /// Where it comes from.
    pub address: IpAddr,
    /// How.
    pub transport: Transport,
    /// The user name that it gave; beside a token, it means nothing.
    pub login: Option<Arc<str>>,
    /// The device that it is, with its name when it connected.
    pub device: Option<Arc<ActingDevice>>,
    /// What it speaks, such as `5.0`.
    pub version: &'static str,
    /// The longest silence that it promised, in seconds; 0 for none.
    pub keep_alive_seconds: u16,
}

/// What a client subscribes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSubscription {
    /// As it was sent.
    pub filter: Arc<str>,
    /// 0, 1 or 2: the highest that it is sent.
    pub qos: u8,
    /// Whether its own messages are left out.
    pub no_local: bool,
    /// Whether it is told of messages that were to be retained.
    pub retain_as_published: bool,
    /// What it was sent of what is retained: 0 for all, 1 for all if the subscription was new, 2 for nothing.
    pub retain_handling: u8,
    /// The number that comes with its messages.
    pub subscription_id: Option<u32>,
}

/// Why a broker did not do something: a kind, and a sentence for whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{sentence}")]
pub struct MessagingError {
    kind: ErrorKind,
    sentence: Cow<'static, str>,
}

impl MessagingError {
    /// An error of a kind; the sentence is shown to whoever asked.
    pub fn new(kind: ErrorKind, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, sentence: sentence.into() }
    }

    /// What was asked for is wrong.
    pub fn invalid(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Invalid, sentence)
    }

    /// The caller may not do this.
    pub fn denied(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Denied, sentence)
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}
