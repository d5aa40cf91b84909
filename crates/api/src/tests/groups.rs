//! Groups over HTTP, and what a guest gets because of them.

use axum::http::Method;
use sensorium_model::{Principal, Role};
use serde_json::{Value, json};

use super::server::{Reply, Server, failure};

const GROUPS: &str = "/api/v1/groups";
const NOWHERE: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

/// A server with the owner `ada` and the guest `gus`.
struct House {
    server: Server,
    ada: String,
    gus: String,
    guest: Principal,
}

impl House {
    async fn new() -> Self {
        let (server, owner) = Server::set_up().await;
        let guest = server.user(owner.org, "gus", Role::Guest).await;
        let (ada, gus) = (server.cookie("ada").await, server.cookie("gus").await);
        Self { server, ada, gus, guest }
    }

    fn guest(&self) -> String {
        self.guest.person().unwrap().to_string()
    }

    /// Adds something as `ada`.
    async fn add(&self, path: &str, body: Value) -> Value {
        let reply = self.server.post(path).cookie(&self.ada).json(&body).send().await;
        assert_eq!(reply.status, 201, "{body}: {}", reply.text());
        reply.json()
    }

    /// Changes a group as `ada`.
    async fn change(&self, group: &Value, body: Value) -> Reply {
        self.server.call(Method::PATCH, &at(GROUPS, group)).cookie(&self.ada).json(&body).send().await
    }

    /// Asks as `gus`.
    async fn see(&self, path: &str) -> Reply {
        self.server.get(path).cookie(&self.gus).send().await
    }

    /// The names of what `gus` finds in a list.
    async fn names(&self, of: &str) -> Vec<String> {
        let reply = self.see(&format!("/api/v1/{of}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let list = reply.json()[of].as_array().unwrap().clone();
        list.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    }
}

/// The address of a thing.
fn at(path: &str, thing: &Value) -> String {
    format!("{path}/{}", thing["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_group_is_added_changed_and_deleted_and_a_late_change_gets_the_current_one() {
    let house = House::new().await;
    let server = &house.server;
    let lamp = house.add("/api/v1/devices", json!({"name": "lamp"})).await;
    let site = house.add("/api/v1/places", json!({"name": "Campus", "kind": "site"})).await;
    let body =
        json!({"name": "<i>Guests</i>", "description": "a\nb", "members": [house.guest()], "devices": [lamp["id"]]});
    let made = house.add(GROUPS, body).await;
    assert_eq!(
        (&made["name"], &made["description"], &made["version"]),
        (&json!("<i>Guests</i>"), &json!("a\nb"), &json!(1))
    );
    assert_eq!(made["members"], json!([{"id": house.guest(), "login": "gus", "name": ""}]));
    assert_eq!((&made["devices"], &made["places"]), (&json!([{"id": lamp["id"], "name": "lamp"}]), &json!([])));

    let body = json!({"version": 1, "devices": [], "places": [site["id"]]});
    let changed = house.change(&made, body.clone()).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let changed = changed.json();
    assert_eq!((&changed["devices"], &changed["members"]), (&json!([]), &made["members"]));
    assert_eq!(changed["places"], json!([{"id": site["id"], "name": "Campus"}]));
    let late = house.change(&made, body).await;
    assert_eq!((late.failure(), &late.json()["current"]), (failure(409, "conflict"), &changed));
    let shown = server.get(&at(GROUPS, &made)).cookie(&house.ada).send().await.json();
    let listed = server.get(GROUPS).cookie(&house.ada).send().await.json();
    assert_eq!((&shown, &listed), (&changed, &json!({"groups": [changed]})));

    for wrong in [
        json!({"version": 2, "devices": [NOWHERE]}),
        json!({"version": 2, "members": [NOWHERE]}),
        json!({"version": 2, "places": [lamp["id"]]}),
    ] {
        let refused = house.change(&made, wrong.clone()).await;
        assert_eq!(refused.failure(), failure(404, "missing"), "{wrong}");
    }
    for wrong in [
        json!({"name": "x", "member": []}),
        json!({"name": "x", "members": ["gus"]}),
        json!({"name": ""}),
        json!({"name": "x", "places": vec![NOWHERE; 2], "description": "a\u{7}"}),
    ] {
        let refused = server.post(GROUPS).cookie(&house.ada).json(&wrong).send().await;
        assert_eq!(refused.failure(), failure(400, "invalid"), "{wrong}");
    }
    let early = server.delete(&format!("{}?version=1", at(GROUPS, &made))).cookie(&house.ada).send().await;
    assert_eq!(early.failure(), failure(409, "conflict"));
    let gone = server.delete(&format!("{}?version=2", at(GROUPS, &made))).cookie(&house.ada).send().await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    let audit = server.get("/api/v1/audit?target=group").cookie(&house.ada).send().await;
    assert!(audit.text().contains("Campus") && audit.text().contains("lamp"), "{}", audit.text());
}

#[tokio::test]
async fn a_guest_gets_what_is_shared_with_its_newest_values_and_the_rest_is_not_there() {
    let house = House::new().await;
    let of = house.add("/api/v1/device-types", json!({"name": "Thermometer", "table": "climate"})).await;
    let building = house.add("/api/v1/places", json!({"name": "House", "kind": "building"})).await;
    let floor = json!({"name": "Ground", "kind": "floor", "parent": building["id"]});
    let floor = house.add("/api/v1/places", floor).await;
    let mut devices = Vec::new();
    for (name, position) in
        [("attic", Value::Null), ("lamp", json!({"place": floor["id"], "x": 0.5, "y": 0.5})), ("hidden", Value::Null)]
    {
        devices.push(house.add("/api/v1/devices", json!({"name": name, "type": of["id"], "position": position})).await);
        let line = format!("climate,device={name} t=21.5 1600000000000000000");
        let written = house.server.post("/write?db=main").cookie(&house.ada).body(line).send().await;
        assert_eq!(written.status, 204, "{}", written.text());
    }
    let [attic, lamp, hidden] = devices.as_slice() else { unreachable!() };
    assert_eq!((house.names("devices").await, house.names("places").await), (vec![], vec![]));
    let body = json!({"name": "G", "members": [house.guest()], "devices": [attic["id"]], "places": [building["id"]]});
    let group = house.add(GROUPS, body).await;
    assert_eq!(house.names("devices").await, ["attic", "lamp"]);
    assert_eq!(house.names("places").await, ["Ground", "House"]);

    for device in [attic, lamp] {
        let shown = house.see(&at("/api/v1/devices", device)).await.json();
        assert_eq!(shown["last"]["series"][0]["t"], 21.5, "{shown}");
        assert_eq!(house.see(&format!("{}/state", at("/api/v1/devices", device))).await.status, 200);
        // Of databases a guest learns nothing.
        let elsewhere = house.see(&format!("{}?db=nowhere", at("/api/v1/devices", device))).await;
        assert_eq!((elsewhere.status.as_u16(), &elsewhere.json()["last"]), (200, &Value::Null));
    }
    let on_plan = house.see(&format!("{}/devices", at("/api/v1/places", &floor))).await.json();
    assert_eq!(on_plan["devices"][0]["last"]["series"][0]["device"], "lamp", "{on_plan}");
    let secret = house.see(&at("/api/v1/devices", hidden)).await;
    let nowhere = house.see(&format!("/api/v1/devices/{NOWHERE}")).await;
    assert_eq!((secret.failure(), secret.text()), (failure(404, "missing"), nowhere.text()));

    for path in [
        "/api/v1/devices?format=csv",
        "/api/v1/device-types",
        "/api/v1/device-types/shipped",
        "/api/v1/inbox",
        "/api/v1/databases",
        "/api/v1/databases/main/tables",
        "/api/v1/databases/main/last",
        "/api/v1/rejections",
        "/api/v1/sql?db=main&q=SELECT%201",
        "/api/v1/live?db=main&table=climate",
        "/ws/live",
        "/api/v1/templates",
        "/api/v1/templates/shell-curl",
        "/api/v1/users",
        "/api/v1/groups",
        "/api/v1/tokens",
        "/api/v1/networks",
        "/api/v1/audit",
        "/api/v1/queries",
        &format!("{}/commands", at("/api/v1/devices", attic)),
        &format!("{}/tokens", at("/api/v1/devices", attic)),
        &format!("{}/credentials", at("/api/v1/devices", attic)),
        &format!("{}/claim", at("/api/v1/devices", attic)),
    ] {
        assert_eq!(house.see(path).await.failure(), failure(403, "denied"), "{path}");
    }
    let written = house.server.post("/write?db=main").cookie(&house.gus).body("climate t=1").send().await;
    assert_eq!(written.failure(), failure(403, "denied"));
    for path in ["session", "account/sessions", "account/quotas", "account/email", "account/second-factor"] {
        assert_eq!(house.see(&format!("/api/v1/{path}")).await.status, 200, "{path}");
    }
    assert_eq!(house.see("/api/v1/session").await.json()["user"]["role"], "guest");

    // With the next request.
    let less = house.change(&group, json!({"version": 1, "places": [], "devices": [attic["id"]]})).await;
    assert_eq!(less.status, 200, "{}", less.text());
    assert_eq!((house.names("devices").await, house.names("places").await), (vec!["attic".to_owned()], vec![]));
    assert_eq!(house.see(&at("/api/v1/devices", lamp)).await.failure(), failure(404, "missing"));
}

#[tokio::test]
async fn a_guest_is_invited_and_made_a_viewer_as_anybody_is() {
    let house = House::new().await;
    let invited = house.add("/api/v1/users", json!({"login": "greta", "role": "guest"})).await;
    assert_eq!(invited["user"]["role"], "guest");
    let path = at("/api/v1/users", &invited["user"]);
    let body = json!({"version": 1, "role": "viewer"});
    let changed = house.server.call(Method::PATCH, &path).cookie(&house.ada).json(&body).send().await;
    assert_eq!(changed.json()["role"], "viewer", "{}", changed.text());
    house.add("/api/v1/devices", json!({"name": "lamp"})).await;
    let path = format!("/api/v1/users/{}", house.guest());
    let changed = house.server.call(Method::PATCH, &path).cookie(&house.ada).json(&body).send().await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(house.names("devices").await, ["lamp"]);
    let back = json!({"version": 2, "role": "guest"});
    house.server.call(Method::PATCH, &path).cookie(&house.ada).json(&back).send().await;
    assert!(house.names("devices").await.is_empty());
}

#[tokio::test]
async fn an_administrator_of_another_organisation_meets_no_group() {
    let house = House::new().await;
    let server = &house.server;
    server.stranger().await;
    let eve = server.cookie("eve").await;
    let lamp = house.add("/api/v1/devices", json!({"name": "lamp"})).await;
    let group = house.add(GROUPS, json!({"name": "Guests", "members": [house.guest()]})).await;
    let path = at(GROUPS, &group);
    assert_eq!(server.get(GROUPS).cookie(&eve).send().await.json(), json!({"groups": []}));
    assert_eq!(server.get(&path).cookie(&eve).send().await.failure(), failure(404, "missing"));
    let body = json!({"version": 1, "devices": []});
    let changed = server.call(Method::PATCH, &path).cookie(&eve).json(&body).send().await;
    assert_eq!(changed.failure(), failure(404, "missing"));
    assert_eq!(
        server.delete(&format!("{path}?version=1")).cookie(&eve).send().await.failure(),
        failure(404, "missing")
    );
    for theirs in [json!({"devices": [lamp["id"]]}), json!({"members": [house.guest()]})] {
        let mut body = theirs;
        body["name"] = json!("Mine");
        let refused = server.post(GROUPS).cookie(&eve).json(&body).send().await;
        assert_eq!(refused.failure(), failure(404, "missing"), "{body}");
    }
    let own = server.post("/api/v1/devices").cookie(&eve).json(&json!({"name": "own"})).send().await.json();
    let foreign = house.change(&group, json!({"version": 1, "devices": [own["id"]]})).await;
    assert_eq!(foreign.failure(), failure(404, "missing"));
    assert!(foreign.text().contains(own["id"].as_str().unwrap()), "{}", foreign.text());
}
