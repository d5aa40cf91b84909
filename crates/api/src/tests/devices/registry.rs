//! Devices, their API tokens and their newest values.

use axum::http::Method;
use serde_json::{Value, json};

use super::{device, failure, path, start, token};
use crate::tests::server::Server;

#[tokio::test]
async fn a_device_is_added_changed_and_deleted() {
    let (server, ada) = start().await;
    let body = json!({
        "name": " <b>Attic</b> ",
        "attributes": {"room": "attic"},
        "location": {"latitude": 48.2, "longitude": -16.4},
    });
    let made = device(&server, &ada, body).await;
    assert_eq!((&made["name"], &made["type"], &made["enabled"]), (&json!("<b>Attic</b>"), &Value::Null, &json!(true)));
    let status = json!({"last_seen_at": null, "rows": 0, "messages": 0, "errors": 0});
    assert_eq!((&made["status"], &made["location"]["longitude"]), (&status, &json!(-16.4)));
    let mut shown = server.get(&path("devices", &made)).cookie(&ada).send().await.json();
    assert_eq!(shown.as_object_mut().unwrap().remove("last"), Some(Value::Null));
    assert_eq!(shown, made);

    let change = |body: Value| server.call(Method::PATCH, &path("devices", &made)).cookie(&ada).json(&body).send();
    let changed = change(json!({"version": 1, "location": null, "tags": {"a": "b"}})).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let changed = changed.json();
    assert_eq!((&changed["location"], &changed["attributes"]), (&Value::Null, &made["attributes"]));
    let late = change(json!({"version": 1, "enabled": false})).await;
    assert_eq!((late.failure(), &late.json()["current"]), (failure(409, "conflict"), &changed));
    for wrong in [
        json!({"enabled": true}),
        json!({"version": 2, "name": ""}),
        json!({"version": 2, "location": {"latitude": 1.0}}),
        json!({"version": 2, "location": {"latitude": 91.0, "longitude": 0.0}}),
        json!({"version": 2, "tags": {"a": 1}}),
        json!({"version": 2, "lable": {}}),
    ] {
        assert_eq!(change(wrong.clone()).await.failure(), failure(400, "invalid"), "{wrong}");
    }
    let nowhere = json!({"version": 2, "type": "0190163d-8694-739b-aea5-966c26f8ad91"});
    assert_eq!(change(nowhere).await.failure(), failure(404, "missing"));
    let taken = server.post("/api/v1/devices").cookie(&ada).json(&json!({"name": "<B>ATTIC</B>"})).send().await;
    assert_eq!(taken.failure(), failure(409, "conflict"));
    let early = server.delete(&format!("{}?version=1", path("devices", &made))).cookie(&ada).send().await;
    assert_eq!(early.failure(), failure(409, "conflict"));
    let gone = server.delete(&format!("{}?version=2", path("devices", &made))).cookie(&ada).send().await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    assert_eq!(server.get(&path("devices", &made)).cookie(&ada).send().await.failure(), failure(404, "missing"));
}

#[tokio::test]
async fn devices_are_listed_a_page_at_a_time() {
    let (server, ada) = start().await;
    for name in ["b", "a", "c"] {
        device(&server, &ada, json!({"name": name, "enabled": name != "a"})).await;
    }
    let list = async |query: &str| {
        let reply = server.get(&format!("/api/v1/devices{query}")).cookie(&ada).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    };
    let names = |page: &Value| -> Vec<String> {
        page["devices"].as_array().unwrap().iter().map(|device| device["name"].as_str().unwrap().to_owned()).collect()
    };
    let all = list("").await;
    assert_eq!((names(&all), &all["next"]), (vec!["a".to_owned(), "b".into(), "c".into()], &Value::Null));
    let first = list("?sort=created&order=desc&limit=2").await;
    assert_eq!(names(&first), ["c", "a"]);
    let after = first["next"].as_str().unwrap();
    assert_eq!(names(&list(&format!("?sort=created&order=desc&limit=2&after={after}")).await), ["b"]);
    assert_eq!(names(&list("?enabled=false").await), ["a"]);
    assert_eq!(names(&list("?q=B").await), ["b"]);
    let other_order = format!("?after={after}");
    for wrong in ["?limit=0", "?limit=1001", "?sort=colour", "?order=up", "?after=x", "?type=x", other_order.as_str()] {
        let reply = server.get(&format!("/api/v1/devices{wrong}")).cookie(&ada).send().await;
        assert_eq!(reply.failure(), failure(400, "invalid"), "{wrong}");
    }
}

#[tokio::test]
async fn tokens_of_a_device_are_shown_once_listed_and_revoked() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let tokens = format!("{}/tokens", path("devices", &attic));
    let body = json!({"name": "first", "database": "main", "expires_at": "2100-01-01T00:00:00Z"});
    let made = server.post(&tokens).cookie(&ada).json(&body).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(made["token"]["expires_at"], "2100-01-01T00:00:00.000Z");
    let listed = server.get(&tokens).cookie(&ada).send().await;
    assert!(!listed.text().contains(secret));
    assert_eq!(listed.json(), json!({"tokens": [made["token"]]}));
    for wrong in [
        json!({"name": ""}),
        json!({"name": "x", "database": "a/b"}),
        json!({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}),
        json!({"name": "x", "expires_at": "soon"}),
        json!({"name": "x", "can_read": true}),
    ] {
        let reply = server.post(&tokens).cookie(&ada).json(&wrong).send().await;
        assert_eq!(reply.failure(), failure(400, "invalid"), "{wrong}");
    }
    for _ in 0..3 {
        token(&server, &ada, &attic).await;
    }
    let fifth = server.post(&tokens).cookie(&ada).json(&json!({"name": "x"})).send().await;
    assert_eq!(fifth.failure(), failure(409, "conflict"));
    let one = format!("{tokens}/{}", made["token"]["id"].as_str().unwrap());
    assert_eq!(server.delete(&one).cookie(&ada).send().await.status, 204);
    assert_eq!(server.delete(&one).cookie(&ada).send().await.failure(), failure(404, "missing"));
    let write = server.post("/write?db=main").token(secret).body("room t=21.5").send().await;
    assert_eq!(write.failure(), failure(401, "unauthenticated"));
}

/// A device of a type that writes to `climate`, and its token.
async fn typed(server: &Server, ada: &str, name: &str) -> (Value, String) {
    let of = json!({"name": format!("Type of {name}"), "table": "it's \"climate\""});
    let of = server.post("/api/v1/device-types").cookie(ada).json(&of).send().await.json();
    let made = device(server, ada, json!({"name": name, "type": of["id"]})).await;
    let secret = token(server, ada, &made).await;
    (made, secret)
}

#[tokio::test]
async fn a_device_is_shown_with_its_newest_values() {
    let (server, ada) = start().await;
    let (attic, of_attic) = typed(&server, &ada, "O'Hara's \"attic\"").await;
    let last = async |query: &str| {
        let reply = server.get(&format!("{}{query}", path("devices", &attic))).cookie(&ada).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["last"].clone()
    };
    assert_eq!(last("").await, Value::Null, "there is no such table");
    let (_, of_cellar) = typed(&server, &ada, "cellar").await;
    for (secret, line) in [
        (&of_cellar, "it's\\ \"climate\" t=1 1600000000000000000"),
        (&of_attic, "it's\\ \"climate\" t=2,n=7i 1600000000000000000"),
        (&of_attic, "it's\\ \"climate\" t=3 1600000001000000000"),
    ] {
        let reply = server.post("/write?db=main").token(secret).body(line).send().await;
        assert_eq!(reply.status, 204, "{}", reply.text());
    }
    let expected = json!({"database": "main", "table": "it's \"climate\"", "series": [
        {"time": "2020-09-13T12:26:41Z", "device": "O'Hara's \"attic\"", "t": 3.0, "n": 7},
    ]});
    assert_eq!(last("").await, expected);
    assert_eq!(last("?db=main").await, expected);
    let nowhere = server.get(&format!("{}?db=nowhere", path("devices", &attic))).cookie(&ada).send().await;
    assert_eq!(nowhere.failure(), failure(404, "missing"));
}
