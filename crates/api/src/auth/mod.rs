//! Who is calling: turns a cookie, an `Authorization` header or `u=`/`p=` into a [`Principal`].
//!
//! Order of precedence: the `Authorization` header, then `u=` and `p=` of the query (InfluxDB 1.x), then the session
//! cookie. A credential that is present but wrong fails the request; the next kind is not tried.
//!
//! Invariant: a cookie alone never authorises a change or a WebSocket; the request must also come from a page of this
//! server ([`origin`]).

pub mod cookie;
pub mod credentials;
pub mod origin;
pub mod peer;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use sensorium_model::{Action, DatabaseName, ErrorKind, Principal};

use crate::error::ApiError;
use crate::state::AppState;
use credentials::Credentials;

/// The authenticated caller of a request; anonymous requests are refused with 401.
#[derive(Debug, Clone)]
pub struct Caller(pub Principal);

/// The authenticated caller, if the request holds a credential at all; a wrong credential is refused with 401.
#[derive(Debug, Clone)]
pub struct MaybeCaller(pub Option<Principal>);

/// A caller that wants to write readings: as [`Caller`], but with `http.anonymous_write` a request without any
/// credential may write to the databases of the first organisation.
#[derive(Debug, Clone)]
pub struct Writer(pub Principal);

impl Caller {
    /// Fails unless the caller may read the database. A database that the caller must not know of is reported as
    /// missing.
    pub fn may_read(&self, database: &DatabaseName) -> Result<(), ApiError> {
        require(&self.0, Action::Read(database), "this credential may not read this database")
    }

    /// Fails for guests, who learn of nothing but of what is shared with them.
    pub fn may_look_around(&self) -> Result<(), ApiError> {
        require(
            &self.0,
            Action::LookAround,
            "guests see what is shared with them only; ask an administrator to make you a viewer",
        )
    }

    /// Fails unless the action is allowed; `sentence` says what is not.
    pub fn require(&self, action: Action<'_>, sentence: &str) -> Result<(), ApiError> {
        require(&self.0, action, sentence)
    }
}

/// Fails unless the principal may do this; `sentence` says what it may not.
pub fn require(principal: &Principal, action: Action<'_>, sentence: &str) -> Result<(), ApiError> {
    if principal.allows(action) { Ok(()) } else { Err(ApiError::denied(sentence)) }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        authenticate(parts, state).await?.map(Caller).ok_or_else(ApiError::unauthenticated)
    }
}

impl FromRequestParts<AppState> for MaybeCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        authenticate(parts, state).await.map(MaybeCaller)
    }
}

impl FromRequestParts<AppState> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        match authenticate(parts, state).await? {
            Some(principal) => Ok(Self(principal)),
            None if state.config.anonymous_write => Ok(Self(Principal::anonymous_writer(state.metadata.org()))),
            None => Err(ApiError::unauthenticated()),
        }
    }
}

async fn authenticate(parts: &Parts, state: &AppState) -> Result<Option<Principal>, ApiError> {
    let wrong = |sentence: &str| ApiError::new(ErrorKind::Unauthenticated, sentence);
    match credentials::find(parts)? {
        None => Ok(None),
        Some(Credentials::Token(secret)) => {
            let principal = state.metadata.authenticate_token(&secret).await?;
            principal.map(Some).ok_or_else(|| wrong("this API token is unknown, was revoked or is too old, or its device is disabled; create another one"))
        }
        Some(Credentials::Password { login, password }) => {
            let peer = peer::address(parts);
            let principal = state.metadata.authenticate_basic(&login, &password, peer).await?;
            principal.map(Some).ok_or_else(|| wrong("the user name, the password or the API token is wrong"))
        }
        Some(Credentials::Cookie(secret)) => {
            let Some((principal, renewed)) = state.metadata.session(&secret).await? else {
                return Ok(None);
            };
            if origin::needs_check(parts) {
                origin::check(parts)?;
            }
            if let Some(renewed) = renewed {
                cookie::renew(parts, renewed);
            }
            Ok(Some(principal))
        }
    }
}
