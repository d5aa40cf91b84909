//! Many devices at once.

use serde_json::{Value, json};

use super::{device, failure, start};
use crate::tests::server::{Reply, Server};

async fn import(server: &Server, ada: &str, query: &str, text: impl Into<axum::body::Body>) -> Reply {
    let call = server.post(&format!("/api/v1/devices/import{query}")).cookie(ada);
    call.header("content-type", "text/csv; charset=utf-8").body(text).send().await
}

async fn export(server: &Server, ada: &str) -> String {
    let reply = server.get("/api/v1/devices?format=csv").cookie(ada).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let compressed =
        server.get("/api/v1/devices?format=csv").cookie(ada).header("accept-encoding", "gzip").send().await;
    assert_eq!(compressed.unzipped(), reply.text());
    assert!(reply.header("content-type").starts_with("text/csv"));
    assert!(reply.header("content-disposition").contains("attachment"));
    reply.text()
}

fn counts(created: u64, updated: u64, unchanged: u64, dry_run: bool) -> Value {
    json!({"created": created, "updated": updated, "unchanged": unchanged, "dry_run": dry_run})
}

#[tokio::test]
async fn what_is_exported_can_be_imported_again() {
    let (server, ada) = start().await;
    let of = json!({"name": "-Type", "table": "t"});
    let of = server.post("/api/v1/device-types").cookie(&ada).json(&of).send().await.json();
    let names = ["plain", "=1+1", "'=1+1", "''@x", "'", "'plain", "+x", "-x", "@x", "a,b", "say \"hi\"", "a;b", "ä ö"];
    for name in names {
        let body = json!({
            "name": name,
            "type": of["id"],
            "enabled": name != "plain",
            "location": {"latitude": -33.456_789_012_345, "longitude": 0.1},
            "attributes": {"=formula": "'=x", "quote": "\"", "comma": ","},
        });
        device(&server, &ada, body).await;
    }
    device(&server, &ada, json!({"name": "bare"})).await;
    let before = server.get("/api/v1/devices?sort=created").cookie(&ada).send().await.json();
    let text = export(&server, &ada).await;
    assert!(text.starts_with("name,type,enabled,latitude,longitude,attributes,tags,writes_as,place,x,y\r\n"), "{text}");
    assert!(text.contains("'=1+1,'-Type,true,-33.456789012345,0.1,") && text.contains("\r\n''=1+1,"), "{text}");
    let again = import(&server, &ada, "", text.clone()).await;
    assert_eq!(again.json(), counts(0, 0, 14, false));
    assert_eq!(server.get("/api/v1/devices?sort=created").cookie(&ada).send().await.json(), before);

    let (other, eve) = start().await;
    let of = json!({"name": "-Type", "table": "t"});
    other.post("/api/v1/device-types").cookie(&eve).json(&of).send().await;
    assert_eq!(import(&other, &eve, "?dry_run=true", text.clone()).await.json(), counts(14, 0, 0, true));
    assert_eq!(export(&other, &eve).await.lines().count(), 1, "only asked");
    assert_eq!(import(&other, &eve, "?dry_run=false", text.clone()).await.json(), counts(14, 0, 0, false));
    assert_eq!(export(&other, &eve).await, text);
}

#[tokio::test]
async fn places_and_what_devices_write_as_come_through_a_file() {
    async fn farm(server: &Server, ada: &str) -> String {
        let farm = json!({"name": "=Farm 1/2", "kind": "site"});
        let farm = server.post("/api/v1/places").cookie(ada).json(&farm).send().await.json();
        let house = json!({"name": "House", "kind": "building", "parent": farm["id"]});
        let house = server.post("/api/v1/places").cookie(ada).json(&house).send().await.json();
        house["id"].as_str().unwrap().to_owned()
    }
    let (server, ada) = start().await;
    let house = farm(&server, &ada).await;
    device(
        &server,
        &ada,
        json!({"name": "attic", "writes_as": " ESP 1 ", "position": {"place": house, "x": 0.1, "y": 1}}),
    )
    .await;
    device(&server, &ada, json!({"name": "bare"})).await;
    let text = export(&server, &ada).await;
    assert!(text.contains(",esp 1,'=Farm 1\\/2/House,0.1,1\r\n"), "{text}");
    assert_eq!(import(&server, &ada, "", text.clone()).await.json(), counts(0, 0, 2, false));
    let taken =
        server.post("/api/v1/devices").cookie(&ada).json(&json!({"name": "x", "writes_as": "Esp 1"})).send().await;
    assert_eq!(taken.failure(), failure(409, "conflict"));
    assert!(taken.text().contains("attic"), "{}", taken.text());

    let (other, eve) = start().await;
    let reply = import(&other, &eve, "", text.clone()).await;
    assert_eq!(reply.failure(), failure(400, "invalid"));
    assert!(reply.text().contains("there is no place") && reply.text().contains("House"), "{}", reply.text());
    farm(&other, &eve).await;
    assert_eq!(import(&other, &eve, "", text.clone()).await.json(), counts(2, 0, 0, false));
    assert_eq!(export(&other, &eve).await, text);
}

#[tokio::test]
async fn a_file_that_is_wrong_changes_nothing_and_is_explained() {
    let (server, ada) = start().await;
    let text = "name,type,enabled\na,,maybe\nb,None,\nc,,\nC,,\n\u{1},,\n";
    let reply = import(&server, &ada, "", text).await;
    assert_eq!(reply.failure(), failure(400, "invalid"));
    let told = reply.json();
    let lines: Vec<_> = told["problems"].as_array().unwrap().iter().map(|problem| problem["line"].clone()).collect();
    assert_eq!(lines, [json!(2), json!(3), json!(5), json!(6)], "{told}");
    assert!(told["error"].as_str().unwrap().starts_with("4 problems"), "{told}");
    assert_eq!(export(&server, &ada).await.lines().count(), 1);
    for wrong in [&b""[..], b"colour\nred\n", b"name\n\xff\n"] {
        let reply = import(&server, &ada, "", wrong).await;
        assert_eq!(reply.failure(), failure(400, "invalid"));
        assert_eq!(reply.json()["problems"].as_array().unwrap().len(), 1, "{}", reply.text());
    }
    let json = server.post("/api/v1/devices/import").cookie(&ada).json(&json!([])).send().await;
    assert_eq!(json.failure(), failure(415, "invalid"));
    let viewer = server.user(server.first.org, "vera", sensorium_model::Role::Viewer).await;
    assert_eq!(viewer.role, sensorium_model::Role::Viewer);
    let vera = server.cookie("vera").await;
    assert_eq!(import(&server, &vera, "", "name\nx\n").await.failure(), failure(403, "denied"));
}

#[tokio::test]
async fn an_export_of_several_pages_is_whole() {
    let (server, ada) = start().await;
    let mut text = "name\n".to_owned();
    for number in 0..2_001 {
        text.push_str(&format!("device {number}\n"));
    }
    assert_eq!(import(&server, &ada, "", text).await.json(), counts(2_001, 0, 0, false));
    let exported = export(&server, &ada).await;
    assert_eq!(exported.lines().count(), 2_002);
    let names: std::collections::BTreeSet<_> = exported.lines().collect();
    assert_eq!(names.len(), 2_002, "none is there twice");
}
