//! Why a text is no statement, in InfluxDB's words.

use std::fmt;

use thiserror::Error;

/// A place in a text, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub char: usize,
}

/// Why a text is no statement, and where; some of InfluxDB's messages have no place, or tell it themselves.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ParseError {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub position: Option<Position>,
}

impl ParseError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None }
    }

    pub(super) fn at(position: Position, message: impl Into<String>) -> Self {
        Self { message: message.into(), position: Some(position) }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.position {
            Some(Position { line, char }) => write!(f, " at line {line}, char {char}"),
            None => Ok(()),
        }
    }
}
