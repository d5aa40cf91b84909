//! `[influx]`: line protocol over UDP, as InfluxDB 1 takes it. Off while `influx.udp` is not set.

use sensorium_model::DatabaseName;
use serde::{Deserialize, Serialize};

/// `[influx]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InfluxSettings {
    /// Address and port for line protocol over UDP, such as `0.0.0.0:8089`. Whoever reaches it writes without a credential.
    pub(crate) udp: Option<String>,
    /// Where its readings go.
    pub(crate) udp_database: DatabaseName,
    /// Datagrams that may wait to be stored; further ones are dropped.
    pub(crate) udp_waiting: usize,
    /// Bytes of line protocol that are stored at a time.
    pub(crate) udp_batch_bytes: usize,
}

impl InfluxSettings {
    pub(super) fn defaults() -> Result<Self, sensorium_model::NameError> {
        Ok(Self { udp: None, udp_database: DatabaseName::new("main")?, udp_waiting: 1_024, udp_batch_bytes: 256 << 10 })
    }

    /// The first rule that the values break: the key, and a sentence.
    pub(super) fn broken_rule(&self) -> Option<(&'static str, String)> {
        let least = [("influx.udp_waiting", self.udp_waiting), ("influx.udp_batch_bytes", self.udp_batch_bytes)];
        let (key, _) = least.into_iter().find(|(_, value)| *value == 0)?;
        Some((key, "it must be at least 1".to_owned()))
    }
}
