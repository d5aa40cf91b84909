//! The session cookie: `sensorium_session`, `HttpOnly`, `SameSite=Strict`, `Path=/`, and `Secure` where the browser
//! speaks TLS.
//!
//! A session's secret is replaced now and then while it is used. The extractor that notices leaves the new one in the
//! request's [`Slot`]; [`set_renewed`] copies it to the response.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{COOKIE, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use sensorium_metadata::NewSecret;

use crate::state::AppState;

/// The cookie's name.
pub const NAME: &str = "sensorium_session";

/// Where an extractor leaves a renewed secret for the response.
#[derive(Clone, Default)]
pub(crate) struct Slot(Arc<Mutex<Option<NewSecret>>>);

/// The session's secret, if the request has the cookie.
pub fn read(headers: &HeaderMap) -> Option<String> {
    find(headers, NAME)
}

/// The value of a cookie, if the request has one of this name.
pub(crate) fn find(headers: &HeaderMap, wanted: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == wanted && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}

/// The header that stores a session in the browser for `lifetime`.
pub fn set(secret: &str, lifetime: Duration, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let seconds = lifetime.as_secs();
    let text = format!("{NAME}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    // A secret is base64url, so the text is always a valid header.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The header that removes the session from the browser.
pub fn clear() -> HeaderValue {
    HeaderValue::from_static("sensorium_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
}

/// Whether the browser reached this server over TLS: the server speaks it itself, or the page's origin says so because
/// a proxy in front of the server does.
pub fn is_secure(headers: &HeaderMap, tls: bool) -> bool {
    tls || headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

/// Leaves a renewed secret for the response.
pub(crate) fn renew(parts: &Parts, secret: NewSecret) {
    if let Some(Slot(slot)) = parts.extensions.get::<Slot>()
        && let Ok(mut slot) = slot.lock()
    {
        *slot = Some(secret);
    }
}

/// Middleware that sends a renewed secret to the browser, unless the handler set the cookie itself.
pub(crate) async fn set_renewed(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let secure = is_secure(request.headers(), state.config.tls);
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    let mut response = next.run(request).await;
    let renewed = slot.0.lock().ok().and_then(|mut slot| slot.take());
    if let Some(renewed) = renewed
        && !response.headers().get_all(SET_COOKIE).iter().any(is_of_session)
    {
        response.headers_mut().append(SET_COOKIE, set(&renewed.secret, renewed.lifetime, secure));
    }
    response
}

fn is_of_session(header: &HeaderValue) -> bool {
    header.as_bytes().strip_prefix(NAME.as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_guarded() {
        let plain = set("abc", Duration::from_secs(60), false);
        assert_eq!(plain, "sensorium_session=abc; Path=/; HttpOnly; SameSite=Strict; Max-Age=60");
        let secure = set("abc", Duration::from_secs(60), true);
        assert!(secure.to_str().unwrap().ends_with("; Secure"));
    }

    #[test]
    fn it_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("x=1; xsensorium_session=no"));
        headers.append(COOKIE, HeaderValue::from_static("sensorium_session=yes; y=2"));
        assert_eq!(read(&headers).as_deref(), Some("yes"));
        assert_eq!(read(&HeaderMap::new()), None);
    }

    #[test]
    fn a_proxy_that_speaks_tls_is_noticed_by_the_origin() {
        let mut headers = HeaderMap::new();
        assert!(!is_secure(&headers, false));
        headers.insert(ORIGIN, HeaderValue::from_static("https://sensors.example"));
        assert!(is_secure(&headers, false));
    }
}
