//! What a client receives.

use std::sync::Arc;

use sensorium_model::{Name, Value};

/// A value as a live view shows it.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveValue {
    /// A number: integers as the nearest double, truth values as 0 and 1.
    Number(f64),
    /// Text.
    Text(Arc<str>),
}

impl LiveValue {
    /// Bytes of text that the value holds.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::Number(_) => 0,
            Self::Text(text) => text.len(),
        }
    }
}

impl LiveValue {
    /// The live form of a stored value; `None` for a vector, which nobody watches.
    pub(crate) fn of(value: Value<'_>) -> Option<Self> {
        Some(match value {
            Value::F64(number) => Self::Number(number),
            // Doubles are what a browser draws; integers beyond 2^53 lose their last digits here and nowhere else.
            Value::I64(number) => Self::Number(number as f64),
            Value::U64(number) => Self::Number(number as f64),
            Value::Bool(truth) => Self::Number(f64::from(u8::from(truth))),
            Value::Text(text) => Self::Text(text.as_ref().into()),
            Value::Vector(_) => return None,
        })
    }
}

/// One value of one field of one series, for one subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct LivePoint {
    /// The client's own number of the subscription.
    pub subscription: u32,
    /// Nanoseconds since the epoch.
    pub time_ns: i64,
    /// The table.
    pub table: Name,
    /// The canonical text of the series' key.
    pub series: Arc<str>,
    /// The field.
    pub field: Name,
    /// The value.
    pub value: LiveValue,
}

/// What waits for a client: everything since the last tick, or the latest of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tick {
    /// The log sequence number up to which everything is contained; a client resumes from it.
    pub seq: u64,
    /// The points: in order of arrival, or one per series and field when [`Tick::coalesced`] is not zero.
    pub points: Vec<LivePoint>,
    /// Points that a newer one of the same series and field replaced.
    pub coalesced: u64,
    /// Points for which there was no room.
    pub dropped: u64,
    /// Whether batches left the ring before the client came to read them; ask the store for them.
    pub lost: bool,
}
