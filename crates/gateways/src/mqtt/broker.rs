//! Who is connected, which sessions wait for their clients, and who gets a message.
//!
//! A session has a seat: its connection sits there, or the session itself while there is none. Routing reads; coming, going,
//! subscribing and retaining write.

mod clients;
mod numbers;
mod retained;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Mutex, RwLock};
use sensorium_model::{DeviceId, FastMap, OrgId};
use sensorium_protocols::mqtt::packet::Qos;
use sensorium_protocols::mqtt::router::{Router, RouterError, SessionKey};
use sensorium_protocols::mqtt::session::{Accept, Action, Due, Outcome, Requested, Session, Subscribed, Ticket};
use sensorium_protocols::mqtt::{Delivery, Message, MqttLimits, ReasonCode, TopicFilter};

use super::admin::Organisation;
use super::client::{self, Client, Delivered};
use super::journal::{Journal, Restored, RestoredSession, Seq, Write};

/// Whose session it is. Devices have sessions of their own, so that none takes over another's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) org: OrgId,
    /// None for people and programs, who share theirs inside of an organisation.
    pub(super) device: Option<DeviceId>,
    /// Whether it came with a key for devices: those share theirs, apart from people and programs.
    pub(super) by_key: bool,
    pub(super) client_id: Arc<str>,
}

/// The sessions, their subscriptions and retained messages of all organisations.
pub(super) struct Broker {
    limits: Arc<MqttLimits>,
    /// At most.
    sessions: usize,
    journal: Arc<Journal>,
    started: Instant,
    state: RwLock<State>,
}

struct State {
    router: Router,
    seats: FastMap<SessionKey, Arc<Seat>>,
    keys: FastMap<Arc<Identity>, SessionKey>,
    /// Of those that had a client or a reader.
    organisations: FastMap<OrgId, Arc<Organisation>>,
    /// When sessions without a connection have something due.
    due: BTreeSet<(u64, SessionKey)>,
    next: u64,
}

struct Seat {
    identity: Arc<Identity>,
    sitter: Mutex<Sitter>,
}

enum Sitter {
    Client(Arc<Client>),
    Session(Box<Session>),
    /// Between two of the others, while the state is locked for writing.
    Nobody,
}

/// What became of a message that was passed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// For how many.
    pub(super) receivers: usize,
    /// What is to be durable so that nobody misses it.
    pub(super) durable: Seq,
}

/// A session that sends messages and the organisation that they are for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender {
    pub(super) org: OrgId,
    pub(super) key: SessionKey,
}

impl Broker {
    /// A broker with the sessions and retained messages of the process before.
    pub(super) fn new(
        limits: Arc<MqttLimits>,
        sessions: usize,
        journal: Arc<Journal>,
        restored: Restored,
        now_ms: u64,
    ) -> Self {
        let router = Router::new(limits.clone());
        let (seats, keys, due) = (FastMap::default(), FastMap::default(), BTreeSet::new());
        let mut state = State { router, seats, keys, organisations: FastMap::default(), due, next: 0 };
        let mut left_out = 0;
        for (org, message) in restored.retained {
            if state.router.space(org).retain(&message).is_err() {
                left_out += 1;
                journal.put([Write::Unretained(org, message.topic.clone())]);
            }
        }
        if left_out > 0 {
            let settings = "mqtt.retained_messages, mqtt.retained_bytes";
            tracing::warn!(left_out, settings, "there was no room for all retained messages; some are gone");
        }
        for session in restored.sessions {
            state.restore(session, &journal, now_ms);
        }
        Self { limits, sessions, journal, started: Instant::now(), state: RwLock::new(state) }
    }

    /// Lets a client in: with the session that it had, which another connection gives up, if it `may_resume` it. None when there is
    /// no room for one more session.
    pub(super) fn connect(
        &self,
        client: &Arc<Client>,
        identity: Identity,
        may_resume: impl FnOnce(&Session) -> bool,
        accept: Accept,
        now_ms: u64,
    ) -> Option<Sender> {
        let org = identity.org;
        let mut wills = Vec::new();
        // What ended must not come back once its client was told.
        let mut ended = 0;
        let sender = {
            let state = &mut *self.state.write();
            if state.seats.len() >= self.sessions && !state.keys.contains_key(&identity) {
                return None;
            }
            let (mut key, mut seat) = state.seat(&identity);
            let sitter = std::mem::replace(&mut *seat.sitter.lock(), Sitter::Nobody);
            let (mut session, was_there) = match sitter {
                Sitter::Client(before) => {
                    let (session, actions) = before.take_over(now_ms);
                    ended = self.end_kept(key, &actions);
                    state.finish(org, key, actions, &mut wills);
                    (session, true)
                }
                Sitter::Session(session) => {
                    state.forget_due(key, &session);
                    (Some(*session), true)
                }
                Sitter::Nobody => (None, false),
            };
            if session.as_ref().is_some_and(|session| !may_resume(session))
                && let Some(mut session) = session.take()
            {
                wills.extend(session.end(now_ms));
                let actions = vec![session.into_end()];
                ended = self.end_kept(key, &actions);
                state.finish(org, key, actions, &mut wills);
            }
            if session.is_none() && was_there {
                // The other task may still be at work for the one that ended: that must not concern the session that begins now.
                state.router.space(org).set_online(key, false);
                state.seats.remove(&key);
                state.keys.remove(&identity);
                (key, seat) = state.seat(&identity);
            }
            client.accept(key, seat.identity.clone(), ended, Accept { session, ..accept }, now_ms);
            *seat.sitter.lock() = Sitter::Client(client.clone());
            state.router.space(org).set_online(key, true);
            Sender { org, key }
        };
        self.publish_wills(org, wills, now_ms);
        Some(sender)
    }

    /// A connection is over. Its session stays in its seat, or nothing does.
    pub(super) fn leave(&self, sender: Sender, client: &Arc<Client>) {
        let Sender { org, key } = sender;
        let state = &mut *self.state.write();
        if !state.is_seated(key, client) {
            return;
        }
        let Some(seat) = state.seats.get(&key).cloned() else { return };
        let mut sitter = seat.sitter.lock();
        state.router.space(org).set_online(key, false);
        match client.take_session() {
            Some(session) => {
                state.due.extend(session.next_tick_ms().map(|due_ms| (due_ms, key)));
                *sitter = Sitter::Session(Box::new(session));
            }
            None => {
                state.seats.remove(&key);
                state.keys.remove(&seat.identity);
            }
        }
    }

    /// A session ended with its connection; it does not get messages any more.
    pub(super) fn end_session(&self, sender: Sender, filters: &[TopicFilter], was_kept: bool) {
        let state = &mut *self.state.write();
        state.router.space(sender.org).remove(sender.key, filters);
        if was_kept {
            self.journal.put([Write::End(sender.key)]);
        }
    }

    /// Has written down that a session ended, if something of it is stored; what is to be durable then.
    fn end_kept(&self, key: SessionKey, endings: &[Action]) -> Seq {
        match endings.iter().any(|ending| matches!(ending, Action::EndSession { was_kept: true, .. })) {
            true => self.journal.put([Write::End(key)]),
            false => 0,
        }
    }

    /// Adds subscriptions of a session, each to be granted or refused already; those for which there is no room are refused too.
    pub(super) fn subscribe(
        &self,
        sender: Sender,
        client: &Arc<Client>,
        wanted: &[Requested],
        granted: &mut [Result<Qos, ReasonCode>],
    ) {
        let state = &mut *self.state.write();
        if !state.is_seated(sender.key, client) {
            return;
        }
        let space = state.router.space(sender.org);
        for (wanted, granted) in wanted.iter().zip(granted) {
            if let (Ok(filter), Ok(qos)) = (&wanted.filter, *granted)
                && let Err(error) = space.subscribe(sender.key, filter, subscribed(wanted, qos))
            {
                tracing::debug!(%error, "a subscription was refused");
                *granted = Err(error.reason());
            }
        }
    }

    pub(super) fn unsubscribe(&self, sender: Sender, client: &Arc<Client>, filter: &TopicFilter) {
        let state = &mut *self.state.write();
        if state.is_seated(sender.key, client) {
            state.router.space(sender.org).unsubscribe(sender.key, filter);
        }
    }

    /// The retained messages for subscriptions that were just made.
    pub(super) fn retained(
        &self,
        sender: Sender,
        wanted: &[Requested],
        granted: &[Result<Qos, ReasonCode>],
        now_ms: u64,
    ) -> Vec<Delivery> {
        let state = self.state.read();
        let mut found = Vec::new();
        let Some(space) = state.router.get(sender.org) else { return found };
        for (wanted, granted) in wanted.iter().zip(granted) {
            if let (Ok(filter), Ok(qos)) = (&wanted.filter, granted) {
                let how = subscribed(wanted, *qos);
                space.retained(filter, &how, wanted.is_new, now_ms, |delivery| found.push(delivery));
                found.extend(self.numbers_for(&state, sender.org, filter, &how, wanted.is_new));
            }
        }
        found
    }

    /// Retains a message, when it is to be, and passes it on; fails, and does neither, when there is no room to retain it.
    pub(super) fn publish(
        &self,
        org: OrgId,
        by: Option<SessionKey>,
        message: &Arc<Message>,
        now_ms: u64,
    ) -> Result<Passed, RouterError> {
        let mut passed = Passed::default();
        if message.retain {
            passed.durable = self.retain(org, message)?;
        }
        let state = self.state.read();
        let organisation = state.organisations.get(&org);
        if let Some(organisation) = organisation.filter(|organisation| organisation.has_readers()) {
            let client_id = || Some(state.seats.get(&by?)?.identity.client_id.clone());
            organisation.tell(message, client_id, now_ms);
        }
        if let Some(organisation) = organisation {
            organisation.carry(by, message);
        }
        let Some(space) = state.router.get(org) else { return Ok(passed) };
        let mut dropped = 0;
        passed.receivers = space.route(by, message, |key, delivery| {
            let Some(seat) = state.seats.get(&key) else { return };
            let delivered = match &mut *seat.sitter.lock() {
                Sitter::Client(client) => client.deliver(delivery, now_ms),
                Sitter::Session(session) => {
                    let before = session.counters().dropped();
                    session.deliver(delivery, &self.limits);
                    let dropped = session.counters().dropped() - before;
                    let put = client::put(&self.journal, key, &seat.identity, session.take_changes());
                    Delivered { durable: put, dropped }
                }
                Sitter::Nobody => Delivered::default(),
            };
            passed.durable = passed.durable.max(delivered.durable.unwrap_or_default());
            dropped += delivered.dropped;
        });
        if let Some(organisation) = organisation {
            organisation.count_sent(passed.receivers, dropped);
        }
        Ok(passed)
    }

    /// Whether passing a message on writes something down.
    pub(super) fn is_journaled(&self, org: OrgId, by: SessionKey, message: &Arc<Message>) -> bool {
        let is_kept = |state: &State, key: SessionKey| {
            state.seats.get(&key).is_some_and(|seat| match &*seat.sitter.lock() {
                Sitter::Client(client) => client.is_kept(),
                Sitter::Session(session) => session.is_kept(),
                Sitter::Nobody => false,
            })
        };
        let state = self.state.read();
        let mut is_journaled = message.retain;
        if let Some(space) = state.router.get(org).filter(|_| !is_journaled) {
            space.route(Some(by), message, |key, delivery| {
                is_journaled |= delivery.qos > Qos::AtMostOnce && is_kept(&state, key);
            });
        }
        is_journaled
    }

    fn retain(&self, org: OrgId, message: &Arc<Message>) -> Result<Seq, RouterError> {
        // Locked until it is written down, so that the newest is the last there, too.
        let state = &mut *self.state.write();
        let retained = state.router.space(org).retain(message);
        let write = match retained.is_ok() && !message.content.payload.is_empty() {
            true => Write::Retained(org, message.clone()),
            false => Write::Unretained(org, message.topic.clone()),
        };
        let put = self.journal.put([write]);
        retained.map(|()| put)
    }

    /// What became of a message whose connection is over.
    pub(super) fn outcome(&self, sender: Sender, ticket: Ticket, outcome: &Outcome, now_ms: u64) {
        let state = self.state.read();
        let Some(seat) = state.seats.get(&sender.key) else { return };
        match &mut *seat.sitter.lock() {
            Sitter::Client(client) => client.outcome(ticket, outcome, now_ms),
            Sitter::Session(session) => session.outcome(ticket, outcome),
            Sitter::Nobody => {}
        }
    }

    /// Ends sessions whose time is over, and publishes their wills and those that are due before.
    pub(super) fn tick(&self, now_ms: u64) {
        let mut wills = Vec::new();
        {
            let state = &mut *self.state.write();
            while let Some((due_ms, key)) = state.due.pop_first() {
                if due_ms > now_ms {
                    state.due.insert((due_ms, key));
                    break;
                }
                state.look_after(key, &self.journal, now_ms, &mut wills);
            }
        }
        for (org, will) in wills {
            self.publish_wills(org, vec![will], now_ms);
        }
    }

    /// Forgets retained messages that have expired.
    pub(super) fn expire(&self, now_ms: u64) {
        let state = &mut *self.state.write();
        let expired = state.router.expire(now_ms);
        self.journal.put(expired.into_iter().map(|(org, topic)| Write::Unretained(org, topic)));
    }

    /// Says goodbye to everybody who is connected.
    pub(super) fn disconnect_all(&self, now_ms: u64) {
        for seat in self.state.read().seats.values() {
            if let Sitter::Client(client) = &*seat.sitter.lock() {
                client.disconnect(ReasonCode::ServerShuttingDown, "the server stops", now_ms);
            }
        }
    }

    fn publish_wills(&self, org: OrgId, wills: Vec<Arc<Message>>, now_ms: u64) {
        for will in wills {
            if let Err(error) = self.publish(org, None, &will, now_ms) {
                tracing::debug!(%error, topic = will.topic.as_str(), "a will was not published");
            }
        }
    }
}

impl State {
    /// The seat of a client, made when there is none.
    fn seat(&mut self, identity: &Identity) -> (SessionKey, Arc<Seat>) {
        let present = self.keys.get(identity).and_then(|key| Some((*key, self.seats.get(key)?.clone())));
        present.unwrap_or_else(|| {
            self.next += 1;
            let key = SessionKey(self.next);
            (key, self.sit(key, Arc::new(identity.clone()), Sitter::Nobody))
        })
    }

    /// Whether a session is still that of this connection.
    fn is_seated(&self, key: SessionKey, client: &Arc<Client>) -> bool {
        let seat = self.seats.get(&key);
        seat.is_some_and(|seat| matches!(&*seat.sitter.lock(), Sitter::Client(present) if Arc::ptr_eq(present, client)))
    }

    fn sit(&mut self, key: SessionKey, identity: Arc<Identity>, sitter: Sitter) -> Arc<Seat> {
        let seat = Arc::new(Seat { identity: identity.clone(), sitter: Mutex::new(sitter) });
        self.keys.insert(identity, key);
        self.seats.insert(key, seat.clone());
        seat
    }

    /// Has a session of the process before sit again, without a connection.
    fn restore(&mut self, restored: RestoredSession, journal: &Journal, now_ms: u64) {
        let RestoredSession { key, identity, stored } = restored;
        let (org, identity) = (identity.org, Arc::new(identity));
        let mut session = Session::restored(stored, now_ms);
        client::put(journal, key, &identity, session.take_changes());
        self.router.space(org).restore(key, &session);
        self.due.extend(session.next_tick_ms().map(|due_ms| (due_ms, key)));
        self.next = self.next.max(key.0);
        self.sit(key, identity, Sitter::Session(Box::new(session)));
    }

    /// What a session leaves when it is over.
    fn finish(&mut self, org: OrgId, key: SessionKey, actions: Vec<Action>, wills: &mut Vec<Arc<Message>>) {
        for action in actions {
            match action {
                Action::PublishWill(will) => wills.push(will),
                Action::EndSession { filters, .. } => self.router.space(org).remove(key, &filters),
                _ => {}
            }
        }
    }

    fn forget_due(&mut self, key: SessionKey, session: &Session) {
        if let Some(due_ms) = session.next_tick_ms() {
            self.due.remove(&(due_ms, key));
        }
    }

    /// Does what is due for a session without a connection.
    fn look_after(&mut self, key: SessionKey, journal: &Journal, now_ms: u64, wills: &mut Vec<(OrgId, Arc<Message>)>) {
        let Some(seat) = self.seats.get(&key).cloned() else { return };
        let org = seat.identity.org;
        let mut sitter = seat.sitter.lock();
        let Sitter::Session(session) = &mut *sitter else { return };
        let Due { will, is_over } = session.tick(now_ms);
        wills.extend(will.map(|will| (org, will)));
        if !is_over {
            client::put(journal, key, &seat.identity, session.take_changes());
            self.due.extend(session.next_tick_ms().map(|due_ms| (due_ms, key)));
            return;
        }
        if let Sitter::Session(session) = std::mem::replace(&mut *sitter, Sitter::Nobody)
            && let Action::EndSession { filters, .. } = session.into_end()
        {
            self.router.space(org).remove(key, &filters);
            journal.put([Write::End(key)]);
        }
        self.seats.remove(&key);
        self.keys.remove(&seat.identity);
    }
}

/// How a session subscribes when it is granted this.
fn subscribed(wanted: &Requested, qos: Qos) -> Subscribed {
    let mut options = wanted.options;
    options.qos = qos.min(options.qos);
    Subscribed { options, subscription_id: wanted.subscription_id }
}
