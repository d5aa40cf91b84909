//! Every setting, its default and its unit. What `sensorium config` prints is made from this.

use std::path::PathBuf;

use sensorium_metadata::PostgresUrl;
use sensorium_model::{DatabaseName, IngestLimits};
use serde::{Deserialize, Serialize};

use super::coap::CoapSettings;
use super::influx::InfluxSettings;
use super::mail::{MailSettings, wrong_public_url};
use super::mqtt::MqttSettings;
use super::oidc::OidcSettings;
use super::postgres::PostgresSettings;

const MIB: usize = 1 << 20;

/// The whole configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The folder that holds everything Sensorium stores.
    pub(crate) data_dir: PathBuf,
    pub(crate) http: Http,
    pub(crate) mqtt: MqttSettings,
    pub(crate) coap: CoapSettings,
    pub(crate) postgres: PostgresSettings,
    pub(crate) influx: InfluxSettings,
    pub(crate) tls: TlsSettings,
    pub(crate) limits: IngestLimits,
    pub(crate) store: StoreSettings,
    pub(crate) query: QuerySettings,
    pub(crate) metadata: MetadataSettings,
    pub(crate) people: PeopleSettings,
    pub(crate) mail: MailSettings,
    pub(crate) devices: DevicesSettings,
    pub(crate) inbox: InboxSettings,
    pub(crate) secrets: SecretsSettings,
    pub(crate) host_metrics: HostMetrics,
    pub(crate) log: Log,
}

/// `[http]`: the listener and limits of requests.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    /// Address and port; port 0 takes a free one.
    pub(crate) listen: String,
    /// What people open in their browsers; links in messages begin with it.
    pub(crate) public_url: Option<String>,
    /// Whether `/metrics` answers without a credential.
    pub(crate) public_metrics: bool,
    /// Whether readings are taken without a credential.
    pub(crate) anonymous_write: bool,
    /// The largest body of a write as sent, in bytes.
    pub(crate) body_bytes: usize,
    /// The largest body of a write after decompression, in bytes.
    pub(crate) decoded_bytes: usize,
    /// The largest plan of a site, a building or a floor, in bytes.
    pub(crate) plan_bytes: usize,
    /// Connections served at one time; further ones wait.
    pub(crate) connections: usize,
    /// Browsers and programs that may follow live data at one time.
    pub(crate) live_clients: usize,
}

/// `[tls]`: the certificate of all listeners.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSettings {
    /// PEM file with the certificate chain; TLS when set together with `key`.
    pub(crate) cert: Option<PathBuf>,
    /// PEM file with the private key.
    pub(crate) key: Option<PathBuf>,
    /// TLS with a certificate that the server makes for itself.
    pub(crate) self_signed: bool,
    /// Browsers that were here over HTTPS take nothing else from this host for so many seconds; 0 does not ask them to. Not with
    /// `self_signed`.
    pub(crate) hsts_seconds: u64,
}

impl TlsSettings {
    /// Whether listeners speak TLS.
    pub(crate) fn is_on(&self) -> bool {
        self.cert.is_some() || self.self_signed
    }
}

/// When a write is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DurabilitySetting {
    /// When it is on disk.
    Fsync,
    /// When the kernel has it.
    Memory,
}

/// `[store]`: how readings are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSettings {
    pub(crate) durability: DurabilitySetting,
    /// Bound on readings that wait in memory, in bytes; at the bound writers are told to come back later.
    pub(crate) memtable_bytes: usize,
    /// Readings in memory that trigger writing a file, in bytes.
    pub(crate) flush_bytes: usize,
    /// Readings are written to a file at the latest after so many seconds.
    pub(crate) flush_interval_seconds: u64,
    /// Files are merged into ones of up to this size, in bytes.
    pub(crate) compaction_file_bytes: u64,
    /// The files of a day are merged into one when no new one came for so many seconds.
    pub(crate) compaction_settle_seconds: u64,
    /// Writes are refused while the disk has less room than this, in bytes.
    pub(crate) disk_reserve_bytes: u64,
    /// Series in one table.
    pub(crate) series_per_table: usize,
    /// Rollups in one database.
    pub(crate) rollups_per_database: usize,
}

/// `[query]`: what one query may take.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuerySettings {
    /// Memory, in bytes.
    pub(crate) memory_bytes: usize,
    /// Time, in seconds.
    pub(crate) timeout_seconds: u64,
    /// Rows of the answer.
    pub(crate) max_rows: u64,
    /// Queries at one time.
    pub(crate) concurrent: usize,
}

/// `[metadata]`: where people, tokens and the record of changes are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetadataSettings {
    /// A database of PostgreSQL; without it, a file in the data folder. May hold a password.
    pub(crate) url: Option<String>,
}

/// `[people]`: how long sign-ins, links and the record of changes are good.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeopleSettings {
    /// Days after which a session ends, whatever happens.
    pub(crate) session_days: u64,
    /// Days without use after which a session ends.
    pub(crate) session_idle_days: u64,
    /// Hours for which an invitation is good.
    pub(crate) invitation_hours: u64,
    /// Hours for which the link that resets a password is good.
    pub(crate) reset_hours: u64,
    /// Hours for which a claim link of a device is good.
    pub(crate) claim_hours: u64,
    /// Whether people may ask to join by themselves; an administrator decides about each.
    pub(crate) registration: bool,
    /// Days for which changes stay on record.
    pub(crate) audit_days: u64,
    /// Changes of an organisation that stay on record, the newest of them.
    pub(crate) audit_rows: u64,
    /// Minutes between two removals of sessions, links and recorded changes that are over.
    pub(crate) clean_up_minutes: u64,
    /// A provider that people may sign in with.
    pub(crate) oidc: OidcSettings,
}

/// `[devices]`: what devices and those who ask them may take.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DevicesSettings {
    /// Requests that wait at one time for a state, a command or an answer.
    pub(crate) waiters: usize,
    /// Commands of a device that are queued, or delivered and not answered.
    pub(crate) open_commands: u64,
    /// Commands of a device that are kept when they are over, the newest of them.
    pub(crate) kept_commands: u64,
    /// Days for which commands are kept after their time-out.
    pub(crate) command_days: u64,
    /// Reports of its state that a device may send in a minute.
    pub(crate) reports_per_minute: u32,
}

/// `[inbox]`: what is kept of devices that write with a key for devices and are not known.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InboxSettings {
    /// Devices of an organisation.
    pub(crate) devices: u64,
    /// Messages of a device, the newest of them.
    pub(crate) messages: u64,
    /// Bytes of the messages of a device.
    pub(crate) bytes: u64,
    /// Days for which a message is kept.
    pub(crate) days: u64,
    /// Messages that an organisation takes in a minute.
    pub(crate) per_minute: u32,
}

/// `[secrets]`: what is sealed because it must be read again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretsSettings {
    /// The file with the key; `secret.key` in the data folder if it is not set.
    pub(crate) key_file: Option<PathBuf>,
}

/// `[host_metrics]`: this machine's own vitals.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostMetrics {
    pub(crate) enabled: bool,
    /// Milliseconds between two samples.
    pub(crate) interval_ms: u64,
    /// The database of the first organisation that they go to.
    pub(crate) database: DatabaseName,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// `[log]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or per module: `info,sensorium_store=debug`.
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

impl Settings {
    /// What holds when nothing is configured; fails only if a default breaks a rule of its own type.
    pub(crate) fn defaults() -> Result<Self, sensorium_model::NameError> {
        Ok(Self {
            data_dir: PathBuf::from("data"),
            http: Http {
                listen: "0.0.0.0:8086".to_owned(),
                public_url: None,
                public_metrics: false,
                anonymous_write: false,
                body_bytes: 25 * MIB,
                decoded_bytes: 100 * MIB,
                plan_bytes: 8 * MIB,
                connections: 4_096,
                live_clients: 1_024,
            },
            mqtt: MqttSettings::defaults()?,
            coap: CoapSettings::defaults()?,
            postgres: PostgresSettings::default(),
            influx: InfluxSettings::defaults()?,
            tls: TlsSettings { cert: None, key: None, self_signed: false, hsts_seconds: 30 * 86_400 },
            limits: IngestLimits::default(),
            store: StoreSettings {
                durability: DurabilitySetting::Fsync,
                memtable_bytes: 256 * MIB,
                flush_bytes: 16 * MIB,
                flush_interval_seconds: 1_800,
                compaction_file_bytes: 512 * MIB as u64,
                compaction_settle_seconds: 7_200,
                disk_reserve_bytes: 256 * MIB as u64,
                series_per_table: 1_000_000,
                rollups_per_database: 100,
            },
            query: QuerySettings { memory_bytes: 256 * MIB, timeout_seconds: 60, max_rows: 1_000_000, concurrent: 8 },
            metadata: MetadataSettings { url: None },
            people: PeopleSettings {
                session_days: 30,
                session_idle_days: 7,
                invitation_hours: 72,
                reset_hours: 24,
                claim_hours: 168,
                registration: false,
                audit_days: 365,
                audit_rows: 1_000_000,
                clean_up_minutes: 60,
                oidc: OidcSettings::default(),
            },
            mail: MailSettings::defaults(),
            devices: DevicesSettings {
                waiters: 1_024,
                open_commands: 50,
                kept_commands: 200,
                command_days: 30,
                reports_per_minute: 60,
            },
            inbox: InboxSettings { devices: 500, messages: 50, bytes: 64 * 1_024, days: 7, per_minute: 600 },
            secrets: SecretsSettings { key_file: None },
            host_metrics: HostMetrics { enabled: true, interval_ms: 1_000, database: DatabaseName::new("main")? },
            log: Log { level: "info".to_owned(), format: LogFormat::Auto },
        })
    }

    /// The first rule that the values break together or on their own: the key, and a sentence.
    pub(crate) fn broken_rule(&self) -> Option<(&'static str, String)> {
        let at_least = |key, value: u64, least: u64| {
            (value < least).then(|| (key, format!("{value} is too small; use at least {least}")))
        };
        at_least("http.connections", self.http.connections as u64, 1)
            .or_else(|| at_least("http.body_bytes", self.http.body_bytes as u64, 1_024))
            .or_else(|| at_least("http.decoded_bytes", self.http.decoded_bytes as u64, 1_024))
            .or_else(|| at_least("http.plan_bytes", self.http.plan_bytes as u64, 1_024))
            .or_else(|| at_least("limits.rows_per_request", self.limits.rows_per_request as u64, 1))
            .or_else(|| at_least("limits.tables_per_database", self.limits.tables_per_database as u64, 1))
            .or_else(|| at_least("limits.columns_per_table", self.limits.columns_per_table as u64, 1))
            .or_else(|| at_least("limits.cells_per_request", self.limits.cells_per_request as u64, 1))
            .or_else(|| at_least("store.flush_bytes", self.store.flush_bytes as u64, 64 * 1_024))
            .or_else(|| at_least("store.flush_interval_seconds", self.store.flush_interval_seconds, 1))
            .or_else(|| at_least("store.compaction_file_bytes", self.store.compaction_file_bytes, MIB as u64))
            .or_else(|| at_least("store.series_per_table", self.store.series_per_table as u64, 1))
            .or_else(|| at_least("query.memory_bytes", self.query.memory_bytes as u64, MIB as u64))
            .or_else(|| at_least("query.timeout_seconds", self.query.timeout_seconds, 1))
            .or_else(|| at_least("query.max_rows", self.query.max_rows, 1))
            .or_else(|| at_least("query.concurrent", self.query.concurrent as u64, 1))
            .or_else(|| at_least("people.session_days", self.people.session_days, 1))
            .or_else(|| at_least("people.session_idle_days", self.people.session_idle_days, 1))
            .or_else(|| at_least("people.invitation_hours", self.people.invitation_hours, 1))
            .or_else(|| at_least("people.reset_hours", self.people.reset_hours, 1))
            .or_else(|| at_least("people.claim_hours", self.people.claim_hours, 1))
            .or_else(|| at_least("people.audit_days", self.people.audit_days, 1))
            .or_else(|| at_least("people.audit_rows", self.people.audit_rows, 1_000))
            .or_else(|| at_least("people.clean_up_minutes", self.people.clean_up_minutes, 1))
            .or_else(|| at_least("devices.open_commands", self.devices.open_commands, 1))
            .or_else(|| at_least("devices.kept_commands", self.devices.kept_commands, 1))
            .or_else(|| at_least("devices.command_days", self.devices.command_days, 1))
            .or_else(|| at_least("devices.reports_per_minute", u64::from(self.devices.reports_per_minute), 1))
            .or_else(|| at_least("inbox.messages", self.inbox.messages, 1))
            .or_else(|| at_least("inbox.bytes", self.inbox.bytes, 1_024))
            .or_else(|| at_least("inbox.days", self.inbox.days, 1))
            .or_else(|| at_least("inbox.per_minute", u64::from(self.inbox.per_minute), 1))
            .or_else(|| at_least("host_metrics.interval_ms", self.host_metrics.interval_ms, 100))
            .or_else(|| {
                let sentence = "it must be larger than store.flush_bytes, or writers wait for every flush";
                (self.store.memtable_bytes <= self.store.flush_bytes)
                    .then(|| ("store.memtable_bytes", sentence.to_owned()))
            })
            .or_else(|| {
                let wrong = self.metadata.url.as_ref().and_then(|url| url.parse::<PostgresUrl>().err())?;
                Some(("metadata.url", wrong.to_string()))
            })
            .or_else(|| Some(("http.public_url", self.http.public_url.as_deref().and_then(wrong_public_url)?)))
            .or_else(|| self.mqtt.broken_rule(self.tls.is_on()))
            .or_else(|| self.coap.broken_rule(self.tls.is_on()))
            .or_else(|| self.postgres.broken_rule())
            .or_else(|| self.influx.broken_rule())
            .or_else(|| self.mail.broken_rule(self.http.public_url.as_deref()))
            .or_else(|| self.people.oidc.broken_rule(self.http.public_url.as_deref()))
            .or_else(|| match (&self.tls.cert, &self.tls.key) {
                (Some(_), None) => Some(("tls.cert", "tls.key is missing; set both".to_owned())),
                (None, Some(_)) => Some(("tls.key", "tls.cert is missing; set both".to_owned())),
                (Some(_), Some(_)) if self.tls.self_signed => {
                    Some(("tls.self_signed", "there is a certificate in tls.cert; set one of the two".to_owned()))
                }
                _ => None,
            })
    }
}
