//! The client of 5.0, with what only that version has.

use std::collections::VecDeque;

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, LastWill, Packet, Publish, PublishProperties, SubscribeProperties, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions};

use super::{MARKER, PAYLOAD, run, within_deadline};
use crate::mqtt::server;
use crate::support::TOKEN;

both_versions! {"5.0"}

/// A client that leaves nothing behind.
fn options(name: &str) -> MqttOptions {
    let address = server().mqtt();
    let mut options = MqttOptions::new(format!("rumqttc-{}-5-{name}", run()), address.ip().to_string(), address.port());
    options.set_credentials("device", TOKEN);
    options
}

/// A client whose session outlives its connection.
fn lasting(name: &str) -> MqttOptions {
    let mut options = options(name);
    options.set_clean_start(false).set_session_expiry_interval(Some(60));
    options
}

fn will(topic: &str, payload: &str) -> LastWill {
    LastWill::new(topic, payload, QoS::AtLeastOnce, false, None)
}

#[test]
fn s3_3_2_3_properties() {
    within_deadline(async {
        let topic = topic_of("properties");
        let mut peer = Peer::enter("properties").await;
        peer.subscribe(&topic, QoS::AtLeastOnce).await;
        let pairs = [("b", "1"), ("a", "ä"), ("b", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let properties = PublishProperties {
            payload_format_indicator: Some(1),
            response_topic: Some("answers".to_owned()),
            correlation_data: Some(vec![0, 0xff, 0x37].into()),
            user_properties: pairs.to_vec(),
            content_type: Some("application/json".to_owned()),
            ..PublishProperties::default()
        };
        let qos = QoS::AtLeastOnce;
        peer.client.publish_with_properties(&topic, qos, false, PAYLOAD, properties.clone()).await.unwrap();
        assert_eq!(peer.message().await.properties, Some(properties));
    });
}

#[test]
fn s3_3_2_3_3_message_expiry() {
    within_deadline(async {
        let topic = topic_of("expiry");
        let mut peer = Peer::enter("expiry").await;
        peer.subscribe(&topic, QoS::AtLeastOnce).await;
        let properties = PublishProperties { message_expiry_interval: Some(100), ..PublishProperties::default() };
        let qos = QoS::AtLeastOnce;
        peer.client.publish_with_properties(&topic, qos, false, PAYLOAD, properties).await.unwrap();
        let left = peer.message().await.properties.unwrap().message_expiry_interval.unwrap();
        assert!((90..=100).contains(&left), "{left} s are left");
    });
}

#[test]
fn s3_8_2_1_2_subscription_identifier() {
    within_deadline(async {
        let topic = topic_of("number");
        let mut peer = Peer::enter("number").await;
        let properties = SubscribeProperties { id: Some(200), user_properties: Vec::new() };
        peer.client.subscribe_with_properties(&topic, QoS::AtLeastOnce, properties).await.unwrap();
        peer.granted(QoS::AtLeastOnce).await;
        peer.publish(&topic, QoS::AtLeastOnce, PAYLOAD).await;
        assert_eq!(peer.message().await.properties.unwrap().subscription_identifiers, [200]);
    });
}

#[test]
fn s4_8_2_shared_subscriptions() {
    within_deadline(async {
        let (topic, end) = (topic_of("shared"), topic_of("shared-end"));
        let mut group = [Peer::enter("shared-a").await, Peer::enter("shared-b").await];
        for peer in &mut group {
            peer.subscribe(&format!("$share/group/{topic}"), QoS::AtLeastOnce).await;
            peer.subscribe(&end, QoS::AtLeastOnce).await;
        }
        let mut publisher = Peer::enter("shared-p").await;
        for _ in 0..20 {
            publisher.publish(&topic, QoS::AtLeastOnce, PAYLOAD).await;
        }
        publisher.publish(&end, QoS::AtLeastOnce, PAYLOAD).await;
        let mut counts = [0, 0];
        for (count, peer) in counts.iter_mut().zip(&mut group) {
            while peer.message().await.topic != end.as_bytes() {
                *count += 1;
            }
        }
        assert_eq!(counts[0] + counts[1], 20, "{counts:?}");
        assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    });
}
