//! Databases, tables and last values over HTTP.

use serde_json::json;

use super::server::{Server, failure};

#[tokio::test]
async fn a_database_is_created_once() {
    let (server, owner) = Server::set_up().await;
    let token = server.token(&owner, None, true, true).await;
    let create = || server.post("/api/v1/databases").token(&token).json(&json!({"name": "dht"}));
    let first = create().send().await;
    assert_eq!((first.status.as_u16(), first.json()), (201, json!({"name": "dht", "tables": 0})));
    assert_eq!(create().send().await.status, 200);
    let listed = server.get("/api/v1/databases").token(&token).send().await.json();
    assert_eq!(listed, json!({"databases": [{"name": "dht", "tables": 0}, {"name": "main", "tables": 0}]}));
    for name in ["", "a/b", "..", "information_schema"] {
        let reply = server.post("/api/v1/databases").token(&token).json(&json!({"name": name})).send().await;
        assert_eq!(reply.failure(), failure(400, "invalid"), "{name:?}");
    }
    let log = server.state.metadata.audit_log(&owner, 10).await.unwrap();
    assert_eq!(log.iter().filter(|entry| entry.subject == "database").count(), 1);
}

#[tokio::test]
async fn tables_and_last_values_show_what_was_written() {
    let (server, owner) = Server::set_up().await;
    let token = server.token(&owner, None, true, true).await;
    let lines = "room,place=a t=1.5,n=3i,ok=true 1700000000000000000\n\
                 room,place=a t=2.5 1700000001000000000\n\
                 room,place=b,floor=1 note=\"x\",u=7u 1700000002000000000\n";
    let write = server.post("/write?db=main").token(&token).body(lines).send().await;
    assert_eq!(write.status, 204, "{}", write.text());

    let tables = server.get("/api/v1/databases/main/tables").token(&token).send().await.json();
    let column = |name: &str, kind: &str, type_name: &str| json!({"name": name, "kind": kind, "type": type_name});
    let columns = json!([
        column("time", "time", "timestamp"),
        column("floor", "tag", "string"),
        column("place", "tag", "string"),
        column("n", "field", "integer"),
        column("note", "field", "string"),
        column("ok", "field", "boolean"),
        column("t", "field", "float"),
        column("u", "field", "unsigned"),
    ]);
    assert_eq!(tables, json!({"tables": [{"name": "room", "columns": columns}]}));

    let last = server.get("/api/v1/databases/main/last").token(&token).send().await.json();
    assert!(last["now_ms"].as_i64().unwrap() > 1_700_000_000_000);
    let room = &last["tables"][0];
    assert_eq!((&room["table"], &room["series_total"]), (&json!("room"), &json!(2)));
    assert_eq!(room["series"][0]["key"], "floor=1,place=b", "newest first");
    assert_eq!(room["series"][0]["fields"]["u"]["value"], 7);
    let a = &room["series"][1];
    assert_eq!(a["tags"], json!({"place": "a"}));
    assert_eq!(a["fields"]["t"], json!({"time_ms": 1_700_000_001_000.0, "value": 2.5, "type": "float"}));
    assert_eq!(a["fields"]["n"], json!({"time_ms": 1_700_000_000_000.0, "value": 3, "type": "integer"}));
    assert_eq!(a["fields"]["ok"]["value"], true);

    let one = server.get("/api/v1/databases/main/last?table=room&series_limit=1").token(&token).send().await.json();
    assert_eq!(one["tables"][0]["series"].as_array().unwrap().len(), 1);
    assert_eq!(one["tables"][0]["series_total"], 2);
    for query in ["series_limit=0", "series_limit=100000", "series_limit=x"] {
        let reply = server.get(&format!("/api/v1/databases/main/last?{query}")).token(&token).send().await;
        assert_eq!(reply.failure(), failure(400, "invalid"), "{query}");
    }
    let missing = server.get("/api/v1/databases/main/last?table=kitchen").token(&token).send().await;
    assert_eq!(missing.failure(), failure(404, "missing"));
}

#[tokio::test]
async fn a_scoped_token_sees_its_database_only() {
    let (server, owner) = Server::set_up().await;
    server.database(owner.org, "other").await;
    let token = server.token(&owner, Some("main"), true, true).await;
    let listed = server.get("/api/v1/databases").token(&token).send().await.json();
    assert_eq!(listed, json!({"databases": [{"name": "main", "tables": 0}]}));
    for path in ["/api/v1/databases/other/tables", "/api/v1/databases/other/last"] {
        assert_eq!(server.get(path).token(&token).send().await.failure(), failure(403, "denied"), "{path}");
    }
    let absent = server.get("/api/v1/databases/absent/tables").token(&token).send().await;
    assert_eq!(absent.failure(), failure(403, "denied"), "the same, whether it exists or not");
    let create = server.post("/api/v1/databases").token(&token).json(&json!({"name": "third"})).send().await;
    assert_eq!(create.failure(), failure(403, "denied"));
}

#[tokio::test]
async fn another_organisation_sees_no_database() {
    let (server, owner) = Server::set_up().await;
    let ours = server.token(&owner, None, true, true).await;
    let stranger = server.stranger().await;
    let theirs = server.token(&stranger, None, true, true).await;
    let write = server.post("/write?db=main").token(&ours).body("room t=1").send().await;
    assert_eq!(write.status, 204, "{}", write.text());

    assert_eq!(server.get("/api/v1/databases").token(&theirs).send().await.json(), json!({"databases": []}));
    for path in ["/api/v1/databases/main/tables", "/api/v1/databases/main/last", "/api/v1/databases/../tables"] {
        let reply = server.get(path).token(&theirs).send().await;
        assert_eq!(reply.failure(), failure(404, "missing"), "{path}");
    }
    let write = server.post("/write?db=main").token(&theirs).body("room t=2").send().await;
    assert_eq!(write.failure(), failure(404, "missing"));

    let create = server.post("/api/v1/databases").token(&theirs).json(&json!({"name": "main"})).send().await;
    assert_eq!(create.status, 201, "two organisations may use one name");
    let tables = server.get("/api/v1/databases/main/tables").token(&theirs).send().await.json();
    assert_eq!(tables, json!({"tables": []}));
}
