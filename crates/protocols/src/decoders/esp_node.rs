//! Nodes that say their `hostname` beside their readings, under whatever topic:
//! `{"temperature":24,"humidity":19,"hostname":"ESP_145DD7"}`.
//!
//! Such an object is a row of the table `nodes`, whose names are as they were sent; the hostname names the device. `time` or
//! `timestamp` is as in readings of our own ([`crate::json`]).

use super::DecodeError;
use super::row::Rows;
use super::tree::Tree;

const MAKE: &str = "a node with a hostname";

pub(super) fn decode(body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    let tree = Tree::object(body, MAKE)?;
    let mut row = rows.start("nodes", tree.text_at(&["hostname"]).unwrap_or_default()).keeping_names();
    row.add_entries(&tree, &["hostname", "time", "timestamp"]);
    if let Some(time) = tree.get("time").or_else(|| tree.get("timestamp")).filter(|time| **time != Tree::Null) {
        row.time(time.time(None));
    }
    rows.push(row);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::decoders::Decoder;
    use crate::decoders::tests::{check, refused, unknown};

    #[test]
    fn the_hostname_names_the_device() {
        let body = r#"{"temperature":24,"humidity":19,"hostname":"ESP_145DD7"}"#;
        check("dht", body, Decoder::EspNode, "nodes,device=ESP_145DD7 humidity=19.0,temperature=24.0 NOW");
        let at = r#"{"hostname":"a","Temp":1,"time":1699999999}"#;
        check("dht", at, Decoder::EspNode, "nodes,device=a Temp=1.0 1699999999000000000");
    }

    #[test]
    fn what_is_wrong_and_what_only_looks_like_it() {
        assert!(refused("dht", r#"{"hostname":"a"}"#)[0].contains("no field"));
        assert!(refused("dht", r#"{"hostname":"a","v":1,"time":"noon"}"#)[0].contains("no time"));
        for body in [r#"{"hostname":5,"v":1}"#, r#"{"table":"t","hostname":"a","v":1}"#, r#"{"v":1}"#, "5", "", "{"] {
            unknown("dht", body);
        }
    }
}
