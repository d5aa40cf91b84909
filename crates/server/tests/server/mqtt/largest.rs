//! The largest packet that each side takes (sections 3.1.2.11.4 and 3.2.2.3.6).

use std::num::NonZeroU16;

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Qos};

use super::client::{Client, connect, message};
use super::numbered;

#[test]
fn a_message_that_is_too_large_for_a_client_is_dropped() {
    covers!("MQTT-3.1.2-24", "MQTT-3.1.2-25");
    let topic = "conformance/largest/reading";
    let small = Connect {
        maximum_packet_bytes: Some(200),
        // What is dropped is not under way.
        receive_maximum: NonZeroU16::new(1),
        ..connect("largest-small")
    };
    let mut small = Client::enter(small);
    small.subscribe(topic, Qos::ExactlyOnce);
    let mut large = Client::new("largest-large");
    large.subscribe(topic, Qos::ExactlyOnce);
    let mut publisher = Client::new("largest-p");
    let long = format!(r#"{{"value":1,"note":"{}"}}"#, "x".repeat(300));
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
        assert!(!publisher.publish(topic, qos, &long).is_failure());
        assert!(!publisher.publish(topic, qos, &numbered(2)).is_failure());
        assert_eq!(large.payload(), long);
        assert_eq!(large.payload(), numbered(2));
        assert_eq!(small.payload(), numbered(2));
    }
    small.assert_silent();
}

#[test]
fn a_packet_that_is_larger_than_the_server_takes_ends_the_connection() {
    covers!("MQTT-4.13.1-1", "MQTT-4.13.2-1");
    let (mut client, ack) = Client::hello(connect("largest-server"));
    let limit = ack.maximum_packet_bytes.unwrap();
    // The header alone says it.
    let mut length = limit;
    let mut header = vec![0x30];
    while length > 0 {
        header.push(length as u8 & 0x7f | if length > 0x7f { 0x80 } else { 0 });
        length >>= 7;
    }
    client.raw(&header);
    assert_eq!(client.ended(), Some(ReasonCode::PacketTooLarge));
}

#[test]
fn a_packet_as_large_as_the_server_takes_is_taken() {
    covers!("MQTT-3.3.4-1");
    let (mut client, ack) = Client::hello(connect("largest-fits"));
    let limit = ack.maximum_packet_bytes.unwrap().min(1_024 * 1_024) as usize;
    let topic = "conformance/fits/reading";
    let mut whole = message(topic, Qos::AtLeastOnce, "");
    // Beside the payload: the first byte, a length of three bytes, the topic, the identifier and the length of properties.
    let frame = |digits: usize| 1 + digits + 2 + topic.len() + 2 + 1;
    let room = limit - frame(if limit - 4 > 0x1f_ffff { 4 } else { 3 });
    whole.content.payload = format!(r#"{{"note":"{}"}}"#, "x".repeat(room - 11)).into();
    assert_eq!(whole.content.payload.len(), room);
    client.start(whole);
    // It is answered, whatever the answer is.
    client.acknowledged(super::client::id(1));
    client.assert_silent();
}
