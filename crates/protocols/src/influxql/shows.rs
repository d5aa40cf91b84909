//! What `SHOW` statements say.

use super::ast::{Dimension, Expr, Measurement};

/// `SHOW MEASUREMENTS [ON …] [WITH MEASUREMENT …] [WHERE …] [ORDER BY …] [LIMIT …] [OFFSET …]`
#[derive(Debug, Clone, PartialEq)]
pub struct ShowMeasurements {
    /// The database; that of the request without it.
    pub database: Option<String>,
    /// `WITH MEASUREMENT`: the name, or what it matches.
    pub with: Option<Measurement>,
    /// `WHERE`.
    pub condition: Option<Expr>,
    /// `ORDER BY time`: whether oldest first.
    pub ascending: Option<bool>,
    /// `LIMIT`; 0 for none.
    pub limit: usize,
    /// `OFFSET`.
    pub offset: usize,
}

/// `SHOW SERIES`, `SHOW TAG KEYS` or `SHOW FIELD KEYS`, and what may follow.
#[derive(Debug, Clone, PartialEq)]
pub struct ShowSchema {
    /// The database; that of the request without it.
    pub database: Option<String>,
    /// `FROM`; empty for all.
    pub sources: Vec<Measurement>,
    /// `WHERE`.
    pub condition: Option<Expr>,
    /// `ORDER BY time`: whether oldest first.
    pub ascending: Option<bool>,
    /// `LIMIT`; 0 for none.
    pub limit: usize,
    /// `OFFSET`.
    pub offset: usize,
    /// `SLIMIT`; 0 for none; of tag keys only.
    pub series_limit: usize,
    /// `SOFFSET`; of tag keys only.
    pub series_offset: usize,
}

/// `SHOW TAG VALUES … WITH KEY …`
#[derive(Debug, Clone, PartialEq)]
pub struct ShowTagValues {
    /// The keys.
    pub keys: TagKeys,
    /// All the rest; without `SLIMIT` and `SOFFSET`.
    pub of: ShowSchema,
}

/// `WITH KEY …`
#[derive(Debug, Clone, PartialEq)]
pub enum TagKeys {
    /// `= key`
    Equal(String),
    /// `!= key`
    NotEqual(String),
    /// `IN (key, …)`
    In(Vec<String>),
    /// `=~ /…/`
    Matches(String),
    /// `!~ /…/`
    MatchesNot(String),
}

/// `SHOW … [EXACT] CARDINALITY …`
#[derive(Debug, Clone, PartialEq)]
pub struct ShowCardinality {
    /// What is counted.
    pub counted: Counted,
    /// `EXACT`. Without it the answer may be an estimate.
    pub is_exact: bool,
    /// The database; that of the request without it.
    pub database: Option<String>,
    /// `FROM`; empty for all.
    pub sources: Vec<Measurement>,
    /// `WHERE`.
    pub condition: Option<Expr>,
    /// `GROUP BY`.
    pub dimensions: Vec<Dimension>,
    /// `LIMIT`; 0 for none.
    pub limit: usize,
    /// `OFFSET`.
    pub offset: usize,
}

/// What a cardinality is of.
#[derive(Debug, Clone, PartialEq)]
pub enum Counted {
    /// `SERIES`
    Series,
    /// `MEASUREMENT`
    Measurements,
    /// `TAG KEY`
    TagKeys,
    /// `TAG VALUES … WITH KEY …`
    TagValues(TagKeys),
    /// `FIELD KEY`
    FieldKeys,
}
