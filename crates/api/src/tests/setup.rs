//! The first administrator over HTTP.

use serde_json::{Value, json};

use super::server::{HOME, Server, failure};
use crate::ApiConfig;

fn request(server: &Server) -> Value {
    let code = server.first.setup_code.as_deref().unwrap();
    json!({"code": code, "organisation": "Lab", "login": "ada", "password": "correct horse battery"})
}

#[tokio::test]
async fn the_code_creates_one_administrator() {
    let server = Server::start().await;
    assert_eq!(server.get("/api/v1/setup").send().await.json(), json!({"needed": true}));
    let mut wrong = request(&server);
    wrong["code"] = json!("aaaa-bbbb-cccc-dddd-eeee");
    let reply = server.post("/api/v1/setup").origin(HOME).json(&wrong).send().await;
    assert_eq!(reply.failure(), failure(401, "unauthenticated"));

    let reply = server.post("/api/v1/setup").origin(HOME).json(&request(&server)).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let body = reply.json();
    assert_eq!((&body["user"]["login"], &body["user"]["role"]), (&json!("ada"), &json!("owner")));
    assert_eq!((&body["organisation"]["name"], &body["can_write"]), (&json!("Lab"), &json!(true)));
    let session = server.get("/api/v1/session").cookie(&reply.cookie().unwrap()).send().await;
    assert_eq!(session.json(), body);

    assert_eq!(server.get("/api/v1/setup").send().await.json(), json!({"needed": false}));
    let again = server.post("/api/v1/setup").origin(HOME).json(&request(&server)).send().await;
    assert_eq!(again.failure(), failure(409, "conflict"));
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let server = Server::start().await;
    for (field, value, word) in [
        ("password", json!("short"), "10 characters"),
        ("login", json!("a b"), "login"),
        ("organisation", json!(" "), "organisation"),
        ("login", json!(7), "login"),
    ] {
        let mut bad = request(&server);
        bad[field] = value;
        let reply = server.post("/api/v1/setup").json(&bad).send().await;
        assert_eq!(reply.failure(), failure(400, "invalid"));
        assert!(reply.text().contains(word), "{field}: {}", reply.text());
    }
    for body in ["", "{", "[]"] {
        let reply = server.post("/api/v1/setup").header("content-type", "application/json").body(body).send().await;
        assert_eq!(reply.failure(), failure(400, "invalid"), "{body:?}");
    }
    let large = format!("{{\"code\":\"{}\"}}", "x".repeat(crate::SMALL_BODY_BYTES));
    let reply = server.post("/api/v1/setup").header("content-type", "application/json").body(large).send().await;
    assert_eq!(reply.failure(), failure(413, "too_large"));
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let server = Server::start().await;
    let mut wrong = request(&server);
    wrong["code"] = json!("guess");
    for _ in 0..5 {
        let reply = server.post("/api/v1/setup").json(&wrong).send().await;
        assert_eq!(reply.failure(), failure(401, "unauthenticated"));
    }
    let reply = server.post("/api/v1/setup").json(&wrong).send().await;
    assert_eq!(reply.failure(), failure(429, "busy"));
    assert!(reply.header("retry-after").parse::<u32>().unwrap() >= 1);
}

#[tokio::test]
async fn under_tls_the_cookie_is_secure() {
    let server = Server::with(ApiConfig { tls: true, ..ApiConfig::default() }).await;
    let reply = server.post("/api/v1/setup").json(&request(&server)).send().await;
    assert!(reply.header("set-cookie").ends_with("; Secure"), "{}", reply.header("set-cookie"));
}
