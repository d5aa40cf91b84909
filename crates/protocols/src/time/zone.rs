//! Time zones, and the hour that happens twice or not at all.

use std::fmt;
use std::str::FromStr;

use chrono::{FixedOffset, LocalResult, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use thiserror::Error;

use super::TimeTextError;

/// A place's time zone, or a fixed distance from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// A zone of the IANA database, such as `Europe/Brussels`.
    Named(Tz),
    /// An offset, such as `+01:00`.
    Fixed(FixedOffset),
}

/// The text is no time zone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown time zone {0:?}; use a name like Europe/Brussels, an offset like +01:00, or UTC")]
pub struct ZoneError(String);

/// A moment that a local time stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant {
    /// Nanoseconds since the epoch.
    pub time_ns: i64,
    /// Whether the local time happened twice, so that this is a choice.
    pub ambiguous: bool,
}

/// Why a local time has no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoInstant {
    Skipped,
    Range,
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self::Named(Tz::UTC);

    /// The moment of a local time that is given as nanoseconds since 1970 on the zone's own clock; see
    /// [`super::DateTimeFormat::parse`].
    pub fn moment_of_local_ns(&self, local_ns: i64, previous_ns: Option<i64>) -> Result<Instant, TimeTextError> {
        let local = chrono::DateTime::from_timestamp_nanos(local_ns).naive_utc();
        self.resolve(local, previous_ns).map_err(|why| match why {
            NoInstant::Skipped => TimeTextError::Skipped { text: local.to_string(), zone: *self },
            NoInstant::Range => TimeTextError::Range(local.to_string()),
        })
    }

    /// The moment of a local time.
    ///
    /// A local time that happened twice, because clocks went back, is the earlier moment, unless the row before it
    /// already lies behind that: then it is the later one. A file in order of time thus keeps both hours.
    pub(super) fn resolve(&self, local: NaiveDateTime, previous_ns: Option<i64>) -> Result<Instant, NoInstant> {
        match self {
            Self::Named(tz) => choose(tz.from_local_datetime(&local), previous_ns),
            Self::Fixed(offset) => choose(offset.from_local_datetime(&local), previous_ns),
        }
    }
}

fn choose<Z: TimeZone>(
    moments: LocalResult<chrono::DateTime<Z>>,
    previous_ns: Option<i64>,
) -> Result<Instant, NoInstant> {
    let nanos = |moment: chrono::DateTime<Z>| moment.timestamp_nanos_opt().ok_or(NoInstant::Range);
    match moments {
        LocalResult::Single(moment) => Ok(Instant { time_ns: nanos(moment)?, ambiguous: false }),
        LocalResult::Ambiguous(earlier, later) => {
            let (earlier, later) = (nanos(earlier)?, nanos(later)?);
            let passed = previous_ns.is_some_and(|previous| previous > earlier);
            Ok(Instant { time_ns: if passed { later } else { earlier }, ambiguous: true })
        }
        LocalResult::None => Err(NoInstant::Skipped),
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        if matches!(text, "Z" | "z" | "utc") {
            return Ok(Self::UTC);
        }
        if text.starts_with(['+', '-'])
            && let Ok(offset) = text.parse::<FixedOffset>()
        {
            return Ok(Self::Fixed(offset));
        }
        let known = chrono_tz::TZ_VARIANTS.iter().find(|tz| tz.name().eq_ignore_ascii_case(text));
        known.map(|tz| Self::Named(*tz)).ok_or_else(|| ZoneError(text.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(tz) => f.write_str(tz.name()),
            Self::Fixed(offset) => write!(f, "{offset}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn names_and_offsets() {
        assert_eq!("Europe/Brussels".parse::<Zone>().unwrap().to_string(), "Europe/Brussels");
        assert_eq!("europe/brussels".parse::<Zone>().unwrap().to_string(), "Europe/Brussels");
        assert_eq!("+01:00".parse::<Zone>().unwrap().to_string(), "+01:00");
        assert_eq!("UTC".parse::<Zone>().unwrap(), Zone::UTC);
        for bad in ["", "Mons", "+1h", "Europe/Atlantis"] {
            assert!(bad.parse::<Zone>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_doubled_hour_keeps_both_of_its_passes_in_a_file_in_order() {
        let zone: Zone = "Europe/Brussels".parse().unwrap();
        let mut previous = None;
        let mut times = Vec::new();
        for minute in ["02:00", "02:30", "02:59", "02:00", "02:30", "02:59", "03:00"] {
            let moment = zone.resolve(local(&format!("2015-10-25T{minute}:00")), previous).unwrap();
            assert_eq!(moment.ambiguous, minute != "03:00");
            previous = Some(moment.time_ns);
            times.push(moment.time_ns / 60_000_000_000);
        }
        let start = times[0];
        assert_eq!(times.iter().map(|t| t - start).collect::<Vec<_>>(), [0, 30, 59, 60, 90, 119, 120]);
    }

    #[test]
    fn the_skipped_hour_does_not_exist() {
        let zone: Zone = "Europe/Brussels".parse().unwrap();
        assert_eq!(zone.resolve(local("2015-03-29T02:30:00"), None), Err(NoInstant::Skipped));
        let winter = local("2015-02-02T14:19:00").and_utc().timestamp_nanos_opt().unwrap();
        assert_eq!(zone.moment_of_local_ns(winter, None).unwrap().time_ns, winter - 3_600_000_000_000);
        assert!("+01:00".parse::<Zone>().unwrap().resolve(local("2015-03-29T02:30:00"), None).is_ok());
        assert_eq!(Zone::UTC.resolve(local("2500-01-01T00:00:00"), None), Err(NoInstant::Range));
    }
}
