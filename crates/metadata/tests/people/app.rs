//! An authenticator app: makes codes of a secret as the standards say, apart from the code under test.

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

/// The code that an app shows at a time.
pub(crate) fn code(secret: &str, now_ms: i64) -> String {
    let bits: String = secret
        .chars()
        .map(|letter| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap())
        .map(|value| format!("{value:05b}"))
        .collect();
    let byte = |bits: &[u8]| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap();
    let bytes: Vec<u8> = bits.as_bytes().chunks_exact(8).map(byte).collect();
    assert_eq!(bytes.len(), 20);
    let tag = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes), &(now_ms / 30_000).to_be_bytes());
    let hash = tag.as_ref();
    let offset = usize::from(hash.last().unwrap() & 15);
    let four = hash.get(offset..offset + 4).unwrap().try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}
