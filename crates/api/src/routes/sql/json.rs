//! JSON: `{"columns":[{"name","type"}],"rows":[[…],…],"row_count":n,"elapsed_ms":x}`.
//!
//! Numbers are numbers, at full precision; a reader that keeps doubles loses the digits of integers beyond 2^53. What
//! JSON has no word for (not-a-number, infinity) is `null`. Times are RFC 3339 in UTC, vectors and other lists are lists,
//! everything else is text.

use std::io::Write;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, PrimitiveArray, StringArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema,
    TimeUnit, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::Serialize;
use utoipa::ToSchema;

use super::encoder::{EncodeError, Encoder};
use super::rfc3339;
use crate::error::ApiError;

/// The JSON answer, for its documentation: it is written piece by piece.
#[derive(Serialize, ToSchema)]
pub(super) struct Answer {
    /// The columns, in order.
    columns: Vec<AnswerColumn>,
    /// The rows: a list of values each.
    #[schema(value_type = Vec<Vec<Object>>)]
    rows: Vec<Vec<serde_json::Value>>,
    /// How many rows there are.
    row_count: u64,
    /// Milliseconds from the request to the last row; absent when the query failed.
    elapsed_ms: Option<f64>,
    /// Present when the query failed after the first rows: they are not all.
    error: Option<String>,
    /// The stable word for the failure.
    code: Option<String>,
}

/// A column of an answer.
#[derive(Serialize, ToSchema)]
struct AnswerColumn {
    /// The name.
    name: String,
    /// `float`, `integer`, `unsigned`, `boolean`, `string`, `timestamp`, `vector`, or a type of Arrow.
    #[serde(rename = "type")]
    kind: String,
}

/// Writes JSON.
pub(super) struct Json {
    /// The opening, until it is written.
    opening: Option<Vec<u8>>,
    rows: u64,
}

impl Json {
    pub(super) fn new(schema: &Schema) -> Result<Self, EncodeError> {
        let columns: Vec<AnswerColumn> = schema
            .fields()
            .iter()
            .map(|field| AnswerColumn { name: field.name().clone(), kind: type_name(field.data_type()) })
            .collect();
        let mut opening = b"{\"columns\":".to_vec();
        serde_json::to_writer(&mut opening, &columns)?;
        opening.extend_from_slice(b",\"rows\":[");
        Ok(Self { opening: Some(opening), rows: 0 })
    }
}

impl Encoder for Json {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
        let cells = batch.columns().iter().map(Cells::of).collect::<Result<Vec<_>, _>>()?;
        let mut bytes = self.opening.take().unwrap_or_default();
        bytes.reserve(batch.num_rows() * (2 + 12 * cells.len()));
        for row in 0..batch.num_rows() {
            bytes.extend_from_slice(if self.rows == 0 { b"\n[" } else { b",\n[" });
            for (index, cells) in cells.iter().enumerate() {
                if index > 0 {
                    bytes.push(b',');
                }
                cells.write(row, &mut bytes)?;
            }
            bytes.push(b']');
            self.rows += 1;
        }
        Ok(bytes)
    }

    fn finish(mut self: Box<Self>, elapsed: Duration) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = self.opening.take().unwrap_or_default();
        let elapsed_ms = (elapsed.as_secs_f64() * 1e6).round() / 1e3;
        write_all(&mut bytes, format_args!("],\"row_count\":{},\"elapsed_ms\":{elapsed_ms}}}\n", self.rows));
        Ok(bytes)
    }

    fn fail(mut self: Box<Self>, error: &ApiError) -> Option<Vec<u8>> {
        let mut bytes = self.opening.take().unwrap_or_default();
        let sentence = serde_json::to_string(error.message()).ok()?;
        let code = error.kind().as_str();
        write_all(
            &mut bytes,
            format_args!("],\"row_count\":{},\"error\":{sentence},\"code\":\"{code}\"}}\n", self.rows),
        );
        Some(bytes)
    }
}

/// The word for a type.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "float".to_owned(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => "integer".to_owned(),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => "unsigned".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 => "string".to_owned(),
        DataType::Timestamp(_, _) => "timestamp".to_owned(),
        DataType::List(item) if *item.data_type() == DataType::Float32 => "vector".to_owned(),
        other => other.to_string(),
    }
}

/// The cells of one column of a batch.
pub(super) enum Cells<'b> {
    F64(&'b PrimitiveArray<Float64Type>),
    F32(&'b PrimitiveArray<Float32Type>),
    I64(&'b PrimitiveArray<Int64Type>),
    I32(&'b PrimitiveArray<Int32Type>),
    I16(&'b PrimitiveArray<Int16Type>),
    I8(&'b PrimitiveArray<Int8Type>),
    U64(&'b PrimitiveArray<UInt64Type>),
    U32(&'b PrimitiveArray<UInt32Type>),
    U16(&'b PrimitiveArray<UInt16Type>),
    U8(&'b PrimitiveArray<UInt8Type>),
    Bool(&'b BooleanArray),
    Text(&'b StringArray),
    /// Nanoseconds in UTC.
    Time(&'b PrimitiveArray<TimestampNanosecondType>),
    /// The cells of a list are those of its items from one offset to the next.
    List(&'b ListArray, Box<Cells<'b>>),
    /// Whatever Arrow can print, as text.
    Printed(&'b dyn Array, ArrayFormatter<'b>),
}

impl<'b> Cells<'b> {
    pub(super) fn of(column: &'b ArrayRef) -> Result<Self, ArrowError> {
        Ok(match column.data_type() {
            DataType::Float64 => Self::F64(column.as_primitive()),
            DataType::Float32 => Self::F32(column.as_primitive()),
            DataType::Int64 => Self::I64(column.as_primitive()),
            DataType::Int32 => Self::I32(column.as_primitive()),
            DataType::Int16 => Self::I16(column.as_primitive()),
            DataType::Int8 => Self::I8(column.as_primitive()),
            DataType::UInt64 => Self::U64(column.as_primitive()),
            DataType::UInt32 => Self::U32(column.as_primitive()),
            DataType::UInt16 => Self::U16(column.as_primitive()),
            DataType::UInt8 => Self::U8(column.as_primitive()),
            DataType::Boolean => Self::Bool(column.as_boolean()),
            DataType::Utf8 => Self::Text(column.as_string()),
            DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)) if zone.as_ref() == "UTC" => {
                Self::Time(column.as_primitive())
            }
            DataType::List(_) => {
                let lists = column.as_list::<i32>();
                Self::List(lists, Box::new(Self::of(lists.values())?))
            }
            _ => Self::Printed(column.as_ref(), ArrayFormatter::try_new(column.as_ref(), &FormatOptions::new())?),
        })
    }

    /// Appends a cell.
    pub(super) fn write(&self, row: usize, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::F64(column) => number(column, row, bytes),
            Self::F32(column) => number(column, row, bytes),
            Self::I64(column) => number(column, row, bytes),
            Self::I32(column) => number(column, row, bytes),
            Self::I16(column) => number(column, row, bytes),
            Self::I8(column) => number(column, row, bytes),
            Self::U64(column) => number(column, row, bytes),
            Self::U32(column) => number(column, row, bytes),
            Self::U16(column) => number(column, row, bytes),
            Self::U8(column) => number(column, row, bytes),
            Self::Bool(column) => value(column.is_valid(row).then(|| column.value(row)), bytes),
            Self::Text(column) => value(column.is_valid(row).then(|| column.value(row)), bytes),
            Self::Time(column) => {
                if column.is_null(row) {
                    bytes.extend_from_slice(b"null");
                } else {
                    bytes.push(b'"');
                    rfc3339::write(column.value(row), bytes);
                    bytes.push(b'"');
                }
                Ok(())
            }
            Self::List(lists, items) if lists.is_valid(row) => list(lists, items, row, bytes),
            Self::List(..) => value(None::<()>, bytes),
            Self::Printed(column, formatter) => {
                value(column.is_valid(row).then(|| formatter.value(row).to_string()), bytes)
            }
        }
    }
}

fn list(lists: &ListArray, items: &Cells<'_>, row: usize, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
    let offset = |row: usize| lists.value_offsets().get(row).and_then(|offset| usize::try_from(*offset).ok());
    let (start, end) = (offset(row).unwrap_or_default(), offset(row + 1).unwrap_or_default());
    bytes.push(b'[');
    for item in start..end {
        if item > start {
            bytes.push(b',');
        }
        items.write(item, bytes)?;
    }
    bytes.push(b']');
    Ok(())
}

fn number<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, row: usize, bytes: &mut Vec<u8>) -> Result<(), EncodeError>
where
    T::Native: Serialize,
{
    value(column.is_valid(row).then(|| column.value(row)), bytes)
}

fn value(value: Option<impl Serialize>, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
    Ok(serde_json::to_writer(bytes, &value)?)
}

fn write_all(bytes: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = bytes.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float32Builder, Float64Array, ListBuilder, TimestampNanosecondArray};
    use arrow::datatypes::Field;
    use sensorium_model::ErrorKind;

    use super::*;

    fn batch() -> RecordBatch {
        let time = TimestampNanosecondArray::from(vec![1_700_000_000_123_000_000, 0]).with_timezone("UTC");
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("time", Arc::new(time)),
            ("v", Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(0.1)]))),
            ("n", Arc::new(arrow::array::UInt64Array::from(vec![Some(u64::MAX), None]))),
            ("s", Arc::new(StringArray::from(vec!["a\"b\n", "ü"]))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn rows_are_lists_of_plain_values() {
        let batch = batch();
        let mut json = Json::new(&batch.schema()).unwrap();
        let mut bytes = json.batch(&batch).unwrap();
        bytes.extend(json.batch(&batch.slice(1, 1)).unwrap());
        bytes.extend(Box::new(json).finish(Duration::from_micros(1_500)).unwrap());
        let answer: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(answer["columns"][0], serde_json::json!({"name": "time", "type": "timestamp"}));
        assert_eq!(answer["columns"][2]["type"], "unsigned");
        assert_eq!(
            answer["rows"][0],
            serde_json::json!(["2023-11-14T22:13:20.123Z", null, u64::MAX, "a\"b\n"]),
            "not-a-number is null"
        );
        assert_eq!(answer["rows"][1], serde_json::json!(["1970-01-01T00:00:00Z", 0.1, null, "ü"]));
        assert_eq!((&answer["row_count"], &answer["elapsed_ms"]), (&3.into(), &1.5.into()));
    }

    #[test]
    fn lists_are_lists() {
        let mut vectors = ListBuilder::new(Float32Builder::new());
        vectors.append_value([Some(0.1), Some(-2.5), None]);
        vectors.append_null();
        vectors.append_value([]);
        let nested = |text: &str| vec![Some(vec![Some(text.to_owned())])];
        let mut texts = ListBuilder::new(ListBuilder::new(arrow::array::StringBuilder::new()));
        texts.append_value(nested("a"));
        texts.append_value(nested("\""));
        texts.append_null();
        let columns: [(&str, ArrayRef); 2] = [("v", Arc::new(vectors.finish())), ("t", Arc::new(texts.finish()))];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut json = Json::new(&batch.schema()).unwrap();
        // A part of a batch begins at other offsets than 0.
        let mut bytes = json.batch(&batch.slice(0, 1)).unwrap();
        bytes.extend(json.batch(&batch.slice(1, 2)).unwrap());
        bytes.extend(Box::new(json).finish(Duration::ZERO).unwrap());
        let answer: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(answer["columns"][0]["type"], "vector");
        assert_eq!(answer["rows"], serde_json::json!([[[0.1, -2.5, null], [["a"]]], [null, [["\""]]], [[], null]]));
    }

    #[test]
    fn an_empty_answer_is_whole() {
        let schema = Schema::new(vec![Field::new("a", DataType::Int64, true)]);
        let json = Box::new(Json::new(&schema).unwrap());
        let answer: serde_json::Value = serde_json::from_slice(&json.finish(Duration::ZERO).unwrap()).unwrap();
        assert_eq!((answer["rows"].as_array().unwrap().len(), &answer["columns"][0]["type"]), (0, &"integer".into()));
    }

    #[test]
    fn a_failure_half_way_shows() {
        let batch = batch();
        let mut json = Json::new(&batch.schema()).unwrap();
        let mut bytes = json.batch(&batch).unwrap();
        let error = ApiError::new(ErrorKind::TooLarge, "more than \"all\"");
        bytes.extend(Box::new(json).fail(&error).unwrap());
        let answer: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((&answer["error"], &answer["code"]), (&"more than \"all\"".into(), &"too_large".into()));
        assert_eq!((&answer["row_count"], answer.get("elapsed_ms")), (&2.into(), None));
    }
}
