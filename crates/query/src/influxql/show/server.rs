//! Databases, retention policies, queries, and what InfluxDB has and this does not.

use std::time::Duration;

use sensorium_model::{DatabaseKey, DatabaseName, DatabaseScope};

use super::super::{Cell, Context, Series};
use super::{table, text};
use crate::registry::QueryId;

/// The names of the databases that the caller may read.
fn visible(context: Context<'_>) -> Vec<DatabaseName> {
    let mut all = context.store().databases(context.request.org);
    if let DatabaseScope::One(only) = &context.request.scope {
        all.retain(|name| name == only);
    }
    all.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    all
}

/// `SHOW DATABASES`
pub(super) fn databases(context: Context<'_>) -> Vec<Series> {
    let names = visible(context).iter().map(|name| vec![text(name.as_str())]).collect();
    vec![table("databases", &["name"], names)]
}

/// `SHOW RETENTION POLICIES`: the one of the database.
pub(super) fn retention_policies(context: Context<'_>, key: &DatabaseKey) -> Vec<Series> {
    let keep = context.store().retention(key, None);
    let row = vec![
        text("autogen"),
        Cell::Text(hours(keep.unwrap_or_default()).into()),
        Cell::Text(hours(shard_duration(keep)).into()),
        Cell::Integer(1),
        Cell::Boolean(true),
    ];
    vec![table("", &["name", "duration", "shardGroupDuration", "replicaN", "default"], vec![row])]
}

/// How long InfluxDB's shards are for what a policy keeps.
fn shard_duration(keep: Option<Duration>) -> Duration {
    const HOUR: u64 = 3_600;
    Duration::from_secs(match keep.map(|keep| keep.as_secs()) {
        Some(keep) if keep < 2 * 24 * HOUR => HOUR,
        Some(keep) if keep <= 180 * 24 * HOUR => 24 * HOUR,
        _ => 168 * HOUR,
    })
}

/// A duration as InfluxDB writes it: `168h0m0s`, and `0s` for none.
fn hours(duration: Duration) -> String {
    match duration.as_secs() {
        0 => "0s".to_owned(),
        seconds @ ..60 => format!("{seconds}s"),
        seconds @ ..3_600 => format!("{}m{}s", seconds / 60, seconds % 60),
        seconds => format!("{}h{}m{}s", seconds / 3_600, seconds / 60 % 60, seconds % 60),
    }
}

impl QueryId {
    /// The number that InfluxQL calls a query by: as much of the id as a double holds exactly.
    pub fn number(&self) -> u64 {
        u64::try_from(self.as_uuid().as_u128() & ((1 << 53) - 1)).unwrap_or_default()
    }
}

/// `SHOW QUERIES`: those that the caller may see.
pub(super) fn queries(context: Context<'_>) -> Vec<Series> {
    let request = context.request;
    let is_shown = |database: &DatabaseName| match &request.scope {
        DatabaseScope::All => true,
        DatabaseScope::One(only) => database == only,
    };
    let running = context.registry.list(request.org);
    let shown = running.into_iter().filter(|query| {
        is_shown(&query.database) && (request.asker.manages_queries || query.subject == request.asker.subject)
    });
    let rows = shown.map(|query| {
        vec![
            Cell::Integer(i64::try_from(query.id.number()).unwrap_or(i64::MAX)),
            text(&query.sql),
            text(query.database.as_str()),
            Cell::Text(elapsed(query.elapsed_ms).into()),
            text("running"),
        ]
    });
    vec![table("", &["qid", "query", "database", "duration", "status"], rows.collect())]
}

/// A short time in the unit that InfluxDB would take.
fn elapsed(milliseconds: f64) -> String {
    if milliseconds < 1.0 {
        format!("{:.0}µs", milliseconds * 1_000.0)
    } else if milliseconds < 1_000.0 {
        format!("{milliseconds:.0}ms")
    } else {
        hours(Duration::from_secs_f64(milliseconds / 1_000.0))
    }
}

/// `SHOW SHARDS`: there are none, of any database.
pub(super) fn shards(context: Context<'_>) -> Vec<Series> {
    let columns =
        ["id", "database", "retention_policy", "shard_group", "start_time", "end_time", "expiry_time", "owners"];
    visible(context).iter().map(|name| table(name.as_str(), &columns, Vec::new())).collect()
}

/// `SHOW SHARD GROUPS`: there are none.
pub(super) fn shard_groups() -> Vec<Series> {
    let columns = ["id", "database", "retention_policy", "start_time", "end_time", "expiry_time"];
    vec![table("shard groups", &columns, Vec::new())]
}
