//! Values as text, as PostgreSQL prints them with `DateStyle` ISO, `IntervalStyle` postgres and `bytea_output` hex.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::BytesMut;
use chrono::{DateTime, NaiveTime};

use super::EPOCH_DAYS;

/// Appends a value that is not null.
pub(super) fn write(column: &ArrayRef, row: usize, out: &mut BytesMut) -> Result<(), ArrowError> {
    let written = match column.data_type() {
        DataType::Boolean => out.write_char(if column.as_boolean().value(row) { 't' } else { 'f' }),
        DataType::Int16 => write!(out, "{}", column.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => write!(out, "{}", column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => write!(out, "{}", column.as_primitive::<Int64Type>().value(row)),
        DataType::UInt64 => write!(out, "{}", column.as_primitive::<UInt64Type>().value(row)),
        DataType::Float32 => {
            let number = column.as_primitive::<Float32Type>().value(row);
            if number.is_finite() { write!(out, "{number}") } else { out.write_str(no_number(number.into())) }
        }
        DataType::Float64 => {
            let number = column.as_primitive::<Float64Type>().value(row);
            if number.is_finite() { write!(out, "{number}") } else { out.write_str(no_number(number)) }
        }
        DataType::Utf8 => out.write_str(column.as_string::<i32>().value(row)),
        DataType::Binary => {
            let bytes = column.as_binary::<i32>().value(row);
            out.write_str("\\x").and_then(|()| bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}")))
        }
        DataType::Date32 => date(column.as_primitive::<Date32Type>().value(row), out),
        DataType::Time64(TimeUnit::Microsecond) => {
            let micros = column.as_primitive::<Time64MicrosecondType>().value(row);
            time(micros, out)
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            timestamp(micros, out).and_then(|()| out.write_str(if zone.is_some() { "+00" } else { "" }))
        }
        DataType::List(_) => return list(&column.as_list::<i32>().value(row), out),
        _ => {
            let formatter = ArrayFormatter::try_new(column.as_ref(), &FormatOptions::new())?;
            write!(out, "{}", formatter.value(row))
        }
    };
    written.map_err(|error| ArrowError::ExternalError(Box::new(error)))
}

fn no_number(number: f64) -> &'static str {
    match number {
        number if number.is_nan() => "NaN",
        number if number > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

fn date(days: i32, out: &mut BytesMut) -> std::fmt::Result {
    match DateTime::from_timestamp(i64::from(days) * 86_400, 0) {
        Some(day) => write!(out, "{}", day.format("%Y-%m-%d")),
        None => write!(out, "{}", days.saturating_sub(EPOCH_DAYS)),
    }
}

fn time(micros: i64, out: &mut BytesMut) -> std::fmt::Result {
    let seconds = u32::try_from(micros.div_euclid(1_000_000)).unwrap_or_default();
    let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0).unwrap_or_default();
    write!(out, "{}", time.format("%H:%M:%S"))?;
    fraction(micros, out)
}

fn timestamp(micros: i64, out: &mut BytesMut) -> std::fmt::Result {
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => write!(out, "{}", time.format("%Y-%m-%d %H:%M:%S"))?,
        None => return out.write_str(if micros > 0 { "infinity" } else { "-infinity" }),
    }
    fraction(micros, out)
}

/// The microseconds of a second, without zeros at their end.
fn fraction(micros: i64, out: &mut BytesMut) -> std::fmt::Result {
    match micros.rem_euclid(1_000_000) {
        0 => Ok(()),
        micros => {
            let digits = format!("{micros:06}");
            write!(out, ".{}", digits.trim_end_matches('0'))
        }
    }
}

/// A list in braces; an element that could be read as something else is quoted.
fn list(items: &ArrayRef, out: &mut BytesMut) -> Result<(), ArrowError> {
    let items = super::plain(items)?;
    out.extend_from_slice(b"{");
    let mut element = BytesMut::new();
    for index in 0..items.len() {
        if index > 0 {
            out.extend_from_slice(b",");
        }
        if items.is_null(index) {
            out.extend_from_slice(b"NULL");
            continue;
        }
        element.clear();
        write(&items, index, &mut element)?;
        let is_list = matches!(items.data_type(), DataType::List(_));
        let is_plain = !element.is_empty()
            && !element.eq_ignore_ascii_case(b"null")
            && !element
                .iter()
                .any(|byte| matches!(byte, b'{' | b'}' | b',' | b'"' | b'\\') || byte.is_ascii_whitespace());
        if is_list || is_plain {
            out.extend_from_slice(&element);
            continue;
        }
        out.extend_from_slice(b"\"");
        for byte in &element {
            if matches!(byte, b'"' | b'\\') {
                out.extend_from_slice(b"\\");
            }
            out.extend_from_slice(&[*byte]);
        }
        out.extend_from_slice(b"\"");
    }
    out.extend_from_slice(b"}");
    Ok(())
}
