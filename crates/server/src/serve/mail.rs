//! Mail as the settings have it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use sensorium_api::Mail;
use sensorium_mail::{Credentials, MailConfig, Mailer, Outcome, Security};
use sensorium_metadata::Metadata;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{MailSecurity, MailSettings, Settings};

/// Mail, and the task that sends it.
pub(super) struct Running {
    pub(super) mail: Mail,
    task: JoinHandle<()>,
}

/// Starts mail, if it is set up.
pub(super) fn start(settings: &Settings, metadata: &Metadata, stop: &CancellationToken) -> Result<Option<Running>> {
    let Some(config) = config(settings)? else { return Ok(None) };
    let metadata = metadata.clone();
    let record = move |outcome: Outcome| {
        let metadata = metadata.clone();
        async move {
            let Outcome { org, to, kind, sent } = outcome;
            if let Err(error) = metadata.record_mail(org, &to, kind, sent).await {
                tracing::warn!(kind, %error, "it could not be recorded what became of a message");
            }
        }
    };
    let (mailer, task) = Mailer::start(config, stop.clone(), record)?;
    Ok(Some(Running { mail: Mail::new(mailer), task }))
}

impl Running {
    /// Waits until everything that waits was tried, or for as long as there is.
    pub(super) async fn finish(self, patience: Duration) {
        if tokio::time::timeout(patience, self.task).await.is_err() {
            tracing::warn!("the mail server is slow; messages that wait are lost with the stop");
        }
    }
}

/// Where mail is handed over; none if it is not set up.
pub(crate) fn config(settings: &Settings) -> Result<Option<MailConfig>> {
    let mail = &settings.mail;
    let (Some(host), Some(from), Some(public_url)) = (&mail.host, &mail.from, &settings.http.public_url) else {
        return Ok(None);
    };
    let authorities = match &mail.ca_file {
        Some(path) => {
            let read = std::fs::read(path);
            Some(read.with_context(|| format!("cannot read the certificates in {} (mail.ca_file)", path.display()))?)
        }
        None => None,
    };
    Ok(Some(MailConfig {
        host: host.clone(),
        port: mail.port,
        security: match mail.security {
            MailSecurity::Tls => Security::Tls,
            MailSecurity::StartTls => Security::StartTls,
            MailSecurity::None => Security::None,
        },
        authorities,
        credentials: credentials(mail)?,
        from: from.clone(),
        public_url: public_url.trim_end_matches('/').to_owned(),
        timeout: Duration::from_secs(mail.timeout_seconds),
        queue: mail.queue,
        per_hour: mail.messages_per_hour,
        per_hour_to_one: mail.messages_per_hour_to_one,
        retry_after: MailConfig::default_retries(),
    }))
}

fn credentials(mail: &MailSettings) -> Result<Option<Credentials>> {
    let Some(user) = mail.user.clone() else { return Ok(None) };
    let password = match (&mail.password, &mail.password_file) {
        (Some(password), _) => password.0.clone(),
        (None, Some(path)) => {
            let read = std::fs::read_to_string(path);
            let text = read.with_context(|| format!("cannot read {} (mail.password_file)", path.display()))?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        (None, None) => String::new(),
    };
    if password.is_empty() {
        bail!("the password of the mail server is empty; set mail.password_file or mail.password");
    }
    Ok(Some(Credentials { user, password }))
}
