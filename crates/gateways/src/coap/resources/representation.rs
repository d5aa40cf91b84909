//! What newest values and desired states look like on the wire, by the format that is asked for.

use chrono::{DateTime, SecondsFormat};
use sensorium_metadata::registry::Document;
use sensorium_model::{DEVICE_TAG, ErrorKind, Name, Value};
use sensorium_protocols::coap::{Code, Response, format, option};
use serde_json::json;

use super::super::answer::{failure, of_kind};
use super::super::watch::{Looking, Newest};

/// How newest values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::coap) enum Form {
    /// The value alone.
    Text,
    Json,
    SenmlJson,
    SenmlCbor,
}

impl Form {
    /// The form that is asked for; of several values there is none as text.
    pub(super) fn of(accept: Option<u16>, is_single: bool) -> Option<Self> {
        match accept {
            None | Some(format::TEXT) if is_single => Some(Self::Text),
            None | Some(format::JSON) => Some(Self::Json),
            Some(format::SENML_JSON) => Some(Self::SenmlJson),
            Some(format::SENML_CBOR) => Some(Self::SenmlCbor),
            _ => None,
        }
    }
}

/// The answer to a form that there is none of.
pub(super) fn not_acceptable() -> Response {
    let sentence = "values are there as JSON (50), SenML JSON (110) and SenML CBOR (112), and a single one as text (0)";
    failure(Code::NOT_ACCEPTABLE, sentence)
}

/// Newest values; 4.04 when there are none.
pub(in crate::coap) fn values(looking: &Looking, newest: &Newest, form: Form) -> Response {
    let Some(((table, field), (time_ns, value))) = newest.iter().max_by_key(|(_, (time_ns, _))| *time_ns) else {
        return of_kind(ErrorKind::Missing, "there is no such value", None);
    };
    let is_single = looking.field.is_some();
    let response = Response::new(Code::CONTENT);
    match form {
        Form::Text => response.with_payload(format::TEXT, text(value)),
        Form::Json if is_single => {
            let one = json!({"table": **table, "field": **field, "value": json(value), "time": time(*time_ns)});
            response.with_payload(format::JSON, one.to_string())
        }
        Form::Json => {
            let all = newest.iter().map(|((table, field), (time_ns, value))| {
                json!({"table": **table, "field": **field, "value": json(value), "time": time(*time_ns)})
            });
            response.with_payload(format::JSON, serde_json::Value::Array(all.collect()).to_string())
        }
        Form::SenmlJson | Form::SenmlCbor => {
            let base = base_name(looking, table);
            let single = (table.clone(), field.clone());
            let records: Vec<(&Name, i64, &Value<'static>)> = newest
                .iter()
                .filter(|(key, _)| !is_single || **key == single)
                .map(|((_, field), (time_ns, value))| (field, *time_ns, value))
                .collect();
            match form {
                Form::SenmlCbor => response.with_payload(format::SENML_CBOR, senml_cbor(&base, &records)),
                _ => response.with_payload(format::SENML_JSON, senml_json(&base, &records)),
            }
        }
    }
}

/// A desired state, and its version as ETag.
pub(in crate::coap) fn desired(document: &Document) -> Response {
    let body = json!({"version": document.version, "state": document.state});
    let response = Response::new(Code::CONTENT).with_payload(format::JSON, body.to_string());
    response.with_option(option::ETAG, etag(document))
}

pub(super) fn etag(document: &Document) -> Vec<u8> {
    document.version.to_be_bytes().to_vec()
}

fn text(value: &Value<'_>) -> String {
    match value {
        Value::F64(number) => number.to_string(),
        Value::I64(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Text(text) => text.clone().into_owned(),
        Value::Vector(numbers) => json!(numbers).to_string(),
    }
}

fn json(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::F64(number) => json!(number),
        Value::I64(number) => json!(number),
        Value::U64(number) => json!(number),
        Value::Bool(truth) => json!(truth),
        Value::Text(text) => json!(text),
        Value::Vector(numbers) => json!(numbers),
    }
}

fn time(time_ns: i64) -> String {
    DateTime::from_timestamp_nanos(time_ns).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// What all names of a pack begin with (RFC 8428, section 4.5.1): the device, or else the table.
fn base_name(looking: &Looking, table: &Name) -> String {
    let device = looking.tags.iter().find(|(name, _)| **name == *DEVICE_TAG).or(looking.tags.first());
    let mut base = senml_name(device.map_or(table, |(_, value)| value));
    base.push('/');
    base
}

/// A name with nothing in it that SenML does not allow.
fn senml_name(name: &str) -> String {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || "-:./_".contains(character);
    let mut allowed: String =
        name.chars().map(|character| if is_allowed(character) { character } else { '_' }).collect();
    if !allowed.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        allowed.insert(0, 'n');
    }
    allowed
}

fn seconds(time_ns: i64) -> f64 {
    time_ns as f64 / 1e9
}

fn senml_json(base: &str, records: &[(&Name, i64, &Value<'static>)]) -> String {
    let mut pack = Vec::with_capacity(records.len());
    for (at, (field, time_ns, value)) in records.iter().enumerate() {
        let mut record = serde_json::Map::new();
        if at == 0 {
            record.insert("bn".to_owned(), json!(base));
        }
        record.insert("n".to_owned(), json!(senml_name(field)));
        record.insert("t".to_owned(), json!(seconds(*time_ns)));
        let (label, value) = match value {
            Value::Bool(truth) => ("vb", json!(truth)),
            Value::Text(text) => ("vs", json!(text)),
            number => ("v", json(number)),
        };
        record.insert(label.to_owned(), value);
        pack.push(serde_json::Value::Object(record));
    }
    serde_json::Value::Array(pack).to_string()
}

/// Labels of SenML in CBOR (RFC 8428, section 6).
const BASE_NAME: i64 = -2;
const NAME: i64 = 0;
const VALUE: i64 = 2;
const TEXT_VALUE: i64 = 3;
const TRUTH_VALUE: i64 = 4;
const TIME: i64 = 6;

fn senml_cbor(base: &str, records: &[(&Name, i64, &Value<'static>)]) -> Vec<u8> {
    let mut out = Cbor(Vec::new());
    out.head(4, records.len() as u64);
    for (at, (field, time_ns, value)) in records.iter().enumerate() {
        out.head(5, if at == 0 { 4 } else { 3 });
        if at == 0 {
            out.integer(BASE_NAME);
            out.text(base);
        }
        out.integer(NAME);
        out.text(&senml_name(field));
        out.integer(TIME);
        out.double(seconds(*time_ns));
        match value {
            Value::Bool(truth) => {
                out.integer(TRUTH_VALUE);
                out.0.push(if *truth { 0xf5 } else { 0xf4 });
            }
            Value::Text(text) => {
                out.integer(TEXT_VALUE);
                out.text(text);
            }
            Value::F64(number) => {
                out.integer(VALUE);
                out.double(*number);
            }
            Value::I64(number) => {
                out.integer(VALUE);
                out.integer(*number);
            }
            Value::U64(number) => {
                out.integer(VALUE);
                out.head(0, *number);
            }
            // None are kept of vectors.
            Value::Vector(numbers) => {
                out.integer(TEXT_VALUE);
                out.text(&json!(numbers).to_string());
            }
        }
    }
    out.0
}

/// The little of CBOR (RFC 8949) that is written here.
struct Cbor(Vec<u8>);

impl Cbor {
    /// A major type with its argument, in the shortest form.
    fn head(&mut self, major: u8, argument: u64) {
        let first = major << 5;
        match argument {
            small @ 0..=23 => self.0.push(first | small as u8),
            byte @ 24..=0xff => self.0.extend_from_slice(&[first | 24, byte as u8]),
            _ if argument <= u64::from(u16::MAX) => {
                self.0.push(first | 25);
                self.0.extend_from_slice(&(argument as u16).to_be_bytes());
            }
            _ if argument <= u64::from(u32::MAX) => {
                self.0.push(first | 26);
                self.0.extend_from_slice(&(argument as u32).to_be_bytes());
            }
            _ => {
                self.0.push(first | 27);
                self.0.extend_from_slice(&argument.to_be_bytes());
            }
        }
    }

    fn integer(&mut self, number: i64) {
        match u64::try_from(number) {
            Ok(positive) => self.head(0, positive),
            Err(_) => self.head(1, (-1 - number).unsigned_abs()),
        }
    }

    fn text(&mut self, text: &str) {
        self.head(3, text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn double(&mut self, number: f64) {
        self.0.push(0xfb);
        self.0.extend_from_slice(&number.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use sensorium_model::{DatabaseKey, DatabaseName, OrgId};
    use uuid::Uuid;

    use super::*;

    fn looking(field: Option<&str>) -> Looking {
        Looking {
            database: DatabaseKey::new(OrgId::from_uuid(Uuid::nil()), DatabaseName::new("main").unwrap()),
            table: None,
            field: field.map(Name::from),
            tags: vec![("device".into(), "attic 1".into())],
        }
    }

    fn newest() -> Newest {
        let key = |field: &str| (Name::from("room"), Name::from(field));
        [
            (key("temperature"), (1_500_000_000_000_000_000, Value::F64(28.8))),
            (key("on"), (1_500_000_001_500_000_000, Value::Bool(true))),
        ]
        .into()
    }

    #[test]
    fn a_value_has_the_form_that_is_asked_for() {
        let mut one = newest();
        one.remove(&("room".into(), "on".into()));
        let shown = |form| values(&looking(Some("temperature")), &one, form);
        assert_eq!(shown(Form::Text).payload, "28.8");
        let parsed = |form| serde_json::from_slice::<serde_json::Value>(&shown(form).payload).unwrap();
        let expected = json!({"table": "room", "field": "temperature", "value": 28.8, "time": "2017-07-14T02:40:00Z"});
        assert_eq!(parsed(Form::Json), expected);
        let record = json!({"bn": "attic_1/", "n": "temperature", "t": 1_500_000_000.0, "v": 28.8});
        assert_eq!(parsed(Form::SenmlJson), json!([record]));
        assert_eq!(shown(Form::SenmlCbor).options.uint(option::CONTENT_FORMAT), Some(112));
    }

    #[test]
    fn several_values_are_a_list_and_a_pack() {
        let json = values(&looking(None), &newest(), Form::Json).payload;
        let list: Vec<serde_json::Value> = serde_json::from_slice(&json).unwrap();
        assert_eq!((list.len(), &list[0]["field"], &list[0]["value"]), (2, &json!("on"), &json!(true)));
        let pack = values(&looking(None), &newest(), Form::SenmlCbor).payload;
        // An array of two, of which the first record is a map of four that begins with the base name.
        assert_eq!(pack[..12], [0x82, 0xa4, 0x21, 0x68, b'a', b't', b't', b'i', b'c', b'_', b'1', b'/']);
        assert_eq!(values(&looking(None), &Newest::new(), Form::Json).code, Code::NOT_FOUND);
    }

    #[test]
    fn forms_that_there_are_not_are_none() {
        assert_eq!(Form::of(None, true), Some(Form::Text));
        assert_eq!(Form::of(None, false), Some(Form::Json));
        assert_eq!((Form::of(Some(format::TEXT), false), Form::of(Some(format::CBOR), true)), (None, None));
    }

    #[test]
    fn numbers_are_written_in_the_shortest_form() {
        let written = |number: i64| {
            let mut out = Cbor(Vec::new());
            out.integer(number);
            out.0
        };
        assert_eq!(written(23), [0x17]);
        assert_eq!(written(24), [0x18, 24]);
        assert_eq!(written(-2), [0x21]);
        assert_eq!(written(1_000), [0x19, 0x03, 0xe8]);
        assert_eq!(written(1_000_000), [0x1a, 0, 0x0f, 0x42, 0x40]);
        assert_eq!(written(i64::MIN), [0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    }
}
