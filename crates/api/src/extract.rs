//! Extractors of query, path and JSON body whose failures are answered in our own error shape.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use sensorium_model::ErrorKind;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// How long a small body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// As [`axum::extract::Query`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<T>(pub T);

/// As [`axum::extract::Path`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path<T>(pub T);

/// As [`axum::Json`], limited to [`crate::SMALL_BODY_BYTES`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<T>(pub T);

/// Waits for a small body to be read, but not for ever: who sends half of one must not keep the connection's place.
pub(crate) async fn in_time<T>(read: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::time::timeout(BODY_TIMEOUT, read).await.map_err(|_| {
        let seconds = BODY_TIMEOUT.as_secs();
        ApiError::invalid(format!("the body did not arrive within {seconds} s; send it again"))
            .status(StatusCode::REQUEST_TIMEOUT)
    })
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(ApiError::invalid(rejection.body_text())),
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(ApiError::invalid(rejection.body_text())),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match in_time(axum::Json::from_request(request, state)).await? {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(ApiError::new(
                ErrorKind::TooLarge,
                format!("the body is larger than the {} bytes that this address takes", crate::SMALL_BODY_BYTES),
            )),
            Err(rejection) => Err(ApiError::invalid(rejection.body_text())),
        }
    }
}
