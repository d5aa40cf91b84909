//! Secrets that must be read again, and so cannot be kept as hashes: the secrets of second factors, passwords of Wi-Fi networks and
//! pre-shared keys of devices.
//!
//! They are sealed with ChaCha20-Poly1305 (RFC 8439) under a key of 256 random bits that lies in a file outside of the database
//! ([`MetadataConfig::key_file`](crate::MetadataConfig)), so that a copy of the database alone, such as a backup, opens none.
//!
//! Layout of a sealed text: `v1.KEY.TEXT`, where KEY is what the key is known by (16 hexadecimal digits of its SHA-256), and TEXT is
//! base64url of 12 random bytes of nonce, the ciphertext and 16 bytes of tag. Authenticated with it is the place that it belongs to:
//! table, column, organisation and row, so that it opens nowhere else.
//!
//! Invariants: a key is made only while nothing is sealed; nothing is sealed while something is sealed with another key. So putting
//! the right file back makes everything readable again, whatever happened in between.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::entity::{device_credential, second_factor, wifi_network};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::secrets;

const VERSION: &str = "v1";
const KEY_BYTES: usize = 32;

const MISSING: &str = "it is missing, so what was sealed with it cannot be read, and nothing is sealed; put it back from where you \
                       keep it (backups do not hold it). If it is lost, delete all Wi-Fi networks, remove all second factors and \
                       revoke all pre-shared keys of devices: then a new one is made";
const ANOTHER: &str = "it is not the key that secrets were sealed with, so they cannot be read, and nothing is sealed; put the right one \
                       back from where you keep it. If it is lost, delete all Wi-Fi networks, remove all second factors and revoke \
                       all pre-shared keys of devices";
const NO_KEY: &str = "it holds no key; put it back from where you keep it";
const FAILED: &str = "it cannot be read or written";

/// Where a sealed text belongs, and the only place where it opens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SealedIn {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) org: Uuid,
    pub(crate) row: Uuid,
}

impl SealedIn {
    fn text(&self) -> String {
        let Self { table, column, org, row } = self;
        format!("sensorium {VERSION} {table} {column} {org} {row}")
    }
}

/// The key, once it is needed.
#[derive(Default)]
pub(crate) struct Sealer {
    key: OnceCell<Arc<SealingKey>>,
}

/// A key and what it is known by.
pub(crate) struct SealingKey {
    key: LessSafeKey,
    /// The beginning of every text that it seals.
    prefix: String,
    /// Makes what stands for what does not exist.
    decoys: hmac::Key,
}

impl SealingKey {
    fn new(bytes: &[u8]) -> Option<Self> {
        let hash = Sha256::new_with_prefix(b"what a Sensorium key is known by").chain_update(bytes).finalize();
        let id: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let key = UnboundKey::new(&CHACHA20_POLY1305, bytes).ok()?;
        let decoys = Sha256::new_with_prefix(b"what stands for what does not exist").chain_update(bytes).finalize();
        let decoys = hmac::Key::new(hmac::HMAC_SHA256, &decoys);
        Some(Self { key: LessSafeKey::new(key), prefix: format!("{VERSION}.{id}."), decoys })
    }

    /// Bytes that are random to whoever does not have the key, and always the same for a name.
    pub(crate) fn decoy(&self, name: &str) -> [u8; 32] {
        hmac::sign(&self.decoys, name.as_bytes()).as_ref().try_into().unwrap_or([0; 32])
    }

    fn seal(&self, place: SealedIn, secret: &[u8]) -> Option<String> {
        let nonce = secrets::random::<NONCE_LEN>();
        let mut sealed = secret.to_vec();
        let aad = Aad::from(place.text());
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        let mut whole = nonce.to_vec();
        whole.append(&mut sealed);
        Some(format!("{}{}", self.prefix, URL_SAFE_NO_PAD.encode(whole)))
    }

    fn open(&self, place: SealedIn, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let text = sealed.strip_prefix(&self.prefix)?;
        let whole = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let (nonce, sealed) = whole.split_at_checked(NONCE_LEN)?;
        let mut opened = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = self.key.open_in_place(nonce, Aad::from(place.text()), &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }
}

impl Metadata {
    /// Seals a secret for a place.
    pub(crate) async fn seal(&self, place: SealedIn, secret: &[u8]) -> Result<String, MetadataError> {
        self.sealing_key().await?.seal(place, secret).ok_or(MetadataError::Sealed(place.table))
    }

    /// Opens what was sealed for a place.
    pub(crate) async fn unseal(&self, place: SealedIn, sealed: &str) -> Result<Zeroizing<Vec<u8>>, MetadataError> {
        self.sealing_key().await?.open(place, sealed).ok_or(MetadataError::Sealed(place.table))
    }

    /// The key of the file; makes one if there is none and nothing was ever sealed.
    pub(crate) async fn sealing_key(&self) -> Result<Arc<SealingKey>, MetadataError> {
        self.sealer().key.get_or_try_init(|| self.find_key()).await.cloned()
    }

    async fn find_key(&self) -> Result<Arc<SealingKey>, MetadataError> {
        let path = &self.config().key_file;
        let failed = |source| MetadataError::SecretKey { path: path.clone(), problem: FAILED, source: Some(source) };
        let refused = |problem| MetadataError::SecretKey { path: path.clone(), problem, source: None };
        let bytes = match read(path).map_err(failed)? {
            Some(text) => decode(&text).ok_or_else(|| refused(NO_KEY))?,
            None if self.is_anything_sealed(None).await? => return Err(refused(MISSING)),
            None => {
                let bytes = Zeroizing::new(secrets::random::<KEY_BYTES>().to_vec());
                write(path, &bytes).map_err(failed)?;
                tracing::info!(path = %path.display(), "made the key that seals secrets; keep a copy of it, backups do not hold it");
                bytes
            }
        };
        let key = SealingKey::new(&bytes).ok_or_else(|| refused(NO_KEY))?;
        if self.is_anything_sealed(Some(&key.prefix)).await? {
            return Err(refused(ANOTHER));
        }
        Ok(Arc::new(key))
    }

    /// Whether something is sealed, other than with this key; of all organisations, which share the key.
    async fn is_anything_sealed(&self, but_with: Option<&str>) -> Result<bool, MetadataError> {
        // The prefix holds no sign that means something in a pattern.
        let others = format!("{}%", but_with.unwrap_or("-"));
        let factors = second_factor::Entity::find().filter(second_factor::Column::Secret.not_like(others.as_str()));
        let networks = wifi_network::Entity::find().filter(wifi_network::Column::Password.not_like(others.as_str()));
        let keys =
            device_credential::Entity::find().filter(device_credential::Column::Secret.not_like(others.as_str()));
        Ok(factors.count(self.db()).await? > 0
            || networks.count(self.db()).await? > 0
            || keys.count(self.db()).await? > 0)
    }
}

/// The text of the file, if it is there.
fn read(path: &Path) -> io::Result<Option<Zeroizing<String>>> {
    match fs::read_to_string(path) {
        Ok(text) => {
            if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
                tracing::warn!(path = %path.display(), "others may read the key that seals secrets; take that right away (chmod 600)");
            }
            Ok(Some(Zeroizing::new(text)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim()).ok()?);
    (bytes.len() == KEY_BYTES).then_some(bytes)
}

/// Puts a new key in its place, whole, for its owner only.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft: PathBuf = path.to_owned();
    draft.set_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let text = Zeroizing::new(format!("{}\n", URL_SAFE_NO_PAD.encode(bytes)));
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(row: u128) -> SealedIn {
        SealedIn { table: "wifi_network", column: "password", org: Uuid::from_u128(1), row: Uuid::from_u128(row) }
    }

    #[test]
    fn a_sealed_text_opens_in_its_own_place_and_nowhere_else() {
        let key = SealingKey::new(&[7; KEY_BYTES]).unwrap();
        let sealed = key.seal(place(2), b"the secret").unwrap();
        assert!(sealed.starts_with("v1.") && !sealed.contains("secret"), "{sealed}");
        assert_eq!(key.open(place(2), &sealed).unwrap().as_slice(), b"the secret");
        assert_ne!(sealed, key.seal(place(2), b"the secret").unwrap(), "never twice with one nonce");
        assert!(key.open(place(3), &sealed).is_none(), "another row");
        assert!(key.open(SealedIn { org: Uuid::nil(), ..place(2) }, &sealed).is_none(), "another organisation");
        assert!(key.open(SealedIn { column: "secret", ..place(2) }, &sealed).is_none(), "another column");
        assert!(key.open(SealedIn { table: "second_factor", ..place(2) }, &sealed).is_none(), "another table");
        let other = SealingKey::new(&[8; KEY_BYTES]).unwrap();
        assert!(other.open(place(2), &sealed).is_none());
        for cut in 0..sealed.len() {
            assert!(key.open(place(2), &sealed[..cut]).is_none(), "cut at {cut}");
        }
        let (head, tail) = sealed.split_at(30);
        let changed = if tail.starts_with('A') { "B" } else { "A" };
        assert!(key.open(place(2), &format!("{head}{changed}{}", &tail[1..])).is_none());
    }

    #[test]
    fn a_key_file_is_read_as_it_was_written_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        assert!(read(&path).unwrap().is_none());
        fs::write(folder.path().join("secret.new"), "left by a crash").unwrap();
        write(&path, &[9; KEY_BYTES]).unwrap();
        assert_eq!(decode(&read(&path).unwrap().unwrap()).unwrap().as_slice(), [9; KEY_BYTES]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for wrong in ["", "AAAA", "not base64!"] {
            assert!(decode(wrong).is_none(), "{wrong:?}");
        }
    }
}
