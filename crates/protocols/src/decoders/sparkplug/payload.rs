//! The payload of a message and its metrics, after the public `sparkplug_b.proto`, and what the values of metrics mean.

use std::borrow::Cow;

use sensorium_model::{ColumnKind, FieldType, Value};

use super::wire::{Fields, Wire};
use super::{MAX_METRICS, SparkplugError};

/// A payload.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Payload<'b> {
    pub(super) timestamp_ms: Option<u64>,
    pub(super) seq: Option<u64>,
    pub(super) metrics: Vec<Metric<'b>>,
}

/// A metric, of which births and data give different parts.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Metric<'b> {
    pub(super) name: Option<&'b str>,
    pub(super) alias: Option<u64>,
    pub(super) timestamp_ms: Option<u64>,
    pub(super) datatype: Option<u64>,
    pub(super) is_null: bool,
    pub(super) value: Option<Sent<'b>>,
}

/// A value as it was sent; its type says what it means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sent<'b> {
    /// An integer of 32 or 64 bits, whose sign is the type's.
    Whole(u64),
    Float(f64),
    Truth(bool),
    Text(&'b str),
    /// Bytes, a data set or a template.
    Other,
}

impl<'b> Payload<'b> {
    pub(super) fn read(body: &'b [u8]) -> Result<Self, SparkplugError> {
        let mut payload = Self::default();
        let mut fields = Fields::of(body);
        while let Some(field) = fields.field()? {
            match field {
                (1, Wire::Varint(timestamp_ms)) => payload.timestamp_ms = Some(timestamp_ms),
                (2, Wire::Bytes(_)) if payload.metrics.len() >= MAX_METRICS => {
                    return Err(SparkplugError::TooManyMetrics);
                }
                (2, Wire::Bytes(metric)) => payload.metrics.push(Metric::read(metric)?),
                (3, Wire::Varint(seq)) => payload.seq = Some(seq),
                _ => {}
            }
        }
        Ok(payload)
    }

    /// The metric of this name, if it is an integer.
    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        self.metrics.iter().find(|metric| metric.name == Some(name)).and_then(|metric| match metric.value {
            Some(Sent::Whole(number)) => Some(number),
            _ => None,
        })
    }
}

impl<'b> Metric<'b> {
    fn read(message: &'b [u8]) -> Result<Self, SparkplugError> {
        let mut metric = Self::default();
        let mut fields = Fields::of(message);
        while let Some(field) = fields.field()? {
            match field {
                (1, Wire::Bytes(name)) => metric.name = Some(text(name)?),
                (2, Wire::Varint(alias)) => metric.alias = Some(alias),
                (3, Wire::Varint(timestamp_ms)) => metric.timestamp_ms = Some(timestamp_ms),
                (4, Wire::Varint(datatype)) => metric.datatype = Some(datatype),
                (7, Wire::Varint(truth)) => metric.is_null = truth != 0,
                (10 | 11, Wire::Varint(number)) => metric.value = Some(Sent::Whole(number)),
                (12, Wire::Fixed32(bits)) => metric.value = Some(Sent::Float(f32::from_bits(bits).into())),
                (13, Wire::Fixed64(bits)) => metric.value = Some(Sent::Float(f64::from_bits(bits))),
                (14, Wire::Varint(truth)) => metric.value = Some(Sent::Truth(truth != 0)),
                (15, Wire::Bytes(bytes)) => metric.value = Some(Sent::Text(text(bytes)?)),
                (16..=18, Wire::Bytes(_)) => metric.value = Some(Sent::Other),
                _ => {}
            }
        }
        Ok(metric)
    }
}

fn text(bytes: &[u8]) -> Result<&str, SparkplugError> {
    std::str::from_utf8(bytes).map_err(|source| SparkplugError::Encoding { source })
}

/// What a value means under its type (section 6.4.16 of the specification, version 3); `None` for types that no column has.
pub(super) fn value(sent: Sent<'_>, datatype: u64) -> Option<Value<'_>> {
    // The cast to a width is how the type says that the bits are to be read.
    Some(match (sent, datatype) {
        (Sent::Whole(bits), 1) => Value::I64((bits as i8).into()),
        (Sent::Whole(bits), 2) => Value::I64((bits as i16).into()),
        (Sent::Whole(bits), 3) => Value::I64((bits as i32).into()),
        (Sent::Whole(bits), 4) => Value::I64(bits as i64),
        (Sent::Whole(bits), 8) => Value::U64(bits),
        // Unsigned integers of fewer bits, dates in milliseconds, and what has no type.
        (Sent::Whole(bits), 0 | 5..=7 | 13) => i64::try_from(bits).map_or(Value::U64(bits), Value::I64),
        (Sent::Float(number), 0 | 9 | 10) => Value::F64(number),
        (Sent::Truth(truth), 0 | 11) => Value::Bool(truth),
        (Sent::Text(text), 0 | 12 | 14 | 15) => Value::Text(Cow::Borrowed(text)),
        _ => return None,
    })
}

/// An integer as the column's type, where that holds it exactly.
pub(super) fn fitting(value: Value<'_>, column: Option<ColumnKind>) -> Value<'_> {
    let whole = match value {
        Value::I64(number) => i128::from(number),
        Value::U64(number) => i128::from(number),
        _ => return value,
    };
    let Some(ColumnKind::Field(kind)) = column else { return value };
    let fitting = match kind {
        FieldType::I64 => i64::try_from(whole).ok().map(Value::I64),
        FieldType::U64 => u64::try_from(whole).ok().map(Value::U64),
        FieldType::F64 => Some(whole as f64).filter(|float| *float as i128 == whole).map(Value::F64),
        _ => None,
    };
    fitting.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_their_type() {
        for (sent, datatype, expected) in [
            (Sent::Whole(0xffff_ffff), 1, Some(Value::I64(-1))),
            (Sent::Whole(0xff), 1, Some(Value::I64(-1))),
            (Sent::Whole(0xffff_fffe), 2, Some(Value::I64(-2))),
            (Sent::Whole(0xffff_fffd), 3, Some(Value::I64(-3))),
            (Sent::Whole(u64::MAX), 4, Some(Value::I64(-1))),
            (Sent::Whole(0xffff_ffff), 7, Some(Value::I64(4_294_967_295))),
            (Sent::Whole(5), 8, Some(Value::U64(5))),
            (Sent::Whole(u64::MAX), 0, Some(Value::U64(u64::MAX))),
            (Sent::Whole(1_699_999_999_000), 13, Some(Value::I64(1_699_999_999_000))),
            (Sent::Float(0.5), 9, Some(Value::F64(0.5))),
            (Sent::Truth(true), 11, Some(Value::Bool(true))),
            (Sent::Text("x"), 12, Some(Value::Text("x".into()))),
            (Sent::Text("x"), 10, None),
            (Sent::Other, 17, None),
            (Sent::Whole(1), 99, None),
        ] {
            assert_eq!(value(sent, datatype), expected, "{sent:?} as {datatype}");
        }
    }

    #[test]
    fn integers_follow_the_column() {
        let column = |kind| Some(ColumnKind::Field(kind));
        assert_eq!(fitting(Value::I64(5), None), Value::I64(5));
        assert_eq!(fitting(Value::I64(5), column(FieldType::F64)), Value::F64(5.0));
        assert_eq!(fitting(Value::I64((1 << 53) + 1), column(FieldType::F64)), Value::I64((1 << 53) + 1));
        assert_eq!(fitting(Value::I64(5), column(FieldType::U64)), Value::U64(5));
        assert_eq!(fitting(Value::I64(-5), column(FieldType::U64)), Value::I64(-5));
        assert_eq!(fitting(Value::U64(5), column(FieldType::I64)), Value::I64(5));
        assert_eq!(fitting(Value::U64(5), column(FieldType::Text)), Value::U64(5));
        assert_eq!(fitting(Value::F64(5.0), column(FieldType::I64)), Value::F64(5.0));
    }
}
