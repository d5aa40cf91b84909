//! Handing one message over to the mail server.

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use sensorium_model::EmailAddress;

use crate::compose;
use crate::config::{MailConfig, Security};
use crate::error::MailError;
use crate::words::Letter;

/// The most characters of an answer that are kept.
const ANSWER: usize = 500;

/// A mail server and who speaks to it. Each message has a connection of its own.
pub(crate) struct Delivery {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    config: MailConfig,
}

impl Delivery {
    /// Fails if the settings cannot be used; speaks to nobody yet.
    pub(crate) fn new(config: MailConfig) -> Result<Self, MailError> {
        let from: Mailbox = config.from.parse().map_err(MailError::From)?;
        let tls = match config.security {
            Security::None => Tls::None,
            Security::Tls => Tls::Wrapper(parameters(&config)?),
            Security::StartTls => Tls::Required(parameters(&config)?),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.as_str())
            .port(config.port)
            .tls(tls)
            .timeout(Some(config.timeout))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        if let Some(shown) = &config.credentials {
            transport =
                transport.credentials(authentication::Credentials::new(shown.user.clone(), shown.password.clone()));
        }
        Ok(Self { transport: transport.build(), from, config })
    }

    pub(crate) fn config(&self) -> &MailConfig {
        &self.config
    }

    /// Hands a message over; what the mail server answered.
    pub(crate) async fn deliver(&self, letter: &Letter) -> Result<String, MailError> {
        let message = compose::message(letter, &self.from, &self.config.public_url)?;
        // The transport's own time limit is one of connecting.
        match tokio::time::timeout(self.config.timeout, self.transport.send(message)).await {
            Ok(Ok(response)) => {
                let words: Vec<&str> = response.message().collect();
                Ok(fit(&format!("{} {}", response.code(), words.join(" ")), &letter.to))
            }
            Ok(Err(error)) => {
                let answer = fit(&said(&error), &letter.to);
                Err(MailError::Delivery { answer, for_good: error.is_permanent() })
            }
            Err(_) => {
                let seconds = self.config.timeout.as_secs();
                let answer =
                    format!("the mail server did not take the message within {seconds} seconds (mail.timeout_seconds)");
                Err(MailError::Delivery { answer, for_good: false })
            }
        }
    }
}

fn parameters(config: &MailConfig) -> Result<TlsParameters, MailError> {
    let mut parameters = TlsParameters::builder(config.host.clone());
    if let Some(authorities) = &config.authorities {
        parameters = parameters.add_root_certificate(Certificate::from_pem(authorities).map_err(MailError::Tls)?);
    }
    parameters.build_rustls().map_err(MailError::Tls)
}

/// An answer in the mail server's own words, or everything that is known about a failure on the way.
fn said(error: &lettre::transport::smtp::Error) -> String {
    use std::error::Error as _;
    if let (Some(code), Some(words)) = (error.status(), error.source()) {
        return format!("{code} {words}");
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = next.source();
    }
    text
}

/// An answer as it may be logged and shown: on one line, not too long, and without the whole address, which most servers repeat.
fn fit(answer: &str, to: &EmailAddress) -> String {
    let line: String = answer.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    line.replace(to.as_str(), &to.masked()).chars().take(ANSWER).collect()
}
