//! Packets that cannot be read or must not come (sections 2.1, 4.13): the connection ends, with a reason for clients of 5.0.

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Ack, Auth, Packet, Qos, Version};

use super::PAYLOAD;
use super::client::{Client, connect_v3, id, message, wire};

#[test]
fn reserved_flags_end_the_connection() {
    covers!(
        "MQTT-2.1.3-1",
        "MQTT-3.6.1-1",
        "MQTT-3.8.1-1",
        "MQTT-3.10.1-1",
        "MQTT-3.14.1-1",
        "MQTT-3.15.1-1",
        "MQTT-4.13.1-1",
        "MQTT-4.13.2-1",
    );
    for bytes in [
        b"\x41\x02\0\x01".as_slice(),
        b"\x58\x02\0\x01",
        b"\x60\x02\0\x01",
        b"\x63\x02\0\x01",
        b"\x74\x02\0\x01",
        b"\x80\x07\0\x01\0\0\x01a\0",
        b"\x83\x07\0\x01\0\0\x01a\0",
        b"\xa0\x06\0\x01\0\0\x01a",
        b"\xaa\x06\0\x01\0\0\x01a",
        b"\xc1\0",
        b"\xe1\0",
        b"\xf1\0",
        // The type that is reserved.
        b"\x00\0",
    ] {
        let mut client = Client::new("malformed-flags");
        client.raw(bytes);
        assert_eq!(client.ended(), Some(ReasonCode::MalformedPacket), "{bytes:x?}");
    }
}

#[test]
fn lengths_that_are_wrong_end_the_connection() {
    covers!("MQTT-4.13.1-1");
    for bytes in [
        // Five bytes of length.
        b"\xc0\xff\xff\xff\xff\x01".as_slice(),
        // Properties that are longer than the packet.
        b"\x30\x04\0\x01a\x05",
        // A topic that is longer than the packet, bytes behind PINGREQ, and no identifier.
        b"\x30\x03\0\x05a",
        b"\xc0\x01\0",
        b"\x32\x04\0\x01a\0",
        b"\x40\x01\0",
    ] {
        let mut client = Client::new("malformed-length");
        client.raw(bytes);
        assert_eq!(client.ended(), Some(ReasonCode::MalformedPacket), "{bytes:x?}");
    }
}

#[test]
fn a_packet_may_come_in_pieces_and_several_at_once() {
    covers!("MQTT-4.2.0-1", "MQTT-3.12.4-1");
    let mut client = Client::new("malformed-pieces");
    for byte in wire(&Packet::PingReq, Version::V5) {
        client.raw(&[byte]);
    }
    assert_eq!(client.next(), Packet::PingResp);
    let mut publish = message("conformance/pieces/reading", Qos::AtLeastOnce, PAYLOAD);
    publish.packet_id = Some(id(1));
    for byte in wire(&Packet::Publish(Box::new(publish)), Version::V5) {
        client.raw(&[byte]);
    }
    assert!(!client.acknowledged(id(1)).is_failure());
    client.raw(b"\xc0\0\xc0\0\xc0\0");
    for _ in 0..3 {
        assert_eq!(client.next(), Packet::PingResp);
    }
}

#[test]
fn packets_that_only_a_server_sends_end_the_connection() {
    covers!("MQTT-4.13.1-1");
    for bytes in [b"\x20\x03\0\0\0".as_slice(), b"\x90\x04\0\x01\0\0", b"\xb0\x04\0\x01\0\0", b"\xd0\0"] {
        let mut client = Client::new("malformed-server");
        client.raw(bytes);
        assert_eq!(client.ended(), Some(ReasonCode::ProtocolError), "{bytes:x?}");
    }
}

#[test]
fn auth_without_a_method_ends_the_connection() {
    covers!("MQTT-4.12.0-6", "MQTT-4.13.1-1");
    let mut client = Client::new("malformed-auth");
    let auth = Auth {
        reason: ReasonCode::ReAuthenticate,
        method: None,
        data: None,
        reason_string: None,
        user_properties: Vec::new(),
    };
    client.send(Packet::Auth(Box::new(auth)));
    assert_eq!(client.ended(), Some(ReasonCode::ProtocolError));
}

#[test]
fn nothing_comes_behind_disconnect() {
    covers!("MQTT-3.14.4-1", "MQTT-3.14.4-2", "MQTT-3.14.2-1", "MQTT-3.14.2-2");
    let mut client = Client::new("malformed-behind");
    // What comes behind the packet that ends it would be answered.
    client.raw(b"\xd0\0\xc0\0\xc0\0");
    assert_eq!(client.ended(), Some(ReasonCode::ProtocolError));
}

#[test]
fn an_acknowledgement_of_nothing_is_no_error() {
    covers!("MQTT-4.9.0-3");
    let mut client = Client::new("malformed-nothing");
    client.send(Packet::PubAck(Ack::new(id(1), ReasonCode::Success)));
    client.send(Packet::PubComp(Ack::new(id(2), ReasonCode::Success)));
    client.assert_silent();
}

#[test]
fn a_client_of_3_1_1_is_told_nothing_and_the_connection_ends() {
    covers!("MQTT-4.13.2-1");
    for bytes in [b"\xc1\0".as_slice(), b"\xd0\0", b"\x36\x05\0\x01a\0\x01", b"\xf0\0"] {
        let mut client = Client::enter(connect_v3("malformed-3"));
        client.raw(bytes);
        assert!(client.rest().is_empty(), "{bytes:x?}");
    }
}
