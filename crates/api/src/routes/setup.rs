//! The first administrator: `GET` and `POST /api/v1/setup`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use sensorium_metadata::SetUp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::{SessionBody, signed_in};
use crate::auth::origin::SameOrigin;
use crate::auth::peer::{Peer, client};
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// Whether the first administrator is still to be created.
#[derive(Debug, Serialize, ToSchema)]
struct SetupState {
    needed: bool,
}

/// The first administrator.
#[derive(Deserialize, ToSchema)]
struct SetupRequest {
    /// The one-time code that the server printed when it started.
    code: String,
    /// The organisation's name.
    organisation: String,
    /// The administrator's login.
    login: String,
    /// At least 10 characters.
    #[schema(min_length = 10)]
    password: String,
}

/// Say whether set-up is needed
#[utoipa::path(get, path = "/api/v1/setup", tag = "set-up", security(()), responses((status = 200, body = SetupState)))]
async fn setup_state(State(state): State<AppState>) -> ApiResult<Json<SetupState>> {
    Ok(Json(SetupState { needed: state.metadata.setup_needed().await? }))
}

/// Create the first administrator and sign in
///
/// Works once, with the code that the server printed when it started.
#[utoipa::path(post, path = "/api/v1/setup", tag = "set-up", security(()), request_body = SetupRequest, responses(
    (status = 201, body = SessionBody, description = "Created and signed in; sets the session cookie"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody, description = "The code is wrong"),
    (status = 409, body = ErrorBody, description = "Set-up is done"), (status = 429, body = ErrorBody),
))]
async fn set_up(
    State(state): State<AppState>,
    _: SameOrigin,
    Peer(peer): Peer,
    headers: HeaderMap,
    extract::Json(request): extract::Json<SetupRequest>,
) -> ApiResult<Response> {
    let SetupRequest { code, organisation, login, password } = request;
    let session = state.metadata.set_up(SetUp { code, organisation, login, password }, client(peer, &headers)).await?;
    Ok(signed_in(&state, &headers, StatusCode::CREATED, session))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(setup_state, set_up))
}
