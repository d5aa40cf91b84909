//! Listing and ending the queries that run.

use std::time::Duration;

use sensorium_model::Role;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::server::{Call, Reply, Server, failure};

/// Pairs for hours, and lets hardly a pair through, unless it is stopped.
const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 2000) a \
                       CROSS JOIN generate_series(1, 100000000000) b WHERE a.value + b.value = 7";

fn ask(server: &Server, sql: &str) -> Call {
    server.post("/api/v1/sql?db=main").header("content-type", "text/plain").body(sql.to_owned())
}

/// Starts a query that does not end, and waits until `list` shows that many.
async fn start(call: Call, server: &Server, cookie: &str, count: usize) -> (JoinHandle<Reply>, Vec<Value>) {
    let running = tokio::spawn(call.send());
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let listed = list(server, cookie).await;
        if listed.len() == count {
            return (running, listed);
        }
        assert!(tokio::time::Instant::now() < deadline, "{listed:?}");
        tokio::task::yield_now().await;
    }
}

async fn list(server: &Server, cookie: &str) -> Vec<Value> {
    let reply = server.get("/api/v1/queries").cookie(cookie).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["queries"].as_array().unwrap().clone()
}

fn path(query: &Value) -> String {
    format!("/api/v1/queries/{}", query["id"].as_str().unwrap())
}

#[tokio::test]
async fn an_administrator_sees_and_ends_the_queries_of_the_organisation() {
    let (server, owner) = Server::set_up().await;
    server.user(owner.org, "vera", Role::Viewer).await;
    let (ada, vera) = (server.cookie("ada").await, server.cookie("vera").await);
    let token = server.token(&owner, None, true, false).await;
    assert_eq!(list(&server, &ada).await, Vec::<Value>::new());

    let (of_vera, listed) = start(ask(&server, ENDLESS).cookie(&vera), &server, &ada, 1).await;
    let query = &listed[0];
    assert_eq!((&query["asked_by"], &query["asked_with"]), (&"vera".into(), &"user".into()), "{query}");
    assert_eq!((&query["query"], &query["database"]), (&ENDLESS.into(), &"main".into()));
    assert!(query["started_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{query}");
    assert!(query["elapsed_ms"].as_f64().is_some() && query["memory_bytes"].as_u64().is_some(), "{query}");
    let (of_token, listed) = start(ask(&server, ENDLESS).token(&token), &server, &ada, 2).await;
    assert_eq!((&listed[1]["asked_by"], &listed[1]["asked_with"]), (&"test".into(), &"token".into()), "{listed:?}");

    assert_eq!(server.delete(&path(&listed[0])).cookie(&ada).send().await.status, 204);
    let ended = of_vera.await.unwrap();
    assert_eq!(ended.failure(), failure(409, "conflict"));
    assert!(ended.text().contains("administrator"), "{}", ended.text());
    let kill = format!("KILL '{}'", listed[1]["id"].as_str().unwrap());
    let killed = ask(&server, &kill).cookie(&ada).send().await;
    assert_eq!((killed.status.as_u16(), &killed.json()["rows"][0][0]), (200, &listed[1]["id"]), "{}", killed.text());
    assert_eq!(of_token.await.unwrap().failure(), failure(409, "conflict"));
    let log = server.state.metadata.audit_log(&owner, 10).await.unwrap();
    assert_eq!(
        log.iter().filter(|entry| (entry.action.as_str(), entry.subject.as_str()) == ("ended", "query")).count(),
        2
    );
}

#[tokio::test]
async fn queries_can_be_listed_in_sql() {
    let (server, owner) = Server::set_up().await;
    server.user(owner.org, "vera", Role::Viewer).await;
    let (ada, vera) = (server.cookie("ada").await, server.cookie("vera").await);
    let (running, listed) = start(ask(&server, ENDLESS).cookie(&vera), &server, &ada, 1).await;
    let shown = ask(&server, "SHOW QUERIES").cookie(&ada).send().await.json();
    assert_eq!(shown["columns"][1]["name"], "asked_by", "{shown}");
    assert_eq!((&shown["rows"][0][0], &shown["rows"][0][1]), (&listed[0]["id"], &"vera".into()), "{shown}");
    assert_eq!(shown["rows"][0].as_array().unwrap().last().unwrap(), ENDLESS);
    assert_eq!(server.delete(&path(&listed[0])).cookie(&ada).send().await.status, 204);
    running.await.unwrap();
}

#[tokio::test]
async fn a_viewer_and_an_editors_token_neither_see_nor_end_queries() {
    let (server, owner) = Server::set_up().await;
    server.user(owner.org, "vera", Role::Viewer).await;
    let (ada, vera) = (server.cookie("ada").await, server.cookie("vera").await);
    let token = server.token(&owner, None, true, true).await;
    let (running, listed) = start(ask(&server, ENDLESS).cookie(&vera), &server, &ada, 1).await;
    let kill = format!("KILL '{}'", listed[0]["id"].as_str().unwrap());
    let with = |call: Call, who: usize| if who == 0 { call.cookie(&vera) } else { call.token(&token) };
    for who in 0..2 {
        assert_eq!(with(server.get("/api/v1/queries"), who).send().await.failure(), failure(403, "denied"));
        assert_eq!(with(server.delete(&path(&listed[0])), who).send().await.failure(), failure(403, "denied"));
        assert_eq!(with(ask(&server, "SHOW QUERIES"), who).send().await.failure(), failure(403, "denied"));
        assert_eq!(with(ask(&server, &kill), who).send().await.failure(), failure(403, "denied"));
    }
    assert_eq!(list(&server, &ada).await.len(), 1, "it still runs");
    assert_eq!(server.delete(&path(&listed[0])).cookie(&ada).send().await.status, 204);
    running.await.unwrap();
}

#[tokio::test]
async fn queries_of_another_organisation_do_not_exist() {
    let (server, _) = Server::set_up().await;
    let stranger = server.stranger().await;
    server.database(stranger.org, "main").await;
    let (ada, eve) = (server.cookie("ada").await, server.cookie("eve").await);
    let (running, listed) = start(ask(&server, ENDLESS).cookie(&ada), &server, &ada, 1).await;
    assert_eq!(list(&server, &eve).await, Vec::<Value>::new());
    assert_eq!(ask(&server, "SHOW QUERIES").cookie(&eve).send().await.json()["row_count"], 0);
    let missing = failure(404, "missing");
    assert_eq!(server.delete(&path(&listed[0])).cookie(&eve).send().await.failure(), missing);
    let kill = format!("KILL '{}'", listed[0]["id"].as_str().unwrap());
    assert_eq!(ask(&server, &kill).cookie(&eve).send().await.failure(), missing);
    assert_eq!(ask(&server, "KILL 'nonsense'").cookie(&eve).send().await.failure(), missing);
    assert_eq!(list(&server, &ada).await.len(), 1, "it still runs");
    assert_eq!(ask(&server, &kill).cookie(&ada).send().await.status, 200);
    running.await.unwrap();
}
