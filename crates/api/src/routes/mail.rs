//! Mail: `POST /api/v1/mail/test`, `GET /api/v1/password-reset` and `POST /api/v1/password-reset/request`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use sensorium_mail::{Letter, MailError, Words};
use sensorium_model::{Action, EmailAddress, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::auth::origin::SameOrigin;
use crate::auth::peer::{Peer, client};
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::mail::required;
use crate::state::AppState;

/// Where a test message goes.
#[derive(Deserialize, ToSchema)]
struct MailTestRequest {
    /// Such as `ada@example.org`.
    #[schema(max_length = 254)]
    address: String,
}

/// What the mail server did with a test message.
#[derive(Debug, Serialize, ToSchema)]
struct MailTest {
    /// Whether it took the message.
    accepted: bool,
    /// What it said, or why it could not be reached.
    answer: String,
}

/// Whether whoever forgot a password can be sent a link.
#[derive(Debug, Serialize, ToSchema)]
struct ResetState {
    open: bool,
}

/// Who forgot a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResetRequest {
    /// The login, or the confirmed e-mail address.
    #[schema(min_length = 1, max_length = 254)]
    account: String,
}

/// Send a test message, and say what the mail server answers
///
/// The message is sent at once, past the queue, and counts for the limits of mail.
#[utoipa::path(post, path = "/api/v1/mail/test", tag = "operations", request_body = MailTestRequest, responses(
    (status = 200, body = MailTest), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Administrators only"),
    (status = 409, body = ErrorBody, description = "Mail is not set up"),
    (status = 429, body = ErrorBody, description = "A limit of mail is reached"),
))]
async fn test_mail(
    State(state): State<AppState>,
    caller: Caller,
    extract::Json(request): extract::Json<MailTestRequest>,
) -> ApiResult<Json<MailTest>> {
    caller.require(Action::ManagePeople(Role::Administrator), "only administrators send test messages")?;
    let mail = required(&state)?;
    let to: EmailAddress = request.address.parse().map_err(|error| ApiError::invalid(format!("address: {error}")))?;
    let letter = Letter { org: caller.0.org, to: to.clone(), words: Words::Test };
    let sent = mail.mailer().send_now(&letter).await;
    let (accepted, answer) = match sent {
        Ok(answer) => (true, answer),
        Err(MailError::Delivery { answer, .. }) => (false, answer),
        Err(error) => return Err(ApiError::from_error(error.kind(), &error)),
    };
    state.metadata.record_mail(caller.0.org, &to, letter.words.kind(), accepted).await?;
    Ok(Json(MailTest { accepted, answer }))
}

/// Say whether whoever forgot a password can be sent a link
#[utoipa::path(get, path = "/api/v1/password-reset", tag = "people", security(()), responses(
    (status = 200, body = ResetState),
))]
async fn reset_state(State(state): State<AppState>) -> Json<ResetState> {
    Json(ResetState { open: state.mail.is_some() })
}

/// Ask for a link that chooses another password
///
/// It is sent to the confirmed e-mail address of the account, if there is such an account and it has one; the answer is the same in
/// any case.
#[utoipa::path(post, path = "/api/v1/password-reset/request", tag = "people", security(()), request_body = ResetRequest,
    responses(
        (status = 202, description = "If there is such an account, a link is on its way to its address"),
        (status = 400, body = ErrorBody, description = "Nobody can have such a login or address"),
        (status = 409, body = ErrorBody, description = "This server sends no mail"),
        (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
    ))]
async fn request_reset(
    State(state): State<AppState>,
    _: SameOrigin,
    Peer(peer): Peer,
    headers: HeaderMap,
    extract::Json(request): extract::Json<ResetRequest>,
) -> ApiResult<StatusCode> {
    let mail = required(&state)?.clone();
    state.metadata.begin_reset(&request.account, client(peer, &headers))?;
    let room = mail.begin_reset()?;
    let metadata = state.metadata.clone();
    // After the answer, which so takes as long for whoever is known as for whoever is not.
    tokio::spawn(async move {
        let _room = room;
        mail.reset(metadata, request.account).await;
    });
    Ok(StatusCode::ACCEPTED)
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(test_mail)).routes(routes!(reset_state)).routes(routes!(request_reset))
}
