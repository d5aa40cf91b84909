//! Names of databases, tables and columns, and the rules that they follow.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::OrgId;

/// A table, column or tag value: shared text, cheap to clone.
pub type Name = Arc<str>;

/// The column that every table has: nanoseconds since 1970-01-01T00:00:00 UTC.
pub const TIME_COLUMN: &str = "time";

/// The tag that tells which device of the registry a reading came from.
pub const DEVICE_TAG: &str = "device";

/// The longest name of a table or column, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// The longest name of a database, in bytes.
pub const MAX_DATABASE_NAME_BYTES: usize = 64;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// The name has no characters.
    #[error("a name must not be empty")]
    Empty,
    /// The name is longer than its kind allows.
    #[error("the name is {bytes} bytes long; at most {max} are allowed")]
    TooLong {
        /// Length of the refused name.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A character that this kind of name must not hold.
    #[error("the name {name:?} holds {character:?}; {rule}")]
    Character {
        /// The refused name.
        name: String,
        /// The first character that breaks the rule.
        character: char,
        /// The rule, as a sentence.
        rule: &'static str,
    },
    /// The name means something else already.
    #[error("the name {0:?} is reserved")]
    Reserved(String),
}

/// Checks the name of a table or a column: 1 to 255 bytes without control characters.
pub fn validate_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong { bytes: name.len(), max: MAX_NAME_BYTES });
    }
    match name.chars().find(|c| c.is_control()) {
        None => Ok(()),
        Some(character) => {
            Err(NameError::Character { name: name.to_owned(), character, rule: "control characters are not allowed" })
        }
    }
}

/// Checks the name of a tag or field column: as [`validate_name`], and it is not `time`.
pub fn validate_column_name(name: &str) -> Result<(), NameError> {
    validate_name(name)?;
    if name == TIME_COLUMN {
        return Err(NameError::Reserved(name.to_owned()));
    }
    Ok(())
}

/// The name of a database: 1 to 64 ASCII letters, digits, `_`, `-` and `.`, not starting with `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatabaseName(Arc<str>);

impl DatabaseName {
    /// Validates and wraps a name.
    pub fn new(name: &str) -> Result<Self, NameError> {
        const RULE: &str = "use letters, digits, '_', '-' and '.', and do not start with '.'";
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > MAX_DATABASE_NAME_BYTES {
            return Err(NameError::TooLong { bytes: name.len(), max: MAX_DATABASE_NAME_BYTES });
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let offender = name.chars().find(|c| !allowed(*c)).or_else(|| name.chars().next().filter(|c| *c == '.'));
        if let Some(character) = offender {
            return Err(NameError::Character { name: name.to_owned(), character, rule: RULE });
        }
        if name == "information_schema" {
            return Err(NameError::Reserved(name.to_owned()));
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DatabaseName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl TryFrom<String> for DatabaseName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<DatabaseName> for String {
    fn from(name: DatabaseName) -> Self {
        name.0.as_ref().to_owned()
    }
}

/// A database of an organisation; two organisations may use the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DatabaseKey {
    /// The owner.
    pub org: OrgId,
    /// The name within the owner.
    pub name: DatabaseName,
}

impl DatabaseKey {
    /// Joins an owner and a name.
    pub fn new(org: OrgId, name: DatabaseName) -> Self {
        Self { org, name }
    }
}

impl fmt::Display for DatabaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.org, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_names_stay_inside_a_folder() {
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a\0b", "ä", "information_schema"] {
            assert!(DatabaseName::new(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(DatabaseName::new(&"x".repeat(65)).is_err());
        for good in ["main", "dht", "room-1", "v1.2_x"] {
            assert_eq!(DatabaseName::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn time_is_no_column_name() {
        assert_eq!(validate_column_name("time"), Err(NameError::Reserved("time".into())));
        assert!(validate_name("time").is_ok());
        assert!(validate_column_name("luftfeuchte %").is_ok());
        assert!(validate_column_name("a\nb").is_err());
    }
}
