//! CONNACK and what it agrees on (section 3.2): sessions that are present, the keep-alive, and what a client asks not to get.

use std::time::{Duration, Instant};

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Packet, Publish, Qos, Version};

use super::PAYLOAD;
use super::client::{Client, again, connect, connect_v3, lasting, message, will, wire};

/// The longest topic that is taken has 1,024 bytes.
fn refused_message(qos: Qos) -> Publish {
    message(&"x".repeat(1_025), qos, PAYLOAD)
}

#[test]
fn connack_comes_first_and_once() {
    covers!("MQTT-3.2.0-1", "MQTT-3.2.0-2", "MQTT-3.2.2-1", "MQTT-2.2.2-1", "MQTT-1.5.5-1");
    for (connect, answer) in [(connect("connack-once"), None), (connect_v3("connack-once-3"), Some([0x20, 2, 0, 0]))] {
        let version = connect.version;
        let mut client = Client::open(version);
        let mut bytes = wire(&Packet::Connect(Box::new(connect)), version);
        bytes.extend(wire(&Packet::PingReq, version));
        bytes.extend(wire(&Packet::PingReq, version));
        bytes.extend([0xe0, 0]);
        client.raw(&bytes);
        let rest = client.rest();
        assert_eq!((rest[0], rest[2], rest[3]), (0x20, 0, 0), "{rest:x?}");
        let whole = usize::from(rest[1]) + 2;
        assert_eq!(rest[whole..], [0xd0, 0, 0xd0, 0]);
        match answer {
            Some(answer) => assert_eq!(rest[..whole], answer),
            None => assert_eq!(usize::from(rest[4]), whole - 5, "the property length"),
        }
    }
}

#[test]
fn a_session_is_present_when_it_goes_on() {
    covers!("MQTT-3.1.2-5", "MQTT-3.1.2-6", "MQTT-3.2.2-3");
    let (first, ack) = Client::hello(again("connack-present"));
    assert_eq!((ack.reason, ack.session_present), (ReasonCode::Success, false));
    first.leave();
    let (_second, ack) = Client::hello(again("connack-present"));
    assert_eq!((ack.reason, ack.session_present), (ReasonCode::Success, true));
}

#[test]
fn a_clean_start_forgets_the_session() {
    covers!("MQTT-3.1.2-4", "MQTT-3.1.4-4", "MQTT-3.2.2-2");
    let topic = "conformance/clean/reading";
    let mut first = Client::enter(lasting("connack-clean"));
    first.subscribe(topic, Qos::AtLeastOnce);
    first.leave();
    let (mut second, ack) = Client::hello(lasting("connack-clean"));
    assert_eq!((ack.reason, ack.session_present), (ReasonCode::Success, false));
    assert!(!second.publish(topic, Qos::AtLeastOnce, PAYLOAD).is_failure());
    second.assert_silent();
}

#[test]
fn the_keep_alive_of_connect_holds() {
    covers!("MQTT-3.1.2-22", "MQTT-3.2.2-22");
    let topic = "conformance/keep-alive/reading";
    let mut watcher = Client::new("connack-alive-w");
    watcher.subscribe(topic, Qos::AtMostOnce);
    let will = Some(will(topic));
    let (mut client, ack) = Client::hello(Connect { keep_alive_seconds: 1, will, ..connect("connack-alive") });
    assert_eq!(ack.server_keep_alive_seconds, None);
    let started = Instant::now();
    assert!([None, Some(ReasonCode::KeepAliveTimeout)].contains(&client.ended()));
    assert!(started.elapsed() > Duration::from_millis(1_400), "{:?}", started.elapsed());
    // As if the network had failed.
    assert_eq!(watcher.receive().topic.as_ref(), topic);
}

#[test]
fn response_information_comes_only_when_it_is_asked_for() {
    covers!("MQTT-3.1.2-28");
    let (_client, ack) = Client::hello(connect("connack-response"));
    assert_eq!(ack.response_information, None);
}

#[test]
fn a_client_without_a_method_hears_of_none() {
    covers!("MQTT-4.12.0-6");
    let (mut client, ack) = Client::hello(connect("connack-method"));
    assert_eq!((ack.authentication_method, ack.authentication_data), (None, None));
    client.assert_silent();
}

#[test]
fn who_does_not_want_problem_information_gets_none() {
    covers!("MQTT-3.1.2-29", "MQTT-3.4.2-1", "MQTT-3.5.2-1");
    let quiet = Connect { request_problem_information: false, ..connect("connack-quiet") };
    let mut client = Client::enter(quiet);
    client.start(refused_message(Qos::AtLeastOnce));
    client.start(refused_message(Qos::ExactlyOnce));
    for _ in 0..2 {
        match client.next() {
            Packet::PubAck(ack) | Packet::PubRec(ack) => {
                assert_eq!((ack.reason, ack.details), (ReasonCode::TopicNameInvalid, None));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn reason_strings_do_not_make_packets_too_large() {
    covers!("MQTT-3.4.2-2", "MQTT-3.5.2-2", "MQTT-3.14.2-3", "MQTT-3.1.2-24");
    const LIMIT: u32 = 24;
    let mut client = Client::enter(Connect { maximum_packet_bytes: Some(LIMIT), ..connect("connack-small") });
    client.start(refused_message(Qos::AtLeastOnce));
    client.start(refused_message(Qos::ExactlyOnce));
    for _ in 0..2 {
        let packet = client.next();
        let (Packet::PubAck(ack) | Packet::PubRec(ack)) = &packet else { panic!("{packet:?}") };
        assert_eq!(ack.reason, ReasonCode::TopicNameInvalid);
        assert!(wire(&packet, Version::V5).len() <= LIMIT as usize, "{packet:?}");
    }
    client.send(Packet::Connect(Box::new(connect("connack-small"))));
    let packet = client.next();
    assert!(matches!(&packet, Packet::Disconnect(last) if last.reason == ReasonCode::ProtocolError), "{packet:?}");
    assert!(wire(&packet, Version::V5).len() <= LIMIT as usize, "{packet:?}");
}

#[test]
fn a_reason_string_does_not_make_connack_too_large() {
    covers!("MQTT-3.2.2-19", "MQTT-3.1.2-24");
    const LIMIT: u32 = 12;
    let wrong = Connect { password: Some("wrong".into()), ..connect("connack-tiny") };
    let mut client = Client::open(Version::V5);
    client.send(Packet::Connect(Box::new(Connect { maximum_packet_bytes: Some(LIMIT), ..wrong })));
    let answer = client.rest();
    assert!(answer.is_empty() || (answer[0] == 0x20 && answer[3] >= 0x80), "{answer:x?}");
    assert!(answer.len() <= LIMIT as usize, "{answer:x?}");
}
