//! Tests of messages as bytes.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::datagram::{decode, encode, encoded_bytes};
use super::reliable::{self, Frame, Framing, decode_frame, decode_stream};
use super::*;
use crate::coap::{CoapLimits, Kind, Message, Options, option};

/// What the laboratory's client sends, and what it is answered.
const READING: &[u8] = b"\x44\x02\xe7\x70\x00\x00\x65\xa8\x60\x57sensors\x03dht\x08humidity\xff41.9";
const ANSWER: &[u8] = b"\x64\x45\xe7\x70\x00\x00\x65\xa8\xffHumidity=41.9 saved successfully!";

fn read(bytes: &[u8]) -> Result<Message, DecodeError> {
    decode(&Bytes::copy_from_slice(bytes), &CoapLimits::default())
}

fn malformed(bytes: &[u8]) -> bool {
    matches!(read(bytes), Err(DecodeError::Malformed(_)))
}

#[test]
fn the_laboratory_is_read_byte_for_byte() {
    let message = read(READING).unwrap();
    assert_eq!((message.kind, message.code, message.id), (Kind::Con, Code::POST, 0xe770));
    assert_eq!(message.token.as_bytes(), [0, 0, 0x65, 0xa8]);
    assert_eq!(message.options.uint(option::OBSERVE), Some(0));
    let path: Vec<_> = message.options.all(option::URI_PATH).map(|segment| segment.as_ref()).collect();
    assert_eq!(path, [&b"sensors"[..], b"dht", b"humidity"]);
    assert_eq!(message.payload.as_ref(), b"41.9");
    assert_eq!(encode(&message), READING);

    let options = Options::default();
    let payload = Bytes::from_static(b"Humidity=41.9 saved successfully!");
    let answer = Message { kind: Kind::Ack, code: Code::CONTENT, options, payload, ..message };
    assert_eq!(encode(&answer), ANSWER);
}

#[test]
fn a_small_w_makes_another_option() {
    let mut bytes = READING.to_vec();
    bytes[9] = b'w';
    let message = read(&bytes).unwrap();
    assert_eq!(message.options.iter().nth(1).map(|(number, _)| number), Some(13));
}

#[test]
fn every_malformed_message_is_told() {
    for bytes in [&b""[..], b"\x40", b"\x40\x01\x00", b"\x00\x01\x00\x01", b"\x80\x01\x00\x01", b"\xc0\x01\x00\x01"] {
        assert_eq!(read(bytes), Err(DecodeError::Foreign), "{bytes:x?}");
    }
    for length in 9..=15 {
        let bytes = [&[0x40 | length, 1, 0, 1][..], &[7; 15]].concat();
        assert!(malformed(&bytes), "a token of {length}");
    }
    for bytes in [
        &b"\x42\x01\x00\x01\x00"[..],        // cut in the token
        b"\x40\x00\x00\x01\x00",             // an empty message with more
        b"\x41\x00\x00\x01\x00",             // an empty message with a token
        b"\x40\x01\x00\x01\xff",             // no payload after its marker
        b"\x40\x01\x00\x01\xf0",             // reserved difference
        b"\x40\x01\x00\x01\x0f",             // reserved length
        b"\x40\x01\x00\x01\xd0",             // cut in the difference
        b"\x40\x01\x00\x01\xe0\x00",         // cut in the difference of two bytes
        b"\x40\x01\x00\x01\x0d",             // cut in the length
        b"\x40\x01\x00\x01\x05abc",          // cut in the value
        b"\x40\x01\x00\x01\xe0\xff\xff",     // number beyond 65,535
        b"\x40\x01\x00\x01\xe0\xfe\xf2\x10", // the sum of two is
        b"\x40\x20\x00\x01",                 // class 1
        b"\x40\xc1\x00\x01",                 // class 6
        b"\x40\xe1\x00\x01",                 // class 7: signals are for reliable connections
    ] {
        assert!(malformed(bytes), "{bytes:x?}");
    }
    assert!(read(b"\x40\x00\x00\x01").is_ok(), "a ping is no failure");
}

#[test]
fn limits_are_named() {
    let limits = CoapLimits { options: 2, option_bytes: 4, message_bytes: 20, ..CoapLimits::default() };
    let setting = |bytes: &[u8]| match decode(&Bytes::copy_from_slice(bytes), &limits) {
        Err(DecodeError::Limit { setting, code, .. }) if code == Code::GET => setting,
        other => panic!("{other:?}"),
    };
    assert_eq!(setting(b"\x40\x01\x00\x01\xb1a\x01b\x01c"), "coap.options");
    assert_eq!(setting(b"\x40\x01\x00\x01\xb3aaa\x02bb"), "coap.option_bytes");
    assert_eq!(setting(b"\x40\x01\x00\x01\xb1a\xff0123456789abcdef"), "coap.message_bytes");
}

#[test]
fn lengths_and_differences_are_as_short_as_they_can_be() {
    let mut options = Options::default();
    for (number, length) in [(0, 12), (12, 13), (25, 268), (294, 269), (563, 1_000)] {
        options.add(number, vec![b'x'; length]);
    }
    let message = Message { options, code: Code::PUT, ..Message::empty(Kind::Non, 1) };
    let bytes = encode(&message);
    assert_eq!(&bytes[4..5], b"\x0c");
    assert_eq!(&bytes[17..19], b"\xcd\x00");
    assert_eq!(&bytes[32..35], b"\xdd\x00\xff");
    assert_eq!((bytes.len(), read(&bytes)), (encoded_bytes(&message), Ok(message)));
}

#[test]
fn reliable_messages_are_framed() {
    // RFC 8323, figures 5 and 6: a CSM of its own length 0, a GET with a token of one byte.
    let mut buffer = BytesMut::from(&b"\x00\xe1\x01\x43\x7f\xd2\x01ab\xff"[..]);
    let limits = CoapLimits::default();
    let first = decode_stream(&mut buffer, &limits).unwrap().unwrap();
    assert_eq!((first.code, first.token), (Code::CSM, Token::default()));
    let second = decode_stream(&mut buffer, &limits).unwrap().unwrap();
    assert_eq!((second.code, second.token.as_bytes()), (Code::VALID, &b"\x7f"[..]));
    assert_eq!(decode_stream(&mut buffer, &limits), Ok(None), "the rest is the beginning of a message");
    assert_eq!(buffer.as_ref(), b"\xd2\x01ab\xff");
    let mut large = BytesMut::from(&b"\xf0\xff\xff\xff\xff\x01"[..]);
    assert!(matches!(
        decode_stream(&mut large, &limits),
        Err(DecodeError::Limit { setting: "coap.message_bytes", .. })
    ));
    let mut token = BytesMut::from(&b"\x09\x01"[..]);
    assert!(matches!(decode_stream(&mut token, &limits), Err(DecodeError::Malformed(_))));
    for bytes in [&b""[..], b"\x00", b"\x10\x01", b"\x02\x01a", b"\x09\x01123456789", b"\x00\x01\xff"] {
        assert!(decode_frame(&Bytes::copy_from_slice(bytes), &limits).is_err(), "{bytes:x?}");
    }
}

fn options() -> impl Strategy<Value = Options> {
    let value = prop_oneof![prop::collection::vec(any::<u8>(), 0..16), prop::collection::vec(any::<u8>(), 260..280)];
    let number = prop_oneof![0..64_u16, any::<u16>()];
    prop::collection::vec((number, value), 0..6).prop_map(|all| {
        let mut options = Options::default();
        all.into_iter().for_each(|(number, value)| options.add(number, value));
        options
    })
}

fn code() -> impl Strategy<Value = Code> {
    prop_oneof![(1..32_u8).prop_map(Code), (64..96_u8).prop_map(Code), (128..192_u8).prop_map(Code)]
}

fn message() -> impl Strategy<Value = Message> {
    let kind = prop_oneof![Just(Kind::Con), Just(Kind::Non), Just(Kind::Ack), Just(Kind::Rst)];
    let token = prop::collection::vec(any::<u8>(), 0..=8).prop_map(|bytes| Token::new(&bytes).unwrap());
    let payload = prop::collection::vec(any::<u8>(), 0..600).prop_map(Bytes::from);
    (kind, any::<u16>(), code(), token, options(), payload)
        .prop_map(|(kind, id, code, token, options, payload)| Message { kind, id, code, token, options, payload })
}

proptest! {
    #[test]
    fn what_is_written_is_read_the_same(message in message(), cut in any::<prop::sample::Index>()) {
        let bytes = encode(&message);
        prop_assert_eq!(bytes.len(), encoded_bytes(&message));
        prop_assert_eq!(read(&bytes), Ok(message.clone()));

        let Message { code, token, options, payload, .. } = message;
        let frame = Frame { code, token, options, payload };
        let limits = CoapLimits::default();
        let one = reliable::encode(&frame, Framing::WebSocket);
        prop_assert_eq!(decode_frame(&one, &limits), Ok(frame.clone()));
        let stream = reliable::encode(&frame, Framing::Tcp);
        let mut buffer = BytesMut::from(&stream[..cut.index(stream.len())]);
        let missing = stream.slice(buffer.len()..);
        prop_assert_eq!(decode_stream(&mut buffer, &limits), Ok(None));
        buffer.extend_from_slice(&missing);
        prop_assert_eq!(decode_stream(&mut buffer, &limits), Ok(Some(frame)));
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn whatever_is_read_is_written_the_same_or_shorter(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = 0x40 | *first & 0x3f;
        }
        if let Ok(message) = read(&bytes) {
            let again = encode(&message);
            prop_assert!(again.len() <= bytes.len());
            prop_assert_eq!(read(&again), Ok(message));
        }
    }
}
