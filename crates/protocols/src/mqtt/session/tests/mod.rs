//! Scripts of packets against a connection: what goes in, and which packets and actions come out.

mod inbound;
mod lifecycle;
mod model;
mod outbound;
mod routed;
mod slowed;
mod subscribe;
mod watched;

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::BytesMut;

use super::*;
use crate::mqtt::packet::{Ack, Connect, Content, Decoder, Packet, PacketId, Publish, Qos, Version, encode};
use crate::mqtt::{Delivery, Message, MqttLimits, ReasonCode, TopicName};

/// A client and its connection at the server.
pub(super) struct Script {
    pub(super) connection: Connection,
    pub(super) out: Output,
    pub(super) now_ms: u64,
    /// Bytes that the server has not read.
    pub(super) unread: BytesMut,
    version: Version,
    decoder: Decoder,
}

impl Script {
    /// A socket without bytes.
    pub(super) fn open(version: Version, limits: MqttLimits, now_ms: u64) -> Self {
        Self {
            connection: Connection::new(Arc::new(limits), now_ms),
            out: Output::default(),
            now_ms,
            unread: BytesMut::new(),
            version,
            decoder: Decoder::with_version(version, &MqttLimits::default()),
        }
    }

    /// A client that was let in; what it was told is taken out.
    pub(super) fn accepted(connect: Connect, limits: MqttLimits, session: Option<Session>) -> Self {
        Self::accepted_at(connect, limits, session, 0)
    }

    pub(super) fn accepted_at(connect: Connect, limits: MqttLimits, session: Option<Session>, now_ms: u64) -> Self {
        let mut script = Self::open(connect.version, limits, now_ms);
        script.send(Packet::Connect(Box::new(connect)));
        script.connection.accept(Accept { session, ..Accept::default() }, now_ms, &mut script.out);
        let Some(Packet::ConnAck(ack)) = script.first_packet() else { panic!("no CONNACK") };
        assert_eq!(ack.reason, ReasonCode::Success);
        script.out.actions.clear();
        script
    }

    /// The client sends a packet.
    pub(super) fn send(&mut self, packet: Packet) -> &mut Self {
        encode(&packet, self.version, u32::MAX, &mut self.unread).unwrap();
        self.read()
    }

    /// The server reads what it has not read.
    pub(super) fn read(&mut self) -> &mut Self {
        self.connection.receive(&mut self.unread, self.now_ms, &mut self.out);
        self
    }

    pub(super) fn first_packet(&mut self) -> Option<Packet> {
        self.decoder.decode(&mut self.out.bytes).unwrap()
    }

    /// What the client got, in short.
    pub(super) fn got(&mut self) -> Vec<String> {
        let mut got = Vec::new();
        while let Some(packet) = self.first_packet() {
            got.push(short(&packet));
        }
        got
    }

    pub(super) fn actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.out.actions)
    }

    /// The tickets of messages and releases, which are taken out with all other actions.
    pub(super) fn tickets(&mut self) -> Vec<Ticket> {
        let ticket = |action| match action {
            Action::Publish { ticket, .. } => ticket,
            Action::Release { ticket, .. } => Some(ticket),
            _ => None,
        };
        self.actions().into_iter().filter_map(ticket).collect()
    }

    pub(super) fn outcome(&mut self, ticket: Ticket, outcome: Outcome) -> &mut Self {
        self.connection.outcome(ticket, &outcome, self.now_ms, &mut self.out);
        self
    }

    pub(super) fn deliver(&mut self, delivery: Delivery) -> &mut Self {
        self.connection.deliver(delivery, self.now_ms, &mut self.out);
        self
    }

    pub(super) fn tick(&mut self, now_ms: u64) -> &mut Self {
        self.now_ms = now_ms;
        self.connection.tick(now_ms, &mut self.out);
        self
    }

    /// The connection breaks; the session that is left.
    pub(super) fn broken(mut self) -> Option<Session> {
        self.connection.lost(self.now_ms, &mut self.out);
        self.connection.into_session()
    }

    /// Why the connection was closed.
    pub(super) fn closed(&mut self) -> Option<ReasonCode> {
        self.actions().into_iter().find_map(|action| match action {
            Action::Close { reason, .. } => Some(reason),
            _ => None,
        })
    }
}

/// A packet of the server in a few words; reasons other than success stand behind it.
pub(super) fn short(packet: &Packet) -> String {
    let ack = |name, ack: &Ack| match ack.reason {
        ReasonCode::Success => format!("{name} {}", ack.packet_id),
        reason => format!("{name} {} {reason}", ack.packet_id),
    };
    match packet {
        Packet::Publish(publish) => {
            let dup = if publish.dup { "again " } else { "" };
            let id = publish.packet_id.map(|id| format!(" {id}")).unwrap_or_default();
            let payload = String::from_utf8_lossy(&publish.content.payload);
            format!("{dup}publish{id} {}={payload}", publish.topic)
        }
        Packet::PubAck(a) => ack("puback", a),
        Packet::PubRec(a) => ack("pubrec", a),
        Packet::PubRel(a) => ack("pubrel", a),
        Packet::PubComp(a) => ack("pubcomp", a),
        Packet::ConnAck(ack) => format!("connack {} {}", ack.session_present, ack.reason),
        Packet::SubAck(ack) => {
            let reasons: Vec<_> = ack.reasons.iter().map(|reason| reason.as_str()).collect();
            format!("suback {} {}", ack.packet_id, reasons.join(", "))
        }
        Packet::UnsubAck(ack) => {
            let reasons: Vec<_> = ack.reasons.iter().map(|reason| reason.as_str()).collect();
            format!("unsuback {} {}", ack.packet_id, reasons.join(", "))
        }
        Packet::Disconnect(disconnect) => format!("disconnect {}", disconnect.reason),
        Packet::Auth(auth) => format!("auth {}", auth.reason),
        Packet::PingResp => "pingresp".to_owned(),
        other => panic!("a server does not send {other:?}"),
    }
}

pub(super) fn id(number: u16) -> PacketId {
    NonZeroU16::new(number).unwrap()
}

/// A client with a session of an hour.
pub(super) fn client(version: Version) -> Connect {
    let session_expiry_seconds = Some(3_600).filter(|_| version == Version::V5);
    Connect { clean_start: false, session_expiry_seconds, ..Connect::new(version, "c") }
}

/// PUBLISH of a client; `number` is 0 with QoS 0.
pub(super) fn publish(qos: Qos, number: u16, payload: &str) -> Packet {
    Packet::Publish(Box::new(publish_of("t", qos, number, payload)))
}

pub(super) fn publish_of(topic: &str, qos: Qos, number: u16, payload: &str) -> Publish {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: topic.into(),
        packet_id: NonZeroU16::new(number),
        topic_alias: None,
        expiry_seconds: None,
        subscription_ids: Vec::new(),
        content: Content::new(payload.to_owned()),
    }
}

pub(super) fn ok(number: u16) -> Ack {
    Ack::new(id(number), ReasonCode::Success)
}

pub(super) fn delivery(qos: Qos, payload: &str) -> Delivery {
    let topic = TopicName::new("t", &MqttLimits::default()).unwrap();
    let content = Content::new(payload.to_owned());
    let message = Message { topic, qos, retain: false, expires_ms: None, content };
    Delivery { message: Arc::new(message), qos, retain: false, subscription_ids: Vec::new() }
}

/// What is stored of a session.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    head: Option<Head>,
    messages: BTreeMap<u64, (Option<Delivery>, Option<PacketId>)>,
    pub(super) received: BTreeMap<PacketId, Received>,
}

impl Disk {
    pub(super) fn write(&mut self, changes: Changes) {
        self.head = changes.head.map(|head| *head).or(self.head.take());
        for change in changes.messages {
            match change {
                Change::Queued { number, delivery } => self.messages.insert(number, (Some(delivery), None)),
                Change::Sent { number, packet_id, .. } => {
                    let delivery = self.messages.remove(&number).and_then(|(delivery, _)| delivery);
                    self.messages.insert(number, (delivery, Some(packet_id)))
                }
                Change::Released { number, packet_id } => self.messages.insert(number, (None, Some(packet_id))),
                Change::Done { number } => self.messages.remove(&number),
            };
        }
    }

    /// The session after the process was killed and started again.
    pub(super) fn read(&self, now_ms: u64) -> Session {
        let head = serde_json::from_slice(&serde_json::to_vec(self.head.as_ref().unwrap()).unwrap()).unwrap();
        let messages = self.messages.iter().map(|(number, (delivery, sent))| {
            let delivery = delivery.as_ref().map(|delivery| serde_json::to_vec(delivery).unwrap());
            let delivery = delivery.map(|stored| serde_json::from_slice(&stored).unwrap());
            StoredMessage { number: *number, delivery, sent: *sent }
        });
        let stored = Stored { head, messages: messages.collect(), received: self.received.values().copied().collect() };
        Session::restored(stored, now_ms)
    }
}

/// What is left of a session after the process was killed and started again, when everything was stored.
pub(super) fn restart(mut changes: Changes, now_ms: u64) -> Session {
    let mut disk = Disk::default();
    disk.write(std::mem::take(&mut changes));
    disk.read(now_ms)
}
