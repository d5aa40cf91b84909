//! Live data of the whole server: what is written reaches a subscriber, and a subscriber does not hold up the stop.

use std::io::Cursor;
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;
use arrow::ipc::reader::StreamReader;
use futures::{SinkExt, StreamExt};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::{DEADLINE, Server, Start, TOKEN, block_on};

/// Subscribes to a table and calls back once the server has confirmed; returns the first value that arrives, or nothing
/// when the server ends the connection.
async fn first_value(server: &Server, table: &str, subscribed: impl AsyncFnOnce()) -> Option<f64> {
    let url = format!("{}/ws/live", server.url().replace("http://", "ws://"));
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    let subscribe = serde_json::json!({"type": "subscribe", "id": 1, "database": "main", "table": table});
    socket.send(Message::text(subscribe.to_string())).await.unwrap();
    let mut subscribed = Some(subscribed);
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) if text.contains("\"subscribed\"") => subscribed.take().unwrap()().await,
            Message::Text(text) => assert!(!text.contains("\"error\""), "{text}"),
            Message::Binary(frame) => {
                let mut batches = StreamReader::try_new(Cursor::new(&frame[8..]), None).unwrap();
                let batch = batches.next().unwrap().unwrap();
                let values = batch.column_by_name("value").unwrap().as_primitive::<Float64Type>();
                return Some(values.value(0));
            }
            _ => {}
        }
    }
    None
}

/// As [`first_value`], within the deadline.
fn wait_for_value(server: &Server, table: &str, subscribed: impl AsyncFnOnce()) -> Option<f64> {
    block_on(async { tokio::time::timeout(DEADLINE, first_value(server, table, subscribed)).await.unwrap() })
}

#[test]
fn a_value_reaches_its_subscriber_and_so_do_the_vitals_of_this_machine() {
    let server = Server::start();
    let request = server.request(reqwest::Method::POST, "/write?db=main").body("room v=23.5");
    let write = async || assert_eq!(request.send().await.unwrap().status(), 204);
    assert_eq!(wait_for_value(&server, "room", write), Some(23.5));
    assert!(wait_for_value(&server, "mem", async || {}).is_some());
}

#[test]
fn a_subscriber_does_not_hold_up_the_stop() {
    let mut server = Start::new().quiet().start();
    let started = Instant::now();
    // The socket is open and idle when the signal comes.
    let value = wait_for_value(&server, "nothing", async || server.signal(rustix::process::Signal::TERM));
    assert_eq!(value, None);
    assert_eq!(server.wait().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(10));
}
