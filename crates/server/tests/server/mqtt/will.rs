//! Wills (section 3.1.2.5): messages for when a connection breaks.

use std::time::{Duration, Instant};

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Content, Disconnect, Packet, Qos, RetainHandling, Will};

use super::PAYLOAD;
use super::client::{Client, a_second_passes, again, connect, lasting, will, with_options};

/// A client that watches a topic, with messages as they were published.
fn watcher(name: &str, topic: &str) -> Client {
    let mut watcher = Client::new(&format!("{name}-watcher"));
    let filter = with_options(topic, false, true, RetainHandling::Send);
    assert_eq!(watcher.subscribe_all(vec![filter], None), [ReasonCode::GrantedQos1]);
    watcher
}

fn willing(name: &str, will: Will) -> Connect {
    Connect { will: Some(will), ..connect(name) }
}

#[test]
fn a_will_is_published_when_the_connection_breaks() {
    covers!("MQTT-3.1.2-7", "MQTT-3.1.2-8", "MQTT-3.1.2-14");
    let topic = "conformance/will/broken/reading";
    let mut watcher = watcher("will-broken", topic);
    let client = Client::enter(willing("will-broken", will(topic)));
    watcher.assert_silent();
    drop(client);
    let message = watcher.receive();
    assert_eq!((message.qos, message.retain), (Qos::AtLeastOnce, false));
    assert_eq!(message.content, Content::new(PAYLOAD));
    let mut later = Client::new("will-broken-later");
    later.subscribe(topic, Qos::AtLeastOnce);
    later.assert_silent();
}

#[test]
fn a_will_may_be_retained() {
    covers!("MQTT-3.1.2-15");
    let topic = "conformance/will/retained/reading";
    let mut watcher = watcher("will-retained", topic);
    drop(Client::enter(willing("will-retained", Will { retain: true, ..will(topic) })));
    assert!(watcher.receive().retain);
    let mut later = Client::new("will-retained-later");
    later.subscribe(topic, Qos::AtLeastOnce);
    let message = later.receive();
    assert!(message.retain);
    assert_eq!(message.content.payload, PAYLOAD);
}

#[test]
fn a_client_that_leaves_takes_its_will_along() {
    covers!("MQTT-3.1.2-10", "MQTT-3.14.4-3", "MQTT-3.1.2-8");
    let topic = "conformance/will/leave/reading";
    let mut watcher = watcher("will-leave", topic);
    Client::enter(willing("will-leave", will(topic))).leave();
    watcher.assert_silent();
}

#[test]
fn a_client_may_leave_its_will() {
    covers!("MQTT-3.1.2-8");
    let topic = "conformance/will/leave-it/reading";
    let mut watcher = watcher("will-leave-it", topic);
    let mut client = Client::enter(willing("will-leave-it", will(topic)));
    client.send(Packet::Disconnect(Box::new(Disconnect::new(ReasonCode::DisconnectWithWill))));
    assert_eq!(client.ended(), None);
    assert_eq!(watcher.payload(), PAYLOAD);
}

#[test]
fn a_protocol_error_publishes_the_will_once() {
    covers!("MQTT-3.1.2-8", "MQTT-3.1.2-10");
    let topic = "conformance/will/error/reading";
    let mut watcher = watcher("will-error", topic);
    let mut client = Client::enter(Connect { will: Some(will(topic)), ..lasting("will-error") });
    client.raw(&[0xc0, 1, 0]);
    assert!(client.ended().is_some());
    assert_eq!(watcher.payload(), PAYLOAD);
    // The next connection has no will.
    drop(Client::enter(again("will-error")));
    Client::enter(again("will-error")).leave();
    watcher.assert_silent();
}

#[test]
fn a_will_waits_for_its_delay() {
    covers!("MQTT-3.1.2-8");
    let topic = "conformance/will/delay/reading";
    let mut watcher = watcher("will-delay", topic);
    let delayed = Will { delay_seconds: 1, ..will(topic) };
    let mut client = Client::enter(Connect { will: Some(delayed), ..lasting("will-delay") });
    let started = Instant::now();
    client.send(Packet::Disconnect(Box::new(Disconnect::new(ReasonCode::DisconnectWithWill))));
    assert_eq!(client.ended(), None);
    assert_eq!(watcher.payload(), PAYLOAD);
    assert!(started.elapsed() >= Duration::from_millis(990), "{:?}", started.elapsed());
}

#[test]
fn a_client_that_returns_in_time_keeps_its_will_from_being_published() {
    covers!("MQTT-3.1.3-9", "MQTT-3.1.2-8");
    let topic = "conformance/will/return/reading";
    let mut watcher = watcher("will-return", topic);
    let delayed = Will { delay_seconds: 1, ..will(topic) };
    drop(Client::enter(Connect { will: Some(delayed), ..lasting("will-return") }));
    let client = Client::enter(again("will-return"));
    a_second_passes("will-return");
    watcher.assert_silent();
    client.leave();
}

#[test]
fn a_clean_start_ends_the_session_and_its_delay() {
    covers!("MQTT-3.1.2-8", "MQTT-3.1.2-4");
    let topic = "conformance/will/clean/reading";
    let mut watcher = watcher("will-clean", topic);
    let delayed = Will { delay_seconds: 600, ..will(topic) };
    let mut first = Client::enter(Connect { will: Some(delayed), ..lasting("will-clean") });
    first.send(Packet::Disconnect(Box::new(Disconnect::new(ReasonCode::DisconnectWithWill))));
    assert_eq!(first.ended(), None);
    Client::new("will-clean").leave();
    assert_eq!(watcher.payload(), PAYLOAD);
}

#[test]
fn a_will_has_its_properties() {
    covers!("MQTT-3.1.3-10", "MQTT-3.1.2-9");
    let topic = "conformance/will/properties/reading";
    let mut watcher = watcher("will-properties", topic);
    let pair = |name: &str, value: &str| (name.into(), value.into());
    let content = Content {
        is_utf8: Some(true),
        content_type: Some("application/json".into()),
        response_topic: Some("conformance/will/answer".into()),
        correlation_data: Some(b"\x00\x01\x02".as_slice().into()),
        user_properties: vec![pair("b", "1"), pair("a", "2"), pair("b", "3")],
        ..Content::new(PAYLOAD)
    };
    let whole = Will { content: content.clone(), expiry_seconds: Some(100), ..will(topic) };
    drop(Client::enter(willing("will-properties", whole)));
    let message = watcher.receive();
    assert_eq!(message.content, content);
    assert!(message.expiry_seconds.is_some_and(|seconds| (90..=100).contains(&seconds)), "{message:?}");
}

#[test]
fn a_will_whose_topic_is_wrong_is_refused() {
    covers!("MQTT-3.1.4-1");
    let reason = super::client::refused(willing("will-wrong", will("conformance/+/reading")));
    assert_eq!(reason, ReasonCode::TopicNameInvalid);
}
