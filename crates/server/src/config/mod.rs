//! Configuration: defaults, then `sensorium.toml`, then `SENSORIUM_*` variables, then flags; later ones win.
//!
//! Levels are joined by a double underscore in variables: `SENSORIUM_HTTP__LISTEN` is `http.listen`. Unknown keys are
//! errors everywhere, except for the variables that Kubernetes makes up for a service called `sensorium`.

mod bridge;
mod coap;
mod file;
mod influx;
mod layers;
mod mail;
mod mqtt;
mod oidc;
mod postgres;
mod settings;
mod show;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use layers::Origin;
pub(crate) use mail::{MailSecurity, MailSettings};
pub(crate) use settings::{DurabilitySetting, Log, LogFormat, Settings, TlsSettings};
pub(crate) use show::{show, show_json};

use layers::Layers;

/// The file that is read from the current folder when no other is named.
pub(crate) const DEFAULT_FILE: &str = "sensorium.toml";
/// Names another configuration file.
pub(crate) const FILE_VARIABLE: &str = "SENSORIUM_CONFIG";
const PREFIX: &str = "SENSORIUM_";
/// Variables that have the prefix but are no settings.
const OTHER_VARIABLES: [&str; 4] = ["CONFIG", "BOOTSTRAP_TOKEN", "URL", "TOKEN"];

/// Why the configuration cannot be used.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    #[error("{origin}: unknown setting {key:?}{}", suggestion(nearest.as_deref()))]
    UnknownKey { key: String, origin: Origin, nearest: Option<String> },
    #[error("{origin}: {key} cannot be {found}; it takes {expected} ({reason})")]
    Value { key: String, found: String, expected: &'static str, origin: Origin, reason: String },
    #[error("{origin}: {key}: {sentence}")]
    Rule { key: &'static str, sentence: String, origin: Origin },
    #[error("{}:{line}:{column}: the file is no valid TOML: {reason}", path.display())]
    Damaged { path: PathBuf, line: usize, column: usize, reason: String },
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{variable} is not valid UTF-8")]
    NotUtf8 { variable: String },
    #[error("the built-in defaults are broken: {0}")]
    Defaults(String),
}

fn suggestion(nearest: Option<&str>) -> String {
    match nearest {
        Some(key) => format!("; did you mean {key:?}?"),
        None => "; `sensorium config` lists all settings".to_owned(),
    }
}

/// What the command line sets: a key, its text and the flag's name.
pub(crate) type FlagValue = (String, String, &'static str);

/// The effective configuration.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    layers: Layers,
}

/// Where each value comes from; values may be secret.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("layers", &self.layers).finish_non_exhaustive()
    }
}

impl Config {
    /// Reads everything that configures: the file, `environment` (names and values) and flags.
    pub(crate) fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
        flags: &[FlagValue],
    ) -> Result<Self, ConfigError> {
        let mut layers = Layers::defaults()?;
        if let Some((path, text)) = read_file(file)? {
            file::apply(&mut layers, &path, &text)?;
        }
        apply_environment(&mut layers, environment)?;
        for (key, text, flag) in flags {
            layers.set_text(key, text, Origin::Flag(flag))?;
        }
        let settings = layers.to_settings().map_err(|error| ConfigError::Defaults(error.to_string()))?;
        match settings.broken_rule() {
            Some((key, sentence)) => Err(ConfigError::Rule { key, sentence, origin: layers.origin(key) }),
            None => Ok(Self { settings, layers }),
        }
    }
}

/// A named file must exist; the default one may.
fn read_file(named: Option<&Path>) -> Result<Option<(PathBuf, String)>, ConfigError> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(source) => Err(ConfigError::Unreadable { path: path.to_owned(), source }),
    }
}

fn apply_environment(
    layers: &mut Layers,
    environment: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
) -> Result<(), ConfigError> {
    let mut variables: Vec<(String, std::ffi::OsString)> = environment
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    variables.sort();
    for (variable, value) in variables {
        let name = variable.strip_prefix(PREFIX).unwrap_or_default();
        if OTHER_VARIABLES.contains(&name) || is_of_kubernetes(name) {
            continue;
        }
        let key = name.to_ascii_lowercase().replace("__", ".");
        let Ok(text) = value.into_string() else { return Err(ConfigError::NotUtf8 { variable }) };
        layers.set_text(&key, &text, Origin::Environment(variable))?;
    }
    Ok(())
}

/// `SENSORIUM_SERVICE_HOST`, `SENSORIUM_PORT_8086_TCP_ADDR` and so on appear in every container beside a service that is
/// called `sensorium`.
fn is_of_kubernetes(name: &str) -> bool {
    name == "PORT" || name.starts_with("PORT_") || name.starts_with("SERVICE_HOST") || name.starts_with("SERVICE_PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: Option<&Path>, environment: &[(&str, &str)], flags: &[FlagValue]) -> Result<Config, ConfigError> {
        Config::load(file, environment.iter().map(|(name, value)| (name.into(), value.into())), flags)
    }

    #[test]
    fn later_layers_win_and_keep_their_origin() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.toml");
        std::fs::write(&path, "[query]\nconcurrent = 2\nmax_rows = 5\ntimeout_seconds = 7\n").unwrap();
        let environment = [("SENSORIUM_QUERY__CONCURRENT", "3"), ("SENSORIUM_QUERY__MAX_ROWS", "6"), ("HOME", "/x")];
        let config = load(Some(&path), &environment, &[("query.concurrent".into(), "4".into(), "--set")]).unwrap();
        let query = &config.settings.query;
        assert_eq!((query.concurrent, query.max_rows, query.timeout_seconds), (4, 6, 7));
        assert_eq!(config.layers.origin("query.concurrent").to_string(), "flag --set");
        assert_eq!(config.layers.origin("query.max_rows").to_string(), "environment SENSORIUM_QUERY__MAX_ROWS");
        assert!(config.layers.origin("query.timeout_seconds").to_string().ends_with("s.toml:4:1"));
        assert_eq!(config.layers.origin("query.memory_bytes"), Origin::Default);
    }

    #[test]
    fn unknown_variables_are_errors_but_not_those_of_kubernetes() {
        let error = load(None, &[("SENSORIUM_HTTP__LISTN", "x")], &[]).unwrap_err().to_string();
        assert!(error.contains("SENSORIUM_HTTP__LISTN") && error.contains("\"http.listen\""), "{error}");
        let harmless = [
            ("SENSORIUM_SERVICE_HOST", "10.0.0.1"),
            ("SENSORIUM_PORT_8086_TCP", "tcp://10.0.0.1:8086"),
            ("SENSORIUM_PORT", "tcp://10.0.0.1:8086"),
            ("SENSORIUM_BOOTSTRAP_TOKEN", "t"),
        ];
        load(None, &harmless, &[]).unwrap();
    }

    #[test]
    fn rules_between_settings_name_the_one_to_change() {
        let cert = || ("tls.cert".to_owned(), "a.pem".to_owned(), "--tls-cert");
        let error = load(None, &[], &[cert()]).unwrap_err().to_string();
        assert!(error.contains("tls.key") && error.contains("--tls-cert"), "{error}");
        let both = [
            cert(),
            ("tls.key".into(), "b.pem".into(), "--tls-key"),
            ("tls.self_signed".into(), "true".into(), "--tls-self-signed"),
        ];
        let error = load(None, &[], &both).unwrap_err().to_string();
        assert!(error.contains("tls.cert") && error.contains("--tls-self-signed"), "{error}");
        let error = load(None, &[("SENSORIUM_STORE__MEMTABLE_BYTES", "1000")], &[]).unwrap_err().to_string();
        assert!(error.contains("store.flush_bytes"), "{error}");
    }

    #[test]
    fn a_named_file_must_exist() {
        let error = load(Some(Path::new("/nowhere/s.toml")), &[], &[]).unwrap_err().to_string();
        assert!(error.contains("/nowhere/s.toml"), "{error}");
    }
}
