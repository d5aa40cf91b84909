//! Code that templates make is really run: its first reading is in the database.
//!
//! A phone's and a board's own parts are played by `devices.py` and by small scripts; the network and the server are real.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Server, Start, TOKEN, block_on, wait_for};

/// A name that wants to be something else everywhere: quotes, a command, what line protocol parts, and what is not ASCII.
const PLACE: &str = "attic \"left\", $(exit 1) `exit 1` = 1' Büro";

/// A program that dies with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(command: &mut Command, log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        let errors = log.try_clone().unwrap();
        Self(command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().unwrap())
    }
}

/// The files that a template makes, in a folder of their own, which also holds a sensor that says 21500.
fn made(server: &Server, template: &str, more: Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sensor"), "21500\n").unwrap();
    let mut variables = json!({"device": "device-1", "server": server.url(), "token": TOKEN, "place": PLACE});
    for (name, value) in more.as_object().unwrap() {
        variables[name] = value.clone();
    }
    if variables.get("sensor_file").is_some() {
        variables["sensor_file"] = json!(folder.path().join("sens*r"));
    }
    let request = server.request(reqwest::Method::POST, &format!("/api/v1/templates/{template}/render"));
    let answer = block_on(async {
        let response = request.json(&json!({"variables": variables})).send().await.unwrap();
        response.json::<Value>().await.unwrap()
    });
    for file in answer["files"].as_array().unwrap_or_else(|| panic!("{answer}")) {
        let path = folder.path().join(file["name"].as_str().unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file["text"].as_str().unwrap()).unwrap();
    }
    folder
}

/// Waits for so many rows of a statement while a program runs.
fn rows(server: &Server, sql: &str, table: &str, count: usize, folder: &Path) -> Vec<Vec<Value>> {
    let said = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let exists = format!("SELECT count(*) FROM information_schema.tables WHERE table_name = '{table}'");
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_for("a reading", || {
            // Until the first reading, there is no table to ask.
            let exists = server.query(&exists)[0][0].as_u64() == Some(1);
            exists.then(|| server.query(sql)).filter(|rows| rows.len() >= count)
        })
    }));
    found.unwrap_or_else(|_| panic!("the program said:\n{}", said()))
}

fn start_in(folder: &TempDir, program: &str, arguments: &[PathBuf]) -> Running {
    let mut command = Command::new(program);
    let path = format!("{}:{}", folder.path().join("bin").display(), std::env::var("PATH").unwrap());
    command.args(arguments).current_dir(folder.path()).env("PATH", path);
    Running::start(&mut command, &folder.path().join("log"))
}

#[test]
fn the_python_program_sends_its_readings() {
    let server = Start::new().quiet().start();
    let folder = made(&server, "linux-python", json!({"sensor_file": "", "interval": 1}));
    let _program = start_in(&folder, "python3", &["-u".into(), folder.path().join("sensorium_sensor.py")]);
    let sql = "SELECT device, place, temperature FROM boards ORDER BY time";
    let rows = rows(&server, sql, "boards", 2, folder.path());
    assert_eq!(rows[0], [json!("device-1"), json!(PLACE), json!(21.5)]);
}

#[test]
fn the_shell_program_sends_its_readings() {
    let server = Start::new().quiet().start();
    let folder = made(&server, "shell-curl", json!({"sensor_file": "", "interval": 1}));
    // Names of files have no patterns here.
    let script = folder.path().join("sensorium-sensor.sh");
    let text = std::fs::read_to_string(&script).unwrap().replace("sens*r", "sensor");
    std::fs::write(&script, text).unwrap();
    let _program = start_in(&folder, "sh", &[script]);
    let sql = "SELECT device, place, temperature FROM boards ORDER BY time";
    let rows = rows(&server, sql, "boards", 2, folder.path());
    assert_eq!(rows[0], [json!("device-1"), json!(PLACE), json!(21.5)]);
}

#[test]
fn the_phones_program_sends_its_battery_and_a_sensor() {
    let server = Start::new().quiet().start();
    let folder = made(&server, "android-termux", json!({"sensor": "light", "interval": 5}));
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for (name, body) in [
        ("termux-wake-lock", ""),
        ("termux-wake-unlock", ""),
        ("termux-battery-status", r#"echo '{"percentage": 85, "status": "DISCHARGING"}'"#),
        ("termux-sensor", r#"[ "$1" = -c ] || echo '{"light": {"values": [23.5]}}'"#),
    ] {
        let path = bin.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).unwrap();
    }
    let _program = start_in(&folder, "sh", &[folder.path().join("sensorium-phone.sh")]);
    let sql = "SELECT device, place, battery_percentage, battery_status, sensor_light_values_0 FROM phones";
    let rows = rows(&server, sql, "phones", 1, folder.path());
    assert_eq!(rows[0], [json!("device-1"), json!(PLACE), json!(85.0), json!("DISCHARGING"), json!(23.5)]);
}

#[test]
fn the_micropython_program_sends_its_readings() {
    let server = Start::new().quiet().start();
    let folder = made(&server, "micropython-dht", json!({"wifi_ssid": "net", "interval": 2}));
    let player = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/devices.py");
    let _program = start_in(&folder, "python3", &["-u".into(), player, folder.path().join("main.py")]);
    let sql = "SELECT device, place, temperature, humidity FROM climate ORDER BY time";
    let rows = rows(&server, sql, "climate", 2, folder.path());
    assert_eq!(rows[0], [json!("device-1"), json!(PLACE), json!(21.5), json!(40.0)]);
}

#[test]
fn what_the_tasmota_rule_sends_is_taken() {
    let server = Start::new().quiet().start();
    let folder = made(&server, "tasmota-switch", json!({"place": "attic"}));
    let console = std::fs::read_to_string(folder.path().join("console.txt")).unwrap();
    // As Tasmota takes a WebQuery apart: address, method, headers in brackets, and what is left is the body.
    let rule = console.lines().find_map(|line| line.split_once("DO WebQuery ")).unwrap().1;
    let (url, rest) = rule.strip_suffix(" ENDON").unwrap().split_once(" POST [").unwrap();
    let (header, body) = rest.split_once(']').unwrap();
    let (name, value) = header.split_once(':').unwrap();
    let request = crate::support::client().post(url).header(name, value.trim()).body(body.replace("%var1%", "1"));
    assert_eq!(block_on(async { request.send().await.unwrap().status().as_u16() }), 204);
    let rows = server.query("SELECT device, place, power FROM switch");
    assert_eq!(rows, [[json!("device-1"), json!("attic"), json!(1.0)]]);
}
