//! Who observes is told of changes, until it does not want to or may not any more.

use sensorium_protocols::coap::{Code, Kind, Message, option};
use serde_json::{Value, json};

use super::client::{Client, request, stores, text};
use super::{ask, device, laboratory, local, server, with_token, with_tokens};
use crate::support::Start;

fn observes(path: &str) -> Message {
    let mut message = request(Code::GET, path);
    message.options.set_uint(option::OBSERVE, 0);
    message
}

fn observe(client: &Client, path: &str) -> Message {
    client.ask(observes(path))
}

/// The next notification, acknowledged if it asks for that.
fn told(client: &Client) -> Message {
    let message = client.receive();
    if message.kind == Kind::Con {
        client.acknowledge(&message);
    }
    message
}

#[test]
fn a_change_of_a_devices_value_is_told() {
    let server = server();
    let client = Client::new(server.coap());
    server.write("main", "coap_observed,device=seen temperature=1 1700000000000000000");
    let first = observe(&client, &with_token("/devices/seen/temperature"));
    assert_eq!((first.code, text(&first)), (Code::CONTENT, "1"));
    let mut number = first.options.uint(option::OBSERVE).expect("it is observed");
    for value in 2..5 {
        server.write("main", &format!("coap_observed,device=seen temperature={value} 170000000{value}000000000"));
        let notified = told(&client);
        assert_eq!(text(&notified), value.to_string());
        let next = notified.options.uint(option::OBSERVE).unwrap();
        assert!(next > number);
        number = next;
    }
    // Neither another device's value, nor an older one, nor another field.
    server.write("main", "coap_observed,device=unseen temperature=9");
    server.write("main", "coap_observed,device=seen temperature=9 1600000000000000000");
    server.write("main", "coap_observed,device=seen humidity=9");
    client.assert_silent();
}

#[test]
fn a_reset_ends_the_observation() {
    let server = server();
    let client = Client::new(server.coap());
    server.write("main", "coap_reset,device=reset temperature=1");
    observe(&client, &with_token("/coap_reset?device=reset&field=temperature"));
    server.write("main", "coap_reset,device=reset temperature=2");
    client.reset(&client.receive());
    // The answer shows that the reset was read.
    client.ask(request(Code::GET, "/.well-known/core"));
    server.write("main", "coap_reset,device=reset temperature=3");
    client.assert_silent();
}

#[test]
fn the_laboratorys_value_is_observed_without_a_credential() {
    let server = laboratory::start(Start::new());
    let (writer, observer) = (Client::new(server.coap()), Client::new(server.coap()));
    writer.ask(stores("/sensors/dht/temperature", None, "28.8"));
    assert_eq!(text(&observe(&observer, "/sensors/dht/temperature")), "28.8");
    writer.ask(stores("/sensors/dht/temperature", None, "28.9"));
    assert_eq!(text(&told(&observer)), "28.9");
}

#[test]
fn many_changes_are_one_notification_a_span_and_the_last_is_told() {
    let server = with_tokens().set("coap.notify_every_ms", 1_000).start();
    let client = Client::new(server.coap());
    server.write("main", "fast,device=d value=0");
    observe(&client, &with_token("/devices/d/value"));
    for value in 1..=20 {
        server.write("main", &format!("fast,device=d value={value}"));
    }
    let mut count = 0;
    while text(&told(&client)) != "20" {
        count += 1;
    }
    assert!(count <= 10, "{count} notifications before the last");
}

#[test]
fn a_device_observes_its_desired_state() {
    let server = server();
    let client = Client::new(server.coap());
    let (id, token) = device(server, "coap-observer");
    let first = observe(&client, &format!("/devices/coap-observer/desired?token={token}"));
    let state = |message: &Message| serde_json::from_slice::<Value>(&message.payload).unwrap();
    assert_eq!(state(&first), json!({"version": 0, "state": {}}));
    let set = json!({"version": 0, "state": {"interval": 5}});
    ask(local(server, reqwest::Method::PUT, &format!("/api/v1/devices/{id}/state/desired")).json(&set));
    assert_eq!(state(&told(&client)), json!({"version": 1, "state": {"interval": 5}}));
}
