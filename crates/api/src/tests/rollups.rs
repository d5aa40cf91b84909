//! Rollups over HTTP.

use axum::http::Method;
use sensorium_model::{Principal, Role};
use serde_json::{Value, json};

use super::server::{Server, failure};

const ROLLUPS: &str = "/api/v1/databases/main/rollups";

/// A server with the administrator's cookie, and five minutes of readings of two places in the table `t`.
async fn written() -> (Server, Principal, String) {
    let (server, owner) = Server::set_up().await;
    let token = server.token(&owner, None, true, true).await;
    let lines: Vec<String> = (0..300)
        .map(|second| {
            format!("t,place={} v={second},note=\"x\" {}000000000", ["a", "b"][second % 2], 1_700_000_040 + second)
        })
        .collect();
    let reply = server.post("/write?db=main").token(&token).body(lines.join("\n")).send().await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    let admin = server.cookie("ada").await;
    (server, owner, admin)
}

fn minutes() -> Value {
    json!({"name": "t_1m", "source": "t", "interval_seconds": 60, "aggregates": ["max", "mean", "count"]})
}

async fn rows(server: &Server, admin: &str, sql: &str) -> Value {
    let ask = server.post("/api/v1/sql?db=main").header("content-type", "text/plain").body(sql.to_owned());
    let reply = ask.cookie(admin).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["rows"].clone()
}

#[tokio::test]
async fn a_rollup_is_declared_filled_listed_and_deleted() {
    let (server, owner, admin) = written().await;
    let reply = server.post(ROLLUPS).cookie(&admin).json(&minutes()).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let declared = reply.json();
    assert_eq!(
        (&declared["name"], &declared["fields"], &declared["keep_seconds"]),
        (&json!("t_1m"), &Value::Null, &Value::Null)
    );
    server.state.store.flush().await.unwrap();
    server.state.store.roll_up().await.unwrap();
    let found =
        rows(&server, &admin, "SELECT place, v_max, v_mean, v_count FROM t_1m ORDER BY time, place LIMIT 2").await;
    assert_eq!(found, json!([["a", 58.0, 29.0, 30], ["b", 59.0, 30.0, 30]]));
    let listed = server.get(ROLLUPS).cookie(&admin).send().await.json();
    let expected = json!({"rollups": [{"name": "t_1m", "source": "t", "interval_seconds": 60,
        "aggregates": ["max", "mean", "count"], "fields": null, "keep_seconds": null, "pending_windows": 0,
        "pending_start": null, "pending_stop": null, "problem": null}]});
    assert_eq!(listed, expected);

    let lines = "t_1m,place=a v_max=1 1700000040000000000";
    let refused = server.post("/write?db=main").cookie(&admin).body(lines).send().await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.text().contains("rollup of"), "{}", refused.text());

    let one = format!("{ROLLUPS}/t_1m");
    assert_eq!(server.delete(&one).cookie(&admin).send().await.status, 204);
    assert_eq!(rows(&server, &admin, "SELECT count(*) FROM t_1m").await, json!([[10]]), "its rows stay");
    let again = server.post(ROLLUPS).cookie(&admin).json(&minutes()).send().await;
    assert_eq!(again.failure(), failure(409, "conflict"));
    let hours = json!({"name": "t 1h", "source": "t", "interval_seconds": 3_600, "aggregates": ["min"], "fields": ["v"],
        "keep_seconds": 400_000_000});
    let reply = server.post(ROLLUPS).cookie(&admin).json(&hours).send().await;
    assert_eq!((reply.status.as_u16(), &reply.json()["fields"]), (201, &json!(["v"])));
    server.state.store.flush().await.unwrap();
    server.state.store.roll_up().await.unwrap();
    assert_eq!(rows(&server, &admin, "SELECT count(*) FROM \"t 1h\"").await, json!([[2]]));
    let one = format!("{ROLLUPS}/t%201h?delete_rows=true");
    assert_eq!(server.delete(&one).cookie(&admin).send().await.status, 204);
    assert_eq!(rows(&server, &admin, "SELECT count(*) FROM \"t 1h\"").await, json!([[0]]));
    assert_eq!(server.delete(&one).cookie(&admin).send().await.failure(), failure(404, "missing"));

    let audit = server.state.metadata.audit_log(&owner, 10).await.unwrap();
    let changes: Vec<_> = audit.iter().filter(|entry| entry.subject == "rollup").collect();
    let told: Vec<_> = changes.iter().map(|entry| (entry.action.as_str(), entry.name.as_str())).collect();
    let expected =
        [("deleted", "main.t 1h"), ("created", "main.t 1h"), ("deleted", "main.t_1m"), ("created", "main.t_1m")];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_rollup_that_cannot_be_is_refused_with_what_to_do() {
    let (server, _, admin) = written().await;
    let with = |member: &str, value: Value| {
        let mut body = minutes();
        body[member] = value;
        body
    };
    for (body, answer, sentence) in [
        (with("interval_seconds", json!(7)), failure(400, "invalid"), "divisor of a day"),
        (with("aggregates", json!([])), failure(400, "invalid"), "name some of min"),
        (with("aggregates", json!(["median"])), failure(400, "invalid"), "median"),
        (with("fields", json!([])), failure(400, "invalid"), "leave it out"),
        (with("fields", json!(["note"])), failure(400, "invalid"), "only numbers"),
        (with("fields", json!(["w"])), failure(400, "invalid"), "no field"),
        (with("keep_seconds", json!(59)), failure(400, "invalid"), "at least 60"),
        (with("source", json!("none")), failure(404, "missing"), "write readings to it first"),
        (with("name", json!("t")), failure(409, "conflict"), "choose another name"),
        (with("name", json!("")), failure(400, "invalid"), "must not be empty"),
    ] {
        let reply = server.post(ROLLUPS).cookie(&admin).json(&body).send().await;
        assert_eq!(reply.failure(), answer, "{body}");
        assert!(reply.text().contains(sentence), "{body}: {}", reply.text());
    }
    let reply = server.post("/api/v1/databases/none/rollups").cookie(&admin).json(&minutes()).send().await;
    assert_eq!(reply.failure(), failure(404, "missing"));
}

#[tokio::test]
async fn only_administrators_of_the_organisation_declare_and_delete_rollups() {
    let (server, _, admin) = written().await;
    assert_eq!(server.post(ROLLUPS).cookie(&admin).json(&minutes()).send().await.status, 201);
    server.user(server.first.org, "eddie", Role::Editor).await;
    let eve = server.stranger().await;
    let one = format!("{ROLLUPS}/t_1m");
    let hours = json!({"name": "t_1h", "source": "t", "interval_seconds": 3_600, "aggregates": ["max"]});
    for (login, answer) in [("eddie", failure(403, "denied")), ("eve", failure(404, "missing"))] {
        let cookie = server.cookie(login).await;
        assert_eq!(server.post(ROLLUPS).cookie(&cookie).json(&hours).send().await.failure(), answer, "{login}");
        assert_eq!(server.delete(&one).cookie(&cookie).send().await.failure(), answer, "{login}");
        let purge = server.call(Method::DELETE, &format!("{one}?delete_rows=true")).cookie(&cookie).send().await;
        assert_eq!(purge.failure(), answer, "{login}");
    }
    let listed = server.get(ROLLUPS).cookie(&server.cookie("eddie").await).send().await.json();
    assert_eq!(listed["rollups"].as_array().unwrap().len(), 1, "who may read sees it");
    // The stranger's own database of the same name has its own.
    let cookie = server.cookie("eve").await;
    assert_eq!(server.get(ROLLUPS).cookie(&cookie).send().await.failure(), failure(404, "missing"));
    server.database(eve.org, "main").await;
    assert_eq!(server.get(ROLLUPS).cookie(&cookie).send().await.json(), json!({"rollups": []}));
    assert_eq!(server.delete(&one).cookie(&cookie).send().await.failure(), failure(404, "missing"));
    assert_eq!(server.get(ROLLUPS).send().await.failure(), failure(401, "unauthenticated"));
    let listed = server.get(ROLLUPS).cookie(&admin).send().await.json();
    assert_eq!(listed["rollups"].as_array().unwrap().len(), 1);
}
