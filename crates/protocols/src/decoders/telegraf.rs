//! Telegraf's metrics as JSON, one (`{"fields":…,"name":…,"tags":…,"timestamp":…}`) or a batch of them (`{"metrics":[…]}`).
//!
//! A metric is a row of the table of its name, with names as they are in line protocol, which is how Telegraf sends them
//! otherwise. Times are numbers whose size tells their unit. The tag `host` names the device, too.

use sensorium_model::RowError;

use super::DecodeError;
use super::row::Rows;
use super::tree::Tree;

const MAKE: &str = "Telegraf";

pub(super) fn decode(body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    let tree = Tree::object(body, MAKE)?;
    match tree.get("metrics") {
        Some(Tree::List(metrics)) => metrics.iter().for_each(|one| metric(one, rows)),
        Some(_) => return Err(DecodeError::Shape { make: MAKE, expected: "\"metrics\" as a list" }),
        None => metric(&tree, rows),
    }
    Ok(())
}

fn metric(metric: &Tree<'_>, rows: &mut Rows<'_, '_>) {
    let host = metric.text_at(&["tags", "host"]).unwrap_or_default();
    let mut row = rows.start(metric.text_at(&["name"]).unwrap_or_default(), host).keeping_names();
    if metric.text_at(&["name"]).is_none() {
        row.refuse(RowError::Malformed("a metric of Telegraf has a \"name\" and \"fields\"".into()));
    }
    for (name, value) in metric.get("tags").map_or(&[][..], Tree::entries) {
        match value {
            Tree::Text(text) => row.tag(name, &**text),
            Tree::Number(text) => row.tag(name, *text),
            Tree::Truth(truth) => row.tag(name, if *truth { "true" } else { "false" }),
            Tree::Null => {}
            Tree::List(_) | Tree::Object(_) => row.refuse(RowError::Malformed(format!("tag {name:?} is text"))),
        }
    }
    if let Some(fields) = metric.get("fields") {
        row.add_entries(fields, &[]);
    }
    if let Some(time) = metric.get("timestamp") {
        row.time(time.time(None));
    }
    rows.push(row);
}

#[cfg(test)]
mod tests {
    use crate::decoders::Decoder;
    use crate::decoders::tests::{check, decoded, fails, refused, unknown};

    const ONE: &str = include_str!("fixtures/telegraf.json");

    #[test]
    fn metrics_are_rows_of_their_name() {
        let row = "cpu,cpu=cpu-total,device=web1,host=web1 inUse=true,usage_idle=98.5 1699999999000000000";
        check("telegraf/web1/cpu", ONE, Decoder::Telegraf, row);
        let disk = r#"{"fields":{"used":9007199254740993},"name":"disk","tags":{"device":"sda1","host":"web2","part":1},"timestamp":1699999999000}"#;
        let rows = format!(
            "{row}
             disk,device=web2,host=web2,part=1,payload_device=sda1 used=9007199254740993i 1699999999000000000"
        );
        check("anything", &format!("{{\"metrics\":[{ONE},{disk}]}}"), Decoder::Telegraf, &rows);
        let several = decoded("anything", format!("{{\"metrics\":[{ONE},{disk}]}}").as_bytes());
        assert_eq!((several.readings, several.device), (2, None));
        assert_eq!(decoded("anything", ONE.as_bytes()).device.as_deref(), Some("web1"));
    }

    #[test]
    fn a_bad_metric_costs_only_itself() {
        let bad = [
            r#"{"fields":{"v":1},"tags":{},"timestamp":1}"#,
            r#"{"fields":{},"name":"a","tags":{},"timestamp":1}"#,
            r#"{"fields":{"v":1},"name":"a","tags":{"x":[1]},"timestamp":1}"#,
            r#"{"fields":{"v":1},"name":"a","tags":{},"timestamp":"noon"}"#,
            "5",
        ];
        let body = format!("{{\"metrics\":[{},{ONE}]}}", bad.join(","));
        let refused = refused("x", &body);
        assert_eq!(refused.len(), bad.len(), "{refused:?}");
        for (message, words) in refused.iter().zip(["\"name\"", "no field", "is text", "no time", "\"name\""]) {
            assert!(message.contains(words), "{message} / {words}");
        }
        assert_eq!(decoded("x", body.as_bytes()).readings, 6);
    }

    #[test]
    fn what_only_looks_like_it() {
        unknown("x", r#"{"fields":{},"name":"cpu"}"#);
        unknown("x", r#"{"metrics":5}"#);
        unknown("x", r#"{"metrics":[],"other":1}"#);
        unknown("x", &ONE[..40]);
        fails("v1/devices/me/telemetry", &ONE[..40]);
    }
}
