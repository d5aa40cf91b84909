//! Clients of the broker: `GET /api/v1/mqtt/clients`, `GET` and `DELETE /api/v1/mqtt/clients/{key}`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sensorium_metadata::Change;
use sensorium_model::DeviceId;
use sensorium_model::messaging::{ClientKey, ClientQuery, ClientSubscription, MessagingClient};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::message::time;
use super::{DEFAULT_LIMIT, MAX_PAGE, broker, may_manage, may_read};
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::routes::users::page_size;
use crate::state::AppState;

/// What keys begin with whose client is no device.
const NO_DEVICE: &str = "-";

/// The device that a client is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MqttDevice {
    id: Uuid,
    pub(super) name: String,
}

impl MqttDevice {
    pub(super) fn new(id: DeviceId, name: &str) -> Self {
        Self { id: *id.as_uuid(), name: name.to_owned() }
    }
}

/// A client that is connected or has a session.
#[derive(Debug, Serialize, ToSchema)]
struct MqttClient {
    /// Names the client in addresses; the same when it comes again.
    key: String,
    client_id: String,
    /// Null if it is no device with an API token of its own.
    #[schema(required)]
    device: Option<MqttDevice>,
    /// The user name that it gave, which means nothing beside an API token; null if it gave none or is away.
    #[schema(required)]
    login: Option<String>,
    /// Where it comes from; null if it is away.
    #[schema(required)]
    address: Option<String>,
    /// `tcp`, `tls` or `websocket`; null if it is away.
    #[schema(required)]
    transport: Option<&'static str>,
    /// `3.1.1` or `5.0`; null if it is away.
    #[schema(required)]
    version: Option<&'static str>,
    is_connected: bool,
    /// When the connection began, or when it ended, RFC 3339.
    #[schema(format = DateTime)]
    since: String,
    /// The longest silence that it promised; 0 for none; null if it is away.
    #[schema(required)]
    keep_alive_seconds: Option<u16>,
    /// How long the session outlives a connection; 4,294,967,295 for ever.
    session_expiry_seconds: u32,
    /// When the session ends if the client stays away, RFC 3339; null while it is connected, and if that is never.
    #[schema(required, format = DateTime)]
    expires: Option<String>,
    /// How many subscriptions it has.
    subscriptions: usize,
    /// Messages that wait for it.
    queued: usize,
    /// Messages that were sent to it and that it has not acknowledged.
    inflight: usize,
    /// QoS 0 messages for which there was no room.
    dropped_qos0: u64,
    /// QoS 1 and 2 messages that were the oldest when there was no room.
    dropped_oldest: u64,
    /// Messages that expired before they were sent.
    expired_messages: u64,
}

/// Clients, by their identifiers.
#[derive(Debug, Serialize, ToSchema)]
struct MqttClientList {
    clients: Vec<MqttClient>,
    /// `after` of the next page; null on the last one.
    #[schema(required)]
    next: Option<String>,
}

/// What a client subscribes to.
#[derive(Debug, Serialize, ToSchema)]
struct MqttSubscription {
    filter: String,
    /// 0, 1 or 2: the highest that it is sent.
    qos: u8,
    /// Whether its own messages are left out.
    no_local: bool,
    /// Whether it is told of messages that were to be retained.
    retain_as_published: bool,
    /// What it was sent of what is retained: 0 for all, 1 for all if the subscription was new, 2 for nothing.
    retain_handling: u8,
    /// The number that comes with its messages.
    #[schema(required)]
    subscription_id: Option<u32>,
}

/// A client with what it subscribes to.
#[derive(Debug, Serialize, ToSchema)]
struct MqttClientDetails {
    client: MqttClient,
    /// By their filters.
    subscriptions: Vec<MqttSubscription>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ClientsQuery {
    /// Stands somewhere in the client identifier, or of a client that is connected in the user name, the address or the name of the
    /// device; without regard to case.
    search: Option<String>,
    /// Only those that are connected, or only those that are not.
    is_connected: Option<bool>,
    /// What the page before gave as `next`.
    after: Option<String>,
    /// At most so many, 1 to 1,000; default 100.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u64>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EndQuery {
    /// Whether the session ends, too, with its subscriptions and the messages that wait; false if it is not given.
    #[serde(default)]
    session: bool,
}

/// A key in addresses: the device and the client identifier, which may hold any character.
pub(super) fn written(key: &ClientKey) -> String {
    let device = key.device.map_or_else(|| NO_DEVICE.to_owned(), |device| device.to_string());
    URL_SAFE_NO_PAD.encode(format!("{device}:{}", key.client_id))
}

/// A key of [`written`].
pub(super) fn read(text: &str) -> Option<ClientKey> {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (device, client_id) = plain.split_once(':')?;
    let device = match device {
        NO_DEVICE => None,
        id => Some(id.parse::<DeviceId>().ok()?),
    };
    Some(ClientKey { client_id: client_id.into(), device })
}

/// The same words whether it does not exist or must not be known.
fn no_client() -> ApiError {
    ApiError::missing("there is no such client: it is not connected and has no session")
}

fn plain(text: Arc<str>) -> String {
    text.as_ref().to_owned()
}

impl MqttClient {
    fn new(client: MessagingClient, names: &HashMap<DeviceId, String>) -> Self {
        let named = |id: DeviceId| Some(MqttDevice::new(id, names.get(&id)?));
        let connection = client.connection;
        Self {
            key: written(&client.key),
            device: client.key.device.and_then(named),
            client_id: plain(client.key.client_id),
            login: connection.as_ref().and_then(|connection| connection.login.clone()).map(plain),
            address: connection.as_ref().map(|connection| connection.address.to_string()),
            transport: connection.as_ref().map(|connection| connection.transport.as_str()),
            version: connection.as_ref().map(|connection| connection.version),
            is_connected: connection.is_some(),
            since: time(client.since_ms),
            keep_alive_seconds: connection.as_ref().map(|connection| connection.keep_alive_seconds),
            session_expiry_seconds: client.session_expiry_seconds,
            expires: client.expires_ms.map(time),
            subscriptions: client.subscriptions,
            queued: client.queued,
            inflight: client.inflight,
            dropped_qos0: client.dropped_qos0,
            dropped_oldest: client.dropped_oldest,
            expired_messages: client.expired_messages,
        }
    }
}

impl From<ClientSubscription> for MqttSubscription {
    fn from(from: ClientSubscription) -> Self {
        Self {
            filter: plain(from.filter),
            qos: from.qos,
            no_local: from.no_local,
            retain_as_published: from.retain_as_published,
            retain_handling: from.retain_handling,
            subscription_id: from.subscription_id,
        }
    }
}

/// What the devices among clients are called.
async fn names(state: &AppState, caller: &Caller, clients: &[MessagingClient]) -> ApiResult<HashMap<DeviceId, String>> {
    let mut ids: Vec<DeviceId> = clients.iter().filter_map(|client| client.key.device).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(state.metadata.device_names(&caller.0, &ids).await?)
}

/// List clients
#[utoipa::path(get, path = "/api/v1/mqtt/clients", tag = "mqtt", params(ClientsQuery), responses(
    (status = 200, body = MqttClientList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody, description = "There is no broker"),
))]
async fn mqtt_clients(
    State(state): State<AppState>,
    caller: Caller,
    extract::Query(query): extract::Query<ClientsQuery>,
) -> ApiResult<Json<MqttClientList>> {
    may_read(&caller)?;
    let limit = usize::try_from(page_size(query.limit, DEFAULT_LIMIT, MAX_PAGE)?).unwrap_or(usize::MAX);
    let no_page =
        || ApiError::invalid("there is no such page; send what the page before gave as next, or leave after out");
    let after = query.after.as_deref().map(|text| read(text).ok_or_else(no_page)).transpose()?;
    let search = query.search.filter(|text| !text.is_empty());
    let wanted = ClientQuery { search, is_connected: query.is_connected, after, limit };
    let found = broker(&state)?.clients(caller.0.org, &wanted);
    let names = names(&state, &caller, &found).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| written(&last.key));
    let clients = found.into_iter().map(|client| MqttClient::new(client, &names)).collect();
    Ok(Json(MqttClientList { clients, next }))
}

/// Show a client
#[utoipa::path(get, path = "/api/v1/mqtt/clients/{key}", tag = "mqtt",
    params(("key" = String, Path, description = "Its key in the list")), responses(
        (status = 200, body = MqttClientDetails), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "There is no such client, or no broker"),
    ))]
async fn mqtt_client(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(key): extract::Path<String>,
) -> ApiResult<Json<MqttClientDetails>> {
    may_read(&caller)?;
    let broker = broker(&state)?;
    let found = read(&key).and_then(|key| broker.client(caller.0.org, &key));
    let (client, subscriptions) = found.ok_or_else(no_client)?;
    let names = names(&state, &caller, std::slice::from_ref(&client)).await?;
    let subscriptions = subscriptions.into_iter().map(MqttSubscription::from).collect();
    Ok(Json(MqttClientDetails { client: MqttClient::new(client, &names), subscriptions }))
}

/// Disconnect a client
///
/// Its connection ends with the reason 0x98, administrative action; with `session=true` its session does, too. Most clients connect
/// again by themselves.
#[utoipa::path(delete, path = "/api/v1/mqtt/clients/{key}", tag = "mqtt",
    params(("key" = String, Path, description = "Its key in the list"), EndQuery), responses(
        (status = 204, description = "It has no connection any more"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "Editors and above"),
        (status = 404, body = ErrorBody, description = "There is no such client, or no broker"),
    ))]
async fn disconnect_mqtt_client(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(key): extract::Path<String>,
    extract::Query(query): extract::Query<EndQuery>,
) -> ApiResult<StatusCode> {
    may_manage(&caller, "this credential may not end connections; sign in as an editor")?;
    let broker = broker(&state)?;
    let key = read(&key).ok_or_else(no_client)?;
    if !broker.disconnect(caller.0.org, &key, query.session).await {
        return Err(no_client());
    }
    let change = Change::new("disconnected", "mqtt client", &key.client_id);
    state.metadata.audit(&caller.0, change.after(json!({"session_ended": query.session}))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(mqtt_clients)).routes(routes!(mqtt_client, disconnect_mqtt_client))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written() {
        for client_id in ["", "a", "a:b/ü?#"] {
            for device in [None, Some(DeviceId::from_uuid(Uuid::from_u128(7)))] {
                let key = ClientKey { client_id: client_id.into(), device };
                assert_eq!(read(&written(&key)), Some(key));
            }
        }
        for wrong in ["", "!", "YQ", &URL_SAFE_NO_PAD.encode("x:a")] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
