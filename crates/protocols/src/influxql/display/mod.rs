//! Statements as text: InfluxDB's own spelling of them, with numbers in full.

mod statements;

use std::fmt;

use super::ast::{
    BinaryOperator, DataType, Dimension, Expr, Field, Fill, Measurement, MeasurementName, Select, Source, VarRef,
    Wildcard,
};
use super::token::Token;

impl BinaryOperator {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::And => "AND",
            Self::Or => "OR",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        }
    }
}

impl DataType {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::AnyField => "field",
            Self::Tag => "tag",
        }
    }
}

/// A name, in quotes where it needs them.
struct Identifier<'a>(&'a str);

impl fmt::Display for Identifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = self.0.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && self.0.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && Token::of_word(self.0) == Token::Identifier;
        if is_plain {
            return f.write_str(self.0);
        }
        write!(f, "\"{}\"", Escaped(self.0))
    }
}

/// What stands between the quotes of a name.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
    }
}

/// Names with dots between them.
pub(super) struct Segments<'a>(pub(super) &'a [String]);

impl fmt::Display for Segments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((last, before)) = self.0.split_last() else { return Ok(()) };
        for segment in before {
            match segment.as_str() {
                "" => f.write_str(".")?,
                segment => write!(f, "\"{}\".", Escaped(segment))?,
            }
        }
        Identifier(last).fmt(f)
    }
}

impl fmt::Display for VarRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Identifier(&self.name).fmt(f)?;
        match self.data_type {
            Some(data_type) => write!(f, "::{}", data_type.as_str()),
            None => Ok(()),
        }
    }
}

/// A duration in the largest unit that divides it.
pub(super) struct Duration(pub(super) i64);

/// A number with as many digits as it takes, three of them at least.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = format!("{:.3}", self.0);
        if short.parse() == Ok(self.0) { f.write_str(&short) } else { write!(f, "{}", self.0) }
    }
}

/// A text in quotes.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
    }
}

/// A regular expression between its slashes.
struct Pattern<'a>(&'a str);

impl fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.0.replace('/', "\\/"))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units: [(i64, &str); 7] = [
            (604_800_000_000_000, "w"),
            (86_400_000_000_000, "d"),
            (3_600_000_000_000, "h"),
            (60_000_000_000, "m"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "u"),
        ];
        if self.0 == 0 {
            return f.write_str("0s");
        }
        match units.iter().find(|(length, _)| self.0 % length == 0) {
            Some((length, unit)) => write!(f, "{}{unit}", self.0 / length),
            None => write!(f, "{}ns", self.0),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VarRef(var) => var.fmt(f),
            Self::Call(call) => {
                match &*call.name {
                    "distinct" => f.write_str("distinct")?,
                    name => Identifier(name).fmt(f)?,
                }
                f.write_str("(")?;
                list(f, &call.args)?;
                f.write_str(")")
            }
            Self::Distinct(name) => write!(f, "DISTINCT {}", Identifier(name)),
            Self::Binary(binary) => write!(f, "{} {} {}", binary.left, binary.op.as_str(), binary.right),
            Self::Paren(inner) => write!(f, "({inner})"),
            Self::Wildcard(Wildcard::All) => f.write_str("*"),
            Self::Wildcard(Wildcard::Fields) => f.write_str("*::field"),
            Self::Wildcard(Wildcard::Tags) => f.write_str("*::tag"),
            Self::Regex(pattern) => Pattern(pattern).fmt(f),
            Self::Number(number) => Number(*number).fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Unsigned(number) => number.fmt(f),
            Self::String(text) => Quoted(text).fmt(f),
            Self::Boolean(truth) => truth.fmt(f),
            Self::Duration(nanoseconds) => Duration(*nanoseconds).fmt(f),
        }
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)?;
        match &self.alias {
            Some(alias) => write!(f, " AS {}", Identifier(alias)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(database) = &self.database {
            write!(f, "{}.", Identifier(database))?;
        }
        if let Some(policy) = &self.retention_policy {
            Identifier(policy).fmt(f)?;
        }
        if self.database.is_some() || self.retention_policy.is_some() {
            f.write_str(".")?;
        }
        match &self.name {
            MeasurementName::Name(name) => Identifier(name).fmt(f),
            MeasurementName::Regex(pattern) => Pattern(pattern).fmt(f),
            MeasurementName::Same => f.write_str(":MEASUREMENT"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measurement(measurement) => measurement.fmt(f),
            Self::SubQuery(select) => write!(f, "({select})"),
        }
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT ")?;
        list(f, &self.fields)?;
        if let Some(target) = &self.target {
            write!(f, " INTO {target}")?;
        }
        f.write_str(" FROM ")?;
        list(f, &self.sources)?;
        if let Some(condition) = &self.condition {
            write!(f, " WHERE {condition}")?;
        }
        if !self.dimensions.is_empty() {
            f.write_str(" GROUP BY ")?;
            list(f, &self.dimensions)?;
        }
        match &self.fill {
            Fill::Null => (),
            Fill::None => f.write_str(" fill(none)")?,
            Fill::Previous => f.write_str(" fill(previous)")?,
            Fill::Linear => f.write_str(" fill(linear)")?,
            Fill::Float(number) => write!(f, " fill({})", Number(*number))?,
            Fill::Integer(number) => write!(f, " fill({number})")?,
        }
        order(f, self.ascending)?;
        limits(f, [self.limit, self.offset, self.series_limit, self.series_offset])?;
        match self.zone {
            Some(zone) => write!(f, " TZ('{zone}')"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}

fn order(f: &mut fmt::Formatter<'_>, ascending: Option<bool>) -> fmt::Result {
    match ascending {
        Some(ascending) => write!(f, " ORDER BY time {}", if ascending { "ASC" } else { "DESC" }),
        None => Ok(()),
    }
}

/// `LIMIT`, `OFFSET`, `SLIMIT` and `SOFFSET`; 0 is not written.
fn limits(f: &mut fmt::Formatter<'_>, counts: [usize; 4]) -> fmt::Result {
    let words = ["LIMIT", "OFFSET", "SLIMIT", "SOFFSET"];
    words
        .into_iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .try_for_each(|(word, count)| write!(f, " {word} {count}"))
}
