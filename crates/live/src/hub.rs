//! The hub: one channel per organisation that somebody watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use hashbrown::HashMap;
use parking_lot::RwLock;
use sensorium_model::{Batch, OrgId};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::channel::Channel;
use crate::client::LiveClient;
use crate::config::HubConfig;
use crate::error::LiveError;

/// Fans committed batches out to live clients. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: HubConfig,
    pub(crate) epoch: Uuid,
    channels: RwLock<HashMap<OrgId, Arc<Channel>>>,
    last_seq: AtomicU64,
    published: AtomicU64,
    pub(crate) clients: AtomicUsize,
    pub(crate) subscriptions: AtomicUsize,
    pub(crate) points: AtomicU64,
    pub(crate) coalesced: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

/// Counts and sizes, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HubStats {
    /// Clients connected now.
    pub clients: usize,
    /// Subscriptions of all clients now.
    pub subscriptions: usize,
    /// Batches in all rings.
    pub ring_batches: usize,
    /// Bytes of the batches in all rings.
    pub ring_bytes: usize,
    /// Batches published since the start.
    pub published: u64,
    /// Points handed to clients since the start.
    pub points: u64,
    /// Points replaced by a newer one because a client was behind, since the start.
    pub coalesced: u64,
    /// Points left out because a client's queue was full, since the start.
    pub dropped: u64,
}

impl Hub {
    /// An empty hub with a new epoch.
    pub fn new(config: HubConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                config,
                epoch: Uuid::new_v4(),
                channels: RwLock::new(HashMap::new()),
                last_seq: AtomicU64::new(0),
                published: AtomicU64::new(0),
                clients: AtomicUsize::new(0),
                subscriptions: AtomicUsize::new(0),
                points: AtomicU64::new(0),
                coalesced: AtomicU64::new(0),
                dropped: AtomicU64::new(0),
            }),
        }
    }

    /// Identifies this run: sequence numbers of another epoch cannot be resumed from.
    pub fn epoch(&self) -> Uuid {
        self.shared.epoch
    }

    /// Shows a committed batch to the clients of its organisation. Sequence numbers never fall.
    pub fn publish(&self, seq: u64, batch: &Arc<Batch>) {
        self.publish_at(seq, batch, Instant::now());
    }

    /// [`Hub::publish`] with the clock as an argument.
    pub fn publish_at(&self, seq: u64, batch: &Arc<Batch>, now: Instant) {
        let org = batch.database.org;
        self.shared.published.fetch_add(1, Relaxed);
        // Before the look-up: a channel that is made after it starts after this batch, so that nobody takes the batch for
        // delivered who has not seen it.
        self.shared.last_seq.fetch_max(seq, Relaxed);
        let channel = self.shared.channels.read().get(&org).cloned();
        if let Some(channel) = channel
            && !channel.publish(seq, batch, now)
        {
            let mut channels = self.shared.channels.write();
            if channels.get(&org).is_some_and(|channel| channel.is_abandoned(now)) {
                channels.remove(&org);
            }
        }
    }

    /// Connects a client that sees this organisation's batches and no others.
    pub fn connect(&self, org: OrgId) -> Result<LiveClient, LiveError> {
        let limit = self.shared.config.clients;
        let admit = |connected: usize| (connected < limit).then_some(connected + 1);
        if self.shared.clients.fetch_update(Relaxed, Relaxed, admit).is_err() {
            return Err(LiveError::Clients { limit });
        }
        let wake = Arc::new(Notify::new());
        // Joined under the lock: an abandoned channel cannot be removed in between.
        let mut channels = self.shared.channels.write();
        let channel = channels.entry(org).or_insert_with(|| {
            let HubConfig { ring_window, ring_bytes, .. } = self.shared.config;
            let last_seq = self.shared.last_seq.load(Relaxed);
            Arc::new(Channel::new(ring_window, ring_bytes, last_seq, Instant::now()))
        });
        let (number, seq) = channel.join(wake.clone());
        let channel = channel.clone();
        drop(channels);
        Ok(LiveClient::new(self.shared.clone(), channel, number, wake, seq))
    }

    /// Counts and sizes now.
    pub fn stats(&self) -> HubStats {
        let shared = &self.shared;
        let sizes: Vec<_> = shared.channels.read().values().map(|channel| channel.size()).collect();
        HubStats {
            clients: shared.clients.load(Relaxed),
            subscriptions: shared.subscriptions.load(Relaxed),
            ring_batches: sizes.iter().map(|(batches, _)| batches).sum(),
            ring_bytes: sizes.iter().map(|(_, bytes)| bytes).sum(),
            published: shared.published.load(Relaxed),
            points: shared.points.load(Relaxed),
            coalesced: shared.coalesced.load(Relaxed),
            dropped: shared.dropped.load(Relaxed),
        }
    }
}
