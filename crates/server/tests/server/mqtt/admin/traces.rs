//! Traces: what clients and the broker say to each other, for editors of their organisation.

use reqwest::Method;
use sensorium_protocols::mqtt::packet::{Connect, Qos};
use serde_json::{Value, json};

use super::super::client::{Client, connect, connect_v3, message};
use super::{ask, ask_as, enter, get, key, server, with_stranger};
use crate::support::{Server, TOKEN, wait_for};

fn start(server: &Server, body: Value) -> Value {
    let (status, trace) = ask_as(TOKEN, server, Method::POST, "/mqtt/traces", Some(body));
    assert_eq!(status, 201, "{trace}");
    trace
}

fn shown(server: &Server, trace: &Value) -> Value {
    get(server, &format!("/mqtt/traces/{}?limit=1000", trace["id"].as_str().unwrap()))
}

/// The packets in short: where they go, what they are, and their topic.
fn packets(shown: &Value) -> Vec<String> {
    let packet = |packet: &Value| {
        let direction = if packet["is_from_client"] == true { ">" } else { "<" };
        let words = [direction, packet["kind"].as_str().unwrap(), packet["topic"].as_str().unwrap_or_default()];
        words.join(" ").trim().to_owned()
    };
    shown["packets"].as_array().unwrap().iter().map(packet).collect()
}

#[test]
fn a_trace_tells_each_packet_and_nothing_that_it_carries() {
    let server = server();
    let mut client = enter(&server, connect("traced"));
    let _other = enter(&server, connect("untraced"));
    let trace = start(&server, json!({"client": key(&server, "traced"), "seconds": 60}));
    assert_eq!(
        (&trace["client_id"], &trace["is_running"], &trace["packets"]),
        (&json!("traced"), &json!(true), &json!(0))
    );
    client.subscribe("trace/#", Qos::AtLeastOnce);
    client.publish("trace/a/reading", Qos::AtLeastOnce, r#"{"value":424242}"#);
    client.receive();
    client.ping();
    client.publish("$SYS/x", Qos::AtLeastOnce, "x");
    let all = shown(&server, &trace);
    let mut told = packets(&all);
    // The message comes back before or after it is acknowledged.
    told[2..5].sort();
    assert_eq!(
        told[..10],
        [
            "> SUBSCRIBE trace/#",
            "< SUBACK",
            "< PUBACK",
            "< PUBLISH trace/a/reading",
            "> PUBLISH trace/a/reading",
            "> PUBACK",
            "> PINGREQ",
            "< PINGRESP",
            "> PUBLISH $SYS/x",
            "< PUBACK",
        ]
    );
    let refused = &all["packets"][9];
    assert_eq!((&refused["reason"], &refused["reason_name"]), (&json!(0x87), &json!("not authorized")));
    assert!(all["packets"][0]["bytes"].as_u64().unwrap() > 7 && all["packets"][2]["qos"] == 1, "{all}");
    assert!(!all.to_string().contains("424242"));
    // What came since.
    let after = format!("/mqtt/traces/{}?after={}", trace["id"].as_str().unwrap(), all["next"]);
    assert_eq!(get(&server, &after)["packets"], json!([]));
    client.ping();
    assert_eq!(packets(&get(&server, &after)), ["> PINGREQ", "< PINGRESP"]);
    // A client that comes again is traced from its CONNECT on, also in another version.
    client.leave();
    let again = enter(&server, Connect { password: Some(TOKEN.into()), ..connect_v3("traced") });
    let told = wait_for("the packets", || {
        let told = packets(&shown(&server, &trace));
        told.ends_with(&["> CONNECT".to_owned(), "< CONNACK".to_owned()]).then_some(told)
    });
    assert!(told.ends_with(&["> DISCONNECT", "< CLOSED", "> CONNECT", "< CONNACK"].map(str::to_owned)), "{told:?}");
    assert!(!shown(&server, &trace).to_string().contains(TOKEN));
    again.leave();
}

#[test]
fn a_trace_is_bounded_and_ends() {
    let server = server();
    let mut client = enter(&server, connect("bounded"));
    let key = key(&server, "bounded");
    for (body, status) in [
        (json!({}), 400),
        (json!({"client": key, "device": "019ac1f5-0000-7000-8000-000000000000"}), 400),
        (json!({"client": key, "seconds": 3_601}), 400),
        (json!({"client": key, "seconds": 0}), 400),
        (json!({"client": "!"}), 404),
        (json!({"device": "019ac1f5-0000-7000-8000-000000000000"}), 404),
    ] {
        assert_eq!(ask_as(TOKEN, &server, Method::POST, "/mqtt/traces", Some(body.clone())).0, status, "{body}");
    }
    let short = start(&server, json!({"client": key, "seconds": 1}));
    let long = start(&server, json!({"client": key}));
    for number in 0..1_100 {
        client.start(message("trace/bounded/reading", Qos::AtMostOnce, &super::super::numbered(number)));
        client.ping();
    }
    let all = shown(&server, &long);
    assert_eq!((&all["trace"]["packets"], &all["trace"]["gone"]), (&json!(3_300), &json!(1_300)));
    assert_eq!(all["packets"][0]["number"], 1_301);
    wait_for("the end of the first", || (shown(&server, &short)["trace"]["is_running"] == false).then_some(()));
    let ended = shown(&server, &short)["trace"]["packets"].clone();
    client.ping();
    assert_eq!(shown(&server, &short)["trace"]["packets"], ended);

    for _ in 2..8 {
        start(&server, json!({"client": key}));
    }
    let (status, full) = ask_as(TOKEN, &server, Method::POST, "/mqtt/traces", Some(json!({"client": key})));
    assert_eq!(status, 429);
    assert!(full.to_string().contains("mqtt.traces"), "{full}");
    let path = format!("/mqtt/traces/{}", long["id"].as_str().unwrap());
    assert_eq!((ask(&server, Method::DELETE, &path).0, ask(&server, Method::GET, &path).0), (204, 404));
    assert_eq!(get(&server, "/mqtt/traces")["traces"].as_array().unwrap().len(), 7);
}

#[test]
fn another_organisation_sees_and_ends_no_trace_and_is_in_none() {
    let (server, stranger, _folder) = with_stranger();
    let mut ours = enter(&server, connect("same-name"));
    let password = Some(stranger.clone().into());
    let (mut theirs, _) = Client::hello_at(&server, Connect { password, ..connect("same-name") });
    let trace = start(&server, json!({"client": key(&server, "same-name")}));
    ours.ping();
    theirs.ping();
    let path = format!("/mqtt/traces/{}", trace["id"].as_str().unwrap());
    assert_eq!(packets(&get(&server, &path)), ["> PINGREQ", "< PINGRESP"]);
    let as_stranger = |method, path: &str| ask_as(&stranger, &server, method, path, None);
    assert_eq!(as_stranger(Method::GET, "/mqtt/traces"), (200, json!({"traces": []})));
    assert_eq!((as_stranger(Method::GET, &path).0, as_stranger(Method::DELETE, &path).0), (404, 404));
    // Nor do they trace a device of ours.
    let (status, device) = ask_as(TOKEN, &server, Method::POST, "/devices", Some(json!({"name": "pump"})));
    assert_eq!(status, 201, "{device}");
    let body = json!({"device": device["id"]});
    assert_eq!(ask_as(&stranger, &server, Method::POST, "/mqtt/traces", Some(body.clone())).0, 404);
    assert_eq!(start(&server, body)["device"]["name"], "pump");
}
