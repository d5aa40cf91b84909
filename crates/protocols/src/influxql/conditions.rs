//! The time range that a condition asks for, and the rest of the condition.
//!
//! InfluxDB takes every comparison of `time` out of `WHERE`, wherever it stands, and reads what lies in all of them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;
use thiserror::Error;

use super::ast::{Binary, BinaryOperator, Expr, VarRef};

/// A time range; both ends belong to it, in nanoseconds, and are absent where nothing is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// The first moment.
    pub min_ns: Option<i64>,
    /// The last moment.
    pub max_ns: Option<i64>,
}

impl TimeRange {
    fn and(self, other: Self) -> Self {
        Self {
            min_ns: self.min_ns.into_iter().chain(other.min_ns).max(),
            max_ns: self.max_ns.into_iter().chain(other.max_ns).min(),
        }
    }
}

/// Why a condition has no meaning, in InfluxDB's words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConditionError {
    /// Something stands where a condition is wanted.
    #[error("invalid condition expression: {0}")]
    NoCondition(String),
    /// The time is compared with something else than a time.
    #[error("invalid operation: time and {0} are not compatible")]
    NoTime(&'static str),
    /// The time is compared in a way that gives no range.
    #[error("invalid time comparison operator: {0}")]
    Operator(&'static str),
    /// A text looks like a time and is none.
    #[error("invalid timestamp string")]
    Timestamp,
    /// A time that nanoseconds since 1970 do not reach.
    #[error("time {0} overflows time literal")]
    Overflow(String),
}

/// The time range of a condition and what is left of it. `now_ns` is what `now()` means; times without a zone are of `zone`.
pub fn time_range(
    condition: &Expr,
    now_ns: i64,
    zone: Option<Tz>,
) -> Result<(TimeRange, Option<Expr>), ConditionError> {
    let clock = Clock { now_ns, zone };
    let (range, rest) = clock.split(condition)?;
    let rest = match rest {
        Some(Expr::Paren(inner)) => Some(*inner),
        rest => rest,
    };
    Ok((range, rest.filter(|rest| *rest != Expr::Boolean(true))))
}

/// The moment that an expression without columns means: a text, a number of nanoseconds, `now()`, and sums of them.
pub fn moment(expr: &Expr, now_ns: i64, zone: Option<Tz>) -> Result<i64, ConditionError> {
    Clock { now_ns, zone }.moment(expr)
}

#[derive(Clone, Copy)]
struct Clock {
    now_ns: i64,
    zone: Option<Tz>,
}

impl Clock {
    fn split(self, condition: &Expr) -> Result<(TimeRange, Option<Expr>), ConditionError> {
        match condition {
            Expr::Binary(binary) => self.split_binary(binary),
            Expr::Paren(inner) => {
                let (range, rest) = self.split(inner)?;
                Ok((range, rest.map(|rest| Expr::Paren(Box::new(rest)))))
            }
            Expr::Boolean(_) => Ok((TimeRange::default(), Some(condition.clone()))),
            other => Err(ConditionError::NoCondition(other.to_string())),
        }
    }

    fn split_binary(self, binary: &Binary) -> Result<(TimeRange, Option<Expr>), ConditionError> {
        let Binary { op, left, right } = binary;
        if matches!(op, BinaryOperator::And | BinaryOperator::Or) {
            let ((first, left), (second, right)) = (self.split(left)?, self.split(right)?);
            let rest = match (left, right) {
                (Some(left), Some(right)) => Some(Expr::Binary(Box::new(Binary { op: *op, left, right }))),
                (left, right) => left.or(right),
            };
            return Ok((first.and(second), rest));
        }
        if is_time(left) {
            return Ok((self.range(*op, right)?, None));
        }
        if is_time(right) {
            return Ok((self.range(swapped(*op), left)?, None));
        }
        Ok((TimeRange::default(), Some(Expr::Binary(Box::new(binary.clone())))))
    }

    fn range(self, op: BinaryOperator, side: &Expr) -> Result<TimeRange, ConditionError> {
        let moment = self.moment(side)?;
        let (from, until) = match op {
            BinaryOperator::Greater => (Some(moment.saturating_add(1)), None),
            BinaryOperator::GreaterOrEqual => (Some(moment), None),
            BinaryOperator::Less => (None, Some(moment.saturating_sub(1))),
            BinaryOperator::LessOrEqual => (None, Some(moment)),
            BinaryOperator::Equal => (Some(moment), Some(moment)),
            other => return Err(ConditionError::Operator(other.as_str())),
        };
        Ok(TimeRange { min_ns: from, max_ns: until })
    }

    fn moment(self, expr: &Expr) -> Result<i64, ConditionError> {
        match expr {
            Expr::Integer(nanoseconds) | Expr::Duration(nanoseconds) => Ok(*nanoseconds),
            Expr::Number(nanoseconds) => Ok(*nanoseconds as i64),
            Expr::String(text) if looks_like_time(text) => parsed(text, self.zone),
            Expr::Call(call) if call.name == "now" && call.args.is_empty() => Ok(self.now_ns),
            Expr::Paren(inner) => self.moment(inner),
            Expr::Binary(binary) => {
                let no_time = ConditionError::NoTime("*influxql.BinaryExpr");
                let side = |side| self.moment(side).map_err(|_| no_time.clone());
                let (left, right) = (side(&binary.left)?, side(&binary.right)?);
                match binary.op {
                    BinaryOperator::Add => Ok(left.saturating_add(right)),
                    BinaryOperator::Subtract => Ok(left.saturating_sub(right)),
                    BinaryOperator::Multiply => Ok(left.saturating_mul(right)),
                    BinaryOperator::Divide => Ok(left.checked_div(right).unwrap_or(0)),
                    BinaryOperator::Modulo => Ok(left.checked_rem(right).unwrap_or(0)),
                    BinaryOperator::BitAnd => Ok(left & right),
                    BinaryOperator::BitOr => Ok(left | right),
                    BinaryOperator::BitXor => Ok(left ^ right),
                    _ => Err(no_time),
                }
            }
            Expr::String(_) => Err(ConditionError::NoTime("*influxql.StringLiteral")),
            Expr::Boolean(_) => Err(ConditionError::NoTime("*influxql.BooleanLiteral")),
            Expr::VarRef(_) => Err(ConditionError::NoTime("*influxql.VarRef")),
            Expr::Call(_) => Err(ConditionError::NoTime("*influxql.Call")),
            Expr::Regex(_) => Err(ConditionError::NoTime("*influxql.RegexLiteral")),
            Expr::Unsigned(_) => Err(ConditionError::NoTime("*influxql.UnsignedLiteral")),
            Expr::Distinct(_) => Err(ConditionError::NoTime("*influxql.Distinct")),
            Expr::Wildcard(_) => Err(ConditionError::NoTime("*influxql.Wildcard")),
        }
    }
}

fn is_time(expr: &Expr) -> bool {
    matches!(expr, Expr::VarRef(VarRef { name, .. }) if name.eq_ignore_ascii_case("time"))
}

/// The operator with its sides exchanged.
fn swapped(op: BinaryOperator) -> BinaryOperator {
    match op {
        BinaryOperator::Less => BinaryOperator::Greater,
        BinaryOperator::LessOrEqual => BinaryOperator::GreaterOrEqual,
        BinaryOperator::Greater => BinaryOperator::Less,
        BinaryOperator::GreaterOrEqual => BinaryOperator::LessOrEqual,
        other => other,
    }
}

/// Whether a text begins as a date does.
fn looks_like_time(text: &str) -> bool {
    let pattern = "dddd-dd-dd";
    text.len() >= pattern.len()
        && text.bytes().zip(pattern.bytes()).all(
            |(byte, wanted)| {
                if wanted == b'd' { byte.is_ascii_digit() } else { byte == wanted }
            },
        )
}

/// A date, a date with a time of the zone, or RFC 3339.
fn parsed(text: &str, zone: Option<Tz>) -> Result<i64, ConditionError> {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
        .ok()
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0));
    let moment: Option<DateTime<Utc>> = match (local, zone) {
        (Some(local), Some(zone)) => zone.from_local_datetime(&local).earliest().map(|time| time.to_utc()),
        (Some(local), None) => Some(Utc.from_utc_datetime(&local)),
        (None, _) => DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()),
    };
    let moment = moment.ok_or(ConditionError::Timestamp)?;
    let overflows = || ConditionError::Overflow(moment.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    moment.timestamp_nanos_opt().ok_or_else(overflows)
}

#[cfg(test)]
mod tests {
    use super::super::ast::Statement;
    use super::super::parse;
    use super::*;

    /// 2023-11-14T22:13:20Z.
    const NOW: i64 = 1_700_000_000_000_000_000;

    fn split(condition: &str, zone: Option<Tz>) -> Result<(Option<i64>, Option<i64>, String), String> {
        let statements = parse(&format!("SELECT a FROM m WHERE {condition}")).unwrap();
        let [Statement::Select(select)] = &statements[..] else { panic!("{condition}") };
        let split = time_range(select.condition.as_ref().unwrap(), NOW, zone);
        let (range, rest) = split.map_err(|error| error.to_string())?;
        Ok((range.min_ns, range.max_ns, rest.map(|rest| rest.to_string()).unwrap_or_default()))
    }

    /// Ranges that influxd 1.6.7 tells by the time of a count.
    #[test]
    fn time_is_taken_out_of_conditions() {
        let cases = [
            ("time > 5 * 2", Some(11), None, ""),
            ("time > 5 % 3", Some(3), None, ""),
            ("time > 5.7", Some(6), None, ""),
            ("5 < time", Some(6), None, ""),
            ("time > -1h", Some(1 - 3_600_000_000_000), None, ""),
            ("time > now() - 1h AND time <= now()", Some(NOW - 3_599_999_999_999), Some(NOW), ""),
            ("time = 7 AND h = 'a'", Some(7), Some(7), "h = 'a'"),
            ("(time >= 7 OR h = 'a') AND (b > 1 OR c < 2)", Some(7), None, "(h = 'a') AND (b > 1 OR c < 2)"),
            ("time > '2023-11-14' - 1h", Some(1_699_916_400_000_000_001), None, ""),
            ("time >= '2023-11-14T22:13:20.5+02:00'", Some(1_699_992_800_500_000_000), None, ""),
            ("(true)", None, None, ""),
            ("h = 'a'", None, None, "h = 'a'"),
        ];
        for (condition, min, max, rest) in cases {
            assert_eq!(split(condition, None), Ok((min, max, rest.to_owned())), "{condition}");
        }
        let helsinki = split("time >= '2023-11-15 00:13:20'", Some(Tz::Europe__Helsinki));
        assert_eq!(helsinki, Ok((Some(NOW), None, String::new())));
    }

    /// Errors of influxd 1.6.7.
    #[test]
    fn what_has_no_meaning_is_said_as_influxdb_says_it() {
        let cases = [
            ("time > '2000-13-99'", "invalid timestamp string"),
            ("time > '2400-01-01'", "time 2400-01-01T00:00:00Z overflows time literal"),
            ("time != 5", "invalid time comparison operator: !="),
            ("time =~ /x/", "invalid operation: time and *influxql.RegexLiteral are not compatible"),
            ("time > true", "invalid operation: time and *influxql.BooleanLiteral are not compatible"),
            ("time > 'x'", "invalid operation: time and *influxql.StringLiteral are not compatible"),
            ("time > now() + 'x'", "invalid operation: time and *influxql.BinaryExpr are not compatible"),
            ("time > temperature", "invalid operation: time and *influxql.VarRef are not compatible"),
            ("time > 9223372036854775808", "invalid operation: time and *influxql.UnsignedLiteral are not compatible"),
            ("room = 'hall' AND temperature", "invalid condition expression: temperature"),
            ("5", "invalid condition expression: 5"),
        ];
        for (condition, message) in cases {
            assert_eq!(split(condition, None), Err(message.to_owned()), "{condition}");
        }
    }
}
