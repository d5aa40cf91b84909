//! Bridges: connections of this broker to other brokers, over which messages of the server's own organisation go out and others'
//! come in.
//!
//! A message that goes out waits in [`outbox`] until [`link`] has the other side's acknowledgement. One that comes in is stored,
//! retained and passed on as those of clients are, and acknowledged then.
//!
//! Invariants:
//! - a QoS 1 message that goes out leaves its queue when the other side has acknowledged it, or when there is no more room, which is
//!   counted; across connections it may arrive twice, and it is lost with the process;
//! - a message that came in over a bridge does not go out over it, and one that was here before, which the user property [`PATH`]
//!   tells, goes out over none and is not taken again: so two brokers with bridges to each other do not send in circles;
//! - a bridge slows nobody: what finds no room is dropped.
//!
//! Limits: those of [`BridgeConfig`], [`MOST`] bridges, and [`link::WINDOW`] messages under way in each direction.

mod convert;
mod link;
mod outbox;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use sensorium_model::OrgId;
use sensorium_model::messaging::MessagingBridge;
use sensorium_protocols::mqtt::packet::Qos;
use sensorium_protocols::mqtt::router::SessionKey;
use sensorium_protocols::mqtt::{Message, TopicFilter};
use uuid::Uuid;

use super::{Mqtt, Shared};
use outbox::Outbox;

/// Bridges of a server.
pub const MOST: usize = 16;
/// The user property with the servers that a message was at, one each.
const PATH: &str = "sensorium-path";

/// A bridge, as it is set (setting `mqtt.bridge`).
#[derive(Clone)]
pub struct BridgeConfig {
    /// What it is called here.
    pub name: String,
    /// Host of the other broker.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// PEM certificates that its certificate is trusted by; without, those of this machine.
    pub authorities: Option<Vec<u8>>,
    /// User name and password, if it asks for them.
    pub credential: Option<(String, String)>,
    /// What this server calls itself there.
    pub client_id: String,
    /// Topics of messages that go out.
    pub out: Vec<TopicFilter>,
    /// Topics, at the other broker, of messages that come in.
    pub inward: Vec<TopicFilter>,
    /// What stands before a topic of the other broker here.
    pub prefix_in: String,
    /// What stands before a topic of this broker there.
    pub prefix_out: String,
    /// The highest with which messages go over the bridge: 0 or 1.
    pub qos: Qos,
    /// Messages that wait to go out.
    pub queued_messages: usize,
    /// Bytes of their topics and payloads.
    pub queued_bytes: usize,
}

/// Without the password.
impl fmt::Debug for BridgeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, host, port, .. } = self;
        write!(f, "bridge {name} to {host}:{port}")
    }
}

/// A bridge that is there.
#[derive(Debug)]
pub(super) struct Bridge {
    config: BridgeConfig,
    /// Whose messages go over it.
    org: OrgId,
    /// Who publishes what comes in: no session has this key.
    key: SessionKey,
    /// What this server is called on the way of a message.
    here: Arc<str>,
    outbox: Outbox,
    state: Mutex<State>,
    sent: AtomicU64,
    received: AtomicU64,
    /// Messages that were not taken, on either side.
    refused: AtomicU64,
}

/// How the connection is.
#[derive(Debug, Clone)]
struct State {
    is_connected: bool,
    since_ms: u64,
    /// Why it is not, or was not lately.
    error: Option<Arc<str>>,
}

impl Mqtt {
    /// Connects to other brokers until this one stops. Called once, if there are any. What the server is called on the way of a
    /// message is the same at each of its starts: messages that wait at other brokers may come back after one.
    pub fn bridge(&self, bridges: Vec<BridgeConfig>, here: Uuid) {
        let org = self.0.ingest.metadata.org();
        let here: Arc<str> = here.to_string().into();
        self.0.here.get_or_init(|| here.clone());
        let now_ms = self.0.clock.now_ms();
        let bridge = |(number, config): (u64, BridgeConfig)| Bridge {
            org,
            key: SessionKey(u64::MAX - number),
            here: here.clone(),
            outbox: Outbox::new(config.queued_messages, config.queued_bytes),
            state: Mutex::new(State { is_connected: false, since_ms: now_ms, error: None }),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            config,
        };
        let bridges: Vec<Arc<Bridge>> = (0..).zip(bridges).map(bridge).map(Arc::new).collect();
        for bridge in &bridges {
            self.0.tasks.spawn(link::run(self.0.clone(), bridge.clone()));
        }
        self.0.broker.organisation(org).carry_over(bridges);
    }
}

impl Shared {
    /// Whether a message of a client has been here and comes back over bridges. Without bridges of its own, a server does not ask.
    pub(super) fn was_here(&self, message: &Message) -> bool {
        self.here.get().is_some_and(|here| was_at(here, message))
    }
}

fn was_at(here: &str, message: &Message) -> bool {
    message.content.user_properties.iter().any(|(name, server)| name.as_ref() == PATH && server.as_ref() == here)
}

impl Bridge {
    /// A message was published here; by whom says what came in over a bridge.
    pub(super) fn offer(&self, by: Option<SessionKey>, message: &Arc<Message>) {
        let goes = by != Some(self.key)
            && self.config.out.iter().any(|filter| filter.matches(&message.topic))
            && !self.was_here(message);
        if goes {
            let dropped = self.outbox.push(message);
            if dropped > 0 {
                let (name, direction) = (self.config.name.clone(), "out");
                metrics::counter!("sensorium_mqtt_bridge_dropped_total", "bridge" => name, "direction" => direction)
                    .increment(dropped);
            }
        }
    }

    /// Whether a message has been at this server.
    fn was_here(&self, message: &Message) -> bool {
        was_at(&self.here, message)
    }

    /// What others see of it.
    pub(super) fn shown(&self) -> MessagingBridge {
        let State { is_connected, since_ms, error } = self.state.lock().clone();
        MessagingBridge {
            name: self.config.name.clone(),
            address: format!("{}:{}", self.config.host, self.config.port),
            is_connected,
            since_ms,
            error,
            queued: self.outbox.len(),
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            dropped: self.outbox.dropped(),
        }
    }

    /// The connection is there, or not any more for a reason.
    fn turns(&self, is_connected: bool, error: Option<String>, now_ms: u64) {
        let name = self.config.name.clone();
        metrics::gauge!("sensorium_mqtt_bridge_connected", "bridge" => name).set(f64::from(u8::from(is_connected)));
        let mut state = self.state.lock();
        if state.is_connected != is_connected {
            state.since_ms = now_ms;
        }
        state.is_connected = is_connected;
        state.error = error.map(Into::into);
    }

    fn count(&self, what: &AtomicU64, metric: &'static str) {
        what.fetch_add(1, Ordering::Relaxed);
        metrics::counter!(metric, "bridge" => self.config.name.clone()).increment(1);
    }

    fn count_sent(&self) {
        self.count(&self.sent, "sensorium_mqtt_bridge_sent_total");
    }

    fn count_received(&self) {
        self.count(&self.received, "sensorium_mqtt_bridge_received_total");
    }

    fn count_refused(&self) {
        self.count(&self.refused, "sensorium_mqtt_bridge_refused_total");
    }
}
