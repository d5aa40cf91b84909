//! The addresses of versions 1, 2 and 3 beside `/query`.

use serde_json::json;

use super::laboratory;

#[tokio::test]
async fn it_says_whom_it_speaks_like() {
    let (server, _) = laboratory().await;
    let reply = server.get("/ping").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-influxdb-version")), (204, "1.8.10"));
    let reply = server.get("/ping?verbose=true").send().await;
    assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({"version": "1.8.10"})));
    assert_eq!(server.post("/write?db=dht").body("a v=1").send().await.header("x-influxdb-version"), "1.8.10");
}

#[tokio::test]
async fn version_2_lists_buckets_and_refuses_flux() {
    let (server, token) = laboratory().await;
    let reply = server.get("/api/v2/buckets?name=dht").token(&token).send().await.json();
    assert_eq!((reply["buckets"].as_array().unwrap().len(), &reply["buckets"][0]["name"]), (1, &json!("dht")));
    let org = server.get("/api/v2/orgs").token(&token).send().await.json();
    assert_eq!(org["orgs"][0]["id"], reply["buckets"][0]["orgID"]);
    let made = server.post("/api/v2/buckets").token(&token).json(&json!({"name": "more"})).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(server.post("/api/v2/write?bucket=more/autogen").token(&token).body("a v=1").send().await.status, 204);
    let kept = json!({"name": "kept", "retentionRules": [{"everySeconds": 3_600}]});
    server.user(server.first.org, "eddie", sensorium_model::Role::Editor).await;
    let eddie = server.cookie("eddie").await;
    assert_eq!(server.post("/api/v2/buckets").cookie(&eddie).json(&kept).send().await.status, 403);
    let ada = server.cookie("ada").await;
    let reply = server.post("/api/v2/buckets").cookie(&ada).json(&kept).send().await;
    assert_eq!(reply.json()["retentionRules"], json!([{"type": "expire", "everySeconds": 3_600}]));
    let reply =
        server.post("/api/v2/query").token(&token).json(&json!({"query": "from(bucket: \"dht\")"})).send().await;
    assert!(reply.status == 400 && reply.text().contains("Flux is not spoken"), "{}", reply.text());
    server.stranger().await;
    let eve = server.cookie("eve").await;
    assert_eq!(server.get("/api/v2/buckets").cookie(&eve).send().await.json(), json!({"buckets": []}));
}

#[tokio::test]
async fn version_3_writes_and_asks() {
    let (server, token) = laboratory().await;
    let write = "/api/v3/write_lp?db=dht&precision=second";
    assert_eq!(server.post(write).token(&token).body("b,place=x v=1.5 1700000000").send().await.status, 204);
    let auto = server.post("/api/v3/write_lp?db=dht&precision=auto").token(&token).body("b v=1 1").send().await;
    assert!(auto.status == 400 && auto.text().contains("nanosecond"), "{}", auto.text());
    let ask = async |path: &str, format: &str, q: &str| {
        let body = json!({"db": "dht", "q": q, "format": format});
        let reply = server.post(path).token(&token).json(&body).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.text()
    };
    let sql = "SELECT place, v FROM b";
    assert_eq!(ask("/api/v3/query_sql", "json", sql).await, r#"[{"place":"x","v":1.5}]"#);
    assert_eq!(ask("/api/v3/query_sql", "jsonl", sql).await, "{\"place\":\"x\",\"v\":1.5}\n");
    assert_eq!(ask("/api/v3/query_sql", "csv", sql).await, "place,v\nx,1.5\n");
    assert!(ask("/api/v3/query_sql", "pretty", sql).await.contains("| place | v   |"));
    assert_eq!(
        ask("/api/v3/query_influxql", "json", "SELECT v FROM b").await,
        r#"[{"iox::measurement":"b","time":"2023-11-14T22:13:20Z","v":1.5}]"#
    );
    let path = "/api/v3/query_influxql?db=dht&q=DROP%20MEASUREMENT%20b";
    assert_eq!(server.get(path).token(&token).send().await.status, 400);
}
