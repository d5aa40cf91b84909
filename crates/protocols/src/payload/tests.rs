//! Tests of messages of which only the topic tells what they are.

use proptest::prelude::*;
use sensorium_model::{
    Batch, ColumnKind, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, RowError, TableSchema,
};

use super::*;

const NOW: i64 = 1_700_000_000_000_000_000;
const TOPIC: &str = "home/attic/bme280";

fn key() -> DatabaseKey {
    DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), DatabaseName::new("main").unwrap())
}

fn decode_with(
    topic: &str,
    body: &[u8],
    schema: &DatabaseSchema,
    limits: IngestLimits,
) -> (Result<u64, PayloadError>, Batch, Refusals) {
    let mut builder = BatchBuilder::new(schema, limits, NOW);
    let mut refusals = Refusals::keep(100);
    let seen = decode_topic(topic, body, NOW, &mut builder, &mut refusals);
    let batch = builder.finish(key());
    match &seen {
        Ok(seen) => assert_eq!(*seen, batch.rows() as u64 + refusals.total()),
        Err(_) => assert_eq!((batch.rows(), refusals.total()), (0, 0), "a refused message leaves nothing"),
    }
    (seen, batch, refusals)
}

fn decode(topic: &str, body: &[u8]) -> (Result<u64, PayloadError>, Batch, Refusals) {
    decode_with(topic, body, &DatabaseSchema::default(), IngestLimits::default())
}

fn read(topic: &str, body: &str) -> Batch {
    let (seen, batch, refusals) = decode(topic, body.as_bytes());
    assert!(seen.is_ok(), "{body}: {seen:?}");
    assert_eq!(refusals.first(), [], "{body}");
    batch
}

fn error(body: &[u8]) -> PayloadError {
    decode(TOPIC, body).0.unwrap_err()
}

/// The fields of the first row of the first table.
fn fields(batch: &Batch) -> Vec<(&str, Value<'_>)> {
    batch.tables[0].fields.iter().filter_map(|f| Some((f.name.as_ref(), f.get(0)?))).collect()
}

#[test]
fn line_protocol_by_topic_and_by_sight() {
    let body = "room,place=attic t=21.5,h=40i\nroom t=22 1600000000000000000\n";
    for topic in ["site/lp", "lp", "whatever/else"] {
        let batch = read(topic, body);
        assert_eq!((batch.tables[0].table.as_ref(), batch.rows()), ("room", 2), "{topic}");
        assert_eq!(batch.tables[0].time_ns, [NOW, 1_600_000_000_000_000_000]);
        assert!(batch.tables[0].tags.iter().all(|tag| tag.name.as_ref() != TOPIC_TAG));
    }
}

#[test]
fn a_wrong_line_is_refused_by_itself_only_where_lines_are_expected() {
    let body = b"room t=21.5\nroom t=\n";
    let (seen, batch, refusals) = decode("site/lp", body);
    assert_eq!((seen.unwrap(), batch.rows(), refusals.first()[0].line), (2, 1, 2));
    let (seen, batch, _) = decode("site/note", body);
    assert_eq!(seen.unwrap(), 1);
    assert_eq!(fields(&batch), [("value", Value::Text("room t=21.5\nroom t=".into()))]);
}

#[test]
fn a_line_is_a_reading_also_when_a_limit_refuses_it() {
    let (seen, batch, refusals) = decode(TOPIC, b"room t=1 -5");
    assert_eq!((seen.unwrap(), batch.rows()), (1, 0));
    assert!(matches!(refusals.first()[0].error, RowError::TimeOutOfRange { .. }), "{refusals:?}");
}

#[test]
fn objects_of_any_shape_are_flattened() {
    let batch = read(
        "shed/plug/SENSOR",
        r#"{"Time":"2023-11-14T22:13:19","ENERGY":{"Power":[5,6],"On":true},"none":null,"name":"x"}"#,
    );
    assert_eq!(batch.tables[0].table.as_ref(), "SENSOR");
    assert_eq!(batch.tables[0].time_ns, [NOW - 1_000_000_000]);
    assert_eq!(batch.tables[0].series_key(0).as_str(), "topic=shed/plug/SENSOR");
    let expected = [
        ("ENERGY_On", Value::Bool(true)),
        ("ENERGY_Power_0", Value::F64(5.0)),
        ("ENERGY_Power_1", Value::F64(6.0)),
        ("name", Value::Text("x".into())),
    ];
    assert_eq!(fields(&batch), expected);
}

#[test]
fn times_of_objects() {
    for member in
        [r#""time":1699999999"#, r#""timestamp":1699999999000"#, r#""ts":"1699999999""#, r#""Time":1699999999.0"#]
    {
        let batch = read(TOPIC, &format!("{{{member},\"v\":1}}"));
        assert_eq!(batch.tables[0].time_ns, [NOW - 1_000_000_000], "{member}");
        assert_eq!(fields(&batch), [("v", Value::F64(1.0))]);
    }
    let batch = read(TOPIC, r#"{"time":35,"ts":"soon","v":1}"#);
    assert_eq!(batch.tables[0].time_ns, [NOW], "the seconds since a device was switched on are no time");
    let expected = [("payload_time", Value::F64(35.0)), ("ts", Value::Text("soon".into())), ("v", Value::F64(1.0))];
    assert_eq!(fields(&batch), expected);
    let batch = read(TOPIC, r#"{"ts":1699999999,"time":1699999998,"v":1}"#);
    assert_eq!(batch.tables[0].time_ns, [NOW - 1_000_000_000], "the first one counts");
}

#[test]
fn readings_as_we_describe_them_are_taken_as_such() {
    let batch = read(TOPIC, r#"[{"table":"room","tags":{"place":"attic"},"t":21},{"tags":{"a":"b"},"t":1},{"t":2}]"#);
    let tables: Vec<_> = batch.tables.iter().map(|table| (table.table.as_ref(), table.rows())).collect();
    assert_eq!(tables, [("room", 1), ("bme280", 2)]);
    assert_eq!(batch.tables[0].series_key(0).as_str(), "place=attic");
    assert_eq!(batch.tables[1].series_key(0).as_str(), "a=b");
    assert_eq!(batch.tables[1].series_key(1).as_str(), format!("topic={TOPIC}"));
}

#[test]
fn a_member_called_topic_does_not_collide_with_the_tag() {
    let batch = read(TOPIC, r#"{"topic":"x","table":5,"tags":[1]}"#);
    let expected =
        [("payload_topic", Value::Text("x".into())), ("table", Value::F64(5.0)), ("tags_0", Value::F64(1.0))];
    assert_eq!(fields(&batch), expected);
}

#[test]
fn single_values() {
    for (body, value) in [
        ("21.5", Value::F64(21.5)),
        (" -3\n", Value::F64(-3.0)),
        ("true", Value::Bool(true)),
        ("ON", Value::Bool(true)),
        ("off", Value::Bool(false)),
        ("heating", Value::Text("heating".into())),
        ("\"21.5\"", Value::Text("21.5".into())),
        ("hello = world", Value::Text("hello = world".into())),
        ("Grüße, 1", Value::Text("Grüße, 1".into())),
    ] {
        let batch = read("home/attic/state", body);
        assert_eq!(fields(&batch), [("value", value)], "{body}");
        let table = &batch.tables[0];
        assert_eq!((table.table.as_ref(), table.time_ns[0]), ("state", NOW));
        assert_eq!(table.series_key(0).as_str(), "topic=home/attic/state");
    }
}

#[test]
fn single_values_follow_the_stored_column() {
    for (kind, body, value) in [
        (FieldType::Text, "21", Value::Text("21".into())),
        (FieldType::Text, "on", Value::Text("on".into())),
        (FieldType::I64, "21", Value::I64(21)),
    ] {
        let mut table = TableSchema::default();
        table.add("value".into(), ColumnKind::Field(kind)).unwrap();
        let mut schema = DatabaseSchema::default();
        schema.tables.insert("bme280".into(), table.into());
        let (_, batch, _) = decode_with(TOPIC, body.as_bytes(), &schema, IngestLimits::default());
        assert_eq!(fields(&batch), [("value", value)], "{body}");
    }
}

#[test]
fn tables_are_the_last_level_as_a_name() {
    for (topic, name) in [("a/b/", "b"), ("/", "mqtt"), ("a/b\u{1}c", "b_c"), ("time", "time")] {
        assert_eq!(read(topic, "1").tables[0].table.as_ref(), name, "{topic:?}");
    }
    let long = table(&"ä".repeat(300));
    assert_eq!(long.len(), MAX_NAME_BYTES - 1);
}

#[test]
fn what_is_no_reading_is_refused_with_a_sentence() {
    for body in [&b""[..], b" \r\n", b"null", b"\xef\xbb\xbf"] {
        assert!(matches!(error(body), PayloadError::Empty), "{body:?}");
    }
    for body in [&b"\x00\x01"[..], b"\xff\xd8\xff\xe0", b"a\x07b"] {
        assert!(matches!(error(body), PayloadError::Binary), "{body:?}");
    }
    let long = error("x".repeat(MAX_TEXT_BYTES + 1).as_bytes());
    assert_eq!(long.kind(), ErrorKind::TooLarge);
    assert!(long.to_string().contains("MAX_TEXT_BYTES"), "{long}");
    for body in ["[1,2]", "[{\"v\":1},2]", "{\"v\":1} 5"] {
        assert!(matches!(error(body.as_bytes()), PayloadError::Json(JsonError::NotObjects)), "{body}");
    }
    for body in ["{\"v\":", "[{\"v\":1},", "{\"v\":1}x"] {
        assert!(matches!(error(body.as_bytes()), PayloadError::Json(JsonError::Syntax { .. })), "{body}");
    }
}

#[test]
fn limits_of_the_builder_hold() {
    let limits = IngestLimits { tag_value_bytes: 4, ..IngestLimits::default() };
    let (seen, batch, refusals) = decode_with(TOPIC, b"1", &DatabaseSchema::default(), limits);
    assert_eq!((seen.unwrap(), batch.rows()), (1, 0));
    assert!(refusals.first()[0].error.to_string().contains("limits.tag_value_bytes"), "{refusals:?}");
    let limits = IngestLimits { columns_per_table: 3, ..IngestLimits::default() };
    let (_, batch, refusals) =
        decode_with(TOPIC, br#"[{"a":1,"b":2,"c":3,"d":4},{"a":1}]"#, &DatabaseSchema::default(), limits);
    assert_eq!((batch.rows(), refusals.first()[0].line), (1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn never_panics_on_arbitrary_bytes(topic in "\\PC{0,30}", body in proptest::collection::vec(any::<u8>(), 0..200)) {
        _ = decode(&topic, &body);
        _ = decode("a/lp", &body);
    }

    #[test]
    fn never_panics_on_almost_readings(body in "([\\[\\]{}:,=\"\\\\ 0-9.eE\n-]|\"a\"|\"tags\"|\"table\"|\"time\"|a=1|true|null|\\PC){0,40}") {
        _ = decode(TOPIC, body.as_bytes());
        _ = decode(TOPIC, format!("[{{{body}}}]").as_bytes());
    }
}
