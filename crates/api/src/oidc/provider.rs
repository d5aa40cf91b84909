//! The provider itself: what it says about itself, its keys, and the exchange of a code for a verified identity.
//!
//! What the provider says about itself (Discovery 1.0) and its keys are fetched when they are first needed and kept for [`KEPT`]. A token
//! that no known key has signed makes them be fetched anew, at most [`ANEW`] times in [`ANEW_IN`], so that strangers cannot make
//! this server a nuisance; a provider that is away is asked again after [`PAUSE`]. Requests are bounded as in [`super::http`].

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm,
    CoreProviderMetadata,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    TokenResponse,
};
use reqwest::Url;
use sensorium_metadata::ExternalIdentity;
use sensorium_model::chain;
use tokio::sync::Mutex;

use super::http::Http;
use super::{OidcConfig, OidcConfigError, OidcError, is_guarded};

/// How long what the provider says about itself, and its keys, are kept.
const KEPT: Duration = Duration::from_secs(3_600);
/// How often keys are fetched anew in [`ANEW_IN`] because one is unknown.
const ANEW: usize = 4;
/// The time for [`ANEW`].
const ANEW_IN: Duration = Duration::from_secs(60);
/// How long a provider that is away is not asked again.
const PAUSE: Duration = Duration::from_secs(2);

/// Signatures that only the provider can make.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What the answer of the provider must fit.
#[derive(Clone)]
pub(crate) struct Expected {
    /// Comes back with the browser.
    pub(crate) state: String,
    /// Stands in the ID token.
    nonce: String,
    /// Proves to the provider that whoever sends the code is whoever began (RFC 7636).
    verifier: String,
}

/// A browser that is about to be sent to the provider.
pub(crate) struct Begun {
    pub(crate) url: Url,
    pub(crate) expected: Expected,
}

/// The provider.
pub(super) struct Provider {
    config: OidcConfig,
    http: Http,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What the provider says about itself, and since when it is known.
    metadata: Option<(Arc<CoreProviderMetadata>, Instant)>,
    /// When it was last found to be away.
    failed_at: Option<Instant>,
    anew: Bound,
}

/// Counts what happens at most [`ANEW`] times in [`ANEW_IN`].
#[derive(Default)]
struct Bound {
    times: VecDeque<Instant>,
}

impl Bound {
    /// Whether it may happen once more, which it then does.
    fn take(&mut self, now: Instant) -> bool {
        while self.times.front().is_some_and(|time| now.duration_since(*time) >= ANEW_IN) {
            self.times.pop_front();
        }
        let has_room = self.times.len() < ANEW;
        if has_room {
            self.times.push_back(now);
        }
        has_room
    }
}

impl Provider {
    pub(super) fn new(config: OidcConfig) -> Result<Self, OidcConfigError> {
        let http = Http::new().map_err(OidcConfigError::Client)?;
        Ok(Self { config, http, known: Mutex::default() })
    }

    /// Where to send a browser, and what must come back.
    pub(super) async fn begin(&self) -> Result<Begun, OidcError> {
        let metadata = self.metadata().await?;
        let client = CoreClient::from_provider_metadata((*metadata).clone(), self.client_id(), None)
            .set_redirect_uri(self.redirect_url()?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new_random_len(32),
                || Nonce::new_random_len(32),
            )
            .add_scopes(self.config.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge)
            .url();
        let expected =
            Expected { state: state.into_secret(), nonce: nonce.secret().clone(), verifier: verifier.into_secret() };
        Ok(Begun { url, expected })
    }

    /// Exchanges a code, and verifies whom the provider names.
    pub(super) async fn finish(&self, code: String, expected: Expected) -> Result<ExternalIdentity, OidcError> {
        let metadata = self.metadata().await?;
        let token = self.exchange(&metadata, code, expected.verifier).await?;
        let nonce = Nonce::new(expected.nonce);
        let claims = match self.verify(&metadata, &token, &nonce) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_),
            )) => match self.metadata_anew(&metadata).await {
                Some(metadata) => self.verify(&metadata, &token, &nonce),
                None => Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)),
            },
            judged => judged,
        };
        let claims = claims.map_err(|error| {
            tracing::warn!(issuer = self.config.issuer, error = %chain(&error), "an ID token was refused");
            OidcError::Unverified(self.config.name.clone())
        })?;
        Ok(self.identity(&claims))
    }

    async fn exchange(
        &self,
        metadata: &CoreProviderMetadata,
        code: String,
        verifier: String,
    ) -> Result<CoreIdToken, OidcError> {
        let secret = self.config.client_secret.clone().map(ClientSecret::new);
        let client = CoreClient::from_provider_metadata(metadata.clone(), self.client_id(), secret)
            .set_redirect_uri(self.redirect_url()?)
            .set_auth_type(auth_type(metadata));
        let request = client.exchange_code(AuthorizationCode::new(code)).map_err(|error| self.unusable(&error))?;
        let answer = request.set_pkce_verifier(PkceCodeVerifier::new(verifier)).request_async(&self.http).await;
        let answer = answer.map_err(|error| match &error {
            RequestTokenError::Request(cause) => self.away(cause),
            RequestTokenError::ServerResponse(response) => {
                // Such as `invalid_grant` for a code that was used, or `invalid_client` for a wrong secret.
                let code: &str = response.error().as_ref();
                tracing::warn!(issuer = self.config.issuer, code, "the provider refused to exchange a code");
                OidcError::Unverified(self.config.name.clone())
            }
            // Its causes may quote the answer, which holds tokens.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                tracing::warn!(issuer = self.config.issuer, "the provider's answer to a code cannot be read");
                OidcError::Unusable(self.config.name.clone())
            }
        })?;
        answer.id_token().cloned().ok_or_else(|| {
            tracing::warn!(issuer = self.config.issuer, "the provider gave no ID token; is `openid` among its scopes?");
            OidcError::Unusable(self.config.name.clone())
        })
    }

    fn verify(
        &self,
        metadata: &CoreProviderMetadata,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let client = CoreClient::from_provider_metadata(metadata.clone(), self.client_id(), None);
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        let claims = token.claims(&verifier, nonce)?;
        match claims.authorized_party() {
            Some(party) if party.as_str() != self.config.client_id => {
                Err(ClaimsVerificationError::InvalidAudience("the token was made for another client (azp)".to_owned()))
            }
            _ => Ok(claims.clone()),
        }
    }

    fn identity(&self, claims: &CoreIdTokenClaims) -> ExternalIdentity {
        ExternalIdentity {
            issuer: self.config.issuer.clone(),
            subject: claims.subject().to_string(),
            email: claims.email().map(|email| email.to_string()).filter(|email| !email.is_empty()),
            email_is_confirmed: claims.email_verified().unwrap_or(false),
            name: claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()).unwrap_or_default(),
        }
    }

    /// What the provider says about itself.
    async fn metadata(&self) -> Result<Arc<CoreProviderMetadata>, OidcError> {
        let mut known = self.known.lock().await;
        let now = Instant::now();
        if let Some((metadata, since)) = &known.metadata
            && now.duration_since(*since) < KEPT
        {
            return Ok(metadata.clone());
        }
        if known.failed_at.is_some_and(|failed| now.duration_since(failed) < PAUSE) {
            return Err(OidcError::Away(self.config.name.clone()));
        }
        self.fetch(&mut known).await
    }

    /// What the provider says about itself now, if it has not been asked too often: its keys were not enough.
    async fn metadata_anew(&self, before: &Arc<CoreProviderMetadata>) -> Option<Arc<CoreProviderMetadata>> {
        let mut known = self.known.lock().await;
        if let Some((metadata, _)) = &known.metadata
            && !Arc::ptr_eq(metadata, before)
        {
            return Some(metadata.clone());
        }
        if !known.anew.take(Instant::now()) {
            tracing::warn!(
                issuer = self.config.issuer,
                "the provider's keys were fetched too often lately (ANEW, a fixed limit)"
            );
            return None;
        }
        self.fetch(&mut known).await.ok()
    }

    async fn fetch(&self, known: &mut Known) -> Result<Arc<CoreProviderMetadata>, OidcError> {
        let issuer = IssuerUrl::new(self.config.issuer.clone()).map_err(|error| self.unusable(&error))?;
        let discovered = CoreProviderMetadata::discover_async(issuer, &self.http).await;
        let metadata = discovered.map_err(|error| self.away(&error)).and_then(|metadata| {
            let urls = [Some(metadata.authorization_endpoint().url()), metadata.token_endpoint().map(|url| url.url())];
            if urls.into_iter().flatten().chain([metadata.jwks_uri().url()]).all(is_guarded) {
                return Ok(metadata);
            }
            tracing::warn!(issuer = self.config.issuer, "the provider names addresses without https");
            Err(OidcError::Unusable(self.config.name.clone()))
        });
        // Afterwards, because asking may take a while.
        let now = Instant::now();
        match metadata {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *known = Known {
                    metadata: Some((metadata.clone(), now)),
                    failed_at: None,
                    anew: std::mem::take(&mut known.anew),
                };
                Ok(metadata)
            }
            Err(error) => {
                known.failed_at = Some(now);
                Err(error)
            }
        }
    }

    fn client_id(&self) -> ClientId {
        ClientId::new(self.config.client_id.clone())
    }

    fn redirect_url(&self) -> Result<RedirectUrl, OidcError> {
        RedirectUrl::new(self.config.redirect_url.clone()).map_err(|error| self.unusable(&error))
    }

    fn away(&self, error: &(dyn Error + 'static)) -> OidcError {
        tracing::warn!(issuer = self.config.issuer, error = %chain(error), "the provider cannot be asked");
        OidcError::Away(self.config.name.clone())
    }

    fn unusable(&self, error: &(dyn Error + 'static)) -> OidcError {
        tracing::warn!(issuer = self.config.issuer, error = %chain(error), "the provider cannot be used");
        OidcError::Unusable(self.config.name.clone())
    }
}

/// How this server shows its secret: as every provider must understand, unless this one says that it does not.
fn auth_type(metadata: &CoreProviderMetadata) -> AuthType {
    match metadata.token_endpoint_auth_methods_supported() {
        Some(methods)
            if !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && methods.contains(&CoreClientAuthMethod::ClientSecretPost) =>
        {
            AuthType::RequestBody
        }
        _ => AuthType::BasicAuth,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_anew_a_few_times_a_minute() {
        let (mut bound, now) = (Bound::default(), Instant::now());
        for _ in 0..ANEW {
            assert!(bound.take(now));
        }
        assert!(!bound.take(now) && !bound.take(now + ANEW_IN / 2));
        assert!(bound.take(now + ANEW_IN));
    }
}
