//! What the clients of one organisation share: the ring, and who is to be woken for which table.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use parking_lot::Mutex;
use sensorium_model::{Batch, DatabaseName, Name};
use tokio::sync::Notify;

use crate::ring::{Entry, Ring};
use crate::subscription::{Subscription, TableFilter};

/// How many batches are copied out of the ring per lock.
const CHUNK: usize = 64;

/// One organisation's part of the hub.
#[derive(Debug)]
pub(crate) struct Channel {
    window: Duration,
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    ring: Ring,
    watchers: HashMap<u64, Watcher>,
    /// For each database and table, the clients to wake and for how many subscriptions.
    index: HashMap<DatabaseName, Watched>,
    next_client: u64,
    /// When the last client left, while there is none.
    idle_since: Option<Instant>,
}

#[derive(Debug, Default)]
struct Watched {
    every_table: Vec<(u64, u32)>,
    tables: HashMap<Name, Vec<(u64, u32)>>,
}

#[derive(Debug)]
struct Watcher {
    /// The position of the first batch that the client has been woken for and has not read.
    unread_from: Option<u64>,
    wake: Arc<Notify>,
}

/// Batches that a client was woken for.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// With their positions.
    pub(crate) entries: Vec<(u64, Arc<Entry>)>,
    /// Everything up to here has been read once `entries` have.
    pub(crate) seq: u64,
    /// Whether batches before the first of `entries` left the ring unread.
    pub(crate) lost: bool,
    /// Whether more is unread.
    pub(crate) more: bool,
}

impl Channel {
    pub(crate) fn new(window: Duration, max_bytes: usize, last_seq: u64, now: Instant) -> Self {
        let state = State {
            ring: Ring::starting_after(last_seq),
            watchers: HashMap::new(),
            index: HashMap::new(),
            next_client: 0,
            idle_since: Some(now),
        };
        Self { window, max_bytes, state: Mutex::new(state) }
    }

    /// Appends a batch and wakes those who watch one of its tables. False when nobody has been connected for the length
    /// of the ring's window, so that nobody can resume and the channel may go.
    pub(crate) fn publish(&self, seq: u64, batch: &Arc<Batch>, now: Instant) -> bool {
        let entry = Entry::new(seq, now, batch.clone());
        let mut state = self.state.lock();
        if state.idle_since.is_some_and(|since| now.saturating_duration_since(since) > self.window) {
            return false;
        }
        let position = state.ring.push(entry, self.window, self.max_bytes);
        let State { watchers, index, .. } = &mut *state;
        if let Some(watched) = index.get(&batch.database.name) {
            let named = batch.tables.iter().filter_map(|table| watched.tables.get(&table.table)).flatten();
            for (client, _) in watched.every_table.iter().chain(named) {
                if let Some(watcher) = watchers.get_mut(client)
                    && watcher.unread_from.is_none()
                {
                    watcher.unread_from = Some(position);
                    watcher.wake.notify_one();
                }
            }
        }
        true
    }

    /// Whether the channel may be forgotten.
    pub(crate) fn is_abandoned(&self, now: Instant) -> bool {
        self.state.lock().idle_since.is_some_and(|since| now.saturating_duration_since(since) > self.window)
    }

    /// Adds a client; returns its number and the sequence number that it starts after.
    pub(crate) fn join(&self, wake: Arc<Notify>) -> (u64, u64) {
        let mut state = self.state.lock();
        let client = state.next_client;
        state.next_client += 1;
        state.idle_since = None;
        state.watchers.insert(client, Watcher { unread_from: None, wake });
        (client, state.ring.last_seq())
    }

    /// Removes a client that has no subscription left.
    pub(crate) fn leave(&self, client: u64, now: Instant) {
        let mut state = self.state.lock();
        state.watchers.remove(&client);
        if state.watchers.is_empty() {
            state.idle_since = Some(now);
        }
    }

    /// Wakes the client for the subscription's tables from now on; returns the ring's head and last sequence number.
    pub(crate) fn watch(&self, client: u64, subscription: &Subscription) -> (u64, u64) {
        let mut state = self.state.lock();
        let watched = state.index.entry(subscription.database.clone()).or_default();
        let clients = match &subscription.table {
            TableFilter::All => &mut watched.every_table,
            TableFilter::One(table) => watched.tables.entry(table.clone()).or_default(),
        };
        match clients.iter_mut().find(|(present, _)| *present == client) {
            Some((_, count)) => *count += 1,
            None => clients.push((client, 1)),
        }
        (state.ring.head(), state.ring.last_seq())
    }

    /// Undoes one [`Channel::watch`].
    pub(crate) fn unwatch(&self, client: u64, subscription: &Subscription) {
        let mut state = self.state.lock();
        let Some(watched) = state.index.get_mut(&subscription.database) else { return };
        match &subscription.table {
            TableFilter::All => release(&mut watched.every_table, client),
            TableFilter::One(table) => {
                if let Some(clients) = watched.tables.get_mut(table) {
                    release(clients, client);
                    if clients.is_empty() {
                        watched.tables.remove(table);
                    }
                }
            }
        }
        if watched.every_table.is_empty() && watched.tables.is_empty() {
            state.index.remove(&subscription.database);
        }
    }

    /// The next batches that a client was woken for.
    pub(crate) fn unread(&self, client: u64) -> Unread {
        let mut state = self.state.lock();
        let State { ring, watchers, .. } = &mut *state;
        let Some(watcher) = watchers.get_mut(&client) else { return Unread::default() };
        let Some(wanted) = watcher.unread_from else {
            return Unread { seq: ring.last_seq(), ..Unread::default() };
        };
        let from = wanted.max(ring.first());
        let to = ring.head().min(from + CHUNK as u64);
        let entries: Vec<_> = (from..to).filter_map(|at| Some((at, ring.get(at)?.clone()))).collect();
        let more = to < ring.head();
        watcher.unread_from = more.then_some(to);
        let seq = match entries.last() {
            Some((_, entry)) if more => entry.seq(),
            _ => ring.last_seq(),
        };
        Unread { entries, seq, lost: wanted < from, more }
    }

    /// The position after a sequence number, and whether something after it is gone.
    pub(crate) fn after(&self, seq: u64) -> (u64, bool) {
        self.state.lock().ring.after(seq)
    }

    /// The batches of a range of positions that concern a subscription, at most the last [`CHUNK`] positions of it;
    /// oldest first, with the position from which they were looked at.
    pub(crate) fn last_of(&self, from: u64, to: u64, subscription: &Subscription) -> (u64, Vec<Arc<Entry>>) {
        let from = from.max(to.saturating_sub(CHUNK as u64));
        let state = self.state.lock();
        let entries = (from..to)
            .filter_map(|position| state.ring.get(position))
            .filter(|entry| subscription.concerns(entry))
            .cloned()
            .collect();
        (from, entries)
    }

    /// Batches and bytes in the ring.
    pub(crate) fn size(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.ring.len(), state.ring.bytes())
    }
}

fn release(clients: &mut Vec<(u64, u32)>, client: u64) {
    if let Some(index) = clients.iter().position(|(present, _)| *present == client)
        && let Some((_, count)) = clients.get_mut(index)
    {
        *count -= 1;
        if *count == 0 {
            clients.swap_remove(index);
        }
    }
}
