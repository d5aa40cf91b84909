//! Readings over HTTP: what is stored, what is refused, and how both are told.

use std::io::Write;

use sensorium_model::{DatabaseKey, DatabaseName, Principal, Role, Value};
use serde_json::json;

use super::server::{Server, failure};
use crate::ApiConfig;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The newest value of a field of a table with one series.
fn newest(server: &Server, org: sensorium_model::OrgId, table: &str, field: &str) -> Option<(i64, Value<'static>)> {
    let key = DatabaseKey::new(org, DatabaseName::new("main").unwrap());
    let rows = server.state.store.last_values(&key, table);
    assert!(rows.len() <= 1, "{rows:?}");
    let found = rows.first()?.fields.iter().find(|last| *last.name == *field)?;
    Some((found.time_ns, found.value.clone()))
}

async fn writer() -> (Server, Principal, String) {
    let (server, owner) = Server::set_up().await;
    let token = server.token(&owner, None, true, true).await;
    (server, owner, token)
}

#[tokio::test]
async fn both_dialects_of_influxdb_write() {
    let (server, owner, token) = writer().await;
    for (path, body) in [
        ("/write?db=main&precision=s&rp=autogen&consistency=any", "room v=1 1600000001"),
        ("/api/v2/write?bucket=main/autogen&org=ours&precision=ms", "room v=2 1600000002000"),
        ("/api/v2/write?bucket=main", "room v=3 1600000003000000000"),
    ] {
        let reply = server.post(path).token(&token).body(body).send().await;
        assert_eq!((reply.status.as_u16(), reply.text()), (204, String::new()), "{path}");
    }
    let (time_ns, value) = newest(&server, owner.org, "room", "v").unwrap();
    assert_eq!((time_ns, value), (1_600_000_003_000_000_000, Value::F64(3.0)));
}

#[tokio::test]
async fn the_good_lines_of_a_batch_are_stored_and_the_bad_ones_named() {
    let (server, owner, token) = writer().await;
    let body = "room v=1 1600000000\nroom v=\"warm\" 1600000001\n# comment\nroom\nroom v=2 1600000002\n";
    let reply = server.post("/write?db=main&precision=s").token(&token).body(body).send().await;
    assert_eq!(reply.failure(), failure(400, "invalid"));
    let answer = reply.json();
    let sentence = answer["error"].as_str().unwrap();
    assert!(sentence.starts_with("partial write: 2 of 4 lines refused; line 2: column \"v\""), "{sentence}");
    assert_eq!(answer["accepted"], 2);
    let rejected = answer["rejected"].as_array().unwrap();
    assert_eq!((&rejected[0]["line"], &rejected[0]["code"]), (&json!(2), &json!("conflict")));
    assert_eq!((&rejected[1]["line"], &rejected[1]["code"]), (&json!(4), &json!("invalid")));
    assert_eq!(newest(&server, owner.org, "room", "v").unwrap().1, Value::F64(2.0));

    let listed = server.get("/api/v1/rejections?limit=1").token(&token).send().await.json();
    assert_eq!(listed["total"], 2);
    let newest = &listed["rejections"][0];
    assert_eq!(newest["sample"], "room");
    assert_eq!((&newest["source"], &newest["peer"]), (&json!("line_protocol"), &json!("127.0.0.1")));
    let both = server.get("/api/v1/rejections").token(&token).send().await.json();
    assert_eq!(both["rejections"].as_array().unwrap().len(), 2);
    assert_eq!(both["rejections"][1]["line"], 2, "newest first");
}

#[tokio::test]
async fn json_readings_are_stored() {
    let (server, owner, token) = writer().await;
    let body = json!({"time": 1_600_000_000, "tags": {"place": "a"}, "soil": {"moisture": 0.41}});
    let reply = server.post("/api/v1/readings?db=main&table=bed").token(&token).json(&body).send().await;
    assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({"accepted": 1, "rejected": []})));
    let (time_ns, value) = newest(&server, owner.org, "bed", "soil_moisture").unwrap();
    assert_eq!((time_ns, value), (1_600_000_000_000_000_000, Value::F64(0.41)));

    let mixed = json!([{"soil": {"moisture": "dry"}}, {"soil": {"moisture": 0.5}}]);
    let reply = server.post("/api/v1/readings?db=main&table=bed").token(&token).json(&mixed).send().await;
    assert_eq!((reply.status.as_u16(), &reply.json()["accepted"]), (200, &json!(1)));
    assert_eq!(reply.json()["rejected"][0]["code"], "conflict");

    let wrong = json!([{"soil": {"moisture": "dry"}}, 5]);
    let reply = server.post("/api/v1/readings?db=main&table=bed").token(&token).json(&wrong).send().await;
    assert_eq!(reply.failure(), failure(400, "invalid"));
    assert_eq!(reply.json()["accepted"], 0);

    let broken = server.post("/api/v1/readings?db=main&table=bed").token(&token).body("{\"v\":1").send().await;
    assert_eq!(broken.failure(), failure(400, "invalid"));
    let listed = server.get("/api/v1/rejections?limit=1").token(&token).send().await.json();
    assert_eq!((&listed["rejections"][0]["source"], &listed["rejections"][0]["line"]), (&json!("json"), &json!(0)));
}

#[tokio::test]
async fn columns_that_a_request_calls_tags_are_tags() {
    let (server, owner, token) = writer().await;
    let body = json!({"temperature": 24, "humidity": 19, "hostname": "ESP_145DD7"});
    let path = "/api/v1/readings?db=main&table=dht&tags=hostname";
    assert_eq!(server.post(path).token(&token).json(&body).send().await.status, 200);
    let key = DatabaseKey::new(owner.org, DatabaseName::new("main").unwrap());
    assert_eq!(server.state.store.last_values(&key, "dht")[0].series.as_str(), "hostname=ESP_145DD7");
}

#[tokio::test]
async fn compressed_bodies_are_read_and_bombs_cut() {
    let limits = ApiConfig { body_bytes: 10_000, decoded_bytes: 100_000, ..ApiConfig::default() };
    let server = Server::with(limits).await;
    let owner = server.user(server.first.org, "ada", Role::Owner).await;
    server.database(server.first.org, "main").await;
    let token = server.token(&owner, None, true, true).await;
    let write =
        |body: Vec<u8>| server.post("/write?db=main").token(&token).header("content-encoding", "gzip").body(body);

    assert_eq!(write(gzip(b"room v=1")).send().await.status, 204);
    let reply = write(gzip(&vec![b' '; 5_000_000])).send().await;
    assert_eq!(reply.failure(), failure(413, "too_large"));
    assert!(reply.text().contains("http.decoded_bytes"));
    assert_eq!(write(b"no gzip".to_vec()).send().await.failure(), failure(400, "invalid"));
    let large = server.post("/write?db=main").token(&token).body(vec![b'#'; 10_001]).send().await;
    assert_eq!(large.failure(), failure(413, "too_large"));
    assert!(large.text().contains("http.body_bytes"));
    assert_eq!(server.post("/write?db=main").token(&token).body(vec![b'#'; 10_000]).send().await.status, 204);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let (server, owner, token) = writer().await;
    for (path, status, code, words) in [
        ("/write", 400, "invalid", "?db=NAME"),
        ("/api/v2/write?bucket=/rp", 400, "invalid", "?bucket=NAME"),
        ("/api/v1/readings", 400, "invalid", "?db=NAME"),
        ("/write?db=absent", 404, "missing", "database not found: \"absent\""),
        ("/write?db=..%2Fetc", 404, "missing", "database not found"),
        ("/write?db=main&precision=fortnight", 400, "invalid", "fortnight"),
        ("/api/v1/readings?db=main&precision=fortnight", 400, "invalid", "fortnight"),
    ] {
        let reply = server.post(path).token(&token).body("room v=1").send().await;
        assert_eq!(reply.failure(), failure(status, code), "{path}");
        assert!(reply.text().replace("\\\"", "\"").contains(words), "{path}: {}", reply.text());
    }
    let reading = server.token(&owner, None, true, false).await;
    assert_eq!(
        server.post("/write?db=main").token(&reading).body("room v=1").send().await.failure(),
        failure(403, "denied")
    );
    let scoped = server.token(&owner, Some("other"), true, true).await;
    assert_eq!(
        server.post("/write?db=main").token(&scoped).body("room v=1").send().await.failure(),
        failure(403, "denied")
    );
    assert!(newest(&server, owner.org, "room", "v").is_none());
}

#[tokio::test]
async fn a_hundred_thousand_columns_harm_nobody() {
    let (server, owner, token) = writer().await;
    let wide = (0..100_000).map(|n| format!("f{n}=1")).collect::<Vec<_>>().join(",");
    let body = format!("room {wide}\nroom v=1\n");
    let reply = server.post("/write?db=main").token(&token).body(body).send().await;
    assert_eq!((reply.failure(), &reply.json()["accepted"]), (failure(400, "invalid"), &json!(1)));
    assert!(reply.text().contains("limits.columns_per_table"), "{}", reply.text());
    // One new column a line.
    let many = (0..5_000).map(|n| format!("hall f{n}=1 {n}\n")).collect::<String>();
    let reply = server.post("/write?db=main").token(&token).body(many).send().await;
    let accepted = reply.json()["accepted"].as_u64().unwrap();
    assert!((1..=1_000).contains(&accepted), "{accepted}");
    assert_eq!(newest(&server, owner.org, "room", "v").unwrap().1, Value::F64(1.0));
}

#[tokio::test]
async fn refused_readings_of_others_stay_theirs() {
    let (server, owner, token) = writer().await;
    server.database(owner.org, "other").await;
    assert_eq!(server.post("/write?db=other").token(&token).body("nonsense").send().await.status, 400);
    let scoped = server.token(&owner, Some("main"), true, true).await;
    let listed = server.get("/api/v1/rejections").token(&scoped).send().await.json();
    assert_eq!(listed, json!({"total": 0, "rejections": []}));
    let stranger = server.stranger().await;
    let theirs = server.token(&stranger, None, true, true).await;
    assert_eq!(server.get("/api/v1/rejections").token(&theirs).send().await.json()["total"], 0);
    let bad = server.get("/api/v1/rejections?limit=5000").token(&token).send().await;
    assert_eq!(bad.failure(), failure(400, "invalid"));
}
