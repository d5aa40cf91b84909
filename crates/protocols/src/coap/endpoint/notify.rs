//! What observers are told (RFC 7641).

use std::hash::Hash;

use bytes::Bytes;

use super::{Arrival, CONFIRMED_MS, Endpoint, Event, GoneReason, Kind, ObserverId, Output};
use crate::coap::message::{Message, Response};
use crate::coap::wire::datagram;

/// Ids of an observer's notifications that are kept, to know what a RST is about.
const NOTIFIED_IDS: usize = 8;

impl<P: Copy + Eq + Hash> Endpoint<P> {
    /// Says what the observed resource is now. It is sent as soon as the observer's wishes allow it and the notification before
    /// it is acknowledged, if it has to be; of what waits for that only the newest is sent. A failure ends the observation.
    pub fn notify(&mut self, now_ms: u64, observer: ObserverId, response: Response, out: &mut Output<P>) {
        if let Some(response) = self.observers.admit(now_ms, observer, response) {
            self.send_notification(now_ms, observer, response, out);
        }
    }

    /// Forgets an observer.
    pub fn forget_observer(&mut self, observer: ObserverId) {
        self.remove_observer(observer);
    }

    /// Sends a notification that has its number.
    pub(super) fn send_notification(
        &mut self,
        now_ms: u64,
        observer: ObserverId,
        response: Response,
        out: &mut Output<P>,
    ) {
        let is_failure = response.code.is_error();
        let Some((peer, message)) = self.notification(now_ms, observer, response) else { return };
        let bytes = datagram::encode(&message);
        let is_proven = self.is_proven(peer, Arrival::Plain);
        if !is_proven && self.peers.allowance(peer) < bytes.len() as u64 {
            self.counters.curtailed += 1;
            return self.end_observation(observer, GoneReason::TimedOut, out);
        }
        if message.kind == Kind::Con {
            // The last word of an observation is sent again, too, but there is nobody any more whom it would end.
            let of = (!is_failure).then_some(observer);
            self.await_acknowledgement(now_ms, peer, message.id, bytes.clone(), of, is_proven);
        }
        self.counters.notifications += 1;
        self.peers.sent(peer, bytes.len());
        out.sends.push((peer, bytes));
        if is_failure {
            self.end_observation(observer, GoneReason::Failed, out);
        }
    }

    /// The message of a notification. Every so often it is to be acknowledged, the last one in any case, and each as long as the
    /// peer has not shown where it is.
    fn notification(&mut self, now_ms: u64, id: ObserverId, response: Response) -> Option<(P, Message)> {
        let carrier = self.carrier();
        let is_proven = self
            .observers
            .get_mut(id)
            .map(|observer| observer.peer)
            .is_some_and(|peer| self.is_proven(peer, Arrival::Plain));
        let observer = self.observers.get_mut(id)?;
        observer.unconfirmed += 1;
        let is_due = observer.unconfirmed >= self.limits.confirmed_every.max(1)
            || now_ms.saturating_sub(observer.confirmed_ms) >= CONFIRMED_MS;
        let is_con = is_due || !is_proven || observer.is_blocked || response.code.is_error();
        observer.is_blocked = is_con;
        if is_con {
            observer.unconfirmed = 0;
        }
        let (peer, token, asked) = (observer.peer, observer.token, observer.asked);
        let Response { code, options, payload } = self.blocks.outgoing(now_ms, peer, &asked, response, carrier);
        let message_id = self.peers.next_id(now_ms, peer, &mut self.random);
        let ids = self.notified_ids.entry(id).or_default();
        if ids.len() >= NOTIFIED_IDS
            && let Some(oldest) = ids.pop_front()
        {
            self.notified.remove(&(peer, oldest));
        }
        ids.push_back(message_id);
        self.notified.insert((peer, message_id), id);
        let kind = if is_con { Kind::Con } else { Kind::Non };
        Some((peer, Message { kind, id: message_id, code, token, options, payload }))
    }

    /// What is newer than a notification that was not acknowledged, with its message id.
    pub(super) fn newer_notification(&mut self, now_ms: u64, observer: ObserverId) -> Option<(u16, Bytes)> {
        let response = self.observers.newer(now_ms, observer)?;
        let (_, message) = self.notification(now_ms, observer, response)?;
        self.counters.notifications += 1;
        Some((message.id, datagram::encode(&message)))
    }

    /// An observer has acknowledged: it is there, and may be told what was held back.
    pub(super) fn confirmed(&mut self, now_ms: u64, observer: ObserverId, out: &mut Output<P>) {
        if let Some(known) = self.observers.get_mut(observer) {
            known.confirmed_ms = now_ms;
            let peer = known.peer;
            // It knows a number that was sent there and nowhere else.
            self.peers.prove(now_ms, peer, &mut self.random);
        }
        if let Some(response) = self.observers.unblock(now_ms, observer) {
            self.send_notification(now_ms, observer, response, out);
        }
    }

    /// Forgets an observer, and says so.
    pub(super) fn end_observation(&mut self, observer: ObserverId, reason: GoneReason, out: &mut Output<P>) {
        if let Some(peer) = self.remove_observer(observer) {
            out.events.push(Event::ObserverGone { peer, observer, reason });
        }
    }

    fn remove_observer(&mut self, id: ObserverId) -> Option<P> {
        let observer = self.observers.remove(id)?;
        let ids = self.notified_ids.remove(&id).unwrap_or_default();
        self.outbound.forget_observer(id, observer.peer, ids.iter().copied());
        for message_id in ids {
            self.notified.remove(&(observer.peer, message_id));
        }
        Some(observer.peer)
    }
}
