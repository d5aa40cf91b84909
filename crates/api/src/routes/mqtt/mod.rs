//! The MQTT broker: `GET /api/v1/mqtt`, and below it its clients ([`clients`]), retained messages ([`retained`]), publishing
//! ([`publish`]), reading messages as they come ([`messages`]) and traces of clients ([`traces`]).
//!
//! All of it is of the caller's organisation. Who reads needs [`Action::ReadMessages`], who changes [`Action::ManageMessages`].

mod clients;
mod message;
mod messages;
mod publish;
mod retained;
mod traces;

use axum::Json;
use axum::extract::State;
use sensorium_model::messaging::{MessagingBridge, MessagingOverview};
use sensorium_model::{Action, Messaging};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::message::time;
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::state::AppState;

/// Entries of a page if no limit is given.
const DEFAULT_LIMIT: u64 = 100;
/// The most entries of a page.
const MAX_PAGE: u64 = 1_000;

/// Where the broker listens.
#[derive(Debug, Serialize, ToSchema)]
struct MqttListener {
    /// Address and port.
    address: String,
    /// `tcp`, `tls` or `websocket`.
    transport: &'static str,
}

/// A connection to another broker. The numbers count since the server started.
#[derive(Debug, Serialize, ToSchema)]
struct MqttBridge {
    name: String,
    /// Host and port of the other broker.
    address: String,
    is_connected: bool,
    /// Since when there is a connection, or none, RFC 3339.
    #[schema(format = DateTime)]
    since: String,
    /// What is wrong with it.
    #[schema(required)]
    error: Option<String>,
    /// Messages that wait to go out.
    queued: usize,
    /// Messages that went out and were acknowledged, where that is asked for.
    sent: u64,
    /// Messages that came in.
    received: u64,
    /// Messages that were not taken, on either side.
    refused: u64,
    /// Messages that were to go out and found no room.
    dropped: u64,
}

impl From<MessagingBridge> for MqttBridge {
    fn from(bridge: MessagingBridge) -> Self {
        Self {
            name: bridge.name,
            address: bridge.address,
            is_connected: bridge.is_connected,
            since: time(bridge.since_ms),
            error: bridge.error.map(|error| error.as_ref().to_owned()),
            queued: bridge.queued,
            sent: bridge.sent,
            received: bridge.received,
            refused: bridge.refused,
            dropped: bridge.dropped,
        }
    }
}

/// The broker, with the numbers of the organisation; those of messages count since the server started.
#[derive(Debug, Serialize, ToSchema)]
struct MqttOverview {
    /// Whether there is a broker; if not, all numbers are 0.
    is_listening: bool,
    listeners: Vec<MqttListener>,
    /// Connections to other brokers, of the server's own organisation alone.
    bridges: Vec<MqttBridge>,
    /// Clients that are connected.
    connections: usize,
    /// Sessions, with and without a connection.
    sessions: usize,
    subscriptions: usize,
    /// Retained messages.
    retained: usize,
    /// Bytes of their topics and payloads.
    retained_bytes: usize,
    /// Messages that were published.
    received: u64,
    /// Messages that were passed on, counted once for each receiver.
    sent: u64,
    /// Messages that were not taken.
    refused: u64,
    /// Messages that were passed on and found no room in the queue of their receiver.
    dropped: u64,
    /// How often a connection was not read for a while because it was over its rate.
    limited: u64,
}

/// Show the broker
#[utoipa::path(get, path = "/api/v1/mqtt", tag = "mqtt", responses(
    (status = 200, body = MqttOverview), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn mqtt_overview(State(state): State<AppState>, caller: Caller) -> ApiResult<Json<MqttOverview>> {
    may_read(&caller)?;
    let numbers = state.messaging.as_ref().map(|broker| broker.overview(caller.0.org));
    let is_listening = numbers.is_some();
    let MessagingOverview {
        listeners,
        bridges,
        connections,
        sessions,
        subscriptions,
        retained,
        retained_bytes,
        received,
        sent,
        refused,
        dropped,
        limited,
    } = numbers.unwrap_or_default();
    let listeners = listeners.into_iter();
    let listeners = listeners.map(|of| MqttListener { address: of.address, transport: of.transport.as_str() });
    Ok(Json(MqttOverview {
        is_listening,
        listeners: listeners.collect(),
        bridges: bridges.into_iter().map(MqttBridge::from).collect(),
        connections,
        sessions,
        subscriptions,
        retained,
        retained_bytes,
        received,
        sent,
        refused,
        dropped,
        limited,
    }))
}

/// The broker, if there is one.
fn broker(state: &AppState) -> ApiResult<&dyn Messaging> {
    state.messaging.as_deref().ok_or_else(|| {
        ApiError::missing("this server is no MQTT broker; start it with --mqtt 0.0.0.0:1883, or set mqtt.listen")
    })
}

fn may_read(caller: &Caller) -> ApiResult<()> {
    let sentence =
        "this credential may not see MQTT clients and messages; sign in, or use a token that reads all databases";
    caller.require(Action::ReadMessages, sentence)
}

fn may_manage(caller: &Caller, sentence: &str) -> ApiResult<()> {
    caller.require(Action::ManageMessages, sentence)
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(mqtt_overview))
        .merge(clients::routes())
        .merge(retained::routes())
        .merge(publish::routes())
        .merge(messages::routes())
        .merge(traces::routes())
}
