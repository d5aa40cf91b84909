//! Codes that change with time (RFC 6238 over RFC 4226), as authenticator apps make them: SHA-1, six digits, a step of 30 seconds.

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

use crate::secrets;

/// The bytes of a secret: as many as the hash has (RFC 4226, section 4).
pub(crate) const SECRET_BYTES: usize = 20;
/// The digits of a code.
const DIGITS: usize = 6;
/// One code counts for so long.
const STEP_MS: i64 = 30_000;
/// So many steps before and after the current one count, for clocks that differ and for fingers that are slow.
const DRIFT: i64 = 1;

/// Whether a text looks like a code.
pub(crate) fn is_code(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The step whose code this is, among those that count now. Takes the same time wherever the code differs.
pub(crate) fn matching_step(secret: &[u8], code: &str, now_ms: i64) -> Option<i64> {
    let now = now_ms.div_euclid(STEP_MS);
    let steps = now.saturating_sub(DRIFT)..=now.saturating_add(DRIFT);
    steps.fold(None, |found, step| if secrets::equal(&self::code(secret, step), code) { Some(step) } else { found })
}

/// The code of a step.
pub(crate) fn code(secret: &[u8], step: i64) -> String {
    let tag = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret), &step.to_be_bytes());
    let hash = tag.as_ref();
    // RFC 4226, section 5.3: the last four bits say where the 31 bits are.
    let offset = usize::from(hash.last().copied().unwrap_or_default() & 0x0f);
    let four = hash.iter().skip(offset).take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    format!("{:06}", (four & 0x7fff_ffff) % 1_000_000)
}

/// Base32 without padding (RFC 4648, section 6), as apps take secrets.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    for group in bytes.chunks(5) {
        let bits = group.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte)) << (8 * (5 - group.len()));
        let letters = (group.len() * 8).div_ceil(5);
        let letter = |position: usize| ALPHABET.get((bits >> (35 - 5 * position)) as usize & 31).copied();
        text.extend((0..letters).filter_map(letter).map(char::from));
    }
    text
}

/// The address that apps read from a picture.
pub(crate) fn uri(secret: &[u8], organisation: &str, login: &str) -> String {
    // Of all names, only the issuer's is shown by every app; a colon would part it from the login.
    let issuer = escaped(&format!("Sensorium {}", organisation.replace(':', " ")));
    let (login, secret) = (escaped(login), base32(secret));
    format!("otpauth://totp/{issuer}:{login}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
}

/// As a part of an address (RFC 3986, section 2.3).
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the standards' own examples.
    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standards() {
        let counted =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (step, expected) in (0..).zip(counted) {
            assert_eq!(code(SECRET, step), expected, "RFC 4226, appendix D");
        }
        let timed = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, expected) in timed {
            let step = matching_step(SECRET, expected, seconds * 1_000);
            assert_eq!(step, Some(seconds / 30), "RFC 6238, appendix B");
        }
    }

    #[test]
    fn a_step_of_drift_counts_and_two_do_not() {
        let now_ms = 2_000_000_000_000;
        let step = now_ms / STEP_MS;
        for (off, expected) in [(-2, None), (-1, Some(step - 1)), (0, Some(step)), (1, Some(step + 1)), (2, None)] {
            assert_eq!(matching_step(SECRET, &code(SECRET, step + off), now_ms), expected, "{off}");
        }
        assert!(is_code("012345") && !is_code("12345") && !is_code("abcdef") && !is_code("１２"));
    }

    #[test]
    fn secrets_are_written_as_apps_read_them() {
        for (bytes, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(bytes.as_bytes()), text, "RFC 4648, section 10");
        }
        assert_eq!(
            uri(SECRET, "Lab: 1", "ada@x"),
            "otpauth://totp/Sensorium%20Lab%20%201:ada%40x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Sensorium%20Lab%20%201&algorithm=SHA1&digits=6&period=30"
        );
    }
}
