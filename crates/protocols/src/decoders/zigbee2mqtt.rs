//! Zigbee2MQTT under its usual base topic: `zigbee2mqtt/NAME` with the state of a device as JSON, `zigbee2mqtt/NAME/KEY` with
//! one value, where that is how it is told to publish, and `zigbee2mqtt/NAME/availability`. A name may have slashes.
//!
//! Everything is a field of the table `zigbee2mqtt`. What is below `zigbee2mqtt/bridge`, and what is asked of devices, is no
//! reading.

use super::DecodeError;
use super::row::Rows;
use super::tree::{Tree, body_text};

const MAKE: &str = "Zigbee2MQTT";
const TABLE: &str = "zigbee2mqtt";

pub(super) fn decode(levels: &[&str], body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    match levels.get(1..).unwrap_or_default() {
        ["bridge", "state"] => availability("bridge", body, rows),
        ["bridge", ..] | [.., "set" | "get"] | [.., "set" | "get", _] => Ok(()),
        [name @ .., "availability"] if !name.is_empty() => availability(&name.join("/"), body, rows),
        name => {
            let text = body_text(body)?;
            match (text.starts_with('{'), name) {
                (true, _) => state(&name.join("/"), body, rows),
                (false, [name @ .., key]) if !name.is_empty() && !text.starts_with('[') => {
                    let name = name.join("/");
                    let mut row = rows.start(TABLE, name.as_str());
                    row.scalar(*key, text);
                    rows.push(row);
                    Ok(())
                }
                _ => Err(DecodeError::Shape { make: MAKE, expected: "the state of a device as a JSON object" }),
            }
        }
    }
}

fn state(name: &str, body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    let tree = Tree::read(body)?;
    let mut row = rows.start(TABLE, name);
    row.add_entries(&tree, &[]);
    rows.push(row);
    Ok(())
}

/// `online`, or an object that says so.
fn availability(name: &str, body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    let text = body_text(body)?;
    let tree = if text.starts_with('{') { Tree::read(body)? } else { Tree::Null };
    match tree.text_at(&["state"]).unwrap_or(text) {
        "online" => rows.presence(name, true),
        "offline" => rows.presence(name, false),
        _ => return Err(DecodeError::Shape { make: MAKE, expected: "online or offline" }),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::decoders::Decoder;
    use crate::decoders::tests::{check, fails, presence, refused, silent};

    #[test]
    fn states_of_devices() {
        let body = include_str!("fixtures/zigbee2mqtt.json");
        let rows = "zigbee2mqtt,device=ground/hall battery=97.0,color_x=0.3,color_y=0.4,contact=false,device_friendlyname=\"hall\",humidity=48.0,linkquality=120.0,state=\"ON\",temperature=21.3,update_state=\"idle\" NOW";
        check("zigbee2mqtt/ground/hall", body, Decoder::Zigbee2Mqtt, rows);
        let one = "zigbee2mqtt,device=ground/hall temperature=21.5 NOW";
        check("zigbee2mqtt/ground/hall/temperature", "21.5", Decoder::Zigbee2Mqtt, one);
    }

    #[test]
    fn availability_of_devices_and_of_the_bridge() {
        assert_eq!(presence("zigbee2mqtt/ground/hall/availability", "offline"), Some(false));
        assert_eq!(presence("zigbee2mqtt/hall/availability", r#"{"state":"online"}"#), Some(true));
        assert_eq!(presence("zigbee2mqtt/bridge/state", r#"{"state":"online"}"#), Some(true));
        fails("zigbee2mqtt/hall/availability", "perhaps");
    }

    #[test]
    fn what_is_no_reading_and_what_is_wrong() {
        for (topic, body) in [
            ("zigbee2mqtt/bridge/devices", "[{}]"),
            ("zigbee2mqtt/bridge/logging", "{\"level\":\"info\"}"),
            ("zigbee2mqtt/hall/set", "{\"state\":\"ON\"}"),
            ("zigbee2mqtt/hall/get/state", ""),
        ] {
            silent(topic, body);
        }
        for body in ["", "[1]", "{\"a\":", "5"] {
            fails("zigbee2mqtt/hall", body);
        }
        assert!(refused("zigbee2mqtt/hall", "{}")[0].contains("no field"));
        assert!(refused("zigbee2mqtt/hall", "{\"\":1}")[0].contains("must not be empty"));
    }
}
