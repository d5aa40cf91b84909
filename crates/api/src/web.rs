//! The web page, embedded in the binary.
//!
//! Files under `/assets/` carry a hash of their content in their names and are kept by browsers for a year; everything
//! else is revalidated each time by its `ETag`. Any other path answers the page itself, whose own router shows the
//! right view, except under `/api`, `/ws` and `/assets`, where an unknown path is an error.

use axum::Router;
use axum::extract::Request;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use memory_serve::CacheControl;
use tower::ServiceExt;

use crate::error::ApiError;
use crate::state::AppState;

/// Serves the page on every path that no route takes.
pub(crate) fn with_pages(routes: Router<AppState>) -> Router<AppState> {
    let pages: Router = memory_serve::load!()
        .index_file(Some("/index.html"))
        .fallback(Some("/index.html"))
        .fallback_status(StatusCode::OK)
        .html_cache_control(CacheControl::NoCache)
        .cache_control(CacheControl::NoCache)
        .into_router();
    routes.fallback(move |request: Request| page(pages.clone(), request))
}

async fn page(pages: Router, request: Request) -> Response {
    let path = request.uri().path();
    if under(path, "/api") || under(path, "/ws") {
        return ApiError::missing("there is nothing at this address; see /api/openapi.json").into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ApiError::missing("there is nothing at this address that takes this method").into_response();
    }
    let hashed = under(path, "/assets");
    let mut response = match pages.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if hashed {
        let is_page = response
            .headers()
            .get(axum::http::header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if is_page {
            return ApiError::missing("this file belongs to another version of the page; reload it").into_response();
        }
        let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(CACHE_CONTROL, forever);
    }
    response
}

/// Whether a path is `prefix` or below it.
fn under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
