//! The HTTP face of Sensorium: REST under `/api/v1`, line protocol ingest as InfluxDB's clients send it, the live
//! WebSocket, operations endpoints and the embedded web page.
//!
//! Invariants:
//! - every handler that touches data takes a [`auth::Caller`] (or [`auth::Writer`]) and asks
//!   [`sensorium_model::Principal::allows`]; the organisation always comes from the principal, never from the request;
//! - every error body is JSON of one shape ([`error::ErrorBody`]) whose status comes from one table ([`error::status`]);
//! - a request that a browser authenticates with a cookie and that changes something, or opens a WebSocket, comes from
//!   a page of this very server ([`auth::origin`]);
//! - secrets never reach a log: traces hold the path of a request, never its query string or its headers.
//!
//! Limits: `http.body_bytes` as sent and `http.decoded_bytes` after decompression for ingest, [`SMALL_BODY_BYTES`] for
//! everything else; see [`state::ApiConfig`].
//!
//! The server inserts the peer's address into each request as `axum::extract::ConnectInfo<SocketAddr>`; without it
//! all callers share one sign-in limit.

pub mod auth;
mod body;
pub mod error;
mod extract;
mod layers;
mod mail;
pub mod oidc;
mod openapi;
pub mod routes;
pub mod state;
#[cfg(test)]
mod tests;
mod web;

pub use error::ApiError;
pub use mail::Mail;
pub use oidc::{Oidc, OidcConfig, OidcConfigError};
pub use openapi::openapi;
pub use routes::inbox::finish_adoptions;
pub use routes::places::{PictureError, kept_picture};
pub use state::{ApiConfig, AppState};

use axum::Router;

/// The largest body, in bytes, of a request that is not ingest: sign-in, tokens, SQL text.
pub const SMALL_BODY_BYTES: usize = 1 << 20;

/// Everything that the server answers over HTTP.
pub fn router(state: AppState) -> Router {
    let (routes, document) = openapi::documented().split_for_parts();
    let routes = openapi::serve(routes, document);
    let routes = routes.method_not_allowed_fallback(error::method_not_allowed);
    layers::wrap(web::with_pages(routes), state)
}
