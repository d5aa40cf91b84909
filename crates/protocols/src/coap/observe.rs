//! Who wants to be told of changes (RFC 7641), whatever the transport.
//!
//! An observation is a peer and a token. It holds the newest response that could not be sent yet, because the observer wishes
//! to be told less often or has not acknowledged the one before; older ones are dropped (section 4.5.2).
//!
//! Limits: [`CoapLimits::observers`] and [`CoapLimits::observers_per_peer`]; one held response each.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::Arc;

use sensorium_model::FastMap;

use super::CoapLimits;
use super::block::Asked;
use super::message::{Response, Token};
use super::option;

/// The number of an observation inside its endpoint; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObserverId(u64);

/// What an observer wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wishes {
    /// To be told at most once in so many milliseconds; 0 for every time.
    pub every_ms: u64,
}

/// Why an observation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneReason {
    /// The observer said that it does not know the notification (section 3.5).
    Reset,
    /// The observer did not acknowledge a notification (section 4.5).
    TimedOut,
    /// The observer does not want it any more (section 3.6).
    Deregistered,
    /// The same peer observes with this token again (section 4.1).
    Replaced,
    /// It was told a failure, which ends an observation (section 3.2).
    Failed,
    /// The peer or its connection is over.
    PeerGone,
}

/// Sequence numbers have 24 bits (section 4.4).
const SEQUENCE_MASK: u32 = 0x00ff_ffff;

/// An observation.
#[derive(Debug)]
pub(super) struct Observer<P> {
    pub(super) peer: P,
    pub(super) token: Token,
    pub(super) asked: Asked,
    wishes: Wishes,
    sequence: u32,
    sent_ms: u64,
    /// Notifications since the last that was to be acknowledged.
    pub(super) unconfirmed: u32,
    /// When an acknowledgement came last.
    pub(super) confirmed_ms: u64,
    /// Whether a notification waits for its acknowledgement.
    pub(super) is_blocked: bool,
    held: Option<Response>,
    /// When what is held may be sent, if it waits for nothing else.
    due_ms: Option<u64>,
}

/// All observations of an endpoint or a connection.
#[derive(Debug)]
pub(super) struct Observers<P> {
    limits: Arc<CoapLimits>,
    all: FastMap<ObserverId, Observer<P>>,
    by_token: FastMap<(P, Token), ObserverId>,
    by_peer: FastMap<P, Vec<ObserverId>>,
    due: BTreeSet<(u64, ObserverId)>,
    last_id: u64,
}

impl<P: Copy + Eq + Hash> Observers<P> {
    pub(super) fn new(limits: Arc<CoapLimits>) -> Self {
        Self {
            limits,
            all: FastMap::default(),
            by_token: FastMap::default(),
            by_peer: FastMap::default(),
            due: BTreeSet::new(),
            last_id: 0,
        }
    }

    /// Whether the peer may observe one thing more.
    pub(super) fn has_room(&self, peer: P) -> bool {
        let of_peer = self.by_peer.get(&peer).map_or(0, Vec::len);
        self.all.len() < self.limits.observers && of_peer < self.limits.observers_per_peer
    }

    /// Adds an observation; its first number goes into the response.
    pub(super) fn register(
        &mut self,
        now_ms: u64,
        peer: P,
        token: Token,
        asked: Asked,
        wishes: Wishes,
        response: &mut Response,
    ) -> ObserverId {
        self.last_id += 1;
        let id = ObserverId(self.last_id);
        let mut observer = Observer {
            peer,
            token,
            asked,
            wishes,
            sequence: 0,
            sent_ms: now_ms,
            unconfirmed: 0,
            confirmed_ms: now_ms,
            is_blocked: false,
            held: None,
            due_ms: None,
        };
        observer.number(now_ms, response);
        self.all.insert(id, observer);
        self.by_token.insert((peer, token), id);
        self.by_peer.entry(peer).or_default().push(id);
        id
    }

    pub(super) fn find(&self, peer: P, token: Token) -> Option<ObserverId> {
        self.by_token.get(&(peer, token)).copied()
    }

    pub(super) fn get_mut(&mut self, id: ObserverId) -> Option<&mut Observer<P>> {
        self.all.get_mut(&id)
    }

    /// The observations of a peer.
    pub(super) fn of_peer(&self, peer: P) -> Vec<ObserverId> {
        self.by_peer.get(&peer).cloned().unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn remove(&mut self, id: ObserverId) -> Option<Observer<P>> {
        let observer = self.all.remove(&id)?;
        self.by_token.remove(&(observer.peer, observer.token));
        if let Some(due_ms) = observer.due_ms {
            self.due.remove(&(due_ms, id));
        }
        if let Some(ids) = self.by_peer.get_mut(&observer.peer) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_peer.remove(&observer.peer);
            }
        }
        Some(observer)
    }

    /// Numbers a notification that may be sent now; holds it and returns none otherwise.
    pub(super) fn admit(&mut self, now_ms: u64, id: ObserverId, mut response: Response) -> Option<Response> {
        let observer = self.all.get_mut(&id)?;
        if observer.is_blocked {
            observer.held = Some(response);
            return None;
        }
        let due_ms = observer.sent_ms + observer.wishes.every_ms;
        if due_ms > now_ms && !response.code.is_error() {
            observer.held = Some(response);
            if observer.due_ms.replace(due_ms).is_none() {
                self.due.insert((due_ms, id));
            }
            return None;
        }
        observer.held = None;
        if let Some(due_ms) = observer.due_ms.take() {
            self.due.remove(&(due_ms, id));
        }
        observer.number(now_ms, &mut response);
        Some(response)
    }

    /// What is held for an observer that nothing is waited for of any more.
    pub(super) fn unblock(&mut self, now_ms: u64, id: ObserverId) -> Option<Response> {
        let observer = self.all.get_mut(&id)?;
        observer.is_blocked = false;
        let held = observer.held.take()?;
        self.admit(now_ms, id, held)
    }

    /// What is held for an observer that is waited for, to be sent instead of what it did not acknowledge.
    pub(super) fn newer(&mut self, now_ms: u64, id: ObserverId) -> Option<Response> {
        let observer = self.all.get_mut(&id)?;
        // A failure is the last word, which comes after what is waited for.
        let mut held = observer.held.take_if(|held| !held.code.is_error())?;
        observer.number(now_ms, &mut held);
        Some(held)
    }

    /// Something that was held and may be sent now.
    pub(super) fn take_due(&mut self, now_ms: u64) -> Option<(ObserverId, Response)> {
        loop {
            let (due_ms, id) = *self.due.first()?;
            if due_ms > now_ms {
                return None;
            }
            self.due.pop_first();
            let Some(observer) = self.all.get_mut(&id) else { continue };
            observer.due_ms = None;
            let Some(held) = observer.held.take() else { continue };
            if let Some(response) = self.admit(now_ms, id, held) {
                return Some((id, response));
            }
        }
    }

    /// When something that is held may be sent.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.due.first().map(|(due_ms, _)| *due_ms)
    }
}

impl<P> Observer<P> {
    /// Gives a response the next number. A failure has none: it is the last word (section 4.2).
    fn number(&mut self, now_ms: u64, response: &mut Response) {
        self.sent_ms = now_ms;
        self.sequence = (self.sequence + 1) & SEQUENCE_MASK;
        match response.code.is_error() {
            true => response.options.remove(option::OBSERVE),
            false => response.options.set_uint(option::OBSERVE, self.sequence.into()),
        }
    }

    /// Sets the last number, to see what comes after the largest.
    #[cfg(test)]
    pub(super) fn set_sequence(&mut self, sequence: u32) {
        self.sequence = sequence;
    }
}
