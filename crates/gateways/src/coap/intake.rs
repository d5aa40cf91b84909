//! Readings on their way into the store.
//!
//! A batch is what came while the batch before was written, from all peers of a socket, so that peers that are together faster than
//! the disk need no more writes. Of a batch, what one writer sent from one address is stored with one write to the log, and all
//! writes go on at once. Before, it is written down when the messages came ([`super::recent`]).
//!
//! Invariant: an answer that says "stored" is made after the log has the reading on disk.
//!
//! Limits: `coap.waiting` readings wait at most, and `coap.waiting_bytes` of them; further ones are refused as those of a server that is busy.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use metrics::counter;
use sensorium_ingest::{Format, IngestError, NewMessage, Outcome, Source};
use sensorium_model::{DatabaseName, ErrorKind, Principal};
use sensorium_protocols::coap::{Code, ExchangeId, Response};

use super::Shared;
use super::answer::{code_of, failure, label, of_ingest, of_kind};
use super::recent::Came;

/// A reading that its peer may write.
pub(super) struct Reading {
    pub(super) writer: Arc<Principal>,
    pub(super) database: DatabaseName,
    pub(super) format: Format,
    pub(super) body: Bytes,
    /// What is answered once it is stored.
    pub(super) stored: Response,
}

/// A reading that waits for its batch.
pub(super) struct Waiting {
    pub(super) exchange: ExchangeId,
    pub(super) peer: IpAddr,
    pub(super) received_ns: i64,
    /// What the message is known by, if it may be sent again.
    pub(super) key: Option<u64>,
    pub(super) reading: Reading,
}

impl Waiting {
    /// Roughly the bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.reading.body.len()
    }

    fn is_with(&self, other: &Self) -> bool {
        let (own, other_reading) = (&self.reading, &other.reading);
        self.peer == other.peer
            && own.database == other_reading.database
            && (Arc::ptr_eq(&own.writer, &other_reading.writer) || own.writer == other_reading.writer)
    }
}

/// Stores a batch; what each peer is answered.
pub(super) async fn store(shared: &Shared, mut batch: Vec<Waiting>) -> Vec<(ExchangeId, Response)> {
    let mut new = Vec::new();
    for waiting in &mut batch {
        let Some(key) = waiting.key else { continue };
        match shared.recent.first(key) {
            Some(before_ns) => waiting.received_ns = before_ns,
            None => new.push(Came { key, received_ns: waiting.received_ns }),
        }
    }
    if !new.is_empty()
        && let Err(error) = shared.recent.note(new).await
    {
        let refused = || of_kind(ErrorKind::NoSpace, &error.to_string(), None);
        return batch.iter().map(|waiting| (waiting.exchange, refused())).collect();
    }
    let mut groups: Vec<Vec<Waiting>> = Vec::new();
    for waiting in batch {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| first.is_with(&waiting))) {
            Some(group) => group.push(waiting),
            None => groups.push(vec![waiting]),
        }
    }
    join_all(groups.into_iter().map(|group| write(shared, group))).await.into_iter().flatten().collect()
}

/// Stores what one writer sent.
async fn write(shared: &Shared, group: Vec<Waiting>) -> Vec<(ExchangeId, Response)> {
    let Some(first) = group.first() else { return Vec::new() };
    let Reading { writer, database, .. } = &first.reading;
    let begun = shared.ingest.begin(writer, first.peer, database.as_str(), Source::Coap);
    let mut answers = Vec::with_capacity(group.len());
    let mut messages = Vec::with_capacity(group.len());
    for Waiting { exchange, received_ns, reading, .. } in group {
        answers.push((exchange, reading.stored));
        messages.push(NewMessage { format: reading.format, body: reading.body, received_ns });
    }
    let taken = match begun {
        Ok(intake) => intake.take_all(messages).await,
        Err(error) => messages.iter().map(|_| Err(error.clone())).collect(),
    };
    answers.into_iter().zip(taken).map(|((exchange, stored), taken)| (exchange, judge(taken, stored))).collect()
}

/// What a peer is told of its reading: that it is stored, as long as any row of it is.
fn judge(taken: Result<Outcome, IngestError>, stored: Response) -> Response {
    let refused = match &taken {
        Ok(outcome) if outcome.accepted == 0 && outcome.waits.is_none() => match outcome.refusals.first().first() {
            Some(refused) => failure(code_of(refused.error.kind()), &refused.error.to_string()),
            None => failure(Code::BAD_REQUEST, "there is no reading in the payload"),
        },
        Ok(_) => return stored,
        Err(error) => of_ingest(error),
    };
    counter!("sensorium_coap_refused_total", "code" => label(refused.code)).increment(1);
    refused
}
