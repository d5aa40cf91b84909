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
use super::client::Client;

/// Whose session it is. Devices have sessions of their own, so that none takes over another's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) org: OrgId,
    /// None for people and programs, who share theirs inside of an organisation.
    pub(super) device: Option<DeviceId>,
    pub(super) client_id: Arc<str>,
}

/// The sessions, their subscriptions and retained messages of all organisations.
pub(super) struct Broker {
    limits: Arc<MqttLimits>,
    /// At most.
    sessions: usize,
    started: Instant,
    state: RwLock<State>,
}

struct State {
    router: Router,
    seats: FastMap<SessionKey, Arc<Seat>>,
    keys: FastMap<Identity, SessionKey>,
    /// Of those that had a client or a reader.
    organisations: FastMap<OrgId, Arc<Organisation>>,
    /// When sessions without a connection have something due.
    due: BTreeSet<(u64, SessionKey)>,
    next: u64,
}

struct Seat {
    identity: Identity,
    sitter: Mutex<Sitter>,
}

enum Sitter {
    Client(Arc<Client>),
    Session(Box<Session>),
    /// Between two of the others, while the state is locked for writing.
    Nobody,
}

/// A session that sends messages and the organisation that they are for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender {
    pub(super) org: OrgId,
    pub(super) key: SessionKey,
}

impl Broker {
    pub(super) fn new(limits: Arc<MqttLimits>, sessions: usize) -> Self {
        let router = Router::new(limits.clone());
        let (seats, keys, due) = (FastMap::default(), FastMap::default(), BTreeSet::new());
        let state = State { router, seats, keys, organisations: FastMap::default(), due, next: 0 };
        Self { limits, sessions, started: Instant::now(), state: RwLock::new(state) }
    }

    /// Lets a client in: with the session that it had, which another connection gives up. None when there is no room for one more
    /// session.
    pub(super) fn connect(
        &self,
        client: &Arc<Client>,
        identity: Identity,
        accept: Accept,
        now_ms: u64,
    ) -> Option<Sender> {
        let org = identity.org;
        let mut wills = Vec::new();
        let sender = {
            let state = &mut *self.state.write();
            if state.seats.len() >= self.sessions && !state.keys.contains_key(&identity) {
                return None;
            }
            let (mut key, mut seat) = state.seat(&identity);
            let sitter = std::mem::replace(&mut *seat.sitter.lock(), Sitter::Nobody);
            let session = match sitter {
                Sitter::Client(before) => {
                    let (session, actions) = before.take_over(now_ms);
                    state.finish(org, key, actions, &mut wills);
                    if session.is_none() {
                        // The other task may still be ending it: what it does must not concern the session that begins now.
                        state.router.space(org).set_online(key, false);
                        state.seats.remove(&key);
                        state.keys.remove(&identity);
                        (key, seat) = state.seat(&identity);
                    }
                    session
                }
                Sitter::Session(session) => {
                    state.forget_due(key, &session);
                    Some(*session)
                }
                Sitter::Nobody => None,
            };
            client.work(|connection, out| connection.accept(Accept { session, ..accept }, now_ms, out));
            state.finish(org, key, client.take_endings(), &mut wills);
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
        let Some(seat) = state.seats.get(&key).cloned() else { return };
        let mut sitter = seat.sitter.lock();
        if !matches!(&*sitter, Sitter::Client(present) if Arc::ptr_eq(present, client)) {
            return;
        }
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
    pub(super) fn end_session(&self, sender: Sender, filters: &[TopicFilter]) {
        self.state.write().router.space(sender.org).remove(sender.key, filters);
    }

    /// Adds subscriptions of a session, each to be granted or refused already; those for which there is no room are refused too.
    pub(super) fn subscribe(&self, sender: Sender, wanted: &[Requested], granted: &mut [Result<Qos, ReasonCode>]) {
        let state = &mut *self.state.write();
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

    pub(super) fn unsubscribe(&self, sender: Sender, filter: &TopicFilter) {
        self.state.write().router.space(sender.org).unsubscribe(sender.key, filter);
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
    ) -> Result<usize, RouterError> {
        if message.retain {
            self.state.write().router.space(org).retain(message)?;
        }
        let state = self.state.read();
        let organisation = state.organisations.get(&org);
        if let Some(organisation) = organisation.filter(|organisation| organisation.has_readers()) {
            let client_id = || Some(state.seats.get(&by?)?.identity.client_id.clone());
            organisation.tell(message, client_id, now_ms);
        }
        let Some(space) = state.router.get(org) else { return Ok(0) };
        let mut dropped = 0;
        let count = space.route(by, message, |key, delivery| {
            let Some(seat) = state.seats.get(&key) else { return };
            match &mut *seat.sitter.lock() {
                Sitter::Client(client) => dropped += client.deliver(delivery, now_ms),
                Sitter::Session(session) => {
                    let before = session.counters().dropped();
                    session.deliver(delivery, &self.limits);
                    dropped += session.counters().dropped() - before;
                }
                Sitter::Nobody => {}
            }
        });
        if let Some(organisation) = organisation {
            organisation.count_sent(count, dropped);
        }
        Ok(count)
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
                state.look_after(key, now_ms, &mut wills);
            }
        }
        for (org, will) in wills {
            self.publish_wills(org, vec![will], now_ms);
        }
    }

    /// Forgets retained messages that have expired.
    pub(super) fn expire(&self, now_ms: u64) {
        self.state.write().router.expire(now_ms);
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
            let seat = Arc::new(Seat { identity: identity.clone(), sitter: Mutex::new(Sitter::Nobody) });
            self.keys.insert(identity.clone(), key);
            self.seats.insert(key, seat.clone());
            (key, seat)
        })
    }

    /// What a session leaves when it is over.
    fn finish(&mut self, org: OrgId, key: SessionKey, actions: Vec<Action>, wills: &mut Vec<Arc<Message>>) {
        for action in actions {
            match action {
                Action::PublishWill(will) => wills.push(will),
                Action::EndSession(filters) => self.router.space(org).remove(key, &filters),
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
    fn look_after(&mut self, key: SessionKey, now_ms: u64, wills: &mut Vec<(OrgId, Arc<Message>)>) {
        let Some(seat) = self.seats.get(&key).cloned() else { return };
        let org = seat.identity.org;
        let mut sitter = seat.sitter.lock();
        let Sitter::Session(session) = &mut *sitter else { return };
        let Due { will, is_over } = session.tick(now_ms);
        wills.extend(will.map(|will| (org, will)));
        if !is_over {
            self.due.extend(session.next_tick_ms().map(|due_ms| (due_ms, key)));
            return;
        }
        if let Sitter::Session(session) = std::mem::replace(&mut *sitter, Sitter::Nobody) {
            self.router.space(org).remove(key, &session.into_filters());
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
