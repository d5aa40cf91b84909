//! Many small messages of one writer, stored with as few writes as possible: one, unless they are too many for one batch.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use sensorium_metadata::inbox::{MAX_SENDERS, Sender};
use sensorium_model::{ActingDevice, ErrorKind, Name, Rejection};

use crate::blocking::unless_small;
use crate::decoding::{Gathered, Part};
use crate::error::IngestError;
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

/// What became of a message.
type Taken = Result<Outcome, IngestError>;

/// Devices of the registry, by what they call themselves.
type Known = HashMap<Name, Arc<ActingDevice>>;

/// How many rows of a message name each device; empty when it cannot be read.
type RowsOfDevices = HashMap<Name, u64>;

impl Intake {
    /// Decodes messages into one batch and stores it with one write to the log; one result a message, in their order. What is
    /// wrong with one message changes nothing for the others. What fails is counted.
    ///
    /// Messages that do not fit one batch, by the limits of a request, are stored in several. When the writer's quota of points is
    /// used up, the first messages are taken, as far as it goes. With a key for devices, messages whose devices are not all known
    /// are taken one by one.
    pub async fn take_all(mut self, messages: Vec<NewMessage>) -> Vec<Result<Outcome, IngestError>> {
        if messages.is_empty() {
            return Vec::new();
        }
        if let Err(error) = self.find_room().await {
            return messages.iter().map(|_| self.refused(&error)).collect();
        }
        let messages: Arc<[NewMessage]> = messages.into();
        let taken = match self.writer.for_devices {
            true => self.take_for_devices(&messages).await,
            false => self.take_together(&messages, &Known::new()).await,
        };
        let sizes = taken.iter().zip(messages.iter()).filter(|(taken, _)| taken.is_ok());
        let sent_bytes = sizes.map(|(_, message)| message.body.len()).sum();
        self.count(taken.iter().flatten(), sent_bytes);
        taken
    }

    /// Stores messages together; rows of known devices get the names that those have.
    async fn take_together(&self, messages: &Arc<[NewMessage]>, known: &Known) -> Vec<Taken> {
        let mut taken = Vec::with_capacity(messages.len());
        let mut end = messages.len();
        while taken.len() < messages.len() {
            let start = taken.len();
            match self.store_some(messages, start..end, known).await {
                Ok(some) => {
                    taken.extend(some);
                    end = messages.len();
                }
                // The quota may suffice for fewer.
                Err(error) if is_used_up(&error) && end - start > 1 => end = start + (end - start) / 2,
                // It never suffices for this one.
                Err(error) if error.kind() == ErrorKind::TooLarge => {
                    taken.push(self.refused(&error));
                    end = messages.len();
                }
                Err(error) => taken.extend(messages.iter().skip(start).map(|_| self.refused(&error))),
            }
        }
        taken
    }

    /// Stores the first of some messages, as many as go together. Fails, with nothing stored, when the quota of points does not
    /// suffice for them, or together they are more than the store takes at once.
    async fn store_some(
        &self,
        messages: &Arc<[NewMessage]>,
        some: Range<usize>,
        known: &Known,
    ) -> Result<Vec<Taken>, IngestError> {
        let start = some.start;
        let bytes = messages.get(some.clone()).unwrap_or_default().iter().map(|message| message.body.len()).sum();
        let (decoding, new) = (self.decoding(), messages.clone());
        let gathered = unless_small(bytes, move || decoding.many(new.get(some).unwrap_or_default(), now_ns())).await?;
        let Gathered { mut batch, parts, lines_before } = gathered;
        self.spend(batch.rows()).await?;
        keys::rename(&mut batch, known);
        let (mut rejected, failure) = match self.write(batch).await {
            Ok((_, rejected)) => (by_message(&lines_before, rejected), None),
            Err(error) if error.kind() == ErrorKind::TooLarge && parts.len() > 1 => return Err(error),
            Err(error) => (HashMap::new(), Some(error)),
        };
        let parts = parts.into_iter().zip(messages.iter().skip(start)).enumerate();
        let taken = parts.map(|(position, (part, message))| match (part, &failure) {
            (Err(error), _) => self.refused(&error),
            (Ok(part), Some(error)) if part.rows > 0 => {
                self.count_device(0, 1);
                Err(error.clone())
            }
            (Ok(part), _) => Ok(self.outcome(part, rejected.remove(&position).unwrap_or_default(), &message.format)),
        });
        Ok(taken.collect())
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
    async fn take_for_devices(&self, messages: &Arc<[NewMessage]>) -> Vec<Taken> {
        let named = match self.devices(messages).await {
            Ok(named) => named,
            Err(error) => return messages.iter().map(|_| self.refused(&error)).collect(),
        };
        let known = self.known(&named).await;
        let is_known = |rows: &RowsOfDevices| rows.keys().all(|name| known.contains_key(name));
        let (together, alone): (Vec<usize>, Vec<usize>) =
            (0..messages.len()).partition(|position| named.get(*position).is_some_and(is_known));
        let shared: Arc<[NewMessage]> =
            together.iter().filter_map(|position| messages.get(*position).cloned()).collect();
        let stored = self.take_together(&shared, &known).await;
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
