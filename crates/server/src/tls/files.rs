//! A certificate chain and its private key in PEM files, and noticing that they are others.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Served, TlsError};

/// Two files that belong together.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
}

/// What tells two states of the files apart, without reading them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp([Option<FileStamp>; 2]);

/// Device, inode, size, and the times of the last change of content and of the file's description.
type FileStamp = (u64, u64, u64, (i64, i64), (i64, i64));

impl Pair {
    /// Reads both.
    pub(super) fn load(&self) -> Result<Served, TlsError> {
        let certificate = |source| TlsError::Certificate { path: self.cert.clone(), source };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&self.cert)
            .map_err(certificate)?
            .collect::<Result<_, _>>()
            .map_err(certificate)?;
        if chain.is_empty() {
            return Err(certificate(pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key);
        let key = key.map_err(|source| TlsError::Key { path: self.key.clone(), source })?;
        Served::new(chain, key).map_err(|source| TlsError::Pair {
            cert: self.cert.clone(),
            key: self.key.clone(),
            source,
        })
    }

    /// How the files are now; links are followed, as certificate managers put another target under the same link.
    pub(super) fn stamp(&self) -> Stamp {
        Stamp([file_stamp(&self.cert), file_stamp(&self.key)])
    }
}

fn file_stamp(path: &Path) -> Option<FileStamp> {
    let file = std::fs::metadata(path).ok()?;
    let changed = (file.mtime(), file.mtime_nsec());
    Some((file.dev(), file.ino(), file.size(), changed, (file.ctime(), file.ctime_nsec())))
}
