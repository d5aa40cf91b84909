//! Who writes where, and one body on its way into the store.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sensorium_metadata::Metadata;
use sensorium_model::{
    ActingDevice, Action, Batch, DatabaseKey, DatabaseName, DatabaseSchema, ErrorKind, IngestLimits, Name, OrgId,
    Principal, Rejection, Sender,
};
use sensorium_protocols::Refusals;
use sensorium_store::Store;

use crate::blocking::unless_small;
use crate::decoding::{Decoded, Decoding, sender};
use crate::error::IngestError;
use crate::figures;
use crate::format::{Format, Source};
use crate::keys::{self, Found, Senders};
use crate::many::NewMessage;
use crate::rejections::{Origin, Rejections, cut};

/// Everything that taking readings needs; cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    /// Where readings go.
    pub store: Store,
    /// Quotas, devices and the inbox.
    pub metadata: Metadata,
    /// Limits on rows (`[limits]`).
    pub limits: IngestLimits,
    /// What was refused lately.
    pub rejections: Rejections,
}

/// Readings of a writer that may write to a database that exists.
pub struct Intake {
    pub(crate) ingest: Ingest,
    pub(crate) writer: Principal,
    pub(crate) database: DatabaseKey,
    pub(crate) schema: Arc<DatabaseSchema>,
    pub(crate) peer: IpAddr,
    pub(crate) source: Source,
    pub(crate) started: Instant,
    /// Whether the database was found to take readings.
    has_room: bool,
}

/// What became of readings.
pub struct Outcome {
    /// How they came in.
    pub source: Source,
    /// The device that is not known, if the readings are kept in the inbox.
    pub waits: Option<Name>,
    /// How many were stored.
    pub accepted: usize,
    /// How many there were.
    pub seen: u64,
    /// Those that were refused.
    pub refusals: Refusals,
}

impl Ingest {
    /// The parts; nothing was refused yet.
    pub fn new(store: Store, metadata: Metadata, limits: IngestLimits) -> Self {
        Self { store, metadata, limits, rejections: Rejections::default() }
    }

    /// Checks who writes where: permission and the database, before anything is read.
    pub fn begin(
        &self,
        writer: &Principal,
        peer: IpAddr,
        database: &str,
        source: Source,
    ) -> Result<Intake, IngestError> {
        let begun = self.checked(writer, peer, database, source);
        if begun.is_err() {
            self.count_device(writer.org, writer.device.as_deref(), 0, 1);
        }
        begun
    }

    fn checked(&self, writer: &Principal, peer: IpAddr, database: &str, source: Source) -> Result<Intake, IngestError> {
        let started = Instant::now();
        // A name that breaks the rules cannot exist.
        let name = DatabaseName::new(database).map_err(|_| no_database(database))?;
        let action = if writer.for_devices { Action::WriteForDevices(&name) } else { Action::Write(&name) };
        if !writer.allows(action) {
            return Err(IngestError::denied("this credential may not write to this database"));
        }
        if writer.for_devices && source == Source::Detections {
            return Err(IngestError::invalid("a key for devices sends no detections; use a token of the camera's own"));
        }
        let database = DatabaseKey::new(writer.org, name);
        let schema = self.store.schema(&database).ok_or_else(|| no_database(database.name.as_str()))?;
        let (ingest, writer) = (self.clone(), writer.clone());
        Ok(Intake { ingest, writer, database, schema, peer, source, started, has_room: false })
    }

    /// Counts a message of a device, if it is one that sends.
    fn count_device(&self, org: OrgId, device: Option<&ActingDevice>, rows: u64, errors: u64) {
        if let Some(device) = device {
            self.metadata.count_device_message(org, device.id, rows, errors);
        }
    }
}

impl Intake {
    /// Fails if the database takes no readings now, because the quota of storage of whoever created it is used up. To be asked
    /// before a body is received; nothing is taken without it.
    pub async fn check_room(&mut self) -> Result<(), IngestError> {
        self.find_room().await.inspect_err(|error| self.refuse(error))
    }

    async fn find_room(&mut self) -> Result<(), IngestError> {
        if !self.has_room {
            self.room().await?;
            self.has_room = true;
        }
        Ok(())
    }

    /// Whether the database takes readings now.
    pub(crate) async fn room(&self) -> Result<(), IngestError> {
        let store = &self.ingest.store;
        Ok(self.ingest.metadata.check_storage(&self.database, |other| store.database_bytes(other)).await?)
    }

    /// Decodes a body and stores what is right in it; `sent_bytes` is its size before decompression. What fails is counted.
    pub async fn take(mut self, bytes: Bytes, sent_bytes: usize, format: Format) -> Result<Outcome, IngestError> {
        self.check_room().await?;
        let outcome = self.take_one(NewMessage { format, body: bytes, received_ns: now_ns() }).await?;
        figures::count(self.source, std::iter::once(&outcome), sent_bytes, self.started.elapsed());
        self.remember(&outcome);
        Ok(outcome)
    }

    pub(crate) async fn take_one(&self, message: NewMessage) -> Result<Outcome, IngestError> {
        let (decoding, new) = (self.decoding(), message.clone());
        let decoded = unless_small(message.body.len(), move || decoding.one(&new)).await?;
        let Decoded { mut batch, seen, mut refusals } = decoded.inspect_err(|error| self.refuse(error))?;
        self.spend(batch.rows()).await.inspect_err(|error| self.refuse(error))?;
        let mut senders = Senders::default();
        if self.writer.for_devices {
            let found = keys::senders(self, &mut batch, &message).await;
            match found.inspect_err(|error| self.refuse(error))? {
                Found::Known(known) => senders = known,
                Found::InInbox(name) => {
                    return Ok(Outcome { source: self.source, waits: Some(name), accepted: 0, seen, refusals });
                }
            }
        }
        let (accepted, rejected) = self.write(batch).await.inspect_err(|_| self.count_device(0, 1))?;
        for rejection in rejected {
            refusals.add(rejection);
        }
        refusals.sort();
        senders.count(&self.ingest.metadata, self.database.org);
        message.format.locate(&mut refusals);
        Ok(Outcome { source: self.source, waits: None, accepted, seen, refusals })
    }

    /// Remembers that a request as a whole was refused.
    pub fn refuse(&self, error: &IngestError) {
        figures::refused(self.source, error.kind(), 1);
        self.ingest.rejections.record_request(self.origin(), error);
        self.count_device(0, 1);
    }

    pub(crate) fn decoding(&self) -> Decoding {
        self.decoding_of(vec![sender(&self.writer)])
    }

    /// Decoding for several writers to the same database.
    pub(crate) fn decoding_of(&self, senders: Vec<Sender>) -> Decoding {
        let (database, schema) = (self.database.clone(), self.schema.clone());
        Decoding { database, schema, limits: self.ingest.limits, senders }
    }

    /// Counts points against the writer's quota, or says that it is used up.
    pub(crate) async fn spend(&self, points: usize) -> Result<(), IngestError> {
        let points = u64::try_from(points).unwrap_or(u64::MAX);
        Ok(self.ingest.metadata.spend_points(&self.writer, points).await?)
    }

    /// Stores a batch, if there is anything in it; how many rows are stored, and those that the store refused.
    pub(crate) async fn write(&self, batch: Batch) -> Result<(usize, Vec<Rejection>), IngestError> {
        if batch.is_empty() {
            return Ok((0, Vec::new()));
        }
        let report = self.ingest.store.write(batch).await?;
        Ok((report.accepted, report.rejected))
    }

    pub(crate) fn count_device(&self, rows: u64, errors: u64) {
        self.ingest.count_device(self.database.org, self.writer.device.as_deref(), rows, errors);
    }

    /// Counts what became of a message that was taken, and remembers the rows that were refused.
    pub(crate) fn remember(&self, outcome: &Outcome) {
        self.count_device(outcome.accepted as u64, outcome.refusals.total());
        if !outcome.refusals.is_empty() {
            self.ingest.rejections.record(self.origin(), &outcome.refusals);
        }
    }

    fn origin(&self) -> Origin<'_> {
        Origin { database: &self.database, source: self.source.as_str(), peer: self.peer }
    }
}

/// The same words whether the database does not exist or must not be known.
fn no_database(name: &str) -> IngestError {
    IngestError::new(ErrorKind::Missing, format!("database not found: {:?}", cut(name)))
}

/// The clock, in nanoseconds since the epoch.
pub(crate) fn now_ns() -> i64 {
    chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default()
}
