//! The stop: in order, within ten seconds, also when clients hang on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::support::{Server, Start, TOKEN, block_on, client};

const LIMIT: Duration = Duration::from_secs(10);

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

#[test]
fn sigterm_and_ctrl_c_end_with_zero() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let mut server = Server::start();
        assert_eq!(server.write("main", "t v=1").0, 204);
        let started = Instant::now();
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0), "{}", server.log());
        assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
    }
}

#[test]
fn what_was_written_is_there_after_an_orderly_stop() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let server = Start::at(&data_dir).quiet().start();
    assert_eq!(server.write("main", "t v=1 1700000000000000000\nt v=2 1700000000000000001").0, 204);
    assert!(server.stop().success());
    let server = Start::at(&data_dir).quiet().start();
    assert_eq!(server.query("SELECT sum(v) FROM t")[0][0], 3.0);
}

#[test]
fn what_a_device_did_last_is_there_after_an_orderly_stop() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let server = Start::at(&data_dir).quiet().start();
    let send = |server: &Server, method: Method, path: &str, body: &str| -> Value {
        let request = server.request(method, path).header("content-type", "application/json").body(body.to_owned());
        block_on(async { request.send().await.unwrap().json().await.unwrap() })
    };
    let device = send(&server, Method::POST, "/api/v1/devices", r#"{"name":"attic"}"#);
    let path = format!("/api/v1/devices/{}", device["id"].as_str().unwrap());
    let token = send(&server, Method::POST, &format!("{path}/tokens"), r#"{"name":"firmware"}"#);
    let write = client().post(format!("{}/write?db=main", server.url())).bearer_auth(token["secret"].as_str().unwrap());
    let written = block_on(async { write.body("t v=1\nt,device=cellar v=2").send().await.unwrap().status() });
    assert_eq!(written, 400, "one of the two lines is refused");
    assert!(server.stop().success());
    let server = Start::at(&data_dir).quiet().start();
    let status = send(&server, Method::GET, &path, "")["status"].clone();
    assert_eq!(
        (&status["rows"], &status["messages"], &status["errors"]),
        (&1.into(), &1.into(), &1.into()),
        "{status}"
    );
    assert_eq!(server.query("SELECT device FROM t"), [["attic"]]);
}

#[test]
fn a_request_under_way_is_answered_and_idle_clients_do_not_hold_up_the_end() {
    let mut server = Start::new().quiet().start();
    // One client that only connected, one with half a head, one with a live stream, one that is in the middle of a write.
    let idle = connect(&server);
    let mut half = connect(&server);
    half.write_all(b"GET / HT").unwrap();
    let mut live = connect(&server);
    let head = format!("GET /api/v1/live?db=main&table=* HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n\r\n");
    live.write_all(head.as_bytes()).unwrap();
    let mut writing = connect(&server);
    let head = format!(
        "POST /write?db=main HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 5\r\n\r\n"
    );
    writing.write_all(format!("{head}t ").as_bytes()).unwrap();
    // The server has read the heads when it answers a later connection of the same listener.
    assert_eq!(server.write("main", "u v=1").0, 204);

    let started = Instant::now();
    server.signal(rustix::process::Signal::TERM);
    writing.write_all(b"v=1").unwrap();
    let mut answer = String::new();
    writing.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
    drop((idle, half, live));
}
