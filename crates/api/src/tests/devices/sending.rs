//! What devices send with tokens of their own.

use axum::http::Method;
use sensorium_model::{DatabaseKey, DatabaseName};
use serde_json::{Value, json};

use super::{device, failure, path, start, token};
use crate::tests::server::Server;

/// The series of a table.
fn series(server: &Server, table: &str) -> Vec<String> {
    let key = DatabaseKey::new(server.first.org, DatabaseName::new("main").unwrap());
    let rows = server.state.store.last_values(&key, table);
    rows.into_iter().map(|row| row.series.as_str().to_owned()).collect()
}

#[tokio::test]
async fn every_way_of_writing_tags_what_a_device_sends() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let secret = token(&server, &ada, &attic).await;
    let lines = "lines,room=x v=1\nlines,device=attic v=2\nlines,device=cellar v=3\nlines,device=attic,room=y v=4";
    let reply = server.post("/write?db=main").token(&secret).body(lines).send().await;
    assert_eq!(reply.status, 400);
    let refused = reply.json();
    assert_eq!((&refused["accepted"], &refused["rejected"][0]["line"]), (&json!(3), &json!(3)), "{refused}");
    assert!(refused["rejected"][0]["error"].as_str().unwrap().contains("\"attic\""), "{refused}");
    assert_eq!(series(&server, "lines"), ["device=attic,room=x", "device=attic", "device=attic,room=y"]);

    let bucket =
        server.post("/api/v2/write?bucket=main").token(&secret).body("bucket v=1\nbucket,device=x v=1").send().await;
    assert_eq!(bucket.json()["rejected"].as_array().unwrap().len(), 1);
    assert_eq!(series(&server, "bucket"), ["device=attic"]);

    let items =
        json!([{"v": 1}, {"tags": {"device": "cellar"}, "v": 2}, {"device": "attic", "v": 3}, {"device": "x", "v": 4}]);
    let reply = server.post("/api/v1/readings?db=main&table=items").token(&secret).json(&items).send().await;
    let told = reply.json();
    let refused: Vec<_> = told["rejected"].as_array().unwrap().iter().map(|row| row["line"].clone()).collect();
    assert_eq!((&told["accepted"], refused), (&json!(2), vec![json!(2), json!(4)]), "{told}");
    assert_eq!(series(&server, "items"), ["device=attic"]);

    let frame = json!({"camera": "door", "objects": [{"class": "cat", "score": 0.9, "bbox": [1, 2, 3, 4]}]});
    let reply = server.post("/api/v1/detections?db=main").token(&secret).json(&frame).send().await;
    assert_eq!(reply.json()["accepted"], 1, "{}", reply.text());
    assert!(series(&server, "detections").iter().all(|key| key.contains("device=attic")));

    let person = server.token(&sensorium_model::Principal::system(server.first.org), None, true, true).await;
    let reply = server.post("/write?db=main").token(&person).body("free v=1\nfree,device=any v=2").send().await;
    assert_eq!((reply.status.as_u16(), series(&server, "free")), (204, vec![String::new(), "device=any".into()]));

    let shown = server.get(&path("devices", &attic)).cookie(&ada).send().await.json();
    let status = &shown["status"];
    assert_eq!((&status["rows"], &status["messages"], &status["errors"]), (&json!(7), &json!(4), &json!(4)));
    assert!(status["last_seen_at"].is_string(), "{status}");
}

#[tokio::test]
async fn a_device_reads_nothing() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let secret = token(&server, &ada, &attic).await;
    server.post("/write?db=main").token(&secret).body("room v=1\nnonsense").send().await;
    for denied in [
        "/api/v1/databases/main/tables",
        "/api/v1/databases/main/last",
        "/api/v1/sql?db=main&q=SELECT%201",
        "/api/v1/live?db=main&table=room",
        "/api/v1/devices",
        "/api/v1/device-types",
        "/api/v1/tokens",
        "/api/v1/audit",
        "/api/v1/users",
        "/api/v1/queries",
        "/metrics",
    ] {
        assert_eq!(server.get(denied).token(&secret).send().await.failure(), failure(403, "denied"), "{denied}");
    }
    let databases = server.get("/api/v1/databases").token(&secret).send().await;
    assert_eq!(databases.json(), json!({"databases": []}));
    let rejections = server.get("/api/v1/rejections").token(&secret).send().await;
    assert_eq!(rejections.json(), json!({"total": 0, "rejections": []}));
    let create = server.post("/api/v1/databases").token(&secret).json(&json!({"name": "mine"})).send().await;
    assert_eq!(create.failure(), failure(403, "denied"));
    // Where a name and a password are sent, the password may be the token.
    let basic = server.post(&format!("/write?db=main&u=x&p={secret}")).body("room,device=cellar v=1").send().await;
    assert_eq!(basic.json()["rejected"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_disabled_device_is_refused_by_the_next_request() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let secret = token(&server, &ada, &attic).await;
    let write = async || server.post("/write?db=main").token(&secret).body("room v=1").send().await.status.as_u16();
    let change = async |body: Value| {
        let reply = server.call(Method::PATCH, &path("devices", &attic)).cookie(&ada).json(&body).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    assert_eq!(write().await, 204);
    change(json!({"version": 1, "enabled": false})).await;
    assert_eq!(write().await, 401);
    change(json!({"version": 2, "enabled": true, "name": "cellar"})).await;
    assert_eq!(write().await, 204);
    assert_eq!(series(&server, "room"), ["device=attic", "device=cellar"]);
    let gone = server.delete(&format!("{}?version=3", path("devices", &attic))).cookie(&ada).send().await;
    assert_eq!(gone.status, 204);
    assert_eq!(write().await, 401);
}

#[tokio::test]
async fn requests_that_fail_as_a_whole_are_counted() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let secret = token(&server, &ada, &attic).await;
    for (path, body) in
        [("/write?db=nowhere", "a v=1"), ("/write?db=main&precision=x", "a v=1"), ("/api/v1/readings?db=main", "[")]
    {
        let reply = server.post(path).token(&secret).body(body).send().await;
        assert!(reply.status.is_client_error(), "{path}: {}", reply.text());
    }
    let shown = server.get(&path("devices", &attic)).cookie(&ada).send().await.json();
    let status = &shown["status"];
    assert_eq!((&status["rows"], &status["messages"], &status["errors"]), (&json!(0), &json!(3), &json!(3)));
    assert_eq!(server.state.metadata.save_device_activity().await.unwrap(), 1);
    let listed = server.get("/api/v1/devices?sort=last_seen&order=desc").cookie(&ada).send().await.json();
    assert_eq!(listed["devices"][0]["status"], *status);
}
