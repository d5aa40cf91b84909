//! Many small messages, of one writer or of several, stored with as few writes as possible: one, unless they are too many for one
//! batch.
//!
//! What concerns one writer alone, its permission, its quota of points, its devices, is asked for each; nothing of it costs another.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::pin::Pin;
use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use sensorium_metadata::inbox::{MAX_SENDERS, Sender};
use sensorium_model::{ActingDevice, ErrorKind, Name, Rejection};

use crate::blocking::unless_small;
use crate::decoding::{Gathered, Part, sender};
use crate::error::IngestError;
use crate::figures;
use crate::format::Format;
use crate::intake::{Intake, Outcome, now_ns};
use crate::keys::{self, Senders};

/// A message, as it came.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// How it is to be read.
    pub format: Format,
    /// What was sent.
    pub body: Bytes,
    /// When it came, in nanoseconds since the epoch: the time of readings that have none of their own.
    pub received_ns: i64,
}

/// A message among those of several writers.
#[derive(Clone)]
pub(crate) struct Sent {
    /// Which of the writers sent it.
    pub(crate) writer: usize,
    pub(crate) message: NewMessage,
}

/// What became of a message.
type Taken = Result<Outcome, IngestError>;

/// Devices of the registry, by what they call themselves.
type Known = HashMap<Name, Arc<ActingDevice>>;

/// How many rows of a message name each device; empty when it cannot be read.
type RowsOfDevices = HashMap<Name, u64>;

impl Intake {
    /// Stores messages of one writer; see [`take_from_all`].
    pub async fn take_all(self, messages: Vec<NewMessage>) -> Vec<Result<Outcome, IngestError>> {
        take_from_all(vec![(self, messages)]).await.pop().unwrap_or_default()
    }

    fn outcome(&self, part: Part, rejected: Vec<Rejection>, format: &Format) -> Outcome {
        let Part { rows, seen, mut refusals } = part;
        let accepted = rows.saturating_sub(rejected.len());
        for rejection in rejected {
            refusals.add(rejection);
        }
        refusals.sort();
        format.locate(&mut refusals);
        Outcome { source: self.source, waits: None, accepted, seen, refusals }
    }

    fn refused(&self, error: &IngestError) -> Taken {
        self.refuse(error);
        Err(error.clone())
    }

    /// Stores what known devices sent together, and takes the rest one by one.
    async fn take_for_devices(&self, messages: Vec<NewMessage>) -> Vec<Taken> {
        let messages: Arc<[NewMessage]> = messages.into();
        let named = match self.devices(&messages).await {
            Ok(named) => named,
            Err(error) => return messages.iter().map(|_| self.refused(&error)).collect(),
        };
        let known = self.known(&named).await;
        let is_known = |rows: &RowsOfDevices| rows.keys().all(|name| known.contains_key(name));
        let (together, alone): (Vec<usize>, Vec<usize>) =
            (0..messages.len()).partition(|position| named.get(*position).is_some_and(is_known));
        let sent = |position: &usize| Some(Sent { writer: 0, message: messages.get(*position)?.clone() });
        let stored = Writers::new(slice::from_ref(self)).take(together.iter().filter_map(sent).collect(), &known).await;
        let mut taken: Vec<(usize, Taken)> = Vec::with_capacity(messages.len());
        for (position, stored) in together.into_iter().zip(stored) {
            if let (true, Some(rows)) = (stored.is_ok(), named.get(position)) {
                Senders::new(rows, &known).count(&self.ingest.metadata, self.database.org);
            }
            taken.push((position, stored));
        }
        for position in alone {
            if let Some(message) = messages.get(position) {
                taken.push((position, self.take_one(message.clone()).await));
            }
        }
        taken.sort_by_key(|(position, _)| *position);
        taken.into_iter().map(|(_, taken)| taken).collect()
    }

    /// The devices that each message names.
    async fn devices(&self, messages: &Arc<[NewMessage]>) -> Result<Vec<RowsOfDevices>, IngestError> {
        let bytes = messages.iter().map(|message| message.body.len()).sum();
        let (decoding, new) = (self.decoding(), messages.clone());
        let all = move || {
            let decoded = new.iter().map(|message| decoding.one(message));
            decoded.map(|one| one.map(|one| one.batch.rows_by_device()).unwrap_or_default()).collect()
        };
        unless_small(bytes, all).await
    }

    /// Those of the named devices that may write; none if that cannot be said of all at once, so that each message is judged alone.
    async fn known(&self, named: &[RowsOfDevices]) -> Known {
        let names: HashSet<&Name> = named.iter().flat_map(HashMap::keys).collect();
        if names.is_empty() || names.len() > MAX_SENDERS {
            return Known::new();
        }
        let names: Vec<&Name> = names.into_iter().collect();
        let called: Vec<&str> = names.iter().map(|name| name.as_ref()).collect();
        let senders = self.ingest.metadata.senders(&self.writer, &called).await.unwrap_or_default();
        let known = names.into_iter().zip(senders).filter_map(|(name, sender)| match sender {
            Sender::Known(device) => Some((name.clone(), device)),
            Sender::Disabled | Sender::Unknown => None,
        });
        known.collect()
    }
}

/// Decodes messages into one batch and stores it with one write to the log; one result a message, in their order, for each writer.
/// All write to the same database, from the same source. What is wrong with one message or one writer changes nothing for the
/// others. What fails is counted.
///
/// Messages that do not fit one batch, by the limits of a request, are stored in several. When a writer's quota of points is used
/// up, its first messages are taken, as far as it goes. What is sent with a key for devices is a batch of its own, and messages
/// whose devices are not all known are taken one by one.
pub async fn take_from_all(from: Vec<(Intake, Vec<NewMessage>)>) -> Vec<Vec<Result<Outcome, IngestError>>> {
    let (intakes, messages): (Vec<Intake>, Vec<Vec<NewMessage>>) = from.into_iter().unzip();
    let Some(first) = intakes.first() else { return Vec::new() };
    debug_assert!(intakes.iter().all(|other| other.database == first.database), "one batch is of one database");
    let counts: Vec<usize> = messages.iter().map(Vec::len).collect();
    if let Err(error) = first.room().await {
        let refused = |(intake, count): (&Intake, usize)| (0..count).map(|_| intake.refused(&error)).collect();
        return intakes.iter().zip(counts).map(refused).collect();
    }
    let mut bytes: Vec<Vec<usize>> = Vec::with_capacity(messages.len());
    let (mut sent, mut for_devices) = (Vec::new(), Vec::new());
    for (writer, (intake, messages)) in intakes.iter().zip(messages).enumerate() {
        bytes.push(messages.iter().map(|message| message.body.len()).collect());
        match intake.writer.for_devices {
            true => for_devices.push((writer, messages)),
            false => sent.extend(messages.into_iter().map(|message| Sent { writer, message })),
        }
    }
    let mut taken: Vec<Vec<Taken>> = counts.iter().map(|count| Vec::with_capacity(*count)).collect();
    let writers: Vec<usize> = sent.iter().map(|sent| sent.writer).collect();
    let together = Writers::new(&intakes).take(sent.into(), &Known::new()).await;
    for (writer, one) in writers.into_iter().zip(together) {
        if let Some(of_writer) = taken.get_mut(writer) {
            of_writer.push(one);
        }
    }
    for (writer, messages) in for_devices {
        if let (Some(intake), Some(of_writer)) = (intakes.get(writer), taken.get_mut(writer)) {
            *of_writer = intake.take_for_devices(messages).await;
        }
    }
    let sizes = taken.iter().flatten().zip(bytes.iter().flatten()).filter(|(taken, _)| taken.is_ok());
    let sent_bytes = sizes.map(|(_, bytes)| bytes).sum();
    figures::count(first.source, taken.iter().flatten().flatten(), sent_bytes, first.started.elapsed());
    for (intake, taken) in intakes.iter().zip(&taken) {
        taken.iter().flatten().for_each(|outcome| intake.remember(outcome));
    }
    taken
}

/// Those whose messages go together.
struct Writers<'a> {
    intakes: &'a [Intake],
    /// Points that each was charged for and that are not stored yet.
    paid: Vec<usize>,
}

impl<'a> Writers<'a> {
    fn new(intakes: &'a [Intake]) -> Self {
        Self { intakes, paid: vec![0; intakes.len()] }
    }

    /// Stores messages together; rows of known devices get the names that those have.
    async fn take(&mut self, messages: Arc<[Sent]>, known: &Known) -> Vec<Taken> {
        let mut taken = Vec::with_capacity(messages.len());
        let mut end = messages.len();
        while taken.len() < messages.len() {
            let start = taken.len();
            match self.store_some(&messages, start..end, known).await {
                Ok(some) => {
                    taken.extend(some);
                    end = messages.len();
                }
                // The quotas of some of them do not suffice.
                Err(NotStored { used_up, .. }) if !used_up.is_empty() && self.intakes.len() > 1 => {
                    let left = messages.get(start..).unwrap_or_default();
                    taken.extend(self.take_apart(left, used_up, known).await);
                }
                // The quota may suffice for fewer.
                Err(NotStored { error, .. }) if is_used_up(&error) && end - start > 1 => {
                    end = start + (end - start) / 2;
                }
                // It never suffices for this one.
                Err(NotStored { error, .. }) if error.kind() == ErrorKind::TooLarge => {
                    taken.extend(messages.get(start).map(|sent| self.refused(sent, &error)));
                    end = messages.len();
                }
                Err(NotStored { error, .. }) => {
                    taken.extend(messages.iter().skip(start).map(|sent| self.refused(sent, &error)))
                }
            }
        }
        taken
    }

    /// Stores messages together without those of the writers whose quotas are used up, and then those of each of these.
    fn take_apart<'b>(
        &'b mut self,
        messages: &'b [Sent],
        used_up: Vec<usize>,
        known: &'b Known,
    ) -> Pin<Box<dyn Future<Output = Vec<Taken>> + Send + 'b>> {
        Box::pin(async move {
            // They are in their order.
            let others =
                || messages.iter().enumerate().filter(|(_, sent)| used_up.binary_search(&sent.writer).is_err());
            let stored = self.take(others().map(|(_, sent)| sent.clone()).collect(), known).await;
            let mut taken: Vec<(usize, Taken)> = others().map(|(position, _)| position).zip(stored).collect();
            for writer in used_up.iter().copied() {
                let (Some(intake), Some(paid)) = (self.intakes.get(writer), self.paid.get_mut(writer)) else {
                    continue;
                };
                let own = || messages.iter().enumerate().filter(|(_, sent)| sent.writer == writer);
                let alone = own().map(|(_, sent)| Sent { writer: 0, message: sent.message.clone() }).collect();
                let mut one = Writers { intakes: slice::from_ref(intake), paid: vec![std::mem::take(paid)] };
                let stored = one.take(alone, known).await;
                taken.extend(own().map(|(position, _)| position).zip(stored));
            }
            taken.sort_by_key(|(position, _)| *position);
            taken.into_iter().map(|(_, taken)| taken).collect()
        })
    }

    /// Stores the first of some messages, as many as go together. Fails, with nothing stored, when a quota of points does not
    /// suffice for them, or together they are more than the store takes at once.
    async fn store_some(
        &mut self,
        messages: &Arc<[Sent]>,
        some: Range<usize>,
        known: &Known,
    ) -> Result<Vec<Taken>, NotStored> {
        let Some(first) = self.intakes.first() else { return Ok(Vec::new()) };
        let start = some.start;
        let some_messages = messages.get(some.clone()).unwrap_or_default();
        let bytes = some_messages.iter().map(|sent| sent.message.body.len()).sum();
        let decoding = first.decoding_of(self.intakes.iter().map(|intake| sender(&intake.writer)).collect());
        let new = messages.clone();
        let gathered = unless_small(bytes, move || decoding.many(new.get(some).unwrap_or_default(), now_ns())).await?;
        let Gathered { mut batch, parts, lines_before } = gathered;
        let owed = self.owed(messages.iter().skip(start), &parts);
        self.spend(&owed).await?;
        keys::rename(&mut batch, known);
        let (mut rejected, failure) = match first.write(batch).await {
            Ok((_, rejected)) => (by_message(&lines_before, rejected), None),
            Err(error) if error.kind() == ErrorKind::TooLarge && parts.len() > 1 => return Err(error.into()),
            Err(error) => (HashMap::new(), Some(error)),
        };
        self.paid.iter_mut().zip(owed).for_each(|(paid, owed)| *paid = paid.saturating_sub(owed));
        let parts = parts.into_iter().zip(messages.iter().skip(start)).enumerate();
        let taken = parts.filter_map(|(position, (part, sent))| {
            let intake = self.intakes.get(sent.writer)?;
            Some(match (part, &failure) {
                (Err(error), _) => intake.refused(&error),
                (Ok(part), Some(error)) if part.rows > 0 => {
                    intake.count_device(0, 1);
                    Err(error.clone())
                }
                (Ok(part), _) => {
                    let rejected = rejected.remove(&position).unwrap_or_default();
                    Ok(intake.outcome(part, rejected, &sent.message.format))
                }
            })
        });
        Ok(taken.collect())
    }

    /// How many points each writer has in a batch.
    fn owed<'s>(&self, messages: impl Iterator<Item = &'s Sent>, parts: &[Result<Part, IngestError>]) -> Vec<usize> {
        let mut owed = vec![0; self.intakes.len()];
        for (sent, part) in messages.zip(parts) {
            if let (Some(owed), Ok(part)) = (owed.get_mut(sent.writer), part) {
                *owed += part.rows;
            }
        }
        owed
    }

    /// Charges each writer for what it was not charged for before. Those whose quotas do not suffice are named, and not charged.
    async fn spend(&mut self, owed: &[usize]) -> Result<(), NotStored> {
        let mut failed: Option<NotStored> = None;
        for (writer, ((intake, paid), owed)) in self.intakes.iter().zip(&mut self.paid).zip(owed).enumerate() {
            if *owed <= *paid {
                continue;
            }
            match intake.spend(*owed - *paid).await {
                Ok(()) => *paid = *owed,
                Err(error) if is_used_up(&error) => {
                    failed.get_or_insert_with(|| NotStored::from(error)).used_up.push(writer);
                }
                Err(error) => return Err(error.into()),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn refused(&self, sent: &Sent, error: &IngestError) -> Taken {
        match self.intakes.get(sent.writer) {
            Some(intake) => intake.refused(error),
            None => Err(error.clone()),
        }
    }
}

/// Why nothing of some messages is stored.
struct NotStored {
    error: IngestError,
    /// The writers whose quotas of points do not suffice, in their order.
    used_up: Vec<usize>,
}

impl From<IngestError> for NotStored {
    fn from(error: IngestError) -> Self {
        Self { error, used_up: Vec::new() }
    }
}

/// Whether there are too many points for now, or for a quota as a whole.
fn is_used_up(error: &IngestError) -> bool {
    matches!(error.kind(), ErrorKind::Busy | ErrorKind::TooLarge)
}

/// The refused rows of each message that has some, under the numbers of its own lines.
fn by_message(lines_before: &[u32], rejected: Vec<Rejection>) -> HashMap<usize, Vec<Rejection>> {
    let mut of_messages: HashMap<usize, Vec<Rejection>> = HashMap::new();
    for Rejection { line, error } in rejected {
        let position = lines_before.partition_point(|before| *before < line).saturating_sub(1);
        let before = lines_before.get(position).copied().unwrap_or_default();
        let rejection = Rejection { line: line.saturating_sub(before), error };
        of_messages.entry(position).or_default().push(rejection);
    }
    of_messages
}
