//! A socket and its task: datagrams in, requests to the desk, answers out. Several share an address, one for each core.
//!
//! Invariants:
//! - what came together is taken together, and stored with as few writes as possible;
//! - what is sent to a group is answered by the socket that joined it, and by no other;
//! - after a panic the socket is served anew, with its sessions and without what was under way;
//! - once the server stops, what came before is answered, and what comes is refused.

use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use metrics::{counter, gauge};
use sensorium_protocols::coap::{
    Arrival, Challenge, Counters, Endpoint, Event, ExchangeId, Gauges, ObserverId, Output, Request, Response, Token,
    Wishes,
};
use tokio::time::Duration;

use super::desk::{Asked, Caller, Desk, Line};
use super::dtls::DtlsConfig;
use super::secured::Wire;
use super::socket::{Peer, Socket};
use super::{Coap, Shared};
use crate::alarm::Alarm;

/// Calls of the kernel for what came together; others wait for longer otherwise.
const READS: usize = 8;
/// After a socket failed, it is read again.
const PAUSE: Duration = Duration::from_millis(100);
/// How often numbers are published.
const NUMBERS: Duration = Duration::from_secs(5);

impl Coap {
    /// Serves a socket that is one of several of its address, until the server has stopped.
    pub fn serve(&self, socket: std::net::UdpSocket) -> io::Result<()> {
        self.spawn(socket, Arrival::Plain, None)
    }

    /// Serves the socket of a group.
    pub fn serve_group(&self, socket: std::net::UdpSocket) -> io::Result<()> {
        self.spawn(socket, Arrival::Multicast, None)
    }

    /// Serves a socket that is one of several of its address, with DTLS.
    pub fn serve_secured(&self, socket: std::net::UdpSocket, config: DtlsConfig) -> io::Result<()> {
        let wire = Wire::new(self.0.clone(), config).map_err(io::Error::other)?;
        self.spawn(socket, Arrival::Proven, Some(wire))
    }

    fn spawn(&self, socket: std::net::UdpSocket, arrival: Arrival, wire: Option<Wire>) -> io::Result<()> {
        let mut shard = Shard::new(self.0.clone(), Socket::new(socket)?, arrival, wire);
        let abort = self.0.abort.clone();
        self.0.tasks.spawn(async move { abort.run_until_cancelled(shard.keep_running()).await });
        Ok(())
    }
}

struct Shard {
    shared: Arc<Shared>,
    socket: Socket,
    desk: Desk,
    line: Datagrams,
    arrival: Arrival,
    /// What stands between the socket and the layer of datagrams, if it is secured.
    wire: Option<Wire>,
    alarm: Alarm,
    published: Published,
}

/// The layer of datagrams with what comes out of it.
struct Datagrams {
    endpoint: Endpoint<Peer>,
    out: Output<Peer>,
    now_ms: u64,
}

impl Datagrams {
    fn new(shared: &Shared) -> Self {
        // Each process and each socket has keys of its own, which nobody can guess.
        let keys = RandomState::new();
        let seed = keys.hash_one("seed");
        let challenge: Challenge<Peer> = Box::new(move |peer, span| keys.hash_one((peer, span)).to_be_bytes());
        let endpoint = Endpoint::new(shared.limits.clone(), seed, challenge);
        Self { endpoint, out: Output::default(), now_ms: shared.clock.now_ms() }
    }
}

impl Line for Datagrams {
    fn respond(&mut self, exchange: ExchangeId, response: Response) {
        self.endpoint.respond(self.now_ms, exchange, response, &mut self.out);
    }

    fn observe(&mut self, exchange: ExchangeId, wishes: Wishes, response: Response) -> Option<ObserverId> {
        self.endpoint.observe(self.now_ms, exchange, wishes, response, &mut self.out)
    }

    fn accept_later(&mut self, exchange: ExchangeId) {
        self.endpoint.accept_later(self.now_ms, exchange, &mut self.out);
    }

    fn notify(&mut self, observer: ObserverId, response: Response) {
        self.endpoint.notify(self.now_ms, observer, response, &mut self.out);
    }

    fn forget(&mut self, observer: ObserverId) {
        self.endpoint.forget_observer(observer);
    }
}

/// The end of a turn.
enum Turn {
    Read,
    Done,
    Failed,
    Stop,
}

impl Shard {
    fn new(shared: Arc<Shared>, socket: Socket, arrival: Arrival, wire: Option<Wire>) -> Self {
        let line = Datagrams::new(&shared);
        let desk = Desk::new(shared.clone());
        Self { shared, socket, desk, line, arrival, wire, alarm: Alarm::default(), published: Published::default() }
    }

    /// Runs until the server has stopped, whatever goes wrong.
    async fn keep_running(&mut self) {
        while AssertUnwindSafe(self.run()).catch_unwind().await.is_err() {
            tracing::error!("a socket of CoAP is served anew after a panic");
            self.line = Datagrams::new(&self.shared);
            self.desk = Desk::new(self.shared.clone());
            self.published.counters = Counters::default();
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn run(&mut self) {
        let stop = self.shared.stop.clone();
        let mut is_stopping = false;
        let mut numbers = tokio::time::interval(NUMBERS);
        loop {
            let due = self.line.endpoint.deadline().into_iter().chain(self.desk.deadline());
            let due = due.chain(self.wire.as_ref().and_then(Wire::deadline)).min();
            self.alarm.set(due, &self.shared.clock);
            let (mut found, mut known) = (None, None);
            let turn = tokio::select! {
                readable = self.socket.readable() => if readable.is_ok() { Turn::Read } else { Turn::Failed },
                due = self.desk.is_due() => {
                    found = Some(due);
                    Turn::Done
                }
                answer = Wire::answered(&mut self.wire) => {
                    known = Some(answer);
                    Turn::Done
                }
                () = self.alarm.rung() => Turn::Done,
                _ = numbers.tick() => {
                    self.published.publish(&self.line.endpoint);
                    Turn::Done
                }
                () = stop.cancelled(), if !is_stopping => Turn::Stop,
            };
            self.line.now_ms = self.shared.clock.now_ms();
            if let Some(due) = found {
                self.desk.catch_up(&mut self.line, due);
            }
            if let (Some(wire), Some(answer)) = (&mut self.wire, known) {
                wire.found(self.line.now_ms, answer);
            }
            match turn {
                Turn::Read => self.read().await,
                Turn::Failed => tokio::time::sleep(PAUSE).await,
                Turn::Stop => is_stopping = true,
                Turn::Done => {}
            }
            if let Some(wire) = &mut self.wire {
                wire.tick(self.line.now_ms);
            }
            self.hand_over();
            self.desk.tick(&mut self.line);
            self.line.endpoint.tick(self.line.now_ms, &mut self.line.out);
            self.serve().await;
            if self.forget_left() {
                self.serve().await;
            }
            self.desk.store();
            if let Some(wire) = &mut self.wire {
                wire.send(self.line.now_ms, &mut self.line.out.sends);
            }
            self.socket.send(&mut self.line.out.sends).await;
            if is_stopping && self.desk.is_idle() {
                self.published.publish(&self.line.endpoint);
                return;
            }
        }
    }

    /// Takes what came, as far as it came together.
    async fn read(&mut self) {
        let is_for_group = self.arrival == Arrival::Multicast;
        for _ in 0..READS {
            let Datagrams { endpoint, out, now_ms } = &mut self.line;
            let (arrival, wire) = (self.arrival, &mut self.wire);
            let received = self.socket.receive(|peer, datagram| {
                if peer.is_to_group() == is_for_group {
                    let peer = if is_for_group { Peer { local: None, ..peer } } else { peer };
                    match wire {
                        Some(wire) => wire.receive(*now_ms, peer, &datagram),
                        None => endpoint.receive(*now_ms, peer, arrival, &datagram, out),
                    }
                }
            });
            match received {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "a socket of CoAP could not be read");
                    tokio::time::sleep(PAUSE).await;
                    return;
                }
            }
        }
    }

    /// Hands over what peers said over DTLS.
    fn hand_over(&mut self) {
        let Datagrams { endpoint, out, now_ms } = &mut self.line;
        if let Some(wire) = &mut self.wire {
            for (peer, plaintext) in wire.take_plaintexts() {
                endpoint.receive(*now_ms, peer, self.arrival, &plaintext, out);
            }
        }
    }

    /// Forgets peers whose session is over; whether there is something to be done about it.
    fn forget_left(&mut self) -> bool {
        let Datagrams { endpoint, out, .. } = &mut self.line;
        if let Some(wire) = &mut self.wire {
            wire.take_left().for_each(|peer| endpoint.forget_peer(peer, out));
        }
        !out.events.is_empty()
    }

    /// Does what came out of the layer of datagrams.
    async fn serve(&mut self) {
        while !self.line.out.events.is_empty() {
            for event in std::mem::take(&mut self.line.out.events) {
                match event {
                    Event::Request {
                        peer, exchange, message_id, is_confirmable, is_multicast, token, request, ..
                    } => {
                        let principal = self.wire.as_ref().and_then(|wire| wire.principal(&peer));
                        let caller = Caller { address: peer.ip(), principal, is_secured: self.wire.is_some() };
                        let key = message_id.filter(|_| is_confirmable).and_then(|id| key(&peer, id, token, &request));
                        self.desk.ask(&mut self.line, Asked { exchange, request, caller, key, is_multicast }).await;
                    }
                    Event::ObserverGone { observer, .. } => self.desk.gone(observer),
                    Event::Close { .. } => {}
                }
            }
        }
    }
}

/// What a message is known by that may be sent again: its peer, its number and all that it says. None for one that only asks.
///
/// The number alone says so within the lifetime of an exchange; what it says is added, so that a client that was started again
/// and begins at the same number is not taken for the one before.
fn key(peer: &Peer, message_id: u16, token: Token, request: &Request) -> Option<u64> {
    if request.code.is_safe() {
        return None;
    }
    // Its keys are the same in each process.
    let mut hasher = DefaultHasher::new();
    (peer.address, message_id, token.as_bytes(), request.code.class(), request.code.detail()).hash(&mut hasher);
    for (number, value) in request.options.iter() {
        (number, &value[..]).hash(&mut hasher);
    }
    hasher.write(&request.payload);
    Some(hasher.finish())
}

/// What was published of a socket, of whose numbers only what is new is added to those of all.
#[derive(Default)]
struct Published {
    counters: Counters,
    gauges: Gauges,
}

impl Published {
    fn publish(&mut self, endpoint: &Endpoint<Peer>) {
        let (counters, gauges) = (endpoint.counters(), endpoint.gauges());
        let before = std::mem::replace(&mut self.counters, counters);
        let events = [
            ("datagram", counters.datagrams, before.datagrams),
            ("repeat", counters.repeats, before.repeats),
            ("malformed", counters.malformed, before.malformed),
            ("refused", counters.refused, before.refused),
            ("ping", counters.pings, before.pings),
            ("retransmission", counters.retransmissions, before.retransmissions),
            ("timeout", counters.timeouts, before.timeouts),
            ("notification", counters.notifications, before.notifications),
            ("challenge", counters.challenges, before.challenges),
            ("curtailed", counters.curtailed, before.curtailed),
            ("evicted_peer", counters.evicted_peers, before.evicted_peers),
        ];
        for (event, now, before) in events {
            counter!("sensorium_coap_events_total", "event" => event).increment(now.saturating_sub(before));
        }
        let held = |gauges: &Gauges| (gauges.remembered_bytes + gauges.assembly_bytes + gauges.kept_body_bytes) as f64;
        let before = std::mem::replace(&mut self.gauges, gauges);
        gauge!("sensorium_coap_peers").increment(gauges.peers as f64 - before.peers as f64);
        gauge!("sensorium_coap_observers").increment(gauges.observers as f64 - before.observers as f64);
        gauge!("sensorium_coap_remembered_bytes").increment(held(&gauges) - held(&before));
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use bytes::Bytes;
    use sensorium_protocols::coap::{Code, option};

    use super::*;

    fn asked(payload: &'static str) -> Request {
        let mut request = Request { payload: Bytes::from_static(payload.as_bytes()), ..Request::new(Code::POST) };
        request.options.add(option::URI_PATH, "sensors");
        request
    }

    #[test]
    fn a_message_is_known_by_all_of_it() {
        let peer = |port| Peer { address: SocketAddr::from(([127, 0, 0, 1], port)), local: None };
        let token = |bytes: &[u8]| Token::new(bytes).unwrap();
        let known = key(&peer(1), 7, token(b"a"), &asked("1"));
        assert!(known.is_some());
        let elsewhere = Peer { local: Some([127, 0, 0, 1].into()), ..peer(1) };
        assert_eq!(known, key(&elsewhere, 7, token(b"a"), &asked("1")));
        for other in [
            key(&peer(2), 7, token(b"a"), &asked("1")),
            key(&peer(1), 8, token(b"a"), &asked("1")),
            key(&peer(1), 7, token(b"b"), &asked("1")),
            key(&peer(1), 7, token(b"a"), &asked("2")),
        ] {
            assert_ne!(known, other);
        }
        assert_eq!(key(&peer(1), 7, token(b"a"), &Request::new(Code::GET)), None);
    }
}
