//! An MQTT broker, 3.1.1 and 5.0, whose acknowledgement of a message means that its reading is on disk.
//!
//! Way of a message: [`task`] reads it from its socket and asks [`rights`]; [`heard`] adds what it leaves out; [`gather`] has
//! [`intake`] store what came over all connections while the batch before was written, with one write to the log; then it is retained and passed on by the [`broker`], and
//! acknowledged by its session (`sensorium_protocols::mqtt::session`). The way back, from desired states to devices, is [`desired`].
//! [`admin`] is for the rest of the program, and [`bridge`] for other brokers.
//!
//! Invariants:
//! - a QoS 1 or 2 message is acknowledged after the log has its reading on disk, and after it was passed on: for sessions that are
//!   kept, that is on disk, too;
//! - messages of one connection are stored and passed on in their order;
//! - a client sees and publishes only topics of its own organisation, and a device takes over no session but its own;
//! - a message that is refused is neither stored, nor retained, nor passed on;
//! - no lock is held across an await, and locks are taken in this order: the journal's gate, the broker, a seat, a client, the
//!   journal's writes.
//!
//! Sessions that outlive their connections, what waits for them, and retained messages survive the process ([`journal`]).
//!
//! Limits: those of [`MqttLimits`], [`MqttRates`] ([`limits`]), [`MqttTraces`] ([`trace`]), [`MqttConfig::connections`], [`MqttConfig::sessions`], [`MqttConfig::readers`], and those of
//! [`heard`] and [`desired`].

mod admin;
mod bridge;
mod broker;
mod client;
mod desired;
mod gather;
mod heard;
mod intake;
mod journal;
mod limits;
mod listener;
mod memory;
mod reason;
mod redirect;
mod rights;
mod socket;
mod task;
mod trace;
mod websocket;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use sensorium_ingest::Ingest;
use sensorium_model::DatabaseName;
use sensorium_model::messaging::MessagingListener;
use sensorium_protocols::mqtt::{MqttLimits, TopicError, TopicFilter};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use broker::Broker;
use desired::Speakers;
use gather::Gather;
use heard::Heard;
use journal::{Journal, Restored};
use limits::Rates;
use trace::Traces;

pub use bridge::{BridgeConfig, MOST as MOST_BRIDGES};
pub use journal::JournalError;
pub use limits::MqttRates;
pub use listener::Handshake;
pub use redirect::Redirect;
pub use rights::Rules;
pub use trace::MqttTraces;
pub use websocket::NotOpened;

/// How often sessions are looked through for what is due.
const TICK: Duration = Duration::from_secs(1);
/// How often retained messages are looked through for those that have expired; until then, nobody is sent them.
const EXPIRE: Duration = Duration::from_secs(60);
/// How often numbers are published to those who subscribe to them.
const NUMBERS: Duration = Duration::from_secs(10);

/// What the broker is told to do.
#[derive(Debug, Clone)]
pub struct MqttConfig {
    /// Of topics, connections, sessions and retained messages.
    pub limits: MqttLimits,
    /// How fast clients may send and connect.
    pub rates: MqttRates,
    /// How many clients may be traced, and how long.
    pub traces: MqttTraces,
    /// Where clients are sent instead of being let in.
    pub redirect: Option<Redirect>,
    /// Connections at one time (setting `mqtt.connections`); further ones wait, or are refused over WebSocket.
    pub connections: usize,
    /// Sessions with and without a connection (setting `mqtt.sessions`); further clients are refused.
    pub sessions: usize,
    /// Readers inside of the process that an organisation may have (setting `mqtt.readers`); further ones are refused.
    pub readers: usize,
    /// Where readings are stored (setting `mqtt.database`), unless the client's token is limited to one database.
    pub database: DatabaseName,
    /// What devices may subscribe to.
    pub rules: Rules,
    /// Topics whose messages are passed on and not stored (setting `mqtt.not_stored`).
    pub not_stored: Vec<TopicFilter>,
    /// Edge nodes of Sparkplug B whose births are remembered, of one organisation (setting `mqtt.sparkplug_nodes`).
    pub sparkplug_nodes: usize,
    /// Metrics that are remembered of an edge node and its devices (setting `mqtt.sparkplug_metrics`).
    pub sparkplug_metrics: usize,
    /// Topics of which it is remembered what devices announced, of one organisation (setting `mqtt.announced_topics`).
    pub announced_topics: usize,
    /// Devices of which it is remembered how they are spoken to, of one organisation (setting `mqtt.spoken_devices`).
    pub spoken_devices: usize,
    /// About how many bytes of what is to survive the process may wait for the disk (setting `mqtt.journal_bytes`).
    pub journal_bytes: usize,
}

/// Reads topic filters that are separated by spaces, as settings have them.
pub fn filters(text: &str) -> Result<Vec<TopicFilter>, TopicError> {
    text.split_whitespace().map(|filter| TopicFilter::try_from(Arc::<str>::from(filter))).collect()
}

/// The broker with everything that it needs. Cheap to clone.
#[derive(Clone)]
pub struct Mqtt(Arc<Shared>);

struct Shared {
    config: MqttConfig,
    limits: Arc<MqttLimits>,
    ingest: Ingest,
    journal: Arc<Journal>,
    broker: Broker,
    gather: Gather,
    rates: Rates,
    traces: Traces,
    /// What this server is called on the way of messages over bridges.
    here: OnceLock<Arc<str>>,
    clock: Clock,
    /// Where clients find the broker.
    listeners: Mutex<Vec<MessagingListener>>,
    heard: Heard,
    speakers: Speakers,
    slots: Arc<Semaphore>,
    tasks: TaskTracker,
    /// No new connections.
    stop: CancellationToken,
    /// Connections that are still there are dropped.
    abort: CancellationToken,
}

impl Mqtt {
    /// A broker without connections, with the sessions and retained messages that are in `file`. It takes connections until
    /// `stop` is cancelled.
    pub fn open(
        config: MqttConfig,
        ingest: Ingest,
        file: &Path,
        stop: CancellationToken,
    ) -> Result<Self, JournalError> {
        let journal = Journal::open(file, config.journal_bytes)?;
        Ok(Self::with(config, ingest, journal, stop))
    }

    /// The same with a journal that is open.
    fn with(
        config: MqttConfig,
        ingest: Ingest,
        (journal, restored): (Arc<Journal>, Restored),
        stop: CancellationToken,
    ) -> Self {
        let limits = Arc::new(config.limits);
        let slots = Arc::new(Semaphore::new(config.connections.min(Semaphore::MAX_PERMITS)));
        let clock = Clock::start();
        let broker = Broker::new(limits.clone(), config.sessions, journal.clone(), restored, clock.now_ms());
        let rates = Rates::new(config.rates);
        let traces = Traces::new(config.traces, clock);
        let heard = Heard::new(config.sparkplug_nodes, config.sparkplug_metrics, config.announced_topics);
        let speakers = Speakers::new(config.spoken_devices);
        Self(Arc::new(Shared {
            config,
            limits,
            ingest,
            journal,
            broker,
            gather: Gather::default(),
            rates,
            traces,
            here: OnceLock::new(),
            clock,
            listeners: Mutex::default(),
            heard,
            speakers,
            slots,
            tasks: TaskTracker::new(),
            stop,
            abort: CancellationToken::new(),
        }))
    }

    /// Ends sessions whose time is over, and publishes wills that are due and numbers, until the broker stops.
    pub async fn keep_up(self) {
        let (mut ticks, mut expiries) = (tokio::time::interval(TICK), tokio::time::interval(EXPIRE));
        let mut numbers = tokio::time::interval(NUMBERS);
        loop {
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                _ = ticks.tick() => self.0.broker.tick(self.0.clock.now_ms()),
                _ = numbers.tick() => self.0.broker.publish_numbers(self.0.clock.now_ms()),
                _ = expiries.tick() => self.0.expire(),
            }
        }
    }

    /// Says goodbye to all clients and waits until what they sent is stored, at most so long; then drops the rest. Returns how
    /// many were dropped.
    pub async fn drain(&self, at_most: Duration) -> usize {
        self.0.tasks.close();
        self.0.broker.disconnect_all(self.0.clock.now_ms());
        let mut left = 0;
        if tokio::time::timeout(at_most, self.0.tasks.wait()).await.is_err() {
            left = self.0.tasks.len();
            self.0.abort.cancel();
            self.0.tasks.wait().await;
        }
        let journal = &self.0.journal;
        journal.close();
        if tokio::time::timeout(at_most, journal.until_durable(journal.last())).await.is_err() {
            tracing::error!("the last changes of MQTT's sessions could not be stored");
        }
        left
    }
}

impl Shared {
    /// Forgets what nobody needs any more.
    fn expire(&self) {
        let now_ms = self.clock.now_ms();
        self.broker.expire(now_ms);
        self.rates.forget(now_ms);
        self.expire_traces();
    }
}
