//! Wi-Fi networks over HTTP, and code that is made for them.

use axum::http::Method;
use sensorium_model::Role;
use serde_json::{Value, json};

use super::server::{Server, failure};

const SECRET: &str = "behind \"the\" rafters";
const RENDER: &str = "/api/v1/templates/micropython-dht/render";

fn render(network: &Value) -> Value {
    json!({"network": network, "variables": {"device": "attic", "server": "http://box:8086", "token": "t"}})
}

#[tokio::test]
async fn a_network_is_kept_changed_and_filled_in_and_its_password_is_never_told() {
    let (server, owner) = Server::set_up().await;
    server.user(owner.org, "edith", Role::Editor).await;
    let edith = server.cookie("edith").await;
    let body = json!({"name": "Attic", "ssid": "attic-2g", "password": SECRET});
    let created = server.post("/api/v1/networks").cookie(&edith).json(&body).send().await;
    assert_eq!(created.status, 201, "{}", created.text());
    let attic = created.json();
    let path = format!("/api/v1/networks/{}", attic["id"].as_str().unwrap());
    let mut told = vec![created.text(), server.get("/api/v1/networks").cookie(&edith).send().await.text()];

    let made = server.post(RENDER).cookie(&edith).json(&render(&attic["id"])).send().await;
    assert_eq!(made.status, 200, "{}", made.text());
    let files = made.json()["files"].to_string();
    assert!(files.contains("attic-2g") && files.contains("the") && files.contains("rafters"), "{files}");

    let change = |body: Value| server.call(Method::PATCH, &path).cookie(&edith).json(&body).send();
    let renamed = change(json!({"version": 1, "name": "Loft"})).await.json();
    assert_eq!((&renamed["has_password"], &renamed["version"]), (&json!(true), &json!(2)), "the password stays");
    let late = change(json!({"version": 1, "ssid": "x"})).await;
    assert_eq!(late.failure(), failure(409, "conflict"));
    assert_eq!(late.json()["current"]["name"], "Loft");
    assert_eq!(change(json!({"version": 2, "password": null})).await.json()["has_password"], false);
    assert_eq!(change(json!({"version": 3, "passwort": null})).await.failure(), failure(400, "invalid"));
    assert_eq!(change(json!({"version": 3, "password": "short"})).await.failure(), failure(400, "invalid"));
    told.push(server.get(&path).cookie(&edith).send().await.text());
    let deleted = server.delete(&format!("{path}?version=3")).cookie(&edith).send().await;
    assert_eq!(deleted.status, 204);
    assert_eq!(server.get(&path).cookie(&edith).send().await.failure(), failure(404, "missing"));

    let ada = server.cookie("ada").await;
    let record = server.get("/api/v1/audit?target=wifi%20network").cookie(&ada).send().await.text();
    for word in ["created", "used", "code of the template micropython-dht", "changed", "deleted", "edith"] {
        assert!(record.contains(word), "{word}: {record}");
    }
    told.push(record);
    for answer in told {
        assert!(answer.contains("ttic") && !answer.contains("rafters"), "{answer}");
    }
}

#[tokio::test]
async fn networks_are_filled_in_by_editors_where_a_template_takes_one() {
    let (server, owner) = Server::set_up().await;
    server.user(owner.org, "vera", Role::Viewer).await;
    server.stranger().await;
    let ada = server.cookie("ada").await;
    let body = json!({"name": "Attic", "ssid": "attic-2g", "password": SECRET});
    let id = server.post("/api/v1/networks").cookie(&ada).json(&body).send().await.json()["id"].clone();
    let make = async |cookie: &str, path: &str, body: &Value| server.post(path).cookie(cookie).json(body).send().await;
    let (vera, eve) = (server.cookie("vera").await, server.cookie("eve").await);
    assert_eq!(make(&vera, RENDER, &render(&id)).await.failure(), failure(403, "denied"));
    assert_eq!(make(&eve, RENDER, &render(&id)).await.failure(), failure(404, "missing"));
    let token = server.token(&owner, None, true, true).await;
    let program = server.post(RENDER).token(&token).json(&render(&id)).send().await;
    assert_eq!(program.failure(), failure(403, "denied"));

    let mut both = render(&id);
    both["variables"]["wifi_ssid"] = json!("another");
    let both = make(&ada, RENDER, &both).await;
    assert!(both.status == 400 && both.text().contains("one or the other"), "{}", both.text());
    let none = make(&ada, "/api/v1/templates/shell-curl/render", &render(&id)).await;
    assert!(none.status == 400 && none.text().contains("joins no Wi-Fi network"), "{}", none.text());
    let mut own = render(&Value::Null);
    own["variables"]["wifi_ssid"] = json!("by hand");
    assert_eq!(make(&vera, RENDER, &own).await.status, 200, "without a network of the organisation, everyone may");
}
