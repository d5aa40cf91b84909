//! PUBLISH (section 3.3): flags, topics, order, and to whom it goes.

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Packet, Qos, Version};

use super::client::{Client, filter, id, message, wire};
use super::{PAYLOAD, numbered};

const ALL: [Qos; 3] = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];

#[test]
fn a_message_reaches_who_subscribes_with_each_qos() {
    covers!("MQTT-3.8.4-8", "MQTT-3.3.2-3", "MQTT-2.2.1-2", "MQTT-3.3.4-1");
    let mut publisher = Client::new("publish-qos-p");
    for granted in ALL {
        for published in ALL {
            let topic = format!("conformance/qos/{}{}/reading", granted.bits(), published.bits());
            let mut subscriber = Client::new("publish-qos-s");
            subscriber.subscribe(&topic, granted);
            assert!(!publisher.publish(&topic, published, PAYLOAD).is_failure());
            let message = subscriber.receive();
            assert_eq!((message.topic.as_ref(), message.qos), (topic.as_str(), granted.min(published)));
            assert_eq!(message.packet_id.is_some(), message.qos != Qos::AtMostOnce);
            subscriber.assert_silent();
        }
    }
}

#[test]
fn a_message_that_is_sent_the_first_time_is_no_duplicate() {
    covers!("MQTT-3.3.1-2", "MQTT-3.3.1-3", "MQTT-4.3.1-1", "MQTT-4.3.2-2", "MQTT-4.3.3-2",);
    let topic = "conformance/dup/reading";
    let mut subscriber = Client::new("publish-dup-s");
    subscriber.subscribe(topic, Qos::ExactlyOnce);
    let mut publisher = Client::new("publish-dup-p");
    for (qos, dup) in [(ALL[0], false), (ALL[1], false), (ALL[1], true), (ALL[2], false), (ALL[2], true)] {
        let mut message = message(topic, qos, PAYLOAD);
        message.dup = dup;
        assert!(!publisher.publish_whole(message).is_failure());
        let received = subscriber.receive();
        assert_eq!((received.dup, received.qos), (false, qos));
    }
}

#[test]
fn a_qos_0_message_is_never_a_duplicate() {
    covers!("MQTT-3.3.1-2", "MQTT-4.13.1-1");
    let mut client = Client::new("publish-dup-0");
    let mut bytes = wire(&Packet::Publish(Box::new(message("a/reading", Qos::AtMostOnce, PAYLOAD))), Version::V5);
    bytes[0] |= 1 << 3;
    client.raw(&bytes);
    assert_eq!(client.ended(), Some(ReasonCode::MalformedPacket));
}

#[test]
fn there_is_no_qos_3() {
    covers!("MQTT-3.3.1-4", "MQTT-4.13.1-1");
    let mut client = Client::new("publish-qos-3");
    let mut right = message("a/reading", Qos::ExactlyOnce, PAYLOAD);
    right.packet_id = Some(id(1));
    let mut bytes = wire(&Packet::Publish(Box::new(right)), Version::V5);
    bytes[0] |= 3 << 1;
    client.raw(&bytes);
    assert_eq!(client.ended(), Some(ReasonCode::MalformedPacket));
}

#[test]
fn a_packet_identifier_is_not_0() {
    covers!("MQTT-2.2.1-3", "MQTT-4.13.1-1");
    for bytes in [
        b"\x32\x08\x00\x03a/b\x00\x00\x00".as_slice(),
        b"\x34\x08\x00\x03a/b\x00\x00\x00",
        b"\x82\x07\x00\x00\x00\x00\x01a\x00",
        b"\xa2\x06\x00\x00\x00\x00\x01a",
    ] {
        let mut client = Client::new("publish-id-0");
        client.raw(bytes);
        let reason = client.ended();
        assert!([Some(ReasonCode::MalformedPacket), Some(ReasonCode::ProtocolError)].contains(&reason), "{reason:?}");
    }
}

#[test]
fn a_topic_is_utf8_without_wildcards() {
    covers!("MQTT-3.3.2-1", "MQTT-3.3.2-2", "MQTT-4.7.0-1", "MQTT-4.7.3-1", "MQTT-4.7.3-2", "MQTT-1.5.4-1");
    for topic in ["conformance/+", "conformance/#", "+", "#", "a+b", "", "a\0b"] {
        let mut client = Client::new("publish-topic");
        client.start(message(topic, Qos::AtMostOnce, PAYLOAD));
        assert!(client.ended().is_some_and(ReasonCode::is_failure), "{topic:?}");
    }
    let mut client = Client::new("publish-topic");
    client.raw(b"\x30\x05\x00\x02\xc3\x28\x00");
    assert_eq!(client.ended(), Some(ReasonCode::MalformedPacket));
}

#[test]
fn messages_keep_their_order() {
    covers!("MQTT-4.6.0-5", "MQTT-4.6.0-6");
    let mut publisher = Client::new("publish-order-p");
    for qos in ALL {
        let topic = format!("conformance/order/{}/reading", qos.bits());
        let mut subscriber = Client::new("publish-order-s");
        subscriber.subscribe("conformance/order/#", qos);
        for number in 0..50 {
            publisher.start(message(&topic, qos, &numbered(number)));
        }
        if qos == Qos::ExactlyOnce {
            let packet_ids = (51..101).map(id);
            for packet_id in packet_ids.clone() {
                assert!(!publisher.received(packet_id).is_failure());
            }
            for packet_id in packet_ids {
                assert_eq!(publisher.release(packet_id), ReasonCode::Success);
            }
        }
        for number in 0..50 {
            assert_eq!(subscriber.payload(), numbered(number));
        }
    }
}

#[test]
fn a_message_reaches_all_who_subscribe() {
    covers!("MQTT-4.5.0-1");
    let topic = "conformance/all/reading";
    let filters = [topic, "conformance/all/+", "conformance/all/#", "+/all/reading"];
    let mut subscribers = Vec::new();
    for (number, text) in filters.into_iter().enumerate() {
        let mut subscriber = Client::new(&format!("publish-all-{number}"));
        subscriber.subscribe(text, Qos::AtLeastOnce);
        subscribers.push(subscriber);
    }
    assert!(!Client::new("publish-all-p").publish(topic, Qos::AtLeastOnce, PAYLOAD).is_failure());
    for subscriber in &mut subscribers {
        assert_eq!(subscriber.payload(), PAYLOAD);
        subscriber.assert_silent();
    }
}

#[test]
fn subscriptions_that_overlap_give_one_message_with_the_highest_qos() {
    covers!("MQTT-3.3.4-2", "MQTT-3.3.4-3", "MQTT-3.3.4-4");
    let topic = "conformance/overlap/reading";
    let mut subscriber = Client::new("publish-overlap-s");
    for (text, qos, number) in
        [(topic, ALL[0], Some(1)), ("conformance/overlap/+", ALL[2], Some(2)), ("+/overlap/#", ALL[1], None)]
    {
        assert_eq!(subscriber.subscribe_all(vec![filter(text, qos)], number), [qos.granted()]);
    }
    assert!(!Client::new("publish-overlap-p").publish(topic, Qos::ExactlyOnce, PAYLOAD).is_failure());
    let mut message = subscriber.receive();
    message.subscription_ids.sort_unstable();
    assert_eq!((message.qos, message.subscription_ids), (Qos::ExactlyOnce, vec![1, 2]));
    subscriber.assert_silent();
}

#[test]
fn a_client_sends_no_subscription_identifier() {
    covers!("MQTT-3.3.4-6");
    let mut client = Client::new("publish-subscription-id");
    let mut message = message("conformance/id/reading", Qos::AtMostOnce, PAYLOAD);
    message.subscription_ids = vec![1];
    client.start(message);
    assert_eq!(client.ended(), Some(ReasonCode::ProtocolError));
}
