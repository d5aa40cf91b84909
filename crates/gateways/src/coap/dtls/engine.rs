//! The engine of a peer: `dimpl`, which speaks DTLS 1.2 and knows neither addresses nor the registry.
//!
//! The engine makes cookies from a secret of each peer's own, which would have to be kept before the peer proved its address. So cookies
//! are made and looked at before there is an engine, and a new engine is told which one is right. Keys of the registry
//! are found before the engine asks for them. Both are given to it for the time of one call, on its thread.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::crypto::{CryptoProvider, HashAlgorithm, HmacProvider, rust_crypto};
use dimpl::{Config, CryptoError, Dtls, DtlsCertificate, Error, Output, PskResolver};
use sensorium_metadata::PreSharedKey;

use super::record::{self, Cookie, Hello};

/// What the engine may ask for during a call.
#[derive(Default)]
struct Known {
    cookie: Option<Cookie>,
    key: Option<(String, PreSharedKey)>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

fn knowing<T>(known: Known, work: impl FnOnce() -> T) -> T {
    KNOWN.set(known);
    let done = work();
    KNOWN.take();
    done
}

/// HMAC as it is, but for cookies that were looked at already.
#[derive(Debug)]
struct Cookies;

impl HmacProvider for Cookies {
    fn hmac(&self, hash: HashAlgorithm, key: &[u8], data: &[u8], out: &mut [u8]) -> Result<usize, CryptoError> {
        // In such a call the first that is asked for is the cookie; keys are derived in later ones.
        let known = KNOWN.with_borrow_mut(|known| known.cookie.take());
        match (known, out.first_chunk_mut()) {
            (Some(cookie), Some(into)) => {
                *into = cookie;
                Ok(cookie.len())
            }
            _ => rust_crypto::default_provider().hmac_provider.hmac(hash, key, data, out),
        }
    }
}

/// Keys that were looked up already.
struct Keys;

impl PskResolver for Keys {
    fn resolve(&self, identity: &[u8]) -> Option<Vec<u8>> {
        KNOWN.with_borrow(|known| {
            let (of, key) = known.key.as_ref()?;
            (of.as_bytes() == identity).then(|| key.as_bytes().to_vec())
        })
    }
}

/// A certificate and its key, which the server shows to its clients.
pub struct ServerCertificate(DtlsCertificate);

impl ServerCertificate {
    /// Takes a certificate and its private key in DER; none if the key is of a kind that is not spoken here: ECDSA with P-256 or P-384
    /// is.
    pub fn new(certificate: &[u8], private_key: &[u8]) -> Option<Self> {
        rust_crypto::default_provider().key_provider.load_private_key(private_key).ok()?;
        let pair = DtlsCertificate { certificate: certificate.to_vec(), private_key: private_key.to_vec() };
        (!certificate.is_empty()).then_some(Self(pair))
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerCertificate")
    }
}

/// How engines are made.
pub(super) struct Engines {
    with_key: Arc<Config>,
    with_certificate: Arc<Config>,
}

impl Engines {
    /// `asks` says whether a client without a key has to show a certificate.
    pub(super) fn new(asks: bool, handshake_ms: u64) -> Result<Self, Error> {
        let provider = CryptoProvider { hmac_provider: &Cookies, ..rust_crypto::default_provider() };
        let config = || {
            Config::builder()
                .with_crypto_provider(provider.clone())
                .dtls13_cipher_suites(&[])
                .handshake_timeout(Duration::from_millis(handshake_ms))
        };
        Ok(Self {
            with_key: Arc::new(config().with_psk_server(None, Arc::new(Keys)).build()?),
            with_certificate: Arc::new(config().require_client_certificate(asks).build()?),
        })
    }

    /// The engine of a client whose cookie is right; none when it takes a certificate of the server's and there is none.
    pub(super) fn greet(
        &self,
        now: Instant,
        hello: &Hello<'_>,
        cookie: Cookie,
        datagram: &[u8],
        certificate: Option<&ServerCertificate>,
    ) -> Result<Option<Engine>, Error> {
        let dtls = match (hello.has_key, certificate) {
            (true, _) => Dtls::new_12_psk(self.with_key.clone(), now),
            (false, Some(certificate)) => Dtls::new_12(self.with_certificate.clone(), certificate.0.clone(), now),
            (false, None) => return Ok(None),
        };
        let mut engine = Engine { dtls, key: None };
        engine.dtls.handle_timeout(now)?;
        // It refuses the first greeting, as the server did, and what it says to that was said.
        engine.dtls.handle_packet(&record::as_first(datagram))?;
        let mut room = [0; 128];
        while matches!(engine.dtls.poll_output(&mut room), Output::Packet(_)) {}
        knowing(Known { cookie: Some(cookie), key: None }, || engine.dtls.handle_packet(datagram))?;
        Ok(Some(engine))
    }
}

/// What speaks with one peer.
pub(super) struct Engine {
    pub(super) dtls: Dtls,
    /// Its key, from when it was found until the handshake is over.
    pub(super) key: Option<(String, PreSharedKey)>,
}

impl Engine {
    pub(super) fn receive(&mut self, now: Instant, datagram: &[u8]) -> Result<(), Error> {
        self.dtls.handle_timeout(now)?;
        let Self { dtls, key } = self;
        knowing(Known { cookie: None, key: key.clone() }, || dtls.handle_packet(datagram))
    }
}

/// 256 bits that nobody can guess, and what is made of them.
pub(super) struct Secret([u8; 32]);

impl Secret {
    pub(super) fn new() -> Result<Self, Error> {
        let mut secret = [0; 32];
        rust_crypto::default_provider().secure_random.fill(&mut secret).map_err(Error::CryptoError)?;
        Ok(Self(secret))
    }

    /// None where it cannot be computed, which no cookie is equal to.
    pub(super) fn sign(&self, said: &[u8]) -> Option<Cookie> {
        rust_crypto::default_provider().hmac_provider.hmac_sha256(&self.0, said).ok()
    }
}
