//! Shapes of answers.

use super::{ask, form, laboratory, result};
use crate::tests::server::PASSWORD;

const ROOM1: &str = "SELECT value FROM temperature WHERE place = 'room1'";

#[tokio::test]
async fn answers_look_as_those_of_influxdb() {
    let (server, token) = laboratory().await;
    let reply = ask(&server, &token, "", ROOM1).await;
    assert_eq!(
        reply.text(),
        "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"temperature\",\"columns\":[\"time\",\"value\"],\"values\":\
         [[\"2023-11-14T22:13:20Z\",25.5],[\"2023-11-14T22:13:30.5Z\",26]]}]}]}\n"
    );
    assert_eq!(reply.header("x-influxdb-version"), "1.8.10");
    assert_eq!(reply.header("content-type"), "application/json");
    let reply = ask(&server, &token, "&epoch=ms", ROOM1).await;
    assert!(reply.text().contains("[[1700000000000,25.5],[1700000010500,26]]"), "{}", reply.text());
    let reply = ask(&server, &token, "&epoch=s&chunked=true&chunk_size=1", ROOM1).await;
    let head = "{\"name\":\"temperature\",\"columns\":[\"time\",\"value\"],\"values\":[";
    assert_eq!(
        reply.text(),
        format!(
            "{{\"results\":[{{\"statement_id\":0,\"series\":[{head}[1700000000,25.5]],\"partial\":true}}],\"partial\":true}}]}}\n\
             {{\"results\":[{{\"statement_id\":0,\"series\":[{head}[1700000010,26]]}}]}}]}}\n"
        )
    );
    let reply = ask(&server, &token, "&pretty=true", "SHOW DATABASES").await;
    assert!(
        reply.text().starts_with("{\n    \"results\": [\n        {\n            \"statement_id\": 0,\n"),
        "{}",
        reply.text()
    );
    let reply = form(&server, "", ROOM1).token(&token).header("accept", "application/csv").send().await;
    assert_eq!(
        reply.text(),
        "name,tags,time,value\ntemperature,,1700000000000000000,25.5\ntemperature,,1700000010500000000,26\n"
    );
    let reply = form(&server, "", ROOM1).token(&token).header("accept", "application/x-msgpack").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/json"));
    let bound = "&params=%7B%22room%22%3A%22room2%22%7D";
    let reply = ask(&server, &token, bound, "SELECT value FROM temperature WHERE place = $room").await;
    assert_eq!(result(&reply)["series"][0]["values"][0][1], 20);
}

#[tokio::test]
async fn a_statement_that_fails_ends_the_request_and_a_wrong_one_begins_none() {
    let (server, token) = laboratory().await;
    let reply = ask(&server, &token, "", "SHOW DATABASES; SELECT value FROM nowhere..m; SHOW DATABASES").await;
    let results = reply.json()["results"].clone();
    assert!(results[0]["series"].is_array() && results[1]["error"].is_string(), "{results}");
    assert_eq!(results[2], serde_json::json!({"statement_id": 2, "error": "not executed"}));
    let reply = ask(&server, &token, "", "SELECT FROM temperature").await;
    assert_eq!(reply.status, 400);
    let error = reply.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("error parsing query: found FROM, expected"), "{error}");
    assert_eq!(reply.header("x-influxdb-error"), error);
    let reply = server.get("/query?db=dht").token(&token).send().await;
    assert_eq!(reply.text(), "{\"error\":\"missing required parameter \\\"q\\\"\"}\n");
}

#[tokio::test]
async fn every_credential_is_taken() {
    use base64::Engine;
    let (server, token) = laboratory().await;
    let basic = |pair: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    for credential in [basic(&format!("grafana:{token}")), basic(&format!("ada:{PASSWORD}")), format!("Token {token}")]
    {
        let reply = form(&server, "", ROOM1).header("authorization", &credential).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let path = format!("/query?db=dht&u=any&p={token}&q=SHOW%20MEASUREMENTS");
    assert_eq!(server.get(&path).send().await.status, 200);
    let reply = server.get("/query?q=SHOW%20DATABASES").send().await;
    assert_eq!(
        (reply.status.as_u16(), reply.text().as_str()),
        (401, "{\"error\":\"unable to parse authentication credentials\"}\n")
    );
    let reply = server.get("/query?q=SHOW%20DATABASES&u=ada&p=wrong").send().await;
    assert_eq!((reply.status.as_u16(), reply.text().as_str()), (401, "{\"error\":\"authorization failed\"}\n"));
}

#[tokio::test]
async fn a_page_changes_nothing_with_get() {
    let (server, token) = laboratory().await;
    let path = "/query?q=CREATE%20DATABASE%20other";
    let ada = server.cookie("ada").await;
    assert_eq!(server.get(path).cookie(&ada).send().await.status, 403);
    let reply = server.get(path).token(&token).send().await;
    let warning = result(&reply)["messages"][0]["text"].as_str().unwrap().to_owned();
    assert!(warning.starts_with("deprecated use of 'CREATE DATABASE other'"), "{warning}");
}

#[tokio::test]
async fn another_organisation_sees_nothing() {
    let (server, _) = laboratory().await;
    server.stranger().await;
    let eve = server.cookie("eve").await;
    let reply = form(&server, "", ROOM1).cookie(&eve).send().await;
    assert_eq!(result(&reply)["error"], "database not found: dht", "{}", reply.text());
    let reply = form(&server, "", "SHOW DATABASES").cookie(&eve).send().await;
    assert!(!reply.text().contains("dht"), "{}", reply.text());
    for statement in
        ["DROP MEASUREMENT temperature", "DELETE FROM temperature", "ALTER RETENTION POLICY autogen ON dht DURATION 1h"]
    {
        let reply = form(&server, "", statement).cookie(&eve).send().await;
        assert!(result(&reply)["error"].as_str().unwrap().contains("dht"), "{}", reply.text());
    }
}
