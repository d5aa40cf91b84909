//! Retained messages (section 3.3.1.3) and what a new subscription gets of them (section 3.8.3.1).

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Publish, Qos, RetainHandling};

use super::client::{Client, message, retained, with_options};
use super::{PAYLOAD, numbered};

/// A new client that subscribes to a filter gets these topics and payloads, in any order, and nothing else.
fn assert_kept(name: &str, filter: &str, expected: &[(String, String)]) {
    let mut client = Client::new(&format!("{name}-later"));
    client.subscribe(filter, Qos::AtLeastOnce);
    let mut found = Vec::new();
    for _ in expected {
        let message = client.receive();
        assert!(message.retain && !message.dup, "{message:?}");
        found.push((message.topic.to_string(), String::from_utf8(message.content.payload.to_vec()).unwrap()));
    }
    client.assert_silent();
    found.sort();
    assert_eq!(found, expected);
}

fn pair(topic: &str, payload: &str) -> (String, String) {
    (topic.to_owned(), payload.to_owned())
}

#[test]
fn the_last_message_that_is_to_be_retained_is() {
    covers!("MQTT-3.3.1-5", "MQTT-3.3.1-9");
    let topic = "conformance/retain/last/reading";
    let mut publisher = Client::new("retain-last");
    for (number, qos) in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce].into_iter().enumerate() {
        let message = Publish { retain: true, ..message(topic, qos, &numbered(number)) };
        assert!(!publisher.publish_whole(message).is_failure());
        // QoS 0 is not answered; what comes behind it is.
        assert!(!publisher.publish("conformance/retain/behind/reading", Qos::AtLeastOnce, PAYLOAD).is_failure());
        assert_kept("retain-last", topic, &[pair(topic, &numbered(number))]);
    }
}

#[test]
fn other_messages_change_nothing_that_is_retained() {
    covers!("MQTT-3.3.1-8");
    let topic = "conformance/retain/other/reading";
    let mut publisher = Client::new("retain-other");
    assert!(!publisher.publish(topic, Qos::AtLeastOnce, &numbered(1)).is_failure());
    assert_kept("retain-other", topic, &[]);
    assert!(!publisher.publish_whole(retained(topic, &numbered(2))).is_failure());
    assert!(!publisher.publish(topic, Qos::AtLeastOnce, &numbered(3)).is_failure());
    assert_kept("retain-other", topic, &[pair(topic, &numbered(2))]);
}

#[test]
fn an_empty_message_removes_what_is_retained_and_is_passed_on() {
    covers!("MQTT-3.3.1-6", "MQTT-3.3.1-7");
    let topic = "conformance/retain/empty/reading";
    let mut publisher = Client::new("retain-empty");
    assert!(!publisher.publish_whole(retained(topic, PAYLOAD)).is_failure());
    let mut subscriber = Client::new("retain-empty-s");
    subscriber.subscribe(topic, Qos::AtLeastOnce);
    assert_eq!(subscriber.payload(), PAYLOAD);
    assert!(!publisher.publish_whole(retained(topic, "")).is_failure());
    assert_eq!(subscriber.payload(), "");
    assert_kept("retain-empty", topic, &[]);
}

#[test]
fn a_new_subscription_gets_all_that_match() {
    covers!("MQTT-3.3.1-9");
    let topics = ["conformance/retain/all/a/reading", "conformance/retain/all/b/reading", "conformance/retain/all"];
    let mut publisher = Client::new("retain-all");
    for topic in topics {
        assert!(!publisher.publish_whole(retained(topic, PAYLOAD)).is_failure());
    }
    let all: Vec<_> = [2, 0, 1].map(|place| pair(topics[place], PAYLOAD)).into();
    assert_kept("retain-all", "conformance/retain/all/#", &all);
    assert_kept("retain-all", "conformance/retain/all/+/reading", &all[1..]);
}

#[test]
fn retain_handling_says_what_a_subscription_gets() {
    covers!("MQTT-3.3.1-9", "MQTT-3.3.1-10", "MQTT-3.3.1-11", "MQTT-3.8.4-4");
    let topic = "conformance/retain/handling/reading";
    assert!(!Client::new("retain-handling").publish_whole(retained(topic, PAYLOAD)).is_failure());
    for (handling, first, repeated) in [
        (RetainHandling::Send, true, true),
        (RetainHandling::SendIfNew, true, false),
        (RetainHandling::DoNotSend, false, false),
    ] {
        let mut client = Client::new("retain-handling-s");
        for expected in [first, repeated] {
            let filter = with_options(topic, false, false, handling);
            assert_eq!(client.subscribe_all(vec![filter], None), [ReasonCode::GrantedQos1]);
            if expected {
                assert!(client.receive().retain);
            }
            client.assert_silent();
        }
        // After it is gone it is new.
        assert_eq!(client.unsubscribe(&[topic]), [ReasonCode::Success]);
        let filter = with_options(topic, false, false, handling);
        assert_eq!(client.subscribe_all(vec![filter], None), [ReasonCode::GrantedQos1]);
        if first {
            assert!(client.receive().retain);
        }
        client.assert_silent();
    }
}

#[test]
fn the_flag_is_passed_on_as_the_subscription_asks() {
    covers!("MQTT-3.3.1-12", "MQTT-3.3.1-13");
    let topic = "conformance/retain/flag/reading";
    let mut publisher = Client::new("retain-flag");
    let mut plain = Client::new("retain-flag-plain");
    let mut same = Client::new("retain-flag-same");
    for (client, as_published) in [(&mut plain, false), (&mut same, true)] {
        let filter = with_options(topic, false, as_published, RetainHandling::Send);
        assert_eq!(client.subscribe_all(vec![filter], None), [ReasonCode::GrantedQos1]);
    }
    for retain in [false, true] {
        let message = Publish { retain, ..message(topic, Qos::AtLeastOnce, PAYLOAD) };
        assert!(!publisher.publish_whole(message).is_failure());
        assert!(!plain.receive().retain);
        assert_eq!(same.receive().retain, retain);
    }
}

#[test]
fn what_is_retained_is_sent_with_the_lower_qos() {
    covers!("MQTT-3.8.4-8");
    let topic = "conformance/retain/qos/reading";
    assert!(!Client::new("retain-qos").publish_whole(retained(topic, PAYLOAD)).is_failure());
    for (granted, expected) in [(Qos::AtMostOnce, Qos::AtMostOnce), (Qos::ExactlyOnce, Qos::AtLeastOnce)] {
        let mut subscriber = Client::new("retain-qos-s");
        subscriber.subscribe(topic, granted);
        assert_eq!(subscriber.receive().qos, expected);
    }
}
