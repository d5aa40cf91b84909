//! Properties of 5.0 (section 2.2.2): what a packet may carry besides its fixed fields.

use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::cursor::Cursor;
use super::decode::DecodeError;
use super::encode::{EncodeError, binary, measured, text, variable};
use super::types::{Content, Qos, UserProperties};

/// Identifiers (table 2-4).
pub(super) mod id {
    pub(in super::super) const PAYLOAD_FORMAT: u8 = 0x01;
    pub(in super::super) const MESSAGE_EXPIRY: u8 = 0x02;
    pub(in super::super) const CONTENT_TYPE: u8 = 0x03;
    pub(in super::super) const RESPONSE_TOPIC: u8 = 0x08;
    pub(in super::super) const CORRELATION_DATA: u8 = 0x09;
    pub(in super::super) const SUBSCRIPTION_ID: u8 = 0x0b;
    pub(in super::super) const SESSION_EXPIRY: u8 = 0x11;
    pub(in super::super) const ASSIGNED_CLIENT_ID: u8 = 0x12;
    pub(in super::super) const SERVER_KEEP_ALIVE: u8 = 0x13;
    pub(in super::super) const AUTHENTICATION_METHOD: u8 = 0x15;
    pub(in super::super) const AUTHENTICATION_DATA: u8 = 0x16;
    pub(in super::super) const REQUEST_PROBLEM: u8 = 0x17;
    pub(in super::super) const WILL_DELAY: u8 = 0x18;
    pub(in super::super) const REQUEST_RESPONSE: u8 = 0x19;
    pub(in super::super) const RESPONSE_INFORMATION: u8 = 0x1a;
    pub(in super::super) const SERVER_REFERENCE: u8 = 0x1c;
    pub(in super::super) const REASON_STRING: u8 = 0x1f;
    pub(in super::super) const RECEIVE_MAXIMUM: u8 = 0x21;
    pub(in super::super) const TOPIC_ALIAS_MAXIMUM: u8 = 0x22;
    pub(in super::super) const TOPIC_ALIAS: u8 = 0x23;
    pub(in super::super) const MAXIMUM_QOS: u8 = 0x24;
    pub(in super::super) const RETAIN_AVAILABLE: u8 = 0x25;
    pub(in super::super) const USER: u8 = 0x26;
    pub(in super::super) const MAXIMUM_PACKET: u8 = 0x27;
    pub(in super::super) const WILDCARDS_AVAILABLE: u8 = 0x28;
    pub(in super::super) const IDS_AVAILABLE: u8 = 0x29;
    pub(in super::super) const SHARES_AVAILABLE: u8 = 0x2a;
}

/// What may stand in CONNECT.
pub(super) const CONNECT: &[u8] = &[
    id::SESSION_EXPIRY,
    id::RECEIVE_MAXIMUM,
    id::MAXIMUM_PACKET,
    id::TOPIC_ALIAS_MAXIMUM,
    id::REQUEST_RESPONSE,
    id::REQUEST_PROBLEM,
    id::USER,
    id::AUTHENTICATION_METHOD,
    id::AUTHENTICATION_DATA,
];
/// What may stand with a will.
pub(super) const WILL: &[u8] = &[
    id::WILL_DELAY,
    id::PAYLOAD_FORMAT,
    id::MESSAGE_EXPIRY,
    id::CONTENT_TYPE,
    id::RESPONSE_TOPIC,
    id::CORRELATION_DATA,
    id::USER,
];
/// What may stand in CONNACK.
pub(super) const CONNACK: &[u8] = &[
    id::SESSION_EXPIRY,
    id::RECEIVE_MAXIMUM,
    id::MAXIMUM_QOS,
    id::RETAIN_AVAILABLE,
    id::MAXIMUM_PACKET,
    id::ASSIGNED_CLIENT_ID,
    id::TOPIC_ALIAS_MAXIMUM,
    id::REASON_STRING,
    id::USER,
    id::WILDCARDS_AVAILABLE,
    id::IDS_AVAILABLE,
    id::SHARES_AVAILABLE,
    id::SERVER_KEEP_ALIVE,
    id::RESPONSE_INFORMATION,
    id::SERVER_REFERENCE,
    id::AUTHENTICATION_METHOD,
    id::AUTHENTICATION_DATA,
];
/// What may stand in PUBLISH.
pub(super) const PUBLISH: &[u8] = &[
    id::PAYLOAD_FORMAT,
    id::MESSAGE_EXPIRY,
    id::TOPIC_ALIAS,
    id::RESPONSE_TOPIC,
    id::CORRELATION_DATA,
    id::USER,
    id::SUBSCRIPTION_ID,
    id::CONTENT_TYPE,
];
/// What may stand in an acknowledgement, SUBACK and UNSUBACK.
pub(super) const ACK: &[u8] = &[id::REASON_STRING, id::USER];
/// What may stand in SUBSCRIBE.
pub(super) const SUBSCRIBE: &[u8] = &[id::SUBSCRIPTION_ID, id::USER];
/// What may stand in UNSUBSCRIBE.
pub(super) const UNSUBSCRIBE: &[u8] = &[id::USER];
/// What may stand in DISCONNECT.
pub(super) const DISCONNECT: &[u8] = &[id::SESSION_EXPIRY, id::REASON_STRING, id::USER, id::SERVER_REFERENCE];
/// What may stand in AUTH.
pub(super) const AUTH: &[u8] = &[id::AUTHENTICATION_METHOD, id::AUTHENTICATION_DATA, id::REASON_STRING, id::USER];

/// The properties of a packet.
#[derive(Debug, Default)]
pub(super) struct Properties {
    pub(super) payload_format: Option<bool>,
    pub(super) message_expiry: Option<u32>,
    pub(super) content_type: Option<Arc<str>>,
    pub(super) response_topic: Option<Arc<str>>,
    pub(super) correlation_data: Option<Bytes>,
    pub(super) subscription_ids: Vec<u32>,
    pub(super) session_expiry: Option<u32>,
    pub(super) assigned_client_id: Option<Arc<str>>,
    pub(super) server_keep_alive: Option<u16>,
    pub(super) authentication_method: Option<Arc<str>>,
    pub(super) authentication_data: Option<Bytes>,
    pub(super) request_problem: Option<bool>,
    pub(super) will_delay: Option<u32>,
    pub(super) request_response: Option<bool>,
    pub(super) response_information: Option<Arc<str>>,
    pub(super) server_reference: Option<Arc<str>>,
    pub(super) reason_string: Option<Arc<str>>,
    pub(super) receive_maximum: Option<NonZeroU16>,
    pub(super) topic_alias_maximum: Option<u16>,
    pub(super) topic_alias: Option<NonZeroU16>,
    pub(super) maximum_qos: Option<Qos>,
    pub(super) retain_available: Option<bool>,
    pub(super) user: UserProperties,
    pub(super) maximum_packet: Option<u32>,
    pub(super) wildcards_available: Option<bool>,
    pub(super) ids_available: Option<bool>,
    pub(super) shares_available: Option<bool>,
}

impl Properties {
    /// Reads a packet's properties, of which only `allowed` may be there, and each once but user properties and, in
    /// PUBLISH, subscription identifiers.
    pub(super) fn read(packet: &mut Cursor<'_>, allowed: &[u8], max_user: usize) -> Result<Self, DecodeError> {
        let length = packet.variable()?;
        let mut block = Cursor::new(packet.take(usize::try_from(length).unwrap_or(usize::MAX))?);
        let mut properties = Self::default();
        let mut seen = 0_u64;
        while !block.is_empty() {
            let id = block.u8()?;
            if !allowed.contains(&id) {
                return Err(DecodeError::Malformed("a property does not belong to this packet"));
            }
            let is_repeatable = id == id::USER || (id == id::SUBSCRIPTION_ID && allowed.contains(&id::TOPIC_ALIAS));
            let bit = 1_u64 << (id & 0x3f);
            if seen & bit != 0 && !is_repeatable {
                return Err(DecodeError::Protocol("a property stands twice"));
            }
            seen |= bit;
            properties.read_one(id, &mut block)?;
            // Subscription identifiers are no more than user properties, for the same reason.
            if properties.user.len().max(properties.subscription_ids.len()) > max_user {
                return Err(DecodeError::TooManyProperties { limit: max_user });
            }
        }
        Ok(properties)
    }

    fn read_one(&mut self, id: u8, block: &mut Cursor<'_>) -> Result<(), DecodeError> {
        match id {
            id::PAYLOAD_FORMAT => self.payload_format = Some(flag(block)?),
            id::MESSAGE_EXPIRY => self.message_expiry = Some(block.u32()?),
            id::CONTENT_TYPE => self.content_type = Some(block.text()?),
            id::RESPONSE_TOPIC => self.response_topic = Some(block.text()?),
            id::CORRELATION_DATA => self.correlation_data = Some(block.bytes()?),
            id::SUBSCRIPTION_ID => match block.variable()? {
                0 => return Err(DecodeError::Protocol("a subscription identifier is never 0")),
                value => self.subscription_ids.push(value),
            },
            id::SESSION_EXPIRY => self.session_expiry = Some(block.u32()?),
            id::ASSIGNED_CLIENT_ID => self.assigned_client_id = Some(block.text()?),
            id::SERVER_KEEP_ALIVE => self.server_keep_alive = Some(block.u16()?),
            id::AUTHENTICATION_METHOD => self.authentication_method = Some(block.text()?),
            id::AUTHENTICATION_DATA => self.authentication_data = Some(block.bytes()?),
            id::REQUEST_PROBLEM => self.request_problem = Some(flag(block)?),
            id::WILL_DELAY => self.will_delay = Some(block.u32()?),
            id::REQUEST_RESPONSE => self.request_response = Some(flag(block)?),
            id::RESPONSE_INFORMATION => self.response_information = Some(block.text()?),
            id::SERVER_REFERENCE => self.server_reference = Some(block.text()?),
            id::REASON_STRING => self.reason_string = Some(block.text()?),
            id::RECEIVE_MAXIMUM => {
                let value = NonZeroU16::new(block.u16()?);
                self.receive_maximum = Some(value.ok_or(DecodeError::Protocol("a receive maximum is never 0"))?);
            }
            id::TOPIC_ALIAS_MAXIMUM => self.topic_alias_maximum = Some(block.u16()?),
            id::TOPIC_ALIAS => {
                self.topic_alias = Some(NonZeroU16::new(block.u16()?).ok_or(DecodeError::TopicAlias)?);
            }
            id::MAXIMUM_QOS => match block.u8()? {
                0 => self.maximum_qos = Some(Qos::AtMostOnce),
                1 => self.maximum_qos = Some(Qos::AtLeastOnce),
                _ => return Err(DecodeError::Protocol("a maximum QoS is 0 or 1")),
            },
            id::RETAIN_AVAILABLE => self.retain_available = Some(flag(block)?),
            id::USER => self.user.push((block.text()?, block.text()?)),
            id::MAXIMUM_PACKET => match block.u32()? {
                0 => return Err(DecodeError::Protocol("a maximum packet size is never 0")),
                bytes => self.maximum_packet = Some(bytes),
            },
            id::WILDCARDS_AVAILABLE => self.wildcards_available = Some(flag(block)?),
            id::IDS_AVAILABLE => self.ids_available = Some(flag(block)?),
            id::SHARES_AVAILABLE => self.shares_available = Some(flag(block)?),
            _ => return Err(DecodeError::Malformed("a property is not known")),
        }
        Ok(())
    }

    /// The part that belongs to a message.
    pub(super) fn content(self, payload: Bytes) -> Content {
        Content {
            payload,
            is_utf8: self.payload_format,
            content_type: self.content_type,
            response_topic: self.response_topic,
            correlation_data: self.correlation_data,
            user_properties: self.user,
        }
    }

    /// Writes the properties that are there, with their length in front.
    pub(super) fn write(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        measured(out, 0, |out| {
            put(out, id::PAYLOAD_FORMAT, self.payload_format, put_flag);
            put(out, id::MESSAGE_EXPIRY, self.message_expiry, BytesMut::put_u32);
            put_text(out, id::CONTENT_TYPE, self.content_type.as_deref())?;
            put_text(out, id::RESPONSE_TOPIC, self.response_topic.as_deref())?;
            put_binary(out, id::CORRELATION_DATA, self.correlation_data.as_ref())?;
            for value in &self.subscription_ids {
                out.put_u8(id::SUBSCRIPTION_ID);
                variable(out, *value)?;
            }
            put(out, id::SESSION_EXPIRY, self.session_expiry, BytesMut::put_u32);
            put_text(out, id::ASSIGNED_CLIENT_ID, self.assigned_client_id.as_deref())?;
            put(out, id::SERVER_KEEP_ALIVE, self.server_keep_alive, BytesMut::put_u16);
            put_text(out, id::AUTHENTICATION_METHOD, self.authentication_method.as_deref())?;
            put_binary(out, id::AUTHENTICATION_DATA, self.authentication_data.as_ref())?;
            put(out, id::REQUEST_PROBLEM, self.request_problem, put_flag);
            put(out, id::WILL_DELAY, self.will_delay, BytesMut::put_u32);
            put(out, id::REQUEST_RESPONSE, self.request_response, put_flag);
            put_text(out, id::RESPONSE_INFORMATION, self.response_information.as_deref())?;
            put_text(out, id::SERVER_REFERENCE, self.server_reference.as_deref())?;
            put_text(out, id::REASON_STRING, self.reason_string.as_deref())?;
            put(out, id::RECEIVE_MAXIMUM, self.receive_maximum, |out, v| out.put_u16(v.get()));
            put(out, id::TOPIC_ALIAS_MAXIMUM, self.topic_alias_maximum, BytesMut::put_u16);
            put(out, id::TOPIC_ALIAS, self.topic_alias, |out, v| out.put_u16(v.get()));
            put(out, id::MAXIMUM_QOS, self.maximum_qos, |out, v| out.put_u8(v.bits()));
            put(out, id::RETAIN_AVAILABLE, self.retain_available, put_flag);
            put_user(out, &self.user)?;
            put(out, id::MAXIMUM_PACKET, self.maximum_packet, BytesMut::put_u32);
            put(out, id::WILDCARDS_AVAILABLE, self.wildcards_available, put_flag);
            put(out, id::IDS_AVAILABLE, self.ids_available, put_flag);
            put(out, id::SHARES_AVAILABLE, self.shares_available, put_flag);
            Ok(())
        })
    }
}

/// Writes the properties of a message, without copying what it holds; `first` writes those of the packet.
pub(super) fn write_content(
    out: &mut BytesMut,
    content: &Content,
    first: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    measured(out, 0, |out| {
        first(out)?;
        put(out, id::PAYLOAD_FORMAT, content.is_utf8, put_flag);
        put_text(out, id::CONTENT_TYPE, content.content_type.as_deref())?;
        put_text(out, id::RESPONSE_TOPIC, content.response_topic.as_deref())?;
        put_binary(out, id::CORRELATION_DATA, content.correlation_data.as_ref())?;
        put_user(out, &content.user_properties)
    })
}

/// Writes a property that is there.
pub(super) fn put<T>(out: &mut BytesMut, id: u8, value: Option<T>, write: impl FnOnce(&mut BytesMut, T)) {
    if let Some(value) = value {
        out.put_u8(id);
        write(out, value);
    }
}

fn put_flag(out: &mut BytesMut, value: bool) {
    out.put_u8(u8::from(value));
}

fn put_text(out: &mut BytesMut, id: u8, value: Option<&str>) -> Result<(), EncodeError> {
    let Some(value) = value else { return Ok(()) };
    out.put_u8(id);
    text(out, value)
}

fn put_binary(out: &mut BytesMut, id: u8, value: Option<&Bytes>) -> Result<(), EncodeError> {
    let Some(value) = value else { return Ok(()) };
    out.put_u8(id);
    binary(out, value)
}

fn put_user(out: &mut BytesMut, properties: &UserProperties) -> Result<(), EncodeError> {
    for (name, value) in properties {
        out.put_u8(id::USER);
        text(out, name)?;
        text(out, value)?;
    }
    Ok(())
}

fn flag(block: &mut Cursor<'_>) -> Result<bool, DecodeError> {
    match block.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::Protocol("a property that says yes or no is 0 or 1")),
    }
}
