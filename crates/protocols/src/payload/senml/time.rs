//! Times in seconds, exact to the nanosecond.

/// Seconds as decimal text, with fraction and exponent, in nanoseconds; what is finer is cut. None when it is no number or far
/// beyond what any clock tells.
pub(super) fn seconds_ns(text: &str) -> Option<i128> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, digits) = match number.as_bytes().first()? {
        b'-' => (-1, number.get(1..)?),
        b'+' => (1, number.get(1..)?),
        _ => (1, number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || whole.len() + fraction.len() > 400 || !all.clone().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // The place of a digit: 0 for whole nanoseconds.
    let mut place = i32::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_add(8)?;
    let mut total = 0_i128;
    for digit in all.map(|byte| i128::from(byte - b'0')) {
        if digit != 0 && place >= 0 {
            // 10^28 nanoseconds are 300 billion years.
            let unit = u32::try_from(place).ok().filter(|place| *place < 28).map(|place| 10_i128.pow(place))?;
            total += digit * unit;
        }
        place = place.checked_sub(1)?;
    }
    Some(sign * total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact() {
        for (text, ns) in [
            ("0", 0),
            ("1", 1_000_000_000),
            ("-5", -5_000_000_000),
            ("1.276020076001e+09", 1_276_020_076_001_000_000),
            ("1700000000.123456789", 1_700_000_000_123_456_789),
            ("1e-9", 1),
            ("1.9e-9", 1),
            ("0.0000000001", 0),
            ("1e-400", 0),
            ("17E8", 1_700_000_000_000_000_000),
        ] {
            assert_eq!(seconds_ns(text), Some(ns), "{text}");
        }
        for text in ["", "-", "x", "1e", ".5", "1e30", "1,5", "inf", "1e99999999999", "1e2147483647"] {
            assert_eq!(seconds_ns(text), None, "{text}");
        }
    }
}
