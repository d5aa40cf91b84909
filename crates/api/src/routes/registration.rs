//! Asking to join: `GET` and `POST /api/v1/registration`. An administrator decides, on the page of people.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use sensorium_metadata::Registration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::oidc::{Door, door};
use crate::auth::origin::SameOrigin;
use crate::auth::peer::{Peer, client};
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// How one gets in, besides a login and a password.
#[derive(Debug, Serialize, ToSchema)]
struct RegistrationState {
    /// Whether people may ask to join by themselves.
    open: bool,
    /// A provider to sign in with; null if none is set.
    #[schema(required)]
    oidc: Option<Door>,
}

/// Somebody who wants to join.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegistrationRequest {
    /// 1 to 64 characters without spaces and colons, which nobody on this server has.
    #[schema(min_length = 1, max_length = 64)]
    login: String,
    /// At most 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    name: String,
    /// At least 10 characters.
    #[schema(min_length = 10)]
    password: String,
    /// Where whoever asks is told that they were let in, if the server sends mail.
    #[schema(max_length = 254)]
    email: Option<String>,
}

/// Say how one gets in
///
/// Whether people may ask to join by themselves, and whether they may sign in with a provider of OpenID Connect.
#[utoipa::path(get, path = "/api/v1/registration", tag = "people", security(()), responses(
    (status = 200, body = RegistrationState),
))]
async fn registration_state(State(state): State<AppState>, headers: HeaderMap) -> ApiResult<Json<RegistrationState>> {
    let open = state.metadata.takes_registrations().await?;
    Ok(Json(RegistrationState { open, oidc: door(&state, &headers) }))
}

/// Ask to join
///
/// Works where `people.registration` is set. Whoever asks can sign in once an administrator has made them active.
#[utoipa::path(post, path = "/api/v1/registration", tag = "people", security(()), request_body = RegistrationRequest,
    responses(
        (status = 202, description = "An administrator decides"), (status = 400, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "Nobody joins by themselves here"),
        (status = 409, body = ErrorBody, description = "The login is taken, or too many people wait already"),
        (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
    ))]
async fn register(
    State(state): State<AppState>,
    _: SameOrigin,
    Peer(peer): Peer,
    headers: HeaderMap,
    extract::Json(request): extract::Json<RegistrationRequest>,
) -> ApiResult<StatusCode> {
    let RegistrationRequest { login, name, password, email } = request;
    state.metadata.register(Registration { login, name, password, email }, client(peer, &headers)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(registration_state, register))
}
