//! What a client reads when a request fails: one JSON shape, and the one table from kind to HTTP status.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sensorium_model::{ErrorKind, chain};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The result of a handler.
pub type ApiResult<T> = Result<T, ApiError>;

/// The body of every failed request.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong and what to do about it, as a sentence.
    pub error: String,
    /// A stable word for the kind of failure.
    #[schema(value_type = ErrorCode)]
    pub code: &'static str,
    /// More facts of some errors.
    #[serde(flatten)]
    #[schema(value_type = ErrorDetails)]
    pub details: Map<String, Value>,
}

/// Facts that some errors hold.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the facts in the OpenAPI document")]
struct ErrorDetails {
    /// Where a query is wrong: the line, from 1.
    #[schema(nullable = false)]
    line: Option<u64>,
    /// Where a query is wrong: the character in the line, from 1.
    #[schema(nullable = false)]
    column: Option<u64>,
    /// When another attempt can succeed, as in the header `Retry-After`.
    #[schema(nullable = false)]
    retry_after_seconds: Option<u64>,
    /// How the thing is now, when a change came too late.
    #[schema(nullable = false, value_type = Object)]
    current: Option<Value>,
    /// Whether the password is right and a code of the second factor, another one if one was sent, is to be sent with it.
    #[schema(nullable = false)]
    second_factor_needed: Option<bool>,
    /// What is wrong in a file of devices; the first 100 things.
    #[schema(nullable = false)]
    problems: Option<Vec<crate::routes::devices::Problem>>,
    /// What was filled in wrongly for a template.
    #[schema(nullable = false)]
    variables: Option<Vec<crate::routes::templates::WrongVariable>>,
    /// What is wrong with a template that was submitted.
    #[schema(nullable = false)]
    template_problems: Option<Vec<crate::routes::submissions::TemplateProblem>>,
}

/// The kinds of failure.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes the words in the OpenAPI document")]
enum ErrorCode {
    Invalid,
    Unauthenticated,
    Denied,
    Missing,
    Conflict,
    TooLarge,
    Busy,
    NoSpace,
    Corrupt,
    Internal,
}

/// A failed request.
#[derive(Debug, Clone)]
pub struct ApiError {
    kind: ErrorKind,
    message: String,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    details: Map<String, Value>,
}

/// The HTTP status of each kind of failure.
pub fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::Missing => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Busy => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::NoSpace => StatusCode::INSUFFICIENT_STORAGE,
        ErrorKind::Corrupt | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl ApiError {
    /// An error of a kind; the message is shown to the client.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, retry_after: None, details: Map::new() }
    }

    /// An error from another part of the server. What only the operator can act upon is logged, and the client is told
    /// where to look; everything else is shown as it is.
    pub fn from_error(kind: ErrorKind, error: &(dyn std::error::Error + 'static)) -> Self {
        match kind {
            ErrorKind::Internal => {
                tracing::error!(error = %chain(error), "a request failed");
                Self::new(kind, "the server could not do this; its log says why")
            }
            _ => Self::new(kind, error.to_string()),
        }
    }

    /// The request is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// The thing does not exist for this caller.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Missing, message)
    }

    /// The caller may not do this.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Denied, message)
    }

    /// Nobody is signed in.
    pub fn unauthenticated() -> Self {
        Self::new(
            ErrorKind::Unauthenticated,
            "sign in, or send an API token in the header Authorization: Bearer <token>",
        )
    }

    /// No such database for this caller; the same words whether it does not exist or must not be known.
    pub fn database_missing(name: &str) -> Self {
        Self::missing(format!("database not found: {name:?}"))
    }

    /// Replaces the status that the kind implies, where a protocol that we follow says so.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Adds a fact to the body.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for ApiError {
    fn into_response(mut self) -> Response {
        let code = self.status.unwrap_or_else(|| status(self.kind));
        let wait = match self.kind {
            ErrorKind::Busy => Some(self.retry_after.unwrap_or(Duration::from_secs(1))),
            _ => self.retry_after,
        };
        let wait = wait.map(|wait| (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1));
        if let Some(seconds) = wait {
            self.details.insert("retry_after_seconds".to_owned(), seconds.into());
        }
        let body = ErrorBody { error: self.message, code: self.kind.as_str(), details: self.details };
        let mut response = (code, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = wait {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if code == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"sensorium\""));
        }
        response
    }
}

impl From<sensorium_metadata::MetadataError> for ApiError {
    fn from(error: sensorium_metadata::MetadataError) -> Self {
        use sensorium_metadata::MetadataError::{CodeNeeded, WrongCode};
        let made = Self::from_error(error.kind(), &error);
        match (&error, error.retry_after()) {
            (CodeNeeded | WrongCode(_), _) => made.with("second_factor_needed", true),
            (_, Some(wait)) => made.retry_after(wait),
            (_, None) => made,
        }
    }
}

impl From<sensorium_ingest::IngestError> for ApiError {
    fn from(error: sensorium_ingest::IngestError) -> Self {
        // What only the operator can act upon is in the log already.
        let made = Self::new(error.kind(), error.to_string());
        match error.retry_after() {
            Some(wait) => made.retry_after(wait),
            None => made,
        }
    }
}

impl From<sensorium_model::MessagingError> for ApiError {
    fn from(error: sensorium_model::MessagingError) -> Self {
        // What only the operator can act upon is in the log already.
        Self::new(error.kind(), error.to_string())
    }
}

impl From<sensorium_store::WriteError> for ApiError {
    fn from(error: sensorium_store::WriteError) -> Self {
        Self::from_error(error.kind(), &error)
    }
}

impl From<sensorium_model::NameError> for ApiError {
    fn from(error: sensorium_model::NameError) -> Self {
        Self::invalid(error.to_string())
    }
}

/// Answers a known path that was asked with another method.
pub(crate) async fn method_not_allowed() -> ApiError {
    ApiError::invalid("this address does not take this method; see /api/openapi.json")
        .status(StatusCode::METHOD_NOT_ALLOWED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_always_says_when_to_come_back() {
        let response = ApiError::new(ErrorKind::Busy, "full").into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        let response = ApiError::new(ErrorKind::Busy, "full").retry_after(Duration::from_millis(1_500)).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    }

    #[test]
    fn internal_causes_stay_in_the_log() {
        let secret = std::io::Error::other("password of the disk");
        let error = ApiError::from_error(ErrorKind::Internal, &secret);
        assert!(!error.message().contains("disk"));
        let error = ApiError::from_error(ErrorKind::NoSpace, &secret);
        assert!(error.message().contains("disk"));
    }
}
