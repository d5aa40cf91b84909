//! Keys for devices, and the inbox of devices that are not known.

use axum::http::Method;
use sensorium_model::{DatabaseKey, DatabaseName};
use serde_json::{Value, json};

use super::server::{Server, failure};

/// A server with the database `main`, the cookie of `ada`, and a key for devices.
async fn start() -> (Server, String, String) {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    let key = key(&server, &ada).await;
    (server, ada, key)
}

async fn key(server: &Server, cookie: &str) -> String {
    let new = json!({"name": "workshop", "can_read": false, "can_write": true, "for_devices": true});
    let reply = server.post("/api/v1/tokens").cookie(cookie).json(&new).send().await;
    assert_eq!((reply.status.as_u16(), &reply.json()["token"]["for_devices"]), (201, &json!(true)), "{}", reply.text());
    reply.json()["secret"].as_str().unwrap().to_owned()
}

/// The series of a table, with the newest value of the field `v` of each.
fn series(server: &Server, table: &str) -> Vec<String> {
    let key = DatabaseKey::new(server.first.org, DatabaseName::new("main").unwrap());
    let mut series: Vec<String> =
        server.state.store.last_values(&key, table).into_iter().map(|row| row.series.as_str().to_owned()).collect();
    series.sort();
    series
}

async fn waiting(server: &Server, ada: &str) -> Vec<Value> {
    server.get("/api/v1/inbox").cookie(ada).send().await.json()["newcomers"].as_array().unwrap().clone()
}

fn path(newcomer: &Value) -> String {
    format!("/api/v1/inbox/{}", newcomer["id"].as_str().unwrap())
}

#[tokio::test]
async fn what_an_unknown_device_sends_is_stored_when_somebody_adopts_it() {
    let (server, ada, key) = start().await;
    let lines = "climate,device=ESP_12AB v=21.5 1700000000000\nclimate,device=ESP_12AB v=\n";
    let reply = server.post("/write?db=main&precision=ms").token(&key).body(lines).send().await;
    let told = reply.json();
    assert_eq!(
        (reply.status.as_u16(), &told["status"], &told["device"]),
        (202, &json!("in_inbox"), &json!("ESP_12AB"))
    );
    let reply = server
        .post("/api/v1/readings?db=main&table=air&tags=room")
        .token(&key)
        .json(&json!({"device": "esp_12ab", "co2": 800, "room": "x"}))
        .send()
        .await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    assert_eq!((series(&server, "climate"), series(&server, "air")), (vec![], vec![]), "nothing is mixed in");

    let waits = waiting(&server, &ada).await;
    assert_eq!((waits.len(), &waits[0]["name"], &waits[0]["kept"]), (1, &json!("ESP_12AB"), &json!(2)));
    assert_eq!((&waits[0]["format"], &waits[0]["database"]), (&json!("json"), &json!("main")));
    let shown = server.get(&path(&waits[0])).cookie(&ada).send().await.json();
    assert_eq!(shown["kept_messages"][1]["body"], lines);
    let recognised = json!([{"table": "air", "readings": 1, "tags": ["device", "room"],
        "fields": [{"name": "co2", "type": "float", "display_name": "", "unit": ""}]}]);
    assert_eq!(shown["recognised"], recognised, "{shown}");

    let adopt = format!("{}/adopt", path(&waits[0]));
    let reply = server.post(&adopt).cookie(&ada).json(&json!({"name": "Roof"})).send().await;
    let adopted = reply.json();
    assert_eq!((reply.status.as_u16(), &adopted["name"]), (201, &json!("Roof")), "{adopted}");
    assert_eq!((&adopted["stored"], &adopted["refused"], &adopted["complete"]), (&json!(2), &json!(1), &json!(true)));
    assert!(adopted["reason"].is_string());
    assert_eq!(series(&server, "climate"), ["device=Roof"]);
    assert_eq!(series(&server, "air"), ["device=Roof,room=x"]);
    assert_eq!(waiting(&server, &ada).await, Vec::<Value>::new());

    let reply = server.post("/write?db=main").token(&key).body("climate,device=ESP_12AB v=3").send().await;
    assert_eq!((reply.status.as_u16(), series(&server, "climate")), (204, vec!["device=Roof".to_owned()]));
    let device = format!("/api/v1/devices/{}", adopted["device"].as_str().unwrap());
    let shown = server.get(&device).cookie(&ada).send().await.json();
    assert_eq!(
        (&shown["writes_as"], &shown["status"]["rows"], &shown["status"]["messages"]),
        (&json!("esp_12ab"), &json!(3), &json!(3))
    );
}

#[tokio::test]
async fn a_key_writes_for_many_devices_that_are_known() {
    let (server, ada, key) = start().await;
    for name in ["attic", "cellar"] {
        let reply = server.post("/api/v1/devices").cookie(&ada).json(&json!({"name": name})).send().await;
        assert_eq!(reply.status, 201);
    }
    let lines = "climate,device=attic v=1\nclimate,device=Cellar v=2\nclimate,device=ATTIC v=3 1";
    assert_eq!(server.post("/write?db=main").token(&key).body(lines).send().await.status, 204);
    assert_eq!(series(&server, "climate"), ["device=attic", "device=cellar"]);
    let found = server.get("/api/v1/devices?sort=name").cookie(&ada).send().await.json();
    let rows = |device: usize| found["devices"][device]["status"]["rows"].clone();
    assert_eq!((rows(0), rows(1)), (json!(2), json!(1)), "{found}");

    let mixed = "climate,device=attic v=4\nclimate,device=stranger v=5";
    let reply = server.post("/write?db=main").token(&key).body(mixed).send().await;
    assert_eq!(reply.failure(), failure(400, "invalid"));
    assert!(reply.text().contains("stranger") && reply.text().contains("inbox"), "{}", reply.text());
    let nameless = server.post("/write?db=main").token(&key).body("climate v=4").send().await;
    assert_eq!(nameless.status, 400);
    assert!(nameless.text().contains("which device"), "{}", nameless.text());
    assert_eq!(waiting(&server, &ada).await, Vec::<Value>::new());

    let attic = &found["devices"][0];
    let change = json!({"version": attic["version"], "enabled": false});
    let device = format!("/api/v1/devices/{}", attic["id"].as_str().unwrap());
    assert_eq!(server.call(Method::PATCH, &device).cookie(&ada).json(&change).send().await.status, 200);
    let reply = server.post("/write?db=main").token(&key).body("climate,device=attic v=9").send().await;
    assert_eq!(reply.failure(), failure(403, "denied"));
}

#[tokio::test]
async fn what_the_inbox_cannot_keep_is_refused_with_the_limit() {
    let (server, ada, key) = start().await;
    let long = "climate,device=esp v=1\n".repeat(3_000);
    let reply = server.post("/write?db=main").token(&key).body(long).send().await;
    assert_eq!(reply.failure().0, 413);
    assert!(reply.text().contains("inbox.bytes"), "{}", reply.text());
    let frame = json!({"camera": "door", "objects": []});
    let reply = server.post("/api/v1/detections?db=main").token(&key).json(&frame).send().await;
    assert_eq!(reply.failure(), failure(400, "invalid"));
    let reply = server.post("/write?db=main").token(&key).body("climate,device=esp text=\"a\u{0}b\"").send().await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    let control = server.post("/write?db=main").token(&key).body("climate,device=e\u{7}sp v=1").send().await;
    assert_eq!(control.status, 400, "{}", control.text());
    assert_eq!(waiting(&server, &ada).await, Vec::<Value>::new());

    server.post("/write?db=main").token(&key).body("climate,device=esp v=1").send().await;
    let esp = waiting(&server, &ada).await.remove(0);
    let ignored = server.call(Method::PATCH, &path(&esp)).cookie(&ada).json(&json!({"ignored": true})).send().await;
    assert_eq!(ignored.status, 204);
    let reply = server.post("/write?db=main").token(&key).body("climate,device=esp v=1").send().await;
    assert_eq!(reply.failure(), failure(403, "denied"));
    assert_eq!(server.delete(&path(&esp)).cookie(&ada).send().await.status, 204);
    let refused = server.get("/api/v1/rejections").cookie(&ada).send().await.json();
    assert!(refused["rejections"].to_string().contains("inbox.bytes"), "{refused}");
}

#[tokio::test]
async fn a_key_does_nothing_else() {
    let (server, ada, key) = start().await;
    server.post("/write?db=main").token(&key).body("climate,device=esp v=1").send().await;
    let esp = path(&waiting(&server, &ada).await[0]);
    for (method, path) in [
        (Method::GET, "/api/v1/inbox"),
        (Method::GET, esp.as_str()),
        (Method::DELETE, esp.as_str()),
        (Method::GET, "/api/v1/devices"),
        (Method::GET, "/api/v1/tokens"),
        (Method::GET, "/api/v1/device/state"),
        (Method::GET, "/api/v1/export?db=main&table=climate"),
        (Method::GET, "/metrics"),
    ] {
        let reply = server.call(method.clone(), path).token(&key).send().await;
        assert!([403, 404].contains(&reply.status.as_u16()), "{method} {path}: {} {}", reply.status, reply.text());
    }
    let listed = server.get("/api/v1/databases").token(&key).send().await;
    assert!(!listed.text().contains("main"), "{}", listed.text());
    let sql = server.post("/api/v1/sql?db=main").token(&key).body("SELECT 1").send().await;
    assert!([400, 403, 404].contains(&sql.status.as_u16()), "{}", sql.text());
}

#[tokio::test]
async fn what_a_stop_left_is_handed_over_later() {
    let (server, ada, key) = start().await;
    server.post("/write?db=main").token(&key).body("climate,device=esp v=1").send().await;
    server.post("/write?db=main").token(&key).body("other,device=esp v=1").send().await;
    // The adoption is committed, and the server stops before it hands anything over.
    let owner = sensorium_model::Principal::system(server.first.org);
    let newcomer = server.state.metadata.inbox(&owner).await.unwrap().remove(0);
    let adoption = sensorium_metadata::Adoption::New { name: None, type_id: None };
    server.state.metadata.adopt(&owner, newcomer.id, adoption).await.unwrap();
    assert_eq!(series(&server, "climate"), Vec::<String>::new());
    crate::finish_adoptions(&server.state).await;
    assert_eq!(
        (series(&server, "climate"), series(&server, "other")),
        (vec!["device=esp".to_owned()], vec!["device=esp".to_owned()])
    );
    assert_eq!(waiting(&server, &ada).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_type_is_made_of_what_is_recognised() {
    let (server, ada, key) = start().await;
    for line in ["climate,device=esp v=1,w=2", "climate,device=esp u=\"x\"", "other,device=esp a=1"] {
        assert_eq!(server.post("/write?db=main").token(&key).body(line).send().await.status, 202);
    }
    let waits = waiting(&server, &ada).await;
    let adopt = format!("{}/adopt", path(&waits[0]));
    let both = json!({"new_type": "Climate", "type": "01890a5d-ac96-774b-bcce-b302099a8057"});
    assert_eq!(server.post(&adopt).cookie(&ada).json(&both).send().await.status, 400);
    let reply = server.post(&adopt).cookie(&ada).json(&json!({"name": "Roof", "new_type": "Climate"})).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let owner = sensorium_model::Principal::system(server.first.org);
    let made = server.state.metadata.device_types(&owner).await.unwrap().remove(0);
    let mut fields: Vec<_> = made.fields.iter().map(|field| field.name.as_str()).collect();
    fields.sort_unstable();
    assert_eq!((made.name.as_str(), made.table.as_str(), fields), ("Climate", "climate", vec!["u", "v", "w"]));
    assert_eq!(made.fields[0].unit, "", "nothing was announced");
}
