//! The first generation of Shelly: `shellies/ID/…`, with a value or a JSON object.
//!
//! - `shellies/ID/COMPONENT/NUMBER/VALUE` is a field of the table `shelly_COMPONENT`, with the tag `channel`. Without a last
//!   level it is what the component does: `output` where it is on or off, else `state`;
//! - `shellies/ID/COMPONENT/VALUE` is the same without a channel, and `shellies/ID/VALUE` a field of the table `shelly`;
//! - `shellies/ID/online` tells presence; announcements, commands and settings are no readings.

use sensorium_model::Value;

use super::DecodeError;
use super::row::{Row, Rows, plain};
use super::tree::{Tree, body_text};

/// The field of an output that is on or off, as later generations call it.
const OUTPUT: &str = "output";

pub(super) fn decode(levels: &[&str], body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    let ["shellies", id, place @ ..] = levels else { return Ok(()) };
    match place {
        [] | ["announce" | "info" | "settings", ..] | [.., "command" | "set"] => return Ok(()),
        ["online"] => {
            rows.presence(id, body_text(body)? == "true");
            return Ok(());
        }
        _ => {}
    }
    let text = body_text(body)?;
    let tree = if text.starts_with(['{', '[']) { Some(Tree::read(body)?) } else { None };
    let is_number = |level: &str| !level.is_empty() && level.bytes().all(|byte| byte.is_ascii_digit());
    let (component, channel, field) = match place {
        [component, channel, field @ ..] if is_number(channel) => (*component, *channel, field),
        [component, field @ ..] if !field.is_empty() => (*component, "", field),
        field => ("", "", field),
    };
    let mut row = rows.start(plain(&table(component)).into_owned(), *id);
    row.tag("channel", channel);
    let field = field.join("_");
    match (&tree, field.as_str()) {
        // An object tells the names of its values itself.
        (Some(tree @ Tree::Object(_)), _) => row.add_entries(tree, &[]),
        (Some(tree), field) => row.add(if field.is_empty() { "state" } else { field }, tree),
        (None, "") => output(&mut row, text),
        (None, field) => row.scalar(field.to_owned(), text),
    }
    rows.push(row);
    Ok(())
}

/// The table of a component; that of the device when there is none.
fn table(component: &str) -> String {
    if component.is_empty() { "shelly".to_owned() } else { format!("shelly_{component}") }
}

/// What a component without a further level says: that it is on or off, or else what it does.
fn output<'t>(row: &mut Row<'t>, text: &'t str) {
    match text {
        "on" => row.value(OUTPUT, Value::Bool(true)),
        "off" => row.value(OUTPUT, Value::Bool(false)),
        "overpower" => {
            row.value(OUTPUT, Value::Bool(false));
            row.value("overpower", Value::Bool(true));
        }
        other => row.scalar("state", other),
    }
}

#[cfg(test)]
mod tests {
    use crate::decoders::Decoder;
    use crate::decoders::tests::{check, fails, presence, refused, silent};

    #[test]
    fn values_of_components() {
        for (topic, body, rows) in [
            ("relay/0", "on", "shelly_relay,channel=0,device=shelly1-ab output=true NOW"),
            ("relay/1", "overpower", "shelly_relay,channel=1,device=shelly1-ab output=false,overpower=true NOW"),
            ("relay/0/power", "12.5", "shelly_relay,channel=0,device=shelly1-ab power=12.5 NOW"),
            ("emeter/2/total_returned", "7", "shelly_emeter,channel=2,device=shelly1-ab total_returned=7.0 NOW"),
            ("roller/0", "open", "shelly_roller,channel=0,device=shelly1-ab state=\"open\" NOW"),
            ("input/0", "1", "shelly_input,channel=0,device=shelly1-ab state=1.0 NOW"),
            (
                "input_event/0",
                r#"{"event":"S","event_cnt":4}"#,
                "shelly_input_event,channel=0,device=shelly1-ab event=\"S\",event_cnt=4.0 NOW",
            ),
            ("sensor/flood", "false", "shelly_sensor,device=shelly1-ab flood=false NOW"),
            ("sensor/act_reasons", "[\"button\"]", "shelly_sensor,device=shelly1-ab act_reasons_0=\"button\" NOW"),
            ("temperature", "45.25", "shelly,device=shelly1-ab temperature=45.25 NOW"),
        ] {
            check(&format!("shellies/shelly1-ab/{topic}"), body, Decoder::ShellyGen1, rows);
        }
    }

    #[test]
    fn what_is_no_reading_and_what_is_wrong() {
        assert_eq!(presence("shellies/shelly1-ab/online", "true"), Some(true));
        assert_eq!(presence("shellies/shelly1-ab/online", "false"), Some(false));
        for topic in ["announce", "command", "shelly1-ab/announce", "shelly1-ab/relay/0/command", "shelly1-ab/info"] {
            silent(&format!("shellies/{topic}"), "{\"id\":\"shelly1-ab\"}");
        }
        for body in ["", "{\"a\":", "\u{feff}"] {
            fails("shellies/shelly1-ab/relay/0", body);
        }
        assert!(refused("shellies/shelly1-ab/relay/0", "{}")[0].contains("no field"));
    }
}
