//! Mail of a test's server.

use std::time::Duration;

use sensorium_mail::{MailConfig, Mailer, Outcome, Security};
use sensorium_metadata::Metadata;
use tokio_util::sync::CancellationToken;

use crate::Mail;

pub(super) fn config(port: u16) -> MailConfig {
    MailConfig {
        host: "localhost".into(),
        port,
        security: Security::None,
        authorities: None,
        credentials: None,
        from: "sensorium@example.org".into(),
        public_url: "https://sensors.example.org".into(),
        timeout: Duration::from_secs(30),
        queue: 100,
        per_hour: 100,
        per_hour_to_one: 50,
        retry_after: Vec::new(),
    }
}

pub(super) fn start(config: MailConfig, metadata: &Metadata) -> Mail {
    let metadata = metadata.clone();
    let record = move |outcome: Outcome| {
        let metadata = metadata.clone();
        async move { metadata.record_mail(outcome.org, &outcome.to, outcome.kind, outcome.sent).await.unwrap() }
    };
    Mail::new(Mailer::start(config, CancellationToken::new(), record).unwrap().0)
}
