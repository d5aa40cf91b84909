//! CoAP as its peers see it: the laboratory's bytes, what is stored once, what is shown and to whom, observers, and clients that
//! others wrote.

mod client;
mod dtls;
mod laboratory;
mod multicast;
mod observe;
mod other_clients;
mod reliable;
mod resources;
mod restart;

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::{Server, Start, TOKEN, block_on, client as http};

/// How a server with tokens in queries is started, which tests do on the loopback address.
fn with_tokens() -> Start {
    Start::new()
        .quiet()
        .coap()
        .arg("--coap-tcp")
        .arg("127.0.0.1:0")
        .arg("--coap-websocket")
        .set("coap.tokens_in_plain", true)
}

/// A device of the registry, and a token of its own.
fn device(server: &Server, name: &str) -> (String, String) {
    let made = post(server, "/api/v1/devices", &json!({"name": name}));
    let id = made["id"].as_str().unwrap().to_owned();
    let token = post(server, &format!("/api/v1/devices/{id}/tokens"), &json!({"name": "its own"}));
    (id, token["secret"].as_str().unwrap().to_owned())
}

fn post(server: &Server, path: &str, body: &Value) -> Value {
    ask(local(server, reqwest::Method::POST, path).json(body))
}

/// A request of whoever runs the server.
fn local(server: &Server, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
    http().request(method, format!("{}{path}", server.url())).bearer_auth(server.local_token())
}

/// The answer to a request that succeeds.
fn ask(request: reqwest::RequestBuilder) -> Value {
    block_on(async { request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap() })
}

/// The server of tests that need none of their own; it ends with the process.
fn server() -> &'static Server {
    static SERVER: OnceLock<(Server, std::process::Child)> = OnceLock::new();
    &SERVER
        .get_or_init(|| {
            let server = with_tokens().start();
            let reaper = crate::mqtt::end_with_this_process(&server);
            (server, reaper)
        })
        .0
}

/// A path with the token that may do everything.
fn with_token(path: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}token={TOKEN}")
}
