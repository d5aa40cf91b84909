//! Messages to the client: what waits, what is under way, and what became of it.

use std::collections::VecDeque;
use std::num::NonZeroU16;

use super::stored::{Change, StoredMessage};
use crate::mqtt::packet::{PacketId, Qos};
use crate::mqtt::{Delivery, MqttLimits, ReasonCode};

/// Messages that a session did not deliver, since it was made or read again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// QoS 0 messages for which there was no room.
    pub dropped_qos0: u64,
    /// QoS 1 and 2 messages that were the oldest when there was no room, or that no room would be enough for.
    pub dropped_oldest: u64,
    /// Messages that expired before they were sent [MQTT-3.3.2-5].
    pub expired: u64,
    /// Messages larger than the client takes [MQTT-3.1.2-25].
    pub too_large: u64,
}

impl Counters {
    /// Messages for which there was no room.
    pub fn dropped(&self) -> u64 {
        self.dropped_qos0 + self.dropped_oldest
    }
}

/// What waits and what is under way.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    /// QoS 1 and 2, not sent, oldest first, with their numbers.
    queue: VecDeque<(u64, Delivery)>,
    /// QoS 0, while the connection takes nothing.
    fleeting: VecDeque<Delivery>,
    /// Of both.
    queued_bytes: usize,
    /// Sent and not acknowledged, in the order of sending.
    inflight: VecDeque<Inflight>,
    /// Messages under way that this connection has not sent yet.
    unsent: usize,
    last_id: u16,
    /// QoS 1 and 2 messages so far.
    last_number: u64,
    counters: Counters,
    /// What is not told yet of a session that is kept.
    changes: Option<Vec<Change>>,
}

#[derive(Debug)]
struct Inflight {
    packet_id: PacketId,
    number: u64,
    stage: Stage,
    /// On this connection.
    is_sent: bool,
}

#[derive(Debug)]
enum Stage {
    /// PUBLISH is not answered.
    Publish(Delivery),
    /// PUBREC came: the message itself is not needed any more.
    Release,
}

/// What to send next.
#[derive(Debug)]
pub(super) enum Next {
    /// A QoS 0 message.
    Fleeting(Delivery),
    /// A QoS 1 or 2 message, under way from now on.
    First(PacketId, Delivery),
    /// A message that may have come already [MQTT-4.4.0-1].
    Again(PacketId, Delivery),
    /// PUBREL.
    Release(PacketId),
}

impl Outbound {
    /// Adds a message to those that wait.
    pub(super) fn push(&mut self, delivery: Delivery, limits: &MqttLimits) {
        let bytes = delivery.message.bytes();
        let is_fleeting = delivery.qos == Qos::AtMostOnce;
        while self.queued() >= limits.queued_messages || self.queued_bytes + bytes > limits.queued_bytes {
            if is_fleeting || bytes > limits.queued_bytes || self.queued() == 0 {
                self.count(is_fleeting);
                return;
            }
            let was_fleeting = match self.fleeting.pop_front() {
                Some(oldest) => {
                    self.queued_bytes -= oldest.message.bytes();
                    true
                }
                None => {
                    self.pop_queued();
                    false
                }
            };
            self.count(was_fleeting);
        }
        self.queued_bytes += bytes;
        if is_fleeting {
            return self.fleeting.push_back(delivery);
        }
        self.last_number += 1;
        let number = self.last_number;
        self.changed(|| Change::Queued { number, delivery: delivery.clone() });
        self.queue.push_back((number, delivery));
    }

    /// The next thing to send, with at most `window` messages under way [MQTT-3.3.4-9].
    pub(super) fn next(&mut self, window: usize, now_ms: u64) -> Option<Next> {
        if let Some(delivery) = self.pop_fleeting(now_ms) {
            return Some(Next::Fleeting(delivery));
        }
        let under_way = self.inflight.len() - self.unsent;
        if self.unsent > 0 {
            let entry = self.inflight.iter_mut().find(|entry| !entry.is_sent)?;
            let next = match &entry.stage {
                Stage::Release => Next::Release(entry.packet_id),
                Stage::Publish(_) if under_way >= window => return None,
                Stage::Publish(delivery) => Next::Again(entry.packet_id, delivery.clone()),
            };
            entry.is_sent = true;
            self.unsent -= 1;
            return Some(next);
        }
        if under_way >= window {
            return None;
        }
        // Before the message leaves the queue.
        let packet_id = self.free_id()?;
        let (number, delivery) = self.pop_unexpired(now_ms)?;
        self.last_id = packet_id.get();
        self.changed(|| Change::Sent { number, packet_id, qos: delivery.qos });
        let stage = Stage::Publish(delivery.clone());
        self.inflight.push_back(Inflight { packet_id, number, stage, is_sent: true });
        Some(Next::First(packet_id, delivery))
    }

    /// The message cannot be sent to this client: it counts as delivered [MQTT-3.1.2-25].
    pub(super) fn too_large(&mut self, packet_id: Option<PacketId>) {
        self.counters.too_large += 1;
        if let Some(packet_id) = packet_id {
            self.remove(packet_id);
        }
    }

    /// PUBACK came. False when the message is a QoS 2 message.
    pub(super) fn acknowledged(&mut self, packet_id: PacketId) -> bool {
        match self.find(packet_id).map(|entry| &entry.stage) {
            Some(Stage::Publish(delivery)) if delivery.qos == Qos::AtLeastOnce => {
                self.remove(packet_id);
                true
            }
            Some(_) => false,
            None => true,
        }
    }

    /// PUBREC came; the reason of the PUBREL that is the answer, if there is to be one. An error when it is a QoS 1 message.
    pub(super) fn received(&mut self, packet_id: PacketId, is_failure: bool) -> Result<Option<ReasonCode>, ()> {
        let Some(entry) = self.find(packet_id) else {
            return Ok(Some(ReasonCode::PacketIdentifierNotFound).filter(|_| !is_failure));
        };
        match &entry.stage {
            Stage::Publish(delivery) if delivery.qos != Qos::ExactlyOnce => Err(()),
            Stage::Publish(_) if is_failure => {
                self.remove(packet_id);
                Ok(None)
            }
            Stage::Publish(_) => {
                entry.stage = Stage::Release;
                let number = entry.number;
                self.changed(|| Change::Released { number, packet_id });
                Ok(Some(ReasonCode::Success))
            }
            Stage::Release => Ok(Some(ReasonCode::Success)),
        }
    }

    /// PUBCOMP came. False when PUBREL was not sent.
    pub(super) fn completed(&mut self, packet_id: PacketId) -> bool {
        match self.find(packet_id).map(|entry| &entry.stage) {
            Some(Stage::Release) => {
                self.remove(packet_id);
                true
            }
            Some(Stage::Publish(_)) => false,
            None => true,
        }
    }

    /// A connection begins: everything under way is to be sent again, in its order [MQTT-4.6.0-1].
    pub(super) fn connected(&mut self) {
        self.unsent = self.inflight.len();
        self.inflight.iter_mut().for_each(|entry| entry.is_sent = false);
    }

    /// The connection is over: QoS 0 messages are not kept.
    pub(super) fn disconnected(&mut self) {
        for delivery in std::mem::take(&mut self.fleeting) {
            self.queued_bytes -= delivery.message.bytes();
            self.counters.dropped_qos0 += 1;
        }
    }

    /// What was stored, in the order of the numbers.
    pub(super) fn restored(messages: Vec<StoredMessage>) -> Self {
        let mut this = Self { changes: Some(Vec::new()), ..Self::default() };
        for StoredMessage { number, delivery, sent } in messages {
            this.last_number = this.last_number.max(number);
            match (sent, delivery) {
                (Some(packet_id), delivery) => {
                    this.last_id = packet_id.get();
                    let stage = delivery.map_or(Stage::Release, Stage::Publish);
                    this.inflight.push_back(Inflight { packet_id, number, stage, is_sent: false });
                }
                (None, Some(delivery)) => {
                    this.queued_bytes += delivery.message.bytes();
                    this.queue.push_back((number, delivery));
                }
                (None, None) => {}
            }
        }
        this.connected();
        this
    }

    /// From now on changes are told.
    pub(super) fn keep(&mut self) {
        self.changes.get_or_insert_default();
    }

    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        self.changes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Messages that wait.
    pub(super) fn queued(&self) -> usize {
        self.queue.len() + self.fleeting.len()
    }

    /// Messages under way.
    pub(super) fn inflight(&self) -> usize {
        self.inflight.len()
    }

    pub(super) fn counters(&self) -> Counters {
        self.counters
    }

    /// Counts a message for which there was no room.
    pub(super) fn count(&mut self, is_fleeting: bool) {
        match is_fleeting {
            true => self.counters.dropped_qos0 += 1,
            false => self.counters.dropped_oldest += 1,
        }
    }

    fn pop_fleeting(&mut self, now_ms: u64) -> Option<Delivery> {
        loop {
            let delivery = self.fleeting.pop_front()?;
            self.queued_bytes -= delivery.message.bytes();
            if !delivery.message.is_expired(now_ms) {
                return Some(delivery);
            }
            self.counters.expired += 1;
        }
    }

    fn pop_unexpired(&mut self, now_ms: u64) -> Option<(u64, Delivery)> {
        while self.queue.front()?.1.message.is_expired(now_ms) {
            self.pop_queued();
            self.counters.expired += 1;
        }
        let (number, delivery) = self.queue.pop_front()?;
        self.queued_bytes -= delivery.message.bytes();
        Some((number, delivery))
    }

    /// Forgets the oldest message that waits.
    fn pop_queued(&mut self) {
        if let Some((number, delivery)) = self.queue.pop_front() {
            self.queued_bytes -= delivery.message.bytes();
            self.changed(|| Change::Done { number });
        }
    }

    /// The next identifier that is not under way.
    fn free_id(&self) -> Option<PacketId> {
        let after = (1..=u16::MAX).map(|step| self.last_id.wrapping_add(step));
        after.filter_map(NonZeroU16::new).find(|id| self.inflight.iter().all(|entry| entry.packet_id != *id))
    }

    fn find(&mut self, packet_id: PacketId) -> Option<&mut Inflight> {
        self.inflight.iter_mut().find(|entry| entry.packet_id == packet_id)
    }

    fn remove(&mut self, packet_id: PacketId) {
        if let Some(position) = self.inflight.iter().position(|entry| entry.packet_id == packet_id) {
            let Some(Inflight { number, is_sent, .. }) = self.inflight.remove(position) else { return };
            // A client may acknowledge on a new connection what it got on the one before.
            self.unsent -= usize::from(!is_sent);
            self.changed(|| Change::Done { number });
        }
    }

    fn changed(&mut self, change: impl FnOnce() -> Change) {
        if let Some(changes) = &mut self.changes {
            changes.push(change());
        }
    }
}
