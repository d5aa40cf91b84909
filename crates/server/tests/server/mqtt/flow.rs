//! Flow control (section 4.9) and order of answers: how many messages are under way, in both directions.

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Ack, Connect, Packet, Qos};

use super::client::{Client, connect, message};
use super::{PAYLOAD, numbered};

/// A subscriber that allows few messages under way.
fn narrow(client_id: &str, maximum: u16, topic: &str) -> Client {
    let receive_maximum = std::num::NonZeroU16::new(maximum);
    let mut client = Client::enter(Connect { receive_maximum, ..connect(client_id) });
    client.subscribe(topic, Qos::ExactlyOnce);
    client
}

#[test]
fn no_more_messages_are_under_way_than_the_client_allows() {
    covers!("MQTT-3.3.4-9", "MQTT-4.9.0-1", "MQTT-4.9.0-2");
    let topic = "conformance/narrow/reading";
    let mut subscriber = narrow("flow-narrow", 2, topic);
    let mut publisher = Client::new("flow-narrow-p");
    for number in 0..5 {
        assert!(!publisher.publish(topic, Qos::AtLeastOnce, &numbered(number)).is_failure());
    }
    let mut under_way = std::collections::VecDeque::from([subscriber.message(), subscriber.message()]);
    subscriber.assert_silent();
    for number in 0..5 {
        let oldest = under_way.pop_front().unwrap();
        assert_eq!(oldest.content.payload, numbered(number));
        subscriber.send(Packet::PubAck(Ack::new(oldest.packet_id.unwrap(), ReasonCode::Success)));
        if number < 3 {
            under_way.push_back(subscriber.message());
        }
        subscriber.assert_silent();
    }
}

#[test]
fn a_qos_2_message_is_under_way_until_pubcomp_or_a_refusal() {
    covers!("MQTT-3.3.4-9", "MQTT-4.9.0-2");
    let topic = "conformance/narrow-2/reading";
    let mut subscriber = narrow("flow-narrow-2", 1, topic);
    let mut publisher = Client::new("flow-narrow-2-p");
    for number in 0..3 {
        assert!(!publisher.publish(topic, Qos::ExactlyOnce, &numbered(number)).is_failure());
    }
    let first = subscriber.message().packet_id.unwrap();
    subscriber.send(Packet::PubRec(Ack::new(first, ReasonCode::Success)));
    subscriber.released(first);
    subscriber.assert_silent();
    subscriber.send(Packet::PubComp(Ack::new(first, ReasonCode::Success)));
    let second = subscriber.message().packet_id.unwrap();
    subscriber.send(Packet::PubRec(Ack::new(second, ReasonCode::QuotaExceeded)));
    assert_eq!(subscriber.payload(), numbered(2));
}

#[test]
fn other_packets_do_not_wait_for_messages() {
    covers!("MQTT-3.3.4-10", "MQTT-4.9.0-3");
    let topic = "conformance/waiting/reading";
    let mut subscriber = narrow("flow-waiting", 1, topic);
    let mut publisher = Client::new("flow-waiting-p");
    for number in 0..2 {
        assert!(!publisher.publish(topic, Qos::AtLeastOnce, &numbered(number)).is_failure());
    }
    let under_way = subscriber.message().packet_id.unwrap();
    // PINGREQ, SUBSCRIBE, UNSUBSCRIBE, and the client's own messages.
    subscriber.assert_silent();
    let other = "conformance/waiting/other/reading";
    subscriber.subscribe(other, Qos::AtMostOnce);
    assert_eq!(subscriber.publish(other, Qos::ExactlyOnce, PAYLOAD), ReasonCode::Success);
    // QoS 0 is no message under way.
    assert_eq!(subscriber.receive().topic.as_ref(), other);
    assert_eq!(subscriber.unsubscribe(&[other]), [ReasonCode::Success]);
    subscriber.assert_silent();
    subscriber.send(Packet::PubAck(Ack::new(under_way, ReasonCode::Success)));
    assert_eq!(subscriber.payload(), numbered(1));
}

#[test]
fn more_messages_under_way_than_the_server_allows_end_the_connection() {
    covers!("MQTT-3.3.4-7", "MQTT-4.13.1-1");
    let (mut client, ack) = Client::hello(connect("flow-exceeded"));
    let maximum = ack.receive_maximum.map_or(u16::MAX, std::num::NonZeroU16::get);
    // No PUBREL comes, so that all stay under way.
    for _ in 0..=maximum {
        client.start(message("conformance/exceeded/reading", Qos::ExactlyOnce, PAYLOAD));
    }
    assert_eq!(client.ended(), Some(ReasonCode::ReceiveMaximumExceeded));
}

#[test]
fn as_many_messages_as_the_server_allows_are_answered_in_their_order() {
    covers!("MQTT-3.3.4-7", "MQTT-2.2.1-5");
    let (mut client, ack) = Client::hello(connect("flow-allowed"));
    let maximum = ack.receive_maximum.map_or(u16::MAX, std::num::NonZeroU16::get);
    let topic = "conformance/allowed/reading";
    let ids: Vec<_> = (0..maximum).map(|_| client.start(message(topic, Qos::AtLeastOnce, PAYLOAD)).unwrap()).collect();
    for packet_id in ids {
        assert!(!client.acknowledged(packet_id).is_failure());
    }
}
