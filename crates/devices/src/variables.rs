//! Variables of a template, and the check of what a person filled in for them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::limits::TEXT_CHARACTERS;
use crate::{Template, address};

/// What was filled in, by the names of variables.
pub type Given = BTreeMap<String, Json>;

/// Something that a person fills in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What the template calls it: `a` to `z`, digits and `_`.
    pub name: String,
    /// What a form calls it.
    pub label: String,
    /// What it is for, as a sentence; may be empty.
    #[serde(default)]
    pub help: String,
    /// What may be filled in.
    pub kind: Kind,
    /// What stands in the form before anything is filled in, and counts if nothing is.
    #[serde(default)]
    pub default: Option<Json>,
    /// Whether something must be filled in if there is no default.
    #[serde(default)]
    pub required: bool,
}

/// What may be filled in for a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// Text.
    Text {
        /// At most so many characters.
        max_characters: usize,
        /// Whether it may have several lines.
        #[serde(default)]
        multiline: bool,
    },
    /// A password or a token: text on one line that is not shown.
    Secret {
        /// At most so many characters.
        max_characters: usize,
    },
    /// A whole number.
    Integer {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// The name or the IP address of a host.
    Host,
    /// The number of a port.
    Port,
    /// The name of a Wi-Fi network, of 1 to 32 bytes (IEEE 802.11).
    WifiSsid,
    /// The base address of a server, `http` or `https`.
    Url,
    /// One of some words.
    Choice {
        /// Which; they may stand in code as they are, because the author of the template wrote them.
        options: Vec<Choice>,
    },
    /// Yes or no.
    Boolean,
    /// A length of time in whole seconds.
    Duration {
        /// The least.
        min_seconds: u32,
        /// The most.
        max_seconds: u32,
    },
}

/// An option of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What the template sees: letters, digits and `_ . -`.
    pub value: String,
    /// What a form shows.
    pub label: String,
}

/// Something that was filled in wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableProblem {
    /// The name of the variable.
    pub variable: String,
    /// What is wrong, as the end of a sentence; never holds what was filled in.
    pub problem: String,
    /// What may be filled in.
    pub allowed: String,
}

impl fmt::Display for VariableProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "variable {:?} {}; {}", self.variable, self.problem, self.allowed)
    }
}

/// What a template sees of a variable; has no `Debug`, because it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Goes through a filter that makes it a literal.
    Text(String),
    /// Written by the template's author.
    Word(String),
    Integer(i64),
    Boolean(bool),
    /// Nothing was filled in, and nothing had to be: false in a condition.
    Nothing,
}

impl Template {
    /// Checks what was filled in and completes it with defaults.
    pub(crate) fn fill_in(&self, given: &Given) -> Result<BTreeMap<&str, Filled>, Vec<VariableProblem>> {
        let mut filled = BTreeMap::new();
        let mut problems = Vec::new();
        for variable in &self.variables {
            match variable.fill_in(given.get(&variable.name)) {
                Ok(value) => _ = filled.insert(variable.name.as_str(), value),
                Err(problem) => problems.push(VariableProblem {
                    variable: variable.name.clone(),
                    problem,
                    allowed: format!("it takes {}", variable.kind.allowed()),
                }),
            }
        }
        for name in given.keys().filter(|name| !self.variables.iter().any(|variable| variable.name == **name)) {
            let names: Vec<&str> = self.variables.iter().map(|variable| variable.name.as_str()).collect();
            problems.push(VariableProblem {
                variable: name.chars().take(crate::limits::NAME_CHARACTERS).collect(),
                problem: "is not one of this template's".to_owned(),
                allowed: format!("it has {}", names.join(", ")),
            });
        }
        if problems.is_empty() { Ok(filled) } else { Err(problems) }
    }
}

impl Variable {
    /// What counts for the variable, or what is wrong with what was filled in.
    fn fill_in(&self, given: Option<&Json>) -> Result<Filled, String> {
        let is_empty = |value: &&Json| value.is_null() || value.as_str() == Some("");
        let given = given.filter(|value| !is_empty(value));
        match given.or(self.default.as_ref().filter(|value| !is_empty(value))) {
            Some(value) => self.kind.read(value),
            None if self.required => Err("is not filled in".to_owned()),
            None => Ok(match self.kind {
                Kind::Boolean => Filled::Boolean(false),
                _ => Filled::Nothing,
            }),
        }
    }
}

impl Kind {
    /// Reads a value, or says what is wrong with it.
    pub(crate) fn read(&self, value: &Json) -> Result<Filled, String> {
        match self {
            Self::Text { max_characters, multiline } => text(value, *max_characters, *multiline).map(Filled::Text),
            Self::Secret { max_characters } => text(value, *max_characters, false).map(Filled::Text),
            Self::Integer { min, max } => integer(value, *min, *max).map(Filled::Integer),
            Self::Duration { min_seconds, max_seconds } => {
                integer(value, i64::from(*min_seconds), i64::from(*max_seconds)).map(Filled::Integer)
            }
            Self::Port => integer(value, 1, i64::from(u16::MAX)).map(Filled::Integer),
            Self::Host => {
                let host = text(value, 253, false)?;
                match address::host_problem(&host) {
                    Some(problem) => Err(problem.to_owned()),
                    None => Ok(Filled::Text(host)),
                }
            }
            Self::WifiSsid => {
                let name = text(value, 32, false)?;
                if name.len() > 32 { Err("is longer than 32 bytes".to_owned()) } else { Ok(Filled::Text(name)) }
            }
            Self::Url => address::base_url(&text(value, TEXT_CHARACTERS, false)?).map(Filled::Text).map_err(Into::into),
            Self::Choice { options } => {
                let chosen = value.as_str().ok_or_else(|| shape(value, "a word"))?;
                let known = options.iter().find(|option| option.value == chosen);
                known
                    .map(|option| Filled::Word(option.value.clone()))
                    .ok_or_else(|| "is none of the options".to_owned())
            }
            Self::Boolean => value.as_bool().map(Filled::Boolean).ok_or_else(|| shape(value, "true or false")),
        }
    }

    /// What may be filled in, as the object of a sentence.
    pub(crate) fn allowed(&self) -> String {
        match self {
            Self::Text { max_characters, multiline: true } => format!("text of at most {max_characters} characters"),
            Self::Text { max_characters, multiline: false } | Self::Secret { max_characters } => {
                format!("text of at most {max_characters} characters on one line")
            }
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Host => "a host name such as sensors.example.org, or an IP address".to_owned(),
            Self::Port => "a whole number from 1 to 65535".to_owned(),
            Self::WifiSsid => "the name of a Wi-Fi network, of 1 to 32 bytes".to_owned(),
            Self::Url => "an address such as http://192.168.1.10:8086, without user name, ? and #".to_owned(),
            Self::Choice { options } => {
                let words: Vec<String> = options.iter().map(|option| format!("{:?}", option.value)).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Boolean => "true or false".to_owned(),
            Self::Duration { min_seconds, max_seconds } => {
                format!("a whole number of seconds from {min_seconds} to {max_seconds}")
            }
        }
    }
}

fn text(value: &Json, max_characters: usize, multiline: bool) -> Result<String, String> {
    let text = value.as_str().ok_or_else(|| shape(value, "text"))?;
    let most = max_characters.min(TEXT_CHARACTERS);
    if text.chars().count() > most {
        return Err(format!("is longer than {most} characters"));
    }
    let text = if multiline { text.replace("\r\n", "\n") } else { text.to_owned() };
    let is_wrong = |c: char| c.is_control() && !(multiline && matches!(c, '\n' | '\t'));
    match text.chars().position(is_wrong) {
        Some(position) => {
            Err(format!("has a line break, a tab or another control character, as character {}", position + 1))
        }
        None => Ok(text),
    }
}

fn integer(value: &Json, min: i64, max: i64) -> Result<i64, String> {
    let Some(number) = value.as_i64() else {
        return Err(if value.is_number() {
            "is not a whole number in range".to_owned()
        } else {
            shape(value, "a number")
        });
    };
    if number < min {
        Err(format!("is less than {min}"))
    } else if number > max {
        Err(format!("is more than {max}"))
    } else {
        Ok(number)
    }
}

/// Says that a value is of another kind, without the value.
fn shape(value: &Json, wanted: &str) -> String {
    let found = match value {
        Json::Null => "nothing",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    };
    format!("is {found}, not {wanted}")
}
