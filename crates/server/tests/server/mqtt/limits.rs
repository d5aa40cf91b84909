//! How fast clients may send and connect. Each test has a server of its own, with limits.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use reqwest::Method;
use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Qos};
use serde_json::{Value, json};

use super::client::{Client, connect, connect_v3, message};
use super::{PAYLOAD, numbered};
use crate::support::{DEADLINE, Server, Start, block_on, wait_for};

fn metric(server: &Server, line: &str) -> Option<u64> {
    let text = block_on(async { server.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap() });
    text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok())
}

fn post(server: &Server, path: &str, body: Value) -> Value {
    let request = server.request(Method::POST, path).json(&body);
    block_on(async { request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap() })
}

/// Sends so many messages at once and waits for their acknowledgements; how long that took.
fn send(clients: &mut [Client], topic: &str, each: usize) -> Duration {
    let started = Instant::now();
    let sent: Vec<Vec<_>> = clients
        .iter_mut()
        .map(|client| {
            let send = |number| client.start(message(topic, Qos::AtLeastOnce, &numbered(number))).unwrap();
            (0..each).map(send).collect()
        })
        .collect();
    for (client, ids) in clients.iter_mut().zip(sent) {
        for id in ids {
            assert!(!client.acknowledged(id).is_failure());
        }
    }
    started.elapsed()
}

#[test]
fn a_connection_over_its_rate_waits_and_loses_nothing() {
    let server = Start::new().quiet().mqtt().set("mqtt.messages_per_second", 20).start();
    for connect in [connect("fast-5"), connect_v3("fast-3")] {
        let version = connect.version;
        let (client, ack) = Client::hello_at(&server, connect);
        assert_eq!(ack.reason, ReasonCode::Success);
        let mut clients = [client];
        // 20 at once, and the rest at 20 a second.
        let took = send(&mut clients, "limits/fast/reading", 70);
        assert!(took > Duration::from_millis(2_400), "{version:?}: {took:?}");
        clients[0].ping();
    }
    assert!(metric(&server, r#"sensorium_mqtt_limited_total{limit="connection"}"#).unwrap() >= 2);
    let (mut watcher, _) = Client::hello_at(&server, connect("fast-watcher"));
    watcher.subscribe("$SYS/broker/messages/limited", Qos::AtMostOnce);
    assert!(watcher.payload().parse::<u64>().unwrap() >= 2);
}

#[test]
fn bytes_count_as_well() {
    let server = Start::new().quiet().mqtt().set("mqtt.bytes_per_second", 10_000).start();
    // It is not read for longer than its keep-alive, which does not end it.
    let (mut client, _) = Client::hello_at(&server, Connect { keep_alive_seconds: 1, ..connect("heavy") });
    let text = format!(r#"{{"note":"{}"}}"#, "x".repeat(30_000));
    let started = Instant::now();
    for _ in 0..2 {
        assert!(!client.publish("limits/heavy/reading", Qos::AtLeastOnce, &text).is_failure());
    }
    assert!(started.elapsed() > Duration::from_millis(1_900), "{:?}", started.elapsed());
    client.ping();
}

#[test]
fn connections_of_a_device_share_its_rate_and_others_have_theirs() {
    let server = Start::new().quiet().mqtt().set("mqtt.device_messages_per_second", 20).start();
    let device = post(&server, "/api/v1/devices", json!({"name": "pump"}));
    let tokens = format!("/api/v1/devices/{}/tokens", device["id"].as_str().unwrap());
    let secret = post(&server, &tokens, json!({"name": "mqtt"}))["secret"].as_str().unwrap().to_owned();
    let of_device = |client_id: &str| {
        let password = Some(secret.clone().into());
        let (client, ack) = Client::hello_at(&server, Connect { password, ..connect(client_id) });
        assert_eq!(ack.reason, ReasonCode::Success);
        client
    };
    let mut clients = [of_device("pump-1"), of_device("pump-2")];
    let took = send(&mut clients, "limits/pump/reading", 35);
    assert!(took > Duration::from_secs(2), "{took:?}");
    // Another connection does not bring another burst.
    drop(clients);
    let took = send(&mut [of_device("pump-3")], "limits/pump/reading", 20);
    assert!(took > Duration::from_millis(500), "{took:?}");
    // Who is no device has no limit here.
    let (person, _) = Client::hello_at(&server, connect("person"));
    let took = send(&mut [person], "limits/person/reading", 100);
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(metric(&server, r#"sensorium_mqtt_limited_total{limit="device"}"#).unwrap() >= 1);
}

#[test]
fn an_address_that_connects_too_often_is_refused_for_a_while() {
    let server = Start::new().quiet().mqtt().set("mqtt.connects_per_second", 1).start();
    let hello = |connect: Connect| {
        // Always from the same address.
        let stream = TcpStream::connect(server.mqtt()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Client::over(stream, connect.version).greet(connect)
    };
    // Ten at once.
    let started = Instant::now();
    let mut refused = (0..20).map(|_| hello(connect("often")).1).filter(|ack| ack.reason.is_failure());
    let ack = refused.next().unwrap_or_else(|| panic!("nobody was refused within {:?}", started.elapsed()));
    assert_eq!(ack.reason, ReasonCode::ConnectionRateExceeded);
    assert!(ack.reason_string.unwrap().contains("mqtt.connects_per_second"));
    let (mut client, ack) = hello(connect_v3("often-3"));
    if ack.reason.is_failure() {
        assert_eq!(ack.reason, ReasonCode::ServerUnavailable);
        assert!(client.rest().is_empty());
    }
    // Another address is let in, and this one by and by.
    let (_other, ack) = Client::hello_at(&server, connect("elsewhere"));
    assert_eq!(ack.reason, ReasonCode::Success);
    let mut client = wait_for("a second", || {
        let (client, ack) = hello(connect("often"));
        (!ack.reason.is_failure()).then_some(client)
    });
    assert!(!client.publish("limits/often/reading", Qos::AtLeastOnce, PAYLOAD).is_failure());
    client.ping();
    assert!(metric(&server, r#"sensorium_mqtt_limited_total{limit="address"}"#).unwrap() >= 1);
}
