//! What waits for the committer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use sensorium_model::{Batch, DatabaseKey};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::WriteError;
use crate::shared::Reservation;
use crate::table::Table;

/// The committer's answer: the record's sequence number.
pub(crate) type Answer = Result<u64, WriteError>;

/// A record to be appended.
pub(crate) struct Pending {
    pub(crate) body: Vec<u8>,
    /// CRC-32C of the body.
    pub(crate) body_crc: u32,
    pub(crate) content: Content,
}

/// What a record brings.
pub(crate) enum Content {
    /// Readings.
    Write {
        batch: Arc<Batch>,
        /// For each table of the batch, the table and the series of each row.
        tables: Vec<(Arc<Table>, Vec<u32>)>,
        reservation: Reservation,
        /// Keeps the number of waiting writes bounded.
        permit: OwnedSemaphorePermit,
        answer: oneshot::Sender<Answer>,
    },
    /// A new database.
    Create { key: DatabaseKey, answer: SyncSender<Answer> },
}

/// What the committer does next.
pub(crate) enum Work {
    /// Appends records as one group.
    Group(Vec<Pending>),
    /// Begins a new segment.
    Rotate(SyncSender<()>),
    /// Nothing came for a while.
    Idle,
    /// The queue is closed and empty.
    Closed,
}

enum Message {
    Record(Pending),
    Rotate(SyncSender<()>),
}

/// The queue.
pub(crate) struct CommitQueue {
    content: Mutex<Waiting>,
    arrived: Condvar,
    room: Arc<Semaphore>,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Message>,
    bytes: usize,
    closed: bool,
}

impl CommitQueue {
    pub(crate) fn new(batches: usize) -> Self {
        let room = Arc::new(Semaphore::new(batches.clamp(1, Semaphore::MAX_PERMITS)));
        Self { content: Mutex::default(), arrived: Condvar::new(), room }
    }

    /// Waits for room for one write.
    pub(crate) async fn room(&self) -> Result<OwnedSemaphorePermit, WriteError> {
        Arc::clone(&self.room).acquire_owned().await.map_err(|_| WriteError::Closed)
    }

    pub(crate) fn push(&self, record: Pending) -> Result<(), WriteError> {
        let bytes = record.body.len();
        self.push_message(Message::Record(record), bytes)
    }

    /// Asks for a new segment; the receiver of `done` hears nothing if the queue is closed before.
    pub(crate) fn push_rotate(&self, done: SyncSender<()>) -> Result<(), WriteError> {
        self.push_message(Message::Rotate(done), 0)
    }

    fn push_message(&self, message: Message, bytes: usize) -> Result<(), WriteError> {
        let mut waiting = self.content.lock();
        if waiting.closed {
            return Err(WriteError::Closed);
        }
        waiting.messages.push_back(message);
        waiting.bytes += bytes;
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Takes no more; what waits is still done.
    pub(crate) fn close(&self) {
        self.content.lock().closed = true;
        self.room.close();
        self.arrived.notify_all();
    }

    /// Drops what waits: the waiting hear that nobody will answer.
    pub(crate) fn clear(&self) {
        let mut waiting = self.content.lock();
        waiting.closed = true;
        let dropped = std::mem::take(&mut waiting.messages);
        drop(waiting);
        self.room.close();
        drop(dropped);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.content.lock().closed
    }

    /// Waits for work: up to `idle` for the first message, then up to `delay` for company, until `group_bytes` wait.
    pub(crate) fn next(&self, idle: Duration, delay: Duration, group_bytes: usize) -> Work {
        let mut waiting = self.content.lock();
        let until = Instant::now() + idle;
        while waiting.messages.is_empty() {
            if waiting.closed {
                return Work::Closed;
            }
            if self.arrived.wait_until(&mut waiting, until).timed_out() && waiting.messages.is_empty() {
                return if waiting.closed { Work::Closed } else { Work::Idle };
            }
        }
        let until = Instant::now() + delay;
        while !delay.is_zero() && waiting.bytes < group_bytes && !waiting.closed {
            if self.arrived.wait_until(&mut waiting, until).timed_out() {
                break;
            }
        }
        let mut group = Vec::new();
        let mut bytes = 0;
        while bytes < group_bytes {
            match waiting.messages.pop_front() {
                Some(Message::Record(record)) => {
                    bytes += record.body.len();
                    group.push(record);
                }
                Some(Message::Rotate(done)) if group.is_empty() => return Work::Rotate(done),
                Some(rotate) => {
                    waiting.messages.push_front(rotate);
                    break;
                }
                None => break,
            }
        }
        waiting.bytes -= bytes;
        Work::Group(group)
    }
}

impl Content {
    /// Says that the record was not stored.
    pub(crate) fn refuse(self, error: WriteError) {
        // Whoever asked may have gone away.
        match self {
            Self::Write { answer, reservation, permit, .. } => {
                // Before the answer, so that whoever tries again at once finds the room.
                drop((reservation, permit));
                drop(answer.send(Err(error)));
            }
            Self::Create { answer, .. } => drop(answer.send(Err(error))),
        }
    }
}
