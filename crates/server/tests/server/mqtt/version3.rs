//! What MQTT 3.1.1 does differently; numbers in comments are its own statements.

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Packet, Qos, Version};

use super::client::{Client, assert_no_entry, connect_v3, filter, message, refused, retained, will, wire};
use super::{LOGIN, PASSWORD, PAYLOAD, numbered};

#[test]
fn a_client_is_let_in_or_told_why_not() {
    let (_client, ack) = Client::hello(connect_v3("v3-in"));
    assert_eq!((ack.reason, ack.session_present), (ReasonCode::Success, false));
    let wrong = Connect { password: Some("wrong".into()), ..connect_v3("v3-wrong") };
    assert_eq!(refused(wrong), ReasonCode::BadUserNameOrPassword);
    let nobody = refused(Connect::new(Version::V3, "v3-nobody"));
    assert!([ReasonCode::BadUserNameOrPassword, ReasonCode::NotAuthorized].contains(&nobody), "{nobody}");
    let person = Connect { username: Some(LOGIN.into()), ..connect_v3("v3-person") };
    Client::enter(Connect { password: Some(PASSWORD.into()), ..person }).leave();
    // A password without a user name [MQTT-3.1.2-22].
    let mut bytes = wire(&Packet::Connect(Box::new(connect_v3("v3-flags"))), Version::V3);
    bytes[9] &= !(1 << 7);
    assert_no_entry(&bytes);
}

#[test]
fn an_empty_client_identifier_needs_a_clean_session() {
    // [MQTT-3.1.3-7], [MQTT-3.1.3-8]
    Client::enter(connect_v3("")).leave();
    assert_eq!(refused(Connect { clean_start: false, ..connect_v3("") }), ReasonCode::ClientIdentifierNotValid);
}

#[test]
fn a_session_that_is_not_clean_outlives_its_connection() {
    // [MQTT-3.1.2-4], [MQTT-3.1.2-5]
    let topic = "conformance/v3/kept/reading";
    let kept = || Connect { clean_start: false, ..connect_v3("v3-kept") };
    let mut first = Client::enter(kept());
    first.subscribe(topic, Qos::AtLeastOnce);
    first.leave();
    let mut publisher = Client::enter(connect_v3("v3-kept-p"));
    for number in 0..3 {
        assert!(!publisher.publish(topic, Qos::AtLeastOnce, &numbered(number)).is_failure());
    }
    let (mut second, ack) = Client::hello(kept());
    assert!(ack.session_present);
    for number in 0..3 {
        assert_eq!(second.payload(), numbered(number));
    }
    second.leave();
    // A clean session ends with its connection [MQTT-3.1.2-6].
    let (third, ack) = Client::hello(connect_v3("v3-kept"));
    assert!(!ack.session_present);
    third.leave();
    let (_fourth, ack) = Client::hello(kept());
    assert!(!ack.session_present);
}

#[test]
fn messages_go_between_both_versions() {
    let topic = "conformance/v3/both/reading";
    let mut old = Client::enter(connect_v3("v3-both-old"));
    let mut new = Client::new("v3-both-new");
    for client in [&mut old, &mut new] {
        client.subscribe(topic, Qos::ExactlyOnce);
    }
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let mut with_properties = message(topic, qos, PAYLOAD);
        with_properties.content.content_type = Some("application/json".into());
        with_properties.expiry_seconds = Some(100);
        assert!(!new.publish_whole(with_properties).is_failure());
        let received = old.receive();
        assert_eq!((received.qos, received.retain), (qos, false));
        assert_eq!(received.content.payload, PAYLOAD);
        assert_eq!(new.receive().content.content_type.as_deref(), Some("application/json"));
        assert!(!old.publish(topic, qos, PAYLOAD).is_failure());
        assert_eq!((old.payload(), new.payload()), (PAYLOAD.to_owned(), PAYLOAD.to_owned()));
    }
}

#[test]
fn a_subscription_that_is_not_granted_has_return_code_0x80() {
    // [MQTT-3.9.3-2]
    let mut client = Client::enter(connect_v3("v3-suback"));
    let filters = vec![filter("a/#/b", Qos::AtLeastOnce), filter("conformance/v3/suback", Qos::AtLeastOnce)];
    assert_eq!(client.subscribe_all(filters, None), [ReasonCode::Unspecified, ReasonCode::GrantedQos1]);
    assert!(client.unsubscribe(&["conformance/v3/suback", "unknown"]).is_empty());
}

#[test]
fn a_subscription_that_is_made_again_gets_what_is_retained_again() {
    // [MQTT-3.8.4-3]
    let topic = "conformance/v3/retained/reading";
    let mut client = Client::enter(connect_v3("v3-retained"));
    assert!(!client.publish_whole(retained(topic, PAYLOAD)).is_failure());
    for _ in 0..2 {
        client.subscribe(topic, Qos::AtLeastOnce);
        assert!(client.receive().retain);
    }
    // To who subscribes already, it is a message like others [MQTT-3.3.1-9].
    assert!(!client.publish_whole(retained(topic, PAYLOAD)).is_failure());
    assert!(!client.receive().retain);
}

#[test]
fn a_will_is_published_when_the_connection_breaks() {
    // [MQTT-3.1.2-8], [MQTT-3.1.2-10]
    let topic = "conformance/v3/will/reading";
    let mut watcher = Client::enter(connect_v3("v3-will-w"));
    watcher.subscribe(topic, Qos::AtLeastOnce);
    let willing = || Connect { will: Some(will(topic)), ..connect_v3("v3-will") };
    Client::enter(willing()).leave();
    watcher.assert_silent();
    drop(Client::enter(willing()));
    assert_eq!(watcher.payload(), PAYLOAD);
}

#[test]
fn a_client_that_connects_twice_keeps_the_newer_connection() {
    // [MQTT-3.1.4-2]
    let mut older = Client::enter(connect_v3("v3-over"));
    let mut newer = Client::enter(connect_v3("v3-over"));
    assert!(older.rest().is_empty());
    newer.assert_silent();
}
