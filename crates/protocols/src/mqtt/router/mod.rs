//! Who gets a message: subscriptions of many sessions, shared subscriptions, and retained messages, apart for each organisation.
//!
//! Invariants:
//! - nothing crosses from one [`Space`] to another;
//! - a session gets a message once for all its own subscriptions, with the highest QoS and all identifiers [MQTT-3.3.4-2],
//!   [MQTT-3.3.4-3], and once for each of its shared subscriptions whose turn it has (section 4.8.2);
//! - a message is made once: its subscribers and its place among the retained share it.
//!
//! Limits: `mqtt.subscriptions_per_organisation`, `mqtt.retained_messages` and `mqtt.retained_bytes` of
//! [`MqttLimits`](super::MqttLimits), each with an error that names it.

mod retained;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use sensorium_model::{FastMap, FastSet, OrgId};
use thiserror::Error;

use super::message::{Delivery, Message};
use super::packet::RetainHandling;
use super::session::{Session, Subscribed};
use super::topic::{TopicFilter, TopicName};
use super::trie::{Subscribers, Trie};
use super::{MqttLimits, ReasonCode};
use retained::Retained;

/// The number of a session inside the process, which the caller gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub u64);

/// Why a subscription or a retained message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RouterError {
    /// Too many subscriptions.
    #[error(
        "the organisation has {limit} subscriptions, the most that are allowed (setting mqtt.subscriptions_per_organisation)"
    )]
    Subscriptions {
        /// That are allowed.
        limit: usize,
    },
    /// Too many retained messages.
    #[error(
        "the organisation has {limit} retained messages, the most that are allowed (setting mqtt.retained_messages)"
    )]
    RetainedMessages {
        /// That are allowed.
        limit: usize,
    },
    /// Too large retained messages.
    #[error("the organisation's retained messages have no more room in {limit} bytes (setting mqtt.retained_bytes)")]
    RetainedBytes {
        /// That are allowed.
        limit: usize,
    },
}

impl RouterError {
    /// What the client is told.
    pub fn reason(&self) -> ReasonCode {
        ReasonCode::QuotaExceeded
    }
}

/// The spaces of all organisations.
#[derive(Debug)]
pub struct Router {
    limits: Arc<MqttLimits>,
    spaces: FastMap<OrgId, Space>,
}

/// What one organisation subscribes to and retains.
#[derive(Debug)]
pub struct Space {
    limits: Arc<MqttLimits>,
    subscriptions: Trie<SessionKey, Subscribed>,
    online: FastSet<SessionKey>,
    retained: Retained,
}

impl Router {
    /// A router without subscriptions.
    pub fn new(limits: Arc<MqttLimits>) -> Self {
        Self { limits, spaces: FastMap::default() }
    }

    /// The space of an organisation that has one.
    pub fn get(&self, organisation: OrgId) -> Option<&Space> {
        self.spaces.get(&organisation)
    }

    /// The space of an organisation, made when there is none.
    pub fn space(&mut self, organisation: OrgId) -> &mut Space {
        self.spaces.entry(organisation).or_insert_with(|| Space::new(self.limits.clone()))
    }

    /// The spaces with their organisations.
    pub fn spaces(&self) -> impl Iterator<Item = (OrgId, &Space)> {
        self.spaces.iter().map(|(organisation, space)| (*organisation, space))
    }

    /// Forgets retained messages that have expired, and spaces in which there is nothing; the topics of those messages.
    pub fn expire(&mut self, now_ms: u64) -> Vec<(OrgId, TopicName)> {
        let mut expired = Vec::new();
        self.spaces.retain(|org, space| {
            expired.extend(space.retained.expire(now_ms).into_iter().map(|topic| (*org, topic)));
            !(space.subscriptions.is_empty() && space.online.is_empty() && space.retained.len() == 0)
        });
        expired
    }

    /// Forgets an organisation.
    pub fn remove(&mut self, organisation: OrgId) {
        self.spaces.remove(&organisation);
    }
}

impl Space {
    fn new(limits: Arc<MqttLimits>) -> Self {
        Self { limits, subscriptions: Trie::default(), online: FastSet::default(), retained: Retained::default() }
    }

    /// Adds a subscription or replaces the one to the same filter [MQTT-3.8.4-3].
    pub fn subscribe(
        &mut self,
        session: SessionKey,
        filter: &TopicFilter,
        subscribed: Subscribed,
    ) -> Result<(), RouterError> {
        let limit = self.limits.subscriptions_per_organisation;
        let was_full = self.subscriptions.len() >= limit;
        let replaced = self.subscriptions.insert(filter, session, subscribed);
        if was_full && replaced.is_none() {
            self.subscriptions.remove(filter, &session);
            return Err(RouterError::Subscriptions { limit });
        }
        Ok(())
    }

    /// Removes a subscription; whether there was one.
    pub fn unsubscribe(&mut self, session: SessionKey, filter: &TopicFilter) -> bool {
        self.subscriptions.remove(filter, &session).is_some()
    }

    /// Adds what a stored session subscribes to, which was accepted before.
    pub fn restore(&mut self, key: SessionKey, session: &Session) {
        for (filter, subscribed) in session.subscriptions() {
            self.subscriptions.insert(filter, key, *subscribed);
        }
    }

    /// Removes a session that is over, and what it subscribed to.
    pub fn remove(&mut self, key: SessionKey, filters: &[TopicFilter]) {
        for filter in filters {
            self.subscriptions.remove(filter, &key);
        }
        self.online.remove(&key);
    }

    /// Says whether a session has a connection: shared subscriptions prefer those that have.
    pub fn set_online(&mut self, session: SessionKey, is_online: bool) {
        match is_online {
            true => self.online.insert(session),
            false => self.online.remove(&session),
        };
    }

    /// The number of subscriptions.
    pub fn subscriptions(&self) -> usize {
        self.subscriptions.len()
    }

    /// Whether any session subscribes to a filter that begins with this level itself, and not with a wildcard.
    pub fn has_first_level(&self, level: &str) -> bool {
        self.subscriptions.has_first_level(level)
    }

    /// The number of sessions that have a connection.
    pub fn online(&self) -> usize {
        self.online.len()
    }

    /// Calls `each` for who gets a message; returns for how many that was. `publisher` is the session that sent it.
    pub fn route(
        &self,
        publisher: Option<SessionKey>,
        message: &Arc<Message>,
        mut each: impl FnMut(SessionKey, Delivery),
    ) -> usize {
        let mut matching: Vec<&Subscribers<SessionKey, Subscribed>> = Vec::new();
        self.subscriptions.visit(&message.topic, |subscribers| matching.push(subscribers));
        let is_local = |key: SessionKey, subscribed: &Subscribed| {
            subscribed.options.no_local && publisher == Some(key) // [MQTT-3.8.3-3]
        };
        let mut count = 0;
        let mut tell = |key, delivery| {
            count += 1;
            each(key, delivery);
        };
        for group in matching.iter().flat_map(|subscribers| subscribers.groups()) {
            if let Some((key, subscribed)) = group.next(|key| self.online.contains(key)) {
                tell(*key, delivery(message, subscribed, false));
            }
        }
        let own = matching.iter().flat_map(|subscribers| subscribers.own());
        let own = own.filter(|(key, subscribed)| !is_local(**key, subscribed));
        if matching.len() == 1 {
            // One filter: everybody is there once.
            own.for_each(|(key, subscribed)| tell(*key, delivery(message, subscribed, false)));
            return count;
        }
        let mut own: Vec<(SessionKey, &Subscribed)> = own.map(|(key, subscribed)| (*key, subscribed)).collect();
        own.sort_by_key(|(key, _)| *key);
        for same in own.chunk_by(|a, b| a.0 == b.0) {
            let Some(((key, first), others)) = same.split_first() else { continue };
            let mut merged = delivery(message, first, false);
            for (_, subscribed) in others {
                let other = delivery(message, subscribed, false);
                merged.qos = merged.qos.max(other.qos);
                merged.retain |= other.retain;
                merged.subscription_ids.extend(other.subscription_ids);
            }
            tell(*key, merged);
        }
        count
    }

    /// Retains a message in its topic's place, or forgets what is there when the payload is empty [MQTT-3.3.1-5],
    /// [MQTT-3.3.1-6]. Only for messages with the retain flag.
    pub fn retain(&mut self, message: &Arc<Message>) -> Result<(), RouterError> {
        match message.content.payload.is_empty() {
            true => {
                self.retained.remove(&message.topic);
                Ok(())
            }
            false => self.retained.insert(message, &self.limits),
        }
    }

    /// Calls `each` with the retained messages for a subscription that was just made (section 3.3.1.3). `is_new` says whether
    /// there was none to this filter before. A shared subscription gets none (section 4.8.2).
    pub fn retained(
        &self,
        filter: &TopicFilter,
        subscribed: &Subscribed,
        is_new: bool,
        now_ms: u64,
        mut each: impl FnMut(Delivery),
    ) {
        if wants_retained(filter, subscribed, is_new) {
            self.retained.visit(filter, &mut |message| {
                if !message.is_expired(now_ms) {
                    each(delivery(message, subscribed, true));
                }
            });
        }
    }

    /// Calls `each` with the retained messages whose topics match, in no order: to be shown.
    pub fn matching<'r>(&'r self, filter: &TopicFilter, mut each: impl FnMut(&'r Arc<Message>)) {
        self.retained.visit(filter, &mut each);
    }

    /// Calls `each` with all retained messages, in no order: to be stored, and to be shown.
    pub fn all_retained(&self, mut each: impl FnMut(&Arc<Message>)) {
        self.retained.visit_all(&mut each);
    }

    /// Whether a message is retained for a topic.
    pub fn is_retained(&self, topic: &TopicName) -> bool {
        self.retained.contains(topic)
    }

    /// The number of retained messages.
    pub fn retained_messages(&self) -> usize {
        self.retained.len()
    }

    /// Bytes of the topics and payloads of retained messages.
    pub fn retained_bytes(&self) -> usize {
        self.retained.bytes()
    }
}

/// Whether a subscription that was just made is sent what is retained (section 3.3.1.3).
pub fn wants_retained(filter: &TopicFilter, subscribed: &Subscribed, is_new: bool) -> bool {
    let is_wanted = match subscribed.options.retain_handling {
        RetainHandling::Send => true,        // [MQTT-3.3.1-9]
        RetainHandling::SendIfNew => is_new, // [MQTT-3.3.1-10]
        RetainHandling::DoNotSend => false,  // [MQTT-3.3.1-11]
    };
    is_wanted && filter.group().is_none()
}

/// A message for a subscription; `is_retained` when it was there before the subscription.
pub fn delivery(message: &Arc<Message>, subscribed: &Subscribed, is_retained: bool) -> Delivery {
    Delivery {
        message: message.clone(),
        qos: message.qos.min(subscribed.options.qos), // [MQTT-3.8.4-8]
        retain: is_retained || (message.retain && subscribed.options.retain_as_published), // [MQTT-3.3.1-12]
        subscription_ids: subscribed.subscription_id.into_iter().collect(),
    }
}
