//! What surrounds every request: security headers, request ids, traces, metrics, compression, and the answer to a
//! handler that panicked.

use std::any::Any;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use sensorium_model::ErrorKind;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use tracing::Span;

use crate::auth::cookie;
use crate::error::ApiError;
use crate::state::AppState;

/// What a page of this server may load and who may frame it (CSP level 3).
const POLICY: &str = "default-src 'self'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Wraps the routes and gives them their state.
pub(crate) fn wrap(routes: Router<AppState>, state: AppState) -> Router {
    // Columnar results are compact already and on their way to a program; compressing them only costs time.
    let compressible = DefaultPredicate::new()
        .and(NotForContentType::const_new("application/vnd.apache"))
        .and(NotForContentType::const_new("application/octet-stream"));
    routes
        .layer(DefaultBodyLimit::max(crate::SMALL_BODY_BYTES))
        .layer(from_fn_with_state(state.clone(), cookie::set_renewed))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(from_fn(headers))
        .layer(from_fn(measure))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_request(()).on_failure(()))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(from_fn(bounded_request_id))
        .with_state(state)
}

/// Lets a client name its request, but only with a word that is fit for a log.
async fn bounded_request_id(mut request: Request, next: Next) -> Response {
    let is_fit = |id: &HeaderValue| {
        let id = id.as_bytes();
        id.len() <= 64 && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    if request.headers().get("x-request-id").is_some_and(|id| !is_fit(id)) {
        request.headers_mut().remove("x-request-id");
    }
    next.run(request).await
}

/// The span of a request: never its query string, which may hold `p=`.
fn span(request: &Request) -> Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    tracing::debug_span!("http", method = %request.method(), path = request.uri().path(), id)
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    // The panic hook has logged the message and the place.
    ApiError::new(ErrorKind::Internal, "the server hit a defect; its log says where").into_response()
}

async fn headers(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if is_api {
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// Counts requests and how long they took until their response began, by route, method and status.
async fn measure(request: Request, next: Next) -> Response {
    let started = Instant::now();
    // Unknown paths share one label, so that a scanner cannot create series.
    let route = request.extensions().get::<MatchedPath>().map_or("page", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    let labels = [("route", route), ("method", known_method(&method).to_owned()), ("status", status)];
    metrics::histogram!("sensorium_http_request_seconds", &labels).record(started.elapsed());
    response
}

/// A bounded set of labels: clients may invent methods.
fn known_method(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
