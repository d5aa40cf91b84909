//! Where the metadata lives, and the connections to it.
//!
//! One writer at a time: SQLite has one anyhow, and on PostgreSQL every transaction takes the same lock before anything else.
//! So what a transaction reads stays true until it ends, in both, and several servers may share a database.

use std::fmt;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, Statement,
    TransactionTrait,
};

use crate::config::MetadataConfig;
use crate::error::MetadataError;

/// Connections to a file: one writes, others read.
const FILE_CONNECTIONS: u32 = 4;
/// Connections of one server to PostgreSQL.
const SERVER_CONNECTIONS: u32 = 8;
/// How long to wait for PostgreSQL, or for a free connection to it.
const SERVER_PATIENCE: Duration = Duration::from_secs(10);
/// What transactions lock: "sensor" in ASCII.
const WRITER_LOCK: i64 = 0x7365_6e73_6f72;

/// Where the metadata lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// A SQLite file; created if it is missing.
    File(PathBuf),
    /// A database of PostgreSQL, of which the tables are created if they are missing.
    Postgres(PostgresUrl),
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// `postgres://user:password@host/database`; shown without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl FromStr for PostgresUrl {
    type Err = MetadataError;

    fn from_str(url: &str) -> Result<Self, MetadataError> {
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
        let database =
            rest.and_then(|rest| rest.split(['?', '#']).next()?.split_once('/')).map(|(_, database)| database);
        if database.is_none_or(str::is_empty) || url.contains(char::is_whitespace) {
            let rule = "write postgres://user:password@host/database";
            return Err(MetadataError::Invalid { what: "this is not the address of a database", rule });
        }
        Ok(Self(url.to_owned()))
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        // Parameters may hold secrets too.
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        match rest.rsplit_once('@') {
            None => write!(f, "{scheme}://{rest}"),
            Some((user, at)) => write!(f, "{scheme}://{}@{at}", user.split(':').next().unwrap_or_default()),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Opens connections.
pub(crate) async fn connect(config: &MetadataConfig) -> Result<DatabaseConnection, MetadataError> {
    let options = match &config.engine {
        Engine::File(path) => of_file(path)?,
        Engine::Postgres(url) => {
            let mut options = ConnectOptions::new(url.0.as_str());
            options.max_connections(SERVER_CONNECTIONS).min_connections(1).sqlx_logging(false);
            options.connect_timeout(SERVER_PATIENCE).acquire_timeout(SERVER_PATIENCE);
            options
        }
    };
    Database::connect(options).await.map_err(|source| opening(config, source))
}

/// What a failure means that came while the metadata was opened.
pub(crate) fn opening(config: &MetadataConfig, source: DbErr) -> MetadataError {
    match &config.engine {
        Engine::File(path) => MetadataError::opening(path, source),
        Engine::Postgres(url) => MetadataError::Unreachable { url: url.clone(), source },
    }
}

fn of_file(path: &Path) -> Result<ConnectOptions, MetadataError> {
    // SQLite gives its log and shared memory the mode of the file, so it is created here, for the owner only.
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| MetadataError::Create { path: path.to_owned(), source })?;
    let mut options = ConnectOptions::new("sqlite::memory:");
    let path = path.to_owned();
    options.max_connections(FILE_CONNECTIONS).min_connections(1).sqlx_logging(false).map_sqlx_sqlite_opts(
        move |options| {
            options
                .filename(&path)
                .in_memory(false)
                .shared_cache(false)
                .create_if_missing(false)
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("foreign_keys", "ON")
                .pragma("cache_size", "-1024")
                .busy_timeout(Duration::from_secs(10))
        },
    );
    Ok(options)
}

/// Begins a transaction that nobody else's changes.
pub(crate) async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let transaction = db.begin().await?;
    if transaction.get_database_backend() == DbBackend::Postgres {
        let lock = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT pg_advisory_xact_lock($1)",
            [WRITER_LOCK.into()],
        );
        transaction.execute_raw(lock).await?;
    }
    Ok(transaction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_an_address_is_not_shown() {
        for (url, shown) in [
            (
                "postgres://sensorium:geheim@db.example.org:5433/registry",
                "postgres://sensorium@db.example.org:5433/registry",
            ),
            ("postgresql://me:a@b:geheim@host/x?sslmode=require&password=geheim", "postgresql://me@host/x"),
            ("postgres:///registry?host=/run/postgresql", "postgres:///registry"),
        ] {
            let url: PostgresUrl = url.parse().unwrap();
            assert_eq!((url.to_string().as_str(), format!("{url:?}").as_str()), (shown, shown));
        }
        for wrong in ["", "postgres://host", "postgres://host/", "mysql://host/x", "postgres://host /x", "/var/lib/x"] {
            assert!(wrong.parse::<PostgresUrl>().is_err(), "{wrong:?} was accepted");
        }
    }
}
