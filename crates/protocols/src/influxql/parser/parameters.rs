//! The values that `$name` stands for.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::super::lexer::Scanned;
use super::super::token::Token;

/// Values by name, without the `$`.
pub type Parameters = HashMap<String, Parameter>;

/// A value that a name stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter {
    /// A text.
    Text(String),
    /// A name.
    Identifier(String),
    /// A regular expression.
    Regex(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A truth value.
    Boolean(bool),
    /// A duration as it is written, such as `10m`.
    Duration(String),
    /// None of these, and why; an error where it is used.
    Invalid(String),
}

impl Parameter {
    /// The value of a request's `params`: a JSON value, or an object such as `{"identifier": "m"}` that names its kind.
    pub fn from_json(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Bool(truth) => Self::Boolean(*truth),
            Value::Number(number) => Self::from_number(number),
            Value::Object(object) => {
                let mut entries = object.iter();
                match (entries.next(), entries.next()) {
                    (Some((kind, value)), None) => Self::of_kind(kind, value),
                    _ => Self::invalid("bound object parameter value must have exactly one entry"),
                }
            }
            Value::Null => Self::invalid("unable to bind parameter with type <nil>"),
            Value::Array(_) => Self::invalid("unable to bind parameter with type []interface {}"),
        }
    }

    fn from_number(number: &serde_json::Number) -> Self {
        match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Self::Integer(integer),
            (None, Some(float)) => Self::Number(float),
            (None, None) => Self::Invalid(format!("number {number} is out of range")),
        }
    }

    fn of_kind(kind: &str, value: &Value) -> Self {
        let text = |make: fn(String) -> Self, refusal: &str| match value {
            Value::String(text) => make(text.clone()),
            _ => Self::invalid(refusal),
        };
        match kind {
            "ident" | "identifier" => text(Self::Identifier, "identifier must be a string value"),
            "regex" => text(Self::Regex, "regex literal must be a string value"),
            "string" => text(Self::Text, "string literal must be a string value"),
            "float" | "number" => {
                value.as_f64().map_or_else(|| Self::invalid("number literal must be a float value"), Self::Number)
            }
            "int" | "integer" => {
                value.as_i64().map_or_else(|| Self::invalid("integer literal must be an integer value"), Self::Integer)
            }
            "duration" => match (value, value.as_i64()) {
                (Value::String(text), _) => Self::Duration(text.clone()),
                (_, Some(nanoseconds)) => Self::Duration(format!("{nanoseconds}ns")),
                _ => Self::invalid("duration literal must be a string or integer value"),
            },
            _ => Self::Invalid(format!("unknown bind object type: {kind}")),
        }
    }

    fn invalid(reason: &str) -> Self {
        Self::Invalid(reason.to_owned())
    }

    /// The token that stands for the name.
    pub(super) fn scanned<'a>(&self, name: Scanned<'a>) -> Scanned<'a> {
        let (token, text) = match self {
            Self::Text(text) => (Token::Text, text.clone()),
            Self::Identifier(text) => (Token::Identifier, text.clone()),
            Self::Regex(text) => (Token::Regex, text.clone()),
            Self::Integer(integer) => (Token::Integer, integer.to_string()),
            Self::Number(number) => (Token::Number, number.to_string()),
            Self::Boolean(true) => (Token::True, String::new()),
            Self::Boolean(false) => (Token::False, String::new()),
            Self::Duration(text) => (Token::Duration, text.clone()),
            Self::Invalid(_) => return name,
        };
        Scanned { token, text: Cow::Owned(text), start: name.start }
    }
}
