//! One reliable connection: TCP, TLS or WebSocket (RFC 8323), as a machine without a socket and clock.
//!
//! Both sides begin with a CSM, in which they say how large a message they take. Ping is answered with Pong; a connection on
//! which nothing was heard for [`CoapLimits::keep_alive_ms`] is pinged, and closed after as long again. Messages are neither
//! repeated nor acknowledged, for the connection does both.
//!
//! Invariants:
//! - bytes that are no message close the connection with Abort, which says why;
//! - after [`Event::Close`] a connection does nothing any more;
//! - nothing larger is sent than the peer takes, as long as options stay below [`OPTIONS_ROOM`].
//!
//! Limits: those of [`CoapLimits`], for this connection alone.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sensorium_model::FastMap;

use super::CoapLimits;
use super::block::{Asked, Blocks, Carrier, Incoming};
use super::check::{is_unwanted, refusal, too_much};
use super::code::Code;
use super::message::{Request, Response, Token};
use super::observe::{GoneReason, ObserverId, Observers, Wishes};
use super::option::{self, Options};
use super::output::{Event, ExchangeId, Output};
use super::wire::DecodeError;
use super::wire::reliable::{self, Frame, Framing};

/// Bytes of a message that are left for its head and its options when a body is cut.
const OPTIONS_ROOM: usize = 128;
/// What a peer takes that did not say (section 5.3.1).
const DEFAULT_MESSAGE_BYTES: usize = 1_152;
/// Option of CSM: the largest message that is taken.
const MAX_MESSAGE_SIZE: u16 = 2;
/// Option of CSM: blocks are understood.
const BLOCK_WISE_TRANSFER: u16 = 4;

/// A request that waits for its answer.
#[derive(Debug)]
struct Exchange {
    token: Token,
    unwanted: u64,
    asked: Asked,
    wants_observation: bool,
}

/// A server's end of a reliable connection.
#[derive(Debug)]
pub struct Connection {
    limits: Arc<CoapLimits>,
    framing: Framing,
    blocks: Blocks<()>,
    observers: Observers<()>,
    exchanges: FastMap<ExchangeId, Exchange>,
    last_exchange: u64,
    /// What the peer takes; none before its CSM.
    peer: Option<Peer>,
    heard_ms: u64,
    is_pinged: bool,
    is_closed: bool,
}

/// What a peer said of itself.
#[derive(Debug, Clone, Copy)]
struct Peer {
    message_bytes: usize,
    has_blocks: bool,
}

impl Connection {
    /// A connection that begins with our CSM.
    pub fn new(limits: Arc<CoapLimits>, framing: Framing, now_ms: u64, out: &mut Output<()>) -> Self {
        let connection = Self {
            blocks: Blocks::new(limits.clone()),
            observers: Observers::new(limits.clone()),
            exchanges: FastMap::default(),
            last_exchange: 0,
            peer: None,
            heard_ms: now_ms,
            is_pinged: false,
            is_closed: false,
            framing,
            limits,
        };
        let mut options = Options::default();
        options.add_uint(MAX_MESSAGE_SIZE, connection.limits.message_bytes as u64);
        options.add(BLOCK_WISE_TRANSFER, Bytes::new());
        connection.send(Frame { code: Code::CSM, token: Token::default(), options, payload: Bytes::new() }, out);
        connection
    }

    /// Takes what TCP brought; what is the beginning of a message stays in the buffer.
    pub fn receive(&mut self, now_ms: u64, buffer: &mut BytesMut, out: &mut Output<()>) {
        while !self.is_closed {
            match reliable::decode_stream(buffer, &self.limits) {
                Ok(Some(frame)) => self.frame(now_ms, frame, out),
                Ok(None) => return,
                Err(error) => self.undecodable(now_ms, error, out),
            }
        }
        buffer.clear();
    }

    /// Takes one binary message of a WebSocket.
    pub fn receive_message(&mut self, now_ms: u64, message: &Bytes, out: &mut Output<()>) {
        if self.is_closed {
            return;
        }
        match reliable::decode_frame(message, &self.limits) {
            Ok(frame) => self.frame(now_ms, frame, out),
            Err(error) => self.undecodable(now_ms, error, out),
        }
    }

    /// Answers a request. One that does not wait any more is ignored.
    pub fn respond(&mut self, now_ms: u64, exchange: ExchangeId, response: Response, out: &mut Output<()>) {
        if let Some(exchange) = self.exchanges.remove(&exchange) {
            self.answer(now_ms, &exchange, response, out);
        }
    }

    /// Answers a request, and registers an observer, as [`Endpoint::observe`](super::Endpoint::observe) does.
    pub fn observe(
        &mut self,
        now_ms: u64,
        exchange: ExchangeId,
        wishes: Wishes,
        mut response: Response,
        out: &mut Output<()>,
    ) -> Option<ObserverId> {
        let exchange = self.exchanges.remove(&exchange)?;
        let mut observer = None;
        if exchange.wants_observation && !response.code.is_error() {
            if let Some(known) = self.observers.find((), exchange.token) {
                self.end_observation(known, GoneReason::Replaced, out);
            }
            if self.observers.has_room(()) {
                let (token, asked) = (exchange.token, exchange.asked.again());
                observer = Some(self.observers.register(now_ms, (), token, asked, wishes, &mut response));
            }
        }
        self.answer(now_ms, &exchange, response, out);
        observer
    }

    /// Says what the observed resource is now, as [`Endpoint::notify`](super::Endpoint::notify) does.
    pub fn notify(&mut self, now_ms: u64, observer: ObserverId, response: Response, out: &mut Output<()>) {
        if let Some(response) = self.observers.admit(now_ms, observer, response) {
            self.send_notification(now_ms, observer, response, out);
        }
    }

    /// Forgets an observer.
    pub fn forget_observer(&mut self, observer: ObserverId) {
        self.observers.remove(observer);
    }

    /// Says that the server stops; the peer may send what it waits for elsewhere (section 5.5).
    pub fn release(&mut self, out: &mut Output<()>) {
        if !self.is_closed {
            self.signal(Code::RELEASE, Token::default(), Bytes::new(), out);
            self.close("the server stops", out);
        }
    }

    /// Sends and closes what is due.
    pub fn tick(&mut self, now_ms: u64, out: &mut Output<()>) {
        if self.is_closed {
            return;
        }
        while let Some((observer, response)) = self.observers.take_due(now_ms) {
            self.send_notification(now_ms, observer, response, out);
        }
        self.blocks.tick(now_ms);
        let silence_ms = now_ms.saturating_sub(self.heard_ms);
        if silence_ms >= 2 * self.limits.keep_alive_ms {
            self.abort("nothing was heard for too long (setting coap.keep_alive_ms)", out);
        } else if silence_ms >= self.limits.keep_alive_ms && !self.is_pinged {
            self.is_pinged = true;
            self.signal(Code::PING, Token::default(), Bytes::new(), out);
        }
    }

    /// When [`Self::tick`] has something to do next.
    pub fn deadline(&self) -> u64 {
        let rounds = if self.is_pinged { 2 } else { 1 };
        let silent_ms = self.heard_ms + rounds * self.limits.keep_alive_ms;
        [self.observers.deadline(), self.blocks.deadline()].into_iter().flatten().fold(silent_ms, u64::min)
    }

    /// Whether nothing is taken any more.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Requests that wait for their answer.
    pub fn exchanges(&self) -> usize {
        self.exchanges.len()
    }

    fn frame(&mut self, now_ms: u64, frame: Frame, out: &mut Output<()>) {
        self.heard_ms = now_ms;
        self.is_pinged = false;
        match frame.code {
            code if code.is_signal() => self.signalled(frame, out),
            _ if self.peer.is_none() => self.abort("the first message is a CSM", out),
            code if code.is_request() => self.request(now_ms, frame, out),
            // A response to a server, or an empty message: there is nothing to be done about it (section 3.4).
            _ => {}
        }
    }

    /// Signals (section 5). Their options have numbers of their own.
    fn signalled(&mut self, frame: Frame, out: &mut Output<()>) {
        if frame.options.iter().any(|(number, _)| number & 1 == 1) {
            return self.abort("a critical option of a signal is not known", out);
        }
        match frame.code {
            Code::CSM => {
                let told =
                    frame.options.uint(MAX_MESSAGE_SIZE).map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
                let before = self.peer.map(|peer| (peer.message_bytes, peer.has_blocks));
                let (message_bytes, had_blocks) = before.unwrap_or((DEFAULT_MESSAGE_BYTES, false));
                let has_blocks = had_blocks || frame.options.get(BLOCK_WISE_TRANSFER).is_some();
                self.peer = Some(Peer { message_bytes: told.unwrap_or(message_bytes), has_blocks });
            }
            _ if self.peer.is_none() => self.abort("the first message is a CSM", out),
            Code::PING => self.signal(Code::PONG, frame.token, Bytes::new(), out),
            Code::RELEASE => self.close("the peer released the connection", out),
            Code::ABORT => self.close("the peer aborted the connection", out),
            _ => {}
        }
    }

    fn request(&mut self, now_ms: u64, frame: Frame, out: &mut Output<()>) {
        let mut exchange = Exchange {
            token: frame.token,
            unwanted: frame.options.uint(option::NO_RESPONSE).unwrap_or_default(),
            asked: Asked::NOTHING,
            wants_observation: false,
        };
        let mut request = Request { code: frame.code, options: frame.options, payload: frame.payload };
        if let Some(response) = refusal(&mut request) {
            return self.deliver(&exchange, response, out);
        }
        request.options.remove(option::ECHO);
        if self.exchanges.len() >= self.limits.exchanges {
            let busy = Response::new(Code::SERVICE_UNAVAILABLE).with_uint(option::MAX_AGE, 5);
            let text = "too many requests wait for their answer (setting coap.exchanges)";
            return self.deliver(&exchange, busy.with_text(text), out);
        }
        match self.blocks.incoming(now_ms, (), request, self.carrier()) {
            Incoming::Answer(response) => self.deliver(&exchange, response, out),
            Incoming::Whole(request, asked) => {
                exchange.asked = asked;
                exchange.wants_observation = request.wants_observation();
                if request.ends_observation()
                    && let Some(observer) = self.observers.find((), exchange.token)
                {
                    self.end_observation(observer, GoneReason::Deregistered, out);
                }
                self.last_exchange += 1;
                let id = ExchangeId(self.last_exchange);
                out.events.push(Event::Request {
                    peer: (),
                    exchange: id,
                    message_id: None,
                    is_confirmable: true,
                    is_multicast: false,
                    token: exchange.token,
                    request,
                });
                self.exchanges.insert(id, exchange);
            }
        }
    }

    fn answer(&mut self, now_ms: u64, exchange: &Exchange, response: Response, out: &mut Output<()>) {
        let response = self.blocks.outgoing(now_ms, (), &exchange.asked, response, self.carrier());
        self.deliver(exchange, response, out);
    }

    fn deliver(&self, exchange: &Exchange, response: Response, out: &mut Output<()>) {
        if !self.is_closed && !is_unwanted(exchange.unwanted, response.code) {
            let Response { code, options, payload } = response;
            self.send(Frame { code, token: exchange.token, options, payload }, out);
        }
    }

    fn send_notification(&mut self, now_ms: u64, id: ObserverId, response: Response, out: &mut Output<()>) {
        let carrier = self.carrier();
        let Some(observer) = self.observers.get_mut(id) else { return };
        let (token, asked) = (observer.token, observer.asked);
        let Response { code, options, payload } = self.blocks.outgoing(now_ms, (), &asked, response, carrier);
        self.send(Frame { code, token, options, payload }, out);
        if code.is_error() {
            self.end_observation(id, GoneReason::Failed, out);
        }
    }

    fn end_observation(&mut self, observer: ObserverId, reason: GoneReason, out: &mut Output<()>) {
        if self.observers.remove(observer).is_some() {
            out.events.push(Event::ObserverGone { peer: (), observer, reason });
        }
    }

    /// What is wrong with bytes: too large a request can be told, anything else ends the connection.
    fn undecodable(&mut self, now_ms: u64, error: DecodeError, out: &mut Output<()>) {
        match &error {
            DecodeError::Limit { code, token, .. } if code.is_request() && self.peer.is_some() => {
                self.heard_ms = now_ms;
                let exchange = Exchange { token: *token, unwanted: 0, asked: Asked::NOTHING, wants_observation: false };
                self.deliver(&exchange, too_much(&error, &self.limits), out);
            }
            _ => {
                self.signal(Code::ABORT, Token::default(), Bytes::from(error.to_string()), out);
                self.close("bytes that are no message", out);
            }
        }
    }

    fn abort(&mut self, reason: &'static str, out: &mut Output<()>) {
        self.signal(Code::ABORT, Token::default(), Bytes::from_static(reason.as_bytes()), out);
        self.close(reason, out);
    }

    fn close(&mut self, reason: &'static str, out: &mut Output<()>) {
        self.is_closed = true;
        self.exchanges.clear();
        for observer in self.observers.of_peer(()) {
            self.end_observation(observer, GoneReason::PeerGone, out);
        }
        out.events.push(Event::Close { reason });
    }

    fn signal(&self, code: Code, token: Token, payload: Bytes, out: &mut Output<()>) {
        self.send(Frame { code, token, options: Options::default(), payload }, out);
    }

    fn send(&self, frame: Frame, out: &mut Output<()>) {
        out.sends.push(((), reliable::encode(&frame, self.framing)));
    }

    /// What the peer takes.
    fn carrier(&self) -> Carrier {
        let peer = self.peer.unwrap_or(Peer { message_bytes: DEFAULT_MESSAGE_BYTES, has_blocks: false });
        let message_bytes = peer.message_bytes.min(self.limits.message_bytes).saturating_sub(OPTIONS_ROOM);
        Carrier { message_bytes, has_rows: peer.has_blocks && peer.message_bytes > DEFAULT_MESSAGE_BYTES }
    }
}

#[cfg(test)]
mod tests;
