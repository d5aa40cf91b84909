//! Classes of people and their quotas: `GET` and `POST /api/v1/classes`, `GET`, `PATCH` and `DELETE /api/v1/classes/{id}`; one's own
//! quotas: `GET /api/v1/account/quotas`.
//!
//! A change names the version of the class that it was made for; one that comes too late is answered with 409 and with how the class
//! is now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::{ClassChange, Edit, MetadataError, NewClass, OwnQuotas, Quotas};
use sensorium_model::ClassId;
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

/// A class of people: what each person in it may have.
#[derive(Debug, Serialize, ToSchema)]
struct PersonClass {
    id: Uuid,
    name: String,
    quotas: PersonQuotas,
    /// How many people are in it.
    people: u64,
    /// Grows with each change; send it with the next one.
    version: i64,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
}

/// What a person may have; null is not bound.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct PersonQuotas {
    /// Devices that the person, or an API token of theirs, added and that were not deleted; up to 100,000.
    #[schema(required, maximum = 100_000)]
    devices: Option<u64>,
    /// Points a second that the person, their API tokens and their devices write together; ten seconds of it may come at once.
    #[schema(required, minimum = 1, maximum = 100_000_000)]
    points_per_second: Option<u64>,
    /// Days for which databases that they create keep readings, until an administrator says otherwise.
    #[schema(required, minimum = 1, maximum = 36_500)]
    retention_days: Option<u64>,
    /// Bytes that the databases that they created take together: their files, and readings in memory that are not in files yet. While
    /// it is used up, these take no readings, and they create no other one.
    #[schema(required, minimum = 1, maximum = 1_125_899_906_842_624_i64)]
    storage_bytes: Option<u64>,
}

/// The classes of the organisation, by name.
#[derive(Debug, Serialize, ToSchema)]
struct PersonClassList {
    classes: Vec<PersonClass>,
}

/// A class to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PersonClassRequest {
    /// 1 to 100 characters, which no other class of the organisation has.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[serde(default)]
    quotas: PersonQuotas,
}

/// What to change of a class; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PersonClassChange {
    /// The version that the change was made for.
    version: i64,
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    #[serde(default)]
    quotas: QuotaChange,
}

/// Other quotas; null takes the bound away, what is left out stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct QuotaChange {
    #[serde(default)]
    #[schema(value_type = Option<u64>, maximum = 100_000)]
    devices: Edit<u64>,
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 100_000_000)]
    points_per_second: Edit<u64>,
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 36_500)]
    retention_days: Edit<u64>,
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 1_125_899_906_842_624_i64)]
    storage_bytes: Edit<u64>,
}

/// One's own quotas.
#[derive(Debug, Serialize, ToSchema)]
struct OwnQuotaList {
    /// The name of one's class; null if nothing is bound.
    #[schema(required)]
    class: Option<String>,
    quotas: PersonQuotas,
    /// Devices that one added and that were not deleted.
    devices_used: u64,
    /// Bytes that the databases that one created take now.
    storage_bytes_used: u64,
}

impl From<Quotas> for PersonQuotas {
    fn from(Quotas { devices, points_per_second, retention_days, storage_bytes }: Quotas) -> Self {
        Self { devices, points_per_second, retention_days, storage_bytes }
    }
}

impl From<PersonQuotas> for Quotas {
    fn from(PersonQuotas { devices, points_per_second, retention_days, storage_bytes }: PersonQuotas) -> Self {
        Self { devices, points_per_second, retention_days, storage_bytes }
    }
}

impl From<sensorium_metadata::Class> for PersonClass {
    fn from(class: sensorium_metadata::Class) -> Self {
        Self {
            id: *class.id.as_uuid(),
            name: class.name,
            quotas: class.quotas.into(),
            people: class.people,
            version: class.version,
            created_at: super::rfc3339(class.created_at_ms),
        }
    }
}

/// The answer to a change that failed; one that came too late holds how the class is now.
fn failed(error: MetadataError) -> ApiError {
    let current = match &error {
        MetadataError::ClassChanged(class) => serde_json::to_value(PersonClass::from((**class).clone())).ok(),
        _ => None,
    };
    let made = ApiError::from(error);
    match current {
        Some(current) => made.with("current", current),
        None => made,
    }
}

/// List classes of people
#[utoipa::path(get, path = "/api/v1/classes", tag = "people", responses(
    (status = 200, body = PersonClassList), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Administrators only"),
))]
async fn classes(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Json<PersonClassList>> {
    let classes = state.metadata.classes(&principal).await?;
    Ok(Json(PersonClassList { classes: classes.into_iter().map(PersonClass::from).collect() }))
}

/// Add a class of people
#[utoipa::path(post, path = "/api/v1/classes", tag = "people", request_body = PersonClassRequest, responses(
    (status = 201, body = PersonClass), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody, description = "The name is taken"),
))]
async fn create_class(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Json(request): extract::Json<PersonClassRequest>,
) -> ApiResult<(StatusCode, Json<PersonClass>)> {
    let new = NewClass { name: request.name, quotas: request.quotas.into() };
    Ok((StatusCode::CREATED, Json(state.metadata.create_class(&principal, new).await?.into())))
}

/// Show a class of people
#[utoipa::path(get, path = "/api/v1/classes/{id}", tag = "people",
    params(("id" = Uuid, Path, description = "The class")), responses(
        (status = 200, body = PersonClass), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ))]
async fn class(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<PersonClass>> {
    Ok(Json(state.metadata.class(&principal, ClassId::from_uuid(id)).await?.into()))
}

/// Change a class of people
///
/// Other quotas hold at once; what somebody has beyond them stays.
#[utoipa::path(patch, path = "/api/v1/classes/{id}", tag = "people", request_body = PersonClassChange,
    params(("id" = Uuid, Path, description = "The class")), responses(
        (status = 200, body = PersonClass), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another change came first (then `current` is how the class is now), or the name is taken"),
    ))]
async fn change_class(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<PersonClassChange>,
) -> ApiResult<Json<PersonClass>> {
    let PersonClassChange { version, name, quotas } = request;
    let QuotaChange { devices, points_per_second, retention_days, storage_bytes } = quotas;
    let change = ClassChange { version, name, devices, points_per_second, retention_days, storage_bytes };
    let changed = state.metadata.change_class(&principal, ClassId::from_uuid(id), change).await;
    Ok(Json(changed.map_err(failed)?.into()))
}

/// Delete a class of people
///
/// One that people are in is not deleted.
#[utoipa::path(delete, path = "/api/v1/classes/{id}", tag = "people",
    params(("id" = Uuid, Path, description = "The class"), VersionQuery), responses(
        (status = 204, description = "Deleted"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "People are in it, or another change came first"),
    ))]
async fn delete_class(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<VersionQuery>,
) -> ApiResult<StatusCode> {
    let deleted = state.metadata.delete_class(&principal, ClassId::from_uuid(id), query.version).await;
    deleted.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Show one's own quotas
///
/// For a person, and for API tokens, which are bound by the quotas of whoever made them.
#[utoipa::path(get, path = "/api/v1/account/quotas", tag = "account", responses(
    (status = 200, body = OwnQuotaList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn own_quotas(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Json<OwnQuotaList>> {
    let own = state.metadata.own_quotas(&principal, |database| state.store.database_bytes(database)).await?;
    let OwnQuotas { class, quotas, devices, storage_bytes } = own;
    Ok(Json(OwnQuotaList { class, quotas: quotas.into(), devices_used: devices, storage_bytes_used: storage_bytes }))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(classes, create_class))
        .routes(routes!(class, change_class, delete_class))
        .routes(routes!(own_quotas))
}
