//! One connection as others see it: its machine, and what wakes its task.

use std::sync::{Arc, OnceLock};

use bytes::BytesMut;
use parking_lot::Mutex;
use sensorium_protocols::mqtt::router::SessionKey;
use sensorium_protocols::mqtt::session::{
    Accept, Action, Changes, Connection, Outcome, Output, Session, Ticket, Watch,
};
use sensorium_protocols::mqtt::{Delivery, MqttLimits, ReasonCode};
use tokio::sync::Notify;

use super::admin::About;
use super::broker::Identity;
use super::journal::{Journal, Seq, Write};

/// A connection. Others deliver messages to it and end it; its task does the rest.
pub(super) struct Client {
    journal: Arc<Journal>,
    core: Mutex<Core>,
    wake: Notify,
    /// Set when the client is let in.
    pub(super) about: OnceLock<Box<About>>,
}

/// The machine and what came out of it.
struct Core {
    /// None once somebody took the session.
    connection: Option<Connection>,
    out: Output,
    /// Whose session it is, once the client was let in.
    seat: Option<(SessionKey, Arc<Identity>)>,
    /// What is to be written waits until this is durable.
    held: Seq,
    storing: Storing,
}

/// Whether a batch of the connection's messages is being stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storing {
    Nothing,
    /// Its task is not interested in when.
    Batch,
    /// Its task is to be woken then.
    AwaitedBatch,
}

/// What became of a message for a session.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delivered {
    /// What is to be durable so that it is not lost.
    pub(super) durable: Option<Seq>,
    /// How many messages are gone because there was no room.
    pub(super) dropped: u64,
}

/// What a task goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// Whether bytes are to be read now.
    pub(super) wants_bytes: bool,
    /// When the machine wants to be told the time.
    pub(super) next_tick_ms: Option<u64>,
    /// Whether nothing comes out any more.
    pub(super) is_over: bool,
    /// What the bytes that are there wait for.
    pub(super) held: Option<Seq>,
}

impl Client {
    pub(super) fn new(limits: Arc<MqttLimits>, journal: Arc<Journal>, now_ms: u64) -> Self {
        let connection = Some(Connection::new(limits, now_ms));
        let core = Core { connection, out: Output::default(), seat: None, held: 0, storing: Storing::Nothing };
        Self { journal, core: Mutex::new(core), wake: Notify::new(), about: OnceLock::new() }
    }

    /// Lets the client in, with the session that it goes on with; it is told when `held` is durable.
    pub(super) fn accept(&self, key: SessionKey, identity: Arc<Identity>, held: Seq, accept: Accept, now_ms: u64) {
        let mut core = self.core.lock();
        let Core { connection: Some(connection), out, .. } = &mut *core else { return };
        connection.accept(accept, now_ms, out);
        core.seat = Some((key, identity));
        core.held = held;
        core.put_changes(&self.journal);
    }

    /// Waits until somebody has something for the task to write or to do.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Lets the machine work; what comes out is there for [`Client::take_actions`] and [`Client::take_bytes`]. Not called once
    /// the session was taken.
    pub(super) fn work<T>(&self, work: impl FnOnce(&mut Connection, &mut Output) -> T) -> Option<T> {
        let mut core = self.core.lock();
        let Core { connection, out, .. } = &mut *core;
        let done = connection.as_mut().map(|connection| work(connection, out));
        core.put_changes(&self.journal);
        done
    }

    /// Has somebody see its packets, or nobody.
    pub(super) fn watch(&self, watch: Option<Arc<dyn Watch>>) {
        self.core.lock().out.watch = watch;
    }

    /// A message for the client.
    pub(super) fn deliver(&self, delivery: Delivery, now_ms: u64) -> Delivered {
        let mut dropped = 0;
        let durable = self.work_for_others(|connection, out| {
            let gone = |connection: &Connection| connection.session().map(|session| session.counters().dropped());
            let before = gone(connection);
            connection.deliver(delivery, now_ms, out);
            dropped = gone(connection).unwrap_or_default().saturating_sub(before.unwrap_or_default());
        });
        Delivered { durable, dropped }
    }

    /// What became of a message of an earlier connection of the same session.
    pub(super) fn outcome(&self, ticket: Ticket, outcome: &Outcome, now_ms: u64) {
        let _durable = self.work_for_others(|connection, out| connection.outcome(ticket, outcome, now_ms, out));
    }

    /// Ends the connection, and gives its task the last words to write.
    pub(super) fn disconnect(&self, reason: ReasonCode, text: &'static str, now_ms: u64) {
        let _durable = self.work_for_others(|connection, out| connection.disconnect(reason, text, None, now_ms, out));
    }

    /// What is to be done, in its order.
    pub(super) fn take_actions(&self) -> Vec<Action> {
        std::mem::take(&mut self.core.lock().out.actions)
    }

    /// What is to be written; then there is room for more. Nothing while it waits for something to be durable.
    pub(super) fn take_bytes(&self, now_ms: u64) -> BytesMut {
        let mut core = self.core.lock();
        if core.held(&self.journal).is_some() {
            return BytesMut::new();
        }
        let Core { connection, out, .. } = &mut *core;
        let bytes = out.bytes.split();
        if let Some(connection) = connection.as_mut().filter(|_| !bytes.is_empty()) {
            connection.flush(now_ms, out);
            core.put_changes(&self.journal);
        }
        bytes
    }

    pub(super) fn progress(&self) -> Progress {
        let mut core = self.core.lock();
        let held = core.held(&self.journal);
        match &core.connection {
            Some(connection) => Progress {
                wants_bytes: connection.wants_bytes(),
                next_tick_ms: connection.next_tick_ms(),
                is_over: connection.is_closed(),
                held,
            },
            None => Progress { wants_bytes: false, next_tick_ms: None, is_over: true, held },
        }
    }

    /// Whether the session outlives the connection.
    pub(super) fn is_kept(&self) -> bool {
        let core = self.core.lock();
        core.connection.as_ref().and_then(Connection::session).is_some_and(Session::is_kept)
    }

    /// Says that a batch is being stored from now on; false if one is already, after which the task is woken.
    pub(super) fn begin_storing(&self) -> bool {
        let mut core = self.core.lock();
        let is_first = core.storing == Storing::Nothing;
        core.storing = if is_first { Storing::Batch } else { Storing::AwaitedBatch };
        is_first
    }

    /// Whether a batch is being stored, after which the task is woken.
    pub(super) fn is_storing(&self) -> bool {
        let mut core = self.core.lock();
        if core.storing == Storing::Batch {
            core.storing = Storing::AwaitedBatch;
        }
        core.storing != Storing::Nothing
    }

    /// A batch is stored. Tells the session what became of its messages; gives that back when the session is elsewhere by now.
    pub(super) fn stored(&self, outcomes: Vec<(Ticket, Outcome)>, now_ms: u64) -> Vec<(Ticket, Outcome)> {
        let mut core = self.core.lock();
        let is_awaited = std::mem::replace(&mut core.storing, Storing::Nothing) == Storing::AwaitedBatch;
        let Core { connection, out, .. } = &mut *core;
        let was_idle = out.bytes.is_empty() && out.actions.is_empty();
        let left = match connection {
            Some(connection) => {
                outcomes.iter().for_each(|(ticket, outcome)| connection.outcome(*ticket, outcome, now_ms, out));
                Vec::new()
            }
            None => outcomes,
        };
        let is_idle = out.bytes.is_empty() && out.actions.is_empty();
        core.put_changes(&self.journal);
        drop(core);
        if is_awaited || (was_idle && !is_idle) {
            self.wake.notify_one();
        }
        left
    }

    /// The session of a connection that is over, for whoever keeps it; none when it ended with the connection.
    pub(super) fn take_session(&self) -> Option<Session> {
        self.core.lock().connection.take().and_then(Connection::into_session)
    }

    /// Ends the connection because the same client has another one, and takes its session and what is left to do. The task has
    /// the last words to write.
    pub(super) fn take_over(&self, now_ms: u64) -> (Option<Session>, Vec<Action>) {
        let mut core = self.core.lock();
        let Core { connection, out, .. } = &mut *core;
        let Some(taken) = connection else { return (None, Vec::new()) };
        let text = "another connection has this client identifier now";
        taken.disconnect(ReasonCode::SessionTakenOver, text, None, now_ms, out);
        // Also those that its task has not done yet: it must not end what begins now.
        let actions = endings(out);
        core.put_changes(&self.journal);
        let taken = core.connection.take();
        drop(core);
        self.wake.notify_one();
        (taken.and_then(Connection::into_session), actions)
    }

    /// Lets the machine work on behalf of somebody else than its task, which is woken when something came of it. Returns what is
    /// to be durable.
    fn work_for_others(&self, work: impl FnOnce(&mut Connection, &mut Output)) -> Option<Seq> {
        let mut core = self.core.lock();
        let Core { connection, out, .. } = &mut *core;
        let connection = connection.as_mut()?;
        let was_idle = out.bytes.is_empty() && out.actions.is_empty();
        work(connection, out);
        let is_idle = out.bytes.is_empty() && out.actions.is_empty();
        let put = core.put_changes(&self.journal);
        drop(core);
        if was_idle && !is_idle {
            self.wake.notify_one();
        }
        put
    }
}

impl Core {
    /// Has written down what changed of the session.
    fn put_changes(&mut self, journal: &Journal) -> Option<Seq> {
        let (key, identity) = self.seat.as_ref()?;
        let changes = self.connection.as_mut()?.take_changes();
        let is_awaited = changes.is_awaited;
        let put = put(journal, *key, identity, changes)?;
        if is_awaited {
            self.held = put;
        }
        Some(put)
    }

    /// What the bytes wait for.
    fn held(&mut self, journal: &Journal) -> Option<Seq> {
        if self.held > 0 && journal.is_durable(self.held) {
            self.held = 0;
        }
        Some(self.held).filter(|held| *held > 0)
    }
}

/// Has written down what changed of a session, if anything did.
pub(super) fn put(journal: &Journal, key: SessionKey, identity: &Arc<Identity>, changes: Changes) -> Option<Seq> {
    let is_empty = changes.head.is_none() && changes.messages.is_empty();
    (!is_empty).then(|| journal.put([Write::Changes(key, identity.clone(), changes)]))
}

/// Takes out what ends a session.
fn endings(out: &mut Output) -> Vec<Action> {
    let is_ending = |action: &mut Action| matches!(action, Action::EndSession { .. } | Action::PublishWill(_));
    out.actions.extract_if(.., is_ending).collect()
}
