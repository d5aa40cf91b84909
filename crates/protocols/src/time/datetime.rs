//! Dates with times of day, in the orders that files use.
//!
//! One grammar covers all of them: three numbers joined by `-`, `/` or `.`; then, behind a space or `T`, hours and
//! minutes, optional seconds, an optional decimal part, optional AM or PM; then an optional `Z` or offset.

use std::fmt;

use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};

use super::TimeTextError;
use super::zone::{Instant, NoInstant, Zone};

/// The order of a date's parts. A year of four digits in front is always read as year, month, day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// `2015-02-04`
    YearMonthDay,
    /// `04.02.2015`
    DayMonthYear,
    /// `02/04/2015`
    MonthDayYear,
}

impl fmt::Display for DateOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::YearMonthDay => "year, month, day",
            Self::DayMonthYear => "day, month, year",
            Self::MonthDayYear => "month, day, year",
        })
    }
}

/// How to read the dates of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTimeFormat {
    /// The order of dates that do not start with the year.
    pub order: DateOrder,
    /// The zone of times that carry none.
    pub zone: Zone,
}

/// What a text says, before it is known to be a date.
struct Parts {
    numbers: [u32; 3],
    year_first: bool,
    separator: u8,
    time: NaiveTime,
    offset: Option<FixedOffset>,
}

impl DateTimeFormat {
    /// Finds the order that all samples have; `None` when a sample is no date in any order. Where day and month can be
    /// either, dots mean that the day comes first and slashes that the month does.
    pub fn detect<'a>(samples: impl Iterator<Item = &'a str> + Clone, zone: Zone) -> Option<Self> {
        let first = scan(samples.clone().next()?)?;
        let candidates: &[DateOrder] = match (first.year_first, first.separator) {
            (true, _) => &[DateOrder::YearMonthDay],
            (false, b'/') => &[DateOrder::MonthDayYear, DateOrder::DayMonthYear],
            (false, _) => &[DateOrder::DayMonthYear, DateOrder::MonthDayYear],
        };
        let fits = |order: DateOrder| {
            samples.clone().all(|text| {
                scan(text).is_some_and(|parts| parts.year_first == first.year_first && parts.date(order).is_some())
            })
        };
        candidates.iter().copied().find(|order| fits(*order)).map(|order| Self { order, zone })
    }

    /// The moment of a text; `previous_ns` is the time of the row before, which decides in the hour that happens twice.
    pub fn parse(&self, text: &str, previous_ns: Option<i64>) -> Result<Instant, TimeTextError> {
        let parts = scan(text).ok_or_else(|| TimeTextError::Unknown(shown(text)))?;
        let Some(date) = parts.date(self.order) else {
            let order = if parts.year_first { DateOrder::YearMonthDay } else { self.order };
            let other = [DateOrder::DayMonthYear, DateOrder::MonthDayYear].iter().any(|o| parts.date(*o).is_some());
            return Err(match other && !parts.year_first {
                true => TimeTextError::Order(shown(text), order),
                false => TimeTextError::NoSuchDay(shown(text)),
            });
        };
        let local = NaiveDateTime::new(date, parts.time);
        let zone = parts.offset.map_or(self.zone, Zone::Fixed);
        zone.resolve(local, previous_ns).map_err(|why| match why {
            NoInstant::Skipped => TimeTextError::Skipped { text: shown(text), zone },
            NoInstant::Range => TimeTextError::Range(shown(text)),
        })
    }
}

impl Parts {
    fn date(&self, order: DateOrder) -> Option<NaiveDate> {
        let [a, b, c] = self.numbers;
        let (year, month, day) = match order {
            _ if self.year_first => (a, b, c),
            DateOrder::YearMonthDay => return None,
            DateOrder::DayMonthYear => (c, b, a),
            DateOrder::MonthDayYear => (c, a, b),
        };
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
    }
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Takes a text apart; `None` when it has not the form of a date with a time of day.
fn scan(text: &str) -> Option<Parts> {
    let mut scanner = Scanner { rest: text.trim().as_bytes() };
    let (first, first_digits) = scanner.number(4)?;
    let separator = scanner.one_of(b"-/.")?;
    let (second, _) = scanner.number(2)?;
    if scanner.one_of(&[separator])? != separator {
        return None;
    }
    let (third, third_digits) = scanner.number(4)?;
    let year_first = first_digits == 4;
    let (ends, year_digits) = if year_first { (third_digits, first_digits) } else { (first_digits, third_digits) };
    if ends > 2 || year_digits != 4 {
        return None;
    }
    let (mut time, mut offset) = (NaiveTime::MIN, None);
    if !scanner.rest.is_empty() {
        scanner.one_of(b" Tt")?;
        scanner.spaces();
        time = scanner.time_of_day()?;
        scanner.spaces();
        offset = scanner.offset()?;
    }
    scanner.rest.is_empty().then_some(Parts { numbers: [first, second, third], year_first, separator, time, offset })
}

struct Scanner<'t> {
    rest: &'t [u8],
}

impl Scanner<'_> {
    fn one_of(&mut self, set: &[u8]) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        set.contains(first).then(|| {
            self.rest = rest;
            *first
        })
    }

    fn spaces(&mut self) {
        while self.one_of(b" ").is_some() {}
    }

    /// A number of 1 to `most` digits, and how many they are.
    fn number(&mut self, most: usize) -> Option<(u32, usize)> {
        let digits = self.rest.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        let value = number.iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0'));
        (digits > 0).then_some((value, digits))
    }

    fn time_of_day(&mut self) -> Option<NaiveTime> {
        let (mut hour, _) = self.number(2)?;
        self.one_of(b":")?;
        let (minute, _) = self.number(2)?;
        let (mut second, mut nano) = (0, 0);
        if self.one_of(b":").is_some() {
            (second, _) = self.number(2)?;
            if self.one_of(b".,").is_some() {
                nano = self.fraction()?;
            }
        }
        self.spaces();
        if let Some(half) = self.one_of(b"AaPp") {
            self.one_of(b"Mm")?;
            hour = match (hour, half) {
                (12, b'A' | b'a') => 0,
                (12, _) => 12,
                (1..=11, b'P' | b'p') => hour + 12,
                (1..=11, _) => hour,
                _ => return None,
            };
        }
        NaiveTime::from_hms_nano_opt(hour, minute, second, nano)
    }

    /// Nanoseconds from the digits behind the decimal point; further digits than nine are cut.
    fn fraction(&mut self) -> Option<u32> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        let padded = number.iter().copied().chain(std::iter::repeat(b'0')).take(9);
        (digits > 0).then(|| padded.fold(0, |value, byte| value * 10 + u32::from(byte - b'0')))
    }

    /// `Z`, `UTC`, `+01:00`, `+0100`, `+01` or nothing; the outer `None` means that something else stands here.
    #[expect(clippy::option_option, reason = "no offset is a valid answer, a broken one is not")]
    fn offset(&mut self) -> Option<Option<FixedOffset>> {
        if self.rest.is_empty() {
            return Some(None);
        }
        if matches!(self.rest, b"Z" | b"z" | b"UTC" | b"GMT") {
            self.rest = &[];
            return Some(FixedOffset::east_opt(0));
        }
        let sign = self.one_of(b"+-")?;
        let (hours, digits) = self.number(2)?;
        let _colon = self.one_of(b":");
        let minutes = if self.rest.is_empty() { 0 } else { self.number(2)?.0 };
        let seconds = i32::try_from(hours * 3_600 + minutes * 60).ok().filter(|_| digits == 2 && minutes < 60)?;
        FixedOffset::east_opt(if sign == b'-' { -seconds } else { seconds }).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn ns(rfc3339: &str) -> i64 {
        DateTime::parse_from_rfc3339(rfc3339).unwrap().timestamp_nanos_opt().unwrap()
    }

    fn read(text: &str, zone: &str) -> Result<i64, TimeTextError> {
        let zone = zone.parse().unwrap();
        let format = DateTimeFormat::detect([text].into_iter(), zone)
            .unwrap_or(DateTimeFormat { order: DateOrder::YearMonthDay, zone });
        format.parse(text, None).map(|moment| moment.time_ns)
    }

    #[test]
    fn common_forms() {
        for (text, zone, expected) in [
            ("2015-02-04T17:51:00Z", "Europe/Brussels", "2015-02-04T17:51:00Z"),
            ("2015-02-04 17:51:00", "Europe/Brussels", "2015-02-04T17:51:00+01:00"),
            ("2015-07-04 17:51:00", "Europe/Brussels", "2015-07-04T17:51:00+02:00"),
            ("2015-02-04T17:51:00.123456789+05:30", "UTC", "2015-02-04T17:51:00.123456789+05:30"),
            ("2015-02-04 17:51:00,5", "UTC", "2015-02-04T17:51:00.5Z"),
            ("2015-02-04 17:51", "UTC", "2015-02-04T17:51:00Z"),
            ("2015-02-04 17:51:00+01", "UTC", "2015-02-04T16:51:00Z"),
            ("2015-02-04 17:51:00 -0130", "UTC", "2015-02-04T19:21:00Z"),
            ("2015-02-04", "UTC", "2015-02-04T00:00:00Z"),
            ("2015/02/04 5:51 pm", "UTC", "2015-02-04T17:51:00Z"),
            ("04.02.2015 17:51", "UTC", "2015-02-04T17:51:00Z"),
            ("4.2.2015 7:51:09", "UTC", "2015-02-04T07:51:09Z"),
            ("02/04/2015", "UTC", "2015-02-04T00:00:00Z"),
            ("02/04/2015 12:05 AM", "UTC", "2015-02-04T00:05:00Z"),
            ("28/04/2015 12:05 PM", "UTC", "2015-04-28T12:05:00Z"),
            ("28-04-2015 00:00:00 UTC", "+02:00", "2015-04-28T00:00:00Z"),
            ("1969-12-31 23:59:59.999999999", "UTC", "1969-12-31T23:59:59.999999999Z"),
        ] {
            assert_eq!(read(text, zone), Ok(ns(expected)), "{text} in {zone}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "abc",
            "12:00",
            "2015",
            "2015-02",
            "15-02-04",
            "2015-02.04",
            "2015-02-04x",
            "2015-02-04 17",
            "1.2.3",
            "2015-02-04 17:51:00 CET",
            "2015-02-04T17:51:00+1",
        ] {
            assert!(matches!(read(text, "UTC"), Err(TimeTextError::Unknown(_))), "{text}: {:?}", read(text, "UTC"));
        }
        for text in ["2015-02-29", "2015-13-01 00:00", "31.02.2015"] {
            assert!(matches!(read(text, "UTC"), Err(TimeTextError::NoSuchDay(_))), "{text}: {:?}", read(text, "UTC"));
        }
        assert!(matches!(read("2500-01-01", "UTC"), Err(TimeTextError::Range(_))));
        assert!(matches!(read("2015-03-29 02:30", "Europe/Brussels"), Err(TimeTextError::Skipped { .. })));
    }

    #[test]
    fn one_large_number_settles_the_order_for_all() {
        let detect = |texts: &'static [&'static str]| {
            DateTimeFormat::detect(texts.iter().copied(), Zone::UTC).map(|format| format.order)
        };
        assert_eq!(detect(&["01/02/2015", "02/02/2015"]), Some(DateOrder::MonthDayYear));
        assert_eq!(detect(&["01/02/2015", "13/02/2015"]), Some(DateOrder::DayMonthYear));
        assert_eq!(detect(&["01.02.2015", "02.13.2015"]), Some(DateOrder::MonthDayYear));
        assert_eq!(detect(&["13/02/2015", "02/13/2015"]), None);
        assert_eq!(detect(&["2015-02-01", "13.02.2015"]), None);
        let format = DateTimeFormat { order: DateOrder::MonthDayYear, zone: Zone::UTC };
        assert!(matches!(format.parse("13/02/2015", None), Err(TimeTextError::Order(..))));
    }
}
