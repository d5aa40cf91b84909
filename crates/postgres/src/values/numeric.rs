//! `numeric`: digits in base 10,000, the weight of the first one, a sign, and how many decimals are shown.

use bytes::{Buf, BufMut, Bytes, BytesMut};

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
/// Digits of base 10,000 that are read; a double has no more than 78 before its point.
const MAX_DIGITS: usize = 256;

/// Appends a number that is written in decimal digits.
pub(super) fn write(decimal: &[u8], out: &mut BytesMut) {
    let (is_negative, decimal) = match decimal.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, decimal),
    };
    let point = decimal.iter().position(|byte| *byte == b'.').unwrap_or(decimal.len());
    let (whole, decimals) = decimal.split_at(point);
    let decimals = decimals.get(1..).unwrap_or_default();
    // Both sides of the point are filled with zeros to whole groups of four.
    let mut digits = vec![b'0'; (4 - whole.len() % 4) % 4];
    digits.extend_from_slice(whole);
    let groups_before = digits.len() / 4;
    digits.extend_from_slice(decimals);
    digits.resize(digits.len().next_multiple_of(4), b'0');
    let value = |group: &[u8]| group.iter().fold(0u16, |value, byte| value * 10 + u16::from(byte.wrapping_sub(b'0')));
    let groups: Vec<u16> = digits.chunks(4).map(value).collect();
    let leading = groups.iter().take_while(|group| **group == 0).count();
    let trailing = groups.iter().skip(leading).rev().take_while(|group| **group == 0).count();
    let shown = groups.get(leading..groups.len() - trailing).unwrap_or_default();
    let weight = if shown.is_empty() { 0 } else { groups_before as i64 - 1 - leading as i64 };
    out.put_u16(u16::try_from(shown.len()).unwrap_or(u16::MAX));
    out.put_i16(i16::try_from(weight).unwrap_or_default());
    out.put_u16(if is_negative && !shown.is_empty() { NEGATIVE } else { 0 });
    out.put_u16(u16::try_from(decimals.len()).unwrap_or_default());
    shown.iter().for_each(|group| out.put_u16(*group));
}

/// The decimal digits of a number; none if the bytes are no number.
pub(crate) fn read(mut bytes: Bytes) -> Option<String> {
    if bytes.len() < 8 {
        return None;
    }
    let (count, weight, sign, scale) =
        (usize::from(bytes.get_u16()), i64::from(bytes.get_i16()), bytes.get_u16(), usize::from(bytes.get_u16()));
    if sign == NAN {
        return Some("NaN".to_owned());
    }
    let is_readable = count <= MAX_DIGITS && weight.unsigned_abs() <= MAX_DIGITS as u64 && scale <= MAX_DIGITS * 4;
    if (sign != 0 && sign != NEGATIVE) || bytes.len() != count * 2 || !is_readable {
        return None;
    }
    let groups: Vec<u16> = (0..count).map(|_| bytes.get_u16()).collect();
    let group = |place: i64| {
        let index = usize::try_from(weight - place).ok();
        index.and_then(|index| groups.get(index).copied()).unwrap_or(0)
    };
    let whole: String = (0..=weight.max(0)).rev().map(|place| format!("{:04}", group(place))).collect();
    let whole = whole.trim_start_matches('0');
    let places = i64::try_from(scale.div_ceil(4)).ok()?;
    let decimals: String = (1..=places).map(|place| format!("{:04}", group(-place))).collect();
    let sign = if sign == NEGATIVE { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    match decimals.get(..scale).filter(|decimals| !decimals.is_empty()) {
        Some(decimals) => Some(format!("{sign}{whole}.{decimals}")),
        None => Some(format!("{sign}{whole}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were() {
        for decimal in
            ["0", "1", "9999", "10000", "18446744073709551615", "-1.5", "0.0001", "0.00001", "123.4500", "100000000"]
        {
            let mut out = BytesMut::new();
            write(decimal.as_bytes(), &mut out);
            assert_eq!(read(out.freeze()).as_deref(), Some(decimal));
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert_eq!(read(Bytes::from_static(&[0; 7])), None);
        assert_eq!(read(Bytes::from_static(&[0, 1, 0, 0, 0, 0, 0, 0])), None);
        assert_eq!(read(Bytes::from_static(&[0, 0, 0x7f, 0xff, 0, 0, 0, 0])), None, "too large to be written down");
        assert_eq!(read(Bytes::from_static(&[0, 0, 0, 0, 0xc0, 0, 0, 0])).as_deref(), Some("NaN"));
    }
}
