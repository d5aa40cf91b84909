//! Traces of clients: each packet with its direction, topic, reason, size and time, for whoever looks for what is wrong with a
//! device. What packets carry is not written down: neither payloads nor passwords.
//!
//! Invariants:
//! - a trace sees clients of its own organisation alone;
//! - without traces, nothing is done per packet;
//! - a trace does not slow its client: it writes down in memory, and the oldest is gone when there is no more room.
//!
//! A client's first packets are written down when it is let in, CONNECT among them; who is refused is in no trace.
//!
//! Limits: [`MqttTraces`]. A trace that is over is kept for [`KEPT_MS`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::BytesMut;
use parking_lot::Mutex;
use sensorium_model::messaging::{MessagingTrace, TraceOf, TracedPacket};
use sensorium_model::{ErrorKind, MessagingError, OrgId, TraceId};
use sensorium_protocols::mqtt::packet::{Connect, Packet, encode};
use sensorium_protocols::mqtt::session::{Direction, Seen, Watch};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Shared;
use super::broker::Identity;
use crate::clock::Clock;

/// How long a trace that is over is there to be read.
const KEPT_MS: u64 = 15 * 60 * 1_000;

/// Limits of traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MqttTraces {
    /// Traces of an organisation, with those that are over and not removed (setting `mqtt.traces`).
    pub traces: usize,
    /// Packets that are kept of a trace (setting `mqtt.trace_packets`).
    pub trace_packets: usize,
    /// The longest time of a trace (setting `mqtt.trace_seconds`).
    pub trace_seconds: u64,
}

impl Default for MqttTraces {
    fn default() -> Self {
        Self { traces: 8, trace_packets: 2_000, trace_seconds: 3_600 }
    }
}

/// All traces.
#[derive(Debug)]
pub(super) struct Traces {
    limits: MqttTraces,
    clock: Clock,
    list: Mutex<Vec<Arc<Trace>>>,
    /// How many there are, so that a client looks no further when there are none.
    count: AtomicUsize,
}

#[derive(Debug)]
struct Trace {
    id: TraceId,
    org: OrgId,
    of: TraceOf,
    since_ms: u64,
    /// Earlier than at first when it was stopped.
    until_ms: AtomicU64,
    packets: Mutex<Packets>,
}

#[derive(Debug, Default)]
struct Packets {
    kept: VecDeque<TracedPacket>,
    /// The number of the last one.
    last: u64,
}

impl Traces {
    pub(super) fn new(limits: MqttTraces, clock: Clock) -> Self {
        Self { limits, clock, list: Mutex::default(), count: AtomicUsize::new(0) }
    }

    /// Begins a trace of so many seconds.
    pub(super) fn start(&self, org: OrgId, of: TraceOf, seconds: u64) -> Result<MessagingTrace, MessagingError> {
        let MqttTraces { traces, trace_seconds, .. } = self.limits;
        if !(1..=trace_seconds).contains(&seconds) {
            let sentence = format!("a trace lasts 1 to {trace_seconds} seconds (setting mqtt.trace_seconds)");
            return Err(MessagingError::invalid(sentence));
        }
        let now_ms = self.clock.now_ms();
        let trace = Arc::new(Trace {
            id: TraceId::from_uuid(Uuid::now_v7()),
            org,
            of,
            since_ms: now_ms,
            until_ms: AtomicU64::new(now_ms.saturating_add(seconds.saturating_mul(1_000))),
            packets: Mutex::default(),
        });
        let mut list = self.list.lock();
        if list.iter().filter(|other| other.org == org).count() >= traces {
            let sentence = format!(
                "the organisation has {traces} traces, as many as it may (setting mqtt.traces); remove one that is not needed"
            );
            return Err(MessagingError::new(ErrorKind::Busy, sentence));
        }
        list.push(trace.clone());
        self.count.store(list.len(), Ordering::Release);
        Ok(trace.shown(now_ms))
    }

    /// Those of an organisation, the newest first.
    pub(super) fn list(&self, org: OrgId) -> Vec<MessagingTrace> {
        let now_ms = self.clock.now_ms();
        self.list.lock().iter().rev().filter(|trace| trace.org == org).map(|trace| trace.shown(now_ms)).collect()
    }

    /// One, with so many of its packets behind a number.
    pub(super) fn get(
        &self,
        org: OrgId,
        id: TraceId,
        after: u64,
        limit: usize,
    ) -> Option<(MessagingTrace, Vec<TracedPacket>)> {
        let trace = self.list.lock().iter().find(|trace| trace.org == org && trace.id == id).cloned()?;
        let packets = trace.packets.lock();
        let behind = packets.kept.partition_point(|packet| packet.number <= after);
        let page = packets.kept.range(behind..).take(limit).cloned().collect();
        drop(packets);
        Some((trace.shown(self.clock.now_ms()), page))
    }

    /// Ends and forgets one; whether there was one.
    pub(super) fn remove(&self, org: OrgId, id: TraceId) -> bool {
        let mut list = self.list.lock();
        let before = list.len();
        list.retain(|trace| {
            let stays = trace.org != org || trace.id != id;
            if !stays {
                trace.until_ms.store(0, Ordering::Release);
            }
            stays
        });
        self.count.store(list.len(), Ordering::Release);
        list.len() < before
    }

    /// Forgets those that are over for long enough.
    pub(super) fn expire(&self) {
        let now_ms = self.clock.now_ms();
        let mut list = self.list.lock();
        list.retain(|trace| now_ms < trace.until_ms.load(Ordering::Acquire).saturating_add(KEPT_MS));
        self.count.store(list.len(), Ordering::Release);
    }

    /// Who watches a client, if anybody does.
    pub(super) fn watch(&self, identity: &Identity) -> Option<Arc<dyn Watch>> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let now_ms = self.clock.now_ms();
        let list = self.list.lock();
        let traces = list.iter().filter(|trace| trace.is_of(identity) && trace.is_running(now_ms));
        let traces: Vec<Arc<Trace>> = traces.cloned().collect();
        let (most, clock, client_id) = (self.limits.trace_packets, self.clock, identity.client_id.clone());
        (!traces.is_empty()).then(|| Arc::new(Watcher { client_id, clock, most, traces }) as Arc<dyn Watch>)
    }
}

impl Trace {
    fn is_of(&self, identity: &Identity) -> bool {
        self.org == identity.org
            && match &self.of {
                TraceOf::Client(key) => key.client_id == identity.client_id && key.device == identity.device,
                TraceOf::Device(device) => identity.device == Some(*device),
            }
    }

    fn is_running(&self, now_ms: u64) -> bool {
        now_ms < self.until_ms.load(Ordering::Acquire)
    }

    fn shown(&self, now_ms: u64) -> MessagingTrace {
        let packets = self.packets.lock();
        MessagingTrace {
            id: self.id,
            of: self.of.clone(),
            since_ms: self.since_ms,
            until_ms: self.until_ms.load(Ordering::Acquire),
            is_running: self.is_running(now_ms),
            packets: packets.last,
            gone: packets.last - packets.kept.len() as u64,
        }
    }
}

/// Writes down what one client and the broker say, in each trace of it.
#[derive(Debug)]
struct Watcher {
    client_id: Arc<str>,
    clock: Clock,
    /// Packets that a trace keeps.
    most: usize,
    traces: Vec<Arc<Trace>>,
}

impl Watch for Watcher {
    fn saw(&self, seen: Seen) {
        let at_ms = self.clock.now_ms();
        for trace in self.traces.iter().filter(|trace| trace.is_running(at_ms)) {
            let mut packets = trace.packets.lock();
            packets.last += 1;
            let packet = TracedPacket {
                number: packets.last,
                at_ms,
                client_id: self.client_id.clone(),
                is_from_client: seen.direction == Direction::In,
                kind: seen.kind,
                packet_id: seen.packet_id.map(|id| id.get()),
                topic: seen.topic.clone(),
                qos: seen.qos.map(|qos| qos.bits()),
                retain: seen.retain,
                dup: seen.dup,
                reason: seen.reason.map(|reason| (reason.code(), reason.as_str())),
                bytes: seen.bytes,
            };
            packets.kept.push_back(packet);
            while packets.kept.len() > self.most {
                packets.kept.pop_front();
            }
        }
    }
}

impl Shared {
    /// Begins a trace, and has the clients watched that are there.
    pub(super) fn start_trace(&self, org: OrgId, of: TraceOf, seconds: u64) -> Result<MessagingTrace, MessagingError> {
        let trace = self.traces.start(org, of, seconds)?;
        self.watch_all();
        Ok(trace)
    }

    /// Ends and forgets a trace; whether there was one.
    pub(super) fn remove_trace(&self, org: OrgId, id: TraceId) -> bool {
        let is_removed = self.traces.remove(org, id);
        if is_removed {
            self.watch_all();
        }
        is_removed
    }

    /// Forgets traces that are over.
    pub(super) fn expire_traces(&self) {
        if self.traces.count.load(Ordering::Acquire) > 0 {
            self.traces.expire();
            self.watch_all();
        }
    }

    fn watch_all(&self) {
        self.broker.each_client(|identity, client| client.watch(self.traces.watch(identity)));
    }
}

/// CONNECT as it came.
pub(super) fn seen(connect: &Connect) -> Seen {
    let (packet, mut wire) = (Packet::Connect(Box::new(connect.clone())), BytesMut::new());
    // What was read can be written.
    let _ = encode(&packet, connect.version, u32::MAX, &mut wire);
    Seen::of(&packet, Direction::In, wire.len())
}

#[cfg(test)]
mod tests {
    use sensorium_model::DeviceId;
    use sensorium_model::messaging::ClientKey;

    use super::*;

    const LIMITS: MqttTraces = MqttTraces { traces: 2, trace_packets: 3, trace_seconds: 60 };

    fn org(number: u128) -> OrgId {
        OrgId::from_uuid(Uuid::from_u128(number))
    }

    fn client(of: u128, client_id: &str, device: Option<u128>) -> Identity {
        let device = device.map(|number| DeviceId::from_uuid(Uuid::from_u128(number)));
        Identity { org: org(of), device, by_key: false, client_id: client_id.into() }
    }

    fn traces() -> Traces {
        Traces::new(LIMITS, Clock::start())
    }

    fn of_client(client_id: &str) -> TraceOf {
        TraceOf::Client(ClientKey { client_id: client_id.into(), device: None })
    }

    fn ping() -> Seen {
        Seen::of(&Packet::PingReq, Direction::In, 2)
    }

    #[test]
    fn a_trace_sees_its_own_clients_alone() {
        let traces = traces();
        assert!(traces.watch(&client(1, "a", None)).is_none());
        traces.start(org(1), of_client("a"), 60).unwrap();
        let device = TraceOf::Device(DeviceId::from_uuid(Uuid::from_u128(7)));
        traces.start(org(1), device, 60).unwrap();
        for (identity, is_watched) in [
            (client(1, "a", None), true),
            (client(1, "b", None), false),
            (client(1, "a", Some(8)), false),
            (client(1, "x", Some(7)), true),
            (client(2, "a", None), false),
            (client(2, "x", Some(7)), false),
        ] {
            assert_eq!(traces.watch(&identity).is_some(), is_watched, "{identity:?}");
        }
    }

    #[test]
    fn packets_and_traces_are_bounded() {
        let traces = traces();
        let trace = traces.start(org(1), of_client("a"), 60).unwrap();
        let watch = traces.watch(&client(1, "a", None)).unwrap();
        (0..5).for_each(|_| watch.saw(ping()));
        let (shown, packets) = traces.get(org(1), trace.id, 0, 10).unwrap();
        assert_eq!((shown.packets, shown.gone, shown.is_running), (5, 2, true));
        assert_eq!(packets.iter().map(|packet| packet.number).collect::<Vec<_>>(), [3, 4, 5]);
        let (_, packets) = traces.get(org(1), trace.id, 3, 1).unwrap();
        assert_eq!(packets.iter().map(|packet| packet.number).collect::<Vec<_>>(), [4]);
        traces.start(org(1), of_client("b"), 60).unwrap();
        let full = traces.start(org(1), of_client("c"), 60).unwrap_err();
        assert!(full.to_string().contains("mqtt.traces"), "{full}");
        traces.start(org(2), of_client("c"), 60).unwrap();
        for seconds in [0, 61] {
            let wrong = traces.start(org(2), of_client("c"), seconds).unwrap_err();
            assert!(wrong.to_string().contains("mqtt.trace_seconds"), "{wrong}");
        }
    }

    #[test]
    fn what_is_removed_writes_down_nothing_and_is_another_organisations_to_nobody() {
        let traces = traces();
        let trace = traces.start(org(1), of_client("a"), 60).unwrap();
        let watch = traces.watch(&client(1, "a", None)).unwrap();
        assert!(!traces.remove(org(2), trace.id) && traces.get(org(2), trace.id, 0, 1).is_none());
        assert!(traces.list(org(2)).is_empty());
        assert!(traces.remove(org(1), trace.id) && !traces.remove(org(1), trace.id));
        watch.saw(ping());
        assert!(traces.get(org(1), trace.id, 0, 1).is_none() && traces.watch(&client(1, "a", None)).is_none());
    }
}
