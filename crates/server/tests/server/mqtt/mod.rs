//! The MQTT broker as a client sees it: the numbered statements of MQTT 5.0 that bind a server, each with tests of its own,
//! what 3.1.1 does differently, and what becomes of messages in the database.
//!
//! All tests but those that stop a server, need TLS or look at everything on it share one, so each has topics and client
//! identifiers of its own. Nothing but the end of a revoked certificate waits for time to pass: a packet is waited for, and that
//! none comes is shown by what comes
//! instead, mostly the answer to PINGREQ.
//!
//! `covers!` names the statements that a test covers. `docs/mqtt-conformance.md` is made of them.

use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::json;

use crate::support::{Server, Start, block_on, client as http};

/// Names statements of the standard that a test covers.
macro_rules! covers {
    ($($statement:literal),+ $(,)?) => {
        $crate::mqtt::document::assert_known(&[$($statement),+])
    };
}

mod admin;
mod certificates;
mod client;
mod connack;
mod connect;
mod devices;
mod document;
mod flow;
mod largest;
mod malformed;
mod properties;
mod publish;
mod qos;
mod restart;
mod retain;
mod session;
mod shared;
mod stored;
mod subscribe;
mod topics;
mod version3;
mod websocket;
mod will;

const LOGIN: &str = "ada";
const PASSWORD: &str = "correct horse battery";

/// A payload as devices send them.
const PAYLOAD: &str = r#"{"value":1}"#;

/// The server of these tests, with somebody who may sign in.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<(Server, Child)> = OnceLock::new();
    let (server, _) = SERVER.get_or_init(|| {
        let server = Start::new().quiet().mqtt().arg("--mqtt-websocket").start();
        let reaper = end_with_this_process(&server);
        let code = server.opened().split("#code=").nth(1).unwrap();
        let body = json!({"code": code, "organisation": "Lab", "login": LOGIN, "password": PASSWORD});
        let request = http().post(format!("{}/api/v1/setup", server.url())).json(&body);
        assert_eq!(block_on(async { request.send().await.unwrap().status() }), 201);
        (server, reaper)
    });
    server
}

/// Nothing drops what is static: when this process ends, its end of the pipe closes, and a shell ends the server and removes
/// its folder.
pub(crate) fn end_with_this_process(server: &Server) -> Child {
    let folder = server.data_dir().parent().unwrap();
    Command::new("sh")
        .args(["-c", r#"read -r _; kill -9 "$1"; rm -rf "$2""#, "reaper", &server.pid().to_string()])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A payload that is told from others.
fn numbered(number: usize) -> String {
    format!(r#"{{"value":{number}}}"#)
}
