//! One connection from its first byte to its last.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::action::{Action, Failure, Outcome, Output, Ticket};
use super::open::Open;
use super::state::Session;
use super::stored::Changes;
use super::watch::{Direction, Seen};
use crate::mqtt::packet::{Connect, Decoder, Disconnect, Packet, Qos, Version, encode};
use crate::mqtt::{Delivery, MqttLimits, ReasonCode};

/// The machine of one connection. What it is told after its end is ignored.
#[derive(Debug)]
pub struct Connection {
    pub(super) limits: Arc<MqttLimits>,
    pub(super) decoder: Decoder,
    pub(super) phase: Phase,
    opened_ms: u64,
    /// When the last packet came.
    heard_ms: u64,
}

/// How far the connection is.
#[derive(Debug)]
pub(super) enum Phase {
    /// CONNECT is still to come.
    Connecting,
    /// The caller decides whether the client may come in.
    Deciding(Box<Connect>),
    /// The client answers a challenge.
    Challenged(Box<Connect>),
    /// The client is in.
    Open(Box<Open>),
    /// It is over, and the session may not be.
    Closed(Option<Box<Session>>),
}

impl Connection {
    /// A connection without bytes so far.
    pub fn new(limits: Arc<MqttLimits>, now_ms: u64) -> Self {
        let decoder = Decoder::new(&limits);
        Self { limits, decoder, phase: Phase::Connecting, opened_ms: now_ms, heard_ms: now_ms }
    }

    /// Reads packets from the front of `buffer`, as long as [`Connection::wants_bytes`] and not too much is to be written.
    /// Called when bytes came; and when bytes are left, after each answer and after bytes were written.
    pub fn receive(&mut self, buffer: &mut BytesMut, now_ms: u64, out: &mut Output) {
        self.receive_at_most(buffer, usize::MAX, now_ms, out);
    }

    /// The same, but no more packets than these.
    pub fn receive_at_most(&mut self, buffer: &mut BytesMut, packets: usize, now_ms: u64, out: &mut Output) {
        for _ in 0..packets {
            // Who does not read is not read either: answers like PINGRESP would pile up.
            if !self.wants_bytes() || out.bytes.len() >= self.limits.send_buffer_bytes.saturating_mul(2) {
                return;
            }
            let before = buffer.len();
            let result = match self.decoder.decode(buffer) {
                Ok(None) => return,
                Ok(Some(packet)) => {
                    self.heard_ms = now_ms;
                    out.saw(|| self.seen(&packet, before - buffer.len()));
                    self.packet(packet, now_ms, out)
                }
                Err(error) => Err(error.into()),
            };
            self.settled(result, now_ms, out);
        }
    }

    /// Whether bytes are read now: not while a decision is to be made, and not while too much is unacknowledged.
    pub fn wants_bytes(&self) -> bool {
        match &self.phase {
            Phase::Connecting | Phase::Challenged(_) => true,
            Phase::Deciding(_) | Phase::Closed(_) => false,
            Phase::Open(open) => open.wants_bytes(&self.limits),
        }
    }

    /// The client may have said something that is not read for now, so that its silence does not count.
    pub fn not_read(&mut self, now_ms: u64) {
        if matches!(self.phase, Phase::Open(_)) {
            self.heard_ms = now_ms;
        }
    }

    /// What became of a message or PUBREL.
    pub fn outcome(&mut self, ticket: Ticket, outcome: &Outcome, now_ms: u64, out: &mut Output) {
        let result = match &mut self.phase {
            Phase::Open(open) => {
                open.session.outcome(ticket, outcome);
                open.acknowledge(out)
            }
            Phase::Closed(Some(session)) => {
                session.outcome(ticket, outcome);
                Ok(())
            }
            _ => Ok(()),
        };
        self.settled(result, now_ms, out);
    }

    /// A message for the client: sent at once when there is room, or queued.
    pub fn deliver(&mut self, delivery: Delivery, now_ms: u64, out: &mut Output) {
        match &mut self.phase {
            Phase::Open(open) => open.deliver(delivery, &self.limits, now_ms, out),
            Phase::Closed(Some(session)) => session.deliver(delivery, &self.limits),
            _ => {}
        }
    }

    /// Sends what is queued. Called when bytes were written and there is room again.
    pub fn flush(&mut self, now_ms: u64, out: &mut Output) {
        if let Phase::Open(open) = &mut self.phase {
            open.pump(&self.limits, now_ms, out);
        }
    }

    /// When [`Connection::tick`] has something to do, unless packets come before.
    pub fn next_tick_ms(&self) -> Option<u64> {
        match &self.phase {
            Phase::Closed(_) => None,
            Phase::Open(open) => {
                Some(self.heard_ms.saturating_add(open.patience_ms())).filter(|_| open.patience_ms() > 0)
            }
            _ => Some(self.opened_ms.saturating_add(self.limits.connect_ms)),
        }
    }

    /// Closes a connection from which nothing was heard for too long [MQTT-3.1.2-22].
    pub fn tick(&mut self, now_ms: u64, out: &mut Output) {
        let is_read = self.wants_bytes();
        if self.next_tick_ms().is_none_or(|tick_ms| now_ms < tick_ms) {
            return;
        }
        let failure = match &self.phase {
            // The client speaks, and nobody listens.
            Phase::Open(_) if !is_read => {
                self.heard_ms = now_ms;
                return;
            }
            Phase::Open(_) => Failure::new(ReasonCode::KeepAliveTimeout, "nothing came for 1.5 times the keep-alive"),
            Phase::Deciding(_) => Failure::new(ReasonCode::ServerUnavailable, "it took too long to check the client"),
            _ => {
                Failure::new(ReasonCode::KeepAliveTimeout, "CONNECT took longer than allowed (setting mqtt.connect_ms)")
            }
        };
        self.fail(failure, now_ms, out);
    }

    /// The server ends the connection. The will is published.
    pub fn disconnect(
        &mut self,
        reason: ReasonCode,
        text: impl Into<Cow<'static, str>>,
        server_reference: Option<Arc<str>>,
        now_ms: u64,
        out: &mut Output,
    ) {
        let failure = Failure::new(reason, text);
        match &self.phase {
            Phase::Open(open) => {
                let reason_string = Some(failure.text.as_ref().into()).filter(|text: &Arc<str>| !text.is_empty());
                let disconnect = Disconnect { reason_string, server_reference, ..Disconnect::new(reason) };
                open.send_disconnect(disconnect, out);
                self.close(failure, now_ms, out);
            }
            _ => self.fail(failure, now_ms, out),
        }
    }

    /// The socket is closed by the other side or broken.
    pub fn lost(&mut self, now_ms: u64, out: &mut Output) {
        self.close(Failure::new(ReasonCode::Unspecified, "the connection was closed without DISCONNECT"), now_ms, out);
    }

    /// The session of an open connection.
    pub fn session(&self) -> Option<&Session> {
        match &self.phase {
            Phase::Open(open) => Some(&open.session),
            Phase::Closed(session) => session.as_deref(),
            _ => None,
        }
    }

    /// The keep-alive that holds for an open connection, in seconds; 0 for none.
    pub fn keep_alive_seconds(&self) -> Option<u16> {
        match &self.phase {
            Phase::Open(open) => Some(open.keep_alive_seconds()),
            _ => None,
        }
    }

    /// The session ends with the connection, whatever the client asked for; with the next [`Session::tick`] when the connection
    /// is over already.
    pub fn let_session_end(&mut self, now_ms: u64) {
        match &mut self.phase {
            Phase::Open(open) => open.session.set_expiry_seconds(0),
            Phase::Closed(Some(session)) => session.expire(now_ms),
            _ => {}
        }
    }

    /// The session, when the connection is over and the session is not.
    pub fn into_session(self) -> Option<Session> {
        match self.phase {
            Phase::Closed(session) => session.map(|session| *session),
            _ => None,
        }
    }

    /// What changed of a session that is kept, since it was asked the last time.
    pub fn take_changes(&mut self) -> Changes {
        match &mut self.phase {
            Phase::Open(open) => open.session.take_changes(),
            Phase::Closed(Some(session)) => session.take_changes(),
            _ => Changes::default(),
        }
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed(_))
    }

    /// A packet of the client, with the topic that an alias stands for.
    fn seen(&self, packet: &Packet, bytes: usize) -> Seen {
        let mut seen = Seen::of(packet, Direction::In, bytes);
        if let (Phase::Open(open), Packet::Publish(publish), None) = (&self.phase, packet, &seen.topic) {
            seen.topic = publish.topic_alias.and_then(|alias| open.alias(alias, &self.limits));
        }
        seen
    }

    fn packet(&mut self, packet: Packet, now_ms: u64, out: &mut Output) -> Result<(), Failure> {
        match (&mut self.phase, packet) {
            (Phase::Connecting, Packet::Connect(connect)) => self.connecting(connect, out),
            (Phase::Open(open), Packet::Disconnect(disconnect)) => {
                open.check_disconnect(&disconnect, &self.limits)?;
                let reason = disconnect.reason;
                self.close(Failure::new(reason, "the client said DISCONNECT"), now_ms, out);
                Ok(())
            }
            (Phase::Open(open), packet) => open.packet(packet, &self.limits, now_ms, out),
            (Phase::Challenged(_), Packet::Auth(auth)) => self.answered(*auth, out),
            (Phase::Challenged(_), Packet::Disconnect(_)) => {
                self.close(Failure::new(ReasonCode::Success, "the client said DISCONNECT"), now_ms, out);
                Ok(())
            }
            // [MQTT-3.1.2-30]
            _ => Err(Failure::protocol("a packet came before the connection was accepted")),
        }
    }

    /// Ends the connection when something failed.
    pub(super) fn settled(&mut self, result: Result<(), Failure>, now_ms: u64, out: &mut Output) {
        if let Err(failure) = result {
            self.fail(failure, now_ms, out);
        }
    }

    /// Tells the client what is wrong, where its version has words for it, and closes [MQTT-4.13.1-1].
    pub(super) fn fail(&mut self, failure: Failure, now_ms: u64, out: &mut Output) {
        match &self.phase {
            Phase::Closed(_) => return,
            Phase::Open(open) => {
                let reason_string = Some(failure.text.as_ref().into());
                open.send_disconnect(Disconnect { reason_string, ..Disconnect::new(failure.reason) }, out);
            }
            Phase::Connecting | Phase::Deciding(_) | Phase::Challenged(_) => self.send_refusal(&failure, None, out),
        }
        self.close(failure, now_ms, out);
    }

    pub(super) fn close(&mut self, failure: Failure, now_ms: u64, out: &mut Output) {
        if self.is_closed() {
            return;
        }
        let mut kept = None;
        if let Phase::Open(open) = std::mem::replace(&mut self.phase, Phase::Closed(None)) {
            let mut session = open.session;
            session.disconnected(now_ms);
            let due = session.tick(now_ms);
            out.actions.extend(due.will.map(Action::PublishWill));
            match due.is_over {
                true => out.actions.push(session.into_end()),
                false => kept = Some(Box::new(session)),
            }
        }
        self.phase = Phase::Closed(kept);
        let Failure { reason, text } = failure;
        out.saw(|| Seen::closed(reason));
        out.actions.push(Action::Close { reason, text });
    }

    /// Sends a packet of the phases before [`Phase::Open`].
    pub(super) fn send(&self, packet: &Packet, connect: &Connect, out: &mut Output) {
        let limit = connect.maximum_packet_bytes.unwrap_or(u32::MAX);
        let before = out.bytes.len();
        // What the client does not take is not sent [MQTT-3.1.2-24].
        if encode(packet, connect.version, limit, &mut out.bytes).is_ok() {
            out.saw(|| Seen::of(packet, Direction::Out, out.bytes.len() - before));
        }
    }

    /// The last word of a client that authenticated again, from the server (section 4.12.1).
    pub fn authenticated(&mut self, data: Option<Bytes>, out: &mut Output) {
        if let Phase::Open(open) = &mut self.phase {
            open.authenticated(data, out);
        }
    }

    /// What the client may subscribe to: for each filter of [`Action::Subscribe`] the QoS at most, or why not.
    pub fn subscribed(&mut self, granted: &[Result<Qos, ReasonCode>], now_ms: u64, out: &mut Output) {
        if let Phase::Open(open) = &mut self.phase {
            open.subscribed(granted, out);
            open.pump(&self.limits, now_ms, out);
        }
    }

    /// What the client speaks, as soon as it is known.
    pub fn version(&self) -> Option<Version> {
        self.decoder.version()
    }
}
