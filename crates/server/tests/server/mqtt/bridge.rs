//! Bridges: to a Mosquitto, and between two servers. Each test has brokers of its own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::Method;
use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Qos, Version};
use serde_json::Value;

use super::client::{Client, connect, retained};
use super::{PAYLOAD, numbered};
use crate::registry_files::token_of_another_organisation;
use crate::support::{DEADLINE, Server, Start, TOKEN, block_on, client as http, wait_for};

/// A port that is free now.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A Mosquitto that keeps nothing.
struct Mosquitto {
    child: Child,
    address: SocketAddr,
}

impl Mosquitto {
    fn start(folder: &Path, address: SocketAddr) -> Self {
        let file = folder.join("mosquitto.conf");
        let (ip, port) = (address.ip(), address.port());
        std::fs::write(&file, format!("listener {port} {ip}\nallow_anonymous true\nlog_dest none\n")).unwrap();
        let mut command = Command::new("/usr/sbin/mosquitto");
        command.arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("Debian's package mosquitto: {error}"));
        let this = Self { child, address };
        wait_for("Mosquitto", || TcpStream::connect(address).ok());
        this
    }

    /// A client of it.
    fn enter(&self, client_id: &str) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let (client, ack) = Client::over(stream, Version::V5).greet(Connect::new(Version::V5, client_id));
        assert_eq!(ack.reason, ReasonCode::Success);
        client
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn enter(server: &Server, client_id: &str) -> Client {
    let (client, ack) = Client::hello_at(server, connect(client_id));
    assert_eq!(ack.reason, ReasonCode::Success);
    client
}

/// The bridges that whoever has a token sees.
fn bridges(server: &Server, token: &str) -> Vec<Value> {
    let request = http().get(format!("{}/api/v1/mqtt", server.url())).bearer_auth(token);
    let status: Value = block_on(async { request.send().await.unwrap().json().await.unwrap() });
    status["bridges"].as_array().unwrap().clone()
}

/// The only bridge, once it is or is not connected.
fn bridge(server: &Server, is_connected: bool) -> Value {
    wait_for("the bridge", || {
        let [bridge] = bridges(server, TOKEN).try_into().unwrap();
        (bridge["is_connected"] == is_connected).then_some(bridge)
    })
}

fn metrics(server: &Server) -> String {
    block_on(async { server.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap() })
}

#[test]
fn messages_go_to_a_mosquitto_and_come_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let mosquitto = Mosquitto::start(folder.path(), free());
    let address = mosquitto.address;
    let setting = format!(
        r##"[{{name = "hall", address = "{address}", out = ["site/#", "far/#"], in = ["hall/#", "here/far/#"],
        prefix_in = "far/", prefix_out = "here/"}}]"##
    );
    let server = Start::new().quiet().mqtt().set("mqtt.bridge", setting.replace('\n', " ")).start();
    bridge(&server, true);
    let mut there = mosquitto.enter("there");
    there.subscribe("here/#", Qos::AtLeastOnce);
    let mut here = enter(&server, "here");
    here.subscribe("far/#", Qos::AtLeastOnce);

    // Out, with a prefix and all that belongs to it.
    let mut message = retained("site/a/reading", PAYLOAD);
    message.content.content_type = Some("application/json".into());
    message.content.user_properties = vec![("room".into(), "7".into())];
    message.expiry_seconds = Some(600);
    assert!(!here.publish_whole(message).is_failure());
    let went = there.receive();
    assert_eq!((went.topic.as_ref(), &went.content.payload[..]), ("here/site/a/reading", PAYLOAD.as_bytes()));
    assert_eq!(went.content.content_type.as_deref(), Some("application/json"));
    assert_eq!(went.content.user_properties[0], ("room".into(), "7".into()));
    assert!(went.expiry_seconds.is_some_and(|seconds| (590..=600).contains(&seconds)), "{went:?}");
    // In, stored and retained; it does not go out again.
    assert!(!there.publish_whole(retained("hall/b/reading", &numbered(42))).is_failure());
    let came = here.receive();
    assert_eq!((came.topic.as_ref(), &came.content.payload[..]), ("far/hall/b/reading", numbered(42).as_bytes()));
    wait_for("the row", || {
        let rows = server.query("SELECT value FROM reading WHERE topic = 'far/hall/b/reading'");
        (rows == [[Value::from(42.0)]] || rows == [[Value::from(42)]]).then_some(())
    });
    let mut late = enter(&server, "late");
    late.subscribe("far/hall/#", Qos::AtMostOnce);
    assert!(late.receive().retain);
    assert!(!here.publish("site/marker/reading", Qos::AtLeastOnce, PAYLOAD).is_failure());
    assert_eq!(there.receive().topic.as_ref(), "here/site/marker/reading", "nothing came in between");
    // What is no topic of the bridge stays.
    assert!(!here.publish("elsewhere/reading", Qos::AtLeastOnce, PAYLOAD).is_failure());
    assert!(!here.publish("site/marker/2", Qos::AtLeastOnce, PAYLOAD).is_failure());
    assert_eq!(there.receive().topic.as_ref(), "here/site/marker/2");
    let shown = wait_for("the acknowledgements", || {
        let shown = bridge(&server, true);
        (shown["sent"] == 3).then_some(shown)
    });
    assert_eq!((&shown["name"], &shown["received"], &shown["error"]), (&"hall".into(), &1.into(), &Value::Null));
    let text = metrics(&server);
    for line in [
        r#"sensorium_mqtt_bridge_connected{bridge="hall"} 1"#,
        r#"sensorium_mqtt_bridge_sent_total{bridge="hall"} 3"#,
        r#"sensorium_mqtt_bridge_received_total{bridge="hall"} 1"#,
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn what_goes_out_waits_for_a_broker_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let address = free();
    let setting = format!(r##"[{{name = "away", address = "{address}", out = ["#"], queued_messages = 3}}]"##);
    let server = Start::new().quiet().mqtt().set("mqtt.bridge", setting).start();
    let shown = wait_for("the first try", || {
        let shown = bridge(&server, false);
        shown["error"].is_string().then_some(shown)
    });
    assert_eq!(shown["queued"], 0);
    let mut here = enter(&server, "here");
    for number in 0..5 {
        // Retained, so that whoever subscribes later than the bridge connects sees it.
        assert!(!here.publish_whole(retained(&format!("away/{number}/reading"), PAYLOAD)).is_failure());
    }
    let shown = bridge(&server, false);
    assert_eq!((&shown["queued"], &shown["dropped"]), (&3.into(), &2.into()));
    assert!(metrics(&server).contains(r#"sensorium_mqtt_bridge_dropped_total{bridge="away",direction="out"} 2"#));
    let mosquitto = Mosquitto::start(folder.path(), address);
    let mut there = mosquitto.enter("there");
    there.subscribe("#", Qos::AtLeastOnce);
    let mut topics: Vec<String> = (0..3).map(|_| there.receive().topic.as_ref().to_owned()).collect();
    topics.sort();
    assert_eq!(topics, ["away/2/reading", "away/3/reading", "away/4/reading"], "the oldest made room");
    // It goes away and comes back.
    drop(mosquitto);
    bridge(&server, false);
    assert!(!here.publish_whole(retained("away/5/reading", PAYLOAD)).is_failure());
    let mosquitto = Mosquitto::start(folder.path(), address);
    let mut there = mosquitto.enter("there");
    there.subscribe("away/5/#", Qos::AtLeastOnce);
    assert_eq!(there.receive().topic.as_ref(), "away/5/reading");
    bridge(&server, true);
}

#[test]
fn two_servers_with_bridges_to_each_other_send_in_no_circles() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, format!("{TOKEN}\n")).unwrap();
    let (one, other) = (free(), free());
    let start = |at: SocketAddr, to: SocketAddr, name: &str| {
        let setting = format!(
            r##"[{{name = "{name}", address = "{to}", user = "bridge", password_file = "{}", out = ["both/#"]}}]"##,
            password.display()
        );
        Start::new().quiet().arg("--mqtt").arg(at.to_string()).set("mqtt.bridge", setting).start()
    };
    let (one, other) = (start(one, other, "to-other"), start(other, one, "to-one"));
    bridge(&one, true);
    bridge(&other, true);
    let (mut at_one, mut at_other) = (enter(&one, "reader"), enter(&other, "reader"));
    at_one.subscribe("both/#", Qos::AtLeastOnce);
    at_other.subscribe("both/#", Qos::AtLeastOnce);
    for number in 0..3 {
        let (from, topic) = match number % 2 {
            0 => (&one, format!("both/{number}/reading")),
            _ => (&other, format!("both/{number}/reading")),
        };
        assert!(!enter(from, "writer").publish(&topic, Qos::AtLeastOnce, &numbered(number)).is_failure());
        for reader in [&mut at_one, &mut at_other] {
            assert_eq!(reader.receive().topic.as_ref(), topic, "once at each");
        }
    }
    for server in [&one, &other] {
        let sent = wait_for("the acknowledgements", || {
            let shown = bridge(server, true);
            (shown["queued"] == 0).then(|| shown["sent"].as_u64().unwrap())
        });
        assert!(sent <= 3, "{sent}");
    }
    at_one.assert_silent();
    at_other.assert_silent();
}

#[test]
fn a_bridge_carries_nothing_of_another_organisation() {
    let folder = tempfile::tempdir().unwrap();
    let mosquitto = Mosquitto::start(folder.path(), free());
    let data_dir = folder.path().join("data");
    assert!(Start::at(&data_dir).quiet().start().stop().success());
    let stranger = token_of_another_organisation(&data_dir);
    let setting = format!(r##"[{{name = "ours", address = "{}", out = ["#"], in = ["in/#"]}}]"##, mosquitto.address);
    let server = Start::at(&data_dir).quiet().mqtt().set("mqtt.bridge", setting).start();
    bridge(&server, true);
    assert!(bridges(&server, &stranger).is_empty());
    let mut there = mosquitto.enter("there");
    there.subscribe("org/#", Qos::AtLeastOnce);
    let password = Some(stranger.into());
    let (mut theirs, ack) = Client::hello_at(&server, Connect { password, ..connect("theirs") });
    assert_eq!(ack.reason, ReasonCode::Success);
    theirs.subscribe("in/#", Qos::AtLeastOnce);
    let mut ours = enter(&server, "ours");
    ours.subscribe("in/#", Qos::AtLeastOnce);
    theirs.publish("org/theirs/reading", Qos::AtLeastOnce, PAYLOAD);
    assert!(!ours.publish("org/ours/reading", Qos::AtLeastOnce, PAYLOAD).is_failure());
    assert_eq!(there.receive().topic.as_ref(), "org/ours/reading");
    assert!(!there.publish("in/a/reading", Qos::AtLeastOnce, PAYLOAD).is_failure());
    assert_eq!(ours.receive().topic.as_ref(), "in/a/reading");
    theirs.assert_silent();
}
