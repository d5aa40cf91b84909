//! Signing in and out over HTTP.

use serde_json::json;

use super::server::{PASSWORD, Server, failure};

#[tokio::test]
async fn the_cookie_is_guarded_and_ends_with_the_session() {
    let (server, _) = Server::set_up().await;
    let body = json!({"login": "Ada", "password": PASSWORD});
    let reply = server.post("/api/v1/session").json(&body).send().await;
    let header = reply.header("set-cookie").to_owned();
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=2592000"] {
        assert!(header.contains(part), "{header}");
    }
    assert!(!header.contains("Secure"), "plain HTTP: {header}");
    assert_eq!(reply.header("cache-control"), "no-store");

    let cookie = reply.cookie().unwrap();
    assert_eq!(server.get("/api/v1/session").cookie(&cookie).send().await.status, 200);
    let out = server.delete("/api/v1/session").cookie(&cookie).send().await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    let after = server.get("/api/v1/session").cookie(&cookie).send().await;
    assert_eq!(after.failure(), failure(401, "unauthenticated"));
}

#[tokio::test]
async fn guessing_is_slowed_down_per_login_and_per_address() {
    let (server, _) = Server::set_up().await;
    let wrong = json!({"login": "ada", "password": "not the password"});
    for _ in 0..5 {
        let reply = server.post("/api/v1/session").peer([10, 0, 0, 99]).json(&wrong).send().await;
        assert_eq!(reply.failure(), failure(401, "unauthenticated"));
    }
    let right = json!({"login": "ada", "password": PASSWORD});
    let reply = server.post("/api/v1/session").peer([10, 0, 0, 99]).json(&right).send().await;
    assert_eq!(reply.failure(), failure(429, "busy"), "per login");
    assert_eq!(reply.json()["retry_after_seconds"], 1);
    assert_eq!(reply.header("retry-after"), "1");

    let mut last = String::new();
    for user in 0..21 {
        let body = json!({"login": format!("user{user}"), "password": "not the password"});
        let reply = server.post("/api/v1/session").peer([10, 9, 9, 9]).json(&body).send().await;
        last = reply.failure().1;
    }
    assert_eq!(last, "busy", "per address");
}

#[tokio::test]
async fn a_program_with_a_token_has_a_session_without_a_user() {
    let (server, owner) = Server::set_up().await;
    let token = server.token(&owner, None, true, false).await;
    let reply = server.get("/api/v1/session").token(&token).send().await.json();
    assert_eq!((&reply["user"], &reply["can_write"]), (&json!(null), &json!(false)));
    assert!(reply["organisation"]["id"].is_string());
}
