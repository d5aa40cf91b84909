//! One connection as others see it: its machine, and what wakes its task.

use std::sync::{Arc, OnceLock};

use bytes::BytesMut;
use parking_lot::Mutex;
use sensorium_protocols::mqtt::session::{Action, Connection, Outcome, Output, Session, Ticket};
use sensorium_protocols::mqtt::{Delivery, MqttLimits, ReasonCode};
use tokio::sync::Notify;

use super::admin::About;

/// A connection. Others deliver messages to it and end it; its task does the rest.
pub(super) struct Client {
    core: Mutex<Core>,
    wake: Notify,
    /// Set when the client is let in.
    pub(super) about: OnceLock<Box<About>>,
}

/// The machine and what came out of it.
pub(super) struct Core {
    /// None once somebody took the session.
    connection: Option<Connection>,
    out: Output,
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
}

impl Client {
    pub(super) fn new(limits: Arc<MqttLimits>, now_ms: u64) -> Self {
        let core = Core { connection: Some(Connection::new(limits, now_ms)), out: Output::default() };
        Self { core: Mutex::new(core), wake: Notify::new(), about: OnceLock::new() }
    }

    /// Waits until somebody has something for the task to write or to do.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Lets the machine work; what comes out is there for [`Client::take_actions`] and [`Client::take_bytes`]. Not called once
    /// the session was taken.
    pub(super) fn work<T>(&self, work: impl FnOnce(&mut Connection, &mut Output) -> T) -> Option<T> {
        let Core { connection, out } = &mut *self.core.lock();
        connection.as_mut().map(|connection| work(connection, out))
    }

    /// A message for the client. Returns how many messages are gone because there was no room.
    pub(super) fn deliver(&self, delivery: Delivery, now_ms: u64) -> u64 {
        let mut dropped = 0;
        self.work_for_others(|connection, out| {
            let gone = |connection: &Connection| connection.session().map(|session| session.counters().dropped());
            let before = gone(connection);
            connection.deliver(delivery, now_ms, out);
            dropped = gone(connection).unwrap_or_default().saturating_sub(before.unwrap_or_default());
        });
        dropped
    }

    /// What became of a message of an earlier connection of the same session.
    pub(super) fn outcome(&self, ticket: Ticket, outcome: &Outcome, now_ms: u64) {
        self.work_for_others(|connection, out| connection.outcome(ticket, outcome, now_ms, out));
    }

    /// Ends the connection, and gives its task the last words to write.
    pub(super) fn disconnect(&self, reason: ReasonCode, text: &'static str, now_ms: u64) {
        self.work_for_others(|connection, out| connection.disconnect(reason, text, None, now_ms, out));
    }

    /// What is to be done, in its order.
    pub(super) fn take_actions(&self) -> Vec<Action> {
        std::mem::take(&mut self.core.lock().out.actions)
    }

    /// What a session leaves that ended for the sake of this connection.
    pub(super) fn take_endings(&self) -> Vec<Action> {
        endings(&mut self.core.lock().out)
    }

    /// What is to be written; then there is room for more.
    pub(super) fn take_bytes(&self, now_ms: u64) -> BytesMut {
        let Core { connection, out } = &mut *self.core.lock();
        let bytes = out.bytes.split();
        if let Some(connection) = connection.as_mut().filter(|_| !bytes.is_empty()) {
            connection.flush(now_ms, out);
        }
        bytes
    }

    pub(super) fn progress(&self) -> Progress {
        let core = self.core.lock();
        match &core.connection {
            Some(connection) => Progress {
                wants_bytes: connection.wants_bytes(),
                next_tick_ms: connection.next_tick_ms(),
                is_over: connection.is_closed(),
            },
            None => Progress { wants_bytes: false, next_tick_ms: None, is_over: true },
        }
    }

    /// The session of a connection that is over, for whoever keeps it; none when it ended with the connection.
    pub(super) fn take_session(&self) -> Option<Session> {
        self.core.lock().connection.take().and_then(Connection::into_session)
    }

    /// Ends the connection because the same client has another one, and takes its session and what is left to do. The task has
    /// the last words to write.
    pub(super) fn take_over(&self, now_ms: u64) -> (Option<Session>, Vec<Action>) {
        let mut core = self.core.lock();
        let Core { connection, out } = &mut *core;
        let Some(mut taken) = connection.take() else { return (None, Vec::new()) };
        let text = "another connection has this client identifier now";
        taken.disconnect(ReasonCode::SessionTakenOver, text, None, now_ms, out);
        // Also those that its task has not done yet: it must not end what begins now.
        let actions = endings(out);
        drop(core);
        self.wake.notify_one();
        (taken.into_session(), actions)
    }

    /// Lets the machine work on behalf of somebody else than its task, which is woken when something came of it.
    fn work_for_others(&self, work: impl FnOnce(&mut Connection, &mut Output)) {
        let mut core = self.core.lock();
        let Core { connection, out } = &mut *core;
        let Some(connection) = connection else { return };
        let was_idle = out.bytes.is_empty() && out.actions.is_empty();
        work(connection, out);
        let is_idle = out.bytes.is_empty() && out.actions.is_empty();
        drop(core);
        if was_idle && !is_idle {
            self.wake.notify_one();
        }
    }
}

/// Takes out what ends a session.
fn endings(out: &mut Output) -> Vec<Action> {
    let is_ending = |action: &mut Action| matches!(action, Action::EndSession(_) | Action::PublishWill(_));
    out.actions.extract_if(.., is_ending).collect()
}
