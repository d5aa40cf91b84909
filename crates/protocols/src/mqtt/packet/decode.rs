//! Reads packets from a buffer that fills up.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use super::cursor::{Cursor, variable};
use super::properties::{self, Properties};
use super::types::{
    Ack, Auth, ConnAck, Connect, Content, Disconnect, Packet, Publish, Qos, RetainHandling, SubAck, Subscribe,
    SubscribeFilter, SubscriptionOptions, Unsubscribe, Version, Will,
};
use crate::mqtt::{MqttLimits, ReasonCode};

/// Why the bytes are no packet; the connection cannot go on [MQTT-4.13.1-1].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// It cannot be read.
    #[error("malformed packet: {0}")]
    Malformed(&'static str),
    /// It can be read and must not be like that.
    #[error("protocol error: {0}")]
    Protocol(&'static str),
    /// CONNECT of another version [MQTT-3.1.2-2].
    #[error("only MQTT 3.1.1 and 5.0 are spoken here")]
    Version,
    /// [MQTT-3.3.2-8]
    #[error("a topic alias is never 0")]
    TopicAlias,
    /// Larger than is allowed.
    #[error("the packet has {bytes} bytes; at most {limit} are allowed (setting mqtt.packet_bytes)")]
    TooLarge {
        /// Of the packet.
        bytes: u64,
        /// That are allowed.
        limit: u32,
    },
    /// More user properties than are allowed.
    #[error("the packet has more than {limit} user properties (setting mqtt.user_properties)")]
    TooManyProperties {
        /// That are allowed.
        limit: usize,
    },
}

impl DecodeError {
    /// The reason code that the sender is told.
    pub fn reason(&self) -> ReasonCode {
        match self {
            Self::Malformed(_) => ReasonCode::MalformedPacket,
            Self::Protocol(_) => ReasonCode::ProtocolError,
            Self::Version => ReasonCode::UnsupportedProtocolVersion,
            Self::TopicAlias => ReasonCode::TopicAliasInvalid,
            Self::TooLarge { .. } => ReasonCode::PacketTooLarge,
            Self::TooManyProperties { .. } => ReasonCode::ImplementationSpecific,
        }
    }
}

/// Reads the packets of one direction of a connection.
#[derive(Debug, Clone)]
pub struct Decoder {
    /// Not known before CONNECT.
    version: Option<Version>,
    packet_bytes: u32,
    user_properties: usize,
}

impl Decoder {
    /// Reads what a client sends: first CONNECT, which names the version [MQTT-3.1.0-1].
    pub fn new(limits: &MqttLimits) -> Self {
        Self { version: None, packet_bytes: limits.packet_bytes, user_properties: limits.user_properties }
    }

    /// Reads packets of a version, in any order.
    pub fn with_version(version: Version, limits: &MqttLimits) -> Self {
        Self { version: Some(version), ..Self::new(limits) }
    }

    /// The version of the connection, as soon as it is known.
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// Takes the next packet out of the buffer; none when its end is missing.
    ///
    /// After an error nothing more can be read, because where the next packet begins is not known.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Packet>, DecodeError> {
        let Some((first, rest)) = buffer.split_first() else { return Ok(None) };
        let first = *first;
        if self.version.is_none() && first != 0x10 {
            return Err(DecodeError::Protocol("the first packet is CONNECT"));
        }
        let Some((length, length_bytes)) = variable(rest)? else { return Ok(None) };
        let header = 1 + length_bytes;
        let bytes = header as u64 + u64::from(length);
        if bytes > u64::from(self.packet_bytes) {
            return Err(DecodeError::TooLarge { bytes, limit: self.packet_bytes });
        }
        let total = header + length as usize;
        let Some(body) = buffer.get(header..total) else { return Ok(None) };
        let mut cursor = Cursor::new(body);
        let packet = self.packet(first, &mut cursor)?;
        if !cursor.is_empty() {
            return Err(DecodeError::Malformed("it is longer than what it holds"));
        }
        if let Packet::Connect(connect) = &packet {
            self.version = Some(connect.version);
        }
        buffer.advance(total);
        Ok(Some(packet))
    }

    fn packet(&self, first: u8, body: &mut Cursor<'_>) -> Result<Packet, DecodeError> {
        let is_v5 = self.version == Some(Version::V5);
        // The flags of all other types have one value [MQTT-2.1.3-1].
        Ok(match first {
            0x10 => Packet::Connect(Box::new(self.connect(body)?)),
            0x20 => Packet::ConnAck(Box::new(self.connack(body, is_v5)?)),
            0x30..=0x3f => Packet::Publish(Box::new(self.publish(first, body, is_v5)?)),
            0x40 => Packet::PubAck(self.ack(body, is_v5)?),
            0x50 => Packet::PubRec(self.ack(body, is_v5)?),
            0x62 => Packet::PubRel(self.ack(body, is_v5)?),
            0x70 => Packet::PubComp(self.ack(body, is_v5)?),
            0x82 => Packet::Subscribe(Box::new(self.subscribe(body, is_v5)?)),
            0x90 => Packet::SubAck(Box::new(self.suback(body, is_v5, true)?)),
            0xa2 => Packet::Unsubscribe(Box::new(self.unsubscribe(body, is_v5)?)),
            0xb0 => Packet::UnsubAck(Box::new(self.suback(body, is_v5, is_v5)?)),
            0xc0 => Packet::PingReq,
            0xd0 => Packet::PingResp,
            0xe0 => Packet::Disconnect(Box::new(self.disconnect(body, is_v5)?)),
            0xf0 if is_v5 => Packet::Auth(Box::new(self.auth(body)?)),
            _ => return Err(DecodeError::Malformed("its type or its flags are reserved")),
        })
    }

    fn properties(&self, body: &mut Cursor<'_>, allowed: &[u8], is_v5: bool) -> Result<Properties, DecodeError> {
        match is_v5 {
            true => Properties::read(body, allowed, self.user_properties),
            false => Ok(Properties::default()),
        }
    }

    fn connect(&self, body: &mut Cursor<'_>) -> Result<Connect, DecodeError> {
        if body.binary()? != b"MQTT" {
            return Err(DecodeError::Version);
        }
        let version = match body.u8()? {
            4 => Version::V3,
            5 => Version::V5,
            _ => return Err(DecodeError::Version),
        };
        let is_v5 = version == Version::V5;
        let flags = body.u8()?;
        if flags & 1 != 0 {
            return Err(DecodeError::Malformed("the reserved flag of CONNECT is set")); // [MQTT-3.1.2-3]
        }
        let keep_alive_seconds = body.u16()?;
        let properties = self.properties(body, properties::CONNECT, is_v5)?;
        if properties.authentication_data.is_some() && properties.authentication_method.is_none() {
            return Err(DecodeError::Protocol("authentication data comes with a method"));
        }
        let client_id = body.text()?;
        let will = match flags >> 2 & 1 {
            1 => Some(self.will(flags, body, is_v5)?),
            // [MQTT-3.1.2-11], [MQTT-3.1.2-13]
            _ if flags >> 3 & 7 != 0 => return Err(DecodeError::Malformed("flags of a will without a will")),
            _ => None,
        };
        let username = match flags >> 7 {
            1 => Some(body.text()?),
            _ => None,
        };
        let password = match flags >> 6 & 1 {
            // 3.1.1, [MQTT-3.1.2-22]
            1 if !is_v5 && username.is_none() => {
                return Err(DecodeError::Malformed("a password without a user name, in MQTT 3.1.1"));
            }
            1 => Some(body.bytes()?),
            _ => None,
        };
        Ok(Connect {
            version,
            client_id,
            clean_start: flags >> 1 & 1 == 1,
            keep_alive_seconds,
            username,
            password,
            will,
            session_expiry_seconds: properties.session_expiry,
            receive_maximum: properties.receive_maximum,
            maximum_packet_bytes: properties.maximum_packet,
            topic_alias_maximum: properties.topic_alias_maximum.unwrap_or_default(),
            request_response_information: properties.request_response.unwrap_or_default(),
            request_problem_information: properties.request_problem.unwrap_or(true),
            authentication_method: properties.authentication_method,
            authentication_data: properties.authentication_data,
            user_properties: properties.user,
        })
    }

    fn will(&self, flags: u8, body: &mut Cursor<'_>, is_v5: bool) -> Result<Will, DecodeError> {
        let qos = Qos::from_bits(flags >> 3 & 3).ok_or(DecodeError::Malformed("the QoS of the will is 3"))?;
        let properties = self.properties(body, properties::WILL, is_v5)?;
        Ok(Will {
            topic: body.text()?,
            qos,
            retain: flags >> 5 & 1 == 1,
            delay_seconds: properties.will_delay.unwrap_or_default(),
            expiry_seconds: properties.message_expiry,
            content: properties.content(body.bytes()?),
        })
    }

    fn connack(&self, body: &mut Cursor<'_>, is_v5: bool) -> Result<ConnAck, DecodeError> {
        let session_present = match body.u8()? {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::Malformed("a reserved flag of CONNACK is set")), // [MQTT-3.2.2-1]
        };
        let code = body.u8()?;
        let reason = match is_v5 {
            true => ReasonCode::from_code(code),
            false => ReasonCode::from_v3_return_code(code),
        };
        let properties = self.properties(body, properties::CONNACK, is_v5)?;
        Ok(ConnAck {
            session_present,
            reason: reason.ok_or(UNKNOWN_REASON)?,
            session_expiry_seconds: properties.session_expiry,
            receive_maximum: properties.receive_maximum,
            maximum_qos: properties.maximum_qos,
            retain_available: properties.retain_available,
            maximum_packet_bytes: properties.maximum_packet,
            assigned_client_id: properties.assigned_client_id,
            topic_alias_maximum: properties.topic_alias_maximum.unwrap_or_default(),
            reason_string: properties.reason_string,
            user_properties: properties.user,
            wildcard_subscriptions_available: properties.wildcards_available,
            subscription_ids_available: properties.ids_available,
            shared_subscriptions_available: properties.shares_available,
            server_keep_alive_seconds: properties.server_keep_alive,
            response_information: properties.response_information,
            server_reference: properties.server_reference,
            authentication_method: properties.authentication_method,
            authentication_data: properties.authentication_data,
        })
    }

    fn publish(&self, first: u8, body: &mut Cursor<'_>, is_v5: bool) -> Result<Publish, DecodeError> {
        // [MQTT-3.3.1-4]
        let qos = Qos::from_bits(first >> 1 & 3).ok_or(DecodeError::Malformed("the QoS is 3"))?;
        let dup = first >> 3 & 1 == 1;
        if dup && qos == Qos::AtMostOnce {
            return Err(DecodeError::Malformed("a QoS 0 message is never a duplicate")); // [MQTT-3.3.1-2]
        }
        let topic = body.text()?;
        let packet_id = match qos {
            Qos::AtMostOnce => None,
            _ => Some(body.packet_id()?),
        };
        let mut properties = self.properties(body, properties::PUBLISH, is_v5)?;
        let subscription_ids = std::mem::take(&mut properties.subscription_ids);
        let (topic_alias, expiry_seconds) = (properties.topic_alias, properties.message_expiry);
        let content: Content = properties.content(Bytes::copy_from_slice(body.rest()));
        let retain = first & 1 == 1;
        Ok(Publish { dup, qos, retain, topic, packet_id, topic_alias, expiry_seconds, subscription_ids, content })
    }

    fn ack(&self, body: &mut Cursor<'_>, is_v5: bool) -> Result<Ack, DecodeError> {
        let mut ack = Ack::new(body.packet_id()?, ReasonCode::Success);
        if !is_v5 || body.is_empty() {
            return Ok(ack);
        }
        ack.reason = reason(body)?;
        // Properties may be left out with their length (section 3.4.2.2.1).
        if !body.is_empty() {
            let properties = self.properties(body, properties::ACK, is_v5)?;
            if properties.reason_string.is_some() || !properties.user.is_empty() {
                ack.details = Some(Box::new((properties.reason_string, properties.user)));
            }
        }
        Ok(ack)
    }

    fn subscribe(&self, body: &mut Cursor<'_>, is_v5: bool) -> Result<Subscribe, DecodeError> {
        let packet_id = body.packet_id()?;
        let properties = self.properties(body, properties::SUBSCRIBE, is_v5)?;
        let mut filters = Vec::new();
        while !body.is_empty() {
            let filter = body.text()?;
            filters.push(SubscribeFilter { filter, options: options(body.u8()?, is_v5)? });
        }
        if filters.is_empty() {
            return Err(DecodeError::Protocol("SUBSCRIBE without a filter")); // [MQTT-3.8.3-2]
        }
        let subscription_id = properties.subscription_ids.first().copied();
        Ok(Subscribe { packet_id, filters, subscription_id, user_properties: properties.user })
    }

    fn suback(&self, body: &mut Cursor<'_>, is_v5: bool, has_reasons: bool) -> Result<SubAck, DecodeError> {
        let packet_id = body.packet_id()?;
        let properties = self.properties(body, properties::ACK, is_v5)?;
        let mut reasons = Vec::new();
        while has_reasons && !body.is_empty() {
            match reason(body)? {
                // 3.1.1, [MQTT-3.9.3-2]
                code if !is_v5 && code > ReasonCode::GrantedQos2 && code != ReasonCode::Unspecified => {
                    return Err(UNKNOWN_REASON);
                }
                code => reasons.push(code),
            }
        }
        let (reason_string, user_properties) = (properties.reason_string, properties.user);
        Ok(SubAck { packet_id, reasons, reason_string, user_properties })
    }

    fn unsubscribe(&self, body: &mut Cursor<'_>, is_v5: bool) -> Result<Unsubscribe, DecodeError> {
        let packet_id = body.packet_id()?;
        let properties = self.properties(body, properties::UNSUBSCRIBE, is_v5)?;
        let mut filters: Vec<Arc<str>> = Vec::new();
        while !body.is_empty() {
            filters.push(body.text()?);
        }
        match filters.is_empty() {
            true => Err(DecodeError::Protocol("UNSUBSCRIBE without a filter")), // [MQTT-3.10.3-2]
            false => Ok(Unsubscribe { packet_id, filters, user_properties: properties.user }),
        }
    }

    fn disconnect(&self, body: &mut Cursor<'_>, is_v5: bool) -> Result<Disconnect, DecodeError> {
        let mut disconnect = Disconnect::new(ReasonCode::Success);
        if !is_v5 || body.is_empty() {
            return Ok(disconnect);
        }
        disconnect.reason = reason(body)?;
        if !body.is_empty() {
            let properties = self.properties(body, properties::DISCONNECT, is_v5)?;
            disconnect.session_expiry_seconds = properties.session_expiry;
            disconnect.reason_string = properties.reason_string;
            disconnect.user_properties = properties.user;
            disconnect.server_reference = properties.server_reference;
        }
        Ok(disconnect)
    }

    fn auth(&self, body: &mut Cursor<'_>) -> Result<Auth, DecodeError> {
        let (reason, properties) = match body.is_empty() {
            true => (ReasonCode::Success, Properties::default()),
            false => (reason(body)?, self.properties(body, properties::AUTH, true)?),
        };
        Ok(Auth {
            reason,
            method: properties.authentication_method,
            data: properties.authentication_data,
            reason_string: properties.reason_string,
            user_properties: properties.user,
        })
    }
}

const UNKNOWN_REASON: DecodeError = DecodeError::Malformed("a reason code is not known");

fn reason(body: &mut Cursor<'_>) -> Result<ReasonCode, DecodeError> {
    ReasonCode::from_code(body.u8()?).ok_or(UNKNOWN_REASON)
}

/// The options of a filter (section 3.8.3.1); in 3.1.1 there is only the QoS, and the rest is reserved.
fn options(byte: u8, is_v5: bool) -> Result<SubscriptionOptions, DecodeError> {
    let qos = Qos::from_bits(byte & 3).ok_or(DecodeError::Protocol("the QoS of a subscription is 3"))?;
    if byte >> if is_v5 { 6 } else { 2 } != 0 {
        return Err(DecodeError::Malformed("reserved options of a subscription are set")); // [MQTT-3.8.3-5]
    }
    let retain_handling = match byte >> 4 {
        0 => RetainHandling::Send,
        1 => RetainHandling::SendIfNew,
        2 => RetainHandling::DoNotSend,
        _ => return Err(DecodeError::Protocol("the retain handling of a subscription is 3")),
    };
    Ok(SubscriptionOptions {
        qos,
        no_local: byte >> 2 & 1 == 1,
        retain_as_published: byte >> 3 & 1 == 1,
        retain_handling,
    })
}
