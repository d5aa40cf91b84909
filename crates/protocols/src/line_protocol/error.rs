//! What can be wrong with a line, and where.

use sensorium_model::{ErrorKind, RowError, TimeError};
use thiserror::Error;

/// The longest piece of a wrong token that a message repeats, in characters.
const SHOWN_CHARACTERS: usize = 40;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Error)]
pub(super) enum Problem {
    #[error("the table name is missing")]
    TableMissing,
    #[error("the tag name is missing")]
    TagNameMissing,
    #[error("tag {0:?} has no value; write name=value, or leave the tag out")]
    TagValueMissing(String),
    #[error("the fields are missing; write a space and name=value behind the table and its tags")]
    FieldsMissing,
    #[error("the field name is missing")]
    FieldNameMissing,
    #[error("field {0:?} has no value; write name=value")]
    FieldValueMissing(String),
    #[error(
        "{0:?} is no field value; write a number, an integer like 5i or 5u, true or false, or \"text\" in double quotes"
    )]
    Value(String),
    #[error("{0:?} does not fit into a 64-bit integer")]
    Integer(String),
    #[error("the text that starts here is never closed by a double quote")]
    Unterminated,
    #[error("after the closing quote of a text comes a comma, a space or the end of the line, not {0:?}")]
    AfterText(char),
    #[error("{0:?} is no time; write an integer in the precision of the request, or leave it out")]
    Time(String),
    #[error("{0}")]
    TimeRange(#[from] TimeError),
    #[error("{0:?} follows the time; a reading ends there")]
    AfterTime(String),
    #[error("the line is not UTF-8 from here on")]
    Encoding,
    #[error("the line has more than {0} columns; raise limits.columns_per_table if this is intended")]
    TooManyColumns(usize),
}

/// A problem and the byte of the line's text that it stands at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LineError {
    pub(super) offset: usize,
    pub(super) problem: Problem,
}

impl LineError {
    pub(super) fn at(offset: usize, problem: Problem) -> Self {
        Self { offset, problem }
    }

    /// The kind of the refusal.
    pub(super) fn kind(&self) -> ErrorKind {
        match self.problem {
            Problem::TooManyColumns(_) => ErrorKind::TooLarge,
            _ => ErrorKind::Invalid,
        }
    }

    /// The refusal that people read; `before` is what precedes the problem, from the start of the reading.
    pub(super) fn describe(self, before: &[u8]) -> RowError {
        if let Problem::TooManyColumns(limit) = self.problem {
            let what = "the number of columns of one line".to_owned();
            return RowError::Limit { what, limit, setting: "limits.columns_per_table" };
        }
        let breaks = memchr::memchr_iter(b'\n', before).count();
        let on_line = memchr::memrchr(b'\n', before).and_then(|end| before.get(end + 1..)).unwrap_or(before);
        let column = String::from_utf8_lossy(on_line).chars().count() + 1;
        let problem = self.problem;
        RowError::Malformed(match breaks {
            0 => format!("column {column}: {problem}"),
            1 => format!("column {column} of the next line: {problem}"),
            more => format!("column {column}, {more} lines further down: {problem}"),
        })
    }
}

/// A token for a message: its start, if it is long.
pub(super) fn shown(token: &str) -> String {
    match token.char_indices().nth(SHOWN_CHARACTERS) {
        Some((cut, _)) => format!("{}…", token.get(..cut).unwrap_or_default()),
        None => token.to_owned(),
    }
}
