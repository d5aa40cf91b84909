//! CoAP over reliable connections (RFC 8323): TCP and WebSocket.
//!
//! Invariants:
//! - a connection has one of the places of `coap.connections`; over TCP further ones wait in the kernel's queue, over WebSocket they
//!   are refused, because whoever asks waits for an answer;
//! - what is written goes to the socket before more is read, so that a peer that does not read fills no memory;
//! - once the server stops, what came before is answered, and the peer is told (7.04).
//!
//! Limits: those of the layer below, of which a connection has what one peer may have; [`WRITE`].

mod tcp;
pub(super) mod websocket;

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use metrics::gauge;
use sensorium_protocols::coap::reliable::Framing;
use sensorium_protocols::coap::{CoapLimits, Connection, Event, ExchangeId, ObserverId, Output, Response, Wishes};
use tokio::sync::OwnedSemaphorePermit;

use super::Shared;
use super::desk::{Asked, Caller, Desk, Line};
use crate::alarm::Alarm;

/// How long a peer may take to read what is written.
const WRITE: Duration = Duration::from_secs(30);

/// What messages come and go by.
trait Wire: Send {
    /// Waits until more came; false at the end. May be dropped while it waits.
    fn arrived(&mut self) -> impl Future<Output = bool> + Send;
    /// Hands over what came.
    fn feed(&mut self, line: &mut Reliable);
    fn send(&mut self, message: Bytes) -> impl Future<Output = io::Result<()>> + Send;
    /// Sends what is still held, and says that nothing more comes.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// The layer of one connection with what comes out of it.
struct Reliable {
    connection: Connection,
    out: Output<()>,
    now_ms: u64,
}

impl Line for Reliable {
    fn respond(&mut self, exchange: ExchangeId, response: Response) {
        self.connection.respond(self.now_ms, exchange, response, &mut self.out);
    }

    fn observe(&mut self, exchange: ExchangeId, wishes: Wishes, response: Response) -> Option<ObserverId> {
        self.connection.observe(self.now_ms, exchange, wishes, response, &mut self.out)
    }

    /// There is nothing to acknowledge.
    fn accept_later(&mut self, _: ExchangeId) {}

    fn notify(&mut self, observer: ObserverId, response: Response) {
        self.connection.notify(self.now_ms, observer, response, &mut self.out);
    }

    fn forget(&mut self, observer: ObserverId) {
        self.connection.forget_observer(observer);
    }
}

/// One of the connections that may be there at one time; counted as long as it is there.
struct Connected {
    _slot: OwnedSemaphorePermit,
}

impl Connected {
    fn new(slot: OwnedSemaphorePermit) -> Self {
        gauge!("sensorium_coap_connections").increment(1);
        Self { _slot: slot }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        gauge!("sensorium_coap_connections").decrement(1);
    }
}

/// Serves a connection until it is over, or the server has stopped.
async fn serve(shared: Arc<Shared>, wire: impl Wire, framing: Framing, address: IpAddr, is_secured: bool) {
    let abort = shared.abort.clone();
    let caller = Caller { address, principal: None, is_secured };
    abort.run_until_cancelled(Box::pin(talk(shared, wire, framing, caller))).await;
}

async fn talk(shared: Arc<Shared>, mut wire: impl Wire, framing: Framing, caller: Caller) {
    let now_ms = shared.clock.now_ms();
    let mut out = Output::default();
    let connection = Connection::new(Arc::new(of_one_peer(&shared.config.limits)), framing, now_ms, &mut out);
    let mut line = Reliable { connection, out, now_ms };
    let (mut desk, mut alarm) = (Desk::new(shared.clone()), Alarm::default());
    let stop = shared.stop.clone();
    let (mut is_stopping, mut is_over) = (false, false);
    loop {
        if !serve_events(&mut desk, &mut line, &caller).await {
            is_over = true;
        }
        desk.store();
        for ((), message) in std::mem::take(&mut line.out.sends) {
            match tokio::time::timeout(WRITE, wire.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::debug!(peer = %caller.address, %error, "a connection of CoAP ended");
                    return;
                }
                Err(_) => {
                    tracing::debug!(peer = %caller.address, "a peer of CoAP did not read what it was sent");
                    return;
                }
            }
        }
        if is_over {
            wire.close().await;
            return;
        }
        let due = desk.deadline().unwrap_or(u64::MAX).min(line.connection.deadline());
        alarm.set(Some(due), &shared.clock);
        tokio::select! {
            has_more = wire.arrived() => {
                line.now_ms = shared.clock.now_ms();
                match has_more {
                    true => wire.feed(&mut line),
                    false => return,
                }
            }
            due = desk.is_due() => {
                line.now_ms = shared.clock.now_ms();
                desk.catch_up(&mut line, due);
            }
            () = alarm.rung() => {
                line.now_ms = shared.clock.now_ms();
                desk.tick(&mut line);
                line.connection.tick(line.now_ms, &mut line.out);
            }
            () = stop.cancelled(), if !is_stopping => is_stopping = true,
        }
        if is_stopping && desk.is_idle() && !is_over {
            line.connection.release(&mut line.out);
            is_over = true;
        }
    }
}

/// Does what came out of the layer below; whether the connection goes on.
async fn serve_events(desk: &mut Desk, line: &mut Reliable, caller: &Caller) -> bool {
    let mut goes_on = true;
    while !line.out.events.is_empty() {
        for event in std::mem::take(&mut line.out.events) {
            match event {
                Event::Request { exchange, request, .. } => {
                    // What is sent over a connection is not sent again.
                    let asked = Asked { exchange, request, caller: caller.clone(), key: None, is_multicast: false };
                    desk.ask(line, asked).await;
                }
                Event::ObserverGone { observer, .. } => desk.gone(observer),
                Event::Close { reason } => {
                    tracing::debug!(peer = %caller.address, reason, "a connection of CoAP is closed");
                    goes_on = false;
                }
            }
        }
    }
    goes_on && !line.connection.is_closed()
}

/// What one connection may hold.
fn of_one_peer(limits: &CoapLimits) -> CoapLimits {
    CoapLimits {
        assemblies: limits.assemblies_per_peer,
        assembly_bytes: limits.assembly_bytes.min(limits.body_bytes),
        kept_body_bytes: limits.kept_body_bytes.min(limits.body_bytes),
        observers: limits.observers_per_peer,
        exchanges: limits.exchanges.min(EXCHANGES),
        ..*limits
    }
}

/// Requests of one connection that wait for their answer.
const EXCHANGES: usize = 256;
