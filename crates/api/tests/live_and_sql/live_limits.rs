//! `/ws/live`: what is refused, and when a connection ends.

use futures::{SinkExt, StreamExt};
use sensorium_live::HubConfig;
use sensorium_metadata::{NewToken, SetUp};
use sensorium_model::{DatabaseName, Principal};
use serde_json::{Value as Json, json};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::harness::{Options, Server, T0, TOKEN, until};

fn status(error: &Error) -> u16 {
    match error {
        Error::Http(response) => response.status().as_u16(),
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_costs_only_itself() {
    let server = Server::start().await;
    let mut socket = server.connect().await;
    socket.subscribe(1, "cpu").await;
    socket.socket.send(Message::text("no json")).await.unwrap();
    assert_eq!(socket.said().await["code"], "invalid");
    socket.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(socket.said().await["code"], "invalid");
    let refused = socket.subscribe_with(json!({"id": 2, "database": "nowhere"})).await;
    assert_eq!((&refused["type"], &refused["id"], &refused["code"]), (&json!("error"), &json!(2), &json!("missing")));
    let refused = socket.subscribe_with(json!({"id": 3, "database": "a/b"})).await;
    assert_eq!(refused["code"], "invalid");
    socket.send(json!({"type": "unsubscribe", "id": 9})).await;
    assert_eq!(socket.said().await["code"], "missing");
    server.write_value("cpu", "a", T0, 1.0).await;
    assert_eq!(socket.frame().await.points.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_database_watches_no_other() {
    let server = Server::start().await;
    let other = server.key("other");
    server.in_store(move |store| store.create_database(&other).unwrap()).await;
    let new = NewToken {
        name: "display".into(),
        database: Some(DatabaseName::new("other").unwrap()),
        can_read: true,
        can_write: false,
        expires_at_ms: None,
        for_devices: false,
    };
    let (_, secret) = server.state.metadata.create_token(&Principal::system(server.org()), new).await.unwrap();
    let mut socket = server.connect_with(&[("authorization", &format!("Bearer {secret}"))]).await.unwrap();
    assert_eq!(socket.subscribe(1, "cpu").await["code"], "denied");
    assert_eq!(socket.subscribe_with(json!({"database": "other"})).await["type"], "subscribed");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_named() {
    let hub = HubConfig { clients: 1, subscriptions_per_client: 1, ..HubConfig::default() };
    let server = Server::with(Options { hub, ..Options::default() }).await;
    let mut socket = server.connect().await;
    socket.subscribe(1, "cpu").await;
    let refused = socket.subscribe(2, "cpu").await;
    assert_eq!((&refused["code"], &refused["id"]), (&json!("too_large"), &json!(2)));
    let second = server.connect_with(&[("authorization", &format!("Bearer {TOKEN}"))]).await;
    let Err(Error::Http(response)) = second else { panic!("a second client was let in") };
    assert_eq!(response.status(), 429);
    let body: Json = serde_json::from_slice(response.body().as_ref().unwrap()).unwrap();
    assert!(body["error"].as_str().unwrap().contains("http.live_clients"), "{body}");
    let long = "x".repeat(65 << 10);
    socket.send(json!({"type": "subscribe", "id": 1, "database": "main", "table": long})).await;
    assert_eq!(socket.closed().await.0, 1009);
    until("its place is free again", async || server.state.hub.stats().clients == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_pages_of_other_sites_are_refused() {
    let server = Server::start().await;
    assert_eq!(status(&server.connect_with(&[]).await.err().unwrap()), 401);
    assert_eq!(status(&server.connect_with(&[("authorization", "Bearer wrong")]).await.err().unwrap()), 401);
    // The bootstrap token stands in the way of nobody who has the set-up code.
    if server.setup_code.is_empty() {
        panic!("no set-up code");
    }
    let request = SetUp {
        code: server.setup_code.clone(),
        organisation: "Lab".into(),
        login: "ada".into(),
        password: "correct horse battery".into(),
    };
    let session = server.state.metadata.set_up(request, std::net::IpAddr::from([127, 0, 0, 1])).await.unwrap();
    let cookie = format!("sensorium_session={}", session.secret);
    let evil = server.connect_with(&[("cookie", &cookie), ("origin", "http://evil.example")]).await;
    assert_eq!(status(&evil.err().unwrap()), 403);
    let own = format!("http://{}", server.address);
    let mut socket = server.connect_with(&[("cookie", &cookie), ("origin", &own)]).await.unwrap();
    assert_eq!(socket.said().await["type"], "hello");
    let (who, _) = server.state.metadata.session(&session.secret).await.unwrap().unwrap();
    server.state.metadata.sign_out(&who).await.unwrap();
    assert_eq!(socket.closed().await.0, 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_ends_its_connections() {
    let server = Server::start().await;
    let system = Principal::system(server.org());
    let new = NewToken {
        name: "display".into(),
        database: None,
        can_read: true,
        can_write: false,
        expires_at_ms: None,
        for_devices: false,
    };
    let (info, secret) = server.state.metadata.create_token(&system, new).await.unwrap();
    let mut socket = server.connect_with(&[("authorization", &format!("Bearer {secret}"))]).await.unwrap();
    socket.subscribe(1, "cpu").await;
    server.state.metadata.revoke_token(&system, info.id).await.unwrap();
    assert_eq!(socket.closed().await.0, 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_closes_gets_an_answer() {
    let server = Server::start().await;
    let mut socket = server.connect().await;
    socket.subscribe(1, "cpu").await;
    socket.socket.close(None).await.unwrap();
    loop {
        match socket.socket.next().await {
            Some(Ok(Message::Close(_))) => break,
            Some(Ok(_)) => {}
            other => panic!("the connection was cut: {other:?}"),
        }
    }
    until("its place is free again", async || server.state.hub.stats().clients == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_says_so() {
    let server = Server::start().await;
    let mut socket = server.connect().await;
    socket.subscribe(1, "cpu").await;
    server.state.shutdown.cancel();
    assert_eq!(socket.closed().await.0, 1001);
    until("nobody is connected", async || server.state.hub.stats().clients == 0).await;
}
