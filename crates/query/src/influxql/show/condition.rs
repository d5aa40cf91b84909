//! Conditions of `SHOW`, which are about the tags of series.
//!
//! As in InfluxDB, a comparison of a field holds for every series, because no values are read.

use regex::Regex;
use sensorium_model::{ColumnKind, TableSchema};
use sensorium_protocols::influxql::conditions::time_range;
use sensorium_protocols::influxql::{BinaryOperator, Expr, VarRef};

use super::super::{Context, meaning};
use super::compiled;
use super::known::KnownSeries;
use crate::error::QueryError;

/// What stands for the measurement in a condition.
const MEASUREMENT: &str = "_name";

/// A condition that can be asked of series.
pub(super) struct Condition {
    rest: Option<Node>,
    /// The earliest moment that is asked for, in nanoseconds.
    min_ns: Option<i64>,
    /// Whether it says anything of time.
    pub(super) is_on_time: bool,
}

/// A condition without the time.
pub(super) enum Node {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    /// Holds, or not, for all.
    Always(bool),
    /// Two sides are the same, or not.
    Same {
        left: Side,
        right: Side,
        is_equal: bool,
    },
    /// A tag matches, or not.
    Matches {
        tag: String,
        pattern: Regex,
        is_match: bool,
    },
    /// Something that cannot be asked, which is an error only where it is asked.
    Wrong(String),
}

/// A side of a comparison.
pub(super) enum Side {
    /// A tag, or a field.
    Name(String),
    /// A text.
    Text(String),
}

impl Condition {
    pub(super) fn new(context: Context<'_>, condition: Option<&Expr>) -> Result<Self, QueryError> {
        let Some(condition) = condition else { return Ok(Self { rest: None, min_ns: None, is_on_time: false }) };
        let split = time_range(condition, context.request.now_ns, None);
        let (range, rest) = split.map_err(|error| meaning(error.to_string()))?;
        let rest = rest.as_ref().map(node).transpose()?;
        Ok(Self { rest, min_ns: range.min_ns, is_on_time: range.min_ns.or(range.max_ns).is_some() })
    }

    /// The condition without the time.
    pub(super) fn rest(&self) -> Option<&Node> {
        self.rest.as_ref()
    }

    /// The series of a table that satisfy it.
    pub(super) fn of(&self, known: &KnownSeries<'_>) -> Result<Vec<usize>, QueryError> {
        let mut satisfying = Vec::new();
        for series in 0..known.len() {
            let in_time = self.min_ns.is_none_or(|min| known.newest_ns(series) >= min);
            if in_time && self.rest.as_ref().map_or(Ok(true), |node| holds(node, known, series))? {
                satisfying.push(series);
            }
        }
        Ok(satisfying)
    }
}

/// A condition that can be asked; it is no deeper than the parser lets an expression be.
fn node(condition: &Expr) -> Result<Node, QueryError> {
    let Expr::Binary(binary) = condition else {
        return Ok(match condition {
            Expr::Paren(inner) => node(inner)?,
            Expr::Boolean(truth) => Node::Always(*truth),
            _ => Node::Always(true),
        });
    };
    let both = || Ok::<_, QueryError>((Box::new(node(&binary.left)?), Box::new(node(&binary.right)?)));
    let op = binary.op;
    match op {
        BinaryOperator::And => both().map(|(left, right)| Node::And(left, right)),
        BinaryOperator::Or => both().map(|(left, right)| Node::Or(left, right)),
        BinaryOperator::Matches | BinaryOperator::MatchesNot => match (&binary.left, &binary.right) {
            (Expr::VarRef(VarRef { name, .. }), Expr::Regex(pattern)) => {
                let (tag, pattern) = (name.clone(), compiled(pattern)?);
                Ok(Node::Matches { tag, pattern, is_match: op == BinaryOperator::Matches })
            }
            _ => Ok(Node::Wrong(format!("left side of '{}' must be a tag key", op.as_str()))),
        },
        BinaryOperator::Equal | BinaryOperator::NotEqual => match (side(&binary.left), side(&binary.right)) {
            (Some(left), Some(right)) => Ok(Node::Same { left, right, is_equal: op == BinaryOperator::Equal }),
            _ => Ok(Node::Always(true)),
        },
        _ => Ok(Node::Wrong("invalid tag comparison operator".to_owned())),
    }
}

fn side(expr: &Expr) -> Option<Side> {
    match expr {
        Expr::VarRef(VarRef { name, .. }) => Some(Side::Name(name.clone())),
        Expr::String(text) => Some(Side::Text(text.clone())),
        Expr::Paren(inner) => side(inner),
        _ => None,
    }
}

fn is_field(schema: &TableSchema, name: &str) -> bool {
    matches!(schema.kind(name), Some(ColumnKind::Field(_)))
}

fn holds(node: &Node, known: &KnownSeries<'_>, series: usize) -> Result<bool, QueryError> {
    let value = |name: &str| if name == MEASUREMENT { known.measurement } else { known.tag(series, name) };
    Ok(match node {
        Node::And(left, right) => holds(left, known, series)? & holds(right, known, series)?,
        Node::Or(left, right) => holds(left, known, series)? | holds(right, known, series)?,
        Node::Always(truth) => *truth,
        Node::Same { left, right, is_equal } => {
            let mut is_on_field = false;
            let [left, right] = [left, right].map(|side| match side {
                Side::Name(name) => {
                    is_on_field |= is_field(known.schema, name);
                    value(name)
                }
                Side::Text(text) => text.as_str(),
            });
            is_on_field || (left == right) == *is_equal
        }
        Node::Matches { tag, pattern, is_match } => {
            is_field(known.schema, tag) || pattern.is_match(value(tag)) == *is_match
        }
        Node::Wrong(reason) => return Err(meaning(reason.clone())),
    })
}

/// Whether a measurement as a whole satisfies a condition, as InfluxDB asks it for `SHOW MEASUREMENTS`: it has the tag, and a
/// positive comparison holds for one of its values, or a negative one for all.
pub(super) fn measurement_holds(node: &Node, known: &KnownSeries<'_>) -> Result<bool, QueryError> {
    let of_values = |tag: &str, is_positive: bool, is_wanted: &dyn Fn(&str) -> bool| {
        if tag == MEASUREMENT {
            return is_wanted(known.measurement) == is_positive;
        }
        let mut values =
            (0..known.len()).map(|series| known.tag(series, tag)).filter(|value| !value.is_empty()).peekable();
        values.peek().is_some() && values.any(is_wanted) == is_positive
    };
    let with_tag = |reason: &str| Err(meaning(reason));
    match node {
        Node::And(left, right) => Ok(measurement_holds(left, known)? & measurement_holds(right, known)?),
        Node::Or(left, right) => Ok(measurement_holds(left, known)? | measurement_holds(right, known)?),
        Node::Always(_) => with_tag("right side of '=' must be a tag value string"),
        Node::Same { left: Side::Name(tag), right: Side::Text(text), is_equal } => {
            Ok(of_values(tag, *is_equal, &|value| value == text))
        }
        Node::Same { left: Side::Name(_), .. } => with_tag("right side of '=' must be a tag value string"),
        Node::Same { .. } => with_tag("left side of '=' must be a tag key"),
        Node::Matches { tag, pattern, is_match } => Ok(of_values(tag, *is_match, &|value| pattern.is_match(value))),
        Node::Wrong(reason) => with_tag(reason),
    }
}
