//! Sparkplug B: `spBv1.0/GROUP/NBIRTH|NDATA|NDEATH/NODE` and `spBv1.0/GROUP/DBIRTH|DDATA|DDEATH/NODE/DEVICE`, payloads in
//! protobuf.
//!
//! A birth names the metrics of a node or of a device with their types, and may give each a number, its alias; data then says
//! the alias alone. What births said is remembered by a [`Node`], which rewrites a message so that it names all its metrics
//! ([`Node::hear`]). Decoding knows nothing of that: what it gets says everything, and can be read again at any time.
//!
//! Metrics of one time are a row of the table `sparkplug` with the tags `group` and `node`; the device, or the node where it
//! speaks for itself, is the row's device. Integers keep their type. What controls nodes (`Node Control/…`, `bdSeq`) is no
//! reading; a metric of a type that no column has (bytes, data sets, templates, lists) is refused by itself. Commands and the
//! states of hosts are no readings.
//!
//! Limits: [`MAX_METRICS`] metrics of a message; what a [`Node`] remembers is bounded by whoever keeps it.

mod command;
mod node;
mod payload;
mod wire;

use std::str::Utf8Error;

use sensorium_model::{ErrorKind, Precision, RowError, Value};
use thiserror::Error;

use self::payload::{Payload, fitting, value};
use super::DecodeError;
use super::row::{Row, Rows, plain};

pub use command::rebirth;
pub(super) use command::setting;
pub use node::{Heard, Node};

/// Metrics of one message.
pub const MAX_METRICS: usize = 20_000;

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
    #[error("the births of this node and its devices name more than {most} metrics (setting mqtt.sparkplug_metrics)")]
    TooManyNames {
        /// How many may be.
        most: usize,
    },
}

impl SparkplugError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::TooManyMetrics | Self::TooManyNames { .. } => ErrorKind::TooLarge,
            _ => ErrorKind::Invalid,
        }
    }
}

/// What a topic says about a message that is one of a node or of a device.
struct Told<'t> {
    group: &'t str,
    node: &'t str,
    /// Empty where the node speaks for itself.
    device: &'t str,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Birth,
    Data,
    Death,
}

impl<'t> Told<'t> {
    fn of(levels: &[&'t str]) -> Option<Self> {
        let (group, kind, node, device) = match levels {
            [_, group, kind @ ("NBIRTH" | "NDATA" | "NDEATH"), node] => (*group, *kind, *node, ""),
            [_, group, kind @ ("DBIRTH" | "DDATA" | "DDEATH"), node, device] => (*group, *kind, *node, *device),
            _ => return None,
        };
        let what = match kind {
            "NBIRTH" | "DBIRTH" => What::Birth,
            "NDATA" | "DDATA" => What::Data,
            _ => What::Death,
        };
        Some(Self { group, node, device, what })
    }

    fn speaker(&self) -> &'t str {
        if self.device.is_empty() { self.node } else { self.device }
    }
}

pub(super) fn decode(levels: &[&str], body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    let Some(told) = Told::of(levels) else { return Ok(()) };
    if body.is_empty() {
        return Err(DecodeError::Empty);
    }
    let payload = Payload::read(body)?;
    rows.name(told.speaker());
    match told.what {
        What::Birth => rows.presence(told.speaker(), true),
        What::Data => {}
        What::Death => {
            rows.presence(told.speaker(), false);
            return Ok(());
        }
    }
    readings(&payload, &Place { group: told.group, node: told.node, speaker: told.speaker() }, rows);
    Ok(())
}

/// Whether a metric controls a node or a device.
fn is_control(name: &str) -> bool {
    name == SESSION || name.starts_with("Node Control/") || name.starts_with("Device Control/")
}

/// Rows of the metrics of each time.
fn readings(payload: &Payload<'_>, place: &Place<'_>, rows: &mut Rows<'_, '_>) {
    let mut readings: Vec<(Option<u64>, &str, Value<'_>)> = Vec::new();
    for metric in payload.metrics.iter().filter(|metric| !metric.is_null) {
        let Some(sent) = metric.value else { continue };
        let Some(name) = metric.name else {
            let alias = metric.alias.unwrap_or_default();
            let why = format!("no birth named the metric with the alias {alias}");
            place.refuse(RowError::Malformed(why), rows);
            continue;
        };
        if is_control(name) {
            continue;
        }
        let datatype = metric.datatype.unwrap_or_default();
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
