//! Messages from the client: acknowledgements that wait for the log, and QoS 2 identifiers that are taken.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::action::{Outcome, Ticket};
use crate::mqtt::ReasonCode;
use crate::mqtt::packet::PacketId;

/// What waits and what is known of the client's messages.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Inbound {
    /// QoS 2 messages whose PUBCOMP is not sent.
    ids: BTreeMap<PacketId, Stage>,
    /// Acknowledgements, in the order of what they answer.
    #[serde(skip)]
    waiting: VecDeque<Waiting>,
    /// Acknowledgements so far; the number of one is the ticket that it waits for, if it is the first that does.
    #[serde(skip)]
    pushed: u64,
}

/// How far a QoS 2 message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// It came, and its outcome is not known.
    Logging(Ticket),
    /// It is in the log at this sequence number.
    Logged(u64),
    /// PUBREL came, and its outcome is not known.
    Releasing(Ticket),
    /// PUBREL is in the log at this sequence number.
    Released(u64),
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
    Durable(u64),
    /// Nothing, so it is an answer.
    Now(ReasonCode, Option<Arc<str>>),
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

    /// A QoS 2 message came; its ticket when it is not a duplicate [MQTT-4.3.3-10].
    ///
    /// An identifier whose PUBREL came is free for another message.
    pub(super) fn exactly_once(&mut self, packet_id: PacketId) -> Option<Ticket> {
        match self.ids.get(&packet_id).copied() {
            Some(Stage::Logging(ticket)) => {
                // On this connection its PUBREC waits already; on another it does not.
                if !self.waiting.iter().any(|waiting| matches!(waiting.until, Until::Outcome(t) if t == ticket)) {
                    self.wait(Kind::Rec, packet_id, Until::Outcome(ticket));
                }
                None
            }
            Some(Stage::Logged(seq)) => {
                self.wait(Kind::Rec, packet_id, Until::Durable(seq));
                None
            }
            Some(Stage::Releasing(_) | Stage::Released(_)) | None => {
                let ticket = self.next_ticket();
                self.ids.insert(packet_id, Stage::Logging(ticket));
                self.wait(Kind::Rec, packet_id, Until::Outcome(ticket));
                Some(ticket)
            }
        }
    }

    /// PUBREL came; the ticket of its record, when there is to be one. `None` when the message was never acknowledged, which
    /// no client may do.
    pub(super) fn release(&mut self, packet_id: PacketId, is_logged: bool) -> Option<Option<Ticket>> {
        let until = match self.ids.get(&packet_id).copied() {
            Some(Stage::Logging(_)) => return None,
            Some(Stage::Logged(_)) if is_logged => {
                let ticket = self.next_ticket();
                self.ids.insert(packet_id, Stage::Releasing(ticket));
                self.wait(Kind::Comp, packet_id, Until::Outcome(ticket));
                return Some(Some(ticket));
            }
            Some(Stage::Logged(seq) | Stage::Released(seq)) => Until::Durable(seq),
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
                Outcome::Logged(_) | Outcome::Taken => Until::Durable(outcome.seq()),
                Outcome::Refused { reason, text } => Until::Now(*reason, text.clone()),
            };
        }
        let of_ticket = |stage: &Stage| matches!(stage, Stage::Logging(t) | Stage::Releasing(t) if *t == ticket);
        let id = match packet_id {
            Some(id) => self.ids.get_key_value(&id).filter(|(_, stage)| of_ticket(stage)),
            None => self.ids.iter().find(|(_, stage)| of_ticket(stage)),
        };
        if let Some((id, stage)) = id.map(|(id, stage)| (*id, *stage)) {
            match (outcome, stage) {
                (Outcome::Refused { .. }, Stage::Logging(_)) => self.ids.remove(&id),
                // The message is taken, and its client sends PUBREL until it hears PUBCOMP.
                (Outcome::Refused { .. }, _) => self.ids.insert(id, Stage::Logged(0)),
                (outcome, Stage::Logging(_)) => self.ids.insert(id, Stage::Logged(outcome.seq())),
                (outcome, _) => self.ids.insert(id, Stage::Released(outcome.seq())),
            };
        }
    }

    /// The next acknowledgement, when everything before it is sent and it is durable.
    pub(super) fn next(&mut self, durable: u64) -> Option<Ready> {
        let is_ready = match &self.waiting.front()?.until {
            Until::Outcome(_) => false,
            Until::Durable(seq) => *seq <= durable,
            Until::Now(..) => true,
        };
        let Waiting { kind, packet_id, until } = self.waiting.pop_front_if(|_| is_ready)?;
        let (reason, text) = match until {
            Until::Now(reason, text) => (reason, text),
            Until::Outcome(_) | Until::Durable(_) => (ReasonCode::Success, None),
        };
        let is_released = matches!(self.ids.get(&packet_id), Some(Stage::Released(_) | Stage::Logged(_)));
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

    /// After a restart, with a log that is whole up to `durable`: what is not in it never came.
    pub(super) fn restored(&mut self, durable: u64) {
        self.ids.retain(|_, stage| match *stage {
            Stage::Logging(_) => false,
            Stage::Logged(seq) => seq <= durable,
            Stage::Releasing(_) => {
                *stage = Stage::Logged(0);
                true
            }
            Stage::Released(seq) if seq > durable => {
                *stage = Stage::Logged(0);
                true
            }
            Stage::Released(_) => false,
        });
    }

    /// The log has a QoS 2 message.
    pub(super) fn received(&mut self, packet_id: PacketId, seq: u64) {
        self.ids.insert(packet_id, Stage::Logged(seq));
    }

    /// The log has a PUBREL.
    pub(super) fn released(&mut self, packet_id: PacketId) {
        self.ids.remove(&packet_id);
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

impl Outcome {
    /// What must be durable; nothing is numbered 0.
    fn seq(&self) -> u64 {
        match self {
            Self::Logged(seq) => *seq,
            Self::Taken | Self::Refused { .. } => 0,
        }
    }
}
