//! Signing in with a provider of OpenID Connect: `GET /api/v1/session/oidc` begins, `GET …/callback` is where the provider sends the
//! browser back to, and `POST /api/v1/session/oidc` brings the code of a second factor. `GET` and `POST /api/v1/account/identity` and
//! `POST …/remove` link and unlink whoever is signed in.
//!
//! Browsers are sent here and back, so failures become sentences that the page then asks for ([`Door`], [`LinkState`]). They, and
//! what is under way, are found by the cookie [`COOKIE_NAME`]. It is `SameSite=Lax`, because the session's own is not sent when another
//! site sends a browser here; that is also why linking begins with a `POST`, which takes the session and a page of this server.

use axum::Json;
use axum::extract::State;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use sensorium_metadata::MetadataError;
use sensorium_model::{ErrorKind, Principal, Subject};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::rfc3339;
use super::session::{SessionBody, session_cookie, signed_in};
use crate::auth::origin::SameOrigin;
use crate::auth::peer::{Peer, client};
use crate::auth::{Caller, cookie};
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::oidc::pending::{LIFETIME, Pending};
use crate::oidc::{Oidc, OidcError};
use crate::state::AppState;

/// The cookie by which a browser is known between two requests.
const COOKIE_NAME: &str = "sensorium_oidc";
/// The page to sign in.
const SIGN_IN_PAGE: &str = "/login";
/// The page of one's own account.
const ACCOUNT_PAGE: &str = "/account";

/// A provider that people may sign in with.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Door {
    /// What people call it.
    name: String,
    /// Why this browser was not signed in a moment ago.
    #[schema(required)]
    failure: Option<String>,
    /// Whether the provider has named a person in this browser, and a code is to be sent to `POST /api/v1/session/oidc`.
    second_factor_needed: bool,
}

/// How the caller is linked with the provider.
#[derive(Debug, Serialize, ToSchema)]
struct LinkState {
    /// What people call the provider; null if none is set.
    #[schema(required)]
    provider: Option<String>,
    #[schema(required)]
    linked: Option<LinkedIdentity>,
    /// Why linking in this browser did not work a moment ago.
    #[schema(required)]
    failure: Option<String>,
}

/// An account of the provider.
#[derive(Debug, Serialize, ToSchema)]
struct LinkedIdentity {
    /// The e-mail address that it had there.
    #[schema(required)]
    email: Option<String>,
    /// Since when, RFC 3339.
    #[schema(format = DateTime)]
    since: String,
}

/// Where to go.
#[derive(Debug, Serialize, ToSchema)]
struct LinkBegun {
    /// An address of the provider.
    location: String,
}

/// The password that one has.
#[derive(Deserialize, ToSchema)]
struct UnlinkRequest {
    password: String,
}

/// A code.
#[derive(Deserialize, ToSchema)]
struct CodeRequest {
    /// Of the second factor, or a recovery code.
    second_factor: String,
}

/// What the provider sends the browser back with (RFC 6749, section 4.1.2, and RFC 9207).
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CallbackQuery {
    /// What is exchanged for a person.
    code: Option<String>,
    /// What went to the provider.
    state: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    /// Which provider it is.
    iss: Option<String>,
}

/// What a browser learns before it is signed in, if there is a provider.
pub(super) fn door(state: &AppState, headers: &HeaderMap) -> Option<Door> {
    let oidc = state.oidc.as_ref()?;
    let pending = kept(oidc, headers);
    Some(Door {
        name: oidc.name().to_owned(),
        second_factor_needed: matches!(pending, Some(Pending::Proven(_))),
        failure: failure(pending),
    })
}

fn kept(oidc: &Oidc, headers: &HeaderMap) -> Option<Pending> {
    oidc.look(&cookie::find(headers, COOKIE_NAME)?)
}

fn failure(pending: Option<Pending>) -> Option<String> {
    match pending {
        Some(Pending::Failed(sentence)) => Some(sentence),
        Some(Pending::Asked { .. } | Pending::Proven(_)) | None => None,
    }
}

fn configured(state: &AppState) -> ApiResult<&Oidc> {
    state
        .oidc
        .as_ref()
        .ok_or_else(|| ApiError::missing("nobody signs in with a provider here (people.oidc.issuer is not set)"))
}

fn is_secure(state: &AppState, oidc: &Oidc, headers: &HeaderMap) -> bool {
    oidc.is_secure() || cookie::is_secure(headers, state.config.tls)
}

/// The header that makes the browser known, or with an empty value unknown again.
fn own_cookie(key: &str, secure: bool) -> HeaderValue {
    let seconds = if key.is_empty() { 0 } else { LIFETIME.as_secs() };
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{COOKIE_NAME}={key}; Path=/api/v1; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    // A key is base64url, so the text is always a valid header.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Sends the browser on.
fn redirect(to: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or_else(|_| HeaderValue::from_static(SIGN_IN_PAGE));
    let cookies = AppendHeaders(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect::<Vec<_>>());
    (StatusCode::SEE_OTHER, [(LOCATION, to)], cookies).into_response()
}

/// Sign in with the provider
///
/// Sends the browser to the provider; or, if that is away, to the page to sign in, which then says so.
#[utoipa::path(get, path = "/api/v1/session/oidc", tag = "session", security(()), responses(
    (status = 303, description = "To the provider; sets a cookie for what follows"),
    (status = 404, body = ErrorBody, description = "No provider is set"),
))]
async fn sign_in_with_provider(State(state): State<AppState>, headers: HeaderMap) -> ApiResult<Response> {
    let oidc = configured(&state)?;
    let secure = is_secure(&state, oidc, &headers);
    Ok(match oidc.begin(None).await {
        Ok((url, key)) => redirect(url.as_str(), [own_cookie(&key, secure)]),
        Err(error) => {
            let key = oidc.remember(Pending::Failed(error.to_string()));
            redirect(SIGN_IN_PAGE, [own_cookie(&key, secure)])
        }
    })
}

/// Come back from the provider
///
/// Only browsers come here, sent by the provider. Whatever the outcome, they are sent on to a page, which says what went wrong.
#[utoipa::path(get, path = "/api/v1/session/oidc/callback", tag = "session", security(()), params(CallbackQuery),
    responses(
        (status = 303, description = "To a page; sets the session cookie if it worked"),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "No provider is set"),
    ))]
async fn come_back_from_provider(
    State(state): State<AppState>,
    Peer(peer): Peer,
    headers: HeaderMap,
    extract::Query(query): extract::Query<CallbackQuery>,
) -> ApiResult<Response> {
    let oidc = configured(&state)?;
    let secure = is_secure(&state, oidc, &headers);
    let asked = cookie::find(&headers, COOKIE_NAME).and_then(|key| oidc.take(&key));
    let (expected, link) = match asked {
        Some(Pending::Asked { expected, link }) => (Some(expected), link),
        Some(Pending::Proven(_) | Pending::Failed(_)) | None => (None, None),
    };
    let page = if link.is_some() { ACCOUNT_PAGE } else { SIGN_IN_PAGE };
    let fail = |sentence: String| {
        let key = oidc.remember(Pending::Failed(sentence));
        redirect(page, [own_cookie(&key, secure)])
    };
    let Some(expected) = expected.filter(|expected| query.state.as_ref() == Some(&expected.state)) else {
        return Ok(fail(OidcError::Lost.to_string()));
    };
    let code = match code_of(oidc, query) {
        Ok(code) => code,
        Err(error) => return Ok(fail(error.to_string())),
    };
    let identity = match oidc.finish(code, expected).await {
        Ok(identity) => identity,
        Err(error) => return Ok(fail(error.to_string())),
    };
    if let Some(who) = link {
        return Ok(match state.metadata.link_identity(&who, &identity).await {
            Ok(()) => redirect(page, [own_cookie("", secure)]),
            Err(error) => fail(sentence(error)),
        });
    }
    match state.metadata.sign_in_with_identity(&identity, oidc.rules(), None, client(peer, &headers)).await {
        Ok(session) => Ok(redirect("/", [session_cookie(&session, secure), own_cookie("", secure)])),
        Err(MetadataError::CodeNeeded) => {
            let key = oidc.remember(Pending::Proven(identity));
            Ok(redirect(page, [own_cookie(&key, secure)]))
        }
        Err(error) => Ok(fail(sentence(error))),
    }
}

/// The code, if the provider let somebody in.
fn code_of(oidc: &Oidc, query: CallbackQuery) -> Result<String, OidcError> {
    if query.iss.is_some_and(|issuer| issuer != oidc.issuer()) {
        return Err(OidcError::Unverified(oidc.name().to_owned()));
    }
    match (query.code, query.error) {
        (Some(code), None) => Ok(code),
        (_, Some(error)) => {
            // Such as `access_denied`, or `invalid_scope` when the settings are wrong.
            let error: String = error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect();
            tracing::info!(issuer = oidc.issuer(), error, "the provider let nobody in");
            Err(OidcError::Refused(oidc.name().to_owned()))
        }
        (None, None) => Err(OidcError::Unusable(oidc.name().to_owned())),
    }
}

/// What the page says about a failure; what only the operator can act upon is logged.
fn sentence(error: MetadataError) -> String {
    ApiError::from(error).message().to_owned()
}

/// Bring the code of a second factor after the provider
///
/// For a browser in which the provider has named somebody who has one; `GET /api/v1/registration` says so.
#[utoipa::path(post, path = "/api/v1/session/oidc", tag = "session", security(()), request_body = CodeRequest,
    responses(
        (status = 200, body = SessionBody, description = "Sets the session cookie"),
        (status = 401, body = ErrorBody, description = "The code is wrong, or the provider has named nobody in this browser"),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody, description = "No provider is set"),
        (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
    ))]
async fn bring_code(
    State(state): State<AppState>,
    _: SameOrigin,
    Peer(peer): Peer,
    headers: HeaderMap,
    extract::Json(request): extract::Json<CodeRequest>,
) -> ApiResult<Response> {
    let oidc = configured(&state)?;
    let lost = || ApiError::new(ErrorKind::Unauthenticated, OidcError::Lost.to_string());
    let key = cookie::find(&headers, COOKIE_NAME).ok_or_else(lost)?;
    let Some(Pending::Proven(identity)) = oidc.look(&key) else { return Err(lost()) };
    let from = client(peer, &headers);
    let code = Some(request.second_factor.as_str());
    let session = state.metadata.sign_in_with_identity(&identity, oidc.rules(), code, from).await?;
    oidc.take(&key);
    let secure = is_secure(&state, oidc, &headers);
    let mut response = signed_in(&state, &headers, StatusCode::OK, session);
    response.headers_mut().append(SET_COOKIE, own_cookie("", secure));
    Ok(response)
}

/// Say whether one is linked with the provider
#[utoipa::path(get, path = "/api/v1/account/identity", tag = "account", responses(
    (status = 200, body = LinkState), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn own_link(
    State(state): State<AppState>,
    Caller(principal): Caller,
    headers: HeaderMap,
) -> ApiResult<Json<LinkState>> {
    // Nothing is told of others, and programs have no account, whatever is set.
    let linked = state.metadata.own_identity(&principal, state.oidc.as_ref().map_or("", Oidc::issuer)).await?;
    Ok(Json(LinkState {
        provider: state.oidc.as_ref().map(|oidc| oidc.name().to_owned()),
        linked: linked.map(|own| LinkedIdentity { email: own.email, since: rfc3339(own.since_ms) }),
        failure: state.oidc.as_ref().and_then(|oidc| failure(kept(oidc, &headers))),
    }))
}

/// Begin to link oneself with the provider
///
/// Takes a session of a browser, which goes to `location` next.
#[utoipa::path(post, path = "/api/v1/account/identity", tag = "account", responses(
    (status = 200, body = LinkBegun, description = "Sets a cookie for what follows"),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "The caller has no session"),
    (status = 404, body = ErrorBody, description = "No provider is set"),
    (status = 409, body = ErrorBody, description = "The provider is away"),
))]
async fn begin_link(
    State(state): State<AppState>,
    Caller(principal): Caller,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let oidc = configured(&state)?;
    let Principal { subject: Subject::User(_, Some(_)), .. } = principal else {
        return Err(ApiError::denied("only a browser that is signed in can be sent to the provider"));
    };
    let begun = oidc.begin(Some(principal)).await;
    let (url, key) = begun.map_err(|error| ApiError::new(ErrorKind::Conflict, error.to_string()))?;
    let cookie = own_cookie(&key, is_secure(&state, oidc, &headers));
    Ok(([(SET_COOKIE, cookie)], Json(LinkBegun { location: url.into() })).into_response())
}

/// Unlink oneself from the provider
///
/// Takes the password, so that nobody locks themselves out.
#[utoipa::path(post, path = "/api/v1/account/identity/remove", tag = "account", request_body = UnlinkRequest, responses(
    (status = 204, description = "Unlinked"), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "The password is wrong, or the caller is no person"),
    (status = 404, body = ErrorBody, description = "No provider is set, or the caller is not linked"),
    (status = 429, body = ErrorBody, description = "Too many attempts; see Retry-After"),
))]
async fn unlink(
    State(state): State<AppState>,
    Caller(principal): Caller,
    Peer(peer): Peer,
    extract::Json(request): extract::Json<UnlinkRequest>,
) -> ApiResult<StatusCode> {
    let issuer = configured(&state)?.issuer();
    state.metadata.unlink_identity(&principal, issuer, &request.password, peer).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(sign_in_with_provider, bring_code))
        .routes(routes!(come_back_from_provider))
        .routes(routes!(own_link, begin_link))
        .routes(routes!(unlink))
}
