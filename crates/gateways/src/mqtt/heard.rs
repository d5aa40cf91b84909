//! What messages say that later ones leave out: each message is heard before it is stored, in the order of its connection.
//!
//! Invariants:
//! - decoding stays a function of the message: what is remembered changes only the payload that goes to the store, which then says
//!   everything by itself and can be read again at any time, such as from the inbox. Subscribers get what was published;
//! - what one device says changes nothing for another: what is remembered is kept by who sent it;
//! - it is in memory alone: after a restart, nodes of Sparkplug are asked for their births.
//!
//! Limits: [`super::MqttConfig::sparkplug_nodes`], [`super::MqttConfig::sparkplug_metrics`].

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use metrics::counter;
use parking_lot::Mutex;
use sensorium_ingest::{IngestError, Source};
use sensorium_model::{DeviceId, ErrorKind, OrgId};
use sensorium_protocols::decoders::sparkplug::{Node, SparkplugError, rebirth};
use sensorium_protocols::mqtt::packet::{Content, Qos};
use sensorium_protocols::mqtt::{Message, TopicName};

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
}

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
    pub(super) fn new(nodes: usize, metrics: usize) -> Self {
        Self { nodes: Memory::new(nodes), metrics }
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
    /// Takes note of a message that may be published; the payload that goes to the store. An error is counted.
    pub(super) fn hear(&self, rights: &Rights, peer: IpAddr, message: &Message) -> Result<Bytes, IngestError> {
        self.learn(rights, message);
        let heard = self.hear_sparkplug(rights, message).inspect_err(|error| {
            if let Ok(intake) = self.ingest.begin(&rights.principal, peer, rights.database.as_str(), Source::Mqtt) {
                intake.refuse(error);
            }
        });
        Ok(heard?.unwrap_or_else(|| message.content.payload.clone()))
    }

    fn hear_sparkplug(&self, rights: &Rights, message: &Message) -> Result<Option<Bytes>, IngestError> {
        let topic = &message.topic;
        let node = Some(topic.as_str()).filter(|topic| topic.starts_with(SPARKPLUG)).and_then(Node::of_topic);
        let Some((group, node)) = node.filter(|_| self.is_stored(topic)) else { return Ok(None) };
        let device = rights.principal.device.as_ref().map(|device| device.id);
        let key = NodeKey { device, group: group.into(), node: node.into() };
        let (org, now_ms) = (rights.principal.org, self.clock.now_ms());
        let (body, ask) = self.heard.sparkplug(org, &key, message, now_ms)?;
        if ask {
            counter!("sensorium_mqtt_rebirths_total").increment(1);
            self.say(org, &format!("{SPARKPLUG}{group}/NCMD/{node}"), rebirth(now_ms), Qos::AtMostOnce);
        }
        Ok(body)
    }

    /// Whether messages of a topic are stored.
    pub(super) fn is_stored(&self, topic: &TopicName) -> bool {
        !self.config.not_stored.iter().any(|filter| filter.matches(topic))
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
        let (heard, org) = (Heard::new(2, 10), OrgId::from_uuid(Uuid::nil()));
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
        let (heard, org) = (Heard::new(1, 10), OrgId::from_uuid(Uuid::nil()));
        let hear = |node: &str| heard.sparkplug(org, &key(node), &message("spBv1.0/g/NDATA/n", 1), NOW);
        assert!(hear("a").is_ok());
        let error = hear("b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains("1 edge nodes") && error.to_string().contains("mqtt.sparkplug_nodes"));
        assert!(hear("a").is_ok());
    }
}
