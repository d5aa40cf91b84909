//! Topic names and filters (section 4.7).

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::Qos;

use super::PAYLOAD;
use super::client::{Client, filter};

/// Publishes to topics, of which the first one must not arrive and the last one must.
fn assert_only_last(name: &str, filter: &str, topics: &[&str]) {
    let mut subscriber = Client::new(&format!("{name}-s"));
    subscriber.subscribe(filter, Qos::AtLeastOnce);
    let mut publisher = Client::new(&format!("{name}-p"));
    for topic in topics {
        publisher.publish(topic, Qos::AtLeastOnce, PAYLOAD);
    }
    assert_eq!(subscriber.receive().topic.as_ref(), *topics.last().unwrap());
    subscriber.assert_silent();
}

#[test]
fn wildcards_match_as_they_should() {
    covers!("MQTT-4.7.0-1", "MQTT-3.3.2-3");
    for (number, (filter, others, last)) in [
        ("wild/tennis/player1/#", ["wild/tennis/player10", "wild/tennis"], "wild/tennis/player1"),
        ("wild/tennis/player1/#", ["wild/tennis/player2/x", "wild/x/player1"], "wild/tennis/player1/score/x"),
        ("wild/tennis/+", ["wild/tennis/player1/ranking", "wild/tennis"], "wild/tennis/player1"),
        ("wild/+/ranking", ["wild/ranking", "wild/a/b/ranking"], "wild/a/ranking"),
        ("wild/+/ranking", ["/wild/a/ranking", "wild/a/ranking/x"], "wild//ranking"),
        ("wild/+/+/+", ["wild/a/b", "wild/a/b/c/d"], "wild/a/b/c"),
        ("/wild", ["wild", "wild/wild"], "/wild"),
        ("+/wild/+", ["wild/x", "a/wild/b/c"], "/wild/x"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_only_last(&format!("topics-wild-{number}"), filter, &[others[0], others[1], last]);
    }
}

#[test]
fn wildcards_stand_for_whole_levels() {
    covers!("MQTT-4.7.1-1", "MQTT-4.7.1-2", "MQTT-4.7.3-1", "MQTT-3.8.4-7");
    let mut client = Client::new("topics-levels");
    for text in ["a#", "a/#/b", "##", "a/##", "a+", "+a/b", "a/b+", "a/++", ""] {
        let reasons = client.subscribe_all(vec![filter(text, Qos::AtMostOnce)], None);
        assert_eq!(reasons, [ReasonCode::TopicFilterInvalid], "{text}");
    }
    for text in ["conformance/levels/#", "conformance/levels/+", "+/levels/+/#", "conformance/levels//+"] {
        client.subscribe(text, Qos::AtMostOnce);
        assert_eq!(client.unsubscribe(&[text]), [ReasonCode::Success]);
    }
}

#[test]
fn topics_that_begin_with_a_dollar_are_not_for_wildcards() {
    covers!("MQTT-4.7.2-1");
    assert_only_last(
        "topics-dollar",
        "+/dollar/reading",
        &["$conformance/dollar/reading", "conformance/dollar/reading"],
    );
    let mut client = Client::new("topics-sys");
    client.subscribe("#", Qos::AtMostOnce);
    client.publish("$conformance/dollar/marker/reading", Qos::AtLeastOnce, PAYLOAD);
    client.publish("conformance/dollar/marker/reading", Qos::AtLeastOnce, PAYLOAD);
    loop {
        // Messages of other tests come too.
        let topic = client.receive().topic;
        assert!(!topic.starts_with('$'), "{topic}");
        if topic.as_ref() == "conformance/dollar/marker/reading" {
            break;
        }
    }
}

#[test]
fn topics_are_compared_as_they_are() {
    covers!("MQTT-4.7.3-4", "MQTT-1.5.4-3");
    for (number, (other, last)) in [
        ("conformance/Case/reading", "conformance/case/reading"),
        // The same letter in two ways to write it.
        ("conformance/e\u{301}/reading", "conformance/\u{e9}/reading"),
        ("conformance/bom/reading", "conformance/\u{feff}bom/reading"),
        ("conformance/blank/reading", "conformance/blank /reading"),
        ("conformance//slash/reading", "conformance/slash/reading"),
        ("conformance/one/./reading", "conformance/one/reading"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_only_last(&format!("topics-same-{number}"), last, &[other, last]);
    }
}
