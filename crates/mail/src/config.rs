//! Where mail is handed over, in whose name, and how much of it.

use std::fmt;
use std::time::Duration;

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte, usually on port 465.
    Tls,
    /// A plain greeting, then TLS or nothing, usually on port 587.
    StartTls,
    /// Nothing: whoever is on the way reads and changes everything.
    None,
}

/// What the mail server is shown.
#[derive(Clone)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Settings of mail, under `[mail]` of the configuration unless said otherwise.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// The mail server's name, which its certificate must have, or its address (`mail.host`).
    pub host: String,
    /// Its port (`mail.port`).
    pub port: u16,
    /// How the connection is protected (`mail.security`).
    pub security: Security,
    /// Certificates in PEM that vouch for the mail server besides those of the system (`mail.ca_file`).
    pub authorities: Option<Vec<u8>>,
    /// What it is shown, if it asks (`mail.user`, `mail.password`).
    pub credentials: Option<Credentials>,
    /// Whom messages come from, such as `Sensorium <sensorium@example.org>` (`mail.from`).
    pub from: String,
    /// What links begin with, without a slash at the end (`http.public_url`).
    pub public_url: String,
    /// How long one delivery may take (`mail.timeout_seconds`).
    pub timeout: Duration,
    /// Messages that may wait (`mail.queue`).
    pub queue: usize,
    /// Messages in any hour (`mail.messages_per_hour`).
    pub per_hour: usize,
    /// Messages to one address in any hour (`mail.messages_per_hour_to_one`).
    pub per_hour_to_one: usize,
    /// How long to wait before each further try; there are as many.
    pub retry_after: Vec<Duration>,
}

impl MailConfig {
    /// The waits before further tries: few, because a link that comes hours late is of no use.
    pub fn default_retries() -> Vec<Duration> {
        [10, 60, 300].map(Duration::from_secs).to_vec()
    }
}
