//! What kind of values a column holds, judged from a sample of them.

use crate::numbers::number;
use crate::time::{DateTimeFormat, Zone, epoch_ns};

use super::plan::FieldKind;

/// Whether a value stands for "no value" in a column that is not text.
pub(super) fn is_absent(value: &str) -> bool {
    matches!(value, "" | "NA" | "N/A" | "n/a" | "NaN" | "nan" | "NAN" | "null" | "NULL" | "None" | "-" | "?")
}

/// Whether a value is a number; with `comma` the decimal sign may be a comma.
pub(super) fn is_number(value: &str, comma: bool) -> bool {
    number(value, None).is_some() || (comma && has_decimal_comma(value))
}

/// Whether a value is a number with a decimal comma.
pub(super) fn has_decimal_comma(value: &str) -> bool {
    value.contains(',') && !value.contains('.') && number(&value.replacen(',', ".", 1), None).is_some()
}

/// Whether a value is a date, with or without a time of day.
pub(super) fn is_date(value: &str) -> bool {
    DateTimeFormat::detect([value].into_iter(), Zone::UTC).is_some()
}

/// Whether a value is a time of day alone, such as `17:51` or `5:51:30 pm`.
pub(super) fn is_time_of_day(value: &str) -> bool {
    value.contains(':') && is_date(&format!("2000-01-01 {value}"))
}

/// A truth value.
pub(super) fn truth(value: &str) -> Option<bool> {
    match value {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Whether a value can be a number of seconds, milliseconds … since 1970; small numbers are taken for measurements.
pub(super) fn is_epoch(value: &str) -> bool {
    const YEAR_1973_SECONDS: f64 = 1e8;
    epoch_ns(value, None).is_some_and(|time| time.is_ok()) && value.parse().is_ok_and(|v: f64| v >= YEAR_1973_SECONDS)
}

/// The kind of a column's values, and whether its decimals have commas.
pub(super) fn field_kind<'a>(values: impl Iterator<Item = &'a str> + Clone, comma_allowed: bool) -> (FieldKind, bool) {
    let mut present = values.filter(|value| !is_absent(value)).peekable();
    if present.peek().is_none() {
        return (FieldKind::Undecided, false);
    }
    if present.clone().all(|value| truth(value).is_some()) {
        return (FieldKind::Truth, false);
    }
    if present.clone().all(|value| is_number(value, comma_allowed)) {
        return (FieldKind::Number, comma_allowed && present.any(has_decimal_comma));
    }
    (FieldKind::Text, false)
}
