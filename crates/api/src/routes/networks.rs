//! Wi-Fi networks that devices are made for: `GET` and `POST /api/v1/networks`, `GET`, `PATCH` and `DELETE /api/v1/networks/{id}`.
//!
//! No answer holds a password. A change names the version of the network that it was made for; one that comes too late is answered
//! with 409 and with how the network is now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::{MetadataError, Network, NetworkChange, NewNetwork};
use sensorium_model::NetworkId;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// A Wi-Fi network.
#[derive(Debug, Serialize, ToSchema)]
struct WifiNetwork {
    id: Uuid,
    /// What people call it.
    name: String,
    /// What it calls itself.
    ssid: String,
    /// False for an open network.
    has_password: bool,
    /// Grows with each change; send it with the next one.
    version: i64,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
}

/// The networks of the organisation, by name.
#[derive(Debug, Serialize, ToSchema)]
struct WifiNetworkList {
    networks: Vec<WifiNetwork>,
}

/// A network to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WifiNetworkRequest {
    /// 1 to 100 characters, which no other network of the organisation has.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// 1 to 32 bytes.
    #[schema(min_length = 1, max_length = 32)]
    ssid: String,
    /// 8 to 63 characters; null or left out for an open network.
    #[schema(min_length = 8, max_length = 63)]
    password: Option<String>,
}

/// What to change of a network; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WifiNetworkChange {
    /// The version that the change was made for.
    version: i64,
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    #[schema(min_length = 1, max_length = 32)]
    ssid: Option<String>,
    /// 8 to 63 characters; null makes it an open network.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, min_length = 8, max_length = 63)]
    password: Option<Option<String>>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct NetworkVersionQuery {
    /// The version of the network that the caller has seen.
    version: i64,
}

/// Tells null, which is a value, from what is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

impl From<Network> for WifiNetwork {
    fn from(network: Network) -> Self {
        Self {
            id: *network.id.as_uuid(),
            name: network.name,
            ssid: network.ssid,
            has_password: network.has_password,
            version: network.version,
            created_at: super::rfc3339(network.created_at_ms),
        }
    }
}

/// The answer to a change that failed; one that came too late holds how the network is now.
fn failed(error: MetadataError) -> ApiError {
    let current = match &error {
        MetadataError::NetworkChanged(network) => serde_json::to_value(WifiNetwork::from(Network::clone(network))).ok(),
        _ => None,
    };
    let made = ApiError::from(error);
    match current {
        Some(current) => made.with("current", current),
        None => made,
    }
}

/// List Wi-Fi networks
#[utoipa::path(get, path = "/api/v1/networks", tag = "devices", responses(
    (status = 200, body = WifiNetworkList), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "People from editors on"),
))]
async fn networks(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Json<WifiNetworkList>> {
    let networks = state.metadata.networks(&principal).await?;
    Ok(Json(WifiNetworkList { networks: networks.into_iter().map(WifiNetwork::from).collect() }))
}

/// Add a Wi-Fi network
///
/// Its password is sealed, and no answer holds it.
#[utoipa::path(post, path = "/api/v1/networks", tag = "devices", request_body = WifiNetworkRequest, responses(
    (status = 201, body = WifiNetwork), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody, description = "The name is taken"),
))]
async fn create_network(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Json(request): extract::Json<WifiNetworkRequest>,
) -> ApiResult<(StatusCode, Json<WifiNetwork>)> {
    let new = NewNetwork { name: request.name, ssid: request.ssid, password: request.password };
    let network = state.metadata.create_network(&principal, new).await?;
    Ok((StatusCode::CREATED, Json(network.into())))
}

/// Show a Wi-Fi network
#[utoipa::path(get, path = "/api/v1/networks/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The network")), responses(
        (status = 200, body = WifiNetwork), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ))]
async fn network(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<WifiNetwork>> {
    Ok(Json(state.metadata.network(&principal, NetworkId::from_uuid(id)).await?.into()))
}

/// Change a Wi-Fi network
#[utoipa::path(patch, path = "/api/v1/networks/{id}", tag = "devices", request_body = WifiNetworkChange,
    params(("id" = Uuid, Path, description = "The network")), responses(
        (status = 200, body = WifiNetwork), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another change came first (then `current` is how the network is now), or the name is taken"),
    ))]
async fn change_network(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<WifiNetworkChange>,
) -> ApiResult<Json<WifiNetwork>> {
    let WifiNetworkChange { version, name, ssid, password } = request;
    let change = NetworkChange { version, name, ssid, password };
    let changed = state.metadata.change_network(&principal, NetworkId::from_uuid(id), change).await;
    Ok(Json(changed.map_err(failed)?.into()))
}

/// Delete a Wi-Fi network
///
/// Devices that were made for it keep what they have.
#[utoipa::path(delete, path = "/api/v1/networks/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The network"), NetworkVersionQuery), responses(
        (status = 204, description = "Deleted"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "As for a change"),
    ))]
async fn delete_network(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<NetworkVersionQuery>,
) -> ApiResult<StatusCode> {
    let deleted = state.metadata.delete_network(&principal, NetworkId::from_uuid(id), query.version).await;
    deleted.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(networks, create_network)).routes(routes!(
        network,
        change_network,
        delete_network
    ))
}
