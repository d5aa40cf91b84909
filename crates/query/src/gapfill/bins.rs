//! Where bins begin.

use arrow::array::timezone::Tz;
use arrow::datatypes::TimestampNanosecondType;

/// The average month of the calendar, in nanoseconds.
const MONTH_NS: i128 = 2_629_746_000_000_000;

/// How long a bin is; more than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// Nanoseconds.
    Nanos(i64),
    /// Months of the calendar, in UTC.
    Months(i32),
}

/// The bins of a range of time. Bin n begins n steps after the origin, as `date_bin` has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Bins {
    step: Step,
    origin_ns: i64,
    /// The number of the first one.
    first: i128,
    /// None begins after this time.
    until_ns: i64,
}

impl Bins {
    /// The bins that hold the times from one to another, both included; none when the second is before the first.
    pub(super) fn over(step: Step, origin_ns: i64, from_ns: i64, until_ns: i64) -> Self {
        let distance = i128::from(from_ns) - i128::from(origin_ns);
        let mut bins = Self { step, origin_ns, first: 0, until_ns };
        bins.first = match step {
            Step::Nanos(step) => distance.div_euclid(i128::from(step).max(1)),
            Step::Months(months) => {
                let about = distance.div_euclid(i128::from(months).max(1) * MONTH_NS);
                let is_before = |number: &i128| bins.start(*number).is_some_and(|start| start <= from_ns);
                (about - 2..=about + 2).rev().find(is_before).unwrap_or(i128::MAX)
            }
        };
        if until_ns < from_ns {
            bins.first = i128::MAX;
        }
        bins
    }

    /// When a bin begins; `None` outside of what a time can hold.
    fn start(&self, number: i128) -> Option<i64> {
        match self.step {
            Step::Nanos(step) => {
                let distance = number.checked_mul(i128::from(step))?;
                i64::try_from(distance.checked_add(i128::from(self.origin_ns))?).ok()
            }
            Step::Months(months) => {
                let months = i32::try_from(number.checked_mul(i128::from(months))?).ok()?;
                TimestampNanosecondType::add_year_months(self.origin_ns, months, "+00:00".parse::<Tz>().ok()?)
            }
        }
    }

    /// When each begins, from the first on.
    pub(super) fn starts(&self) -> Starts {
        let mut starts = Starts { bins: self.clone(), number: self.first, next: None };
        starts.look();
        starts
    }
}

/// The beginnings of bins, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Starts {
    bins: Bins,
    number: i128,
    next: Option<i64>,
}

impl Starts {
    /// The next one.
    pub(super) fn peek(&self) -> Option<i64> {
        self.next
    }

    /// Goes on to the one after the next.
    pub(super) fn advance(&mut self) {
        self.number = self.number.saturating_add(1);
        self.look();
    }

    fn look(&mut self) {
        self.next = self.bins.start(self.number).filter(|start| *start <= self.bins.until_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000_000;

    fn starts(step: Step, origin: i64, from: i64, until: i64) -> Vec<i64> {
        let mut starts = Bins::over(step, origin, from, until).starts();
        std::iter::from_fn(|| {
            let next = starts.peek();
            starts.advance();
            next
        })
        .collect()
    }

    #[test]
    fn bins_hold_the_first_and_the_last_time() {
        assert_eq!(starts(Step::Nanos(10), 0, 25, 50), [20, 30, 40, 50]);
        assert_eq!(starts(Step::Nanos(10), 0, 20, 49), [20, 30, 40]);
        assert_eq!(starts(Step::Nanos(10), 3, 2, 14), [-7, 3, 13]);
        assert_eq!(starts(Step::Nanos(10), 0, -25, -5), [-30, -20, -10]);
        assert_eq!(starts(Step::Nanos(10), 0, 25, 24), [0_i64; 0]);
        assert_eq!(starts(Step::Nanos(i64::MAX), 0, 25, i64::MAX), [0, i64::MAX]);
        assert_eq!(starts(Step::Nanos(1), i64::MAX, i64::MIN, i64::MIN + 1), [i64::MIN, i64::MIN + 1]);
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        let days = |from: i64, until: i64, months: i32, origin: i64| -> Vec<i64> {
            let starts = starts(Step::Months(months), origin * DAY, from * DAY, until * DAY);
            starts.into_iter().map(|start| start / DAY).collect()
        };
        // 1970-01-01 and on: 31, 28, 31, 30 days.
        assert_eq!(days(10, 95, 1, 0), [0, 31, 59, 90]);
        assert_eq!(days(31, 89, 1, 0), [31, 59]);
        assert_eq!(days(400, 1_200, 12, 0), [365, 730, 1_096]);
        assert_eq!(days(-20, 5, 1, 0), [-31, 0]);
        // From the 31st of January: the last day of each shorter month.
        assert_eq!(days(30, 120, 1, 30), [30, 58, 89, 119]);
        // Half a century of months is counted without being gone through.
        assert_eq!(days(18_262, 18_262, 1, 0), [18_262]);
    }
}
