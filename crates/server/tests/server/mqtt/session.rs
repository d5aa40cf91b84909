//! Sessions (section 4.1): what outlives a connection, for how long, and what is sent again.

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Ack, Connect, Disconnect, Packet, Qos};

use super::client::{Client, a_second_passes, again, connect, lasting, message, will};
use super::{PAYLOAD, numbered};

#[test]
fn a_session_keeps_subscriptions_and_messages() {
    covers!("MQTT-3.1.2-23", "MQTT-3.1.3-2", "MQTT-4.5.0-1", "MQTT-3.1.2-5");
    let topic = "conformance/kept/reading";
    let mut first = Client::enter(lasting("session-kept"));
    first.subscribe(topic, Qos::ExactlyOnce);
    first.leave();
    let mut publisher = Client::new("session-kept-p");
    for (number, qos) in [Qos::AtLeastOnce, Qos::ExactlyOnce, Qos::AtLeastOnce].into_iter().enumerate() {
        assert!(!publisher.publish(topic, qos, &numbered(number)).is_failure());
    }
    let mut second = Client::enter(again("session-kept"));
    for (number, qos) in [Qos::AtLeastOnce, Qos::ExactlyOnce, Qos::AtLeastOnce].into_iter().enumerate() {
        let message = second.receive();
        assert_eq!((message.qos, message.dup), (qos, false));
        assert_eq!(message.content.payload, numbered(number));
    }
    second.assert_silent();
}

#[test]
fn a_session_without_an_interval_ends_with_its_connection() {
    covers!("MQTT-4.1.0-2", "MQTT-3.1.2-6");
    let mut first = Client::new("session-short");
    first.subscribe("conformance/short/reading", Qos::AtLeastOnce);
    first.leave();
    let (_second, ack) = Client::hello(again("session-short"));
    assert!(!ack.session_present);
}

#[test]
fn a_session_ends_when_its_interval_is_over() {
    covers!("MQTT-4.1.0-2", "MQTT-3.1.2-8");
    let topic = "conformance/interval/reading";
    let mut watcher = Client::new("session-interval-w");
    watcher.subscribe(topic, Qos::AtMostOnce);
    let mut late = will(topic);
    late.delay_seconds = 600;
    let short = Connect { session_expiry_seconds: Some(1), will: Some(late), ..connect("session-interval") };
    drop(Client::enter(short));
    // The will comes with the end of the session, before its delay is over.
    assert_eq!(watcher.receive().topic.as_ref(), topic);
    let (_second, ack) = Client::hello(again("session-interval"));
    assert!(!ack.session_present);
}

#[test]
fn a_session_does_not_end_while_its_connection_is_open() {
    covers!("MQTT-4.1.0-1");
    let topic = "conformance/open/reading";
    let mut client = Client::enter(Connect { session_expiry_seconds: Some(1), ..connect("session-open") });
    client.subscribe(topic, Qos::AtLeastOnce);
    a_second_passes("session-open");
    assert!(!client.publish(topic, Qos::AtLeastOnce, PAYLOAD).is_failure());
    assert_eq!(client.payload(), PAYLOAD);
    client.leave();
    let (_second, ack) = Client::hello(again("session-open"));
    assert!(ack.session_present);
}

#[test]
fn disconnect_may_change_how_long_a_session_lives() {
    covers!("MQTT-4.1.0-2");
    let mut first = Client::enter(lasting("session-change"));
    let mut last = Disconnect::new(ReasonCode::Success);
    last.session_expiry_seconds = Some(0);
    first.send(Packet::Disconnect(Box::new(last)));
    assert_eq!(first.ended(), None);
    let (_second, ack) = Client::hello(again("session-change"));
    assert!(!ack.session_present);
}

#[test]
fn disconnect_does_not_make_a_session_live_on() {
    covers!("MQTT-4.13.1-1");
    let mut client = Client::new("session-late");
    let mut last = Disconnect::new(ReasonCode::Success);
    last.session_expiry_seconds = Some(60);
    client.send(Packet::Disconnect(Box::new(last)));
    assert_eq!(client.ended(), Some(ReasonCode::ProtocolError));
}

#[test]
fn what_was_not_acknowledged_is_sent_again_and_only_then() {
    covers!("MQTT-4.4.0-1", "MQTT-3.3.1-1", "MQTT-4.3.2-3", "MQTT-4.3.3-3", "MQTT-2.2.1-4");
    let topic = "conformance/again/reading";
    let mut first = Client::enter(lasting("session-again"));
    first.subscribe(topic, Qos::ExactlyOnce);
    let mut publisher = Client::new("session-again-p");
    let qos = [Qos::AtLeastOnce, Qos::ExactlyOnce, Qos::AtLeastOnce];
    for (number, qos) in qos.into_iter().enumerate() {
        assert!(!publisher.publish(topic, qos, &numbered(number)).is_failure());
    }
    let before: Vec<_> = qos.iter().map(|_| first.message()).collect();
    assert!(before.iter().all(|message| !message.dup));
    // At no other time.
    first.assert_silent();
    drop(first);
    let mut second = Client::enter(again("session-again"));
    for message in before {
        let repeated = second.receive();
        assert!(repeated.dup);
        assert_eq!((repeated.packet_id, repeated.content), (message.packet_id, message.content));
    }
    second.assert_silent();
}

#[test]
fn a_release_is_sent_again_and_its_message_is_not() {
    covers!("MQTT-4.3.3-5", "MQTT-4.3.3-6", "MQTT-4.4.0-1");
    let topic = "conformance/release/reading";
    let mut first = Client::enter(lasting("session-release"));
    first.subscribe(topic, Qos::ExactlyOnce);
    assert!(!Client::new("session-release-p").publish(topic, Qos::ExactlyOnce, PAYLOAD).is_failure());
    let packet_id = first.message().packet_id.unwrap();
    first.send(Packet::PubRec(Ack::new(packet_id, ReasonCode::Success)));
    first.released(packet_id);
    drop(first);
    let mut second = Client::enter(again("session-release"));
    match second.next() {
        Packet::PubRel(ack) => assert_eq!(ack.packet_id, packet_id),
        other => panic!("{other:?}"),
    }
    second.send(Packet::PubComp(Ack::new(packet_id, ReasonCode::Success)));
    second.assert_silent();
}

#[test]
fn what_the_client_refused_is_not_sent_again() {
    covers!("MQTT-4.4.0-2");
    let topic = "conformance/rejected/reading";
    let mut first = Client::enter(lasting("session-rejected"));
    first.subscribe(topic, Qos::ExactlyOnce);
    let mut publisher = Client::new("session-rejected-p");
    assert!(!publisher.publish(topic, Qos::AtLeastOnce, PAYLOAD).is_failure());
    assert!(!publisher.publish(topic, Qos::ExactlyOnce, PAYLOAD).is_failure());
    for _ in 0..2 {
        let message = first.message();
        let ack = Ack::new(message.packet_id.unwrap(), ReasonCode::ImplementationSpecific);
        first.send(if message.qos == Qos::AtLeastOnce { Packet::PubAck(ack) } else { Packet::PubRec(ack) });
    }
    // Not even PUBREL answers a PUBREC that refuses.
    first.assert_silent();
    first.leave();
    Client::enter(again("session-rejected")).assert_silent();
}

#[test]
fn a_message_twice_over_two_connections_is_delivered_once() {
    covers!("MQTT-4.3.3-10", "MQTT-4.4.0-1");
    let topic = "conformance/once/reading";
    let mut subscriber = Client::new("session-once-s");
    subscriber.subscribe(topic, Qos::ExactlyOnce);
    let mut first = Client::enter(lasting("session-once"));
    let packet_id = first.start(message(topic, Qos::ExactlyOnce, PAYLOAD)).unwrap();
    assert!(!first.received(packet_id).is_failure());
    drop(first);
    let mut second = Client::enter(again("session-once"));
    let mut repeated = message(topic, Qos::ExactlyOnce, PAYLOAD);
    (repeated.dup, repeated.packet_id) = (true, Some(packet_id));
    second.start(repeated);
    assert!(!second.received(packet_id).is_failure());
    assert_eq!(second.release(packet_id), ReasonCode::Success);
    assert_eq!(subscriber.payload(), PAYLOAD);
    subscriber.assert_silent();
}
