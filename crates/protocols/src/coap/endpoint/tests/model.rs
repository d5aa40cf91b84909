//! Clients behind a network that loses, repeats and reorders datagrams: what each of them asks reaches the application once, and
//! whoever waits long enough is answered.

use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::coap::message::Kind;

/// A CON that a client sends until it is answered, as RFC 7252 says.
struct Pending {
    message: Message,
    repeats: u32,
    due_ms: u64,
    timeout_ms: u64,
}

/// A client that asks one thing after the other.
struct Client {
    peer: u8,
    pending: Option<Pending>,
    /// The token of a request that is acknowledged and waits for its response.
    accepted: Option<Token>,
    next_id: u16,
    answered: Vec<Token>,
    given_up: usize,
}

struct Network {
    random: Random,
    /// By when they arrive: to a peer, or to the server.
    on_the_way: BTreeMap<(u64, u64), (u8, bool, Bytes)>,
    loss: u64,
}

impl Network {
    fn send(&mut self, now_ms: u64, peer: u8, to_server: bool, bytes: &Bytes) {
        // Some are lost, some come twice, all come late and in any order.
        for copy in 0..2 {
            let is_lost = self.random.up_to(99) < if copy == 0 { self.loss } else { 85 };
            if !is_lost {
                let at_ms = now_ms + self.random.up_to(3_000);
                self.on_the_way.insert((at_ms, self.random.next()), (peer, to_server, bytes.clone()));
            }
        }
    }
}

impl Client {
    fn step(&mut self, now_ms: u64, left: &mut u32, network: &mut Network) {
        match &mut self.pending {
            None if self.accepted.is_none() && *left > 0 => {
                *left -= 1;
                self.next_id = self.next_id.wrapping_add(1);
                let token = Token::new(&[self.peer, *left as u8, (*left >> 8) as u8]).unwrap();
                let payload = Bytes::copy_from_slice(token.as_bytes());
                let id = self.next_id;
                let kind = if network.random.up_to(4) == 0 { Kind::Non } else { Kind::Con };
                let message = Message { token, code: Code::POST, payload, ..Message::empty(kind, id) };
                network.send(now_ms, self.peer, true, &encode(&message));
                if kind == Kind::Con {
                    self.pending = Some(Pending { message, repeats: 0, due_ms: now_ms + 2_500, timeout_ms: 2_500 });
                }
            }
            Some(pending) if pending.due_ms <= now_ms && pending.repeats >= 4 => {
                self.given_up += 1;
                self.pending = None;
            }
            Some(pending) if pending.due_ms <= now_ms => {
                pending.repeats += 1;
                pending.timeout_ms *= 2;
                pending.due_ms = now_ms + pending.timeout_ms;
                network.send(now_ms, self.peer, true, &encode(&pending.message));
            }
            _ => {}
        }
    }

    fn receive(&mut self, now_ms: u64, bytes: &Bytes, network: &mut Network) {
        let message = read(bytes);
        assert!(
            message.code == Code::EMPTY || message.payload.as_ref() == message.token.as_bytes(),
            "another's answer"
        );
        match message.kind {
            Kind::Ack => {
                let Some(pending) = self.pending.take_if(|pending| pending.message.id == message.id) else { return };
                match message.code {
                    Code::EMPTY => self.accepted = Some(pending.message.token),
                    _ => self.answered.push(message.token),
                }
            }
            Kind::Con => {
                network.send(now_ms, self.peer, true, &encode(&Message::empty(Kind::Ack, message.id)));
                self.pending.take_if(|pending| pending.message.token == message.token);
                self.accepted.take_if(|token| *token == message.token);
                if !self.answered.contains(&message.token) {
                    self.answered.push(message.token);
                }
            }
            Kind::Non | Kind::Rst => {}
        }
    }
}

fn run(seed: u64, loss: u64) {
    let mut bench = Bench::new();
    let mut network = Network { random: Random::new(seed), on_the_way: BTreeMap::new(), loss };
    let mut clients: Vec<Client> = (1..=3)
        .map(|peer| Client { peer, pending: None, accepted: None, next_id: 65_530, answered: vec![], given_up: 0 })
        .collect();
    let mut left = [40_u32; 3];
    let mut taken: HashMap<Bytes, usize> = HashMap::new();
    let mut working: Vec<(u64, ExchangeId, Bytes)> = Vec::new();
    let began_ms = bench.now_ms;
    while bench.now_ms < began_ms + 6_000_000 {
        bench.now_ms += 100;
        let now_ms = bench.now_ms;
        for (client, left) in clients.iter_mut().zip(&mut left) {
            client.step(now_ms, left, &mut network);
            // A response that is never heard is given up, too.
            if loss > 0 && client.accepted.is_some() && network.random.up_to(1_500) == 0 {
                client.accepted = None;
                client.given_up += 1;
            }
        }
        while let Some(entry) = network.on_the_way.first_entry().filter(|entry| entry.key().0 <= now_ms) {
            let (peer, to_server, bytes) = entry.remove();
            match to_server {
                true => bench.endpoint.receive(now_ms, peer, Arrival::Proven, &bytes, &mut bench.out),
                false => clients[usize::from(peer) - 1].receive(now_ms, &bytes, &mut network),
            }
        }
        for (exchange, request) in bench.requests() {
            *taken.entry(request.payload.clone()).or_default() += 1;
            working.push((now_ms + network.random.up_to(4_000), exchange, request.payload));
        }
        let accept = network.random.up_to(3) == 0;
        for (done_ms, exchange, payload) in std::mem::take(&mut working) {
            if done_ms <= now_ms {
                let response = Response::new(Code::CHANGED).with_text(payload);
                bench.endpoint.respond(now_ms, exchange, response, &mut bench.out);
            } else {
                if accept {
                    bench.endpoint.accept_later(now_ms, exchange, &mut bench.out);
                }
                working.push((done_ms, exchange, payload));
            }
        }
        bench.endpoint.tick(now_ms, &mut bench.out);
        for (peer, bytes) in std::mem::take(&mut bench.out.sends) {
            network.send(now_ms, peer, false, &bytes);
        }
        let is_idle = |client: &Client| client.pending.is_none() && client.accepted.is_none();
        if left == [0; 3] && clients.iter().all(is_idle) && network.on_the_way.is_empty() {
            break;
        }
    }
    assert!(taken.values().all(|times| *times == 1), "{taken:?}");
    let given_up: usize = clients.iter().map(|client| client.given_up).sum();
    for token in clients.iter().flat_map(|client| &client.answered) {
        assert!(taken.contains_key(token.as_bytes()), "answered and not asked");
    }
    if loss == 0 {
        assert_eq!((given_up, taken.len()), (0, 120));
    }
}

#[test]
fn each_request_is_taken_once_whatever_the_network_does() {
    for seed in 0..6 {
        run(seed, 0);
        run(seed, 30);
        run(seed, 70);
    }
}
