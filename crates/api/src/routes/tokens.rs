//! API tokens: `GET` and `POST /api/v1/tokens`, `DELETE /api/v1/tokens/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::{NewToken, TokenInfo};
use sensorium_model::{DatabaseName, TokenId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::Caller;
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// An API token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Token {
    id: Uuid,
    name: String,
    /// The one database that it is good for; null means all.
    #[schema(required)]
    database: Option<String>,
    can_read: bool,
    can_write: bool,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// The login of whoever created it.
    #[schema(required)]
    created_by: Option<String>,
    /// RFC 3339, exact to a minute; null if it was never used.
    #[schema(format = DateTime, required)]
    last_used_at: Option<String>,
    /// The beginning of the secret, to tell tokens apart.
    hint: String,
    /// It is refused from then on, RFC 3339; null if it is good until it is revoked.
    #[schema(format = DateTime, required)]
    expires_at: Option<String>,
    /// Whether it is a key for devices.
    for_devices: bool,
}

/// All tokens that the caller may see.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenList {
    pub(super) tokens: Vec<Token>,
}

/// A token to create.
#[derive(Deserialize, ToSchema)]
struct TokenRequest {
    /// What it is for, in words.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Limits the token to one database.
    database: Option<String>,
    can_read: bool,
    can_write: bool,
    /// It is refused from then on, RFC 3339; without it, it is good until it is revoked.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Makes it a key for devices: it writes for the device that each reading names by the tag `device`, and does nothing else. What
    /// devices send that are not known waits in the inbox.
    #[serde(default)]
    for_devices: bool,
}

/// A new token and its secret, which is never shown again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreatedToken {
    pub(super) token: Token,
    pub(super) secret: String,
}

impl From<TokenInfo> for Token {
    fn from(info: TokenInfo) -> Self {
        Self {
            id: *info.id.as_uuid(),
            name: info.name,
            database: info.database.map(String::from),
            can_read: info.can_read,
            can_write: info.can_write,
            created_at: super::rfc3339(info.created_at_ms),
            created_by: info.created_by,
            last_used_at: info.last_used_at_ms.map(super::rfc3339),
            hint: info.hint,
            expires_at: info.expires_at_ms.map(super::rfc3339),
            for_devices: info.for_devices,
        }
    }
}

/// List API tokens
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", responses(
    (status = 200, body = TokenList, description = "One's own tokens; for administrators everyone's. Those of devices are listed with their device"),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn tokens(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Json<TokenList>> {
    let tokens = state.metadata.tokens(&principal).await?;
    Ok(Json(TokenList { tokens: tokens.into_iter().map(Token::from).collect() }))
}

/// Create an API token
///
/// The secret is in the answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = TokenRequest, responses(
    (status = 201, body = CreatedToken), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn create_token(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Json(request): extract::Json<TokenRequest>,
) -> ApiResult<(StatusCode, Json<CreatedToken>)> {
    let database = request.database.as_deref().map(DatabaseName::new).transpose()?;
    let new = NewToken {
        name: request.name,
        database,
        can_read: request.can_read,
        can_write: request.can_write,
        expires_at_ms: request.expires_at.as_deref().map(super::audit::time_ms).transpose()?,
        for_devices: request.for_devices,
    };
    let (info, secret) = state.metadata.create_token(&principal, new).await?;
    Ok((StatusCode::CREATED, Json(CreatedToken { token: info.into(), secret })))
}

/// Revoke an API token
///
/// It stops working at once.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", params(("id" = Uuid, Path, description = "The token")),
    responses(
        (status = 204, description = "Revoked"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ))]
async fn revoke_token(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.metadata.revoke_token(&principal, TokenId::from_uuid(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(tokens, create_token)).routes(routes!(revoke_token))
}
