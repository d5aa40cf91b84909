//! One's own e-mail address: `GET` and `PUT /api/v1/account/email`, and `POST /api/v1/account/email/confirm`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use sensorium_mail::Words;
use sensorium_metadata::OwnEmail;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::auth::origin::SameOrigin;
use crate::auth::peer::{Peer, client};
use crate::error::{ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// One's own e-mail address.
#[derive(Debug, Serialize, ToSchema)]
struct AccountEmail {
    #[schema(required)]
    address: Option<String>,
    /// Whether it counts: a link that was sent to it was used.
    confirmed: bool,
}

/// The address to have from now on.
#[derive(Deserialize, ToSchema)]
struct EmailRequest {
    password: String,
    /// Null for none.
    #[schema(required, max_length = 254)]
    address: Option<String>,
}

/// One's own e-mail address after a change.
#[derive(Debug, Serialize, ToSchema)]
struct EmailSet {
    #[schema(required)]
    address: Option<String>,
    /// Whether it counts.
    confirmed: bool,
    /// Whether a link that confirms it is on its way.
    mailed: bool,
}

/// The secret of a link that confirms an address.
#[derive(Deserialize, ToSchema)]
struct EmailConfirmRequest {
    code: String,
}

/// Whose address counts now.
#[derive(Debug, Serialize, ToSchema)]
struct EmailConfirmed {
    login: String,
}

impl From<OwnEmail> for AccountEmail {
    fn from(OwnEmail { address, confirmed }: OwnEmail) -> Self {
        Self { address, confirmed }
    }
}

/// Show one's own e-mail address
#[utoipa::path(get, path = "/api/v1/account/email", tag = "account", responses(
    (status = 200, body = AccountEmail), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn own_email(State(state): State<AppState>, Caller(principal): Caller) -> ApiResult<Json<AccountEmail>> {
    Ok(Json(state.metadata.own_email(&principal).await?.into()))
}

/// Set one's own e-mail address, or take it away
///
/// It counts once the link that is sent to it was used. The address before is told, if it counted. The same address again gets another
/// link. A wrong password counts as a failed attempt to sign in.
#[utoipa::path(put, path = "/api/v1/account/email", tag = "account", request_body = EmailRequest, responses(
    (status = 200, body = EmailSet), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "The password is wrong, or the caller is no person"),
    (status = 409, body = ErrorBody, description = "Another change came first"),
    (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
))]
async fn set_email(
    State(state): State<AppState>,
    Caller(principal): Caller,
    Peer(peer): Peer,
    extract::Json(request): extract::Json<EmailRequest>,
) -> ApiResult<Json<EmailSet>> {
    let EmailRequest { password, address } = request;
    let change = state.metadata.set_own_email(&principal, &password, address.as_deref(), peer).await?;
    let mut mailed = false;
    if let Some(mail) = &state.mail {
        if let Some(before) = &change.before {
            mail.send(before, |login, organisation| Words::AddressChanged { login, organisation });
        }
        if let Some((to, link)) = change.confirm {
            mailed = mail.confirm(&to, link);
        }
    }
    Ok(Json(EmailSet { address: change.now.address, confirmed: change.now.confirmed, mailed }))
}

/// Confirm an e-mail address with the link that was sent to it
#[utoipa::path(post, path = "/api/v1/account/email/confirm", tag = "account", security(()),
    request_body = EmailConfirmRequest,
    responses(
        (status = 200, body = EmailConfirmed), (status = 401, body = ErrorBody, description = "The link does not work"),
        (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
    ))]
async fn confirm_email(
    State(state): State<AppState>,
    _: SameOrigin,
    Peer(peer): Peer,
    headers: HeaderMap,
    extract::Json(request): extract::Json<EmailConfirmRequest>,
) -> ApiResult<Json<EmailConfirmed>> {
    let login = state.metadata.confirm_email(&request.code, client(peer, &headers)).await?;
    Ok(Json(EmailConfirmed { login }))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(own_email, set_email)).routes(routes!(confirm_email))
}
