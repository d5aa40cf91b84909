//! Tests of announcements: of Home Assistant, of Zigbee2MQTT, and what becomes of the messages that they are about.

use sensorium_model::{DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId};

use super::*;
use crate::decoders::tests::{expected, lines};

const NOW: i64 = 1_700_000_000_000_000_000;

/// The only announcement of a message.
fn one(topic: &str, body: &str) -> Announcement {
    let mut all = Announcement::of(topic, body.as_bytes());
    assert_eq!(all.len(), 1, "{topic}: {all:?}");
    all.remove(0)
}

/// The rows of a message of which something was announced, and what was refused.
fn rows(announced: &Announced, body: &str) -> Vec<String> {
    let schema = DatabaseSchema::default();
    let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), NOW);
    let mut refusals = Refusals::keep(100);
    let message = Message { topic: "any/topic", body: body.as_bytes(), now_ns: NOW };
    let decoded = announced.decode(message, &mut builder, &mut refusals).unwrap();
    let key = DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), DatabaseName::new("main").unwrap());
    let batch = builder.finish(key);
    assert_eq!(decoded.readings, batch.rows() as u64 + refusals.total());
    lines(&batch, &refusals)
}

#[test]
fn long_keys_and_short_ones_say_the_same() {
    let long = r#"{"name":"Outside temperature","state_topic":"shed/climate","unit_of_measurement":"°C","device_class":"temperature",
        "value_template":"{{ value_json.out.temp }}","device":{"identifiers":["a1"],"name":"Shed"}}"#;
    let short = r#"{"name":"Outside temperature","stat_t":"~/climate","~":"shed","unit_of_meas":"°C","dev_cla":"temperature",
        "val_tpl":"{{value_json['out'][\"temp\"]}}","dev":{"ids":"a1","name":"Shed"}}"#;
    let announced = one("homeassistant/sensor/shed/temp/config", long);
    assert_eq!(announced, one("homeassistant/sensor/temp/config", short));
    assert_eq!((announced.topic.as_ref(), announced.announced.device.as_ref()), ("shed/climate", "Shed"));
    let field = announced.announced.field("outside_temperature").unwrap();
    assert_eq!((field.display_name.as_ref(), field.unit.as_ref()), ("Outside temperature", "Cel"));
    let names = vec!["out".into(), "temp".into()];
    assert_eq!(field.place, Place::Below { names, switch: None });
}

#[test]
fn a_device_is_called_by_its_name_its_identifier_or_its_topic() {
    let of = |topic: &str, device: &str| {
        let config = format!(r#"{{"stat_t":"x"{device}}}"#);
        one(topic, &config).announced.device
    };
    assert_eq!(of("homeassistant/sensor/node/temp/config", r#","dev":{"ids":["a1","a2"]}"#).as_ref(), "a1");
    assert_eq!(of("homeassistant/sensor/node/temp/config", "").as_ref(), "node");
    assert_eq!(of("homeassistant/sensor/temp/config", "").as_ref(), "temp");
}

#[test]
fn a_device_may_announce_all_of_its_components_at_once() {
    let body = r#"{"dev":{"ids":"a1","name":"Shed"},"stat_t":"shed/state","cmps":{
        "t":{"p":"sensor","unit_of_meas":"°C","val_tpl":"{{ value_json.t }}","dev_cla":"temperature"},
        "door":{"p":"binary_sensor","stat_t":"shed/door"},"b":{"p":"button"}}}"#;
    let all = Announcement::of("homeassistant/device/a1/config", body.as_bytes());
    let said: Vec<_> = all.iter().map(|one| (one.topic.as_ref(), one.announced.fields[0].name.as_ref())).collect();
    assert_eq!(said, [("shed/state", "temperature"), ("shed/door", "door")]);
}

#[test]
fn templates_that_are_plain() {
    let names = |names: &[&str]| Some(names.iter().map(|name| Box::from(*name)).collect::<Vec<_>>());
    for (template, expected) in [
        ("{{ value }}", names(&[])),
        ("{{value_json.a}}", names(&["a"])),
        ("{{ value_json.a.b_1 }}", names(&["a", "b_1"])),
        ("{{ value_json['a b'].c }}", names(&["a b", "c"])),
        ("{{ value_json.a | float }}", None),
        ("{{ value_json }}", None),
        ("{{ value_json. }}", None),
        ("{{ value_json['a }}", None),
        ("{{ value|float }}", None),
        ("{% if value %}1{% endif %}", None),
        ("value_json.a", None),
    ] {
        assert_eq!(path(template), expected, "{template}");
    }
}

#[test]
fn announced_values_have_their_names_and_the_rest_stays() {
    let mut announced = one(
        "homeassistant/sensor/shed/temp/config",
        r#"{"name":"Temperature","stat_t":"x","val_tpl":"{{ value_json.out.t }}","dev":{"name":"Shed"}}"#,
    );
    let door = r#"{"name":"Door","stat_t":"x","val_tpl":"{{ value_json.door }}","pl_on":"open","pl_off":"closed",
        "dev":{"name":"Shed"}}"#;
    announced.announced.add(one("homeassistant/binary_sensor/shed/door/config", door).announced);
    let body = r#"{"out":{"t":21.5,"h":48},"door":"open","battery":97,"temperature":"not this one"}"#;
    let row = "homeassistant,device=Shed battery=97.0,door=true,out_h=48.0,temperature=21.5 NOW";
    assert_eq!(rows(&announced.announced, body), expected(row));
    let refused = rows(&announced.announced, r#"{"door":"ajar"}"#);
    assert_eq!(refused, ["refused: door was announced as open or closed"]);
    assert!(rows(&announced.announced, r#"{"out":{"t":null}}"#).is_empty());
}

#[test]
fn a_message_may_be_the_value() {
    let config = r#"{"name":"Temperature","stat_t":"x","dev":{"name":"Shed"}}"#;
    let announced = one("homeassistant/sensor/shed/temp/config", config).announced;
    assert_eq!(rows(&announced, "21.5"), expected("homeassistant,device=Shed temperature=21.5 NOW"));
    assert!(rows(&announced, "unavailable").is_empty());
    let config = r#"{"stat_t":"x","state_on":"1","state_off":"0","dev":{"name":"Shed"}}"#;
    let announced = one("homeassistant/switch/shed/pump/config", config).announced;
    assert_eq!(rows(&announced, "1"), expected("homeassistant,device=Shed pump=true NOW"));
}

#[test]
fn zigbee2mqtt_announces_units_of_what_its_decoder_reads() {
    let body = r#"[{"type":"Coordinator","friendly_name":"Coordinator","definition":null},
        {"friendly_name":"ground/hall","definition":{"model":"x","exposes":[
            {"type":"numeric","name":"temperature","label":"Temperature","property":"temperature","unit":"°C"},
            {"type":"light","features":[{"type":"binary","property":"state"},
                {"type":"composite","property":"color","features":[{"type":"numeric","property":"x"}]}]}]}}]"#;
    let announced = one("zigbee2mqtt/bridge/devices", body);
    assert_eq!((announced.topic.as_ref(), announced.announced.tells_places()), ("zigbee2mqtt/ground/hall", false));
    let fields: Vec<_> =
        announced.announced.fields.iter().map(|field| (field.name.as_ref(), field.unit.as_ref())).collect();
    assert_eq!(fields, [("temperature", "Cel"), ("state", ""), ("color_x", "")]);
}

#[test]
fn what_is_no_announcement() {
    for (topic, body) in [
        ("homeassistant/sensor/temp/config", ""),
        ("homeassistant/sensor/temp/config", "{}"),
        ("homeassistant/sensor/temp/config", r#"{"stat_t":"x","val_tpl":"{{ value_json.a | float }}"}"#),
        ("homeassistant/camera/front/config", r#"{"topic":"x"}"#),
        ("homeassistant/sensor/config", r#"{"stat_t":"x"}"#),
        ("homeassistant/status", "online"),
        ("zigbee2mqtt/bridge/devices", "{}"),
        ("zigbee2mqtt/bridge/groups", "[]"),
    ] {
        assert!(Announcement::of(topic, body.as_bytes()).is_empty(), "{topic} {body}");
    }
}

#[test]
fn fields_of_a_topic_are_bounded_and_replaced() {
    let mut announced = Announced::default();
    for number in 0..=MAX_FIELDS {
        let config = format!(r#"{{"name":"f{number}","stat_t":"x"}}"#);
        announced.add(one("homeassistant/sensor/a/config", &config).announced);
    }
    assert_eq!(announced.fields.len(), MAX_FIELDS);
    announced.add(one("homeassistant/sensor/a/config", r#"{"name":"f0","stat_t":"x","unit_of_meas":"W"}"#).announced);
    assert_eq!((announced.fields.len(), announced.field("f0").unwrap().unit.as_ref()), (MAX_FIELDS, "W"));
}

#[test]
fn what_a_make_writes_is_described_by_its_name_or_its_place() {
    let mut announced = Announced::default();
    for (name, template) in [
        ("AM2301 Humidity", "{{ value_json['AM2301'].Humidity }}"),
        ("AM2301 Temperature", "{{ value_json['AM2301'].Temperature }}"),
        ("DS18B20 Temperature", "{{ value_json['DS18B20'].Temperature }}"),
        ("Uptime", "{{ value_json.UptimeSec }}"),
    ] {
        let config = format!(r#"{{"name":"{name}","stat_t":"tele/plug/SENSOR","val_tpl":"{template}"}}"#);
        announced.add(one("homeassistant/sensor/a/config", &config).announced);
    }
    let described = |column: &str| announced.described(column).map(|field| field.display_name.as_ref());
    assert_eq!(described("humidity"), Some("AM2301 Humidity"));
    assert_eq!(described("temperature"), None, "it may be either");
    assert_eq!(described("uptime"), Some("Uptime"));
    assert_eq!(described("ap"), None);
}
