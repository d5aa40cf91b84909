//! What messages say that later ones leave out: each message is heard before it is stored, in the order of its connection.
//!
//! Invariants:
//! - decoding stays a function of what goes to the store: the payload with the names that births gave, and the format with what was
//!   announced. So it can be read again at any time, such as from the inbox. Subscribers get what was published;
//! - what one device says changes nothing for another: what is remembered is kept by who sent it;
//! - it is in memory alone: after a restart, nodes of Sparkplug are asked for their births, and devices announce themselves when they
//!   connect.
//!
//! Limits: [`super::MqttConfig::sparkplug_nodes`], [`super::MqttConfig::sparkplug_metrics`],
//! [`super::MqttConfig::announced_topics`].

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use metrics::counter;
use sensorium_ingest::{Format, IngestError, Source};
use sensorium_model::{DeviceId, ErrorKind, OrgId};
use sensorium_protocols::decoders::announced::{Announced, Announcement};
use sensorium_protocols::decoders::sparkplug::{Node, SparkplugError, rebirth};
use sensorium_protocols::mqtt::packet::{Content, Qos};
use sensorium_protocols::mqtt::{Message, TopicFilter, TopicName};

use super::Shared;
use super::memory::Memory;
use super::rights::Rights;

/// How often a node is asked for its births, at most.
const ASK_MS: u64 = 30_000;
/// What the topics of Sparkplug begin with.
const SPARKPLUG: &str = "spBv1.0/";

/// What is remembered of those who send.
pub(super) struct Heard {
    nodes: Memory<NodeKey, NodeState>,
    /// Metrics of each node.
    metrics: usize,
    topics: Memory<TopicKey, Arc<Announced>>,
    /// Whether anything was ever announced: until then, nobody looks.
    is_announced: AtomicBool,
}

/// What goes to the store of a message.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// The payload, with what it leaves out.
    pub(super) body: Bytes,
    /// What was announced of it.
    pub(super) announced: Option<Arc<Announced>>,
}

impl Said {
    /// How the body is to be read.
    pub(super) fn format(&self, topic: &TopicName) -> Format {
        let topic = topic.as_str().to_owned();
        match &self.announced {
            Some(announced) => Format::Announced { topic, announced: announced.clone() },
            None => Format::Mqtt { topic },
        }
    }
}

/// A topic of which a device announced what is in its messages: the device, if the client is one, and the topic.
type TopicKey = (Option<DeviceId>, Box<str>);

/// A node of Sparkplug.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct NodeKey {
    /// The device that sends; none for people and programs, who share theirs.
    device: Option<DeviceId>,
    group: Box<str>,
    node: Box<str>,
}

#[derive(Default)]
struct NodeState {
    node: Node,
    /// When it was asked for its births.
    asked_ms: Option<u64>,
}

impl Heard {
    pub(super) fn new(nodes: usize, metrics: usize, topics: usize) -> Self {
        let (nodes, topics) = (Memory::new(nodes), Memory::new(topics));
        Self { nodes, metrics, topics, is_announced: AtomicBool::new(false) }
    }

    /// Remembers what was announced; false when there is no room for some of it.
    fn announce(&self, org: OrgId, device: Option<DeviceId>, all: Vec<Announcement>, now_ms: u64) -> bool {
        let mut is_whole = true;
        for Announcement { topic, announced } in all {
            match self.topics.hear(org, &(device, topic), now_ms) {
                Some(known) => Arc::make_mut(&mut known.lock()).add(announced),
                None => is_whole = false,
            }
            self.is_announced.store(true, Ordering::Relaxed);
        }
        is_whole
    }

    /// What was announced of the messages of a topic.
    fn announced(&self, org: OrgId, device: Option<DeviceId>, topic: &str) -> Option<Arc<Announced>> {
        if !self.is_announced.load(Ordering::Relaxed) {
            return None;
        }
        let known = self.topics.get(org, &(device, topic.into()))?;
        let announced = known.lock().clone();
        Some(announced)
    }

    /// Hands over what is known of a node, if anything is.
    pub(super) fn with_node<T>(
        &self,
        org: OrgId,
        device: Option<DeviceId>,
        (group, node): (&str, &str),
        use_it: impl FnOnce(Option<&Node>) -> T,
    ) -> T {
        let key = NodeKey { device, group: group.into(), node: node.into() };
        match self.nodes.get(org, &key) {
            Some(state) => use_it(Some(&state.lock().node)),
            None => use_it(None),
        }
    }

    /// Lets a node hear a message of it. The payload with all names, and whether the node is to be asked for its births.
    fn sparkplug(
        &self,
        org: OrgId,
        key: &NodeKey,
        message: &Message,
        now_ms: u64,
    ) -> Result<(Option<Bytes>, bool), IngestError> {
        let Some(state) = self.nodes.hear(org, key, now_ms) else {
            counter!("sensorium_mqtt_forgotten_total", "setting" => "mqtt.sparkplug_nodes").increment(1);
            let sentence = format!(
                "the server remembers {} edge nodes of an organisation already (setting mqtt.sparkplug_nodes)",
                self.nodes.most()
            );
            return Err(IngestError::new(ErrorKind::TooLarge, sentence));
        };
        let NodeState { node, asked_ms } = &mut *state.lock();
        match node.hear(message.topic.as_str(), &message.content.payload, self.metrics) {
            Ok(heard) => {
                let ask = heard.rebirth && asked_ms.is_none_or(|asked_ms| asked_ms.saturating_add(ASK_MS) <= now_ms);
                if ask {
                    *asked_ms = Some(now_ms);
                }
                Ok((heard.body.map(Bytes::from), ask))
            }
            Err(error @ SparkplugError::TooManyNames { .. }) => {
                counter!("sensorium_mqtt_forgotten_total", "setting" => "mqtt.sparkplug_metrics").increment(1);
                Err(IngestError::new(error.kind(), error.to_string()))
            }
            // Whoever decodes it says so.
            Err(_) => Ok((None, false)),
        }
    }
}

impl Shared {
    /// Takes note of a message that may be published; what of it goes to the store. An error is counted.
    pub(super) fn hear(&self, rights: &Rights, peer: IpAddr, message: &Message) -> Result<Said, IngestError> {
        self.learn(rights, message);
        let body = self.hear_sparkplug(rights, message).inspect_err(|error| {
            if let Ok(intake) = self.ingest.begin(&rights.principal, peer, rights.database.as_str(), Source::Mqtt) {
                intake.refuse(error);
            }
        });
        let body = body?.unwrap_or_else(|| message.content.payload.clone());
        Ok(Said { body, announced: self.hear_announced(rights, message) })
    }

    /// Remembers what a message announces, and tells what was announced of it.
    fn hear_announced(&self, rights: &Rights, message: &Message) -> Option<Arc<Announced>> {
        let principal = &rights.principal;
        let (org, device) = (principal.org, principal.device.as_ref().map(|device| device.id));
        let topic = message.topic.as_str();
        let all = Announcement::of(topic, &message.content.payload);
        if !self.heard.announce(org, device, all, self.clock.now_ms()) {
            counter!("sensorium_mqtt_forgotten_total", "setting" => "mqtt.announced_topics").increment(1);
        }
        // Units are for the inbox alone.
        let is_of_use = |announced: &Arc<Announced>| principal.for_devices || announced.tells_places();
        self.heard.announced(org, device, topic).filter(is_of_use)
    }

    fn hear_sparkplug(&self, rights: &Rights, message: &Message) -> Result<Option<Bytes>, IngestError> {
        let topic = &message.topic;
        let node = Some(topic.as_str()).filter(|topic| topic.starts_with(SPARKPLUG)).and_then(Node::of_topic);
        let Some((group, node)) = node.filter(|_| self.is_stored(topic)) else { return Ok(None) };
        let own = rights.principal.device.as_ref();
        let key = NodeKey { device: own.map(|device| device.id), group: group.into(), node: node.into() };
        let (org, now_ms) = (rights.principal.org, self.clock.now_ms());
        let (body, ask) = self.heard.sparkplug(org, &key, message, now_ms)?;
        let topic = format!("{SPARKPLUG}{group}/NCMD/{node}");
        // A device makes nobody ask another one.
        if ask && own.is_none_or(|device| self.may_hear(&device.name, &topic)) {
            counter!("sensorium_mqtt_rebirths_total").increment(1);
            self.say(org, &topic, rebirth(now_ms), Qos::AtMostOnce);
        }
        Ok(body)
    }

    /// Whether messages of a topic are stored.
    pub(super) fn is_stored(&self, topic: &TopicName) -> bool {
        !self.config.not_stored.iter().any(|filter| filter.matches(topic))
    }

    /// Whether a device of this name may subscribe to a topic.
    pub(super) fn may_hear(&self, device: &str, topic: &str) -> bool {
        TopicFilter::new(topic, &self.limits).is_ok_and(|topic| self.config.rules.allow(device, &topic))
    }

    /// Publishes a message of the server's own, which is not stored.
    pub(super) fn say(&self, org: OrgId, topic: &str, payload: Vec<u8>, qos: Qos) {
        let Ok(topic) = TopicName::new(topic, &self.limits) else { return };
        let message = Message { topic, qos, retain: false, expires_ms: None, content: Content::new(payload) };
        if let Err(error) = self.broker.publish(org, None, &Arc::new(message), self.clock.now_ms()) {
            tracing::debug!(%error, "a message of the server was not published");
        }
    }
}

#[cfg(test)]
mod tests {
    use sensorium_protocols::mqtt::MqttLimits;
    use uuid::Uuid;

    use super::*;

    const NOW: u64 = 10_000_000;

    fn key(node: &str) -> NodeKey {
        NodeKey { device: None, group: "g".into(), node: node.into() }
    }

    /// A message without metrics, whose count is this.
    fn message(topic: &str, seq: u8) -> Message {
        let topic = TopicName::new(topic, &MqttLimits::default()).unwrap();
        let content = Content::new(vec![3 << 3, seq]);
        Message { topic, qos: Qos::AtMostOnce, retain: false, expires_ms: None, content }
    }

    #[test]
    fn a_node_is_asked_for_its_births_once_in_half_a_minute() {
        let (heard, org) = (Heard::new(2, 10, 1), OrgId::from_uuid(Uuid::nil()));
        let ask = |topic: &str, seq, now_ms| heard.sparkplug(org, &key("n"), &message(topic, seq), now_ms).unwrap().1;
        assert!(ask("spBv1.0/g/NDATA/n", 5, NOW));
        assert!(!ask("spBv1.0/g/NDATA/n", 6, NOW + ASK_MS - 1));
        assert!(ask("spBv1.0/g/NDATA/n", 7, NOW + ASK_MS));
        assert!(!ask("spBv1.0/g/NBIRTH/n", 0, NOW + 3 * ASK_MS));
        assert!(!ask("spBv1.0/g/NDATA/n", 1, NOW + 3 * ASK_MS));
        assert!(ask("spBv1.0/g/NDATA/n", 3, NOW + 3 * ASK_MS), "a gap");
    }

    #[test]
    fn further_nodes_are_refused_with_the_setting() {
        let (heard, org) = (Heard::new(1, 10, 1), OrgId::from_uuid(Uuid::nil()));
        let hear = |node: &str| heard.sparkplug(org, &key(node), &message("spBv1.0/g/NDATA/n", 1), NOW);
        assert!(hear("a").is_ok());
        let error = hear("b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains("1 edge nodes") && error.to_string().contains("mqtt.sparkplug_nodes"));
        assert!(hear("a").is_ok());
    }

    #[test]
    fn what_is_announced_is_kept_by_who_announced_it() {
        let (heard, org) = (Heard::new(1, 10, 1), OrgId::from_uuid(Uuid::nil()));
        let announce = |device, name: &str, topic: &str| {
            let config = format!(r#"{{"name":"{name}","stat_t":"{topic}"}}"#);
            heard.announce(org, device, Announcement::of("homeassistant/sensor/x/config", config.as_bytes()), NOW)
        };
        let device = Some(DeviceId::from_uuid(Uuid::from_u128(1)));
        assert!(heard.announced(org, device, "a").is_none());
        assert!(announce(device, "one", "a") && announce(device, "two", "a"));
        assert_eq!(heard.announced(org, device, "a").unwrap().fields.len(), 2);
        assert!(heard.announced(org, None, "a").is_none());
        assert!(!announce(None, "one", "a"), "there is room for one topic");
    }
}
