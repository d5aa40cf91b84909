//! API tokens over HTTP.

use serde_json::json;

use super::server::{Server, failure};

#[tokio::test]
async fn a_token_is_shown_once_listed_and_revoked() {
    let (server, _) = Server::set_up().await;
    let cookie = server.cookie("ada").await;
    let body = json!({"name": "sensor", "database": "main", "can_read": false, "can_write": true});
    let created = server.post("/api/v1/tokens").cookie(&cookie).json(&body).send().await;
    assert_eq!(created.status, 201, "{}", created.text());
    let created = created.json();
    let secret = created["secret"].as_str().unwrap();
    assert!(secret.starts_with(created["token"]["hint"].as_str().unwrap()));
    assert_eq!(created["token"]["created_by"], "ada");
    assert_eq!(created["token"]["last_used_at"], json!(null));

    let write = server.post("/write?db=main").token(secret).body("room t=21.5").send().await;
    assert_eq!(write.status, 204, "{}", write.text());
    let denied = server.get("/api/v1/databases/main/tables").token(secret).send().await;
    assert_eq!(denied.failure(), failure(403, "denied"));

    let listed = server.get("/api/v1/tokens").cookie(&cookie).send().await;
    assert!(!listed.text().contains(secret));
    let listed = listed.json();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1);
    assert_eq!(listed["tokens"][0]["database"], "main");
    let used = listed["tokens"][0]["last_used_at"].as_str().unwrap();
    assert!(used.ends_with('Z') && used.contains('T'), "{used}");

    let path = format!("/api/v1/tokens/{}", created["token"]["id"].as_str().unwrap());
    assert_eq!(server.delete(&path).cookie(&cookie).send().await.status, 204);
    let write = server.post("/write?db=main").token(secret).body("room t=21.5").send().await;
    assert_eq!(write.failure(), failure(401, "unauthenticated"));
    assert_eq!(server.delete(&path).cookie(&cookie).send().await.failure(), failure(404, "missing"));
    let nonsense = server.delete("/api/v1/tokens/7").cookie(&cookie).send().await;
    assert_eq!(nonsense.failure(), failure(400, "invalid"));
}

#[tokio::test]
async fn wrong_requests_are_explained() {
    let (server, _) = Server::set_up().await;
    let cookie = server.cookie("ada").await;
    for body in [
        json!({"name": "", "can_read": true, "can_write": true}),
        json!({"name": "x", "can_read": false, "can_write": false}),
        json!({"name": "x", "database": "a/b", "can_read": true, "can_write": true}),
        json!({"name": "x"}),
    ] {
        let reply = server.post("/api/v1/tokens").cookie(&cookie).json(&body).send().await;
        assert_eq!(reply.failure(), failure(400, "invalid"), "{body}");
    }
}

#[tokio::test]
async fn a_token_makes_no_tokens() {
    let (server, owner) = Server::set_up().await;
    let token = server.token(&owner, None, true, true).await;
    let body = json!({"name": "x", "can_read": true, "can_write": true});
    let reply = server.post("/api/v1/tokens").token(&token).json(&body).send().await;
    assert_eq!(reply.failure(), failure(403, "denied"));
    assert_eq!(server.get("/api/v1/tokens").token(&token).send().await.failure(), failure(403, "denied"));
}

#[tokio::test]
async fn another_organisation_finds_no_token() {
    let (server, _) = Server::set_up().await;
    server.stranger().await;
    let ours = server.cookie("ada").await;
    let theirs = server.cookie("eve").await;
    let body = json!({"name": "ours", "can_read": true, "can_write": true});
    let created = server.post("/api/v1/tokens").cookie(&ours).json(&body).send().await.json();
    assert_eq!(server.get("/api/v1/tokens").cookie(&theirs).send().await.json(), json!({"tokens": []}));
    let path = format!("/api/v1/tokens/{}", created["token"]["id"].as_str().unwrap());
    assert_eq!(server.delete(&path).cookie(&theirs).send().await.failure(), failure(404, "missing"));
    assert_eq!(server.delete(&path).cookie(&ours).send().await.status, 204);
}
