//! CONNECT (section 3.1): what lets a client in, and what does not.

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Packet, Qos, Version, Will};

use super::client::{Client, assert_no_entry, connect, lasting, message, refused, will, wire};
use super::{LOGIN, PASSWORD, PAYLOAD};

/// Where the flags of a CONNECT of less than 128 bytes stand.
const FLAGS: usize = 9;
const WILL: u8 = 1 << 2;
const WILL_RETAIN: u8 = 1 << 5;
const PASSWORD_FLAG: u8 = 1 << 6;
const USERNAME: u8 = 1 << 7;

/// The bytes of CONNECT.
fn bytes(connect: Connect) -> Vec<u8> {
    let bytes = wire(&Packet::Connect(Box::new(connect)), Version::V5);
    assert!(bytes.len() < 128, "the flags stand elsewhere");
    bytes
}

/// CONNECT with other flags.
fn with_flags(connect: Connect, change: impl FnOnce(u8) -> u8) -> Vec<u8> {
    let mut bytes = bytes(connect);
    bytes[FLAGS] = change(bytes[FLAGS]);
    bytes
}

#[test]
fn a_client_is_let_in_over_tcp() {
    covers!("MQTT-4.2.0-1", "MQTT-3.1.4-5", "MQTT-3.2.2-8");
    let (mut client, ack) = Client::hello(connect("connect-tcp"));
    assert_eq!((ack.reason, ack.session_present), (ReasonCode::Success, false));
    client.assert_silent();
}

#[test]
fn the_first_packet_is_connect() {
    covers!("MQTT-3.1.0-1", "MQTT-3.14.0-1");
    assert_no_entry(&wire(&Packet::PingReq, Version::V5));
    let topic = "conformance/first/reading";
    assert_no_entry(&wire(&Packet::Publish(Box::new(message(topic, Qos::AtMostOnce, PAYLOAD))), Version::V5));
}

#[test]
fn a_second_connect_ends_the_connection() {
    covers!("MQTT-3.1.0-2", "MQTT-3.14.2-1", "MQTT-3.14.4-2");
    let mut client = Client::new("connect-twice");
    client.send(Packet::Connect(Box::new(connect("connect-twice"))));
    assert_eq!(client.ended(), Some(ReasonCode::ProtocolError));
}

#[test]
fn another_protocol_or_version_is_not_let_in() {
    covers!("MQTT-3.1.2-1", "MQTT-3.1.2-2");
    let right = bytes(connect("connect-version"));
    for (place, byte) in [(4, b'm'), (7, b'X'), (8, 6), (8, 3), (8, 0)] {
        let mut wrong = right.clone();
        wrong[place] = byte;
        assert_no_entry(&wrong);
    }
    // MQTT 3.1.
    assert_no_entry(b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a");
}

#[test]
fn the_reserved_flag_is_checked() {
    covers!("MQTT-3.1.2-3", "MQTT-3.1.4-1");
    assert_no_entry(&with_flags(connect("connect-reserved"), |flags| flags | 1));
}

#[test]
fn a_connect_that_is_cut_or_too_long_is_not_let_in() {
    covers!("MQTT-3.1.4-1");
    let mut cut = bytes(connect("connect-cut"));
    cut.pop();
    cut[1] -= 1;
    assert_no_entry(&cut);
    let mut long = bytes(connect("connect-long"));
    long.push(0);
    long[1] += 1;
    assert_no_entry(&long);
}

#[test]
fn properties_that_are_wrong_are_refused() {
    covers!("MQTT-3.1.4-1");
    assert_no_entry(&bytes(Connect { maximum_packet_bytes: Some(0), ..connect("connect-largest-0") }));
    let data = Some(b"x".as_slice().into());
    assert_no_entry(&bytes(Connect { authentication_data: data, ..connect("connect-data") }));
    // A receive maximum of 0.
    let receive_maximum = std::num::NonZeroU16::new(0x0101);
    let mut zero = bytes(Connect { receive_maximum, ..connect("connect-receive-0") });
    let place = zero.windows(3).position(|part| part == b"\x21\x01\x01").unwrap();
    zero[place + 1..place + 3].fill(0);
    assert_no_entry(&zero);
}

#[test]
fn flags_of_a_will_without_a_will_are_refused() {
    covers!("MQTT-3.1.2-11", "MQTT-3.1.2-13");
    for wrong in [1 << 3, 2 << 3, WILL_RETAIN] {
        assert_no_entry(&with_flags(connect("connect-no-will"), |flags| flags | wrong));
    }
}

#[test]
fn a_will_in_the_flags_is_in_the_payload() {
    covers!("MQTT-3.1.2-9");
    assert_no_entry(&with_flags(connect("connect-will"), |flags| flags | WILL));
    let willing = Connect { will: Some(will("conformance/w/reading")), ..connect("connect-will") };
    assert_no_entry(&with_flags(willing, |flags| flags & !(WILL | 3 << 3)));
}

#[test]
fn a_will_has_qos_0_1_or_2() {
    covers!("MQTT-3.1.2-12");
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let will = Will { qos, ..will("conformance/will-qos/reading") };
        Client::enter(Connect { will: Some(will), ..connect("connect-will-qos") }).leave();
    }
    let willing = Connect { will: Some(will("conformance/w/reading")), ..connect("connect-qos-3") };
    assert_no_entry(&with_flags(willing, |flags| flags | 3 << 3));
}

#[test]
fn user_name_and_password_are_there_when_their_flags_say_so() {
    covers!("MQTT-3.1.2-16", "MQTT-3.1.2-17", "MQTT-3.1.2-18", "MQTT-3.1.2-19");
    for flag in [USERNAME, PASSWORD_FLAG] {
        assert_no_entry(&with_flags(connect("connect-flags"), |flags| flags & !flag));
        let mut without = connect("connect-flags");
        match flag {
            USERNAME => without.username = None,
            _ => without.password = None,
        }
        assert_no_entry(&with_flags(without, |flags| flags | flag));
    }
}

#[test]
fn the_fields_come_in_their_order() {
    covers!("MQTT-3.1.3-1", "MQTT-3.1.3-3");
    let will = Some(will("conformance/order/reading"));
    Client::enter(Connect { will, ..connect("connect-order") }).leave();
    // The client identifier is missing, so that the user name is taken for it.
    let mut bytes = bytes(connect(""));
    let place = bytes.windows(8).position(|part| part == b"\x00\x06device").unwrap();
    bytes.drain(place - 2..place);
    bytes[1] -= 2;
    assert_no_entry(&bytes);
}

#[test]
fn texts_are_utf8_without_null() {
    covers!("MQTT-1.5.4-1", "MQTT-1.5.4-2", "MQTT-3.1.3-4", "MQTT-3.1.3-11", "MQTT-3.1.3-12");
    let willing = Connect { will: Some(will("zzz/reading")), ..connect("yyy") };
    let right = bytes(Connect { username: Some("xxx".into()), ..willing });
    // Cut, overlong, a surrogate, a byte that never occurs, and U+0000.
    for wrong in [*b"aa\xc3", *b"a\xc0\x80", *b"\xed\xa0\x80", *b"\xffaa", *b"aa\0"] {
        for text in [b"xxx", b"yyy", b"zzz"] {
            let place = right.windows(3).position(|part| part == text).unwrap();
            let mut bytes = right.clone();
            bytes[place..place + 3].copy_from_slice(&wrong);
            assert_no_entry(&bytes);
        }
    }
}

#[test]
fn client_identifiers_of_letters_and_digits_are_taken() {
    covers!("MQTT-3.1.3-5");
    let all = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for client_id in [&all[..23], &all[23..46], &all[46..], "Q"] {
        Client::new(client_id).leave();
    }
}

#[test]
fn an_empty_client_identifier_becomes_a_new_one() {
    covers!("MQTT-3.1.3-6", "MQTT-3.1.3-7", "MQTT-3.2.2-16");
    let (first, ack) = Client::hello(lasting(""));
    let assigned = ack.assigned_client_id.unwrap();
    let (_second, ack) = Client::hello(connect(""));
    let other = ack.assigned_client_id.unwrap();
    assert!(!assigned.is_empty() && !other.is_empty() && assigned != other, "{assigned} {other}");
    first.leave();
    let (_again, ack) = Client::hello(Connect { clean_start: false, ..connect(&assigned) });
    assert!(ack.session_present && ack.assigned_client_id.is_none(), "{ack:?}");
}

#[test]
fn a_client_identifier_that_is_too_long_is_refused() {
    covers!("MQTT-3.1.3-8", "MQTT-3.2.2-7");
    assert_eq!(refused(connect(&"x".repeat(257))), ReasonCode::ClientIdentifierNotValid);
}

#[test]
fn a_wrong_credential_is_refused() {
    covers!("MQTT-3.1.4-2", "MQTT-3.2.2-6", "MQTT-3.2.2-7", "MQTT-3.2.2-8", "MQTT-4.13.2-1");
    let wrong = Connect { password: Some("wrong-token-0123456789abcdef".into()), ..connect("connect-wrong") };
    assert_eq!(refused(wrong), ReasonCode::BadUserNameOrPassword);
    let person = Connect { username: Some(LOGIN.into()), ..connect("connect-wrong") };
    let wrong = Connect { password: Some("not the password".into()), ..person };
    assert_eq!(refused(wrong), ReasonCode::BadUserNameOrPassword);
}

#[test]
fn nobody_enters_without_a_credential() {
    covers!("MQTT-3.1.4-2");
    let nobody = Connect::new(Version::V5, "connect-nobody");
    let reasons = [ReasonCode::BadUserNameOrPassword, ReasonCode::NotAuthorized];
    assert!(reasons.contains(&refused(nobody.clone())));
    assert!(reasons.contains(&refused(Connect { username: Some(LOGIN.into()), ..nobody })));
}

#[test]
fn a_person_enters_with_login_and_password() {
    covers!("MQTT-3.1.4-5");
    let person = Connect { username: Some(LOGIN.into()), ..connect("connect-person") };
    let mut client = Client::enter(Connect { password: Some(PASSWORD.into()), ..person });
    assert_eq!(client.publish("conformance/person/reading", Qos::AtLeastOnce, PAYLOAD), ReasonCode::Success);
}

#[test]
fn what_comes_behind_a_refused_connect_is_not_processed() {
    covers!("MQTT-3.1.4-6", "MQTT-3.2.0-1", "MQTT-3.14.0-1");
    let topic = "conformance/refused/reading";
    let mut subscriber = Client::new("connect-refused-s");
    subscriber.subscribe(topic, Qos::AtMostOnce);
    let wrong = Connect { password: Some("wrong".into()), ..connect("connect-refused") };
    let mut both = bytes(wrong);
    both.extend(wire(&Packet::Publish(Box::new(message(topic, Qos::AtMostOnce, PAYLOAD))), Version::V5));
    assert_no_entry(&both);
    subscriber.assert_silent();
}

#[test]
fn what_comes_behind_a_connect_that_is_accepted_is_processed() {
    covers!("MQTT-3.2.0-1");
    let topic = "conformance/early/reading";
    let mut subscriber = Client::new("connect-early-s");
    subscriber.subscribe(topic, Qos::AtMostOnce);
    let mut both = bytes(connect("connect-early"));
    both.extend(wire(&Packet::Publish(Box::new(message(topic, Qos::AtMostOnce, PAYLOAD))), Version::V5));
    let mut client = Client::open(Version::V5);
    client.raw(&both);
    assert!(matches!(client.next(), Packet::ConnAck(ack) if ack.reason == ReasonCode::Success));
    assert_eq!(subscriber.receive().topic.as_ref(), topic);
}

#[test]
fn a_client_that_connects_twice_keeps_the_newer_connection() {
    covers!("MQTT-3.1.4-3", "MQTT-3.1.3-2");
    let mut older = Client::new("connect-over");
    let mut newer = Client::new("connect-over");
    assert_eq!(older.ended(), Some(ReasonCode::SessionTakenOver));
    newer.assert_silent();
}

#[test]
fn an_unknown_method_of_authentication_is_refused() {
    covers!("MQTT-4.12.0-1");
    let method = Some("SCRAM-SHA-1".into());
    let reason = refused(Connect { authentication_method: method, ..connect("connect-scram") });
    assert!([ReasonCode::BadAuthenticationMethod, ReasonCode::NotAuthorized].contains(&reason), "{reason}");
}
