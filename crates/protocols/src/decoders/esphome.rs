//! ESPHome: `NODE/COMPONENT/ID/state`, and `NODE/status` with `online` or `offline`. A node may have a prefix of several levels.
//!
//! Each component has a table, such as `esphome_sensor`, in which the id is the field: so a column has one type, whatever
//! else is called alike. `nan` is how a sensor says that it knows nothing, and is no reading.

use sensorium_model::{RowError, Value};

use super::DecodeError;
use super::row::Rows;
use super::tree::{Tree, body_text};

const MAKE: &str = "ESPHome";

/// Whether these are topics of ESPHome. The status of Home Assistant looks alike.
pub(super) fn knows(levels: &[&str], body: &[u8]) -> bool {
    match levels {
        ["homeassistant", "status"] => false,
        [_, .., "status"] => matches!(body, b"online" | b"offline"),
        [_, .., component, _, "state"] => table(component).is_some(),
        _ => false,
    }
}

fn table(component: &str) -> Option<&'static str> {
    Some(match component {
        "sensor" => "esphome_sensor",
        "binary_sensor" => "esphome_binary_sensor",
        "switch" => "esphome_switch",
        "text_sensor" => "esphome_text_sensor",
        "number" => "esphome_number",
        "select" => "esphome_select",
        "light" => "esphome_light",
        "fan" => "esphome_fan",
        "cover" => "esphome_cover",
        "lock" => "esphome_lock",
        _ => return None,
    })
}

pub(super) fn decode(levels: &[&str], body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    match levels {
        [node @ .., "status"] => {
            rows.presence(&node.join("/"), body_text(body)? == "online");
            Ok(())
        }
        [node @ .., component, id, "state"] => state(&node.join("/"), component, id, body, rows),
        _ => Ok(()),
    }
}

fn state(node: &str, component: &str, id: &str, body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    let Some(table) = table(component) else { return Ok(()) };
    rows.name(node);
    let text = match component {
        // A text may be empty.
        "text_sensor" | "select" => std::str::from_utf8(body)?,
        _ => body_text(body)?,
    };
    if matches!(component, "sensor" | "number") && text.eq_ignore_ascii_case("nan") {
        return Ok(());
    }
    let tree = if component == "light" { Some(Tree::object(body, MAKE)?) } else { None };
    let mut row = rows.start(table, node);
    match (component, text) {
        ("sensor" | "number", number) if number.parse::<f64>().is_ok_and(f64::is_finite) => {
            row.scalar(id.to_owned(), number)
        }
        ("sensor" | "number", _) => {
            row.refuse(RowError::Malformed(format!("the state of a {component} of {MAKE} is a number")));
        }
        ("text_sensor" | "select" | "cover" | "lock", text) => row.value(id.to_owned(), Value::Text(text.into())),
        ("light", _) => {
            if let Some(tree) = &tree {
                row.add(id, tree);
            }
        }
        (_, "ON") => row.value(id.to_owned(), Value::Bool(true)),
        (_, "OFF") => row.value(id.to_owned(), Value::Bool(false)),
        _ => row.refuse(RowError::Malformed(format!("the state of a {component} of {MAKE} is ON or OFF"))),
    }
    rows.push(row);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::decoders::tests::{check, fails, presence, refused, silent, unknown};
    use crate::decoders::{Decoder, recognise};

    #[test]
    fn states_of_components() {
        for (topic, body, rows) in [
            ("attic/sensor/temperature/state", "21.5", "esphome_sensor,device=attic temperature=21.5 NOW"),
            ("home/attic/sensor/uptime/state", "12", "esphome_sensor,device=home/attic uptime=12.0 NOW"),
            ("attic/binary_sensor/door/state", "ON", "esphome_binary_sensor,device=attic door=true NOW"),
            ("attic/switch/fan/state", "OFF", "esphome_switch,device=attic fan=false NOW"),
            ("attic/text_sensor/version/state", "2026.1", "esphome_text_sensor,device=attic version=\"2026.1\" NOW"),
            ("attic/text_sensor/note/state", "", "esphome_text_sensor,device=attic note=\"\" NOW"),
            ("attic/cover/blind/state", "open", "esphome_cover,device=attic blind=\"open\" NOW"),
            (
                "attic/light/lamp/state",
                r#"{"state":"ON","brightness":128,"color":{"r":255}}"#,
                "esphome_light,device=attic lamp_brightness=128.0,lamp_color_r=255.0,lamp_state=\"ON\" NOW",
            ),
        ] {
            check(topic, body, Decoder::EspHome, rows);
        }
    }

    #[test]
    fn presence_is_told_by_the_status() {
        assert_eq!(presence("attic/status", "online"), Some(true));
        assert_eq!(presence("home/attic/status", "offline"), Some(false));
        assert_eq!(recognise("homeassistant/status", b"online"), None);
    }

    #[test]
    fn what_is_no_state_and_what_is_wrong() {
        silent("attic/sensor/temperature/state", "nan");
        for topic in ["sensor/temperature/state", "attic/button/x/state", "attic/debug", "attic/status"] {
            unknown(topic, "12");
        }
        fails("attic/sensor/temperature/state", "");
        fails("attic/light/lamp/state", "ON");
        for (topic, body) in [
            ("attic/sensor/temperature/state", "warm"),
            ("attic/sensor/temperature/state", "inf"),
            ("attic/binary_sensor/door/state", "open"),
        ] {
            assert_eq!(refused(topic, body).len(), 1, "{topic} {body}");
        }
    }
}
