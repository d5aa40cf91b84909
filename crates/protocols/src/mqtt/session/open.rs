//! A connection that is accepted: messages in both directions.

use std::num::NonZeroU16;
use std::sync::Arc;

use super::action::{Action, Begun, Failure, Output, Requested};
use super::aliases::{ClientAliases, ServerAliases};
use super::inbound::{Kind, Ready};
use super::outbound::Next;
use super::state::Session;
use super::watch::{Direction, Seen};
use crate::mqtt::message::after;
use crate::mqtt::packet::{Ack, Connect, Disconnect, EncodeError, Packet, PacketId, Publish, Qos, Version, encode};
use crate::mqtt::{Delivery, Message, MqttLimits, ReasonCode, TopicError, TopicName};

/// What belongs to the connection and not to the session.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) session: Session,
    pub(super) version: Version,
    keep_alive_seconds: u16,
    maximum_packet_bytes: u32,
    /// Messages that may be under way to the client.
    window: usize,
    client_aliases: ClientAliases,
    server_aliases: ServerAliases,
    /// Whether acknowledgements may say more than a code [MQTT-3.1.2-29].
    problem_information: bool,
    pub(super) authentication_method: Option<Arc<str>>,
    /// As in CONNECT.
    session_expiry_seconds: u32,
    /// Messages of the client under way (section 4.9).
    unfinished: usize,
    pub(super) asking: Asking,
}

/// What the caller or the client has not answered.
#[derive(Debug)]
pub(super) enum Asking {
    Nothing,
    /// The caller, whether the client may subscribe.
    Subscribe(PacketId, Vec<Requested>),
    /// The caller, about authentication.
    Authentication,
    /// The client, about authentication.
    Challenge,
}

impl Open {
    pub(super) fn new(session: Session, connect: &Connect, keep_alive_seconds: u16, limits: &MqttLimits) -> Self {
        let window = connect.receive_maximum.map_or(u16::MAX, |maximum| maximum.get());
        Self {
            session_expiry_seconds: session.expiry_seconds(),
            session,
            version: connect.version,
            keep_alive_seconds,
            maximum_packet_bytes: connect.maximum_packet_bytes.unwrap_or(u32::MAX),
            window: usize::from(window.min(limits.inflight_messages.max(1))),
            client_aliases: ClientAliases::default(),
            server_aliases: ServerAliases::new(connect.topic_alias_maximum.min(limits.topic_aliases)),
            problem_information: connect.request_problem_information,
            authentication_method: connect.authentication_method.clone(),
            unfinished: 0,
            asking: Asking::Nothing,
        }
    }

    pub(super) fn wants_bytes(&self, limits: &MqttLimits) -> bool {
        // A client of 5.0 that keeps to the receive maximum waits for two answers of each message at most.
        let most = match self.version {
            Version::V3 => usize::from(limits.receive_maximum),
            Version::V5 => usize::from(limits.receive_maximum) * 2,
        };
        matches!(self.asking, Asking::Nothing | Asking::Challenge) && self.session.inbound.waiting() < most.max(1)
    }

    /// The keep-alive that holds, in seconds; 0 for none.
    pub(super) fn keep_alive_seconds(&self) -> u16 {
        self.keep_alive_seconds
    }

    /// How long the client may be silent, in milliseconds; 0 for ever.
    pub(super) fn patience_ms(&self) -> u64 {
        u64::from(self.keep_alive_seconds) * 1_500
    }

    pub(super) fn packet(
        &mut self,
        packet: Packet,
        limits: &MqttLimits,
        now_ms: u64,
        out: &mut Output,
    ) -> Result<(), Failure> {
        match packet {
            Packet::Publish(publish) => {
                self.publish(*publish, limits, now_ms, out)?;
                self.acknowledge(out)
            }
            Packet::PubRel(ack) => {
                let is_kept = self.session.is_kept();
                match self.session.inbound.release(ack.packet_id, is_kept) {
                    None => return Err(Failure::protocol("PUBREL came before PUBREC was sent")),
                    Some(None) => {}
                    Some(Some(ticket)) => out.actions.push(Action::Release { packet_id: ack.packet_id, ticket }),
                }
                self.acknowledge(out)
            }
            Packet::PubAck(ack) => {
                if !self.session.outbound.acknowledged(ack.packet_id) {
                    return Err(Failure::protocol("PUBACK came for a QoS 2 message"));
                }
                self.pump(limits, now_ms, out);
                Ok(())
            }
            Packet::PubRec(ack) => {
                let reason = self.session.outbound.received(ack.packet_id, ack.reason.is_failure());
                let reason = reason.map_err(|()| Failure::protocol("PUBREC came for a QoS 1 message"))?;
                if let Some(reason) = reason {
                    self.send(&Packet::PubRel(Ack::new(ack.packet_id, reason)), out);
                }
                self.pump(limits, now_ms, out);
                Ok(())
            }
            Packet::PubComp(ack) => {
                if !self.session.outbound.completed(ack.packet_id) {
                    return Err(Failure::protocol("PUBCOMP came before PUBREL was sent"));
                }
                self.pump(limits, now_ms, out);
                Ok(())
            }
            Packet::Subscribe(subscribe) => self.subscribe(*subscribe, limits, out),
            Packet::Unsubscribe(unsubscribe) => {
                self.unsubscribe(*unsubscribe, out);
                Ok(())
            }
            Packet::PingReq => {
                self.send(&Packet::PingResp, out); // [MQTT-3.12.4-1]
                Ok(())
            }
            Packet::Auth(auth) => self.authenticate(*auth, out),
            Packet::Connect(_) => Err(Failure::protocol("CONNECT came twice")), // [MQTT-3.1.0-2]
            Packet::ConnAck(_) | Packet::SubAck(_) | Packet::UnsubAck(_) | Packet::PingResp | Packet::Disconnect(_) => {
                Err(Failure::protocol("the packet is one of servers"))
            }
        }
    }

    /// What DISCONNECT changes (section 3.14.4).
    pub(super) fn check_disconnect(&mut self, disconnect: &Disconnect, limits: &MqttLimits) -> Result<(), Failure> {
        if let Some(seconds) = disconnect.session_expiry_seconds {
            // Section 3.14.2.2.2: who said nothing with CONNECT cannot say something now.
            if self.session_expiry_seconds == 0 && seconds > 0 {
                return Err(Failure::protocol("DISCONNECT sets a session expiry that CONNECT did not have"));
            }
            self.session.set_expiry_seconds(seconds.min(limits.session_expiry_seconds));
        }
        if disconnect.reason == ReasonCode::Success {
            self.session.forget_will(); // [MQTT-3.14.4-3]
        }
        Ok(())
    }

    /// A message of the client.
    fn publish(&mut self, publish: Publish, limits: &MqttLimits, now_ms: u64, out: &mut Output) -> Result<(), Failure> {
        if !publish.subscription_ids.is_empty() {
            return Err(Failure::protocol("PUBLISH of a client has a subscription identifier")); // [MQTT-3.3.4-6]
        }
        if let Some(topic) = &publish.content.response_topic
            && topic.contains(['+', '#'])
        {
            return Err(Failure::protocol("the response topic holds a wildcard")); // [MQTT-3.3.2-14]
        }
        let counts = self.version == Version::V5 && publish.qos != Qos::AtMostOnce;
        if counts && self.unfinished >= usize::from(limits.receive_maximum) {
            // [MQTT-3.3.4-7]
            let text = "more messages are under way than allowed (setting mqtt.receive_maximum)";
            return Err(Failure::new(ReasonCode::ReceiveMaximumExceeded, text));
        }
        let waiting = self.session.inbound.waiting();
        self.take(publish, limits, now_ms, out)?;
        self.unfinished += self.session.inbound.waiting() - waiting;
        Ok(())
    }

    fn take(&mut self, publish: Publish, limits: &MqttLimits, now_ms: u64, out: &mut Output) -> Result<(), Failure> {
        let topic = match self.topic(&publish, limits)? {
            Ok(topic) => topic,
            Err(error) => {
                let kind = if publish.qos == Qos::AtLeastOnce { Kind::Ack } else { Kind::Rec };
                if let Some(packet_id) = publish.packet_id {
                    let text = Some(error.to_string().into());
                    self.session.inbound.refuse(kind, packet_id, ReasonCode::TopicNameInvalid, text);
                }
                return Ok(());
            }
        };
        let inbound = &mut self.session.inbound;
        let (ticket, begun) = match (publish.qos, publish.packet_id) {
            (Qos::AtLeastOnce, Some(packet_id)) => (Some(inbound.at_least_once(packet_id)), None),
            (Qos::ExactlyOnce, Some(packet_id)) => match inbound.exactly_once(packet_id, publish.dup) {
                Some((ticket, first_ns)) => (Some(ticket), Some(Begun { packet_id, first_ns })),
                None => return Ok(()),
            },
            _ => (None, None),
        };
        let message = Arc::new(Message {
            topic,
            qos: publish.qos,
            retain: publish.retain,
            expires_ms: publish.expiry_seconds.map(|seconds| after(now_ms, seconds)),
            content: publish.content,
        });
        let received = begun.filter(|_| self.session.is_kept());
        out.actions.push(Action::Publish { message, ticket, received });
        Ok(())
    }

    /// The topic of a message. One that is only too long or too deep refuses the message, any other fault ends the
    /// connection.
    fn topic(&mut self, publish: &Publish, limits: &MqttLimits) -> Result<Result<TopicName, TopicError>, Failure> {
        match publish.topic_alias {
            Some(alias) if publish.topic.is_empty() => Ok(Ok(self.client_aliases.get(alias, limits.topic_aliases)?)),
            alias => match TopicName::new(publish.topic.clone(), limits) {
                Ok(topic) => {
                    if let Some(alias) = alias {
                        self.client_aliases.set(alias, &topic, limits.topic_aliases)?;
                    }
                    Ok(Ok(topic))
                }
                Err(error @ (TopicError::Bytes { .. } | TopicError::Levels { .. })) => Ok(Err(error)),
                Err(TopicError::Empty) if self.version == Version::V5 => {
                    Err(Failure::protocol("PUBLISH has neither a topic nor an alias"))
                }
                Err(error) => Err(Failure::new(ReasonCode::TopicNameInvalid, error.to_string())),
            },
        }
    }

    /// Sends the acknowledgements whose turn it is.
    pub(super) fn acknowledge(&mut self, out: &mut Output) -> Result<(), Failure> {
        while let Some(Ready { kind, packet_id, reason, text }) = self.session.inbound.next() {
            if kind != Kind::Rec || reason.is_failure() {
                self.unfinished = self.unfinished.saturating_sub(1);
            }
            // A client of 3.1.1 cannot be told (3.1.1, [MQTT-3.3.5-2]), and a PUBREL cannot be refused: it comes again.
            let cannot_say = match kind {
                Kind::Ack | Kind::Rec => self.version == Version::V3,
                Kind::Comp => reason != ReasonCode::PacketIdentifierNotFound,
            };
            if reason.is_failure() && cannot_say {
                let text = text.map_or_else(|| reason.as_str().to_owned(), |text| text.as_ref().to_owned());
                return Err(Failure::new(reason, text));
            }
            let mut ack = Ack::new(packet_id, reason);
            if self.problem_information && text.is_some() {
                ack.details = Some(Box::new((text, Vec::new())));
            }
            let packet = |ack| match kind {
                Kind::Ack => Packet::PubAck(ack),
                Kind::Rec => Packet::PubRec(ack),
                Kind::Comp => Packet::PubComp(ack),
            };
            if !self.send(&packet(ack), out) {
                // Without its words it may fit [MQTT-3.4.2-2].
                self.send(&packet(Ack::new(packet_id, reason)), out);
            }
        }
        Ok(())
    }

    /// A message for the client.
    pub(super) fn deliver(&mut self, delivery: Delivery, limits: &MqttLimits, now_ms: u64, out: &mut Output) {
        if delivery.qos == Qos::AtMostOnce {
            // It passes those that wait for acknowledgements.
            self.pump(limits, now_ms, out);
            if out.bytes.len() < limits.send_buffer_bytes && !delivery.message.is_expired(now_ms) {
                return self.send_message(None, false, &delivery, now_ms, out);
            }
        }
        self.session.outbound.push(delivery, limits);
        self.pump(limits, now_ms, out);
    }

    /// Sends what may be sent while there is room.
    pub(super) fn pump(&mut self, limits: &MqttLimits, now_ms: u64, out: &mut Output) {
        while out.bytes.len() < limits.send_buffer_bytes {
            match self.session.outbound.next(self.window, now_ms) {
                None => return,
                Some(Next::Fleeting(delivery)) => self.send_message(None, false, &delivery, now_ms, out),
                Some(Next::First(id, delivery)) => self.send_message(Some(id), false, &delivery, now_ms, out),
                Some(Next::Again(id, delivery)) => self.send_message(Some(id), true, &delivery, now_ms, out),
                Some(Next::Release(id)) => {
                    self.send(&Packet::PubRel(Ack::new(id, ReasonCode::Success)), out);
                }
            }
        }
    }

    fn send_message(
        &mut self,
        packet_id: Option<PacketId>,
        dup: bool,
        delivery: &Delivery,
        now_ms: u64,
        out: &mut Output,
    ) {
        let message = &delivery.message;
        let is_v5 = self.version == Version::V5;
        let alias = self.server_aliases.get(&message.topic).filter(|_| is_v5);
        let publish = Publish {
            dup,
            qos: delivery.qos,
            retain: delivery.retain,
            topic: match alias {
                Some((_, true)) => Arc::default(),
                _ => message.topic.text().clone(),
            },
            packet_id,
            topic_alias: alias.map(|(alias, _)| alias),
            expiry_seconds: message.expiry_seconds(now_ms),
            subscription_ids: if is_v5 { delivery.subscription_ids.clone() } else { Vec::new() },
            content: message.content.clone(),
        };
        let sent = self.send_about(&Packet::Publish(Box::new(publish)), Some(&message.topic), out);
        match (sent, alias) {
            (true, Some((alias, false))) => self.server_aliases.told(&message.topic, alias),
            (true, _) => {}
            (false, _) => self.session.outbound.too_large(packet_id),
        }
    }

    /// Sends DISCONNECT, which a server of 3.1.1 does not have.
    pub(super) fn send_disconnect(&self, disconnect: Disconnect, out: &mut Output) {
        if self.version == Version::V3 {
            return;
        }
        let reason = disconnect.reason;
        if !self.send(&Packet::Disconnect(Box::new(disconnect)), out) {
            self.send(&Packet::Disconnect(Box::new(Disconnect::new(reason))), out); // [MQTT-3.14.2-3]
        }
    }

    /// Sends a packet; whether the client takes it [MQTT-3.1.2-24].
    pub(super) fn send(&self, packet: &Packet, out: &mut Output) -> bool {
        self.send_about(packet, None, out)
    }

    /// The same for a message, with the topic that an alias may stand for.
    fn send_about(&self, packet: &Packet, topic: Option<&TopicName>, out: &mut Output) -> bool {
        let before = out.bytes.len();
        let written: Result<(), EncodeError> = encode(packet, self.version, self.maximum_packet_bytes, &mut out.bytes);
        if written.is_ok() {
            out.saw(|| {
                let seen = Seen::of(packet, Direction::Out, out.bytes.len() - before);
                match topic {
                    Some(topic) => Seen { topic: Some(topic.text().clone()), ..seen },
                    None => seen,
                }
            });
        }
        written.is_ok()
    }

    /// The topic of an alias of the client's.
    pub(super) fn alias(&self, alias: NonZeroU16, limits: &MqttLimits) -> Option<Arc<str>> {
        Some(self.client_aliases.get(alias, limits.topic_aliases).ok()?.text().clone())
    }
}
