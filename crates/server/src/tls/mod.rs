//! TLS: the certificate that listeners present, from files or made by the server itself, and another one without a restart.
//!
//! Invariants:
//! - a connection keeps the certificate that it began with; the next one gets the current one, and nobody resumes a session of
//!   the one before;
//! - files that cannot be used never replace a certificate that can;
//! - a client's certificate that comes out of a handshake is one whose key the client has; whose it is, is for others to find out;
//! - a private key that the server made is readable by its owner only.

mod addresses;
mod client_certificates;
mod files;
mod self_signed;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::pki_types::pem;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use sensorium_gateways::coap::ServerCertificate;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

use crate::config::TlsSettings;
use client_certificates::AnyWithItsKey;
use files::{Pair, Stamp};
use self_signed::SelfSigned;
pub(crate) use self_signed::write_whole;

/// Why TLS cannot be switched on.
#[derive(Debug, Error)]
pub(crate) enum TlsError {
    #[error("tls.cert: {} holds no certificate in PEM form: {source}", path.display())]
    Certificate { path: PathBuf, source: pem::Error },
    #[error("tls.key: {} holds no private key in PEM form: {source}", path.display())]
    Key { path: PathBuf, source: pem::Error },
    #[error("the certificate {} and the key {} do not belong together or are not usable: {source}", cert.display(), key.display())]
    Pair { cert: PathBuf, key: PathBuf, source: rustls::Error },
    #[error("tls.self_signed: a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    #[error("tls.self_signed: cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

/// What is presented to whoever connects now. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tls {
    source: Arc<Source>,
    served: Arc<RwLock<Served>>,
}

/// Where certificates come from.
enum Source {
    /// With how the files were when they were first read.
    Files(Pair, Stamp),
    SelfSigned(SelfSigned),
}

/// A certificate that is in use.
#[derive(Clone)]
struct Served {
    config: Arc<ServerConfig>,
    /// For MQTT, and the same that also asks clients for a certificate.
    mqtt: [Arc<ServerConfig>; 2],
    /// For DTLS, if the key is of a kind that is spoken there.
    dtls: Option<Arc<ServerCertificate>>,
    postgres: Arc<ServerConfig>,
    fingerprint: String,
}

impl Tls {
    /// The certificate of the settings' files, if they name any.
    pub(crate) fn from_files(settings: &TlsSettings) -> Result<Option<Self>, TlsError> {
        let (Some(cert), Some(key)) = (&settings.cert, &settings.key) else { return Ok(None) };
        let pair = Pair { cert: cert.clone(), key: key.clone() };
        let stamp = pair.stamp();
        let served = pair.load()?;
        Ok(Some(Self::new(Source::Files(pair, stamp), served)))
    }

    /// A certificate of the server's own for the given names, kept in `tls/` of the data folder.
    pub(crate) fn self_signed(data_dir: &Path, names: Vec<String>) -> Result<Self, TlsError> {
        let own = SelfSigned::new(data_dir, names);
        let served = own.load_or_make()?;
        Ok(Self::new(Source::SelfSigned(own), served))
    }

    fn new(source: Source, served: Served) -> Self {
        Self { source: Arc::new(source), served: Arc::new(RwLock::new(served)) }
    }

    /// Makes the handshake of the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.served.read().config.clone())
    }

    /// Makes the handshake of the next connection of a client that speaks MQTT, and may have a certificate if it is asked for one.
    pub(crate) fn mqtt_acceptor(&self, asks_for_certificate: bool) -> TlsAcceptor {
        let [silent, asking] = &self.served.read().mqtt;
        TlsAcceptor::from(if asks_for_certificate { asking.clone() } else { silent.clone() })
    }

    /// What the next client of DTLS sees; none if the key is of a kind that is not spoken there.
    pub(crate) fn dtls_certificate(&self) -> Option<Arc<ServerCertificate>> {
        self.served.read().dtls.clone()
    }

    /// Makes the handshake of the next connection of a client that speaks PostgreSQL's protocol.
    pub(crate) fn postgres_acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.served.read().postgres.clone())
    }

    /// SHA-256 of the certificate, as browsers and `openssl x509 -fingerprint -sha256` show it.
    pub(crate) fn fingerprint(&self) -> String {
        self.served.read().fingerprint.clone()
    }

    fn replace(&self, served: Served) {
        *self.served.write() = served;
    }
}

impl Served {
    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, rustls::Error> {
        let fingerprint = chain.first().map(fingerprint).unwrap_or_default();
        let dtls = chain.first().and_then(|own| ServerCertificate::new(own, key.secret_der())).map(Arc::new);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let build = |verifier: Arc<dyn ClientCertVerifier>, protocols: &[&str]| {
            let mut config = ServerConfig::builder_with_provider(provider.clone())
                .with_safe_default_protocol_versions()?
                .with_client_cert_verifier(verifier)
                .with_single_cert(chain.clone(), key.clone_key())?;
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
            Ok::<_, rustls::Error>(Arc::new(config))
        };
        Ok(Self {
            config: build(WebPkiClientVerifier::no_client_auth(), &["h2", "http/1.1"])?,
            mqtt: [
                build(WebPkiClientVerifier::no_client_auth(), &["mqtt"])?,
                build(Arc::new(AnyWithItsKey::new(&provider)), &["mqtt"])?,
            ],
            dtls,
            postgres: build(WebPkiClientVerifier::no_client_auth(), &["postgresql"])?,
            fingerprint,
        })
    }
}

/// The names of a certificate for a listener: `localhost`, the host's, and the addresses at which it is reached.
pub(crate) fn names(listening: std::net::IpAddr) -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    let host = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
    if addresses::is_host_name(&host) && host != "localhost" {
        names.push(host);
    }
    let listened = if listening.is_unspecified() { addresses::of_this_machine() } else { vec![listening] };
    names.extend(addresses::with_loopback(listened).iter().map(ToString::to_string));
    names
}

fn fingerprint(certificate: &CertificateDer<'static>) -> String {
    let bytes: Vec<String> = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}
