//! The caller's own account: `PUT /api/v1/account/password`, `GET` and `DELETE /api/v1/account/sessions`, and
//! `DELETE /api/v1/account/sessions/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::SessionInfo;
use sensorium_model::SessionId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::Caller;
use crate::auth::peer::Peer;
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::mail;
use crate::state::AppState;

/// The password to use from now on.
#[derive(Deserialize, ToSchema)]
struct PasswordRequest {
    current: String,
    /// At least 10 characters.
    #[schema(min_length = 10)]
    new: String,
}

/// A browser in which the caller is signed in.
#[derive(Debug, Serialize, ToSchema)]
struct OwnSession {
    id: Uuid,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// RFC 3339, exact to a minute.
    #[schema(format = DateTime)]
    last_seen_at: String,
    /// When it ends at the latest, RFC 3339.
    #[schema(format = DateTime)]
    expires_at: String,
    /// The address that signed in.
    #[schema(required)]
    address: Option<String>,
    /// What the browser called itself.
    #[schema(required)]
    user_agent: Option<String>,
    /// Whether it is the one that asks.
    is_current: bool,
}

/// The caller's sessions, the one used last first.
#[derive(Debug, Serialize, ToSchema)]
struct OwnSessions {
    sessions: Vec<OwnSession>,
}

/// How many sessions ended.
#[derive(Debug, Serialize, ToSchema)]
struct EndedSessions {
    ended: u64,
}

impl From<SessionInfo> for OwnSession {
    fn from(session: SessionInfo) -> Self {
        Self {
            id: *session.id.as_uuid(),
            created_at: super::rfc3339(session.created_at_ms),
            last_seen_at: super::rfc3339(session.last_seen_ms),
            expires_at: super::rfc3339(session.expires_at_ms),
            address: session.address,
            user_agent: session.user_agent,
            is_current: session.is_current,
        }
    }
}

/// Change one's own password
///
/// Ends all other sessions. A wrong current password counts as a failed attempt to sign in.
#[utoipa::path(put, path = "/api/v1/account/password", tag = "account", request_body = PasswordRequest, responses(
    (status = 204, description = "Changed"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "The current password is wrong, or the caller is no person"),
    (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
))]
async fn change_password(
    State(state): State<AppState>,
    Caller(principal): Caller,
    Peer(peer): Peer,
    extract::Json(request): extract::Json<PasswordRequest>,
) -> ApiResult<StatusCode> {
    state.metadata.change_password(&principal, &request.current, &request.new, peer).await?;
    if let Some(id) = principal.person() {
        mail::password_chosen(&state, principal.org, id).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// List one's own sessions
#[utoipa::path(get, path = "/api/v1/account/sessions", tag = "account", responses(
    (status = 200, body = OwnSessions), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn own_sessions(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Json<OwnSessions>> {
    let sessions = state.metadata.own_sessions(&principal).await?;
    Ok(Json(OwnSessions { sessions: sessions.into_iter().map(OwnSession::from).collect() }))
}

/// End all of one's own sessions but this one
#[utoipa::path(delete, path = "/api/v1/account/sessions", tag = "account", responses(
    (status = 200, body = EndedSessions), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn end_other_sessions(
    State(state): State<AppState>,
    Caller(principal): Caller,
) -> ApiResult<Json<EndedSessions>> {
    Ok(Json(EndedSessions { ended: state.metadata.revoke_other_sessions(&principal).await? }))
}

/// End one of one's own sessions
#[utoipa::path(delete, path = "/api/v1/account/sessions/{id}", tag = "account",
    params(("id" = Uuid, Path, description = "The session")), responses(
        (status = 204, description = "Ended"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ))]
async fn end_own_session(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.metadata.revoke_own_session(&principal, SessionId::from_uuid(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(change_password))
        .routes(routes!(own_sessions, end_other_sessions))
        .routes(routes!(end_own_session))
}
