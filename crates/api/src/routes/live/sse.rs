//! `GET /api/v1/live`: one subscription as server-sent events, for networks where a WebSocket does not get through.
//!
//! An event holds the points since the one before, as JSON with the columns of a binary frame; its id is
//! `<epoch>:<seq>`, from which a browser resumes by itself (`Last-Event-ID`). Events come at once, then at most one a second.
//! An event named `gap` says that something is missing and is to be asked for over the query interface.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use sensorium_live::{LiveClient, LiveValue, Pacer, Tick};
use sensorium_model::Principal;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::protocol::{Resume, Subscribe};
use super::{access, frame};
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract::Query;
use crate::state::AppState;

/// Events a second.
const HZ: f64 = 1.0;

/// What to watch.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Watch {
    /// The database.
    #[serde(alias = "database")]
    db: String,
    /// The table; every table when absent or `*`.
    table: Option<String>,
    /// Tags that a row must have, as a JSON object of texts.
    tags: Option<String>,
    /// Names of fields, separated by commas; all when absent.
    fields: Option<String>,
}

/// Watch readings as they arrive, over server-sent events
#[utoipa::path(get, path = "/api/v1/live", tag = "live", params(Watch), responses(
    (status = 200, content_type = "text/event-stream", body = String, description = "One event a second with the points since the one before, in columns"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 429, body = ErrorBody, description = "http.live_clients are connected already"),
))]
pub(super) async fn stream(
    State(state): State<AppState>,
    Caller(principal): Caller,
    headers: HeaderMap,
    Query(watch): Query<Watch>,
) -> ApiResult<Response> {
    let wanted = access::admit(&state, &principal, watch.subscription(resume_point(&headers))?)?;
    let refused = |error: sensorium_live::LiveError| ApiError::from_error(error.kind(), &error);
    let mut client = state.hub.connect(principal.org).map_err(refused)?;
    let subscribed = client.subscribe(wanted).map_err(refused)?;
    let mut pacer = Pacer::default();
    pacer.set_wanted(HZ);
    let feed = Feed {
        epoch: state.hub.epoch(),
        state,
        principal,
        client,
        pacer,
        gap: subscribed.gap.then_some(subscribed.seq),
        next_check: Instant::now() + access::CHECK_EVERY,
    };
    let events = stream::unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    // Whoever asks once more after the end gets the end again.
    let events = Sse::new(events.fuse()).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    // A proxy must pass each event on as it comes; nginx is told by a header of its own.
    Ok(([(CACHE_CONTROL.as_str(), "no-store"), ("x-accel-buffering", "no")], events).into_response())
}

impl Watch {
    fn subscription(self, resume: Option<Resume>) -> ApiResult<Subscribe> {
        let tags = match self.tags.as_deref() {
            None | Some("") => Default::default(),
            Some(text) => serde_json::from_str(text).map_err(|error| {
                ApiError::invalid(format!("tags is a JSON object of texts, such as {{\"host\":\"a\"}}: {error}"))
            })?,
        };
        let fields = self.fields.filter(|fields| !fields.is_empty());
        Ok(Subscribe {
            id: 0,
            database: self.db,
            table: self.table.unwrap_or_else(|| "*".to_owned()),
            tags,
            fields: fields.map(|fields| fields.split(',').map(str::to_owned).collect()),
            resume,
        })
    }
}

/// Where a browser that reconnects continues.
fn resume_point(headers: &HeaderMap) -> Option<Resume> {
    let (epoch, seq) = headers.get("last-event-id")?.to_str().ok()?.split_once(':')?;
    Some(Resume { epoch: epoch.parse().ok()?, seq: seq.parse().ok()? })
}

/// One connection. The body of the answer asks it for the next event, so a client that does not read asks for none, and what
/// it misses waits in the hub's ring.
struct Feed {
    state: AppState,
    principal: Principal,
    client: LiveClient,
    pacer: Pacer,
    epoch: Uuid,
    gap: Option<u64>,
    next_check: Instant,
}

impl Feed {
    async fn next(&mut self) -> Option<Event> {
        if let Some(seq) = self.gap.take() {
            return Some(self.event(seq).event("gap").data("{}"));
        }
        loop {
            let now = Instant::now();
            if now >= self.next_check {
                self.next_check = now + access::CHECK_EVERY;
                if !access::is_still_good(&self.state, &self.principal).await {
                    return None;
                }
            }
            let waiting = self.client.collect();
            let due = self.pacer.due(now);
            if waiting
                && due <= now
                && let Some(tick) = self.client.take()
            {
                self.pacer.sent(now);
                self.gap = (tick.lost || tick.coalesced + tick.dropped > 0).then_some(tick.seq);
                return Columns::of(&tick).to_event(self.event(tick.seq));
            }
            let wake_at = if waiting { due.min(self.next_check) } else { self.next_check };
            tokio::select! {
                () = self.state.shutdown.cancelled() => return None,
                () = self.client.changed(), if !waiting => {}
                () = tokio::time::sleep_until(wake_at.into()) => {}
            }
        }
    }

    fn event(&self, seq: u64) -> Event {
        Event::default().id(format!("{}:{seq}", self.epoch))
    }
}

/// The columns of a frame as JSON.
#[derive(Debug, Serialize)]
struct Columns<'t> {
    seq: u64,
    time: Vec<f64>,
    series: Vec<&'t str>,
    table: Vec<&'t str>,
    field: Vec<&'t str>,
    value: Vec<Option<f64>>,
    text: Vec<Option<&'t str>>,
}

impl<'t> Columns<'t> {
    fn of(tick: &'t Tick) -> Self {
        let points = &tick.points;
        Self {
            seq: tick.seq,
            time: points.iter().map(|point| frame::millis(point.time_ns)).collect(),
            series: points.iter().map(|point| &*point.series).collect(),
            table: points.iter().map(|point| &*point.table).collect(),
            field: points.iter().map(|point| &*point.field).collect(),
            value: points
                .iter()
                .map(|point| match &point.value {
                    LiveValue::Number(number) => Some(*number),
                    LiveValue::Text(_) => None,
                })
                .collect(),
            text: points
                .iter()
                .map(|point| match &point.value {
                    LiveValue::Number(_) => None,
                    LiveValue::Text(text) => Some(&**text),
                })
                .collect(),
        }
    }

    fn to_event(&self, event: Event) -> Option<Event> {
        // Structures of numbers and texts always serialise.
        serde_json::to_string(self).ok().map(|text| event.data(text))
    }
}
