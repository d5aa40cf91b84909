//! `GET /api/v1/mqtt/messages`: messages as they come, as server-sent events.
//!
//! An event `message` holds one message. What comes while the reader's queue is full is counted, and an event `missed` says how
//! many are missing where it stands.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use sensorium_model::messaging::Heard;
use sensorium_model::{MessageReader, Principal};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::message::MqttMessage;
use super::{broker, may_read};
use crate::auth::Caller;
use crate::error::{ApiResult, ErrorBody};
use crate::extract::Query;
use crate::routes::live::access;
use crate::state::AppState;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MessagesQuery {
    /// A topic filter; `#`, which is every topic, if it is not given.
    filter: Option<String>,
}

/// Watch messages as they come, over server-sent events
///
/// An event `message` holds a message as in the list of retained ones; an event `missed` says as `{"count": 3}` how many are missing
/// there, because the reader was too slow.
#[utoipa::path(get, path = "/api/v1/mqtt/messages", tag = "mqtt", params(MessagesQuery), responses(
    (status = 200, content_type = "text/event-stream", body = String, description = "One event for each message"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "There is no broker"),
    (status = 429, body = ErrorBody, description = "The organisation has as many readers as it may (mqtt.readers)"),
))]
async fn mqtt_messages(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<MessagesQuery>,
) -> ApiResult<Response> {
    may_read(&caller)?;
    let reader = broker(&state)?.subscribe(&caller.0, query.filter.as_deref().unwrap_or("#"))?;
    let next_check = Instant::now() + access::CHECK_EVERY;
    let feed = Feed { state, principal: caller.0, reader, next_check };
    let events = stream::unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    // Whoever asks once more after the end gets the end again.
    let events = Sse::new(events.fuse()).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    // A proxy must pass each event on as it comes; nginx is told by a header of its own.
    Ok(([(CACHE_CONTROL.as_str(), "no-store"), ("x-accel-buffering", "no")], events).into_response())
}

/// One connection. The body of the answer asks it for the next event, so what a client does not read waits in the reader's queue.
struct Feed {
    state: AppState,
    principal: Principal,
    reader: Box<dyn MessageReader>,
    next_check: Instant,
}

impl Feed {
    async fn next(&mut self) -> Option<Event> {
        loop {
            let now = Instant::now();
            if now >= self.next_check {
                self.next_check = now + access::CHECK_EVERY;
                if !access::is_still_good(&self.state, &self.principal).await {
                    return None;
                }
            }
            tokio::select! {
                () = self.state.shutdown.cancelled() => return None,
                heard = self.reader.next() => return event(heard?),
                () = tokio::time::sleep_until(self.next_check.into()) => {}
            }
        }
    }
}

fn event(heard: Heard) -> Option<Event> {
    match heard {
        // Structures of numbers and texts always serialise.
        Heard::Message(message) => {
            let text = serde_json::to_string(&MqttMessage::from(message)).ok()?;
            Some(Event::default().event("message").data(text))
        }
        Heard::Missed(count) => Some(Event::default().event("missed").data(format!("{{\"count\":{count}}}"))),
    }
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(mqtt_messages))
}
