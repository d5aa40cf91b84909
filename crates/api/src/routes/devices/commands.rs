//! Commands: `GET` and `POST /api/v1/devices/{id}/commands` and `GET /api/v1/devices/{id}/commands/{command}` for people,
//! `GET /api/v1/device/commands` and `POST /api/v1/device/commands/{id}/answer` for the device itself.

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use sensorium_metadata::registry::commands::MAX_PAGE;
use sensorium_metadata::{CommandStatus, NewCommand};
use sensorium_model::{CommandId, DeviceId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::failed;
use super::state::until;
use crate::auth::Caller;
use crate::error::{ApiResult, ErrorBody, method_not_allowed};
use crate::extract;
use crate::routes::rfc3339;
use crate::routes::users::page_size;
use crate::state::AppState;

/// `limit` of a listing if it is not given.
const DEFAULT_LIMIT: u64 = 20;

/// What became of a command.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum CommandState {
    /// The device did not take it yet.
    Queued,
    /// The device has it.
    Delivered,
    /// The device did it.
    Answered,
    /// The device could not do it.
    Failed,
    /// The device did not answer in time.
    Expired,
}

/// Something that a device was asked to do.
#[derive(Debug, Serialize, ToSchema)]
struct Command {
    id: Uuid,
    /// What to do.
    name: String,
    /// How.
    #[schema(value_type = Object)]
    arguments: Map<String, Value>,
    /// `answered`, `failed` and `expired` are final.
    status: CommandState,
    /// What the device answered; null before.
    #[schema(value_type = Value)]
    result: Value,
    /// The login or the name of the token of whoever asked; null for the server itself.
    #[schema(required)]
    requested_by: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// Without an answer it expires then, RFC 3339.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When the device took it, RFC 3339.
    #[schema(format = DateTime, required)]
    delivered_at: Option<String>,
    /// When the device answered, RFC 3339.
    #[schema(format = DateTime, required)]
    answered_at: Option<String>,
}

/// The newest commands of a device.
#[derive(Debug, Serialize, ToSchema)]
struct CommandList {
    commands: Vec<Command>,
}

/// A command for the device that asks.
#[derive(Debug, Serialize, ToSchema)]
struct CommandForDevice {
    id: Uuid,
    /// What to do.
    name: String,
    /// How.
    #[schema(value_type = Object)]
    arguments: Map<String, Value>,
    /// An answer must come before, RFC 3339.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// A command to send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CommandRequest {
    /// What to do.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// How: at most 16,384 bytes, at most 8 levels deep, with names of 1 to 100 characters; an empty object if it is not said.
    #[serde(default = "nothing")]
    #[schema(value_type = Object)]
    arguments: Value,
    /// Seconds within which the device must answer; 60 if it is not said.
    #[serde(default = "minute")]
    #[schema(minimum = 1, maximum = 604_800)]
    timeout_seconds: u64,
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

fn minute() -> u64 {
    60
}

/// What a device answers to a command.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CommandAnswer {
    /// Whether it did what it was asked to.
    ok: bool,
    /// Any JSON of at most 16,384 bytes, at most 8 levels deep, with names of 1 to 100 characters.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    result: Value,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CommandListQuery {
    /// At most so many, 1 to 100; default 20.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WaitQuery {
    /// Seconds to wait, 0 to 60; 0 if it is not given.
    #[param(maximum = 60)]
    wait: Option<u64>,
}

impl From<CommandStatus> for CommandState {
    fn from(status: CommandStatus) -> Self {
        match status {
            CommandStatus::Queued => Self::Queued,
            CommandStatus::Delivered => Self::Delivered,
            CommandStatus::Answered => Self::Answered,
            CommandStatus::Failed => Self::Failed,
            CommandStatus::Expired => Self::Expired,
        }
    }
}

impl From<sensorium_metadata::Command> for Command {
    fn from(command: sensorium_metadata::Command) -> Self {
        Self {
            id: *command.id.as_uuid(),
            name: command.name,
            arguments: command.arguments,
            status: command.status.into(),
            result: command.result.unwrap_or_default(),
            requested_by: command.requested_by,
            created_at: rfc3339(command.created_at_ms),
            expires_at: rfc3339(command.expires_at_ms),
            delivered_at: command.delivered_at_ms.map(rfc3339),
            answered_at: command.answered_at_ms.map(rfc3339),
        }
    }
}

/// Ask a device to do something
///
/// The command waits until the device takes it, and expires without an answer in time. `GET` on the command tells what became of it.
#[utoipa::path(post, path = "/api/v1/devices/{id}/commands", tag = "devices", request_body = CommandRequest,
    params(("id" = Uuid, Path, description = "The device")),
    responses(
        (status = 202, body = Command), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`devices.open_commands` of the device are queued, or delivered and not answered"),
        (status = 413, body = ErrorBody),
    ))]
async fn send_command(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<CommandRequest>,
) -> ApiResult<(StatusCode, Json<Command>)> {
    let CommandRequest { name, arguments, timeout_seconds } = request;
    let new = NewCommand { name, arguments, timeout_seconds };
    let sent = state.metadata.send_command(&principal, DeviceId::from_uuid(id), new).await.map_err(failed)?;
    Ok((StatusCode::ACCEPTED, Json(sent.into())))
}

/// List the commands of a device
///
/// The newest ones, newest first.
#[utoipa::path(get, path = "/api/v1/devices/{id}/commands", tag = "devices",
    params(("id" = Uuid, Path, description = "The device"), CommandListQuery),
    responses((status = 200, body = CommandList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn commands(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<CommandListQuery>,
) -> ApiResult<Json<CommandList>> {
    let limit = page_size(query.limit, DEFAULT_LIMIT, MAX_PAGE)?;
    let commands = state.metadata.commands(&principal, DeviceId::from_uuid(id), limit).await?;
    Ok(Json(CommandList { commands: commands.into_iter().map(Command::from).collect() }))
}

/// What became of a command
///
/// Answered at once if that is final, else when it is, at the latest after `wait` seconds.
#[utoipa::path(get, path = "/api/v1/devices/{id}/commands/{command}", tag = "devices",
    params(("id" = Uuid, Path, description = "The device"), ("command" = Uuid, Path, description = "The command"), WaitQuery),
    responses((status = 200, body = Command), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 429, body = ErrorBody, description = "Too many requests wait")))]
async fn command(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path((id, command)): extract::Path<(Uuid, Uuid)>,
    extract::Query(query): extract::Query<WaitQuery>,
) -> ApiResult<Json<Command>> {
    let until = until(&state, query.wait)?;
    let (id, command) = (DeviceId::from_uuid(id), CommandId::from_uuid(command));
    Ok(Json(state.metadata.command(&principal, id, command, until).await?.into()))
}

/// Take the next command
///
/// For devices, with an API token of their own: the oldest queued one, which is handed out to nobody else from then on.
#[utoipa::path(get, path = "/api/v1/device/commands", tag = "devices", params(WaitQuery), responses(
    (status = 200, body = CommandForDevice), (status = 204, description = "There is none"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Devices only"),
    (status = 429, body = ErrorBody, description = "Too many requests wait"),
))]
async fn take_command(
    State(state): State<AppState>,
    method: Method,
    Caller(principal): Caller,
    extract::Query(query): extract::Query<WaitQuery>,
) -> ApiResult<Response> {
    if method == Method::HEAD {
        // Its answer has no body: the command would be lost.
        return Err(method_not_allowed().await);
    }
    let until = until(&state, query.wait)?;
    let Some(command) = state.metadata.take_command(&principal, until).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let sensorium_metadata::Command { id, name, arguments, expires_at_ms, .. } = command;
    let expires_at = rfc3339(expires_at_ms);
    Ok(Json(CommandForDevice { id: *id.as_uuid(), name, arguments, expires_at }).into_response())
}

/// Answer a command
///
/// For devices, with an API token of their own. The first answer stays.
#[utoipa::path(post, path = "/api/v1/device/commands/{id}/answer", tag = "devices", request_body = CommandAnswer,
    params(("id" = Uuid, Path, description = "The command")),
    responses(
        (status = 204, description = "Taken"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "Devices only"),
        (status = 404, body = ErrorBody, description = "This device has no such command"),
        (status = 409, body = ErrorBody, description = "It was answered, has expired, or was not taken yet"),
        (status = 413, body = ErrorBody),
    ))]
async fn answer_command(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(CommandAnswer { ok, result }): extract::Json<CommandAnswer>,
) -> ApiResult<StatusCode> {
    state.metadata.answer_command(&principal, CommandId::from_uuid(id), ok, &result).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(commands, send_command))
        .routes(routes!(command))
        .routes(routes!(take_command))
        .routes(routes!(answer_command))
}
