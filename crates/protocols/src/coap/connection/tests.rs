//! Tests of reliable connections.

use super::*;
use crate::coap::message::Response;
use crate::coap::wire::reliable::{decode_stream, encode};

struct Bench {
    connection: Connection,
    out: Output<()>,
    now_ms: u64,
}

impl Bench {
    fn new(limits: CoapLimits) -> Self {
        let mut out = Output::default();
        let connection = Connection::new(Arc::new(limits), Framing::Tcp, 0, &mut out);
        Self { connection, out, now_ms: 0 }
    }

    /// A connection whose peer has said what it takes.
    fn begun(message_bytes: u64) -> Self {
        let mut bench = Self::new(CoapLimits::default());
        let mut options = Options::default();
        options.add_uint(MAX_MESSAGE_SIZE, message_bytes);
        options.add(BLOCK_WISE_TRANSFER, Bytes::new());
        bench.sent();
        assert_eq!(bench.give(&frame(Code::CSM, options, "")), []);
        bench
    }

    fn give(&mut self, frame: &Frame) -> Vec<Frame> {
        self.bytes(&encode(frame, Framing::Tcp))
    }

    fn bytes(&mut self, bytes: &[u8]) -> Vec<Frame> {
        self.connection.receive(self.now_ms, &mut BytesMut::from(bytes), &mut self.out);
        self.sent()
    }

    fn sent(&mut self) -> Vec<Frame> {
        let mut buffer = BytesMut::new();
        self.out.sends.drain(..).for_each(|((), bytes)| buffer.extend_from_slice(&bytes));
        let limits = CoapLimits { message_bytes: 10_000_000, ..CoapLimits::default() };
        std::iter::from_fn(|| decode_stream(&mut buffer, &limits).unwrap()).collect()
    }

    fn exchange(&mut self) -> ExchangeId {
        match self.out.events.remove(0) {
            Event::Request { exchange, message_id: None, .. } => exchange,
            other => panic!("{other:?}"),
        }
    }

    fn closed(&mut self) -> bool {
        let told = self.out.events.iter().any(|event| matches!(event, Event::Close { .. }));
        assert_eq!(told, self.connection.is_closed());
        told
    }
}

fn frame(code: Code, options: Options, payload: &'static str) -> Frame {
    Frame { code, token: Token::new(b"tk").unwrap(), options, payload: payload.into() }
}

fn get() -> Frame {
    frame(Code::GET, Request::new(Code::GET).with_path("/x").options, "")
}

#[test]
fn both_begin_with_what_they_take() {
    let mut bench = Bench::new(CoapLimits { message_bytes: 4_096, ..CoapLimits::default() });
    let csm = bench.sent().remove(0);
    assert_eq!((csm.code, csm.options.uint(MAX_MESSAGE_SIZE)), (Code::CSM, Some(4_096)));
    assert!(csm.options.get(BLOCK_WISE_TRANSFER).is_some());
    let abort = bench.give(&get()).remove(0);
    assert_eq!((abort.code, abort.payload.as_ref()), (Code::ABORT, &b"the first message is a CSM"[..]));
    assert!(bench.closed());
    assert_eq!(bench.give(&get()), [], "after its end nothing is done");
}

#[test]
fn a_request_is_answered_and_signals_too() {
    let mut bench = Bench::begun(100_000);
    let ping = frame(Code::PING, Options::default(), "");
    assert_eq!(bench.give(&ping), [frame(Code::PONG, Options::default(), "")]);
    assert_eq!(bench.bytes(b"\x00\x00"), [], "an empty message");
    assert_eq!(bench.give(&frame(Code::CONTENT, Options::default(), "x")), [], "a response to a server");
    assert_eq!(bench.give(&get()), []);
    let exchange = bench.exchange();
    let now_ms = bench.now_ms;
    bench.connection.respond(now_ms, exchange, Response::new(Code::CONTENT).with_text(vec![1; 50_000]), &mut bench.out);
    let answer = bench.sent().remove(0);
    assert_eq!((answer.code, answer.token, answer.payload.len()), (Code::CONTENT, get().token, 50_000));
    assert!(answer.options.is_empty());
    let mut options = get().options;
    options.add(13, "x");
    assert_eq!(bench.give(&frame(Code::GET, options, ""))[0].code, Code::BAD_OPTION);
    assert_eq!(bench.give(&frame(Code::RELEASE, Options::default(), "")), []);
    assert!(bench.closed());
}

#[test]
fn what_a_peer_does_not_take_is_sent_in_blocks() {
    let mut bench = Bench::begun(1_152);
    bench.give(&get());
    let exchange = bench.exchange();
    bench.connection.respond(0, exchange, Response::new(Code::CONTENT).with_text(vec![1; 3_000]), &mut bench.out);
    let answer = bench.sent().remove(0);
    assert_eq!((answer.payload.len(), answer.options.uint(option::BLOCK2)), (1_024, Some(0x0e)));
    let mut bench = Bench::begun(4_096);
    bench.give(&get());
    let exchange = bench.exchange();
    bench.connection.respond(0, exchange, Response::new(Code::CONTENT).with_text(vec![1; 10_000]), &mut bench.out);
    let answer = bench.sent().remove(0);
    assert_eq!((answer.payload.len(), answer.options.uint(option::BLOCK2)), (3_072, Some(0x0f)));
}

#[test]
fn bytes_that_are_no_message_end_the_connection_and_too_much_is_told() {
    for bytes in [&b"\x09\x01"[..], b"\x10\x01\xff", b"\xf0\xff\xff\xff\xff\x01"] {
        let mut bench = Bench::begun(1_152);
        assert_eq!(bench.bytes(bytes)[0].code, Code::ABORT, "{bytes:x?}");
        assert!(bench.closed());
    }
    let mut bench = Bench::begun(1_152);
    let mut options = get().options;
    (0..70).for_each(|_| options.add(option::URI_PATH, "x"));
    let refused = bench.give(&frame(Code::GET, options, "")).remove(0);
    assert_eq!((refused.code, refused.token), (Code::BAD_OPTION, get().token));
    assert!(!bench.closed());
    let mut options = Options::default();
    options.add(1, "critical");
    assert_eq!(bench.give(&frame(Code::PING, options, ""))[0].code, Code::ABORT);
    assert!(bench.closed());
}

#[test]
fn silence_is_asked_about_and_ends_the_connection() {
    let mut bench = Bench::begun(1_152);
    assert_eq!(bench.connection.deadline(), 120_000);
    bench.connection.tick(120_000, &mut bench.out);
    assert_eq!(bench.sent()[0].code, Code::PING);
    assert_eq!(bench.connection.deadline(), 240_000);
    bench.now_ms = 200_000;
    bench.give(&frame(Code::PONG, Options::default(), ""));
    assert_eq!(bench.connection.deadline(), 320_000);
    for (now_ms, code) in [(320_000, Code::PING), (440_000, Code::ABORT)] {
        bench.connection.tick(now_ms, &mut bench.out);
        assert_eq!(bench.sent()[0].code, code);
    }
    assert!(bench.closed());
}

#[test]
fn observers_are_told_until_the_connection_ends() {
    let mut bench = Bench::begun(1_152);
    let observe = Request::new(Code::GET).with_path("/x").with_uint(option::OBSERVE, 0);
    bench.give(&frame(Code::GET, observe.options, ""));
    let exchange = bench.exchange();
    let content = |text: &'static str| Response::new(Code::CONTENT).with_text(text);
    let wishes = Wishes { every_ms: 1_000 };
    let observer = bench.connection.observe(0, exchange, wishes, content("1"), &mut bench.out).unwrap();
    assert_eq!(bench.sent()[0].options.uint(option::OBSERVE), Some(1));
    bench.connection.notify(500, observer, content("2"), &mut bench.out);
    bench.connection.notify(600, observer, content("3"), &mut bench.out);
    assert_eq!((bench.sent(), bench.connection.deadline()), (vec![], 1_000));
    bench.connection.tick(1_000, &mut bench.out);
    let told = bench.sent().remove(0);
    assert_eq!(
        (told.token, told.payload.as_ref(), told.options.uint(option::OBSERVE)),
        (get().token, &b"3"[..], Some(2))
    );
    bench.connection.release(&mut bench.out);
    assert_eq!(bench.sent()[0].code, Code::RELEASE);
    let reason = GoneReason::PeerGone;
    assert_eq!(bench.out.events.remove(0), Event::ObserverGone { peer: (), observer, reason });
    assert!(bench.closed());
}

#[test]
fn a_websocket_has_one_message_each() {
    let mut out = Output::default();
    let mut connection = Connection::new(Arc::new(CoapLimits::default()), Framing::WebSocket, 0, &mut out);
    let csm = reliable::decode_frame(&out.sends.remove(0).1, &CoapLimits::default()).unwrap();
    assert_eq!(csm.code, Code::CSM);
    for frame in [frame(Code::CSM, Options::default(), ""), get()] {
        connection.receive_message(0, &encode(&frame, Framing::WebSocket), &mut out);
    }
    assert_eq!((out.events.len(), connection.exchanges()), (1, 1));
    connection.receive_message(0, &Bytes::from_static(b"\x10\x01"), &mut out);
    assert!(connection.is_closed());
}
