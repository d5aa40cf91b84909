//! People and one-time links over HTTP.

use axum::http::Method;
use sensorium_model::Role;
use serde_json::{Value, json};

use super::server::{HOME, PASSWORD, Server, failure};

/// Invites somebody as `ada`; the answer.
async fn invite(server: &Server, ada: &str, login: &str, role: &str) -> Value {
    let body = json!({"login": login, "name": " <b>Vera</b> ", "role": role});
    let reply = server.post("/api/v1/users").cookie(ada).json(&body).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

async fn accept(server: &Server, link: &Value) -> super::server::Reply {
    let body = json!({"code": link["code"], "password": PASSWORD});
    server.post("/api/v1/invitations/accept").origin(HOME).json(&body).send().await
}

fn path(user: &Value) -> String {
    format!("/api/v1/users/{}", user["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_person_is_invited_accepts_is_suspended_and_deleted() {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    let invited = invite(&server, &ada, "vera", "editor").await;
    let user = &invited["user"];
    assert_eq!(
        (&user["name"], &user["role"], &user["status"]),
        (&json!("<b>Vera</b>"), &json!("editor"), &json!("pending"))
    );
    assert_eq!((&user["version"], &user["last_seen_at"]), (&json!(1), &Value::Null));
    assert_eq!(user["link"]["purpose"], "invitation");
    let code = invited["link"]["code"].as_str().unwrap();
    let shown = server.get(&path(user)).cookie(&ada).send().await;
    assert_eq!(&shown.json(), user);
    assert!(!shown.text().contains(code), "the code is shown once");

    let accepted = accept(&server, &invited["link"]).await;
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    assert_eq!(accepted.json()["user"]["login"], "vera");
    let vera = accepted.cookie().unwrap();
    assert_eq!(server.get("/api/v1/session").cookie(&vera).send().await.status, 200);
    assert_eq!(accept(&server, &invited["link"]).await.failure(), failure(401, "unauthenticated"));

    let listed = server.get("/api/v1/users").cookie(&ada).send().await.json();
    let logins: Vec<_> =
        listed["users"].as_array().unwrap().iter().map(|user| user["login"].as_str().unwrap()).collect();
    assert_eq!((logins, &listed["next"]), (vec!["ada", "vera"], &Value::Null));
    let page = server.get("/api/v1/users?limit=1").cookie(&ada).send().await.json();
    let next = server.get(&format!("/api/v1/users?limit=1&after={}", page["next"].as_str().unwrap()));
    assert_eq!(next.cookie(&ada).send().await.json()["users"][0]["login"], "vera");
    let unknown = server.get("/api/v1/users?limit=1001").cookie(&ada).send().await;
    assert!(unknown.text().contains("1000") && unknown.status == 400, "{}", unknown.text());

    let body = json!({"version": 2, "status": "suspended"});
    let suspended = server.call(Method::PATCH, &path(user)).cookie(&ada).json(&body).send().await;
    assert_eq!(suspended.status, 200, "{}", suspended.text());
    assert_eq!(server.get("/api/v1/session").cookie(&vera).send().await.failure(), failure(401, "unauthenticated"));
    let late = server.call(Method::PATCH, &path(user)).cookie(&ada).json(&body).send().await;
    assert_eq!(late.failure(), failure(409, "conflict"));
    assert_eq!(late.json()["current"], suspended.json());
    let missing = server.call(Method::PATCH, &path(user)).cookie(&ada).json(&json!({"role": "viewer"})).send().await;
    assert_eq!(missing.failure(), failure(400, "invalid"), "a change names its version");
    assert!(missing.text().contains("version"), "{}", missing.text());

    let gone = server.delete(&format!("{}?version=3", path(user))).cookie(&ada).send().await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    assert_eq!(server.get(&path(user)).cookie(&ada).send().await.json()["status"], "deleted");
    let left = server.get("/api/v1/users").cookie(&ada).send().await.json();
    assert_eq!(left["users"].as_array().unwrap().len(), 1);
    let deleted = server.get("/api/v1/users?status=deleted").cookie(&ada).send().await.json();
    assert_eq!(deleted["users"][0]["login"], "vera");
}

#[tokio::test]
async fn the_last_owner_is_told_why_it_cannot_go() {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    let listed = server.get("/api/v1/users").cookie(&ada).send().await.json();
    let user = &listed["users"][0];
    for body in [json!({"version": 1, "role": "viewer"}), json!({"version": 1, "status": "suspended"})] {
        let reply = server.call(Method::PATCH, &path(user)).cookie(&ada).json(&body).send().await;
        assert_eq!(reply.failure(), failure(409, "conflict"));
        assert!(reply.text().contains("last active owner"), "{}", reply.text());
    }
    let reply = server.delete(&format!("{}?version=1", path(user))).cookie(&ada).send().await;
    assert_eq!(reply.failure(), failure(409, "conflict"));
}

#[tokio::test]
async fn a_taken_login_and_wrong_requests_are_explained() {
    let (server, owner) = Server::set_up().await;
    server.user(owner.org, "adam", Role::Administrator).await;
    let adam = server.cookie("adam").await;
    for (body, expected) in [
        (json!({"login": "ADA", "role": "viewer"}), failure(409, "conflict")),
        (json!({"login": "a b", "role": "viewer"}), failure(400, "invalid")),
        (json!({"login": "x".repeat(65), "role": "viewer"}), failure(400, "invalid")),
        (json!({"login": "x", "role": "king"}), failure(400, "invalid")),
        (json!({"login": "x", "name": "n".repeat(101), "role": "viewer"}), failure(400, "invalid")),
        (json!({"login": "x", "role": "owner"}), failure(403, "denied")),
    ] {
        let reply = server.post("/api/v1/users").cookie(&adam).json(&body).send().await;
        assert_eq!(reply.failure(), expected, "{body}");
    }
    let token = server.token(&owner, None, true, true).await;
    let body = json!({"login": "x", "role": "viewer"});
    let by_token = server.post("/api/v1/users").token(&token).json(&body).send().await;
    assert_eq!(by_token.failure(), failure(403, "denied"));
}

#[tokio::test]
async fn links_are_made_again_revoked_and_reset_passwords() {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    let invited = invite(&server, &ada, "vera", "viewer").await;
    let of_vera = path(&invited["user"]);
    let second = server.post(&format!("{of_vera}/invitation")).cookie(&ada).send().await;
    assert_eq!(second.status, 201, "{}", second.text());
    assert_eq!(accept(&server, &invited["link"]).await.failure(), failure(401, "unauthenticated"));
    let early = server.post(&format!("{of_vera}/password-reset")).cookie(&ada).send().await;
    assert_eq!(early.failure(), failure(409, "conflict"));
    assert_eq!(accept(&server, &second.json()).await.status, 200);
    let none = server.delete(&format!("{of_vera}/invitation")).cookie(&ada).send().await;
    assert_eq!(none.failure(), failure(404, "missing"));

    let reset = server.post(&format!("{of_vera}/password-reset")).cookie(&ada).send().await.json();
    let revoked = server.delete(&format!("{of_vera}/password-reset")).cookie(&ada).send().await;
    assert_eq!(revoked.status, 204);
    assert_eq!(accept(&server, &reset).await.failure(), failure(401, "unauthenticated"));
    let reset = server.post(&format!("{of_vera}/password-reset")).cookie(&ada).send().await.json();
    assert_eq!(accept(&server, &reset).await.status, 200);
    let forged = server.post("/api/v1/invitations/accept").origin("http://evil.example");
    let forged = forged.json(&json!({"code": "x", "password": PASSWORD})).send().await;
    assert_eq!(forged.failure(), failure(403, "denied"), "a page of another site signs nobody in");
}

#[tokio::test]
async fn guessing_links_is_slowed_down() {
    let (server, _) = Server::set_up().await;
    let guess = json!({"code": "guess"});
    for _ in 0..5 {
        assert_eq!(accept(&server, &guess).await.failure(), failure(401, "unauthenticated"));
    }
    let limited = accept(&server, &guess).await;
    assert_eq!(limited.failure(), failure(429, "busy"));
    assert!(limited.header("retry-after").parse::<u32>().unwrap() >= 1);
}
