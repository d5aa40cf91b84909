//! Those who look at the same time: live subscribers, and somebody with a chart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures::{SinkExt, StreamExt};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::sensorium::Sensorium;

/// A live subscriber of one camera.
pub(crate) struct Subscriber {
    /// Frames that came.
    pub(crate) frames: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<Result<()>>,
}

impl Subscriber {
    /// Subscribes to the detections of a camera, and reads what comes.
    pub(crate) async fn start(server: &Sensorium, camera: usize) -> Result<Self> {
        let url = format!("{}/ws/live", server.base_url().replacen("http", "ws", 1));
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("Authorization", format!("Bearer {}", server.token()).parse()?);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
        let subscribe = json!({"type": "subscribe", "id": 1, "database": "main", "table": "detections",
            "tags": {"camera": super::camera::name(camera)}});
        socket.send(Message::text(subscribe.to_string())).await?;
        let frames = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&frames);
        let task = tokio::spawn(async move {
            while let Some(message) = socket.next().await {
                if message?.is_binary() {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
            bail!("the server closed a live connection")
        });
        Ok(Self { frames, task })
    }

    /// Fails if the connection has ended.
    pub(crate) async fn stop(self) -> Result<u64> {
        let Self { frames, task } = self;
        if task.is_finished() {
            task.await.context("a subscriber ended")??;
        } else {
            task.abort();
        }
        Ok(frames.load(Ordering::Relaxed))
    }
}

/// Draws a chart of the last minute each second; the milliseconds that each took.
pub(crate) async fn chart(url: String, token: &'static str, camera: usize, until: Instant) -> Result<Vec<f64>> {
    let client = reqwest::Client::new();
    let statement = format!(
        "SELECT date_bin(INTERVAL '1 second', time) AS t, count(*) AS people, avg(score) AS score FROM detections \
         WHERE camera = '{}' AND time > now() - INTERVAL '1 minute' GROUP BY t ORDER BY t",
        super::camera::name(camera)
    );
    let mut due = interval(Duration::from_secs(1));
    due.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // The table is there after the first frame.
    due.tick().await;
    let mut times_ms = Vec::new();
    while due.tick().await < until {
        let started = Instant::now();
        let answer = client.get(&url).query(&[("db", "main"), ("q", &statement)]).bearer_auth(token).send().await?;
        let status = answer.status();
        let body = answer.text().await?;
        ensure!(status.is_success() && !body.contains("\"error\""), "the chart failed: {status} {body}");
        times_ms.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times_ms)
}
