//! What all decoders have in common, and the ways in which their tests ask.

use proptest::prelude::*;
use sensorium_model::{Batch, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, Sender};

use super::*;
use crate::line_protocol::write_batch;

const NOW: i64 = 1_700_000_000_000_000_000;

fn read_with(
    decoder: Decoder,
    (topic, body): (&str, &[u8]),
    limits: IngestLimits,
    sender: Option<&str>,
) -> Result<(Batch, Refusals, Decoded), DecodeError> {
    let schema = DatabaseSchema::default();
    let mut builder = BatchBuilder::new(&schema, limits, NOW);
    if let Some(sender) = sender {
        builder.sent_by(Sender::Device(sender.into()));
    }
    let mut refusals = Refusals::keep(100);
    let decoded = decoder.decode(Message { topic, body, now_ns: NOW }, &mut builder, &mut refusals)?;
    let key = DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), DatabaseName::new("main").unwrap());
    let batch = builder.finish(key);
    assert_eq!(decoded.readings, batch.rows() as u64 + refusals.total(), "{topic}");
    Ok((batch, refusals, decoded))
}

fn read(topic: &str, body: &[u8]) -> Result<(Batch, Refusals, Decoded), DecodeError> {
    let decoder = recognise(topic, body).unwrap_or_else(|| panic!("{topic} is known"));
    read_with(decoder, (topic, body), IngestLimits::default(), None)
}

/// The rows of a batch as lines, sorted, and what was refused.
pub(super) fn lines(batch: &Batch, refusals: &Refusals) -> Vec<String> {
    let mut text = String::new();
    write_batch(batch, &mut text);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.extend(refusals.first().iter().map(|refused| format!("refused: {}", refused.error)));
    lines.sort();
    lines
}

/// The lines that a test expects, in which `NOW` is the time of arrival.
pub(super) fn expected(lines: &str) -> Vec<String> {
    let mut lines: Vec<_> = lines.lines().map(|line| line.trim().replace("NOW", &NOW.to_string())).collect();
    lines.sort();
    lines
}

/// A message is of this make and says these rows.
pub(super) fn check(topic: &str, body: &str, decoder: Decoder, rows: &str) {
    assert_eq!(recognise(topic, body.as_bytes()), Some(decoder), "{topic}");
    let (batch, refusals, _) = read(topic, body.as_bytes()).unwrap();
    assert_eq!(lines(&batch, &refusals), expected(rows), "{topic}");
}

/// What a message told.
pub(super) fn decoded(topic: &str, body: &[u8]) -> Decoded {
    read(topic, body).unwrap().2
}

/// What a message without readings says about presence.
pub(super) fn presence(topic: &str, body: &str) -> Option<bool> {
    let decoded = decoded(topic, body.as_bytes());
    assert_eq!(decoded.readings, 0, "{topic}");
    assert!(decoded.device.is_some(), "{topic}");
    decoded.presence
}

/// A message of a known make that says nothing.
pub(super) fn silent(topic: &str, body: &str) {
    let decoded = decoded(topic, body.as_bytes());
    assert_eq!((decoded.readings, decoded.presence), (0, None), "{topic}");
}

/// A message that is refused as a whole.
pub(super) fn fails(topic: &str, body: &str) {
    assert!(read(topic, body.as_bytes()).is_err(), "{topic}: {body}");
}

/// A message of no known make.
pub(super) fn unknown(topic: &str, body: &str) {
    assert_eq!(recognise(topic, body.as_bytes()), None, "{topic}: {body}");
}

/// Why rows of a message are refused.
pub(super) fn refused(topic: &str, body: &str) -> Vec<String> {
    let (_, refusals, _) = read(topic, body.as_bytes()).unwrap();
    refusals.first().iter().map(|refused| refused.error.to_string()).collect()
}

/// A topic of each make whose body is JSON, and a message.
const MESSAGES: [(&str, &str); 16] = [
    ("tele/plug/SENSOR", r#"{"Time":"2026-02-04T17:51:00","AM2301":{"Temperature":21.5},"ENERGY":{"Power":[1,2]}}"#),
    ("stat/plug/RESULT", r#"{"POWER":"ON"}"#),
    ("attic/light/lamp/state", r#"{"state":"ON"}"#),
    ("zigbee2mqtt/hall", r#"{"temperature":21.5,"color":{"x":0.3}}"#),
    ("shellies/shelly1-ab/input_event/0", r#"{"event":"S","event_cnt":4}"#),
    ("plug/events/rpc", r#"{"method":"NotifyStatus","params":{"ts":1699999999.25,"switch:0":{"id":0,"output":true}}}"#),
    ("plug/status/switch:0", r#"{"id":0,"output":true}"#),
    ("any", r#"{"fields":{"v":1},"name":"cpu","tags":{"host":"a"},"timestamp":1699999999}"#),
    ("owntracks/ann/phone", r#"{"_type":"location","lat":48.2,"tst":1699999999}"#),
    ("v3/a@t/devices/d/up", r#"{"uplink_message":{"f_port":1,"rx_metadata":[{"rssi":-1}]}}"#),
    ("application/8f/device/01/event/up", r#"{"deviceInfo":{},"object":{"v":1},"rxInfo":[{"rssi":-1}]}"#),
    (
        "frigate/events",
        r#"{"type":"new","after":{"camera":"a","label":"b","box":[1,2,3,4],"frame_time":1699999999.5}}"#,
    ),
    ("any", r#"{"deviceId":"p","payload":[{"name":"a","time":1699999999123456789,"values":{"x":1}}]}"#),
    ("v1/devices/me/telemetry", r#"[{"ts":1699999999000,"values":{"v":1}},{"v":2}]"#),
    ("v1/gateway/telemetry", r#"{"A":[{"v":1}]}"#),
    ("any", r#"{"temperature":24,"hostname":"ESP_145DD7"}"#),
];

#[test]
fn each_make_has_a_word_of_its_own() {
    let mut words: Vec<_> = Decoder::ALL.iter().map(|decoder| decoder.as_str()).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Decoder::ALL.len());
}

#[test]
fn what_is_cut_off_is_refused_and_what_is_whole_is_not() {
    for (topic, body) in MESSAGES {
        let decoder = recognise(topic, body.as_bytes()).unwrap();
        let read = |body: &[u8]| read_with(decoder, (topic, body), IngestLimits::default(), None);
        let (batch, refusals, _) = read(body.as_bytes()).unwrap();
        assert!(!batch.is_empty() && refusals.is_empty(), "{topic}: {:?}", refusals.first());
        for end in 0..body.len() {
            assert!(read(&body.as_bytes()[..end]).is_err(), "{topic}: {}", &body[..end]);
        }
    }
}

#[test]
fn nesting_has_an_end() {
    let nested = |open: &str, close: &str| format!("{{\"v\":{}1{}}}", open.repeat(20_000), close.repeat(20_000));
    for (topic, body) in MESSAGES {
        let decoder = recognise(topic, body.as_bytes()).unwrap();
        for body in [nested("[", "]"), nested("{\"a\":", "}")] {
            let read = read_with(decoder, (topic, body.as_bytes()), IngestLimits::default(), None);
            assert!(matches!(read, Err(DecodeError::TooDeep)), "{topic}");
        }
    }
}

#[test]
fn the_sender_is_the_device_and_what_the_message_says_the_source() {
    let message = ("zigbee2mqtt/hall", &br#"{"temperature":21.5}"#[..]);
    for (sender, rows) in [
        (None, "zigbee2mqtt,device=hall temperature=21.5 NOW"),
        (Some("hall"), "zigbee2mqtt,device=hall temperature=21.5 NOW"),
        (Some("bridge"), "zigbee2mqtt,device=bridge,source=hall temperature=21.5 NOW"),
    ] {
        let (batch, refusals, decoded) =
            read_with(Decoder::Zigbee2Mqtt, message, IngestLimits::default(), sender).unwrap();
        assert_eq!(lines(&batch, &refusals), expected(rows));
        assert_eq!(decoded.device.as_deref(), Some("hall"));
    }
}

#[test]
fn names_with_a_meaning_are_moved_aside() {
    let body = r#"{"device":"a","time":5,"source":"b","v":1}"#;
    let rows = "zigbee2mqtt,device=hall payload_device=\"a\",payload_source=\"b\",payload_time=5.0,v=1.0 NOW";
    check("zigbee2mqtt/hall", body, Decoder::Zigbee2Mqtt, rows);
}

#[test]
fn limits_of_columns_rows_and_texts_hold() {
    let wide: Vec<_> = (0..2_000).map(|n| format!("\"f{n}\":1")).collect();
    let refused_wide = refused("zigbee2mqtt/hall", &format!("{{{}}}", wide.join(",")));
    assert!(refused_wide[0].contains("limits.columns_per_table"), "{refused_wide:?}");
    let long = format!("{{\"v\":\"{}\"}}", "x".repeat(100_000));
    assert!(refused("zigbee2mqtt/hall", &long)[0].contains("limits.text_field_bytes"));
    assert!(refused(&format!("zigbee2mqtt/{}", "x".repeat(2_000)), "{\"v\":1}")[0].contains("limits.tag_value_bytes"));
    assert!(
        refused("zigbee2mqtt/hall", &format!("{{\"{0}\":{{\"{0}\":1}}}}", "n".repeat(200)))[0].contains("401 bytes")
    );
    let limits = IngestLimits { rows_per_request: 1, ..IngestLimits::default() };
    let message = ("v1/devices/me/telemetry", &b"[{\"v\":1},{\"v\":2},{\"v\":3}]"[..]);
    let (batch, refusals, _) = read_with(Decoder::ThingsBoard, message, limits, None).unwrap();
    assert_eq!((batch.rows(), refusals.by_kind()), (1, &[(ErrorKind::TooLarge, 2)][..]));
}

#[test]
fn numbers_follow_the_stored_column() {
    use sensorium_model::{ColumnKind, FieldType, TableSchema};
    let mut table = TableSchema::default();
    table.add("n".into(), ColumnKind::Field(FieldType::I64)).unwrap();
    let mut schema = DatabaseSchema::default();
    schema.tables.insert("zigbee2mqtt".into(), table.into());
    let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), NOW);
    let mut refusals = Refusals::keep(10);
    for body in ["{\"n\":5}", "{\"n\":5.5}"] {
        let message = Message { topic: "zigbee2mqtt/hall", body: body.as_bytes(), now_ns: NOW };
        Decoder::Zigbee2Mqtt.decode(message, &mut builder, &mut refusals).unwrap();
    }
    assert_eq!((builder.rows(), refusals.total()), (1, 1));
    assert_eq!(refusals.by_kind(), [(ErrorKind::Conflict, 1)]);
}

/// Topics of all makes, and others.
fn topics() -> impl Strategy<Value = String> {
    let known = [
        "stat/plug/POWER",
        "tele/plug/LWT",
        "attic/sensor/t/state",
        "attic/status",
        "zigbee2mqtt/a/availability",
        "shellies/a/relay/0",
        "homie/a/b/c",
        "frigate/a/b",
        "spBv1.0/g/NBIRTH/n",
        "spBv1.0/g/DDATA/n/d",
        "homeassistant/sensor/a/config",
        "homeassistant/device/a/config",
        "zigbee2mqtt/bridge/devices",
    ];
    let known = known.into_iter().chain(MESSAGES.map(|(topic, _)| topic));
    let known = proptest::sample::select(known.map(str::to_owned).collect::<Vec<_>>());
    let levels =
        "((tele|stat|SENSOR|status|state|sensor|events|rpc|zigbee2mqtt|shellies|frigate|owntracks|\\PC)/?){0,6}";
    prop_oneof![known, levels]
}

/// A message leaves no more rows than it may, and none uncounted, whatever it is; and nothing is learned of it beyond the limits.
fn never_more_than_the_limits(topic: &str, body: &[u8]) {
    let limits = IngestLimits { rows_per_request: 3, columns_per_table: 8, ..IngestLimits::default() };
    for is_whole in [true, false] {
        let reported = commands::reported(topic, body, is_whole);
        if let Some((speech, _)) = commands::Speech::of(topic, body, is_whole) {
            assert!(speech.commands(&reported, None, 1).len() <= commands::MAX_COMMANDS);
        }
    }
    for announced::Announcement { announced, .. } in announced::Announcement::of(topic, body) {
        assert!(announced.fields.len() <= announced::MAX_FIELDS);
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits, NOW);
        let mut refusals = Refusals::keep(10);
        if let Ok(decoded) = announced.decode(Message { topic, body, now_ns: NOW }, &mut builder, &mut refusals) {
            assert_eq!(decoded.readings, builder.rows() as u64 + refusals.total());
        }
    }
    let decoders = recognise(topic, body).into_iter().chain(Decoder::ALL);
    for (decoder, sender) in decoders.zip([None, Some("gate")].into_iter().cycle()) {
        if let Ok((batch, ..)) = read_with(decoder, (topic, body), limits, sender) {
            assert!(batch.rows() <= limits.rows_per_request);
            assert!(batch.tables.iter().all(|table| table.is_rectangular() && table.fields.len() <= 8));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn never_panics_on_arbitrary_bytes(topic in topics(), body in proptest::collection::vec(any::<u8>(), 0..200)) {
        never_more_than_the_limits(&topic, &body);
    }

    #[test]
    fn never_panics_on_almost_messages(
        topic in topics(),
        body in "([\\[\\]{}:, 0-9.eE-]|\"(Time|DS18B20|method|params|ts|values|payload|name|time|fields|tags|_type|after|box|stat_t|val_tpl|dev|cmps|exposes|state)\":|\"NotifyStatus\"|\"location\"|\"a\"|true|null|\\PC){0,40}",
    ) {
        never_more_than_the_limits(&topic, body.as_bytes());
        never_more_than_the_limits(&topic, format!("{{{body}}}").as_bytes());
    }

    #[test]
    fn never_panics_on_messages_with_a_wrong_byte(
        (topic, body) in proptest::sample::select(MESSAGES.to_vec()),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut body = body.as_bytes().to_vec();
        let at = at.index(body.len());
        body[at] = byte;
        never_more_than_the_limits(topic, &body);
    }
}
