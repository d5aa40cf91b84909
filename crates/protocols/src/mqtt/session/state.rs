//! What outlives a connection (section 4.1).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::action::{Outcome, Ticket};
use super::inbound::Inbound;
use super::outbound::{Counters, Outbound};
use crate::mqtt::message::after;
use crate::mqtt::packet::{PacketId, Qos, SubscriptionOptions, Will};
use crate::mqtt::{Delivery, Message, MqttLimits, TopicFilter, TopicName};

/// The session of a client: its subscriptions and its messages under way. What serde writes is what survives a restart.
#[derive(Debug, Serialize, Deserialize)]
pub struct Session {
    client_id: Arc<str>,
    /// `u32::MAX` for ever [MQTT-3.1.2-23].
    expiry_seconds: u32,
    /// While there is no connection.
    expires_ms: Option<u64>,
    /// Apart, because most sessions have none.
    will: Option<Box<StoredWill>>,
    /// When the will is to be published.
    will_due_ms: Option<u64>,
    /// In the order of their filters.
    subscriptions: Vec<(TopicFilter, Subscribed)>,
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound,
}

/// A will whose topic was checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredWill {
    pub(super) topic: TopicName,
    pub(super) will: Will,
}

/// How a session subscribes to a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// With the QoS that was granted.
    pub options: SubscriptionOptions,
    /// What comes with its messages.
    pub subscription_id: Option<u32>,
}

/// What is due for a session without a connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// To be published.
    pub will: Option<Arc<Message>>,
    /// Whether the session is over, with its subscriptions [MQTT-3.1.2-23].
    pub is_over: bool,
}

impl Session {
    pub(super) fn new(client_id: Arc<str>) -> Self {
        Self {
            client_id,
            expiry_seconds: 0,
            expires_ms: None,
            will: None,
            will_due_ms: None,
            subscriptions: Vec::new(),
            inbound: Inbound::default(),
            outbound: Outbound::default(),
        }
    }

    /// Whose session it is.
    pub fn client_id(&self) -> &Arc<str> {
        &self.client_id
    }

    /// Seconds that the session outlives a connection; `u32::MAX` for ever.
    pub fn expiry_seconds(&self) -> u32 {
        self.expiry_seconds
    }

    /// When the session ends if its client does not come; none while there is a connection, and for a session that has no end.
    pub fn expires_ms(&self) -> Option<u64> {
        self.expires_ms.filter(|_| self.expiry_seconds != u32::MAX)
    }

    /// When its connection ended; none while there is one.
    pub fn disconnected_ms(&self) -> Option<u64> {
        Some(self.expires_ms?.saturating_sub(u64::from(self.expiry_seconds) * 1_000))
    }

    /// What it subscribes to, in the order of the filters.
    pub fn subscriptions(&self) -> &[(TopicFilter, Subscribed)] {
        &self.subscriptions
    }

    /// What a session that is over subscribed to.
    pub fn into_filters(self) -> Vec<TopicFilter> {
        self.subscriptions.into_iter().map(|(filter, _)| filter).collect()
    }

    /// Messages that wait for the client.
    pub fn queued(&self) -> usize {
        self.outbound.queued()
    }

    /// Messages that were sent and not acknowledged.
    pub fn inflight(&self) -> usize {
        self.outbound.inflight()
    }

    /// What was not delivered.
    pub fn counters(&self) -> Counters {
        self.outbound.counters()
    }

    /// A message for a session without a connection. QoS 0 messages are not kept.
    pub fn deliver(&mut self, delivery: Delivery, limits: &MqttLimits) {
        match delivery.qos {
            Qos::AtMostOnce => self.outbound.count(true),
            Qos::AtLeastOnce | Qos::ExactlyOnce => self.outbound.push(delivery, limits),
        }
    }

    /// What became of a message or PUBREL whose connection is over.
    pub fn outcome(&mut self, ticket: Ticket, outcome: &Outcome) {
        self.inbound.outcome(ticket, outcome);
    }

    /// After the session was read at a start: its connection is broken, and the log is whole up to `durable`.
    pub fn restored(&mut self, durable: u64, now_ms: u64) {
        self.inbound.restored(durable);
        self.outbound.restored();
        if self.expires_ms.is_none() {
            self.disconnected(now_ms);
        }
    }

    /// The log has a QoS 2 message of this client behind what was stored of the session.
    pub fn received(&mut self, packet_id: PacketId, seq: u64) {
        self.inbound.received(packet_id, seq);
    }

    /// The log has a release of this client behind what was stored of the session.
    pub fn released(&mut self, packet_id: PacketId) {
        self.inbound.released(packet_id);
    }

    /// When [`Session::tick`] has something to do.
    pub fn next_tick_ms(&self) -> Option<u64> {
        match (self.will_due_ms, self.expires_ms.filter(|_| self.expiry_seconds != u32::MAX)) {
            (Some(will), Some(end)) => Some(will.min(end)),
            (will, end) => will.or(end),
        }
    }

    /// Says what is due without a connection. The will comes at the latest with the end of the session [MQTT-3.1.2-8].
    pub fn tick(&mut self, now_ms: u64) -> Due {
        let is_over = self.expires_ms.is_some_and(|end| end <= now_ms && self.expiry_seconds != u32::MAX);
        let is_due = is_over || self.will_due_ms.is_some_and(|due| due <= now_ms);
        Due { will: if is_due { self.take_will(now_ms) } else { None }, is_over }
    }

    /// The session is over before its time; its will, when it was not published yet.
    pub fn end(&mut self, now_ms: u64) -> Option<Arc<Message>> {
        self.take_will(now_ms)
    }

    /// Without a connection: the session is over with the next [`Session::tick`].
    pub fn expire(&mut self, now_ms: u64) {
        self.expiry_seconds = 0;
        self.expires_ms = Some(now_ms);
    }

    /// A connection begins. A will that is not published yet never is [MQTT-3.1.3-9].
    pub(super) fn connected(&mut self, expiry_seconds: u32, will: Option<StoredWill>) {
        self.expiry_seconds = expiry_seconds;
        self.expires_ms = None;
        self.will_due_ms = None;
        self.will = will.map(Box::new);
        self.inbound.disconnected();
        self.outbound.connected();
    }

    /// The connection is over.
    pub(super) fn disconnected(&mut self, now_ms: u64) {
        self.expires_ms = Some(after(now_ms, self.expiry_seconds));
        self.will_due_ms = self.will.as_ref().map(|stored| after(now_ms, stored.will.delay_seconds));
        self.inbound.disconnected();
        self.outbound.disconnected();
    }

    /// The client does not want its will to be published [MQTT-3.14.4-3].
    pub(super) fn forget_will(&mut self) {
        self.will = None;
    }

    pub(super) fn set_expiry_seconds(&mut self, seconds: u32) {
        self.expiry_seconds = seconds;
    }

    pub(super) fn subscription(&self, filter: &TopicFilter) -> Option<&Subscribed> {
        let position = self.place(filter).ok()?;
        self.subscriptions.get(position).map(|(_, subscribed)| subscribed)
    }

    /// Adds or replaces a subscription [MQTT-3.8.4-3].
    pub(super) fn subscribe(&mut self, filter: TopicFilter, subscribed: Subscribed) {
        match self.place(&filter) {
            Ok(position) => {
                if let Some(slot) = self.subscriptions.get_mut(position) {
                    slot.1 = subscribed;
                }
            }
            Err(position) => self.subscriptions.insert(position, (filter, subscribed)),
        }
    }

    /// Removes a subscription; whether there was one.
    pub(super) fn unsubscribe(&mut self, filter: &TopicFilter) -> bool {
        self.place(filter).map(|position| self.subscriptions.remove(position)).is_ok()
    }

    fn place(&self, filter: &TopicFilter) -> Result<usize, usize> {
        self.subscriptions.binary_search_by(|(present, _)| present.cmp(filter))
    }

    fn take_will(&mut self, now_ms: u64) -> Option<Arc<Message>> {
        self.will_due_ms = None;
        let StoredWill { topic, will } = *self.will.take()?;
        Some(Arc::new(Message {
            topic,
            qos: will.qos,
            retain: will.retain,
            expires_ms: will.expiry_seconds.map(|seconds| after(now_ms, seconds)),
            content: will.content,
        }))
    }
}
