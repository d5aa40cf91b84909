//! Tests of the reader and the writer of packets: what is written is read the same, and nothing panics.

use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::mqtt::{MqttLimits, ReasonCode};

fn written(packet: &Packet, version: Version) -> BytesMut {
    let mut out = BytesMut::new();
    encode(packet, version, u32::MAX, &mut out).unwrap();
    out
}

fn read(version: Version, bytes: &[u8]) -> Result<Option<Packet>, DecodeError> {
    Decoder::with_version(version, &MqttLimits::default()).decode(&mut BytesMut::from(bytes))
}

fn refused(version: Version, bytes: &[u8]) -> ReasonCode {
    read(version, bytes).expect_err("refused").reason()
}

#[test]
fn packets_have_the_bytes_of_the_standard() {
    let mut connect = Connect::new(Version::V3, "a");
    connect.keep_alive_seconds = 10;
    connect.username = Some("u".into());
    connect.password = Some(Bytes::from_static(b"p"));
    let packet = Packet::Connect(Box::new(connect));
    assert_eq!(written(&packet, Version::V3)[..], *b"\x10\x13\x00\x04MQTT\x04\xc2\x00\x0a\x00\x01a\x00\x01u\x00\x01p");

    let publish = Publish {
        dup: false,
        qos: Qos::AtLeastOnce,
        retain: false,
        topic: "a/b".into(),
        packet_id: NonZeroU16::new(10),
        topic_alias: None,
        expiry_seconds: None,
        subscription_ids: vec![],
        content: Content::default(),
    };
    assert_eq!(written(&Packet::Publish(Box::new(publish)), Version::V5)[..], *b"\x32\x08\x00\x03a/b\x00\x0a\x00");
    let ack = |code| Ack::new(NonZeroU16::MIN, code);
    assert_eq!(written(&Packet::PubAck(ack(ReasonCode::Success)), Version::V5)[..], *b"\x40\x02\x00\x01");
    assert_eq!(written(&Packet::PubRec(ack(ReasonCode::QuotaExceeded)), Version::V5)[..], *b"\x50\x03\x00\x01\x97");
    assert_eq!(written(&Packet::PubRel(ack(ReasonCode::Success)), Version::V3)[..], *b"\x62\x02\x00\x01");

    let mut connect = Connect::new(Version::V5, "c");
    connect.keep_alive_seconds = 60;
    connect.session_expiry_seconds = Some(3_600);
    connect.will = Some(Will {
        topic: "w".into(),
        qos: Qos::AtLeastOnce,
        retain: true,
        delay_seconds: 10,
        expiry_seconds: None,
        content: Content::new("x"),
    });
    let expected = b"\x10\x1f\x00\x04MQTT\x05\x2e\x00\x3c\x05\x11\x00\x00\x0e\x10\x00\x01c\
        \x05\x18\x00\x00\x00\x0a\x00\x01w\x00\x01x";
    assert_eq!(written(&Packet::Connect(Box::new(connect)), Version::V5)[..], expected[..]);
    let mut connack = ConnAck::new(ReasonCode::Success);
    connack.session_present = true;
    connack.receive_maximum = NonZeroU16::new(10);
    connack.assigned_client_id = Some("x".into());
    let connack = Packet::ConnAck(Box::new(connack));
    assert_eq!(written(&connack, Version::V5)[..], *b"\x20\x0a\x01\x00\x07\x12\x00\x01x\x21\x00\x0a");
    assert_eq!(written(&connack, Version::V3)[..], *b"\x20\x02\x01\x00");

    let subscribe = read(Version::V5, b"\x82\x0f\x00\x0a\x00\x00\x03a/b\x01\x00\x03c/d\x2e").unwrap();
    let Some(Packet::Subscribe(subscribe)) = subscribe else { panic!("{subscribe:?}") };
    assert_eq!((subscribe.filters.len(), &*subscribe.filters[0].filter), (2, "a/b"));
    let options = SubscriptionOptions {
        qos: Qos::ExactlyOnce,
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::DoNotSend,
    };
    assert_eq!(subscribe.filters[1].options, options);
}

#[test]
fn a_packet_is_read_when_its_last_byte_is_there() {
    let bytes = b"\x30\x05\x00\x01ahi\xc0\x00";
    let mut decoder = Decoder::with_version(Version::V3, &MqttLimits::default());
    let mut buffer = BytesMut::new();
    for byte in &bytes[..6] {
        buffer.extend_from_slice(&[*byte]);
        assert_eq!(decoder.decode(&mut buffer), Ok(None));
    }
    buffer.extend_from_slice(&bytes[6..]);
    let Ok(Some(Packet::Publish(publish))) = decoder.decode(&mut buffer) else { panic!() };
    assert_eq!((&*publish.topic, &publish.content.payload[..]), ("a", &b"hi"[..]));
    assert_eq!(decoder.decode(&mut buffer), Ok(Some(Packet::PingReq)));
    assert_eq!((decoder.decode(&mut buffer), buffer.len()), (Ok(None), 0));
}

#[test]
fn what_is_malformed_has_a_reason() {
    use ReasonCode::{MalformedPacket, ProtocolError, TopicAliasInvalid};
    let v5: &[(&[u8], ReasonCode)] = &[
        (b"\x00\x00", MalformedPacket),                                         // no type
        (b"\x41\x02\x00\x01", MalformedPacket),                                 // flags of PUBACK
        (b"\x60\x02\x00\x01", MalformedPacket),                                 // flags of PUBREL
        (b"\x36\x06\x00\x01a\x00\x01\x00", MalformedPacket),                    // QoS 3
        (b"\x38\x04\x00\x01a\x00", MalformedPacket),                            // DUP with QoS 0
        (b"\x32\x06\x00\x01a\x00\x00\x00", ProtocolError),                      // packet identifier 0
        (b"\x30\x04\x00\x01\xff\x00", MalformedPacket),                         // not UTF-8
        (b"\x30\x06\x00\x03\xed\xa0\x80\x00", MalformedPacket),                 // a surrogate [MQTT-1.5.4-1]
        (b"\x30\x04\x00\x01\x00\x00", MalformedPacket),                         // U+0000
        (b"\x30\x02\x00\x05", MalformedPacket),                                 // shorter than its topic
        (b"\x30\x07\x00\x01a\x03\x23\x00\x00", TopicAliasInvalid),              // alias 0
        (b"\x30\x06\x00\x01a\x02\x01\x02", ProtocolError),                      // payload format 2
        (b"\x30\x08\x00\x01a\x04\x01\x01\x01\x01", ProtocolError),              // a property twice
        (b"\x30\x06\x00\x01a\x02\x24\x01", MalformedPacket),                    // maximum QoS in PUBLISH
        (b"\x30\x06\x00\x01a\x02\x0b\x00", ProtocolError),                      // subscription identifier 0
        (b"\x30\x04\x00\x01a\x09", MalformedPacket),                            // properties longer than the packet
        (b"\x82\x03\x00\x01\x00", ProtocolError),                               // no filter
        (b"\x82\x07\x00\x01\x00\x00\x01a\x03", ProtocolError),                  // QoS 3
        (b"\x82\x07\x00\x01\x00\x00\x01a\x30", ProtocolError),                  // retain handling 3
        (b"\x82\x07\x00\x01\x00\x00\x01a\x40", MalformedPacket),                // reserved options
        (b"\xa2\x03\x00\x01\x00", ProtocolError),                               // no filter
        (b"\xc0\x01\x00", MalformedPacket),                                     // PINGREQ that holds something
        (b"\x40\x03\x00\x01\x03", MalformedPacket),                             // a reason that is not known
        (b"\x30\xff\xff\xff\xff", MalformedPacket),                             // five bytes of length
        (b"\x10\x0d\x00\x04MQTT\x05\x01\x00\x00\x00\x00\x00", MalformedPacket), // reserved flag of CONNECT
        (b"\x10\x0d\x00\x04MQTT\x05\x08\x00\x00\x00\x00\x00", MalformedPacket), // QoS without a will
        (b"\x10\x10\x00\x04MQTT\x05\x02\x00\x00\x03\x21\x00\x00\x00\x00", ProtocolError), // receive maximum 0
        (b"\x10\x11\x00\x04MQTT\x05\x02\x00\x00\x04\x16\x00\x01x\x00\x00", ProtocolError), // data without method
    ];
    for (bytes, reason) in v5 {
        assert_eq!(refused(Version::V5, bytes), *reason, "{bytes:x?}");
    }
    let v3: &[(&[u8], ReasonCode)] = &[
        (b"\xf0\x00", MalformedPacket),                                              // AUTH
        (b"\x82\x06\x00\x01\x00\x01a\x04", MalformedPacket),                         // no local
        (b"\xe0\x01\x00", MalformedPacket),                                          // a reason in DISCONNECT
        (b"\x10\x0f\x00\x04MQTT\x04\x42\x00\x00\x00\x00\x00\x01p", MalformedPacket), // password without user
        (b"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x00\x00\x00", ReasonCode::UnsupportedProtocolVersion),
        (b"\x10\x0c\x00\x04MQTT\x06\x02\x00\x00\x00\x00", ReasonCode::UnsupportedProtocolVersion),
    ];
    for (bytes, reason) in v3 {
        assert_eq!(refused(Version::V3, bytes), *reason, "{bytes:x?}");
    }
}

#[test]
fn connect_is_first_and_large_packets_are_refused_before_they_are_there() {
    let limits = MqttLimits { packet_bytes: 100, user_properties: 1, ..MqttLimits::default() };
    let error = Decoder::new(&limits).decode(&mut BytesMut::from(&b"\x30"[..])).unwrap_err();
    assert_eq!(error.reason(), ReasonCode::ProtocolError);
    let mut decoder = Decoder::new(&limits);
    let error = decoder.decode(&mut BytesMut::from(&b"\x10\x63"[..])).unwrap_err();
    assert_eq!(error, DecodeError::TooLarge { bytes: 101, limit: 100 });
    assert!(error.to_string().contains("mqtt.packet_bytes"), "{error}");

    let connect = Connect::new(Version::V5, "");
    let mut buffer = written(&Packet::Connect(Box::new(connect.clone())), Version::V5);
    assert_eq!(decoder.decode(&mut buffer), Ok(Some(Packet::Connect(Box::new(connect.clone())))));
    assert_eq!(decoder.version(), Some(Version::V5));
    let user_properties = vec![("a".into(), "b".into()); 2];
    let connect = Connect { user_properties, ..connect };
    let mut buffer = written(&Packet::Connect(Box::new(connect)), Version::V5);
    let error = decoder.decode(&mut buffer).unwrap_err();
    assert!(error.to_string().contains("mqtt.user_properties"), "{error}");
}

#[test]
fn what_does_not_fit_is_not_written() {
    let mut out = BytesMut::from(&b"before"[..]);
    let ping = Packet::PingResp;
    assert_eq!(encode(&ping, Version::V3, 1, &mut out), Err(EncodeError::TooLarge { bytes: 2, limit: 1 }));
    let long = Packet::Connect(Box::new(Connect::new(Version::V3, &"x".repeat(65_536))));
    assert_eq!(encode(&long, Version::V3, u32::MAX, &mut out), Err(EncodeError::TooLong { bytes: 65_536 }));
    let auth = Auth {
        reason: ReasonCode::Success,
        method: None,
        data: None,
        reason_string: None,
        user_properties: Vec::new(),
    };
    let auth = Packet::Auth(Box::new(auth));
    assert_eq!(encode(&auth, Version::V3, u32::MAX, &mut out), Err(EncodeError::NotInVersion));
    assert_eq!(&out[..], b"before");
    assert_eq!(encode(&ping, Version::V3, 2, &mut out), Ok(()));
    assert_eq!(&out[..], b"before\xd0\x00");
}

fn text() -> impl Strategy<Value = Arc<str>> {
    "[a-zäß/😀]{0,12}".prop_map(Into::into)
}

fn data() -> impl Strategy<Value = Bytes> {
    prop_oneof![4 => vec(any::<u8>(), 0..20), 1 => vec(any::<u8>(), 100..300)].prop_map(Into::into)
}

fn user() -> impl Strategy<Value = UserProperties> {
    vec((text(), text()), 0..3)
}

fn id() -> impl Strategy<Value = PacketId> {
    any::<NonZeroU16>()
}

fn reasons() -> impl Strategy<Value = ReasonCode> {
    prop::sample::select(ReasonCode::ALL)
}

fn qos() -> impl Strategy<Value = Qos> {
    prop::sample::select(&[Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce][..])
}

fn content() -> impl Strategy<Value = Content> {
    (data(), option::of(any::<bool>()), option::of(text()), option::of(text()), option::of(data()), user()).prop_map(
        |(payload, is_utf8, content_type, response_topic, correlation_data, user_properties)| Content {
            payload,
            is_utf8,
            content_type,
            response_topic,
            correlation_data,
            user_properties,
        },
    )
}

fn will() -> impl Strategy<Value = Will> {
    (text(), qos(), any::<bool>(), any::<u32>(), option::of(any::<u32>()), content()).prop_map(
        |(topic, qos, retain, delay_seconds, expiry_seconds, content)| Will {
            topic,
            qos,
            retain,
            delay_seconds,
            expiry_seconds,
            content,
        },
    )
}

fn connect() -> impl Strategy<Value = Packet> {
    let fixed = (text(), any::<bool>(), any::<u16>(), option::of(text()), option::of(data()), option::of(will()));
    let limits = (option::of(any::<u32>()), option::of(id()), option::of(1..u32::MAX), any::<u16>());
    (fixed, limits, any::<(bool, bool)>(), option::of((text(), option::of(data()))), user()).prop_map(
        |(fixed, limits, (request_response_information, request_problem_information), authentication, user)| {
            let (authentication_method, authentication_data) = authentication.unzip();
            Packet::Connect(Box::new(Connect {
                version: Version::V5,
                client_id: fixed.0,
                clean_start: fixed.1,
                keep_alive_seconds: fixed.2,
                username: fixed.3,
                password: fixed.4,
                will: fixed.5,
                session_expiry_seconds: limits.0,
                receive_maximum: limits.1,
                maximum_packet_bytes: limits.2,
                topic_alias_maximum: limits.3,
                request_response_information,
                request_problem_information,
                authentication_method,
                authentication_data: authentication_data.flatten(),
                user_properties: user,
            }))
        },
    )
}

fn connack() -> impl Strategy<Value = Packet> {
    let numbers = (option::of(any::<u32>()), option::of(id()), option::of(1..u32::MAX), any::<u16>());
    let texts = (option::of(text()), option::of(text()), option::of(text()), option::of(text()));
    let flags = any::<(Option<bool>, Option<bool>, Option<bool>, Option<bool>, Option<bool>, Option<u16>)>();
    let data = (option::of(text()), option::of(data()), user());
    (any::<bool>(), reasons(), numbers, texts, flags, data).prop_map(
        |(session_present, reason, numbers, texts, flags, data)| {
            Packet::ConnAck(Box::new(ConnAck {
                session_present,
                reason,
                session_expiry_seconds: numbers.0,
                receive_maximum: numbers.1,
                maximum_qos: flags.0.map(|one| if one { Qos::AtLeastOnce } else { Qos::AtMostOnce }),
                retain_available: flags.1,
                maximum_packet_bytes: numbers.2,
                assigned_client_id: texts.0,
                topic_alias_maximum: numbers.3,
                reason_string: texts.1,
                user_properties: data.2,
                wildcard_subscriptions_available: flags.2,
                subscription_ids_available: flags.3,
                shared_subscriptions_available: flags.4,
                server_keep_alive_seconds: flags.5,
                response_information: texts.2,
                server_reference: texts.3,
                authentication_method: data.0,
                authentication_data: data.1,
            }))
        },
    )
}

fn publish() -> impl Strategy<Value = Packet> {
    let flags = (any::<bool>(), qos(), any::<bool>());
    let numbers = (id(), option::of(id()), option::of(any::<u32>()), vec(1..0x0fff_ffff_u32, 0..3));
    (flags, text(), numbers, content()).prop_map(|((dup, qos, retain), topic, numbers, content)| {
        let has_id = qos != Qos::AtMostOnce;
        Packet::Publish(Box::new(Publish {
            dup: dup && has_id,
            qos,
            retain,
            topic,
            packet_id: Some(numbers.0).filter(|_| has_id),
            topic_alias: numbers.1,
            expiry_seconds: numbers.2,
            subscription_ids: numbers.3,
            content,
        }))
    })
}

fn ack() -> impl Strategy<Value = Ack> {
    (id(), reasons(), option::of(text()), user()).prop_map(|(packet_id, reason, text, user)| {
        let details = Some(Box::new((text, user))).filter(|details| details.0.is_some() || !details.1.is_empty());
        Ack { packet_id, reason, details }
    })
}

fn suback() -> impl Strategy<Value = Box<SubAck>> {
    (id(), vec(reasons(), 0..4), option::of(text()), user()).prop_map(
        |(packet_id, reasons, reason_string, user_properties)| {
            Box::new(SubAck { packet_id, reasons, reason_string, user_properties })
        },
    )
}

fn subscribe() -> impl Strategy<Value = Packet> {
    let handling =
        prop::sample::select(&[RetainHandling::Send, RetainHandling::SendIfNew, RetainHandling::DoNotSend][..]);
    let filter = (text(), qos(), any::<bool>(), any::<bool>(), handling).prop_map(
        |(filter, qos, no_local, retain_as_published, retain_handling)| SubscribeFilter {
            filter,
            options: SubscriptionOptions { qos, no_local, retain_as_published, retain_handling },
        },
    );
    (id(), vec(filter, 1..4), option::of(1..0x0fff_ffff_u32), user()).prop_map(
        |(packet_id, filters, subscription_id, user_properties)| {
            Packet::Subscribe(Box::new(Subscribe { packet_id, filters, subscription_id, user_properties }))
        },
    )
}

fn rest() -> impl Strategy<Value = Packet> {
    let unsubscribe = (id(), vec(text(), 1..4), user()).prop_map(|(packet_id, filters, user_properties)| {
        Packet::Unsubscribe(Box::new(Unsubscribe { packet_id, filters, user_properties }))
    });
    let disconnect = (reasons(), option::of(any::<u32>()), option::of(text()), user(), option::of(text())).prop_map(
        |(reason, session_expiry_seconds, reason_string, user_properties, server_reference)| {
            Packet::Disconnect(Box::new(Disconnect {
                reason,
                session_expiry_seconds,
                reason_string,
                user_properties,
                server_reference,
            }))
        },
    );
    let auth = (reasons(), option::of(text()), option::of(data()), option::of(text()), user()).prop_map(
        |(reason, method, data, reason_string, user_properties)| {
            Packet::Auth(Box::new(Auth { reason, method, data, reason_string, user_properties }))
        },
    );
    prop_oneof![unsubscribe, disconnect, auth, Just(Packet::PingReq), Just(Packet::PingResp)]
}

fn packets() -> impl Strategy<Value = Packet> {
    prop_oneof![
        connect(),
        connack(),
        publish(),
        ack().prop_map(Packet::PubAck),
        ack().prop_map(Packet::PubRec),
        ack().prop_map(Packet::PubRel),
        ack().prop_map(Packet::PubComp),
        subscribe(),
        suback().prop_map(Packet::SubAck),
        suback().prop_map(Packet::UnsubAck),
        rest(),
    ]
}

/// Reads packets until the bytes are refused or used up; each is written again and read the same.
fn walk(mut decoder: Decoder, bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut buffer = BytesMut::from(bytes);
    while let Ok(Some(packet)) = decoder.decode(&mut buffer) {
        let version = decoder.version().unwrap();
        let mut again = written(&packet, version);
        prop_assert_eq!(decoder.clone().decode(&mut again), Ok(Some(packet)));
        prop_assert!(again.is_empty());
    }
    Ok(())
}

proptest! {
    #[test]
    fn packets_of_5_0_are_read_as_they_were_written(packets in vec(packets(), 1..4), cut in 0_usize..40) {
        let mut bytes = BytesMut::new();
        for packet in &packets {
            encode(packet, Version::V5, u32::MAX, &mut bytes).unwrap();
        }
        let mut decoder = Decoder::with_version(Version::V5, &MqttLimits::default());
        let mut buffer = BytesMut::new();
        let mut seen = Vec::new();
        for part in bytes.chunks(cut + 1) {
            buffer.extend_from_slice(part);
            while let Some(packet) = decoder.decode(&mut buffer).unwrap() {
                seen.push(packet);
            }
        }
        prop_assert_eq!(seen, packets);
    }

    #[test]
    fn what_3_1_1_can_say_of_a_packet_is_read_the_same(packet in packets()) {
        let mut bytes = BytesMut::new();
        match encode(&packet, Version::V3, u32::MAX, &mut bytes) {
            Err(error) => prop_assert!(matches!(packet, Packet::Auth(_)), "{error}"),
            Ok(()) => walk(Decoder::with_version(Version::V3, &MqttLimits::default()), &bytes)?,
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..64), first in 0_u8..16, flags in 0_u8..16) {
        let limits = MqttLimits::default();
        let mut framed = vec![first << 4 | flags, u8::try_from(bytes.len()).unwrap()];
        framed.extend_from_slice(&bytes);
        for bytes in [&bytes, &framed] {
            walk(Decoder::new(&limits), bytes)?;
            walk(Decoder::with_version(Version::V3, &limits), bytes)?;
            walk(Decoder::with_version(Version::V5, &limits), bytes)?;
        }
    }

    #[test]
    fn spoilt_packets_are_read_or_refused(
        packet in packets(),
        spoils in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        length in any::<bool>(),
    ) {
        let mut bytes = written(&packet, Version::V5);
        for (place, value) in spoils {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if length {
            bytes.truncate(cut.index(bytes.len()) + 1);
            if let Some(second) = bytes.get(1).copied().filter(|second| *second < 0x80) {
                bytes[1] = second.min(u8::try_from(bytes.len() - 2).unwrap_or(0x7f));
            }
        }
        let limits = MqttLimits::default();
        walk(Decoder::new(&limits), &bytes)?;
        walk(Decoder::with_version(Version::V3, &limits), &bytes)?;
        walk(Decoder::with_version(Version::V5, &limits), &bytes)?;
    }
}
