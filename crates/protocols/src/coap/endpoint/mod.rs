//! Requests and responses in datagrams, as a machine without sockets and clock (RFC 7252, chapters 4 and 5): datagrams,
//! answers and the time go in, datagrams and [`Event`]s come out.
//!
//! What is a repeat: a message of the same peer with the same message id within [`EXCHANGE_LIFETIME_MS`] (sections 4.2 and
//! 4.5: the id and the endpoint alone say so, whatever the token and the payload). A client that was started again on the same
//! port and begins at a random id, as the laboratory's does, meets one of its last 64 ids once in about a thousand starts.
//!
//! Invariants:
//! - **a request reaches the application once**, as long as its id is remembered: a repeat gets the bytes that the first got,
//!   or nothing while these are not known; a repeat of a NON gets nothing;
//! - a response to a CON is in its acknowledgement, or comes as a CON of its own after [`Endpoint::accept_later`] and is sent
//!   again until it is acknowledged;
//! - what cannot be understood is answered with RST when it is a CON, and else ignored; so is a NON with an unknown critical
//!   option (section 5.4.1). Nothing answers an ACK or a RST, and no failure answers multicast (section 8.2);
//! - **a peer that has not shown where it is gets at most [`CoapLimits::amplification`] times its bytes** (RFC 9175, section
//!   2.6). What would be more loses its text when it is a failure or when the request changed something, which must not be
//!   asked for again; else it is 4.01 with an Echo option, and the client asks again with that. An observer shows it by
//!   acknowledging its first notification, and until then has one under way at most.
//!
//! Limits: those of [`CoapLimits`]. Of what is remembered of peers the longest silent peer's goes first; a request beyond
//! [`CoapLimits::exchanges`] gets 5.03.
//!
//! NSTART (section 4.7) is kept for each observer: one unacknowledged notification; responses are not held back.

mod counters;
mod inbound;
mod notify;
mod outbound;
mod peers;
pub(in crate::coap) mod random;
mod respond;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;
use sensorium_model::FastMap;

pub use self::counters::{Counters, Gauges};
use self::outbound::Outbound;
use self::peers::{Peers, Reply};
use self::random::Random;
use super::CoapLimits;
use super::block::{Asked, Blocks, Carrier};
use super::code::Code;
use super::message::{Kind, Token};
use super::observe::{GoneReason, ObserverId, Observers};
use super::output::{Event, ExchangeId, Output};

/// How long a message id stands for one message, in milliseconds (RFC 7252, section 4.8.2).
pub const EXCHANGE_LIFETIME_MS: u64 = 247_000;
/// A notification is to be acknowledged at least this often (RFC 7641, section 4.5): a minute before a day is over.
const CONFIRMED_MS: u64 = (24 * 60 - 1) * 60 * 1_000;
/// How long an Echo value is taken, at least (RFC 9175, section 2.3); at most twice as long.
const ECHO_WINDOW_MS: u64 = 60_000;
/// How often what is too old is looked for.
const SWEEP_MS: u64 = 10_000;

/// How a datagram came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// From whoever wrote this address on it.
    Plain,
    /// From a peer that is where it says: over DTLS, or in a network that is trusted.
    Proven,
    /// To the address of a group: from a network that is near, so no limit of amplification is kept.
    Multicast,
}

/// The Echo value of a peer for a span of time, of which the first argument is the peer and the second the number of the
/// span: a keyed hash of both, which nobody can guess.
pub type Challenge<P> = Box<dyn Fn(&P, u64) -> [u8; 8] + Send + Sync>;

/// Bytes of an Echo value: as many as the answer to the shortest request has room for.
const ECHO_BYTES: usize = 6;

/// The value of the option.
fn echo(challenge: &[u8; 8]) -> Bytes {
    Bytes::copy_from_slice(challenge.get(..ECHO_BYTES).unwrap_or_default())
}

/// A request that waits for its answer.
#[derive(Debug)]
struct Exchange<P> {
    peer: P,
    kind: Kind,
    id: u16,
    token: Token,
    code: Code,
    /// Of No-Response: the classes whose responses are not wanted.
    unwanted: u64,
    asked: Asked,
    wants_observation: bool,
    is_multicast: bool,
    /// Whether the peer may be sent as much as there is.
    is_proven: bool,
    /// Whether its acknowledgement was sent.
    is_acknowledged: bool,
    began_ms: u64,
}

/// A server's end of all its exchanges over datagrams. `P` tells peers apart: an address, or a session of DTLS.
pub struct Endpoint<P> {
    limits: Arc<CoapLimits>,
    challenge: Challenge<P>,
    random: Random,
    peers: Peers<P>,
    blocks: Blocks<P>,
    exchanges: FastMap<ExchangeId, Exchange<P>>,
    last_exchange: u64,
    observers: Observers<P>,
    outbound: Outbound<P>,
    /// The last notifications of observers, to know what a RST is about.
    notified: FastMap<(P, u16), ObserverId>,
    notified_ids: FastMap<ObserverId, VecDeque<u16>>,
    /// Answers to multicast, by when they are sent.
    leisurely: BTreeMap<(u64, u64), (P, Bytes)>,
    sweep_ms: u64,
    counters: Counters,
}

impl<P: fmt::Debug> fmt::Debug for Endpoint<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("counters", &self.counters).finish_non_exhaustive()
    }
}

impl<P: Copy + Eq + Hash> Endpoint<P> {
    /// An endpoint that knows nobody. Of the seed come message ids, times of retransmissions and leisure.
    pub fn new(limits: Arc<CoapLimits>, seed: u64, challenge: Challenge<P>) -> Self {
        Self {
            challenge,
            random: Random::new(seed),
            peers: Peers::new(limits.clone()),
            blocks: Blocks::new(limits.clone()),
            exchanges: FastMap::default(),
            last_exchange: 0,
            observers: Observers::new(limits.clone()),
            outbound: Outbound::default(),
            notified: FastMap::default(),
            notified_ids: FastMap::default(),
            leisurely: BTreeMap::new(),
            sweep_ms: 0,
            counters: Counters::default(),
            limits,
        }
    }

    /// Its limits.
    pub fn limits(&self) -> &CoapLimits {
        &self.limits
    }

    /// What it has done.
    pub fn counters(&self) -> Counters {
        Counters { evicted_peers: self.peers.evicted, ..self.counters }
    }

    /// What it holds.
    pub fn gauges(&self) -> Gauges {
        let (assemblies, assembly_bytes, kept_body_bytes) = self.blocks.usage();
        Gauges {
            peers: self.peers.len(),
            remembered_bytes: self.peers.bytes(),
            exchanges: self.exchanges.len(),
            observers: self.observers.len(),
            unacknowledged: self.outbound.len(),
            assemblies,
            assembly_bytes,
            kept_body_bytes,
        }
    }

    /// Says that a message was taken before, for example before a restart: a repeat gets this reply.
    pub fn remember(&mut self, now_ms: u64, peer: P, message_id: u16, reply: Bytes) {
        if self.peers.repeated(now_ms, peer, message_id).is_none() {
            self.peers.remember(now_ms, peer, message_id, Reply::Same(reply), &mut self.random);
        }
    }

    /// Forgets a peer whose session is over, with everything of it.
    pub fn forget_peer(&mut self, peer: P, out: &mut Output<P>) {
        for observer in self.observers.of_peer(peer) {
            self.end_observation(observer, GoneReason::PeerGone, out);
        }
        self.exchanges.retain(|_, exchange| exchange.peer != peer);
        self.outbound.forget(peer);
        self.blocks.forget(peer);
        self.peers.forget(peer);
    }

    /// Sends again and forgets what is due.
    pub fn tick(&mut self, now_ms: u64, out: &mut Output<P>) {
        while let Some(entry) = self.leisurely.first_entry().filter(|entry| entry.key().0 <= now_ms) {
            out.sends.push(entry.remove());
        }
        self.retransmit(now_ms, out);
        while let Some((observer, response)) = self.observers.take_due(now_ms) {
            self.send_notification(now_ms, observer, response, out);
        }
        self.blocks.tick(now_ms);
        if self.sweep_ms <= now_ms {
            self.sweep_ms = now_ms + SWEEP_MS;
            self.exchanges.retain(|_, exchange| exchange.began_ms + EXCHANGE_LIFETIME_MS > now_ms);
            self.peers.expire(now_ms);
        }
    }

    /// When [`Self::tick`] has something to do next.
    pub fn deadline(&self) -> Option<u64> {
        let is_idle = self.exchanges.is_empty() && self.peers.len() == 0;
        let leisure = self.leisurely.keys().next().map(|(due_ms, _)| *due_ms);
        let sweep = (!is_idle).then_some(self.sweep_ms);
        let others = [self.outbound.deadline(), self.observers.deadline(), self.blocks.deadline()];
        others.into_iter().chain([leisure, sweep]).flatten().min()
    }

    /// What a datagram carries.
    fn carrier(&self) -> Carrier {
        Carrier { message_bytes: self.limits.block_bytes.clamp(16, 1_024), has_rows: false }
    }
}
