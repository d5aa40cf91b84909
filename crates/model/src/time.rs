//! Time stamps: nanoseconds since the Unix epoch in UTC, and the precisions that clients send.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const NANOS_PER_MILLI: i64 = 1_000_000;
/// Nanoseconds in a day.
pub const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// The unit of an integer time stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Nanoseconds, the default of line protocol.
    #[default]
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
    /// Minutes (InfluxDB 1.x).
    M,
    /// Hours (InfluxDB 1.x).
    H,
}

/// Why a time was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeError {
    /// The unit is none of the known ones.
    #[error("unknown precision {0:?}; use one of ns, us, ms, s, m, h")]
    UnknownPrecision(String),
    /// The value does not fit into 64 bits of nanoseconds (years 1677 to 2262).
    #[error("the time {value} {unit} is outside of the years 1677 to 2262")]
    Overflow {
        /// The integer that was sent.
        value: i64,
        /// Its unit.
        unit: &'static str,
    },
}

impl Precision {
    /// Nanoseconds in one unit.
    pub const fn nanos(self) -> i64 {
        match self {
            Self::Ns => 1,
            Self::Us => 1_000,
            Self::Ms => NANOS_PER_MILLI,
            Self::S => NANOS_PER_SECOND,
            Self::M => 60 * NANOS_PER_SECOND,
            Self::H => 3_600 * NANOS_PER_SECOND,
        }
    }

    /// The unit's short name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ns => "ns",
            Self::Us => "us",
            Self::Ms => "ms",
            Self::S => "s",
            Self::M => "m",
            Self::H => "h",
        }
    }

    /// Converts an integer of this unit to nanoseconds.
    pub fn to_nanos(self, value: i64) -> Result<i64, TimeError> {
        value.checked_mul(self.nanos()).ok_or(TimeError::Overflow { value, unit: self.as_str() })
    }
}

impl FromStr for Precision {
    type Err = TimeError;

    /// Accepts the spellings of InfluxDB 1, 2 and 3: `n`, `ns`, `u`, `us`, `µ`, `ms`, `s`, `m`, `h` and long names.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        match text {
            "" | "n" | "ns" | "nanosecond" => Ok(Self::Ns),
            "u" | "us" | "µ" | "microsecond" => Ok(Self::Us),
            "ms" | "millisecond" => Ok(Self::Ms),
            "s" | "second" => Ok(Self::S),
            "m" => Ok(Self::M),
            "h" => Ok(Self::H),
            other => Err(TimeError::UnknownPrecision(other.to_owned())),
        }
    }
}

/// The day bucket of a time: whole days since the epoch, rounded towards the past.
pub const fn day_of(time_ns: i64) -> i64 {
    time_ns.div_euclid(NANOS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overflow_is_an_error_not_a_wrap() {
        assert_eq!(Precision::S.to_nanos(1), Ok(NANOS_PER_SECOND));
        assert!(Precision::S.to_nanos(i64::MAX / 2).is_err());
        assert!(Precision::H.to_nanos(i64::MIN).is_err());
    }

    #[test]
    fn days_before_the_epoch_are_negative() {
        assert_eq!(day_of(-1), -1);
        assert_eq!(day_of(0), 0);
        assert_eq!(day_of(NANOS_PER_DAY), 1);
    }
}
