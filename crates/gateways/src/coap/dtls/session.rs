//! One peer: its handshake, who it is, and what waits until the registry was asked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use dimpl::{CryptoError, CryptoOperation, Error, Output, SecurityError};
use metrics::counter;
use sensorium_metadata::CertificateFingerprint;
use sensorium_model::Principal;

use super::engine::Engine;
use super::record::{self, Hello, Random};
use super::{Ask, BELIEVED_MS, Credential, Failure, Flow, Found, HELD, Peer};

/// The longest record that leaves an engine, and more.
const ROOM: usize = 2_048;

/// The time on both clocks.
pub(super) type Now = (Instant, u64);

/// What waits for the registry.
enum Held {
    /// A datagram that came.
    Came(Bytes),
    /// A plaintext to be sent.
    ToSend(Bytes),
}

/// What became of a peer in a step; a failure ends it.
pub(super) type Step = Result<(), Failure>;

pub(super) struct Session {
    /// Which one of those that this address had.
    pub(super) serial: u64,
    /// What its client made up for this handshake.
    pub(super) random: Random,
    /// When the engine wants to be called, while the handshake goes on.
    pub(super) timer_ms: Option<u64>,
    /// When something last came.
    pub(super) heard_ms: u64,
    /// Whether it is known who it is, and it may speak.
    pub(super) is_open: bool,
    /// Whether the client has proven what it has.
    is_complete: bool,
    engine: Engine,
    has_key: bool,
    /// Whether it has to show a certificate.
    asks: bool,
    credential: Option<Credential>,
    principal: Option<Arc<Principal>>,
    /// When the credential was last found good.
    checked_ms: u64,
    is_asking: bool,
    held: VecDeque<Held>,
}

impl Session {
    pub(super) fn new(engine: Engine, hello: &Hello<'_>, asks: bool, now_ms: u64) -> Self {
        Self {
            serial: 0,
            random: hello.random,
            timer_ms: None,
            heard_ms: now_ms,
            is_open: false,
            is_complete: false,
            engine,
            has_key: hello.has_key,
            asks,
            credential: None,
            principal: None,
            checked_ms: 0,
            is_asking: false,
            held: VecDeque::new(),
        }
    }

    pub(super) fn principal(&self) -> Option<&Arc<Principal>> {
        self.principal.as_ref().filter(|_| self.is_open)
    }

    pub(super) fn receive(&mut self, now: Now, peer: Peer, datagram: &Bytes, out: &mut Flow) -> Step {
        self.heard_ms = now.1;
        if !self.is_open
            && self.has_key
            && self.credential.is_none()
            && let Some(identity) = record::identity(datagram)
        {
            // The registry knows none that is no text.
            self.ask(peer, Credential::Identity(String::from_utf8_lossy(identity).into_owned()), out);
        }
        self.ask_again(now.1, peer, out);
        if self.is_asking {
            self.hold(Held::Came(datagram.clone()));
            return Ok(());
        }
        self.take(now, peer, datagram, out)
    }

    pub(super) fn send(&mut self, now: Now, peer: Peer, plaintext: Bytes, out: &mut Flow) -> Step {
        if !self.is_open {
            return Ok(());
        }
        self.ask_again(now.1, peer, out);
        if self.is_asking {
            self.hold(Held::ToSend(plaintext));
            return Ok(());
        }
        self.encrypt(now, peer, &plaintext, out)
    }

    /// Goes on with what waited. Another credential of the same identity is somebody else's.
    pub(super) fn found(&mut self, now: Now, peer: Peer, of: Credential, found: Found, out: &mut Flow) -> Step {
        self.is_asking = false;
        let nobody = match &of {
            Credential::Identity(_) => Failure::UnknownIdentity,
            Credential::Certificate(_) => Failure::Certificate,
        };
        match found {
            Found::Device(device, key) => {
                let is_other = |known: &Arc<Principal>| known.org != device.org || known.subject != device.subject;
                if self.principal.as_ref().is_some_and(is_other) {
                    return Err(nobody);
                }
                self.principal = Some(Arc::from(device));
                self.checked_ms = now.1;
                if let (Credential::Identity(identity), false) = (of, self.is_open) {
                    self.engine.key = key.map(|key| (identity, key));
                }
            }
            // The handshake goes on with a key that nobody has, so that it takes as long.
            Found::Nobody if self.has_key && !self.is_open => {}
            Found::Nobody => return Err(nobody),
            Found::Unavailable if self.is_open => self.checked_ms = now.1,
            Found::Unavailable => return Err(Failure::Unavailable),
        }
        if self.is_complete && !self.is_open {
            self.open();
        }
        self.pump(now, peer, out)?;
        while let Some(held) = self.held.pop_front() {
            match held {
                Held::Came(datagram) => self.take(now, peer, &datagram, out)?,
                Held::ToSend(plaintext) => self.encrypt(now, peer, &plaintext, out)?,
            }
        }
        Ok(())
    }

    pub(super) fn tick(&mut self, now: Now, peer: Peer, out: &mut Flow) -> Step {
        self.timer_ms = None;
        let told = self.engine.dtls.handle_timeout(now.0);
        self.judge(told)?;
        self.pump(now, peer, out)
    }

    /// Takes out what the engine has to say.
    pub(super) fn pump(&mut self, now: Now, peer: Peer, out: &mut Flow) -> Step {
        let mut room = [0; ROOM];
        let mut long = Vec::new();
        while !self.is_asking || self.is_open {
            let room = if long.is_empty() { &mut room[..] } else { &mut long[..] };
            match self.engine.dtls.poll_output(room) {
                Output::Packet(packet) => out.sends.push((peer, Bytes::copy_from_slice(packet))),
                Output::ApplicationData(data) if self.is_open => {
                    out.plaintexts.push((peer, Bytes::copy_from_slice(data)));
                }
                Output::ApplicationData(_) => {}
                Output::PeerCert(der) => {
                    self.credential = Some(Credential::Certificate(CertificateFingerprint::of(der)));
                }
                // What completes the handshake for the client is still with the engine.
                Output::Connected => self.complete(peer, out)?,
                Output::CloseNotify => return self.close(peer, out),
                Output::BufferTooSmall { needed } => long = vec![0; needed],
                Output::Timeout(at) => {
                    let ahead = at.saturating_duration_since(now.0).as_millis();
                    let at_ms = now.1.saturating_add(u64::try_from(ahead).unwrap_or(u64::MAX)).saturating_add(1);
                    self.timer_ms = Some(at_ms).filter(|_| !self.is_open);
                    return Ok(());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The client has proven what it has.
    fn complete(&mut self, peer: Peer, out: &mut Flow) -> Step {
        self.timer_ms = None;
        self.is_complete = true;
        self.engine.key = None;
        match &self.credential {
            Some(certificate @ Credential::Certificate(_)) => {
                let certificate = certificate.clone();
                self.ask(peer, certificate, out);
            }
            Some(Credential::Identity(_)) if self.principal.is_some() => self.open(),
            Some(Credential::Identity(_)) => return Err(Failure::UnknownIdentity),
            None if self.has_key || self.asks => return Err(Failure::Malformed),
            None => self.open(),
        }
        Ok(())
    }

    fn open(&mut self) {
        self.is_open = true;
        counter!("sensorium_coap_dtls_handshakes_total").increment(1);
    }

    /// The client says that it is over, and is told the same.
    fn close(&mut self, peer: Peer, out: &mut Flow) -> Step {
        let mut room = [0; ROOM];
        while let Output::Packet(packet) = self.engine.dtls.poll_output(&mut room) {
            out.sends.push((peer, Bytes::copy_from_slice(packet)));
        }
        Err(Failure::ByPeer)
    }

    /// Tells the client that the session is over.
    pub(super) fn say_goodbye(mut self, peer: Peer, out: &mut Flow) {
        if self.engine.dtls.close().is_ok() {
            // It is over in any case.
            let _over = self.close(peer, out);
        }
    }

    fn take(&mut self, now: Now, peer: Peer, datagram: &[u8], out: &mut Flow) -> Step {
        let taken = self.engine.receive(now.0, datagram);
        self.judge(taken)?;
        self.pump(now, peer, out)
    }

    /// One record for each message, and one datagram for each record: there are clients that read no further than the first.
    fn encrypt(&mut self, now: Now, peer: Peer, plaintext: &[u8], out: &mut Flow) -> Step {
        let taken = self.engine.dtls.send_application_data(plaintext);
        self.judge(taken.map(drop))?;
        self.pump(now, peer, out)
    }

    fn ask(&mut self, peer: Peer, credential: Credential, out: &mut Flow) {
        self.is_asking = true;
        self.credential = Some(credential.clone());
        out.asks.push(Ask { peer, serial: self.serial, credential });
    }

    /// Asks whether a credential is still good that was for a while.
    fn ask_again(&mut self, now_ms: u64, peer: Peer, out: &mut Flow) {
        let is_old = self.is_open && now_ms >= self.checked_ms.saturating_add(BELIEVED_MS);
        if let Some(credential) = self.credential.clone().filter(|_| is_old && !self.is_asking) {
            self.ask(peer, credential, out);
        }
    }

    fn hold(&mut self, held: Held) {
        if self.held.len() < HELD {
            self.held.push_back(held);
        }
    }

    /// What an error of the engine means, which ends it.
    fn judge(&self, told: Result<(), Error>) -> Step {
        let wrong_proof = match (self.has_key, &self.principal) {
            (true, None) => Failure::UnknownIdentity,
            (true, Some(_)) => Failure::WrongKey,
            (false, _) => Failure::Certificate,
        };
        told.map_err(|error| failure(&error, wrong_proof))
    }
}

/// Why an engine gave up; `wrong_proof` where what the client sent was not made with the key that it should have.
pub(super) fn failure(error: &Error, wrong_proof: Failure) -> Failure {
    match error {
        Error::Timeout(_) => Failure::Timeout,
        Error::CertificateError(_) | Error::CryptoError(CryptoError::SignatureVerificationFailed { .. }) => {
            Failure::Certificate
        }
        Error::CryptoError(CryptoError::OperationFailed(CryptoOperation::Decrypt))
        | Error::SecurityError(SecurityError::ClientFinishedVerificationFailed) => wrong_proof,
        Error::SecurityError(SecurityError::FatalAlert { .. }) | Error::ConnectionClosed => Failure::ByPeer,
        Error::SecurityError(_) | Error::CryptoError(_) => Failure::Unsupported,
        _ => Failure::Malformed,
    }
}
