//! Finds the credential that a request carries, in the spellings of InfluxDB 1, 2 and 3 and of browsers.

use std::fmt;

use axum::extract::Query;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sensorium_model::ErrorKind;
use serde::Deserialize;

use super::cookie;
use crate::error::ApiError;

/// A credential as sent; nothing about it is verified yet.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// `Authorization: Bearer <token>` or `Token <token>`.
    Token(String),
    /// `Authorization: Basic`, `Token <login>:<password>` or `u=` and `p=`; the password may be an API token.
    Password {
        /// The user's login, or anything beside a token.
        login: String,
        /// The password or token.
        password: String,
    },
    /// The session cookie.
    Cookie(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token",
            Self::Password { .. } => "Password",
            Self::Cookie(_) => "Cookie",
        })
    }
}

#[derive(Deserialize)]
struct UserAndPassword {
    #[serde(default)]
    u: String,
    p: Option<String>,
}

/// The credential of a request, if it carries one.
pub fn find(parts: &Parts) -> Result<Option<Credentials>, ApiError> {
    if let Some(header) = parts.headers.get(AUTHORIZATION) {
        let malformed = || {
            ApiError::new(
                ErrorKind::Unauthenticated,
                "the Authorization header is malformed; send Bearer <token>, Token <token> or Basic <base64 of user:password>",
            )
        };
        let text = header.to_str().map_err(|_| malformed())?;
        return parse(text).map(Some).ok_or_else(malformed);
    }
    if let Ok(Query(UserAndPassword { u, p: Some(p) })) = Query::try_from_uri(&parts.uri) {
        return Ok(Some(Credentials::Password { login: u, password: p }));
    }
    Ok(cookie::read(&parts.headers).map(Credentials::Cookie))
}

fn parse(header: &str) -> Option<Credentials> {
    let (scheme, rest) = header.trim().split_once(' ')?;
    let rest = rest.trim();
    if rest.is_empty() {
        return None;
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        Some(Credentials::Token(rest.to_owned()))
    } else if scheme.eq_ignore_ascii_case("token") {
        // The compatibility clients of InfluxDB 1.8 send `Token user:password`.
        Some(password(rest).unwrap_or_else(|| Credentials::Token(rest.to_owned())))
    } else if scheme.eq_ignore_ascii_case("basic") {
        let bytes = STANDARD.decode(rest).ok()?;
        password(std::str::from_utf8(&bytes).ok()?)
    } else {
        None
    }
}

fn password(pair: &str) -> Option<Credentials> {
    let (login, password) = pair.split_once(':')?;
    Some(Credentials::Password { login: login.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn found(uri: &str, headers: &[(&str, &str)]) -> Result<Option<Credentials>, ApiError> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        find(&request.body(()).unwrap().into_parts().0)
    }

    fn pair(login: &str, password: &str) -> Option<Credentials> {
        Some(Credentials::Password { login: login.into(), password: password.into() })
    }

    #[test]
    fn every_spelling_is_understood() {
        let token = Some(Credentials::Token("sen_x".into()));
        assert_eq!(found("/", &[("authorization", "Bearer sen_x")]).unwrap(), token);
        assert_eq!(found("/", &[("authorization", "token  sen_x ")]).unwrap(), token);
        assert_eq!(found("/", &[("authorization", "Token ada:pass:word")]).unwrap(), pair("ada", "pass:word"));
        assert_eq!(found("/", &[("authorization", "Basic YWRhOnBhc3M6d29yZA==")]).unwrap(), pair("ada", "pass:word"));
        assert_eq!(found("/write?db=x&u=ada&p=a%20b", &[]).unwrap(), pair("ada", "a b"));
        let cookie = found("/", &[("cookie", "a=b; sensorium_session=s1")]).unwrap();
        assert_eq!(cookie, Some(Credentials::Cookie("s1".into())));
        assert_eq!(found("/?db=x", &[]).unwrap(), None);
    }

    #[test]
    fn the_header_outranks_the_query_and_a_malformed_one_fails() {
        let both = found("/?u=eve&p=x", &[("authorization", "Bearer sen_x"), ("cookie", "sensorium_session=s")]);
        assert_eq!(both.unwrap(), Some(Credentials::Token("sen_x".into())));
        for bad in ["Bearer", "Bearer  ", "Basic %%%", "Basic YWRh", "Digest x=y"] {
            assert!(found("/?u=ada&p=x", &[("authorization", bad)]).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let shown = format!("{:?}", Credentials::Token("sen_x".into()));
        assert!(!shown.contains("sen_x"));
    }
}
