//! `[mail]`: the mail server that messages to people are handed to. Off while `mail.host` is not set.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The key whose value is shown to nobody.
pub(super) const PASSWORD: &str = "mail.password";
/// The port of servers that speak TLS from the first byte (RFC 8314).
const TLS_PORT: u16 = 465;

/// A value that is not written into logs.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MailSecurity {
    /// TLS from the first byte.
    Tls,
    /// TLS after a plain greeting, or nothing.
    StartTls,
    /// Nothing.
    None,
}

/// `[mail]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailSettings {
    /// The mail server; without it, no mail is sent.
    pub(crate) host: Option<String>,
    pub(crate) port: u16,
    pub(crate) security: MailSecurity,
    /// Whether `security = "none"` is meant for a mail server on another machine.
    pub(crate) allow_plain: bool,
    /// PEM file with certificates that vouch for the mail server besides those of the system.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    /// The file whose first line is the password.
    pub(crate) password_file: Option<PathBuf>,
    /// Whom messages come from, such as `Sensorium <sensorium@example.org>`.
    pub(crate) from: Option<String>,
    /// How long one delivery may take, in seconds.
    pub(crate) timeout_seconds: u64,
    /// Messages that may wait.
    pub(crate) queue: usize,
    /// Messages in any hour.
    pub(crate) messages_per_hour: usize,
    /// Messages to one address in any hour.
    pub(crate) messages_per_hour_to_one: usize,
}

impl MailSettings {
    pub(super) fn defaults() -> Self {
        Self {
            host: None,
            port: TLS_PORT,
            security: MailSecurity::Tls,
            allow_plain: false,
            ca_file: None,
            user: None,
            password: None,
            password_file: None,
            from: None,
            timeout_seconds: 30,
            queue: 1_000,
            messages_per_hour: 500,
            messages_per_hour_to_one: 5,
        }
    }

    /// The first rule that the values break: the key, and a sentence.
    pub(super) fn broken_rule(&self, public_url: Option<&str>) -> Option<(&'static str, String)> {
        let says = |key, sentence: &str| Some((key, sentence.to_owned()));
        let least = [
            ("mail.port", usize::from(self.port)),
            ("mail.timeout_seconds", usize::try_from(self.timeout_seconds).unwrap_or(usize::MAX)),
            ("mail.queue", self.queue),
            ("mail.messages_per_hour", self.messages_per_hour),
            ("mail.messages_per_hour_to_one", self.messages_per_hour_to_one),
        ];
        if let Some((key, value)) = least.into_iter().find(|(_, value)| *value < 1) {
            return Some((key, format!("{value} is too small; use at least 1")));
        }
        let Some(host) = &self.host else { return None };
        if public_url.is_none() {
            return says(
                "http.public_url",
                "mail.host is set, and links in messages begin with this; set it to what people open, such as https://sensors.example.org",
            );
        }
        if self.from.is_none() {
            return says("mail.from", "mail.host is set; say whom messages come from, such as sensorium@example.org");
        }
        if self.security == MailSecurity::StartTls && self.port == TLS_PORT {
            return says("mail.port", "465 is for mail.security = \"tls\"; STARTTLS is usually at 587");
        }
        if self.security == MailSecurity::None && !is_here(host) && !self.allow_plain {
            return says(
                "mail.security",
                "links and passwords would go to another machine for everyone on the way to read; use \"tls\" or \"starttls\", or say with mail.allow_plain that it is meant",
            );
        }
        match (&self.user, &self.password, &self.password_file) {
            (_, Some(_), Some(_)) => says("mail.password", "there is a mail.password_file; set one of the two"),
            (Some(_), None, None) => says("mail.user", "set mail.password_file or mail.password, too"),
            (None, Some(_), _) => says("mail.password", "set mail.user, too"),
            (None, _, Some(_)) => says("mail.password_file", "set mail.user, too"),
            _ => None,
        }
    }
}

/// Whether a mail server is on this machine.
fn is_here(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What is wrong with an address that links begin with.
pub(super) fn wrong_public_url(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_plain = |rest: &str| {
        !rest.is_empty()
            && !rest.starts_with(['/', ':'])
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/[]".contains(&byte))
    };
    let sentence =
        "write what people open in their browser, without anything after it, such as https://sensors.example.org";
    (!rest.is_some_and(is_plain)).then(|| sentence.to_owned())
}
