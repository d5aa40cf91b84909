//! One subscriber: its subscriptions, its queue, and how it reads the ring.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use tokio::sync::Notify;

use crate::channel::Channel;
use crate::config::HubConfig;
use crate::error::LiveError;
use crate::hub::Shared;
use crate::pending::Pending;
use crate::point::Tick;
use crate::ring::Entry;
use crate::subscription::Subscription;

/// The answer to [`LiveClient::subscribe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscribed {
    /// Everything after this sequence number will be delivered.
    pub seq: u64,
    /// Points from the ring that wait already.
    pub replayed: u64,
    /// Whether something between the point of resumption and `seq` is missing from the replay.
    pub gap: bool,
}

/// A connection to the hub. Dropping it ends it.
#[derive(Debug)]
pub struct LiveClient {
    shared: Arc<Shared>,
    channel: Arc<Channel>,
    number: u64,
    wake: Arc<Notify>,
    subscriptions: Vec<Active>,
    pending: Pending,
    seq: u64,
    lost: bool,
}

#[derive(Debug)]
struct Active {
    wanted: Subscription,
    /// The position of the first batch that this subscription sees.
    from: u64,
}

impl LiveClient {
    pub(crate) fn new(shared: Arc<Shared>, channel: Arc<Channel>, number: u64, wake: Arc<Notify>, seq: u64) -> Self {
        let HubConfig { queue_points, queue_text_bytes, .. } = shared.config;
        let pending = Pending::new(queue_points, queue_text_bytes);
        Self { shared, channel, number, wake, subscriptions: Vec::new(), pending, seq, lost: false }
    }

    /// The sequence number after which this client sees everything that it subscribes to.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Starts to watch; replays what the ring holds after the point of resumption, if one is given.
    ///
    /// A replay for which the queue has no room is cut to the newest batches and reported as a gap.
    pub fn subscribe(&mut self, wanted: Subscription) -> Result<Subscribed, LiveError> {
        self.check(&wanted)?;
        self.unsubscribe(wanted.id);
        let resume = wanted.resume;
        let (head, seq) = self.channel.watch(self.number, &wanted);
        self.shared.subscriptions.fetch_add(1, Relaxed);
        let (replayed, gap) = match resume {
            None => (0, false),
            Some(resume) if resume.epoch != self.shared.epoch => (0, true),
            Some(resume) => {
                let (from, gone) = self.channel.after(resume.seq);
                let (replayed, complete) = self.replay(&wanted, from, head);
                (replayed, gone || !complete)
            }
        };
        self.subscriptions.push(Active { wanted, from: head });
        Ok(Subscribed { seq, replayed, gap })
    }

    /// Stops to watch and forgets what waits for the subscription; false if there is none of this number.
    pub fn unsubscribe(&mut self, id: u32) -> bool {
        let Some(index) = self.subscriptions.iter().position(|active| active.wanted.id == id) else { return false };
        let active = self.subscriptions.swap_remove(index);
        self.channel.unwatch(self.number, &active.wanted);
        self.shared.subscriptions.fetch_sub(1, Relaxed);
        self.pending.forget(id);
        true
    }

    /// The numbers of the subscriptions.
    pub fn subscriptions(&self) -> impl Iterator<Item = u32> {
        self.subscriptions.iter().map(|active| active.wanted.id)
    }

    /// Waits until something was published that this client may want. May return without cause; never misses one.
    pub async fn changed(&self) {
        self.wake.notified().await;
    }

    /// Whether to keep only the latest value of each series and field, because the client cannot keep up.
    pub fn keep_latest_only(&mut self, latest_only: bool) {
        self.pending.set_always_latest(latest_only);
    }

    /// Reads the ring into the queue; true if something waits for the client now.
    pub fn collect(&mut self) -> bool {
        let before = self.pending.left_out();
        let waiting = self.read_ring();
        let after = self.pending.left_out();
        self.shared.coalesced.fetch_add(after.0 - before.0, Relaxed);
        self.shared.dropped.fetch_add(after.1 - before.1, Relaxed);
        waiting
    }

    fn read_ring(&mut self) -> bool {
        loop {
            let unread = self.channel.unread(self.number);
            self.lost |= unread.lost;
            for (position, entry) in &unread.entries {
                for active in self.subscriptions.iter().filter(|active| active.from <= *position) {
                    active.wanted.pick(entry, |point| self.pending.push(point));
                }
            }
            self.seq = self.seq.max(unread.seq);
            if !unread.more {
                return self.lost || !self.pending.is_empty();
            }
        }
    }

    /// Hands out what waits, if anything does. Call [`LiveClient::collect`] first.
    pub fn take(&mut self) -> Option<Tick> {
        if self.pending.is_empty() && !self.lost {
            return None;
        }
        let taken = self.pending.take();
        self.shared.points.fetch_add(taken.points.len() as u64, Relaxed);
        Some(Tick {
            seq: self.seq,
            points: taken.points,
            coalesced: taken.coalesced,
            dropped: taken.dropped,
            lost: std::mem::take(&mut self.lost),
        })
    }

    fn check(&self, wanted: &Subscription) -> Result<(), LiveError> {
        let HubConfig { subscriptions_per_client, tags_per_subscription, fields_per_subscription, .. } =
            self.shared.config;
        let replaces = self.subscriptions.iter().any(|active| active.wanted.id == wanted.id);
        if !replaces && self.subscriptions.len() >= subscriptions_per_client {
            return Err(LiveError::Subscriptions { limit: subscriptions_per_client });
        }
        let fields = wanted.fields.as_ref().map_or(0, Vec::len);
        for (what, limit, found) in
            [("tags", tags_per_subscription, wanted.tags.len()), ("fields", fields_per_subscription, fields)]
        {
            if found > limit {
                return Err(LiveError::Filter { what, limit, found });
            }
        }
        Ok(())
    }

    /// Queues what a subscription would have seen of a range of positions: the newest that fits. Returns how many points
    /// and whether that was all.
    fn replay(&mut self, wanted: &Subscription, from: u64, head: u64) -> (u64, bool) {
        let room = self.pending.room();
        let (mut points, mut entries): (usize, Vec<Arc<Entry>>) = (0, Vec::new());
        let (mut to, mut complete) = (head, true);
        'newest_first: while to > from {
            let (start, chunk) = self.channel.last_of(from, to, wanted);
            to = start;
            for entry in chunk.into_iter().rev() {
                let mut more = 0;
                wanted.pick(&entry, |_| more += 1);
                if points + more > room {
                    complete = false;
                    break 'newest_first;
                }
                points += more;
                entries.push(entry);
            }
        }
        for entry in entries.iter().rev() {
            wanted.pick(entry, |point| self.pending.push(point));
        }
        (points as u64, complete)
    }
}

impl Drop for LiveClient {
    fn drop(&mut self) {
        for active in &self.subscriptions {
            self.channel.unwatch(self.number, &active.wanted);
        }
        self.shared.subscriptions.fetch_sub(self.subscriptions.len(), Relaxed);
        self.channel.leave(self.number, Instant::now());
        self.shared.clients.fetch_sub(1, Relaxed);
    }
}
