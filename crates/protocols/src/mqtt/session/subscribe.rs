//! SUBSCRIBE, UNSUBSCRIBE (sections 3.8 to 3.11) and authentication of a client that is in (section 4.12.1).

use bytes::Bytes;

use super::action::{Action, Failure, Output, Requested};
use super::connect::auth;
use super::open::{Asking, Open};
use super::state::Subscribed;
use crate::mqtt::packet::{Auth, Packet, PacketId, Qos, SubAck, Subscribe, Unsubscribe};
use crate::mqtt::{MqttLimits, ReasonCode, TopicFilter};

impl Open {
    /// Asks the caller whether the client may subscribe. Nothing is read until it says so.
    pub(super) fn subscribe(
        &mut self,
        subscribe: Subscribe,
        limits: &MqttLimits,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let most = limits.subscriptions_per_session;
        if subscribe.filters.len() > most {
            let text = "SUBSCRIBE has more filters than allowed (setting mqtt.subscriptions_per_session)";
            return Err(Failure::new(ReasonCode::QuotaExceeded, text));
        }
        let mut count = self.session.subscriptions().len();
        let mut requested: Vec<Requested> = Vec::with_capacity(subscribe.filters.len());
        for wanted in subscribe.filters {
            let filter = TopicFilter::new(wanted.filter, limits).map_err(|_| ReasonCode::TopicFilterInvalid);
            let is_shared = filter.as_ref().is_ok_and(|filter| filter.group().is_some());
            if is_shared && wanted.options.no_local {
                return Err(Failure::protocol("a shared subscription has no local")); // [MQTT-3.8.3-4]
            }
            let is_new = filter.as_ref().is_ok_and(|filter| self.session.subscription(filter).is_none());
            count += usize::from(is_new);
            let filter = match is_new && count > most {
                true => Err(ReasonCode::QuotaExceeded),
                false => filter,
            };
            let (options, subscription_id) = (wanted.options, subscribe.subscription_id);
            requested.push(Requested { filter, options, subscription_id, is_new });
        }
        out.actions.push(Action::Subscribe(requested.clone()));
        self.asking = Asking::Subscribe(subscribe.packet_id, requested);
        Ok(())
    }

    /// Does what the caller decided, and answers with a code for each filter [MQTT-3.8.4-6].
    pub(super) fn subscribed(&mut self, granted: &[Result<Qos, ReasonCode>], out: &mut Output) {
        let (packet_id, requested) = match std::mem::replace(&mut self.asking, Asking::Nothing) {
            Asking::Subscribe(packet_id, requested) => (packet_id, requested),
            other => {
                self.asking = other;
                return;
            }
        };
        let mut reasons = Vec::with_capacity(requested.len());
        for (position, wanted) in requested.into_iter().enumerate() {
            let granted = granted.get(position).copied().unwrap_or(Err(ReasonCode::Unspecified));
            let reason = match (wanted.filter, granted) {
                (Err(reason), _) | (_, Err(reason)) => reason,
                (Ok(filter), Ok(qos)) => {
                    let qos = qos.min(wanted.options.qos);
                    let mut options = wanted.options;
                    options.qos = qos;
                    self.session.subscribe(filter, Subscribed { options, subscription_id: wanted.subscription_id });
                    qos.granted()
                }
            };
            reasons.push(reason);
        }
        self.send(&Packet::SubAck(answer(packet_id, reasons)), out);
    }

    /// Removes subscriptions, which needs no leave.
    pub(super) fn unsubscribe(&mut self, unsubscribe: Unsubscribe, out: &mut Output) {
        let mut reasons = Vec::with_capacity(unsubscribe.filters.len());
        for text in unsubscribe.filters {
            reasons.push(match TopicFilter::try_from(text) {
                Err(_) => ReasonCode::TopicFilterInvalid,
                Ok(filter) if self.session.unsubscribe(&filter) => {
                    out.actions.push(Action::Unsubscribe(filter));
                    ReasonCode::Success
                }
                Ok(_) => ReasonCode::NoSubscriptionExisted,
            });
        }
        self.send(&Packet::UnsubAck(answer(unsubscribe.packet_id, reasons)), out); // [MQTT-3.10.4-4]
    }

    /// AUTH came: the client authenticates again, or answers a challenge.
    pub(super) fn authenticate(&mut self, auth: Auth, out: &mut Output) -> Result<(), Failure> {
        let expected = match self.asking {
            Asking::Challenge => ReasonCode::ContinueAuthentication,
            _ => ReasonCode::ReAuthenticate,
        };
        // [MQTT-4.12.1-1]: only the method of CONNECT.
        if self.authentication_method.is_none() || auth.method != self.authentication_method || auth.reason != expected
        {
            return Err(Failure::protocol("AUTH has another method than CONNECT, or does not belong here"));
        }
        self.asking = Asking::Authentication;
        out.actions.push(Action::Authenticate { data: auth.data, is_accepted: true });
        Ok(())
    }

    pub(super) fn challenge(&mut self, data: Option<Bytes>, out: &mut Output) {
        if matches!(self.asking, Asking::Authentication) {
            self.asking = Asking::Challenge;
            let method = self.authentication_method.clone();
            self.send(&auth(ReasonCode::ContinueAuthentication, method, data), out);
        }
    }

    pub(super) fn authenticated(&mut self, data: Option<Bytes>, out: &mut Output) {
        if matches!(self.asking, Asking::Authentication) {
            self.asking = Asking::Nothing;
            self.send(&auth(ReasonCode::Success, self.authentication_method.clone(), data), out);
        }
    }
}

fn answer(packet_id: PacketId, reasons: Vec<ReasonCode>) -> Box<SubAck> {
    Box::new(SubAck { packet_id, reasons, reason_string: None, user_properties: Vec::new() })
}
