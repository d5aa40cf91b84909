//! Desired and reported state: `GET /api/v1/devices/{id}/state` and `PUT /api/v1/devices/{id}/state/desired` for people,
//! `GET /api/v1/device/state` and `PUT /api/v1/device/state/reported` for the device itself.
//!
//! A request that waits is answered when there is something, when its time is over, or when the server stops.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sensorium_metadata::registry::{self, Until};
use sensorium_model::DeviceId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::failed;
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::routes::rfc3339;
use crate::state::AppState;

/// The longest that a request waits.
const MAX_WAIT_SECONDS: u64 = 60;

/// One of the two states of a device.
#[derive(Debug, Serialize, ToSchema)]
struct StateDocument {
    /// Grows with each change; 0 before the first.
    version: i64,
    /// The state; empty before the first change.
    #[schema(value_type = Object)]
    state: Map<String, Value>,
    /// When it was last set, RFC 3339; null if it never was.
    #[schema(format = DateTime, required)]
    changed_at: Option<String>,
}

/// A desired value that is not reported.
#[derive(Debug, Serialize, ToSchema)]
struct StateDifference {
    /// Where it stands, as a JSON Pointer (RFC 6901).
    path: String,
    /// What is desired.
    #[schema(value_type = Value)]
    desired: Value,
    /// What is reported; null if nothing is.
    #[schema(value_type = Value)]
    reported: Value,
    /// Whether nothing is reported there.
    missing: bool,
}

/// What a device is to be like, what it says that it is, and where that differs.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceState {
    /// What it is to be like.
    desired: StateDocument,
    /// What it says that it is.
    reported: StateDocument,
    /// The first 100 desired values that are not reported.
    difference: Vec<StateDifference>,
    /// How many there are.
    differences: u64,
}

/// What a device is to be like, all of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DesiredStateRequest {
    /// The version of the desired state that the change was made for; 0 if it was never set.
    version: i64,
    /// At most 16,384 bytes, at most 8 levels deep, with names of 1 to 100 characters.
    #[schema(value_type = Object)]
    state: Value,
}

/// What a device says that it is, all of it: at most 16,384 bytes, at most 8 levels deep, with names of 1 to 100 characters.
#[derive(Deserialize, ToSchema)]
#[schema(value_type = Object)]
struct ReportedStateRequest(Value);

/// A report was stored.
#[derive(Debug, Serialize, ToSchema)]
struct ReportStored {
    /// The version of the reported state.
    version: i64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DesiredStateQuery {
    /// The version that the device has; without it, what is desired now is answered at once.
    after: Option<i64>,
    /// Seconds to wait for another version, 0 to 60; 0 if it is not given.
    #[param(maximum = 60)]
    wait: Option<u64>,
}

impl From<registry::Document> for StateDocument {
    fn from(document: registry::Document) -> Self {
        let changed_at = document.changed_at_ms.map(rfc3339);
        Self { version: document.version, state: document.state, changed_at }
    }
}

impl From<registry::DeviceState> for DeviceState {
    fn from(state: registry::DeviceState) -> Self {
        let difference = |found: registry::documents::Difference| StateDifference {
            path: found.path,
            desired: found.desired,
            missing: found.reported.is_none(),
            reported: found.reported.unwrap_or_default(),
        };
        Self {
            desired: state.desired.into(),
            reported: state.reported.into(),
            difference: state.differences.first.into_iter().map(difference).collect(),
            differences: state.differences.total,
        }
    }
}

/// A state as it is answered.
pub(super) fn as_json(state: &registry::DeviceState) -> Option<Value> {
    serde_json::to_value(DeviceState::from(state.clone())).ok()
}

/// For how long a request waits.
pub(super) fn until(state: &AppState, wait: Option<u64>) -> ApiResult<Option<Until>> {
    match wait {
        None | Some(0) => Ok(None),
        Some(seconds) if seconds <= MAX_WAIT_SECONDS => {
            let (shutdown, wait) = (state.shutdown.clone(), Duration::from_secs(seconds));
            Ok(Some(Box::pin(async move {
                shutdown.run_until_cancelled(tokio::time::sleep(wait)).await;
            })))
        }
        Some(seconds) => Err(ApiError::invalid(format!(
            "wait={seconds} is too long; wait 0 to {MAX_WAIT_SECONDS} seconds (a fixed limit), and ask again"
        ))),
    }
}

/// The state of a device
///
/// What it is to be like, what it last reported, and the desired values that are not reported.
#[utoipa::path(get, path = "/api/v1/devices/{id}/state", tag = "devices",
    params(("id" = Uuid, Path, description = "The device")),
    responses((status = 200, body = DeviceState), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn device_state(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<DeviceState>> {
    Ok(Json(state.metadata.device_state(&principal, DeviceId::from_uuid(id)).await?.into()))
}

/// Set what a device is to be like
///
/// It replaces the desired state as a whole. A device that waits for it has it at once, any other when it next asks.
#[utoipa::path(put, path = "/api/v1/devices/{id}/state/desired", tag = "devices", request_body = DesiredStateRequest,
    params(("id" = Uuid, Path, description = "The device")),
    responses(
        (status = 200, body = DeviceState), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another change came first: `current` is how the state is now"),
        (status = 413, body = ErrorBody),
    ))]
async fn set_desired_state(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<DesiredStateRequest>,
) -> ApiResult<Json<DeviceState>> {
    let DesiredStateRequest { version, state: wanted } = request;
    let set = state.metadata.set_desired_state(&principal, DeviceId::from_uuid(id), version, &wanted).await;
    Ok(Json(set.map_err(failed)?.into()))
}

/// What this device is to be like
///
/// For devices, with an API token of their own. Without `after` it is answered at once; with it, when the version is another one,
/// at the latest after `wait` seconds.
#[utoipa::path(get, path = "/api/v1/device/state", tag = "devices", params(DesiredStateQuery), responses(
    (status = 200, body = StateDocument), (status = 204, description = "It still is the version `after`"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Devices only"),
    (status = 429, body = ErrorBody, description = "Too many requests wait"),
))]
async fn own_desired_state(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Query(query): extract::Query<DesiredStateQuery>,
) -> ApiResult<Response> {
    let until = until(&state, query.wait)?;
    let desired = state.metadata.desired_state(&principal, query.after, until).await?;
    Ok(match desired {
        Some(desired) => Json(StateDocument::from(desired)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Report what this device is
///
/// For devices, with an API token of their own. It replaces the reported state as a whole and is stored when it is answered.
#[utoipa::path(put, path = "/api/v1/device/state/reported", tag = "devices", request_body = ReportedStateRequest, responses(
    (status = 200, body = ReportStored), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Devices only"), (status = 413, body = ErrorBody),
    (status = 429, body = ErrorBody, description = "More often than `devices.reports_per_minute`"),
))]
async fn report_state(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Json(ReportedStateRequest(reported)): extract::Json<ReportedStateRequest>,
) -> ApiResult<Json<ReportStored>> {
    let version = state.metadata.report_state(&principal, &reported).await?;
    Ok(Json(ReportStored { version }))
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(device_state))
        .routes(routes!(set_desired_state))
        .routes(routes!(own_desired_state))
        .routes(routes!(report_state))
}
