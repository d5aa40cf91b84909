//! A `SELECT` after its names and types are known.
//!
//! Expressions know columns and calls by their number: [`Plan::columns`] are what is read of each row of a source,
//! [`Plan::calls`] what is made of many rows.

use std::sync::Arc;

use sensorium_model::{ColumnKind, DatabaseKey, FieldType, Name, TableSchema};

use super::super::Cell;
use super::value::Node;
use super::window::{Bounds, Windows};

/// The type of a column or of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    Integer,
    Unsigned,
    Text,
    Boolean,
    Tag,
    /// No source has it.
    Unknown,
}

impl Kind {
    /// The type of a stored column, if InfluxQL has one for it.
    pub(super) fn stored(kind: ColumnKind) -> Option<Self> {
        Some(match kind {
            ColumnKind::Tag => Self::Tag,
            ColumnKind::Field(FieldType::F64) => Self::Float,
            ColumnKind::Field(FieldType::I64) => Self::Integer,
            ColumnKind::Field(FieldType::U64) => Self::Unsigned,
            ColumnKind::Field(FieldType::Bool) => Self::Boolean,
            ColumnKind::Field(FieldType::Text) => Self::Text,
            ColumnKind::Field(FieldType::Vector(_)) => return None,
        })
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Float | Self::Integer | Self::Unsigned)
    }

    /// Whether what is stored as the other type can be read as this one.
    pub(super) fn reads(self, stored: Self) -> bool {
        self == stored || (self.is_number() && stored.is_number())
    }

    /// InfluxDB's name.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::Text => "string",
            Self::Boolean => "boolean",
            Self::Tag => "tag",
            Self::Unknown => "unknown",
        }
    }

    /// Of the types that a name has in several sources, the one that holds.
    pub(super) fn or(self, other: Self) -> Self {
        let rank = |kind: Self| match kind {
            Self::Float => 0,
            Self::Integer => 1,
            Self::Unsigned => 2,
            Self::Text => 3,
            Self::Boolean => 4,
            Self::Tag => 5,
            Self::Unknown => 6,
        };
        if rank(other) < rank(self) { other } else { self }
    }

    /// A value as one of this type; null when it cannot be one.
    pub(super) fn cast(self, value: Cell) -> Cell {
        match (self, value) {
            (Self::Float, Cell::Integer(value)) => Cell::Float(value as f64),
            (Self::Float, Cell::Unsigned(value)) => Cell::Float(value as f64),
            (Self::Integer, Cell::Float(value)) => Cell::Integer(value as i64),
            (Self::Integer, Cell::Unsigned(value)) => Cell::Integer(value as i64),
            (Self::Unsigned, Cell::Float(value)) => Cell::Unsigned(value as u64),
            (Self::Unsigned, Cell::Integer(value)) => Cell::Unsigned(value as u64),
            (Self::Float, value @ Cell::Float(_))
            | (Self::Integer, value @ Cell::Integer(_))
            | (Self::Unsigned, value @ Cell::Unsigned(_))
            | (Self::Text | Self::Tag, value @ Cell::Text(_))
            | (Self::Boolean, value @ Cell::Boolean(_)) => value,
            _ => Cell::Null,
        }
    }
}

/// A name that is read of each row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub(super) name: Arc<str>,
    /// What it is read as.
    pub(super) kind: Kind,
}

/// What is made of many rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// What is made of the values of a bin; without it, every value counts.
    pub(super) leaf: Option<Leaf>,
    /// The column that the values are in.
    pub(super) column: usize,
    /// What is made of that, one after the other.
    pub(super) transforms: Vec<Transform>,
    /// The type of the values.
    pub(super) kind: Kind,
}

/// What is made of the values of a bin.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Leaf {
    Count,
    Sum,
    Mean,
    Min,
    Max,
    Spread,
    First,
    Last,
    Stddev,
    Median,
    Mode,
    Percentile(f64),
    Distinct,
    CountDistinct,
    /// With the unit in nanoseconds.
    Integral(i64),
    /// The largest, one of each value of some columns.
    Top(usize, Vec<usize>),
    /// The smallest, one of each value of some columns.
    Bottom(usize, Vec<usize>),
    Sample(usize),
}

impl Leaf {
    /// Whether it gives one of the points, with its time and the other columns of its row.
    pub(super) fn is_selector(&self) -> bool {
        matches!(
            self,
            Self::Min
                | Self::Max
                | Self::First
                | Self::Last
                | Self::Percentile(_)
                | Self::Top(..)
                | Self::Bottom(..)
                | Self::Sample(_)
        )
    }

    /// Whether its points keep their times although time is cut into bins.
    pub(super) fn keeps_times(&self) -> bool {
        matches!(self, Self::Top(..) | Self::Bottom(..) | Self::Sample(_))
    }

    /// Whether bins without values are filled.
    pub(super) fn is_filled(&self) -> bool {
        !matches!(self, Self::Top(..) | Self::Bottom(..) | Self::Sample(_) | Self::Distinct | Self::Integral(_))
    }

    /// Whether the order of the values of a bin does not matter to it.
    pub(super) fn is_unordered(&self) -> bool {
        matches!(
            self,
            Self::Count
                | Self::Sum
                | Self::Mean
                | Self::Min
                | Self::Max
                | Self::Spread
                | Self::First
                | Self::Last
                | Self::Stddev
                | Self::Median
                | Self::CountDistinct
                | Self::Top(..)
                | Self::Bottom(..)
        )
    }
}

/// What is made of values that follow each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Transform {
    /// The change by so many nanoseconds, perhaps without falls.
    Derivative {
        unit: i64,
        non_negative: bool,
    },
    Difference {
        non_negative: bool,
    },
    MovingAverage(usize),
    CumulativeSum,
    /// The time between, in units of so many nanoseconds.
    Elapsed(i64),
}

impl Transform {
    /// Whether the bin before the first one is read as well.
    pub(super) fn looks_back(&self) -> bool {
        !matches!(self, Self::CumulativeSum)
    }
}

/// What stands where a bin or a row has no value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fill {
    Null,
    None,
    Previous,
    Linear,
    Number(Cell),
}

/// A column of the answer.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) name: Arc<str>,
    pub(super) value: Node,
    pub(super) kind: Kind,
}

/// What rows are read of.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Table { key: DatabaseKey, table: Name, schema: Arc<TableSchema> },
    Query(Box<Plan>),
}

/// A `SELECT`.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) sources: Vec<Source>,
    pub(super) columns: Vec<Column>,
    pub(super) calls: Vec<Call>,
    /// The names of its columns behind the time.
    pub(super) outputs: Vec<Output>,
    pub(super) time_name: Arc<str>,
    /// What rows must satisfy, apart from their time.
    pub(super) condition: Option<Node>,
    pub(super) bounds: Bounds,
    pub(super) windows: Windows,
    /// The tags that rows are grouped by, by name.
    pub(super) group_by: Vec<Arc<str>>,
    pub(super) fill: Fill,
    pub(super) ascending: bool,
    pub(super) limit: usize,
    pub(super) offset: usize,
    pub(super) series_limit: usize,
    pub(super) series_offset: usize,
    /// The columns of each row that the answer shows.
    pub(super) shown_columns: Vec<usize>,
}

impl Plan {
    /// Whether the answer has one row for each row that is read.
    pub(super) fn is_raw(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether rows of sub-queries are read.
    pub(super) fn is_nested(&self) -> bool {
        self.sources.iter().any(|source| matches!(source, Source::Query(_)))
    }

    /// Whether the only call is one that selects a point.
    pub(super) fn is_selection(&self) -> bool {
        match self.calls.as_slice() {
            [Call { leaf: Some(leaf), transforms, .. }] => transforms.is_empty() && leaf.is_selector(),
            _ => false,
        }
    }

    /// The moments that a call reads.
    pub(super) fn bounds_of(&self, call: &Call) -> Bounds {
        let Bounds { min, max } = self.bounds;
        let before = call.transforms.iter().filter(|transform| transform.looks_back()).count();
        let before = self.windows.every.saturating_mul(i64::try_from(before).unwrap_or(i64::MAX));
        match self.ascending {
            true => Bounds { min: lower(min, before), max },
            false => Bounds { min, max: upper(max, before) },
        }
    }

    /// The moments that any call reads.
    pub(super) fn widest_bounds(&self) -> Bounds {
        self.calls
            .iter()
            .map(|call| self.bounds_of(call))
            .fold(self.bounds, |all, one| Bounds { min: all.min.min(one.min), max: all.max.max(one.max) })
    }
}

fn lower(time: i64, by: i64) -> i64 {
    if time <= super::window::MIN_TIME { time } else { time.saturating_sub(by).max(super::window::MIN_TIME) }
}

fn upper(time: i64, by: i64) -> i64 {
    time.saturating_add(by).min(super::window::MAX_TIME)
}
