//! Readings on their way in over HTTP: who sends them, and their body.

use axum::body::Body;
use axum::http::HeaderMap;
use sensorium_ingest::{Format, IngestError, Intake, Outcome, Source};

use crate::auth::Writer;
use crate::auth::peer::Peer;
use crate::body::receive;
use crate::error::{ApiError, ApiResult};
use crate::state::{ApiConfig, AppState};

/// A request that may write to a database that exists.
pub(crate) struct WriteRequest<'a> {
    config: &'a ApiConfig,
    intake: Intake,
}

impl<'a> WriteRequest<'a> {
    /// Checks who writes where.
    pub(crate) fn begin(
        state: &'a AppState,
        Writer(writer): &Writer,
        Peer(peer): Peer,
        database: &str,
        source: Source,
    ) -> ApiResult<Self> {
        Ok(Self { config: &state.config, intake: state.ingest.begin(writer, peer, database, source)? })
    }

    /// Reads the body, decodes it and stores what is right.
    pub(crate) async fn run(mut self, headers: &HeaderMap, body: Body, format: Format) -> ApiResult<Outcome> {
        self.intake.check_room().await?;
        let received = receive(headers, body, self.config).await.map_err(|error| self.refuse(error))?;
        let outcome = self.intake.take(received.bytes.clone(), received.sent_bytes, format).await;
        // Its memory counts until its readings are stored.
        drop(received);
        Ok(outcome?)
    }

    /// Remembers that the request as a whole was refused, and passes the reason on.
    pub(crate) fn refuse(&self, error: ApiError) -> ApiError {
        self.intake.refuse(&IngestError::new(error.kind(), error.message().to_owned()));
        error
    }
}
