//! The registry of devices: `GET` and `POST /api/v1/devices`, `GET`, `PATCH` and `DELETE /api/v1/devices/{id}`, their types
//! ([`types`]), their API tokens ([`tokens`]), keys and certificates ([`credentials`]), what they are to be and to do ([`state`],
//! [`commands`]), and many at once as CSV ([`import`], [`export`]).
//!
//! A change names the version of the device that it was made for; one that comes too late is answered with 409 and with how the
//! device is now.

mod claims;
mod commands;
mod credentials;
mod export;
mod import;
pub(crate) mod last;
mod state;
mod tokens;
mod types;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sensorium_metadata::registry::{self, MAX_PAGE, RegistryError, Standing};
use sensorium_metadata::{DeviceCursor, DeviceQuery, DeviceSort, Edit, MetadataError};
use sensorium_model::{Action, DeviceId, DeviceTypeId, PlaceId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) use self::import::Problem;
pub(crate) use self::last::LastOfDevice;
pub(crate) use self::types::TypeDefinition;
use super::users::page_size;
use crate::auth::{Caller, require};
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// `limit` of a listing if it is not given.
const DEFAULT_LIMIT: u64 = 100;

/// A device.
#[derive(Debug, Serialize, ToSchema)]
struct Device {
    id: Uuid,
    /// The tag `device` of what it writes.
    name: String,
    /// What kind of device it is.
    #[serde(rename = "type")]
    #[schema(required)]
    device_type: Option<TypeOfDevice>,
    /// Facts about it.
    attributes: BTreeMap<String, String>,
    /// Words to group it by.
    tags: BTreeMap<String, String>,
    /// What it calls itself when it writes with a key for devices, in lower case; null if that is its name.
    #[schema(required)]
    writes_as: Option<String>,
    /// Whether it may write.
    enabled: bool,
    /// Where it is.
    #[schema(required)]
    location: Option<Location>,
    /// Where it is on the plan of a place.
    #[schema(required)]
    position: Option<Position>,
    /// Grows with each change; send it with the next one.
    version: i64,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    status: DeviceStatus,
}

/// The type of a device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TypeOfDevice {
    pub(crate) id: Uuid,
    pub(crate) name: String,
}

/// A place on Earth (WGS 84), in degrees.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Location {
    /// North is positive.
    #[schema(minimum = -90, maximum = 90)]
    pub(crate) latitude: f64,
    /// East is positive.
    #[schema(minimum = -180, maximum = 180)]
    pub(crate) longitude: f64,
}

/// A point on the plan of a site, a building or a floor.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Position {
    /// The place.
    place: Uuid,
    /// From the left, as a fraction of the plan's width.
    #[schema(minimum = 0, maximum = 1)]
    x: f64,
    /// From the top, as a fraction of the plan's height.
    #[schema(minimum = 0, maximum = 1)]
    y: f64,
}

/// What was counted about a device: what it sent with tokens of its own.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceStatus {
    /// When it last sent something, RFC 3339; null if it never did.
    #[schema(format = DateTime, required)]
    last_seen_at: Option<String>,
    /// Rows of it that were stored.
    rows: i64,
    /// Requests that it sent.
    messages: i64,
    /// Rows that were refused, and requests that were refused as a whole.
    errors: i64,
}

/// A device with its newest values.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceWithValues {
    #[serde(flatten)]
    device: Device,
    /// Its newest values; null if it has no type or nothing of it is in the table of its type.
    #[schema(required)]
    last: Option<LastOfDevice>,
}

/// Devices.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceList {
    devices: Vec<Device>,
    /// `after` of the next page; null on the last one.
    #[schema(required)]
    next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeviceListQuery {
    /// Stands somewhere in the name, the attributes or the tags, without regard to case; at most 100 characters.
    #[param(max_length = 100)]
    q: Option<String>,
    /// Only those of this type.
    #[serde(rename = "type")]
    device_type: Option<Uuid>,
    /// Only those on the plan of this place, or of one in it.
    place: Option<Uuid>,
    /// Only those that may write, or only those that may not.
    enabled: Option<bool>,
    /// `name` (default), `created`, `type` or `last_seen`.
    #[param(inline)]
    sort: Option<SortBy>,
    /// `asc` (default) or `desc`.
    #[param(inline)]
    order: Option<SortOrder>,
    /// What the page before gave as `next`, with the same order.
    after: Option<String>,
    /// At most so many, 1 to 1,000; default 100. CSV has all.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u64>,
    /// `json` (default) or `csv`, which `POST /api/v1/devices/import` takes again.
    #[param(inline)]
    format: Option<ListFormat>,
}

/// What to sort by.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SortBy {
    Name,
    Created,
    Type,
    LastSeen,
}

/// In which order.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SortOrder {
    Asc,
    Desc,
}

/// How to answer.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ListFormat {
    Json,
    Csv,
}

/// A device to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeviceRequest {
    /// 1 to 100 characters, unique in the organisation without regard to case.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The type that it has.
    #[serde(rename = "type")]
    device_type: Option<Uuid>,
    /// At most 32, with names of at most 64 and values of at most 256 characters.
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    /// As attributes.
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// What it calls itself when it writes with a key for devices, if that is not its name.
    #[schema(min_length = 1, max_length = 100)]
    writes_as: Option<String>,
    /// Whether it may write; true if it is not said.
    #[serde(default = "yes")]
    enabled: bool,
    location: Option<Location>,
    position: Option<Position>,
}

fn yes() -> bool {
    true
}

/// What to change of a device; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeviceEdit {
    /// The version that the change was made for.
    version: i64,
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Another type; null for none.
    #[serde(default, rename = "type")]
    #[schema(value_type = Option<Uuid>)]
    device_type: Edit<Uuid>,
    /// All attributes that it is to have.
    attributes: Option<BTreeMap<String, String>>,
    /// All tags that it is to have.
    tags: Option<BTreeMap<String, String>>,
    /// What else it calls itself; null for its name.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    writes_as: Edit<String>,
    enabled: Option<bool>,
    /// Another place; null for none.
    #[serde(default)]
    #[schema(value_type = Option<Location>)]
    location: Edit<Location>,
    /// Another point on a plan; null for none.
    #[serde(default)]
    #[schema(value_type = Option<Position>)]
    position: Edit<Position>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct VersionQuery {
    /// The version that the caller has seen.
    pub(crate) version: i64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ValuesQuery {
    /// The database of the newest values; `main` if it is not given.
    pub(crate) db: Option<String>,
}

impl From<Location> for registry::Location {
    fn from(Location { latitude, longitude }: Location) -> Self {
        Self { latitude, longitude }
    }
}

impl From<Position> for registry::Position {
    fn from(Position { place, x, y }: Position) -> Self {
        Self { place: PlaceId::from_uuid(place), x, y }
    }
}

impl From<sensorium_metadata::Device> for Device {
    fn from(device: sensorium_metadata::Device) -> Self {
        let status = device.status;
        Self {
            id: *device.id.as_uuid(),
            name: device.name,
            device_type: device.device_type.map(|of| TypeOfDevice { id: *of.id.as_uuid(), name: of.name }),
            attributes: device.attributes,
            tags: device.tags,
            writes_as: device.writes_as,
            enabled: device.enabled,
            location: device.location.map(|at| Location { latitude: at.latitude, longitude: at.longitude }),
            position: device.position.map(|at| Position { place: *at.place.as_uuid(), x: at.x, y: at.y }),
            version: device.version,
            created_at: super::rfc3339(device.created_at_ms),
            status: DeviceStatus {
                last_seen_at: status.last_seen_ms.map(super::rfc3339),
                rows: status.rows,
                messages: status.messages,
                errors: status.errors,
            },
        }
    }
}

/// The answer to a request that failed; a change that came too late holds how the thing is now, and a file that is wrong holds
/// what is wrong in it.
pub(crate) fn failed(error: MetadataError) -> ApiError {
    let fact = match &error {
        MetadataError::Registry(RegistryError::DeviceChanged(device)) => {
            serde_json::to_value(Device::from(sensorium_metadata::Device::clone(device)))
                .ok()
                .map(|now| ("current", now))
        }
        MetadataError::Registry(RegistryError::StateChanged(of)) => state::as_json(of).map(|now| ("current", now)),
        MetadataError::Registry(RegistryError::TypeChanged(of)) => types::as_json(of).map(|now| ("current", now)),
        MetadataError::Registry(RegistryError::Import(problems)) => {
            let told = problems.first.iter().map(|problem| Problem::from(problem.clone()));
            Some(("problems", json!(told.collect::<Vec<_>>())))
        }
        _ => None,
    };
    let made = ApiError::from(error);
    match fact {
        Some((name, value)) => made.with(name, value),
        None => made,
    }
}

/// List devices
///
/// Guests get those that their groups share.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", params(DeviceListQuery), responses(
    (status = 200, description = "A page, or everything as CSV", content(
        (DeviceList = "application/json"), (String = "text/csv"),
    )),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn devices(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Query(query): extract::Query<DeviceListQuery>,
) -> ApiResult<Response> {
    let limit = page_size(query.limit, DEFAULT_LIMIT, MAX_PAGE)?;
    let wanted = DeviceQuery {
        text: query.q,
        type_id: query.device_type.map(DeviceTypeId::from_uuid),
        place: query.place.map(|id| Standing::Within(PlaceId::from_uuid(id))),
        enabled: query.enabled,
        sort: match query.sort {
            None | Some(SortBy::Name) => DeviceSort::Name,
            Some(SortBy::Created) => DeviceSort::Created,
            Some(SortBy::Type) => DeviceSort::Type,
            Some(SortBy::LastSeen) => DeviceSort::LastSeen,
        },
        descending: query.order == Some(SortOrder::Desc),
        after: query.after.as_deref().map(str::parse::<DeviceCursor>).transpose()?,
        limit,
    };
    if let Some(ListFormat::Csv) = query.format {
        require(&principal, Action::ReadDevices, "guests see devices one by one; CSV is for viewers and above")?;
        return export::all(state.metadata, principal, wanted).await;
    }
    let (devices, next) = state.metadata.devices(&principal, &wanted).await?;
    let devices = devices.into_iter().map(Device::from).collect();
    Ok(Json(DeviceList { devices, next: next.map(|next| next.to_string()) }).into_response())
}

/// Add a device
#[utoipa::path(post, path = "/api/v1/devices", tag = "devices", request_body = DeviceRequest, responses(
    (status = 201, body = Device), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody, description = "There is no such type"),
    (status = 409, body = ErrorBody, description = "The name is taken, or another device writes as this one"),
))]
async fn create_device(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Json(request): extract::Json<DeviceRequest>,
) -> ApiResult<(StatusCode, Json<Device>)> {
    let new = sensorium_metadata::NewDevice {
        name: request.name,
        type_id: request.device_type.map(DeviceTypeId::from_uuid),
        attributes: request.attributes,
        tags: request.tags,
        writes_as: request.writes_as,
        enabled: request.enabled,
        location: request.location.map(Into::into),
        position: request.position.map(Into::into),
    };
    let made = state.metadata.create_device(&principal, new).await.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// A device with its newest values
#[utoipa::path(get, path = "/api/v1/devices/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The device"), ValuesQuery),
    responses((status = 200, body = DeviceWithValues), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn device(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<ValuesQuery>,
) -> ApiResult<Json<DeviceWithValues>> {
    let device = state.metadata.device(&principal, DeviceId::from_uuid(id)).await?;
    let last = last::of_device(&state, &principal, &device, query.db.as_deref()).await?;
    Ok(Json(DeviceWithValues { device: device.into(), last }))
}

/// Change a device
///
/// Once it is disabled, its API tokens, keys and certificates are refused; once it has another name, they write that. What is stored keeps the name that
/// it had.
#[utoipa::path(patch, path = "/api/v1/devices/{id}", tag = "devices", request_body = DeviceEdit,
    params(("id" = Uuid, Path, description = "The device")),
    responses(
        (status = 200, body = Device), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another change came first: `current` is how the device is now; or the name is taken"),
    ))]
async fn change_device(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<DeviceEdit>,
) -> ApiResult<Json<Device>> {
    let change = sensorium_metadata::DeviceChange {
        version: request.version,
        name: request.name,
        type_id: request.device_type.map(DeviceTypeId::from_uuid),
        attributes: request.attributes,
        tags: request.tags,
        writes_as: request.writes_as,
        enabled: request.enabled,
        location: request.location.map(Into::into),
        position: request.position.map(Into::into),
    };
    let changed = state.metadata.change_device(&principal, DeviceId::from_uuid(id), change).await;
    Ok(Json(changed.map_err(failed)?.into()))
}

/// Delete a device
///
/// Revokes its API tokens, keys and certificates at once, and takes its state and commands with it. What it wrote stays.
#[utoipa::path(delete, path = "/api/v1/devices/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The device"), VersionQuery),
    responses(
        (status = 204, description = "Deleted"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "As for a change"),
    ))]
async fn delete_device(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<VersionQuery>,
) -> ApiResult<StatusCode> {
    let deleted = state.metadata.delete_device(&principal, DeviceId::from_uuid(id), query.version).await;
    deleted.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(devices, create_device))
        .routes(routes!(device, change_device, delete_device))
        .merge(types::routes())
        .merge(tokens::routes())
        .merge(credentials::routes())
        .merge(claims::routes())
        .merge(state::routes())
        .merge(commands::routes())
        .merge(import::routes())
}
