//! Clients as others see them, and how others end them.

use std::sync::Arc;

use sensorium_model::OrgId;
use sensorium_model::messaging::{ClientConnection, ClientKey, ClientQuery, ClientSubscription, MessagingClient};
use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::RetainHandling;
use sensorium_protocols::mqtt::router::SessionKey;
use sensorium_protocols::mqtt::session::{Session, Subscribed};

use super::super::client::Client;
use super::{Broker, Identity, Seat, Seq, Sitter, State};

/// What a client is told whose connection somebody ended.
const ENDED: &str = "somebody ended this connection";

impl Broker {
    /// A page of an organisation's clients, in the order of their keys.
    pub(in crate::mqtt) fn clients(&self, org: OrgId, wanted: &ClientQuery) -> Vec<MessagingClient> {
        let search = wanted.search.as_ref().map(|text| text.to_lowercase());
        let mut seats: Vec<(ClientKey, Arc<Seat>)> = {
            let state = self.state.read();
            let own = state.seats.values().filter(|seat| seat.identity.org == org);
            own.map(|seat| (seat.identity.key(), seat.clone())).collect()
        };
        if let Some(after) = &wanted.after {
            seats.retain(|(key, _)| key > after);
        }
        seats.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let clients = seats.into_iter().filter_map(|(key, seat)| seat.look(|looked| looked.client(key)));
        let clients = clients.filter(|client| {
            wanted.is_connected.is_none_or(|is_connected| client.connection.is_some() == is_connected)
                && search.as_ref().is_none_or(|text| stands_in(text, client))
        });
        clients.take(wanted.limit).collect()
    }

    /// Looks at all who are connected.
    pub(in crate::mqtt) fn each_client(&self, look: impl Fn(&Identity, &Client)) {
        for seat in self.state.read().seats.values() {
            if let Sitter::Client(client) = &*seat.sitter.lock() {
                look(&seat.identity, client);
            }
        }
    }

    /// One client, with what it subscribes to.
    pub(in crate::mqtt) fn client(
        &self,
        org: OrgId,
        key: &ClientKey,
    ) -> Option<(MessagingClient, Vec<ClientSubscription>)> {
        let (_, seat) = self.state.read().seat_of(org, key)?;
        seat.look(|looked| {
            let filters = looked.session.subscriptions().iter();
            let filters = filters.map(|(filter, how)| subscription(filter.clone().into(), how)).collect();
            (looked.client(key.clone()), filters)
        })
    }

    /// Ends a connection, and its session if that is asked for. None when there is no such client; else what is to be durable so that
    /// a session without a connection does not come back.
    pub(in crate::mqtt) fn disconnect(
        &self,
        org: OrgId,
        key: &ClientKey,
        with_session: bool,
        now_ms: u64,
    ) -> Option<Seq> {
        let mut wills = Vec::new();
        {
            let state = &mut *self.state.write();
            let (session_key, seat) = state.seat_of(org, key)?;
            let mut sitter = seat.sitter.lock();
            match &mut *sitter {
                Sitter::Client(client) => {
                    if with_session {
                        client.work(|connection, _| connection.let_session_end(now_ms));
                    }
                    client.disconnect(ReasonCode::AdministrativeAction, ENDED, now_ms);
                }
                Sitter::Session(session) if with_session => {
                    state.forget_due(session_key, session);
                    session.expire(now_ms);
                    drop(sitter);
                    state.look_after(session_key, &self.journal, now_ms, &mut wills);
                }
                Sitter::Session(_) | Sitter::Nobody => {}
            }
        }
        for (org, will) in wills {
            self.publish_wills(org, vec![will], now_ms);
        }
        Some(self.journal.last())
    }
}

impl State {
    fn seat_of(&self, org: OrgId, key: &ClientKey) -> Option<(SessionKey, Arc<Seat>)> {
        let identity = |by_key| Identity { org, device: key.device, by_key, client_id: key.client_id.clone() };
        let key = *[false, true].into_iter().find_map(|by_key| self.keys.get(&identity(by_key)))?;
        Some((key, self.seats.get(&key)?.clone()))
    }
}

impl Identity {
    fn key(&self) -> ClientKey {
        ClientKey { client_id: self.client_id.clone(), device: self.device }
    }
}

/// What a seat holds, while it is locked.
struct Looked<'s> {
    session: &'s Session,
    /// None when the client is away.
    connection: Option<ClientConnection>,
    /// When the connection began, or when it ended.
    since_ms: u64,
}

impl Seat {
    /// Looks at who sits there, unless it is ending.
    fn look<T>(&self, look: impl FnOnce(Looked<'_>) -> T) -> Option<T> {
        let away = |session: &Session| session.disconnected_ms().unwrap_or_default();
        match &*self.sitter.lock() {
            Sitter::Client(client) => client
                .work(|machine, _| {
                    let session = machine.session()?;
                    let about = client.about.get();
                    let connection = about.and_then(|about| about.connection(machine));
                    let since_ms = about.filter(|_| connection.is_some()).map(|about| about.since_ms);
                    let since_ms = since_ms.unwrap_or_else(|| away(session));
                    Some(look(Looked { session, connection, since_ms }))
                })
                .flatten(),
            Sitter::Session(session) => Some(look(Looked { session, connection: None, since_ms: away(session) })),
            Sitter::Nobody => None,
        }
    }
}

impl Looked<'_> {
    fn client(self, key: ClientKey) -> MessagingClient {
        let Self { session, connection, since_ms } = self;
        let counters = session.counters();
        MessagingClient {
            key,
            connection,
            since_ms,
            session_expiry_seconds: session.expiry_seconds(),
            expires_ms: session.expires_ms(),
            subscriptions: session.subscriptions().len(),
            queued: session.queued(),
            inflight: session.inflight(),
            dropped_qos0: counters.dropped_qos0,
            dropped_oldest: counters.dropped_oldest,
            expired_messages: counters.expired,
        }
    }
}

fn stands_in(text: &str, client: &MessagingClient) -> bool {
    let has = |place: &str| place.to_lowercase().contains(text);
    let of_connection = |connection: &ClientConnection| {
        connection.login.as_deref().is_some_and(has)
            || connection.device.as_deref().is_some_and(|device| has(&device.name))
            || connection.address.to_string().contains(text)
    };
    has(&client.key.client_id) || client.connection.as_ref().is_some_and(of_connection)
}

fn subscription(filter: Arc<str>, how: &Subscribed) -> ClientSubscription {
    let options = &how.options;
    ClientSubscription {
        filter,
        qos: options.qos.bits(),
        no_local: options.no_local,
        retain_as_published: options.retain_as_published,
        retain_handling: match options.retain_handling {
            RetainHandling::Send => 0,
            RetainHandling::SendIfNew => 1,
            RetainHandling::DoNotSend => 2,
        },
        subscription_id: how.subscription_id,
    }
}
