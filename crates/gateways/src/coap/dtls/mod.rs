//! CoAP over DTLS 1.2 (RFC 7252, section 9): the peers of one socket, without the socket, the clock and the registry.
//!
//! A client greets, is sent a cookie, and greets again with it; only then is something kept of it. It proves with a pre-shared key or
//! a certificate which device it is, and what it sends from then on is handed over as that device's. The registry is asked by the
//! caller ([`Flow::asks`]), and what comes meanwhile waits.
//!
//! Invariants:
//! - nothing is kept of an address that did not give back its cookie, and it is sent fewer bytes than came from it;
//! - a peer is told that its handshake is complete after the registry knew its certificate;
//! - nothing is taken from a device or sent to it whose credential was last looked at more than [`BELIEVED_MS`] ago: the registry is
//!   asked again first, and one that it does not know any more ends the session;
//! - whoever greets from the address of a peer takes its place with a cookie only;
//! - keys are held by the engine alone once the handshake is over, and are never written anywhere.
//!
//! Limits: [`DtlsLimits`], [`HELD`].

mod engine;
mod peers;
mod record;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use metrics::{Unit, counter, describe_counter, describe_gauge};
use sensorium_metadata::{CertificateFingerprint, PreSharedKey};
use sensorium_model::Principal;
use serde::{Deserialize, Serialize};

use super::socket::Peer;
use engine::{Engines, Secret};
use peers::Peers;
use record::{Cookie, Hello};
use session::Session;

pub use engine::ServerCertificate;

/// Why DTLS cannot be spoken at all.
pub(super) type WireError = dimpl::Error;

/// How long a credential is believed.
const BELIEVED_MS: u64 = 30_000;
/// Datagrams of a peer that wait for the registry; further ones are lost, as datagrams are.
const HELD: usize = 16;
/// A cookie is good in this span and in the next one.
const SPAN_MS: u64 = 60_000;

/// Limits of all sockets together, each a setting of `[coap]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DtlsLimits {
    /// Peers whose handshake is over; the one that was silent for longest makes room.
    pub dtls_peers: usize,
    /// Handshakes at one time; the oldest makes room.
    pub dtls_handshakes: usize,
    /// Milliseconds that a handshake may take.
    pub dtls_handshake_ms: u64,
    /// Milliseconds after which a silent peer is forgotten.
    pub dtls_idle_ms: u64,
}

impl Default for DtlsLimits {
    fn default() -> Self {
        Self { dtls_peers: 100_000, dtls_handshakes: 4_096, dtls_handshake_ms: 30_000, dtls_idle_ms: 86_400_000 }
    }
}

impl DtlsLimits {
    /// What one of several sockets may hold of what all may hold together.
    #[must_use]
    pub fn shared_by(self, sockets: usize) -> Self {
        let part = |all: usize| all.div_ceil(sockets.max(1));
        Self { dtls_peers: part(self.dtls_peers), dtls_handshakes: part(self.dtls_handshakes), ..self }
    }
}

/// Says which certificate is shown now; none when there is none that can be.
pub type CertificateSource = Arc<dyn Fn() -> Option<Arc<ServerCertificate>> + Send + Sync>;

/// How DTLS is spoken.
#[derive(Clone)]
pub struct DtlsConfig {
    /// What one socket may hold.
    pub limits: DtlsLimits,
    /// Whether clients without a key have to show a certificate (setting `coap.client_certificates`).
    pub asks_for_certificate: bool,
    /// What the server shows to them.
    pub certificate: CertificateSource,
}

/// Why a peer has no session, or has none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No way of speaking that both know.
    Unsupported,
    Malformed,
    /// Nobody has the identity, or it is no good any more.
    UnknownIdentity,
    /// The key is another one.
    WrongKey,
    /// No certificate, one without its key, or one that nobody has.
    Certificate,
    Timeout,
    /// Others needed the room.
    Evicted,
    /// The registry could not be asked.
    Unavailable,
    ByPeer,
}

impl Failure {
    const fn label(self) -> &'static str {
        match self {
            Self::Unsupported => "unsupported",
            Self::Malformed => "malformed",
            Self::UnknownIdentity => "unknown_identity",
            Self::WrongKey => "wrong_key",
            Self::Certificate => "certificate",
            Self::Timeout => "timeout",
            Self::Evicted => "evicted",
            Self::Unavailable => "unavailable",
            Self::ByPeer => "by_peer",
        }
    }

    /// What the client is told. Whether the identity or the key was wrong is not for it to know.
    const fn alert(self) -> Option<u8> {
        match self {
            Self::Unsupported => Some(40),
            Self::UnknownIdentity | Self::WrongKey => Some(51),
            Self::Certificate => Some(46),
            Self::Unavailable => Some(80),
            Self::Malformed | Self::Timeout | Self::Evicted | Self::ByPeer => None,
        }
    }
}

/// By what a device is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credential {
    Identity(String),
    Certificate(CertificateFingerprint),
}

/// What the registry is to be asked; the answer goes to [`Secured::found`].
#[derive(Debug, Clone)]
pub(super) struct Ask {
    peer: Peer,
    serial: u64,
    pub(super) credential: Credential,
}

/// What the registry knew.
pub(super) enum Found {
    Device(Box<Principal>, Option<PreSharedKey>),
    Nobody,
    /// It could not be asked.
    Unavailable,
}

/// What comes out, for the caller to take out of and use again.
#[derive(Default)]
pub(super) struct Flow {
    /// Datagrams to send.
    pub(super) sends: Vec<(Peer, Bytes)>,
    /// What peers said whose handshake is over.
    pub(super) plaintexts: Vec<(Peer, Bytes)>,
    pub(super) asks: Vec<Ask>,
    /// Peers that are gone, or begin anew, and who they were. What they said before is among the plaintexts.
    pub(super) ended: Vec<(Peer, Option<Arc<Principal>>)>,
}

/// The peers of one socket.
pub(super) struct Secured {
    config: DtlsConfig,
    engines: Engines,
    secret: Secret,
    peers: Peers,
    /// Engines go by a clock that cannot be made up; it was this late when the caller's showed that.
    start: (Instant, u64),
}

impl Secured {
    pub(super) fn new(config: DtlsConfig, start: Instant, start_ms: u64) -> Result<Self, dimpl::Error> {
        let engines = Engines::new(config.asks_for_certificate, config.limits.dtls_handshake_ms)?;
        let peers = Peers::new(config.limits);
        Ok(Self { config, engines, secret: Secret::new()?, peers, start: (start, start_ms) })
    }

    /// Who a peer is whose handshake is over; none for one that did not have to say it.
    pub(super) fn principal(&self, peer: &Peer) -> Option<&Arc<Principal>> {
        self.peers.get(peer)?.principal()
    }

    /// When [`Self::tick`] has something to do.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.peers.deadline()
    }

    /// A datagram of a peer.
    pub(super) fn receive(&mut self, now_ms: u64, peer: Peer, datagram: &Bytes, out: &mut Flow) {
        if record::is_hello(datagram) {
            let Some(hello) = Hello::read(datagram) else {
                // What comes in pieces would have to be kept.
                counter!("sensorium_coap_dtls_failed_total", "reason" => Failure::Malformed.label()).increment(1);
                return;
            };
            let Some(cookie) = self.given_back(now_ms, &peer, &hello) else {
                let cookie = self.secret.sign(&record::cookie_of(&peer, &hello.random, now_ms / SPAN_MS));
                counter!("sensorium_coap_dtls_greetings_total").increment(1);
                out.sends.extend(cookie.map(|cookie| (peer, record::verify(&cookie).into())));
                return;
            };
            if self.peers.get(&peer).is_none_or(|session| session.random != hello.random) {
                self.greet(now_ms, peer, &hello, cookie, datagram, out);
                return;
            }
        }
        let now = self.instant(now_ms);
        self.peers.step(now_ms, peer, out, |session, out| session.receive((now, now_ms), peer, datagram, out));
    }

    /// A plaintext for a peer; nothing becomes of one for somebody else.
    pub(super) fn send(&mut self, now_ms: u64, peer: Peer, plaintext: Bytes, out: &mut Flow) {
        let now = self.instant(now_ms);
        self.peers.step(now_ms, peer, out, |session, out| session.send((now, now_ms), peer, plaintext, out));
    }

    /// What the registry knew.
    pub(super) fn found(&mut self, now_ms: u64, ask: Ask, found: Found, out: &mut Flow) {
        let now = self.instant(now_ms);
        let Ask { peer, serial, credential } = ask;
        if self.peers.get(&peer).is_some_and(|session| session.serial == serial) {
            self.peers
                .step(now_ms, peer, out, |session, out| session.found((now, now_ms), peer, credential, found, out));
        }
    }

    /// Sends again what was not answered, and ends what took too long.
    pub(super) fn tick(&mut self, now_ms: u64, out: &mut Flow) {
        let now = self.instant(now_ms);
        while let Some(peer) = self.peers.due(now_ms, out) {
            self.peers.step(now_ms, peer, out, |session, out| session.tick((now, now_ms), peer, out));
        }
    }

    /// The cookie of a greeting that is the one that its sender was given.
    fn given_back(&self, now_ms: u64, peer: &Peer, hello: &Hello<'_>) -> Option<Cookie> {
        let given: Cookie = hello.cookie?.try_into().ok()?;
        let span = now_ms / SPAN_MS;
        let is_good = |span: u64| {
            let right = self.secret.sign(&record::cookie_of(peer, &hello.random, span));
            // Takes as long however much of it is right.
            right.is_some_and(|right| right.iter().zip(given).fold(0, |all, (one, other)| all | (one ^ other)) == 0)
        };
        (is_good(span) || is_good(span.saturating_sub(1))).then_some(given)
    }

    /// A handshake begins.
    fn greet(&mut self, now_ms: u64, peer: Peer, hello: &Hello<'_>, cookie: Cookie, datagram: &[u8], out: &mut Flow) {
        let now = self.instant(now_ms);
        let certificate = (self.config.certificate)();
        let begun = match self.engines.greet(now, hello, cookie, datagram, certificate.as_deref()) {
            Ok(Some(engine)) => Ok(engine),
            Ok(None) => Err(Failure::Unsupported),
            Err(error) => Err(session::failure(&error, Failure::Malformed)),
        };
        match begun {
            Ok(engine) => {
                let asks = self.config.asks_for_certificate && !hello.has_key;
                let session = Session::new(engine, hello, asks, now_ms);
                self.peers.begin(now_ms, peer, session, out);
                self.peers.step(now_ms, peer, out, |session, out| session.pump((now, now_ms), peer, out));
            }
            Err(failure) => peers::fail(peer, failure, out),
        }
    }

    fn instant(&self, now_ms: u64) -> Instant {
        self.start.0 + Duration::from_millis(now_ms.saturating_sub(self.start.1))
    }
}

pub(super) fn describe() {
    describe_counter!("sensorium_coap_dtls_greetings_total", "Greetings of DTLS that were answered with a cookie.");
    describe_counter!("sensorium_coap_dtls_handshakes_total", "Handshakes of DTLS that were completed.");
    describe_counter!("sensorium_coap_dtls_failed_total", "Handshakes of DTLS that came to nothing, by reason.");
    describe_counter!("sensorium_coap_dtls_ended_total", "Sessions of DTLS that are over, by reason.");
    describe_gauge!("sensorium_coap_dtls_peers", Unit::Count, "Peers over DTLS, handshakes among them.");
}
