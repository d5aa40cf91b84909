//! Times as people and programs write them: RFC 3339, common local formats with a time zone, and numbers of a unit that
//! is given or guessed.
//!
//! Invariants: what is read is exact to the nanosecond or refused; nothing outside of the years 1677 to 2262 is
//! accepted, because it does not fit into 64 bits of nanoseconds.

mod datetime;
mod epoch;
mod zone;

use sensorium_model::TimeError;
use thiserror::Error;

pub use datetime::{DateOrder, DateTimeFormat};
pub use epoch::{epoch_ns, guess_precision};
pub use zone::{Instant, Zone, ZoneError};

/// Why a text is no time.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum TimeTextError {
    /// The text has none of the known forms.
    #[error("{0:?} is no time; write it like 2026-02-04T17:51:00Z, or as a whole number since 1970")]
    Unknown(String),
    /// A date or a time of day that no calendar has.
    #[error("{0:?} names a day or a time of day that does not exist")]
    NoSuchDay(String),
    /// A date whose order of day and month is not the column's.
    #[error("{0:?} does not fit the order of day and month of the other dates ({1})")]
    Order(String, DateOrder),
    /// A local time that the zone skips when clocks go forward.
    #[error(
        "{text:?} does not exist in {zone}, where clocks went forward then; if the clock that wrote it has no summer \
         time, name its offset, such as +01:00"
    )]
    Skipped {
        /// The time.
        text: String,
        /// The zone.
        zone: Zone,
    },
    /// Outside of what 64 bits of nanoseconds hold.
    #[error("the time {0:?} is outside of the years 1677 to 2262")]
    Range(String),
    /// An integer outside of that range.
    #[error(transparent)]
    Overflow(#[from] TimeError),
}

/// Reads a time with an offset (RFC 3339; a space instead of `T` and a missing second are accepted), or a number since
/// 1970. A local time without an offset is taken as UTC.
pub fn parse_utc(text: &str, precision: Option<sensorium_model::Precision>) -> Result<i64, TimeTextError> {
    if let Some(time) = epoch_ns(text, precision) {
        return time;
    }
    let format = DateTimeFormat { order: DateOrder::YearMonthDay, zone: Zone::UTC };
    Ok(format.parse(text, None)?.time_ns)
}

/// Names that a column of times has, in lower case.
const TIME_NAMES: [&str; 16] = [
    "time",
    "timestamp",
    "datetime",
    "date_time",
    "date time",
    "date/time",
    "date",
    "ts",
    "_time",
    "time_utc",
    "utc",
    "created_at",
    "recorded_at",
    "zeit",
    "datum",
    "zeitstempel",
];

/// Whether a column of this name is likely to hold the time of its rows.
pub fn sounds_like_time(name: &str) -> bool {
    TIME_NAMES.contains(&name.to_lowercase().as_str())
}
