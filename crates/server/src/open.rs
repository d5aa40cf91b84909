//! Opens the parts that hold data; used by `serve`, and by commands that find no running server.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use sensorium_metadata::{DeviceLimits, Engine, FirstStart, InboxLimits, Metadata, MetadataConfig};
use sensorium_query::{QueryConfig, QueryEngine};
use sensorium_store::{CommitListener, Durability, RecoveryReport, Store, StoreConfig};

use crate::config::{DurabilitySetting, Settings};

/// Opens the store and recovers what the log holds; blocks a thread of its own.
pub(crate) async fn store(settings: &Settings, on_commit: Option<CommitListener>) -> Result<(Store, RecoveryReport)> {
    let config = StoreConfig {
        limits: settings.limits,
        durability: match settings.store.durability {
            DurabilitySetting::Fsync => Durability::Fsync,
            DurabilitySetting::Memory => Durability::Memory,
        },
        memtable_bytes: settings.store.memtable_bytes,
        flush_bytes: settings.store.flush_bytes,
        flush_interval: Duration::from_secs(settings.store.flush_interval_seconds),
        compaction_file_bytes: settings.store.compaction_file_bytes,
        compaction_settle: Duration::from_secs(settings.store.compaction_settle_seconds),
        disk_reserve_bytes: settings.store.disk_reserve_bytes,
        series_per_table: settings.store.series_per_table,
        rollups_per_database: settings.store.rollups_per_database,
        clock: Arc::new(now_ns),
        on_commit,
        ..StoreConfig::new(&settings.data_dir)
    };
    let opened = tokio::task::spawn_blocking(move || Store::open(config)).await;
    Ok(opened.context("opening the data folder was interrupted")??)
}

/// The system's clock, in nanoseconds since the epoch.
fn now_ns() -> i64 {
    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX)
}

/// Opens users, sessions and tokens.
pub(crate) async fn metadata(settings: &Settings) -> Result<(Metadata, FirstStart)> {
    Ok(Metadata::open(metadata_config(settings)?).await?)
}

/// Where users, sessions and tokens are, and for how long they are good.
pub(crate) fn metadata_config(settings: &Settings) -> Result<MetadataConfig> {
    let hours = |hours: u64| Duration::from_secs(hours.saturating_mul(3_600));
    let people = &settings.people;
    let default = MetadataConfig::new(&settings.data_dir);
    let engine = settings.metadata.url.as_ref().map(|url| url.parse().map(Engine::Postgres)).transpose()?;
    Ok(MetadataConfig {
        engine: engine.unwrap_or(default.engine),
        session_lifetime: hours(people.session_days.saturating_mul(24)),
        session_idle: hours(people.session_idle_days.saturating_mul(24)),
        invitation_lifetime: hours(people.invitation_hours),
        reset_lifetime: hours(people.reset_hours),
        claim_lifetime: hours(people.claim_hours),
        registration: people.registration,
        audit_lifetime: hours(people.audit_days.saturating_mul(24)),
        audit_rows: people.audit_rows,
        devices: DeviceLimits {
            waiters: settings.devices.waiters,
            open_commands: settings.devices.open_commands,
            kept_commands: settings.devices.kept_commands,
            command_lifetime: hours(settings.devices.command_days.saturating_mul(24)),
            reports_per_minute: settings.devices.reports_per_minute,
        },
        inbox: InboxLimits {
            devices: settings.inbox.devices,
            messages: settings.inbox.messages,
            bytes: settings.inbox.bytes,
            lifetime: hours(settings.inbox.days.saturating_mul(24)),
            per_minute: settings.inbox.per_minute,
        },
        key_file: settings.secrets.key_file.clone().unwrap_or(default.key_file),
        ..default
    })
}

/// Starts the query engine.
pub(crate) fn query(settings: &Settings, store: &Store) -> Result<QueryEngine> {
    let config = QueryConfig {
        memory_bytes: settings.query.memory_bytes,
        timeout: Duration::from_secs(settings.query.timeout_seconds),
        max_rows: settings.query.max_rows,
        concurrent: settings.query.concurrent,
        ..QueryConfig::default()
    };
    Ok(QueryEngine::new(store.clone(), config)?)
}
