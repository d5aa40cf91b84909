//! Settings of a connection as clients ask for them. They cannot be changed: `SET` is acknowledged and does nothing.

use std::collections::BTreeMap;

use sensorium_query::POSTGRES_VERSION;

/// The settings that every client is told when it is let in.
const TOLD: [&str; 12] = [
    "server_version",
    "server_encoding",
    "client_encoding",
    "application_name",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
    "is_superuser",
    "session_authorization",
    "default_transaction_read_only",
];

/// The settings of a connection, by their names in lower case.
pub(crate) fn of(user: &str, application: &str) -> BTreeMap<String, String> {
    let fixed = [
        ("server_version", POSTGRES_VERSION),
        ("server_version_num", "150000"),
        ("server_encoding", "UTF8"),
        ("client_encoding", "UTF8"),
        ("datestyle", "ISO, MDY"),
        ("intervalstyle", "postgres"),
        ("timezone", "UTC"),
        ("integer_datetimes", "on"),
        ("standard_conforming_strings", "on"),
        ("is_superuser", "off"),
        ("in_hot_standby", "off"),
        ("default_transaction_read_only", "on"),
        ("transaction_read_only", "on"),
        ("transaction_isolation", "read committed"),
        ("default_transaction_isolation", "read committed"),
        ("search_path", "public"),
        ("extra_float_digits", "1"),
        ("bytea_output", "hex"),
        ("max_identifier_length", "63"),
        ("max_index_keys", "32"),
        ("statement_timeout", "0"),
        ("lock_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("lc_collate", "C.UTF-8"),
        ("lc_ctype", "C.UTF-8"),
        ("lc_messages", "C.UTF-8"),
        ("lc_monetary", "C.UTF-8"),
        ("row_security", "on"),
        ("ssl", "on"),
        ("wal_level", "minimal"),
        ("default_table_access_method", "heap"),
        ("default_tablespace", ""),
    ];
    let own = [("session_authorization", user), ("application_name", application)];
    fixed.into_iter().chain(own).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What the client is told at the start: names as PostgreSQL writes them, and values.
pub(crate) fn told(settings: &BTreeMap<String, String>) -> impl Iterator<Item = (String, String)> {
    TOLD.into_iter().filter_map(|name| Some((name.to_owned(), settings.get(&name.to_lowercase())?.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_there() {
        let settings = of("ada", "psql");
        let told: Vec<_> = told(&settings).collect();
        assert_eq!(told.len(), TOLD.len());
        assert!(told.contains(&("session_authorization".to_owned(), "ada".to_owned())));
    }
}
