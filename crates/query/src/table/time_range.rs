//! The times that a predicate leaves possible, for leaving out whole sources.

use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use sensorium_model::names::TIME_COLUMN;

/// Times from `min` to `max`, both included, in nanoseconds; empty when `min > max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeRange {
    pub(crate) min: i64,
    pub(crate) max: i64,
}

impl TimeRange {
    pub(crate) const ALL: Self = Self { min: i64::MIN, max: i64::MAX };
    const NONE: Self = Self { min: i64::MAX, max: i64::MIN };

    /// The times that satisfy all of the predicates, or more: what is not understood is ignored.
    pub(crate) fn of(filters: &[Expr]) -> Self {
        Self::of_column(filters, &|column| column.name == TIME_COLUMN)
    }

    /// The same for the column that is told by `is_time`.
    pub(crate) fn of_column(filters: &[Expr], is_time: &dyn Fn(&Column) -> bool) -> Self {
        filters.iter().fold(Self::ALL, |range, filter| range.and(of_expression(filter, is_time)))
    }

    /// Whether a source with these first and last times may hold a matching row.
    pub(crate) fn overlaps(self, min: i64, max: i64) -> bool {
        self.min <= self.max && min <= self.max && max >= self.min
    }

    /// The part of so many rows that these times have, if the rows lie evenly between `min` and `max`.
    pub(crate) fn share(self, rows: u64, (min, max): (i64, i64)) -> u128 {
        let span = |min: i64, max: i64| u128::from(max.abs_diff(min)) + 1;
        let (from, to) = (self.min.max(min), self.max.min(max));
        if from > to { 0 } else { (u128::from(rows) * span(from, to)).div_ceil(span(min, max)) }
    }

    fn is_empty(self) -> bool {
        self.min > self.max
    }

    /// The times in both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { min: self.min.max(other.min), max: self.max.min(other.max) }
    }

    fn or(self, other: Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self { min: self.min.min(other.min), max: self.max.max(other.max) },
        }
    }

    /// The times that stand in such a relation to one.
    pub(crate) fn compared(operator: Operator, time: i64) -> Self {
        match operator {
            Operator::Eq => Self { min: time, max: time },
            Operator::Lt => time.checked_sub(1).map_or(Self::NONE, |max| Self { max, ..Self::ALL }),
            Operator::LtEq => Self { max: time, ..Self::ALL },
            Operator::Gt => time.checked_add(1).map_or(Self::NONE, |min| Self { min, ..Self::ALL }),
            Operator::GtEq => Self { min: time, ..Self::ALL },
            _ => Self::ALL,
        }
    }
}

fn of_expression(expression: &Expr, is_time: &dyn Fn(&Column) -> bool) -> TimeRange {
    let of = |expression: &Expr| of_expression(expression, is_time);
    let is_time = |expression: &Expr| matches!(expression, Expr::Column(column) if is_time(column));
    match expression {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => of(left).and(of(right)),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => of(left).or(of(right)),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            if let (true, Some(time)) = (is_time(left), literal(right)) {
                TimeRange::compared(*op, time)
            } else if let (Some(time), true, Some(op)) = (literal(left), is_time(right), op.swap()) {
                TimeRange::compared(op, time)
            } else {
                TimeRange::ALL
            }
        }
        Expr::Between(Between { expr, negated: false, low, high }) if is_time(expr) => {
            TimeRange { min: literal(low).unwrap_or(i64::MIN), max: literal(high).unwrap_or(i64::MAX) }
        }
        Expr::InList(InList { expr, list, negated: false }) if is_time(expr) => {
            list.iter().fold(TimeRange::NONE, |range, item| {
                range.or(literal(item).map_or(TimeRange::ALL, |time| TimeRange::compared(Operator::Eq, time)))
            })
        }
        Expr::Alias(alias) => of(&alias.expr),
        Expr::Literal(ScalarValue::Boolean(Some(false)), _) => TimeRange::NONE,
        _ => TimeRange::ALL,
    }
}

/// A point in time in nanoseconds; the planner has brought literals to the column's type where that is exact.
fn literal(expression: &Expr) -> Option<i64> {
    match expression {
        Expr::Literal(ScalarValue::TimestampNanosecond(Some(time), _), _) => Some(*time),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};

    use super::*;

    fn at(time: i64) -> Expr {
        lit(ScalarValue::TimestampNanosecond(Some(time), Some("UTC".into())))
    }

    fn range(filter: Expr) -> (i64, i64) {
        let range = TimeRange::of(&[filter]);
        (range.min, range.max)
    }

    #[test]
    fn comparisons_bound_the_range() {
        assert_eq!(range(col("time").gt(at(5)).and(col("time").lt_eq(at(9)))), (6, 9));
        assert_eq!(range(at(5).lt(col("time"))), (6, i64::MAX));
        assert_eq!(range(col("time").eq(at(5))), (5, 5));
        assert_eq!(range(col("time").between(at(1), at(3))), (1, 3));
        assert_eq!(range(col("time").in_list(vec![at(4), at(2)], false)), (2, 4));
        assert_eq!(range(col("time").eq(at(1)).or(col("time").eq(at(7)))), (1, 7));
    }

    #[test]
    fn what_is_not_understood_leaves_every_time_possible() {
        let all = (i64::MIN, i64::MAX);
        assert_eq!(range(col("other").gt(at(5))), all);
        assert_eq!(range(col("time").not_eq(at(5))), all);
        assert_eq!(range(col("time").gt(at(5)).or(col("a").eq(lit(1)))), all);
        assert_eq!(range(col("time").in_list(vec![at(4)], true)), all);
        assert_eq!(range(Expr::Not(Box::new(col("time").gt(at(5))))), all);
    }

    #[test]
    fn contradictions_leave_nothing() {
        let range = TimeRange::of(&[col("time").gt(at(5)), col("time").lt(at(3))]);
        assert!(!range.overlaps(i64::MIN, i64::MAX));
        assert!(!TimeRange::of(&[col("time").gt(at(i64::MAX))]).overlaps(i64::MIN, i64::MAX));
        assert!(TimeRange::of(&[col("time").gt(at(5))]).overlaps(0, 6));
        assert!(!TimeRange::of(&[col("time").gt(at(5))]).overlaps(0, 5));
    }
}
