//! Probes and figures.

use sensorium_api::ApiConfig;
use serde_json::{Value as Json, json};

use crate::harness::{Options, Server, T0, TOKEN, client};

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
    // Here, because all servers of this process write the same figures.
    let server = Server::with(Options { disk_reserve_bytes: Some(1 << 60), ..Options::default() }).await;
    let text = server.get("/metrics").await.text().await.unwrap();
    for line in [
        "sensorium_store_disk_is_low 1",
        "sensorium_store_disk_free_bytes ",
        "sensorium_store_disk_reserve_bytes 11529215046068",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_nearly_full_is_told_and_questions_are_answered() {
    // More than any disk has.
    let reserve = 1_u64 << 60;
    let server = Server::with(Options { disk_reserve_bytes: Some(reserve), ..Options::default() }).await;
    let refused =
        client().post(server.url("/write?db=main")).bearer_auth(TOKEN).body("cpu,host=a value=1").send().await.unwrap();
    assert_eq!(refused.status(), 507);
    assert_eq!(server.get("/api/v1/sql?db=main&q=SELECT+1").await.status(), 200);
    let ready = client().get(server.url("/ready")).send().await.unwrap();
    assert_eq!(ready.status(), 200, "it can be asked");
    let body: Json = ready.json().await.unwrap();
    assert_eq!(body["status"], "degraded");
    let disk = body["checks"].as_array().unwrap().iter().find(|check| check["name"] == "disk").unwrap();
    assert_eq!((&disk["status"], &disk["needed_bytes"]), (&json!("degraded"), &json!(reserve)));
    assert!(disk["free_bytes"].as_u64().is_some_and(|free| free < reserve), "{disk}");
    assert!(disk["message"].as_str().unwrap().contains("store.disk_reserve_bytes"), "{disk}");
    let health: Json = client().get(server.url("/health")).send().await.unwrap().json().await.unwrap();
    assert_eq!(health["status"], "pass");
    assert!(health["message"].as_str().unwrap().contains("writes are refused"), "{health}");
    // A server that stops fails, however its disk is.
    server.state.shutdown.cancel();
    let ready = client().get(server.url("/ready")).send().await.unwrap();
    assert_eq!((ready.status().as_u16(), &ready.json::<Json>().await.unwrap()["status"]), (503, &json!("fail")));
}
