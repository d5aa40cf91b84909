//! Writes values as Go's `encoding/json` does, which InfluxDB is made with.

use std::io::Write as _;

use sensorium_query::influxql::Cell;

use crate::routes::sql::rfc3339;

/// How times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Epoch {
    /// RFC 3339 in UTC.
    Rfc3339,
    /// Whole units of so many nanoseconds since the epoch.
    Units(i64),
}

impl Epoch {
    /// What `epoch=` says; a unit that is not known means nanoseconds, as for InfluxDB.
    pub(super) fn of(text: &str) -> Self {
        match text {
            "" => Self::Rfc3339,
            "u" | "us" | "µ" => Self::Units(1_000),
            "ms" => Self::Units(1_000_000),
            "s" => Self::Units(1_000_000_000),
            "m" => Self::Units(60_000_000_000),
            "h" => Self::Units(3_600_000_000_000),
            _ => Self::Units(1),
        }
    }

    /// A time in these units; nanoseconds where times are written as text.
    pub(super) fn units(self, time_ns: i64) -> i64 {
        match self {
            Self::Rfc3339 => time_ns,
            Self::Units(unit) => time_ns / unit,
        }
    }
}

/// Why a value has no JSON: the number, as Go writes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoJson(pub(super) &'static str);

/// Appends a value as JSON.
pub(super) fn json(cell: &Cell, epoch: Epoch, bytes: &mut Vec<u8>) -> Result<(), NoJson> {
    match cell {
        Cell::Null => bytes.extend_from_slice(b"null"),
        Cell::Time(time_ns) if epoch == Epoch::Rfc3339 => {
            bytes.push(b'"');
            time(*time_ns, bytes);
            bytes.push(b'"');
        }
        Cell::Time(time_ns) => shown(epoch.units(*time_ns), bytes),
        Cell::Float(number) if number.is_nan() => return Err(NoJson("NaN")),
        Cell::Float(number) if number.is_infinite() => {
            return Err(NoJson(if *number > 0.0 { "+Inf" } else { "-Inf" }));
        }
        Cell::Float(number) => float(*number, bytes),
        Cell::Integer(number) => shown(number, bytes),
        Cell::Unsigned(number) => shown(number, bytes),
        Cell::Boolean(truth) => shown(truth, bytes),
        Cell::Text(text) => string(text, bytes),
    }
    Ok(())
}

/// Appends a time as RFC 3339, without zeros at the end of its fraction.
pub(super) fn time(time_ns: i64, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    rfc3339::write(time_ns, bytes);
    let has_fraction = bytes.iter().skip(start).any(|byte| *byte == b'.');
    if has_fraction && bytes.pop() == Some(b'Z') {
        while bytes.last() == Some(&b'0') {
            bytes.pop();
        }
        bytes.push(b'Z');
    }
}

/// Appends a finite number: the shortest digits that mean it, with an exponent below 1e-6 and from 1e21 on.
fn float(number: f64, bytes: &mut Vec<u8>) {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        let text = if text.contains("e-") { text } else { text.replace('e', "e+") };
        bytes.extend_from_slice(text.as_bytes());
    } else {
        shown(number, bytes);
    }
}

/// Appends a text with its quotes; what has a meaning in HTML is escaped as well.
pub(super) fn string(text: &str, bytes: &mut Vec<u8>) {
    bytes.push(b'"');
    for character in text.chars() {
        match character {
            '"' => bytes.extend_from_slice(b"\\\""),
            '\\' => bytes.extend_from_slice(b"\\\\"),
            '\n' => bytes.extend_from_slice(b"\\n"),
            '\r' => bytes.extend_from_slice(b"\\r"),
            '\t' => bytes.extend_from_slice(b"\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                shown(format_args!("\\u{:04x}", u32::from(character)), bytes);
            }
            other => bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes.push(b'"');
}

/// Appends what displays as it should.
pub(super) fn shown(value: impl std::fmt::Display, bytes: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = write!(bytes, "{value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cell: Cell) -> String {
        let mut bytes = Vec::new();
        json(&cell, Epoch::Rfc3339, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn numbers_look_as_go_writes_them() {
        for (number, text) in [
            (25.5, "25.5"),
            (3.0, "3"),
            (0.0, "0"),
            (-0.0, "-0"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (0.000001, "0.000001"),
            (0.0000001, "1e-7"),
            (1.25e-9, "1.25e-9"),
        ] {
            assert_eq!(written(Cell::Float(number)), text);
        }
        assert_eq!(written(Cell::Unsigned(u64::MAX)), "18446744073709551615");
        assert_eq!(json(&Cell::Float(f64::INFINITY), Epoch::Rfc3339, &mut Vec::new()), Err(NoJson("+Inf")));
    }

    #[test]
    fn times_end_with_their_last_digit() {
        assert_eq!(written(Cell::Time(1_700_000_000_120_000_000)), "\"2023-11-14T22:13:20.12Z\"");
        assert_eq!(written(Cell::Time(1_700_000_000_000_000_000)), "\"2023-11-14T22:13:20Z\"");
        assert_eq!(written(Cell::Time(1_700_000_000_000_000_001)), "\"2023-11-14T22:13:20.000000001Z\"");
        assert_eq!(Epoch::of("ms").units(1_700_000_000_123_456_789), 1_700_000_000_123);
        assert_eq!(Epoch::of("ns").units(7), 7);
    }

    #[test]
    fn texts_are_escaped_for_pages_too() {
        assert_eq!(written(Cell::Text("a<b>&\"\\\n\u{1}é".into())), "\"a\\u003cb\\u003e\\u0026\\\"\\\\\\n\\u0001é\"");
    }
}
