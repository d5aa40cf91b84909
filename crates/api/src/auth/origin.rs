//! Protects cookie-authenticated requests against forgery by other sites.
//!
//! A browser sends the `Origin` of the page with every request that can change something and with every WebSocket
//! handshake; it must name the host that the request itself names. A request without `Origin` is accepted only if no
//! browser marked it as coming from elsewhere (`Sec-Fetch-Site`). Behind a proxy, the proxy must pass `Host` on.

use axum::extract::FromRequestParts;
use axum::http::header::{HOST, ORIGIN, UPGRADE};
use axum::http::request::Parts;
use axum::http::{Method, Uri};

use crate::error::ApiError;
use crate::state::AppState;

/// Extractor for requests that create a session: refuses forms of other sites even before there is a cookie.
#[derive(Debug, Clone, Copy)]
pub struct SameOrigin;

impl FromRequestParts<AppState> for SameOrigin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        check(parts).map(|()| Self)
    }
}

/// Whether the request can change something or opens a WebSocket.
pub fn needs_check(parts: &Parts) -> bool {
    !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) || parts.headers.contains_key(UPGRADE)
}

/// Fails if a page of another site sent the request.
pub fn check(parts: &Parts) -> Result<(), ApiError> {
    let same = match parts.headers.get(ORIGIN) {
        Some(origin) => {
            let origin = origin.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
            let theirs = origin.as_ref().and_then(|origin| {
                let port = origin.port_u16().or(default_port(origin.scheme_str()));
                origin.host().map(|host| (host.to_ascii_lowercase(), port))
            });
            let scheme = origin.as_ref().and_then(|origin| origin.scheme_str());
            theirs.is_some() && theirs == own_host(parts, scheme)
        }
        None => {
            parts.headers.get("sec-fetch-site").is_none_or(|site| matches!(site.as_bytes(), b"same-origin" | b"none"))
        }
    };
    if same {
        Ok(())
    } else {
        Err(ApiError::denied(
            "this request comes from a page of another site; behind a proxy, make it pass the Host header on unchanged",
        ))
    }
}

/// The host and port that the request was sent to; a port that is left out is the one of the page's scheme.
fn own_host(parts: &Parts, scheme: Option<&str>) -> Option<(String, Option<u16>)> {
    let authority = match parts.headers.get(HOST) {
        Some(host) => host.to_str().ok()?.parse().ok()?,
        None => parts.uri.authority()?.clone(),
    };
    Some((authority.host().to_ascii_lowercase(), authority.port_u16().or(default_port(scheme))))
}

fn default_port(scheme: Option<&str>) -> Option<u16> {
    match scheme {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn accepted(headers: &[(&str, &str)]) -> bool {
        let mut request = Request::post("/api/v1/tokens");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap().into_parts().0).is_ok()
    }

    #[test]
    fn only_pages_of_this_server_pass() {
        assert!(accepted(&[("host", "box:8086"), ("origin", "http://box:8086")]));
        assert!(accepted(&[("host", "Box:8086"), ("origin", "http://box:8086")]));
        assert!(accepted(&[("host", "box"), ("origin", "https://box:443")]));
        assert!(accepted(&[("host", "[::1]:8086"), ("origin", "http://[::1]:8086")]));
        for origin in
            ["http://box:8087", "http://evil.example", "http://box", "null", "", "http://box:8086.evil.example"]
        {
            assert!(!accepted(&[("host", "box:8086"), ("origin", origin)]), "{origin:?} was accepted");
        }
        assert!(!accepted(&[("origin", "http://box:8086")]), "no host to compare with");
    }

    #[test]
    fn without_an_origin_the_browser_may_still_tell() {
        assert!(accepted(&[("host", "box:8086")]));
        assert!(accepted(&[("host", "box:8086"), ("sec-fetch-site", "same-origin")]));
        assert!(!accepted(&[("host", "box:8086"), ("sec-fetch-site", "cross-site")]));
        assert!(!accepted(&[("host", "box:8086"), ("sec-fetch-site", "same-site")]));
    }

    #[test]
    fn reads_pass_and_websockets_do_not() {
        let parts = |request: Request<()>| request.into_parts().0;
        assert!(!needs_check(&parts(Request::get("/").body(()).unwrap())));
        assert!(needs_check(&parts(Request::delete("/").body(()).unwrap())));
        assert!(needs_check(&parts(Request::get("/").header("upgrade", "websocket").body(()).unwrap())));
    }
}
