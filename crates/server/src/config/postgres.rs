//! `[postgres]`: the listener of PostgreSQL's protocol and the limits of its clients.

use std::net::IpAddr;
use std::time::Duration;

use sensorium_postgres::PostgresConfig;
use serde::{Deserialize, Serialize};

/// The port where none is named: beside PostgreSQL's own, which may be in use on the same machine.
const PORT: u16 = 5433;
/// The smallest messages with which a client can ask anything.
const LEAST_MESSAGE_BYTES: usize = 1_024;

/// `[postgres]`. Without an address there is no listener.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostgresSettings {
    /// Address and port, such as `0.0.0.0:5433`; the port may be left out.
    pub(crate) listen: Option<String>,
    /// Connections of those who are let in; further ones are refused.
    pub(crate) connections: usize,
    /// Connections on their way in; further ones wait.
    pub(crate) starting: usize,
    /// Milliseconds until a connection must be let in.
    pub(crate) startup_ms: u64,
    /// The largest message of a client, in bytes.
    pub(crate) message_bytes: usize,
    /// Seconds for which a connection may do nothing, or take nothing of an answer.
    pub(crate) idle_seconds: u64,
    /// Prepared statements, and portals, of a connection.
    pub(crate) statements: usize,
    /// Whether passwords are taken without TLS from other machines.
    pub(crate) plain_passwords: bool,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            listen: None,
            connections: 100,
            starting: 100,
            startup_ms: 10_000,
            message_bytes: 1_048_576,
            idle_seconds: 3_600,
            statements: 1_000,
            plain_passwords: false,
        }
    }
}

impl PostgresSettings {
    /// The address with its port.
    pub(crate) fn address(&self) -> Option<String> {
        self.listen.as_deref().map(|text| match text.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]:{PORT}"),
            _ if text.contains(':') => text.to_owned(),
            _ => format!("{text}:{PORT}"),
        })
    }

    /// What the listener is told.
    pub(crate) fn config(&self) -> PostgresConfig {
        PostgresConfig {
            connections: self.connections,
            starting: self.starting,
            startup: Duration::from_millis(self.startup_ms),
            message_bytes: self.message_bytes,
            idle: Duration::from_secs(self.idle_seconds),
            statements: self.statements,
            plain_passwords: self.plain_passwords,
        }
    }

    pub(super) fn broken_rule(&self) -> Option<(&'static str, String)> {
        let too_small = |key, least| Some((key, format!("it is too small; use at least {least}")));
        match () {
            () if self.connections == 0 => too_small("postgres.connections", 1),
            () if self.starting == 0 => too_small("postgres.starting", 1),
            () if self.startup_ms == 0 => too_small("postgres.startup_ms", 1),
            () if self.message_bytes < LEAST_MESSAGE_BYTES => too_small("postgres.message_bytes", LEAST_MESSAGE_BYTES),
            () if self.idle_seconds == 0 => too_small("postgres.idle_seconds", 1),
            () if self.statements == 0 => too_small("postgres.statements", 1),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_name_their_key() {
        let good = PostgresSettings::default();
        assert_eq!(good.broken_rule(), None);
        for (settings, key) in [
            (PostgresSettings { connections: 0, ..good.clone() }, "postgres.connections"),
            (PostgresSettings { starting: 0, ..good.clone() }, "postgres.starting"),
            (PostgresSettings { message_bytes: 1_023, ..good.clone() }, "postgres.message_bytes"),
            (PostgresSettings { statements: 0, ..good }, "postgres.statements"),
        ] {
            assert_eq!(settings.broken_rule().map(|(key, _)| key), Some(key));
        }
    }

    #[test]
    fn the_port_may_be_left_out() {
        let address = |text: &str| PostgresSettings { listen: Some(text.to_owned()), ..Default::default() }.address();
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1:5433"),
            ("::1", "[::1]:5433"),
            ("localhost", "localhost:5433"),
            ("0.0.0.0:5432", "0.0.0.0:5432"),
            ("[::]:1", "[::]:1"),
            (":5432", ":5432"),
        ] {
            assert_eq!(address(text).as_deref(), Some(expected));
        }
        assert_eq!(PostgresSettings::default().address(), None);
    }
}
