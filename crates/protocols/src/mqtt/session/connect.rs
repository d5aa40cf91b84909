//! CONNECT and what follows until the client is in (sections 3.1, 3.2 and 4.12).

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::action::{Accept, Action, Failure, Output};
use super::connection::{Connection, Phase};
use super::open::Open;
use super::state::{Session, StoredWill};
use crate::mqtt::packet::{Auth, ConnAck, Connect, Packet, Version, encode};
use crate::mqtt::{MqttLimits, ReasonCode, TopicName};

impl Connection {
    /// Lets the client in, with its stored session unless it wants a clean start [MQTT-3.1.2-4], [MQTT-3.1.2-5].
    ///
    /// A stored session that is forgotten for a clean start ends first: [`Action::PublishWill`] when its will was delayed, and
    /// [`Action::EndSession`].
    pub fn accept(&mut self, accept: Accept, now_ms: u64, out: &mut Output) {
        let connect = match std::mem::replace(&mut self.phase, Phase::Closed(None)) {
            Phase::Deciding(connect) => connect,
            other => {
                self.phase = other;
                return;
            }
        };
        let will = match checked_will(&connect, &self.limits) {
            Ok(will) => will,
            Err(failure) => {
                self.phase = Phase::Deciding(connect);
                return self.fail(failure, now_ms, out);
            }
        };
        let stored = match accept.session {
            Some(mut session) if connect.clean_start => {
                out.actions.extend(session.end(now_ms).map(Action::PublishWill));
                out.actions.push(session.into_end());
                None
            }
            other => other,
        };
        let session_present = stored.is_some();
        let assigned = accept.assigned_client_id.filter(|_| connect.client_id.is_empty());
        let client_id = assigned.as_ref().unwrap_or(&connect.client_id).clone();
        let mut session = stored.unwrap_or_else(|| Session::new(client_id));
        let expiry_seconds = expiry_seconds(&connect, &self.limits);
        session.connected(expiry_seconds, will);

        let keep_alive_seconds = keep_alive_seconds(&connect, &self.limits);
        let requested = connect.session_expiry_seconds.unwrap_or_default();
        let ack = ConnAck {
            session_present,
            session_expiry_seconds: Some(expiry_seconds).filter(|agreed| *agreed != requested),
            receive_maximum: std::num::NonZeroU16::new(self.limits.receive_maximum),
            maximum_packet_bytes: Some(self.limits.packet_bytes),
            assigned_client_id: assigned,
            topic_alias_maximum: self.limits.topic_aliases,
            server_keep_alive_seconds: Some(keep_alive_seconds).filter(|agreed| *agreed != connect.keep_alive_seconds),
            response_information: accept.response_information.filter(|_| connect.request_response_information),
            authentication_method: connect.authentication_method.clone(),
            authentication_data: accept.authentication_data,
            ..ConnAck::new(ReasonCode::Success)
        };
        self.send(&Packet::ConnAck(Box::new(ack)), &connect, out);
        let mut open = Open::new(session, &connect, keep_alive_seconds, &self.limits);
        open.pump(&self.limits, now_ms, out);
        self.phase = Phase::Open(Box::new(open));
    }

    /// Does not let the client in, and closes [MQTT-3.2.2-7].
    pub fn refuse(
        &mut self,
        reason: ReasonCode,
        text: impl Into<Cow<'static, str>>,
        server_reference: Option<Arc<str>>,
        now_ms: u64,
        out: &mut Output,
    ) {
        if matches!(self.phase, Phase::Deciding(_)) {
            let failure = Failure::new(reason, text);
            self.send_refusal(&failure, server_reference, out);
            self.close(failure, now_ms, out);
        }
    }

    /// Asks the client for more (section 4.12): before it is in, or when it authenticates again.
    pub fn challenge(&mut self, data: Option<Bytes>, out: &mut Output) {
        match std::mem::replace(&mut self.phase, Phase::Closed(None)) {
            Phase::Deciding(connect) => {
                let auth = auth(ReasonCode::ContinueAuthentication, connect.authentication_method.clone(), data);
                self.send(&auth, &connect, out);
                self.phase = Phase::Challenged(connect);
            }
            Phase::Open(mut open) => {
                open.challenge(data, out);
                self.phase = Phase::Open(open);
            }
            other => self.phase = other,
        }
    }

    /// CONNECT came.
    pub(super) fn connecting(&mut self, connect: Box<Connect>, out: &mut Output) -> Result<(), Failure> {
        let id = &connect.client_id;
        let checked = match () {
            () if id.len() > self.limits.client_id_bytes => Err(Failure::new(
                ReasonCode::ClientIdentifierNotValid,
                "the client identifier is longer than allowed (setting mqtt.client_id_bytes)",
            )),
            // 3.1.1, [MQTT-3.1.3-8]
            () if id.is_empty() && connect.version == Version::V3 && !connect.clean_start => Err(Failure::new(
                ReasonCode::ClientIdentifierNotValid,
                "a session that outlives its connection needs a client identifier",
            )),
            () => checked_will(&connect, &self.limits).map(|_| ()),
        };
        if checked.is_ok() {
            out.actions.push(Action::Connect(connect.clone()));
        }
        self.phase = Phase::Deciding(connect);
        checked
    }

    /// The client answered a challenge.
    pub(super) fn answered(&mut self, auth: Auth, out: &mut Output) -> Result<(), Failure> {
        match std::mem::replace(&mut self.phase, Phase::Closed(None)) {
            Phase::Challenged(connect) => {
                // [MQTT-4.12.0-3], [MQTT-4.12.0-5]
                let is_right =
                    auth.reason == ReasonCode::ContinueAuthentication && auth.method == connect.authentication_method;
                self.phase = Phase::Deciding(connect);
                match is_right {
                    true => out.actions.push(Action::Authenticate { data: auth.data, is_accepted: false }),
                    false => return Err(Failure::protocol("AUTH has another method or reason than the challenge")),
                }
            }
            other => self.phase = other,
        }
        Ok(())
    }

    /// Sends CONNACK with a failure, when CONNECT could be read.
    pub(super) fn send_refusal(&self, failure: &Failure, server_reference: Option<Arc<str>>, out: &mut Output) {
        let ack = ConnAck {
            reason_string: Some(failure.text.as_ref().into()).filter(|text: &Arc<str>| !text.is_empty()),
            server_reference,
            ..ConnAck::new(failure.reason)
        };
        match &self.phase {
            Phase::Deciding(connect) | Phase::Challenged(connect) => {
                self.send(&Packet::ConnAck(Box::new(ack)), connect, out);
            }
            // A client of a version that is not spoken here understands this the soonest [MQTT-3.1.2-2].
            Phase::Connecting if failure.reason == ReasonCode::UnsupportedProtocolVersion => {
                let _ = encode(&Packet::ConnAck(Box::new(ack)), Version::V3, u32::MAX, &mut out.bytes);
            }
            _ => {}
        }
    }
}

/// AUTH.
pub(super) fn auth(reason: ReasonCode, method: Option<Arc<str>>, data: Option<Bytes>) -> Packet {
    Packet::Auth(Box::new(Auth { reason, method, data, reason_string: None, user_properties: Vec::new() }))
}

/// The will with its topic checked.
fn checked_will(connect: &Connect, limits: &MqttLimits) -> Result<Option<StoredWill>, Failure> {
    let Some(will) = &connect.will else { return Ok(None) };
    match TopicName::new(will.topic.clone(), limits) {
        Ok(topic) => Ok(Some(StoredWill { topic, will: will.clone() })),
        Err(error) => Err(Failure::new(ReasonCode::TopicNameInvalid, format!("the will: {error}"))),
    }
}

/// How long the session outlives the connection. In 3.1.1 a session that is not clean has no end of its own.
fn expiry_seconds(connect: &Connect, limits: &MqttLimits) -> u32 {
    let requested = match connect.version {
        Version::V5 => connect.session_expiry_seconds.unwrap_or_default(),
        Version::V3 if connect.clean_start => 0,
        Version::V3 => u32::MAX,
    };
    requested.min(limits.session_expiry_seconds)
}

/// The keep-alive that holds. A client of 3.1.1 cannot be told another than it asked for.
fn keep_alive_seconds(connect: &Connect, limits: &MqttLimits) -> u16 {
    match (connect.keep_alive_seconds, limits.keep_alive_seconds) {
        (requested, longest) if longest == 0 || connect.version == Version::V3 => requested,
        (0, longest) => longest,
        (requested, longest) => requested.min(longest),
    }
}
