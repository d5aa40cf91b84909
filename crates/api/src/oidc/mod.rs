//! Signing in with a provider of OpenID Connect (Core 1.0): the authorization code flow with PKCE (RFC 7636), `state` and `nonce`.
//!
//! Invariants:
//! - the provider is asked when somebody signs in, never before: the server starts, and passwords work, while it is away;
//! - whom the provider names is believed only after the ID token was verified: signature by a key of the provider, issuer,
//!   audience, expiry and nonce; signatures with shared secrets and unsigned tokens are refused;
//! - an answer counts once, in the browser that began, within [`pending::LIFETIME`]: what is [`pending`] is found by a cookie of that browser;
//! - nothing but `https` is spoken, unless the provider is on this machine;
//! - the client secret, codes, tokens and verifiers reach no log.
//!
//! Limits: [`pending::MAX_PENDING`], and those of [`provider`]; all are fixed.

mod http;
pub(crate) mod pending;
mod provider;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use reqwest::Url;
use sensorium_metadata::identities::MAX_TEXT;
use sensorium_metadata::{ExternalIdentity, IdentityRules};
use sensorium_model::Principal;
use thiserror::Error;

use pending::{Pending, PendingTable};
use provider::{Begun, Expected, Provider};

/// Where the provider sends browsers back to.
pub const CALLBACK: &str = "/api/v1/session/oidc/callback";

/// A provider and how far it is trusted (`[people] oidc` of the configuration).
#[derive(Clone)]
pub struct OidcConfig {
    /// The provider as it calls itself, exactly.
    pub issuer: String,
    /// What this server is called there.
    pub client_id: String,
    /// What proves that it is this server; none for a client that is public there.
    pub client_secret: Option<String>,
    /// What people call the provider.
    pub name: String,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// The address of [`CALLBACK`] as browsers reach it.
    pub redirect_url: String,
    /// Who may join, and whether a second factor is still asked for.
    pub rules: IdentityRules,
}

impl fmt::Debug for OidcConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcConfig")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("redirect_url", &self.redirect_url)
            .finish_non_exhaustive()
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum OidcConfigError {
    /// The address of the provider.
    #[error("the issuer {0:?} is no address; write it as the provider does, such as https://accounts.example.com")]
    Issuer(String),
    /// Somebody on the way could read along.
    #[error("{0:?} must begin with https://; only an address of this machine itself may be reached without")]
    Plain(String),
    /// Where browsers come back.
    #[error("the redirect URL {0:?} must be this server's address as browsers reach it, followed by {CALLBACK}")]
    Redirect(String),
    /// No HTTP client could be made.
    #[error("no HTTP client could be made")]
    Client(#[source] reqwest::Error),
}

/// Why nobody was signed in; shown as a sentence.
#[derive(Debug, Error)]
pub(crate) enum OidcError {
    #[error("{0} cannot be reached at this moment; try again in a minute, or sign in with your password")]
    Away(String),
    #[error("{0} answered with something that cannot be used; the server's log says why")]
    Unusable(String),
    #[error(
        "what {0} answered could not be verified, so nobody was signed in; begin again, and if it stays so, the server's log says why"
    )]
    Unverified(String),
    #[error("{0} did not let you in, or you left; begin again")]
    Refused(String),
    #[error(
        "this was begun in another browser or under another address of this server, is over already, or was begun more than 10 minutes or 10,000 others (MAX_PENDING, a fixed limit) ago; begin again"
    )]
    Lost,
}

/// The provider, and who is on the way to it and back. Cheap to clone.
#[derive(Clone)]
pub struct Oidc {
    inner: Arc<Inner>,
}

struct Inner {
    config: OidcConfig,
    provider: Provider,
    pending: PendingTable,
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

impl Oidc {
    /// Checks a configuration; asks nobody.
    pub fn new(config: OidcConfig) -> Result<Self, OidcConfigError> {
        config.check()?;
        let provider = Provider::new(config.clone())?;
        Ok(Self { inner: Arc::new(Inner { config, provider, pending: PendingTable::default() }) })
    }

    pub(crate) fn name(&self) -> &str {
        &self.inner.config.name
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.inner.config.issuer
    }

    pub(crate) fn rules(&self) -> &IdentityRules {
        &self.inner.config.rules
    }

    /// Whether browsers reach this server over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.inner.config.redirect_url.starts_with("https://")
    }

    /// Begins: where to send the browser, and the value of its cookie. With somebody who is signed in, to link them.
    pub(crate) async fn begin(&self, link: Option<Principal>) -> Result<(Url, String), OidcError> {
        let Begun { url, expected } = self.inner.provider.begin().await?;
        let key = self.remember(Pending::Asked { expected, link });
        Ok((url, key))
    }

    /// Keeps something for a browser; the value of its cookie.
    pub(crate) fn remember(&self, pending: Pending) -> String {
        self.inner.pending.put(pending, Instant::now())
    }

    /// What is kept for a browser.
    pub(crate) fn look(&self, key: &str) -> Option<Pending> {
        self.inner.pending.look(key, Instant::now())
    }

    /// What is kept for a browser, which is forgotten.
    pub(crate) fn take(&self, key: &str) -> Option<Pending> {
        self.inner.pending.take(key, Instant::now())
    }

    /// Asks the provider who came back with a code.
    pub(crate) async fn finish(&self, code: String, expected: Expected) -> Result<ExternalIdentity, OidcError> {
        self.inner.provider.finish(code, expected).await
    }
}

impl OidcConfig {
    /// Fails if the addresses cannot be used.
    pub fn check(&self) -> Result<(), OidcConfigError> {
        let issuer: Url = self.issuer.parse().map_err(|_| OidcConfigError::Issuer(self.issuer.clone()))?;
        let is_plain = issuer.query().is_none() && issuer.fragment().is_none() && self.issuer.len() <= MAX_TEXT;
        if !matches!(issuer.scheme(), "http" | "https") || !is_plain {
            return Err(OidcConfigError::Issuer(self.issuer.clone()));
        }
        let wrong = || OidcConfigError::Redirect(self.redirect_url.clone());
        let redirect: Url = self.redirect_url.parse().map_err(|_| wrong())?;
        if redirect.path() != CALLBACK || redirect.query().is_some() || redirect.fragment().is_some() {
            return Err(wrong());
        }
        match [&issuer, &redirect].into_iter().find(|url| !is_guarded(url)) {
            Some(url) => Err(OidcConfigError::Plain(url.to_string())),
            None => Ok(()),
        }
    }
}

/// Whether nobody on the way can read along: TLS, or an address of this machine itself.
fn is_guarded(url: &Url) -> bool {
    let is_loopback = url.host_str().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    });
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}

#[cfg(test)]
mod tests {
    use sensorium_metadata::Joining;

    use super::*;

    fn config(issuer: &str, redirect_url: &str) -> OidcConfig {
        OidcConfig {
            issuer: issuer.into(),
            client_id: "sensorium".into(),
            client_secret: Some("geheim".into()),
            name: "Example".into(),
            scopes: Vec::new(),
            redirect_url: redirect_url.into(),
            rules: IdentityRules { joining: Joining::Refused, trusted_second_factor: false },
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        let here = format!("http://localhost:8086{CALLBACK}");
        for good in [
            "https://id.example",
            "https://id.example/realms/x",
            "http://127.0.0.1:9",
            "http://[::1]:9",
            "http://localhost",
        ] {
            assert!(config(good, &here).check().is_ok(), "{good:?} was refused");
        }
        for bad in [
            "http://id.example",
            "http://127.0.0.1.example",
            "http://localhost.example",
            "ftp://localhost",
            "id.example",
            "https://id.example?x=1",
            "",
        ] {
            assert!(config(bad, &here).check().is_err(), "{bad:?} was accepted");
        }
        for bad in [
            "http://box.example/api/v1/session/oidc/callback",
            "https://box.example/",
            "https://box.example/api/v1/session/oidc/callback?x=1",
            "",
        ] {
            assert!(config("https://id.example", bad).check().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn the_secret_does_not_print() {
        let config = config("https://id.example", &format!("https://box.example{CALLBACK}"));
        assert!(!format!("{config:?}").contains("geheim"));
    }
}
