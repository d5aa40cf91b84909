//! The binary frame of a tick.
//!
//! Layout: 8 bytes, little-endian `u64`, the last sequence number that the frame contains; then one Arrow IPC stream
//! (schema, dictionaries, one record batch, end) with the columns
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `subscription` | UInt32 | the client's number of the subscription |
//! | `time` | Float64 | milliseconds since the epoch |
//! | `series` | Dictionary(Int32, Utf8) | canonical key of the series |
//! | `table` | Dictionary(Int32, Utf8) | the table |
//! | `field` | Dictionary(Int32, Utf8) | the field |
//! | `value` | Float64, nullable | a number; a truth value as 0 or 1 |
//! | `text` | Utf8, nullable | a text |
//!
//! Exactly one of `value` and `text` is there. Nothing is compressed.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float64Builder, StringBuilder, StringDictionaryBuilder, UInt32Builder};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::MetadataVersion;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use sensorium_live::{LiveValue, Tick};
use sensorium_model::time::NANOS_PER_MILLI;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let words = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    Arc::new(Schema::new(vec![
        Field::new("subscription", DataType::UInt32, false),
        Field::new("time", DataType::Float64, false),
        Field::new("series", words(), false),
        Field::new("table", words(), false),
        Field::new("field", words(), false),
        Field::new("value", DataType::Float64, true),
        Field::new("text", DataType::Utf8, true),
    ]))
});

/// Bytes to which buffers are padded: the least that the format allows, because most frames hold a few points.
const ALIGNMENT: usize = 8;

/// Encodes a tick.
pub(super) fn encode(tick: &Tick) -> Result<Bytes, ArrowError> {
    let mut bytes = Vec::with_capacity(1_024 + tick.points.len() * 40);
    bytes.extend_from_slice(&tick.seq.to_le_bytes());
    let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
    let mut writer = StreamWriter::try_new_with_options(bytes, &SCHEMA, options)?;
    writer.write(&batch(tick)?)?;
    Ok(writer.into_inner()?.into())
}

/// Nanoseconds as milliseconds, to the microsecond: more than a double holds of a present time anyway.
pub(super) fn millis(time_ns: i64) -> f64 {
    (time_ns.div_euclid(NANOS_PER_MILLI)) as f64 + (time_ns.rem_euclid(NANOS_PER_MILLI)) as f64 / NANOS_PER_MILLI as f64
}

fn batch(tick: &Tick) -> Result<RecordBatch, ArrowError> {
    let rows = tick.points.len();
    let mut subscription = UInt32Builder::with_capacity(rows);
    let mut time = Float64Builder::with_capacity(rows);
    let mut series = StringDictionaryBuilder::<Int32Type>::new();
    let mut table = StringDictionaryBuilder::<Int32Type>::new();
    let mut field = StringDictionaryBuilder::<Int32Type>::new();
    let mut value = Float64Builder::with_capacity(rows);
    let mut text = StringBuilder::new();
    for point in &tick.points {
        subscription.append_value(point.subscription);
        time.append_value(millis(point.time_ns));
        series.append(&*point.series)?;
        table.append(&*point.table)?;
        field.append(&*point.field)?;
        match &point.value {
            LiveValue::Number(number) => {
                value.append_value(*number);
                text.append_null();
            }
            LiveValue::Text(words) => {
                value.append_null();
                text.append_value(words);
            }
        }
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(subscription.finish()),
        Arc::new(time.finish()),
        Arc::new(series.finish()),
        Arc::new(table.finish()),
        Arc::new(field.finish()),
        Arc::new(value.finish()),
        Arc::new(text.finish()),
    ];
    RecordBatch::try_new(SCHEMA.clone(), columns)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Float64Type;
    use arrow::ipc::reader::StreamReader;
    use sensorium_live::LivePoint;

    use super::*;

    fn point(time_ns: i64, value: LiveValue) -> LivePoint {
        LivePoint { subscription: 3, time_ns, table: "cpu".into(), series: "cpu=0".into(), field: "f".into(), value }
    }

    #[test]
    fn a_frame_is_a_sequence_number_and_an_arrow_stream() {
        let points = vec![point(1_500_000, LiveValue::Number(2.5)), point(-500_000, LiveValue::Text("on".into()))];
        let bytes = encode(&Tick { seq: 77, points, ..Tick::default() }).unwrap();
        assert_eq!(bytes[..8], 77_u64.to_le_bytes());
        let batches: Vec<_> = StreamReader::try_new(&bytes[8..], None).unwrap().map(Result::unwrap).collect();
        let [batch] = batches.as_slice() else { panic!("{} batches", batches.len()) };
        assert_eq!(batch["time"].as_primitive::<Float64Type>().values(), &[1.5, -0.5]);
        let value = batch["value"].as_primitive::<Float64Type>();
        assert_eq!((value.value(0), value.is_null(1)), (2.5, true));
        let text = batch["text"].as_string::<i32>();
        assert_eq!((text.is_null(0), text.value(1)), (true, "on"));
        let series = batch["series"].as_dictionary::<Int32Type>();
        assert_eq!(series.values().len(), 1, "a word is sent once a frame");
    }

    #[test]
    fn a_frame_of_one_point_is_small() {
        let points = vec![point(1_700_000_000_000_000_000, LiveValue::Number(1.0))];
        let bytes = encode(&Tick { seq: 1, points, ..Tick::default() }).unwrap();
        assert!(bytes.len() < 2_500, "{} bytes", bytes.len());
    }
}
