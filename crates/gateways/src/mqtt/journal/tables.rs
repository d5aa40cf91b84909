//! The file: a `redb` database with a table for each kind of piece.
//!
//! ```text
//! format    "format" → 1
//! sessions  session → whose it is, and the session without its messages
//! messages  session, number → a message to the client
//! sent      session, number → its identifier, once it was sent; without a message, only PUBREL is still to be answered
//! received  session, identifier → a QoS 2 message of the client: when it came (nanoseconds), whether it was taken
//! retained  organisation, topic → message
//! ```
//!
//! Values are what [`encoded`](super::encoded) makes. A change of a layout is a new number of the format.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::num::NonZeroU16;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};
use sensorium_model::OrgId;
use sensorium_protocols::mqtt::packet::PacketId;
use sensorium_protocols::mqtt::router::SessionKey;
use sensorium_protocols::mqtt::session::{Change, Changes, Received, Stored, StoredMessage};
use sensorium_protocols::mqtt::{Delivery, Message};
use uuid::Uuid;

use super::{JournalError, Write, encoded};
use crate::mqtt::broker::Identity;

const FORMAT: TableDefinition<'_, &str, u32> = TableDefinition::new("format");
const SESSIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("sessions");
const MESSAGES: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("messages");
const SENT: TableDefinition<'_, (u64, u64), u16> = TableDefinition::new("sent");
const RECEIVED: TableDefinition<'_, (u64, u16), (i64, bool)> = TableDefinition::new("received");
const RETAINED: TableDefinition<'_, (u128, &str), &[u8]> = TableDefinition::new("retained");

/// The layout that this program reads and writes.
const THIS_FORMAT: u32 = 1;
/// What to do about a file that cannot be read.
const MOVE_AWAY: &str = "move it away to start without the sessions and retained messages of MQTT";
/// Pages of the file that are kept in memory, in bytes.
const CACHE_BYTES: usize = 8 * 1_024 * 1_024;

/// What was in the file.
#[derive(Debug, Default)]
pub(in crate::mqtt) struct Restored {
    pub(in crate::mqtt) sessions: Vec<RestoredSession>,
    pub(in crate::mqtt) retained: Vec<(OrgId, Arc<Message>)>,
}

/// A session that was in the file.
#[derive(Debug)]
pub(in crate::mqtt) struct RestoredSession {
    pub(in crate::mqtt) key: SessionKey,
    pub(in crate::mqtt) identity: Identity,
    pub(in crate::mqtt) stored: Stored,
}

/// Opens the file, or makes it.
pub(super) type Opener = fn(&Path) -> Result<Database, redb::Error>;

/// The file.
pub(super) struct File {
    path: PathBuf,
    opener: Opener,
    /// None between a failure and the next try.
    database: Option<Database>,
}

impl File {
    /// Opens the file, makes it when there is none, and reads what is in it.
    pub(super) fn open(path: &Path, opener: Opener) -> Result<(Self, Restored), JournalError> {
        let failed = |error: redb::Error| JournalError::File {
            path: path.display().to_string(),
            sentence: match error {
                redb::Error::Corrupted(what) => format!("it is damaged ({what}); {MOVE_AWAY}"),
                redb::Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
                    format!("it is no file of this kind ({error}); {MOVE_AWAY}")
                }
                other => other.to_string(),
            },
        };
        let database = opener(path).map_err(failed)?;
        check_format(&database).map_err(failed)?.map_err(|other| JournalError::File {
            path: path.display().to_string(),
            sentence: format!("it has format {other}, and this program knows {THIS_FORMAT} only; {MOVE_AWAY}"),
        })?;
        let restored = read(&database).map_err(failed)?;
        sweep(&database, &restored).map_err(failed)?;
        Ok((Self { path: path.to_owned(), opener, database: Some(database) }, restored))
    }

    /// Opens the file again after a failure, if that is possible now.
    pub(super) fn reopen(&mut self) {
        // The file is locked as long as it is open.
        self.database = None;
        self.database = (self.opener)(&self.path).inspect_err(|error| tracing::debug!(%error, "not opened again")).ok();
    }

    /// Makes writes durable, all or none.
    pub(super) fn commit(&mut self, writes: &[Write]) -> Result<(), redb::Error> {
        let database = self.database.as_ref().ok_or(redb::Error::DatabaseClosed)?;
        let transaction = database.begin_write()?;
        Tables::open(&transaction)?.apply(writes)?;
        Ok(transaction.commit()?)
    }
}

/// Opens a file of the file system.
pub(super) fn open_file(path: &Path) -> Result<Database, redb::Error> {
    Ok(Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(backend(path)?)?)
}

/// The bytes of the file.
pub(super) fn backend(path: &Path) -> Result<FileBackend, redb::Error> {
    let mut options = OpenOptions::new();
    // Only whoever runs the server reads it: it holds what devices say.
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    Ok(FileBackend::new(file)?)
}

/// The format of a file of another one.
fn check_format(database: &Database) -> Result<Result<(), u32>, redb::Error> {
    let transaction = database.begin_write()?;
    let format = {
        let mut table = transaction.open_table(FORMAT)?;
        let present = table.get("format")?.map(|format| format.value());
        if present.is_none() {
            table.insert("format", THIS_FORMAT)?;
        }
        present.unwrap_or(THIS_FORMAT)
    };
    drop(Tables::open(&transaction)?);
    transaction.commit()?;
    Ok(if format == THIS_FORMAT { Ok(()) } else { Err(format) })
}

/// The tables of a transaction.
struct Tables<'t> {
    sessions: Table<'t, u64, &'static [u8]>,
    messages: Table<'t, (u64, u64), &'static [u8]>,
    sent: Table<'t, (u64, u64), u16>,
    received: Table<'t, (u64, u16), (i64, bool)>,
    retained: Table<'t, (u128, &'static str), &'static [u8]>,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            sessions: transaction.open_table(SESSIONS)?,
            messages: transaction.open_table(MESSAGES)?,
            sent: transaction.open_table(SENT)?,
            received: transaction.open_table(RECEIVED)?,
            retained: transaction.open_table(RETAINED)?,
        })
    }

    fn apply(&mut self, writes: &[Write]) -> Result<(), redb::Error> {
        let fleeting = fleeting(writes);
        for write in writes {
            match write {
                Write::Changes(key, identity, changes) => self.change(*key, identity, changes, &fleeting)?,
                Write::End(SessionKey(key)) => {
                    self.sessions.remove(key)?;
                    self.messages.retain_in((*key, 0)..=(*key, u64::MAX), |_, _| false)?;
                    self.sent.retain_in((*key, 0)..=(*key, u64::MAX), |_, _| false)?;
                    self.received.retain_in((*key, 0)..=(*key, u16::MAX), |_, _| false)?;
                }
                Write::Received(SessionKey(key), Received { packet_id, received_ns, is_taken }) => {
                    self.received.insert((*key, packet_id.get()), (*received_ns, *is_taken))?;
                }
                Write::Forgotten(SessionKey(key), packet_id) => {
                    self.received.remove((*key, packet_id.get()))?;
                }
                Write::Retained(org, message) => {
                    let bytes = encoded::bytes(message).map_err(corrupted)?;
                    self.retained.insert((org.as_uuid().as_u128(), message.topic.as_str()), bytes.as_slice())?;
                }
                Write::Unretained(org, topic) => {
                    self.retained.remove((org.as_uuid().as_u128(), topic.as_str()))?;
                }
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        SessionKey(key): SessionKey,
        identity: &Identity,
        changes: &Changes,
        fleeting: &HashSet<(SessionKey, u64)>,
    ) -> Result<(), redb::Error> {
        if let Some(head) = &changes.head {
            let bytes = encoded::head(identity, head).map_err(corrupted)?;
            self.sessions.insert(key, bytes.as_slice())?;
        }
        let is_lasting = |change: &&Change| !fleeting.contains(&(SessionKey(key), change.number()));
        for change in changes.messages.iter().filter(is_lasting) {
            match change {
                Change::Queued { number, delivery } => {
                    let bytes = encoded::bytes(delivery).map_err(corrupted)?;
                    self.messages.insert((key, *number), bytes.as_slice())?;
                }
                Change::Sent { number, packet_id, .. } => {
                    self.sent.insert((key, *number), packet_id.get())?;
                }
                Change::Released { number, packet_id } => {
                    self.messages.remove((key, *number))?;
                    self.sent.insert((key, *number), packet_id.get())?;
                }
                Change::Done { number } => {
                    self.messages.remove((key, *number))?;
                    self.sent.remove((key, *number))?;
                }
            }
        }
        Ok(())
    }
}

/// Messages that come and go within the writes: nothing of them need be written.
fn fleeting(writes: &[Write]) -> HashSet<(SessionKey, u64)> {
    let (mut queued, mut fleeting) = (HashSet::new(), HashSet::new());
    for write in writes {
        let Write::Changes(key, _, changes) = write else { continue };
        for change in &changes.messages {
            match change {
                Change::Queued { number, .. } => drop(queued.insert((*key, *number))),
                Change::Done { number } if queued.contains(&(*key, *number)) => drop(fleeting.insert((*key, *number))),
                _ => {}
            }
        }
    }
    fleeting
}

/// What was stored, and nothing that belongs to a session that is not there.
fn read(database: &Database) -> Result<Restored, redb::Error> {
    let transaction = database.begin_read()?;
    let mut sessions = BTreeMap::new();
    for entry in transaction.open_table(SESSIONS)?.iter()? {
        let (key, bytes) = entry?;
        let (identity, head) = encoded::read_head(bytes.value()).map_err(corrupted)?;
        let stored = Stored { head, messages: Vec::new(), received: Vec::new() };
        sessions.insert(key.value(), RestoredSession { key: SessionKey(key.value()), identity, stored });
    }
    let mut messages: BTreeMap<(u64, u64), StoredMessage> = BTreeMap::new();
    let mut shared = Shared::default();
    for entry in transaction.open_table(MESSAGES)?.iter()? {
        let (at, bytes) = entry?;
        let (key, number) = at.value();
        let mut delivery: Delivery = encoded::value(bytes.value()).map_err(corrupted)?;
        shared.share(&mut delivery.message);
        messages.insert((key, number), StoredMessage { number, delivery: Some(delivery), sent: None });
    }
    for entry in transaction.open_table(SENT)?.iter()? {
        let (at, packet_id) = entry?;
        let (key, number) = at.value();
        let message = messages.entry((key, number)).or_insert(StoredMessage { number, delivery: None, sent: None });
        message.sent = NonZeroU16::new(packet_id.value());
    }
    for ((key, _), message) in messages {
        if let Some(session) = sessions.get_mut(&key) {
            session.stored.messages.push(message);
        }
    }
    for entry in transaction.open_table(RECEIVED)?.iter()? {
        let (at, value) = entry?;
        let ((key, packet_id), (received_ns, is_taken)) = (at.value(), value.value());
        if let (Some(session), Some(packet_id)) = (sessions.get_mut(&key), PacketId::new(packet_id)) {
            session.stored.received.push(Received { packet_id, received_ns, is_taken });
        }
    }
    let mut retained = Vec::new();
    for entry in transaction.open_table(RETAINED)?.iter()? {
        let (at, bytes) = entry?;
        let message: Arc<Message> = encoded::value(bytes.value()).map_err(corrupted)?;
        retained.push((OrgId::from_uuid(Uuid::from_u128(at.value().0)), message));
    }
    Ok(Restored { sessions: sessions.into_values().collect(), retained })
}

/// Messages that several sessions wait for: each is in memory once, as before the start.
#[derive(Default)]
struct Shared(HashMap<(Arc<str>, Bytes), Arc<Message>>);

impl Shared {
    fn share(&mut self, message: &mut Arc<Message>) {
        let key = (message.topic.text().clone(), message.content.payload.clone());
        let known = self.0.entry(key).or_insert_with(|| message.clone());
        if known == message {
            *message = known.clone();
        }
    }
}

/// Forgets pieces of sessions that are over, which were written behind their end.
fn sweep(database: &Database, restored: &Restored) -> Result<(), redb::Error> {
    let keys: HashSet<u64> = restored.sessions.iter().map(|session| session.key.0).collect();
    let transaction = database.begin_write()?;
    {
        let mut tables = Tables::open(&transaction)?;
        tables.messages.retain(|(key, _), _| keys.contains(&key))?;
        tables.sent.retain(|(key, _), _| keys.contains(&key))?;
        tables.received.retain(|(key, _), _| keys.contains(&key))?;
    }
    Ok(transaction.commit()?)
}

/// A piece that cannot be read or written.
fn corrupted(error: impl std::error::Error) -> redb::Error {
    redb::Error::Corrupted(format!("a piece of a session: {error}"))
}
