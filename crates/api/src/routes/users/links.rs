//! One-time links: `POST` and `DELETE /api/v1/users/{id}/invitation`, the same of `…/password-reset`, and
//! `POST /api/v1/invitations/accept`, which takes both kinds.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use sensorium_mail::Words;
use sensorium_metadata::{LinkPurpose, NewLink};
use sensorium_model::{OrgId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::Caller;
use crate::auth::origin::SameOrigin;
use crate::auth::peer::{Peer, client};
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::mail;
use crate::routes::rfc3339;
use crate::routes::session::{SessionBody, signed_in};
use crate::state::AppState;

/// What lets somebody choose a password, or claim a device, once. Only this answer holds it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneTimeLink {
    /// The secret, which `POST /api/v1/invitations/accept` takes, or `POST /api/v1/claims`.
    code: String,
    /// Until when it is good, RFC 3339.
    #[schema(format = DateTime)]
    expires_at: String,
}

impl From<NewLink> for OneTimeLink {
    fn from(link: NewLink) -> Self {
        Self { code: link.secret, expires_at: rfc3339(link.expires_at_ms) }
    }
}

/// The secret of a one-time link, and the password to use from now on.
#[derive(Deserialize, ToSchema)]
struct AcceptRequest {
    code: String,
    /// At least 10 characters.
    #[schema(min_length = 10)]
    password: String,
    /// A code of the second factor or a recovery code, for those who have one.
    second_factor: Option<String>,
}

/// Make another invitation for a person who has not accepted one
///
/// The one before stops working. It is also sent to the e-mail address that was given, if the server sends mail.
#[utoipa::path(post, path = "/api/v1/users/{id}/invitation", tag = "people",
    params(("id" = Uuid, Path, description = "The person")), responses(
        (status = 201, body = OneTimeLink), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "It was accepted already"),
    ))]
async fn invite_again(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<(StatusCode, Json<OneTimeLink>)> {
    let id = UserId::from_uuid(id);
    let link = state.metadata.issue_link(&principal, id, LinkPurpose::Invitation).await?;
    mail_invitation(&state, principal.org, id, &link).await;
    Ok((StatusCode::CREATED, Json(link.into())))
}

/// Sends an invitation to the address that somebody gave for the person, if the server sends mail; whether it is on its way.
///
/// Fails never: the link is in the answer all the same.
pub(super) async fn mail_invitation(state: &AppState, org: OrgId, id: UserId, link: &NewLink) -> bool {
    let Some(mail) = &state.mail else { return false };
    match state.metadata.addressee(org, id).await {
        Ok(Some(to)) => {
            let (code, expires_at_ms) = (link.secret.clone(), link.expires_at_ms);
            mail.send(&to, |login, organisation| Words::Invitation { login, organisation, code, expires_at_ms })
        }
        Ok(None) => false,
        Err(error) => {
            tracing::error!(%error, "an invitation could not be sent");
            false
        }
    }
}

/// Revoke an invitation
#[utoipa::path(delete, path = "/api/v1/users/{id}/invitation", tag = "people",
    params(("id" = Uuid, Path, description = "The person")), responses(
        (status = 204, description = "Revoked"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ))]
async fn revoke_invitation(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.metadata.revoke_link(&principal, UserId::from_uuid(id), LinkPurpose::Invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a link with which a person chooses another password
///
/// The password that they have works until the link is used; then all their sessions end.
#[utoipa::path(post, path = "/api/v1/users/{id}/password-reset", tag = "people",
    params(("id" = Uuid, Path, description = "The person")), responses(
        (status = 201, body = OneTimeLink), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "They have no password, or are the caller"),
    ))]
async fn reset_password(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<(StatusCode, Json<OneTimeLink>)> {
    let link = state.metadata.issue_link(&principal, UserId::from_uuid(id), LinkPurpose::Reset).await?;
    Ok((StatusCode::CREATED, Json(link.into())))
}

/// Revoke a link that resets a password
#[utoipa::path(delete, path = "/api/v1/users/{id}/password-reset", tag = "people",
    params(("id" = Uuid, Path, description = "The person")), responses(
        (status = 204, description = "Revoked"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ))]
async fn revoke_reset(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.metadata.revoke_link(&principal, UserId::from_uuid(id), LinkPurpose::Reset).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Choose a password with a one-time link, and sign in
///
/// Takes an invitation and the reset of a password alike. A link that does not work is refused in the same words, whatever
/// the reason. It stands in for a password only: whoever has a second factor sends a code as well.
#[utoipa::path(post, path = "/api/v1/invitations/accept", tag = "people", security(()), request_body = AcceptRequest,
    responses(
        (status = 200, body = SessionBody, description = "Sets the session cookie"),
        (status = 400, body = ErrorBody, description = "The password cannot be used; the link still works"),
        (status = 401, body = ErrorBody, description = "The link does not work, or a code is needed"),
        (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
    ))]
async fn accept(
    State(state): State<AppState>,
    _: SameOrigin,
    Peer(peer): Peer,
    headers: HeaderMap,
    extract::Json(request): extract::Json<AcceptRequest>,
) -> ApiResult<Response> {
    let AcceptRequest { code, password, second_factor } = request;
    let from = client(peer, &headers);
    let session = state.metadata.accept_link_with_code(&code, &password, second_factor.as_deref(), from).await?;
    if let Some(user) = &session.account.user {
        mail::password_chosen(&state, session.account.org, user.id).await;
    }
    Ok(signed_in(&state, &headers, StatusCode::OK, session))
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(invite_again, revoke_invitation))
        .routes(routes!(reset_password, revoke_reset))
        .routes(routes!(accept))
}
