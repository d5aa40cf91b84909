//! Tests of SenML.

use ciborium::cbor;
use sensorium_model::{Batch, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, Sender, Value};

use super::*;

const NOW: i64 = 1_700_000_000_000_000_000;

struct Read {
    seen: Result<u64, SenmlError>,
    batch: Batch,
    refusals: Refusals,
    units: BTreeMap<String, String>,
}

fn decode(sender: Option<&str>, device: Option<&str>, body: &[u8], is_cbor: bool) -> Read {
    let schema = DatabaseSchema::default();
    let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), NOW);
    if let Some(sender) = sender {
        builder.sent_by(Sender::Device(sender.into()));
    }
    let mut refusals = Refusals::keep(100);
    let mut units = BTreeMap::new();
    let options = Options { table: "senml", device, now_ns: NOW };
    let decoder = if is_cbor { decode_cbor } else { decode_json };
    let seen = decoder(body, &options, &mut units, &mut builder, &mut refusals);
    let name = DatabaseName::new("main").unwrap();
    let batch = builder.finish(DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), name));
    if let Ok(seen) = &seen {
        assert_eq!(*seen, batch.rows() as u64 + refusals.total());
    }
    Read { seen, batch, refusals, units }
}

fn json(body: &str) -> Read {
    decode(None, None, body.as_bytes(), false)
}

/// Rows as text: device, seconds since now and the fields.
fn rows(read: &Read) -> Vec<String> {
    assert_eq!(read.refusals.first(), []);
    let Some(table) = read.batch.tables.first() else { return Vec::new() };
    let row = |row: usize| {
        let device = table.row_tags(row).map(|(name, value)| format!("{name}={value} ")).collect::<String>();
        let mut fields: Vec<_> = table.fields.iter().filter_map(|f| Some((f.name.to_string(), f.get(row)?))).collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        let text = |value: Value<'_>| match value {
            Value::F64(number) => number.to_string(),
            Value::I64(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Text(text) => format!("{text:?}"),
            other => format!("{other:?}"),
        };
        let fields: Vec<_> = fields.into_iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
        format!("{device}{} @{}", fields.join(" "), (table.time_ns[row] - NOW) as f64 / 1e9)
    };
    (0..table.time_ns.len()).map(row).collect()
}

#[test]
fn the_examples_of_the_standard_are_read() {
    // RFC 8428, section 5.1.1 and 5.1.2.
    let read = json(r#"[{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":23.1}]"#);
    assert_eq!(rows(&read), ["device=urn:dev:ow:10e2073a01080063 value=23.1 @0"]);
    assert_eq!(read.units, BTreeMap::from([("value".to_owned(), "Cel".to_owned())]));
    let read = json(
        r#"[{"bn":"urn:dev:ow:10e2073a01080063:","n":"voltage","u":"V","v":120.1},{"n":"current","u":"A","v":1.2}]"#,
    );
    assert_eq!(rows(&read), ["device=urn:dev:ow:10e2073a01080063 current=1.2 voltage=120.1 @0"]);
    let read = json(
        r#"[{"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1},
            {"n":"current","t":-5,"v":1.2},{"n":"current","t":-4,"v":1.3}]"#,
    );
    assert_eq!(read.seen.as_ref().unwrap(), &3);
    assert_eq!(read.batch.tables[0].time_ns[1], 1_276_020_071_001_000_000);
    assert_eq!(
        read.units,
        BTreeMap::from([("voltage".to_owned(), "V".to_owned()), ("current".to_owned(), "A".to_owned())])
    );
}

#[test]
fn names_tell_the_device_and_the_field() {
    for (name, device, field) in [
        ("urn:dev:ow:10e2073a01080063:temp", Some("urn:dev:ow:10e2073a01080063"), "temp"),
        ("urn:dev:mac:0024befffe804ff1_a_b", Some("urn:dev:mac:0024befffe804ff1"), "a_b"),
        ("urn:dev:ow:1;temp", Some("urn:dev:ow:1"), "temp"),
        ("urn:dev:ow:1/room/temp", Some("urn:dev:ow:1"), "room/temp"),
        ("urn:dev:ow:1:", Some("urn:dev:ow:1"), "value"),
        ("urn:dev:x", Some("urn:dev:x"), "value"),
        ("base/name", Some("base"), "name"),
        ("a/b/temp", Some("a/b"), "temp"),
        ("esp:temp", Some("esp"), "temp"),
        ("/temp", None, "temp"),
        ("temp", None, "temp"),
        ("esp/", Some("esp"), "value"),
    ] {
        assert_eq!(split(name), (device, field), "{name}");
    }
}

#[test]
fn times_are_since_1970_or_since_now() {
    let at = |record: &str| rows(&json(&format!("[{{\"n\":\"t\",\"v\":1,{record}}}]"))).remove(0);
    assert_eq!(at(r#""t":0"#), "t=1 @0");
    assert_eq!(at(r#""t":-60.5"#), "t=1 @-60.5");
    assert_eq!(at(r#""bt":1700000000"#), "t=1 @0");
    assert_eq!(at(r#""bt":1.7e9,"t":5"#), "t=1 @5");
    assert_eq!(at(r#""bt":268435456,"t":1431564544"#), "t=1 @0");
    // The last second that is since now is in eight years, which the builder refuses.
    let read = json(r#"[{"n":"t","v":1,"t":268435455}]"#);
    assert_eq!((read.seen.unwrap(), read.refusals.total()), (1, 1));
}

#[test]
fn every_kind_of_value_and_its_base() {
    let read = json(
        r#"[{"bn":"d/","bv":20,"bs":100},{"n":"v","v":1.5},{"n":"s","s":3},{"n":"both","v":1,"s":0.5},
            {"n":"vs","vs":"open","ut":60},{"n":"vb","vb":true},{"n":"vd","vd":"aGk","unknown":[1]},{"n":"time","v":0}]"#,
    );
    let expected = "device=d both=21 both_sum=100.5 payload_time=20 s_sum=103 v=21.5 vb=true vd=\"aGk\" vs=\"open\" @0";
    assert_eq!(rows(&read), [expected]);
}

#[test]
fn a_field_that_comes_twice_begins_another_reading() {
    let read =
        json(r#"[{"n":"a/x","v":1},{"n":"a/y","v":2},{"n":"b/x","v":3},{"n":"a/x","v":4},{"n":"a/x","v":5,"t":-1}]"#);
    assert_eq!(rows(&read), ["device=a x=1 y=2 @0", "device=b x=3 @0", "device=a x=4 @0", "device=a x=5 @-1"]);
}

#[test]
fn who_sent_it_keeps_its_name() {
    let body = br#"[{"n":"esp/x","v":1},{"n":"other/x","v":2},{"n":"x","v":3}]"#;
    let read = decode(Some("esp"), None, body, false);
    assert_eq!(rows(&read), ["device=esp x=1 @0", "device=esp source=other x=2 @0", "device=esp x=3 @0"]);
    let read = decode(None, Some("given"), body, false);
    assert_eq!(rows(&read)[2], "device=given x=3 @0");
}

#[test]
fn a_record_that_is_wrong_costs_only_itself() {
    let read = json(
        r#"[{"n":"a","v":1},{"n":"b"},{"v":2},{"n":"c","v":1,"vb":true},{"n":"d","v":"1"},{"n":"e","v":1,"v":2},
            {"n":"f","v":1e999},5,{"n":"g","v":null},{"n":"h","t":1e40,"v":1},{"n":"i","vs":"last"}]"#,
    );
    assert_eq!((read.seen.unwrap(), read.batch.rows(), read.refusals.total()), (11, 2, 9));
    let texts: Vec<_> = read.refusals.first().iter().map(|refused| (refused.line, refused.error.to_string())).collect();
    assert_eq!(texts[0], (2, "the record has no value; add \"v\", \"vs\", \"vb\", \"vd\" or \"s\"".to_owned()));
    assert_eq!(texts[2].1, "the record has more than one value");
    assert_eq!(texts[4].1, "\"v\" stands twice in this record");
}

#[test]
fn packs_that_are_refused_as_a_whole() {
    let error = |body: &str| json(body).seen.unwrap_err();
    assert!(matches!(error(r#"{"n":"a","v":1}"#), SenmlError::NotAList));
    assert!(matches!(error("[]"), SenmlError::Empty));
    assert!(matches!(error("[{]"), SenmlError::Json(_)));
    assert!(matches!(error(r#"[{"n":"a","v":1}] x"#), SenmlError::Json(_)));
    assert!(matches!(error(r#"[{"n":"a","v":1,"must_":1}]"#), SenmlError::Label(label) if label == "must_"));
    assert!(matches!(error(r#"[{"bver":11,"n":"a","v":1}]"#), SenmlError::Version(version) if version == "11"));
    let many = format!("[{}]", vec!["{}"; MAX_RECORDS + 1].join(","));
    assert!(matches!(error(&many), SenmlError::TooManyRecords));
}

fn to_bytes(value: &ciborium::Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

#[test]
fn cbor_is_read_as_json() {
    let pack = cbor!([
        {-2 => "urn:dev:ow:10e2073a0108006:", -3 => 1_276_020_076.001_f64, -4 => "A", -1 => 5, 0 => "voltage", 1 => "V", 2 => 120.1},
        {0 => "current", 6 => -5, 2 => 1.2},
        {0 => "open", 6 => -5, 4 => true},
        {0 => "count", 6 => -5, 2 => 9_007_199_254_740_993_u64},
        {0 => "raw", 6 => -5, 8 => ciborium::Value::Bytes(b"hi".to_vec())},
        {0 => "tenth", 6 => -5, 2 => ciborium::Value::Tag(4, Box::new(cbor!([-1, 231]).unwrap()))},
        {0 => "extended", 6 => -5, 2 => 1, "other" => [1], 99 => 1},
    ]);
    let read = decode(None, None, &to_bytes(&pack.unwrap()), true);
    assert_eq!(read.refusals.first(), []);
    assert_eq!((read.seen.unwrap(), read.batch.rows()), (2, 2));
    assert_eq!(read.batch.tables[0].time_ns, [1_276_020_076_001_000_000, 1_276_020_071_001_000_000]);
    let fields: BTreeMap<_, _> =
        read.batch.tables[0].fields.iter().filter_map(|f| Some((f.name.to_string(), f.get(1)?))).collect();
    assert_eq!(fields["count"], Value::I64(9_007_199_254_740_993));
    assert_eq!((&fields["raw"], &fields["tenth"]), (&Value::Text("aGk".into()), &Value::F64(23.1)));
}

#[test]
fn cbor_that_is_none() {
    let error = |body: &[u8]| decode(None, None, body, true).seen.unwrap_err();
    assert!(matches!(error(b""), SenmlError::Cbor(CborError::Syntax { .. })));
    assert!(matches!(error(b"\xa0"), SenmlError::NotAList));
    assert!(matches!(error(b"\x80"), SenmlError::Empty));
    assert!(matches!(error(b"\x80\x80"), SenmlError::Cbor(CborError::Trailing { bytes: 1 })));
    assert!(matches!(error(&[0x81; 100]), SenmlError::Cbor(CborError::Syntax { .. })), "nested too deep");
    assert!(matches!(error(&vec![0x80; cbor::MAX_CBOR_BYTES + 1]), SenmlError::Cbor(CborError::TooLarge { .. })));
    assert!(matches!(error(b"\x81\xa1\x65must_\x01"), SenmlError::Label(_)));
    let nan = decode(None, None, b"\x81\xa2\x00\x61a\x02\xf9\x7e\x00", true);
    assert_eq!((nan.seen.unwrap(), nan.refusals.total()), (1, 1));
}
