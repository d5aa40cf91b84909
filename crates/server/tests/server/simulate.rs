//! `sensorium simulate` beside a real server: both programs run, and SQL finds what the devices sent.

use std::io::Read;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{Server, Start, TOKEN, fail, sensorium, succeed, wait_for};

/// A command that goes on until it is told to end, and never beyond the test.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> Self {
        Self(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Ctrl-C; returns what the command says at its end.
    fn interrupt(mut self) -> String {
        kill_process(Pid::from_child(&self.0), Signal::INT).unwrap();
        let status = wait_for("the end of the command", || self.0.try_wait().unwrap());
        let mut said = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(status.success(), "{status}: {said}");
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The rows of a statement on a table; none while there is no such table.
fn rows(server: &Server, table: &str, sql: &str) -> Vec<Vec<Value>> {
    let known = format!("SELECT count(*) FROM information_schema.tables WHERE table_name = '{table}'");
    match server.query(&known)[0][0].as_u64() {
        Some(1) => server.query(sql),
        _ => Vec::new(),
    }
}

/// The names of things that the server lists.
fn names(server: &Server, path: &str, list: &str) -> Vec<String> {
    let mut names: Vec<String> =
        server.get(path)[list].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn nodes_wait_in_the_inbox_or_are_adopted_and_every_reading_is_a_row() {
    let server = Start::new().quiet().mqtt().start();
    let unknown =
        succeed(&mut server.command(&["simulate", "dht", "--count", "2", "--messages", "2", "--interval", "20ms"]));
    assert!(unknown.starts_with("2 devices: 4 messages sent, 4 acknowledged"), "{unknown}");
    let waiting = names(&server, "/api/v1/inbox", "newcomers");
    assert_eq!(waiting.len(), 2);
    assert!(waiting.contains(&"ESP_145DD7".to_owned()), "{waiting:?}");
    assert!(rows(&server, "nodes", "SELECT * FROM nodes").is_empty());

    let known = succeed(&mut server.command(&[
        "simulate",
        "dht",
        "--count",
        "3",
        "--messages",
        "4",
        "--interval",
        "20ms",
        "--adopt",
    ]));
    assert!(known.starts_with("3 devices: 12 messages sent, 12 acknowledged"), "{known}");
    let counted = "SELECT device, count(temperature) AS temperatures, count(humidity) AS humidities FROM nodes
        WHERE temperature BETWEEN 0 AND 40 AND humidity BETWEEN 0 AND 100 GROUP BY device ORDER BY device";
    let devices = names(&server, "/api/v1/devices", "devices");
    assert_eq!(devices.len(), 3);
    let expected: Vec<Vec<Value>> = devices.iter().map(|name| vec![json!(name), json!(4), json!(4)]).collect();
    assert_eq!(rows(&server, "nodes", counted), expected);
    // What the commands made for themselves is gone.
    assert!(!names(&server, "/api/v1/tokens", "tokens").contains(&"simulate".to_owned()));
}

#[test]
fn a_switch_obeys_and_ends_with_ctrl_c() {
    let server = Start::new().quiet().mqtt().start();
    let switch = Running::start(server.command(&["simulate", "switch", "--count", "1", "--interval", "100ms"]));
    let power = |is_on: bool| {
        let sql = format!("SELECT power FROM tasmota WHERE device = 'sonoff-1' AND power = {is_on} LIMIT 1");
        !rows(&server, "tasmota", &sql).is_empty()
    };
    // It hears commands before it tells anything.
    wait_for("the first state of the switch", || power(false).then_some(()));
    assert!(!power(true));
    let address = server.mqtt();
    let port = address.port().to_string();
    succeed(
        Command::new("mosquitto_pub")
            .args(["-h", &address.ip().to_string(), "-p", &port, "-u", "ada", "-P", TOKEN])
            .args(["-q", "1", "-t", "cmnd/sonoff-1/POWER", "-m", "ON"]),
    );
    wait_for("the switch to be on", || power(true).then_some(()));
    let said = switch.interrupt();
    assert!(said.starts_with("1 device: ") && said.contains("commands heard: 1"), "{said}");
    let devices = server.get("/api/v1/devices");
    assert_eq!(devices["devices"][0]["name"], "sonoff-1");
    let path = format!("/api/v1/devices/{}/tokens", devices["devices"][0]["id"].as_str().unwrap());
    assert_eq!(server.get(&path)["tokens"], json!([]));
}

#[test]
fn nodes_come_back_after_the_server_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let server = Start::at(&data_dir).quiet().mqtt().start();
    let address = server.mqtt().to_string();
    let nodes = Running::start(server.command(&["simulate", "dht", "--count", "2", "--interval", "50ms", "--adopt"]));
    let count = |server: &Server| {
        let counted = rows(server, "nodes", "SELECT count(*) FROM nodes");
        counted.first().and_then(|row| row[0].as_u64()).unwrap_or_default()
    };
    wait_for("some readings", || (count(&server) >= 4).then_some(()));
    server.kill();
    let server = Start::at(&data_dir).quiet().arg("--mqtt").arg(&address).start();
    let before = count(&server);
    wait_for("more readings", || (count(&server) >= before + 10).then_some(()));
    let said = nodes.interrupt();
    assert!(said.starts_with("2 devices: "), "{said}");
    assert!(!names(&server, "/api/v1/tokens", "tokens").contains(&"simulate".to_owned()));
}

#[test]
fn what_cannot_be_is_said_at_once() {
    let server = Start::new().quiet().mqtt().start();
    let broker = format!("mqtt://{}", server.mqtt());
    let args = ["simulate", "dht", "--count", "1", "--server", &broker, "--token", "nonsense"];
    let sentence = fail(&mut server.command(&args));
    assert!(sentence.contains("does not take the token") && sentence.contains("--token"), "{sentence}");
    // A token that only writes hears no commands.
    let key = succeed(&mut server.command(&["token", "create", "--name", "key", "--for-devices"]));
    let args = ["simulate", "switch", "--count", "1", "--server", &broker, "--token", key.trim()];
    let sentence = fail(&mut server.command(&args));
    assert!(sentence.contains("may not subscribe"), "{sentence}");

    let folder = tempfile::tempdir().unwrap();
    let sentence = fail(sensorium().args(["simulate", "dht", "--data-dir"]).arg(folder.path()));
    assert!(sentence.contains("--mqtt 0.0.0.0:1883") && sentence.contains("--server"), "{sentence}");
    let args =
        ["simulate", "dht", "--seconds", "1", "--count", "1", "--token", "any", "--server", "mqtt://127.0.0.1:1"];
    let sentence = fail(sensorium().args(args));
    assert!(sentence.contains("no device was ever connected") && sentence.contains("mqtt://127.0.0.1:1"), "{sentence}");
}
