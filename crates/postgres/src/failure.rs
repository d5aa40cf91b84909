//! What went wrong, as PostgreSQL's clients read it: a code of five characters (SQLSTATE), a sentence and, for a statement, a place.

use pgwire::messages::response::ErrorResponse;
use sensorium_metadata::MetadataError;
use sensorium_model::ErrorKind;
use sensorium_query::{Position, QueryError};
use thiserror::Error;

/// Bytes of a sentence that are sent.
const MAX_SENTENCE: usize = 8_192;

/// A failure that the client is told.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// The character of the statement, from 1.
    pub(crate) position: Option<usize>,
    /// Whether the connection ends.
    pub(crate) is_fatal: bool,
}

/// Codes of PostgreSQL's appendix A.
pub(crate) mod code {
    pub(crate) const PROTOCOL_VIOLATION: &str = "08P01";
    pub(crate) const NOT_SUPPORTED: &str = "0A000";
    pub(crate) const INVALID_PARAMETER: &str = "22P02";
    pub(crate) const IN_FAILED_TRANSACTION: &str = "25P02";
    pub(crate) const READ_ONLY: &str = "25006";
    pub(crate) const NO_SUCH_STATEMENT: &str = "26000";
    pub(crate) const NOT_LET_IN: &str = "28000";
    pub(crate) const WRONG_PASSWORD: &str = "28P01";
    pub(crate) const NO_SUCH_PORTAL: &str = "34000";
    pub(crate) const NO_SUCH_DATABASE: &str = "3D000";
    pub(crate) const DENIED: &str = "42501";
    pub(crate) const SYNTAX: &str = "42601";
    pub(crate) const TOO_MANY_CONNECTIONS: &str = "53300";
    pub(crate) const LIMIT: &str = "54000";
    pub(crate) const CANCELLED: &str = "57014";
    pub(crate) const SHUTTING_DOWN: &str = "57P01";
    pub(crate) const IDLE: &str = "57P05";
    pub(crate) const INTERNAL: &str = "XX000";
}

impl Failure {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), position: None, is_fatal: false }
    }

    /// A failure that ends the connection.
    pub(crate) fn fatal(code: &'static str, message: impl Into<String>) -> Self {
        Self { is_fatal: true, ..Self::new(code, message) }
    }

    /// A failed statement; `text` is the whole text that the client sent, in which it begins at a byte.
    pub(crate) fn of_query(error: &QueryError, text: &str, begins: usize) -> Self {
        let position = error.position().and_then(|place| character(text, begins, place));
        Self { position, ..Self::new(code_of(error), error.to_string()) }
    }

    /// The message that tells it.
    pub(crate) fn response(&self) -> ErrorResponse {
        let severity = if self.is_fatal { "FATAL" } else { "ERROR" };
        let end = self.message.floor_char_boundary(MAX_SENTENCE);
        let sentence = self.message.get(..end).unwrap_or_default().replace('\0', "");
        let mut fields = vec![
            (b'S', severity.to_owned()),
            (b'V', severity.to_owned()),
            (b'C', self.code.to_owned()),
            (b'M', sentence),
        ];
        fields.extend(self.position.map(|position| (b'P', position.to_string())));
        ErrorResponse::new(fields)
    }
}

impl From<MetadataError> for Failure {
    /// Why somebody is not let in.
    fn from(error: MetadataError) -> Self {
        let code = match error.kind() {
            ErrorKind::Unauthenticated => code::WRONG_PASSWORD,
            ErrorKind::Busy => code::TOO_MANY_CONNECTIONS,
            ErrorKind::Internal | ErrorKind::Corrupt | ErrorKind::NoSpace => code::INTERNAL,
            _ => code::NOT_LET_IN,
        };
        match error.retry_after() {
            Some(wait) => Self::fatal(code, format!("{error}; try again in {} s", wait.as_secs().max(1))),
            None => Self::fatal(code, error.to_string()),
        }
    }
}

fn code_of(error: &QueryError) -> &'static str {
    match error {
        QueryError::UnknownDatabase { .. } => "3F000",
        QueryError::UnknownTable { .. } => "42P01",
        QueryError::Syntax { .. } | QueryError::OneStatement { .. } => code::SYNTAX,
        QueryError::Meaning { message, .. } if message.starts_with("There is no column") => "42703",
        QueryError::Meaning { .. } => "42000",
        QueryError::ReadOnly { .. } => code::READ_ONLY,
        QueryError::TooComplex { .. } => "54001",
        QueryError::Memory { .. } => "53200",
        QueryError::Rows { .. } | QueryError::FilledRows { .. } => code::LIMIT,
        QueryError::Busy { .. } => "53400",
        QueryError::Timeout { .. } | QueryError::Killed => code::CANCELLED,
        QueryError::UnknownQuery => "42704",
        QueryError::MayNotManage => code::DENIED,
        QueryError::Computation { .. } => "22000",
        QueryError::Storage { .. } => match error.kind() {
            ErrorKind::Corrupt => "XX001",
            _ => "58030",
        },
        QueryError::Internal { .. } | QueryError::Threads(_) => code::INTERNAL,
    }
}

/// A line and a column of the statement that begins at a byte, as a character of the whole text.
fn character(text: &str, begins: usize, place: Position) -> Option<usize> {
    let before = text.get(..begins)?.chars().count();
    let statement = text.get(begins..)?;
    let line = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(place.column).ok()?;
    let above: usize = statement.split_inclusive('\n').take(line).map(|line| line.chars().count()).sum();
    Some(before + above + column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_character_of_all_that_was_sent() {
        let text = "SELECT 'ü'; SELECT 1\nFRM t";
        let begins = text.find("SELECT 1").unwrap();
        let place = character(text, begins, Position { line: 2, column: 1 }).unwrap();
        assert_eq!(text.chars().nth(place - 1), Some('F'));
        assert_eq!(character(text, 0, Position { line: 1, column: 8 }), Some(8));
        assert_eq!(character(text, text.len() + 1, Position { line: 1, column: 1 }), None);
    }

    #[test]
    fn a_long_sentence_is_cut_between_characters() {
        let failure = Failure::new(code::SYNTAX, "ü".repeat(MAX_SENTENCE));
        let response = failure.response();
        let sentence = response.fields.iter().find(|(field, _)| *field == b'M').unwrap();
        assert_eq!(sentence.1.len(), MAX_SENTENCE);
    }
}
