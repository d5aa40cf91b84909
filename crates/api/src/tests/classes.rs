//! Classes of people and their quotas over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::Method;
use sensorium_metadata::Clock;
use sensorium_model::{DatabaseKey, DatabaseName, Role};
use serde_json::{Value, json};

use super::server::{Reply, Server, failure};

/// Adds a class as `ada`.
async fn class(server: &Server, ada: &str, body: &Value) -> Value {
    let reply = server.post("/api/v1/classes").cookie(ada).json(body).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

/// Puts the editor `edith` into a class.
async fn put_edith_into(server: &Server, ada: &str, class: &Value) {
    let people = server.get("/api/v1/users").cookie(ada).send().await.json();
    let edith = people["users"].as_array().unwrap().iter().find(|user| user["login"] == "edith").unwrap();
    let body = json!({"version": edith["version"], "class": class["id"]});
    let path = format!("/api/v1/users/{}", edith["id"].as_str().unwrap());
    let changed = server.call(Method::PATCH, &path).cookie(ada).json(&body).send().await;
    assert_eq!(changed.json()["class"], json!({"id": class["id"], "name": class["name"]}), "{}", changed.text());
}

#[tokio::test]
async fn a_class_is_added_changed_and_deleted_and_a_late_change_gets_the_current_one() {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    let guests = class(&server, &ada, &json!({"name": "<i>Guests</i>", "quotas": {"devices": 2}})).await;
    let expected = json!({"devices": 2, "points_per_second": null, "retention_days": null, "storage_bytes": null});
    assert_eq!(
        (&guests["name"], &guests["quotas"], &guests["people"]),
        (&json!("<i>Guests</i>"), &expected, &json!(0))
    );
    let path = format!("/api/v1/classes/{}", guests["id"].as_str().unwrap());
    let body = json!({"version": 1, "quotas": {"devices": null, "points_per_second": 7, "storage_bytes": 1_u64 << 50}});
    let changed = server.call(Method::PATCH, &path).cookie(&ada).json(&body).send().await.json();
    let expected =
        json!({"devices": null, "points_per_second": 7, "retention_days": null, "storage_bytes": 1_u64 << 50});
    assert_eq!(changed["quotas"], expected);
    let late = server.call(Method::PATCH, &path).cookie(&ada).json(&body).send().await;
    assert_eq!((late.failure(), &late.json()["current"]), (failure(409, "conflict"), &changed));
    assert_eq!(server.get("/api/v1/classes").cookie(&ada).send().await.json()["classes"], json!([changed]));
    for wrong in [
        json!({"name": "x", "quotas": {"device": 2}}),
        json!({"name": "x", "quotas": {"devices": -1}}),
        json!({"name": "x", "quotas": {"points_per_second": 0}}),
        json!({"name": "x", "quotas": {"storage_bytes": 0}}),
        json!({"name": "a\u{0}b"}),
    ] {
        let refused = server.post("/api/v1/classes").cookie(&ada).json(&wrong).send().await;
        assert_eq!(refused.failure(), failure(400, "invalid"), "{wrong}");
    }
    server.user(server.first.org, "edith", Role::Editor).await;
    put_edith_into(&server, &ada, &changed).await;
    let used = server.delete(&format!("{path}?version=2")).cookie(&ada).send().await;
    assert_eq!(used.failure(), failure(409, "conflict"));
}

#[tokio::test]
async fn quotas_name_themselves_and_what_is_refused_is_counted_and_shown() {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    let edith = server.user(server.first.org, "edith", Role::Editor).await;
    let quotas = json!({"devices": 1, "points_per_second": 1, "retention_days": 30, "storage_bytes": 1 << 30});
    let guests = class(&server, &ada, &json!({"name": "Guests", "quotas": quotas})).await;
    put_edith_into(&server, &ada, &guests).await;
    let token = server.token(&edith, None, true, true).await;

    let added = server.post("/api/v1/devices").token(&token).json(&json!({"name": "one"})).send().await;
    assert_eq!(added.status, 201, "{}", added.text());
    let refused = server.post("/api/v1/devices").token(&token).json(&json!({"name": "two"})).send().await;
    assert_eq!(refused.failure(), failure(403, "denied"));
    assert!(refused.text().contains("quota `devices` of class"), "{}", refused.text());

    let line = |count: usize| (0..count).map(|second| format!("t v=1 {second}000000000\n")).collect::<String>();
    let write = |body: String| server.post("/write?db=main").token(&token).body(body).send();
    assert_eq!(write(line(10)).await.status, 204);
    let slow = write(line(1)).await;
    assert_eq!((slow.failure(), slow.json()["retry_after_seconds"].as_u64()), (failure(429, "busy"), Some(1)));
    let large = write(line(11)).await;
    assert_eq!(large.failure(), failure(413, "too_large"));
    assert!(large.text().contains("at most 10 points come at once"), "{}", large.text());
    let shown = server.get("/api/v1/rejections").cookie(&ada).send().await;
    assert!(shown.text().contains("points_per_second"), "{}", shown.text());

    let created = server.post("/api/v1/databases").token(&token).json(&json!({"name": "hers"})).send().await;
    assert_eq!(created.status, 201, "{}", created.text());
    let kept = server.get("/api/v1/databases/hers/retention").token(&token).send().await.json();
    assert_eq!(kept["keep_seconds"], 30 * 86_400);
    let own = server.get("/api/v1/account/quotas").token(&token).send().await.json();
    assert_eq!(own, json!({"class": "Guests", "quotas": quotas, "devices_used": 1, "storage_bytes_used": 0}));
    let free = server.get("/api/v1/account/quotas").cookie(&ada).send().await.json();
    assert_eq!((&free["class"], &free["devices_used"]), (&Value::Null, &json!(0)));
}

/// A server whose clock stands still, with `ada`, and the editor `edith` in a class that may store one byte.
struct Full {
    server: Server,
    now_ms: Arc<AtomicI64>,
    class: Value,
    /// The cookie of `ada`.
    ada: String,
    /// Tokens of `ada` and of `edith`.
    owner: String,
    edith: String,
}

impl Full {
    async fn start() -> Self {
        let now_ms = Arc::new(AtomicI64::new(1_700_000_000_000));
        let clock = Arc::clone(&now_ms);
        let server = Server::configured(|config| config.clock = Clock::new(move || clock.load(Ordering::SeqCst))).await;
        let owner = server.user(server.first.org, "ada", Role::Owner).await;
        let edith = server.user(server.first.org, "edith", Role::Editor).await;
        let ada = server.cookie("ada").await;
        let class = class(&server, &ada, &json!({"name": "Guests", "quotas": {"storage_bytes": 1}})).await;
        put_edith_into(&server, &ada, &class).await;
        let owner = server.token(&owner, None, true, true).await;
        let edith = server.token(&edith, None, true, true).await;
        Self { server, now_ms, class, ada, owner, edith }
    }

    async fn create(&self, token: &str, name: &str) -> Reply {
        self.server.post("/api/v1/databases").token(token).json(&json!({"name": name})).send().await
    }

    async fn write(&self, token: &str, database: &str) -> Reply {
        let path = format!("/write?db={database}");
        self.server.post(&path).token(token).body("t v=1 1700000000000000000").send().await
    }

    /// Gives the class another quota.
    async fn allow(&self, version: i64, storage_bytes: Option<u64>) {
        let path = format!("/api/v1/classes/{}", self.class["id"].as_str().unwrap());
        let body = json!({"version": version, "quotas": {"storage_bytes": storage_bytes}});
        let changed = self.server.call(Method::PATCH, &path).cookie(&self.ada).json(&body).send().await;
        assert_eq!(changed.status, 200, "{}", changed.text());
    }

    /// Lets the time pass for which it is believed what databases take.
    fn pass(&self) {
        self.now_ms.fetch_add(1_000, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn while_storage_is_used_up_nobody_writes_into_the_databases_until_there_is_room() {
    let full = Full::start().await;
    let server = &full.server;
    for (token, name) in [(&full.edith, "hers"), (&full.edith, "more"), (&full.owner, "other")] {
        assert_eq!(full.create(token, name).await.status, 201, "{name}");
    }
    assert_eq!(full.write(&full.owner, "hers").await.status, 204);
    full.pass();
    for (token, name) in [(&full.owner, "hers"), (&full.edith, "hers"), (&full.edith, "more")] {
        let refused = full.write(token, name).await;
        assert_eq!(refused.failure(), failure(507, "no_space"), "{name}");
        let body = refused.json();
        let sentence = body["error"].as_str().unwrap();
        assert!(sentence.starts_with("the quota `storage_bytes` of class \"Guests\" is 1, and"), "{sentence}");
        assert!(sentence.contains("delete readings"), "{sentence}");
    }
    let frame = json!({"camera": "door", "objects": []});
    for (path, body) in [
        ("/api/v1/readings?db=hers&table=t", json!({"v": 1})),
        ("/api/v1/detections?db=hers", frame),
        ("/api/v2/write?bucket=hers", json!("t v=1")),
    ] {
        let refused = server.post(path).token(&full.owner).json(&body).send().await;
        assert_eq!(refused.failure(), failure(507, "no_space"), "{path}");
    }
    assert_eq!(full.write(&full.edith, "other").await.status, 204, "what counts is who created it");
    assert_eq!(full.create(&full.edith, "third").await.failure(), failure(507, "no_space"));
    assert_eq!(full.create(&full.edith, "hers").await.status, 200, "it is there already");
    assert_eq!(full.create(&full.owner, "third").await.status, 201);
    let shown = server.get("/api/v1/rejections?database=hers").cookie(&full.ada).send().await.json();
    assert_eq!((&shown["total"], &shown["rejections"][0]["code"]), (&json!(5), &json!("no_space")), "{shown}");

    let last = "/api/v1/databases/hers/last?table=t";
    assert_eq!(server.get(last).token(&full.edith).send().await.json()["tables"][0]["series_total"], 1);
    let span = json!({"start": "2023-11-14T00:00:00Z", "stop": "2023-11-15T00:00:00Z"});
    let delete = "/api/v1/databases/hers/tables/t/delete";
    assert_eq!(server.post(delete).cookie(&full.ada).json(&span).send().await.status, 204);
    server.state.store.compact().await.unwrap();
    full.pass();
    for name in ["hers", "more"] {
        assert_eq!(full.write(&full.owner, name).await.status, 204, "{name}");
    }
}

#[tokio::test]
async fn storage_is_counted_by_organisation_and_another_quota_holds_at_once() {
    let full = Full::start().await;
    let server = &full.server;
    let stranger = server.stranger().await;
    let theirs = server.token(&stranger, None, true, true).await;
    assert_eq!(full.create(&theirs, "hers").await.status, 201);
    assert_eq!(full.write(&theirs, "hers").await.status, 204);
    assert_eq!(full.create(&full.edith, "hers").await.status, 201);
    let own = async || server.get("/api/v1/account/quotas").token(&full.edith).send().await.json();
    assert_eq!(own().await["storage_bytes_used"], 0, "another organisation's does not count");
    assert_eq!(full.write(&full.edith, "hers").await.status, 204);
    let hers = DatabaseKey::new(server.first.org, DatabaseName::new("hers").unwrap());
    let used = own().await["storage_bytes_used"].as_u64().unwrap();
    assert!(used > 0 && used == server.state.store.database_bytes(&hers), "{used}");

    full.pass();
    assert_eq!(full.write(&full.edith, "hers").await.status, 507);
    assert_eq!(full.write(&theirs, "hers").await.status, 204);
    full.allow(1, Some(1 << 30)).await;
    assert_eq!(full.write(&full.edith, "hers").await.status, 204);
    full.allow(2, Some(1)).await;
    assert_eq!(full.write(&full.edith, "hers").await.status, 507);
    full.allow(3, None).await;
    assert_eq!(full.write(&full.edith, "hers").await.status, 204);
}

#[tokio::test]
async fn what_an_adopted_device_sent_is_kept_while_storage_is_used_up() {
    let full = Full::start().await;
    let server = &full.server;
    assert_eq!(full.create(&full.edith, "hers").await.status, 201);
    let new = json!({"name": "workshop", "can_read": false, "can_write": true, "for_devices": true});
    let key = server.post("/api/v1/tokens").cookie(&full.ada).json(&new).send().await.json();
    let key = key["secret"].as_str().unwrap();
    let sent = server.post("/write?db=hers").token(key).body("climate,device=esp v=1").send().await;
    assert_eq!(sent.status, 202, "{}", sent.text());
    assert_eq!(full.write(&full.owner, "hers").await.status, 204);
    full.pass();
    let waiting = server.get("/api/v1/inbox").cookie(&full.ada).send().await.json();
    let adopt = format!("/api/v1/inbox/{}/adopt", waiting["newcomers"][0]["id"].as_str().unwrap());
    let adopted = server.post(&adopt).cookie(&full.ada).json(&json!({"name": "Roof"})).send().await.json();
    assert_eq!((&adopted["stored"], &adopted["complete"]), (&json!(0), &json!(false)), "{adopted}");
    assert!(adopted["reason"].as_str().unwrap().contains("`storage_bytes`"), "{adopted}");

    full.allow(1, None).await;
    crate::finish_adoptions(&server.state).await;
    let last = server.get("/api/v1/databases/hers/last?table=climate").token(&full.owner).send().await.json();
    assert_eq!(last["tables"][0]["series"][0]["key"], "device=Roof", "{last}");
}
