//! Statements that change something.

use sensorium_model::Role;
use serde_json::{Value, json};

use super::{form, laboratory, result};
use crate::tests::server::Server;

/// The result of a statement that the owner sends.
async fn owner(server: &Server, statement: &str) -> Value {
    let ada = server.cookie("ada").await;
    result(&form(server, "", statement).cookie(&ada).send().await)
}

#[tokio::test]
async fn a_retention_policy_is_the_retention_of_a_database() {
    let (server, _) = laboratory().await;
    let kept = async || owner(&server, "SHOW RETENTION POLICIES ON dht").await["series"][0]["values"][0].clone();
    assert_eq!(
        owner(&server, "ALTER RETENTION POLICY autogen ON dht DURATION 3650d").await,
        json!({"statement_id": 0})
    );
    assert_eq!(kept().await[1], "87600h0m0s");
    let made = owner(&server, "CREATE RETENTION POLICY ten ON dht DURATION 3600d REPLICATION 1 DEFAULT").await;
    assert_eq!(made["messages"][0]["text"], "the retention policy is called autogen");
    assert_eq!(kept().await[1], "86400h0m0s");
    let other = owner(&server, "CREATE RETENTION POLICY two ON dht DURATION 2d REPLICATION 1").await;
    assert!(other["error"].as_str().unwrap().contains("one retention policy"), "{other}");
    let short = owner(&server, "ALTER RETENTION POLICY autogen ON dht DURATION 1s").await;
    assert!(short["error"].as_str().unwrap().contains("60 s"), "{short}");
    let made = owner(&server, "CREATE DATABASE new WITH DURATION 2d").await;
    assert_eq!(made, json!({"statement_id": 0}));
    let again = owner(&server, "CREATE DATABASE new WITH DURATION 3d").await;
    assert_eq!(again["error"], "retention policy conflicts with an existing policy");
    assert_eq!(owner(&server, "DROP DATABASE nowhere").await, json!({"statement_id": 0}));
    assert!(owner(&server, "DROP DATABASE dht").await["error"].is_string());
}

#[tokio::test]
async fn readings_are_deleted() {
    let (server, _) = laboratory().await;
    let count = async |of: &str| {
        owner(&server, &format!("SELECT count(value) FROM {of}")).await["series"][0]["values"][0][1].clone()
    };
    assert_eq!(count("temperature").await, 3);
    let refused = owner(&server, "DELETE FROM temperature WHERE place =~ /room/").await;
    assert!(refused["error"].as_str().unwrap().contains("split"), "{refused}");
    let refused = owner(&server, "DELETE FROM temperature WHERE value = 'x'").await;
    assert_eq!(refused["error"], "fields not allowed in WHERE clause during deletion");
    let deleted =
        owner(&server, "DELETE FROM temperature WHERE place = 'room1' AND time < '2023-11-14T22:13:21Z'").await;
    assert_eq!(deleted, json!({"statement_id": 0}));
    assert_eq!(count("temperature").await, 2);
    assert_eq!(owner(&server, "DROP SERIES FROM /temp.*/ WHERE place = 'room2'").await, json!({"statement_id": 0}));
    assert_eq!(count("temperature").await, 1);
    assert_eq!(owner(&server, "DROP MEASUREMENT temperature").await, json!({"statement_id": 0}));
    assert_eq!(count("temperature").await, Value::Null);
    assert_eq!(owner(&server, "DROP MEASUREMENT nothing").await, json!({"statement_id": 0}));
    assert_eq!(count("humidity").await, 1);
}

#[tokio::test]
async fn an_answer_is_written_into_a_measurement() {
    let (server, _) = laboratory().await;
    let statement = "SELECT mean(value) INTO means FROM temperature WHERE time >= 1700000000s AND time < 1700000020s GROUP BY time(10s), place";
    let written = owner(&server, statement).await;
    assert_eq!(
        written["series"][0],
        json!({"name": "result", "columns": ["time", "written"], "values": [["1970-01-01T00:00:00Z", 3]]})
    );
    let read = owner(&server, "SELECT mean FROM means WHERE place = 'room1'").await;
    assert_eq!(read["series"][0]["values"], json!([["2023-11-14T22:13:20Z", 25.5], ["2023-11-14T22:13:30Z", 26]]));
}

#[tokio::test]
async fn a_continuous_query_is_a_rollup() {
    let (server, _) = laboratory().await;
    let create = |select: &str| format!("CREATE CONTINUOUS QUERY cq ON dht BEGIN {select} END");
    let made =
        owner(&server, &create("SELECT mean(value), max(value) INTO hourly FROM temperature GROUP BY time(1h), *"))
            .await;
    assert!(made["messages"][0]["text"].as_str().unwrap().contains("the rollup hourly"), "{made}");
    let shown = owner(&server, "SHOW CONTINUOUS QUERIES").await;
    let dht = &shown["series"][0];
    assert_eq!((&dht["name"], &dht["columns"]), (&json!("dht"), &json!(["name", "query"])));
    assert!(dht["values"][0][1].as_str().unwrap().contains("SELECT max(\"value\"), mean(\"value\") INTO"), "{dht}");
    let refused =
        owner(&server, &create("SELECT median(value) INTO hourly2 FROM temperature GROUP BY time(1h), *")).await;
    assert!(refused["error"].as_str().unwrap().contains("does not fit"), "{refused}");
    assert_eq!(owner(&server, "DROP CONTINUOUS QUERY hourly ON dht").await, json!({"statement_id": 0}));
    assert_eq!(owner(&server, "SHOW CONTINUOUS QUERIES").await["series"][0].get("values"), None);
}

#[tokio::test]
async fn users_are_people_and_tokens() {
    let (server, _) = laboratory().await;
    let users = owner(&server, "SHOW USERS").await;
    assert_eq!(users["series"][0], json!({"columns": ["user", "admin"], "values": [["ada", true], ["test", false]]}));
    let grants = owner(&server, "SHOW GRANTS FOR test").await;
    assert_eq!(grants["series"][0]["values"], json!([["dht", "ALL PRIVILEGES"], ["main", "ALL PRIVILEGES"]]));
    assert_eq!(owner(&server, "SHOW GRANTS FOR nobody").await["error"], "user not found");
    let made = owner(&server, "CREATE USER bob WITH PASSWORD 'secret'").await;
    assert!(made["error"].as_str().unwrap().contains("/api/v1/tokens"), "{made}");
    assert_eq!(owner(&server, "DROP USER test").await, json!({"statement_id": 0}));
    assert_eq!(owner(&server, "SHOW USERS").await["series"][0]["values"], json!([["ada", true]]));
    assert_eq!(owner(&server, "KILL QUERY 7").await["error"], "no such query id: 7");
}

#[tokio::test]
async fn only_administrators_manage_and_only_readers_read() {
    let (server, token) = laboratory().await;
    for (login, role) in [("eddie", Role::Editor), ("vera", Role::Viewer), ("gus", Role::Guest)] {
        server.user(server.first.org, login, role).await;
    }
    let admins = [
        "DELETE FROM temperature",
        "DROP MEASUREMENT temperature",
        "DROP SERIES FROM temperature",
        "DROP DATABASE dht",
        "ALTER RETENTION POLICY autogen ON dht DURATION 1h",
        "CREATE CONTINUOUS QUERY c ON dht BEGIN SELECT mean(value) INTO h FROM temperature GROUP BY time(1h), * END",
        "SHOW USERS",
        "SHOW QUERIES",
        "KILL QUERY 1",
    ];
    for statement in admins {
        for login in ["eddie", "vera", "gus"] {
            let cookie = server.cookie(login).await;
            let reply = form(&server, "", statement).cookie(&cookie).send().await;
            assert_eq!(reply.status, 403, "{login} {statement}: {}", reply.text());
        }
    }
    let cookie = server.cookie("eddie").await;
    let made = result(&form(&server, "", "CREATE DATABASE brief WITH DURATION 2d").cookie(&cookie).send().await);
    assert!(made["error"].as_str().unwrap().contains("administrator"), "{made}");
    assert!(!server.get("/api/v1/databases").cookie(&cookie).send().await.text().contains("brief"));
    let into = "SELECT value INTO copy FROM temperature";
    for (login, statement, status) in [
        ("eddie", into, 200),
        ("vera", into, 403),
        ("vera", "SELECT value FROM temperature", 200),
        ("vera", "CREATE DATABASE dht", 403),
        ("gus", "SELECT value FROM temperature", 403),
        ("gus", "SHOW DATABASES", 403),
        ("gus", "SHOW MEASUREMENTS", 403),
    ] {
        let cookie = server.cookie(login).await;
        let reply = form(&server, "", statement).cookie(&cookie).send().await;
        assert_eq!(reply.status.as_u16(), status, "{login} {statement}: {}", reply.text());
    }
    let reply = form(&server, "", "SHOW CONTINUOUS QUERIES").token(&token).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test]
async fn a_token_of_one_database_reads_no_other() {
    let (server, _) = laboratory().await;
    let editor = server.user(server.first.org, "eddie", Role::Editor).await;
    let token = server.token(&editor, Some("main"), true, true).await;
    let reply = form(&server, "", "SELECT value FROM temperature").token(&token).send().await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    let reply = server.get("/query?db=main&q=SELECT%20value%20FROM%20dht..temperature").token(&token).send().await;
    assert_eq!(result(&reply)["error"], "database not found: dht");
    let reply = server.get("/query?q=SHOW%20DATABASES").token(&token).send().await;
    assert!(!reply.text().contains("dht"), "{}", reply.text());
}
