//! Random secrets and their fingerprints.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// SHA-256 of a secret. A fast hash is right here, because what it hashes is random, not a password.
pub(crate) type Fingerprint = [u8; 32];

/// The beginning of every API token that this server makes, so that people and scanners recognise one.
pub(crate) const TOKEN_PREFIX: &str = "sen_";

/// A new session secret: 256 random bits.
pub(crate) fn session() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

/// A new API token: 256 random bits after the prefix.
pub(crate) fn token() -> String {
    format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(random::<32>()))
}

/// A new set-up code: 100 random bits as five groups of four letters and digits that are hard to confuse.
pub(crate) fn setup_code() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstvwxyz0123456789";
    let mut code = String::with_capacity(24);
    for (position, byte) in random::<20>().into_iter().enumerate() {
        if position > 0 && position % 4 == 0 {
            code.push('-');
        }
        if let Some(letter) = ALPHABET.get(usize::from(byte % 32)) {
            code.push(char::from(*letter));
        }
    }
    code
}

/// The fingerprint that is stored and looked up.
pub(crate) fn fingerprint(secret: &str) -> Fingerprint {
    Sha256::digest(secret.as_bytes()).into()
}

/// The fingerprint as text for a column.
pub(crate) fn text(fingerprint: &Fingerprint) -> String {
    URL_SAFE_NO_PAD.encode(fingerprint)
}

/// Whether two texts are equal, in a time that does not depend on where they differ.
pub(crate) fn equal(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_readable_and_differ() {
        let code = setup_code();
        assert_eq!(code.len(), 24);
        assert!(code.chars().all(|c| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit()), "{code}");
        assert_ne!(code, setup_code());
        assert!(token().starts_with("sen_"));
        assert_eq!(token().len(), 47);
    }

    #[test]
    fn equality_is_equality() {
        assert!(equal("abc", "abc"));
        assert!(!equal("abc", "abd"));
        assert!(!equal("abc", "ab"));
    }
}
