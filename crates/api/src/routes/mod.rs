//! The routes, a module per subject. Each exposes `routes()`, which [`crate::openapi`] merges.

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod classes;
pub(crate) mod databases;
pub(crate) mod detections;
pub(crate) mod devices;
pub(crate) mod email;
mod export;
pub(crate) mod groups;
pub(crate) mod inbox;
pub(crate) mod influx;
pub(crate) mod keeping;
pub(crate) mod live;
pub(crate) mod mail;
pub(crate) mod mqtt;
pub(crate) mod networks;
pub(crate) mod oidc;
pub(crate) mod operations;
pub(crate) mod places;
pub(crate) mod queries;
pub(crate) mod readings;
pub(crate) mod registration;
pub mod rejections;
pub(crate) mod rollups;
pub(crate) mod second_factor;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod sql;
pub(crate) mod submissions;
pub(crate) mod templates;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod write;

/// A time of the server's own clock as RFC 3339 in UTC.
pub(crate) fn rfc3339(unix_ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(unix_ms)
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
