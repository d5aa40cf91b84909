//! Where devices are: `GET` and `POST /api/v1/places`, `GET`, `PATCH` and `DELETE /api/v1/places/{id}`, the devices on a place's
//! plan, and the plan itself ([`plan`]), which is cleaned before it is kept ([`picture`]).

mod picture;
mod plan;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::places::{self, NewPlace, PlaceChange, PlaceKind};
use sensorium_metadata::registry::Standing;
use sensorium_metadata::{DeviceQuery, Edit, MetadataError};
use sensorium_model::PlaceId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub use self::picture::{PictureError, kept_picture};
use super::devices::last::{self, LastOfDevice};
use super::devices::{Location, TypeOfDevice, ValuesQuery, VersionQuery};
use super::rfc3339;
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// The most devices of a plan that are told at once.
const MAX_ON_PLAN: u64 = 1_000;

/// A site, a building or a floor.
#[derive(Debug, Serialize, ToSchema)]
struct Place {
    id: Uuid,
    /// Unique among the places with the same parent, without regard to case.
    name: String,
    kind: KindOfPlace,
    /// What it is in.
    #[schema(required)]
    parent: Option<Uuid>,
    #[schema(required)]
    location: Option<Location>,
    /// Of a floor; 0 is the ground.
    #[schema(required)]
    level: Option<i32>,
    #[schema(required)]
    plan: Option<PlanOfPlace>,
    /// How many devices stand on its own plan.
    devices: u64,
    /// Grows with each change; send it with the next one.
    version: i64,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
}

/// What a place is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum KindOfPlace {
    /// Stands by itself.
    Site,
    /// In a site, or by itself.
    Building,
    /// In a building.
    Floor,
}

/// What is known about a plan.
#[derive(Debug, Serialize, ToSchema)]
struct PlanOfPlace {
    /// Pixels.
    width: u32,
    /// Pixels.
    height: u32,
    media_type: String,
    /// The scale, if one was set.
    #[schema(required)]
    metres_per_pixel: Option<f64>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    changed_at: String,
}

/// All places, by name.
#[derive(Debug, Serialize, ToSchema)]
struct PlaceList {
    places: Vec<Place>,
}

/// A place to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlaceRequest {
    /// 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    kind: KindOfPlace,
    /// A building's site, or a floor's building.
    parent: Option<Uuid>,
    location: Option<Location>,
    /// Of a floor, -100 to 1,000; 0 is the ground.
    #[schema(minimum = -100, maximum = 1_000)]
    level: Option<i32>,
}

/// What to change of a place; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlaceEdit {
    /// The version that the change was made for.
    version: i64,
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Another place on Earth; null for none.
    #[serde(default)]
    #[schema(value_type = Option<Location>)]
    location: Edit<Location>,
    /// Another level; null for none.
    #[serde(default)]
    #[schema(value_type = Option<i32>)]
    level: Edit<i32>,
    /// Another scale of the plan, more than 0 and at most 10,000; null for none.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    metres_per_pixel: Edit<f64>,
}

/// A device on a plan.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceOnPlan {
    id: Uuid,
    name: String,
    #[serde(rename = "type")]
    #[schema(required)]
    device_type: Option<TypeOfDevice>,
    enabled: bool,
    /// From the left, as a fraction of the plan's width.
    x: f64,
    /// From the top, as a fraction of the plan's height.
    y: f64,
    /// When it last sent something, RFC 3339; null if it never did.
    #[schema(format = DateTime, required)]
    last_seen_at: Option<String>,
    /// Its newest values; null if it has no type or nothing of it is in the table of its type.
    #[schema(required)]
    last: Option<LastOfDevice>,
}

/// The devices on a plan, by name; the first 1,000.
#[derive(Debug, Serialize, ToSchema)]
struct DevicesOnPlan {
    devices: Vec<DeviceOnPlan>,
}

impl From<KindOfPlace> for PlaceKind {
    fn from(kind: KindOfPlace) -> Self {
        match kind {
            KindOfPlace::Site => Self::Site,
            KindOfPlace::Building => Self::Building,
            KindOfPlace::Floor => Self::Floor,
        }
    }
}

impl From<PlaceKind> for KindOfPlace {
    fn from(kind: PlaceKind) -> Self {
        match kind {
            PlaceKind::Site => Self::Site,
            PlaceKind::Building => Self::Building,
            PlaceKind::Floor => Self::Floor,
        }
    }
}

impl From<places::Place> for Place {
    fn from(place: places::Place) -> Self {
        Self {
            id: *place.id.as_uuid(),
            name: place.name,
            kind: place.kind.into(),
            parent: place.parent.map(|id| *id.as_uuid()),
            location: place.location.map(|at| Location { latitude: at.latitude, longitude: at.longitude }),
            level: place.level,
            plan: place.plan.map(|plan| PlanOfPlace {
                width: plan.width,
                height: plan.height,
                media_type: plan.media_type,
                metres_per_pixel: plan.metres_per_pixel,
                changed_at: rfc3339(plan.changed_at_ms),
            }),
            devices: place.devices,
            version: place.version,
            created_at: rfc3339(place.created_at_ms),
        }
    }
}

/// The answer to a request that failed; a change that came too late holds how the place is now.
fn failed(error: MetadataError) -> ApiError {
    let current = match &error {
        MetadataError::PlaceChanged(place) => serde_json::to_value(Place::from(places::Place::clone(place))).ok(),
        _ => None,
    };
    let made = ApiError::from(error);
    match current {
        Some(current) => made.with("current", current),
        None => made,
    }
}

/// List sites, buildings and floors
///
/// All of them, by name; `parent` says what is in what.
#[utoipa::path(get, path = "/api/v1/places", tag = "devices",
    responses((status = 200, body = PlaceList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn list(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Json<PlaceList>> {
    let places = state.metadata.places(&principal).await?;
    Ok(Json(PlaceList { places: places.into_iter().map(Place::from).collect() }))
}

/// Add a site, a building or a floor
#[utoipa::path(post, path = "/api/v1/places", tag = "devices", request_body = PlaceRequest, responses(
    (status = 201, body = Place), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody, description = "There is no such parent"),
    (status = 409, body = ErrorBody, description = "The name is taken"),
))]
async fn create_place(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Json(request): extract::Json<PlaceRequest>,
) -> ApiResult<(StatusCode, Json<Place>)> {
    let new = NewPlace {
        name: request.name,
        kind: request.kind.into(),
        parent: request.parent.map(PlaceId::from_uuid),
        location: request.location.map(Into::into),
        level: request.level,
    };
    let made = state.metadata.create_place(&principal, new).await.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// A site, a building or a floor
#[utoipa::path(get, path = "/api/v1/places/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The place")),
    responses((status = 200, body = Place), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn place(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<Place>> {
    Ok(Json(state.metadata.place(&principal, PlaceId::from_uuid(id)).await?.into()))
}

/// Change a site, a building or a floor
#[utoipa::path(patch, path = "/api/v1/places/{id}", tag = "devices", request_body = PlaceEdit,
    params(("id" = Uuid, Path, description = "The place")),
    responses(
        (status = 200, body = Place), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another change came first: `current` is how the place is now; or the name is taken"),
    ))]
async fn change_place(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<PlaceEdit>,
) -> ApiResult<Json<Place>> {
    let change = PlaceChange {
        version: request.version,
        name: request.name,
        location: request.location.map(Into::into),
        level: request.level,
        metres_per_pixel: request.metres_per_pixel,
    };
    let changed = state.metadata.change_place(&principal, PlaceId::from_uuid(id), change).await;
    Ok(Json(changed.map_err(failed)?.into()))
}

/// Delete a site, a building or a floor
///
/// With its plan. Not while places or devices are in it.
#[utoipa::path(delete, path = "/api/v1/places/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The place"), VersionQuery),
    responses(
        (status = 204, description = "Deleted"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "As for a change; or something is in it: the error says what"),
    ))]
async fn delete_place(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<VersionQuery>,
) -> ApiResult<StatusCode> {
    let deleted = state.metadata.delete_place(&principal, PlaceId::from_uuid(id), query.version).await;
    deleted.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The devices on a plan with their newest values
///
/// Those that stand on the plan of this place itself, by name; the first 1,000.
#[utoipa::path(get, path = "/api/v1/places/{id}/devices", tag = "devices",
    params(("id" = Uuid, Path, description = "The place"), ValuesQuery),
    responses((status = 200, body = DevicesOnPlan), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn devices_on_plan(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<ValuesQuery>,
) -> ApiResult<Json<DevicesOnPlan>> {
    let place = Some(Standing::On(PlaceId::from_uuid(id)));
    let wanted = DeviceQuery { place, limit: MAX_ON_PLAN, ..DeviceQuery::default() };
    let (found, _) = state.metadata.devices(&principal, &wanted).await?;
    let mut devices = Vec::new();
    for device in found {
        let Some(position) = device.position else { continue };
        let last = last::of_device(&state, &principal, &device, query.db.as_deref()).await?;
        devices.push(DeviceOnPlan {
            id: *device.id.as_uuid(),
            name: device.name,
            device_type: device.device_type.map(|of| TypeOfDevice { id: *of.id.as_uuid(), name: of.name }),
            enabled: device.enabled,
            x: position.x,
            y: position.y,
            last_seen_at: device.status.last_seen_ms.map(rfc3339),
            last,
        });
    }
    Ok(Json(DevicesOnPlan { devices }))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list, create_place))
        .routes(routes!(place, change_place, delete_place))
        .routes(routes!(devices_on_plan))
        .merge(plan::routes())
}
