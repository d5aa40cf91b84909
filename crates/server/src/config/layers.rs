//! Settings as flat keys such as `http.listen`, each with the place that it was set.
//!
//! Keys are known from the defaults, so a key that the defaults do not have is an error, wherever it is set; and a value
//! is converted to what its default is, so `SENSORIUM_HTTP__CONNECTIONS=10` is a number and a database may be named `7`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::ConfigError;
use super::mail::PASSWORD;
use super::oidc::SECRET_KEY;
use super::settings::Settings;

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nowhere: the built-in value.
    Default,
    /// A configuration file; line and column count from 1.
    File { path: PathBuf, line: usize, column: usize },
    /// An environment variable.
    Environment(String),
    /// A command-line flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// A value and its origin. Not to be shown as it is: it may be a password.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Values may be secret.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)
    }
}

/// All keys, in the order of the settings' own declaration.
#[derive(Debug, Clone)]
pub(crate) struct Layers {
    order: Vec<String>,
    entries: BTreeMap<String, Entry>,
}

impl Layers {
    /// The built-in values.
    pub(crate) fn defaults() -> Result<Self, ConfigError> {
        let settings = Settings::defaults().map_err(|error| ConfigError::Defaults(error.to_string()))?;
        let tree = serde_json::to_value(settings).map_err(|error| ConfigError::Defaults(error.to_string()))?;
        let mut layers = Self { order: Vec::new(), entries: BTreeMap::new() };
        layers.add_tree("", tree);
        Ok(layers)
    }

    fn add_tree(&mut self, prefix: &str, tree: Value) {
        match tree {
            Value::Object(members) => {
                for (name, member) in members {
                    let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
                    self.add_tree(&key, member);
                }
            }
            value => {
                self.order.push(prefix.to_owned());
                self.entries.insert(prefix.to_owned(), Entry { value, origin: Origin::Default });
            }
        }
    }

    /// Sets a key to a typed value, as a file has it.
    pub(crate) fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        let Some(entry) = self.entries.get(key) else {
            return Err(ConfigError::UnknownKey {
                key: key.to_owned(),
                origin,
                nearest: nearest(key, self.order.iter().map(String::as_str)),
            });
        };
        // Each value is tried alone, so that a wrong one is reported with its own key and place.
        let mut probe = self.clone();
        let expected = expected(&entry.value);
        probe.entries.insert(key.to_owned(), Entry { value: value.clone(), origin: origin.clone() });
        if let Err(error) = probe.to_settings() {
            let (found, reason) = match key {
                PASSWORD | SECRET_KEY => ("that".to_owned(), "it is not shown, because it is a secret".to_owned()),
                _ => (shown(&value), error.to_string()),
            };
            return Err(ConfigError::Value { key: key.to_owned(), found, expected, origin, reason });
        }
        *self = probe;
        Ok(())
    }

    /// Sets a key from text, as the environment and flags have it.
    pub(crate) fn set_text(&mut self, key: &str, text: &str, origin: Origin) -> Result<(), ConfigError> {
        let value = match self.entries.get(key).map(|entry| &entry.value) {
            Some(Value::Bool(_)) => match text {
                "true" | "1" | "yes" | "on" => Value::Bool(true),
                "false" | "0" | "no" | "off" => Value::Bool(false),
                other => Value::String(other.to_owned()),
            },
            Some(Value::Number(_)) => {
                let digits = text.replace('_', "");
                let number = digits.parse::<i64>().map(Value::from).or_else(|_| digits.parse::<u64>().map(Value::from));
                number.unwrap_or_else(|_| Value::String(text.to_owned()))
            }
            // A list is written as in a file, or as JSON.
            Some(Value::Array(_)) => {
                let list = toml::from_str::<Map<String, Value>>(&format!("list = {text}")).ok();
                let list = list.and_then(|mut table| table.remove("list"));
                list.or_else(|| serde_json::from_str(text).ok()).unwrap_or_else(|| Value::String(text.to_owned()))
            }
            // An optional setting is unset by an empty text.
            Some(Value::Null) if text.is_empty() => Value::Null,
            _ => Value::String(text.to_owned()),
        };
        self.set(key, value, origin)
    }

    /// The settings that the values make.
    pub(crate) fn to_settings(&self) -> Result<Settings, serde_json::Error> {
        let mut root = Map::new();
        for (key, entry) in &self.entries {
            let mut table = &mut root;
            let mut names = key.split('.').peekable();
            while let Some(name) = names.next() {
                if names.peek().is_none() {
                    table.insert(name.to_owned(), entry.value.clone());
                    break;
                }
                let member = table.entry(name).or_insert_with(|| Value::Object(Map::new()));
                let Value::Object(inner) = member else { break };
                table = inner;
            }
        }
        serde_json::from_value(Value::Object(root))
    }

    /// Keys and entries in the order of declaration.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.order.iter().filter_map(|key| Some((key.as_str(), self.entries.get(key)?)))
    }

    /// Where a key was set.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        self.entries.get(key).map_or(Origin::Default, |entry| entry.origin.clone())
    }
}

/// The known key that is most likely meant, unless none is similar.
pub(crate) fn nearest<'k>(key: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |candidate: &str| {
        let whole = strsim::jaro_winkler(key, candidate);
        // `listen` alone, or `server.listen`, most likely means `http.listen`.
        whole.max(strsim::jaro_winkler(&last(key), &last(candidate)) - 0.05)
    };
    let rank = |candidate: &str| candidate.starts_with("http.");
    known
        .map(|candidate| (likeness(candidate), candidate))
        // Of those that are as likely, that of HTTP, which everybody has, or the first.
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| rank(a.1).cmp(&rank(b.1))).then(Ordering::Greater))
        .filter(|(likeness, _)| *likeness > 0.75)
        .map(|(_, candidate)| candidate.to_owned())
}

fn expected(default: &Value) -> &'static str {
    match default {
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a whole number",
        Value::Array(_) => "a list, written as in a file or as JSON",
        _ => "text",
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag() -> Origin {
        Origin::Flag("--x")
    }

    #[test]
    fn text_becomes_what_the_default_is() {
        let mut layers = Layers::defaults().unwrap();
        for (key, text) in [
            ("http.connections", "1_000"),
            ("http.public_metrics", "yes"),
            ("host_metrics.database", "7"),
            ("tls.cert", "a.pem"),
            ("limits.earliest_unix_seconds", "-5"),
            ("store.durability", "memory"),
            ("coap.route", r#"[{"path": "/a", "database": "main", "table": "a", "allow": "anyone"}]"#),
        ] {
            layers.set_text(key, text, flag()).unwrap();
        }
        let settings = layers.to_settings().unwrap();
        assert_eq!(settings.http.connections, 1_000);
        assert!(settings.http.public_metrics);
        assert_eq!(settings.host_metrics.database.as_str(), "7");
        assert_eq!(settings.tls.cert, Some("a.pem".into()));
        assert_eq!(settings.limits.earliest_unix_seconds, -5);
        assert_eq!((settings.coap.route.len(), settings.coap.route[0].field.as_str()), (1, "value"));
        assert_eq!(layers.origin("http.connections"), flag());
        assert_eq!(layers.origin("http.listen"), Origin::Default);
    }

    #[test]
    fn a_wrong_value_names_its_key_and_changes_nothing() {
        let mut layers = Layers::defaults().unwrap();
        for (key, text) in [
            ("http.connections", "many"),
            ("http.connections", "-1"),
            ("http.public_metrics", "maybe"),
            ("host_metrics.database", "../x"),
            ("store.durability", "paper"),
            ("coap.route", "/a"),
        ] {
            let error = layers.set_text(key, text, flag()).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains(text) && error.contains("--x"), "{error}");
        }
        assert_eq!(layers.to_settings().unwrap().http.connections, 4_096);
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let layers = Layers::defaults().unwrap();
        let near = |key| nearest(key, layers.order.iter().map(String::as_str));
        assert_eq!(near("http.lissen").as_deref(), Some("http.listen"));
        assert_eq!(near("listen").as_deref(), Some("http.listen"));
        assert_eq!(near("datadir").as_deref(), Some("data_dir"));
        assert_eq!(near("query.max_row").as_deref(), Some("query.max_rows"));
        assert_eq!(near("zzz"), None);
    }
}
