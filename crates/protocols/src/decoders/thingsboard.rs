//! What is written for ThingsBoard: `v1/devices/me/telemetry` with an object of values, `{"ts":…,"values":{…}}`, or a list of
//! either; `v1/gateway/telemetry` with such a list for each name of a device.
//!
//! Everything is a field of the table `thingsboard`, under the key as it was sent. Times are milliseconds.

use sensorium_model::{Precision, RowError};

use super::DecodeError;
use super::row::Rows;
use super::tree::Tree;

const MAKE: &str = "ThingsBoard's telemetry";

pub(super) fn decode(levels: &[&str], body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    let tree = Tree::read(body)?;
    match (levels, &tree) {
        (["v1", "gateway", ..], Tree::Object(devices)) => {
            devices.iter().for_each(|(device, telemetry)| each(device, telemetry, rows));
        }
        (["v1", "devices", ..], Tree::Object(_) | Tree::List(_)) => each("", &tree, rows),
        _ => return Err(DecodeError::Shape { make: MAKE, expected: "a JSON object or a list of them" }),
    }
    Ok(())
}

/// A row for one object or for each of a list.
fn each(device: &str, telemetry: &Tree<'_>, rows: &mut Rows<'_, '_>) {
    match telemetry {
        Tree::List(items) => items.iter().for_each(|item| one(device, item, rows)),
        item => one(device, item, rows),
    }
}

fn one(device: &str, item: &Tree<'_>, rows: &mut Rows<'_, '_>) {
    let mut row = rows.start("thingsboard", device).keeping_names();
    match (item.get("ts"), item.get("values")) {
        (Some(time), Some(values)) if values.is_object() => {
            row.time(time.time(Some(Precision::Ms)));
            row.add_entries(values, &[]);
        }
        _ if item.is_object() => row.add_entries(item, &[]),
        _ => row.refuse(RowError::Malformed("a reading is a JSON object like {\"temperature\": 21.5}".into())),
    }
    rows.push(row);
}

#[cfg(test)]
mod tests {
    use crate::decoders::Decoder;
    use crate::decoders::tests::{check, decoded, fails, refused};

    const TOPIC: &str = "v1/devices/me/telemetry";

    #[test]
    fn telemetry_in_every_shape() {
        check(TOPIC, r#"{"Temp":21.5,"on":true}"#, Decoder::ThingsBoard, "thingsboard Temp=21.5,on=true NOW");
        let at = r#"{"ts":1699999999500,"values":{"Temp":21,"at":{"x":1}}}"#;
        check(TOPIC, at, Decoder::ThingsBoard, "thingsboard Temp=21.0,at_x=1.0 1699999999500000000");
        let list = format!("[{at},{{\"v\":\"a\"}}]");
        let rows = "thingsboard Temp=21.0,at_x=1.0 1699999999500000000
                    thingsboard v=\"a\" NOW";
        check(TOPIC, &list, Decoder::ThingsBoard, rows);
        let gateway = r#"{"A":[{"ts":1699999999500,"values":{"v":1}}],"B":[{"v":2}]}"#;
        let rows = "thingsboard,device=A v=1.0 1699999999500000000
                    thingsboard,device=B v=2.0 NOW";
        check("v1/gateway/telemetry", gateway, Decoder::ThingsBoard, rows);
    }

    #[test]
    fn what_is_wrong() {
        for body in ["", "5", "\"x\"", "[{\"v\":1}", "\u{0}"] {
            fails(TOPIC, body);
        }
        fails("v1/gateway/telemetry", "[1]");
        let body = r#"[5,{},{"ts":"noon","values":{"v":1}},{"v":1e999},{"v":1}]"#;
        assert_eq!(refused(TOPIC, body).len(), 4);
        assert_eq!(decoded(TOPIC, body.as_bytes()).readings, 5);
    }
}
