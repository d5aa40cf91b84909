//! Values in PostgreSQL's binary formats: big-endian numbers, times since 2000, lists with their dimensions.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, DurationMicrosecondType, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use bytes::{BufMut, BytesMut};
use pgwire::api::Type;
use sensorium_query::postgres_type;

use super::{EPOCH_DAYS, EPOCH_MICROS, numeric, text};

/// Appends a value that is not null.
pub(super) fn write(column: &ArrayRef, row: usize, data_type: &Type, out: &mut BytesMut) -> Result<(), ArrowError> {
    match column.data_type() {
        DataType::Boolean => out.put_u8(u8::from(column.as_boolean().value(row))),
        DataType::Int16 => out.put_i16(column.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => out.put_i32(column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => out.put_i64(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => out.put_f32(column.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => out.put_f64(column.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => out.put_slice(column.as_string::<i32>().value(row).as_bytes()),
        DataType::Binary => out.put_slice(column.as_binary::<i32>().value(row)),
        DataType::Date32 => {
            out.put_i32(column.as_primitive::<Date32Type>().value(row).saturating_sub(EPOCH_DAYS));
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            out.put_i64(column.as_primitive::<Time64MicrosecondType>().value(row));
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            out.put_i64(micros.saturating_sub(EPOCH_MICROS));
        }
        DataType::Interval(unit) => interval(column, row, *unit, out),
        DataType::Duration(_) => {
            let micros = cast(&column.slice(row, 1), &DataType::Duration(TimeUnit::Microsecond))?;
            put_interval(micros.as_primitive::<DurationMicrosecondType>().value(0), 0, 0, out);
        }
        DataType::List(_) => list(&column.as_list::<i32>().value(row), out)?,
        _ if *data_type == Type::NUMERIC => {
            let mut digits = BytesMut::new();
            text::write(column, row, &mut digits)?;
            numeric::write(&digits, out);
        }
        // What PostgreSQL has no type for is text, whose binary form is itself.
        _ => text::write(column, row, out)?,
    }
    Ok(())
}

fn interval(column: &ArrayRef, row: usize, unit: IntervalUnit, out: &mut BytesMut) {
    match unit {
        IntervalUnit::YearMonth => {
            put_interval(0, 0, column.as_primitive::<IntervalYearMonthType>().value(row), out);
        }
        IntervalUnit::DayTime => {
            let value = column.as_primitive::<IntervalDayTimeType>().value(row);
            put_interval(i64::from(value.milliseconds) * 1_000, value.days, 0, out);
        }
        IntervalUnit::MonthDayNano => {
            let value = column.as_primitive::<IntervalMonthDayNanoType>().value(row);
            put_interval(value.nanoseconds.div_euclid(1_000), value.days, value.months, out);
        }
    }
}

fn put_interval(micros: i64, days: i32, months: i32, out: &mut BytesMut) {
    out.put_i64(micros);
    out.put_i32(days);
    out.put_i32(months);
}

/// A list of one dimension; one without elements has none.
fn list(items: &ArrayRef, out: &mut BytesMut) -> Result<(), ArrowError> {
    let oid = postgres_type(items.data_type());
    let element = Type::from_oid(oid).unwrap_or(Type::TEXT);
    let items = super::plain(items)?;
    out.put_i32(i32::from(!items.is_empty()));
    out.put_i32(i32::from(items.null_count() > 0));
    // A list in a list is sent as text.
    let is_list = matches!(items.data_type(), DataType::List(_));
    out.put_u32(if is_list { Type::TEXT.oid() } else { oid });
    if items.is_empty() {
        return Ok(());
    }
    out.put_i32(i32::try_from(items.len()).unwrap_or(i32::MAX));
    out.put_i32(1);
    for index in 0..items.len() {
        let format = if is_list { crate::frontend::Format::Text } else { crate::frontend::Format::Binary };
        super::value(&items, index, &element, format, out)?;
    }
    Ok(())
}
