//! Messages to clients: within the window, again after a reconnect, dropped by a stated policy.

use super::*;
use crate::mqtt::packet::Disconnect;

fn window(version: Version, messages: u16) -> Connect {
    Connect { receive_maximum: NonZeroU16::new(messages), ..client(version) }
}

#[test]
fn messages_are_sent_within_the_receive_maximum_of_the_client() {
    let mut script = Script::accepted(window(Version::V5, 2), MqttLimits::default(), None);
    for payload in ["a", "b", "c", "d"] {
        script.deliver(delivery(Qos::AtLeastOnce, payload));
    }
    script.deliver(delivery(Qos::AtMostOnce, "now"));
    assert_eq!(script.got(), ["publish 1 t=a", "publish 2 t=b", "publish t=now"]);
    script.send(Packet::PubAck(ok(2)));
    assert_eq!(script.got(), ["publish 3 t=c"]);
    // Twice the same acknowledgement, and one of a message that never was.
    script.send(Packet::PubAck(ok(2))).send(Packet::PubAck(ok(9)));
    assert_eq!(script.got(), [""; 0]);
    script.send(Packet::PubAck(Ack::new(id(1), ReasonCode::QuotaExceeded)));
    assert_eq!(script.got(), ["publish 4 t=d"]);
    let session = script.connection.session().unwrap();
    assert_eq!((session.queued(), session.inflight()), (0, 2));
}

#[test]
fn qos_2_goes_through_all_four_packets() {
    let mut script = Script::accepted(window(Version::V5, 1), MqttLimits::default(), None);
    script.deliver(delivery(Qos::ExactlyOnce, "a")).deliver(delivery(Qos::ExactlyOnce, "b"));
    assert_eq!(script.got(), ["publish 1 t=a"]);
    script.send(Packet::PubRec(ok(1))).send(Packet::PubRec(ok(1)));
    assert_eq!(script.got(), ["pubrel 1", "pubrel 1"], "and the window is still full");
    script.send(Packet::PubComp(ok(1)));
    assert_eq!(script.got(), ["publish 2 t=b"]);
    // A failure ends it without PUBREL [MQTT-4.3.3-4].
    script.send(Packet::PubRec(Ack::new(id(2), ReasonCode::QuotaExceeded)));
    assert_eq!((script.got().len(), script.connection.session().unwrap().inflight()), (0, 0));
    script.send(Packet::PubRec(ok(2)));
    assert_eq!(script.got(), ["pubrel 2 packet identifier not found"]);

    for (qos, packet) in [
        (Qos::ExactlyOnce, Packet::PubAck(ok(1))),
        (Qos::ExactlyOnce, Packet::PubComp(ok(1))),
        (Qos::AtLeastOnce, Packet::PubRec(ok(1))),
    ] {
        let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
        script.deliver(delivery(qos, "a")).send(packet);
        assert_eq!(script.closed(), Some(ReasonCode::ProtocolError));
    }
}

#[test]
fn what_was_not_acknowledged_is_sent_again_in_order_and_then_the_rest() {
    for version in [Version::V3, Version::V5] {
        let limits = MqttLimits { inflight_messages: 3, ..MqttLimits::default() };
        let mut script = Script::accepted(client(version), limits, None);
        for (qos, payload) in
            [(Qos::AtLeastOnce, "a"), (Qos::ExactlyOnce, "b"), (Qos::ExactlyOnce, "c"), (Qos::AtLeastOnce, "d")]
        {
            script.deliver(delivery(qos, payload));
        }
        script.send(Packet::PubRec(ok(2)));
        assert_eq!(script.got(), ["publish 1 t=a", "publish 2 t=b", "publish 3 t=c", "pubrel 2"]);

        let mut session = script.broken().unwrap();
        session.deliver(delivery(Qos::AtLeastOnce, "offline"), &limits);
        session.deliver(delivery(Qos::AtMostOnce, "lost"), &limits);
        assert_eq!(session.counters().dropped_qos0, 1);
        // Through a restart, too.
        let session = restart(session.take_changes(), 0);
        let mut script = Script::open(version, limits, 0);
        script.send(Packet::Connect(Box::new(client(version))));
        script.connection.accept(Accept { session: Some(session), ..Accept::default() }, 0, &mut script.out);
        let got = script.got();
        assert_eq!(got, ["connack true success", "again publish 1 t=a", "pubrel 2", "again publish 3 t=c"]);
        script.send(Packet::PubAck(ok(1))).send(Packet::PubComp(ok(2)));
        assert_eq!(script.got(), ["publish 4 t=d", "publish 5 t=offline"]);
    }
}

#[test]
fn a_smaller_window_holds_for_what_is_sent_again() {
    let mut script = Script::accepted(window(Version::V5, 3), MqttLimits::default(), None);
    for payload in ["a", "b", "c", "d"] {
        script.deliver(delivery(Qos::AtLeastOnce, payload));
    }
    assert_eq!(script.got().len(), 3);
    let mut script = Script::accepted(window(Version::V5, 1), MqttLimits::default(), script.broken());
    assert_eq!(script.got(), ["again publish 1 t=a"]);
    // Acknowledged on this connection, sent on the one before.
    script.send(Packet::PubAck(ok(2)));
    assert_eq!(script.got(), [""; 0]);
    script.send(Packet::PubAck(ok(1)));
    assert_eq!(script.got(), ["again publish 3 t=c"]);
    script.send(Packet::PubAck(ok(3)));
    assert_eq!(script.got(), ["publish 4 t=d"]);
}

#[test]
fn identifiers_go_round_and_pass_over_those_under_way() {
    let mut script = Script::accepted(client(Version::V3), MqttLimits::default(), None);
    script.deliver(delivery(Qos::AtLeastOnce, "stays"));
    assert_eq!(script.got(), ["publish 1 t=stays"]);
    for round in 2..=u32::from(u16::MAX) + 3 {
        script.deliver(delivery(Qos::AtLeastOnce, "x"));
        let Some(Packet::Publish(publish)) = script.first_packet() else { panic!("{round}") };
        let id = publish.packet_id.unwrap();
        let expected = if round > u32::from(u16::MAX) { round - u32::from(u16::MAX) + 1 } else { round };
        assert_eq!(u32::from(id.get()), expected);
        script.send(Packet::PubAck(Ack::new(id, ReasonCode::Success)));
    }
}

#[test]
fn a_full_queue_drops_qos_0_first_and_then_the_oldest() {
    let limits = MqttLimits {
        inflight_messages: 1,
        queued_messages: 3,
        queued_bytes: 100,
        send_buffer_bytes: 1,
        ..MqttLimits::default()
    };
    let mut script = Script::accepted(client(Version::V5), limits, None);
    // The buffer is full with the first message: everything else waits.
    script.deliver(delivery(Qos::AtLeastOnce, "a"));
    for (qos, payload) in [(Qos::AtMostOnce, "0"), (Qos::AtLeastOnce, "b"), (Qos::AtLeastOnce, "c")] {
        script.deliver(delivery(qos, payload));
    }
    let counters = |script: &Script| script.connection.session().unwrap().counters();
    assert_eq!(counters(&script), Counters::default());
    script.deliver(delivery(Qos::AtMostOnce, "1"));
    assert_eq!(counters(&script), Counters { dropped_qos0: 1, ..Counters::default() });
    script.deliver(delivery(Qos::AtLeastOnce, "d"));
    assert_eq!(counters(&script), Counters { dropped_qos0: 2, ..Counters::default() });
    script.deliver(delivery(Qos::AtLeastOnce, "e"));
    assert_eq!(counters(&script), Counters { dropped_qos0: 2, dropped_oldest: 1, ..Counters::default() });
    // 98 bytes with its topic: one of two bytes may stay.
    script.deliver(delivery(Qos::AtLeastOnce, &"f".repeat(97)));
    assert_eq!((counters(&script).dropped_oldest, script.connection.session().unwrap().queued()), (3, 2));
    script.deliver(delivery(Qos::AtLeastOnce, &"g".repeat(100)));
    assert_eq!((counters(&script).dropped_oldest, script.connection.session().unwrap().queued()), (4, 2));

    assert_eq!(script.got(), ["publish 1 t=a"]);
    script.send(Packet::PubAck(ok(1)));
    assert_eq!(script.got(), ["publish 2 t=e"]);
}

#[test]
fn a_buffer_that_is_written_lets_messages_flow_again() {
    let limits = MqttLimits { send_buffer_bytes: 1, ..MqttLimits::default() };
    let mut script = Script::accepted(client(Version::V5), limits, None);
    script.deliver(delivery(Qos::AtMostOnce, "a")).deliver(delivery(Qos::AtMostOnce, "b"));
    assert_eq!(script.got(), ["publish t=a"]);
    script.connection.flush(0, &mut script.out);
    assert_eq!(script.got(), ["publish t=b"]);
}

#[test]
fn messages_expire_while_they_wait_and_tell_what_is_left() {
    let expiring = |payload, expires_ms| {
        let mut delivery = delivery(Qos::AtLeastOnce, payload);
        let mut message = delivery.message.as_ref().clone();
        message.expires_ms = Some(expires_ms);
        delivery.message = Arc::new(message);
        delivery
    };
    let mut script = Script::accepted(window(Version::V5, 1), MqttLimits::default(), None);
    script.deliver(expiring("a", 10_000)).deliver(expiring("b", 2_000)).deliver(expiring("c", 10_000));
    let Some(Packet::Publish(first)) = script.first_packet() else { panic!() };
    assert_eq!(first.expiry_seconds, Some(10));
    script.now_ms = 2_000;
    script.send(Packet::PubAck(ok(1)));
    let Some(Packet::Publish(second)) = script.first_packet() else { panic!() };
    assert_eq!((&second.content.payload[..], second.expiry_seconds), (&b"c"[..], Some(8)));
    assert_eq!(script.connection.session().unwrap().counters().expired, 1);
}

#[test]
fn a_message_that_the_client_does_not_take_counts_as_delivered() {
    let connect = Connect { maximum_packet_bytes: Some(64), ..window(Version::V5, 1) };
    let mut script = Script::accepted(connect, MqttLimits::default(), None);
    script.deliver(delivery(Qos::AtLeastOnce, &"x".repeat(64))).deliver(delivery(Qos::AtLeastOnce, "small"));
    assert_eq!(script.got(), ["publish 2 t=small"]);
    assert_eq!(script.connection.session().unwrap().counters().too_large, 1);
}

#[test]
fn the_server_sets_topic_aliases_for_who_takes_them() {
    let connect = Connect { topic_alias_maximum: 1, ..client(Version::V5) };
    let mut script = Script::accepted(connect.clone(), MqttLimits::default(), None);
    let mut other = delivery(Qos::AtLeastOnce, "c");
    let mut message = other.message.as_ref().clone();
    message.topic = TopicName::new("other", &MqttLimits::default()).unwrap();
    other.message = Arc::new(message);
    script.deliver(delivery(Qos::AtLeastOnce, "a")).deliver(delivery(Qos::AtLeastOnce, "b")).deliver(other);
    let mut aliases = Vec::new();
    while let Some(Packet::Publish(publish)) = script.first_packet() {
        aliases.push((publish.topic.to_string(), publish.topic_alias.map(NonZeroU16::get)));
    }
    assert_eq!(aliases, [("t".to_owned(), Some(1)), (String::new(), Some(1)), ("other".to_owned(), None)]);
    // They belong to their connection.
    let mut script = Script::accepted(connect, MqttLimits::default(), script.broken());
    let Some(Packet::Publish(again)) = script.first_packet() else { panic!() };
    assert_eq!((&*again.topic, again.topic_alias.map(NonZeroU16::get), again.dup), ("t", Some(1), true));
}

#[test]
fn a_session_of_a_client_that_said_goodbye_goes_on_collecting() {
    let limits = MqttLimits::default();
    let mut script = Script::accepted(client(Version::V3), limits, None);
    script.send(Packet::Disconnect(Box::new(Disconnect::new(ReasonCode::Success))));
    script.deliver(delivery(Qos::AtLeastOnce, "a"));
    let session = script.connection.into_session().unwrap();
    assert_eq!(session.queued(), 1);
}
