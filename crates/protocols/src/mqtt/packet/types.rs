//! What the packets hold.

use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::mqtt::ReasonCode;
use crate::mqtt::payload;

/// The number of a message under way; never 0 [MQTT-2.2.1-3].
pub type PacketId = NonZeroU16;

/// Names and values that a sender adds, in their order; a name may come more than once.
pub type UserProperties = Vec<(Arc<str>, Arc<str>)>;

/// The version of the protocol that a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Version {
    /// 3.1.1, level 4.
    V3,
    /// 5.0, level 5.
    V5,
}

/// How surely a message is delivered (section 4.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Qos {
    /// QoS 0.
    #[default]
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce,
    /// QoS 2.
    ExactlyOnce,
}

impl Qos {
    /// The QoS of a number; none for 3 [MQTT-3.3.1-4].
    pub fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }

    /// Its number.
    pub fn bits(self) -> u8 {
        self as u8
    }

    /// The reason code of a subscription that was granted this QoS.
    pub fn granted(self) -> ReasonCode {
        match self {
            Self::AtMostOnce => ReasonCode::Success,
            Self::AtLeastOnce => ReasonCode::GrantedQos1,
            Self::ExactlyOnce => ReasonCode::GrantedQos2,
        }
    }
}

/// Any packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// From the client, first.
    Connect(Box<Connect>),
    /// From the server, first.
    ConnAck(Box<ConnAck>),
    /// A message.
    Publish(Box<Publish>),
    /// Of a QoS 1 message.
    PubAck(Ack),
    /// Of a QoS 2 message, first answer.
    PubRec(Ack),
    /// Of a QoS 2 message, from its sender.
    PubRel(Ack),
    /// Of a QoS 2 message, last answer.
    PubComp(Ack),
    /// From the client.
    Subscribe(Box<Subscribe>),
    /// From the server.
    SubAck(Box<SubAck>),
    /// From the client.
    Unsubscribe(Box<Unsubscribe>),
    /// From the server; without reasons in 3.1.1.
    UnsubAck(Box<SubAck>),
    /// From the client.
    PingReq,
    /// From the server.
    PingResp,
    /// The last packet, from either side; only from the client in 3.1.1.
    Disconnect(Box<Disconnect>),
    /// From either side, only in 5.0.
    Auth(Box<Auth>),
}

/// CONNECT (section 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// What the client speaks.
    pub version: Version,
    /// Chosen by the client; empty when the server is to choose.
    pub client_id: Arc<str>,
    /// Whether a stored session is to be forgotten. In 3.1.1 also whether the session ends with the connection.
    pub clean_start: bool,
    /// Seconds; 0 for none.
    pub keep_alive_seconds: u16,
    /// User name.
    pub username: Option<Arc<str>>,
    /// Password.
    pub password: Option<Bytes>,
    /// What is to be published when the connection breaks.
    pub will: Option<Will>,
    /// Seconds that the session outlives its connection; `u32::MAX` for ever. Not in 3.1.1.
    pub session_expiry_seconds: Option<u32>,
    /// QoS 1 and 2 messages that may be under way to the client; 65,535 when absent.
    pub receive_maximum: Option<NonZeroU16>,
    /// Bytes of the largest packet that the client takes.
    pub maximum_packet_bytes: Option<u32>,
    /// The largest topic alias that the client takes; 0 for none.
    pub topic_alias_maximum: u16,
    /// Whether the server may send response information.
    pub request_response_information: bool,
    /// Whether reason strings and user properties may come with other packets than PUBLISH, CONNACK and DISCONNECT.
    pub request_problem_information: bool,
    /// Of enhanced authentication.
    pub authentication_method: Option<Arc<str>>,
    /// Of enhanced authentication.
    pub authentication_data: Option<Bytes>,
    /// User properties.
    pub user_properties: UserProperties,
}

impl Connect {
    /// A connection of a client that asks for nothing in particular.
    pub fn new(version: Version, client_id: &str) -> Self {
        Self {
            version,
            client_id: client_id.into(),
            clean_start: true,
            keep_alive_seconds: 0,
            username: None,
            password: None,
            will: None,
            session_expiry_seconds: None,
            receive_maximum: None,
            maximum_packet_bytes: None,
            topic_alias_maximum: 0,
            request_response_information: false,
            request_problem_information: true,
            authentication_method: None,
            authentication_data: None,
            user_properties: Vec::new(),
        }
    }
}

/// A will (section 3.1.2.5): a message for when the connection breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Will {
    /// Its topic, as it was sent.
    pub topic: Arc<str>,
    /// Its QoS.
    pub qos: Qos,
    /// Whether it is to be retained.
    pub retain: bool,
    /// Seconds between the end of the connection and its publication.
    pub delay_seconds: u32,
    /// Seconds from its publication for which it is worth delivering.
    pub expiry_seconds: Option<u32>,
    /// Its payload and what belongs to it.
    pub content: Content,
}

/// The payload of a message and the properties that go to its subscribers unaltered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The payload.
    #[serde(with = "payload")]
    pub payload: Bytes,
    /// Whether the sender says that the payload is UTF-8 text [MQTT-3.3.2-4].
    pub is_utf8: Option<bool>,
    /// MIME type or anything else [MQTT-3.3.2-20].
    pub content_type: Option<Arc<str>>,
    /// Where a response is expected [MQTT-3.3.2-15].
    pub response_topic: Option<Arc<str>>,
    /// Which request a response belongs to [MQTT-3.3.2-16].
    #[serde(with = "payload::optional")]
    pub correlation_data: Option<Bytes>,
    /// User properties, in their order [MQTT-3.3.2-17], [MQTT-3.3.2-18].
    pub user_properties: UserProperties,
}

impl Content {
    /// A payload and nothing else.
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self { payload: payload.into(), ..Self::default() }
    }
}

/// CONNACK (section 3.2); absent properties are those that the server does not limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnAck {
    /// Whether the session goes on [MQTT-3.2.2-2].
    pub session_present: bool,
    /// Why the connection was accepted or refused.
    pub reason: ReasonCode,
    /// Where it differs from what the client asked for.
    pub session_expiry_seconds: Option<u32>,
    /// QoS 1 and 2 messages that may be under way to the server.
    pub receive_maximum: Option<NonZeroU16>,
    /// The highest QoS that the server offers; absent for 2.
    pub maximum_qos: Option<Qos>,
    /// Whether messages can be retained; absent for yes.
    pub retain_available: Option<bool>,
    /// Bytes of the largest packet that the server takes.
    pub maximum_packet_bytes: Option<u32>,
    /// Chosen by the server.
    pub assigned_client_id: Option<Arc<str>>,
    /// The largest topic alias that the server takes; 0 for none.
    pub topic_alias_maximum: u16,
    /// In words.
    pub reason_string: Option<Arc<str>>,
    /// User properties.
    pub user_properties: UserProperties,
    /// Absent for yes.
    pub wildcard_subscriptions_available: Option<bool>,
    /// Absent for yes.
    pub subscription_ids_available: Option<bool>,
    /// Absent for yes.
    pub shared_subscriptions_available: Option<bool>,
    /// Seconds, where the client is to use others than it asked for [MQTT-3.2.2-21].
    pub server_keep_alive_seconds: Option<u16>,
    /// A part of topics for responses.
    pub response_information: Option<Arc<str>>,
    /// Where to connect instead.
    pub server_reference: Option<Arc<str>>,
    /// Of enhanced authentication.
    pub authentication_method: Option<Arc<str>>,
    /// Of enhanced authentication.
    pub authentication_data: Option<Bytes>,
}

impl ConnAck {
    /// An answer without properties.
    pub fn new(reason: ReasonCode) -> Self {
        Self {
            session_present: false,
            reason,
            session_expiry_seconds: None,
            receive_maximum: None,
            maximum_qos: None,
            retain_available: None,
            maximum_packet_bytes: None,
            assigned_client_id: None,
            topic_alias_maximum: 0,
            reason_string: None,
            user_properties: Vec::new(),
            wildcard_subscriptions_available: None,
            subscription_ids_available: None,
            shared_subscriptions_available: None,
            server_keep_alive_seconds: None,
            response_information: None,
            server_reference: None,
            authentication_method: None,
            authentication_data: None,
        }
    }
}

/// PUBLISH (section 3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Whether it may have been sent before.
    pub dup: bool,
    /// How surely it is delivered.
    pub qos: Qos,
    /// To the server: whether to retain it. To a client: whether it was retained.
    pub retain: bool,
    /// As it was sent, not checked; empty with an alias.
    pub topic: Arc<str>,
    /// Exactly with QoS 1 and 2 [MQTT-2.2.1-2].
    pub packet_id: Option<PacketId>,
    /// A number in the topic's place.
    pub topic_alias: Option<NonZeroU16>,
    /// Seconds for which it is worth delivering.
    pub expiry_seconds: Option<u32>,
    /// Of the subscriptions that it is sent for; only to clients.
    pub subscription_ids: Vec<u32>,
    /// Payload and what belongs to it.
    pub content: Content,
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP (sections 3.4 to 3.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Of the message.
    pub packet_id: PacketId,
    /// Success in 3.1.1.
    pub reason: ReasonCode,
    /// What 5.0 allows to add and is rarely there.
    pub details: Option<Box<(Option<Arc<str>>, UserProperties)>>,
}

impl Ack {
    /// An acknowledgement without words.
    pub fn new(packet_id: PacketId, reason: ReasonCode) -> Self {
        Self { packet_id, reason, details: None }
    }
}

/// What retained messages a new subscription is sent (section 3.8.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RetainHandling {
    /// All that match.
    #[default]
    Send,
    /// All that match, when the subscription is new.
    SendIfNew,
    /// None.
    DoNotSend,
}

/// How a client wants what it subscribes to (section 3.8.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SubscriptionOptions {
    /// At most.
    pub qos: Qos,
    /// Whether the client's own messages are left out [MQTT-3.8.3-3].
    pub no_local: bool,
    /// Whether the retain flag is kept as it was published [MQTT-3.3.1-13].
    pub retain_as_published: bool,
    /// What is sent of what is retained.
    pub retain_handling: RetainHandling,
}

/// A filter of SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribeFilter {
    /// As it was sent, not checked.
    pub filter: Arc<str>,
    /// Only the QoS in 3.1.1.
    pub options: SubscriptionOptions,
}

/// SUBSCRIBE (section 3.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// Of the answer.
    pub packet_id: PacketId,
    /// At least one [MQTT-3.8.3-2].
    pub filters: Vec<SubscribeFilter>,
    /// What comes with messages of these subscriptions: 1 to 268,435,455.
    pub subscription_id: Option<u32>,
    /// User properties.
    pub user_properties: UserProperties,
}

/// SUBACK or UNSUBACK (sections 3.9 and 3.11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubAck {
    /// Of what is answered.
    pub packet_id: PacketId,
    /// One for each filter [MQTT-3.8.4-6]; none in UNSUBACK of 3.1.1.
    pub reasons: Vec<ReasonCode>,
    /// In words.
    pub reason_string: Option<Arc<str>>,
    /// User properties.
    pub user_properties: UserProperties,
}

/// UNSUBSCRIBE (section 3.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Of the answer.
    pub packet_id: PacketId,
    /// At least one [MQTT-3.10.3-2]; as they were sent, not checked.
    pub filters: Vec<Arc<str>>,
    /// User properties.
    pub user_properties: UserProperties,
}

/// DISCONNECT (section 3.14); empty in 3.1.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnect {
    /// Why.
    pub reason: ReasonCode,
    /// Another interval than in CONNECT; only from clients.
    pub session_expiry_seconds: Option<u32>,
    /// In words.
    pub reason_string: Option<Arc<str>>,
    /// User properties.
    pub user_properties: UserProperties,
    /// Where to connect instead; only from the server.
    pub server_reference: Option<Arc<str>>,
}

impl Disconnect {
    /// A disconnection without properties.
    pub fn new(reason: ReasonCode) -> Self {
        Self {
            reason,
            session_expiry_seconds: None,
            reason_string: None,
            user_properties: Vec::new(),
            server_reference: None,
        }
    }
}

/// AUTH (section 3.15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// Success, continue or re-authenticate.
    pub reason: ReasonCode,
    /// The method, the same as in CONNECT [MQTT-4.12.0-5].
    pub method: Option<Arc<str>>,
    /// What the method says.
    pub data: Option<Bytes>,
    /// In words.
    pub reason_string: Option<Arc<str>>,
    /// User properties.
    pub user_properties: UserProperties,
}
