//! Tests of the client, against the endpoint.

use super::*;
use crate::coap::endpoint::{Arrival, Endpoint};
use crate::coap::output::{Event, Output};

/// A client and a server that says back what it was sent.
struct Pair {
    client: Client,
    server: Endpoint<u8>,
    out: ClientOutput,
    served: Output<u8>,
    now_ms: u64,
    arrival: Arrival,
    is_slow: bool,
    taken: usize,
}

impl Pair {
    fn new(limits: CoapLimits) -> Self {
        let limits = Arc::new(limits);
        Self {
            client: Client::new(limits.clone(), 5),
            server: Endpoint::new(limits, 6, Box::new(|peer, window| (u64::from(*peer) ^ window).to_le_bytes())),
            out: ClientOutput::default(),
            served: Output::default(),
            now_ms: 0,
            arrival: Arrival::Proven,
            is_slow: false,
            taken: 0,
        }
    }

    /// Carries everything to and fro until nothing is left, but for what `is_lost` says; then lets time pass, and again.
    fn run(&mut self, mut is_lost: impl FnMut() -> bool) {
        for _ in 0..10_000 {
            for bytes in std::mem::take(&mut self.out.sends) {
                if !is_lost() {
                    self.server.receive(self.now_ms, 1, self.arrival, &bytes, &mut self.served);
                }
            }
            for event in std::mem::take(&mut self.served.events) {
                let (exchange, request) = match event {
                    Event::Request { exchange, request, .. } => (exchange, request),
                    other => panic!("{other:?}"),
                };
                self.taken += 1;
                if self.is_slow {
                    self.server.accept_later(self.now_ms, exchange, &mut self.served);
                }
                let body = if request.payload.is_empty() { Bytes::from(vec![3; 5_000]) } else { request.payload };
                let response = Response::new(Code::CONTENT).with_text(body);
                self.server.respond(self.now_ms, exchange, response, &mut self.served);
            }
            for (_, bytes) in std::mem::take(&mut self.served.sends) {
                if !is_lost() {
                    self.client.receive(self.now_ms, &bytes, &mut self.out);
                }
            }
            if self.out.sends.is_empty() {
                let Some(due_ms) = self.client.deadline() else { return };
                self.now_ms = self.now_ms.max(self.server.deadline().map_or(due_ms, |other| other.min(due_ms)));
                self.client.tick(self.now_ms, &mut self.out);
                self.server.tick(self.now_ms, &mut self.served);
            }
        }
        panic!("it does not end");
    }

    fn answer(&mut self) -> Answer {
        assert_eq!((self.out.answers.len(), self.client.pending()), (1, 0));
        self.out.answers.remove(0).1
    }
}

fn body(answer: Answer) -> Bytes {
    match answer {
        Answer::Response(response) => response.payload,
        other => panic!("{other:?}"),
    }
}

fn post(payload: impl Into<Bytes>) -> Request {
    Request::new(Code::POST).with_path("/x").with_payload(payload)
}

#[test]
fn a_request_is_answered_piggy_backed_and_separately() {
    for (is_slow, kind) in [(false, Kind::Con), (true, Kind::Con), (false, Kind::Non)] {
        let mut pair = Pair::new(CoapLimits::default());
        pair.is_slow = is_slow;
        pair.client.request(0, kind, post("41.9"), &mut pair.out);
        pair.run(|| false);
        assert_eq!(body(pair.answer()), "41.9");
    }
}

#[test]
fn large_bodies_go_both_ways_in_blocks_also_when_a_fifth_of_the_datagrams_is_lost() {
    let large: Vec<u8> = (0..10_000_u32).map(|byte| (byte / 7) as u8).collect();
    let mut pair = Pair::new(CoapLimits { max_retransmit: 12, ..CoapLimits::default() });
    let mut random = Random::new(9);
    pair.client.request(0, Kind::Con, post(large.clone()), &mut pair.out);
    pair.run(|| random.up_to(4) == 0);
    assert_eq!(body(pair.answer()), large);
    assert_eq!(pair.taken, 1);
}

#[test]
fn a_challenge_is_answered() {
    let mut pair = Pair::new(CoapLimits::default());
    pair.arrival = Arrival::Plain;
    pair.client.request(0, Kind::Con, Request::new(Code::GET).with_path("/x"), &mut pair.out);
    pair.run(|| false);
    assert_eq!(body(pair.answer()), vec![3; 5_000]);
    assert_eq!(pair.server.counters().challenges, 1);
}

#[test]
fn what_is_lost_is_given_up_and_a_reset_told() {
    let mut pair = Pair::new(CoapLimits::default());
    pair.client.request(0, Kind::Con, post("x"), &mut pair.out);
    let message = datagram::decode(&pair.out.sends[0], &CoapLimits::default()).unwrap();
    pair.run(|| true);
    assert_eq!(pair.answer(), Answer::TimedOut);
    assert!((62_000..=93_000).contains(&pair.now_ms), "{}", pair.now_ms);
    pair.client.request(0, Kind::Con, post("x"), &mut pair.out);
    let reset = Message::empty(Kind::Rst, message.id.wrapping_add(1));
    pair.client.receive(0, &datagram::encode(&reset), &mut pair.out);
    assert_eq!(pair.answer(), Answer::Reset);
}
