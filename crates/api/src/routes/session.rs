//! Signing in and out: `GET`, `POST` and `DELETE /api/v1/session`.

use axum::Json;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sensorium_metadata::{Account, SignedIn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::origin::SameOrigin;
use crate::auth::peer::{Peer, client};
use crate::auth::{Caller, cookie};
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionBody {
    /// Null when the caller is a program with an API token.
    #[schema(required)]
    user: Option<SessionUser>,
    organisation: SessionOrganisation,
    /// Whether the caller may write readings.
    can_write: bool,
}

/// A user as the page shows it.
#[derive(Debug, Serialize, ToSchema)]
struct SessionUser {
    id: Uuid,
    login: String,
    role: Role,
}

/// What a user is in the organisation; each may do what the ones before may.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    /// Sees what groups share with them, and nothing else.
    Guest,
    /// Reads.
    Viewer,
    /// Also writes readings, and makes API tokens.
    Editor,
    /// Also manages people and everyone's API tokens.
    Administrator,
    /// Also manages the organisation itself.
    Owner,
}

impl From<sensorium_model::Role> for Role {
    fn from(role: sensorium_model::Role) -> Self {
        match role {
            sensorium_model::Role::Guest => Self::Guest,
            sensorium_model::Role::Viewer => Self::Viewer,
            sensorium_model::Role::Editor => Self::Editor,
            sensorium_model::Role::Administrator => Self::Administrator,
            sensorium_model::Role::Owner => Self::Owner,
        }
    }
}

impl From<Role> for sensorium_model::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Guest => Self::Guest,
            Role::Viewer => Self::Viewer,
            Role::Editor => Self::Editor,
            Role::Administrator => Self::Administrator,
            Role::Owner => Self::Owner,
        }
    }
}

/// The organisation that the caller belongs to.
#[derive(Debug, Serialize, ToSchema)]
struct SessionOrganisation {
    id: Uuid,
    name: String,
}

/// A login and its password.
#[derive(Deserialize, ToSchema)]
struct SignInRequest {
    login: String,
    password: String,
    /// A code of the second factor or a recovery code, for those who have one.
    second_factor: Option<String>,
}

impl From<Account> for SessionBody {
    fn from(account: Account) -> Self {
        let user =
            account.user.map(|user| SessionUser { id: *user.id.as_uuid(), login: user.login, role: user.role.into() });
        let organisation = SessionOrganisation { id: *account.org.as_uuid(), name: account.organisation };
        Self { user, organisation, can_write: account.can_write }
    }
}

/// The header that stores a new session in the browser.
pub(super) fn session_cookie(session: &SignedIn, secure: bool) -> HeaderValue {
    cookie::set(&session.secret, session.lifetime, secure)
}

/// Answers with the session and its cookie.
pub(super) fn signed_in(state: &AppState, headers: &HeaderMap, status: StatusCode, session: SignedIn) -> Response {
    let header = session_cookie(&session, cookie::is_secure(headers, state.config.tls));
    (status, [(SET_COOKIE, header)], Json(SessionBody::from(session.account))).into_response()
}

/// Say who is signed in
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses(
    (status = 200, body = SessionBody), (status = 401, body = ErrorBody),
))]
async fn session(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Json<SessionBody>> {
    Ok(Json(state.metadata.account(&principal).await?.into()))
}

/// Sign in with a login and a password
///
/// Whoever has a second factor is answered with 401 and `second_factor_needed` once the password is right, and sends all again with a
/// code. Wrong codes count as failed attempts.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", security(()), request_body = SignInRequest, responses(
    (status = 200, body = SessionBody, description = "Sets the session cookie"),
    (status = 401, body = ErrorBody), (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
))]
async fn sign_in(
    State(state): State<AppState>,
    _: SameOrigin,
    Peer(peer): Peer,
    headers: HeaderMap,
    extract::Json(request): extract::Json<SignInRequest>,
) -> ApiResult<Response> {
    let SignInRequest { login, password, second_factor } = request;
    let from = client(peer, &headers);
    let session = state.metadata.sign_in_with_code(&login, &password, second_factor.as_deref(), from).await?;
    Ok(signed_in(&state, &headers, StatusCode::OK, session))
}

/// Sign out
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", responses(
    (status = 204, description = "Signed out; removes the session cookie"), (status = 401, body = ErrorBody),
))]
async fn sign_out(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Response> {
    state.metadata.sign_out(&principal).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie::clear())]).into_response())
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(session, sign_in, sign_out))
}
