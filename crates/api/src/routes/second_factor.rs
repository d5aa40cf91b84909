//! The second factor: `GET` and `POST /api/v1/account/second-factor`, `POST …/confirm` and `POST …/remove` for one's own, and
//! `DELETE /api/v1/users/{id}/second-factor` for somebody else's.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::{Enrolment, SecondFactor};
use sensorium_model::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::rfc3339;
use crate::auth::Caller;
use crate::auth::peer::Peer;
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// Whether signing in takes a code.
#[derive(Debug, Serialize, ToSchema)]
struct OwnSecondFactor {
    enabled: bool,
    /// Since when, RFC 3339.
    #[schema(format = DateTime, required)]
    since: Option<String>,
    /// Recovery codes that are left.
    recovery_codes_left: u64,
}

/// The password that one has.
#[derive(Deserialize, ToSchema)]
struct BeginRequest {
    password: String,
}

/// What an app is to be given. Only this answer holds it.
#[derive(Serialize, ToSchema)]
struct SecondFactorSecret {
    /// To be typed, base32.
    secret: String,
    /// To be shown as a QR code, `otpauth://totp/…`.
    uri: String,
}

/// The first code.
#[derive(Deserialize, ToSchema)]
struct ConfirmRequest {
    /// Six digits.
    code: String,
}

/// Codes that stand in for an app that is lost, good once each. Only this answer holds them.
#[derive(Serialize, ToSchema)]
struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

/// What removes one's own second factor.
#[derive(Deserialize, ToSchema)]
struct RemoveRequest {
    password: String,
    /// Of the app, or a recovery code.
    code: String,
}

impl From<Option<SecondFactor>> for OwnSecondFactor {
    fn from(factor: Option<SecondFactor>) -> Self {
        Self {
            enabled: factor.is_some(),
            since: factor.map(|factor| rfc3339(factor.since_ms)),
            recovery_codes_left: factor.map_or(0, |factor| factor.recovery_codes),
        }
    }
}

impl From<Enrolment> for SecondFactorSecret {
    fn from(Enrolment { secret, uri }: Enrolment) -> Self {
        Self { secret, uri }
    }
}

/// Say whether one's own sign-in takes a code
#[utoipa::path(get, path = "/api/v1/account/second-factor", tag = "account", responses(
    (status = 200, body = OwnSecondFactor), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn own(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Json<OwnSecondFactor>> {
    Ok(Json(state.metadata.second_factor(&principal).await?.into()))
}

/// Begin to set up a second factor
///
/// It does not count before it is confirmed with a code; beginning again replaces one that is not. A wrong password counts as a
/// failed attempt to sign in.
#[utoipa::path(post, path = "/api/v1/account/second-factor", tag = "account", request_body = BeginRequest, responses(
    (status = 201, body = SecondFactorSecret), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "The password is wrong, or the caller is no person"),
    (status = 409, body = ErrorBody, description = "There is one that counts"),
    (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
))]
async fn begin(
    State(state): State<AppState>,
    Caller(principal): Caller,
    Peer(peer): Peer,
    extract::Json(request): extract::Json<BeginRequest>,
) -> ApiResult<(StatusCode, Json<SecondFactorSecret>)> {
    let enrolment = state.metadata.begin_second_factor(&principal, &request.password, peer).await?;
    Ok((StatusCode::CREATED, Json(enrolment.into())))
}

/// Make the second factor count, with its first code
///
/// From then on signing in takes a code, and HTTP Basic with the password is refused.
#[utoipa::path(post, path = "/api/v1/account/second-factor/confirm", tag = "account", request_body = ConfirmRequest,
    responses(
        (status = 200, body = RecoveryCodes), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "The code is wrong, or the caller is no person"),
        (status = 404, body = ErrorBody, description = "None waits to be confirmed"),
        (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
    ))]
async fn confirm(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Json(request): extract::Json<ConfirmRequest>,
) -> ApiResult<Json<RecoveryCodes>> {
    let recovery_codes = state.metadata.confirm_second_factor(&principal, &request.code).await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}

/// Remove one's own second factor
#[utoipa::path(post, path = "/api/v1/account/second-factor/remove", tag = "account", request_body = RemoveRequest,
    responses(
        (status = 204, description = "Removed"), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "The password or the code is wrong, or the caller is no person"),
        (status = 404, body = ErrorBody, description = "There is none that counts"),
        (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
    ))]
async fn remove(
    State(state): State<AppState>,
    Caller(principal): Caller,
    Peer(peer): Peer,
    extract::Json(request): extract::Json<RemoveRequest>,
) -> ApiResult<StatusCode> {
    state.metadata.remove_second_factor(&principal, &request.password, &request.code, peer).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove the second factor of somebody who has lost it
///
/// They sign in with the password alone until they set up another one.
#[utoipa::path(delete, path = "/api/v1/users/{id}/second-factor", tag = "people",
    params(("id" = Uuid, Path, description = "The person")), responses(
        (status = 204, description = "Removed"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "It is the caller's own, or the person was deleted"),
    ))]
async fn remove_of(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.metadata.remove_second_factor_of(&principal, UserId::from_uuid(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(own, begin))
        .routes(routes!(confirm))
        .routes(routes!(remove))
        .routes(routes!(remove_of))
}
