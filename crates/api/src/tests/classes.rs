//! Classes of people and their quotas over HTTP.

use axum::http::Method;
use sensorium_model::Role;
use serde_json::{Value, json};

use super::server::{Server, failure};

/// Adds a class as `ada`.
async fn class(server: &Server, ada: &str, body: &Value) -> Value {
    let reply = server.post("/api/v1/classes").cookie(ada).json(body).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

/// Puts the editor `edith` into a class.
async fn put_edith_into(server: &Server, ada: &str, class: &Value) {
    let people = server.get("/api/v1/users").cookie(ada).send().await.json();
    let edith = people["users"].as_array().unwrap().iter().find(|user| user["login"] == "edith").unwrap();
    let body = json!({"version": edith["version"], "class": class["id"]});
    let path = format!("/api/v1/users/{}", edith["id"].as_str().unwrap());
    let changed = server.call(Method::PATCH, &path).cookie(ada).json(&body).send().await;
    assert_eq!(changed.json()["class"], json!({"id": class["id"], "name": class["name"]}), "{}", changed.text());
}

#[tokio::test]
async fn a_class_is_added_changed_and_deleted_and_a_late_change_gets_the_current_one() {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    let guests = class(&server, &ada, &json!({"name": "<i>Guests</i>", "quotas": {"devices": 2}})).await;
    let expected = json!({"devices": 2, "points_per_second": null, "retention_days": null});
    assert_eq!(
        (&guests["name"], &guests["quotas"], &guests["people"]),
        (&json!("<i>Guests</i>"), &expected, &json!(0))
    );
    let path = format!("/api/v1/classes/{}", guests["id"].as_str().unwrap());
    let body = json!({"version": 1, "quotas": {"devices": null, "points_per_second": 7}});
    let changed = server.call(Method::PATCH, &path).cookie(&ada).json(&body).send().await.json();
    assert_eq!(changed["quotas"], json!({"devices": null, "points_per_second": 7, "retention_days": null}));
    let late = server.call(Method::PATCH, &path).cookie(&ada).json(&body).send().await;
    assert_eq!((late.failure(), &late.json()["current"]), (failure(409, "conflict"), &changed));
    assert_eq!(server.get("/api/v1/classes").cookie(&ada).send().await.json()["classes"], json!([changed]));
    for wrong in [
        json!({"name": "x", "quotas": {"device": 2}}),
        json!({"name": "x", "quotas": {"devices": -1}}),
        json!({"name": "x", "quotas": {"points_per_second": 0}}),
        json!({"name": "a\u{0}b"}),
    ] {
        let refused = server.post("/api/v1/classes").cookie(&ada).json(&wrong).send().await;
        assert_eq!(refused.failure(), failure(400, "invalid"), "{wrong}");
    }
    server.user(server.first.org, "edith", Role::Editor).await;
    put_edith_into(&server, &ada, &changed).await;
    let used = server.delete(&format!("{path}?version=2")).cookie(&ada).send().await;
    assert_eq!(used.failure(), failure(409, "conflict"));
}

#[tokio::test]
async fn quotas_name_themselves_and_what_is_refused_is_counted_and_shown() {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    let edith = server.user(server.first.org, "edith", Role::Editor).await;
    let quotas = json!({"devices": 1, "points_per_second": 1, "retention_days": 30});
    let guests = class(&server, &ada, &json!({"name": "Guests", "quotas": quotas})).await;
    put_edith_into(&server, &ada, &guests).await;
    let token = server.token(&edith, None, true, true).await;

    let added = server.post("/api/v1/devices").token(&token).json(&json!({"name": "one"})).send().await;
    assert_eq!(added.status, 201, "{}", added.text());
    let refused = server.post("/api/v1/devices").token(&token).json(&json!({"name": "two"})).send().await;
    assert_eq!(refused.failure(), failure(403, "denied"));
    assert!(refused.text().contains("quota `devices` of class"), "{}", refused.text());

    let line = |count: usize| (0..count).map(|second| format!("t v=1 {second}000000000\n")).collect::<String>();
    let write = |body: String| server.post("/write?db=main").token(&token).body(body).send();
    assert_eq!(write(line(10)).await.status, 204);
    let slow = write(line(1)).await;
    assert_eq!((slow.failure(), slow.json()["retry_after_seconds"].as_u64()), (failure(429, "busy"), Some(1)));
    let large = write(line(11)).await;
    assert_eq!(large.failure(), failure(413, "too_large"));
    assert!(large.text().contains("at most 10 points come at once"), "{}", large.text());
    let shown = server.get("/api/v1/rejections").cookie(&ada).send().await;
    assert!(shown.text().contains("points_per_second"), "{}", shown.text());

    let created = server.post("/api/v1/databases").token(&token).json(&json!({"name": "hers"})).send().await;
    assert_eq!(created.status, 201, "{}", created.text());
    let kept = server.get("/api/v1/databases/hers/retention").token(&token).send().await.json();
    assert_eq!(kept["keep_seconds"], 30 * 86_400);
    let own = server.get("/api/v1/account/quotas").token(&token).send().await.json();
    assert_eq!(own, json!({"class": "Guests", "quotas": quotas, "devices_used": 1}));
    let free = server.get("/api/v1/account/quotas").cookie(&ada).send().await.json();
    assert_eq!((&free["class"], &free["devices_used"]), (&Value::Null, &json!(0)));
}
