//! The table of sessions, and which of them goes first when there are too many or time has passed.

use std::collections::BTreeMap;

use metrics::{counter, gauge};
use sensorium_model::FastMap;

use super::session::{Session, Step};
use super::{DtlsLimits, Failure, Flow, Peer, record};

/// Times and serials, of which no two are alike.
type At = (u64, u64);

pub(super) struct Peers {
    limits: DtlsLimits,
    sessions: FastMap<Peer, Entry>,
    /// Handshakes by their ends.
    handshakes: BTreeMap<At, Peer>,
    /// Sessions whose handshake is over, by when something came at the latest as far as was looked.
    open: BTreeMap<At, Peer>,
    /// When engines want to be called.
    timers: BTreeMap<At, Peer>,
    next: u64,
}

struct Entry {
    session: Session,
    /// Where it is among the handshakes or the open ones.
    place_ms: u64,
    is_open: bool,
    timer_ms: Option<u64>,
}

impl Peers {
    pub(super) fn new(limits: DtlsLimits) -> Self {
        let (handshakes, open, timers) = Default::default();
        Self { limits, sessions: FastMap::default(), handshakes, open, timers, next: 0 }
    }

    pub(super) fn get(&self, peer: &Peer) -> Option<&Session> {
        self.sessions.get(peer).map(|entry| &entry.session)
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        let first = |map: &BTreeMap<At, Peer>| map.first_key_value().map(|((at_ms, _), _)| *at_ms);
        let idle = first(&self.open).map(|heard_ms| heard_ms.saturating_add(self.limits.dtls_idle_ms));
        [first(&self.handshakes), first(&self.timers), idle].into_iter().flatten().min()
    }

    /// A handshake begins, in place of what the peer had, and of the oldest one if there are too many.
    pub(super) fn begin(&mut self, now_ms: u64, peer: Peer, mut session: Session, out: &mut Flow) {
        self.end(peer, Failure::ByPeer, out);
        while self.handshakes.len() >= self.limits.dtls_handshakes.max(1) {
            let Some((_, oldest)) = self.handshakes.pop_first() else { break };
            self.end(oldest, Failure::Evicted, out);
        }
        self.next += 1;
        session.serial = self.next;
        let place_ms = now_ms.saturating_add(self.limits.dtls_handshake_ms);
        self.handshakes.insert((place_ms, session.serial), peer);
        self.sessions.insert(peer, Entry { session, place_ms, is_open: false, timer_ms: None });
        gauge!("sensorium_coap_dtls_peers").increment(1.0);
    }

    /// Lets a session do something, if the peer has one.
    pub(super) fn step(
        &mut self,
        now_ms: u64,
        peer: Peer,
        out: &mut Flow,
        work: impl FnOnce(&mut Session, &mut Flow) -> Step,
    ) {
        let Some(entry) = self.sessions.get_mut(&peer) else { return };
        if let Err(failure) = work(&mut entry.session, out) {
            self.end(peer, failure, out);
            return;
        }
        let serial = entry.session.serial;
        if entry.timer_ms != entry.session.timer_ms {
            if let Some(at_ms) = entry.timer_ms {
                self.timers.remove(&(at_ms, serial));
            }
            entry.timer_ms = entry.session.timer_ms;
            if let Some(at_ms) = entry.timer_ms {
                self.timers.insert((at_ms, serial), peer);
            }
        }
        if entry.session.is_open && !entry.is_open {
            self.handshakes.remove(&(entry.place_ms, serial));
            (entry.is_open, entry.place_ms) = (true, now_ms);
            self.open.insert((now_ms, serial), peer);
            while self.open.len() > self.limits.dtls_peers.max(1) {
                let Some(silent) = self.most_silent() else { break };
                self.end(silent, Failure::Evicted, out);
            }
        }
    }

    /// A peer whose engine wants to be called. Ends those before that have taken too long, or were silent for too long.
    pub(super) fn due(&mut self, now_ms: u64, out: &mut Flow) -> Option<Peer> {
        while let Some(first) = self.handshakes.first_entry().filter(|first| first.key().0 <= now_ms) {
            let peer = first.remove();
            self.end(peer, Failure::Timeout, out);
        }
        let idle_ms = self.limits.dtls_idle_ms;
        let is_idle = |(heard_ms, _): &At| heard_ms.saturating_add(idle_ms) <= now_ms;
        while self.open.first_key_value().is_some_and(|(at, _)| is_idle(at)) {
            let Some(silent) = self.most_silent() else { break };
            let heard_ms = self.get(&silent).map(|session| session.heard_ms);
            if !heard_ms.is_some_and(|heard_ms| is_idle(&(heard_ms, 0))) {
                break;
            }
            self.end(silent, Failure::Timeout, out);
        }
        let due = self.timers.first_entry().filter(|first| first.key().0 <= now_ms)?;
        let peer = due.remove();
        if let Some(entry) = self.sessions.get_mut(&peer) {
            entry.timer_ms = None;
        }
        Some(peer)
    }

    /// Whoever was silent for longest. Those that were heard meanwhile are put behind.
    fn most_silent(&mut self) -> Option<Peer> {
        loop {
            let ((place_ms, serial), peer) = self.open.pop_first()?;
            let Some(entry) = self.sessions.get_mut(&peer) else { continue };
            entry.place_ms = entry.session.heard_ms.max(place_ms);
            self.open.insert((entry.place_ms, serial), peer);
            if entry.place_ms == place_ms {
                return Some(peer);
            }
        }
    }

    fn end(&mut self, peer: Peer, failure: Failure, out: &mut Flow) {
        let Some(entry) = self.sessions.remove(&peer) else { return };
        let serial = entry.session.serial;
        self.handshakes.remove(&(entry.place_ms, serial));
        self.open.remove(&(entry.place_ms, serial));
        if let Some(at_ms) = entry.timer_ms {
            self.timers.remove(&(at_ms, serial));
        }
        gauge!("sensorium_coap_dtls_peers").decrement(1.0);
        if entry.session.is_open {
            counter!("sensorium_coap_dtls_ended_total", "reason" => failure.label()).increment(1);
            out.ended.push((peer, entry.session.principal().cloned()));
            entry.session.say_goodbye(peer, out);
        } else {
            fail(peer, failure, out);
        }
    }
}

/// A handshake came to nothing.
pub(super) fn fail(peer: Peer, failure: Failure, out: &mut Flow) {
    counter!("sensorium_coap_dtls_failed_total", "reason" => failure.label()).increment(1);
    out.sends.extend(failure.alert().map(|description| (peer, record::alert(description).into())));
}
