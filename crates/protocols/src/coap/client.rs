//! A client's end of exchanges with one server over datagrams, without a socket and clock: for simulated devices and
//! measurements. It sends a request again until it is acknowledged, sends large bodies in blocks and fetches large responses,
//! and asks again with what an Echo challenge told.
//!
//! Invariants: each request that was begun ends with one [`Answer`]; a response that comes twice is told once.
//!
//! Limits: those of [`CoapLimits`] for retransmission, blocks and bodies. It does not observe.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sensorium_model::FastMap;

use super::CoapLimits;
use super::block::Block;
use super::code::Code;
use super::endpoint::EXCHANGE_LIFETIME_MS;
use super::endpoint::random::Random;
use super::message::{Kind, Message, Request, Response, Token};
use super::option;
use super::wire::datagram;

/// The number of a request inside its client; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The whole response.
    Response(Response),
    /// The server did not understand the message.
    Reset,
    /// Nothing came in time.
    TimedOut,
    /// The blocks of the response do not fit together.
    Broken,
}

/// What comes out of a client; it is for the caller to use again.
#[derive(Debug, Default)]
pub struct ClientOutput {
    /// Datagrams to the server.
    pub sends: Vec<Bytes>,
    /// Requests that are over.
    pub answers: Vec<(RequestId, Answer)>,
}

/// A request that is under way.
#[derive(Debug)]
struct Pending {
    kind: Kind,
    /// The whole of it.
    request: Request,
    /// Where the block begins that is under way, and the size of blocks.
    sent: usize,
    exponent: u8,
    /// The part of the response that is there, with its first message.
    fetched: BytesMut,
    first: Option<Response>,
    was_challenged: bool,
    id: u16,
    bytes: Bytes,
    repeats: u32,
    timeout_ms: u64,
    due_ms: u64,
    is_acknowledged: bool,
}

/// A client of one server.
#[derive(Debug)]
pub struct Client {
    limits: Arc<CoapLimits>,
    random: Random,
    pending: FastMap<u64, Pending>,
    due: BTreeSet<(u64, u64)>,
    /// By message id, for acknowledgements without a token.
    by_id: FastMap<u16, u64>,
    next_id: u16,
    last: u64,
}

impl Client {
    /// A client whose message ids and tokens begin where the seed says.
    pub fn new(limits: Arc<CoapLimits>, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (next_id, last) = (random.next() as u16, random.next() >> 1);
        let pending = FastMap::default();
        Self { limits, random, pending, due: BTreeSet::new(), by_id: FastMap::default(), next_id, last }
    }

    /// Begins a request: a CON, or a NON, which is sent once.
    pub fn request(&mut self, now_ms: u64, kind: Kind, request: Request, out: &mut ClientOutput) -> RequestId {
        self.last += 1;
        let exponent = self.limits.block_bytes.clamp(16, 1_024).ilog2() as u8 - 4;
        let pending = Pending {
            kind,
            request,
            sent: 0,
            exponent,
            fetched: BytesMut::new(),
            first: None,
            was_challenged: false,
            id: 0,
            bytes: Bytes::new(),
            repeats: 0,
            timeout_ms: 0,
            due_ms: 0,
            is_acknowledged: false,
        };
        let number = self.last;
        self.send(now_ms, number, pending, out);
        RequestId(number)
    }

    /// Takes a datagram of the server.
    pub fn receive(&mut self, now_ms: u64, datagram: &Bytes, out: &mut ClientOutput) {
        let Ok(message) = datagram::decode(datagram, &self.limits) else { return };
        match (message.kind, message.code) {
            (Kind::Ack | Kind::Rst, Code::EMPTY) => {
                let Some(number) = self.by_id.get(&message.id).copied() else { return };
                if message.kind == Kind::Rst {
                    return self.end(number, Answer::Reset, out);
                }
                if let Some(pending) = self.pending.get_mut(&number) {
                    // The response comes later; it is not waited for without end.
                    pending.is_acknowledged = true;
                    self.due.remove(&(pending.due_ms, number));
                    pending.due_ms = now_ms + EXCHANGE_LIFETIME_MS;
                    self.due.insert((pending.due_ms, number));
                }
            }
            (kind, code) if code.is_response() => {
                if kind == Kind::Con {
                    out.sends.push(datagram::encode(&Message::empty(Kind::Ack, message.id)));
                }
                let Some(number) = number_of(message.token) else { return };
                let is_ours = |pending: &Pending| kind != Kind::Ack || pending.id == message.id;
                if self.pending.get(&number).is_some_and(is_ours)
                    && let Some(pending) = self.take(number)
                {
                    let Message { options, payload, .. } = message;
                    self.responded(now_ms, number, pending, Response { code, options, payload }, out);
                }
            }
            (Kind::Con, _) => out.sends.push(datagram::encode(&Message::empty(Kind::Rst, message.id))),
            _ => {}
        }
    }

    /// Sends again and gives up what is due.
    pub fn tick(&mut self, now_ms: u64, out: &mut ClientOutput) {
        while let Some((_, number)) = self.due.first().copied().filter(|(due_ms, _)| *due_ms <= now_ms) {
            let Some(mut pending) = self.take(number) else { return };
            let is_over =
                pending.kind == Kind::Non || pending.is_acknowledged || pending.repeats >= self.limits.max_retransmit;
            if is_over {
                out.answers.push((RequestId(number), Answer::TimedOut));
                continue;
            }
            pending.repeats += 1;
            pending.timeout_ms *= 2;
            pending.due_ms = now_ms + pending.timeout_ms;
            out.sends.push(pending.bytes.clone());
            self.put(number, pending);
        }
    }

    /// When [`Self::tick`] has something to do next.
    pub fn deadline(&self) -> Option<u64> {
        self.due.first().map(|(due_ms, _)| *due_ms)
    }

    /// Requests that are under way.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Goes on with a response: the next block either way, the same again with an Echo, or the end.
    fn responded(
        &mut self,
        now_ms: u64,
        number: u64,
        mut pending: Pending,
        response: Response,
        out: &mut ClientOutput,
    ) {
        if response.code == Code::UNAUTHORIZED
            && !pending.was_challenged
            && let Some(echo) = response.options.get(option::ECHO)
        {
            pending.was_challenged = true;
            pending.request.options.set(option::ECHO, echo.clone());
            return self.send(now_ms, number, pending, out);
        }
        if response.code == Code::CONTINUE
            && let Some(block) = Block::of(&response.options, option::BLOCK1)
        {
            // What was sent is there; the rest goes in blocks of the size that the server wants.
            pending.sent += 1 << (pending.exponent + 4);
            pending.exponent = pending.exponent.min(block.exponent);
            if pending.sent >= pending.request.payload.len() {
                out.answers.push((RequestId(number), Answer::Broken));
                return;
            }
            return self.send(now_ms, number, pending, out);
        }
        let block = Block::of(&response.options, option::BLOCK2).filter(|_| !response.code.is_error());
        let Some(block) = block else {
            out.answers.push((RequestId(number), Answer::Response(response)));
            return;
        };
        let etag = |response: &Response| response.options.get(option::ETAG).cloned();
        let fits = block.offset() == pending.fetched.len()
            && pending.first.as_ref().is_none_or(|first| etag(first) == etag(&response))
            && pending.fetched.len() + response.payload.len() <= self.limits.body_bytes
            && !(block.has_more && response.payload.is_empty());
        if !fits {
            out.answers.push((RequestId(number), Answer::Broken));
            return;
        }
        pending.fetched.extend_from_slice(&response.payload);
        let mut first = pending.first.take().unwrap_or(response);
        if block.has_more {
            pending.exponent = block.exponent;
            pending.first = Some(first);
            return self.send(now_ms, number, pending, out);
        }
        first.payload = pending.fetched.freeze();
        first.options.remove(option::BLOCK2);
        out.answers.push((RequestId(number), Answer::Response(first)));
    }

    /// Sends the message that comes next of a request, under a message id of its own.
    fn send(&mut self, now_ms: u64, number: u64, mut pending: Pending, out: &mut ClientOutput) {
        self.next_id = self.next_id.wrapping_add(1);
        pending.id = self.next_id;
        let (mut options, whole) = (pending.request.options.clone(), &pending.request.payload);
        let block_bytes = 1 << (pending.exponent + 4);
        let block =
            |at: usize, has_more| Block { number: (at / block_bytes) as u32, has_more, exponent: pending.exponent };
        let payload = if pending.first.is_some() {
            options.set_uint(option::BLOCK2, block(pending.fetched.len(), false).value());
            Bytes::new()
        } else if whole.len() > block_bytes {
            let end = whole.len().min(pending.sent + block_bytes);
            options.set_uint(option::BLOCK1, block(pending.sent, end < whole.len()).value());
            if pending.sent == 0 {
                options.set_uint(option::SIZE1, whole.len() as u64);
            }
            whole.slice(pending.sent..end)
        } else {
            whole.clone()
        };
        let token = Token::new(&number.to_be_bytes()).unwrap_or_default();
        let code = pending.request.code;
        pending.bytes =
            datagram::encode(&Message { kind: pending.kind, id: pending.id, code, token, options, payload });
        pending.repeats = 0;
        pending.is_acknowledged = false;
        pending.timeout_ms = match pending.kind {
            Kind::Con => self.limits.ack_timeout_ms + self.random.up_to(self.limits.ack_timeout_ms / 2),
            _ => EXCHANGE_LIFETIME_MS,
        };
        pending.due_ms = now_ms + pending.timeout_ms;
        out.sends.push(pending.bytes.clone());
        self.put(number, pending);
    }

    fn put(&mut self, number: u64, pending: Pending) {
        self.due.insert((pending.due_ms, number));
        self.by_id.insert(pending.id, number);
        self.pending.insert(number, pending);
    }

    fn take(&mut self, number: u64) -> Option<Pending> {
        let pending = self.pending.remove(&number)?;
        self.due.remove(&(pending.due_ms, number));
        if self.by_id.get(&pending.id) == Some(&number) {
            self.by_id.remove(&pending.id);
        }
        Some(pending)
    }

    fn end(&mut self, number: u64, answer: Answer, out: &mut ClientOutput) {
        if self.take(number).is_some() {
            out.answers.push((RequestId(number), answer));
        }
    }
}

/// The number of the request that a token stands for.
fn number_of(token: Token) -> Option<u64> {
    token.as_bytes().try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests;
