//! One's own password and sessions over HTTP.

use axum::http::Method;
use serde_json::json;

use super::server::{PASSWORD, Server, failure};

#[tokio::test]
async fn a_password_is_changed_and_other_sessions_end() {
    let (server, owner) = Server::set_up().await;
    let (here, elsewhere) = (server.cookie("ada").await, server.cookie("ada").await);
    let change = |current: &str| {
        let body = json!({"current": current, "new": "another horse battery"});
        server.call(Method::PUT, "/api/v1/account/password").cookie(&here).json(&body)
    };
    let wrong = change("wrong").send().await;
    assert_eq!(wrong.failure(), failure(403, "denied"), "a session does not end by a slip");
    let changed = change(PASSWORD).send().await;
    assert_eq!(changed.status, 204, "{}", changed.text());
    assert_eq!(server.get("/api/v1/session").cookie(&here).send().await.status, 200);
    assert_eq!(server.get("/api/v1/session").cookie(&elsewhere).send().await.status, 401);
    for _ in 0..5 {
        change("wrong").send().await;
    }
    assert_eq!(change("another horse battery").send().await.failure(), failure(429, "busy"));
    let token = server.token(&owner, None, true, true).await;
    let body = json!({"current": PASSWORD, "new": PASSWORD});
    let program = server.call(Method::PUT, "/api/v1/account/password").token(&token).json(&body).send().await;
    assert_eq!(program.failure(), failure(403, "denied"));
}

#[tokio::test]
async fn sessions_are_listed_with_where_they_are_and_ended() {
    let (server, _) = Server::set_up().await;
    let here = server.cookie("ada").await;
    let body = json!({"login": "ada", "password": PASSWORD});
    let phone = server.post("/api/v1/session").peer([10, 0, 0, 9]).header("user-agent", "a phone").json(&body);
    let phone = phone.send().await.cookie().unwrap();
    let listed = server.get("/api/v1/account/sessions").cookie(&here).send().await.json();
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|session| session["is_current"] == false).unwrap();
    assert_eq!((&other["address"], &other["user_agent"]), (&json!("10.0.0.9"), &json!("a phone")));
    let path = format!("/api/v1/account/sessions/{}", other["id"].as_str().unwrap());
    assert_eq!(server.delete(&path).cookie(&here).send().await.status, 204);
    assert_eq!(server.get("/api/v1/session").cookie(&phone).send().await.status, 401);
    assert_eq!(server.delete(&path).cookie(&here).send().await.failure(), failure(404, "missing"));

    server.cookie("ada").await;
    server.cookie("ada").await;
    let ended = server.delete("/api/v1/account/sessions").cookie(&here).send().await;
    assert_eq!(ended.json(), json!({"ended": 2}));
    assert_eq!(server.get("/api/v1/session").cookie(&here).send().await.status, 200);
}
