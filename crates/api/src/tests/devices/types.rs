//! Types of devices.

use axum::http::Method;
use serde_json::{Value, json};

use super::{device, failure, path, start};

#[tokio::test]
async fn a_type_is_added_changed_and_deleted() {
    let (server, ada) = start().await;
    let field = json!({"name": "t", "display_name": "Temperature", "unit": "Cel", "min": -40.0, "max": null});
    let body = json!({"name": "Climate", "table": "climate", "fields": [field], "decoder": "auto"});
    let made = server.post("/api/v1/device-types").cookie(&ada).json(&body).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["fields"][0], &made["decoder"], &made["version"]), (&field, &json!("auto"), &json!(1)));
    assert_eq!(server.get(&path("device-types", &made)).cookie(&ada).send().await.json(), made);
    assert_eq!(server.get("/api/v1/device-types").cookie(&ada).send().await.json(), json!({"types": [made]}));

    let change = |body: Value| server.call(Method::PATCH, &path("device-types", &made)).cookie(&ada).json(&body).send();
    let changed = change(json!({"version": 1, "decoder": null, "description": "two\nlines"})).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let changed = changed.json();
    assert_eq!((&changed["decoder"], &changed["fields"][0]), (&Value::Null, &field));
    let late = change(json!({"version": 1, "name": "x"})).await;
    assert_eq!(late.failure(), failure(409, "conflict"));
    assert_eq!(late.json()["current"], changed);
    for wrong in [
        json!({"name": "x"}),
        json!({"version": 2, "decoder": "magic"}),
        json!({"version": 2, "tabel": "x"}),
        json!({"version": 2, "fields": [{"name": "time"}]}),
    ] {
        assert_eq!(change(wrong.clone()).await.failure(), failure(400, "invalid"), "{wrong}");
    }
    device(&server, &ada, json!({"name": "attic", "type": made["id"]})).await;
    let gone = |version: u8| server.delete(&format!("{}?version={version}", path("device-types", &made)));
    let in_use = gone(2).cookie(&ada).send().await;
    assert_eq!(in_use.failure(), failure(409, "conflict"));
    assert!(in_use.text().contains("attic"), "{}", in_use.text());
    assert_eq!(gone(1).cookie(&ada).send().await.json()["current"], changed);
}

#[tokio::test]
async fn what_is_shipped_can_be_sent_as_it_is() {
    let (server, ada) = start().await;
    let shipped = server.get("/api/v1/device-types/shipped").cookie(&ada).send().await.json();
    let names: Vec<_> = shipped["types"].as_array().unwrap().iter().map(|of| of["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["DHT11", "DHT22", "BME280", "Sonoff switch", "Phone"]);
    for of in shipped["types"].as_array().unwrap() {
        let made = server.post("/api/v1/device-types").cookie(&ada).json(of).send().await;
        assert_eq!(made.status, 201, "{}", made.text());
    }
}
