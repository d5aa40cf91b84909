//! The registry of devices over HTTP.

mod claims;
mod credentials;
mod import;
mod registry;
mod sending;
mod state;
mod types;

use serde_json::{Value, json};

use super::server::{Server, failure};

/// A server with the database `main`, and the cookie of `ada`.
async fn start() -> (Server, String) {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    (server, ada)
}

/// A new device.
async fn device(server: &Server, ada: &str, body: Value) -> Value {
    let reply = server.post("/api/v1/devices").cookie(ada).json(&body).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

/// The address of a device or a type.
fn path(of: &str, thing: &Value) -> String {
    format!("/api/v1/{of}/{}", thing["id"].as_str().unwrap())
}

/// The secret of a new token of a device.
async fn token(server: &Server, ada: &str, device: &Value) -> String {
    let tokens = format!("{}/tokens", path("devices", device));
    let reply = server.post(&tokens).cookie(ada).json(&json!({"name": "firmware"})).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["secret"].as_str().unwrap().to_owned()
}
