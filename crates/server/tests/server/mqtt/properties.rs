//! Properties of messages (section 3.3.2.3): what is passed on, expiry, and topic aliases.

use std::num::NonZeroU16;

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Content, Packet, Publish, Qos, Version};

use super::PAYLOAD;
use super::client::{Client, a_second_passes, again, connect, lasting, message, retained, wire};

fn aliased(topic: &str, alias: u16) -> Publish {
    Publish { topic_alias: NonZeroU16::new(alias), ..message(topic, Qos::AtLeastOnce, PAYLOAD) }
}

#[test]
fn what_belongs_to_a_message_is_passed_on() {
    covers!(
        "MQTT-3.3.2-4",
        "MQTT-3.3.2-15",
        "MQTT-3.3.2-16",
        "MQTT-3.3.2-17",
        "MQTT-3.3.2-18",
        "MQTT-3.3.2-20",
        "MQTT-1.5.4-3",
    );
    let topic = "conformance/properties/reading";
    let mut subscriber = Client::new("properties-s");
    subscriber.subscribe(topic, Qos::AtLeastOnce);
    let mut publisher = Client::new("properties-p");
    let pair = |name: &str, value: &str| (name.into(), value.into());
    let whole = Content {
        is_utf8: Some(true),
        content_type: Some("\u{feff}application/json".into()),
        response_topic: Some("conformance/answer/reading".into()),
        correlation_data: Some(b"\x00\xff\x01".as_slice().into()),
        user_properties: vec![pair("b", ""), pair("a", "\u{feff}2"), pair("b", ""), pair("", "ä")],
        ..Content::new(PAYLOAD)
    };
    for content in [whole, Content { is_utf8: Some(false), ..Content::new(PAYLOAD) }, Content::new(PAYLOAD)] {
        let sent = Publish { content: content.clone(), ..message(topic, Qos::AtLeastOnce, "") };
        assert!(!publisher.publish_whole(sent).is_failure());
        let received = subscriber.receive();
        assert_eq!((received.content, received.expiry_seconds), (content, None));
    }
}

#[test]
fn what_is_retained_keeps_what_belongs_to_it() {
    covers!("MQTT-3.3.2-17", "MQTT-3.3.2-18", "MQTT-3.3.2-20");
    let topic = "conformance/properties/retained/reading";
    let mut content = Content { content_type: Some("application/json".into()), ..Content::new(PAYLOAD) };
    content.user_properties = vec![("b".into(), "1".into()), ("a".into(), "2".into())];
    let sent = Publish { content: content.clone(), ..retained(topic, "") };
    assert!(!Client::new("properties-r").publish_whole(sent).is_failure());
    let mut subscriber = Client::new("properties-r-s");
    subscriber.subscribe(topic, Qos::AtLeastOnce);
    assert_eq!(subscriber.receive().content, content);
}

#[test]
fn texts_of_properties_are_utf8() {
    covers!("MQTT-1.5.7-1", "MQTT-3.3.2-13", "MQTT-3.3.2-19");
    // A user property's name and value, a response topic, a content type.
    for properties in
        [b"\x26\0\x02\xc3(\0\0".as_slice(), b"\x26\0\0\0\x02\xc3(", b"\x08\0\x02\xc3(", b"\x03\0\x02\xc3("]
    {
        let mut bytes = b"\x30\0\0\x01a".to_vec();
        bytes.push(properties.len() as u8);
        bytes.extend(properties);
        bytes[1] = bytes.len() as u8 - 2;
        let mut client = Client::new("properties-utf8");
        client.raw(&bytes);
        assert_eq!(client.ended(), Some(ReasonCode::MalformedPacket), "{properties:x?}");
    }
}

#[test]
fn a_response_topic_holds_no_wildcards() {
    covers!("MQTT-3.3.2-14");
    for topic in ["conformance/+", "conformance/#"] {
        let mut client = Client::new("properties-response");
        let mut wrong = message("conformance/response/reading", Qos::AtMostOnce, PAYLOAD);
        wrong.content.response_topic = Some(topic.into());
        client.start(wrong);
        assert_eq!(client.ended(), Some(ReasonCode::ProtocolError), "{topic}");
    }
}

#[test]
fn a_request_is_answered_where_it_says() {
    covers!("MQTT-3.3.2-15", "MQTT-3.3.2-16");
    let (topic, answers) = ("conformance/request/reading", "conformance/request/answers/reading");
    let mut asks = Client::new("properties-asks");
    asks.subscribe(answers, Qos::AtLeastOnce);
    let mut answering = Client::new("properties-answers");
    answering.subscribe(topic, Qos::AtLeastOnce);
    let mut request = message(topic, Qos::AtLeastOnce, PAYLOAD);
    request.content.response_topic = Some(answers.into());
    request.content.correlation_data = Some(b"\x07".as_slice().into());
    assert!(!asks.publish_whole(request).is_failure());
    let content = answering.receive().content;
    let mut answer = message(&content.response_topic.unwrap(), Qos::AtLeastOnce, PAYLOAD);
    answer.content.correlation_data = content.correlation_data;
    assert!(!answering.publish_whole(answer).is_failure());
    assert_eq!(asks.receive().content.correlation_data, Some(b"\x07".as_slice().into()));
}

#[test]
fn a_message_that_is_too_old_is_not_delivered() {
    covers!("MQTT-3.3.2-5", "MQTT-3.3.2-6");
    let topic = "conformance/expiry/reading";
    let kept = "conformance/expiry/retained/reading";
    let mut first = Client::enter(lasting("properties-expiry"));
    first.subscribe(topic, Qos::AtLeastOnce);
    first.leave();
    let mut publisher = Client::new("properties-expiry-p");
    let short = |message: Publish| Publish { expiry_seconds: Some(1), ..message };
    assert!(!publisher.publish_whole(short(message(topic, Qos::AtLeastOnce, PAYLOAD))).is_failure());
    assert!(!publisher.publish_whole(short(retained(kept, PAYLOAD))).is_failure());
    let long = Publish { expiry_seconds: Some(100), ..message(topic, Qos::AtLeastOnce, r#"{"value":2}"#) };
    assert!(!publisher.publish_whole(long).is_failure());
    a_second_passes("properties-expiry");
    let mut second = Client::enter(again("properties-expiry"));
    let received = second.receive();
    assert_eq!(received.content.payload, r#"{"value":2}"#);
    // A second or more has passed.
    assert!(received.expiry_seconds.is_some_and(|left| (90..100).contains(&left)), "{received:?}");
    second.subscribe(kept, Qos::AtLeastOnce);
    second.assert_silent();
}

#[test]
fn an_alias_stands_for_a_topic_on_its_connection() {
    covers!("MQTT-3.3.2-12", "MQTT-3.3.2-7");
    let (mut publisher, ack) = Client::hello(connect("properties-alias"));
    let maximum = ack.topic_alias_maximum;
    let mut subscriber = Client::new("properties-alias-s");
    subscriber.subscribe("conformance/alias/#", Qos::AtLeastOnce);
    let topic = |number: u16| format!("conformance/alias/{number}/reading");
    for number in 1..=maximum {
        assert!(!publisher.publish_whole(aliased(&topic(number), number)).is_failure());
        assert_eq!(subscriber.receive().topic.as_ref(), topic(number));
    }
    for number in 1..=maximum {
        assert!(!publisher.publish_whole(aliased("", number)).is_failure());
        let received = subscriber.receive();
        assert_eq!((received.topic.as_ref(), received.topic_alias), (topic(number).as_str(), None));
    }
    if maximum > 0 {
        // The alias becomes another topic's.
        assert!(!publisher.publish_whole(aliased(&topic(1_000), 1)).is_failure());
        assert!(!publisher.publish_whole(aliased("", 1)).is_failure());
        for _ in 0..2 {
            assert_eq!(subscriber.receive().topic.as_ref(), topic(1_000));
        }
    }
    publisher.leave();
    let mut next = Client::new("properties-alias");
    next.start(aliased("", 1));
    assert!(next.ended().is_some_and(ReasonCode::is_failure));
}

#[test]
fn an_alias_of_0_or_above_the_maximum_ends_the_connection() {
    covers!("MQTT-3.3.2-8", "MQTT-4.13.1-1");
    let (mut client, ack) = Client::hello(connect("properties-alias-0"));
    if let Some(above) = ack.topic_alias_maximum.checked_add(1) {
        client.start(aliased("conformance/alias-above/reading", above));
        assert_eq!(client.ended(), Some(ReasonCode::TopicAliasInvalid));
    }
    let mut client = Client::new("properties-alias-0");
    client.raw(b"\x30\x07\0\x01a\x03\x23\0\0");
    assert_eq!(client.ended(), Some(ReasonCode::TopicAliasInvalid));
}

#[test]
fn the_server_sets_no_more_aliases_than_the_client_allows() {
    covers!("MQTT-3.1.2-26", "MQTT-3.3.2-11", "MQTT-3.1.2-27");
    let topic = |number: u16| format!("conformance/aliases/{number}/reading");
    let mut publisher = Client::new("properties-aliases-p");
    for maximum in [0, 2] {
        let mut subscriber = Client::enter(Connect { topic_alias_maximum: maximum, ..connect("properties-aliases") });
        subscriber.subscribe("conformance/aliases/#", Qos::AtLeastOnce);
        let mut known = [const { String::new() }; 3];
        for number in [1, 2, 3, 1, 2, 3] {
            assert!(!publisher.publish(&topic(number), Qos::AtLeastOnce, PAYLOAD).is_failure());
            let received = subscriber.receive();
            let alias = received.topic_alias.map_or(0, NonZeroU16::get);
            assert!(alias <= maximum, "{received:?}");
            let name = match received.topic.as_ref() {
                "" => known[usize::from(alias)].clone(),
                name => name.to_owned(),
            };
            assert_eq!(name, topic(number));
            known[usize::from(alias)] = name;
        }
    }
}

#[test]
fn a_property_that_stands_twice_or_is_unknown_ends_the_connection() {
    covers!("MQTT-4.13.1-1");
    let right = wire(&Packet::Publish(Box::new(message("a", Qos::AtMostOnce, ""))), Version::V5);
    assert_eq!(right, b"\x30\x04\0\x01a\0");
    for (properties, reason) in [
        (b"\x01\x01\x01\x01".as_slice(), ReasonCode::ProtocolError),
        (b"\x01\x02", ReasonCode::ProtocolError),
        (b"\x7e\x00", ReasonCode::MalformedPacket),
        (b"\x11\0\0\0\x01", ReasonCode::ProtocolError),
    ] {
        let mut bytes = right[..right.len() - 1].to_vec();
        bytes.push(properties.len() as u8);
        bytes.extend(properties);
        bytes[1] = bytes.len() as u8 - 2;
        let mut client = Client::new("properties-twice");
        client.raw(&bytes);
        let ended = client.ended();
        assert!(ended == Some(reason) || ended == Some(ReasonCode::MalformedPacket), "{properties:x?}: {ended:?}");
    }
}
