//! A CoAP server (RFC 7252) whose answer to a reading means that it is on disk.
//!
//! Way of a request: a [`shard`] reads it from its socket and hands it to the layer that knows repeats, blocks and observers
//! (`sensorium_protocols::coap`); a [`desk`] takes what comes out of that; [`resources`] says who may do what and what becomes of it;
//! [`intake`] stores what came while the batch before was written. A connection over TCP or WebSocket ([`reliable`]) has a desk of its own. Who
//! observes is told by [`watch`].
//!
//! Invariants:
//! - a reading is acknowledged, with the code of a success, after the log has it on disk; a peer that waits for longer than
//!   `coap.patience_ms` gets an empty acknowledgement, which says only that its request came;
//! - a message that is sent again is stored once, also when the process was killed in between ([`recent`]). A body that came in blocks
//!   is begun anew by its peer then, and is another message;
//! - without a credential nothing is stored or shown but by a route that lets anyone in;
//! - what one peer sends is read by one socket, so that nothing of a peer is shared between tasks.
//!
//! Limits: those of [`CoapLimits`], of which each socket has its share; [`CoapConfig::waiting`], [`CoapConfig::waiting_bytes`],
//! [`CoapConfig::connections`], [`CoapConfig::journal_bytes`].

mod answer;
mod desk;
mod dtls;
mod intake;
mod recent;
mod reliable;
mod resources;
mod route;
mod secured;
mod shard;
mod socket;
mod watch;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicUsize};
use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge};
use sensorium_ingest::Ingest;
use sensorium_model::{DatabaseName, Principal};
use sensorium_protocols::coap::CoapLimits;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use recent::Recent;
use resources::TokenNames;

pub use dtls::{CertificateSource, DtlsConfig, DtlsLimits, ServerCertificate};
pub use recent::RecentError;
pub use reliable::websocket::NotOpened;
pub use route::{MAX_ROUTES, Route, RouteError, RouteSettings, routes};
pub use socket::{ALL_NODES, bind, bind_group};
pub use watch::Watch;

/// What the server is told to do.
#[derive(Debug)]
pub struct CoapConfig {
    /// Of messages, bodies, peers and observers.
    pub limits: CoapLimits,
    /// Where readings are stored (setting `coap.database`), unless the request or the credential says it.
    pub database: DatabaseName,
    /// Paths of one's own.
    pub routes: Vec<Route>,
    /// Whether tokens are taken over plain CoAP (setting `coap.tokens_in_plain`).
    pub tokens_in_plain: bool,
    /// After how long a request that is not answered is acknowledged (setting `coap.patience_ms`).
    pub patience_ms: u64,
    /// How often an observer is told of changes, at most (setting `coap.notify_every_ms`).
    pub notify_every_ms: u64,
    /// Readings that may wait to be stored (setting `coap.waiting`).
    pub waiting: usize,
    /// Bytes of them (setting `coap.waiting_bytes`).
    pub waiting_bytes: usize,
    /// Connections over TCP and WebSocket at one time (setting `coap.connections`).
    pub connections: usize,
    /// Bytes of the files that know messages across a restart (setting `coap.journal_bytes`).
    pub journal_bytes: u64,
    /// Whether a write is on disk when it is done, or with the kernel.
    pub is_synced: bool,
}

/// The server with everything that it needs. Cheap to clone.
#[derive(Clone)]
pub struct Coap(Arc<Shared>);

struct Shared {
    config: CoapConfig,
    /// Of one socket, or of one connection.
    limits: Arc<CoapLimits>,
    ingest: Ingest,
    watch: Watch,
    recent: Recent,
    token_names: TokenNames,
    /// Whoever uses a route that lets anyone in.
    nobody: Arc<Principal>,
    /// Readings that wait, of all sockets and connections, and their bytes.
    waiting: AtomicUsize,
    waiting_bytes: AtomicUsize,
    /// When the last reading came, in nanoseconds since the epoch.
    last_ns: AtomicI64,
    clock: Clock,
    slots: Arc<Semaphore>,
    tasks: TaskTracker,
    /// Nothing new.
    stop: CancellationToken,
    /// What is not done is left.
    abort: CancellationToken,
}

impl Coap {
    /// A server without sockets, with what is known of messages in `folder`. It takes requests until `stop` is cancelled. `sockets`
    /// share what the limits allow.
    pub fn open(
        config: CoapConfig,
        ingest: Ingest,
        watch: Watch,
        folder: &Path,
        sockets: usize,
        stop: CancellationToken,
    ) -> Result<Self, RecentError> {
        describe();
        dtls::describe();
        let now_ns = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
        let recent = Recent::open(folder, config.journal_bytes, config.is_synced, now_ns)?;
        let nobody = Arc::new(Principal::anonymous_writer(ingest.metadata.org()));
        Ok(Self(Arc::new(Shared {
            limits: Arc::new(share(config.limits, sockets.max(1))),
            slots: Arc::new(Semaphore::new(config.connections.min(Semaphore::MAX_PERMITS))),
            config,
            ingest,
            watch,
            recent,
            token_names: TokenNames::default(),
            nobody,
            waiting: AtomicUsize::new(0),
            waiting_bytes: AtomicUsize::new(0),
            last_ns: AtomicI64::new(0),
            clock: Clock::start(),
            tasks: TaskTracker::new(),
            stop,
            abort: CancellationToken::new(),
        })))
    }

    /// Tells observers of changes until the server has stopped.
    pub async fn tell_observers(self) {
        let shared = &self.0;
        shared.abort.run_until_cancelled(shared.watch.tell(&shared.ingest)).await;
    }

    /// Waits until what came is answered, at most so long; then leaves the rest. Returns how many sockets, connections and requests
    /// were left.
    pub async fn drain(&self, at_most: Duration) -> usize {
        let Shared { tasks, abort, .. } = &*self.0;
        tasks.close();
        let mut left = 0;
        if tokio::time::timeout(at_most, tasks.wait()).await.is_err() {
            left = tasks.len();
            abort.cancel();
            tasks.wait().await;
        }
        abort.cancel();
        left
    }
}

impl Shared {
    /// When a reading comes, in nanoseconds since the epoch: never the same time twice, because readings of one series and one time are
    /// one reading, and many peers may write the same series.
    fn received_ns(&self) -> i64 {
        let now_ns = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
        let next = |last: i64| Some(now_ns.max(last.saturating_add(1)));
        let last = self.last_ns.fetch_update(Relaxed, Relaxed, next).unwrap_or(now_ns);
        now_ns.max(last.saturating_add(1))
    }

    /// Readings wait no more.
    fn stopped_waiting(&self, count: usize, bytes: usize) {
        self.waiting.fetch_sub(count, Relaxed);
        self.waiting_bytes.fetch_sub(bytes, Relaxed);
    }
}

/// What one of several sockets may hold of what all may hold together.
fn share(limits: CoapLimits, sockets: usize) -> CoapLimits {
    let part = |all: usize| all.div_ceil(sockets);
    CoapLimits {
        assemblies: part(limits.assemblies),
        // A body must fit at all.
        assembly_bytes: part(limits.assembly_bytes).max(limits.body_bytes),
        kept_body_bytes: part(limits.kept_body_bytes).max(limits.body_bytes),
        peers: part(limits.peers),
        remembered_bytes: part(limits.remembered_bytes),
        exchanges: part(limits.exchanges),
        observers: part(limits.observers),
        ..limits
    }
}

fn describe() {
    describe_counter!("sensorium_coap_requests_total", "Requests that came, by method; repeats are not among them.");
    describe_counter!("sensorium_coap_responses_total", "Requests that were answered, by code.");
    describe_counter!("sensorium_coap_refused_total", "Readings that were not stored, by the code of the answer.");
    describe_counter!("sensorium_coap_events_total", "What happened below requests, by what it was.");
    describe_gauge!("sensorium_coap_peers", "Peers over UDP that something is remembered of.");
    describe_gauge!("sensorium_coap_observers", "Observers over UDP.");
    describe_gauge!("sensorium_coap_connections", "Connections over TCP and WebSocket.");
    describe_gauge!(
        "sensorium_coap_remembered_bytes",
        Unit::Bytes,
        "Messages and replies that are remembered to know repeats, and bodies on their way in blocks."
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_share_what_all_may_hold() {
        let all = CoapLimits::default();
        let part = share(all, 3);
        assert!(part.peers * 3 >= all.peers && part.peers < all.peers);
        assert_eq!((part.message_bytes, part.observers_per_peer), (all.message_bytes, all.observers_per_peer));
        assert!(share(all, 1_000).assembly_bytes >= all.body_bytes);
    }
}
