//! DTLS between a socket and the layer of datagrams, with the registry that knows its peers.

use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use sensorium_model::Principal;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Shared;
use super::dtls::{Ask, Credential, DtlsConfig, Flow, Found, Secured, WireError};
use super::socket::Peer;

/// The peers of a socket, and what the registry is asked about them.
pub(super) struct Wire {
    shared: Arc<Shared>,
    secured: Secured,
    flow: Flow,
    /// Peers that are over, of whom something may be left to be done.
    leaving: Vec<(Peer, Option<Arc<Principal>>)>,
    answers: UnboundedReceiver<(Ask, Found)>,
    // At most one question for each peer is under way.
    report: UnboundedSender<(Ask, Found)>,
}

impl Wire {
    pub(super) fn new(shared: Arc<Shared>, config: DtlsConfig) -> Result<Self, WireError> {
        let start_ms = shared.clock.now_ms();
        let secured = Secured::new(config, shared.clock.instant(start_ms).into_std(), start_ms)?;
        let (report, answers) = unbounded_channel();
        Ok(Self { shared, secured, flow: Flow::default(), leaving: Vec::new(), answers, report })
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        self.secured.deadline()
    }

    /// Who a peer is, or was when it said what was taken last.
    pub(super) fn principal(&self, peer: &Peer) -> Option<Arc<Principal>> {
        let left = || self.leaving.iter().rev().find(|(left, _)| left == peer)?.1.as_ref();
        self.secured.principal(peer).or_else(left).cloned()
    }

    /// Waits for an answer of the registry; for ever without DTLS.
    pub(super) async fn answered(wire: &mut Option<Self>) -> (Ask, Found) {
        match wire {
            // It does not end, as this end of it reports, too.
            Some(wire) => match wire.answers.recv().await {
                Some(answer) => answer,
                None => pending().await,
            },
            None => pending().await,
        }
    }

    pub(super) fn found(&mut self, now_ms: u64, answer: (Ask, Found)) {
        let mut next = Some(answer);
        while let Some((ask, found)) = next {
            self.secured.found(now_ms, ask, found, &mut self.flow);
            next = self.answers.try_recv().ok();
        }
        self.ask();
    }

    pub(super) fn receive(&mut self, now_ms: u64, peer: Peer, datagram: &Bytes) {
        self.secured.receive(now_ms, peer, datagram, &mut self.flow);
    }

    pub(super) fn tick(&mut self, now_ms: u64) {
        self.secured.tick(now_ms, &mut self.flow);
        self.ask();
    }

    /// Makes datagrams of messages, and adds those that are DTLS's own.
    pub(super) fn send(&mut self, now_ms: u64, sends: &mut Vec<(Peer, Bytes)>) {
        for (peer, plaintext) in sends.drain(..) {
            self.secured.send(now_ms, peer, plaintext, &mut self.flow);
        }
        self.ask();
        sends.append(&mut self.flow.sends);
    }

    /// What peers said, of whom some may be gone. Their principals are known until [`Self::take_left`].
    pub(super) fn take_plaintexts(&mut self) -> impl Iterator<Item = (Peer, Bytes)> {
        self.leaving.append(&mut self.flow.ended);
        self.flow.plaintexts.drain(..)
    }

    /// Peers that are over, once all that they said is done.
    pub(super) fn take_left(&mut self) -> impl Iterator<Item = Peer> {
        self.leaving.drain(..).map(|(peer, _)| peer)
    }

    /// Asks the registry what is to be known.
    fn ask(&mut self) {
        for ask in self.flow.asks.drain(..) {
            let (shared, report) = (self.shared.clone(), self.report.clone());
            self.shared.tasks.spawn(async move {
                let found = look_up(&shared, &ask.credential).await;
                // Without the socket nobody waits any more.
                drop(report.send((ask, found)));
            });
        }
    }
}

async fn look_up(shared: &Shared, credential: &Credential) -> Found {
    let metadata = &shared.ingest.metadata;
    let found = match credential {
        Credential::Identity(identity) => {
            metadata.device_by_psk(identity).await.map(|found| found.map(|(key, device)| (device, Some(key))))
        }
        Credential::Certificate(certificate) => {
            metadata.device_by_certificate(certificate).await.map(|found| found.map(|device| (device, None)))
        }
    };
    match found {
        Ok(Some((device, key))) => Found::Device(Box::new(device), key),
        Ok(None) => Found::Nobody,
        Err(error) => {
            tracing::warn!(%error, "it could not be found out whose credential a peer of CoAP has");
            Found::Unavailable
        }
    }
}
