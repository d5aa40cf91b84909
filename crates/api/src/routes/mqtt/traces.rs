//! Traces of clients: `GET` and `POST /api/v1/mqtt/traces`, `GET` and `DELETE /api/v1/mqtt/traces/{id}`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::Change;
use sensorium_model::messaging::{MessagingTrace, TraceOf, TracedPacket};
use sensorium_model::{DeviceId, TraceId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::clients::{MqttDevice, read, written};
use super::message::time;
use super::{DEFAULT_LIMIT, MAX_PAGE, broker, may_manage, may_read};
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::routes::users::page_size;
use crate::state::AppState;

/// How long a trace lasts if that is not said.
const DEFAULT_SECONDS: u64 = 300;

/// What to trace: a client or a device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMqttTrace {
    /// The key of a client.
    client: Option<String>,
    /// A device: all clients that are it.
    device: Option<Uuid>,
    /// How long, in seconds; default 300, at most the setting `mqtt.trace_seconds`.
    #[schema(minimum = 1)]
    seconds: Option<u64>,
}

/// A trace.
#[derive(Debug, Serialize, ToSchema)]
struct MqttTrace {
    id: Uuid,
    /// The key of the client; null if it is of a device.
    #[schema(required)]
    client: Option<String>,
    /// What that client calls itself.
    #[schema(required)]
    client_id: Option<String>,
    /// The device; null if it is of a client that is none.
    #[schema(required)]
    device: Option<MqttDevice>,
    /// When it began, RFC 3339.
    #[schema(format = DateTime)]
    since: String,
    /// When it ends, or ended, RFC 3339.
    #[schema(format = DateTime)]
    until: String,
    is_running: bool,
    /// How many packets came and went.
    packets: u64,
    /// How many of them, the oldest, are gone because there was no room for more.
    gone: u64,
}

/// Traces, the newest first.
#[derive(Debug, Serialize, ToSchema)]
struct MqttTraceList {
    traces: Vec<MqttTrace>,
}

/// A packet of a client. What it carries is not written down.
#[derive(Debug, Serialize, ToSchema)]
struct MqttPacket {
    /// Counts from 1 in its trace.
    number: u64,
    /// When it came or went, RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    client_id: String,
    /// Whether the client sent it.
    is_from_client: bool,
    /// Its name in the standard, such as `PUBLISH`; `CLOSED` for the end of the connection.
    kind: &'static str,
    /// The number of a message or a request under way.
    #[schema(required)]
    packet_id: Option<u16>,
    /// The topic of a message, or the filters of a subscription with spaces between.
    #[schema(required)]
    topic: Option<String>,
    /// 0, 1 or 2, of a message.
    #[schema(required)]
    qos: Option<u8>,
    /// Whether a message was, or is to be, retained.
    retain: bool,
    /// Whether a message may have been sent before.
    dup: bool,
    /// The code of its reason.
    #[schema(required)]
    reason: Option<u8>,
    /// The name of its reason.
    #[schema(required)]
    reason_name: Option<&'static str>,
    /// On the wire.
    bytes: usize,
}

/// A trace with packets.
#[derive(Debug, Serialize, ToSchema)]
struct MqttTracePackets {
    trace: MqttTrace,
    /// In their order.
    packets: Vec<MqttPacket>,
    /// `after` of those that come next.
    next: u64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PacketsQuery {
    /// Only packets behind this number; default 0.
    #[serde(default)]
    after: u64,
    /// At most so many, 1 to 1,000; default 100.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u64>,
}

fn device_of(trace: &MessagingTrace) -> Option<DeviceId> {
    match &trace.of {
        TraceOf::Client(key) => key.device,
        TraceOf::Device(device) => Some(*device),
    }
}

impl MqttTrace {
    fn new(trace: MessagingTrace, names: &HashMap<DeviceId, String>) -> Self {
        let device = device_of(&trace);
        let client = match &trace.of {
            TraceOf::Client(key) => Some(key),
            TraceOf::Device(_) => None,
        };
        Self {
            id: *trace.id.as_uuid(),
            client: client.map(written),
            client_id: client.map(|key| key.client_id.as_ref().to_owned()),
            device: device.and_then(|id| Some(MqttDevice::new(id, names.get(&id)?))),
            since: time(trace.since_ms),
            until: time(trace.until_ms),
            is_running: trace.is_running,
            packets: trace.packets,
            gone: trace.gone,
        }
    }
}

impl From<TracedPacket> for MqttPacket {
    fn from(packet: TracedPacket) -> Self {
        let plain = |text: Arc<str>| text.as_ref().to_owned();
        Self {
            number: packet.number,
            at: time(packet.at_ms),
            client_id: plain(packet.client_id),
            is_from_client: packet.is_from_client,
            kind: packet.kind,
            packet_id: packet.packet_id,
            topic: packet.topic.map(plain),
            qos: packet.qos,
            retain: packet.retain,
            dup: packet.dup,
            reason: packet.reason.map(|(code, _)| code),
            reason_name: packet.reason.map(|(_, name)| name),
            bytes: packet.bytes,
        }
    }
}

/// The same words whether it does not exist or must not be known.
fn no_trace() -> ApiError {
    ApiError::missing("there is no such trace; those that are over are kept for a quarter of an hour")
}

fn id(text: &str) -> ApiResult<TraceId> {
    text.parse().map_err(|_| no_trace())
}

/// What the devices of traces are called.
async fn names(state: &AppState, caller: &Caller, traces: &[MessagingTrace]) -> ApiResult<HashMap<DeviceId, String>> {
    let mut ids: Vec<DeviceId> = traces.iter().filter_map(device_of).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(state.metadata.device_names(&caller.0, &ids).await?)
}

/// List traces
///
/// Those that go on, and those that were over in the last quarter of an hour; the newest first.
#[utoipa::path(get, path = "/api/v1/mqtt/traces", tag = "mqtt", responses(
    (status = 200, body = MqttTraceList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "There is no broker"),
))]
async fn mqtt_traces(State(state): State<AppState>, caller: Caller) -> ApiResult<Json<MqttTraceList>> {
    may_read(&caller)?;
    let traces = broker(&state)?.traces(caller.0.org);
    let names = names(&state, &caller, &traces).await?;
    Ok(Json(MqttTraceList { traces: traces.into_iter().map(|trace| MqttTrace::new(trace, &names)).collect() }))
}

/// Trace a client or a device
///
/// For a while, each packet between it and the broker is written down: direction, type, topic, QoS, reason, size and time, never
/// what it carries. A client that is not connected is traced when it comes.
#[utoipa::path(post, path = "/api/v1/mqtt/traces", tag = "mqtt", request_body = NewMqttTrace, responses(
    (status = 201, body = MqttTrace), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Editors and above"),
    (status = 404, body = ErrorBody, description = "There is no such client or device, or no broker"),
    (status = 429, body = ErrorBody, description = "The organisation has as many traces as it may (mqtt.traces)"),
))]
async fn start_mqtt_trace(
    State(state): State<AppState>,
    caller: Caller,
    extract::Json(request): extract::Json<NewMqttTrace>,
) -> ApiResult<(StatusCode, Json<MqttTrace>)> {
    may_manage(&caller, "this credential may not trace clients; sign in as an editor")?;
    let broker = broker(&state)?;
    let of = match (request.client, request.device) {
        (Some(key), None) => {
            let no_client = || ApiError::missing("there is no such client; send its key from the list of clients");
            TraceOf::Client(read(&key).ok_or_else(no_client)?)
        }
        (None, Some(device)) => TraceOf::Device(DeviceId::from_uuid(device)),
        _ => return Err(ApiError::invalid("say what to trace: client or device, one of the two")),
    };
    let device = match &of {
        TraceOf::Client(key) => key.device,
        TraceOf::Device(device) => Some(*device),
    };
    if let Some(device) = device
        && !state.metadata.device_names(&caller.0, &[device]).await?.contains_key(&device)
    {
        return Err(ApiError::missing("there is no such device"));
    }
    let trace = broker.start_trace(caller.0.org, of, request.seconds.unwrap_or(DEFAULT_SECONDS))?;
    let names = names(&state, &caller, std::slice::from_ref(&trace)).await?;
    let trace = MqttTrace::new(trace, &names);
    let device = trace.device.as_ref().map(|device| device.name.as_str());
    let traced = trace.client_id.as_deref().or(device).unwrap_or_default();
    let change = Change::created("mqtt trace", traced).after(json!({"until": trace.until}));
    state.metadata.audit(&caller.0, change).await?;
    Ok((StatusCode::CREATED, Json(trace)))
}

/// Show a trace with its packets
///
/// Asked again with `next` as `after`, it answers with those that came meanwhile.
#[utoipa::path(get, path = "/api/v1/mqtt/traces/{id}", tag = "mqtt",
    params(("id" = String, Path, description = "Its id"), PacketsQuery), responses(
        (status = 200, body = MqttTracePackets), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "There is no such trace, or no broker"),
    ))]
async fn mqtt_trace(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(trace): extract::Path<String>,
    extract::Query(query): extract::Query<PacketsQuery>,
) -> ApiResult<Json<MqttTracePackets>> {
    may_read(&caller)?;
    let limit = usize::try_from(page_size(query.limit, DEFAULT_LIMIT, MAX_PAGE)?).unwrap_or(usize::MAX);
    let found = broker(&state)?.trace(caller.0.org, id(&trace)?, query.after, limit);
    let (trace, packets) = found.ok_or_else(no_trace)?;
    let names = names(&state, &caller, std::slice::from_ref(&trace)).await?;
    let next = packets.last().map_or(query.after, |packet| packet.number);
    let packets = packets.into_iter().map(MqttPacket::from).collect();
    Ok(Json(MqttTracePackets { trace: MqttTrace::new(trace, &names), packets, next }))
}

/// End and remove a trace
#[utoipa::path(delete, path = "/api/v1/mqtt/traces/{id}", tag = "mqtt",
    params(("id" = String, Path, description = "Its id")), responses(
        (status = 204, description = "It is gone, with its packets"), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "Editors and above"),
        (status = 404, body = ErrorBody, description = "There is no such trace, or no broker"),
    ))]
async fn remove_mqtt_trace(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(trace): extract::Path<String>,
) -> ApiResult<StatusCode> {
    may_manage(&caller, "this credential may not end traces; sign in as an editor")?;
    match broker(&state)?.remove_trace(caller.0.org, id(&trace)?) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(no_trace()),
    }
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(mqtt_traces, start_mqtt_trace))
        .routes(routes!(mqtt_trace, remove_mqtt_trace))
}
