//! The second factor over HTTP.

use axum::http::Method;
use base64::Engine;
use sensorium_model::Role;
use serde_json::{Value, json};

use super::app;
use super::server::{PASSWORD, Server, failure};

const PATH: &str = "/api/v1/account/second-factor";

/// What the app shows now, and in the next half minute, which is good already.
fn codes(secret: &str) -> (String, String) {
    let now_ms = chrono::Utc::now().timestamp_millis();
    (app::code(secret, now_ms), app::code(secret, now_ms + 30_000))
}

#[tokio::test]
async fn it_is_set_up_asked_for_and_removed() {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    let post = |path: &str, body: Value| server.post(&format!("{PATH}{path}")).cookie(&ada).json(&body).send();
    let state = async || server.get(PATH).cookie(&ada).send().await.json();
    assert_eq!(state().await, json!({"enabled": false, "since": null, "recovery_codes_left": 0}));
    assert_eq!(post("", json!({"password": "wrong"})).await.failure(), failure(403, "denied"));
    let begun = post("", json!({"password": PASSWORD})).await;
    assert_eq!((begun.status.as_u16(), begun.header("cache-control")), (201, "no-store"));
    let secret = begun.json()["secret"].as_str().unwrap().to_owned();
    assert!(begun.json()["uri"].as_str().unwrap().contains(&secret));
    assert_eq!(post("/confirm", json!({"code": "12"})).await.failure(), failure(403, "denied"));
    let (now, next) = codes(&secret);
    let confirmed = post("/confirm", json!({"code": now})).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text());
    let recovery = confirmed.json()["recovery_codes"][0].as_str().unwrap().to_owned();
    assert_eq!(state().await["recovery_codes_left"], 10);

    let sign_in = |body: Value| server.post("/api/v1/session").json(&body).send();
    let asked = sign_in(json!({"login": "ada", "password": PASSWORD})).await;
    assert_eq!(asked.failure(), failure(401, "unauthenticated"));
    assert_eq!((&asked.json()["second_factor_needed"], asked.cookie()), (&json!(true), None));
    let wrong = sign_in(json!({"login": "ada", "password": "wrong", "second_factor": next})).await;
    assert!(wrong.json().get("second_factor_needed").is_none(), "{}", wrong.text());
    let wrong = sign_in(json!({"login": "ada", "password": PASSWORD, "second_factor": now})).await;
    assert_eq!((wrong.status.as_u16(), &wrong.json()["second_factor_needed"]), (401, &json!(true)));
    let signed_in = sign_in(json!({"login": "ada", "password": PASSWORD, "second_factor": next})).await;
    assert!(signed_in.status == 200 && signed_in.cookie().is_some(), "{}", signed_in.text());

    let pair = base64::engine::general_purpose::STANDARD.encode(format!("ada:{PASSWORD}"));
    let basic = server.get("/api/v1/databases").header("authorization", &format!("Basic {pair}")).send().await;
    assert_eq!(basic.failure(), failure(403, "denied"));
    assert!(basic.text().contains("API token"), "{}", basic.text());

    let short = post("/remove", json!({"password": PASSWORD, "code": "nonsense"})).await;
    assert_eq!(short.failure(), failure(403, "denied"));
    assert_eq!(post("/remove", json!({"password": PASSWORD, "code": recovery})).await.status, 204);
    assert_eq!(sign_in(json!({"login": "ada", "password": PASSWORD})).await.status, 200);
}

#[tokio::test]
async fn an_administrator_removes_a_lost_one() {
    let (server, owner) = Server::set_up().await;
    let vera = server.user(owner.org, "vera", Role::Viewer).await;
    let begun =
        server.state.metadata.begin_second_factor(&vera, PASSWORD, std::net::IpAddr::from([127, 0, 0, 1])).await;
    let (now, _) = codes(&begun.unwrap().secret);
    server.state.metadata.confirm_second_factor(&vera, &now).await.unwrap();
    let ada = server.cookie("ada").await;
    let sensorium_model::Subject::User(id, _) = vera.subject else { unreachable!() };
    let path = format!("/api/v1/users/{id}/second-factor");
    let remove = || server.call(Method::DELETE, &path).cookie(&ada).send();
    assert_eq!(remove().await.status, 204);
    assert_eq!(remove().await.failure(), failure(404, "missing"));
    server.cookie("vera").await;
}
