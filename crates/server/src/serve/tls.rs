//! HTTPS: the certificate chain and private key from PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

/// Why HTTPS cannot be switched on.
#[derive(Debug, Error)]
pub(crate) enum TlsError {
    #[error("http.tls_cert: {} holds no certificate in PEM form: {source}", path.display())]
    Certificate { path: PathBuf, source: pem::Error },
    #[error("http.tls_key: {} holds no private key in PEM form: {source}", path.display())]
    Key { path: PathBuf, source: pem::Error },
    #[error("the certificate {} and the key {} do not belong together or are not usable: {source}", cert.display(), key.display())]
    Pair { cert: PathBuf, key: PathBuf, source: rustls::Error },
}

/// Prepares the handshakes.
pub(crate) fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let certificate = |source| TlsError::Certificate { path: cert.to_owned(), source };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(cert).map_err(certificate)?.collect::<Result<_, _>>().map_err(certificate)?;
    if chain.is_empty() {
        return Err(certificate(pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Key { path: key.to_owned(), source })?;
    let pair = |source| TlsError::Pair { cert: cert.to_owned(), key: key.to_owned(), source };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
