//! Writes packets.

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use super::properties::{self, Properties, id};
use super::types::{Ack, Auth, ConnAck, Connect, Disconnect, Packet, Publish, SubAck, Subscribe, Unsubscribe, Version};
use crate::mqtt::ReasonCode;

/// The largest number that a length can hold (section 1.5.5).
const MAX_VARIABLE: u32 = 0x0fff_ffff;

/// Why a packet cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The other side does not take it.
    #[error("the packet has {bytes} bytes; the other side takes at most {limit}")]
    TooLarge {
        /// Of the packet.
        bytes: usize,
        /// That are taken.
        limit: u32,
    },
    /// A text or some bytes have more than 65,535 bytes, or a packet more than 256 MiB.
    #[error("a value of {bytes} bytes has no room in a packet")]
    TooLong {
        /// Of the value.
        bytes: usize,
    },
    /// The packet does not exist in 3.1.1.
    #[error("the packet does not exist in MQTT 3.1.1")]
    NotInVersion,
}

/// Appends a packet to `out`, when it has at most `limit` bytes; leaves `out` as it was otherwise.
pub fn encode(packet: &Packet, version: Version, limit: u32, out: &mut BytesMut) -> Result<(), EncodeError> {
    let start = out.len();
    let written = write(packet, version, out).and_then(|()| match out.len() - start {
        bytes if bytes as u64 > u64::from(limit) => Err(EncodeError::TooLarge { bytes, limit }),
        _ => Ok(()),
    });
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn write(packet: &Packet, version: Version, out: &mut BytesMut) -> Result<(), EncodeError> {
    let is_v5 = version == Version::V5;
    match packet {
        Packet::Connect(connect) => framed(out, 0x10, 0, |out| write_connect(connect, out)),
        Packet::ConnAck(ack) => framed(out, 0x20, 0, |out| write_connack(ack, is_v5, out)),
        Packet::Publish(publish) => {
            let flags = u8::from(publish.dup) << 3 | publish.qos.bits() << 1 | u8::from(publish.retain);
            let guess = publish.content.payload.len() + publish.topic.len() + 4 + usize::from(is_v5);
            framed(out, 0x30 | flags, guess, |out| write_publish(publish, is_v5, out))
        }
        Packet::PubAck(ack) => framed(out, 0x40, 0, |out| write_ack(ack, is_v5, out)),
        Packet::PubRec(ack) => framed(out, 0x50, 0, |out| write_ack(ack, is_v5, out)),
        Packet::PubRel(ack) => framed(out, 0x62, 0, |out| write_ack(ack, is_v5, out)),
        Packet::PubComp(ack) => framed(out, 0x70, 0, |out| write_ack(ack, is_v5, out)),
        Packet::Subscribe(subscribe) => framed(out, 0x82, 0, |out| write_subscribe(subscribe, is_v5, out)),
        Packet::SubAck(ack) => framed(out, 0x90, 0, |out| {
            write_suback(ack, is_v5, out)?;
            // A client of 3.1.1 knows one failure [MQTT-3.9.3-2].
            let code = |reason: &ReasonCode| match reason.is_failure() && !is_v5 {
                true => ReasonCode::Unspecified.code(),
                false => reason.code(),
            };
            out.extend(ack.reasons.iter().map(code));
            Ok(())
        }),
        Packet::Unsubscribe(unsubscribe) => framed(out, 0xa2, 0, |out| write_unsubscribe(unsubscribe, is_v5, out)),
        Packet::UnsubAck(ack) => framed(out, 0xb0, 0, |out| {
            write_suback(ack, is_v5, out)?;
            if is_v5 {
                out.extend(ack.reasons.iter().map(|reason| reason.code()));
            }
            Ok(())
        }),
        Packet::PingReq => framed(out, 0xc0, 0, |_| Ok(())),
        Packet::PingResp => framed(out, 0xd0, 0, |_| Ok(())),
        Packet::Disconnect(disconnect) => framed(out, 0xe0, 0, |out| write_disconnect(disconnect, is_v5, out)),
        Packet::Auth(auth) if is_v5 => framed(out, 0xf0, 0, |out| write_auth(auth, out)),
        Packet::Auth(_) => Err(EncodeError::NotInVersion),
    }
}

fn write_connect(connect: &Connect, out: &mut BytesMut) -> Result<(), EncodeError> {
    let is_v5 = connect.version == Version::V5;
    text(out, "MQTT")?;
    out.put_u8(if is_v5 { 5 } else { 4 });
    let will = connect.will.as_ref();
    out.put_u8(
        u8::from(connect.username.is_some()) << 7
            | u8::from(connect.password.is_some()) << 6
            | will.map_or(0, |will| u8::from(will.retain) << 5 | will.qos.bits() << 3 | 1 << 2)
            | u8::from(connect.clean_start) << 1,
    );
    out.put_u16(connect.keep_alive_seconds);
    if is_v5 {
        Properties {
            session_expiry: connect.session_expiry_seconds,
            receive_maximum: connect.receive_maximum,
            maximum_packet: connect.maximum_packet_bytes,
            topic_alias_maximum: Some(connect.topic_alias_maximum).filter(|maximum| *maximum > 0),
            request_response: Some(true).filter(|_| connect.request_response_information),
            request_problem: Some(false).filter(|_| !connect.request_problem_information),
            user: connect.user_properties.clone(),
            authentication_method: connect.authentication_method.clone(),
            authentication_data: connect.authentication_data.clone(),
            ..Properties::default()
        }
        .write(out)?;
    }
    text(out, &connect.client_id)?;
    if let Some(will) = will {
        if is_v5 {
            properties::write_content(out, &will.content, |out| {
                properties::put(out, id::WILL_DELAY, Some(will.delay_seconds).filter(|s| *s > 0), BytesMut::put_u32);
                properties::put(out, id::MESSAGE_EXPIRY, will.expiry_seconds, BytesMut::put_u32);
                Ok(())
            })?;
        }
        text(out, &will.topic)?;
        binary(out, &will.content.payload)?;
    }
    if let Some(username) = &connect.username {
        text(out, username)?;
    }
    match &connect.password {
        Some(password) => binary(out, password),
        None => Ok(()),
    }
}

fn write_connack(ack: &ConnAck, is_v5: bool, out: &mut BytesMut) -> Result<(), EncodeError> {
    out.put_u8(u8::from(ack.session_present));
    if !is_v5 {
        out.put_u8(ack.reason.v3_return_code());
        return Ok(());
    }
    out.put_u8(ack.reason.code());
    Properties {
        session_expiry: ack.session_expiry_seconds,
        receive_maximum: ack.receive_maximum,
        maximum_qos: ack.maximum_qos,
        retain_available: ack.retain_available,
        maximum_packet: ack.maximum_packet_bytes,
        assigned_client_id: ack.assigned_client_id.clone(),
        topic_alias_maximum: Some(ack.topic_alias_maximum).filter(|maximum| *maximum > 0),
        reason_string: ack.reason_string.clone(),
        user: ack.user_properties.clone(),
        wildcards_available: ack.wildcard_subscriptions_available,
        ids_available: ack.subscription_ids_available,
        shares_available: ack.shared_subscriptions_available,
        server_keep_alive: ack.server_keep_alive_seconds,
        response_information: ack.response_information.clone(),
        server_reference: ack.server_reference.clone(),
        authentication_method: ack.authentication_method.clone(),
        authentication_data: ack.authentication_data.clone(),
        ..Properties::default()
    }
    .write(out)
}

fn write_publish(publish: &Publish, is_v5: bool, out: &mut BytesMut) -> Result<(), EncodeError> {
    text(out, &publish.topic)?;
    if let Some(packet_id) = publish.packet_id {
        out.put_u16(packet_id.get());
    }
    if is_v5 {
        properties::write_content(out, &publish.content, |out| {
            properties::put(out, id::MESSAGE_EXPIRY, publish.expiry_seconds, BytesMut::put_u32);
            properties::put(out, id::TOPIC_ALIAS, publish.topic_alias, |out, alias| out.put_u16(alias.get()));
            for value in &publish.subscription_ids {
                out.put_u8(id::SUBSCRIPTION_ID);
                variable(out, *value)?;
            }
            Ok(())
        })?;
    }
    out.extend_from_slice(&publish.content.payload);
    Ok(())
}

fn write_ack(ack: &Ack, is_v5: bool, out: &mut BytesMut) -> Result<(), EncodeError> {
    out.put_u16(ack.packet_id.get());
    if !is_v5 || (ack.reason == ReasonCode::Success && ack.details.is_none()) {
        return Ok(());
    }
    out.put_u8(ack.reason.code());
    match ack.details.as_deref() {
        None => Ok(()),
        Some((reason_string, user)) => details(reason_string.clone(), user.clone()).write(out),
    }
}

fn write_suback(ack: &SubAck, is_v5: bool, out: &mut BytesMut) -> Result<(), EncodeError> {
    out.put_u16(ack.packet_id.get());
    match is_v5 {
        true => details(ack.reason_string.clone(), ack.user_properties.clone()).write(out),
        false => Ok(()),
    }
}

fn write_subscribe(subscribe: &Subscribe, is_v5: bool, out: &mut BytesMut) -> Result<(), EncodeError> {
    out.put_u16(subscribe.packet_id.get());
    if is_v5 {
        let subscription_ids = subscribe.subscription_id.into_iter().collect();
        let user = subscribe.user_properties.clone();
        Properties { subscription_ids, user, ..Properties::default() }.write(out)?;
    }
    for filter in &subscribe.filters {
        text(out, &filter.filter)?;
        let options = filter.options;
        out.put_u8(match is_v5 {
            false => options.qos.bits(),
            true => {
                options.qos.bits()
                    | u8::from(options.no_local) << 2
                    | u8::from(options.retain_as_published) << 3
                    | (options.retain_handling as u8) << 4
            }
        });
    }
    Ok(())
}

fn write_unsubscribe(unsubscribe: &Unsubscribe, is_v5: bool, out: &mut BytesMut) -> Result<(), EncodeError> {
    out.put_u16(unsubscribe.packet_id.get());
    if is_v5 {
        details(None, unsubscribe.user_properties.clone()).write(out)?;
    }
    unsubscribe.filters.iter().try_for_each(|filter| text(out, filter))
}

fn write_disconnect(disconnect: &Disconnect, is_v5: bool, out: &mut BytesMut) -> Result<(), EncodeError> {
    let properties = Properties {
        session_expiry: disconnect.session_expiry_seconds,
        server_reference: disconnect.server_reference.clone(),
        ..details(disconnect.reason_string.clone(), disconnect.user_properties.clone())
    };
    if !is_v5 || *disconnect == Disconnect::new(ReasonCode::Success) {
        return Ok(());
    }
    out.put_u8(disconnect.reason.code());
    properties.write(out)
}

fn write_auth(auth: &Auth, out: &mut BytesMut) -> Result<(), EncodeError> {
    out.put_u8(auth.reason.code());
    Properties {
        authentication_method: auth.method.clone(),
        authentication_data: auth.data.clone(),
        ..details(auth.reason_string.clone(), auth.user_properties.clone())
    }
    .write(out)
}

fn details(reason_string: Option<std::sync::Arc<str>>, user: super::UserProperties) -> Properties {
    Properties { reason_string, user, ..Properties::default() }
}

/// Writes the first byte, the length and what `write` writes.
fn framed(
    out: &mut BytesMut,
    first: u8,
    guess: usize,
    write: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    out.put_u8(first);
    measured(out, guess, write)
}

/// Writes a length and what `write` writes. When it is about `guess` bytes, nothing needs to be moved afterwards.
pub(super) fn measured(
    out: &mut BytesMut,
    guess: usize,
    write: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    let room = length_bytes(guess);
    out.put_bytes(0, room);
    write(out)?;
    let body = out.len() - start - room;
    let needed = length_bytes(body);
    if needed > room {
        out.put_bytes(0, needed - room);
        out.copy_within(start + room..start + room + body, start + needed);
    } else if needed < room {
        out.copy_within(start + room..start + room + body, start + needed);
        out.truncate(start + needed + body);
    }
    let value = u32::try_from(body).unwrap_or(u32::MAX);
    if value > MAX_VARIABLE {
        return Err(EncodeError::TooLong { bytes: body });
    }
    for (position, byte) in out.iter_mut().skip(start).take(needed).enumerate() {
        let more = if position + 1 < needed { 0x80 } else { 0 };
        *byte = (value >> (7 * position)) as u8 & 0x7f | more;
    }
    Ok(())
}

fn length_bytes(value: usize) -> usize {
    match value {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        _ => 4,
    }
}

/// Writes a number of one to four bytes (section 1.5.5).
pub(super) fn variable(out: &mut BytesMut, value: u32) -> Result<(), EncodeError> {
    if value > MAX_VARIABLE {
        return Err(EncodeError::TooLong { bytes: value as usize });
    }
    let mut rest = value;
    while rest > 0x7f {
        out.put_u8(rest as u8 & 0x7f | 0x80);
        rest >>= 7;
    }
    out.put_u8(rest as u8);
    Ok(())
}

pub(super) fn text(out: &mut BytesMut, text: &str) -> Result<(), EncodeError> {
    binary(out, text.as_bytes())
}

pub(super) fn binary(out: &mut BytesMut, bytes: &[u8]) -> Result<(), EncodeError> {
    let length = u16::try_from(bytes.len()).map_err(|_| EncodeError::TooLong { bytes: bytes.len() })?;
    out.put_u16(length);
    out.extend_from_slice(bytes);
    Ok(())
}
