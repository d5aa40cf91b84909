//! A request that is refused as a whole, as InfluxDB says it.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sensorium_model::ErrorKind;
use serde::Serialize;
use utoipa::ToSchema;

use super::value;
use crate::error::{ApiError, status};

/// The body of a request of InfluxDB's that is refused.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InfluxError {
    /// Why, in InfluxDB's words where it has some.
    pub(super) error: String,
}

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// The request is wrong.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Another part of the server refused it.
    pub(super) fn of(error: &ApiError) -> Self {
        Self::new(status(error.kind()), error.message())
    }

    /// Who calls is not known.
    pub(super) fn of_caller(error: &ApiError, has_credential: bool) -> Self {
        match (error.kind(), has_credential) {
            (ErrorKind::Unauthenticated, true) => Self::new(StatusCode::UNAUTHORIZED, "authorization failed"),
            (ErrorKind::Unauthenticated, false) => {
                Self::new(StatusCode::UNAUTHORIZED, "unable to parse authentication credentials")
            }
            _ => Self::of(error),
        }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::of(&error)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.status {
            StatusCode::FORBIDDEN => ErrorKind::Denied,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::TooLarge,
            _ => ErrorKind::Invalid,
        };
        Self::new(kind, refusal.message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, message } = self;
        // What does not fit into a header is in the body alone.
        let told = HeaderValue::try_from(message.as_str()).ok();
        let mut body = b"{\"error\":".to_vec();
        value::string(&message, &mut body);
        body.extend_from_slice(b"}\n");
        let media = HeaderValue::from_static("application/json");
        let mut response = (status, [(header::CONTENT_TYPE, media)], body).into_response();
        let headers = response.headers_mut();
        headers.extend(told.map(|told| (HeaderName::from_static("x-influxdb-error"), told)));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"sensorium\""));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
