//! What becomes of messages beyond MQTT: rows of the database, a restart of the server, and organisations that do not meet.

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Qos};
use serde_json::{Value, json};

use super::client::{Client, again, connect, connect_v3, filter, lasting, retained};
use super::{LOGIN, PASSWORD, PAYLOAD, server};
use crate::registry_files::token_of_another_organisation;
use crate::support::{Start, block_on, client as http, wait_for};

/// The rows of a statement on a table, as soon as there is the table and so many rows.
pub(super) fn rows(table: &str, sql: &str, count: usize) -> Vec<Vec<Value>> {
    wait_for(&format!("{count} rows of {table}"), || {
        let known = format!("SELECT count(*) FROM information_schema.tables WHERE table_name = '{table}'");
        let exists = server().query(&known)[0][0].as_u64() == Some(1);
        exists.then(|| server().query(sql)).filter(|rows| rows.len() == count)
    })
}

#[test]
fn json_objects_become_rows_of_the_table_that_the_topic_ends_with() {
    let mut new = Client::new("stored-rows");
    let mut old = Client::enter(connect_v3("stored-rows-3"));
    for (client, name) in [(&mut new, "new"), (&mut old, "old")] {
        for (qos, value) in [(Qos::AtMostOnce, 20.5), (Qos::AtLeastOnce, 21.5), (Qos::ExactlyOnce, 22.5)] {
            let topic = format!("house/{name}/{}/mqtt_stored", qos.bits());
            let payload = json!({"value": value, "on": true, "note": "ä"}).to_string();
            assert!(!client.publish(&topic, qos, &payload).is_failure());
        }
    }
    let found = rows("mqtt_stored", r#"SELECT topic, value, "on", note FROM mqtt_stored ORDER BY topic"#, 6);
    for (name, three) in ["new", "old"].into_iter().zip(found.chunks(3)) {
        for (qos, row) in three.iter().enumerate() {
            let value = 20.5 + qos as f64;
            assert_eq!(*row, [json!(format!("house/{name}/{qos}/mqtt_stored")), json!(value), json!(true), json!("ä")]);
        }
    }
}

#[test]
fn a_qos_2_message_that_comes_twice_is_one_row() {
    let topic = "house/mqtt_once";
    let mut client = Client::new("stored-once");
    let mut message = super::client::message(topic, Qos::ExactlyOnce, PAYLOAD);
    let packet_id = client.start(message.clone()).unwrap();
    assert!(!client.received(packet_id).is_failure());
    (message.dup, message.packet_id) = (true, Some(packet_id));
    client.start(message);
    assert!(!client.received(packet_id).is_failure());
    assert_eq!(client.release(packet_id), ReasonCode::Success);
    rows("mqtt_once", "SELECT * FROM mqtt_once", 1);
}

#[test]
fn a_token_that_only_writes_publishes_and_does_not_subscribe() {
    let body = json!({"name": "writes", "can_read": false, "can_write": true});
    let request =
        http().post(format!("{}/api/v1/tokens", server().url())).basic_auth(LOGIN, Some(PASSWORD)).json(&body);
    let answer: Value =
        block_on(async { request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap() });
    let secret = answer["secret"].as_str().unwrap().to_owned();
    let mut client = Client::enter(Connect { password: Some(secret.into()), ..connect("stored-writes") });
    let topic = "conformance/writes/reading";
    assert!(!client.publish(topic, Qos::AtLeastOnce, PAYLOAD).is_failure());
    assert_eq!(client.subscribe_all(vec![filter(topic, Qos::AtMostOnce)], None), [ReasonCode::NotAuthorized]);
    client.publish(topic, Qos::AtLeastOnce, PAYLOAD);
    client.assert_silent();
}

#[test]
fn a_session_is_not_taken_up_by_whoever_may_not_hear_what_it_subscribes_to() {
    let topic = "conformance/resumed/reading";
    let mut first = Client::enter(lasting("stored-resumed"));
    first.subscribe(topic, Qos::AtLeastOnce);
    first.leave();
    let body = json!({"name": "resumes", "can_read": false, "can_write": true});
    let request =
        http().post(format!("{}/api/v1/tokens", server().url())).basic_auth(LOGIN, Some(PASSWORD)).json(&body);
    let answer: Value =
        block_on(async { request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap() });
    let secret = answer["secret"].as_str().unwrap().to_owned();
    let (mut writer, ack) = Client::hello(Connect { password: Some(secret.into()), ..again("stored-resumed") });
    assert_eq!((ack.reason, ack.session_present), (ReasonCode::Success, false));
    writer.publish(topic, Qos::AtLeastOnce, PAYLOAD);
    writer.assert_silent();
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let start = || Start::at(&data_dir).quiet().mqtt().start();
    let server = start();
    let (mut client, _) = Client::hello_at(&server, lasting("stored-kill"));
    for number in 0..100 {
        let qos = if number % 2 == 0 { Qos::AtLeastOnce } else { Qos::ExactlyOnce };
        assert!(!client.publish("house/mqtt_kill", qos, &format!(r#"{{"value":{number}}}"#)).is_failure());
    }
    server.kill();
    let server = start();
    let counts = server.query("SELECT count(*), count(DISTINCT value) FROM mqtt_kill");
    assert_eq!(counts, [[json!(100), json!(100)]]);
}

#[test]
fn a_device_writes_under_its_name_and_hears_what_is_for_it_alone() {
    let post = |path: &str, body: Value| -> Value {
        let request = http().post(format!("{}{path}", server().url())).basic_auth(LOGIN, Some(PASSWORD)).json(&body);
        block_on(async { request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap() })
    };
    let secret_of = |name: &str| {
        let device = post("/api/v1/devices", json!({"name": name}));
        let path = format!("/api/v1/devices/{}/tokens", device["id"].as_str().unwrap());
        post(&path, json!({"name": "mqtt"}))["secret"].as_str().unwrap().to_owned()
    };
    let (attic, cellar) = (secret_of("mqtt-attic"), secret_of("mqtt-cellar"));
    let as_device = |secret: &str| Connect { password: Some(secret.to_owned().into()), ..lasting("same-for-both") };
    let mut attic = Client::enter(as_device(&attic));
    let wanted = ["cmnd/mqtt-attic/#", "#", "cmnd/mqtt-cellar/POWER", "+/+/POWER"];
    let wanted = wanted.map(|topic| filter(topic, Qos::AtLeastOnce)).to_vec();
    let denied = ReasonCode::NotAuthorized;
    assert_eq!(attic.subscribe_all(wanted, None), [ReasonCode::GrantedQos1, denied, denied, denied]);
    // Neither takes over the session of the other, though they call themselves the same.
    let mut cellar = Client::enter(as_device(&cellar));
    attic.assert_silent();
    assert!(!cellar.publish("house/cellar/mqtt_devices", Qos::AtLeastOnce, PAYLOAD).is_failure());
    assert!(!attic.publish("house/attic/mqtt_devices", Qos::AtLeastOnce, PAYLOAD).is_failure());
    let mut person = Client::new("stored-person");
    for device in ["mqtt-cellar", "mqtt-attic"] {
        person.publish(&format!("cmnd/{device}/POWER"), Qos::AtLeastOnce, "ON");
    }
    assert_eq!(attic.payload(), "ON");
    attic.assert_silent();
    let found = rows("mqtt_devices", "SELECT device FROM mqtt_devices ORDER BY device", 2);
    assert_eq!(found, [[json!("mqtt-attic")], [json!("mqtt-cellar")]]);
}

#[test]
fn organisations_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    assert!(Start::at(&data_dir).quiet().start().stop().success());
    let token = token_of_another_organisation(&data_dir);
    let server = Start::at(&data_dir).quiet().mqtt().start();
    let theirs = |name: &str| Connect { password: Some(token.clone().into()), ..connect(name) };
    let topic = "shared-name/reading";
    let (mut ours, _) = Client::hello_at(&server, connect("same-name"));
    ours.subscribe("#", Qos::AtLeastOnce);
    // The same client identifier is another session there.
    let (mut stranger, ack) = Client::hello_at(&server, theirs("same-name"));
    assert_eq!(ack.reason, ReasonCode::Success);
    stranger.subscribe("#", Qos::AtLeastOnce);
    // What they publish is refused for want of a database, or is theirs alone.
    stranger.publish_whole(retained(topic, PAYLOAD));
    ours.assert_silent();
    assert!(!ours.publish_whole(retained(topic, r#"{"value":2}"#)).is_failure());
    assert_eq!(ours.payload(), r#"{"value":2}"#);
    let (mut later, _) = Client::hello_at(&server, theirs("later"));
    later.subscribe(topic, Qos::AtLeastOnce);
    for client in [&mut stranger, &mut later] {
        client.ping();
        assert!(client.passed().iter().all(|payload| *payload == PAYLOAD.as_bytes()), "{:?}", client.passed());
    }
}
