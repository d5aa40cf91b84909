//! Why a query was refused or failed, and how DataFusion's errors become sentences.

use datafusion::common::{Column, DataFusionError, SchemaError};
use datafusion::sql::sqlparser::parser::ParserError;
use sensorium_model::ErrorKind;
use thiserror::Error;

use crate::gapfill::TooManyRows;
use crate::near::hint;

/// A place in the text of a statement, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The character within the line.
    pub column: u64,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The database does not exist for this caller.
    #[error("There is no database {database:?}.{hint}")]
    UnknownDatabase {
        /// The name that was asked for.
        database: String,
        /// A sentence with near names.
        hint: String,
    },
    /// The database has no such table.
    #[error("There is no table {table:?} in database {database:?}.{hint}")]
    UnknownTable {
        /// The database.
        database: String,
        /// The name that was asked for.
        table: String,
        /// A sentence with near names.
        hint: String,
    },
    /// The statement cannot be read.
    #[error("The statement cannot be read: {message}.")]
    Syntax {
        /// What the parser expected and found.
        message: String,
        /// Where, when known.
        position: Option<Position>,
    },
    /// The statement can be read, but has no meaning here: an unknown column or function, types that do not fit.
    #[error("{message}")]
    Meaning {
        /// What is wrong, as a sentence.
        message: String,
        /// Where, when known.
        position: Option<Position>,
    },
    /// The statement would do something else than read.
    #[error("{statement} is refused: queries only read. {instead}")]
    ReadOnly {
        /// The kind of statement.
        statement: String,
        /// What to use.
        instead: &'static str,
    },
    /// None or several statements.
    #[error("The request holds {found} statements; send exactly one.")]
    OneStatement {
        /// How many there are.
        found: usize,
    },
    /// The statement is too long or too deep to be planned safely.
    #[error("The statement has {found} {what}; at most {limit} are allowed. Split it into smaller ones.")]
    TooComplex {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// The query needed more working memory than one query may have.
    #[error(
        "The query needs more than its {limit_bytes} bytes of memory. Read a shorter time range or fewer columns, group into \
         fewer rows, or raise query.memory_bytes."
    )]
    Memory {
        /// The setting.
        limit_bytes: usize,
    },
    /// The query took too long.
    #[error("The query took longer than {seconds} s. Read a shorter time range, or raise query.timeout_seconds.")]
    Timeout {
        /// The setting.
        seconds: f64,
    },
    /// The answer has too many rows.
    #[error("The answer has more than {limit} rows. Add LIMIT, group by date_bin(…, time), or raise query.max_rows.")]
    Rows {
        /// The setting.
        limit: u64,
    },
    /// Gap filling makes too many rows.
    #[error(
        "Filling gaps makes more than {limit} rows. Give date_bin_gapfill a longer interval, read a shorter time range, or raise \
         query.max_rows."
    )]
    FilledRows {
        /// The setting.
        limit: u64,
    },
    /// Too many queries run already.
    #[error("{limit} queries are running, as many as query.concurrent allows. Try again in a moment.")]
    Busy {
        /// The setting.
        limit: usize,
    },
    /// Someone who may manage queries ended it.
    #[error("The query was ended by an administrator (KILL).")]
    Killed,
    /// `KILL` names a query that does not run, or that the caller must not know of.
    #[error("No such query runs. SHOW QUERIES lists those that do.")]
    UnknownQuery,
    /// `SHOW QUERIES` or `KILL` by someone else than an administrator.
    #[error("Only administrators may list and end queries.")]
    MayNotManage,
    /// A value could not be computed: a division by zero, an overflow, a cast of text that is no number.
    #[error("A value could not be computed: {message}.")]
    Computation {
        /// What went wrong.
        message: String,
    },
    /// Stored data could not be read.
    #[error("Stored data could not be read: {message}")]
    Storage {
        /// The first line of the cause.
        message: String,
        /// The cause.
        #[source]
        source: DataFusionError,
    },
    /// A defect.
    #[error("The query failed because of a defect in the server: {message}. Please report it with the statement.")]
    Internal {
        /// The first line of the cause.
        message: String,
    },
    /// The engine could not start its threads.
    #[error("The threads of the query engine could not be started")]
    Threads(#[source] std::io::Error),
}

impl QueryError {
    /// What kind of failure this is, for the edge's own code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownDatabase { .. } | Self::UnknownQuery => ErrorKind::Missing,
            Self::MayNotManage => ErrorKind::Denied,
            Self::Killed => ErrorKind::Conflict,
            Self::UnknownTable { .. }
            | Self::Syntax { .. }
            | Self::Meaning { .. }
            | Self::ReadOnly { .. }
            | Self::OneStatement { .. }
            | Self::TooComplex { .. }
            | Self::Computation { .. } => ErrorKind::Invalid,
            Self::Memory { .. } | Self::Timeout { .. } | Self::Rows { .. } | Self::FilledRows { .. } => {
                ErrorKind::TooLarge
            }
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Storage { source, .. } if matches!(source.find_root(), DataFusionError::ParquetError(_)) => {
                ErrorKind::Corrupt
            }
            Self::Storage { .. } | Self::Internal { .. } | Self::Threads(_) => ErrorKind::Internal,
        }
    }

    /// Where in the statement the error is, when that is known.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Syntax { position, .. } | Self::Meaning { position, .. } => *position,
            _ => None,
        }
    }

    /// Turns an error of DataFusion into one that tells its reader what to do.
    pub(crate) fn from_datafusion(error: DataFusionError, limit_bytes: usize) -> Self {
        let position = position_of(&error);
        let text = first_line(&error);
        let root = error.find_root();
        if let DataFusionError::External(cause) = root
            && let Some(TooManyRows { limit }) = cause.downcast_ref()
        {
            return Self::FilledRows { limit: *limit };
        }
        match root {
            DataFusionError::SQL(cause, _) => syntax(cause),
            DataFusionError::ResourcesExhausted(_) => Self::Memory { limit_bytes },
            DataFusionError::SchemaError(cause, _) => {
                Self::Meaning { message: schema_sentence(cause).unwrap_or(text), position }
            }
            DataFusionError::Plan(_) | DataFusionError::NotImplemented(_) | DataFusionError::Configuration(_) => {
                Self::Meaning { message: sentence(&text), position }
            }
            // A part of the query that runs as a task of its own was ended from outside.
            DataFusionError::Execution(text) if text.starts_with("Non Panic Task error") => {
                Self::Internal { message: "execution ended unexpectedly".into() }
            }
            DataFusionError::ArrowError(_, _) | DataFusionError::Execution(_) => Self::Computation { message: text },
            DataFusionError::ParquetError(_) | DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => {
                Self::Storage { message: text, source: error }
            }
            _ => Self::Internal { message: text },
        }
    }
}

/// The column that the planner did not find, as a sentence with near names.
fn schema_sentence(error: &SchemaError) -> Option<String> {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known = valid_fields.iter().map(Column::name);
            Some(format!("There is no column {:?}.{}", field.name(), hint("columns", field.name(), known)))
        }
        SchemaError::AmbiguousReference { field } => {
            let name = field.name();
            Some(format!("The column {name:?} is in more than one table; write which one is meant: table.{name}."))
        }
        SchemaError::DuplicateQualifiedField { .. } | SchemaError::DuplicateUnqualifiedField { .. } => None,
    }
}

/// A parser's error: the place stands at the end of its text.
pub(crate) fn syntax(error: &ParserError) -> QueryError {
    let (ParserError::TokenizerError(text) | ParserError::ParserError(text)) = error else {
        return QueryError::Syntax {
            message: "it is nested too deeply; split it into smaller ones".into(),
            position: None,
        };
    };
    let Some((message, place)) = text.rsplit_once(" at Line: ") else {
        return QueryError::Syntax { message: text.clone(), position: None };
    };
    let position = place.split_once(", Column: ").and_then(|(line, column)| {
        Some(Position { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? })
    });
    QueryError::Syntax { message: message.to_owned(), position: position.filter(|place| place.line > 0) }
}

/// The place that a diagnostic names, if the error carries one.
fn position_of(error: &DataFusionError) -> Option<Position> {
    let start = error.diagnostic()?.span?.start;
    (start.line > 0).then_some(Position { line: start.line, column: start.column })
}

/// The error's own words, without the prefixes of the layers that it passed and without a backtrace.
fn first_line(error: &DataFusionError) -> String {
    let text = match error.find_root() {
        DataFusionError::Plan(text)
        | DataFusionError::Execution(text)
        | DataFusionError::Internal(text)
        | DataFusionError::NotImplemented(text)
        | DataFusionError::Configuration(text) => text.clone(),
        DataFusionError::ArrowError(cause, _) => cause.to_string(),
        other => other.strip_backtrace(),
    };
    let text = text.split("\n\nbacktrace:").next().unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().trim_end_matches('.').to_owned()
}

/// Text as a sentence.
fn sentence(text: &str) -> String {
    if text.ends_with(['?', '!', '.']) { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_syntax_error_is_taken_from_its_text() {
        let error = ParserError::ParserError("Expected: an expression, found: FROM at Line: 2, Column: 8".into());
        let error = syntax(&error);
        assert_eq!(error.position(), Some(Position { line: 2, column: 8 }));
        assert_eq!(error.to_string(), "The statement cannot be read: Expected: an expression, found: FROM.");
    }

    #[test]
    fn layers_around_an_error_do_not_hide_its_kind() {
        let inner = DataFusionError::ResourcesExhausted("no room".into());
        let error = DataFusionError::Context("sorting".into(), Box::new(inner));
        let error = QueryError::from_datafusion(error, 42);
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains("query.memory_bytes"), "{error}");
        assert!(error.to_string().contains("42"), "{error}");
    }
}
