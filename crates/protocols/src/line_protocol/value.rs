//! Field values and times: from a token to a number.

use sensorium_model::{Precision, Value};

use super::error::{Problem, shown};

/// Reads a value that is not text in quotes.
pub(super) fn bare_value<'b>(token: &'b str) -> Result<Value<'b>, Problem> {
    let bytes = token.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Err(Problem::Value(String::new()));
    };
    match first {
        b'0'..=b'9' | b'-' | b'+' | b'.' => {}
        _ => return truth(token),
    }
    match last {
        b'i' => integer(token, 'i', Value::I64),
        b'u' => integer(token, 'u', Value::U64),
        _ => float(token),
    }
}

fn truth(token: &str) -> Result<Value<'static>, Problem> {
    match token {
        "t" | "T" | "true" | "True" | "TRUE" => Ok(Value::Bool(true)),
        "f" | "F" | "false" | "False" | "FALSE" => Ok(Value::Bool(false)),
        _ => Err(Problem::Value(shown(token))),
    }
}

fn integer<'b, T: std::str::FromStr>(
    token: &'b str,
    suffix: char,
    make: fn(T) -> Value<'b>,
) -> Result<Value<'b>, Problem> {
    let digits = token.strip_suffix(suffix).unwrap_or(token);
    digits.parse().map(make).map_err(|_| {
        let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
        let whole = !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit());
        if whole { Problem::Integer(shown(token)) } else { Problem::Value(shown(token)) }
    })
}

/// Reads a float. The standard library also knows `inf` and `nan`; neither is a reading.
fn float(token: &str) -> Result<Value<'static>, Problem> {
    let numeric = token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    match token.parse() {
        Ok(number) if numeric => Ok(Value::F64(number)),
        _ => Err(Problem::Value(shown(token))),
    }
}

/// Powers of ten that a float holds exactly, as far as [`short_number`] needs them.
const POWERS_OF_TEN: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A number, without the room that other values need: it stays in registers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    F64(f64),
    I64(i64),
}

/// Reads what nearly all sensors send: a number of at most 15 digits, without an exponent, at the start of some bytes. Returns
/// how long it is, too.
///
/// Such digits and the power of ten are both exact as floats, so that their quotient is the float nearest to the decimal
/// (W. D. Clinger, How to read floating point numbers accurately, 1990).
#[inline]
pub(super) fn short_number(bytes: &[u8]) -> Option<(Number, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let start = usize::from(negative);
    let (mut whole, mut digits, mut point) = (0_u64, 0_usize, None);
    for byte in bytes.get(start..)?.iter().take(17) {
        match byte {
            b'0'..=b'9' => {
                whole = whole.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                digits += 1;
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => break,
        }
    }
    if !(1..=15).contains(&digits) {
        return None;
    }
    let length = start + digits + usize::from(point.is_some());
    if point.is_none() && bytes.get(length) == Some(&b'i') {
        let number = i64::try_from(whole).ok()?;
        return Some((Number::I64(if negative { -number } else { number }), length + 1));
    }
    let power = POWERS_OF_TEN.get(point.map_or(0, |whole_digits| digits - whole_digits))?;
    #[expect(clippy::cast_precision_loss, reason = "fifteen digits are exact")]
    let number = whole as f64 / power;
    Some((Number::F64(if negative { -number } else { number }), length))
}

/// Reads a time.
pub(super) fn time(token: &str, precision: Precision) -> Result<i64, Problem> {
    let value: i64 = token.parse().map_err(|_| Problem::Time(shown(token)))?;
    Ok(precision.to_nanos(value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_type() {
        for (token, value) in [
            ("1", Value::F64(1.0)),
            ("-1.5", Value::F64(-1.5)),
            (".5", Value::F64(0.5)),
            ("1.", Value::F64(1.0)),
            ("1e3", Value::F64(1_000.0)),
            ("1.25E-2", Value::F64(0.0125)),
            ("0.1", Value::F64(0.1)),
            ("5i", Value::I64(5)),
            ("-9223372036854775808i", Value::I64(i64::MIN)),
            ("18446744073709551615u", Value::U64(u64::MAX)),
            ("T", Value::Bool(true)),
            ("False", Value::Bool(false)),
        ] {
            assert_eq!(bare_value(token), Ok(value), "{token}");
        }
    }

    proptest::proptest! {
        #[test]
        fn short_decimals_are_read_as_the_standard_library_reads_them(token in "-?[0-9]{0,9}\\.?[0-9]{0,9}") {
            let standard = token.parse::<f64>().ok();
            let short = match short_number(token.as_bytes()) {
                Some((Number::F64(number), length)) if length == token.len() => Some(number),
                _ => None,
            };
            let digits = token.bytes().filter(u8::is_ascii_digit).count();
            proptest::prop_assert_eq!(short.is_some(), standard.is_some() && digits <= 15, "{}", token);
            if let (Some(short), Some(standard)) = (short, standard) {
                proptest::prop_assert_eq!(short.to_bits(), standard.to_bits(), "{}", token);
            }
        }
    }

    #[test]
    fn a_short_number_ends_where_its_digits_do() {
        for (text, number) in [
            ("12.5,a=1", Some((Number::F64(12.5), 4))),
            ("-12i 5", Some((Number::I64(-12), 4))),
            ("1.5i", Some((Number::F64(1.5), 3))),
            ("1.2.3", Some((Number::F64(1.2), 3))),
            ("7u", Some((Number::F64(7.0), 1))),
            ("999999999999999i", Some((Number::I64(999_999_999_999_999), 16))),
            ("1234567890123456", None),
            ("-", None),
            (".", None),
            ("true", None),
        ] {
            assert_eq!(short_number(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn what_is_no_value() {
        for token in
            ["", "inf", "-inf", "+nan", "NaN", "1_000", "0x10", "tRUE", "yes", "1.5i", "i", "-i", "--1", "1e", "abc"]
        {
            assert!(matches!(bare_value(token), Err(Problem::Value(_))), "{token}: {:?}", bare_value(token));
        }
        for token in ["9223372036854775808i", "-1u", "18446744073709551616u"] {
            assert!(matches!(bare_value(token), Err(Problem::Integer(_))), "{token}");
        }
    }

    #[test]
    fn times_in_a_precision() {
        assert_eq!(time("1", Precision::S), Ok(1_000_000_000));
        assert_eq!(time("-1", Precision::Ms), Ok(-1_000_000));
        assert!(matches!(time("1.5", Precision::S), Err(Problem::Time(_))));
        assert!(matches!(time("9223372036854775807", Precision::S), Err(Problem::TimeRange(_))));
    }
}
