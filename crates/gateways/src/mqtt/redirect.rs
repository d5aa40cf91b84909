//! Sending clients to another server (section 4.11): whoever connects is refused and told where to go, before anything is asked of
//! the client, so that it needs no credential here any more.

use std::sync::Arc;

use sensorium_protocols::mqtt::ReasonCode;

/// Where clients are to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// One or more servers, with spaces between (setting `mqtt.redirect_to`).
    pub to: Arc<str>,
    /// Whether for good (setting `mqtt.redirect_permanent`).
    pub is_permanent: bool,
}

impl Redirect {
    /// What a client is told; one of 3.1.1 hears that this server is not available.
    pub(super) fn reason(&self) -> ReasonCode {
        match self.is_permanent {
            true => ReasonCode::ServerMoved,
            false => ReasonCode::UseAnotherServer,
        }
    }

    /// The same in words.
    pub(super) fn text(&self) -> String {
        format!("clients are served by another server: {}", self.to)
    }
}
