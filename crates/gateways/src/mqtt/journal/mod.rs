//! What of sessions and retained messages survives the process: a queue of writes, and a thread that commits what has gathered
//! with one sync.
//!
//! Invariants:
//! - writes become durable in the order in which they were put, those of one [`Journal::together`] all at once or not at all;
//! - whoever must not go on before a write is durable waits with [`Journal::durable`];
//! - a commit that fails is tried again on the file opened anew, with the same writes: nothing that was put is left out, and what
//!   is not durable is waited for.
//!
//! Limits: beyond `mqtt.journal_bytes` that wait, [`Journal::is_full`] says so; then no message is taken that would be written here,
//! and no client is let in.

mod committer;
mod encoded;
#[cfg(test)]
pub(super) mod failing;
mod tables;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};
use sensorium_model::OrgId;
use sensorium_protocols::mqtt::packet::PacketId;
use sensorium_protocols::mqtt::router::SessionKey;
use sensorium_protocols::mqtt::session::{Change, Changes, Received};
use sensorium_protocols::mqtt::{Message, TopicName};
use thiserror::Error;
use tokio::sync::watch;

use super::broker::Identity;

pub(super) use tables::{Restored, RestoredSession};

/// How long a write is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The number of a group of writes that are committed together: it covers those before it, too.
pub(super) type Seq = u64;

/// Something to be made durable.
#[derive(Debug)]
pub(super) enum Write {
    /// What changed of a session that is kept.
    Changes(SessionKey, Arc<Identity>, Changes),
    /// The session is over.
    End(SessionKey),
    /// A QoS 2 message of the client came.
    Received(SessionKey, Received),
    /// Its identifier is free again, or it was refused.
    Forgotten(SessionKey, PacketId),
    /// A message is retained in its topic's place.
    Retained(OrgId, Arc<Message>),
    /// Nothing is retained there any more.
    Unretained(OrgId, TopicName),
}

impl Write {
    /// About how much room it takes.
    fn bytes(&self) -> usize {
        const LEAST: usize = 128;
        let queued = |change: &Change| match change {
            Change::Queued { delivery, .. } => LEAST + delivery.message.bytes(),
            _ => LEAST,
        };
        match self {
            Self::Changes(_, _, Changes { head, messages, .. }) => {
                let subscriptions = head.as_ref().map_or(0, |head| head.subscriptions());
                LEAST + subscriptions * LEAST + messages.iter().map(queued).sum::<usize>()
            }
            Self::Retained(_, message) => LEAST + message.bytes(),
            Self::End(_) | Self::Received(..) | Self::Forgotten(..) | Self::Unretained(..) => LEAST,
        }
    }
}

/// Why the file with the sessions cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// It could not be made or opened.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The library that keeps it says no.
    #[error("{path}: {sentence}")]
    File {
        /// The file.
        path: String,
        /// Why.
        sentence: String,
    },
}

/// The write was not durable in time: the disk is full, or fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the server could not store the sessions of MQTT in time, and too much of them waits (setting mqtt.journal_bytes); its disk may be full"
)]
pub(super) struct NotDurable;

/// The writes that are not durable, and how far the rest is.
pub(super) struct Journal {
    most_bytes: usize,
    pending: Mutex<Pending>,
    wake: Condvar,
    /// Held for reading while writes are put that belong together, and for writing while they are taken.
    gate: RwLock<()>,
    durable: watch::Sender<Seq>,
}

#[derive(Default)]
struct Pending {
    writes: Vec<Write>,
    /// About how much room they take.
    bytes: usize,
    /// Of those writes, or of the last that were taken.
    last: Seq,
    is_closed: bool,
}

impl Journal {
    /// Opens the file, makes it when there is none, and starts the thread that writes. Returns what was in it. What waits for the
    /// disk is at most about `most_bytes`.
    pub(super) fn open(path: &Path, most_bytes: usize) -> Result<(Arc<Self>, Restored), JournalError> {
        Self::open_with(path, most_bytes, tables::open_file)
    }

    fn open_with(
        path: &Path,
        most_bytes: usize,
        opener: tables::Opener,
    ) -> Result<(Arc<Self>, Restored), JournalError> {
        let (file, restored) = tables::File::open(path, opener)?;
        let journal = Arc::new(Self {
            most_bytes,
            pending: Mutex::default(),
            wake: Condvar::new(),
            gate: RwLock::default(),
            durable: watch::Sender::new(0),
        });
        committer::start(journal.clone(), file)
            .map_err(|source| JournalError::Io { path: path.display().to_string(), source })?;
        Ok((journal, restored))
    }

    /// Puts writes; the number of the last of them, or of the one before when there are none.
    pub(super) fn put(&self, writes: impl IntoIterator<Item = Write>) -> Seq {
        let mut pending = self.pending.lock();
        let was_empty = pending.writes.is_empty();
        for write in writes {
            pending.bytes += write.bytes();
            pending.writes.push(write);
        }
        if was_empty && !pending.writes.is_empty() {
            pending.last += 1;
            self.wake.notify_one();
        }
        pending.last
    }

    /// Everything that is put meanwhile is durable together. Not called by what it calls.
    pub(super) fn together<T>(&self, work: impl FnOnce() -> T) -> T {
        let _gate = self.gate.read();
        work()
    }

    /// Whether so much waits that nothing should be added.
    pub(super) fn is_full(&self) -> bool {
        self.pending.lock().bytes > self.most_bytes
    }

    /// The number of the last write that was put.
    pub(super) fn last(&self) -> Seq {
        self.pending.lock().last
    }

    /// Whether a write and all before it are durable.
    pub(super) fn is_durable(&self, seq: Seq) -> bool {
        *self.durable.borrow() >= seq
    }

    /// Waits until a write and all before it are durable, as long as it takes.
    pub(super) async fn until_durable(&self, seq: Seq) {
        let mut durable = self.durable.subscribe();
        // It fails when the sender is gone, which is held here.
        let _held = durable.wait_for(|durable| *durable >= seq).await;
    }

    /// Waits until a write and all before it are durable; fails when that takes too long.
    pub(super) async fn durable(&self, seq: Seq) -> Result<(), NotDurable> {
        if self.is_durable(seq) {
            return Ok(());
        }
        tokio::time::timeout(PATIENCE, self.until_durable(seq)).await.map_err(|_| NotDurable)
    }

    /// Nothing more is put: the thread ends when everything is durable.
    pub(super) fn close(&self) {
        self.pending.lock().is_closed = true;
        self.wake.notify_one();
    }

    /// Takes what has gathered, and the number of the last; waits for it. None when it was closed.
    fn take(&self) -> Option<(Vec<Write>, Seq)> {
        loop {
            {
                let mut pending = self.pending.lock();
                while pending.writes.is_empty() {
                    if pending.is_closed {
                        return None;
                    }
                    self.wake.wait(&mut pending);
                }
            }
            // What belongs together is put as a whole before it is taken.
            let _gate = self.gate.write();
            let mut pending = self.pending.lock();
            if !pending.writes.is_empty() {
                pending.bytes = 0;
                return Some((std::mem::take(&mut pending.writes), pending.last));
            }
        }
    }
}
