//! Tests of the JSON decoder: shapes, times, numbers and nonsense.

use proptest::prelude::*;
use sensorium_model::{
    Batch, BatchBuilder, ColumnKind, DatabaseKey, DatabaseName, DatabaseSchema, FieldType, IngestLimits, OrgId,
    TableSchema, Value,
};

use super::*;

const NOW: i64 = 1_700_000_000_000_000_000;

fn key() -> DatabaseKey {
    DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), DatabaseName::new("main").unwrap())
}

fn no_tags() -> &'static HashSet<String> {
    static NONE: std::sync::LazyLock<HashSet<String>> = std::sync::LazyLock::new(HashSet::new);
    &NONE
}

fn options() -> Options<'static> {
    Options { table: Some("room"), tags: no_tags(), precision: None, now_ns: NOW }
}

fn decode_with(body: &[u8], options: &Options<'_>, schema: &DatabaseSchema) -> Result<(Batch, Refusals), JsonError> {
    let mut builder = BatchBuilder::new(schema, IngestLimits::default(), NOW);
    let mut refusals = Refusals::keep(100);
    let seen = decode(body, options, &mut builder, &mut refusals)?;
    let batch = builder.finish(key());
    assert_eq!(seen, batch.rows() as u64 + refusals.total());
    Ok((batch, refusals))
}

fn read(body: &str) -> Batch {
    let (batch, refusals) = decode_with(body.as_bytes(), &options(), &DatabaseSchema::default()).unwrap();
    assert_eq!(refusals.first(), [], "{body}");
    batch
}

fn refused(body: &str) -> Vec<(u32, String)> {
    let (_, refusals) = decode_with(body.as_bytes(), &options(), &DatabaseSchema::default()).unwrap();
    refusals.first().iter().map(|r| (r.line, r.error.to_string())).collect()
}

/// The fields of the first row of the first table.
fn fields(batch: &Batch) -> Vec<(&str, Value<'_>)> {
    batch.tables[0].fields.iter().filter_map(|f| Some((f.name.as_ref(), f.get(0)?))).collect()
}

#[test]
fn the_payload_of_a_wifi_sensor() {
    let batch = read(r#"{"temperature":24,"humidity":19,"hostname":"ESP_145DD7"}"#);
    assert_eq!(batch.tables[0].table.as_ref(), "room");
    assert_eq!(batch.tables[0].time_ns, [NOW]);
    let expected = [
        ("hostname", Value::Text("ESP_145DD7".into())),
        ("humidity", Value::F64(19.0)),
        ("temperature", Value::F64(24.0)),
    ];
    assert_eq!(fields(&batch), expected);
}

#[test]
fn listed_names_become_tags() {
    let tags = HashSet::from(["hostname".to_owned(), "at_floor".to_owned()]);
    let body = br#"{"temperature":24,"hostname":"ESP_145DD7","at":{"floor":2}}"#;
    let options = Options { tags: &tags, ..options() };
    let (batch, _) = decode_with(body, &options, &DatabaseSchema::default()).unwrap();
    assert_eq!(batch.tables[0].series_key(0).as_str(), "at_floor=2,hostname=ESP_145DD7");
    assert_eq!(fields(&batch), [("temperature", Value::F64(24.0))]);
}

#[test]
fn reserved_keys_nesting_lists_and_nulls() {
    let batch = read(
        r#" {"a":{"b":{"c":1},"d":[true,null,"x\n"]}, "none":null, "tags":{"place":"room1","floor":3,"gone":null},
             "time":"2023-11-14T22:13:19.5Z", "table":"hall"} "#,
    );
    assert_eq!(batch.tables[0].table.as_ref(), "hall");
    assert_eq!(batch.tables[0].time_ns, [NOW - 500_000_000]);
    assert_eq!(batch.tables[0].series_key(0).as_str(), "floor=3,place=room1");
    let expected = [("a_b_c", Value::F64(1.0)), ("a_d_0", Value::Bool(true)), ("a_d_2", Value::Text("x\n".into()))];
    assert_eq!(fields(&batch), expected);
}

#[test]
fn times_in_every_unit() {
    for time in [
        "1699999999",
        "1699999999000",
        "1699999999000000",
        "1699999999000000000",
        "1699999999.0",
        "\"1699999999\"",
        "\"2023-11-14 22:13:19\"",
        "\"2023-11-14T23:13:19+01:00\"",
    ] {
        for key in ["time", "timestamp"] {
            let batch = read(&format!(r#"{{"{key}":{time},"v":1}}"#));
            assert_eq!(batch.tables[0].time_ns, [NOW - 1_000_000_000], "{time}");
        }
    }
    let options = Options { precision: Some(Precision::Ms), ..options() };
    let (batch, _) = decode_with(br#"{"time":5,"v":1}"#, &options, &DatabaseSchema::default()).unwrap();
    assert_eq!(batch.tables[0].time_ns, [5_000_000]);
}

#[test]
fn lists_and_several_documents() {
    let batch = read("[{\"v\":1},{\"v\":2}]\n{\"v\":3}\n[]\n[{\"v\":4}]");
    assert_eq!(batch.tables[0].source, [1, 2, 3, 4]);
    assert_eq!(read("[]").rows(), 0);
}

#[test]
fn numbers_follow_the_stored_column() {
    let mut table = TableSchema::default();
    table.add("n".into(), ColumnKind::Field(FieldType::I64)).unwrap();
    table.add("f".into(), ColumnKind::Field(FieldType::F64)).unwrap();
    let mut schema = DatabaseSchema::default();
    schema.tables.insert("room".into(), table.into());
    let body = br#"[{"n":5,"f":5,"x":9007199254740993},{"n":5.5},{"f":9007199254740993},{"x":9007199254740992}]"#;
    let (batch, refusals) = decode_with(body, &options(), &schema).unwrap();
    let expected = [("f", Value::F64(5.0)), ("n", Value::I64(5)), ("x", Value::I64(9_007_199_254_740_993))];
    assert_eq!(fields(&batch), expected);
    assert_eq!(batch.tables[0].source, [1, 4]);
    assert_eq!(refusals.first().iter().map(|r| r.line).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn decimals_are_the_nearest_double() {
    let batch = read(r#"{"v":0.47766000000000003,"w":2.2250738585072014e-308}"#);
    assert_eq!(fields(&batch), [("v", Value::F64(0.477_660_000_000_000_03)), ("w", Value::F64(f64::MIN_POSITIVE))]);
}

#[test]
fn a_bad_reading_costs_only_itself() {
    let deep = format!("{{\"v\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let body = format!(
        r#"[{{"v":1}},5,{{}},{{"tags":{{"a":{{}}}},"v":1}},{{"v":1e999}},{{"time":"noon","v":1}},{{"table":5,"v":1}},{deep},
        {{"v":"\ud800"}},{{"v":2}}]"#
    );
    let refused = refused(&body);
    assert_eq!(refused.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7, 8, 9], "{refused:?}");
    for (message, words) in refused.iter().map(|(_, message)| message).zip([
        "JSON object",
        "no field",
        "object of texts",
        "too large",
        "no time",
        "\"table\" is text",
        "levels deep",
        "broken",
    ]) {
        assert!(message.contains(words), "{message} / {words}");
    }
}

#[test]
fn a_reading_needs_a_table() {
    let options = Options { table: None, ..options() };
    let (_, refusals) = decode_with(br#"{"v":1}"#, &options, &DatabaseSchema::default()).unwrap();
    assert!(refusals.first()[0].error.to_string().contains("?table="), "{refusals:?}");
    assert_eq!(refusals.first()[0].sample, r#"{"v":1}"#);
}

#[test]
fn broken_json_refuses_the_request_and_says_where() {
    for (body, words) in [
        ("", "empty"),
        (" \n", "empty"),
        ("[{\"v\":1},\n{\"v\":}]", "line 2 column 6"),
        ("[{\"v\":1}", "EOF"),
        ("{\"v\":1} x", "line 1 column 9"),
        ("temperature=5", "no JSON"),
    ] {
        let error = decode_with(body.as_bytes(), &options(), &DatabaseSchema::default()).unwrap_err();
        assert!(error.to_string().contains(words), "{body}: {error}");
    }
    assert!(decode_with(b"{\"v\":\"\xff\"}", &options(), &DatabaseSchema::default()).is_err());
}

#[test]
fn very_many_columns_are_refused_early() {
    let fields = (0..50_000).map(|n| format!("\"f{n}\":1")).collect::<Vec<_>>().join(",");
    let refused = refused(&format!("{{{fields}}}"));
    assert!(refused[0].1.contains("limits.columns_per_table"), "{refused:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn never_panics_on_arbitrary_bytes(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        _ = decode_with(&body, &options(), &DatabaseSchema::default());
    }

    #[test]
    fn never_panics_on_almost_json(body in "([\\[\\]{}:,\"\\\\ 0-9.eE-]|\"a\"|\"tags\"|\"time\"|true|null|\\\\u[0-9a-f]{4}|\\PC){0,40}") {
        _ = decode_with(body.as_bytes(), &options(), &DatabaseSchema::default());
        _ = decode_with(format!("[{{{body}}}]").as_bytes(), &options(), &DatabaseSchema::default());
    }

    #[test]
    fn every_finite_double_survives(number in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
        let batch = read(&format!("{{\"v\":{number:?}}}"));
        let (name, value) = fields(&batch).remove(0);
        prop_assert_eq!(name, "v");
        match value {
            Value::F64(read) => prop_assert_eq!(read.to_bits(), number.to_bits()),
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

#[test]
fn a_long_name_is_not_copied_for_each_value_in_it() {
    let long = "n".repeat(300);
    let body = format!(r#"[{{"{long}":{{"a":1}}}},{{"{long}":[1]}},{{"v":1}}]"#);
    let (batch, refusals) = decode_with(body.as_bytes(), &options(), &DatabaseSchema::default()).unwrap();
    assert_eq!((batch.rows(), refusals.total()), (1, 2));
    assert!(refusals.first()[0].error.to_string().contains("302 bytes"), "{:?}", refusals.first()[0].error);
}

#[test]
fn nulls_and_empty_objects_count_as_values() {
    let many = vec!["null"; 2_000].join(",");
    let body = format!(r#"[{{"v":1,"a":[{many}]}},{{"v":1}}]"#);
    let (batch, refusals) = decode_with(body.as_bytes(), &options(), &DatabaseSchema::default()).unwrap();
    assert_eq!((batch.rows(), refusals.total()), (1, 1));
}
