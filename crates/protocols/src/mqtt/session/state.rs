//! What outlives a connection (section 4.1).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::action::{Action, Outcome, Ticket};
use super::inbound::Inbound;
use super::outbound::{Counters, Outbound};
use super::stored::{Change, Changes, Stored};
use crate::mqtt::message::after;
use crate::mqtt::packet::{Qos, SubscriptionOptions, Will};
use crate::mqtt::{Delivery, Message, MqttLimits, TopicFilter, TopicName};

/// The session of a client: its subscriptions and its messages under way. One that outlives its connection is kept: what changes
/// of it is told by [`Session::take_changes`], and [`Session::restored`] makes it anew of what was stored.
#[derive(Debug)]
pub struct Session {
    pub(super) head: Head,
    /// Whether something of it is stored.
    is_kept: bool,
    /// Whether the head is not what was told last.
    is_changed: bool,
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound,
}

/// A session without its messages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head {
    pub(super) client_id: Arc<str>,
    /// `u32::MAX` for ever [MQTT-3.1.2-23].
    pub(super) expiry_seconds: u32,
    /// While there is no connection.
    pub(super) expires_ms: Option<u64>,
    /// Apart, because most sessions have none.
    pub(super) will: Option<Box<StoredWill>>,
    /// When the will is to be published.
    pub(super) will_due_ms: Option<u64>,
    /// In the order of their filters.
    pub(super) subscriptions: Vec<(TopicFilter, Subscribed)>,
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
        let head = Head {
            client_id,
            expiry_seconds: 0,
            expires_ms: None,
            will: None,
            will_due_ms: None,
            subscriptions: Vec::new(),
        };
        let (inbound, outbound) = (Inbound::default(), Outbound::default());
        Self { head, is_kept: false, is_changed: false, inbound, outbound }
    }

    /// A session that was stored, after a start: its connection is broken.
    pub fn restored(stored: Stored, now_ms: u64) -> Self {
        let Stored { head, messages, received } = stored;
        let (inbound, outbound) = (Inbound::restored(received), Outbound::restored(messages));
        let mut session = Self { head, is_kept: true, is_changed: false, inbound, outbound };
        if session.head.expires_ms.is_none() {
            session.disconnected(now_ms);
        }
        session
    }

    /// What changed since it was asked the last time; nothing, of a session that is not kept.
    pub fn take_changes(&mut self) -> Changes {
        let head = (self.is_kept && std::mem::take(&mut self.is_changed)).then(|| Box::new(self.head.clone()));
        let messages = self.outbound.take_changes();
        Changes { is_awaited: head.is_some() || messages.iter().any(Change::is_awaited), head, messages }
    }

    /// Whether the session outlives its connection, and the process.
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Whose session it is.
    pub fn client_id(&self) -> &Arc<str> {
        &self.head.client_id
    }

    /// Seconds that the session outlives a connection; `u32::MAX` for ever.
    pub fn expiry_seconds(&self) -> u32 {
        self.head.expiry_seconds
    }

    /// When the session ends if its client does not come; none while there is a connection, and for a session that has no end.
    pub fn expires_ms(&self) -> Option<u64> {
        self.head.expires_ms.filter(|_| self.head.expiry_seconds != u32::MAX)
    }

    /// When its connection ended; none while there is one.
    pub fn disconnected_ms(&self) -> Option<u64> {
        Some(self.head.expires_ms?.saturating_sub(u64::from(self.head.expiry_seconds) * 1_000))
    }

    /// What it subscribes to, in the order of the filters.
    pub fn subscriptions(&self) -> &[(TopicFilter, Subscribed)] {
        &self.head.subscriptions
    }

    /// What is to be done when the session is over.
    pub fn into_end(self) -> Action {
        let filters = self.head.subscriptions.into_iter().map(|(filter, _)| filter).collect();
        Action::EndSession { filters, was_kept: self.is_kept }
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

    /// When [`Session::tick`] has something to do.
    pub fn next_tick_ms(&self) -> Option<u64> {
        let head = &self.head;
        match (head.will_due_ms, head.expires_ms.filter(|_| head.expiry_seconds != u32::MAX)) {
            (Some(will), Some(end)) => Some(will.min(end)),
            (will, end) => will.or(end),
        }
    }

    /// Says what is due without a connection. The will comes at the latest with the end of the session [MQTT-3.1.2-8].
    pub fn tick(&mut self, now_ms: u64) -> Due {
        let head = &self.head;
        let is_over = head.expires_ms.is_some_and(|end| end <= now_ms && head.expiry_seconds != u32::MAX);
        let is_due = is_over || head.will_due_ms.is_some_and(|due| due <= now_ms);
        Due { will: if is_due { self.take_will(now_ms) } else { None }, is_over }
    }

    /// The session is over before its time; its will, when it was not published yet.
    pub fn end(&mut self, now_ms: u64) -> Option<Arc<Message>> {
        self.take_will(now_ms)
    }

    /// Without a connection: the session is over with the next [`Session::tick`].
    pub fn expire(&mut self, now_ms: u64) {
        self.head.expiry_seconds = 0;
        self.head.expires_ms = Some(now_ms);
        self.is_changed = true;
    }

    /// A connection begins. A will that is not published yet never is [MQTT-3.1.3-9].
    pub(super) fn connected(&mut self, expiry_seconds: u32, will: Option<StoredWill>) {
        let head = &mut self.head;
        head.expiry_seconds = expiry_seconds;
        head.expires_ms = None;
        head.will_due_ms = None;
        head.will = will.map(Box::new);
        if expiry_seconds > 0 {
            self.is_kept = true;
            self.outbound.keep();
        }
        self.is_changed = true;
        self.inbound.disconnected();
        self.outbound.connected();
    }

    /// The connection is over.
    pub(super) fn disconnected(&mut self, now_ms: u64) {
        let head = &mut self.head;
        head.expires_ms = Some(after(now_ms, head.expiry_seconds));
        head.will_due_ms = head.will.as_ref().map(|stored| after(now_ms, stored.will.delay_seconds));
        self.is_changed = true;
        self.inbound.disconnected();
        self.outbound.disconnected();
    }

    /// The client does not want its will to be published [MQTT-3.14.4-3].
    pub(super) fn forget_will(&mut self) {
        self.head.will = None;
        self.is_changed = true;
    }

    pub(super) fn set_expiry_seconds(&mut self, seconds: u32) {
        self.head.expiry_seconds = seconds;
        self.is_changed = true;
    }

    pub(super) fn subscription(&self, filter: &TopicFilter) -> Option<&Subscribed> {
        let position = self.place(filter).ok()?;
        self.head.subscriptions.get(position).map(|(_, subscribed)| subscribed)
    }

    /// Adds or replaces a subscription [MQTT-3.8.4-3].
    pub(super) fn subscribe(&mut self, filter: TopicFilter, subscribed: Subscribed) {
        match self.place(&filter) {
            Ok(position) => {
                if let Some(slot) = self.head.subscriptions.get_mut(position) {
                    self.is_changed |= slot.1 != subscribed;
                    slot.1 = subscribed;
                }
            }
            Err(position) => {
                self.is_changed = true;
                self.head.subscriptions.insert(position, (filter, subscribed));
            }
        }
    }

    /// Removes a subscription; whether there was one.
    pub(super) fn unsubscribe(&mut self, filter: &TopicFilter) -> bool {
        let place = self.place(filter);
        self.is_changed |= place.is_ok();
        place.map(|position| self.head.subscriptions.remove(position)).is_ok()
    }

    fn place(&self, filter: &TopicFilter) -> Result<usize, usize> {
        self.head.subscriptions.binary_search_by(|(present, _)| present.cmp(filter))
    }

    fn take_will(&mut self, now_ms: u64) -> Option<Arc<Message>> {
        self.head.will_due_ms = None;
        let StoredWill { topic, will } = *self.head.will.take()?;
        self.is_changed = true;
        Some(Arc::new(Message {
            topic,
            qos: will.qos,
            retain: will.retain,
            expires_ms: will.expiry_seconds.map(|seconds| after(now_ms, seconds)),
            content: will.content,
        }))
    }
}
