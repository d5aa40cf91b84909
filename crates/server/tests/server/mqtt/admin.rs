//! The broker over HTTP: its clients, what is retained, publishing and reading; and its numbers as messages.
//!
//! Each test has a server of its own, because it looks at everything that an organisation has.

use reqwest::Method;
use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Qos};
use serde_json::{Value, json};

use super::PAYLOAD;
use super::client::{Client, again, connect, connect_v3, filter, lasting, message, retained, will};
use crate::registry_files::token_of_another_organisation;
use crate::support::{Server, Start, TOKEN, block_on, client as http, wait_for};

/// Messages of more bytes than the sockets between a server and a reader hold.
const FLOOD: usize = 20_000;

fn server() -> Server {
    Start::new().quiet().mqtt().start()
}

/// A server with a token of another organisation.
fn with_stranger() -> (Server, String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    assert!(Start::at(&data_dir).quiet().start().stop().success());
    let token = token_of_another_organisation(&data_dir);
    (Start::at(&data_dir).quiet().mqtt().start(), token, folder)
}

/// What is answered to a request, with a body if there is one.
fn ask_as(token: &str, server: &Server, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let mut request = http().request(method, format!("{}/api/v1{path}", server.url())).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    block_on(async {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    })
}

fn ask(server: &Server, method: Method, path: &str) -> (u16, Value) {
    ask_as(TOKEN, server, method, path, None)
}

/// What is there.
fn get(server: &Server, path: &str) -> Value {
    let (status, answer) = ask(server, Method::GET, path);
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

fn publish(server: &Server, body: Value) -> (u16, Value) {
    ask_as(TOKEN, server, Method::POST, "/mqtt/publish", Some(body))
}

fn enter(server: &Server, connect: Connect) -> Client {
    let (client, ack) = Client::hello_at(server, connect);
    assert_eq!(ack.reason, ReasonCode::Success, "{ack:?}");
    client
}

/// The words in a list, under a name each.
fn all<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|entry| entry[name].as_str().unwrap()).collect()
}

/// The key of a client that is there.
fn key(server: &Server, client_id: &str) -> String {
    let found = get(server, &format!("/mqtt/clients?search={client_id}"));
    found["clients"][0]["key"].as_str().unwrap_or_else(|| panic!("{client_id}: {found}")).to_owned()
}

/// Server-sent events, as they come.
struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    fn open_as(token: &str, server: &Server, filter: &str) -> Result<Self, (u16, String)> {
        let request = http().get(format!("{}/api/v1/mqtt/messages", server.url())).query(&[("filter", filter)]);
        block_on(async {
            let response = request.bearer_auth(token).send().await.unwrap();
            match response.status().as_u16() {
                200 => Ok(Self { response, text: String::new() }),
                status => Err((status, response.text().await.unwrap())),
            }
        })
    }

    fn open(server: &Server, filter: &str) -> Self {
        Self::open_as(TOKEN, server, filter).unwrap()
    }

    /// The next event: its name and its data.
    fn next(&mut self) -> (String, Value) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let found = line("event:").zip(line("data:"));
                let found = found.map(|(name, data)| (name.to_owned(), serde_json::from_str(data).unwrap()));
                self.text = rest.to_owned();
                match found {
                    Some(event) => return event,
                    // A comment.
                    None => continue,
                }
            }
            let chunk = block_on(self.response.chunk()).unwrap();
            let chunk = chunk.unwrap_or_else(|| panic!("the stream ended behind {:?}", self.text));
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[test]
fn without_a_broker_that_is_said() {
    let server = Start::new().quiet().start();
    let overview = get(&server, "/mqtt");
    assert_eq!((&overview["is_listening"], &overview["listeners"]), (&json!(false), &json!([])));
    for (method, path) in [
        (Method::GET, "/mqtt/clients"),
        (Method::GET, "/mqtt/clients/x"),
        (Method::DELETE, "/mqtt/clients/x"),
        (Method::GET, "/mqtt/retained"),
        (Method::DELETE, "/mqtt/retained?topic=a"),
        (Method::GET, "/mqtt/messages"),
    ] {
        let (status, answer) = ask(&server, method, path);
        let sentence = answer["error"].as_str().unwrap();
        assert!(status == 404 && sentence.contains("mqtt.listen") && sentence.contains("--mqtt"), "{path}: {answer}");
    }
    assert_eq!(publish(&server, json!({"topic": "a", "payload": ""})).0, 404);
}

#[test]
fn the_numbers_are_those_of_what_happened() {
    let server = server();
    let mut subscriber = enter(&server, lasting("numbers-s"));
    subscriber.subscribe("cmnd/#", Qos::AtMostOnce);
    subscriber.subscribe("other", Qos::AtMostOnce);
    let mut publisher = enter(&server, connect("numbers-p"));
    publisher.publish_whole(retained("cmnd/a", "12345"));
    publisher.publish("cmnd/b", Qos::AtLeastOnce, "1");
    publisher.publish("$not/allowed", Qos::AtLeastOnce, "1");
    let overview = get(&server, "/mqtt");
    let expected = json!({
        "is_listening": true, "listeners": [{"address": server.mqtt().to_string(), "transport": "tcp"}],
        "connections": 2, "sessions": 2, "subscriptions": 2, "retained": 1, "retained_bytes": 11,
        "received": 3, "sent": 2, "refused": 1, "dropped": 0,
    });
    assert_eq!(overview, expected);
    subscriber.leave();
    wait_for("the session without its client", || {
        Some(get(&server, "/mqtt")).filter(|now| now["connections"] == 1 && now["sessions"] == 2)
    });
    // QoS 0 is not kept for a client that is away.
    publisher.publish("cmnd/b", Qos::AtLeastOnce, "1");
    let now = get(&server, "/mqtt");
    assert_eq!((&now["received"], &now["sent"], &now["dropped"]), (&json!(4), &json!(3), &json!(1)));
}

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
        let answer = request.json(&body).send();
        block_on(async { answer.await.unwrap().error_for_status().unwrap().json::<Value>().await.unwrap() })
    };
    let device = post("/devices", json!({"name": "Attic"}));
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
    assert_eq!(listed["clients"][1]["device"], json!({"id": id, "name": "Attic"}));
    let wanted = ["$SYS/#", "$SYS/broker/uptime", "$share/g/$SYS/#", "Attic/#"];
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
    let audit = server.get("/api/v1/audit?target=MQTT%20client");
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
    publish(&server, json!({"topic": "house/last", "payload": "2"}));
    assert_eq!(events.next().1["topic"], "house/last");
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

#[test]
fn another_organisation_sees_and_does_nothing() {
    let (server, stranger, _folder) = with_stranger();
    let ask = |method: Method, path: &str| ask_as(&stranger, &server, method, path, None);
    let mut events = Events::open_as(&stranger, &server, "#").unwrap();
    let mut client = enter(&server, lasting("ours"));
    client.subscribe("cmnd/#", Qos::AtMostOnce);
    client.publish_whole(retained("cmnd/ours", "1"));
    assert_eq!(client.payload(), "1");
    let path = format!("/mqtt/clients/{}", key(&server, "ours"));
    let with_session = format!("{path}?session=true");
    for (method, path) in [
        (Method::GET, path.as_str()),
        (Method::DELETE, path.as_str()),
        (Method::DELETE, with_session.as_str()),
        (Method::DELETE, "/mqtt/retained?topic=cmnd/ours"),
    ] {
        assert_eq!(ask(method.clone(), path).0, 404, "{method} {path}");
    }
    assert_eq!(ask(Method::GET, "/mqtt/clients").1, json!({"clients": [], "next": null}));
    assert_eq!(ask(Method::GET, "/mqtt/retained").1, json!({"messages": [], "next": null}));
    let (_, overview) = ask(Method::GET, "/mqtt");
    for name in ["connections", "sessions", "subscriptions", "retained", "retained_bytes", "received", "sent"] {
        assert_eq!(overview[name], 0, "{name}");
    }
    let body = json!({"topic": "cmnd/theirs", "payload": "2"});
    let published = ask_as(&stranger, &server, Method::POST, "/mqtt/publish", Some(body));
    assert_eq!(published, (200, json!({"receivers": 0, "stored": false})));
    client.assert_silent();
    assert_eq!(events.next().1["topic"], "cmnd/theirs", "the first that they hear is their own");
    let numbers = Connect { password: Some(stranger.into()), ..connect("theirs") };
    let mut numbers = enter(&server, numbers);
    numbers.subscribe("$SYS/broker/clients/connected", Qos::AtMostOnce);
    assert_eq!(numbers.payload(), "1");
    assert_eq!(get(&server, &path)["client"]["is_connected"], true);
}

#[test]
fn numbers_come_at_once_and_then_again_and_again() {
    let server = server();
    let _other = enter(&server, connect("sys-other"));
    let mut client = enter(&server, connect("sys"));
    // No wildcard stands for $SYS [MQTT-4.7.2-1].
    client.subscribe("#", Qos::AtMostOnce);
    client.subscribe("+/broker/#", Qos::AtMostOnce);
    client.assert_silent();
    client.subscribe("$SYS/#", Qos::AtLeastOnce);
    let mut numbers = std::collections::BTreeMap::new();
    while numbers.len() < 9 {
        let message = client.receive();
        assert!(message.retain, "{message:?}");
        let text = String::from_utf8(message.content.payload.to_vec()).unwrap();
        numbers.insert(message.topic.as_ref().to_owned(), text);
    }
    for (topic, value) in [
        ("clients/connected", "2"),
        ("sessions/count", "2"),
        ("subscriptions/count", "3"),
        ("retained messages/count", "0"),
        ("messages/received", "0"),
        ("messages/sent", "0"),
        ("messages/dropped", "0"),
    ] {
        assert_eq!(numbers[&format!("$SYS/broker/{topic}")], value, "{topic}");
    }
    assert!(numbers["$SYS/broker/version"].starts_with("sensorium "), "{numbers:?}");
    assert!(numbers["$SYS/broker/uptime"].parse::<u64>().is_ok(), "{numbers:?}");
    // What comes later is not retained; and a subscription to one of them is sent no other.
    let mut one = enter(&server, connect("sys-one"));
    one.subscribe("$SYS/broker/clients/connected", Qos::AtMostOnce);
    assert_eq!(one.payload(), "3");
    let later = one.receive();
    assert_eq!((later.topic.as_ref(), later.retain), ("$SYS/broker/clients/connected", false));
    assert_eq!(later.content.payload.as_ref(), b"3");
    assert_eq!(get(&server, "/mqtt")["retained"], 0);
}
