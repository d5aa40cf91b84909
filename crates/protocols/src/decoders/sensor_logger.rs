//! The app Sensor Logger, under whatever topic: `{"deviceId":…,"sessionId":…,"payload":[{"name":…,"time":…,"values":…},…]}`.
//!
//! An entry is a row of the table of its sensor, such as `accelerometer`. Times are nanoseconds, as a number or as text, which
//! are read to the last digit.

use sensorium_model::{Precision, RowError};

use super::DecodeError;
use super::row::{Rows, plain};
use super::tree::Tree;

const MAKE: &str = "Sensor Logger";

pub(super) fn decode(body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    let tree = Tree::object(body, MAKE)?;
    let Some(Tree::List(entries)) = tree.get("payload") else {
        return Err(DecodeError::Shape { make: MAKE, expected: "\"payload\" as a list" });
    };
    let device = tree.text_at(&["deviceId"]).unwrap_or_default();
    rows.name(device);
    for entry in entries {
        let name = entry.text_at(&["name"]);
        let mut row = rows.start(plain(name.unwrap_or_default()), device);
        match (name, entry.get("time")) {
            (Some(_), Some(time)) => row.time(time.time(Some(Precision::Ns))),
            _ => row.refuse(RowError::Malformed("an entry has the keys \"name\", \"time\" and \"values\"".into())),
        }
        if let Some(values) = entry.get("values") {
            row.add_entries(values, &[]);
        }
        rows.push(row);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::decoders::Decoder;
    use crate::decoders::tests::{check, decoded, fails, refused, unknown};

    #[test]
    fn entries_are_rows_of_their_sensor() {
        let body = r#"{"messageId":3,"sessionId":"s-1","deviceId":"phone-7","payload":[
            {"name":"accelerometer","time":"1699999999123456789","values":{"x":0.1,"y":-9.8,"z":0}},
            {"name":"Location","time":1699999999123456789,"accuracy":3,"values":{"latitude":48.2,"steps":9007199254740993}}]}"#;
        check(
            "phone",
            body,
            Decoder::SensorLogger,
            "accelerometer,device=phone-7 x=0.1,y=-9.8,z=0.0 1699999999123456789
             location,device=phone-7 latitude=48.2,steps=9007199254740993i 1699999999123456789",
        );
        assert_eq!(decoded("phone", body.as_bytes()).device.as_deref(), Some("phone-7"));
    }

    #[test]
    fn a_bad_entry_costs_only_itself() {
        let body = r#"{"sessionId":"s","payload":[{"name":"a","time":1699999999123456789,"values":{}},{"name":"a","values":{"v":1}},
            {"time":1,"values":{"v":1}},{"name":"a","time":"noon","values":{"v":1}},7,
            {"name":"a","time":1699999999123456789,"values":{"v":1}}]}"#;
        let refused = refused("phone", body);
        assert_eq!(refused.len(), 5, "{refused:?}");
        let decoded = decoded("phone", body.as_bytes());
        assert_eq!((decoded.readings, decoded.device), (6, None));
    }

    #[test]
    fn what_only_looks_like_it() {
        unknown("phone", r#"{"payload":[]}"#);
        unknown("phone", r#"{"sessionId":"s","payload":"x"}"#);
        unknown("phone", r#"{"sessionId":"s","payload":[{"name""#);
        fails("zigbee2mqtt/phone", r#"{"sessionId":"s","payload":[{"name""#);
    }
}
