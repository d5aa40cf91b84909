//! What the births of an edge node said, and where its count of messages stands.

use std::collections::HashMap;

use sensorium_model::names::MAX_NAME_BYTES;

use super::payload::{Metric, Payload};
use super::wire::{self, Fields, Wire};
use super::{SESSION, SparkplugError, Told, What};

/// What is remembered of an edge node. Whoever keeps one for each group and node forgets it when they like: the node is then asked
/// for its births.
///
/// Invariant: only a birth adds names, so that a node that is not born has none.
#[derive(Debug, Clone, Default)]
pub struct Node {
    is_born: bool,
    /// The count of the newest message.
    seq: u64,
    /// The session of the newest birth.
    session: Option<u64>,
    /// The births by device; the node's own under the empty name.
    births: HashMap<Box<str>, Birth>,
}

/// What became of a message that a node heard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// The message with names and types that births gave; none if it says them itself, or nobody knows them.
    pub body: Option<Vec<u8>>,
    /// Whether a birth or another message was missed, so that the node is to be asked for its births ([`super::rebirth`]).
    pub rebirth: bool,
}

/// The metrics that a birth named.
#[derive(Debug, Clone, Default)]
struct Birth {
    types: HashMap<Box<str>, u64>,
    aliases: HashMap<u64, Box<str>>,
}

impl Birth {
    fn of(payload: &Payload<'_>) -> Self {
        let mut birth = Self::default();
        // A name that is too long for a column would be refused with each value.
        let named = |metric: &&Metric<'_>| metric.name.is_some_and(|name| name.len() <= MAX_NAME_BYTES);
        for metric in payload.metrics.iter().filter(named) {
            let name = metric.name.unwrap_or_default();
            birth.types.insert(name.into(), metric.datatype.unwrap_or_default());
            if let Some(alias) = metric.alias {
                birth.aliases.insert(alias, name.into());
            }
        }
        birth
    }

    /// What is remembered, in names.
    fn names(&self) -> usize {
        self.types.len().max(self.aliases.len())
    }
}

impl Node {
    /// The group and the edge node of a topic, under which the caller keeps the value; none where the message is none of a node.
    pub fn of_topic(topic: &str) -> Option<(&str, &str)> {
        let levels: Vec<&str> = topic.split('/').collect();
        Told::of(&levels).map(|told| (told.group, told.node))
    }

    /// Whether its birth was heard, and no death since.
    pub fn is_born(&self) -> bool {
        self.is_born
    }

    /// The type that a birth gave a metric of the node, or of one of its devices.
    pub(super) fn datatype(&self, device: &str, name: &str) -> Option<u64> {
        self.births.get(device)?.types.get(name).copied().filter(|datatype| *datatype != 0)
    }

    /// Takes the next message of the node or of one of its devices, remembers what it says, and adds the names that it leaves out.
    /// `most` metrics of the node and its devices are remembered; a birth that says more is an error, and changes nothing.
    pub fn hear(&mut self, topic: &str, body: &[u8], most: usize) -> Result<Heard, SparkplugError> {
        let levels: Vec<&str> = topic.split('/').collect();
        let Some(told) = Told::of(&levels).filter(|_| !body.is_empty()) else { return Ok(Heard::default()) };
        let payload = Payload::read(body)?;
        let is_node = told.device.is_empty();
        if is_node && told.what == What::Death {
            // The last will of a session that another one followed comes late.
            if payload.whole(SESSION) == self.session {
                *self = Self::default();
            }
            return Ok(Heard::default());
        }
        if told.what == What::Birth {
            self.check_room(told.device, &payload, most)?;
        }
        let mut rebirth = match is_node && told.what == What::Birth {
            true => false,
            false => !self.count(&payload),
        };
        match told.what {
            What::Birth => self.remember(told.device, &payload),
            What::Death => {
                self.births.remove(told.device);
            }
            What::Data => {
                let birth = self.births.get(told.device);
                rebirth |= birth.is_none();
                let body = birth.map(|birth| birth.named(body, &payload, &mut rebirth)).transpose()?.flatten();
                return Ok(Heard { body, rebirth });
            }
        }
        Ok(Heard { body: None, rebirth })
    }

    fn check_room(&self, device: &str, payload: &Payload<'_>, most: usize) -> Result<(), SparkplugError> {
        let others = self.births.iter().filter(|(name, _)| !device.is_empty() && name.as_ref() != device);
        let names = payload.metrics.len() + others.map(|(_, birth)| birth.names().max(1)).sum::<usize>();
        if names > most { Err(SparkplugError::TooManyNames { most }) } else { Ok(()) }
    }

    /// Takes over what a birth says; that of the node ends what its devices said before.
    fn remember(&mut self, device: &str, payload: &Payload<'_>) {
        if device.is_empty() {
            self.births.clear();
            self.is_born = true;
            self.seq = payload.seq.unwrap_or_default() % 256;
            self.session = payload.whole(SESSION);
        }
        if self.is_born {
            self.births.insert(device.into(), Birth::of(payload));
        }
    }

    /// Counts a message, whose number is that of the one before and one more, 0 after 255; false when one is missing.
    fn count(&mut self, payload: &Payload<'_>) -> bool {
        let expected = (self.seq + 1) % 256;
        let is_next = self.is_born && payload.seq == Some(expected);
        self.seq = payload.seq.map_or(expected, |seq| seq % 256);
        is_next
    }
}

impl Birth {
    /// A message with the names and types that it leaves out; none where it leaves out nothing that is known.
    fn named(&self, body: &[u8], payload: &Payload<'_>, rebirth: &mut bool) -> Result<Option<Vec<u8>>, SparkplugError> {
        let mut additions = Vec::with_capacity(payload.metrics.len());
        for metric in &payload.metrics {
            let alias = metric.alias.filter(|_| metric.name.is_none());
            let known = alias.and_then(|alias| self.aliases.get(&alias)).map(AsRef::as_ref);
            *rebirth |= metric.name.is_none() && known.is_none();
            let name = metric.name.or(known);
            let datatype = name.filter(|_| metric.datatype.is_none()).and_then(|name| self.types.get(name).copied());
            additions.push((known, datatype));
        }
        if additions.iter().all(|addition| *addition == (None, None)) {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(body.len().saturating_mul(2));
        let (mut fields, mut additions) = (Fields::of(body), additions.into_iter());
        while let Some((number, value)) = fields.field()? {
            match (number, value) {
                // The fields of a message may stand in any order.
                (2, Wire::Bytes(metric)) => {
                    let mut metric = metric.to_vec();
                    let (name, datatype) = additions.next().unwrap_or_default();
                    if let Some(name) = name {
                        wire::put(&mut metric, 1, Wire::Bytes(name.as_bytes()));
                    }
                    if let Some(datatype) = datatype {
                        wire::put(&mut metric, 4, Wire::Varint(datatype));
                    }
                    wire::put(&mut out, 2, Wire::Bytes(&metric));
                }
                (number, value) => wire::put(&mut out, number, value),
            }
        }
        Ok(Some(out))
    }
}
