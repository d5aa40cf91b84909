//! The metadata of a test on PostgreSQL: when `TEST_POSTGRES_URL` names a server (see `scripts/with-postgres.sh`), each folder
//! of a test has a database there.

#![allow(dead_code, reason = "each test program uses another part of it")]

use std::path::Path;
use std::process::Command;

use sensorium_metadata::{Engine, MetadataConfig};

/// The default configuration of the metadata in a folder, or in the database that belongs to it.
pub(crate) fn metadata_of(folder: &Path) -> MetadataConfig {
    let default = MetadataConfig::new(folder);
    match url_of(folder) {
        Some(url) => MetadataConfig { engine: Engine::Postgres(url.parse().unwrap()), ..default },
        None => default,
    }
}

/// The address of the database that belongs to a folder, made at the first call; none when tests use files.
pub(crate) fn url_of(folder: &Path) -> Option<String> {
    let server = std::env::var("TEST_POSTGRES_URL").ok()?;
    let hex: String = folder.to_string_lossy().bytes().map(|byte| format!("{byte:02x}")).collect();
    // At most 63 characters make a name; the end tells folders apart.
    let database = format!("t{}", &hex[hex.len().saturating_sub(62)..]);
    let statement = format!("CREATE DATABASE {database}");
    let made =
        Command::new("psql").args(["--no-psqlrc", "--quiet", "--command", &statement, &server]).output().unwrap();
    let error = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success() || error.contains("already exists"), "{error}");
    let (address, parameters) = server.split_once('?').unwrap();
    let (address, _) = address.rsplit_once('/').unwrap();
    Some(format!("{address}/{database}?{parameters}"))
}

/// Copies the database that belongs to one folder to that of another, as who runs a server would; nothing to do for files.
pub(crate) fn copy(from: &Path, to: &Path) {
    let (Some(from), Some(to)) = (url_of(from), url_of(to)) else { return };
    let script = "set -o pipefail; pg_dump --no-owner \"$1\" | psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \"$2\"";
    let copied = Command::new("bash").args(["-c", script, "copy", &from, &to]).output().unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
}
