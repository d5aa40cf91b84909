//! What goes out in answer to requests.

use std::hash::Hash;

use super::{ECHO_WINDOW_MS, Endpoint, Exchange, ExchangeId, Kind, Output, Reply, echo};
use crate::coap::check::is_unwanted;
use crate::coap::code::Code;
use crate::coap::message::{Message, Response};
use crate::coap::observe::{GoneReason, ObserverId, Wishes};
use crate::coap::option;
use crate::coap::wire::datagram;

/// Bytes of a notification beside its payload and the response's own options: header, token, Observe, the payload's marker.
const OVERHEAD: usize = 4 + 8 + 5 + 1;

impl<P: Copy + Eq + Hash> Endpoint<P> {
    /// Answers a request. One that does not wait any more is ignored.
    pub fn respond(&mut self, now_ms: u64, exchange: ExchangeId, response: Response, out: &mut Output<P>) {
        if let Some(exchange) = self.exchanges.remove(&exchange) {
            self.answer(now_ms, exchange, response, out);
        }
    }

    /// Answers a request, and registers who asked as an observer. None when that was not asked for, when the response tells a
    /// failure, when there are too many observers (the answer then does not say that the client is one; RFC 7641, section
    /// 4.1), or when the peer has to show first where it is: unless it may be sent this answer and another one like it, which it
    /// then has to acknowledge.
    pub fn observe(
        &mut self,
        now_ms: u64,
        exchange: ExchangeId,
        wishes: Wishes,
        mut response: Response,
        out: &mut Output<P>,
    ) -> Option<ObserverId> {
        let exchange = self.exchanges.remove(&exchange)?;
        if exchange.wants_observation && !exchange.is_proven && !self.may_be_told(exchange.peer, &response) {
            self.challenge(now_ms, exchange, out);
            return None;
        }
        let mut observer = None;
        if exchange.wants_observation && !response.code.is_error() {
            let (peer, token) = (exchange.peer, exchange.token);
            if let Some(known) = self.observers.find(peer, token) {
                self.end_observation(known, GoneReason::Replaced, out);
            }
            if self.observers.has_room(peer) {
                let asked = exchange.asked.again();
                observer = Some(self.observers.register(now_ms, peer, token, asked, wishes, &mut response));
            }
        }
        self.answer(now_ms, exchange, response, out);
        observer
    }

    /// Acknowledges a CON whose response takes longer; that comes as a CON of its own (RFC 7252, section 5.2.2). From now on
    /// it is waited for as long as for a request that has just come.
    pub fn accept_later(&mut self, now_ms: u64, exchange: ExchangeId, out: &mut Output<P>) {
        let Some(exchange) = self.exchanges.get_mut(&exchange) else { return };
        if exchange.kind != Kind::Con || exchange.is_acknowledged {
            return;
        }
        exchange.is_acknowledged = true;
        exchange.began_ms = now_ms;
        let (peer, id) = (exchange.peer, exchange.id);
        self.acknowledge(peer, id, out);
    }

    /// Makes messages of a whole response and sends the first.
    fn answer(&mut self, now_ms: u64, exchange: Exchange<P>, response: Response, out: &mut Output<P>) {
        let carrier = self.carrier();
        let response = self.blocks.outgoing(now_ms, exchange.peer, &exchange.asked, response, carrier);
        self.deliver(now_ms, exchange, response, out);
    }

    /// Sends what fits into one message, as the exchange wants it.
    pub(super) fn deliver(&mut self, now_ms: u64, exchange: Exchange<P>, response: Response, out: &mut Output<P>) {
        let is_con = exchange.kind == Kind::Con;
        let is_useless = response.code.is_error() || (response.code == Code::CONTENT && response.payload.is_empty());
        if is_unwanted(exchange.unwanted, response.code) || (exchange.is_multicast && is_useless) {
            if is_con && !exchange.is_acknowledged {
                self.acknowledge(exchange.peer, exchange.id, out);
            }
            return;
        }
        let (kind, id) = match (exchange.kind, exchange.is_acknowledged) {
            (Kind::Con, false) => (Kind::Ack, exchange.id),
            (Kind::Con, true) => (Kind::Con, self.peers.next_id(now_ms, exchange.peer, &mut self.random)),
            _ => (Kind::Non, self.peers.next_id(now_ms, exchange.peer, &mut self.random)),
        };
        let Response { code, options, payload } = response;
        let mut message = Message { kind, id, code, token: exchange.token, options, payload };
        if !exchange.is_proven && !self.curtail(&exchange, &mut message) {
            if exchange.code.is_safe() && !message.code.is_error() {
                return self.challenge(now_ms, exchange, out);
            }
            return;
        }
        let peer = exchange.peer;
        let bytes = datagram::encode(&message);
        if exchange.is_multicast {
            let due_ms = now_ms + self.random.up_to(self.limits.leisure_ms);
            let order = self.random.next();
            self.peers.sent(peer, bytes.len());
            self.leisurely.insert((due_ms, order), (peer, bytes));
            return;
        }
        match kind {
            Kind::Ack => self.peers.set_reply(peer, id, Reply::Same(bytes.clone())),
            Kind::Con => self.await_acknowledgement(now_ms, peer, id, bytes.clone(), None, exchange.is_proven),
            Kind::Non | Kind::Rst => {}
        }
        self.peers.sent(peer, bytes.len());
        out.sends.push((peer, bytes));
    }

    /// Whether an unproven peer may be sent a response and another one of the same length.
    fn may_be_told(&self, peer: P, response: &Response) -> bool {
        let bytes = response.payload.len() + response.options.iter().map(|(_, value)| value.len() + 1).sum::<usize>();
        2 * (bytes + OVERHEAD) as u64 <= self.peers.allowance(peer)
    }

    /// Makes a message as short as an unproven peer may be sent; whether it can be sent at all.
    fn curtail(&mut self, exchange: &Exchange<P>, message: &mut Message) -> bool {
        let allowance = self.peers.allowance(exchange.peer);
        let fits = |message: &Message| datagram::encoded_bytes(message) as u64 <= allowance;
        if fits(message) {
            return true;
        }
        self.counters.curtailed += 1;
        if exchange.code.is_safe() && !message.code.is_error() {
            return false;
        }
        message.payload.clear();
        if !fits(message) {
            message.options.retain(|number, _| number & 1 == 1 || number == option::ECHO);
        }
        fits(message)
    }

    /// Asks a peer to show where it is: it asks again with what it is told (RFC 9175, section 2.4).
    fn challenge(&mut self, now_ms: u64, exchange: Exchange<P>, out: &mut Output<P>) {
        self.counters.challenges += 1;
        let value = (self.challenge)(&exchange.peer, now_ms / ECHO_WINDOW_MS);
        let response = Response::new(Code::UNAUTHORIZED).with_option(option::ECHO, echo(&value));
        self.deliver(now_ms, exchange, response, out);
    }

    /// Sends an acknowledgement without a response, which repeats of the message get, too.
    fn acknowledge(&mut self, peer: P, id: u16, out: &mut Output<P>) {
        let bytes = datagram::encode(&Message::empty(Kind::Ack, id));
        self.peers.set_reply(peer, id, Reply::Same(bytes.clone()));
        self.peers.sent(peer, bytes.len());
        out.sends.push((peer, bytes));
    }
}
