//! Times as numbers: seconds, milliseconds, microseconds or nanoseconds since 1970.

use sensorium_model::Precision;

use super::TimeTextError;

/// The unit of an integer time, guessed by its size: below 10^11 seconds (until the year 5138), below 10^14
/// milliseconds, below 10^17 microseconds, else nanoseconds. Times before March 1973 in a finer unit are taken for a
/// coarser one: name the unit for those.
pub fn guess_precision(value: i64) -> Precision {
    match value.unsigned_abs() {
        0..100_000_000_000 => Precision::S,
        100_000_000_000..100_000_000_000_000 => Precision::Ms,
        100_000_000_000_000..100_000_000_000_000_000 => Precision::Us,
        _ => Precision::Ns,
    }
}

/// Reads a whole or decimal number as a time; `None` when the text is no such number. Decimals are cut at the nanosecond.
pub fn epoch_ns(text: &str, precision: Option<Precision>) -> Option<Result<i64, TimeTextError>> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let is_number = !digits.is_empty()
        && digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
        && !text.ends_with('.');
    if !is_number {
        return None;
    }
    Some(read(text, whole, fraction, precision))
}

fn read(text: &str, whole: &str, fraction: &str, precision: Option<Precision>) -> Result<i64, TimeTextError> {
    let out_of_range = || TimeTextError::Range(text.to_owned());
    let value: i64 = whole.parse().map_err(|_| out_of_range())?;
    let precision = precision.unwrap_or_else(|| guess_precision(value));
    let time_ns = precision.to_nanos(value)?;
    let mut unit = precision.nanos();
    let mut part = 0;
    for digit in fraction.bytes() {
        // Minutes and hours do not divide by ten for long; their decimals are exact to a nanosecond anyway.
        if unit < 10 {
            break;
        }
        unit /= 10;
        part += unit * i64::from(digit - b'0');
    }
    let signed = if whole.starts_with('-') { -part } else { part };
    time_ns.checked_add(signed).ok_or_else(out_of_range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_guessed_by_size() {
        for text in ["1700000000", "1700000000000", "1700000000000000", "1700000000000000000", "1700000000.0"] {
            assert_eq!(epoch_ns(text, None), Some(Ok(1_700_000_000_000_000_000)), "{text}");
        }
        assert_eq!(epoch_ns("1700000000", Some(Precision::Ns)), Some(Ok(1_700_000_000)));
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(epoch_ns("1700000000.123456789", None), Some(Ok(1_700_000_000_123_456_789)));
        assert_eq!(epoch_ns("-1.5", Some(Precision::S)), Some(Ok(-1_500_000_000)));
        assert_eq!(epoch_ns("1.9", Some(Precision::Ns)), Some(Ok(1)));
        assert_eq!(epoch_ns("0.5", Some(Precision::M)), Some(Ok(30_000_000_000)));
    }

    #[test]
    fn what_is_no_number_and_what_is_too_large() {
        for text in ["", "-", "1.", ".5", "1e9", "12:00", "+1", "2015-02-02"] {
            assert_eq!(epoch_ns(text, None), None, "{text}");
        }
        assert!(matches!(epoch_ns("99999999999999999999", None), Some(Err(_))));
        assert!(matches!(epoch_ns("9223372036854775807", Some(Precision::S)), Some(Err(_))));
    }
}
