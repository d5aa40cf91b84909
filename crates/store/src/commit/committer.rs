//! The committer's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sensorium_model::Batch;

use super::queue::{Content, Pending, Work};
use crate::config::Durability;
use crate::error::{WriteError, is_exhausted};
use crate::shared::{Applied, Shared};
use crate::telemetry;
use crate::wal::record::{RecordKind, append_record};
use crate::wal::writer::{AppendError, LogWriter};

/// How long appended data may stay unsynced where writes are not synced one by one.
const BACKGROUND_SYNC: Duration = Duration::from_millis(100);

/// Larger buffers are not kept for the next group.
const KEPT_BUFFER_BYTES: usize = 8 << 20;

/// Appends what the queue brings, in order.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    log: LogWriter,
    next_seq: u64,
    buffer: Vec<u8>,
    /// When the oldest unsynced append happened.
    unsynced: Option<Instant>,
}

/// Ends all waiting when the thread ends, also by a defect.
struct ClosesQueue(Arc<Shared>);

impl Drop for ClosesQueue {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.poison();
        }
        self.0.queue.clear();
    }
}

impl Committer {
    pub(crate) fn new(shared: Arc<Shared>, log: LogWriter, next_seq: u64) -> Self {
        debug_assert!(next_seq > shared.applied.lock().seq);
        Self { shared, log, next_seq, buffer: Vec::new(), unsynced: None }
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let _closes = ClosesQueue(Arc::clone(&shared));
        let mut delay = Duration::ZERO;
        loop {
            let idle = if self.unsynced.is_some() { BACKGROUND_SYNC } else { Duration::from_secs(60) };
            match shared.queue.next(idle, delay, shared.config.commit_bytes.max(1)) {
                Work::Group(group) => {
                    // A lone writer does not wait for company that never comes.
                    delay = if group.len() > 1 { shared.config.commit_delay } else { Duration::ZERO };
                    self.commit(group);
                }
                Work::Rotate(done) => {
                    let rotated = self.log.rotate(self.unsynced.is_none());
                    self.unsynced = None;
                    self.check(rotated);
                    shared.open_segment_bytes.store(self.log.open_bytes(), Ordering::Relaxed);
                    let _heard = done.send(());
                }
                Work::Idle => {}
                Work::Closed => break,
            }
            if self.unsynced.is_some_and(|since| since.elapsed() >= BACKGROUND_SYNC) {
                self.sync();
            }
            shared.open_segment_bytes.store(self.log.open_bytes(), Ordering::Relaxed);
        }
        let rotated = self.log.rotate(self.unsynced.is_none());
        self.check(rotated);
        shared.open_segment_bytes.store(0, Ordering::Relaxed);
    }

    fn sync(&mut self) {
        self.unsynced = None;
        let synced = self.log.sync();
        self.check(synced);
    }

    /// Poisons the store after a failure that leaves unknown what is on disk.
    fn check(&self, result: Result<(), AppendError>) {
        if let Err(AppendError::Fatal(error) | AppendError::Unchanged(error)) = result {
            tracing::error!(%error, "the log could not be synced; no further write is accepted");
            self.shared.poison();
        }
    }

    fn commit(&mut self, group: Vec<Pending>) {
        if self.shared.is_poisoned() {
            group.into_iter().for_each(|pending| pending.content.refuse(WriteError::Poisoned));
            return;
        }
        self.buffer.clear();
        for (seq, pending) in (self.next_seq..).zip(&group) {
            let kind = match &pending.content {
                Content::Write { .. } => RecordKind::Batch,
                Content::Create { .. } => RecordKind::Database,
            };
            let after_sync = seq == self.next_seq && self.unsynced.is_none();
            append_record(&mut self.buffer, seq, kind, after_sync, &pending.body, pending.body_crc);
        }
        let last_seq = self.next_seq + group.len() as u64 - 1;
        let sync = self.shared.config.durability == Durability::Fsync;
        let started = Instant::now();
        match self.log.append(&self.buffer, self.next_seq, last_seq, sync) {
            Ok(took) => telemetry::committed(self.buffer.len(), group.len(), sync.then_some(took)),
            Err(error) => return self.fail(group, error),
        }
        if !sync {
            self.unsynced.get_or_insert(started);
        }
        if self.buffer.capacity() > KEPT_BUFFER_BYTES {
            self.buffer = Vec::new();
        }
        let first_seq = std::mem::replace(&mut self.next_seq, last_seq + 1);
        self.publish(first_seq, group);
    }

    fn fail(&self, group: Vec<Pending>, error: AppendError) {
        let error = match error {
            AppendError::Unchanged(source) if is_exhausted(&source) => {
                tracing::warn!(%source, "the log cannot be opened now; writes are refused until it can");
                WriteError::Exhausted { source: Arc::new(source) }
            }
            AppendError::Unchanged(source) => {
                tracing::warn!(%source, "the disk is full; writes are refused until there is room");
                WriteError::NoSpace { source: Arc::new(source) }
            }
            AppendError::Fatal(source) => {
                tracing::error!(%source, "the log could not be written; no further write is accepted");
                self.shared.poison();
                WriteError::Io { action: "write the log", source: Arc::new(source) }
            }
        };
        group.into_iter().for_each(|pending| pending.content.refuse(error.clone()));
    }

    /// Makes a durable group visible, then answers, then tells the listener.
    fn publish(&self, first_seq: u64, group: Vec<Pending>) {
        let mut answers = Vec::with_capacity(group.len());
        let mut applied = self.shared.applied.lock();
        debug_assert_eq!(applied.seq + 1, first_seq, "records become visible in order");
        for (seq, pending) in (first_seq..).zip(group) {
            answers.push((seq, self.apply(&mut applied, pending)));
            applied.seq = seq;
        }
        let flush_is_due = applied.bytes >= self.shared.flush_bytes();
        drop(applied);
        let mut batches: Vec<(u64, Arc<Batch>)> = Vec::new();
        for (seq, answer) in answers {
            // Whoever asked may have gone away; the rows are stored all the same.
            match answer {
                Applying::Write(batch, answer) => {
                    drop(answer.send(Ok(seq)));
                    batches.push((seq, batch));
                }
                Applying::Create(answer) => drop(answer.send(Ok(seq))),
            }
        }
        if let Some(listener) = &self.shared.config.on_commit {
            for (seq, batch) in &batches {
                if catch_unwind(AssertUnwindSafe(|| listener(*seq, batch))).is_err() {
                    tracing::error!(seq, "the listener of committed batches panicked");
                }
            }
        }
        if flush_is_due {
            self.shared.flush.wake();
        }
    }

    fn apply(&self, applied: &mut Applied, pending: Pending) -> Applying {
        match pending.content {
            Content::Write { batch, tables, reservation, permit: _permit, answer } => {
                let mut bytes = 0;
                for (rows, (table, ids)) in batch.tables.iter().zip(&tables) {
                    let growth = table.apply(rows, ids);
                    bytes += growth.bytes;
                    applied.add(table, growth);
                }
                reservation.settle(bytes);
                Applying::Write(batch, answer)
            }
            Content::Create { key, answer } => {
                self.shared.catalog.create(&key);
                Applying::Create(answer)
            }
        }
    }
}

/// Who is to be answered.
enum Applying {
    Write(Arc<Batch>, tokio::sync::oneshot::Sender<super::queue::Answer>),
    Create(std::sync::mpsc::SyncSender<super::queue::Answer>),
}
