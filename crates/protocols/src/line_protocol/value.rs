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
