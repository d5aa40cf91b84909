//! A certificate that the server makes for itself, for networks without a name that an authority would certify.
//!
//! In `tls/` of the data folder, for its owner only: `self-signed.key`, `self-signed.pem`, which clients may be given, and last
//! `self-signed.json`, which says for which names and until when it is good. It is made anew when a name is missing in it, when
//! it ends within [`EARLY`], or when its files are not whole.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use serde::{Deserialize, Serialize};

use super::files::Pair;
use super::{Served, TlsError};

const DAY: Duration = Duration::from_secs(86_400);
/// How long a certificate is good; Apple's systems take none that is good for longer than 825 days.
const GOOD: Duration = Duration::from_secs(820 * 86_400);
/// A certificate that ends within this time is made anew.
const EARLY: Duration = Duration::from_secs(30 * 86_400);

/// The server's own certificate.
pub(super) struct SelfSigned {
    folder: PathBuf,
    names: Vec<String>,
}

/// What is known of a certificate that was made.
#[derive(Debug, Serialize, Deserialize)]
struct Made {
    names: Vec<String>,
    /// When it ends, in seconds since the epoch.
    ends_unix_seconds: u64,
}

impl SelfSigned {
    pub(super) fn new(data_dir: &Path, names: Vec<String>) -> Self {
        Self { folder: data_dir.join("tls"), names }
    }

    /// The certificate that is there, if it still does, or another one.
    pub(super) fn load_or_make(&self) -> Result<Served, TlsError> {
        let reason = match self.made() {
            None => "there was none",
            Some(made) if self.names.iter().any(|name| !made.names.contains(name)) => "a name or address is new",
            Some(made) if nears_its_end(made.ends_unix_seconds, now()) => "the one before nears its end",
            Some(_) => match self.pair().load() {
                Ok(served) => return Ok(served),
                Err(error) => {
                    tracing::warn!(%error, "the server's own certificate cannot be used");
                    "the one before cannot be used"
                }
            },
        };
        let served = self.make(now())?;
        tracing::info!(reason, fingerprint = served.fingerprint, names = ?self.names, "made a certificate of its own");
        Ok(served)
    }

    /// Whether it is time for another one.
    pub(super) fn is_due(&self) -> bool {
        self.made().is_none_or(|made| nears_its_end(made.ends_unix_seconds, now()))
    }

    fn pair(&self) -> Pair {
        Pair { cert: self.folder.join("self-signed.pem"), key: self.folder.join("self-signed.key") }
    }

    fn description(&self) -> PathBuf {
        self.folder.join("self-signed.json")
    }

    fn made(&self) -> Option<Made> {
        serde_json::from_slice(&fs::read(self.description()).ok()?).ok()
    }

    fn make(&self, now: Duration) -> Result<Served, TlsError> {
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        let mut params = CertificateParams::new(self.names.clone())?;
        // A client whose clock is a little behind still takes it.
        params.not_before = epoch + now.saturating_sub(DAY);
        params.not_after = epoch + (now + GOOD);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Sensorium");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let made = Made { names: self.names.clone(), ends_unix_seconds: (now + GOOD).as_secs() };
        let description = serde_json::to_vec_pretty(&made).unwrap_or_default();
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::Write { path, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(failed(&self.folder))?;
        let pair = self.pair();
        for (path, contents, mode) in [
            (&pair.key, key.serialize_pem().into_bytes(), 0o600),
            (&pair.cert, certificate.pem().into_bytes(), 0o644),
            (&self.description(), description, 0o644),
        ] {
            write_whole(path, &contents, mode).map_err(failed(path))?;
        }
        pair.load()
    }
}

fn nears_its_end(ends_unix_seconds: u64, now: Duration) -> bool {
    now + EARLY >= Duration::from_secs(ends_unix_seconds)
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Puts a file in its place, whole or not at all.
pub(crate) fn write_whole(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn own(folder: &Path, names: &[&str]) -> SelfSigned {
        SelfSigned::new(folder, names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_certificate_is_kept_until_a_name_is_new_it_nears_its_end_or_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let print = |own: &SelfSigned| own.load_or_make().unwrap().fingerprint;
        let first = own(folder.path(), &["localhost", "127.0.0.1", "::1"]);
        let made = print(&first);
        assert_eq!(made.len(), 95, "{made}");
        assert_eq!(print(&first), made);
        assert_eq!(print(&own(folder.path(), &["localhost"])), made, "a name less does no harm");
        let second = own(folder.path(), &["localhost", "box"]);
        let other = print(&second);
        assert_ne!(other, made);

        let mode =
            |name: &str| fs::metadata(folder.path().join("tls").join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(""), mode("self-signed.key")), (0o700, 0o600));

        assert!(!second.is_due());
        second.make(now() - GOOD + EARLY).unwrap();
        assert!(second.is_due());
        let renewed = print(&second);
        assert_ne!(renewed, other);
        assert!(!second.is_due());

        fs::write(second.pair().key, "no key").unwrap();
        assert_ne!(print(&second), renewed);
    }
}
