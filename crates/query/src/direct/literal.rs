//! Times and intervals in statements, read as DataFusion reads them.

use arrow::compute::kernels::cast_utils::{
    IntervalParseConfig, IntervalUnit, parse_interval_month_day_nano_config, string_to_datetime,
};
use chrono::Utc;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Interval, Value, ValueWithSpan};

use super::question::call;

const DAY_NS: i64 = 86_400_000_000_000;

/// The text of a literal.
pub(super) fn text(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => Some(text),
        _ => None,
    }
}

/// A point in time in nanoseconds: a text, or what `now()` is, moved by an interval or not.
pub(super) fn time(expression: &Expr, now_ns: i64) -> Option<i64> {
    match expression {
        Expr::BinaryOp { left, op: BinaryOperator::Minus, right } => now(left, now_ns)?.checked_sub(interval(right)?),
        Expr::BinaryOp { left, op: BinaryOperator::Plus, right } => now(left, now_ns)?.checked_add(interval(right)?),
        Expr::Function(_) => now(expression, now_ns),
        _ => string_to_datetime(&Utc, text(expression)?).ok()?.timestamp_nanos_opt(),
    }
}

fn now(expression: &Expr, now_ns: i64) -> Option<i64> {
    let (name, arguments) = call(expression)?;
    (name == "now" && arguments.is_empty()).then_some(now_ns)
}

/// The nanoseconds of an interval that has some and no months.
pub(super) fn interval(expression: &Expr) -> Option<i64> {
    let Expr::Interval(interval) = expression else { return None };
    let Interval {
        value,
        leading_field,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    } = interval
    else {
        return None;
    };
    let value = match value.as_ref() {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => text,
        Expr::Value(ValueWithSpan { value: Value::Number(number, false), .. }) => number,
        _ => return None,
    };
    let value = leading_field.as_ref().map_or_else(|| value.clone(), |unit| format!("{value} {unit}"));
    let second = IntervalParseConfig::new(IntervalUnit::Second);
    let parsed = parse_interval_month_day_nano_config(&value, second).ok().filter(|parsed| parsed.months == 0)?;
    let nanoseconds = i64::from(parsed.days).checked_mul(DAY_NS)?.checked_add(parsed.nanoseconds)?;
    (nanoseconds > 0).then_some(nanoseconds)
}
