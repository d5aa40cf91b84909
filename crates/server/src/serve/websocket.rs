//! A WebSocket of another protocol beside the page: whoever asks for no WebSocket at its address is answered as without it.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::Method;
use axum::http::header::UPGRADE;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use sensorium_api::ApiError;
use tower::ServiceExt;

/// Adds a WebSocket, which `open` agrees to, to what is answered over HTTP.
pub(super) fn beside(
    router: Router,
    path: &str,
    open: impl Fn(WebSocketUpgrade, IpAddr) -> Result<Response, ApiError> + Clone + Send + Sync + 'static,
) -> Router {
    let others = router.clone();
    let answer = move |ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request| async move {
        if !is_handshake(&request) {
            return others.oneshot(request).await.into_response();
        }
        let opened = upgrade(request).await.and_then(|upgrade| open(upgrade, peer.ip().to_canonical()));
        opened.unwrap_or_else(ApiError::into_response)
    };
    router.route(path, any(answer))
}

/// Whether a WebSocket is asked for: over HTTP/1.1 with `Upgrade`, over HTTP/2 with an extended CONNECT (RFC 8441).
fn is_handshake(request: &Request) -> bool {
    let upgrade = request.headers().get(UPGRADE);
    request.method() == Method::CONNECT || upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

async fn upgrade(request: Request) -> Result<WebSocketUpgrade, ApiError> {
    let (mut parts, _) = request.into_parts();
    WebSocketUpgrade::from_request_parts(&mut parts, &())
        .await
        .map_err(|rejection| ApiError::invalid(format!("{}; open this address as a WebSocket", rejection.body_text())))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_page_is_no_handshake() {
        let request = |method: Method, upgrade: Option<&str>| {
            let mut request = Request::builder().method(method).uri("/mqtt");
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
