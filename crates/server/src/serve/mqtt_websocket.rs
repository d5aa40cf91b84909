//! MQTT over WebSocket, at `/mqtt` of the HTTP server. The page of the same address is answered to whoever asks for no WebSocket.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::header::UPGRADE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use sensorium_api::ApiError;
use sensorium_gateways::mqtt::{Mqtt, NotOpened};
use tower::ServiceExt;

/// Where clients open it, as most of them expect by themselves.
const PATH: &str = "/mqtt";

/// Adds the WebSocket to what is answered over HTTP.
pub(super) fn beside(router: Router, mqtt: Mqtt) -> Router {
    let others = router.clone();
    let answer = move |ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request| async move {
        if !is_handshake(&request) {
            return others.oneshot(request).await.into_response();
        }
        open(&mqtt, peer, request).await.unwrap_or_else(ApiError::into_response)
    };
    tracing::info!(path = PATH, "MQTT over WebSocket");
    router.route(PATH, any(answer))
}

/// Whether a WebSocket is asked for: over HTTP/1.1 with `Upgrade`, over HTTP/2 with an extended CONNECT (RFC 8441).
fn is_handshake(request: &Request) -> bool {
    let upgrade = request.headers().get(UPGRADE);
    request.method() == Method::CONNECT || upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

async fn open(mqtt: &Mqtt, peer: SocketAddr, request: Request) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await.map_err(|rejection| {
        ApiError::invalid(format!("{}; open this address as a WebSocket", rejection.body_text()))
    })?;
    mqtt.open_websocket(upgrade, peer.ip().to_canonical()).map_err(|error| {
        let status = match error {
            NotOpened::Subprotocol => StatusCode::BAD_REQUEST,
            NotOpened::Full { .. } | NotOpened::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        };
        ApiError::new(error.kind(), error.to_string()).status(status)
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_page_is_no_handshake() {
        let request = |method: Method, upgrade: Option<&str>| {
            let mut request = Request::builder().method(method).uri(PATH);
            if let Some(upgrade) = upgrade {
                request = request.header(UPGRADE, upgrade);
            }
            request.body(Body::empty()).unwrap()
        };
        assert!(is_handshake(&request(Method::GET, Some("WebSocket"))));
        assert!(is_handshake(&request(Method::CONNECT, None)));
        assert!(!is_handshake(&request(Method::GET, None)));
        assert!(!is_handshake(&request(Method::GET, Some("h2c"))));
    }
}
