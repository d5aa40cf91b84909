//! Pre-shared keys (RFC 4279): what an identity and a key may be, and new ones.

use std::fmt;

use zeroize::Zeroizing;

use super::wrong;
use crate::error::MetadataError;
use crate::secrets;

/// The most characters of an identity. RFC 4279 asks for 128 bytes to be supported; what devices have room for is less.
const MAX_IDENTITY: usize = 64;
/// The fewest bytes of a key.
const MIN_KEY: usize = 16;
/// The most bytes of a key (RFC 4279, section 5.3).
const MAX_KEY: usize = 64;
/// The fewest different bytes of a key; of 16 random ones, fewer are alike in one of a million million keys.
const MIN_DIFFERENT: usize = 8;

/// A key, which is not shown when it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PreSharedKey(Zeroizing<Vec<u8>>);

impl PreSharedKey {
    /// 256 random bits.
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(secrets::random::<32>().to_vec()))
    }

    /// As it was sealed.
    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// A key that somebody brings along, in hexadecimal digits.
    pub(super) fn from_hex(text: &str) -> Result<Self, MetadataError> {
        let text = text.trim();
        let rule =
            format!("use {MIN_KEY} to {MAX_KEY} bytes as hexadecimal digits (MIN_KEY and MAX_KEY, fixed limits)");
        let Some(bytes) = bytes(text).filter(|bytes| (MIN_KEY..=MAX_KEY).contains(&bytes.len())) else {
            return Err(wrong("the pre-shared key cannot be used", rule));
        };
        if is_weak(&bytes) {
            let rule = "use random bytes, or leave it out to have some made";
            return Err(wrong("the pre-shared key is easy to guess", rule));
        }
        Ok(Self(bytes))
    }

    /// The key itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key in hexadecimal digits.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(&self.0))
    }
}

impl fmt::Debug for PreSharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreSharedKey")
    }
}

/// An identity that nobody has.
pub(super) fn new_identity() -> String {
    format!("sen-{}", hex(&secrets::random::<10>()))
}

/// Checks an identity that somebody chose.
pub(super) fn check_identity(identity: &str) -> Result<(), MetadataError> {
    if !is_identity(identity) {
        let rule = format!(
            "use 1 to {MAX_IDENTITY} letters of English, digits and signs, without spaces (MAX_IDENTITY, a fixed limit)"
        );
        return Err(wrong("the identity of the pre-shared key cannot be used", rule));
    }
    Ok(())
}

/// Whether a text can be an identity.
pub(super) fn is_identity(text: &str) -> bool {
    (1..=MAX_IDENTITY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Bytes as lower case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| DIGITS.get(usize::from(digit))).map(|digit| char::from(*digit)).collect()
}

/// What hexadecimal digits of either case stand for.
fn bytes(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = Zeroizing::new(text.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<u32>>>()?);
    let (pairs, rest) = digits.as_chunks::<2>();
    let whole = pairs.iter().map(|[high, low]| u8::try_from((high << 4) | low).ok()).collect::<Option<Vec<u8>>>()?;
    rest.is_empty().then(|| Zeroizing::new(whole))
}

/// Whether bytes are all alike, count up or down, or repeat a few.
fn is_weak(bytes: &[u8]) -> bool {
    let steps = bytes.iter().zip(bytes.iter().skip(1)).map(|(before, after)| after.wrapping_sub(*before));
    let steps: std::collections::BTreeSet<u8> = steps.collect();
    let different: std::collections::BTreeSet<u8> = bytes.iter().copied().collect();
    steps.len() == 1 || different.len() < MIN_DIFFERENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_random_and_read_as_they_are_shown() {
        let (one, other) = (PreSharedKey::new(), PreSharedKey::new());
        assert_ne!(one, other);
        assert_eq!((one.as_bytes().len(), one.to_hex().len()), (32, 64));
        assert_eq!(PreSharedKey::from_hex(&format!(" {}\n", one.to_hex().to_uppercase())).unwrap(), one);
        assert!(!format!("{one:?}").contains(one.to_hex().as_str()));
    }

    #[test]
    fn keys_that_are_short_long_weak_or_no_digits_are_refused() {
        let random = "6f9a1c03d27be845906e1fb3c8a7d254".to_owned();
        for right in [random.clone(), random.repeat(4)] {
            assert!(PreSharedKey::from_hex(&right).is_ok(), "{right}");
        }
        let counting = |step: u8| hex(&(0..32_u8).map(|byte| byte.wrapping_mul(step)).collect::<Vec<_>>());
        for (wrong, says) in [
            (String::new(), "MIN_KEY"),
            (random[..30].to_owned(), "MIN_KEY"),
            (format!("{random}0"), "hexadecimal"),
            (format!("{}00", random.repeat(4)), "MAX_KEY"),
            (random.replace('9', "g"), "hexadecimal"),
            (random.replace('9', "é"), "hexadecimal"),
            ("00".repeat(32), "guess"),
            ("ff".repeat(16), "guess"),
            ("0123456789abcd".repeat(3), "guess"),
            (counting(1), "guess"),
            (counting(255), "guess"),
        ] {
            let error = PreSharedKey::from_hex(&wrong).unwrap_err().to_string();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }

    #[test]
    fn identities_are_printable_and_short() {
        for right in ["a", "attic/1:~", &"x".repeat(64), &new_identity()] {
            assert!(check_identity(right).is_ok(), "{right}");
        }
        assert_ne!(new_identity(), new_identity());
        for wrong in ["", "a b", "é", "tab\t", "nul\0", &"x".repeat(65)] {
            assert!(check_identity(wrong).is_err(), "{wrong}");
        }
    }
}
