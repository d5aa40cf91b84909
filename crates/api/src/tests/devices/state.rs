//! Desired and reported state, and commands.

use axum::http::Method;
use serde_json::{Value, json};

use super::{device, failure, path, start, token};
use crate::tests::server::{Reply, Server};

async fn put(server: &Server, path: &str, ada: &str, body: &Value) -> Reply {
    server.call(Method::PUT, path).cookie(ada).json(body).send().await
}

#[tokio::test]
async fn a_state_is_set_taken_reported_and_compared() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let secret = token(&server, &ada, &attic).await;
    let state = format!("{}/state", path("devices", &attic));
    let desired = format!("{state}/desired");
    let nothing = json!({"version": 0, "state": {}, "changed_at": null});
    let shown = server.get(&state).cookie(&ada).send().await.json();
    assert_eq!(shown, json!({"desired": nothing, "reported": nothing, "difference": [], "differences": 0}));
    let asked = server.get("/api/v1/device/state").token(&secret).send().await;
    assert_eq!((asked.status.as_u16(), asked.json()), (200, nothing));

    let wanted = json!({"led": {"on": true}, "interval": 30});
    let set = put(&server, &desired, &ada, &json!({"version": 0, "state": wanted})).await;
    assert_eq!((set.status.as_u16(), &set.json()["desired"]["state"]), (200, &wanted), "{}", set.text());
    let late = put(&server, &desired, &ada, &json!({"version": 0, "state": {}})).await;
    assert_eq!((late.failure(), &late.json()["current"]), (failure(409, "conflict"), &set.json()));
    let newer = server.get("/api/v1/device/state?after=0&wait=60").token(&secret).send().await.json();
    assert_eq!((&newer["version"], &newer["state"]), (&json!(1), &wanted));
    let same = server.get("/api/v1/device/state?after=1").token(&secret).send().await;
    assert_eq!((same.status.as_u16(), same.text().as_str()), (204, ""));

    let report =
        |body: Value| server.call(Method::PUT, "/api/v1/device/state/reported").token(&secret).json(&body).send();
    assert_eq!(report(json!({"interval": 60})).await.json(), json!({"version": 1}));
    let shown = server.get(&state).cookie(&ada).send().await.json();
    let difference = json!([
        {"path": "/interval", "desired": 30, "reported": 60, "missing": false},
        {"path": "/led", "desired": {"on": true}, "reported": null, "missing": true},
    ]);
    assert_eq!((&shown["difference"], &shown["differences"]), (&difference, &json!(2)));
    for _ in 0..9 {
        assert_eq!(report(json!({})).await.status, 200);
    }
    let often = report(json!({})).await;
    assert_eq!(often.failure(), failure(429, "busy"));
    assert_eq!(often.header("retry-after"), "1");
}

#[tokio::test]
async fn a_command_is_sent_taken_and_answered() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let secret = token(&server, &ada, &attic).await;
    let commands = format!("{}/commands", path("devices", &attic));
    let none = server.get("/api/v1/device/commands").token(&secret).send().await;
    assert_eq!(none.status, 204);
    let sent =
        server.post(&commands).cookie(&ada).json(&json!({"name": "blink", "arguments": {"times": 3}})).send().await;
    assert_eq!(sent.status, 202, "{}", sent.text());
    let sent = sent.json();
    assert_eq!(
        (&sent["status"], &sent["requested_by"], &sent["result"]),
        (&json!("queued"), &json!("ada"), &Value::Null)
    );
    let one = path_of(&commands, &sent);
    assert_eq!(server.get(&one).cookie(&ada).send().await.json(), sent);

    let head = server.call(Method::HEAD, "/api/v1/device/commands").token(&secret).send().await;
    assert_eq!(head.status, 405, "an answer without a body would lose the command");
    let taken = server.get("/api/v1/device/commands?wait=60").token(&secret).send().await.json();
    let expected = json!({
        "id": sent["id"], "name": "blink", "arguments": {"times": 3}, "expires_at": sent["expires_at"],
    });
    assert_eq!(taken, expected);
    let answer = format!("/api/v1/device/commands/{}/answer", sent["id"].as_str().unwrap());
    let cellar = device(&server, &ada, json!({"name": "cellar"})).await;
    let other = token(&server, &ada, &cellar).await;
    let body = json!({"ok": true, "result": [1, "two"]});
    let theirs = server.post(&answer).token(&other).json(&body).send().await;
    assert_eq!(theirs.failure(), failure(404, "missing"));
    assert_eq!(server.post(&answer).token(&secret).json(&body).send().await.status, 204);
    let again = server.post(&answer).token(&secret).json(&json!({"ok": false})).send().await;
    assert_eq!(again.failure(), failure(409, "conflict"));
    let over = server.get(&format!("{one}?wait=60")).cookie(&ada).send().await.json();
    assert_eq!((&over["status"], &over["result"]), (&json!("answered"), &json!([1, "two"])));
    assert!(over["answered_at"].is_string() && over["delivered_at"].is_string(), "{over}");
    let listed = server.get(&format!("{commands}?limit=1")).cookie(&ada).send().await.json();
    assert_eq!(listed, json!({"commands": [over]}));
}

fn path_of(commands: &str, command: &Value) -> String {
    format!("{commands}/{}", command["id"].as_str().unwrap())
}

#[tokio::test]
async fn what_cannot_be_used_is_refused() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let secret = token(&server, &ada, &attic).await;
    let desired = format!("{}/state/desired", path("devices", &attic));
    let commands = format!("{}/commands", path("devices", &attic));
    for wrong in [
        json!({}),
        json!({"version": 0}),
        json!({"version": 0, "state": []}),
        json!({"version": 0, "state": {"a\u{1}": 1}}),
        json!({"version": 0, "state": {"a": "x".repeat(17_000)}}),
        json!({"version": 0, "state": {}, "more": 1}),
    ] {
        assert_eq!(put(&server, &desired, &ada, &wrong).await.failure(), failure(400, "invalid"), "{wrong}");
    }
    let deep = format!("{{\"version\":0,\"state\":{}1{}}}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let deep = server.call(Method::PUT, &desired).cookie(&ada).header("content-type", "application/json").body(deep);
    assert_eq!(deep.send().await.failure(), failure(400, "invalid"));
    let large = json!({"version": 0, "state": {"a": "x".repeat(2 << 20)}});
    assert_eq!(put(&server, &desired, &ada, &large).await.failure(), failure(413, "too_large"));
    for wrong in [
        json!({}),
        json!({"name": "a\nb"}),
        json!({"name": "a", "arguments": [1]}),
        json!({"name": "a", "arguments": null}),
        json!({"name": "a", "timeout_seconds": 0}),
        json!({"name": "a", "timeout_seconds": 604_801}),
        json!({"name": "a", "timeout_seconds": -1}),
    ] {
        let sent = server.post(&commands).cookie(&ada).json(&wrong).send().await;
        assert_eq!(sent.failure(), failure(400, "invalid"), "{wrong}");
    }
    for wrong in ["wait=61", "wait=-1", "wait=x", "wait=1e9", "wait=99999999999999999999"] {
        for path in ["/api/v1/device/state?after=0&", "/api/v1/device/commands?"] {
            let asked = server.get(&format!("{path}{wrong}")).token(&secret).send().await;
            assert_eq!(asked.failure(), failure(400, "invalid"), "{path}{wrong}");
        }
    }
    for wrong in ["limit=0", "limit=101"] {
        let listed = server.get(&format!("{commands}?{wrong}")).cookie(&ada).send().await;
        assert_eq!(listed.failure(), failure(400, "invalid"), "{wrong}");
    }
    let report =
        server.call(Method::PUT, "/api/v1/device/state/reported").token(&secret).json(&json!("x")).send().await;
    assert_eq!(report.failure(), failure(400, "invalid"));
    let nowhere = "/api/v1/device/commands/0190163d-8694-739b-aea5-966c26f8ad91/answer";
    let answer = server.post(nowhere).token(&secret).json(&json!({"ok": true})).send().await;
    assert_eq!(answer.failure(), failure(404, "missing"));
}

#[tokio::test]
async fn people_and_other_tokens_are_no_devices() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let secret = token(&server, &ada, &attic).await;
    let program = server.token(&sensorium_model::Principal::system(server.first.org), None, true, true).await;
    let answer = "/api/v1/device/commands/0190163d-8694-739b-aea5-966c26f8ad91/answer";
    for (method, path, body) in [
        (Method::GET, "/api/v1/device/state", None),
        (Method::PUT, "/api/v1/device/state/reported", Some(json!({}))),
        (Method::GET, "/api/v1/device/commands", None),
        (Method::POST, answer, Some(json!({"ok": true}))),
    ] {
        let call = || {
            let call = server.call(method.clone(), path);
            match &body {
                Some(body) => call.json(body),
                None => call,
            }
        };
        assert_eq!(call().cookie(&ada).send().await.failure(), failure(403, "denied"), "{path}");
        assert_eq!(call().token(&program).send().await.failure(), failure(403, "denied"), "{path}");
        assert_eq!(call().send().await.failure(), failure(401, "unauthenticated"), "{path}");
    }
    for path in [format!("{}/state", path("devices", &attic)), format!("{}/commands", path("devices", &attic))] {
        assert_eq!(server.get(&path).token(&secret).send().await.failure(), failure(403, "denied"), "{path}");
    }
}

#[tokio::test]
async fn a_server_that_stops_keeps_nobody_waiting() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let secret = token(&server, &ada, &attic).await;
    let waits = tokio::spawn(server.get("/api/v1/device/state?after=0&wait=60").token(&secret).send());
    let arrived = async {
        while server.state.metadata.device_waiters() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), arrived).await.unwrap();
    server.state.shutdown.cancel();
    let answered = tokio::time::timeout(std::time::Duration::from_secs(30), waits).await.unwrap().unwrap();
    assert_eq!(answered.status, 204);
}
