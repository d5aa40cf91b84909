//! Numbers of formats that have only one kind of number: JSON and CSV.
//!
//! A number becomes a float, because a sensor that says `21` will say `21.5` next; it becomes an integer where the
//! stored column is one, or where a float could not hold it.

use sensorium_model::{ColumnKind, FieldType, Value};

/// Integers up to this one are all exact in a float (2^53).
const EXACT: u128 = 1 << 53;

/// Reads a decimal number for a column; `None` when the text is no finite number.
pub(crate) fn number(text: &str, column: Option<ColumnKind>) -> Option<Value<'static>> {
    let float: f64 = text.parse().ok().filter(|_| is_decimal(text))?;
    // More digits than 128 bits hold cannot fit an integer column either.
    let whole: Option<i128> = text.parse().ok().or_else(|| whole_float(text, float));
    let fitting = match (column, whole) {
        (Some(ColumnKind::Field(FieldType::I64)), Some(whole)) => i64::try_from(whole).ok().map(Value::I64),
        (Some(ColumnKind::Field(FieldType::U64)), Some(whole)) => u64::try_from(whole).ok().map(Value::U64),
        (Some(ColumnKind::Field(FieldType::F64)), Some(whole)) if float as i128 == whole => Some(Value::F64(float)),
        _ => None,
    };
    let large = || {
        let whole = text.parse::<i128>().ok().filter(|whole| whole.unsigned_abs() > EXACT)?;
        i64::try_from(whole).map(Value::I64).or_else(|_| u64::try_from(whole).map(Value::U64)).ok()
    };
    let value = fitting.or_else(large).unwrap_or(Value::F64(float));
    Some(value).filter(|value| !matches!(value, Value::F64(number) if !number.is_finite()))
}

/// Whether text is a number as JSON and spreadsheets write it; the standard library also reads `inf` and `nan`.
fn is_decimal(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
}

/// The integer that text like `5.0` or `1e3` means.
fn whole_float(text: &str, float: f64) -> Option<i128> {
    let small = float.abs() <= EXACT as f64 && float.fract() == 0.0;
    // A fraction too small for a float must not make the number whole.
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let zeros = fraction.bytes().all(|byte| byte == b'0');
    (small && (zeros || text.contains(['e', 'E']))).then_some(float as i128)
}

#[cfg(test)]
mod tests {
    use super::*;

    const I: Option<ColumnKind> = Some(ColumnKind::Field(FieldType::I64));
    const U: Option<ColumnKind> = Some(ColumnKind::Field(FieldType::U64));
    const F: Option<ColumnKind> = Some(ColumnKind::Field(FieldType::F64));

    #[test]
    fn numbers_are_floats_unless_that_would_lose_something() {
        for (text, column, value) in [
            ("21", None, Value::F64(21.0)),
            ("21", Some(ColumnKind::Tag), Value::F64(21.0)),
            ("0.1", None, Value::F64(0.1)),
            ("21", I, Value::I64(21)),
            ("21.0", I, Value::I64(21)),
            ("1e3", I, Value::I64(1_000)),
            ("21.5", I, Value::F64(21.5)),
            ("-1", I, Value::I64(-1)),
            ("-1", U, Value::F64(-1.0)),
            ("1", U, Value::U64(1)),
            ("9007199254740992", None, Value::F64(9_007_199_254_740_992.0)),
            ("9007199254740993", None, Value::I64(9_007_199_254_740_993)),
            ("-9007199254740993", None, Value::I64(-9_007_199_254_740_993)),
            ("18446744073709551615", None, Value::U64(u64::MAX)),
            ("18446744073709551615", I, Value::U64(u64::MAX)),
            ("9007199254740993", F, Value::I64(9_007_199_254_740_993)),
            ("9007199254740994", F, Value::F64(9_007_199_254_740_994.0)),
            ("1e300", I, Value::F64(1e300)),
            ("1.00000000000000000001", I, Value::F64(1.0)),
        ] {
            assert_eq!(number(text, column), Some(value), "{text} for {column:?}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in ["", "inf", "NaN", "-", "1,5", "1 ", "0x1", "1e999", "true"] {
            assert_eq!(number(text, None), None, "{text}");
        }
    }
}
