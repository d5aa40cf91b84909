//! Messages from the client: acknowledgements that wait for their outcome, and QoS 2 identifiers that are taken.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::action::{Outcome, Ticket};
use super::stored::Received;
use crate::mqtt::ReasonCode;
use crate::mqtt::packet::PacketId;

/// What waits and what is known of the client's messages.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    /// QoS 2 messages whose PUBCOMP is not sent.
    ids: BTreeMap<PacketId, Stage>,
    /// Acknowledgements, in the order of what they answer.
    waiting: VecDeque<Waiting>,
    /// Acknowledgements so far; the number of one is the ticket that it waits for, if it is the first that does.
    pushed: u64,
}

/// How far a QoS 2 message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It came at this time (nanoseconds since the epoch), and the process was killed before it was known what became of it.
    Begun(i64),
    /// It came, and its outcome is not known.
    Taking(Ticket),
    /// It is taken for good.
    Taken,
    /// PUBREL came, and its outcome is not known.
    Releasing(Ticket),
    /// That PUBREL came is known for good.
    Released,
}

/// Which acknowledgement: PUBACK, PUBREC or PUBCOMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ack,
    Rec,
    Comp,
}

#[derive(Debug)]
struct Waiting {
    kind: Kind,
    packet_id: PacketId,
    until: Until,
}

#[derive(Debug)]
enum Until {
    Outcome(Ticket),
    /// Nothing: the answer is known.
    Now(ReasonCode, Option<Arc<str>>),
}

impl Until {
    /// Nothing, and all is well.
    const SUCCESS: Self = Self::Now(ReasonCode::Success, None);
}

/// An acknowledgement that may be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) kind: Kind,
    pub(super) packet_id: PacketId,
    pub(super) reason: ReasonCode,
    pub(super) text: Option<Arc<str>>,
}

impl Inbound {
    /// A QoS 1 message came; its ticket.
    pub(super) fn at_least_once(&mut self, packet_id: PacketId) -> Ticket {
        let ticket = self.next_ticket();
        self.wait(Kind::Ack, packet_id, Until::Outcome(ticket));
        ticket
    }

    /// A QoS 2 message came; its ticket when it is not a duplicate [MQTT-4.3.3-10]. With the ticket comes when the message came
    /// first, if that was before the process was killed, so that storing it again changes nothing.
    ///
    /// An identifier whose PUBREL came is free for another message.
    pub(super) fn exactly_once(&mut self, packet_id: PacketId, dup: bool) -> Option<(Ticket, Option<i64>)> {
        let mut began_ns = None;
        match self.ids.get(&packet_id).copied() {
            Some(Stage::Taking(ticket)) => {
                // On this connection its PUBREC waits already; on another it does not.
                if !self.waiting.iter().any(|waiting| matches!(waiting.until, Until::Outcome(t) if t == ticket)) {
                    self.wait(Kind::Rec, packet_id, Until::Outcome(ticket));
                }
                return None;
            }
            Some(Stage::Taken) => {
                self.wait(Kind::Rec, packet_id, Until::SUCCESS);
                return None;
            }
            Some(Stage::Begun(first_ns)) => began_ns = Some(first_ns).filter(|_| dup),
            Some(Stage::Releasing(_) | Stage::Released) | None => {}
        }
        let ticket = self.next_ticket();
        self.ids.insert(packet_id, Stage::Taking(ticket));
        self.wait(Kind::Rec, packet_id, Until::Outcome(ticket));
        Some((ticket, began_ns))
    }

    /// PUBREL came; the ticket of its record, when there is to be one. `None` when the message was never acknowledged, which
    /// no client may do.
    pub(super) fn release(&mut self, packet_id: PacketId, is_kept: bool) -> Option<Option<Ticket>> {
        let until = match self.ids.get(&packet_id).copied() {
            Some(Stage::Begun(_) | Stage::Taking(_)) => return None,
            Some(Stage::Taken) if is_kept => {
                let ticket = self.next_ticket();
                self.ids.insert(packet_id, Stage::Releasing(ticket));
                self.wait(Kind::Comp, packet_id, Until::Outcome(ticket));
                return Some(Some(ticket));
            }
            Some(Stage::Taken | Stage::Released) => Until::SUCCESS,
            Some(Stage::Releasing(ticket)) => Until::Outcome(ticket),
            None => Until::Now(ReasonCode::PacketIdentifierNotFound, None),
        };
        self.wait(Kind::Comp, packet_id, until);
        Some(None)
    }

    /// Answers a message that is not passed on, in its turn.
    pub(super) fn refuse(&mut self, kind: Kind, packet_id: PacketId, reason: ReasonCode, text: Option<Arc<str>>) {
        self.wait(kind, packet_id, Until::Now(reason, text));
    }

    /// What became of a ticket. One of an earlier connection concerns only QoS 2 identifiers.
    pub(super) fn outcome(&mut self, ticket: Ticket, outcome: &Outcome) {
        let is_of = |waiting: &Waiting| matches!(waiting.until, Until::Outcome(t) if t == ticket);
        // Mostly it stands where its number says. A PUBREL that came twice waits twice, and a message that came again on another
        // connection waits elsewhere.
        let first = self.pushed - self.waiting.len() as u64 + 1;
        let usual = ticket.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        let usual = usual.filter(|place| {
            self.waiting.get(*place).is_some_and(|waiting| is_of(waiting) && waiting.kind != Kind::Comp)
        });
        let places = usual.map_or(0..self.waiting.len(), |place| place..place + 1);
        let mut packet_id = None;
        for waiting in self.waiting.range_mut(places).filter(|waiting| is_of(waiting)) {
            packet_id = Some(waiting.packet_id);
            waiting.until = match outcome {
                Outcome::Taken => Until::SUCCESS,
                Outcome::Refused { reason, text } => Until::Now(*reason, text.clone()),
            };
        }
        let of_ticket = |stage: &Stage| matches!(stage, Stage::Taking(t) | Stage::Releasing(t) if *t == ticket);
        let id = match packet_id {
            Some(id) => self.ids.get_key_value(&id).filter(|(_, stage)| of_ticket(stage)),
            None => self.ids.iter().find(|(_, stage)| of_ticket(stage)),
        };
        if let Some((id, stage)) = id.map(|(id, stage)| (*id, *stage)) {
            match (outcome, stage) {
                (Outcome::Refused { .. }, Stage::Taking(_)) => self.ids.remove(&id),
                // The message is taken, and its client sends PUBREL until it hears PUBCOMP.
                (Outcome::Refused { .. }, _) | (Outcome::Taken, Stage::Taking(_)) => self.ids.insert(id, Stage::Taken),
                (Outcome::Taken, _) => self.ids.insert(id, Stage::Released),
            };
        }
    }

    /// The next acknowledgement, when everything before it is sent and its outcome is known.
    pub(super) fn next(&mut self) -> Option<Ready> {
        let Waiting { kind, packet_id, until } =
            self.waiting.pop_front_if(|waiting| matches!(waiting.until, Until::Now(..)))?;
        let Until::Now(reason, text) = until else { return None };
        let is_released = matches!(self.ids.get(&packet_id), Some(Stage::Released | Stage::Taken));
        if kind == Kind::Comp && !reason.is_failure() && is_released {
            self.ids.remove(&packet_id);
        }
        Some(Ready { kind, packet_id, reason, text })
    }

    /// Acknowledgements that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The connection is over: the client sends again what was not acknowledged.
    pub(super) fn disconnected(&mut self) {
        self.waiting = VecDeque::new();
    }

    /// The identifiers that were stored.
    pub(super) fn restored(received: impl IntoIterator<Item = Received>) -> Self {
        let stage = |received: &Received| match received.is_taken {
            true => Stage::Taken,
            false => Stage::Begun(received.received_ns),
        };
        let ids = received.into_iter().map(|received| (received.packet_id, stage(&received))).collect();
        Self { ids, ..Self::default() }
    }

    fn wait(&mut self, kind: Kind, packet_id: PacketId, until: Until) {
        self.pushed += 1;
        self.waiting.push_back(Waiting { kind, packet_id, until });
    }

    /// The ticket of what is about to wait.
    fn next_ticket(&self) -> Ticket {
        self.pushed + 1
    }
}
