//! Sparkplug B: `spBv1.0/GROUP/NBIRTH|NDATA|NDEATH/NODE` and `spBv1.0/GROUP/DBIRTH|DDATA|DDEATH/NODE/DEVICE`, payloads in
//! protobuf.
//!
//! A birth names the metrics of a node or of a device with their types, and may give each a number, its alias; data then says
//! the alias alone. So a [`Node`] remembers for each edge node what its births said, and counts the messages: after a gap, or
//! an alias that no birth named, [`super::Decoded::rebirth`] says that the node is to be asked for its births again, with the
//! command `Node Control/Rebirth`.
//!
//! Metrics of one time are a row of the table `sparkplug` with the tags `group` and `node`; the device, or the node where it
//! speaks for itself, is the row's device. Integers keep their type. What controls nodes (`Node Control/…`, `bdSeq`) is no
//! reading; a metric of a type that no column has (bytes, data sets, templates, lists) is refused by itself. Commands and the
//! states of hosts are no readings.
//!
//! Limits: [`MAX_METRICS`] metrics of a message; [`MAX_NAMES`] metrics that are remembered of a node and its devices.

mod payload;
mod wire;

use std::collections::HashMap;
use std::str::Utf8Error;

use sensorium_model::names::MAX_NAME_BYTES;
use sensorium_model::{BatchBuilder, ErrorKind, Precision, RowError, Value};
use thiserror::Error;

use self::payload::{Metric, Payload, fitting, value};
use super::row::{Row, Rows, plain};
use super::{DecodeError, Decoded, Message};
use crate::refusals::Refusals;

/// Metrics of one message.
pub const MAX_METRICS: usize = 20_000;

/// Metrics that are remembered of an edge node and its devices.
pub const MAX_NAMES: usize = 20_000;

const TABLE: &str = "sparkplug";

/// The metric that tells which of a node's sessions a birth or a death belongs to.
const SESSION: &str = "bdSeq";

/// Why a message is refused as a whole.
#[derive(Debug, Error)]
pub enum SparkplugError {
    /// It ends within a field.
    #[error("the payload ends within a field; it is no protobuf, or was cut off")]
    Truncated,
    /// A number of more than ten bytes.
    #[error("the payload holds a number of more than 64 bits; it is no protobuf")]
    LongNumber,
    /// A kind of field that Sparkplug has not.
    #[error("the payload holds a field of the wire type {0}; it is none of Sparkplug B")]
    WireType(u64),
    /// A name or a text that is none.
    #[error("a text in the payload is none: {source}")]
    Encoding {
        /// Where it stops to be text.
        #[source]
        source: Utf8Error,
    },
    /// More metrics than a message may have.
    #[error("the payload has more than {MAX_METRICS} metrics; send it in parts")]
    TooManyMetrics,
    /// More metrics than are remembered.
    #[error("the births of this node and its devices name more than {MAX_NAMES} metrics; use several nodes")]
    TooManyNames,
}

impl SparkplugError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::TooManyMetrics | Self::TooManyNames => ErrorKind::TooLarge,
            _ => ErrorKind::Invalid,
        }
    }
}

/// What the births of one edge node said, and where its count of messages stands. The caller keeps one for each group and
/// node of a database; what it forgets is asked for again.
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
    /// The group and the edge node of a topic, under which the caller keeps the value; none where the topic has no node.
    pub fn of_topic(topic: &str) -> Option<(&str, &str)> {
        let mut levels = topic.split('/');
        let (_version, group, _kind, node) = (levels.next()?, levels.next()?, levels.next()?, levels.next()?);
        Some((group, node))
    }

    /// Reads a message of this node or of one of its devices, as [`super::Decoder::decode`] does, and remembers what it says.
    pub fn decode(
        &mut self,
        message: Message<'_>,
        builder: &mut BatchBuilder<'_>,
        refusals: &mut Refusals,
    ) -> Result<Decoded, DecodeError> {
        let levels: Vec<&str> = message.topic.split('/').collect();
        let mut rows = Rows::new(message, builder, refusals);
        self.read(&levels, message.body, &mut rows)?;
        Ok(rows.told())
    }

    pub(super) fn read(&mut self, levels: &[&str], body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
        let (group, kind, node, device) = match levels {
            [_, group, kind @ ("NBIRTH" | "NDATA" | "NDEATH"), node] => (*group, *kind, *node, ""),
            [_, group, kind @ ("DBIRTH" | "DDATA" | "DDEATH"), node, device] => (*group, *kind, *node, *device),
            _ => return Ok(()),
        };
        if body.is_empty() {
            return Err(DecodeError::Empty);
        }
        let payload = Payload::read(body)?;
        let speaker = if device.is_empty() { node } else { device };
        rows.name(speaker);
        match kind {
            "NBIRTH" => {
                self.remember("", &payload)?;
                rows.presence(speaker, true);
            }
            "NDEATH" => {
                // The last will of a session that another one followed comes late.
                let session = payload.whole(SESSION);
                if !self.is_born || session == self.session {
                    *self = Self::default();
                    rows.presence(speaker, false);
                }
                return Ok(());
            }
            _ => self.count(&payload, rows),
        }
        match kind {
            "DBIRTH" => {
                self.remember(device, &payload)?;
                rows.presence(speaker, true);
            }
            "DDEATH" => {
                self.births.remove(device);
                rows.presence(speaker, false);
                return Ok(());
            }
            _ => {}
        }
        let place = Place { group, node, speaker };
        self.readings(&payload, device, &place, rows);
        Ok(())
    }

    /// Takes over what a birth says; that of the node ends what its devices said before.
    fn remember(&mut self, device: &str, payload: &Payload<'_>) -> Result<(), SparkplugError> {
        let birth = Birth::of(payload);
        let others = self.births.iter().filter(|(name, _)| !device.is_empty() && name.as_ref() != device);
        if birth.names() + others.map(|(_, birth)| birth.names().max(1)).sum::<usize>() > MAX_NAMES {
            return Err(SparkplugError::TooManyNames);
        }
        if device.is_empty() {
            self.births.clear();
            self.is_born = true;
            self.seq = payload.seq.unwrap_or_default() % 256;
            self.session = payload.whole(SESSION);
        }
        self.births.insert(device.into(), birth);
        Ok(())
    }

    /// Counts a message, whose number is that of the one before and one more, 0 after 255.
    fn count(&mut self, payload: &Payload<'_>, rows: &mut Rows<'_, '_>) {
        let expected = (self.seq + 1) % 256;
        if !self.is_born || payload.seq != Some(expected) {
            rows.ask_for_rebirth();
        }
        self.seq = payload.seq.map_or(expected, |seq| seq % 256);
    }

    /// Rows of the metrics of each time.
    fn readings(&self, payload: &Payload<'_>, device: &str, place: &Place<'_>, rows: &mut Rows<'_, '_>) {
        let birth = self.births.get(device);
        if birth.is_none() {
            rows.ask_for_rebirth();
        }
        let mut readings: Vec<(Option<u64>, &str, Value<'_>)> = Vec::new();
        for metric in payload.metrics.iter().filter(|metric| !metric.is_null) {
            let Some(sent) = metric.value else { continue };
            let name = metric.name.or_else(|| birth?.aliases.get(&metric.alias?).map(|name| &**name));
            let Some(name) = name else {
                rows.ask_for_rebirth();
                let alias = metric.alias.unwrap_or_default();
                let why = format!("no birth named the metric with the alias {alias}");
                place.refuse(RowError::Malformed(why), rows);
                continue;
            };
            if name == SESSION || name.starts_with("Node Control/") || name.starts_with("Device Control/") {
                continue;
            }
            let datatype = metric.datatype.or_else(|| birth?.types.get(name).copied()).unwrap_or_default();
            match value(sent, datatype) {
                Some(Value::F64(number)) if !number.is_finite() => {
                    place.refuse(RowError::NotFinite(shown(name)), rows);
                }
                Some(value) => readings.push((metric.timestamp_ms.or(payload.timestamp_ms), name, value)),
                None => {
                    let why = format!("metric {:?} has the type {datatype}, which no column has", shown(name));
                    place.refuse(RowError::Malformed(why), rows);
                }
            }
        }
        readings.sort_by_key(|(time_ms, _, _)| *time_ms);
        for together in readings.chunk_by(|(a, _, _), (b, _, _)| a == b) {
            let mut row = place.start(rows);
            for (time_ms, name, value) in together {
                if let Some(time_ms) = time_ms {
                    let time_ms = i64::try_from(*time_ms).unwrap_or(i64::MAX);
                    row.time(Precision::Ms.to_nanos(time_ms).map_err(Into::into));
                }
                let column = rows.kind(TABLE, &plain(name));
                row.value(*name, fitting(value.clone(), column));
            }
            rows.push(row);
        }
    }
}

/// The start of a name, for a message.
fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}

/// Where metrics come from.
struct Place<'p> {
    group: &'p str,
    node: &'p str,
    speaker: &'p str,
}

impl<'p> Place<'p> {
    fn start(&self, rows: &Rows<'_, '_>) -> Row<'p> {
        let mut row = rows.start(TABLE, self.speaker);
        row.tag("group", self.group);
        row.tag("node", self.node);
        row
    }

    fn refuse(&self, why: RowError, rows: &mut Rows<'_, '_>) {
        let mut row = self.start(rows);
        row.refuse(why);
        rows.push(row);
    }
}

#[cfg(test)]
mod tests;
