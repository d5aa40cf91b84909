//! What can go wrong with a message, and what to do about it.

use sensorium_model::ErrorKind;
use thiserror::Error;

/// A failure of this crate.
#[derive(Debug, Error)]
pub enum MailError {
    /// The sender cannot be understood.
    #[error("mail.from is no sender; write it as \"Sensorium <sensorium@example.org>\"")]
    From(#[source] lettre::address::AddressError),
    /// The certificates cannot be used.
    #[error("TLS to the mail server cannot be set up; check mail.ca_file")]
    Tls(#[source] lettre::transport::smtp::Error),
    /// Too many messages wait.
    #[error(
        "{0} messages wait to be sent already (mail.queue); try again later, and see in the log what the mail server says"
    )]
    Full(usize),
    /// Too many were sent.
    #[error("{0} messages were sent within the hour already (mail.messages_per_hour); try again later")]
    TooMany(usize),
    /// Too many were sent to this address.
    #[error(
        "{0} messages were sent to this address within the hour already (mail.messages_per_hour_to_one); try again later"
    )]
    TooManyToOne(usize),
    /// The message cannot be written down.
    #[error("the message cannot be put together")]
    Message(#[source] lettre::error::Error),
    /// The address cannot be used.
    #[error("the mail address cannot be used")]
    To(#[source] lettre::address::AddressError),
    /// The mail server could not be reached, or did not take the message; holds its own words.
    #[error("{answer}")]
    Delivery {
        /// What it said, or what went wrong on the way.
        answer: String,
        /// Whether another try is of no use.
        for_good: bool,
    },
}

impl MailError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::From(_) | Self::Tls(_) | Self::To(_) => ErrorKind::Invalid,
            Self::Full(_) | Self::TooMany(_) | Self::TooManyToOne(_) => ErrorKind::Busy,
            Self::Message(_) | Self::Delivery { .. } => ErrorKind::Internal,
        }
    }

    /// Whether another try is of no use.
    pub(crate) fn is_for_good(&self) -> bool {
        !matches!(self, Self::Delivery { for_good: false, .. })
    }
}
