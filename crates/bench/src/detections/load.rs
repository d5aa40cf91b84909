//! Cameras that send frames at a fixed rate, whatever the server does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::camera::Camera;

/// What a camera sends, and where.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) url: String,
    pub(crate) token: &'static str,
    pub(crate) every: Duration,
    pub(crate) until: Instant,
}

/// What came of the frames of a camera.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Frames that were acknowledged as stored.
    pub(crate) stored: u64,
    /// Frames that were not.
    pub(crate) failed: u64,
    /// What was said of the first of these.
    pub(crate) first_failure: Option<String>,
    /// Milliseconds from the moment at which a frame was due to its acknowledgement, so that waiting for the answer before
    /// counts.
    pub(crate) latencies_ms: Vec<f64>,
}

/// Sends frames over one connection, the first after `delay`.
pub(crate) async fn send(mut camera: Camera, plan: Plan, delay: Duration) -> Result<Sent> {
    let client = reqwest::Client::builder().pool_max_idle_per_host(1).build().context("cannot make an HTTP client")?;
    let mut sent = Sent::default();
    let mut due = interval_at(Instant::now() + delay, plan.every);
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut time_ms = 0;
    loop {
        let at = due.tick().await;
        if at >= plan.until {
            return Ok(sent);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
        // A camera that catches up sends two frames within a millisecond; with the same time, the second would take the place of the
        // first, and fewer rows be stored than were acknowledged.
        time_ms = i64::try_from(now.as_millis())?.max(time_ms + 1);
        let frame = camera.frame(time_ms);
        let request = client.post(&plan.url).bearer_auth(plan.token).header("Content-Type", "application/json");
        let failure = match request.body(frame).send().await {
            Ok(answer) if answer.status().is_success() => answer.bytes().await.err().map(|error| error.to_string()),
            Ok(answer) => Some(format!("{} {}", answer.status(), answer.text().await.unwrap_or_default())),
            Err(error) => Some(error.to_string()),
        };
        sent.latencies_ms.push(at.elapsed().as_secs_f64() * 1e3);
        match failure {
            None => sent.stored += 1,
            Some(failure) => {
                sent.failed += 1;
                sent.first_failure.get_or_insert(failure);
            }
        }
    }
}
