//! An organisation's numbers: for whoever looks, and as messages below `$SYS/broker`.
//!
//! They are computed only for those who subscribe to or read a filter that begins with `$SYS`: at once for a new subscription, as
//! if they were retained, and then again and again.

use std::sync::Arc;

use sensorium_model::OrgId;
use sensorium_model::messaging::MessagingOverview;
use sensorium_protocols::mqtt::packet::{Content, Qos};
use sensorium_protocols::mqtt::router::{delivery, wants_retained};
use sensorium_protocols::mqtt::session::Subscribed;
use sensorium_protocols::mqtt::{Delivery, Message, TopicFilter, TopicName};

use super::super::admin::Organisation;
use super::{Broker, State};

/// The level that topics of numbers begin with. What a wildcard stands for never begins so [MQTT-4.7.2-1].
const SYSTEM: &str = "$SYS";

impl Broker {
    /// What is counted of an organisation, and who reads its messages inside of the process.
    pub(in crate::mqtt) fn organisation(&self, org: OrgId) -> Arc<Organisation> {
        let present = self.state.read().organisations.get(&org).cloned();
        present.unwrap_or_else(|| self.state.write().organisations.entry(org).or_default().clone())
    }

    pub(in crate::mqtt) fn overview(&self, org: OrgId) -> MessagingOverview {
        self.state.read().overview(org)
    }

    /// Publishes the numbers of the organisations in which somebody waits for them.
    pub(in crate::mqtt) fn publish_numbers(&self, now_ms: u64) {
        let wanted: Vec<(OrgId, Vec<Arc<Message>>)> = {
            let state = self.state.read();
            let subscribed =
                state.router.spaces().filter(|(_, space)| space.has_first_level(SYSTEM)).map(|(org, _)| org);
            let read = state.organisations.iter().filter(|(_, own)| own.reads_level(SYSTEM)).map(|(org, _)| *org);
            let mut orgs: Vec<OrgId> = subscribed.chain(read).collect();
            orgs.sort_unstable();
            orgs.dedup();
            orgs.into_iter().map(|org| (org, self.numbers(&state, org))).collect()
        };
        for (org, messages) in wanted {
            for message in &messages {
                if let Err(error) = self.publish(org, None, message, now_ms) {
                    tracing::debug!(%error, topic = message.topic.as_str(), "a number was not published");
                }
            }
        }
    }

    /// The numbers for a subscription that was just made.
    pub(super) fn numbers_for(
        &self,
        state: &State,
        org: OrgId,
        filter: &TopicFilter,
        subscribed: &Subscribed,
        is_new: bool,
    ) -> Vec<Delivery> {
        if filter.levels().next() != Some(SYSTEM) || !wants_retained(filter, subscribed, is_new) {
            return Vec::new();
        }
        let matching = self.numbers(state, org).into_iter().filter(|message| filter.matches(&message.topic));
        matching.map(|message| delivery(&message, subscribed, true)).collect()
    }

    fn numbers(&self, state: &State, org: OrgId) -> Vec<Arc<Message>> {
        let numbers = state.overview(org);
        let said = [
            ("clients/connected", numbers.connections.to_string()),
            ("sessions/count", numbers.sessions.to_string()),
            ("subscriptions/count", numbers.subscriptions.to_string()),
            ("retained messages/count", numbers.retained.to_string()),
            ("messages/received", numbers.received.to_string()),
            ("messages/sent", numbers.sent.to_string()),
            ("messages/dropped", numbers.dropped.to_string()),
            ("messages/limited", numbers.limited.to_string()),
            ("uptime", self.started.elapsed().as_secs().to_string()),
            ("version", concat!("sensorium ", env!("CARGO_PKG_VERSION")).to_owned()),
        ];
        let message = |(name, value): (&str, String)| {
            // Where topics may not be so long or so deep, there are none of these.
            let topic = TopicName::new(format!("{SYSTEM}/broker/{name}"), &self.limits).ok()?;
            let content = Content::new(value);
            Some(Arc::new(Message { topic, qos: Qos::AtMostOnce, retain: false, expires_ms: None, content }))
        };
        said.into_iter().filter_map(message).collect()
    }
}

impl State {
    fn overview(&self, org: OrgId) -> MessagingOverview {
        let counted = self.organisations.get(&org).map(|own| own.counted()).unwrap_or_default();
        let space = self.router.get(org);
        MessagingOverview {
            listeners: Vec::new(),
            bridges: self.organisations.get(&org).map(|own| own.bridges()).unwrap_or_default(),
            connections: space.map_or(0, |space| space.online()),
            sessions: self.keys.keys().filter(|identity| identity.org == org).count(),
            subscriptions: space.map_or(0, |space| space.subscriptions()),
            retained: space.map_or(0, |space| space.retained_messages()),
            retained_bytes: space.map_or(0, |space| space.retained_bytes()),
            received: counted.received,
            sent: counted.sent,
            refused: counted.refused,
            dropped: counted.dropped,
            limited: counted.limited,
        }
    }
}
