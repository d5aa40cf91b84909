//! The broker as the rest of the program sees it ([`Messaging`]): its numbers, its clients, what is retained, and messages that
//! are published and read inside of the process.
//!
//! Invariants:
//! - a message that is published here is stored, retained and passed on as one that its publisher sends over MQTT;
//! - a reader never slows the broker: what finds no room in its queue is counted and gone;
//! - nothing is counted per message but by atomics, and without readers of an organisation nothing is done for them.
//!
//! Limits: [`MqttConfig::readers`](super::MqttConfig::readers) readers of an organisation, each with a queue that is bounded in
//! messages and in bytes.

mod about;
mod organisation;
mod publish;
mod reader;

use std::net::IpAddr;
use std::sync::Arc;

use sensorium_model::messaging::{
    ClientKey, ClientQuery, ClientSubscription, MessagingClient, MessagingFuture, MessagingListener, MessagingOverview,
    MessagingTrace, NewTopicMessage, Published, TopicMessage, TraceOf, TracedPacket,
};
use sensorium_model::{ErrorKind, MessageReader, Messaging, MessagingError, OrgId, Principal, TraceId};
use sensorium_protocols::mqtt::packet::{Content, Qos};
use sensorium_protocols::mqtt::router::RouterError;
use sensorium_protocols::mqtt::{Message, MqttLimits, TopicError, TopicFilter, TopicName};

pub(super) use self::about::About;
pub(super) use self::organisation::{Organisation, shown};
use super::Mqtt;
use super::rights::Rights;

impl Mqtt {
    /// Says where clients find the broker, for whoever looks.
    pub fn listens(&self, listener: MessagingListener) {
        self.0.listeners.lock().push(listener);
    }
}

impl Messaging for Mqtt {
    fn overview(&self, org: OrgId) -> MessagingOverview {
        let numbers = self.0.broker.overview(org);
        MessagingOverview { listeners: self.0.listeners.lock().clone(), ..numbers }
    }

    fn clients(&self, org: OrgId, wanted: &ClientQuery) -> Vec<MessagingClient> {
        self.0.broker.clients(org, wanted)
    }

    fn client(&self, org: OrgId, key: &ClientKey) -> Option<(MessagingClient, Vec<ClientSubscription>)> {
        self.0.broker.client(org, key)
    }

    fn disconnect<'a>(&'a self, org: OrgId, key: &'a ClientKey, with_session: bool) -> MessagingFuture<'a, bool> {
        Box::pin(async move {
            let ended = self.0.broker.disconnect(org, key, with_session, self.0.clock.now_ms());
            let Some(durable) = ended else { return false };
            self.0.journal.until_durable(durable).await;
            true
        })
    }

    fn retained(
        &self,
        org: OrgId,
        filter: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<TopicMessage>, MessagingError> {
        let filter = unshared(filter, &self.0.limits)?;
        Ok(self.0.broker.retained_page(org, &filter, after, limit, self.0.clock.now_ms()))
    }

    fn remove_retained<'a>(&'a self, org: OrgId, topic: &'a str) -> MessagingFuture<'a, Result<bool, MessagingError>> {
        Box::pin(async move {
            let topic = TopicName::new(topic, &self.0.limits).map_err(wrong)?;
            if !self.0.broker.is_retained(org, &topic) {
                return Ok(false);
            }
            let (qos, content) = (Qos::AtMostOnce, Content::default());
            let nothing = Arc::new(Message { topic, qos, retain: true, expires_ms: None, content });
            let passed = self.0.broker.publish(org, None, &nothing, self.0.clock.now_ms()).map_err(full)?;
            self.0.journal.until_durable(passed.durable).await;
            Ok(true)
        })
    }

    fn publish<'a>(
        &'a self,
        who: &'a Principal,
        peer: IpAddr,
        message: NewTopicMessage,
    ) -> MessagingFuture<'a, Result<Published, MessagingError>> {
        Box::pin(publish::publish(&self.0, who, peer, message))
    }

    fn subscribe(&self, who: &Principal, filter: &str) -> Result<Box<dyn MessageReader>, MessagingError> {
        let shared = &self.0;
        let filter = unshared(filter, &shared.limits)?;
        let rights = Rights::new(who.clone(), &shared.config.database);
        if !rights.may_subscribe(&filter, &shared.config.rules) {
            return Err(MessagingError::denied("this credential may not read messages of these topics"));
        }
        let reader = shared.broker.organisation(who.org).read(filter, shared.config.readers, shared.stop.clone())?;
        Ok(Box::new(reader))
    }

    fn start_trace(&self, org: OrgId, of: TraceOf, seconds: u64) -> Result<MessagingTrace, MessagingError> {
        self.0.start_trace(org, of, seconds)
    }

    fn traces(&self, org: OrgId) -> Vec<MessagingTrace> {
        self.0.traces.list(org)
    }

    fn trace(&self, org: OrgId, id: TraceId, after: u64, limit: usize) -> Option<(MessagingTrace, Vec<TracedPacket>)> {
        self.0.traces.get(org, id, after, limit)
    }

    fn remove_trace(&self, org: OrgId, id: TraceId) -> bool {
        self.0.remove_trace(org, id)
    }
}

/// A filter that is no shared subscription, which says who gets a message and not which.
fn unshared(text: &str, limits: &MqttLimits) -> Result<TopicFilter, MessagingError> {
    let filter = TopicFilter::new(text, limits).map_err(wrong)?;
    match filter.group() {
        None => Ok(filter),
        Some(_) => Err(MessagingError::invalid("give the filter itself, without $share and a group")),
    }
}

fn wrong(error: TopicError) -> MessagingError {
    MessagingError::invalid(error.to_string())
}

fn full(error: RouterError) -> MessagingError {
    MessagingError::new(ErrorKind::TooLarge, error.to_string())
}
