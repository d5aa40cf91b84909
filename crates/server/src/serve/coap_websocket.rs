//! CoAP over WebSocket, at `/coap` of the HTTP server. The page of the same address is answered to whoever asks for no WebSocket.

use axum::Router;
use axum::http::StatusCode;
use sensorium_api::ApiError;
use sensorium_gateways::coap::{Coap, NotOpened};

use super::websocket;

/// Where clients open it.
const PATH: &str = "/coap";

/// Adds the WebSocket to what is answered over HTTP.
pub(super) fn beside(router: Router, coap: Coap, is_secured: bool) -> Router {
    tracing::info!(path = PATH, "CoAP over WebSocket");
    websocket::beside(router, PATH, move |upgrade, peer| {
        coap.open_websocket(upgrade, peer, is_secured).map_err(|error| {
            let status = match error {
                NotOpened::Subprotocol => StatusCode::BAD_REQUEST,
                NotOpened::Full { .. } | NotOpened::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            };
            ApiError::new(error.kind(), error.to_string()).status(status)
        })
    })
}
