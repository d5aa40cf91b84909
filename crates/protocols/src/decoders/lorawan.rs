//! Uplinks of LoRaWAN as two network servers hand them on: The Things Stack v3 (`v3/APPLICATION/devices/ID/up`) and ChirpStack
//! v4 (`application/ID/device/EUI/event/up`).
//!
//! An uplink is a row of `ttn` or `chirpstack` with the tag `application`. Its fields are what the payload formatter of the
//! server made of the payload, or the payload as it was sent (`payload`, base64) where there is none; `f_port` and `f_cnt`; and
//! `link_rssi`, `link_snr` and `link_gateway` of the gateway that heard it best. Other messages of the servers are no readings.

use super::DecodeError;
use super::row::{Row, Rows};
use super::tree::Tree;

pub(super) fn decode_the_things_stack(
    levels: &[&str],
    body: &[u8],
    rows: &mut Rows<'_, '_>,
) -> Result<(), DecodeError> {
    const MAKE: &str = "The Things Stack";
    let ["v3", application, "devices", id, "up"] = levels else { return Ok(()) };
    let tree = Tree::object(body, MAKE)?;
    let Some(uplink) = tree.get("uplink_message").filter(|uplink| uplink.is_object()) else {
        return Err(DecodeError::Shape { make: MAKE, expected: "an object with the key \"uplink_message\"" });
    };
    let device = tree.text_at(&["end_device_ids", "device_id"]).unwrap_or(*id);
    let mut row = rows.start("ttn", device);
    // Behind the `@` stands the tenant.
    let application = application.split('@').next().unwrap_or_default();
    row.tag("application", application);
    for key in ["f_port", "f_cnt"] {
        add(&mut row, key, uplink.get(key));
    }
    if let Some(best) = best(uplink.get("rx_metadata")) {
        link(&mut row, best, best.at(&["gateway_ids", "gateway_id"]));
    }
    payload(&mut row, uplink.get("decoded_payload"), uplink.get("frm_payload"));
    if let Some(time) = uplink.get("received_at").or_else(|| tree.get("received_at")) {
        row.time(time.time(None));
    }
    rows.push(row);
    Ok(())
}

pub(super) fn decode_chirpstack(levels: &[&str], body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    const MAKE: &str = "ChirpStack";
    let ["application", application, "device", eui, "event", "up"] = levels else { return Ok(()) };
    let tree = Tree::object(body, MAKE)?;
    if tree.get("deviceInfo").is_none() {
        return Err(DecodeError::Shape {
            make: MAKE,
            expected: "an object with the key \"deviceInfo\", since version 4,",
        });
    }
    let mut row = rows.start("chirpstack", tree.text_at(&["deviceInfo", "deviceName"]).unwrap_or(*eui));
    row.tag("application", tree.text_at(&["deviceInfo", "applicationName"]).unwrap_or(*application));
    add(&mut row, "f_port", tree.get("fPort"));
    add(&mut row, "f_cnt", tree.get("fCnt"));
    if let Some(best) = best(tree.get("rxInfo")) {
        link(&mut row, best, best.get("gatewayId"));
    }
    payload(&mut row, tree.get("object"), tree.get("data"));
    if let Some(time) = tree.get("time") {
        row.time(time.time(None));
    }
    rows.push(row);
    Ok(())
}

fn add<'t>(row: &mut Row<'t>, name: &str, value: Option<&'t Tree<'_>>) {
    if let Some(value) = value {
        row.add(name, value);
    }
}

/// The gateway that heard the uplink best.
fn best<'t, 'b>(gateways: Option<&'t Tree<'b>>) -> Option<&'t Tree<'b>> {
    let strength = |gateway: &Tree<'_>| gateway.get("rssi").and_then(Tree::float).unwrap_or(f64::NEG_INFINITY);
    gateways?.items().iter().max_by(|a, b| strength(a).total_cmp(&strength(b)))
}

fn link<'t>(row: &mut Row<'t>, best: &'t Tree<'_>, gateway: Option<&'t Tree<'_>>) {
    add(row, "link_rssi", best.get("rssi"));
    add(row, "link_snr", best.get("snr"));
    add(row, "link_gateway", gateway);
}

/// What the payload says, or the payload itself.
fn payload<'t>(row: &mut Row<'t>, decoded: Option<&'t Tree<'_>>, raw: Option<&'t Tree<'_>>) {
    match decoded {
        Some(decoded) if !decoded.entries().is_empty() => row.add_entries(decoded, &[]),
        _ => add(row, "payload", raw),
    }
}

#[cfg(test)]
mod tests {
    use crate::decoders::Decoder;
    use crate::decoders::tests::{check, decoded, fails, refused, silent};

    const TTN: &str = r#"{"end_device_ids":{"device_id":"soil-1","application_ids":{"application_id":"garden"},"dev_eui":"00"},
        "received_at":"2023-11-14T22:13:19.900000000Z","uplink_message":{"f_port":2,"f_cnt":41,"frm_payload":"AQI=",
        "decoded_payload":{"moisture":31.5,"soil":{"temp":12}},"rx_metadata":[
        {"gateway_ids":{"gateway_id":"far"},"rssi":-110,"snr":-3},{"gateway_ids":{"gateway_id":"near"},"rssi":-60,"snr":9.5}],
        "received_at":"2023-11-14T22:13:19.5Z"}}"#;

    const CHIRPSTACK: &str = include_str!("fixtures/chirpstack.json");

    #[test]
    fn uplinks_of_the_things_stack() {
        check(
            "v3/garden@ttn/devices/soil-1/up",
            TTN,
            Decoder::TheThingsStack,
            "ttn,application=garden,device=soil-1 f_cnt=41.0,f_port=2.0,link_gateway=\"near\",link_rssi=-60.0,link_snr=9.5,moisture=31.5,soil_temp=12.0 1699999999500000000",
        );
        check(
            "v3/garden/devices/soil-9/up",
            r#"{"uplink_message":{"frm_payload":"AQI=","decoded_payload":{}}}"#,
            Decoder::TheThingsStack,
            "ttn,application=garden,device=soil-9 payload=\"AQI=\" NOW",
        );
    }

    #[test]
    fn uplinks_of_chirpstack() {
        let topic = "application/8f/device/0102/event/up";
        check(
            topic,
            CHIRPSTACK,
            Decoder::ChirpStack,
            "chirpstack,application=garden,device=soil-2 f_cnt=4.0,f_port=1.0,link_gateway=\"aa\",link_rssi=-48.0,link_snr=9.0,moisture=30.0 1699999999500000000",
        );
        assert_eq!(decoded(topic, CHIRPSTACK.as_bytes()).device.as_deref(), Some("soil-2"));
        let raw = r#"{"deviceInfo":{},"data":"AQI="}"#;
        check(topic, raw, Decoder::ChirpStack, "chirpstack,application=8f,device=0102 payload=\"AQI=\" NOW");
    }

    #[test]
    fn what_is_no_reading_and_what_is_wrong() {
        silent("v3/garden@ttn/devices/soil-1/join", "{}");
        silent("v3/garden@ttn/devices/soil-1/down/queued", "{}");
        silent("application/8f/device/0102/event/join", "{}");
        for topic in ["v3/garden@ttn/devices/soil-1/up", "application/8f/device/0102/event/up"] {
            for body in ["", "[]", "{}", "{\"time\":"] {
                fails(topic, body);
            }
        }
        let noon = CHIRPSTACK.replace("2023-11-14T22:13:19.5+00:00", "noon");
        assert!(refused("application/8f/device/0102/event/up", &noon)[0].contains("no time"));
        let nothing = r#"{"uplink_message":{}}"#;
        assert!(refused("v3/garden@ttn/devices/soil-1/up", nothing)[0].contains("no field"));
    }
}
