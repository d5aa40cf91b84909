//! How connections begin and end: CONNECT, authentication, keep-alive, wills, expiry and take-over.

use bytes::Bytes;

use super::*;
use crate::mqtt::packet::{Auth, ConnAck, Disconnect, Will};

fn will(delay_seconds: u32) -> Option<Will> {
    Some(Will {
        topic: "will".into(),
        qos: Qos::AtLeastOnce,
        retain: true,
        delay_seconds,
        expiry_seconds: Some(60),
        content: Content::new("gone"),
    })
}

fn goodbye(reason: ReasonCode) -> Packet {
    Packet::Disconnect(Box::new(Disconnect::new(reason)))
}

/// The names of the actions, with the moment at which a will expires.
fn names(actions: Vec<Action>) -> Vec<String> {
    actions
        .into_iter()
        .map(|action| match action {
            Action::Connect(connect) => format!("connect {}", connect.client_id),
            Action::PublishWill(message) => format!("will {} {:?}", message.topic.as_str(), message.expires_ms),
            Action::EndSession { .. } => "end".to_owned(),
            Action::Close { reason, .. } => format!("close {reason}"),
            other => format!("{other:?}"),
        })
        .collect()
}

fn connack(script: &mut Script, accept: Accept) -> ConnAck {
    script.connection.accept(accept, script.now_ms, &mut script.out);
    match script.first_packet() {
        Some(Packet::ConnAck(ack)) => *ack,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_caller_decides_who_comes_in_and_nothing_is_read_before() {
    let mut script = Script::open(Version::V5, MqttLimits::default(), 0);
    script.send(Packet::Connect(Box::new(client(Version::V5)))).send(Packet::PingReq);
    assert_eq!(names(script.actions()), ["connect c"]);
    assert_eq!((script.got().len(), script.connection.wants_bytes()), (0, false));
    let ack = connack(&mut script, Accept::default());
    assert_eq!((ack.reason, ack.session_present, ack.assigned_client_id), (ReasonCode::Success, false, None));
    let limits = MqttLimits::default();
    assert_eq!(ack.receive_maximum.map(NonZeroU16::get), Some(limits.receive_maximum));
    assert_eq!((ack.maximum_packet_bytes, ack.topic_alias_maximum), (Some(limits.packet_bytes), limits.topic_aliases));
    script.read();
    assert_eq!(script.got(), ["pingresp"]);

    for (version, expected) in [
        (Version::V5, "connack false bad user name or password"),
        (Version::V3, "connack false bad user name or password"),
    ] {
        let mut script = Script::open(version, MqttLimits::default(), 0);
        script.send(Packet::Connect(Box::new(client(version))));
        script.connection.refuse(ReasonCode::BadUserNameOrPassword, "no", None, 0, &mut script.out);
        assert_eq!(script.got(), [expected]);
        assert_eq!(script.closed(), Some(ReasonCode::BadUserNameOrPassword));
        assert!(script.connection.is_closed() && script.connection.into_session().is_none());
    }
}

#[test]
fn a_client_identifier_is_assigned_or_refused() {
    let accept = || Accept { assigned_client_id: Some("made".into()), ..Accept::default() };
    let mut script = Script::open(Version::V5, MqttLimits::default(), 0);
    script.send(Packet::Connect(Box::new(Connect::new(Version::V5, ""))));
    assert_eq!(connack(&mut script, accept()).assigned_client_id.as_deref(), Some("made"));
    assert_eq!(&**script.connection.session().unwrap().client_id(), "made");
    let mut script = Script::open(Version::V5, MqttLimits::default(), 0);
    script.send(Packet::Connect(Box::new(client(Version::V5))));
    assert_eq!(connack(&mut script, accept()).assigned_client_id, None);

    let limits = MqttLimits { client_id_bytes: 3, ..MqttLimits::default() };
    let unnamed = Connect { clean_start: false, ..Connect::new(Version::V3, "") };
    for connect in [unnamed, Connect::new(Version::V3, "long"), Connect::new(Version::V5, "long")] {
        let mut script = Script::open(connect.version, limits, 0);
        script.send(Packet::Connect(Box::new(connect)));
        assert_eq!(script.got(), ["connack false client identifier not valid"]);
        assert_eq!(names(script.actions()), ["close client identifier not valid"]);
    }
}

#[test]
fn what_is_not_connect_and_what_is_not_spoken_is_refused() {
    let mut script = Script::open(Version::V5, MqttLimits::default(), 0);
    script.send(Packet::PingReq);
    assert_eq!((script.got().len(), script.closed()), (0, Some(ReasonCode::ProtocolError)));
    let mut script = Script::open(Version::V3, MqttLimits::default(), 0);
    script.unread.extend_from_slice(b"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x00\x00\x00");
    script.read();
    assert_eq!(script.out.bytes[..], *b"\x20\x02\x00\x01");
    assert_eq!(script.closed(), Some(ReasonCode::UnsupportedProtocolVersion));
    let mut script = Script::open(Version::V5, MqttLimits::default(), 0);
    let wrong = Will { topic: "a/#".into(), ..will(0).unwrap() };
    script.send(Packet::Connect(Box::new(Connect { will: Some(wrong), ..client(Version::V5) })));
    assert_eq!(script.got(), ["connack false topic name invalid"]);
}

#[test]
fn a_stored_session_goes_on_unless_the_client_wants_another() {
    let script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
    let session = script.broken();
    let mut script = Script::open(Version::V5, MqttLimits::default(), 0);
    script.send(Packet::Connect(Box::new(client(Version::V5))));
    script.actions();
    let ack = connack(&mut script, Accept { session, ..Accept::default() });
    assert!(ack.session_present);
    script.deliver(delivery(Qos::AtLeastOnce, "a"));

    let clean = Connect { clean_start: true, ..client(Version::V5) };
    let session = script.broken();
    let mut script = Script::open(Version::V5, MqttLimits::default(), 0);
    script.send(Packet::Connect(Box::new(clean)));
    script.actions();
    let ack = connack(&mut script, Accept { session, ..Accept::default() });
    assert!(!ack.session_present);
    assert_eq!((names(script.actions()), script.got().len()), (vec!["end".to_owned()], 0));
}

#[test]
fn a_session_expires_when_its_client_stays_away() {
    let limits = MqttLimits { session_expiry_seconds: 10_000, ..MqttLimits::default() };
    for (connect, agreed, told) in [
        (client(Version::V5), 3_600, None),
        (Connect { session_expiry_seconds: Some(u32::MAX), ..client(Version::V5) }, 10_000, Some(10_000)),
        (Connect { session_expiry_seconds: None, ..client(Version::V5) }, 0, None),
        (client(Version::V3), 10_000, None),
        (Connect::new(Version::V3, "c"), 0, None),
    ] {
        let mut script = Script::open(connect.version, limits, 0);
        script.send(Packet::Connect(Box::new(connect.clone())));
        script.actions();
        assert_eq!(connack(&mut script, Accept::default()).session_expiry_seconds, told);
        script.now_ms = 1_000;
        script.connection.lost(1_000, &mut script.out);
        let actions = names(script.actions());
        let session = script.connection.into_session();
        if agreed == 0 {
            assert_eq!(
                (actions, session.is_none()),
                (vec!["end".to_owned(), "close unspecified error".to_owned()], true)
            );
            continue;
        }
        let mut session = session.unwrap();
        let end_ms = 1_000 + u64::from(agreed) * 1_000;
        assert_eq!((session.expiry_seconds(), session.next_tick_ms()), (agreed, Some(end_ms)));
        assert_eq!(session.tick(end_ms - 1), Due::default());
        // A restart does not prolong it.
        session = restart(session.take_changes(), 5_000);
        assert_eq!(session.tick(end_ms), Due { will: None, is_over: true });
    }
    let limits = MqttLimits { session_expiry_seconds: u32::MAX, ..limits };
    let mut session = Script::accepted(client(Version::V3), limits, None).broken().unwrap();
    assert_eq!((session.next_tick_ms(), session.tick(u64::MAX)), (None, Due::default()));
}

#[test]
fn disconnect_may_change_the_expiry_but_not_begin_one() {
    let with = |seconds| {
        Packet::Disconnect(Box::new(Disconnect {
            session_expiry_seconds: Some(seconds),
            ..Disconnect::new(ReasonCode::Success)
        }))
    };
    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
    script.send(with(0));
    assert_eq!(names(script.actions()), ["end", "close success"]);
    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
    script.send(with(7));
    assert_eq!(script.connection.into_session().unwrap().next_tick_ms(), Some(7_000));
    let connect = Connect { session_expiry_seconds: None, ..client(Version::V5) };
    let mut script = Script::accepted(connect, MqttLimits::default(), None);
    script.send(with(7));
    assert_eq!(script.got(), ["disconnect protocol error"]);
}

#[test]
fn a_will_is_published_when_the_connection_breaks_and_not_after_a_goodbye() {
    let connect = Connect { will: will(0), ..client(Version::V5) };
    let script = || Script::accepted_at(connect.clone(), MqttLimits::default(), None, 1_000);
    let published = "will will Some(61000)";
    let mut broken = script();
    broken.connection.lost(1_000, &mut broken.out);
    assert_eq!(names(broken.actions()), [published, "close unspecified error"]);
    for (reason, expected) in [
        (ReasonCode::Success, vec!["close success"]),
        (ReasonCode::DisconnectWithWill, vec![published, "close disconnect with will message"]),
    ] {
        let mut script = script();
        script.send(goodbye(reason));
        assert_eq!(names(script.actions()), expected);
        // What is told afterwards changes nothing.
        script.connection.lost(2_000, &mut script.out);
        assert_eq!(script.actions(), []);
    }
    // Bad bytes, silence, and the server's own decision (section 3.1.2.5).
    let mut bad = script();
    bad.unread.extend_from_slice(b"\x00\x00");
    bad.read();
    assert_eq!(names(bad.actions()), [published, "close malformed packet"]);
    let mut over = script();
    over.connection.disconnect(ReasonCode::SessionTakenOver, "", None, 1_000, &mut over.out);
    assert_eq!(over.got(), ["disconnect session taken over"]);
    assert_eq!(names(over.actions()), [published, "close session taken over"]);
}

#[test]
fn a_delayed_will_waits_for_the_client_to_come_back() {
    let connect = Connect { will: will(10), ..client(Version::V5) };
    let mut script = Script::accepted(connect.clone(), MqttLimits::default(), None);
    script.connection.lost(1_000, &mut script.out);
    assert_eq!(names(script.actions()), ["close unspecified error"]);
    let mut session = script.connection.into_session().unwrap();
    assert_eq!((session.next_tick_ms(), session.tick(10_999)), (Some(11_000), Due::default()));
    // It survives a restart, and is published once.
    session = restart(session.take_changes(), 2_000);
    let due = session.tick(11_000);
    assert_eq!((due.will.unwrap().topic.as_str(), due.is_over), ("will", false));
    assert_eq!(session.tick(12_000), Due::default());

    // Back in time: never published [MQTT-3.1.3-9].
    let session = Script::accepted(connect.clone(), MqttLimits::default(), None).broken();
    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), session);
    script.connection.lost(5_000, &mut script.out);
    let mut session = script.connection.into_session().unwrap();
    assert_eq!(session.tick(100_000), Due::default());

    // The session ends before, or is ended by a clean start: now [MQTT-3.1.2-8].
    let short = Connect { session_expiry_seconds: Some(5), ..connect.clone() };
    let mut session = Script::accepted(short, MqttLimits::default(), None).broken().unwrap();
    let due = session.tick(5_000);
    assert!(due.will.is_some() && due.is_over);
    let session = Script::accepted(connect.clone(), MqttLimits::default(), None).broken();
    let mut script = Script::open(Version::V5, MqttLimits::default(), 0);
    script.send(Packet::Connect(Box::new(Connect { clean_start: true, ..client(Version::V5) })));
    script.actions();
    connack(&mut script, Accept { session, ..Accept::default() });
    assert_eq!(names(script.actions()), ["will will Some(60000)", "end"]);

    // The process was killed while the client was connected: its connection is broken.
    let mut script = Script::accepted(connect, MqttLimits::default(), None);
    let mut session = restart(script.connection.take_changes(), 20_000);
    assert_eq!((session.tick(29_999), session.tick(30_000).will.is_some()), (Due::default(), true));
}

#[test]
fn silence_of_one_and_a_half_keep_alives_ends_the_connection() {
    let connect = Connect { keep_alive_seconds: 10, ..client(Version::V5) };
    let mut script = Script::accepted(connect.clone(), MqttLimits::default(), None);
    assert_eq!(script.connection.next_tick_ms(), Some(15_000));
    script.tick(14_999);
    assert!(!script.connection.is_closed());
    script.send(Packet::PingReq).tick(20_000);
    assert_eq!((script.got(), script.connection.next_tick_ms()), (vec!["pingresp".to_owned()], Some(29_999)));
    script.tick(29_999);
    assert_eq!(script.got(), ["disconnect keep alive timeout"]);
    assert_eq!(script.closed(), Some(ReasonCode::KeepAliveTimeout));

    let limits = MqttLimits { keep_alive_seconds: 5, ..MqttLimits::default() };
    for (version, wanted, told, tick_ms) in [
        (Version::V5, 10, Some(5), Some(7_500)),
        (Version::V5, 0, Some(5), Some(7_500)),
        (Version::V5, 4, None, Some(6_000)),
        (Version::V3, 10, None, Some(15_000)),
        (Version::V3, 0, None, None),
    ] {
        let mut script = Script::open(version, limits, 0);
        script.send(Packet::Connect(Box::new(Connect { keep_alive_seconds: wanted, ..client(version) })));
        assert_eq!(connack(&mut script, Accept::default()).server_keep_alive_seconds, told);
        assert_eq!(script.connection.next_tick_ms(), tick_ms);
    }

    // Who is not read is not silent.
    let limits = MqttLimits { receive_maximum: 1, ..MqttLimits::default() };
    let connect = Connect { keep_alive_seconds: 10, ..client(Version::V3) };
    let mut script = Script::accepted(connect, limits, None);
    script.send(publish(Qos::AtLeastOnce, 1, "a")).tick(15_000);
    assert_eq!((script.connection.is_closed(), script.connection.next_tick_ms()), (false, Some(30_000)));
}

#[test]
fn who_does_not_read_is_not_read_either() {
    let limits = MqttLimits { send_buffer_bytes: 50, ..MqttLimits::default() };
    let connect = Connect { keep_alive_seconds: 10, ..client(Version::V5) };
    let mut script = Script::accepted(connect, limits, None);
    for _ in 0..200 {
        script.send(Packet::PingReq);
    }
    assert_eq!((script.out.bytes.len(), script.unread.len()), (100, 300));
    assert_eq!(script.got().len(), 50);
    script.read();
    assert_eq!((script.out.bytes.len(), script.unread.len()), (100, 200));
    // It is silent meanwhile.
    script.tick(15_000);
    assert_eq!(script.closed(), Some(ReasonCode::KeepAliveTimeout));
}

#[test]
fn a_connection_without_connect_is_closed() {
    let limits = MqttLimits { connect_ms: 100, ..MqttLimits::default() };
    let mut script = Script::open(Version::V5, limits, 50);
    assert_eq!(script.connection.next_tick_ms(), Some(150));
    script.tick(149);
    assert!(!script.connection.is_closed());
    script.tick(150);
    assert_eq!(script.closed(), Some(ReasonCode::KeepAliveTimeout));
    let mut script = Script::open(Version::V5, limits, 0);
    script.send(Packet::Connect(Box::new(client(Version::V5)))).tick(100);
    assert_eq!(script.got(), ["connack false server unavailable"]);
}

#[test]
fn a_server_that_stops_says_so_and_where_to_go() {
    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
    let other = Some(Arc::from("other:1883"));
    script.connection.disconnect(ReasonCode::UseAnotherServer, "moving", other, 0, &mut script.out);
    let Some(Packet::Disconnect(disconnect)) = script.first_packet() else { panic!() };
    assert_eq!(disconnect.server_reference.as_deref(), Some("other:1883"));
    assert_eq!(disconnect.reason_string.as_deref(), Some("moving"));
    // A client that takes only small packets is told the reason alone.
    let connect = Connect { maximum_packet_bytes: Some(60), ..client(Version::V5) };
    let mut script = Script::accepted(connect, MqttLimits::default(), None);
    script.connection.disconnect(ReasonCode::ServerBusy, "x".repeat(60), None, 0, &mut script.out);
    let Some(Packet::Disconnect(disconnect)) = script.first_packet() else { panic!() };
    assert_eq!(*disconnect, Disconnect::new(ReasonCode::ServerBusy));
}

fn auth(reason: ReasonCode, method: &str, data: &'static [u8]) -> Packet {
    Packet::Auth(Box::new(Auth {
        reason,
        method: Some(method.into()),
        data: Some(Bytes::from_static(data)),
        reason_string: None,
        user_properties: Vec::new(),
    }))
}

fn scram() -> Connect {
    Connect {
        authentication_method: Some("SCRAM-SHA-256".into()),
        authentication_data: Some(Bytes::from_static(b"first")),
        ..client(Version::V5)
    }
}

#[test]
fn a_client_is_challenged_before_and_after_it_is_in() {
    let mut script = Script::open(Version::V5, MqttLimits::default(), 0);
    script.send(Packet::Connect(Box::new(scram())));
    script.actions();
    script.connection.challenge(Some(Bytes::from_static(b"salt")), &mut script.out);
    assert_eq!(
        (script.got(), script.connection.wants_bytes()),
        (vec!["auth continue authentication".to_owned()], true)
    );
    script.send(auth(ReasonCode::ContinueAuthentication, "SCRAM-SHA-256", b"proof"));
    let data = Some(Bytes::from_static(b"proof"));
    assert_eq!(script.actions(), [Action::Authenticate { data, is_accepted: false }]);
    let accept = Accept { authentication_data: Some(Bytes::from_static(b"verified")), ..Accept::default() };
    let ack = connack(&mut script, accept);
    assert_eq!(ack.authentication_method.as_deref(), Some("SCRAM-SHA-256"));
    assert_eq!(ack.authentication_data.as_deref(), Some(&b"verified"[..]));

    script.send(auth(ReasonCode::ReAuthenticate, "SCRAM-SHA-256", b"first")).send(Packet::PingReq);
    let data = Some(Bytes::from_static(b"first"));
    assert_eq!(script.actions(), [Action::Authenticate { data, is_accepted: true }]);
    assert_eq!((script.got().len(), script.connection.wants_bytes()), (0, false));
    script.connection.challenge(None, &mut script.out);
    script.read().send(auth(ReasonCode::ContinueAuthentication, "SCRAM-SHA-256", b"proof"));
    assert_eq!(script.actions().len(), 1);
    script.connection.authenticated(None, &mut script.out);
    assert_eq!(script.got(), ["auth continue authentication", "pingresp", "auth success"]);
}

#[test]
fn authentication_out_of_place_ends_the_connection() {
    let mut script = Script::open(Version::V5, MqttLimits::default(), 0);
    script.send(Packet::Connect(Box::new(scram())));
    script.connection.challenge(None, &mut script.out);
    script.got();
    script.send(auth(ReasonCode::ContinueAuthentication, "PLAIN", b""));
    assert_eq!(script.got(), ["connack false protocol error"]);

    let mut script = Script::open(Version::V5, MqttLimits::default(), 0);
    script.send(Packet::Connect(Box::new(scram())));
    script.connection.challenge(None, &mut script.out);
    script.got();
    script.send(Packet::PingReq);
    assert_eq!(script.got(), ["connack false protocol error"]);

    for (connect, packet) in [
        (client(Version::V5), auth(ReasonCode::ReAuthenticate, "SCRAM-SHA-256", b"")),
        (scram(), auth(ReasonCode::ReAuthenticate, "PLAIN", b"")),
        (scram(), auth(ReasonCode::ContinueAuthentication, "SCRAM-SHA-256", b"")),
    ] {
        let mut script = Script::accepted(connect, MqttLimits::default(), None);
        script.send(packet);
        assert_eq!(script.got(), ["disconnect protocol error"]);
    }
}

#[test]
fn a_session_ends_with_its_connection_when_the_server_wants_that() {
    let connect = Connect { session_expiry_seconds: Some(60), keep_alive_seconds: 30, ..client(Version::V5) };
    let mut script = Script::accepted(connect.clone(), MqttLimits::default(), None);
    assert_eq!(script.connection.keep_alive_seconds(), Some(30));
    assert_eq!(script.connection.session().unwrap().disconnected_ms(), None);
    script.connection.let_session_end(0);
    script.connection.disconnect(ReasonCode::AdministrativeAction, "", None, 0, &mut script.out);
    assert_eq!(script.got(), ["disconnect administrative action"]);
    assert!(script.actions().iter().any(|action| matches!(action, Action::EndSession { .. })));
    assert_eq!(script.connection.keep_alive_seconds(), None);
    assert!(script.connection.into_session().is_none());

    let mut script = Script::accepted(connect, MqttLimits::default(), None);
    script.connection.disconnect(ReasonCode::AdministrativeAction, "", None, 1_000, &mut script.out);
    let mut session = script.connection.into_session().unwrap();
    assert_eq!((session.disconnected_ms(), session.expires_ms()), (Some(1_000), Some(61_000)));
    assert!(!session.tick(2_000).is_over);
    session.expire(2_000);
    assert!(session.tick(2_000).is_over);

    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
    script.connection.lost(1_000, &mut script.out);
    script.connection.let_session_end(2_000);
    assert_eq!(script.connection.into_session().unwrap().next_tick_ms(), Some(2_000));
}
