//! From a question to rows on the wire. Whoever waits here also hears that the client cancels or has left; either ends the query.

use sensorium_metadata::Change;
use sensorium_query::{Described, Managing, Parameter, QueryError};
use tokio_util::sync::CancellationToken;

use super::Session;
use crate::failure::{Failure, code};
use crate::frontend::Format;
use crate::portal::Answer;
use crate::wire::{GATHERED, Gone, Wire};

/// What was sent of an answer.
pub(super) struct Sent {
    pub(super) rows: u64,
    /// Whether there may be more.
    pub(super) is_suspended: bool,
}

impl Session {
    /// Starts a question; `text` is what the client sent, and where in it the statement begins.
    pub(super) async fn open(
        &mut self,
        sql: &str,
        parameters: Vec<Parameter>,
        text: (&str, usize),
    ) -> Result<Answer, Gone> {
        let request = self.request(sql, Some(parameters));
        let query = self.shared.query.clone();
        let cancel = self.cancellable.begin();
        let opened = until_ended(&mut self.wire, &cancel, query.execute(request)).await;
        self.cancellable.end();
        let stream = opened?.map_err(|error| Failure::of_query(&error, text.0, text.1))?;
        if let Some(Managing::Kill(Some(id))) = Managing::read(sql) {
            let change = Change::new("ended", "query", &id.to_string());
            let recorded = self.shared.metadata.audit(&self.account.principal, change).await;
            recorded.map_err(|error| Failure::new(code::INTERNAL, error.to_string()))?;
        }
        Ok(Answer::new(stream))
    }

    /// Asks what a statement takes and gives.
    pub(super) async fn ask_description(&mut self, sql: &str, text: (&str, usize)) -> Result<Described, Gone> {
        let request = self.request(sql, None);
        let query = self.shared.query.clone();
        let cancel = self.cancellable.begin();
        let described = until_ended(&mut self.wire, &cancel, query.describe(request)).await;
        self.cancellable.end();
        Ok(described?.map_err(|error| Failure::of_query(&error, text.0, text.1))?)
    }

    /// Sends rows of an answer: at most so many, or all for 0.
    pub(super) async fn send(
        &mut self,
        answer: &mut Answer,
        formats: &[Format],
        at_most: u32,
        text: (&str, usize),
    ) -> Result<Sent, Gone> {
        let cancel = self.cancellable.begin();
        let sent = write_rows(&mut self.wire, &cancel, answer, formats, at_most).await;
        self.cancellable.end();
        sent?.map_err(|error| Failure::of_query(&error, text.0, text.1).into())
    }
}

async fn write_rows(
    wire: &mut Wire,
    cancel: &CancellationToken,
    answer: &mut Answer,
    formats: &[Format],
    at_most: u32,
) -> Result<Result<Sent, QueryError>, Gone> {
    let limit = if at_most == 0 { u64::MAX } else { at_most.into() };
    let mut rows = 0;
    loop {
        while answer.has_rows() && rows < limit {
            let written = answer.write(limit - rows, GATHERED, wire.unsent_mut());
            match written {
                Ok(count) => rows += count,
                Err(error) => return Ok(Err(QueryError::Internal { message: error.to_string() })),
            }
            if wire.unsent() >= GATHERED {
                if cancel.is_cancelled() {
                    return Err(cancelled().into());
                }
                wire.flush().await?;
            }
        }
        if rows == limit {
            return Ok(Ok(Sent { rows, is_suspended: true }));
        }
        match until_ended(wire, cancel, answer.more(formats)).await? {
            Ok(true) => {}
            Ok(false) => return Ok(Ok(Sent { rows, is_suspended: false })),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Waits for something, unless the client cancels it or leaves.
async fn until_ended<T>(wire: &mut Wire, cancel: &CancellationToken, work: impl Future<Output = T>) -> Result<T, Gone> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(cancelled().into()),
        done = work => Ok(done),
        () = wire.left() => Err(Gone::Left),
    }
}

fn cancelled() -> Failure {
    Failure::new(code::CANCELLED, "The statement was cancelled at the request of its client.")
}
