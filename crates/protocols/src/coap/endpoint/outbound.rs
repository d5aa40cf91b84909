//! Messages that wait for their acknowledgement, and are sent again meanwhile (RFC 7252, section 4.2).

use std::collections::BTreeSet;
use std::hash::Hash;

use bytes::Bytes;
use sensorium_model::FastMap;

use super::{Endpoint, GoneReason, Kind, ObserverId, Output};

/// A message that is not acknowledged.
#[derive(Debug)]
pub(super) struct Unacknowledged<P> {
    peer: P,
    id: u16,
    pub(super) bytes: Bytes,
    /// How often it was sent again.
    repeats: u32,
    timeout_ms: u64,
    due_ms: u64,
    /// Whom it notifies, if it is a notification.
    pub(super) observer: Option<ObserverId>,
    /// Whether the peer may be sent as much as there is.
    is_proven: bool,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Outbound<P> {
    all: FastMap<u64, Unacknowledged<P>>,
    by_id: FastMap<(P, u16), u64>,
    due: BTreeSet<(u64, u64)>,
    last: u64,
}

impl<P> Default for Outbound<P> {
    fn default() -> Self {
        Self { all: FastMap::default(), by_id: FastMap::default(), due: BTreeSet::new(), last: 0 }
    }
}

impl<P: Copy + Eq + Hash> Outbound<P> {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        self.due.first().map(|(due_ms, _)| *due_ms)
    }

    fn insert(&mut self, message: Unacknowledged<P>) {
        self.last += 1;
        self.due.insert((message.due_ms, self.last));
        if let Some(other) = self.by_id.insert((message.peer, message.id), self.last) {
            // The ids went once around while a message waited: its acknowledgement cannot be told from that of the new one.
            self.all.remove(&other);
        }
        self.all.insert(self.last, message);
    }

    /// Takes a message out that is acknowledged or reset.
    fn settle(&mut self, peer: P, id: u16) -> Option<Unacknowledged<P>> {
        let key = self.by_id.remove(&(peer, id))?;
        let message = self.all.remove(&key)?;
        self.due.remove(&(message.due_ms, key));
        Some(message)
    }

    /// Takes a message out that is due.
    fn take_due(&mut self, now_ms: u64) -> Option<Unacknowledged<P>> {
        while let Some((due_ms, key)) = self.due.first().copied() {
            if due_ms > now_ms {
                return None;
            }
            self.due.pop_first();
            if let Some(message) = self.all.remove(&key) {
                self.by_id.remove(&(message.peer, message.id));
                return Some(message);
            }
        }
        None
    }

    /// Forgets what waits for one observer.
    pub(super) fn forget_observer(&mut self, observer: ObserverId, peer: P, ids: impl IntoIterator<Item = u16>) {
        for id in ids {
            let is_it = |key| self.all.get(key).is_some_and(|message| message.observer == Some(observer));
            if self.by_id.get(&(peer, id)).is_some_and(is_it) {
                self.settle(peer, id);
            }
        }
    }

    /// Forgets everything of a peer.
    pub(super) fn forget(&mut self, peer: P) {
        self.all.retain(|_, message| message.peer != peer);
        self.by_id.retain(|(other, _), _| *other != peer);
        self.due.retain(|(_, key)| self.all.contains_key(key));
    }
}

impl<P: Copy + Eq + Hash> Endpoint<P> {
    /// Sends a message again until it is acknowledged.
    pub(super) fn await_acknowledgement(
        &mut self,
        now_ms: u64,
        peer: P,
        id: u16,
        bytes: Bytes,
        observer: Option<ObserverId>,
        is_proven: bool,
    ) {
        // ACK_RANDOM_FACTOR is 1.5.
        let timeout_ms = self.limits.ack_timeout_ms + self.random.up_to(self.limits.ack_timeout_ms / 2);
        let due_ms = now_ms + timeout_ms;
        self.outbound.insert(Unacknowledged { peer, id, bytes, repeats: 0, timeout_ms, due_ms, observer, is_proven });
    }

    /// An acknowledgement or a reset came.
    pub(super) fn acknowledged(&mut self, now_ms: u64, peer: P, kind: Kind, id: u16, out: &mut Output<P>) {
        let message = self.outbound.settle(peer, id);
        if kind == Kind::Rst {
            let observer = message.and_then(|message| message.observer);
            if let Some(observer) = observer.or_else(|| self.notified.get(&(peer, id)).copied()) {
                self.end_observation(observer, GoneReason::Reset, out);
            }
        } else if let Some(observer) = message.and_then(|message| message.observer) {
            self.confirmed(now_ms, observer, out);
        }
    }

    /// Sends again what was not acknowledged in time.
    pub(super) fn retransmit(&mut self, now_ms: u64, out: &mut Output<P>) {
        while let Some(mut message) = self.outbound.take_due(now_ms) {
            if message.repeats >= self.limits.max_retransmit {
                self.counters.timeouts += 1;
                if let Some(observer) = message.observer {
                    self.end_observation(observer, GoneReason::TimedOut, out);
                }
                continue;
            }
            message.repeats += 1;
            message.timeout_ms *= 2;
            message.due_ms = now_ms + message.timeout_ms;
            if let Some((id, bytes)) = message.observer.and_then(|observer| self.newer_notification(now_ms, observer)) {
                // What was measured meanwhile goes instead, and the count goes on (RFC 7641, section 4.5.2).
                (message.id, message.bytes) = (id, bytes);
            }
            let bytes = message.bytes.clone();
            let peer = message.peer;
            if message.is_proven || self.peers.allowance(peer) >= bytes.len() as u64 {
                self.counters.retransmissions += 1;
                self.peers.sent(peer, bytes.len());
                out.sends.push((peer, bytes));
            }
            self.outbound.insert(message);
        }
    }
}
