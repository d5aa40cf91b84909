//! Messages on their way into the store, to those who are retained for, and to subscribers.
//!
//! A batch is what came over one connection while the batch before was written, so that a connection that is faster than the disk
//! needs no more writes. When the store has no room for now, the batch waits, and nothing more is read of its connection.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use sensorium_ingest::{IngestError, NewMessage, Outcome as Stored, Source};
use sensorium_model::ErrorKind;
use sensorium_protocols::mqtt::packet::Version;
use sensorium_protocols::mqtt::session::{Outcome, Ticket};
use sensorium_protocols::mqtt::{Message, ReasonCode};

use super::broker::Sender;
use super::heard::Said;
use super::rights::Rights;
use super::{Shared, reason};

/// How long a batch waits before it is tried again.
const PAUSE: Duration = Duration::from_millis(250);
/// How often it is tried; then its messages are refused.
const TRIES: usize = 120;

/// A message that its client may publish.
pub(super) struct Pending {
    pub(super) message: Arc<Message>,
    /// What goes to the store.
    pub(super) said: Said,
    pub(super) ticket: Option<Ticket>,
    /// When it came, in nanoseconds since the epoch: the time of a reading that has none of its own.
    pub(super) received_ns: i64,
    /// Wills are passed on and not stored.
    pub(super) is_will: bool,
}

impl Pending {
    /// A message that came now.
    pub(super) fn new(message: Arc<Message>, said: Said, ticket: Option<Ticket>) -> Self {
        let received_ns = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
        Self { message, said, ticket, received_ns, is_will: false }
    }
}

/// Whose messages they are.
pub(super) struct Publisher {
    pub(super) rights: Arc<Rights>,
    pub(super) sender: Sender,
    pub(super) peer: IpAddr,
    pub(super) version: Version,
}

/// Stores a batch and passes it on; says what became of the messages that somebody waits for.
pub(super) async fn take(shared: Arc<Shared>, publisher: Publisher, batch: Vec<Pending>) -> Vec<(Ticket, Outcome)> {
    let mut refused = store(&shared, &publisher, &batch).await;
    let mut outcomes = Vec::with_capacity(batch.len());
    for (position, pending) in batch.into_iter().enumerate() {
        let refusal = refused.get_mut(position).and_then(Option::take);
        let refusal = refusal.or_else(|| pass_on(&shared, &publisher, &pending.message));
        if let Some(Refusal { reason, .. }) = &refusal {
            counter!("sensorium_mqtt_refused_total", "reason" => reason.as_str()).increment(1);
        }
        if let Some(ticket) = pending.ticket {
            outcomes.push((ticket, outcome(refusal, publisher.version)));
        }
    }
    outcomes
}

/// Why a message was not taken.
struct Refusal {
    reason: ReasonCode,
    text: String,
    /// Whether the same message may be taken later.
    is_passing: bool,
}

impl From<&IngestError> for Refusal {
    fn from(error: &IngestError) -> Self {
        let kind = error.kind();
        Self { reason: reason::of(kind), text: error.to_string(), is_passing: reason::is_passing(kind) }
    }
}

/// What the session is told of a message that is refused before it is stored; it is counted.
pub(super) fn refused(error: &IngestError, version: Version) -> Outcome {
    let refusal = Refusal::from(error);
    counter!("sensorium_mqtt_refused_total", "reason" => refusal.reason.as_str()).increment(1);
    outcome(Some(refusal), version)
}

/// What is wrong with each message, if anything is.
async fn store(shared: &Shared, publisher: &Publisher, batch: &[Pending]) -> Vec<Option<Refusal>> {
    let mut refused: Vec<Option<Refusal>> = batch.iter().map(|_| None).collect();
    let is_reading = |pending: &Pending| !pending.is_will && shared.is_stored(&pending.message.topic);
    let mut left: Vec<usize> = (0..batch.len()).filter(|at| batch.get(*at).is_some_and(is_reading)).collect();
    for attempt in 1..=TRIES {
        if left.is_empty() {
            break;
        }
        let results = write(shared, publisher, left.iter().filter_map(|at| batch.get(*at))).await;
        let mut busy = Vec::new();
        for (at, result) in left.into_iter().zip(results) {
            let is_busy = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Busy);
            match (is_busy && attempt < TRIES, refused.get_mut(at)) {
                (true, _) => busy.push(at),
                (false, Some(refusal)) => *refusal = judge(&result),
                (false, None) => {}
            }
        }
        left = busy;
        if !left.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    refused
}

async fn write(
    shared: &Shared,
    publisher: &Publisher,
    messages: impl Iterator<Item = &Pending>,
) -> Vec<Result<Stored, IngestError>> {
    let new: Vec<NewMessage> = messages
        .map(|Pending { message, said, received_ns, .. }| NewMessage {
            format: said.format(&message.topic),
            body: said.body.clone(),
            received_ns: *received_ns,
        })
        .collect();
    let Publisher { rights, peer, .. } = publisher;
    match shared.ingest.begin(&rights.principal, *peer, rights.database.as_str(), Source::Mqtt) {
        Ok(intake) => intake.take_all(new).await,
        Err(error) => new.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// Whether what became of the readings of a message is a reason to refuse it. A message that holds no readings is none: it is for
/// other clients.
fn judge(result: &Result<Stored, IngestError>) -> Option<Refusal> {
    match result {
        Ok(stored) if stored.accepted == 0 && !stored.refusals.is_empty() => {
            let text = stored.refusals.first().first().map(|refused| refused.error.to_string()).unwrap_or_default();
            Some(Refusal { reason: ReasonCode::PayloadFormatInvalid, text, is_passing: false })
        }
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::Invalid => None,
        Err(error) => Some(error.into()),
    }
}

fn pass_on(shared: &Shared, publisher: &Publisher, message: &Arc<Message>) -> Option<Refusal> {
    let Sender { org, key } = publisher.sender;
    let passed = shared.broker.publish(org, Some(key), message, shared.clock.now_ms());
    let error = passed.err()?;
    Some(Refusal { reason: error.reason(), text: error.to_string(), is_passing: false })
}

/// What the session is told. A client of 3.1.1 can be told of a refusal only by the end of its connection, after which it sends the
/// message again: that makes sense only where it may be taken then.
fn outcome(refusal: Option<Refusal>, version: Version) -> Outcome {
    match refusal {
        Some(Refusal { is_passing: false, .. }) if version == Version::V3 => Outcome::Taken,
        Some(Refusal { reason, text, .. }) => Outcome::Refused { reason, text: Some(text.into()) },
        None => Outcome::Taken,
    }
}
