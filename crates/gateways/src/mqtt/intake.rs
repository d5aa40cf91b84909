//! Messages on their way into the store, to those who are retained for, and to subscribers.
//!
//! A batch is what came over one connection while the batch before was written, so that a connection that is faster than the disk
//! needs no more writes. When the store has no room for now, the batch waits, and nothing more is read of its connection.
//!
//! A batch goes in steps, each when the one before is durable: that QoS 2 messages came, the readings, and then together what was
//! retained, what sessions that are kept have to deliver, and which QoS 2 messages are taken. Killed between the steps, a client
//! sends the batch again, and what it had come to is done once more with the same result.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use sensorium_ingest::{IngestError, NewMessage, Outcome as Stored, Source};
use sensorium_model::ErrorKind;
use sensorium_protocols::mqtt::packet::{PacketId, Version};
use sensorium_protocols::mqtt::router::SessionKey;
use sensorium_protocols::mqtt::session::{Begun, Outcome, Received, Ticket};
use sensorium_protocols::mqtt::{Message, ReasonCode};

use super::broker::{Passed, Sender};
use super::heard::Said;
use super::journal::{Journal, NotDurable, Seq, Write};
use super::rights::Rights;
use super::{Shared, reason};

/// How long a batch waits before it is tried again.
const PAUSE: Duration = Duration::from_millis(250);
/// How often it is tried; then its messages are refused.
const TRIES: usize = 120;

/// A message that its client may publish, or the end of one.
pub(super) enum Pending {
    Message(PendingMessage),
    /// The identifier of a QoS 2 message is free again.
    Release {
        packet_id: PacketId,
        ticket: Ticket,
    },
}

/// A message that its client may publish.
pub(super) struct PendingMessage {
    pub(super) message: Arc<Message>,
    /// What goes to the store.
    pub(super) said: Said,
    pub(super) ticket: Option<Ticket>,
    /// When it came, in nanoseconds since the epoch: the time of a reading that has none of its own.
    pub(super) received_ns: i64,
    /// Of a QoS 2 message of a session that is kept.
    pub(super) received: Option<Begun>,
    /// Wills are passed on and not stored.
    pub(super) is_will: bool,
}

impl PendingMessage {
    /// One that came just now, or at the time that is known of it.
    pub(super) fn new(message: Arc<Message>, said: Said, ticket: Option<Ticket>, received: Option<Begun>) -> Self {
        let now_ns = || chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
        let received_ns = received.and_then(|begun| begun.first_ns).unwrap_or_else(now_ns);
        Self { message, said, ticket, received_ns, received, is_will: false }
    }

    /// What is written down of a QoS 2 message.
    fn received(&self, is_taken: bool) -> Option<Received> {
        let Begun { packet_id, .. } = self.received?;
        Some(Received { packet_id, received_ns: self.received_ns, is_taken })
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
    if begin(&shared.journal, publisher.sender.key, &batch).await.is_err() {
        return not_durable(&batch);
    }
    let refused = store(&shared, &publisher, &batch).await;
    let (outcomes, seq) = shared.journal.together(|| finish(&shared, &publisher, &batch, refused));
    // However long it takes: it is done, and must not be done again.
    shared.journal.until_durable(seq).await;
    outcomes
}

/// Has written down that QoS 2 messages came, those of which that is not known yet.
async fn begin(journal: &Journal, key: SessionKey, batch: &[Pending]) -> Result<(), NotDurable> {
    if journal.is_full() {
        return Err(NotDurable);
    }
    let received = batch.iter().filter_map(|pending| match pending {
        Pending::Message(message) if message.received.is_some_and(|begun| begun.first_ns.is_none()) => {
            message.received(false)
        }
        _ => None,
    });
    let writes: Vec<Write> = received.map(|received| Write::Received(key, received)).collect();
    match writes.is_empty() {
        true => Ok(()),
        false => journal.durable(journal.put(writes)).await,
    }
}

/// Retains and passes on what was not refused, and has written down what became of QoS 2 messages; the outcomes, and what is to be
/// durable before they are told.
fn finish(
    shared: &Shared,
    publisher: &Publisher,
    batch: &[Pending],
    refused: Vec<Option<Refusal>>,
) -> (Vec<(Ticket, Outcome)>, Seq) {
    let key = publisher.sender.key;
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut seq = 0;
    for (pending, refusal) in batch.iter().zip(refused) {
        let message = match pending {
            Pending::Message(message) => message,
            Pending::Release { packet_id, ticket } => {
                seq = shared.journal.put([Write::Forgotten(key, *packet_id)]);
                outcomes.push((*ticket, Outcome::Taken));
                continue;
            }
        };
        let passed = match refusal {
            Some(refusal) => Err(refusal),
            None => pass_on(shared, publisher, &message.message),
        };
        let refusal = match passed {
            Ok(passed) => {
                seq = seq.max(passed.durable);
                None
            }
            Err(refusal) => {
                shared.broker.organisation(publisher.sender.org).count_refused();
                counter!("sensorium_mqtt_refused_total", "reason" => refusal.reason.as_str()).increment(1);
                Some(refusal)
            }
        };
        let outcome = outcome(refusal, publisher.version);
        if let Some(received) = message.received(true) {
            seq = shared.journal.put([match outcome {
                Outcome::Taken => Write::Received(key, received),
                Outcome::Refused { .. } => Write::Forgotten(key, received.packet_id),
            }]);
        }
        outcomes.extend(message.ticket.map(|ticket| (ticket, outcome)));
    }
    (outcomes, seq)
}

/// The outcomes when the disk takes nothing: clients send again.
fn not_durable(batch: &[Pending]) -> Vec<(Ticket, Outcome)> {
    let ticket = |pending: &Pending| match pending {
        Pending::Message(message) => message.ticket,
        Pending::Release { ticket, .. } => Some(*ticket),
    };
    let text: Arc<str> = NotDurable.to_string().into();
    let refused = || Outcome::Refused { reason: ReasonCode::ServerBusy, text: Some(text.clone()) };
    batch.iter().filter_map(ticket).map(|ticket| (ticket, refused())).collect()
}

/// Why a message was not taken.
pub(super) struct Refusal {
    reason: ReasonCode,
    pub(super) text: String,
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
    let reading = |(at, pending): (usize, &Pending)| match pending {
        Pending::Message(new) if !new.is_will && shared.is_stored(&new.message.topic) => Some(at),
        _ => None,
    };
    let mut left: Vec<usize> = batch.iter().enumerate().filter_map(reading).collect();
    for attempt in 1..=TRIES {
        if left.is_empty() {
            break;
        }
        let messages = left.iter().filter_map(|at| match batch.get(*at) {
            Some(Pending::Message(message)) => Some(message),
            _ => None,
        });
        let results = write(shared, publisher, messages).await;
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

pub(super) async fn write(
    shared: &Shared,
    publisher: &Publisher,
    messages: impl Iterator<Item = &PendingMessage>,
) -> Vec<Result<Stored, IngestError>> {
    let new: Vec<NewMessage> = messages
        .map(|PendingMessage { message, said, received_ns, .. }| NewMessage {
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
pub(super) fn judge(result: &Result<Stored, IngestError>) -> Option<Refusal> {
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

fn pass_on(shared: &Shared, publisher: &Publisher, message: &Arc<Message>) -> Result<Passed, Refusal> {
    let Sender { org, key } = publisher.sender;
    let passed = shared.broker.publish(org, Some(key), message, shared.clock.now_ms());
    passed.map_err(|error| Refusal { reason: error.reason(), text: error.to_string(), is_passing: false })
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
