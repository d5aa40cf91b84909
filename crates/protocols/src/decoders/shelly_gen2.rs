//! Shelly since the second generation: `PREFIX/events/rpc` with what changed or happened, `PREFIX/status/COMPONENT`, and
//! `PREFIX/online` of devices that keep their prefix.
//!
//! A component such as `switch:0` is a row of the table `shelly_switch` with the tag `channel`; at the time that the message
//! tells, once the device's clock is set. How a device is connected is no reading.

use sensorium_model::Precision;

use super::DecodeError;
use super::row::{Rows, plain};
use super::tree::{Tree, body_text};

const MAKE: &str = "Shelly";

/// Components that tell how the device is connected.
const CONNECTIONS: [&str; 6] = ["ble", "cloud", "knx", "matter", "mqtt", "ws"];

/// Whether these are topics of Shelly since the second generation.
pub(super) fn knows(levels: &[&str]) -> bool {
    match levels {
        // The second is where answers to requests of ours go ([`super::commands`]).
        [_, .., "events", "rpc"] | [_, .., "sensorium", "rpc"] => true,
        [_, .., "status", component] => {
            component.contains(':') || levels.first().is_some_and(|level| level.starts_with("shelly"))
        }
        [prefix, "online"] => prefix.starts_with("shelly"),
        _ => false,
    }
}

pub(super) fn decode(levels: &[&str], body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    match levels {
        [prefix @ .., "events", "rpc"] => notification(&Tree::object(body, MAKE)?, &prefix.join("/"), rows),
        [prefix @ .., "status", name] => {
            component(name, &Tree::object(body, MAKE)?, &prefix.join("/"), None, rows);
        }
        [prefix @ .., "online"] => rows.presence(&prefix.join("/"), body_text(body)? == "true"),
        _ => {}
    }
    Ok(())
}

/// What changed (`NotifyStatus`, `NotifyFullStatus`) or happened (`NotifyEvent`).
fn notification(message: &Tree<'_>, device: &str, rows: &mut Rows<'_, '_>) {
    rows.name(device);
    let Some(params) = message.get("params") else { return };
    let time = params.get("ts");
    match message.text_at(&["method"]) {
        Some("NotifyStatus" | "NotifyFullStatus") => {
            for (name, status) in params.entries().iter().filter(|(_, status)| status.is_object()) {
                component(name, status, device, time, rows);
            }
        }
        Some("NotifyEvent") => {
            for event in params.get("events").map_or(&[][..], Tree::items) {
                if let Some(name) = event.text_at(&["component"]) {
                    component(name, event, device, event.get("ts").or(time), rows);
                }
            }
        }
        _ => {}
    }
}

fn component(name: &str, status: &Tree<'_>, device: &str, time: Option<&Tree<'_>>, rows: &mut Rows<'_, '_>) {
    let (kind, channel) = name.split_once(':').unwrap_or((name, ""));
    if CONNECTIONS.contains(&kind) {
        return;
    }
    let mut row = rows.start(plain(&format!("shelly_{kind}")).into_owned(), device);
    row.tag("channel", channel);
    row.add_entries(status, &["id", "ts", "component"]);
    if row.is_empty() {
        return;
    }
    if let Some(time) = time.filter(|time| **time != Tree::Null) {
        row.time(time.time(Some(Precision::S)));
    }
    rows.push(row);
}

#[cfg(test)]
mod tests {
    use crate::decoders::Decoder;
    use crate::decoders::tests::{check, fails, presence, refused, silent, unknown};

    const STATUS: &str = include_str!("fixtures/shelly.json");

    #[test]
    fn changes_are_rows_of_their_component() {
        check(
            "home/plug/events/rpc",
            STATUS,
            Decoder::ShellyGen2,
            "shelly_switch,channel=0,device=home/plug aenergy_by_minute_0=0.0,aenergy_by_minute_1=1.0,aenergy_total=1.5,apower=8.9,output=true,temperature_tc=40.1 1699999999250000000
             shelly_sys,device=home/plug uptime=12.0 1699999999250000000",
        );
        let full = r#"{"method":"NotifyFullStatus","params":{"ts":null,"em:0":{"id":0,"a_current":4.1,"errors":[]}}}"#;
        let rows = "shelly_em,channel=0,device=shellypro3em-ab a_current=4.1 NOW";
        check("shellypro3em-ab/events/rpc", full, Decoder::ShellyGen2, rows);
    }

    #[test]
    fn events_and_single_components() {
        let event = r#"{"method":"NotifyEvent","params":{"ts":1699999999,"events":[{"component":"input:0","id":0,
            "event":"single_push","ts":1699999998.5},{"component":"sys","event":"config_changed","cfg_rev":3}]}}"#;
        check(
            "plug/events/rpc",
            event,
            Decoder::ShellyGen2,
            "shelly_input,channel=0,device=plug event=\"single_push\" 1699999998500000000
             shelly_sys,device=plug cfg_rev=3.0,event=\"config_changed\" 1699999999000000000",
        );
        let status = r#"{"id":0,"output":false,"voltage":230.1}"#;
        let rows = "shelly_switch,channel=0,device=plug output=false,voltage=230.1 NOW";
        check("plug/status/switch:0", status, Decoder::ShellyGen2, rows);
    }

    #[test]
    fn what_is_no_reading_and_what_is_wrong() {
        assert_eq!(presence("shellyplus1-ab/online", "false"), Some(false));
        silent("plug/events/rpc", "{\"method\":\"NotifyStatus\"}");
        silent("plug/events/rpc", "{\"method\":\"Switch.Set\",\"params\":{\"id\":0}}");
        silent("plug/sensorium/rpc", "{\"id\":1,\"src\":\"shellyplus1-ab\",\"result\":{\"was_on\":true}}");
        silent("shellyplus1-ab/status/mqtt", "{\"connected\":true}");
        unknown("plug/online", "true");
        unknown("plug/status/x", "true");
        for body in ["", "[1]", "{\"a\":", "true"] {
            fails("plug/events/rpc", body);
            fails("plug/status/switch:0", body);
        }
        let late = STATUS.replace("1699999999.25", "\"noon\"");
        assert_eq!(refused("plug/events/rpc", &late).len(), 2);
    }
}
