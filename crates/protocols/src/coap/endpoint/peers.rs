//! What is remembered of peers: their last messages with the replies, what they were sent, and whether they are where they say.

use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;
use sensorium_model::FastMap;

use super::EXCHANGE_LIFETIME_MS;
use super::random::Random;
use crate::coap::CoapLimits;

/// What a message that comes again gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// Nothing: its reply is not known yet, or there is none.
    Nothing,
    /// The same as the first time.
    Same(Bytes),
}

impl Reply {
    fn bytes(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Same(bytes) => bytes.len(),
        }
    }
}

/// A message that was received.
#[derive(Debug)]
struct Seen {
    id: u16,
    at_ms: u64,
    reply: Reply,
}

/// Bytes that a remembered message costs besides its reply.
const SEEN_BYTES: usize = size_of::<Seen>();

#[derive(Debug)]
struct Peer {
    /// The oldest first.
    seen: VecDeque<Seen>,
    last_ms: u64,
    next_id: u16,
    is_proven: bool,
    received_bytes: u64,
    sent_bytes: u64,
}

impl Peer {
    fn bytes(&self) -> usize {
        self.seen.iter().map(|seen| SEEN_BYTES + seen.reply.bytes()).sum()
    }
}

/// All peers.
#[derive(Debug)]
pub(super) struct Peers<P> {
    limits: Arc<CoapLimits>,
    all: FastMap<P, Peer>,
    /// Each peer once, with when it was last heard of then: about the longest silent first.
    silent: VecDeque<(u64, P)>,
    bytes: usize,
    pub(super) evicted: u64,
}

impl<P: Copy + Eq + Hash> Peers<P> {
    pub(super) fn new(limits: Arc<CoapLimits>) -> Self {
        Self { limits, all: FastMap::default(), silent: VecDeque::new(), bytes: 0, evicted: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Bytes of what is remembered.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What a message gets that was received before; none when it is new.
    pub(super) fn repeated(&self, now_ms: u64, peer: P, id: u16) -> Option<&Reply> {
        let seen = &self.all.get(&peer)?.seen;
        let is_it = |seen: &&Seen| seen.id == id && seen.at_ms + EXCHANGE_LIFETIME_MS > now_ms;
        seen.iter().rev().find(is_it).map(|seen| &seen.reply)
    }

    /// Counts bytes that came from a peer. Only peers of which something is remembered have a count.
    pub(super) fn heard(&mut self, now_ms: u64, peer: P, bytes: usize) {
        if let Some(peer) = self.all.get_mut(&peer) {
            peer.last_ms = now_ms;
            peer.received_bytes += bytes as u64;
        }
    }

    /// Remembers a message; the oldest ones are forgotten when that is too much.
    pub(super) fn remember(&mut self, now_ms: u64, key: P, id: u16, reply: Reply, random: &mut Random) {
        let most = self.limits.remembered_messages.max(1);
        let added = SEEN_BYTES + reply.bytes();
        let peer = self.peer(now_ms, key, random);
        let mut removed = 0;
        while peer.seen.len() >= most
            || peer.seen.front().is_some_and(|seen| seen.at_ms + EXCHANGE_LIFETIME_MS <= now_ms)
        {
            removed += peer.seen.pop_front().map_or(0, |seen| SEEN_BYTES + seen.reply.bytes());
        }
        peer.seen.push_back(Seen { id, at_ms: now_ms, reply });
        self.bytes = self.bytes + added - removed;
        self.make_room(key);
    }

    /// Says what a remembered message gets from now on.
    pub(super) fn set_reply(&mut self, key: P, id: u16, reply: Reply) {
        let Some(peer) = self.all.get_mut(&key) else { return };
        let Some(seen) = peer.seen.iter_mut().rev().find(|seen| seen.id == id) else { return };
        self.bytes = self.bytes + reply.bytes() - seen.reply.bytes();
        seen.reply = reply;
        self.make_room(key);
    }

    /// The next message id for a peer.
    pub(super) fn next_id(&mut self, now_ms: u64, peer: P, random: &mut Random) -> u16 {
        let peer = self.peer(now_ms, peer, random);
        peer.next_id = peer.next_id.wrapping_add(1);
        peer.next_id
    }

    /// Says that a peer is where it says.
    pub(super) fn prove(&mut self, now_ms: u64, peer: P, random: &mut Random) {
        self.peer(now_ms, peer, random).is_proven = true;
    }

    pub(super) fn is_proven(&self, peer: P) -> bool {
        self.all.get(&peer).is_some_and(|peer| peer.is_proven)
    }

    /// Bytes that an unproven peer may still be sent.
    pub(super) fn allowance(&self, peer: P) -> u64 {
        let factor = u64::from(self.limits.amplification);
        self.all.get(&peer).map_or(0, |peer| (peer.received_bytes * factor).saturating_sub(peer.sent_bytes))
    }

    /// Counts bytes that go to a peer.
    pub(super) fn sent(&mut self, peer: P, bytes: usize) {
        if let Some(peer) = self.all.get_mut(&peer) {
            peer.sent_bytes += bytes as u64;
        }
    }

    pub(super) fn forget(&mut self, peer: P) {
        if let Some(peer) = self.all.remove(&peer) {
            self.bytes -= peer.bytes();
        }
    }

    /// Forgets peers that were not heard of for so long that none of their messages counts as a repeat.
    pub(super) fn expire(&mut self, now_ms: u64) {
        while self.silent.front().is_some_and(|(heard_ms, _)| heard_ms + EXCHANGE_LIFETIME_MS <= now_ms) {
            self.look_at_first(|last_ms| last_ms + EXCHANGE_LIFETIME_MS <= now_ms);
        }
        if self.silent.len() > 2 * self.all.len() + 64 {
            self.silent.retain(|(_, peer)| self.all.contains_key(peer));
        }
    }

    fn peer(&mut self, now_ms: u64, key: P, random: &mut Random) -> &mut Peer {
        let silent = &mut self.silent;
        self.all.entry(key).or_insert_with(|| {
            silent.push_back((now_ms, key));
            Peer {
                seen: VecDeque::new(),
                last_ms: now_ms,
                next_id: random.next() as u16,
                is_proven: false,
                received_bytes: 0,
                sent_bytes: 0,
            }
        })
    }

    /// Forgets peers until the others have room; never the one that was just heard.
    fn make_room(&mut self, heard: P) {
        while (self.all.len() > self.limits.peers.max(1) || self.bytes > self.limits.remembered_bytes)
            && self.all.len() > 1
        {
            let before = self.all.len();
            let Some((heard_ms, key)) = self.silent.front().copied() else { return };
            if key == heard {
                self.silent.rotate_left(1);
                continue;
            }
            // A peer that was heard since it was put in this row gets to its end.
            self.look_at_first(|last_ms| last_ms <= heard_ms);
            self.evicted += (before - self.all.len()) as u64;
        }
    }

    /// Takes the first peer out of the row: it is forgotten, or goes to the end.
    fn look_at_first(&mut self, is_over: impl Fn(u64) -> bool) {
        let Some((_, key)) = self.silent.pop_front() else { return };
        match self.all.get(&key).map(|peer| peer.last_ms) {
            None => {}
            Some(last_ms) if is_over(last_ms) => self.forget(key),
            Some(last_ms) => self.silent.push_back((last_ms, key)),
        }
    }
}
