//! Readings on their way into the store.
//!
//! A batch is what came while the batch before was written, from all peers of a socket, so that peers that are together faster than
//! the disk need no more writes. What of a batch goes to one database is stored with one write to the log. Before, it is written down
//! when the messages came ([`super::recent`]).
//!
//! Invariant: an answer that says "stored" is made after the log has the reading on disk.
//!
//! Limits: `coap.waiting` readings wait at most, and `coap.waiting_bytes` of them; further ones are refused as those of a server that is busy.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use metrics::counter;
use sensorium_ingest::{Format, IngestError, NewMessage, Outcome, Source, take_from_all};
use sensorium_model::{DatabaseKey, DatabaseName, DeviceId, ErrorKind, FastMap, Principal, Subject};
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
}

/// What one writer sent from one address to one database.
struct Group {
    peer: IpAddr,
    writer: Arc<Principal>,
    database: DatabaseName,
    answers: Vec<(ExchangeId, Response)>,
    messages: Vec<NewMessage>,
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
    let mut databases: FastMap<DatabaseKey, Vec<Group>> = FastMap::default();
    let mut places: FastMap<(DatabaseKey, IpAddr, Subject, Option<DeviceId>), usize> = FastMap::default();
    for Waiting { exchange, peer, received_ns, reading, .. } in batch {
        let Reading { writer, database, format, body, stored } = reading;
        let key = DatabaseKey::new(writer.org, database.clone());
        let device = writer.device.as_ref().map(|device| device.id);
        let groups = databases.entry(key.clone()).or_default();
        let place = *places.entry((key, peer, writer.subject, device)).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Group { peer, writer, database, answers: Vec::new(), messages: Vec::new() });
        }
        if let Some(group) = groups.get_mut(place) {
            group.answers.push((exchange, stored));
            group.messages.push(NewMessage { format, body, received_ns });
        }
    }
    join_all(databases.into_values().map(|groups| write(shared, groups))).await.into_iter().flatten().collect()
}

/// Stores what is sent to one database.
async fn write(shared: &Shared, groups: Vec<Group>) -> Vec<(ExchangeId, Response)> {
    let mut answered = Vec::new();
    let (mut answers, mut from) = (Vec::with_capacity(groups.len()), Vec::with_capacity(groups.len()));
    for group in groups {
        match shared.ingest.begin(&group.writer, group.peer, group.database.as_str(), Source::Coap) {
            Ok(intake) => {
                answers.push(group.answers);
                from.push((intake, group.messages));
            }
            Err(error) => {
                let refused =
                    group.answers.into_iter().map(|(exchange, stored)| (exchange, judge(Err(error.clone()), stored)));
                answered.extend(refused);
            }
        }
    }
    for (answers, taken) in answers.into_iter().zip(take_from_all(from).await) {
        let told = answers.into_iter().zip(taken).map(|((exchange, stored), taken)| (exchange, judge(taken, stored)));
        answered.extend(told);
    }
    answered
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
