//! Scanning of procfs text as bytes, without allocation. Every function is total: what cannot be read is `None`.

use std::borrow::Cow;

/// The lines of a file, without the empty one at its end.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// The words of a line, separated by spaces and tabs.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b' ' || *byte == b'\t').filter(|word| !word.is_empty())
}

/// An unsigned decimal integer that fills the whole word.
pub(crate) fn integer(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// A finite decimal number such as `12.50` or `-3`.
pub(crate) fn decimal(word: &[u8]) -> Option<f64> {
    std::str::from_utf8(word).ok()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Text for a tag; bytes that are no UTF-8 become U+FFFD.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Splits at the first occurrence of a byte, which belongs to neither half.
pub(crate) fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == separator)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_whole_words_within_64_bits() {
        assert_eq!(integer(b"18446744073709551615"), Some(u64::MAX));
        for bad in [b"18446744073709551616".as_slice(), b"", b"-1", b"1k", b"1.0"] {
            assert_eq!(integer(bad), None, "{}", text(bad));
        }
    }

    #[test]
    fn decimals_are_finite() {
        assert_eq!(decimal(b"-0.50"), Some(-0.5));
        for bad in [b"nan".as_slice(), b"inf", b"", b"1,5"] {
            assert_eq!(decimal(bad), None, "{}", text(bad));
        }
    }

    #[test]
    fn words_and_lines_skip_what_is_empty() {
        let all: Vec<Vec<&[u8]>> = lines(b"a  b\t c\n\n d\n").map(|line| words(line).collect()).collect();
        assert_eq!(all, [vec![b"a".as_slice(), b"b", b"c"], vec![b"d"]]);
    }
}
