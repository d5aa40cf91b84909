//! Tests of bodies that say what they are.

use ciborium::cbor;
use proptest::prelude::*;
use sensorium_model::{Batch, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, Value};

use super::*;

const NOW: i64 = 1_700_000_000_000_000_000;
const TARGET: Target<'_> =
    Target { table: "temperature", field: "value", tags: &[("place", "room1")], device: Some("esp") };

fn decode_as(format: Option<u16>, body: &[u8]) -> (Result<u64, ContentError>, Batch, Refusals) {
    let schema = DatabaseSchema::default();
    let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), NOW);
    let mut refusals = Refusals::keep(100);
    let seen = decode(format, body, &TARGET, NOW, &mut BTreeMap::new(), &mut builder, &mut refusals);
    let name = DatabaseName::new("main").unwrap();
    let batch = builder.finish(DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), name));
    (seen, batch, refusals)
}

/// Table, tags and fields of the first row.
fn first(format: Option<u16>, body: &[u8]) -> String {
    let (seen, batch, refusals) = decode_as(format, body);
    assert!(seen.is_ok(), "{seen:?}");
    assert_eq!(refusals.first(), []);
    let table = &batch.tables[0];
    let mut tags: Vec<_> = table.row_tags(0).map(|(name, value)| format!("{name}={value}")).collect();
    tags.sort();
    let mut fields: Vec<_> = table
        .fields
        .iter()
        .filter_map(|f| {
            Some(match f.get(0)? {
                Value::F64(number) => format!("{}={number}", f.name),
                Value::Bool(truth) => format!("{}={truth}", f.name),
                other => format!("{}={other:?}", f.name),
            })
        })
        .collect();
    fields.sort();
    format!("{} {} {}", table.table, tags.join(" "), fields.join(" "))
}

#[test]
fn each_format_is_read() {
    let value = "temperature device=esp place=room1 value=28.8";
    assert_eq!(first(None, b"28.8"), value);
    assert_eq!(first(Some(0), b" 28.8\n"), value);
    assert_eq!(first(Some(50), b"28.8"), value);
    let object = "temperature device=esp place=room1 a=1 b_c=true";
    assert_eq!(first(None, br#"{"a": 1, "b": {"c": true}}"#), object);
    assert_eq!(first(Some(50), br#"[{"a": 1, "b": {"c": true}}]"#), object);
    let mut bytes = Vec::new();
    ciborium::into_writer(&cbor!({"a" => 1, "b" => {"c" => true}}).unwrap(), &mut bytes).unwrap();
    assert_eq!(first(Some(60), &bytes), object);
    assert_eq!(first(Some(60), b"\xfb\x40\x3c\xcc\xcc\xcc\xcc\xcc\xcd"), value);
    assert_eq!(first(Some(110), br#"[{"n": "x", "v": 2}]"#), "temperature device=esp x=2");
    assert_eq!(first(Some(112), b"\x81\xa2\x00\x61x\x02\x02"), "temperature device=esp x=2");
    assert_eq!(first(None, b"room,place=attic t=21.5"), "room place=attic t=21.5");
    assert_eq!(first(Some(LINE_PROTOCOL), b"room,place=attic t=21.5"), "room place=attic t=21.5");
}

#[test]
fn what_a_reading_says_itself_comes_first() {
    let body = br#"{"table": "room", "tags": {"place": "attic", "device": "other"}, "t": 1}"#;
    assert_eq!(first(Some(50), body), "room device=other place=attic t=1");
}

#[test]
fn what_is_refused_as_a_whole() {
    let error = |format, body: &[u8]| decode_as(format, body).0.unwrap_err();
    assert!(error(Some(42), b"x").is_unsupported());
    assert!(matches!(error(Some(0), b""), ContentError::Payload(PayloadError::Empty)));
    assert!(matches!(error(Some(50), b""), ContentError::Payload(PayloadError::Empty)));
    assert!(matches!(error(Some(50), b"on"), ContentError::Json(JsonError::Syntax { .. })));
    assert!(matches!(error(Some(50), b"{"), ContentError::Json(_)));
    assert!(matches!(error(Some(60), b"\xa1\x01"), ContentError::Cbor(CborError::Syntax { .. })));
    assert!(matches!(error(Some(60), b"\xa1\x61a\x41b"), ContentError::Cbor(CborError::Unreadable("bytes"))));
    assert!(matches!(error(Some(60), b"\xf9\x7e\x00"), ContentError::Cbor(CborError::Unreadable(_))));
    assert!(matches!(error(Some(110), b"{}"), ContentError::Senml(SenmlError::NotAList)));
    assert_eq!(error(Some(60), &vec![0; 300_000]).kind(), ErrorKind::TooLarge);
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(
        format in prop::sample::select(vec![None, Some(0), Some(50), Some(60), Some(110), Some(112), Some(LINE_PROTOCOL)]),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let (seen, batch, refusals) = decode_as(format, &body);
        if let Ok(seen) = seen {
            prop_assert_eq!(seen, batch.rows() as u64 + refusals.total());
        }
    }

    #[test]
    fn a_text_of_cbor_is_the_same_in_json(text in ".{0,40}") {
        let value = ciborium::Value::Text(text.clone());
        let json = cbor::to_json(&value).unwrap();
        prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
