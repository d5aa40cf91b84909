//! Groups, which share devices and places with the people in them: `GET` and `POST /api/v1/groups`, `GET`, `PATCH` and
//! `DELETE /api/v1/groups/{id}`.
//!
//! A change names the version of the group that it was made for; one that comes too late is answered with 409 and with how the group
//! is now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::{GroupError, MetadataError};
use sensorium_model::{DeviceId, GroupId, PlaceId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::devices::VersionQuery;
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// A group: guests in it see its devices and places, and nothing else.
#[derive(Debug, Serialize, ToSchema)]
struct Group {
    id: Uuid,
    name: String,
    /// May be empty.
    description: String,
    /// Grows with each change of the group; send it with the next one.
    version: i64,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// By login.
    members: Vec<GroupMember>,
    /// By name, without those that stand in its places.
    devices: Vec<GroupDevice>,
    /// By name; each stands for all places inside of it, and for the devices that stand there.
    places: Vec<GroupPlace>,
}

/// Somebody in a group.
#[derive(Debug, Serialize, ToSchema)]
struct GroupMember {
    id: Uuid,
    login: String,
    /// May be empty.
    name: String,
}

/// A device that a group shares.
#[derive(Debug, Serialize, ToSchema)]
struct GroupDevice {
    id: Uuid,
    name: String,
}

/// A place that a group shares.
#[derive(Debug, Serialize, ToSchema)]
struct GroupPlace {
    id: Uuid,
    name: String,
}

/// The groups of the organisation, by name.
#[derive(Debug, Serialize, ToSchema)]
struct GroupList {
    groups: Vec<Group>,
}

/// A group to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GroupRequest {
    /// 1 to 100 characters, which no other group of the organisation has.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[serde(default)]
    #[schema(max_length = 1_000)]
    description: String,
    /// People, at most 1,000.
    #[serde(default)]
    #[schema(max_items = 1_000)]
    members: Vec<Uuid>,
    /// Devices, at most 10,000.
    #[serde(default)]
    #[schema(max_items = 10_000)]
    devices: Vec<Uuid>,
    /// Places, at most 1,000.
    #[serde(default)]
    #[schema(max_items = 1_000)]
    places: Vec<Uuid>,
}

/// What to change of a group; what is left out stays. A list takes the place of the one before it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GroupEdit {
    /// The version that the change was made for.
    version: i64,
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    #[schema(max_length = 1_000)]
    description: Option<String>,
    /// All people that are to be in it.
    #[schema(max_items = 1_000)]
    members: Option<Vec<Uuid>>,
    /// All devices that it is to share.
    #[schema(max_items = 10_000)]
    devices: Option<Vec<Uuid>>,
    /// All places that it is to share.
    #[schema(max_items = 1_000)]
    places: Option<Vec<Uuid>>,
}

impl From<sensorium_metadata::Group> for Group {
    fn from(group: sensorium_metadata::Group) -> Self {
        let members = group.members.into_iter();
        let devices = group.devices.into_iter();
        let places = group.places.into_iter();
        Self {
            id: *group.id.as_uuid(),
            name: group.name,
            description: group.description,
            version: group.version,
            created_at: super::rfc3339(group.created_at_ms),
            members: members
                .map(|member| GroupMember { id: *member.id.as_uuid(), login: member.login, name: member.name })
                .collect(),
            devices: devices.map(|device| GroupDevice { id: *device.id.as_uuid(), name: device.name }).collect(),
            places: places.map(|place| GroupPlace { id: *place.id.as_uuid(), name: place.name }).collect(),
        }
    }
}

fn ids<T>(ids: Vec<Uuid>, from: impl Fn(Uuid) -> T) -> Vec<T> {
    ids.into_iter().map(from).collect()
}

/// The answer to a change that failed; one that came too late holds how the group is now.
fn failed(error: MetadataError) -> ApiError {
    let current = match &error {
        MetadataError::Group(GroupError::Changed(group)) => serde_json::to_value(Group::from((**group).clone())).ok(),
        _ => None,
    };
    let made = ApiError::from(error);
    match current {
        Some(current) => made.with("current", current),
        None => made,
    }
}

/// List groups
///
/// All of them, by name, with what each has.
#[utoipa::path(get, path = "/api/v1/groups", tag = "people", responses(
    (status = 200, body = GroupList), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Administrators only"),
))]
async fn list_groups(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Json<GroupList>> {
    let groups = state.metadata.groups(&principal).await?;
    Ok(Json(GroupList { groups: groups.into_iter().map(Group::from).collect() }))
}

/// Add a group
#[utoipa::path(post, path = "/api/v1/groups", tag = "people", request_body = GroupRequest, responses(
    (status = 201, body = Group), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "Somebody or something that it is to have does not exist: the error says which"),
    (status = 409, body = ErrorBody, description = "The name is taken"),
))]
async fn create_group(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Json(request): extract::Json<GroupRequest>,
) -> ApiResult<(StatusCode, Json<Group>)> {
    let new = sensorium_metadata::NewGroup {
        name: request.name,
        description: request.description,
        members: ids(request.members, UserId::from_uuid),
        devices: ids(request.devices, DeviceId::from_uuid),
        places: ids(request.places, PlaceId::from_uuid),
    };
    Ok((StatusCode::CREATED, Json(state.metadata.create_group(&principal, new).await?.into())))
}

/// Show a group
#[utoipa::path(get, path = "/api/v1/groups/{id}", tag = "people",
    params(("id" = Uuid, Path, description = "The group")), responses(
        (status = 200, body = Group), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ))]
async fn get_group(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<Group>> {
    Ok(Json(state.metadata.group(&principal, GroupId::from_uuid(id)).await?.into()))
}

/// Change a group
///
/// Guests see what is shared from then on at once.
#[utoipa::path(patch, path = "/api/v1/groups/{id}", tag = "people", request_body = GroupEdit,
    params(("id" = Uuid, Path, description = "The group")), responses(
        (status = 200, body = Group), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "There is no such group, or nothing of an id that it is to have: the error says which"),
        (status = 409, body = ErrorBody, description = "Another change came first (then `current` is how the group is now), or the name is taken"),
    ))]
async fn update_group(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<GroupEdit>,
) -> ApiResult<Json<Group>> {
    let change = sensorium_metadata::GroupChange {
        version: request.version,
        name: request.name,
        description: request.description,
        members: request.members.map(|members| ids(members, UserId::from_uuid)),
        devices: request.devices.map(|devices| ids(devices, DeviceId::from_uuid)),
        places: request.places.map(|places| ids(places, PlaceId::from_uuid)),
    };
    let changed = state.metadata.change_group(&principal, GroupId::from_uuid(id), change).await;
    Ok(Json(changed.map_err(failed)?.into()))
}

/// Delete a group
///
/// What it had stays, and is no longer shared by it.
#[utoipa::path(delete, path = "/api/v1/groups/{id}", tag = "people",
    params(("id" = Uuid, Path, description = "The group"), VersionQuery), responses(
        (status = 204, description = "Deleted"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another change came first: `current` is how the group is now"),
    ))]
async fn delete_group(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<VersionQuery>,
) -> ApiResult<StatusCode> {
    let deleted = state.metadata.delete_group(&principal, GroupId::from_uuid(id), query.version).await;
    deleted.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_groups, create_group)).routes(routes!(
        get_group,
        update_group,
        delete_group
    ))
}
