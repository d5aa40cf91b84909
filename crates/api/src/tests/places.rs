//! Sites, buildings and floors over HTTP, their plans, and devices on them.

use axum::http::Method;
use sensorium_model::Role;
use serde_json::{Value, json};

use super::server::{Reply, Server, failure};

const PLACES: &str = "/api/v1/places";
const DRAWING: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 2000 1000\"><rect width=\"5\" height=\"5\"/></svg>";

/// A server with an editor, and requests as one.
struct Editor {
    server: Server,
    cookie: String,
}

impl Editor {
    async fn new() -> Self {
        let (server, owner) = Server::set_up().await;
        server.user(owner.org, "edith", Role::Editor).await;
        let cookie = server.cookie("edith").await;
        Self { server, cookie }
    }

    async fn add(&self, body: Value) -> Reply {
        self.server.post(PLACES).cookie(&self.cookie).json(&body).send().await
    }

    async fn added(&self, body: Value) -> String {
        let made = self.add(body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["id"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> Reply {
        self.server.get(path).cookie(&self.cookie).send().await
    }

    async fn change(&self, path: &str, body: Value) -> Reply {
        self.server.call(Method::PATCH, path).cookie(&self.cookie).json(&body).send().await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.server.delete(path).cookie(&self.cookie).send().await
    }

    async fn put_plan(&self, id: &str, version: u32, body: impl Into<axum::body::Body>) -> Reply {
        let path = format!("{PLACES}/{id}/plan?version={version}");
        self.server.call(Method::PUT, &path).cookie(&self.cookie).body(body).send().await
    }

    /// A building with a floor.
    async fn floor(&self) -> (String, String) {
        let building = self.added(json!({"name": "House", "kind": "building"})).await;
        let floor = self.added(json!({"name": "First", "kind": "floor", "parent": building, "level": 1})).await;
        (building, floor)
    }
}

#[tokio::test]
async fn places_stand_in_each_other_and_what_is_in_use_is_not_deleted() {
    let editor = Editor::new().await;
    let site = editor
        .added(json!({"name": "Campus", "kind": "site", "location": {"latitude": 48.2, "longitude": 16.4}}))
        .await;
    let building = editor.added(json!({"name": "<b>A</b>", "kind": "building", "parent": site})).await;
    let floor = editor.added(json!({"name": "Ground", "kind": "floor", "parent": building, "level": 0})).await;
    for (body, status) in [
        (json!({"name": "x", "kind": "site", "parent": site}), 400),
        (json!({"name": "x", "kind": "building", "parent": floor}), 400),
        (json!({"name": "x", "kind": "floor", "parent": site}), 400),
        (json!({"name": "x", "kind": "floor"}), 400),
        (json!({"name": "x", "kind": "room"}), 400),
        (json!({"name": " ", "kind": "site"}), 400),
        (json!({"name": "a\u{7}", "kind": "site"}), 400),
        (json!({"name": "x", "kind": "site", "level": 1}), 400),
        (json!({"name": "x", "kind": "floor", "parent": building, "level": 5_000}), 400),
        (json!({"name": "x", "kind": "site", "location": {"latitude": 91, "longitude": 0}}), 400),
        (json!({"name": "x", "kind": "site", "parent": null, "colour": 1}), 400),
        (json!({"name": "CAMPUS", "kind": "site"}), 409),
        (json!({"name": "x", "kind": "building", "parent": "0190163d-8694-739b-aea5-966c26f8ad91"}), 404),
    ] {
        let refused = editor.add(body.clone()).await;
        assert_eq!(refused.status.as_u16(), status, "{body}: {}", refused.text());
    }
    // The same name in another place is another place.
    editor.added(json!({"name": "Campus", "kind": "building", "parent": site})).await;
    let listed = editor.get(PLACES).await.json();
    assert_eq!(listed["places"].as_array().unwrap().len(), 4);

    let device = json!({"name": "lamp", "position": {"place": floor, "x": 0.25, "y": 1}});
    let lamp = editor.server.post("/api/v1/devices").cookie(&editor.cookie).json(&device).send().await;
    assert_eq!(lamp.json()["position"], json!({"place": floor, "x": 0.25, "y": 1.0}), "{}", lamp.text());
    let refused = editor.delete(&format!("{PLACES}/{building}?version=1")).await;
    assert!(refused.status == 409 && refused.text().contains("\\\"Ground\\\""), "{}", refused.text());
    let refused = editor.delete(&format!("{PLACES}/{floor}?version=1")).await;
    assert!(refused.status == 409 && refused.text().contains("\\\"lamp\\\""), "{}", refused.text());
    let within = editor.get(&format!("/api/v1/devices?place={site}")).await.json();
    assert_eq!(within["devices"][0]["name"], "lamp", "{within}");
    assert_eq!(editor.get(&format!("{PLACES}/{floor}")).await.json()["devices"], 1);

    let path = format!("/api/v1/devices/{}", lamp.json()["id"].as_str().unwrap());
    for at in [json!({"place": floor, "x": 1.1, "y": 0}), json!({"place": floor, "x": 0.5, "y": -0.1})] {
        let refused = editor.change(&path, json!({"version": 1, "position": at})).await;
        assert_eq!(refused.failure(), failure(400, "invalid"), "{at}");
    }
    assert_eq!(editor.change(&path, json!({"version": 1, "tags": {"a": "b"}})).await.json()["position"]["x"], 0.25);
    assert_eq!(editor.change(&path, json!({"version": 2, "position": null})).await.json()["position"], json!(null));
    assert_eq!(editor.delete(&format!("{PLACES}/{floor}?version=1")).await.status, 204);
}

#[tokio::test]
async fn of_two_changes_of_a_place_the_second_is_told_how_it_is_now() {
    let editor = Editor::new().await;
    let (_, floor) = editor.floor().await;
    let path = format!("{PLACES}/{floor}");
    let first = editor.change(&path, json!({"version": 1, "name": "Attic", "level": 2})).await.json();
    assert_eq!((&first["name"], &first["level"], &first["version"]), (&json!("Attic"), &json!(2), &json!(2)));
    let second = editor.change(&path, json!({"version": 1, "name": "Cellar"})).await;
    assert_eq!(second.failure(), failure(409, "conflict"));
    assert_eq!(second.json()["current"]["name"], "Attic");
    let late = editor.put_plan(&floor, 1, DRAWING).await;
    assert_eq!((late.status.as_u16(), &late.json()["current"]["version"]), (409, &json!(2)));
    assert_eq!(editor.delete(&format!("{path}?version=1")).await.failure(), failure(409, "conflict"));
    let unscaled = editor.change(&path, json!({"version": 2, "metres_per_pixel": 0.01})).await;
    assert_eq!(unscaled.failure(), failure(400, "invalid"), "there is no plan yet");
}

#[tokio::test]
async fn a_plan_is_cleaned_kept_scaled_shown_and_taken_away() {
    let editor = Editor::new().await;
    let (_, floor) = editor.floor().await;
    let path = format!("{PLACES}/{floor}");
    assert_eq!(editor.get(&format!("{path}/plan")).await.failure(), failure(404, "missing"));
    let harm = DRAWING.replace("</svg>", "<script>alert(1)</script></svg>");
    let put = editor.put_plan(&floor, 1, harm).await;
    assert_eq!(put.status, 200, "{}", put.text());
    let plan = put.json()["plan"].clone();
    assert_eq!((&plan["width"], &plan["height"]), (&json!(2_000), &json!(1_000)));

    let shown = editor.get(&format!("{path}/plan")).await;
    assert_eq!((shown.status.as_u16(), shown.header("content-type")), (200, "image/svg+xml"));
    assert!(shown.header("content-security-policy").contains("sandbox") && !shown.text().contains("alert"));
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    let tag = shown.header("etag").to_owned();
    let again = editor.server.get(&format!("{path}/plan")).cookie(&editor.cookie).header("if-none-match", &tag);
    assert_eq!(again.send().await.status, 304);

    for scale in [json!(0), json!(-1), json!(1e9)] {
        let refused = editor.change(&path, json!({"version": 2, "metres_per_pixel": scale})).await;
        assert_eq!(refused.failure(), failure(400, "invalid"), "{scale}");
    }
    let scaled = editor.change(&path, json!({"version": 2, "metres_per_pixel": 0.01})).await.json();
    assert_eq!(scaled["plan"]["metres_per_pixel"], 0.01);
    // A picture of the same size keeps the scale, another one does not.
    assert_eq!(editor.put_plan(&floor, 3, DRAWING).await.json()["plan"]["metres_per_pixel"], 0.01);
    let other = editor.put_plan(&floor, 4, DRAWING.replace("1000", "1500")).await.json();
    assert_eq!((&other["plan"]["metres_per_pixel"], &other["plan"]["height"]), (&json!(null), &json!(1_500)));
    assert_eq!(editor.delete(&format!("{path}/plan?version=5")).await.json()["plan"], json!(null));
    assert_eq!(editor.get(&format!("{path}/plan")).await.failure(), failure(404, "missing"));

    let ada = editor.server.cookie("ada").await;
    let record = editor.server.get("/api/v1/audit?target=place").cookie(&ada).send().await.text();
    for word in ["created", "changed", "2000 × 1000", "edith"] {
        assert!(record.contains(word), "{word}: {record}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_picture_or_too_large_is_refused_and_changes_nothing() {
    let config = crate::ApiConfig { plan_bytes: 10_000, ..crate::ApiConfig::default() };
    let server = Server::with(config).await;
    server.user(server.first.org, "ada", Role::Owner).await;
    let cookie = server.cookie("ada").await;
    let editor = Editor { server, cookie };
    let (_, floor) = editor.floor().await;
    for file in ["", "GIF89a", "<html>", "\u{89}PNG\r\n\u{1a}\n"] {
        assert_eq!(editor.put_plan(&floor, 1, file).await.failure(), failure(400, "invalid"), "{file:?}");
    }
    let large =
        editor.put_plan(&floor, 1, DRAWING.replace("<rect", &format!("<!--{}--><rect", "x".repeat(10_000)))).await;
    assert_eq!(large.failure(), failure(413, "too_large"));
    assert!(large.text().contains("http.plan_bytes"), "{}", large.text());
    let zipped = editor.server.call(Method::PUT, &format!("{PLACES}/{floor}/plan?version=1"));
    let zipped = zipped.cookie(&editor.cookie).header("content-encoding", "gzip").body(DRAWING).send().await;
    assert_eq!(zipped.status, 415);
    assert_eq!(editor.get(&format!("{PLACES}/{floor}")).await.json()["version"], 1);
}

#[tokio::test]
async fn another_organisation_has_no_place_of_ours() {
    let editor = Editor::new().await;
    let (building, floor) = editor.floor().await;
    editor.put_plan(&floor, 1, DRAWING).await;
    editor.server.stranger().await;
    let eve = Editor { cookie: editor.server.cookie("eve").await, server: editor.server };
    assert_eq!(eve.get(PLACES).await.json()["places"], json!([]));
    for path in [format!("{PLACES}/{floor}"), format!("{PLACES}/{floor}/plan"), format!("{PLACES}/{floor}/devices")] {
        assert_eq!(eve.get(&path).await.failure(), failure(404, "missing"), "{path}");
    }
    assert_eq!(eve.put_plan(&floor, 2, DRAWING).await.failure(), failure(404, "missing"));
    let under = eve.add(json!({"name": "x", "kind": "floor", "parent": building})).await;
    assert_eq!(under.failure(), failure(404, "missing"));
    let device = json!({"name": "spy", "position": {"place": floor, "x": 0, "y": 0}});
    let placed = eve.server.post("/api/v1/devices").cookie(&eve.cookie).json(&device).send().await;
    assert_eq!(placed.failure(), failure(404, "missing"));
    assert_eq!(eve.get(&format!("/api/v1/devices?place={floor}")).await.failure(), failure(404, "missing"));
}

#[tokio::test]
async fn the_devices_of_a_plan_come_with_their_newest_values() {
    let editor = Editor::new().await;
    let (_, floor) = editor.floor().await;
    let of = editor.server.post("/api/v1/device-types").cookie(&editor.cookie);
    let of = of.json(&json!({"name": "Climate", "table": "climate"})).send().await.json();
    let device = json!({"name": "attic", "type": of["id"], "position": {"place": floor, "x": 0.5, "y": 0.5}});
    editor.server.post("/api/v1/devices").cookie(&editor.cookie).json(&device).send().await;
    let line = "climate,device=attic temperature=21.5";
    let sent = editor.server.post("/write?db=main").cookie(&editor.cookie).body(line).send().await;
    assert_eq!(sent.status, 204, "{}", sent.text());
    let found = editor.get(&format!("{PLACES}/{floor}/devices")).await.json();
    assert_eq!(found["devices"][0]["last"]["series"][0]["temperature"], 21.5, "{found}");
    assert_eq!((&found["devices"][0]["x"], &found["devices"][0]["type"]["name"]), (&json!(0.5), &json!("Climate")));
}

#[tokio::test]
async fn a_building_tells_its_own_devices_however_many_are_on_its_floors() {
    let editor = Editor::new().await;
    let (building, floor) = editor.floor().await;
    let mut file = "name\n".to_owned();
    (0..1_000).for_each(|number| file.push_str(&format!("a{number}\n")));
    let import = editor.server.post("/api/v1/devices/import").cookie(&editor.cookie).header("content-type", "text/csv");
    assert_eq!(import.body(file).send().await.status, 200);
    let listed = editor.get("/api/v1/devices?limit=1000").await.json();
    for device in listed["devices"].as_array().unwrap() {
        let path = format!("/api/v1/devices/{}", device["id"].as_str().unwrap());
        let at = json!({"version": 1, "position": {"place": floor, "x": 0, "y": 0}});
        assert_eq!(editor.change(&path, at).await.status, 200);
    }
    let device = json!({"name": "z", "position": {"place": building, "x": 1, "y": 1}});
    editor.server.post("/api/v1/devices").cookie(&editor.cookie).json(&device).send().await;
    let found = editor.get(&format!("{PLACES}/{building}/devices")).await.json();
    let names: Vec<&Value> = found["devices"].as_array().unwrap().iter().map(|of| &of["name"]).collect();
    assert_eq!(names, ["z"]);
}
