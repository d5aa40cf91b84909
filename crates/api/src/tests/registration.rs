//! Asking to join over HTTP.

use axum::http::Method;
use serde_json::json;

use super::server::{HOME, PASSWORD, Server, failure};

#[tokio::test]
async fn somebody_asks_waits_and_is_let_in_with_a_role() {
    let server = Server::configured(|config| config.registration = true).await;
    assert_eq!(
        server.get("/api/v1/registration").send().await.json(),
        json!({"open": false, "oidc": null}),
        "nobody could decide"
    );
    server.user(server.first.org, "ada", sensorium_model::Role::Owner).await;
    assert_eq!(server.get("/api/v1/registration").send().await.json(), json!({"open": true, "oidc": null}));
    let body = json!({"login": "nina", "password": PASSWORD});
    let foreign = server.post("/api/v1/registration").origin("http://elsewhere").json(&body).send().await;
    assert_eq!(foreign.status, 403, "a page of another site");
    let asked = server.post("/api/v1/registration").origin(HOME).json(&body).send().await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    let again = server.post("/api/v1/registration").origin(HOME).json(&body).send().await;
    assert_eq!(again.failure(), failure(409, "conflict"));
    let waits = server.post("/api/v1/session").origin(HOME).json(&body).send().await;
    assert!(waits.status == 403 && waits.text().contains("no administrator has decided"), "{}", waits.text());

    let ada = server.cookie("ada").await;
    let people = server.get("/api/v1/users?status=pending").cookie(&ada).send().await.json();
    let nina = &people["users"][0];
    assert_eq!((&nina["login"], &nina["awaits_approval"]), (&json!("nina"), &json!(true)));
    let path = format!("/api/v1/users/{}", nina["id"].as_str().unwrap());
    let wanted = json!({"version": 1, "status": "active", "role": "editor"});
    let joined = server.call(Method::PATCH, &path).cookie(&ada).json(&wanted).send().await.json();
    assert_eq!((&joined["status"], &joined["role"]), (&json!("active"), &json!("editor")));
    assert_eq!(server.post("/api/v1/session").origin(HOME).json(&body).send().await.status, 200);
}

#[tokio::test]
async fn nobody_asks_where_it_is_not_set() {
    let (server, _) = Server::set_up().await;
    let body = json!({"login": "nina", "password": PASSWORD});
    let refused = server.post("/api/v1/registration").origin(HOME).json(&body).send().await;
    assert_eq!(refused.failure(), failure(403, "denied"));
    assert!(refused.text().contains("people.registration"), "{}", refused.text());
}
