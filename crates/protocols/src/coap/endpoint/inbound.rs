//! What comes in.

use std::hash::Hash;

use bytes::Bytes;

use super::{Arrival, ECHO_WINDOW_MS, Endpoint, Event, Exchange, ExchangeId, Output, Reply, echo};
use crate::coap::block::{Asked, Incoming};
use crate::coap::check::{refusal, too_much};
use crate::coap::code::Code;
use crate::coap::message::{Kind, Message, Request, Response};
use crate::coap::observe::GoneReason;
use crate::coap::option;
use crate::coap::wire::{DecodeError, datagram};

impl<P: Copy + Eq + Hash> Endpoint<P> {
    /// Takes a datagram. What is kept of it beyond its answer is copied.
    pub fn receive(&mut self, now_ms: u64, peer: P, arrival: Arrival, datagram: &Bytes, out: &mut Output<P>) {
        self.counters.datagrams += 1;
        let Some((kind, code, id, _)) = datagram::header(datagram) else {
            self.counters.malformed += 1;
            return;
        };
        if arrival == Arrival::Proven {
            self.peers.prove(now_ms, peer, &mut self.random);
        }
        if matches!(kind, Kind::Ack | Kind::Rst) {
            // A response that somebody sends to a server in an acknowledgement answers nothing here.
            return match datagram.len() == 4 && code == Code::EMPTY {
                true => self.acknowledged(now_ms, peer, kind, id, out),
                false => self.counters.malformed += 1,
            };
        }
        if let Some(reply) = self.peers.repeated(now_ms, peer, id) {
            self.counters.repeats += 1;
            let reply = reply.clone();
            self.peers.heard(now_ms, peer, datagram.len());
            if let Reply::Same(bytes) = reply {
                // A repeat may be shorter than what it repeats.
                let fits = self.peers.allowance(peer) >= bytes.len() as u64;
                if self.is_proven(peer, arrival) || fits {
                    self.peers.sent(peer, bytes.len());
                    out.sends.push((peer, bytes));
                } else {
                    self.counters.curtailed += 1;
                }
            }
            return;
        }
        match datagram::decode(datagram, &self.limits) {
            Ok(message) if message.code.is_request() => {
                self.request(now_ms, peer, arrival, message, datagram.len(), out);
            }
            Ok(message) => {
                match message.code == Code::EMPTY && kind == Kind::Con && arrival != Arrival::Multicast {
                    true => self.counters.pings += 1,
                    false => self.counters.malformed += 1,
                }
                reset(peer, arrival, kind, id, out);
            }
            Err(error) => self.undecodable(now_ms, peer, arrival, datagram.len(), (kind, id), &error, out),
        }
    }

    /// Tells the sender of a CON what is too much in its request, or that its message is none.
    #[expect(clippy::too_many_arguments, reason = "what is known of a message that was not read")]
    fn undecodable(
        &mut self,
        now_ms: u64,
        peer: P,
        arrival: Arrival,
        bytes: usize,
        (kind, id): (Kind, u16),
        error: &DecodeError,
        out: &mut Output<P>,
    ) {
        match *error {
            DecodeError::Limit { code, token, .. } if code.is_request() => {
                self.counters.refused += 1;
                if kind == Kind::Con && arrival != Arrival::Multicast {
                    self.remember_new(now_ms, peer, id, bytes);
                    let message = Message { code, token, ..Message::empty(kind, id) };
                    let exchange = self.exchange(now_ms, peer, arrival, &message);
                    self.deliver(now_ms, exchange, too_much(error, &self.limits), out);
                }
            }
            _ => {
                self.counters.malformed += 1;
                reset(peer, arrival, kind, id, out);
            }
        }
    }

    fn request(&mut self, now_ms: u64, peer: P, arrival: Arrival, message: Message, bytes: usize, out: &mut Output<P>) {
        let (kind, id) = (message.kind, message.id);
        if arrival == Arrival::Multicast && kind == Kind::Con {
            // Must not be (section 8.1), and an answer would come from everybody.
            self.counters.malformed += 1;
            return;
        }
        let mut exchange = self.exchange(now_ms, peer, arrival, &message);
        let mut request = Request { code: message.code, options: message.options, payload: message.payload };
        let refused = refusal(&mut request);
        if refused.is_some() {
            self.counters.refused += 1;
            if kind == Kind::Non {
                return;
            }
        }
        self.remember_new(now_ms, peer, id, bytes);
        self.echoed(now_ms, peer, &mut request);
        if arrival == Arrival::Proven {
            self.peers.prove(now_ms, peer, &mut self.random);
        }
        exchange.is_proven |= self.peers.is_proven(peer);
        if let Some(response) = refused {
            return self.deliver(now_ms, exchange, response, out);
        }
        if self.exchanges.len() >= self.limits.exchanges {
            self.counters.refused += 1;
            let busy = Response::new(Code::SERVICE_UNAVAILABLE).with_uint(option::MAX_AGE, 5);
            let text = "too many requests wait for their answer (setting coap.exchanges)";
            return self.deliver(now_ms, exchange, busy.with_text(text), out);
        }
        match self.blocks.incoming(now_ms, peer, request, self.carrier()) {
            Incoming::Answer(response) => self.deliver(now_ms, exchange, response, out),
            Incoming::Whole(request, asked) => {
                exchange.asked = asked;
                if request.ends_observation()
                    && let Some(observer) = self.observers.find(peer, exchange.token)
                {
                    self.end_observation(observer, GoneReason::Deregistered, out);
                }
                self.hand_over(exchange, request, out);
            }
        }
    }

    /// Gives a request to the application.
    fn hand_over(&mut self, mut exchange: Exchange<P>, request: Request, out: &mut Output<P>) {
        self.last_exchange += 1;
        let id = ExchangeId(self.last_exchange);
        exchange.wants_observation = request.wants_observation() && !exchange.is_multicast;
        self.counters.requests += 1;
        out.events.push(Event::Request {
            peer: exchange.peer,
            exchange: id,
            message_id: Some(exchange.id),
            is_confirmable: exchange.kind == Kind::Con,
            is_multicast: exchange.is_multicast,
            token: exchange.token,
            request,
        });
        self.exchanges.insert(id, exchange);
    }

    fn remember_new(&mut self, now_ms: u64, peer: P, id: u16, bytes: usize) {
        self.peers.remember(now_ms, peer, id, Reply::Nothing, &mut self.random);
        self.peers.heard(now_ms, peer, bytes);
    }

    /// Believes a peer that says again what it was told, and takes that out of its request.
    fn echoed(&mut self, now_ms: u64, peer: P, request: &mut Request) {
        let Some(value) = request.options.get(option::ECHO) else { return };
        let window = now_ms / ECHO_WINDOW_MS;
        let is_ours = |window| echo(&(self.challenge)(&peer, window)) == *value;
        if is_ours(window) || window.checked_sub(1).is_some_and(is_ours) {
            self.peers.prove(now_ms, peer, &mut self.random);
        }
        request.options.remove(option::ECHO);
    }

    /// Whether a peer may be sent as much as there is.
    pub(super) fn is_proven(&self, peer: P, arrival: Arrival) -> bool {
        arrival != Arrival::Plain || self.limits.amplification == 0 || self.peers.is_proven(peer)
    }

    /// The exchange that a request begins.
    fn exchange(&self, now_ms: u64, peer: P, arrival: Arrival, message: &Message) -> Exchange<P> {
        Exchange {
            peer,
            kind: message.kind,
            id: message.id,
            token: message.token,
            code: message.code,
            unwanted: message.options.uint(option::NO_RESPONSE).unwrap_or_default(),
            asked: Asked::NOTHING,
            wants_observation: false,
            is_multicast: arrival == Arrival::Multicast,
            is_proven: self.is_proven(peer, arrival),
            is_acknowledged: false,
            began_ms: now_ms,
        }
    }
}

/// Answers a CON that is not understood.
fn reset<P>(peer: P, arrival: Arrival, kind: Kind, id: u16, out: &mut Output<P>) {
    if kind == Kind::Con && arrival != Arrival::Multicast {
        out.sends.push((peer, datagram::encode(&Message::empty(Kind::Rst, id))));
    }
}
