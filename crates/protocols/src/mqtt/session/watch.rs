//! What somebody sees who watches a connection: each packet without what it carries, so neither payloads nor passwords.

use std::fmt::Debug;
use std::sync::Arc;

use crate::mqtt::ReasonCode;
use crate::mqtt::packet::{Ack, Packet, PacketId, Qos};

/// Bytes of the filters of one packet that are told.
const FILTER_BYTES: usize = 1_024;

/// Sees packets as they come and go. It is called while the connection is locked, and must not wait.
pub trait Watch: Debug + Send + Sync {
    /// A packet came or goes.
    fn saw(&self, seen: Seen);
}

/// Where a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    In,
    /// To the client.
    Out,
}

/// A packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Where it goes.
    pub direction: Direction,
    /// Its name in the standard; `CLOSED` is no packet, but the end of the connection.
    pub kind: &'static str,
    /// The number of a message or a request under way.
    pub packet_id: Option<PacketId>,
    /// The topic of a message, or of a will; the filters of SUBSCRIBE and UNSUBSCRIBE, with spaces between.
    pub topic: Option<Arc<str>>,
    /// Of a message or a will.
    pub qos: Option<Qos>,
    /// Whether it was, or is to be, retained.
    pub retain: bool,
    /// Whether it may have been sent before.
    pub dup: bool,
    /// What it says; of several the first that tells of a failure.
    pub reason: Option<ReasonCode>,
    /// On the wire.
    pub bytes: usize,
}

impl Seen {
    /// A packet of so many bytes.
    pub fn of(packet: &Packet, direction: Direction, bytes: usize) -> Self {
        let mut seen = Self::named(name(packet), direction, bytes);
        match packet {
            Packet::Connect(connect) => {
                if let Some(will) = &connect.will {
                    (seen.topic, seen.qos, seen.retain) = (Some(will.topic.clone()), Some(will.qos), will.retain);
                }
            }
            Packet::ConnAck(ack) => seen.reason = Some(ack.reason),
            Packet::Publish(publish) => {
                seen.topic = Some(publish.topic.clone()).filter(|topic| !topic.is_empty());
                (seen.qos, seen.retain, seen.dup) = (Some(publish.qos), publish.retain, publish.dup);
                seen.packet_id = publish.packet_id;
            }
            Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
                let Ack { packet_id, reason, .. } = ack;
                (seen.packet_id, seen.reason) = (Some(*packet_id), Some(*reason));
            }
            Packet::Subscribe(subscribe) => {
                seen.packet_id = Some(subscribe.packet_id);
                seen.topic = joined(subscribe.filters.iter().map(|wanted| &wanted.filter));
            }
            Packet::Unsubscribe(unsubscribe) => {
                seen.packet_id = Some(unsubscribe.packet_id);
                seen.topic = joined(unsubscribe.filters.iter());
            }
            Packet::SubAck(ack) | Packet::UnsubAck(ack) => {
                seen.packet_id = Some(ack.packet_id);
                let failed = ack.reasons.iter().find(|reason| reason.is_failure());
                seen.reason = failed.or(ack.reasons.first()).copied();
            }
            Packet::Disconnect(disconnect) => seen.reason = Some(disconnect.reason),
            Packet::Auth(auth) => seen.reason = Some(auth.reason),
            Packet::PingReq | Packet::PingResp => {}
        }
        seen
    }

    /// The end of a connection.
    pub(super) fn closed(reason: ReasonCode) -> Self {
        Self { reason: Some(reason), ..Self::named("CLOSED", Direction::Out, 0) }
    }

    fn named(kind: &'static str, direction: Direction, bytes: usize) -> Self {
        let (packet_id, topic, qos, reason) = (None, None, None, None);
        Self { direction, kind, packet_id, topic, qos, retain: false, dup: false, reason, bytes }
    }
}

fn name(packet: &Packet) -> &'static str {
    match packet {
        Packet::Connect(_) => "CONNECT",
        Packet::ConnAck(_) => "CONNACK",
        Packet::Publish(_) => "PUBLISH",
        Packet::PubAck(_) => "PUBACK",
        Packet::PubRec(_) => "PUBREC",
        Packet::PubRel(_) => "PUBREL",
        Packet::PubComp(_) => "PUBCOMP",
        Packet::Subscribe(_) => "SUBSCRIBE",
        Packet::SubAck(_) => "SUBACK",
        Packet::Unsubscribe(_) => "UNSUBSCRIBE",
        Packet::UnsubAck(_) => "UNSUBACK",
        Packet::PingReq => "PINGREQ",
        Packet::PingResp => "PINGRESP",
        Packet::Disconnect(_) => "DISCONNECT",
        Packet::Auth(_) => "AUTH",
    }
}

/// As many as fit.
fn joined<'f>(filters: impl Iterator<Item = &'f Arc<str>>) -> Option<Arc<str>> {
    let mut text = String::new();
    for filter in filters {
        if text.len() + filter.len() > FILTER_BYTES {
            text.push_str(" …");
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(filter);
    }
    Some(text.into())
}
