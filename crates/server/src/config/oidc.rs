//! `[people.oidc]`: a provider of OpenID Connect that people may sign in with; none without an issuer.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use sensorium_api::oidc::CALLBACK;
use sensorium_api::{Oidc, OidcConfig};
use sensorium_metadata::{IdentityRules, Joining};
use sensorium_model::Role;
use serde::{Deserialize, Serialize};

use super::mail::Secret;

/// The key of the secret, which is never shown.
pub(crate) const SECRET_KEY: &str = "people.oidc.client_secret";

/// The provider and how far it is trusted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OidcSettings {
    /// The provider as it calls itself, exactly; people sign in with it when this is set.
    pub(crate) issuer: Option<String>,
    /// What this server is called there.
    pub(crate) client_id: Option<String>,
    /// What proves to the provider that it is this server.
    pub(crate) client_secret: Option<Secret>,
    /// A file that holds the secret, instead of `client_secret`.
    pub(crate) client_secret_file: Option<PathBuf>,
    /// What people call the provider.
    pub(crate) name: String,
    /// What is asked for, with spaces between.
    pub(crate) scopes: String,
    /// Where the provider sends browsers back to, as they reach this server; without it, below `http.public_url`.
    pub(crate) redirect_url: Option<String>,
    /// What becomes of people whom nobody here is linked with.
    pub(crate) registration: OidcRegistration,
    /// Domains of e-mail addresses, with spaces between.
    pub(crate) domains: String,
    /// What those who join by their domain are.
    pub(crate) role: OidcRole,
    /// Whether the provider's word stands for a second factor, too.
    pub(crate) trusted_second_factor: bool,
}

/// What becomes of people whom nobody here is linked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OidcRegistration {
    /// They are turned away.
    Refused,
    /// An administrator decides about each.
    AwaitsApproval,
    /// They join if their e-mail address belongs to one of the domains.
    ByDomain,
}

/// What somebody may become without anybody's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OidcRole {
    Guest,
    Viewer,
    Editor,
}

impl Default for OidcSettings {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: None,
            client_secret: None,
            client_secret_file: None,
            name: "single sign-on".to_owned(),
            scopes: "openid email profile".to_owned(),
            redirect_url: None,
            registration: OidcRegistration::Refused,
            domains: String::new(),
            role: OidcRole::Viewer,
            trusted_second_factor: false,
        }
    }
}

impl OidcSettings {
    /// The first rule that the values break: the key, and a sentence.
    pub(crate) fn broken_rule(&self, public_url: Option<&str>) -> Option<(&'static str, String)> {
        self.issuer.as_ref()?;
        let broken = |key, sentence: &str| Some((key, sentence.to_owned()));
        if self.client_id.as_deref().unwrap_or_default().is_empty() {
            return broken(
                "people.oidc.issuer",
                "people.oidc.client_id is missing; register this server with the provider",
            );
        }
        if self.redirect_url(public_url).is_none() {
            let sentence = "people.oidc.redirect_url is missing; set it, or http.public_url, to this server's address as browsers reach it, the former followed by /api/v1/session/oidc/callback";
            return broken("people.oidc.issuer", sentence);
        }
        if self.client_secret.is_some() && self.client_secret_file.is_some() {
            return broken(
                "people.oidc.client_secret_file",
                "there is a secret in people.oidc.client_secret; set one of the two",
            );
        }
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > 40 || name.chars().any(char::is_control) {
            return broken(
                "people.oidc.name",
                "use 1 to 40 characters; they stand on the button after \"Sign in with\"",
            );
        }
        if self.registration == OidcRegistration::ByDomain && self.domains.split_whitespace().next().is_none() {
            let sentence = "people.oidc.domains is missing; list the domains of e-mail addresses whose people may join";
            return broken("people.oidc.registration", sentence);
        }
        if self.domains.contains(['@', ',']) {
            return broken(
                "people.oidc.domains",
                "list domains such as example.org, with spaces between and without @",
            );
        }
        let wrong = self.config(None, public_url)?.check().err()?;
        Some(("people.oidc.issuer", wrong.to_string()))
    }

    /// The provider, if one is set; reads the file with the secret.
    pub(crate) fn provider(&self, public_url: Option<&str>) -> Result<Option<Oidc>> {
        if self.issuer.is_none() {
            return Ok(None);
        }
        let secret = match &self.client_secret_file {
            Some(path) => {
                let secret = read(path)
                    .with_context(|| format!("people.oidc.client_secret_file: cannot read {}", path.display()))?;
                ensure!(!secret.is_empty(), "people.oidc.client_secret_file: {} is empty", path.display());
                Some(secret)
            }
            None => self.client_secret.as_ref().map(|secret| secret.0.clone()),
        };
        Ok(self.config(secret, public_url).map(Oidc::new).transpose()?)
    }

    fn redirect_url(&self, public_url: Option<&str>) -> Option<String> {
        let below = || public_url.map(|url| format!("{}{CALLBACK}", url.trim_end_matches('/')));
        self.redirect_url.clone().or_else(below)
    }

    fn config(&self, client_secret: Option<String>, public_url: Option<&str>) -> Option<OidcConfig> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let role = match self.role {
            OidcRole::Guest => Role::Guest,
            OidcRole::Viewer => Role::Viewer,
            OidcRole::Editor => Role::Editor,
        };
        let joining = match self.registration {
            OidcRegistration::Refused => Joining::Refused,
            OidcRegistration::AwaitsApproval => Joining::AwaitsApproval,
            OidcRegistration::ByDomain => Joining::ByDomain { domains: words(&self.domains), role },
        };
        Some(OidcConfig {
            issuer: self.issuer.clone()?,
            client_id: self.client_id.clone()?,
            client_secret: client_secret.filter(|secret| !secret.is_empty()),
            name: self.name.trim().to_owned(),
            // Asked for anyway.
            scopes: words(&self.scopes).into_iter().filter(|scope| scope != "openid").collect(),
            redirect_url: self.redirect_url(public_url)?,
            rules: IdentityRules { joining, trusted_second_factor: self.trusted_second_factor },
        })
    }
}

/// A secret as editors leave it: with an end of line after it.
fn read(path: &Path) -> std::io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> OidcSettings {
        OidcSettings {
            issuer: Some("https://id.example".into()),
            client_id: Some("sensorium".into()),
            client_secret: Some(Secret("geheim".into())),
            redirect_url: Some("https://box.example/api/v1/session/oidc/callback".into()),
            ..OidcSettings::default()
        }
    }

    #[test]
    fn what_is_missing_or_contradicts_is_named() {
        assert_eq!(OidcSettings::default().broken_rule(None), None);
        assert_eq!(good().broken_rule(None), None);
        let elsewhere = OidcSettings { redirect_url: None, ..good() };
        assert_eq!(elsewhere.broken_rule(Some("https://box.example/")), None);
        let url = elsewhere.redirect_url(Some("https://box.example/"));
        assert_eq!(url.as_deref(), Some("https://box.example/api/v1/session/oidc/callback"));
        let file = Some(PathBuf::from("secret"));
        for (broken, key) in [
            (OidcSettings { client_id: None, ..good() }, "client_id"),
            (OidcSettings { redirect_url: None, ..good() }, "redirect_url"),
            (
                OidcSettings { redirect_url: Some("https://box.example/".into()), ..good() },
                "/api/v1/session/oidc/callback",
            ),
            (OidcSettings { issuer: Some("http://id.example".into()), ..good() }, "https://"),
            (OidcSettings { client_secret_file: file, ..good() }, "client_secret"),
            (OidcSettings { name: " ".into(), ..good() }, "name"),
            (OidcSettings { registration: OidcRegistration::ByDomain, ..good() }, "domains"),
            (OidcSettings { domains: "@example.org".into(), ..good() }, "domains"),
        ] {
            let (at, sentence) = broken.broken_rule(None).unwrap();
            assert!(at.contains(key) || sentence.contains(key), "{at}: {sentence}");
        }
    }

    #[test]
    fn the_secret_does_not_print_and_may_lie_in_a_file() {
        assert!(!format!("{:?}", good()).contains("geheim"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "geheim\n").unwrap();
        assert_eq!(read(&path).unwrap(), "geheim");
        let settings = OidcSettings { client_secret: None, client_secret_file: Some(path), ..good() };
        assert!(settings.provider(None).unwrap().is_some());
        let empty = OidcSettings { client_secret_file: Some("/dev/null".into()), ..settings };
        assert!(empty.provider(None).unwrap_err().to_string().contains("empty"));
        let missing =
            OidcSettings { client_secret_file: Some("/nowhere/secret".into()), client_secret: None, ..good() };
        assert!(missing.provider(None).unwrap_err().to_string().contains("/nowhere/secret"));
    }
}
