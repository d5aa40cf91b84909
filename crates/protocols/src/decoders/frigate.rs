//! Frigate: `frigate/events` with what its detector follows, `frigate/CAMERA/LABEL` with how many there are, and
//! `frigate/available`. An image is not kept, whatever the topic: snapshots and everything else are no readings.
//!
//! - An event is a row of `frigate_events` with the tags `camera` and `label`, at the time of the frame. That time is exact to
//!   the microsecond; what is below tells the objects of one frame apart, and comes from the event's id, so that the same
//!   message is the same row again;
//! - a number is a row of `frigate_counts` with the same tags: `count`, or `active` for what does not stand still.

use sensorium_model::{Precision, RowError, Value};

use super::DecodeError;
use super::row::{Row, Rows};
use super::tree::{Tree, body_text};

const MAKE: &str = "Frigate";

/// What of an event is kept, besides the place of the box.
const KEPT: [&str; 15] = [
    "id",
    "sub_label",
    "score",
    "top_score",
    "area",
    "ratio",
    "stationary",
    "active",
    "false_positive",
    "start_time",
    "end_time",
    "current_zones",
    "entered_zones",
    "has_clip",
    "has_snapshot",
];

pub(super) fn decode(levels: &[&str], body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    match levels {
        [device, "events"] => event(&Tree::object(body, MAKE)?, device, rows),
        [device, "available"] => {
            rows.presence(device, body_text(body)? == "online");
            Ok(())
        }
        [device, camera, label] => {
            count("count", body, [*device, *camera, *label], rows);
            Ok(())
        }
        [device, camera, label, "active"] => {
            count("active", body, [*device, *camera, *label], rows);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A row of how many there are, where the body is a number: other topics of a camera have words and images.
fn count(field: &'static str, body: &[u8], [device, camera, label]: [&str; 3], rows: &mut Rows<'_, '_>) {
    let Some(number) = body_text(body).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())) else {
        return;
    };
    let mut row = rows.start("frigate_counts", device);
    row.tag("camera", camera);
    row.tag("label", label);
    row.scalar(field, number);
    rows.push(row);
}

fn event(message: &Tree<'_>, device: &str, rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    let Some(after) = message.get("after").filter(|after| after.is_object()) else {
        return Err(DecodeError::Shape { make: MAKE, expected: "an event with the keys \"type\" and \"after\"" });
    };
    let mut row = rows.start("frigate_events", device);
    for tag in ["camera", "label"] {
        match after.text_at(&[tag]) {
            Some(value) => row.tag(tag, value),
            None => row.refuse(RowError::Malformed(format!("an event of {MAKE} has the key {tag:?}"))),
        }
    }
    if let Some(kind) = message.get("type") {
        row.add("type", kind);
    }
    for (key, value) in after.entries().iter().filter(|(key, _)| KEPT.contains(&key.as_ref())) {
        match (key.as_ref(), value) {
            // With its certainty beside it.
            ("sub_label", Tree::List(items)) => items.iter().take(1).for_each(|item| row.add(key, item)),
            _ => row.add(key, value),
        }
    }
    place(&mut row, after.get("box"));
    if let Some(time) = after.get("frame_time") {
        let id = after.text_at(&["id"]).unwrap_or_default();
        row.time(time.time(Some(Precision::S)).map(|time_ns| apart(time_ns, id)));
    }
    rows.push(row);
    Ok(())
}

/// The left, top, width and height of a box that has its corners, as detections have them.
fn place(row: &mut Row<'_>, corners: Option<&Tree<'_>>) {
    let corners: Vec<f64> = corners.map_or(&[][..], Tree::items).iter().filter_map(Tree::float).collect();
    if let [left, top, right, bottom] = corners.as_slice() {
        for (name, value) in [("x", *left), ("y", *top), ("w", right - left), ("h", bottom - top)] {
            row.value(name, Value::F64(value));
        }
    }
}

/// The microsecond of a time, and nanoseconds that are an id's alone for as good as all ids.
fn apart(time_ns: i64, id: &str) -> i64 {
    // FNV-1a, which stays as it is for as long as what is stored.
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    time_ns - time_ns.rem_euclid(1_000) + i64::try_from(hash % 1_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoders::Decoder;
    use crate::decoders::tests::{check, decoded, fails, presence, refused, silent};

    const EVENT: &str = r#"{"type":"update","before":{"id":"1699999990.1-abc"},"after":{"id":"1699999990.1-abc","camera":"yard",
        "frame_time":1699999999.123456,"label":"person","sub_label":["Ann",0.9],"top_score":0.95,"score":0.875,
        "box":[100,50,180,250],"region":[0,0,300,300],"area":16000,"stationary":false,"start_time":1699999990.5,"end_time":null,
        "current_zones":["gate"],"thumbnail":"/9j/4AAQ","snapshot":{"frame_time":1,"box":[1,2,3,4]}}}"#;

    #[test]
    fn events_are_rows_of_an_object() {
        let time = apart(1_699_999_999_123_456_000, "1699999990.1-abc");
        assert_eq!(time / 1_000, 1_699_999_999_123_456);
        check(
            "frigate/events",
            EVENT,
            Decoder::Frigate,
            &format!(
                "frigate_events,camera=yard,device=frigate,label=person area=16000.0,current_zones_0=\"gate\",h=200.0,id=\"1699999990.1-abc\",score=0.875,start_time=1699999990.5,stationary=false,sub_label=\"Ann\",top_score=0.95,type=\"update\",w=80.0,x=100.0,y=50.0 {time}"
            ),
        );
        assert_ne!(time, apart(1_699_999_999_123_456_000, "1699999990.1-abd"));
    }

    #[test]
    fn counts_and_presence() {
        let row = "frigate_counts,camera=yard,device=frigate,label=person count=2.0 NOW";
        check("frigate/yard/person", "2", Decoder::Frigate, row);
        let row = "frigate_counts,camera=yard,device=frigate,label=car active=0.0 NOW";
        check("frigate/yard/car/active", "0", Decoder::Frigate, row);
        assert_eq!(presence("frigate/available", "online"), Some(true));
        assert_eq!(presence("frigate/available", "offline"), Some(false));
    }

    #[test]
    fn what_is_no_reading_and_what_is_wrong() {
        for (topic, body) in [
            ("frigate/yard/motion", "ON"),
            ("frigate/yard/person/snapshot", "\u{1}binary"),
            ("frigate/yard/person", "-1"),
            ("frigate/stats", "{\"fps\":1}"),
            ("frigate/reviews", "{}"),
        ] {
            silent(topic, body);
        }
        assert_eq!(decoded("frigate/yard/person/snapshot", b"\xff\xd8\xff\xe0").readings, 0);
        for body in ["", "{}", "[1]", "{\"after\":5}", "{\"after\":"] {
            fails("frigate/events", body);
        }
        assert!(refused("frigate/events", &EVENT.replace("\"camera\"", "\"c\""))[0].contains("\"camera\""));
        assert!(refused("frigate/events", &EVENT.replace("1699999999.123456", "true"))[0].contains("no time"));
    }
}
