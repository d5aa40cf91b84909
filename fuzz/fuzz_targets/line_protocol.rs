//! Line protocol from anybody: nothing panics, what was read and is written again is read the same, and a plain line that the
//! reference implementation reads too has the same meaning to both.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sensorium_model::{
    Batch, BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, Precision, TableBatch, Value,
};
use sensorium_protocols::Refusals;
use sensorium_protocols::line_protocol::{Options, decode, write_batch};

/// 2023-11-14T22:13:20Z.
const NOW: i64 = 1_700_000_000_000_000_000;

fn read(body: &[u8]) -> (Batch, Refusals) {
    let schema = DatabaseSchema::default();
    let limits = IngestLimits { earliest_unix_seconds: i64::MIN, ..IngestLimits::default() };
    let mut builder = BatchBuilder::new(&schema, limits, NOW);
    let mut refusals = Refusals::keep(10);
    let options = Options { precision: Precision::Ns, now_ns: NOW };
    let seen = decode(body, options, &mut builder, &mut refusals);
    let key = DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::from_u128(7)), DatabaseName::new("main").unwrap());
    let batch = builder.finish(key);
    assert_eq!(batch.rows() as u64 + refusals.total(), seen, "a reading is taken or refused");
    assert!(batch.tables.iter().all(TableBatch::is_rectangular));
    (batch, refusals)
}

/// Compares the only reading of a body with what the reference implementation reads.
fn agrees(body: &str, table: &TableBatch) {
    let mut lines = influxdb_line_protocol::parse_lines(body);
    let (Some(Ok(line)), None) = (lines.next(), lines.next()) else { return };
    assert_eq!(line.series.measurement.as_str(), &*table.table, "{body:?}");
    assert_eq!(line.timestamp.unwrap_or(NOW), table.time_ns[0], "{body:?}");
    let mut tags: Vec<(String, String)> = Vec::new();
    tags.extend(line.series.tag_set.iter().flatten().map(|(name, value)| (name.to_string(), value.to_string())));
    tags.sort();
    let mut fields: Vec<(String, Value<'_>)> = Vec::new();
    for (name, value) in &line.field_set {
        use influxdb_line_protocol::FieldValue;
        let value = match value {
            FieldValue::I64(v) => Value::I64(*v),
            FieldValue::U64(v) => Value::U64(*v),
            FieldValue::F64(v) => Value::F64(*v),
            FieldValue::String(v) => Value::Text(v.to_string().into()),
            FieldValue::Boolean(v) => Value::Bool(*v),
        };
        fields.push((name.to_string(), value));
    }
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    if tags.windows(2).any(|pair| pair[0].0 == pair[1].0) || fields.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        // The reference tells a repeated name twice.
        return;
    }
    let ours: Vec<_> = table.row_tags(0).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(tags, ours, "{body:?}");
    let ours: Vec<_> = table.fields.iter().filter_map(|field| Some((field.name.to_string(), field.get(0)?))).collect();
    assert_eq!(fields, ours, "{body:?}");
}

fuzz_target!(|body: &[u8]| {
    let (batch, refusals) = read(body);
    let mut written = String::new();
    write_batch(&batch, &mut written);
    let (mut again, refused) = read(written.as_bytes());
    assert_eq!(refused.total(), 0, "{written:?}: {:?}", refused.first());
    for (table, first) in again.tables.iter_mut().zip(&batch.tables) {
        table.source.clone_from(&first.source);
    }
    // The writer makes spaces of carriage returns in names and tags, which no line can hold.
    assert!(again == batch || body.contains(&b'\r'), "{written:?}: {again:?}, not {batch:?}");

    // Where the reference differs, it takes escapes, and line breaks and tabs in tokens, in another way.
    let is_plain = body.iter().all(|byte| !matches!(byte, b'\\' | b'\n' | b'\r' | b'\t'));
    if let ([table], true, 0, Ok(body)) = (&batch.tables[..], is_plain, refusals.total(), std::str::from_utf8(body)) {
        agrees(body, table);
    }
});
