//! Messages of clients: acknowledged when they are durable, taken once, refused with a reason.

use super::*;
use crate::mqtt::packet::Disconnect;

#[test]
fn acknowledgements_wait_for_their_outcomes_in_their_order() {
    for version in [Version::V3, Version::V5] {
        let mut script = Script::accepted(client(version), MqttLimits::default(), None);
        script.send(publish(Qos::AtLeastOnce, 1, "a"));
        script.send(publish(Qos::ExactlyOnce, 2, "b"));
        script.send(publish(Qos::AtLeastOnce, 3, "c"));
        let tickets = script.tickets();
        assert_eq!((tickets.len(), script.got().len()), (3, 0));
        // A later message that is taken before waits.
        script.outcome(tickets[2], Outcome::Taken);
        assert_eq!(script.got(), [""; 0]);
        script.outcome(tickets[0], Outcome::Taken);
        assert_eq!(script.got(), ["puback 1"]);
        script.outcome(tickets[1], Outcome::Taken);
        assert_eq!(script.got(), ["pubrec 2", "puback 3"]);
    }
}

#[test]
fn qos_0_is_passed_on_and_not_answered() {
    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
    script.send(publish(Qos::AtMostOnce, 0, "a"));
    let actions = script.actions();
    let [Action::Publish { message, ticket: None, received: None }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!((message.topic.as_str(), &message.content.payload[..]), ("t", &b"a"[..]));
    assert_eq!(script.got(), [""; 0]);
}

#[test]
fn a_qos_2_message_is_taken_once_across_connections() {
    let limits = MqttLimits::default();
    let mut script = Script::accepted(client(Version::V3), limits, None);
    script.send(publish(Qos::ExactlyOnce, 7, "a"));
    let actions = script.actions();
    let [Action::Publish { ticket: Some(ticket), received, .. }] = actions[..] else { panic!("{actions:?}") };
    assert_eq!(received, Some(Begun { packet_id: id(7), first_ns: None }), "to be stored before the message");

    // The connection breaks before the outcome is known: it comes to the session.
    let session = script.broken().unwrap();
    let mut script = Script::accepted(client(Version::V3), limits, Some(session));
    script.send(publish(Qos::ExactlyOnce, 7, "a"));
    assert_eq!((script.tickets().len(), script.got().len()), (0, 0), "a duplicate, and not durable");
    script.outcome(ticket, Outcome::Taken);
    assert_eq!(script.got(), ["pubrec 7"]);
    script.send(publish(Qos::ExactlyOnce, 7, "a"));
    assert_eq!((script.tickets().len(), script.got()), (0, vec!["pubrec 7".to_owned()]));

    // PUBREL is stored, too, before it is answered.
    script.send(Packet::PubRel(ok(7)));
    let actions = script.actions();
    let [Action::Release { packet_id, ticket }] = actions[..] else { panic!("{actions:?}") };
    assert_eq!((packet_id, script.got().len()), (id(7), 0));
    script.outcome(ticket, Outcome::Taken);
    assert_eq!(script.got(), ["pubcomp 7"]);
    // The identifier is free again.
    script.send(publish(Qos::ExactlyOnce, 7, "b"));
    assert_eq!(script.tickets().len(), 1);
}

#[test]
fn a_qos_2_message_is_taken_once_across_a_restart() {
    let limits = MqttLimits::default();
    let mut script = Script::accepted(client(Version::V5), limits, None);
    let mut disk = Disk::default();
    disk.write(script.connection.take_changes());
    // Both came, and of the second it is not known whether it was taken.
    for (number, is_taken) in [(1, true), (2, false)] {
        let received = Received { packet_id: id(number), received_ns: 10 + i64::from(number), is_taken };
        disk.received.insert(received.packet_id, received);
    }
    let mut script = Script::accepted(client(Version::V5), limits, Some(disk.read(0)));
    for number in [1, 2] {
        script.send(Packet::Publish(Box::new(Publish { dup: true, ..publish_of("t", Qos::ExactlyOnce, number, "a") })));
    }
    assert_eq!(script.got(), ["pubrec 1"]);
    let actions = script.actions();
    let [Action::Publish { received, .. }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(*received, Some(Begun { packet_id: id(2), first_ns: Some(12) }), "with the time of its first coming");

    // Another message under the same identifier has a time of its own.
    let mut script = Script::accepted(client(Version::V5), limits, Some(disk.read(0)));
    script.send(publish(Qos::ExactlyOnce, 2, "b"));
    let actions = script.actions();
    let [Action::Publish { received, .. }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(*received, Some(Begun { packet_id: id(2), first_ns: None }));
}

#[test]
fn a_pubrel_that_was_not_stored_is_answered_after_it_is_sent_again() {
    let limits = MqttLimits::default();
    let mut script = Script::accepted(client(Version::V5), limits, None);
    script.send(publish(Qos::ExactlyOnce, 1, "a"));
    let ticket = script.tickets()[0];
    script.outcome(ticket, Outcome::Taken).send(Packet::PubRel(ok(1)));
    let ticket = script.tickets()[0];
    assert_eq!(script.got(), ["pubrec 1"]);
    // The connection breaks: PUBREL comes again and waits for the record that is under way.
    let mut script = Script::accepted(client(Version::V5), limits, script.broken());
    script.send(Packet::PubRel(ok(1)));
    assert_eq!((script.tickets().len(), script.got().len()), (0, 0));
    script.outcome(ticket, Outcome::Taken);
    assert_eq!(script.got(), ["pubcomp 1"]);
}

#[test]
fn a_pubrel_that_cannot_be_stored_ends_the_connection_and_comes_again() {
    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
    script.send(publish(Qos::ExactlyOnce, 1, "a"));
    let ticket = script.tickets()[0];
    script.outcome(ticket, Outcome::Taken).send(Packet::PubRel(ok(1)));
    let ticket = script.tickets()[0];
    script.outcome(ticket, Outcome::Refused { reason: ReasonCode::ServerBusy, text: None });
    assert_eq!(script.got(), ["pubrec 1", "disconnect server busy"]);
    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), script.connection.into_session());
    script.send(publish(Qos::ExactlyOnce, 1, "a"));
    assert_eq!((script.tickets().len(), script.got()), (0, vec!["pubrec 1".to_owned()]));
    script.send(Packet::PubRel(ok(1)));
    assert_eq!(script.tickets().len(), 1);
}

#[test]
fn a_session_that_ends_with_its_connection_logs_no_releases() {
    let connect = Connect::new(Version::V3, "c");
    let mut script = Script::accepted(connect, MqttLimits::default(), None);
    script.send(publish(Qos::ExactlyOnce, 1, "a"));
    let actions = script.actions();
    let [Action::Publish { ticket: Some(ticket), received: None, .. }] = actions[..] else { panic!("{actions:?}") };
    script.outcome(ticket, Outcome::Taken).send(Packet::PubRel(ok(1))).send(Packet::PubRel(ok(1)));
    assert_eq!(
        (script.tickets().len(), script.got()),
        (0, ["pubrec 1", "pubcomp 1", "pubcomp 1"].map(str::to_owned).to_vec())
    );
}

#[test]
fn a_refused_message_costs_only_itself_in_5_0_and_the_connection_in_3_1_1() {
    let refused = || Outcome::Refused { reason: ReasonCode::NotAuthorized, text: Some("not yours".into()) };
    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
    script.send(publish(Qos::AtLeastOnce, 1, "a")).send(publish(Qos::ExactlyOnce, 2, "a"));
    for ticket in script.tickets() {
        script.outcome(ticket, refused());
    }
    let Some(Packet::PubAck(ack)) = script.first_packet() else { panic!() };
    assert_eq!(ack.details.unwrap().0.as_deref(), Some("not yours"));
    assert_eq!(script.got(), ["pubrec 2 not authorized"]);
    // The identifier of the QoS 2 message is free [MQTT-4.3.3-9].
    script.send(publish(Qos::ExactlyOnce, 2, "b"));
    assert_eq!(script.tickets().len(), 1);

    // Who wants no words gets none [MQTT-3.1.2-29].
    let connect = Connect { request_problem_information: false, ..client(Version::V5) };
    let mut script = Script::accepted(connect, MqttLimits::default(), None);
    script.send(publish(Qos::AtLeastOnce, 1, "a"));
    let ticket = script.tickets()[0];
    script.outcome(ticket, refused());
    assert_eq!(script.first_packet(), Some(Packet::PubAck(Ack::new(id(1), ReasonCode::NotAuthorized))));

    let mut script = Script::accepted(client(Version::V3), MqttLimits::default(), None);
    script.send(publish(Qos::AtLeastOnce, 1, "a"));
    let ticket = script.tickets()[0];
    script.outcome(ticket, refused());
    assert_eq!((script.got().len(), script.closed()), (0, Some(ReasonCode::NotAuthorized)));
}

#[test]
fn too_much_under_way_ends_a_connection_of_5_0_and_stops_reading_of_3_1_1() {
    let limits = MqttLimits { receive_maximum: 2, ..MqttLimits::default() };
    let mut script = Script::accepted(client(Version::V5), limits, None);
    script.send(publish(Qos::AtLeastOnce, 1, "a")).send(publish(Qos::ExactlyOnce, 2, "b"));
    let tickets = script.tickets();
    script.outcome(tickets[0], Outcome::Taken).outcome(tickets[1], Outcome::Taken);
    // A QoS 2 message counts until PUBCOMP (section 4.9).
    script.send(publish(Qos::AtLeastOnce, 3, "c"));
    assert_eq!(script.got(), ["puback 1", "pubrec 2"]);
    script.send(publish(Qos::AtLeastOnce, 4, "d"));
    assert_eq!(script.got(), ["disconnect receive maximum exceeded"]);
    assert_eq!(script.closed(), Some(ReasonCode::ReceiveMaximumExceeded));

    let mut script = Script::accepted(client(Version::V3), limits, None);
    for number in 1..=3 {
        script.send(publish(Qos::AtLeastOnce, number, "a"));
    }
    let tickets = script.tickets();
    assert_eq!((tickets.len(), script.connection.wants_bytes(), script.unread.is_empty()), (2, false, false));
    // A client that is not heard is not silent.
    script.outcome(tickets[0], Outcome::Taken);
    script.read();
    assert_eq!((script.tickets().len(), script.unread.is_empty()), (1, true));
    assert_eq!(script.got(), ["puback 1"]);
}

#[test]
fn topic_aliases_stand_for_topics_of_their_connection() {
    let limits = MqttLimits { topic_aliases: 2, ..MqttLimits::default() };
    let with = |topic: &str, alias| {
        let topic_alias = NonZeroU16::new(alias);
        Packet::Publish(Box::new(Publish { topic_alias, ..publish_of(topic, Qos::AtMostOnce, 0, "x") }))
    };
    let topics = |script: &mut Script| -> Vec<String> {
        let topic = |action| match action {
            Action::Publish { message, .. } => Some(message.topic.as_str().to_owned()),
            _ => None,
        };
        script.actions().into_iter().filter_map(topic).collect()
    };
    let mut script = Script::accepted(client(Version::V5), limits, None);
    script.send(with("a", 1)).send(with("b", 2)).send(with("", 1)).send(with("c", 1)).send(with("", 1));
    assert_eq!(topics(&mut script), ["a", "b", "a", "c", "c"]);
    let session = script.broken();
    for (packet, reason) in [
        (with("", 1), ReasonCode::ProtocolError), // not set on this connection [MQTT-3.3.2-7]
        (with("a", 3), ReasonCode::TopicAliasInvalid),
        (with("", 3), ReasonCode::TopicAliasInvalid),
        (publish_of("", Qos::AtMostOnce, 0, "x").into(), ReasonCode::ProtocolError),
    ] {
        let mut script = Script::accepted(client(Version::V5), limits, None);
        script.send(packet);
        assert_eq!(script.closed(), Some(reason));
    }
    assert!(session.is_some());
}

impl From<Publish> for Packet {
    fn from(publish: Publish) -> Self {
        Self::Publish(Box::new(publish))
    }
}

#[test]
fn a_long_topic_refuses_its_message_and_a_wrong_one_ends_the_connection() {
    let limits = MqttLimits { topic_levels: 2, ..MqttLimits::default() };
    let mut script = Script::accepted(client(Version::V5), limits, None);
    script.send(publish_of("a/b/c", Qos::AtLeastOnce, 1, "x").into());
    script.send(publish_of("a/b/c", Qos::ExactlyOnce, 2, "x").into());
    script.send(publish_of("a/b/c", Qos::AtMostOnce, 0, "x").into());
    assert_eq!(script.got(), ["puback 1 topic name invalid", "pubrec 2 topic name invalid"]);
    assert_eq!(script.actions(), []);
    let sub = Publish { subscription_ids: vec![1], ..publish_of("a", Qos::AtMostOnce, 0, "x") };
    let mut response = publish_of("a", Qos::AtMostOnce, 0, "x");
    response.content.response_topic = Some("a/#".into());
    for (publish, reason) in [
        (publish_of("a/+", Qos::AtMostOnce, 0, "x"), ReasonCode::TopicNameInvalid),
        (publish_of("#", Qos::AtLeastOnce, 1, "x"), ReasonCode::TopicNameInvalid),
        (sub, ReasonCode::ProtocolError),
        (response, ReasonCode::ProtocolError),
    ] {
        let mut script = Script::accepted(client(Version::V5), limits, None);
        script.send(publish.into());
        assert_eq!(script.got(), [format!("disconnect {reason}")]);
        assert_eq!(script.closed(), Some(reason));
    }
}

#[test]
fn bad_bytes_and_packets_of_servers_end_the_connection_with_a_reason() {
    for (bytes, reason) in [
        (&b"\x00\x00"[..], ReasonCode::MalformedPacket),
        (b"\x30\x04\x00\x01\xff\x00", ReasonCode::MalformedPacket),
        (b"\xd0\x00", ReasonCode::ProtocolError),
        (b"\x20\x03\x00\x00\x00", ReasonCode::ProtocolError),
        (b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x00", ReasonCode::ProtocolError), // CONNECT again
        (b"\x62\x02\x00\x01\x30", ReasonCode::Success),
        (b"\x30\xff\xff\xff\x7f", ReasonCode::PacketTooLarge),
    ] {
        let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
        script.unread.extend_from_slice(bytes);
        script.read();
        match reason {
            // PUBREL of a message that is not known is answered, and half a packet is not.
            ReasonCode::Success => assert_eq!(script.got(), ["pubcomp 1 packet identifier not found"]),
            _ => assert_eq!((script.got(), script.closed()), (vec![format!("disconnect {reason}")], Some(reason))),
        }
    }
    // A client of 3.1.1 hears nothing, and after the end nothing is read.
    let mut script = Script::accepted(client(Version::V3), MqttLimits::default(), None);
    script.unread.extend_from_slice(b"\x00\x00");
    script.read();
    assert_eq!((script.got().len(), script.closed()), (0, Some(ReasonCode::MalformedPacket)));
    script.unread.clear();
    script.send(Packet::PingReq).send(Packet::Disconnect(Box::new(Disconnect::new(ReasonCode::Success))));
    assert_eq!((script.got().len(), script.actions().len()), (0, 0));
}

#[test]
fn pubrel_before_pubrec_and_messages_that_expire() {
    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
    script.now_ms = 1_000;
    script.send(Publish { expiry_seconds: Some(5), ..publish_of("t", Qos::ExactlyOnce, 1, "a") }.into());
    let actions = script.actions();
    let [Action::Publish { message, .. }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(message.expires_ms, Some(6_000));
    script.send(Packet::PubRel(ok(1)));
    assert_eq!(script.closed(), Some(ReasonCode::ProtocolError));
}
