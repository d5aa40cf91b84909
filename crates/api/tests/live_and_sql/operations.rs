//! Probes and figures.

use sensorium_api::ApiConfig;
use serde_json::{Value as Json, json};

use crate::harness::{Options, Server, T0, client};

#[tokio::test(flavor = "multi_thread")]
async fn probes_need_no_credential() {
    let server = Server::start().await;
    let ask = async |path: &str| client().get(server.url(path)).send().await.unwrap();
    let health: Json = ask("/health").await.json().await.unwrap();
    assert_eq!((&health["status"], &health["version"]), (&json!("pass"), &json!(env!("CARGO_PKG_VERSION"))));
    let ping = ask("/ping").await;
    assert_eq!(ping.status(), 204);
    assert!(ping.headers().contains_key("x-influxdb-version") && ping.headers().contains_key("x-influxdb-build"));
    let ready = ask("/ready").await;
    assert_eq!(ready.status(), 200);
    assert_eq!(ready.json::<Json>().await.unwrap()["status"], "pass");
    server.state.shutdown.cancel();
    let ready = ask("/ready").await;
    assert_eq!(ready.status(), 503);
    let body: Json = ready.json().await.unwrap();
    let failed: Vec<&Json> =
        body["checks"].as_array().unwrap().iter().filter(|check| check["status"] == "fail").collect();
    assert_eq!(failed, [&json!({"name": "shutdown", "status": "fail", "message": "the server is stopping"})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_need_a_credential_unless_they_are_public() {
    let server = Server::start().await;
    assert_eq!(client().get(server.url("/metrics")).send().await.unwrap().status(), 401);
    server.write_value("cpu", "a", T0, 1.0).await;
    server.get("/api/v1/sql?db=main&q=SELECT+1").await;
    let text = server.get("/metrics").await.text().await.unwrap();
    for name in [
        "sensorium_http_request_seconds",
        "sensorium_store_memtable_rows 1",
        "sensorium_query_started_total",
        "sensorium_sql_answers_total{format=\"json\"}",
        "sensorium_live_clients",
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
        "# HELP sensorium_store_log_bytes",
    ] {
        assert!(text.contains(name), "{name} is missing in\n{text}");
    }
    let public = ApiConfig { public_metrics: true, ..ApiConfig::default() };
    let server = Server::with(Options { api: public, ..Options::default() }).await;
    assert_eq!(client().get(server.url("/metrics")).send().await.unwrap().status(), 200);
}
