//! Who gets in where.

use axum::http::Method;
use sensorium_model::Role;
use serde_json::{Value, json};

use super::server::{HOME, Server, failure};
use crate::ApiConfig;

/// Every documented operation: method, path with its parameters filled in, and whether it is open to anyone.
fn operations() -> Vec<(Method, String, bool)> {
    let document = serde_json::to_value(crate::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let open = operation["security"].as_array().is_some_and(|ways| ways.contains(&json!({})));
            let path = path
                .replace("{id}", "0190163d-8694-739b-aea5-966c26f8ad91")
                .replace("{database}", "main")
                .replace("{table}", "t");
            operations.push((method.to_uppercase().parse().unwrap(), path, open));
        }
    }
    operations
}

#[tokio::test]
async fn without_a_credential_only_open_addresses_answer() {
    let (server, _) = Server::set_up().await;
    let mut closed = 0;
    for (method, path, open) in operations() {
        let query = if path.contains("write") { "?db=main&bucket=main" } else { "?db=main&q=SELECT%201" };
        let reply = server.call(method.clone(), &format!("{path}{query}")).send().await;
        if open {
            assert!(reply.status.as_u16() != 401, "{method} {path} is documented as open");
        } else {
            // Addresses of InfluxDB answer in its words.
            match path.starts_with("/api/v1/") {
                true => {
                    assert_eq!(reply.failure(), failure(401, "unauthenticated"), "{method} {path}");
                    assert!(reply.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
                }
                false => assert_eq!(reply.status.as_u16(), 401, "{method} {path}"),
            }
            closed += 1;
        }
    }
    assert!(closed >= 9, "{closed}");
}

#[tokio::test]
async fn a_wrong_credential_is_refused_even_where_none_is_needed_less() {
    let (server, _) = Server::set_up().await;
    for (name, value) in [
        ("authorization", "Bearer sen_unknown"),
        ("authorization", "Token sen_unknown"),
        ("authorization", "Basic YWRhOndyb25nIHBhc3N3b3Jk"),
        ("authorization", "nonsense"),
        ("cookie", "sensorium_session=unknown"),
    ] {
        let reply = server.get("/api/v1/databases").header(name, value).send().await;
        assert_eq!(reply.failure(), failure(401, "unauthenticated"), "{name}: {value}");
    }
    let reply = server.get("/api/v1/databases?u=ada&p=wrong%20password").send().await;
    assert_eq!(reply.failure(), failure(401, "unauthenticated"));
}

#[tokio::test]
async fn every_kind_of_credential_is_accepted() {
    let (server, owner) = Server::set_up().await;
    let token = server.token(&owner, None, true, false).await;
    let cookie = server.cookie("ada").await;
    let calls = [
        server.get("/api/v1/databases").header("authorization", &format!("Bearer {token}")),
        server.get("/api/v1/databases").header("authorization", &format!("Token {token}")),
        server.get("/api/v1/databases").header("authorization", "Basic YWRhOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ=="),
        server.get("/api/v1/databases").header("authorization", &format!("Token any:{token}")),
        server.get(&format!("/api/v1/databases?u=any&p={token}")),
        server.get("/api/v1/databases?u=ada&p=correct%20horse%20battery"),
        server.get("/api/v1/databases").header("cookie", &format!("sensorium_session={cookie}")),
    ];
    for call in calls {
        let reply = call.send().await;
        assert_eq!(reply.json(), json!({"databases": [{"name": "main", "tables": 0}]}));
    }
}

#[tokio::test]
async fn a_page_of_another_site_cannot_use_the_cookie() {
    let (server, _) = Server::set_up().await;
    let cookie = server.cookie("ada").await;
    let body = json!({"name": "evil"});
    for forged in ["http://evil.example", "http://box:9999", "null"] {
        let call = server.post("/api/v1/databases").cookie(&cookie).origin(forged).json(&body);
        assert_eq!(call.send().await.failure(), failure(403, "denied"), "{forged}");
        let call = server.get("/ws/live").cookie(&cookie).origin(forged).header("upgrade", "websocket");
        let reply = call.header("connection", "upgrade").send().await;
        assert!(reply.status.is_client_error(), "{forged}: {}", reply.status);
    }
    let call = server.post("/api/v1/databases").header("cookie", &format!("sensorium_session={cookie}"));
    let reply = call.header("sec-fetch-site", "cross-site").json(&body).send().await;
    assert_eq!(reply.failure(), failure(403, "denied"));
    let reply = server.post("/api/v1/databases").cookie(&cookie).json(&body).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());

    let login = json!({"login": "ada", "password": super::server::PASSWORD});
    let reply = server.post("/api/v1/session").origin("http://evil.example").json(&login).send().await;
    assert_eq!(reply.failure(), failure(403, "denied"), "nor sign anyone in");
}

#[tokio::test]
async fn a_token_needs_no_origin() {
    let (server, owner) = Server::set_up().await;
    let token = server.token(&owner, None, true, true).await;
    let call = server.post("/api/v1/databases").token(&token).origin("http://elsewhere.example");
    assert_eq!(call.json(&json!({"name": "other"})).send().await.status, 201);
}

#[tokio::test]
async fn a_viewer_changes_nothing() {
    let (server, owner) = Server::set_up().await;
    server.user(owner.org, "vera", Role::Viewer).await;
    let cookie = server.cookie("vera").await;
    let denied = failure(403, "denied");
    let created = server.post("/api/v1/databases").cookie(&cookie).json(&json!({"name": "other"})).send().await;
    assert_eq!(created.failure(), denied);
    assert_eq!(server.get("/api/v1/tokens").cookie(&cookie).send().await.failure(), denied);
    let token = json!({"name": "x", "can_read": true, "can_write": false});
    assert_eq!(server.post("/api/v1/tokens").cookie(&cookie).json(&token).send().await.failure(), denied);
    let session = server.get("/api/v1/session").cookie(&cookie).send().await.json();
    assert_eq!((&session["user"]["role"], &session["can_write"]), (&json!("viewer"), &Value::Bool(false)));
    assert_eq!(server.get("/api/v1/databases/main/tables").cookie(&cookie).send().await.status, 200);
}

#[tokio::test]
async fn anonymous_readings_are_a_setting_and_open_nothing_else() {
    let server = Server::with(ApiConfig { anonymous_write: true, ..ApiConfig::default() }).await;
    server.database(server.first.org, "main").await;
    let reply = server.post("/write?db=main").body("room t=1").send().await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    for path in
        ["/api/v1/databases", "/api/v1/databases/main/tables", "/api/v1/tokens", "/api/v1/sql?db=main&q=SELECT%201"]
    {
        assert_eq!(server.get(path).send().await.failure(), failure(401, "unauthenticated"), "{path}");
    }
    let wrong = server.post("/write?db=main").token("sen_unknown").body("room t=1").send().await;
    assert_eq!(wrong.failure(), failure(401, "unauthenticated"));
}

#[tokio::test]
async fn a_browser_at_home_is_at_home() {
    let (server, _) = Server::set_up().await;
    let cookie = server.cookie("ada").await;
    let call = server.post("/api/v1/databases").cookie(&cookie).origin(HOME).json(&json!({"name": "x"}));
    assert_eq!(call.send().await.status, 201);
}
