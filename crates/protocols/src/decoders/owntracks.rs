//! OwnTracks: `owntracks/USER/DEVICE` with locations, and below it whatever the app tells with the same kinds of objects.
//!
//! A location is a row of `owntracks`, entering or leaving a region one of `owntracks_transition`, at the time `tst`. The
//! device is `USER/DEVICE`. Other kinds (waypoints, cards, steps) are no readings.

use sensorium_model::Precision;

use super::DecodeError;
use super::row::Rows;
use super::tree::Tree;

const MAKE: &str = "OwnTracks";

pub(super) fn decode(levels: &[&str], body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    let ["owntracks", user, device, rest @ ..] = levels else { return Ok(()) };
    if matches!(rest, ["cmd", ..]) {
        return Ok(());
    }
    let device = format!("{user}/{device}");
    rows.name(&device);
    let tree = Tree::object(body, MAKE)?;
    let table = match tree.text_at(&["_type"]) {
        Some("location") => "owntracks",
        Some("transition") => "owntracks_transition",
        Some("lwt") => {
            rows.presence(&device, false);
            return Ok(());
        }
        Some("encrypted") => return Err(DecodeError::Encrypted),
        Some(_) => return Ok(()),
        None => return Err(DecodeError::Shape { make: MAKE, expected: "an object with the key \"_type\"" }),
    };
    let mut row = rows.start(table, device.as_str());
    row.add_entries(&tree, &["_type", "_id", "tst", "topic"]);
    if let Some(time) = tree.get("tst") {
        row.time(time.time(Some(Precision::S)));
    }
    rows.push(row);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::decoders::Decoder;
    use crate::decoders::tests::{check, fails, presence, refused, silent};

    #[test]
    fn locations_and_transitions() {
        let location = include_str!("fixtures/owntracks.json");
        check(
            "owntracks/ann/phone",
            location,
            Decoder::OwnTracks,
            "owntracks,device=ann/phone acc=12.0,alt=171.0,batt=81.0,conn=\"w\",inregions_0=\"home\",lat=48.2082,lon=16.3738,tid=\"an\",vel=0.0 1699999999000000000",
        );
        let transition =
            r#"{"_type":"transition","event":"enter","desc":"home","lat":48.2,"lon":16.4,"tst":1699999999}"#;
        check(
            "owntracks/ann/phone/event",
            transition,
            Decoder::OwnTracks,
            "owntracks_transition,device=ann/phone desc=\"home\",event=\"enter\",lat=48.2,lon=16.4 1699999999000000000",
        );
    }

    #[test]
    fn what_is_no_reading_and_what_is_wrong() {
        assert_eq!(presence("owntracks/ann/phone", r#"{"_type":"lwt","tst":1}"#), Some(false));
        silent("owntracks/ann/phone", r#"{"_type":"waypoint","lat":1}"#);
        silent("owntracks/ann/phone/cmd", "anything");
        for body in ["", "{\"lat\":1}", "[]", "{\"_type\":", r#"{"_type":"encrypted","data":"x"}"#] {
            fails("owntracks/ann/phone", body);
        }
        assert!(refused("owntracks/ann/phone", r#"{"_type":"location","lat":1,"tst":true}"#)[0].contains("no time"));
        assert!(refused("owntracks/ann/phone", r#"{"_type":"location","tst":1}"#)[0].contains("no field"));
    }
}
