//! Why a rollup was not declared or deleted.

use sensorium_model::{ErrorKind, FieldType, Name, NameError};
use thiserror::Error;

use super::definition::MAX_INTERVAL_SECONDS;
use crate::error::WriteError;

/// Why a rollup was not declared or deleted.
#[derive(Debug, Clone, Error)]
pub enum RollupError {
    /// The table's name breaks the rules.
    #[error("the rollup's name: {0}")]
    Name(#[from] NameError),
    /// Windows of this length do not line up with days.
    #[error(
        "interval_seconds is {seconds}; use a divisor of a day, such as 60, 900 or 3600, or whole days: a multiple of 86400 up \
         to {MAX_INTERVAL_SECONDS}"
    )]
    Interval {
        /// The length.
        seconds: u64,
    },
    /// Nothing is to be computed.
    #[error("aggregates is empty; name some of min, max, mean, sum, count, first and last")]
    NoAggregates,
    /// The result would be too old as soon as it is there.
    #[error("keep_seconds is {keep_seconds}, less than the {interval_seconds} of a window; keep the rollup for longer")]
    Keep {
        /// For how long the result is to be kept.
        keep_seconds: u64,
        /// The length of a window.
        interval_seconds: u64,
    },
    /// There is a rollup of this name.
    #[error("there is a rollup {target:?} already; choose another name, or delete it first")]
    Exists {
        /// The name.
        target: Name,
    },
    /// There is a table of this name.
    #[error("{target:?} is a table with readings of its own; choose another name, or delete its readings first")]
    TableExists {
        /// The name.
        target: Name,
    },
    /// The table to compute from does not exist.
    #[error("there is no table {table:?}; write readings to it first, or correct its name")]
    MissingTable {
        /// The table.
        table: Name,
    },
    /// The table to compute from is computed itself.
    #[error("{table:?} is itself a rollup of {of:?}; declare another rollup of {of:?} instead")]
    OfRollup {
        /// The table.
        table: Name,
        /// What it is computed from.
        of: Name,
    },
    /// The table to be computed is one that others are computed from.
    #[error("{target:?} is what the rollup {rollup:?} is computed from; choose another name")]
    IsSource {
        /// The table.
        target: Name,
        /// The rollup that needs it.
        rollup: Name,
    },
    /// A field does not exist.
    #[error("table {table:?} has no field {field:?}; name fields that it has, or none for all that are numbers")]
    MissingField {
        /// The table.
        table: Name,
        /// The field.
        field: Name,
    },
    /// A field is not of numbers.
    #[error("field {field:?} of table {table:?} is {kind}; only numbers can be rolled up")]
    NotNumeric {
        /// The table.
        table: Name,
        /// The field.
        field: Name,
        /// What it is.
        kind: FieldType,
    },
    /// A column of the result cannot be.
    #[error("{column:?} {why}; leave out its field or its aggregate, or choose another name for the rollup")]
    Column {
        /// The column.
        column: Name,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something would exceed its limit.
    #[error("{what} would be {number}, and the limit is {limit}; {remedy} or raise {setting}")]
    TooMany {
        /// What is too many.
        what: &'static str,
        /// How many it would be.
        number: usize,
        /// The limit.
        limit: usize,
        /// What helps.
        remedy: &'static str,
        /// The setting that holds the limit.
        setting: &'static str,
    },
    /// There is no rollup of this name.
    #[error("there is no rollup {target:?}; the list of rollups shows those that there are")]
    Missing {
        /// The name.
        target: Name,
    },
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] WriteError),
}

impl RollupError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Name(_)
            | Self::Interval { .. }
            | Self::NoAggregates
            | Self::Keep { .. }
            | Self::OfRollup { .. }
            | Self::MissingField { .. }
            | Self::NotNumeric { .. }
            | Self::Column { .. } => ErrorKind::Invalid,
            Self::Exists { .. } | Self::TableExists { .. } | Self::IsSource { .. } => ErrorKind::Conflict,
            Self::MissingTable { .. } | Self::Missing { .. } => ErrorKind::Missing,
            Self::TooMany { .. } => ErrorKind::TooLarge,
            Self::Store(error) => error.kind(),
        }
    }
}
