//! `/ws/live`: what arrives, and what does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sensorium_model::{DatabaseKey, DatabaseName, OrgId};
use serde_json::json;

use crate::harness::{Received, Server, T0, rows, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_value_arrives() {
    let server = Server::start().await;
    let mut socket = server.connect().await;
    let hello = socket.said().await;
    assert_eq!((&hello["type"], &hello["hz"]), (&json!("hello"), &json!(20.0)));
    let subscribed = socket.subscribe(7, "cpu").await;
    assert_eq!(subscribed, json!({"type": "subscribed", "id": 7, "seq": hello["seq"], "replayed": 0, "gap": false}));
    server.write_value("mem", "a", T0, 1.0).await;
    let seq = server.write_value("cpu", "a", T0 + 1_500_000, 42.5).await;
    let frame = socket.frame().await;
    assert_eq!(frame.seq, seq);
    assert_eq!(frame.points, [(7, "cpu".into(), "s=a".into(), "v".into(), 1_700_000_000_001.5, 42.5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_frame_holds_all_subscriptions() {
    let server = Server::start().await;
    let mut socket = server.connect().await;
    socket.subscribe(1, "cpu").await;
    socket.subscribe_with(json!({"id": 2, "table": "*", "tags": {"s": "b"}, "fields": ["v", "w"]})).await;
    let batch = rows(
        server.key("main"),
        [("cpu", "a", T0, 1.0), ("cpu", "b", T0, 2.0), ("mem", "b", T0, 3.0), ("mem", "c", T0, 4.0)],
    );
    server.write(batch).await;
    let mut points: Vec<_> = socket.frame().await.points.into_iter().map(|p| (p.0, p.1, p.2, p.5)).collect();
    points.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let point = |id, table: &str, series: &str, value| (id, table.to_owned(), series.to_owned(), value);
    assert_eq!(
        points,
        [
            point(1, "cpu", "s=a", 1.0),
            point(1, "cpu", "s=b", 2.0),
            point(2, "cpu", "s=b", 2.0),
            point(2, "mem", "s=b", 3.0)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_gets_what_it_missed() {
    let server = Server::start().await;
    let mut socket = server.connect().await;
    let epoch = socket.said().await["epoch"].clone();
    socket.subscribe(1, "cpu").await;
    server.write_value("cpu", "a", T0, 1.0).await;
    let seq = socket.frame().await.seq;
    drop(socket);
    let mut witness = server.connect().await;
    witness.subscribe(1, "cpu").await;
    server.write_value("cpu", "a", T0 + 1, 2.0).await;
    let last = server.write_value("cpu", "a", T0 + 2, 3.0).await;
    // A write is answered before it is handed to those who watch.
    while witness.frame().await.seq < last {}
    let mut socket = server.connect().await;
    let subscribed = socket.subscribe_with(json!({"table": "cpu", "resume": {"epoch": epoch, "seq": seq}})).await;
    assert_eq!((&subscribed["replayed"], &subscribed["gap"]), (&json!(2), &json!(false)));
    let frame = socket.frame().await;
    assert_eq!(frame.points.iter().map(|point| point.5).collect::<Vec<_>>(), [2.0, 3.0]);
    assert_eq!(frame.seq, last);
    let foreign = json!({"id": 2, "table": "cpu", "resume": {"epoch": uuid::Uuid::nil(), "seq": 0}});
    assert_eq!(socket.subscribe_with(foreign).await["gap"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_of_another_organisation_never_arrives() {
    let server = Server::start().await;
    let mut socket = server.connect().await;
    socket.subscribe(1, "*").await;
    let other = DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::now_v7()), DatabaseName::new("main").unwrap());
    let created = other.clone();
    server.in_store(move |store| store.create_database(&created).unwrap()).await;
    for index in 0..20 {
        server.write(rows(other.clone(), [("cpu", "a", T0 + index, 666.0)])).await;
    }
    server.write_value("cpu", "a", T0, 1.0).await;
    let frame = socket.frame().await;
    assert_eq!(frame.points.iter().map(|point| point.5).collect::<Vec<_>>(), [1.0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_client_catches_up() {
    let server = Server::start().await;
    let mut socket = server.connect().await;
    socket.subscribe(1, "cpu").await;
    socket.send(json!({"type": "pause"})).await;
    // The answer to a request after it shows that the server has read the first one.
    socket.subscribe(2, "nothing").await;
    server.write_value("cpu", "a", T0, 1.0).await;
    server.write_value("cpu", "a", T0 + 1, 2.0).await;
    socket.subscribe(3, "nothing").await;
    socket.send(json!({"type": "resume"})).await;
    // A write is answered before its rows are on their way to clients, so the second may come in a frame of its own.
    let mut caught_up = Vec::new();
    while caught_up.len() < 2 {
        caught_up.extend(socket.frame().await.points.iter().map(|point| point.5));
    }
    assert_eq!(caught_up, [1.0, 2.0]);
    socket.send(json!({"type": "unsubscribe", "id": 1})).await;
    socket.subscribe(4, "mem").await;
    server.write_value("cpu", "a", T0 + 2, 3.0).await;
    server.write_value("mem", "a", T0, 4.0).await;
    assert_eq!(socket.frame().await.points.iter().map(|point| point.5).collect::<Vec<_>>(), [4.0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_come_no_faster_than_asked_for() {
    let server = Server::start().await;
    let mut socket = server.connect().await;
    socket.subscribe(1, "cpu").await;
    socket.send(json!({"type": "rate", "hz": 2})).await;
    socket.subscribe(2, "nothing").await;
    server.write_value("cpu", "a", T0, 0.0).await;
    socket.frame().await;
    let first = std::time::Instant::now();
    server.write_value("cpu", "a", T0 + 1, 1.0).await;
    server.write_value("cpu", "a", T0 + 2, 2.0).await;
    let frame = socket.frame().await;
    assert_eq!(frame.points.len(), 2, "both wait for the next frame");
    assert!(first.elapsed() >= Duration::from_millis(400), "{:?}", first.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_sent_less_and_harms_nobody() {
    let server = Arc::new(Server::start().await);
    let mut slow = server.connect().await;
    slow.subscribe(1, "cpu").await;
    let mut quick = server.connect().await;
    quick.subscribe(1, "cpu").await;
    let stop = Arc::new(AtomicBool::new(false));
    let (writer_server, writer_stop) = (server.clone(), stop.clone());
    let writer = tokio::spawn(async move {
        let mut index = 0;
        while !writer_stop.load(Ordering::Relaxed) {
            index += 1;
            writer_server.write_value("cpu", "a", T0 + index, index as f64).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        index
    });
    // The slow client reads nothing; the quick one must see every value in order, none left out.
    let mut seen = 0;
    while server.state.hub.stats().coalesced < 20 {
        for point in quick.frame().await.points {
            seen += 1;
            assert_eq!(point.5, seen as f64, "the quick client missed a value");
        }
        assert!(seen < 6_000, "the slow client was not sent less within half a minute");
    }
    stop.store(true, Ordering::Relaxed);
    let last = writer.await.unwrap() as f64;
    // Now it reads: it is told, and ends with the newest value.
    let mut degraded = false;
    loop {
        match slow.receive().await {
            Received::Said(message) => degraded |= message["type"] == "degraded",
            Received::Frame(frame) if frame.points.last().is_some_and(|point| point.5 == last) => break,
            Received::Frame(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(degraded, "the client was not told");
    // And recovers: 20 Hz again once it keeps up.
    loop {
        match slow.receive().await {
            Received::Said(message) if message["type"] == "recovered" => {
                assert_eq!(message["hz"], 20.0);
                break;
            }
            Received::Said(_) | Received::Frame(_) => {}
            other => panic!("{other:?}"),
        }
    }
    until("both clients are still there", async || server.state.hub.stats().clients == 2).await;
}
