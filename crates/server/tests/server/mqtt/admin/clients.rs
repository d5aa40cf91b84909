//! Clients: listed, shown and ended.

use reqwest::Method;
use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Qos};
use serde_json::{Value, json};

use super::super::client::{Client, again, connect, connect_v3, filter, lasting, will};
use super::{all, ask, ask_as, enter, get, key, server};
use crate::support::{block_on, client as http, wait_for};

#[test]
fn clients_are_listed_page_by_page_and_shown() {
    let server = server();
    let mut first = enter(&server, Connect { keep_alive_seconds: 30, ..lasting("list-a/1") });
    first.subscribe("a/#", Qos::AtLeastOnce);
    first.subscribe("$share/group/b", Qos::AtMostOnce);
    let nameless = Connect { username: Some("".into()), ..connect_v3("list-b") };
    let _second = enter(&server, nameless);
    enter(&server, Connect { username: Some("Watt".into()), ..lasting("list-c") }).leave();
    wait_for("the client that left", || {
        let away = get(&server, "/mqtt/clients?is_connected=false");
        (away["clients"].as_array().unwrap().len() == 1).then_some(())
    });

    let page = get(&server, "/mqtt/clients?limit=2");
    assert_eq!(all(&page["clients"], "client_id"), ["list-a/1", "list-b"]);
    let next = page["next"].as_str().unwrap();
    let page = get(&server, &format!("/mqtt/clients?limit=2&after={next}"));
    assert_eq!((all(&page["clients"], "client_id"), &page["next"]), (vec!["list-c"], &Value::Null));
    for (query, expected) in [
        ("search=LIST-B", vec!["list-b"]),
        ("search=127.", vec!["list-a/1", "list-b"]),
        ("search=nothing", vec![]),
        ("is_connected=true", vec!["list-a/1", "list-b"]),
        ("is_connected=false", vec!["list-c"]),
        ("is_connected=true&search=device", vec!["list-a/1"]),
    ] {
        assert_eq!(all(&get(&server, &format!("/mqtt/clients?{query}"))["clients"], "client_id"), expected, "{query}");
    }
    assert_eq!(ask(&server, Method::GET, "/mqtt/clients?after=x").0, 400);
    assert_eq!(ask(&server, Method::GET, "/mqtt/clients?limit=0").0, 400);

    let shown = get(&server, &format!("/mqtt/clients/{}", key(&server, "list-a")));
    let client = &shown["client"];
    for (name, expected) in [
        ("client_id", json!("list-a/1")),
        ("device", Value::Null),
        ("login", json!("device")),
        ("transport", json!("tcp")),
        ("version", json!("5.0")),
        ("is_connected", json!(true)),
        ("keep_alive_seconds", json!(30)),
        ("session_expiry_seconds", json!(60)),
        ("expires", Value::Null),
        ("subscriptions", json!(2)),
        ("queued", json!(0)),
        ("inflight", json!(0)),
        ("dropped_qos0", json!(0)),
    ] {
        assert_eq!(client[name], expected, "{name}");
    }
    assert!(client["address"].as_str().unwrap().starts_with("127."), "{client}");
    let subscriptions = json!([
        {"filter": "$share/group/b", "qos": 0, "no_local": false, "retain_as_published": false,
         "retain_handling": 0, "subscription_id": null},
        {"filter": "a/#", "qos": 1, "no_local": false, "retain_as_published": false,
         "retain_handling": 0, "subscription_id": null},
    ]);
    assert_eq!(shown["subscriptions"], subscriptions);
    let old = get(&server, &format!("/mqtt/clients/{}", key(&server, "list-b")));
    assert_eq!((&old["client"]["version"], &old["client"]["login"]), (&json!("3.1.1"), &Value::Null));
    let away = &get(&server, &format!("/mqtt/clients/{}", key(&server, "list-c")))["client"];
    for name in ["login", "address", "transport", "version", "keep_alive_seconds"] {
        assert_eq!(away[name], Value::Null, "{name}");
    }
    let time = |name: &str| chrono::DateTime::parse_from_rfc3339(away[name].as_str().unwrap()).unwrap();
    assert_eq!((time("expires") - time("since")).num_seconds(), 60);
}

#[test]
fn a_device_is_listed_with_its_name_and_neither_reads_numbers_nor_the_pages_of_people() {
    let server = server();
    let post = |path: &str, body: Value| {
        let request = http().post(format!("{}/api/v1{path}", server.url())).bearer_auth(server.local_token());
        let request = request.json(&body);
        block_on(async { request.send().await.unwrap().error_for_status().unwrap().json::<Value>().await.unwrap() })
    };
    let device = post("/devices", json!({"name": "Greenhouse"}));
    let id = device["id"].as_str().unwrap();
    let secret = post(&format!("/devices/{id}/tokens"), json!({"name": "mqtt"}))["secret"].as_str().unwrap().to_owned();
    let key_for_devices =
        post("/tokens", json!({"name": "key", "can_read": false, "can_write": true, "for_devices": true}));
    let mut client = enter(&server, Connect { password: Some(secret.clone().into()), ..lasting("attic-1") });
    // The same client identifier is another client for somebody else.
    let _person = enter(&server, connect("attic-1"));
    let listed = get(&server, "/mqtt/clients");
    assert_eq!(all(&listed["clients"], "client_id"), ["attic-1", "attic-1"]);
    assert_eq!(listed["clients"][0]["device"], Value::Null);
    assert_eq!(listed["clients"][1]["device"], json!({"id": id, "name": "Greenhouse"}));
    assert_eq!(get(&server, "/mqtt/clients?search=ATTIC")["clients"].as_array().unwrap().len(), 2);
    assert_eq!(all(&get(&server, "/mqtt/clients?search=Greenhouse")["clients"], "client_id"), ["attic-1"]);
    let wanted = ["$SYS/#", "$SYS/broker/uptime", "$share/g/$SYS/#", "Greenhouse/#"];
    let wanted = wanted.map(|topic| filter(topic, Qos::AtMostOnce)).to_vec();
    let denied = ReasonCode::NotAuthorized;
    assert_eq!(client.subscribe_all(wanted, None), [denied, denied, denied, ReasonCode::Success]);
    for secret in [secret.as_str(), key_for_devices["secret"].as_str().unwrap()] {
        for (method, path) in [
            (Method::GET, "/mqtt"),
            (Method::GET, "/mqtt/clients"),
            (Method::GET, "/mqtt/retained"),
            (Method::GET, "/mqtt/messages"),
            (Method::DELETE, "/mqtt/retained?topic=a"),
        ] {
            assert_eq!(ask_as(secret, &server, method, path, None).0, 403, "{path}");
        }
        let body = json!({"topic": "house/reading", "payload": "1"});
        assert_eq!(ask_as(secret, &server, Method::POST, "/mqtt/publish", Some(body)).0, 403);
    }
}

#[test]
fn somebody_ends_a_connection_and_somebody_ends_a_session() {
    let server = server();
    let mut client = enter(&server, lasting("end-a"));
    client.subscribe("end/#", Qos::AtLeastOnce);
    let path = format!("/mqtt/clients/{}", key(&server, "end-a"));
    assert_eq!(ask(&server, Method::DELETE, &path).0, 204);
    assert_eq!(client.ended(), Some(ReasonCode::AdministrativeAction));
    let away = wait_for("the end of the connection", || {
        Some(get(&server, &path)).filter(|shown| shown["client"]["is_connected"] == false)
    });
    assert_eq!(away["subscriptions"].as_array().unwrap().len(), 1, "the session stays");
    assert_eq!(ask(&server, Method::DELETE, &path).0, 204, "it has no connection already");

    // With its client away.
    assert_eq!(ask(&server, Method::DELETE, &format!("{path}?session=true")).0, 204);
    assert_eq!(ask(&server, Method::GET, &path).0, 404);
    assert_eq!(ask(&server, Method::DELETE, &path).0, 404);
    let (mut client, ack) = Client::hello_at(&server, again("end-a"));
    assert!(!ack.session_present);

    // With its client there, whose will is published.
    let mut watcher = enter(&server, connect("end-watcher"));
    watcher.subscribe("cmnd/#", Qos::AtMostOnce);
    client.subscribe("end/#", Qos::AtLeastOnce);
    let mut mourned = enter(&server, Connect { will: Some(will("cmnd/will")), ..lasting("end-b") });
    let mourned_path = format!("/mqtt/clients/{}?session=true", key(&server, "end-b"));
    for (client, path) in [(&mut client, format!("{path}?session=true")), (&mut mourned, mourned_path)] {
        assert_eq!(ask(&server, Method::DELETE, &path).0, 204);
        assert_eq!(client.ended(), Some(ReasonCode::AdministrativeAction));
    }
    assert_eq!(watcher.receive().topic.as_ref(), "cmnd/will");
    wait_for("the end of both sessions", || {
        Some(get(&server, "/mqtt")).filter(|now| now["sessions"] == 1 && now["subscriptions"] == 1)
    });
    let (_client, ack) = Client::hello_at(&server, again("end-a"));
    assert!(!ack.session_present);
    let audit = server.get("/api/v1/audit?target=mqtt%20client");
    let ended: Vec<&Value> =
        audit["entries"].as_array().unwrap().iter().map(|e| &e["after"]["session_ended"]).collect();
    assert_eq!(ended, [&json!(true), &json!(true), &json!(true), &json!(false), &json!(false)]);
    assert_eq!(all(&audit["entries"], "action"), ["disconnected"; 5]);
}

#[test]
fn a_client_of_3_1_1_is_ended_without_words() {
    let server = server();
    let mut client = enter(&server, connect_v3("end-3"));
    let path = format!("/mqtt/clients/{}", key(&server, "end-3"));
    assert_eq!(ask(&server, Method::DELETE, &path).0, 204);
    assert_eq!(client.ended(), None);
}
