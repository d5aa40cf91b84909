//! `/api/v1/live`: the fallback without a WebSocket.

use futures::StreamExt;
use serde_json::{Value as Json, json};

use crate::harness::{PATIENCE, Server, T0, TOKEN, client, until};

/// The events of an answer, as they come.
struct Events {
    body: futures::stream::BoxStream<'static, Vec<u8>>,
    text: String,
}

impl Events {
    async fn open(server: &Server, query: &str, last: Option<&str>) -> Self {
        let mut request = client().get(server.url(&format!("/api/v1/live?{query}"))).bearer_auth(TOKEN);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.bytes_stream().map(|chunk| chunk.unwrap().to_vec()).boxed(), text: String::new() }
    }

    /// The next event: its name, its id, its data.
    async fn next(&mut self) -> (String, String, Json) {
        let next = async {
            loop {
                if let Some((event, rest)) = self.text.split_once("\n\n") {
                    let (event, rest) = (event.to_owned(), rest.to_owned());
                    self.text = rest;
                    let line = |name: &str| {
                        let line = event.lines().find_map(|line| line.strip_prefix(name));
                        line.unwrap_or_default().trim().to_owned()
                    };
                    if !line("data:").is_empty() {
                        return (line("event:"), line("id:"), serde_json::from_str(&line("data:")).unwrap());
                    }
                    continue;
                }
                let chunk = self.body.next().await.expect("the stream ended");
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("no event came")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_hold_the_columns_of_a_frame() {
    let server = Server::start().await;
    let mut events = Events::open(&server, "db=main&table=cpu&fields=v&tags=%7B%22s%22%3A%22a%22%7D", None).await;
    until("it is connected", async || server.state.hub.stats().subscriptions == 1).await;
    server.write_value("cpu", "b", T0, 7.0).await;
    let seq = server.write_value("cpu", "a", T0, 1.5).await;
    let (name, id, data) = events.next().await;
    assert_eq!(name, "");
    assert_eq!(id, format!("{}:{seq}", server.state.hub.epoch()));
    let expected = json!({
        "seq": seq, "time": [1_700_000_000_000.0], "series": ["s=a"], "table": ["cpu"], "field": ["v"],
        "value": [1.5], "text": [null]
    });
    assert_eq!(data, expected);
    drop(events);
    until("its place is free again", async || {
        server.write_value("cpu", "a", T0, 2.0).await;
        server.state.hub.stats().clients == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_comes_back_continues() {
    let server = Server::start().await;
    let mut events = Events::open(&server, "db=main", None).await;
    until("it is connected", async || server.state.hub.stats().subscriptions == 1).await;
    server.write_value("cpu", "a", T0, 1.0).await;
    let (_, id, _) = events.next().await;
    drop(events);
    server.write_value("cpu", "a", T0 + 1, 2.0).await;
    let mut events = Events::open(&server, "db=main", Some(&id)).await;
    assert_eq!(events.next().await.2["value"], json!([2.0]));
    let elsewhere = format!("{}:0", uuid::Uuid::nil());
    let mut events = Events::open(&server, "db=main", Some(&elsewhere)).await;
    assert_eq!(events.next().await.0, "gap");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_before_the_stream_begins() {
    let server = Server::start().await;
    assert_eq!(server.get("/api/v1/live").await.status(), 400);
    assert_eq!(server.get("/api/v1/live?db=nowhere").await.status(), 404);
    assert_eq!(server.get("/api/v1/live?db=main&tags=x").await.status(), 400);
    let stranger = client().get(server.url("/api/v1/live?db=main")).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_ends_the_stream() {
    let server = Server::start().await;
    let mut events = Events::open(&server, "db=main", None).await;
    server.state.shutdown.cancel();
    let end = tokio::time::timeout(PATIENCE, events.body.next()).await.unwrap();
    assert_eq!(end, None);
}
