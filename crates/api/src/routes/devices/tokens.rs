//! The API tokens of devices: `GET` and `POST /api/v1/devices/{id}/tokens`, `DELETE /api/v1/devices/{id}/tokens/{token}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::NewDeviceToken;
use sensorium_model::{DatabaseName, DeviceId, TokenId};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::failed;
use crate::auth::Caller;
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::routes::audit::time_ms;
use crate::routes::tokens::{CreatedToken, Token, TokenList};
use crate::state::AppState;

/// A token to create for a device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeviceTokenRequest {
    /// What it is for, in words.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Limits the token to one database.
    database: Option<String>,
    /// It is refused from then on, RFC 3339; without it, it is good until it is revoked.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// List the API tokens of a device
#[utoipa::path(get, path = "/api/v1/devices/{id}/tokens", tag = "devices",
    params(("id" = Uuid, Path, description = "The device")),
    responses((status = 200, body = TokenList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn device_tokens(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<TokenList>> {
    let tokens = state.metadata.device_tokens(&principal, DeviceId::from_uuid(id)).await?;
    Ok(Json(TokenList { tokens: tokens.into_iter().map(Token::from).collect() }))
}

/// Create an API token of a device
///
/// It writes rows whose tag `device` is the device's name, and speaks for the device; it does nothing else. The secret is in the
/// answer and nowhere else. A device has at most four at once: make a second one, give it to the device, then revoke the first.
#[utoipa::path(post, path = "/api/v1/devices/{id}/tokens", tag = "devices", request_body = DeviceTokenRequest,
    params(("id" = Uuid, Path, description = "The device")),
    responses(
        (status = 201, body = CreatedToken), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It has four"),
    ))]
async fn create_device_token(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<DeviceTokenRequest>,
) -> ApiResult<(StatusCode, Json<CreatedToken>)> {
    let new = NewDeviceToken {
        name: request.name,
        database: request.database.as_deref().map(DatabaseName::new).transpose()?,
        expires_at_ms: request.expires_at.as_deref().map(time_ms).transpose()?,
    };
    let made = state.metadata.create_device_token(&principal, DeviceId::from_uuid(id), new).await;
    let (info, secret) = made.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(CreatedToken { token: info.into(), secret })))
}

/// Revoke an API token of a device
///
/// It stops working at once.
#[utoipa::path(delete, path = "/api/v1/devices/{id}/tokens/{token}", tag = "devices",
    params(("id" = Uuid, Path, description = "The device"), ("token" = Uuid, Path, description = "The token")),
    responses(
        (status = 204, description = "Revoked"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ))]
async fn revoke_device_token(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path((id, token)): extract::Path<(Uuid, Uuid)>,
) -> ApiResult<StatusCode> {
    state.metadata.revoke_device_token(&principal, DeviceId::from_uuid(id), TokenId::from_uuid(token)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(device_tokens, create_device_token)).routes(routes!(revoke_device_token))
}
