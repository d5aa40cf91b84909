//! Messages: retained, published and read as they come.

use reqwest::Method;
use sensorium_protocols::mqtt::packet::Qos;
use serde_json::{Value, json};

use super::super::PAYLOAD;
use super::super::client::{connect, message, retained};
use super::{Events, all, ask, enter, get, publish, server};
use crate::support::{Start, TOKEN, wait_for};

/// Messages of more bytes than the sockets between a server and a reader hold.
const FLOOD: usize = 20_000;

#[test]
fn retained_messages_are_listed_and_removed() {
    let server = server();
    let mut client = enter(&server, connect("kept"));
    let mut whole = retained("cmnd/b/2", "on");
    whole.content.content_type = Some("text/plain".into());
    whole.expiry_seconds = Some(3_600);
    client.publish_whole(whole);
    for topic in ["cmnd/a", "cmnd/b/1", "cmnd/c"] {
        client.publish_whole(retained(topic, PAYLOAD));
    }
    let page = get(&server, "/mqtt/retained?limit=3");
    assert_eq!(all(&page["messages"], "topic"), ["cmnd/a", "cmnd/b/1", "cmnd/b/2"]);
    assert_eq!(page["next"], "cmnd/b/2");
    let page_after = get(&server, "/mqtt/retained?limit=3&after=cmnd/b/2");
    assert_eq!((all(&page_after["messages"], "topic"), &page_after["next"]), (vec!["cmnd/c"], &Value::Null));
    let below = get(&server, "/mqtt/retained?filter=cmnd/b/%2B");
    assert_eq!(all(&below["messages"], "topic"), ["cmnd/b/1", "cmnd/b/2"]);
    let mut shown = page["messages"][2].clone();
    assert!(shown["expires"].take().is_string());
    let expected = json!({
        "topic": "cmnd/b/2", "qos": 1, "retain": true, "bytes": 2, "text": "on", "base64": null, "is_cut": false,
        "content_type": "text/plain", "expires": null, "at": null, "client_id": null,
    });
    assert_eq!(shown, expected);
    assert_eq!(ask(&server, Method::GET, "/mqtt/retained?filter=a%23").0, 400);
    assert_eq!(ask(&server, Method::GET, "/mqtt/retained?filter=$share/g/a").0, 400);

    client.subscribe("cmnd/a", Qos::AtMostOnce);
    assert_eq!(client.payload(), PAYLOAD);
    assert_eq!(ask(&server, Method::DELETE, "/mqtt/retained?topic=cmnd/a").0, 204);
    assert_eq!(client.payload(), "", "who subscribes learns that it is gone");
    assert_eq!(ask(&server, Method::DELETE, "/mqtt/retained?topic=cmnd/a").0, 404);
    assert_eq!(ask(&server, Method::DELETE, "/mqtt/retained?topic=cmnd/%2B").0, 400);
    assert_eq!(get(&server, "/mqtt")["retained"], 3);
    let audit = server.get("/api/v1/audit?target=retained%20message");
    assert_eq!((all(&audit["entries"], "action"), all(&audit["entries"], "name")), (vec!["deleted"], vec!["cmnd/a"]));
}

#[test]
fn what_is_published_over_http_is_stored_retained_and_passed_on() {
    let server = server();
    let mut client = enter(&server, connect("published"));
    client.subscribe("house/#", Qos::ExactlyOnce);
    client.subscribe("cmnd/#", Qos::AtMostOnce);
    let reading =
        json!({"topic": "house/north/climate", "payload": r#"{"temperature":21.5}"#, "qos": 1, "retain": true});
    assert_eq!(publish(&server, reading), (200, json!({"receivers": 1, "stored": true})));
    let received = client.receive();
    assert_eq!((received.qos, received.topic.as_ref()), (Qos::AtLeastOnce, "house/north/climate"));
    // It is stored when the answer comes.
    assert_eq!(server.query("SELECT topic, temperature FROM climate"), [[json!("house/north/climate"), json!(21.5)]]);
    assert_eq!(all(&get(&server, "/mqtt/retained")["messages"], "topic"), ["house/north/climate"]);

    let command = json!({"topic": "cmnd/attic/POWER", "payload": "/wA=", "encoding": "base64"});
    assert_eq!(publish(&server, command), (200, json!({"receivers": 1, "stored": false})));
    assert_eq!(client.receive().content.payload.as_ref(), [0xff, 0]);
    let no_reading = json!({"topic": "picture/north", "payload": "/wA=", "encoding": "base64"});
    assert_eq!(publish(&server, no_reading), (200, json!({"receivers": 0, "stored": false})));

    for (body, status) in [
        (json!({"topic": "", "payload": ""}), 400),
        (json!({"topic": "a/+", "payload": ""}), 400),
        (json!({"topic": "a", "payload": "", "qos": 3}), 400),
        (json!({"topic": "a", "payload": "!", "encoding": "base64"}), 400),
        (json!({"topic": "a", "payload": "", "other": 1}), 400),
        (json!({"topic": "$SYS/broker/uptime", "payload": "0"}), 403),
        // It does not fit its table.
        (json!({"topic": "house/north/climate", "payload": r#"{"temperature":"warm"}"#}), 400),
    ] {
        let (answered, answer) = publish(&server, body.clone());
        assert!(answered == status && answer["error"].is_string(), "{body}: {answered} {answer}");
    }
    client.assert_silent();
    let small = Start::new().quiet().mqtt().set("mqtt.packet_bytes", 300).start();
    let (status, answer) = publish(&small, json!({"topic": "cmnd/a", "payload": "x".repeat(300)}));
    assert!(status == 413 && answer["error"].as_str().unwrap().contains("mqtt.packet_bytes"), "{status} {answer}");
}

#[test]
fn messages_are_read_as_they_come() {
    let server = server();
    let mut events = Events::open(&server, "house/+");
    let mut client = enter(&server, connect("read"));
    client.publish("cmnd/house", Qos::AtLeastOnce, PAYLOAD);
    client.publish("house/reading", Qos::AtLeastOnce, PAYLOAD);
    let (name, mut data) = events.next();
    assert!(data["at"].take().is_string());
    let expected = json!({
        "topic": "house/reading", "qos": 1, "retain": false, "bytes": PAYLOAD.len(), "text": PAYLOAD, "base64": null,
        "is_cut": false, "content_type": null, "expires": null, "at": null, "client_id": "read",
    });
    assert_eq!((name.as_str(), data), ("message", expected));
    publish(&server, json!({"topic": "house/published", "payload": "1"}));
    let (_, data) = events.next();
    assert_eq!((&data["topic"], &data["client_id"]), (&json!("house/published"), &Value::Null));
    // What is refused is not heard.
    publish(&server, json!({"topic": "house/published", "payload": r#"{"value":"text"}"#}));
    publish(&server, json!({"topic": "house/end", "payload": "2"}));
    assert_eq!(events.next().1["topic"], "house/end");
    for wrong in ["a#", "$share/g/a"] {
        assert_eq!(Events::open_as(TOKEN, &server, wrong).err().unwrap().0, 400);
    }
}

#[test]
fn readers_are_bounded_and_give_their_place_back() {
    let server = Start::new().quiet().mqtt().set("mqtt.readers", 1).start();
    let first = Events::open(&server, "#");
    let (status, sentence) = Events::open_as(TOKEN, &server, "#").err().unwrap();
    assert!(status == 429 && sentence.contains("mqtt.readers"), "{status} {sentence}");
    drop(first);
    wait_for("a place for another reader", || {
        publish(&server, json!({"topic": "cmnd/a", "payload": "1"}));
        Events::open_as(TOKEN, &server, "#").ok()
    });
}

#[test]
fn who_reads_too_slowly_is_told_how_many_are_missing() {
    let server = server();
    let mut events = Events::open(&server, "cmnd/#");
    let mut client = enter(&server, connect("flood"));
    let payload = "x".repeat(2_000);
    for _ in 0..FLOOD {
        client.start(message("cmnd/flood", Qos::AtMostOnce, &payload));
    }
    client.publish("cmnd/flood/end", Qos::AtLeastOnce, "end");
    let (mut heard, mut missed) = (0, 0);
    while heard + missed < FLOOD + 1 {
        match events.next() {
            (name, data) if name == "missed" => missed += usize::try_from(data["count"].as_u64().unwrap()).unwrap(),
            (name, data) => {
                assert_eq!((name.as_str(), &data["is_cut"]), ("message", &json!(data["topic"] == "cmnd/flood")));
                heard += 1;
            }
        }
    }
    assert_eq!(heard + missed, FLOOD + 1);
    assert!(missed > 0, "{heard} were heard");
}
