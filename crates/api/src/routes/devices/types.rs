//! Kinds of devices: `GET` and `POST /api/v1/device-types`, `GET /api/v1/device-types/shipped`, `GET`, `PATCH` and
//! `DELETE /api/v1/device-types/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::registry::{self, shipped_types};
use sensorium_metadata::{DeviceType, Edit, NewType, TypeChange};
use sensorium_model::DeviceTypeId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{VersionQuery, failed};
use crate::auth::Caller;
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::routes::rfc3339;
use crate::state::AppState;

/// A kind of devices.
#[derive(Debug, Serialize, ToSchema)]
struct KindOfDevice {
    id: Uuid,
    #[serde(flatten)]
    definition: TypeDefinition,
    /// Grows with each change; send it with the next one.
    version: i64,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
}

/// What makes a kind of devices.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypeDefinition {
    /// 1 to 100 characters, unique in the organisation without regard to case.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// At most 1,000 characters.
    #[serde(default)]
    #[schema(max_length = 1_000)]
    description: String,
    /// The table that such devices write to.
    table: String,
    /// What they measure.
    #[serde(default)]
    #[schema(max_items = 64)]
    fields: Vec<FieldOfType>,
    /// What understands their messages.
    #[serde(default)]
    decoder: Option<TypeDecoder>,
}

/// Something that devices of a type measure.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FieldOfType {
    /// The column of the table.
    name: String,
    /// What people call it; may be empty.
    #[serde(default)]
    #[schema(max_length = 100)]
    display_name: String,
    /// The unit as a UCUM code, such as `Cel` or `%`; empty for none.
    #[serde(default)]
    #[schema(max_length = 32)]
    unit: String,
    /// The smallest value that makes sense.
    min: Option<f64>,
    /// The largest value that makes sense.
    max: Option<f64>,
}

/// What understands the messages of devices.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TypeDecoder {
    /// Whatever the message looks like.
    Auto,
    Json,
    LineProtocol,
}

/// The types, by name.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceTypeList {
    types: Vec<KindOfDevice>,
}

/// Types to add as they are or changed.
#[derive(Debug, Serialize, ToSchema)]
struct ShippedTypes {
    types: Vec<TypeDefinition>,
}

/// What to change of a type; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TypeEdit {
    /// The version that the change was made for.
    version: i64,
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    #[schema(max_length = 1_000)]
    description: Option<String>,
    table: Option<String>,
    /// All fields that it is to have.
    #[schema(max_items = 64)]
    fields: Option<Vec<FieldOfType>>,
    /// Another decoder; null for none.
    #[serde(default)]
    #[schema(value_type = Option<TypeDecoder>)]
    decoder: Edit<TypeDecoder>,
}

impl From<registry::Decoder> for TypeDecoder {
    fn from(decoder: registry::Decoder) -> Self {
        match decoder {
            registry::Decoder::Auto => Self::Auto,
            registry::Decoder::Json => Self::Json,
            registry::Decoder::LineProtocol => Self::LineProtocol,
        }
    }
}

impl From<TypeDecoder> for registry::Decoder {
    fn from(decoder: TypeDecoder) -> Self {
        match decoder {
            TypeDecoder::Auto => Self::Auto,
            TypeDecoder::Json => Self::Json,
            TypeDecoder::LineProtocol => Self::LineProtocol,
        }
    }
}

impl From<FieldOfType> for registry::TypeField {
    fn from(FieldOfType { name, display_name, unit, min, max }: FieldOfType) -> Self {
        Self { name, display_name, unit, min, max }
    }
}

impl From<registry::TypeField> for FieldOfType {
    fn from(field: registry::TypeField) -> Self {
        let registry::TypeField { name, display_name, unit, min, max } = field;
        Self { name, display_name, unit, min, max }
    }
}

impl From<TypeDefinition> for NewType {
    fn from(definition: TypeDefinition) -> Self {
        Self {
            name: definition.name,
            description: definition.description,
            table: definition.table,
            fields: definition.fields.into_iter().map(Into::into).collect(),
            decoder: definition.decoder.map(Into::into),
        }
    }
}

impl From<NewType> for TypeDefinition {
    fn from(new: NewType) -> Self {
        Self {
            name: new.name,
            description: new.description,
            table: new.table,
            fields: new.fields.into_iter().map(Into::into).collect(),
            decoder: new.decoder.map(Into::into),
        }
    }
}

impl From<DeviceType> for KindOfDevice {
    fn from(of: DeviceType) -> Self {
        Self {
            id: *of.id.as_uuid(),
            version: of.version,
            created_at: rfc3339(of.created_at_ms),
            definition: NewType::from(of).into(),
        }
    }
}

/// A type as an answer shows it.
pub(super) fn as_json(of: &DeviceType) -> Option<serde_json::Value> {
    serde_json::to_value(KindOfDevice::from(of.clone())).ok()
}

/// List the types of devices
#[utoipa::path(get, path = "/api/v1/device-types", tag = "devices", responses(
    (status = 200, body = DeviceTypeList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn device_types(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Json<DeviceTypeList>> {
    let types = state.metadata.device_types(&principal).await?;
    Ok(Json(DeviceTypeList { types: types.into_iter().map(KindOfDevice::from).collect() }))
}

/// List the types that come with Sensorium
///
/// Each can be sent to `POST /api/v1/device-types` as it is or changed.
#[utoipa::path(get, path = "/api/v1/device-types/shipped", tag = "devices", responses(
    (status = 200, body = ShippedTypes), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Not for guests"),
))]
async fn shipped_device_types(caller: Caller) -> ApiResult<Json<ShippedTypes>> {
    caller.may_look_around()?;
    Ok(Json(ShippedTypes { types: shipped_types().into_iter().map(TypeDefinition::from).collect() }))
}

/// Add a type of devices
#[utoipa::path(post, path = "/api/v1/device-types", tag = "devices", request_body = TypeDefinition, responses(
    (status = 201, body = KindOfDevice), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody, description = "The name is taken"),
))]
async fn create_device_type(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Json(request): extract::Json<TypeDefinition>,
) -> ApiResult<(StatusCode, Json<KindOfDevice>)> {
    let made = state.metadata.create_device_type(&principal, request.into()).await.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// A type of devices
#[utoipa::path(get, path = "/api/v1/device-types/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The type")),
    responses((status = 200, body = KindOfDevice), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn device_type(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<KindOfDevice>> {
    Ok(Json(state.metadata.device_type(&principal, DeviceTypeId::from_uuid(id)).await?.into()))
}

/// Change a type of devices
#[utoipa::path(patch, path = "/api/v1/device-types/{id}", tag = "devices", request_body = TypeEdit,
    params(("id" = Uuid, Path, description = "The type")),
    responses(
        (status = 200, body = KindOfDevice), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another change came first: `current` is how the type is now; or the name is taken"),
    ))]
async fn change_device_type(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<TypeEdit>,
) -> ApiResult<Json<KindOfDevice>> {
    let change = TypeChange {
        version: request.version,
        name: request.name,
        description: request.description,
        table: request.table,
        fields: request.fields.map(|fields| fields.into_iter().map(Into::into).collect()),
        decoder: request.decoder.map(Into::into),
    };
    let changed = state.metadata.change_device_type(&principal, DeviceTypeId::from_uuid(id), change).await;
    Ok(Json(changed.map_err(failed)?.into()))
}

/// Delete a type of devices
///
/// Refused while devices have it.
#[utoipa::path(delete, path = "/api/v1/device-types/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The type"), VersionQuery),
    responses(
        (status = 204, description = "Deleted"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Devices have it; or as for a change"),
    ))]
async fn delete_device_type(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<VersionQuery>,
) -> ApiResult<StatusCode> {
    let deleted = state.metadata.delete_device_type(&principal, DeviceTypeId::from_uuid(id), query.version).await;
    deleted.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(device_types, create_device_type))
        .routes(routes!(shipped_device_types))
        .routes(routes!(device_type, change_device_type, delete_device_type))
}
