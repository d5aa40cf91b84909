//! The exchanges of QoS 1 and 2 (section 4.3), in both directions.

use std::collections::BTreeSet;

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Ack, Packet, Publish, Qos};

use super::client::{Client, a_second_passes, again, id, lasting, message};
use super::{PAYLOAD, numbered};

fn with_id(topic: &str, qos: Qos, number: u16, payload: &str) -> Publish {
    Publish { packet_id: Some(id(number)), ..message(topic, qos, payload) }
}

#[test]
fn answers_have_the_identifier_of_their_message() {
    covers!(
        "MQTT-2.2.1-5",
        "MQTT-3.3.4-1",
        "MQTT-4.3.2-4",
        "MQTT-4.3.3-8",
        "MQTT-4.3.3-11",
        "MQTT-3.4.2-1",
        "MQTT-3.5.2-1",
        "MQTT-3.7.2-1",
    );
    let mut client = Client::new("qos-answers");
    let topic = "conformance/answers/reading";
    for number in [1, 7, u16::MAX] {
        client.start(with_id(topic, Qos::AtLeastOnce, number, PAYLOAD));
        assert!(!client.acknowledged(id(number)).is_failure());
        client.start(with_id(topic, Qos::ExactlyOnce, number, PAYLOAD));
        assert!(!client.received(id(number)).is_failure());
        assert_eq!(client.release(id(number)), ReasonCode::Success);
    }
    // A QoS 0 message is not answered.
    client.start(message(topic, Qos::AtMostOnce, PAYLOAD));
    client.assert_silent();
}

#[test]
fn after_puback_an_identifier_is_free() {
    covers!("MQTT-4.3.2-5");
    let topic = "conformance/free/reading";
    let mut subscriber = Client::new("qos-free-s");
    subscriber.subscribe(topic, Qos::AtLeastOnce);
    let mut client = Client::new("qos-free");
    for number in 0..2 {
        let mut message = with_id(topic, Qos::AtLeastOnce, 1, &numbered(number));
        message.dup = number > 0;
        client.start(message);
        assert!(!client.acknowledged(id(1)).is_failure());
        assert_eq!(subscriber.payload(), numbered(number));
    }
}

#[test]
fn until_pubrel_an_identifier_belongs_to_one_message() {
    covers!("MQTT-4.3.3-10", "MQTT-4.3.3-12");
    let topic = "conformance/exactly/reading";
    let mut subscriber = Client::new("qos-exactly-s");
    subscriber.subscribe(topic, Qos::ExactlyOnce);
    let mut client = Client::new("qos-exactly");
    for round in 0..2 {
        for dup in [false, true, true] {
            client.start(Publish { dup, ..with_id(topic, Qos::ExactlyOnce, 1, &numbered(round)) });
            assert!(!client.received(id(1)).is_failure());
        }
        assert_eq!(client.release(id(1)), ReasonCode::Success);
        assert_eq!(subscriber.payload(), numbered(round));
        subscriber.assert_silent();
    }
}

#[test]
fn after_a_pubrec_that_refuses_an_identifier_is_free() {
    covers!("MQTT-4.3.3-9", "MQTT-3.5.2-1");
    let topic = "conformance/refused-2/reading";
    let mut subscriber = Client::new("qos-refused-s");
    subscriber.subscribe(topic, Qos::ExactlyOnce);
    let mut client = Client::new("qos-refused");
    client.start(with_id(&"x".repeat(1_025), Qos::ExactlyOnce, 1, PAYLOAD));
    assert_eq!(client.received(id(1)), ReasonCode::TopicNameInvalid);
    client.start(with_id(topic, Qos::ExactlyOnce, 1, PAYLOAD));
    assert!(!client.received(id(1)).is_failure());
    assert_eq!(client.release(id(1)), ReasonCode::Success);
    assert_eq!(subscriber.payload(), PAYLOAD);
}

#[test]
fn a_pubrel_of_nothing_is_answered() {
    covers!("MQTT-4.3.3-11", "MQTT-3.7.2-1");
    let mut client = Client::new("qos-nothing");
    assert_eq!(client.release(id(9)), ReasonCode::PacketIdentifierNotFound);
}

#[test]
fn the_exchange_goes_on_when_the_message_has_expired() {
    covers!("MQTT-4.3.3-13");
    let mut client = Client::new("qos-expired");
    let topic = "conformance/exchange/reading";
    let message = Publish { expiry_seconds: Some(1), ..with_id(topic, Qos::ExactlyOnce, 1, PAYLOAD) };
    client.start(message.clone());
    assert!(!client.received(id(1)).is_failure());
    a_second_passes("qos-expired");
    client.start(Publish { dup: true, ..message });
    assert!(!client.received(id(1)).is_failure());
    assert_eq!(client.release(id(1)), ReasonCode::Success);
}

#[test]
fn a_qos_2_message_that_was_sent_does_not_expire() {
    covers!("MQTT-4.3.3-7");
    let topic = "conformance/sent/reading";
    let mut first = Client::enter(lasting("qos-sent"));
    first.subscribe(topic, Qos::ExactlyOnce);
    let expiring = Publish { expiry_seconds: Some(1), ..message(topic, Qos::ExactlyOnce, PAYLOAD) };
    assert!(!Client::new("qos-sent-p").publish_whole(expiring).is_failure());
    let packet_id = first.message().packet_id;
    drop(first);
    a_second_passes("qos-sent");
    let repeated = Client::enter(again("qos-sent")).receive();
    assert_eq!((repeated.packet_id, repeated.dup), (packet_id, true));
}

#[test]
fn identifiers_of_the_server_are_not_0_and_not_in_use() {
    covers!("MQTT-2.2.1-4", "MQTT-4.3.2-1", "MQTT-4.3.3-1");
    let topic = "conformance/ids/reading";
    let mut subscriber = Client::new("qos-ids-s");
    subscriber.subscribe(topic, Qos::ExactlyOnce);
    let mut publisher = Client::new("qos-ids-p");
    for number in 0..20 {
        let qos = if number % 2 == 0 { Qos::AtLeastOnce } else { Qos::ExactlyOnce };
        assert!(!publisher.publish(topic, qos, &numbered(number)).is_failure());
    }
    // None is acknowledged. The codec does not read 0.
    let ids: BTreeSet<_> = (0..20).map(|_| subscriber.message().packet_id.unwrap()).collect();
    assert_eq!(ids.len(), 20);
}

#[test]
fn pubrec_is_answered_with_pubrel() {
    covers!("MQTT-4.3.3-4", "MQTT-3.6.2-1", "MQTT-2.2.1-5");
    let topic = "conformance/pubrel/reading";
    let mut subscriber = Client::new("qos-pubrel-s");
    subscriber.subscribe(topic, Qos::ExactlyOnce);
    assert!(!Client::new("qos-pubrel-p").publish(topic, Qos::ExactlyOnce, PAYLOAD).is_failure());
    let packet_id = subscriber.message().packet_id.unwrap();
    subscriber.send(Packet::PubRec(Ack::new(packet_id, ReasonCode::Success)));
    match subscriber.next() {
        Packet::PubRel(ack) => assert_eq!((ack.packet_id, ack.reason), (packet_id, ReasonCode::Success)),
        other => panic!("{other:?}"),
    }
    // One that is not known.
    subscriber.send(Packet::PubRec(Ack::new(id(999), ReasonCode::Success)));
    match subscriber.next() {
        Packet::PubRel(ack) => {
            assert_eq!((ack.packet_id, ack.reason), (id(999), ReasonCode::PacketIdentifierNotFound));
        }
        other => panic!("{other:?}"),
    }
}
