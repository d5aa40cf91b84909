//! Messages on their way from a publisher to subscribers. A message is made once and shared by all who get it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::packet::{Content, Qos};
use super::topic::TopicName;

/// A message that somebody published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its topic.
    pub topic: TopicName,
    /// As it was published.
    pub qos: Qos,
    /// Whether it is to be retained.
    pub retain: bool,
    /// When it is not worth delivering any more, in milliseconds (section 3.3.2.3.3).
    pub expires_ms: Option<u64>,
    /// Its payload and what belongs to it.
    pub content: Content,
}

impl Message {
    /// Bytes that it takes while it waits: of the texts and the payload.
    pub fn bytes(&self) -> usize {
        let content = &self.content;
        let texts = [&content.content_type, &content.response_topic];
        let user = content.user_properties.iter().map(|(name, value)| name.len() + value.len());
        self.topic.as_str().len()
            + content.payload.len()
            + content.correlation_data.as_ref().map_or(0, |data| data.len())
            + texts.into_iter().flatten().map(|text| text.len()).sum::<usize>()
            + user.sum::<usize>()
    }

    /// Whether nobody is to get it any more.
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms)
    }

    /// Seconds that are left [MQTT-3.3.2-6], rounded up.
    pub fn expiry_seconds(&self, now_ms: u64) -> Option<u32> {
        let left_ms = self.expires_ms?.saturating_sub(now_ms);
        Some(u32::try_from(left_ms.div_ceil(1_000)).unwrap_or(u32::MAX))
    }
}

/// A message for one subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The message.
    pub message: Arc<Message>,
    /// The lower of what was published and what was subscribed to (section 3.8.4).
    pub qos: Qos,
    /// The retain flag for this subscriber [MQTT-3.3.1-12], [MQTT-3.3.1-13].
    pub retain: bool,
    /// Of the subscriptions that it is for [MQTT-3.3.4-3].
    pub subscription_ids: Vec<u32>,
}

/// The moment that many seconds after another, in milliseconds.
pub(super) fn after(now_ms: u64, seconds: u32) -> u64 {
    now_ms.saturating_add(u64::from(seconds) * 1_000)
}
