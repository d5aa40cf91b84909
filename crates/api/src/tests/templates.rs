//! Code for devices over HTTP.

use sensorium_model::Role;
use serde_json::{Value, json};

use super::server::{Server, failure};

const SHELL: &str = "/api/v1/templates/shell-curl";

fn variables() -> Value {
    json!({"device": "attic", "server": "http://box:8086/", "token": "it's secret", "interval": 30})
}

#[tokio::test]
async fn everyone_who_is_signed_in_lists_templates_and_makes_code() {
    let (server, owner) = Server::set_up().await;
    server.user(owner.org, "vera", Role::Viewer).await;
    let vera = server.cookie("vera").await;
    let list = server.get("/api/v1/templates").cookie(&vera).send().await.json();
    let templates = list["templates"].as_array().unwrap();
    assert_eq!(templates.len(), sensorium_devices::shipped().len());
    let shell = templates.iter().find(|template| template["id"] == "shell-curl").unwrap();
    assert_eq!((&shell["language"], &shell["files"]), (&json!("shell"), &json!(["sensorium-sensor.sh"])));
    let interval = shell["variables"].as_array().unwrap().iter().find(|v| v["name"] == "interval").unwrap();
    assert_eq!(interval["kind"], json!({"type": "duration", "min_seconds": 1, "max_seconds": 86_400}));
    assert_eq!((&interval["default"], &interval["required"]), (&json!(10), &json!(true)));

    let whole = server.get(SHELL).cookie(&vera).send().await.json();
    assert!(whole["sources"][0]["body"].as_str().unwrap().contains("{{ token | sh_string }}"), "{whole}");
    assert_eq!(whole["title"], shell["title"]);

    let token = server.token(&owner, None, true, false).await;
    let render = server.post(&format!("{SHELL}/render"));
    let made = render.token(&token).json(&json!({"variables": variables()})).send().await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.json()["files"][0]["name"], "sensorium-sensor.sh");
    let text = made.json()["files"][0]["text"].as_str().unwrap().to_owned();
    for line in ["server='http://box:8086'", r"token='it'\''s secret'", "interval=30", "database='main'"] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
}

#[tokio::test]
async fn what_is_filled_in_wrongly_is_told_by_variable() {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    let render = |body: Value| server.post(&format!("{SHELL}/render")).cookie(&ada).json(&body).send();
    let mut wrong = variables();
    wrong["interval"] = json!(0);
    wrong["server"] = json!("box");
    let reply = render(json!({"variables": wrong})).await;
    assert_eq!(reply.failure(), failure(400, "invalid"));
    let told = &reply.json()["variables"];
    assert_eq!(told[0]["variable"], "server");
    let expected = json!({"variable": "interval", "problem": "is less than 1",
        "allowed": "it takes a whole number of seconds from 1 to 86400"});
    assert_eq!((&told[1], told.as_array().unwrap().len()), (&expected, 2));
    for body in [json!({}), json!({"variables": []}), json!({"values": {}})] {
        assert_eq!(render(body).await.failure(), failure(400, "invalid"));
    }
    let missing = server.get("/api/v1/templates/none").cookie(&ada).send().await;
    assert_eq!(missing.failure(), failure(404, "missing"));
    let missing = server.post("/api/v1/templates/none/render").cookie(&ada).json(&json!({})).send().await;
    assert_eq!(missing.failure(), failure(404, "missing"));
    assert_eq!(server.get("/api/v1/templates").send().await.failure(), failure(401, "unauthenticated"));
}
