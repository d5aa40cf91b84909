//! MQTT over WebSocket, at `/mqtt` of the HTTP server. The page of the same address is answered to whoever asks for no WebSocket.

use axum::Router;
use axum::http::StatusCode;
use sensorium_api::ApiError;
use sensorium_gateways::mqtt::{Mqtt, NotOpened};

use super::websocket;

/// Where clients open it, as most of them expect by themselves.
const PATH: &str = "/mqtt";

/// Adds the WebSocket to what is answered over HTTP.
pub(super) fn beside(router: Router, mqtt: Mqtt) -> Router {
    tracing::info!(path = PATH, "MQTT over WebSocket");
    websocket::beside(router, PATH, move |upgrade, peer| {
        mqtt.open_websocket(upgrade, peer).map_err(|error| {
            let status = match error {
                NotOpened::Subprotocol => StatusCode::BAD_REQUEST,
                NotOpened::Full { .. } | NotOpened::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            };
            ApiError::new(error.kind(), error.to_string()).status(status)
        })
    })
}
