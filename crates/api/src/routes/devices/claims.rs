//! Claim links of devices: `GET`, `POST` and `DELETE /api/v1/devices/{id}/claim`, and `POST /api/v1/claims`, which needs no account.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use sensorium_metadata::{ClaimInfo, Claimed};
use sensorium_model::{DatabaseName, DeviceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::failed;
use crate::auth::Caller;
use crate::auth::origin::SameOrigin;
use crate::auth::peer::{Peer, client};
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::routes::rfc3339;
use crate::routes::users::links::OneTimeLink;
use crate::state::AppState;

/// A claim link to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClaimLinkRequest {
    /// Limits the token that it gives out to one database.
    database: Option<String>,
}

/// A claim link that is out, without its secret.
#[derive(Debug, Serialize, ToSchema)]
struct ClaimLink {
    /// The one database that the token will be good for.
    #[schema(required)]
    database: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// Until when it is good, RFC 3339.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// The code of a claim link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClaimRequest {
    code: String,
}

/// What a device needs to write.
#[derive(Debug, Serialize, ToSchema)]
struct ClaimedDevice {
    /// Its name, which is the tag `device` of what it writes.
    device: String,
    /// The table of its type.
    #[schema(required)]
    table: Option<String>,
    /// The one database that the token is good for; null means all.
    #[schema(required)]
    database: Option<String>,
    /// An API token that only writes, and only as this device; shown this once.
    token: String,
}

/// Show the claim link of a device that is out
#[utoipa::path(get, path = "/api/v1/devices/{id}/claim", tag = "devices",
    params(("id" = Uuid, Path, description = "The device")),
    responses((status = 200, body = ClaimLink), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "No such device, or none is out")))]
async fn claim_link(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<ClaimLink>> {
    let ClaimInfo { database, created_at_ms, expires_at_ms } =
        state.metadata.claim_link(&principal, DeviceId::from_uuid(id)).await?;
    Ok(Json(ClaimLink { database, created_at: rfc3339(created_at_ms), expires_at: rfc3339(expires_at_ms) }))
}

/// Make a claim link of a device
///
/// Whoever has the link gets an API token of the device, once, without an account. It takes the place of the one that is out.
#[utoipa::path(post, path = "/api/v1/devices/{id}/claim", tag = "devices", request_body = ClaimLinkRequest,
    params(("id" = Uuid, Path, description = "The device")),
    responses((status = 201, body = OneTimeLink), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn issue_claim(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<ClaimLinkRequest>,
) -> ApiResult<(StatusCode, Json<OneTimeLink>)> {
    let database = request.database.as_deref().map(DatabaseName::new).transpose()?;
    let link = state.metadata.issue_claim(&principal, DeviceId::from_uuid(id), database).await.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(link.into())))
}

/// Revoke the claim link of a device
#[utoipa::path(delete, path = "/api/v1/devices/{id}/claim", tag = "devices",
    params(("id" = Uuid, Path, description = "The device")),
    responses((status = 204, description = "Revoked"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn revoke_claim(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.metadata.revoke_claim(&principal, DeviceId::from_uuid(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Claim a device
///
/// Gives out an API token of the device that the link is for. A link that does not work is refused in the same words, whatever the
/// reason.
#[utoipa::path(post, path = "/api/v1/claims", tag = "devices", security(()), request_body = ClaimRequest,
    responses(
        (status = 201, body = ClaimedDevice), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody, description = "The link does not work"),
        (status = 409, body = ErrorBody, description = "The device is disabled, or has four tokens; the link still works"),
        (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
    ))]
async fn claim(
    State(state): State<AppState>,
    _: SameOrigin,
    Peer(peer): Peer,
    headers: HeaderMap,
    extract::Json(request): extract::Json<ClaimRequest>,
) -> ApiResult<(StatusCode, Json<ClaimedDevice>)> {
    let claimed = state.metadata.claim(&request.code, client(peer, &headers)).await?;
    let Claimed { device, table, database, token } = claimed;
    Ok((StatusCode::CREATED, Json(ClaimedDevice { device, table, database, token })))
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(claim_link, issue_claim, revoke_claim)).routes(routes!(claim))
}
