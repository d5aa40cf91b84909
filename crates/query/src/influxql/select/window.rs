//! Bins of time, where InfluxDB puts them.
//!
//! Bins are aligned to the epoch and moved by the offset; with a zone, to the zone's midnight, so that a day in which clocks
//! change is an hour longer or shorter.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// The first moment of InfluxDB's time, in nanoseconds.
pub(super) const MIN_TIME: i64 = i64::MIN + 2;
/// The last moment of InfluxDB's time, in nanoseconds.
pub(super) const MAX_TIME: i64 = i64::MAX - 1;

/// The moments that count, in nanoseconds; both ends belong to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) min: i64,
    pub(super) max: i64,
}

impl Bounds {
    pub(super) fn contains(self, time: i64) -> bool {
        self.min <= time && time <= self.max
    }

    /// What lies in both.
    pub(super) fn and(self, other: Self) -> Self {
        Self { min: self.min.max(other.min), max: self.max.min(other.max) }
    }
}

/// How time is cut into bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Windows {
    /// The length of a bin in nanoseconds; 0 when there is one bin only.
    pub(super) every: i64,
    /// What bins are moved by, in nanoseconds.
    pub(super) offset: i64,
    pub(super) zone: Option<Tz>,
}

impl Windows {
    /// Whether there is one bin only.
    pub(super) fn is_one(&self) -> bool {
        self.every == 0
    }

    /// Where the bin of a moment begins, and where the next one does.
    pub(super) fn of(&self, time: i64, bounds: Bounds) -> (i64, i64) {
        if self.every == 0 {
            return (bounds.min, bounds.max.saturating_add(1));
        }
        let time = time.saturating_sub(self.offset);
        let zone = self.shift(time);
        let into = time.saturating_add(zone).rem_euclid(self.every);
        let start = if MIN_TIME.saturating_add(into) >= time { MIN_TIME } else { time - into };
        let start = self.corrected(start.saturating_add(self.offset), zone);
        let left = self.every - into;
        let end = if MAX_TIME - left <= time { MAX_TIME } else { time + left };
        (start, self.corrected(end.saturating_add(self.offset), zone))
    }

    /// Where the bin of a moment begins.
    pub(super) fn start(&self, time: i64, bounds: Bounds) -> i64 {
        self.of(time, bounds).0
    }

    /// The beginning of a bin by the clock that is shown there, unless the clock was changed by a bin or more.
    fn corrected(&self, time: i64, zone: i64) -> i64 {
        let change = zone - self.shift(time);
        if change != 0 && change.abs() < self.every { time.saturating_add(change) } else { time }
    }

    /// What clocks show more than UTC at a moment, in nanoseconds.
    pub(super) fn shift(&self, time: i64) -> i64 {
        let Some(zone) = self.zone else { return 0 };
        let moment = DateTime::from_timestamp_nanos(time).naive_utc();
        i64::from(zone.offset_from_utc_datetime(&moment).fix().local_minus_utc()) * 1_000_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;
    const ALL: Bounds = Bounds { min: MIN_TIME, max: MAX_TIME };

    fn at(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt().unwrap()
    }

    #[test]
    fn bins_begin_at_the_epoch_and_are_moved_by_the_offset() {
        let hours = Windows { every: HOUR, offset: 0, zone: None };
        assert_eq!(hours.of(HOUR + 5, ALL), (HOUR, 2 * HOUR));
        assert_eq!(hours.of(-5, ALL), (-HOUR, 0));
        let moved = Windows { offset: HOUR / 4, ..hours };
        assert_eq!(moved.of(HOUR, ALL), (HOUR / 4, HOUR + HOUR / 4));
        let one = Windows { every: 0, ..hours };
        assert_eq!(one.of(7, Bounds { min: 3, max: 9 }), (3, 10));
    }

    #[test]
    fn a_day_in_which_clocks_change_is_an_hour_longer_or_shorter() {
        let days = Windows { every: 24 * HOUR, offset: 0, zone: Some(chrono_tz::Europe::Helsinki) };
        assert_eq!(days.of(at("2026-10-25T12:00:00Z"), ALL), (at("2026-10-24T21:00:00Z"), at("2026-10-25T22:00:00Z")));
        assert_eq!(days.of(at("2026-03-29T12:00:00Z"), ALL), (at("2026-03-28T22:00:00Z"), at("2026-03-29T21:00:00Z")));
    }
}
