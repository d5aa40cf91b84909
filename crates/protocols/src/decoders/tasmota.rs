//! Tasmota: `tele/TOPIC/SENSOR`, `STATE` and `LWT`, `stat/TOPIC/RESULT`, `POWER` and `STATUS8` to `STATUS11`, with the prefix
//! in front of the topic or behind it. Commands (`cmnd/…`) and other answers are no readings.
//!
//! - Each sensor is a row of the table of its name, without the number that tells several of a kind apart; the tag `sensor`
//!   holds the whole name: `DS18B20-2` is a row of `ds18b20`;
//! - what stands beside the sensors, the state and the switches are fields of the table `tasmota`; `POWER` and `POWER1` … are
//!   truth values;
//! - `Time` is a local time without its zone, so that the time of arrival is the row's.

use sensorium_model::Value;

use super::DecodeError;
use super::row::{Row, Rows, plain};
use super::tree::{Tree, body_text};

const MAKE: &str = "Tasmota";
const TABLE: &str = "tasmota";
const TIME: &str = "Time";

/// What of the answer to a command is a state.
pub(super) const STATES: [&str; 9] =
    ["Channel", "Color", "CT", "Dimmer", "FanSpeed", "HSBColor", "Scheme", "Speed", "White"];

/// Whether these are topics of Tasmota.
pub(super) fn knows(levels: &[&str]) -> bool {
    let is_word = |what: &str| !what.is_empty() && what.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    place(levels).is_some_and(|(_, _, what)| is_word(what))
}

/// The prefix, the levels that name the device, and what the message is.
pub(super) fn place<'l, 't>(levels: &'l [&'t str]) -> Option<(&'t str, &'l [&'t str], &'t str)> {
    let (what, rest) = levels.split_last()?;
    let is_prefix = |level: &str| matches!(level, "tele" | "stat" | "cmnd");
    match rest {
        [prefix, device @ ..] if is_prefix(prefix) && !device.is_empty() => Some((*prefix, device, *what)),
        [device @ .., prefix] if is_prefix(prefix) && !device.is_empty() => Some((*prefix, device, *what)),
        _ => None,
    }
}

pub(super) fn decode(levels: &[&str], body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    let Some((prefix, device, what)) = place(levels).filter(|(prefix, _, _)| *prefix != "cmnd") else { return Ok(()) };
    let device = device.join("/");
    rows.name(&device);
    match (prefix, what) {
        ("tele", "LWT") => match body_text(body)? {
            "Online" => rows.presence(&device, true),
            "Offline" => rows.presence(&device, false),
            _ => return Err(DecodeError::Shape { make: MAKE, expected: "Online or Offline" }),
        },
        ("tele", "SENSOR") => sensors(&Tree::object(body, MAKE)?, &device, rows),
        ("stat", "STATUS8" | "STATUS10") => {
            if let Some(status) = Tree::object(body, MAKE)?.get("StatusSNS") {
                sensors(status, &device, rows);
            }
        }
        ("tele", "STATE") => state(&Tree::object(body, MAKE)?, &device, |_| true, rows),
        ("stat", "STATUS11") => {
            if let Some(status) = Tree::object(body, MAKE)?.get("StatusSTS") {
                state(status, &device, |_| true, rows);
            }
        }
        ("stat", "RESULT") => state(&Tree::object(body, MAKE)?, &device, |key| STATES.contains(&key), rows),
        ("stat", what) if is_power(what) => {
            let mut row = rows.start(TABLE, device.as_str());
            power(&mut row, what, body_text(body)?);
            rows.push(row);
        }
        _ => {}
    }
    Ok(())
}

/// A row for each sensor, and one for what stands beside them.
fn sensors(message: &Tree<'_>, device: &str, rows: &mut Rows<'_, '_>) {
    let mut beside = rows.start(TABLE, device);
    for (key, value) in message.entries().iter().filter(|(key, _)| key != TIME) {
        match value {
            // What a Zigbee bridge received, by the short addresses of its devices.
            Tree::Object(received) if key == "ZbReceived" => {
                for (address, values) in received {
                    sensor("zigbee", address, values, device, rows);
                }
            }
            Tree::Object(_) => sensor(kind(key), key, value, device, rows),
            _ => beside.add(key, value),
        }
    }
    if !beside.is_empty() {
        rows.push(beside);
    }
}

fn sensor(table: &str, name: &str, values: &Tree<'_>, device: &str, rows: &mut Rows<'_, '_>) {
    let mut row = rows.start(plain(table), device);
    row.tag("sensor", name);
    row.add_entries(values, &[]);
    rows.push(row);
}

/// The kind of a sensor: its name without the number or the address of one of several.
fn kind(sensor: &str) -> &str {
    let is_index = |text: &str| {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match sensor.rsplit_once(['-', '_']) {
        Some((kind, index)) if !kind.is_empty() && is_index(index) => kind,
        _ => sensor,
    }
}

/// A row of the state: the switches, and the other keys that are wanted.
fn state(message: &Tree<'_>, device: &str, wanted: impl Fn(&str) -> bool, rows: &mut Rows<'_, '_>) {
    let mut row = rows.start(TABLE, device);
    for (key, value) in message.entries().iter().filter(|(key, _)| key != TIME) {
        match value {
            Tree::Text(text) if is_power(key) => power(&mut row, key, text),
            _ if wanted(key) => row.add(key, value),
            _ => {}
        }
    }
    if !row.is_empty() {
        rows.push(row);
    }
}

/// Whether this is `POWER`, `POWER1` and so on.
pub(super) fn is_power(key: &str) -> bool {
    key.strip_prefix("POWER").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn power<'t>(row: &mut Row<'t>, key: &str, text: &'t str) {
    match text {
        "ON" => row.value(key.to_owned(), Value::Bool(true)),
        "OFF" => row.value(key.to_owned(), Value::Bool(false)),
        other => row.scalar(key.to_owned(), other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoders::Decoder;
    use crate::decoders::tests::{check, fails, presence, refused, silent};

    const SENSOR: &str = include_str!("fixtures/tasmota.json");

    #[test]
    fn sensors_are_rows_of_their_kind() {
        for topic in ["tele/shed/SENSOR", "shed/tele/SENSOR"] {
            check(
                topic,
                SENSOR,
                Decoder::Tasmota,
                "ds18b20,device=shed,sensor=DS18B20-1 id=\"0000032A\",temperature=20.6 NOW
                 am2301,device=shed,sensor=AM2301 dewpoint=9.7,humidity=48.5,temperature=21.0 NOW
                 energy,device=shed,sensor=ENERGY factor_0=1.0,factor_1=0.0,factor_2=0.9,power_0=10.0,power_1=0.0,power_2=3.5,total=12.5,totalstarttime=\"2026-01-01T00:00:00\" NOW
                 tasmota,device=shed switch1=\"ON\",tempunit=\"C\" NOW
                 refused: the row has no field; a reading needs at least one",
            );
        }
        let status = r#"{"StatusSNS":{"Time":"x","DS18B20":{"Temperature":1}}}"#;
        check("stat/a/b/STATUS10", status, Decoder::Tasmota, "ds18b20,device=a/b,sensor=DS18B20 temperature=1.0 NOW");
    }

    #[test]
    fn a_zigbee_bridge_tells_of_its_devices() {
        let body = r#"{"ZbReceived":{"0x8F20":{"Device":"0x8F20","Name":"hall","Humidity":50}}}"#;
        let rows = "zigbee,device=bridge,sensor=0x8F20 humidity=50.0,name=\"hall\",payload_device=\"0x8F20\" NOW";
        check("tele/bridge/SENSOR", body, Decoder::Tasmota, rows);
    }

    #[test]
    fn state_and_switches() {
        let state =
            r#"{"Time":"2026-02-04T17:51:00","UptimeSec":15,"POWER1":"ON","Wifi":{"AP":1,"SSId":"home","RSSI":80}}"#;
        let rows = "tasmota,device=plug power1=true,uptimesec=15.0,wifi_ap=1.0,wifi_rssi=80.0,wifi_ssid=\"home\" NOW";
        check("tele/plug/STATE", state, Decoder::Tasmota, rows);
        check("stat/plug/STATUS11", &format!("{{\"StatusSTS\":{state}}}"), Decoder::Tasmota, rows);
        check("stat/plug/POWER", "OFF", Decoder::Tasmota, "tasmota,device=plug power=false NOW");
        let result = r#"{"POWER":"ON","Dimmer":40,"Command":"Unknown"}"#;
        check("plug/stat/RESULT", result, Decoder::Tasmota, "tasmota,device=plug dimmer=40.0,power=true NOW");
    }

    #[test]
    fn the_last_will_tells_presence() {
        assert_eq!(presence("tele/plug/LWT", "Online"), Some(true));
        assert_eq!(presence("plug/tele/LWT", "Offline"), Some(false));
        fails("tele/plug/LWT", "maybe");
    }

    #[test]
    fn what_is_no_reading_and_what_is_wrong() {
        for (topic, body) in [
            ("cmnd/plug/POWER", "ON"),
            ("tele/plug/INFO1", "{\"Info1\":{\"Module\":\"x\"}}"),
            ("stat/plug/RESULT", "{\"Command\":\"Unknown\"}"),
            ("stat/plug/STATUS8", "{}"),
        ] {
            silent(topic, body);
        }
        for body in ["", "5", "[1]", "{\"A\":", "null"] {
            fails("tele/plug/SENSOR", body);
        }
        assert!(refused("tele/plug/SENSOR", r#"{"X":{"a":1e999}}"#)[0].contains("too large"));
        assert!(!knows(&["tele", "SENSOR"]) && !knows(&["tele", "x", "sensor"]) && !knows(&["x", "y", "SENSOR"]));
    }

    #[test]
    fn kinds_of_sensors() {
        for (name, expected) in [
            ("DS18B20", "DS18B20"),
            ("DS18B20-12", "DS18B20"),
            ("BME280-76", "BME280"),
            ("SHT3X_0x44", "SHT3X"),
            ("-1", "-1"),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }
}
