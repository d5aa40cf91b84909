//! What a rollup is: aggregates of fields over windows of time.

use std::fmt;

use sensorium_model::names::MAX_NAME_BYTES;
use sensorium_model::time::{NANOS_PER_DAY, NANOS_PER_SECOND};
use sensorium_model::{ColumnKind, FieldType, Name, TableSchema};
use serde::{Deserialize, Serialize};

use super::spans::Span;

const SECONDS_PER_DAY: u64 = 86_400;

/// The longest window, in seconds.
pub(crate) const MAX_INTERVAL_SECONDS: u64 = 366 * SECONDS_PER_DAY;

/// What is kept of the values of a field in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The mean, as a double.
    Mean,
    /// The sum, in the field's type; one that is too large for it is the largest of that type.
    Sum,
    /// How many there are, as a signed integer.
    Count,
    /// The earliest.
    First,
    /// The latest.
    Last,
}

impl Aggregate {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Min, Self::Max, Self::Mean, Self::Sum, Self::Count, Self::First, Self::Last];

    /// The word that stands behind the field's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::Count => "count",
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// The type of the result for a field of numbers.
    pub(crate) fn of(self, field: FieldType) -> FieldType {
        match self {
            Self::Mean => FieldType::F64,
            Self::Count => FieldType::I64,
            Self::Min | Self::Max | Self::Sum | Self::First | Self::Last => field,
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A table that is computed from another one of the same database: for each series and window with readings one row, at the
/// window's start, with the same tags and a field `<field>_<aggregate>` for each aggregate of each field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollup {
    /// The table that is computed; it names the rollup.
    pub target: Name,
    /// The table that it is computed from.
    pub source: Name,
    /// The length of a window, in seconds: a divisor of a day, or whole days. Windows are counted from 1970-01-01 UTC.
    pub interval_seconds: u64,
    /// What is kept, at least one.
    pub aggregates: Vec<Aggregate>,
    /// Of these fields; of all that are numbers, also of those to come, if none is named.
    pub fields: Vec<Name>,
}

/// A field of a rollup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResultColumn {
    /// The field of the source.
    pub(crate) field: Name,
    pub(crate) field_type: FieldType,
    pub(crate) aggregate: Aggregate,
    /// The name in the target.
    pub(crate) name: Name,
}

impl Rollup {
    /// Whether windows of this length line up with days.
    pub(crate) fn is_interval(seconds: u64) -> bool {
        (1..=MAX_INTERVAL_SECONDS).contains(&seconds)
            && (SECONDS_PER_DAY.is_multiple_of(seconds) || seconds.is_multiple_of(SECONDS_PER_DAY))
    }

    /// The length of a window.
    pub(crate) fn interval_ns(&self) -> i64 {
        i64::try_from(self.interval_seconds).unwrap_or(i64::MAX).saturating_mul(NANOS_PER_SECOND).max(1)
    }

    /// The start of the window that a time lies in.
    pub(crate) fn window_of(&self, time_ns: i64) -> i64 {
        time_ns.saturating_sub(time_ns.rem_euclid(self.interval_ns()))
    }

    /// The windows that the times between two, both included, lie in.
    pub(crate) fn windows(&self, time_min_ns: i64, time_max_ns: i64) -> Span {
        Span::new(self.window_of(time_min_ns), self.window_of(time_max_ns).saturating_add(self.interval_ns()))
    }

    /// The start of the first window that has no time before this one.
    pub(crate) fn first_from(&self, time_ns: i64) -> i64 {
        let start = self.window_of(time_ns);
        if start < time_ns { start.saturating_add(self.interval_ns()) } else { start }
    }

    /// Whether a field is rolled up, if it is of numbers.
    fn wants(&self, field: &str) -> bool {
        self.fields.is_empty() || self.fields.iter().any(|wanted| wanted.as_ref() == field)
    }

    /// The fields of the rollup of a table with these columns. Those are left out whose name would be too long or that of a
    /// tag.
    pub(crate) fn results(&self, source: &TableSchema) -> Vec<ResultColumn> {
        self.wanted(source).into_iter().filter(|result| result.obstacle(source).is_none()).collect()
    }

    /// The same, with those that are left out.
    pub(crate) fn wanted(&self, source: &TableSchema) -> Vec<ResultColumn> {
        let fields = source.fields().filter(|(name, kind)| is_number(*kind) && self.wants(name));
        let results = fields.flat_map(|(field, field_type)| {
            self.aggregates.iter().map(move |aggregate| ResultColumn {
                field: field.clone(),
                field_type,
                aggregate: *aggregate,
                name: format!("{field}_{aggregate}").into(),
            })
        });
        results.collect()
    }
}

impl ResultColumn {
    /// Why the column cannot be.
    pub(crate) fn obstacle(&self, source: &TableSchema) -> Option<&'static str> {
        if self.name.len() > MAX_NAME_BYTES {
            return Some("would have a name of more than 255 bytes");
        }
        (source.kind(&self.name) == Some(ColumnKind::Tag)).then_some("has the name of a tag of the table")
    }
}

/// Whether values of the type are rolled up.
pub(crate) fn is_number(field: FieldType) -> bool {
    matches!(field, FieldType::F64 | FieldType::I64 | FieldType::U64)
}

/// Whether the start of windows of this length may be moved to the next day.
pub(crate) fn divides_a_day(interval_ns: i64) -> bool {
    interval_ns > 0 && interval_ns < NANOS_PER_DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollup(interval_seconds: u64) -> Rollup {
        let aggregates = vec![Aggregate::Min, Aggregate::Count];
        Rollup { target: "t_1m".into(), source: "t".into(), interval_seconds, aggregates, fields: Vec::new() }
    }

    #[test]
    fn windows_line_up_with_days() {
        for good in [1, 2, 60, 900, 3_600, 86_400, 7 * 86_400, 366 * 86_400] {
            assert!(Rollup::is_interval(good), "{good}");
        }
        for bad in [0, 7, 7 * 60, 86_401, 36 * 3_600, 367 * 86_400] {
            assert!(!Rollup::is_interval(bad), "{bad}");
        }
    }

    #[test]
    fn times_before_the_epoch_lie_in_windows_too() {
        let minute = rollup(60);
        let ns = 60 * NANOS_PER_SECOND;
        assert_eq!((minute.window_of(-1), minute.window_of(0), minute.window_of(ns)), (-ns, 0, ns));
        assert_eq!(minute.windows(-1, 0), Span::new(-ns, ns));
        assert_eq!((minute.first_from(0), minute.first_from(1), minute.first_from(-1)), (0, ns, 0));
        assert_eq!(minute.window_of(i64::MIN), i64::MIN);
        assert_eq!(minute.windows(i64::MAX, i64::MAX).end, i64::MAX);
    }

    #[test]
    fn numbers_are_rolled_up_and_names_do_not_clash_with_tags() {
        let mut schema = TableSchema::default();
        for (name, kind) in [
            ("a", ColumnKind::Field(FieldType::F64)),
            ("b", ColumnKind::Field(FieldType::Text)),
            ("c", ColumnKind::Field(FieldType::U64)),
            ("c_min", ColumnKind::Tag),
        ] {
            schema.add(name.into(), kind).unwrap();
        }
        schema.add("x".repeat(251).into(), ColumnKind::Field(FieldType::I64)).unwrap();
        let names = |rollup: Rollup| {
            rollup.results(&schema).into_iter().map(|result| result.name.to_string()).collect::<Vec<_>>()
        };
        let long = "x".repeat(251) + "_min";
        assert_eq!(names(rollup(60)), ["a_min", "a_count", "c_count", long.as_str()]);
        assert_eq!(names(Rollup { fields: vec!["c".into(), "b".into()], ..rollup(60) }), ["c_count"]);
    }
}
