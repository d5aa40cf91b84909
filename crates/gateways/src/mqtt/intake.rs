//! Messages on their way into the store, to those who are retained for, and to subscribers.
//!
//! What [`super::gather`] takes at once goes in steps, each when the one before is durable: that QoS 2 messages came, the readings,
//! and then what was retained, what sessions that are kept have to deliver, and which QoS 2 messages are taken, those of a connection
//! together. Killed between the steps, a client sends its messages again, and what they had come to is done once more with the same
//! result.
//!
//! When the store has no room for some messages of a connection, all of that connection wait and are tried again. What would have to
//! be written down is refused while too much waits for that already; what needs no such thing goes on. A connection that waits until
//! something of its own is durable holds up no other.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use metrics::counter;
use sensorium_ingest::{IngestError, Intake, NewMessage, Outcome as Stored, Source, take_from_all};
use sensorium_model::{DatabaseKey, ErrorKind};
use sensorium_protocols::mqtt::packet::{PacketId, Version};
use sensorium_protocols::mqtt::session::{Begun, Outcome, Received, Ticket};
use sensorium_protocols::mqtt::{Message, ReasonCode};
use tokio::sync::oneshot;

use super::broker::{Passed, Sender};
use super::client::Client;
use super::heard::Said;
use super::journal::{NotDurable, Seq, Write};
use super::rights::Rights;
use super::{Shared, reason};

/// How long messages wait before they are tried again.
const PAUSE: Duration = Duration::from_millis(250);
/// How often they are tried; then they are refused.
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

    /// What goes to the store.
    fn new_message(&self) -> NewMessage {
        let format = self.said.format(&self.message.topic);
        NewMessage { format, body: self.said.body.clone(), received_ns: self.received_ns }
    }

    /// Whether it is to be written down that it came.
    fn is_new_exactly_once(&self) -> bool {
        self.received.is_some_and(|begun| begun.first_ns.is_none())
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

/// Who is told what became of a batch.
pub(super) enum Told {
    /// The session of a connection.
    Client(Arc<Client>),
    /// Whoever waits for it; nobody when that is gone.
    Waiting(oneshot::Sender<Vec<(Ticket, Outcome)>>),
}

/// What a connection sent and is not told of yet.
pub(super) struct Batch {
    told: Told,
    publisher: Publisher,
    messages: Vec<(Pending, Judged)>,
    attempts: usize,
}

/// What is known of a message.
enum Judged {
    /// Its readings are to be stored.
    Open,
    /// It may be passed on.
    Good,
    Refused(Refusal),
}

impl Batch {
    pub(super) fn new(shared: &Shared, told: Told, publisher: Publisher, messages: Vec<Pending>) -> Self {
        let judge = |pending: Pending| {
            let has_readings = match &pending {
                Pending::Message(new) => !new.is_will && shared.is_stored(&new.message.topic),
                Pending::Release { .. } => false,
            };
            (pending, if has_readings { Judged::Open } else { Judged::Good })
        };
        Self { told, publisher, messages: messages.into_iter().map(judge).collect(), attempts: 0 }
    }

    /// Where its readings go.
    pub(super) fn database(&self) -> DatabaseKey {
        DatabaseKey::new(self.publisher.sender.org, self.publisher.rights.database.clone())
    }

    /// Whether something is to be written down before it is stored.
    pub(super) fn is_written_down_first(&self) -> bool {
        let is_new = |(pending, _): &(Pending, Judged)| match pending {
            Pending::Message(message) => message.is_new_exactly_once(),
            Pending::Release { .. } => false,
        };
        self.attempts == 0 && self.messages.iter().any(is_new)
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    fn is_open(&self) -> bool {
        self.messages.iter().any(|(_, judged)| matches!(judged, Judged::Open))
    }

    /// The messages whose readings are to be stored.
    fn open(&self) -> impl Iterator<Item = &PendingMessage> {
        self.messages.iter().filter_map(|one| match one {
            (Pending::Message(message), Judged::Open) => Some(message),
            _ => None,
        })
    }

    /// Refuses those messages because of the disk.
    fn refuse(&mut self, which: impl Fn(&PendingMessage) -> bool) {
        for (pending, judged) in &mut self.messages {
            if matches!(pending, Pending::Message(message) if which(message)) {
                *judged = Judged::Refused(Refusal::from(NotDurable));
            }
        }
    }

    /// Refuses the messages whose readings are to be stored.
    fn refuse_open(&mut self, error: &IngestError) {
        let refused: Vec<_> = self.open().map(|_| Err(error.clone())).collect();
        self.judge(refused);
    }

    /// What its sender is told when the server could not do its part.
    fn given_up(&self) -> Vec<(Ticket, Outcome)> {
        let refused = || outcome(Some(Refusal::from(&panicked())), self.publisher.version);
        let told = self.messages.iter().filter_map(|(pending, _)| match pending {
            Pending::Message(message) => Some((message.ticket?, refused())),
            Pending::Release { ticket, .. } => Some((*ticket, Outcome::Taken)),
        });
        told.collect()
    }

    /// Says what became of the readings that were to be stored, in their order.
    fn judge(&mut self, results: impl IntoIterator<Item = Result<Stored, IngestError>>) {
        self.attempts += 1;
        let is_last = self.attempts >= TRIES;
        let open = self.messages.iter_mut().filter(|(_, judged)| matches!(judged, Judged::Open));
        for ((_, judged), result) in open.zip(results) {
            if is_last || !result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Busy) {
                *judged = judge(&result).map_or(Judged::Good, Judged::Refused);
            }
        }
    }
}

/// Stores what several connections sent to one database and passes it on; their sessions are told what became of it.
pub(super) async fn take(shared: &Arc<Shared>, mut batches: Vec<Batch>) {
    let stored = async {
        begin(shared, &mut batches).await;
        store(shared, &mut batches).await;
    };
    // Whatever a panic left undone is refused, and its senders are told.
    if AssertUnwindSafe(stored).catch_unwind().await.is_err() {
        tracing::error!("storing messages of MQTT panicked");
        batches.iter_mut().for_each(|batch| batch.refuse_open(&panicked()));
    }
    let (mut last, mut held) = (0, Vec::new());
    for batch in batches {
        if batch.is_open() {
            try_again(shared.clone(), batch);
            continue;
        }
        let finished = catch_unwind(AssertUnwindSafe(|| shared.journal.together(|| finish(shared, &batch))));
        let (outcomes, seq) = finished.unwrap_or_else(|_| {
            tracing::error!("passing messages of MQTT on panicked");
            (batch.given_up(), 0)
        });
        match shared.journal.is_durable(seq) {
            true => tell(shared, batch, outcomes),
            false => held.push((batch, outcomes)),
        }
        last = last.max(seq);
    }
    if !held.is_empty() {
        // However long it takes: it is done, and must not be done again. Those who come after do not wait for it.
        let waiting = shared.clone();
        shared.spawn(async move {
            waiting.journal.until_durable(last).await;
            held.into_iter().for_each(|(batch, outcomes)| tell(&waiting, batch, outcomes));
        });
    }
}

/// Takes a batch again after a while.
fn try_again(shared: Arc<Shared>, batch: Batch) {
    let waiting = shared.clone();
    shared.spawn(async move {
        tokio::time::sleep(PAUSE).await;
        waiting.gather(batch);
    });
}

fn tell(shared: &Shared, batch: Batch, outcomes: Vec<(Ticket, Outcome)>) {
    let now_ms = shared.clock.now_ms();
    match batch.told {
        Told::Client(client) => {
            for (ticket, outcome) in client.stored(outcomes, now_ms) {
                shared.broker.outcome(batch.publisher.sender, ticket, &outcome, now_ms);
            }
        }
        Told::Waiting(waiting) => drop(waiting.send(outcomes)),
    }
}

/// Has written down that QoS 2 messages came, those of which that is not known yet. What cannot be written down is refused.
async fn begin(shared: &Shared, batches: &mut [Batch]) {
    let journal = &shared.journal;
    let mut seq = 0;
    for batch in batches.iter_mut().filter(|batch| batch.attempts == 0) {
        let Sender { org, key } = batch.publisher.sender;
        if journal.is_full() {
            batch.refuse(|new| new.received.is_some() || shared.broker.is_journaled(org, key, &new.message));
        }
        let writes = batch.messages.iter().filter_map(|one| match one {
            (Pending::Message(message), Judged::Open | Judged::Good) if message.is_new_exactly_once() => {
                Some(Write::Received(key, message.received(false)?))
            }
            _ => None,
        });
        let writes: Vec<Write> = writes.collect();
        if !writes.is_empty() {
            seq = journal.put(writes);
        }
    }
    if journal.durable(seq).await.is_err() {
        batches.iter_mut().for_each(|batch| batch.refuse(PendingMessage::is_new_exactly_once));
    }
}

/// Retains and passes on what was not refused, and has written down what became of QoS 2 messages; the outcomes, and what is to be
/// durable before they are told.
fn finish(shared: &Shared, batch: &Batch) -> (Vec<(Ticket, Outcome)>, Seq) {
    let publisher = &batch.publisher;
    let key = publisher.sender.key;
    let mut outcomes = Vec::with_capacity(batch.messages.len());
    let mut seq = 0;
    for (pending, judged) in &batch.messages {
        let message = match pending {
            Pending::Message(message) => message,
            Pending::Release { packet_id, ticket } => {
                seq = shared.journal.put([Write::Forgotten(key, *packet_id)]);
                outcomes.push((*ticket, Outcome::Taken));
                continue;
            }
        };
        let passed = match judged {
            Judged::Refused(refusal) => Err(refusal.clone()),
            Judged::Open | Judged::Good => pass_on(shared, publisher, &message.message),
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

/// Why a message was not taken.
#[derive(Debug, Clone)]
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

impl From<NotDurable> for Refusal {
    fn from(error: NotDurable) -> Self {
        Self { reason: ReasonCode::ServerBusy, text: error.to_string(), is_passing: true }
    }
}

/// What the session is told of a message that is refused before it is stored; it is counted.
pub(super) fn refused(error: &IngestError, version: Version) -> Outcome {
    let refusal = Refusal::from(error);
    counter!("sensorium_mqtt_refused_total", "reason" => refusal.reason.as_str()).increment(1);
    outcome(Some(refusal), version)
}

/// Stores what is to be stored, with one write.
async fn store(shared: &Shared, batches: &mut [Batch]) {
    let (mut whose, mut from) = (Vec::new(), Vec::new());
    for (position, batch) in batches.iter_mut().enumerate().filter(|(_, batch)| batch.is_open()) {
        match begin_intake(shared, &batch.publisher) {
            Ok(intake) => {
                whose.push(position);
                from.push((intake, batch.open().map(PendingMessage::new_message).collect()));
            }
            Err(error) => batch.refuse_open(&error),
        }
    }
    for (position, results) in whose.into_iter().zip(take_from_all(from).await) {
        if let Some(batch) = batches.get_mut(position) {
            batch.judge(results);
        }
    }
}

fn panicked() -> IngestError {
    IngestError::new(ErrorKind::Internal, "the server failed over this message; its log says more")
}

fn begin_intake(shared: &Shared, publisher: &Publisher) -> Result<Intake, IngestError> {
    let Publisher { rights, peer, .. } = publisher;
    shared.ingest.begin(&rights.principal, *peer, rights.database.as_str(), Source::Mqtt)
}

/// Stores what one message holds.
pub(super) async fn write(
    shared: &Shared,
    publisher: &Publisher,
    message: &PendingMessage,
) -> Result<Stored, IngestError> {
    let stored = begin_intake(shared, publisher)?.take_all(vec![message.new_message()]).await.pop();
    stored.unwrap_or_else(|| Err(IngestError::new(ErrorKind::Internal, "nothing became of a message")))
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
