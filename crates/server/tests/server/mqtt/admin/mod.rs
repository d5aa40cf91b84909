//! The broker over HTTP: its clients, what is retained, publishing and reading; and its numbers as messages.
//!
//! Each test has a server of its own, because it looks at everything that an organisation has.

mod clients;
mod messages;
mod traces;

use reqwest::Method;
use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Qos};
use serde_json::{Value, json};

use super::client::{Client, connect, lasting, retained};
use crate::registry_files::token_of_another_organisation;
use crate::support::{Server, Start, TOKEN, block_on, client as http, wait_for};

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
        "received": 3, "sent": 2, "refused": 1, "dropped": 0, "limited": 0, "bridges": [],
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
    while numbers.len() < 10 {
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
        ("messages/limited", "0"),
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
