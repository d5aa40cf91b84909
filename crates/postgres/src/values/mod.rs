//! Values of answers: columns of Arrow in, rows in PostgreSQL's formats out.
//!
//! Which type a column is told to have is `sensorium_query::postgres_type`; what is written here is of that type. Times are in UTC, and
//! their nanoseconds are cut off to microseconds.

mod binary;
pub(crate) mod numeric;
mod text;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, TimeUnit};
use arrow::error::ArrowError;
use bytes::{BufMut, BytesMut};
use pgwire::api::Type;
use pgwire::messages::data::{FieldDescription, RowDescription};
use sensorium_query::postgres_type;

use crate::frontend::{Format, format_of};

/// Microseconds from 1970 to 2000, where PostgreSQL counts from.
pub(crate) const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Days from 1970 to 2000.
const EPOCH_DAYS: i32 = 10_957;

/// The message that describes the columns of an answer.
pub(crate) fn description(schema: &Schema, formats: &[Format]) -> RowDescription {
    let field = |(index, field): (usize, &arrow::datatypes::FieldRef)| {
        let oid = postgres_type(field.data_type());
        let format = i16::from(format_of(formats, index) == Format::Binary);
        // A zero would end the name.
        let name = field.name().replace('\0', "");
        FieldDescription::new(name, 0, 0, oid, size(oid), -1, format)
    };
    RowDescription::new(schema.fields().iter().enumerate().map(field).collect())
}

/// The bytes of a value of a type, -1 where they vary.
fn size(oid: u32) -> i16 {
    match oid {
        16 => 1,
        21 => 2,
        23 | 700 | 1_082 => 4,
        20 | 701 | 1_083 | 1_114 | 1_184 => 8,
        1_186 => 16,
        _ => -1,
    }
}

/// Columns of a batch, ready to be written row by row.
pub(crate) struct Rows {
    columns: Vec<(ArrayRef, Type, Format)>,
    count: usize,
}

impl Rows {
    pub(crate) fn new(batch: &RecordBatch, formats: &[Format]) -> Result<Self, ArrowError> {
        let column = |(index, column): (usize, &ArrayRef)| -> Result<(ArrayRef, Type, Format), ArrowError> {
            let data_type = Type::from_oid(postgres_type(column.data_type())).unwrap_or(Type::TEXT);
            Ok((plain(column)?, data_type, format_of(formats, index)))
        };
        let columns = batch.columns().iter().enumerate().map(column).collect::<Result<_, ArrowError>>()?;
        Ok(Self { columns, count: batch.num_rows() })
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Appends a row as the message `DataRow` (section 55.7 of PostgreSQL's documentation).
    pub(crate) fn write(&self, row: usize, out: &mut BytesMut) -> Result<(), ArrowError> {
        out.put_u8(b'D');
        let place = out.len();
        out.put_u32(0);
        out.put_u16(u16::try_from(self.columns.len()).unwrap_or(u16::MAX));
        for (column, data_type, format) in &self.columns {
            value(column, row, data_type, *format, out)?;
        }
        length_at(out, place);
        Ok(())
    }
}

/// Writes the length of what follows a place, itself included, to that place.
fn length_at(out: &mut BytesMut, place: usize) {
    let length = u32::try_from(out.len().saturating_sub(place)).unwrap_or(u32::MAX);
    if let Some(bytes) = out.get_mut(place..place + 4) {
        bytes.copy_from_slice(&length.to_be_bytes());
    }
}

/// Appends a value with its length before it; the length does not count itself.
fn value(
    column: &ArrayRef,
    row: usize,
    data_type: &Type,
    format: Format,
    out: &mut BytesMut,
) -> Result<(), ArrowError> {
    if column.is_null(row) || *column.data_type() == DataType::Null {
        out.put_i32(-1);
        return Ok(());
    }
    let place = out.len();
    out.put_u32(0);
    match format {
        Format::Text => text::write(column, row, out)?,
        Format::Binary => binary::write(column, row, data_type, out)?,
    }
    let length = u32::try_from(out.len().saturating_sub(place + 4)).unwrap_or(u32::MAX);
    if let Some(bytes) = out.get_mut(place..place + 4) {
        bytes.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// A column in one of the types that are written: whole numbers have their widths, times microseconds, texts no dictionary.
fn plain(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let zone = |zone: &Option<std::sync::Arc<str>>| zone.as_ref().map(|_| "UTC".into());
    let to = match column.data_type() {
        DataType::Dictionary(_, values) => {
            let values = cast(column, values)?;
            return plain(&values);
        }
        DataType::Int8 | DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(TimeUnit::Nanosecond) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Timestamp(TimeUnit::Nanosecond, tz) => return floored(column, zone(tz)),
        DataType::Timestamp(_, tz) => DataType::Timestamp(TimeUnit::Microsecond, zone(tz)),
        DataType::LargeList(item) | DataType::FixedSizeList(item, _) => DataType::List(item.clone()),
        _ => return Ok(column.clone()),
    };
    cast(column, &to)
}

/// Nanoseconds as microseconds, those before 1970 too: the last whole one before.
fn floored(column: &ArrayRef, zone: Option<std::sync::Arc<str>>) -> Result<ArrayRef, ArrowError> {
    let nanos = column.as_primitive::<arrow::datatypes::TimestampNanosecondType>();
    let micros: arrow::array::TimestampMicrosecondArray = nanos.unary(|nanos| nanos.div_euclid(1_000));
    Ok(std::sync::Arc::new(micros.with_timezone_opt(zone)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BooleanArray, DictionaryArray, Float32Builder, Float64Array, Int64Array, ListBuilder, StringArray,
        TimestampNanosecondArray, UInt64Array,
    };
    use arrow::datatypes::Int32Type;

    use super::*;

    /// The values of the first row of one column; none is null.
    fn first(column: ArrayRef, format: Format) -> Option<Vec<u8>> {
        let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
        let mut out = BytesMut::new();
        Rows::new(&batch, &[format]).unwrap().write(0, &mut out).unwrap();
        assert_eq!(out[0], b'D');
        assert_eq!(u32::from_be_bytes(out[1..5].try_into().unwrap()) as usize, out.len() - 1);
        let length = i32::from_be_bytes(out[7..11].try_into().unwrap());
        usize::try_from(length).ok().map(|length| out[11..11 + length].to_vec())
    }

    fn text(column: impl Array + 'static) -> String {
        String::from_utf8(first(Arc::new(column), Format::Text).unwrap()).unwrap()
    }

    #[test]
    fn text_is_what_postgresql_prints() {
        assert_eq!(text(Int64Array::from(vec![i64::MIN])), "-9223372036854775808");
        assert_eq!(text(UInt64Array::from(vec![u64::MAX])), "18446744073709551615");
        assert_eq!(text(Float64Array::from(vec![0.1])), "0.1");
        assert_eq!(text(Float64Array::from(vec![5.0])), "5");
        assert_eq!(text(Float64Array::from(vec![f64::NAN])), "NaN");
        assert_eq!(text(Float64Array::from(vec![f64::NEG_INFINITY])), "-Infinity");
        assert_eq!(text(BooleanArray::from(vec![true])), "t");
        assert_eq!(text(["a"].into_iter().collect::<DictionaryArray<Int32Type>>()), "a");
        let time = |nanos| TimestampNanosecondArray::from(vec![nanos]).with_timezone("UTC");
        assert_eq!(text(time(1_700_000_000_123_456_789)), "2023-11-14 22:13:20.123456+00");
        assert_eq!(text(time(0)), "1970-01-01 00:00:00+00");
        assert_eq!(text(time(-1)), "1969-12-31 23:59:59.999999+00");
        let mut vectors = ListBuilder::new(Float32Builder::new());
        vectors.append_value([Some(0.5), None]);
        assert_eq!(text(vectors.finish()), "{0.5,NULL}");
        let mut texts = ListBuilder::new(arrow::array::StringBuilder::new());
        texts.append_value([Some("a\"b"), Some("null"), Some("")]);
        assert_eq!(text(texts.finish()), "{\"a\\\"b\",\"null\",\"\"}");
    }

    #[test]
    fn binary_is_what_postgresql_sends() {
        let binary = |column: ArrayRef| first(column, Format::Binary).unwrap();
        assert_eq!(binary(Arc::new(Int64Array::from(vec![1]))), [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(binary(Arc::new(Float64Array::from(vec![1.5]))), 1.5f64.to_be_bytes());
        assert_eq!(binary(Arc::new(BooleanArray::from(vec![true]))), [1]);
        assert_eq!(binary(Arc::new(StringArray::from(vec!["ü"]))), "ü".as_bytes());
        let time = TimestampNanosecondArray::from(vec![EPOCH_MICROS * 1_000 + 1_999]).with_timezone("UTC");
        assert_eq!(binary(Arc::new(time)), 1i64.to_be_bytes());
        // 12345 is 1 and 2345 in base 10,000.
        let number = binary(Arc::new(UInt64Array::from(vec![12_345])));
        assert_eq!(number, [0, 2, 0, 1, 0, 0, 0, 0, 0, 1, 9, 41]);
        assert_eq!(numeric::read(number.into()).unwrap(), "12345");
        let mut vectors = ListBuilder::new(Float32Builder::new());
        vectors.append_value([Some(0.5)]);
        let expected = b"\0\0\0\x01\0\0\0\0\0\0\x02\xbc\0\0\0\x01\0\0\0\x01\0\0\0\x04\x3f\0\0\0";
        assert_eq!(binary(Arc::new(vectors.finish())), expected);
    }

    #[test]
    fn null_is_null() {
        assert_eq!(first(Arc::new(Int64Array::from(vec![None])), Format::Text), None);
        assert_eq!(first(Arc::new(arrow::array::NullArray::new(1)), Format::Binary), None);
    }
}
