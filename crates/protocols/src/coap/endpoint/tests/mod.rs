//! Tests of exchanges over datagrams.

mod amplification;
mod model;
mod observe;

use super::*;
use crate::coap::message::{Message, Request, Response};
use crate::coap::option::{self, OptionNumber};
use crate::coap::wire::datagram::{decode, encode};
use crate::coap::{ObserverId, Wishes};

const PEER: u8 = 1;

/// An endpoint and what came out of it.
struct Bench {
    endpoint: Endpoint<u8>,
    out: Output<u8>,
    now_ms: u64,
    arrival: Arrival,
    next_id: u16,
}

impl Bench {
    fn with(limits: CoapLimits) -> Self {
        let challenge: Challenge<u8> = Box::new(|peer, window| (u64::from(*peer) << 32 | window).to_le_bytes());
        let endpoint = Endpoint::new(Arc::new(limits), 7, challenge);
        Self { endpoint, out: Output::default(), now_ms: 1_000_000, arrival: Arrival::Proven, next_id: 100 }
    }

    fn new() -> Self {
        Self::with(CoapLimits::default())
    }

    /// A peer's bytes, and what the endpoint sends at once.
    fn bytes(&mut self, peer: u8, bytes: &[u8]) -> Vec<Bytes> {
        self.endpoint.receive(self.now_ms, peer, self.arrival, &Bytes::copy_from_slice(bytes), &mut self.out);
        self.sent()
    }

    fn message(&mut self, message: &Message) -> Vec<Message> {
        let bytes = encode(message);
        self.bytes(PEER, &bytes).iter().map(read).collect()
    }

    /// A request under a message id of its own, with its id as its token.
    fn request(&mut self, kind: Kind, request: Request) -> Message {
        self.next_id += 1;
        let token = Token::new(&self.next_id.to_be_bytes()).unwrap();
        let Request { code, options, payload } = request;
        Message { kind, id: self.next_id, code, token, options, payload }
    }

    fn sent(&mut self) -> Vec<Bytes> {
        self.out.sends.drain(..).map(|(_, bytes)| bytes).collect()
    }

    /// The requests that are for the application.
    fn requests(&mut self) -> Vec<(ExchangeId, Request)> {
        let events = std::mem::take(&mut self.out.events);
        let of = |event| match event {
            Event::Request { exchange, request, .. } => (exchange, request),
            other => panic!("{other:?}"),
        };
        events.into_iter().map(of).collect()
    }

    /// The one request that is for the application.
    fn one(&mut self) -> ExchangeId {
        let requests = self.requests();
        assert_eq!(requests.len(), 1);
        requests[0].0
    }

    fn respond(&mut self, exchange: ExchangeId, response: Response) -> Vec<Message> {
        self.endpoint.respond(self.now_ms, exchange, response, &mut self.out);
        self.sent().iter().map(read).collect()
    }

    fn tick(&mut self) -> Vec<Message> {
        self.endpoint.tick(self.now_ms, &mut self.out);
        self.sent().iter().map(read).collect()
    }

    /// Lets time pass until something is sent.
    fn until_sent(&mut self) -> Vec<Message> {
        for _ in 0..100 {
            let Some(deadline_ms) = self.endpoint.deadline() else { return Vec::new() };
            self.now_ms = self.now_ms.max(deadline_ms);
            let sent = self.tick();
            if !sent.is_empty() {
                return sent;
            }
        }
        Vec::new()
    }
}

fn read(bytes: &Bytes) -> Message {
    decode(bytes, &CoapLimits::default()).unwrap()
}

fn get(path: &str) -> Request {
    Request::new(Code::GET).with_path(path)
}

fn post() -> Request {
    Request::new(Code::POST).with_path("/sensors").with_payload("41.9")
}

fn content(text: &'static str) -> Response {
    Response::new(Code::CONTENT).with_text(text)
}

fn one(messages: Vec<Message>) -> Message {
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.into_iter().next().unwrap()
}

#[test]
fn the_laboratory_gets_its_answer_and_a_repeat_the_same_bytes() {
    let sent = b"\x44\x02\xe7\x70\x00\x00\x65\xa8\x60\x57sensors\x03dht\x08humidity\xff41.9";
    let answer = &b"\x64\x45\xe7\x70\x00\x00\x65\xa8\xffHumidity=41.9 saved successfully!"[..];
    let mut bench = Bench::new();
    bench.arrival = Arrival::Plain;
    assert!(bench.bytes(PEER, sent).is_empty());
    let (exchange, request) = bench.requests().remove(0);
    assert_eq!(request.path().collect::<Vec<_>>(), ["sensors", "dht", "humidity"]);
    assert!(!request.wants_observation(), "a POST observes nothing");
    assert!(bench.bytes(PEER, sent).is_empty(), "the reply is not known yet");
    bench.endpoint.respond(bench.now_ms, exchange, content("Humidity=41.9 saved successfully!"), &mut bench.out);
    assert_eq!(bench.sent(), [answer]);
    for _ in 0..4 {
        assert_eq!(bench.bytes(PEER, sent), [answer]);
    }
    assert!(bench.requests().is_empty());
    // The same id is the same message within its lifetime, whatever is in it (the client was started again), and of this peer.
    let restarted = b"\x44\x02\xe7\x70\x00\x00\x00\x01\x60\x57sensors\x03dht\x08humidity\xff50.0";
    assert_eq!(bench.bytes(PEER, restarted), [answer]);
    bench.bytes(2, sent);
    assert_eq!(bench.requests().len(), 1);
    bench.now_ms += EXCHANGE_LIFETIME_MS;
    bench.bytes(PEER, restarted);
    assert_eq!(bench.requests().len(), 1);
    assert_eq!(bench.endpoint.counters().repeats, 6);
}

#[test]
fn what_is_not_understood_is_reset_or_ignored() {
    let mut bench = Bench::new();
    for (bytes, reply) in [
        (&b"\x40\x00\x12\x34"[..], Some(&b"\x70\x00\x12\x34"[..])), // ping
        (b"\x49\x01\x12\x34\x01\x02\x03\x04\x05\x06\x07\x08\x09", Some(b"\x70\x00\x12\x34")),
        (b"\x40\x01\x12\x34\xff", Some(b"\x70\x00\x12\x34")),
        (b"\x40\x45\x12\x34", Some(b"\x70\x00\x12\x34")), // a response that nobody waits for
        (b"\x50\x00\x12\x34", None),
        (b"\x50\x01\x12\x34\xff", None),
        (b"\x50\x45\x12\x34", None),
        (b"\x60\x00\x12\x34", None),
        (b"\x70\x00\x12\x34", None),
        (b"\x60\x45\x12\x34", None),
        (b"\x60\x01\x12\x34\xff", None),
        (b"\x80\x01\x12\x34", None), // version 2
        (b"\x40", None),
    ] {
        assert_eq!(bench.bytes(PEER, bytes), Vec::from_iter(reply), "{bytes:x?}");
    }
    bench.arrival = Arrival::Multicast;
    for bytes in [&b"\x40\x00\x12\x34"[..], b"\x40\x01\x12\x34\xff", b"\x40\x01\x12\x34"] {
        assert!(bench.bytes(PEER, bytes).is_empty(), "{bytes:x?}");
    }
    assert!(bench.requests().is_empty());
    assert_eq!(bench.endpoint.counters().pings, 1);
}

#[test]
fn refusals_are_answered_once_for_con_and_never_for_non() {
    let limits = CoapLimits { options: 3, message_bytes: 64, ..CoapLimits::default() };
    let with = |number: OptionNumber, value: &'static [u8]| post().with_option(number, value);
    for (request, code) in [
        (with(13, b"x"), Code::BAD_OPTION),
        (with(option::PROXY_URI, b"coap://other"), Code::PROXYING_NOT_SUPPORTED),
        (Request::new(Code(9)), Code::METHOD_NOT_ALLOWED),
        (with(option::BLOCK1, b"\x07"), Code::BAD_REQUEST),
        (post().with_option(4, "e").with_option(4, "f").with_option(4, "g"), Code::BAD_OPTION),
        (post().with_payload(vec![b'x'; 64]), Code::REQUEST_ENTITY_TOO_LARGE),
    ] {
        let mut bench = Bench::with(limits);
        let message = bench.request(Kind::Con, request.clone());
        let answer = one(bench.message(&message));
        assert_eq!((answer.kind, answer.code, answer.id, answer.token), (Kind::Ack, code, message.id, message.token));
        assert_eq!(bench.message(&message), [answer]);
        let message = bench.request(Kind::Non, request);
        let answers = bench.message(&message);
        assert!(
            answers.iter().all(|answer| answer.code == Code::BAD_REQUEST && answer.kind == Kind::Non),
            "{answers:?}"
        );
        assert!(bench.requests().is_empty());
    }
}

#[test]
fn a_separate_response_is_sent_until_it_is_acknowledged() {
    let mut bench = Bench::new();
    let message = bench.request(Kind::Con, post());
    assert!(bench.message(&message).is_empty());
    let exchange = bench.one();
    bench.endpoint.accept_later(bench.now_ms, exchange, &mut bench.out);
    let ack = Message::empty(Kind::Ack, message.id);
    assert_eq!(bench.sent().iter().map(read).collect::<Vec<_>>(), std::slice::from_ref(&ack));
    let response = one(bench.respond(exchange, content("late")));
    assert_eq!((response.kind, response.token), (Kind::Con, message.token));
    assert_eq!(bench.message(&message), std::slice::from_ref(&ack), "a repeat gets the empty acknowledgement again");

    let began_ms = bench.now_ms;
    let mut times = Vec::new();
    for _ in 0..4 {
        assert_eq!(one(bench.until_sent()), response);
        times.push(bench.now_ms - began_ms);
    }
    let first = times[0];
    assert!((2_000..=3_000).contains(&first), "{first}");
    assert_eq!(times, [first, first * 3, first * 7, first * 15]);
    assert!(bench.until_sent().is_empty());
    assert_eq!(bench.endpoint.counters().timeouts, 1);

    let message = bench.request(Kind::Con, post());
    bench.message(&message);
    let exchange = bench.one();
    bench.endpoint.accept_later(bench.now_ms, exchange, &mut bench.out);
    bench.sent();
    let response = one(bench.respond(exchange, content("late")));
    assert!(bench.message(&Message::empty(Kind::Ack, response.id)).is_empty());
    assert_eq!(bench.endpoint.gauges().unacknowledged, 0);
}

#[test]
fn a_non_is_answered_with_a_non_and_its_repeat_with_nothing() {
    let mut bench = Bench::new();
    let message = bench.request(Kind::Non, post());
    bench.message(&message);
    let exchange = bench.one();
    bench.endpoint.accept_later(bench.now_ms, exchange, &mut bench.out);
    let response = one(bench.respond(exchange, content("ok")));
    assert_eq!((response.kind, response.token), (Kind::Non, message.token));
    assert!(bench.message(&message).is_empty());
    assert!(bench.requests().is_empty());
    assert!(bench.respond(exchange, content("twice")).is_empty());
}

#[test]
fn what_a_client_does_not_want_to_hear_is_only_acknowledged() {
    for (no_response, code, is_told) in [
        (2, Code::CONTENT, false),
        (2, Code::NOT_FOUND, true),
        (8, Code::NOT_FOUND, false),
        (26, Code(0xa0), false),
        (0, Code::CONTENT, true),
    ] {
        let mut bench = Bench::new();
        for kind in [Kind::Con, Kind::Non] {
            let message = bench.request(kind, post().with_uint(option::NO_RESPONSE, no_response));
            bench.message(&message);
            let exchange = bench.one();
            let told = bench.respond(exchange, Response::new(code));
            match (is_told, kind) {
                (true, _) => assert_eq!(one(told).code, code),
                (false, Kind::Con) => assert_eq!(told, [Message::empty(Kind::Ack, message.id)]),
                (false, _) => assert!(told.is_empty()),
            }
        }
    }
}

#[test]
fn a_group_is_answered_at_leisure_and_never_with_a_failure() {
    let mut bench = Bench::new();
    bench.arrival = Arrival::Multicast;
    for (response, is_sent) in
        [(content("here"), true), (Response::new(Code::CONTENT), false), (Response::new(Code::NOT_FOUND), false)]
    {
        let message = bench.request(Kind::Non, get("/.well-known/core"));
        bench.message(&message);
        let exchange = bench.one();
        assert!(bench.respond(exchange, response).is_empty(), "not at once");
        let began_ms = bench.now_ms;
        let sent = bench.until_sent();
        assert_eq!(sent.len(), usize::from(is_sent));
        if let Some(answer) = sent.first() {
            assert_eq!((answer.kind, answer.token), (Kind::Non, message.token));
            assert!(bench.now_ms - began_ms <= 5_000);
        }
    }
}

#[test]
fn a_large_body_goes_both_ways() {
    let mut bench = Bench::new();
    let body = vec![7; 2_000];
    let block = |number: u64, has_more: bool| number << 4 | u64::from(has_more) << 3 | 6;
    let put = |number, has_more, part: &[u8]| {
        Request::new(Code::PUT)
            .with_path("/x")
            .with_uint(option::BLOCK1, block(number, has_more))
            .with_payload(part.to_vec())
    };
    let message = bench.request(Kind::Con, put(0, true, &body[..1_024]));
    assert_eq!(one(bench.message(&message)).code, Code::CONTINUE);
    assert_eq!(one(bench.message(&message)).code, Code::CONTINUE, "a repeat is not another block");
    let message = bench.request(Kind::Con, put(1, false, &body[1_024..]));
    assert!(bench.message(&message).is_empty());
    let (exchange, request) = bench.requests().remove(0);
    assert_eq!(request.payload, body);
    let answer = one(bench.respond(exchange, content("").with_text(body.clone())));
    assert_eq!(answer.options.uint(option::BLOCK1), Some(block(1, false)));
    assert_eq!((answer.options.uint(option::BLOCK2), answer.payload.len()), (Some(block(0, true)), 1_024));
    let rest = Request::new(Code::PUT).with_path("/x").with_uint(option::BLOCK2, block(1, false));
    let message = bench.request(Kind::Con, rest);
    assert_eq!(one(bench.message(&message)).payload, body[1_024..]);
    assert!(bench.requests().is_empty());
}

#[test]
fn memory_is_bounded_and_the_longest_silent_peer_goes_first() {
    let mut bench = Bench::with(CoapLimits { peers: 3, remembered_messages: 2, ..CoapLimits::default() });
    let ask = |bench: &mut Bench, peer, id: u16| {
        bench.now_ms += 1;
        let message = Message { id, code: Code::GET, ..Message::empty(Kind::Con, id) };
        bench.bytes(peer, &encode(&message));
        let requests = bench.requests();
        requests.into_iter().map(|(exchange, _)| bench.respond(exchange, content("ok")).len()).sum::<usize>()
    };
    for peer in [1, 2, 3, 1, 4] {
        let id = u16::from(peer) * 10 + bench.now_ms as u16;
        assert_eq!(ask(&mut bench, peer, id), 1);
    }
    assert_eq!((bench.endpoint.gauges().peers, bench.endpoint.counters().evicted_peers), (3, 1));
    // 2 was silent for longest; 1 spoke again.
    let ids: Vec<u16> = (500..504).collect();
    for id in &ids {
        assert_eq!(ask(&mut bench, 1, *id), 1);
    }
    assert_eq!(ask(&mut bench, 1, 503), 0, "the last two are remembered");
    assert_eq!(ask(&mut bench, 1, 500), 1);
    bench.now_ms += 2 * EXCHANGE_LIFETIME_MS;
    bench.tick();
    bench.now_ms += 2 * EXCHANGE_LIFETIME_MS;
    bench.tick();
    let gauges = bench.endpoint.gauges();
    assert_eq!((gauges.peers, gauges.remembered_bytes, gauges.exchanges), (0, 0, 0));
    assert_eq!(bench.endpoint.deadline(), None);
}

#[test]
fn bytes_of_replies_are_bounded() {
    let mut bench = Bench::with(CoapLimits { remembered_bytes: 4_000, ..CoapLimits::default() });
    for peer in 0..20 {
        let message = Message { code: Code::GET, ..Message::empty(Kind::Con, 1) };
        bench.bytes(peer, &encode(&message));
        let exchange = bench.one();
        bench.respond(exchange, content("").with_text(vec![1; 1_000]));
        assert!(bench.endpoint.gauges().remembered_bytes <= 4_000);
    }
    assert_eq!(bench.endpoint.gauges().peers, 3);
}

#[test]
fn too_many_requests_at_once_and_those_that_nobody_answers() {
    let mut bench = Bench::with(CoapLimits { exchanges: 1, ..CoapLimits::default() });
    let message = bench.request(Kind::Con, post());
    bench.message(&message);
    let exchange = bench.one();
    let message = bench.request(Kind::Con, post());
    let busy = one(bench.message(&message));
    assert_eq!((busy.code, busy.options.uint(option::MAX_AGE)), (Code::SERVICE_UNAVAILABLE, Some(5)));
    bench.now_ms += EXCHANGE_LIFETIME_MS;
    bench.tick();
    assert_eq!(bench.endpoint.gauges().exchanges, 0);
    assert!(bench.respond(exchange, content("too late")).is_empty());
}

#[test]
fn a_message_from_before_a_restart_is_a_repeat() {
    let mut bench = Bench::new();
    let message = bench.request(Kind::Con, post());
    let reply = Bytes::from_static(b"\x60\x44\x00\x65");
    bench.endpoint.remember(bench.now_ms, PEER, message.id, reply.clone());
    assert_eq!(bench.bytes(PEER, &encode(&message)), [reply]);
    assert!(bench.requests().is_empty());
}
