//! Why readings were not taken.

use std::borrow::Cow;
use std::time::Duration;

use sensorium_metadata::MetadataError;
use sensorium_model::{ErrorKind, chain};
use sensorium_store::WriteError;
use thiserror::Error;

/// Why a request or a message was refused as a whole: a kind, which each edge maps to its own protocol, and a sentence for whoever
/// sent it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{sentence}")]
pub struct IngestError {
    kind: ErrorKind,
    sentence: Cow<'static, str>,
    retry_after: Option<Duration>,
}

impl IngestError {
    /// An error of a kind; the sentence is shown to whoever sent the readings.
    pub fn new(kind: ErrorKind, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, sentence: sentence.into(), retry_after: None }
    }

    /// What was sent is wrong.
    pub fn invalid(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Invalid, sentence)
    }

    /// The writer may not do this.
    pub fn denied(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Denied, sentence)
    }

    /// An error from another part of the server. What only the operator can act upon is logged, and the sender is told where to
    /// look; everything else is shown as it is.
    pub(crate) fn of(kind: ErrorKind, error: &(dyn std::error::Error + 'static)) -> Self {
        match kind {
            ErrorKind::Internal => {
                tracing::error!(error = %chain(error), "a request failed");
                Self::new(kind, "the server could not do this; its log says why")
            }
            _ => Self::new(kind, error.to_string()),
        }
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// When another attempt can succeed, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl From<MetadataError> for IngestError {
    fn from(error: MetadataError) -> Self {
        Self { retry_after: error.retry_after(), ..Self::of(error.kind(), &error) }
    }
}

impl From<WriteError> for IngestError {
    fn from(error: WriteError) -> Self {
        Self::of(error.kind(), &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_causes_stay_in_the_log() {
        let secret = std::io::Error::other("password of the disk");
        assert!(!IngestError::of(ErrorKind::Internal, &secret).to_string().contains("disk"));
        assert!(IngestError::of(ErrorKind::NoSpace, &secret).to_string().contains("disk"));
    }
}
