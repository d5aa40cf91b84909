//! A message as the other side is sent it, and one of the other side as it is here.

use std::sync::Arc;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Publish, PublishProperties};
use sensorium_protocols::mqtt::packet::{Content, Qos};
use sensorium_protocols::mqtt::{Message, MqttLimits, TopicName};

use super::{Bridge, PATH};

/// A message that goes out.
pub(super) struct Outgoing {
    pub(super) topic: String,
    pub(super) qos: QoS,
    pub(super) retain: bool,
    pub(super) payload: Bytes,
    pub(super) properties: PublishProperties,
}

impl Outgoing {
    pub(super) fn new(bridge: &Bridge, message: &Message, now_ms: u64) -> Self {
        let content = &message.content;
        let plain = |text: &Arc<str>| text.as_ref().to_owned();
        let named = content.user_properties.iter().map(|(name, value)| (plain(name), plain(value)));
        let here = (PATH.to_owned(), plain(&bridge.here));
        Self {
            topic: format!("{}{}", bridge.config.prefix_out, message.topic.as_str()),
            qos: match message.qos.min(bridge.config.qos) {
                Qos::AtMostOnce => QoS::AtMostOnce,
                Qos::AtLeastOnce | Qos::ExactlyOnce => QoS::AtLeastOnce,
            },
            retain: message.retain,
            payload: content.payload.clone(),
            properties: PublishProperties {
                payload_format_indicator: content.is_utf8.map(u8::from),
                message_expiry_interval: message.expiry_seconds(now_ms),
                topic_alias: None,
                response_topic: content.response_topic.as_ref().map(plain),
                correlation_data: content.correlation_data.clone(),
                user_properties: named.chain([here]).collect(),
                subscription_identifiers: Vec::new(),
                content_type: content.content_type.as_ref().map(plain),
            },
        }
    }
}

/// A message that came in; none if it cannot be one here, or was here before.
pub(super) fn incoming(bridge: &Bridge, limits: &MqttLimits, publish: &Publish, now_ms: u64) -> Option<Arc<Message>> {
    let topic = std::str::from_utf8(&publish.topic).ok()?;
    let topic = TopicName::new(format!("{}{topic}", bridge.config.prefix_in), limits).ok()?;
    let given = publish.properties.clone().unwrap_or_default();
    let shared = |(name, value): (String, String)| (name.into(), value.into());
    let message = Message {
        topic,
        qos: match publish.qos {
            QoS::AtMostOnce => Qos::AtMostOnce,
            QoS::AtLeastOnce | QoS::ExactlyOnce => Qos::AtLeastOnce,
        },
        retain: publish.retain,
        expires_ms: given.message_expiry_interval.map(|seconds| now_ms.saturating_add(u64::from(seconds) * 1_000)),
        content: Content {
            payload: publish.payload.clone(),
            is_utf8: given.payload_format_indicator.map(|indicator| indicator == 1),
            content_type: given.content_type.map(Into::into),
            response_topic: given.response_topic.map(Into::into),
            correlation_data: given.correlation_data,
            user_properties: given.user_properties.into_iter().map(shared).collect(),
        },
    };
    Some(Arc::new(message)).filter(|message| !message.topic.is_special() && !bridge.was_here(message))
}
