//! The inbox: `GET /api/v1/inbox`, `GET`, `PATCH` and `DELETE /api/v1/inbox/{id}`, `POST /api/v1/inbox/{id}/adopt`.

mod handover;
mod recognised;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::Adoption;
use sensorium_metadata::inbox::{self, Message};
use sensorium_model::{DeviceId, DeviceTypeId, NewcomerId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub use self::handover::finish_adoptions;
use self::handover::{HandedOver, hand_over};
use self::recognised::{RecognisedTable, recognised, type_of};
use crate::auth::Caller;
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::routes::devices::failed;
use crate::routes::rfc3339;
use crate::state::AppState;

/// A device that writes with a key for devices and is not known.
#[derive(Debug, Serialize, ToSchema)]
struct Newcomer {
    id: Uuid,
    /// What it calls itself: the tag `device` of what it sends.
    name: String,
    /// The database that it wrote to last.
    database: String,
    /// The format of what it sent last: `line_protocol`, `json` or `mqtt`.
    format: String,
    /// The network address that it sent from last.
    address: String,
    /// When the first message came, RFC 3339.
    #[schema(format = DateTime)]
    first_seen_at: String,
    /// When the last message came, RFC 3339.
    #[schema(format = DateTime)]
    last_seen_at: String,
    /// How many messages came.
    messages: u64,
    /// How many of them are kept.
    kept: u64,
    /// Their bytes.
    kept_bytes: u64,
    /// Whether what it sends is refused.
    ignored: bool,
    /// The device that is being given what was kept; null unless it was adopted a moment ago.
    #[schema(required)]
    adopted_as: Option<Uuid>,
}

/// The devices that wait, the last to send first.
#[derive(Debug, Serialize, ToSchema)]
struct Inbox {
    newcomers: Vec<Newcomer>,
}

/// A message that is kept.
#[derive(Debug, Serialize, ToSchema)]
struct KeptMessage {
    /// RFC 3339.
    #[schema(format = DateTime)]
    received_at: String,
    database: String,
    format: String,
    /// What was sent.
    body: String,
}

/// A device that waits, with what is kept of it.
#[derive(Debug, Serialize, ToSchema)]
struct NewcomerWithMessages {
    #[serde(flatten)]
    newcomer: Newcomer,
    /// What stands in the newest message.
    recognised: Vec<RecognisedTable>,
    /// Newest first.
    kept_messages: Vec<KeptMessage>,
}

/// What to change of a device that waits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewcomerChange {
    /// Whether what it sends is refused; what was kept of it is deleted then.
    ignored: bool,
}

/// What a device of the inbox becomes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AdoptionRequest {
    /// The name of the new device; what it calls itself if it is not given.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The type of the new device.
    #[serde(rename = "type")]
    device_type: Option<Uuid>,
    /// The name of a type that is made for the new device, instead of a type that there is: of what is recognised in the messages that are
    /// kept, with the units that the device announced.
    #[schema(min_length = 1, max_length = 100)]
    new_type: Option<String>,
    /// The device that it is, if there is one already, such as the one whose place it takes; without name and type.
    device: Option<Uuid>,
}

/// A device that was adopted.
#[derive(Debug, Serialize, ToSchema)]
struct AdoptedDevice {
    /// The device.
    device: Uuid,
    /// Its name.
    name: String,
    /// What became of the messages that were kept.
    #[serde(flatten)]
    handed_over: HandedOver,
}

impl From<inbox::Newcomer> for Newcomer {
    fn from(from: inbox::Newcomer) -> Self {
        Self {
            id: *from.id.as_uuid(),
            name: from.name,
            database: from.database,
            format: from.format,
            address: from.address,
            first_seen_at: rfc3339(from.first_seen_ms),
            last_seen_at: rfc3339(from.last_seen_ms),
            messages: from.messages,
            kept: from.kept,
            kept_bytes: from.kept_bytes,
            ignored: from.ignored,
            adopted_as: from.adopted_as.map(|device| *device.as_uuid()),
        }
    }
}

/// List the inbox
#[utoipa::path(get, path = "/api/v1/inbox", tag = "inbox", responses(
    (status = 200, body = Inbox, description = "Devices that write with a key for devices and are not known"),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn inbox_list(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Json<Inbox>> {
    let newcomers = state.metadata.inbox(&principal).await?;
    Ok(Json(Inbox { newcomers: newcomers.into_iter().map(Newcomer::from).collect() }))
}

/// Show a device of the inbox
///
/// With the messages that are kept.
#[utoipa::path(get, path = "/api/v1/inbox/{id}", tag = "inbox", params(("id" = Uuid, Path, description = "Its place in the inbox")),
    responses((status = 200, body = NewcomerWithMessages), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn newcomer(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<NewcomerWithMessages>> {
    let (newcomer, messages) = state.metadata.newcomer(&principal, NewcomerId::from_uuid(id)).await?;
    let recognised = messages.first().map(|newest| recognised(&state, principal.org, newest)).unwrap_or_default();
    let kept = |Message { database, format, body, received_at_ms, .. }| KeptMessage {
        received_at: rfc3339(received_at_ms),
        database,
        format,
        body,
    };
    let kept_messages = messages.into_iter().map(kept).collect();
    Ok(Json(NewcomerWithMessages { newcomer: newcomer.into(), recognised, kept_messages }))
}

/// Ignore a device of the inbox, or hear it again
#[utoipa::path(patch, path = "/api/v1/inbox/{id}", tag = "inbox", request_body = NewcomerChange,
    params(("id" = Uuid, Path, description = "Its place in the inbox")),
    responses((status = 204, description = "Changed"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It was adopted a moment ago")))]
async fn change_newcomer(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(change): extract::Json<NewcomerChange>,
) -> ApiResult<StatusCode> {
    state.metadata.ignore_newcomer(&principal, NewcomerId::from_uuid(id), change.ignored).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a device from the inbox
///
/// With what was kept of it. With its next message it is there again; ignore it to hear nothing more of it.
#[utoipa::path(delete, path = "/api/v1/inbox/{id}", tag = "inbox", params(("id" = Uuid, Path, description = "Its place in the inbox")),
    responses((status = 204, description = "Deleted"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "It was adopted a moment ago")))]
async fn dismiss_newcomer(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.metadata.dismiss_newcomer(&principal, NewcomerId::from_uuid(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adopt a device of the inbox
///
/// It becomes a device, or is known as one that there is already. What was kept of it is stored before the answer; if that is cut
/// short, the rest follows by itself.
#[utoipa::path(post, path = "/api/v1/inbox/{id}/adopt", tag = "inbox", request_body = AdoptionRequest,
    params(("id" = Uuid, Path, description = "Its place in the inbox")),
    responses((status = 201, body = AdoptedDevice), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "A device has the name, or it was adopted a moment ago")))]
async fn adopt_newcomer(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<AdoptionRequest>,
) -> ApiResult<(StatusCode, Json<AdoptedDevice>)> {
    let id = NewcomerId::from_uuid(id);
    let adoption = match request {
        AdoptionRequest { device: Some(device), name: None, device_type: None, new_type: None } => {
            Adoption::Existing(DeviceId::from_uuid(device))
        }
        AdoptionRequest { device: Some(_), .. } => {
            return Err(crate::ApiError::invalid("give a device that there is, or the name and type of a new one"));
        }
        AdoptionRequest { device_type: Some(_), new_type: Some(_), .. } => {
            return Err(crate::ApiError::invalid("give a type that there is, or the name of a new one"));
        }
        AdoptionRequest { name, new_type: Some(of), .. } => {
            let (_, messages) = state.metadata.newcomer(&principal, id).await?;
            let new_type = type_of(&state, principal.org, &messages, of).ok_or_else(|| {
                crate::ApiError::invalid("nothing is recognised in its messages; give a type that there is")
            })?;
            Adoption::NewOfNewType { name, new_type }
        }
        AdoptionRequest { name, device_type, .. } => {
            Adoption::New { name, type_id: device_type.map(DeviceTypeId::from_uuid) }
        }
    };
    let (device, adopted) = state.metadata.adopt(&principal, id, adoption).await.map_err(failed)?;
    // It goes on when whoever asked goes away.
    let task = tokio::spawn(async move { hand_over(&state, adopted).await });
    // If the server stops meanwhile, the next start goes on.
    let handed_over = task.await.unwrap_or_default();
    let device = AdoptedDevice { device: *device.id.as_uuid(), name: device.name, handed_over };
    Ok((StatusCode::CREATED, Json(device)))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(inbox_list))
        .routes(routes!(newcomer, change_newcomer, dismiss_newcomer))
        .routes(routes!(adopt_newcomer))
}
