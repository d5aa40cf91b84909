//! Devices of makes that need to be understood across messages.

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Publish, Qos};
use serde_json::{Value, json};
use tokio_util::bytes::Bytes;

use super::client::{Client, connect, lasting, message};
use super::stored::rows;
use super::{LOGIN, PASSWORD, server};
use crate::support::{block_on, client as http, wait_for};

fn post(path: &str, body: Value) -> Value {
    let request = http().post(format!("{}{path}", server().url())).basic_auth(LOGIN, Some(PASSWORD)).json(&body);
    block_on(async { request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap() })
}

/// A device of the registry: its id, and a client that is connected as it.
fn device(name: &str) -> (String, Client) {
    let id = post("/api/v1/devices", json!({"name": name}))["id"].as_str().unwrap().to_owned();
    let token = post(&format!("/api/v1/devices/{id}/tokens"), json!({"name": "mqtt"}));
    let secret = token["secret"].as_str().unwrap().to_owned();
    (id, Client::enter(Connect { password: Some(secret.into()), ..lasting(name) }))
}

/// Sets what a device is to be like.
fn desire(id: &str, version: u64, state: Value) {
    let url = format!("{}/api/v1/devices/{id}/state/desired", server().url());
    let request = http().put(url).basic_auth(LOGIN, Some(PASSWORD)).json(&json!({"version": version, "state": state}));
    block_on(async { request.send().await.unwrap().error_for_status().unwrap() });
}

/// What a device reported, once that is this.
fn reports(id: &str, expected: &Value) {
    wait_for("a report", || {
        let request = http().get(format!("{}/api/v1/devices/{id}/state", server().url()));
        let request = request.basic_auth(LOGIN, Some(PASSWORD));
        let state: Value = block_on(async { request.send().await.unwrap().json().await.unwrap() });
        (state["reported"]["state"] == *expected).then_some(())
    });
}

/// The next message: its topic, and its payload as text.
fn told(client: &mut Client) -> (String, String) {
    let message = client.receive();
    (message.topic.to_string(), String::from_utf8(message.content.payload.to_vec()).unwrap())
}

/// A field of protobuf that is a number, text or bytes, or a double.
fn number(field: u8, number: u8) -> Vec<u8> {
    assert!(number < 128);
    vec![field << 3, number]
}

fn bytes(field: u8, bytes: &[u8]) -> Vec<u8> {
    [&[(field << 3) | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

fn double(value: f64) -> Vec<u8> {
    [&[(13 << 3) | 1][..], &value.to_le_bytes()].concat()
}

/// A message of Sparkplug B with its number and metrics.
fn sparkplug(topic: &str, seq: u8, metrics: &[Vec<u8>]) -> Publish {
    let mut payload: Vec<u8> = metrics.iter().flat_map(|metric| bytes(2, metric)).collect();
    payload.extend(number(3, seq));
    let mut publish = message(topic, Qos::AtLeastOnce, "");
    publish.content.payload = Bytes::from(payload);
    publish
}

#[test]
fn aliases_of_sparkplug_become_the_names_of_the_birth_and_who_missed_it_is_asked() {
    let (_, mut node) = device("sparkplug-edge");
    node.subscribe("spBv1.0/plant/NCMD/sparkplug-edge/#", Qos::AtLeastOnce);
    let birth = [bytes(1, b"Line 1/Temp"), number(2, 5), number(4, 10), double(20.5)].concat();
    let data = |value| [number(2, 5), double(value)].concat();
    let publish = |node: &mut Client, kind: &str, seq, metric: Vec<u8>| {
        node.publish_whole(sparkplug(&format!("spBv1.0/plant/{kind}/sparkplug-edge"), seq, &[metric]))
    };
    // Nobody knows the name yet.
    assert_eq!(publish(&mut node, "NDATA", 7, data(1.0)), ReasonCode::PayloadFormatInvalid);
    node.ping();
    let passed = node.passed();
    assert_eq!(passed.len(), 1);
    assert!(passed[0].windows(20).any(|name| name == b"Node Control/Rebirth"), "{passed:?}");

    assert!(!publish(&mut node, "NBIRTH", 0, birth).is_failure());
    assert!(!publish(&mut node, "NDATA", 1, data(21.5)).is_failure());
    assert!(!publish(&mut node, "NDATA", 2, data(22.5)).is_failure());
    let sql =
        r#"SELECT "group", node, device, line_1_temp FROM sparkplug WHERE device = 'sparkplug-edge' ORDER BY time"#;
    let found = rows("sparkplug", sql, 3);
    for (row, value) in found.iter().zip([20.5, 21.5, 22.5]) {
        assert_eq!(*row, [json!("plant"), json!("sparkplug-edge"), json!("sparkplug-edge"), json!(value)]);
    }

    // It was asked just now, so that a gap asks for nothing.
    assert!(!publish(&mut node, "NDATA", 9, data(23.5)).is_failure());
    node.ping();
    assert_eq!(node.passed().len(), 1);
    // What another device calls the same is something else.
    let (_, mut other) = device("sparkplug-other");
    assert_eq!(publish(&mut other, "NDATA", 10, data(0.5)), ReasonCode::PayloadFormatInvalid);
}

#[test]
fn a_desired_state_is_told_in_the_words_of_the_make_and_switches_are_reported() {
    for (name, topics, message, state, told_at, words, reported) in [
        (
            "told-tasmota",
            "cmnd/told-tasmota/#",
            ("stat/told-tasmota/POWER", "OFF"),
            json!({"POWER": true}),
            "cmnd/told-tasmota/POWER",
            "ON",
            json!({"POWER": false}),
        ),
        (
            "told-esphome",
            "told-esphome/+/+/command",
            ("told-esphome/switch/fan/state", "ON"),
            json!({"switch/fan": false}),
            "told-esphome/switch/fan/command",
            "OFF",
            json!({"switch/fan": true}),
        ),
        (
            "told-shelly",
            "told-shelly/rpc",
            ("told-shelly/status/switch:0", r#"{"id":0,"output":true}"#),
            json!({"switch:0": false}),
            "told-shelly/rpc",
            r#"{"id":1,"method":"Switch.Set","params":{"id":0,"on":false},"src":"told-shelly/sensorium"}"#,
            json!({"switch:0": true}),
        ),
    ] {
        let (id, mut device) = device(name);
        device.subscribe(topics, Qos::AtLeastOnce);
        assert!(!device.publish(message.0, Qos::AtLeastOnce, message.1).is_failure(), "{name}");
        reports(&id, &reported);
        desire(&id, 0, state);
        assert_eq!(told(&mut device), (told_at.to_owned(), words.to_owned()));
    }
}

#[test]
fn a_bridge_tells_the_devices_behind_it() {
    let (id, mut bridge) = device("zigbee2mqtt");
    bridge.subscribe("zigbee2mqtt/#", Qos::AtLeastOnce);
    let state = r#"{"state":"OFF","linkquality":90}"#;
    assert!(!bridge.publish("zigbee2mqtt/hall/lamp", Qos::AtLeastOnce, state).is_failure());
    reports(&id, &json!({"hall/lamp": {"state": false}}));
    desire(&id, 0, json!({"hall/lamp": {"state": true, "brightness": 40}}));
    // What it published itself comes first.
    let mut topics = [told(&mut bridge), told(&mut bridge)];
    topics.sort();
    let words = r#"{"brightness":40,"state":"ON"}"#;
    assert_eq!(topics[1], ("zigbee2mqtt/hall/lamp/set".to_owned(), words.to_owned()));
}

#[test]
fn a_device_that_calls_itself_another_has_nothing_told_to_that_one() {
    let (id, mut liar) = device("told-liar");
    let (_, mut other) = device("told-victim");
    other.subscribe("cmnd/told-victim/#", Qos::AtLeastOnce);
    other.subscribe("spBv1.0/+/NCMD/told-victim/#", Qos::AtLeastOnce);
    liar.subscribe("told-liar/#", Qos::AtLeastOnce);
    assert!(!liar.publish("stat/told-victim/POWER", Qos::AtLeastOnce, "OFF").is_failure());
    liar.publish_whole(sparkplug("spBv1.0/g/NDATA/told-victim", 1, &[[number(2, 5), double(1.0)].concat()]));
    desire(&id, 0, json!({"POWER": true}));
    let json = r#"{"state":{"POWER":true},"version":1}"#.to_owned();
    assert_eq!(told(&mut liar), ("told-liar/desired".to_owned(), json));
    other.assert_silent();
}

#[test]
fn a_device_of_no_make_gets_json_also_when_it_comes_late_and_no_other_does() {
    let (id, mut plain) = device("told-plain");
    let (_, mut other) = device("told-other");
    desire(&id, 0, json!({"interval": 30}));
    other.subscribe("told-other/#", Qos::AtLeastOnce);
    plain.subscribe("told-plain/desired", Qos::AtLeastOnce);
    let first = r#"{"state":{"interval":30},"version":1}"#.to_owned();
    assert_eq!(told(&mut plain), ("told-plain/desired".to_owned(), first.clone()));
    desire(&id, 1, json!({"interval": 60}));
    // The first may come twice: for the change, and because it subscribed.
    let mut next = told(&mut plain).1;
    if next == first {
        next = told(&mut plain).1;
    }
    assert_eq!(next, r#"{"state":{"interval":60},"version":2}"#);
    other.assert_silent();
}

/// A client with a key for devices.
fn with_key(client_id: &str) -> Client {
    let new = json!({"name": client_id, "can_read": false, "can_write": true, "for_devices": true});
    let secret = post("/api/v1/tokens", new)["secret"].as_str().unwrap().to_owned();
    Client::enter(Connect { password: Some(secret.into()), ..connect(client_id) })
}

fn get(path: &str) -> Value {
    let request = http().get(format!("{}{path}", server().url())).basic_auth(LOGIN, Some(PASSWORD));
    block_on(async { request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap() })
}

/// The place in the inbox of a device, and what is recognised of it.
fn newcomer(name: &str) -> (String, Value) {
    let found = wait_for(name, || {
        let inbox = get("/api/v1/inbox");
        inbox["newcomers"].as_array().unwrap().iter().find(|newcomer| newcomer["name"] == name).cloned()
    });
    let path = format!("/api/v1/inbox/{}", found["id"].as_str().unwrap());
    let recognised = get(&path)["recognised"].clone();
    (path, recognised)
}

#[test]
fn what_was_announced_to_home_assistant_is_stored_under_its_names_and_waits_with_units() {
    let mut client = with_key("announced-shed");
    let temperature = r#"{"name":"Outside temperature","stat_t":"~/climate","~":"announced/shed","unit_of_meas":"°C",
        "val_tpl":"{{ value_json.t }}","dev":{"ids":["a1"],"name":"announced-shed"}}"#;
    let door = r#"{"name":"Door","stat_t":"announced/shed/climate","val_tpl":"{{ value_json.d }}","pl_on":"open","pl_off":"shut",
        "dev":{"ids":["a1"],"name":"announced-shed"}}"#;
    for (topic, config) in
        [("homeassistant/sensor/shed/t/config", temperature), ("homeassistant/binary_sensor/shed/d/config", door)]
    {
        assert!(!client.publish(topic, Qos::AtLeastOnce, config).is_failure());
    }
    let body = r#"{"t":21.5,"d":"open","battery":97}"#;
    assert!(!client.publish("announced/shed/climate", Qos::AtLeastOnce, body).is_failure());
    let (path, recognised) = newcomer("announced-shed");
    let fields = recognised[0]["fields"].as_array().unwrap();
    let field = fields.iter().find(|field| field["name"] == "outside_temperature").unwrap();
    assert_eq!((&field["unit"], &field["display_name"]), (&json!("Cel"), &json!("Outside temperature")));

    // What was kept says itself what was announced, and is stored as it would have been.
    post(&format!("{path}/adopt"), json!({"new_type": "Announced shed"}));
    let sql = "SELECT outside_temperature, door, battery FROM homeassistant WHERE device = 'announced-shed'";
    assert_eq!(rows("homeassistant", sql, 1), [[json!(21.5), json!(true), json!(97.0)]]);
    assert!(!client.publish("announced/shed/climate", Qos::AtLeastOnce, body).is_failure());
    rows("homeassistant", sql, 2);
    let types = get("/api/v1/device-types");
    let made = types["types"].as_array().unwrap().iter().find(|one| one["name"] == "Announced shed").unwrap();
    assert_eq!(made["table"], "homeassistant");
    let fields = made["fields"].as_array().unwrap();
    assert!(fields.iter().any(|field| field["name"] == "outside_temperature" && field["unit"] == "Cel"), "{made}");
}

#[test]
fn what_zigbee2mqtt_exposes_waits_with_units() {
    let mut client = with_key("announced-zigbee");
    let devices = r#"[{"friendly_name":"announced/hall","definition":{"exposes":[
        {"type":"numeric","property":"temperature","label":"Temperature","unit":"°C"}]}}]"#;
    assert!(!client.publish("zigbee2mqtt/bridge/devices", Qos::AtLeastOnce, devices).is_failure());
    assert!(!client.publish("zigbee2mqtt/announced/hall", Qos::AtLeastOnce, r#"{"temperature":21.5}"#).is_failure());
    let (_, recognised) = newcomer("announced/hall");
    assert_eq!(recognised[0]["table"], "zigbee2mqtt");
    let field = &recognised[0]["fields"][0];
    assert_eq!((&field["unit"], &field["display_name"]), (&json!("Cel"), &json!("Temperature")));
}
