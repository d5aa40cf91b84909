//! SUBSCRIBE, UNSUBSCRIBE and their answers (sections 3.8 to 3.11).

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Ack, Packet, Qos, RetainHandling, Subscribe, Unsubscribe};

use super::client::{Client, filter, id, retained, with_options};
use super::{PAYLOAD, numbered};

#[test]
fn answers_have_the_identifier_and_a_reason_for_each_filter() {
    covers!(
        "MQTT-2.2.1-6",
        "MQTT-3.8.4-1",
        "MQTT-3.8.4-2",
        "MQTT-3.8.4-5",
        "MQTT-3.8.4-6",
        "MQTT-3.8.4-7",
        "MQTT-3.9.3-1",
        "MQTT-3.9.3-2",
        "MQTT-3.10.4-4",
        "MQTT-3.10.4-5",
        "MQTT-3.10.4-6",
        "MQTT-3.11.3-1",
        "MQTT-3.11.3-2",
    );
    let mut client = Client::new("subscribe-answers");
    let names = ["conformance/answer/a", "conformance/answer/b#", "conformance/answer/c", "conformance/answer/d"];
    let qos = [Qos::ExactlyOnce, Qos::AtLeastOnce, Qos::AtMostOnce, Qos::AtLeastOnce];
    let filters = names.iter().zip(qos).map(|(name, qos)| filter(name, qos)).collect();
    let subscribe = Subscribe { packet_id: id(4_711), filters, subscription_id: None, user_properties: Vec::new() };
    client.send(Packet::Subscribe(Box::new(subscribe)));
    let reasons =
        [ReasonCode::GrantedQos2, ReasonCode::TopicFilterInvalid, ReasonCode::Success, ReasonCode::GrantedQos1];
    match client.next() {
        Packet::SubAck(ack) => assert_eq!((ack.packet_id, ack.reasons), (id(4_711), reasons.to_vec())),
        other => panic!("{other:?}"),
    }
    let gone = ["conformance/answer/c", "conformance/answer/unknown", "conformance/answer/a"];
    let filters = gone.iter().map(|filter| (*filter).into()).collect();
    let unsubscribe = Unsubscribe { packet_id: id(9), filters, user_properties: Vec::new() };
    client.send(Packet::Unsubscribe(Box::new(unsubscribe)));
    let reasons = [ReasonCode::Success, ReasonCode::NoSubscriptionExisted, ReasonCode::Success];
    match client.next() {
        Packet::UnsubAck(ack) => assert_eq!((ack.packet_id, ack.reasons), (id(9), reasons.to_vec())),
        other => panic!("{other:?}"),
    }
    client.assert_silent();
}

#[test]
fn a_filter_that_is_refused_does_not_keep_others_from_being_granted() {
    covers!("MQTT-3.8.4-5");
    let topic = "conformance/one-of-two/reading";
    let mut client = Client::new("subscribe-two");
    let filters = vec![filter("a/#/b", Qos::AtMostOnce), filter(topic, Qos::AtMostOnce)];
    assert_eq!(client.subscribe_all(filters, None), [ReasonCode::TopicFilterInvalid, ReasonCode::Success]);
    client.publish(topic, Qos::AtLeastOnce, PAYLOAD);
    assert_eq!(client.payload(), PAYLOAD);
}

#[test]
fn a_subscription_to_the_same_filter_replaces_the_one_before() {
    covers!("MQTT-3.8.4-3", "MQTT-3.8.4-4");
    let topic = "conformance/replaced/reading";
    let mut publisher = Client::new("subscribe-replaced-p");
    assert!(!publisher.publish_whole(retained(topic, &numbered(0))).is_failure());
    let mut client = Client::new("subscribe-replaced");
    for (qos, number) in [(Qos::ExactlyOnce, Some(1)), (Qos::AtMostOnce, None), (Qos::AtLeastOnce, Some(3))] {
        assert_eq!(client.subscribe_all(vec![filter(topic, qos)], number), [qos.granted()]);
        let kept = client.receive();
        assert_eq!((kept.retain, kept.content.payload.as_ref()), (true, numbered(0).as_bytes()));
        assert!(!publisher.publish(topic, Qos::ExactlyOnce, PAYLOAD).is_failure());
        let message = client.receive();
        assert_eq!((message.qos, message.subscription_ids), (qos, Vec::from_iter(number)));
        client.assert_silent();
    }
}

#[test]
fn nothing_is_lost_while_a_subscription_is_replaced() {
    covers!("MQTT-3.8.4-4");
    let topic = "conformance/not-lost/reading";
    let mut client = Client::new("subscribe-lost");
    client.subscribe(topic, Qos::AtLeastOnce);
    let mut publisher = Client::new("subscribe-lost-p");
    for number in 0..20 {
        publisher.start(super::client::message(topic, Qos::AtLeastOnce, &numbered(number)));
        client.subscribe(topic, Qos::AtLeastOnce);
    }
    for number in 0..20 {
        assert_eq!(client.payload(), numbered(number));
    }
    client.assert_silent();
}

#[test]
fn no_local_leaves_out_the_clients_own_messages() {
    covers!("MQTT-3.8.3-3");
    let topic = "conformance/local/reading";
    let mut client = Client::new("subscribe-local");
    for (no_local, expected) in [(false, true), (true, false)] {
        let filter = with_options(topic, no_local, false, RetainHandling::Send);
        assert_eq!(client.subscribe_all(vec![filter], None), [ReasonCode::GrantedQos1]);
        assert!(!client.publish(topic, Qos::AtLeastOnce, PAYLOAD).is_failure());
        if expected {
            assert_eq!(client.payload(), PAYLOAD);
        }
        client.assert_silent();
    }
    assert!(!Client::new("subscribe-local-2").publish(topic, Qos::AtLeastOnce, PAYLOAD).is_failure());
    assert_eq!(client.payload(), PAYLOAD);
}

#[test]
fn no_local_with_a_shared_subscription_ends_the_connection() {
    covers!("MQTT-3.8.3-4", "MQTT-4.13.1-1");
    let mut client = Client::new("subscribe-local-shared");
    let filters = vec![with_options("$share/g/conformance/x", true, false, RetainHandling::Send)];
    let subscribe = Subscribe { packet_id: id(1), filters, subscription_id: None, user_properties: Vec::new() };
    client.send(Packet::Subscribe(Box::new(subscribe)));
    assert_eq!(client.ended(), Some(ReasonCode::ProtocolError));
}

#[test]
fn a_packet_without_filters_or_with_wrong_ones_ends_the_connection() {
    covers!("MQTT-3.8.3-1", "MQTT-3.8.3-2", "MQTT-3.8.3-5", "MQTT-3.10.3-1", "MQTT-3.10.3-2");
    for (bytes, reason) in [
        (b"\x82\x03\0\x01\0".as_slice(), ReasonCode::ProtocolError),
        (b"\xa2\x03\0\x01\0", ReasonCode::ProtocolError),
        // Not UTF-8, and U+0000.
        (b"\x82\x08\0\x01\0\0\x02\xc3(\0", ReasonCode::MalformedPacket),
        (b"\x82\x07\0\x01\0\0\x01\0\0", ReasonCode::MalformedPacket),
        (b"\xa2\x07\0\x01\0\0\x02\xc3(", ReasonCode::MalformedPacket),
        // Options that are reserved, QoS 3 and retain handling 3.
        (b"\x82\x07\0\x01\0\0\x01a\x40", ReasonCode::MalformedPacket),
        (b"\x82\x07\0\x01\0\0\x01a\x80", ReasonCode::MalformedPacket),
        (b"\x82\x07\0\x01\0\0\x01a\x03", ReasonCode::ProtocolError),
        (b"\x82\x07\0\x01\0\0\x01a\x30", ReasonCode::ProtocolError),
        // A filter without options, and a subscription identifier of 0.
        (b"\x82\x06\0\x01\0\0\x01a", ReasonCode::MalformedPacket),
        (b"\x82\x09\0\x01\x02\x0b\0\0\x01a\0", ReasonCode::ProtocolError),
    ] {
        let mut client = Client::new("subscribe-wrong");
        client.raw(bytes);
        assert_eq!(client.ended(), Some(reason), "{bytes:x?}");
    }
}

#[test]
fn exactly_the_same_filter_is_removed() {
    covers!("MQTT-3.10.4-1", "MQTT-3.10.4-2", "MQTT-3.10.4-5");
    let topic = "conformance/gone/reading";
    let mut client = Client::new("subscribe-gone");
    client.subscribe("conformance/gone/+", Qos::AtMostOnce);
    let mut publisher = Client::new("subscribe-gone-p");
    for other in [topic, "conformance/gone/#", "conformance/Gone/+", "conformance/gone/+/", "#"] {
        assert_eq!(client.unsubscribe(&[other]), [ReasonCode::NoSubscriptionExisted], "{other}");
    }
    assert!(!publisher.publish(topic, Qos::AtLeastOnce, PAYLOAD).is_failure());
    assert_eq!(client.payload(), PAYLOAD);
    assert_eq!(client.unsubscribe(&["conformance/gone/+"]), [ReasonCode::Success]);
    assert!(!publisher.publish(topic, Qos::AtLeastOnce, PAYLOAD).is_failure());
    client.assert_silent();
}

#[test]
fn what_is_under_way_is_completed_after_unsubscribe() {
    covers!("MQTT-3.10.4-3");
    let topic = "conformance/complete/reading";
    let mut client = Client::new("subscribe-complete");
    client.subscribe(topic, Qos::ExactlyOnce);
    assert!(!Client::new("subscribe-complete-p").publish(topic, Qos::ExactlyOnce, PAYLOAD).is_failure());
    let packet_id = client.message().packet_id.unwrap();
    assert_eq!(client.unsubscribe(&[topic]), [ReasonCode::Success]);
    client.send(Packet::PubRec(Ack::new(packet_id, ReasonCode::Success)));
    client.released(packet_id);
    client.send(Packet::PubComp(Ack::new(packet_id, ReasonCode::Success)));
    client.assert_silent();
}

#[test]
fn subscription_identifiers_come_with_messages() {
    covers!("MQTT-3.3.4-3");
    let topic = "conformance/number/reading";
    let mut client = Client::new("subscribe-number");
    for number in [1, 127, 128, 268_435_455] {
        assert_eq!(client.subscribe_all(vec![filter(topic, Qos::AtMostOnce)], Some(number)), [ReasonCode::Success]);
        assert!(!client.publish(topic, Qos::AtLeastOnce, PAYLOAD).is_failure());
        assert_eq!(client.receive().subscription_ids, [number]);
    }
}
