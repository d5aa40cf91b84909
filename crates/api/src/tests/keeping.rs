//! Retention and deletion over HTTP.

use axum::http::Method;
use sensorium_model::Role;
use serde_json::{Value, json};

use super::server::{Server, failure};

const DELETE: &str = "/api/v1/databases/main/tables/t/delete";

async fn written() -> (Server, String) {
    let (server, owner) = Server::set_up().await;
    let token = server.token(&owner, None, true, true).await;
    let lines =
        "t,place=a v=1 1700000000000000000\nt,place=b v=2 1700000000000000000\nt,place=a v=3 1700000001000000000";
    let reply = server.post("/write?db=main").token(&token).body(lines).send().await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    (server, token)
}

async fn last(server: &Server, token: &str) -> Vec<Value> {
    let reply = server.get("/api/v1/databases/main/last?table=t").token(token).send().await.json();
    reply["tables"][0]["series"].as_array().unwrap().iter().map(|one| one["fields"]["v"]["value"].clone()).collect()
}

#[tokio::test]
async fn readings_of_a_span_and_a_tag_are_deleted() {
    let (server, _) = written().await;
    let admin = server.cookie("ada").await;
    let body = json!({"start": "2023-11-14T22:13:21Z", "stop": "2023-11-14T22:13:22Z", "tags": {"place": "a"}});
    let reply = server.post(DELETE).cookie(&admin).json(&body).send().await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    let reply = server.get("/api/v1/databases/main/last?table=t").cookie(&admin).send().await.json();
    assert_eq!(reply["tables"][0]["series_total"], 2);
    for (body, sentence) in [
        (json!({"start": "yesterday", "stop": "2023-11-14T22:13:22Z"}), "is no time"),
        (json!({"start": "2023-11-14T22:13:22Z", "stop": "2023-11-14T22:13:22Z"}), "nothing would be deleted"),
        (json!({"start": "2023-11-14T22:13:22Z"}), "stop"),
    ] {
        let reply = server.post(DELETE).cookie(&admin).json(&body).send().await;
        assert_eq!(reply.failure(), failure(400, "invalid"));
        assert!(reply.text().contains(sentence), "{}", reply.text());
    }
    let reply = server.post("/api/v1/databases/main/tables/none/delete").cookie(&admin).json(&body).send().await;
    assert_eq!(reply.failure(), failure(404, "missing"));
}

#[tokio::test]
async fn what_is_older_than_it_is_kept_is_gone() {
    let (server, token) = written().await;
    assert_eq!(last(&server, &token).await.len(), 2);
    let admin = server.cookie("ada").await;
    let address = "/api/v1/databases/main/retention";
    let reply = server.call(Method::PUT, address).cookie(&admin).json(&json!({"keep_seconds": 3_600})).send().await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    let own = "/api/v1/databases/main/tables/t/retention";
    let reply = server.call(Method::PUT, own).cookie(&admin).json(&json!({"keep_seconds": 7_200})).send().await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    let reply = server.get(address).cookie(&admin).send().await.json();
    assert_eq!(reply, json!({"keep_seconds": 3_600, "tables": {"t": 7_200}}));
    assert_eq!(last(&server, &token).await, [] as [Value; 0]);
    let late = server.post("/write?db=main").token(&token).body("t v=1 1700000000000000000").send().await;
    assert_eq!(late.status, 400, "{}", late.text());
    assert!(late.text().contains("7200 s"), "{}", late.text());
    let reply = server.call(Method::PUT, address).cookie(&admin).json(&json!({"keep_seconds": 1})).send().await;
    assert_eq!(reply.failure(), failure(400, "invalid"));
}

#[tokio::test]
async fn only_administrators_of_the_organisation_manage_what_is_kept() {
    let (server, _) = written().await;
    server.user(server.first.org, "eddie", Role::Editor).await;
    server.stranger().await;
    let body = json!({"start": "2023-01-01T00:00:00Z", "stop": "2024-01-01T00:00:00Z"});
    for (login, answer) in [("eddie", failure(403, "denied")), ("eve", failure(404, "missing"))] {
        let cookie = server.cookie(login).await;
        for address in ["/api/v1/databases/main/retention", "/api/v1/databases/main/tables/t/retention"] {
            let put = server.call(Method::PUT, address).cookie(&cookie).json(&json!({"keep_seconds": 60})).send().await;
            assert_eq!(put.failure(), answer, "{login} {address}");
        }
        let reply = server.post(DELETE).cookie(&cookie).json(&body).send().await;
        assert_eq!(reply.failure(), answer, "{login}");
    }
}
