//! Clients that others wrote: libcoap's, aiocoap, and txThings, which the laboratory uses.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{laboratory, server, with_token};
use crate::support::{Start, python, succeed};

/// A body in line protocol of more than a mebibyte, and how many readings are in it.
fn big(table: &str) -> (String, u64) {
    let mut body = String::new();
    let mut rows = 0;
    while body.len() <= 1 << 20 {
        writeln!(body, "{table},device=big value={rows} {}", 1_700_000_000_000_000_000_u64 + rows * 1_000_000_000)
            .unwrap();
        rows += 1;
    }
    (body, rows)
}

fn count(table: &str) -> Vec<Vec<Value>> {
    server().query(&format!("SELECT count(*) FROM {table}"))
}

/// libcoap's client; says what it printed.
fn libcoap(args: &[&str]) -> String {
    succeed(Command::new("coap-client-notls").args(args).stdin(Stdio::null()))
}

fn udp(path: &str) -> String {
    format!("coap://{}{path}", server().coap())
}

#[test]
fn libcoap_stores_and_shows_over_udp_and_tcp() {
    let tcp = |path: &str| format!("coap+tcp://{}{path}", server().coap_tcp());
    for (name, method, address) in
        [("udp_post", "post", udp("")), ("udp_put", "put", udp("")), ("tcp_put", "put", tcp(""))]
    {
        let stored = format!("{address}{}", with_token(&format!("/readings?table=libcoap&device={name}")));
        libcoap(&["-m", method, "-t", "0", "-e", "28.8", &stored]);
        let shown = libcoap(&["-m", "get", &format!("{address}{}", with_token(&format!("/devices/{name}/value")))]);
        assert_eq!(shown.trim(), "28.8", "{name}");
    }
}

#[test]
fn libcoap_sends_and_fetches_bodies_in_blocks() {
    let (body, rows) = big("libcoap_blocks");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("big.lp");
    std::fs::write(&file, body).unwrap();
    let file = file.to_str().unwrap();
    libcoap(&["-m", "put", "-t", "65000", "-b", "1024", "-f", file, "-B", "60", &udp(&with_token("/readings"))]);
    assert_eq!(count("libcoap_blocks"), [[json!(rows)]]);
    let fields: Vec<String> = (0..200).map(|number| format!("field_with_a_long_name_{number}={number}")).collect();
    server().write("main", &format!("libcoap_wide,device=wide {}", fields.join(",")));
    let shown = libcoap(&["-m", "get", "-b", "64", &udp(&with_token("/libcoap_wide?device=wide"))]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown.as_array().unwrap().len(), 200);
}

#[test]
fn libcoap_loses_a_datagram_and_the_reading_is_stored_once() {
    libcoap(&[
        "-m",
        "post",
        "-t",
        "0",
        "-e",
        "1",
        "-l",
        "1",
        "-B",
        "20",
        &udp(&with_token("/readings?table=libcoap_loss")),
    ]);
    assert_eq!(count("libcoap_loss"), [[json!(1)]]);
}

/// A program that goes on, and what it prints.
struct Printing {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Printing {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that is not empty.
    fn next(&mut self) -> String {
        loop {
            let line = self.lines.next().unwrap().unwrap();
            if !line.trim().is_empty() {
                return line.trim().to_owned();
            }
        }
    }
}

impl Drop for Printing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn libcoap_observes() {
    server().write("main", "libcoap_observed,device=libcoap_seen value=1");
    // Its output is buffered unless it is a terminal.
    let mut command = Command::new("stdbuf");
    command.args(["-oL", "coap-client-notls", "-s", "60", "-m", "get", "-w"]);
    let mut observer = Printing::start(command.arg(udp(&with_token("/devices/libcoap_seen/value"))));
    assert_eq!(observer.next(), "1");
    for value in ["2", "3"] {
        server().write("main", &format!("libcoap_observed,device=libcoap_seen value={value}"));
        assert_eq!(observer.next(), value);
    }
}

fn script(name: &str, args: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/coap").join(name);
    let mut command = Command::new(python().join("python3"));
    succeed(command.arg(path).args(args).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()))
}

#[test]
fn aiocoap_stores_shows_and_observes() {
    let (body, rows) = big("aiocoap_blocks");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("big.lp");
    std::fs::write(&file, body).unwrap();
    let address = format!("coap://{}", server().coap());
    script("with_aiocoap.py", &[&address, crate::support::TOKEN, file.to_str().unwrap()]);
    assert_eq!(count("aiocoap_blocks"), [[json!(rows)]]);
    assert_eq!(
        server().query("SELECT value FROM aiocoap ORDER BY time"),
        [[json!(28.8)], [json!(28.9)], [json!(29.0)]]
    );
}

#[test]
fn the_laboratorys_library_gets_the_answers_that_it_expects() {
    let server = laboratory::start(Start::new());
    let address = server.coap();
    script("with_txthings.py", &[&address.ip().to_string(), &address.port().to_string()]);
    for (table, value) in [("temperature", 28.8), ("humidity", 41.9)] {
        assert_eq!(
            server.query_in("dht", &format!("SELECT place, value FROM {table}")),
            [[json!("room1"), json!(value)]]
        );
    }
}
