//! `[mqtt]`: the broker, its listeners and the limits of its clients.

use sensorium_gateways::mqtt::{BridgeConfig, MqttConfig, MqttRates, MqttTraces, Redirect, Rules, filters};
use sensorium_model::DatabaseName;
use sensorium_protocols::mqtt::MqttLimits;
use serde::{Deserialize, Serialize};

use super::bridge::{BridgeSettings, bridges};

/// The smallest packets with which a client can do anything.
const LEAST_PACKET_BYTES: u32 = 256;
/// The longest list of servers that clients are sent to.
const MOST_REFERENCE_BYTES: usize = 1_024;

/// `[mqtt]`. Without an address and WebSocket there is no broker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MqttSettings {
    /// Address and port, such as `0.0.0.0:1883`.
    pub(crate) listen: Option<String>,
    /// Address and port for TLS with the certificate of `[tls]`, such as `0.0.0.0:8883`.
    pub(crate) listen_tls: Option<String>,
    /// Whether MQTT over WebSocket is there at `/mqtt` of the addresses of `[http]`.
    pub(crate) websocket: bool,
    /// Whether clients over TLS are asked for a certificate, with which devices need no password.
    pub(crate) client_certificates: bool,
    /// Connections at one time; further ones wait, or are refused over WebSocket.
    pub(crate) connections: usize,
    /// Sessions, with and without a connection; further clients are refused.
    pub(crate) sessions: usize,
    /// Readers of messages that an organisation may have over HTTP; further ones are refused.
    pub(crate) readers: usize,
    /// Where readings are stored, unless the client's token is limited to one database.
    pub(crate) database: DatabaseName,
    /// What devices may subscribe to: topic filters, separated by spaces, in which `%u` is the device's name.
    pub(crate) device_topics: String,
    /// Topics whose messages are passed on and not stored: topic filters, separated by spaces.
    pub(crate) not_stored: String,
    /// Edge nodes of Sparkplug B whose births are remembered, of one organisation; messages of further ones are refused.
    pub(crate) sparkplug_nodes: usize,
    /// Metrics that are remembered of an edge node and its devices; a birth that names more is refused.
    pub(crate) sparkplug_metrics: usize,
    /// Topics of which it is remembered what devices announced, of one organisation.
    pub(crate) announced_topics: usize,
    /// Devices of which it is remembered how they are spoken to, of one organisation.
    pub(crate) spoken_devices: usize,
    /// Bytes of changes of sessions and retained messages that wait for the disk.
    pub(crate) journal_bytes: usize,
    /// Where clients are sent instead of being let in: one or more servers, separated by spaces.
    pub(crate) redirect_to: Option<String>,
    /// Whether they are told that this is for good.
    pub(crate) redirect_permanent: bool,
    /// Connections to other brokers.
    pub(crate) bridge: Vec<BridgeSettings>,
    #[serde(flatten)]
    pub(crate) rates: MqttRates,
    #[serde(flatten)]
    pub(crate) traces: MqttTraces,
    #[serde(flatten)]
    pub(crate) limits: MqttLimits,
}

impl MqttSettings {
    pub(super) fn defaults() -> Result<Self, sensorium_model::NameError> {
        Ok(Self {
            listen: None,
            listen_tls: None,
            websocket: false,
            client_certificates: false,
            connections: 16_384,
            sessions: 100_000,
            readers: 32,
            database: DatabaseName::new("main")?,
            device_topics: "%u/# +/%u/# +/+/%u/# spBv1.0/+/NCMD/%u/# spBv1.0/+/DCMD/%u/#".to_owned(),
            not_stored: "cmnd/# homeassistant/# +/+/set +/+/get +/+/+/set +/+/+/command".to_owned(),
            sparkplug_nodes: 500,
            sparkplug_metrics: 5_000,
            announced_topics: 10_000,
            spoken_devices: 10_000,
            journal_bytes: 64 << 20,
            redirect_to: None,
            redirect_permanent: false,
            bridge: Vec::new(),
            rates: MqttRates::default(),
            traces: MqttTraces::default(),
            limits: MqttLimits::default(),
        })
    }

    /// What the broker is told; a key and a sentence where that cannot be.
    pub(crate) fn config(&self) -> Result<MqttConfig, (&'static str, String)> {
        Ok(MqttConfig {
            limits: self.limits,
            rates: self.rates,
            traces: self.traces,
            redirect: self
                .redirect_to
                .as_deref()
                .map(|to| Redirect { to: to.into(), is_permanent: self.redirect_permanent }),
            connections: self.connections,
            sessions: self.sessions,
            readers: self.readers,
            database: self.database.clone(),
            rules: Rules::new(&self.device_topics).map_err(|error| ("mqtt.device_topics", error.to_string()))?,
            not_stored: filters(&self.not_stored).map_err(|error| ("mqtt.not_stored", error.to_string()))?,
            sparkplug_nodes: self.sparkplug_nodes,
            sparkplug_metrics: self.sparkplug_metrics,
            announced_topics: self.announced_topics,
            spoken_devices: self.spoken_devices,
            journal_bytes: self.journal_bytes,
        })
    }

    /// The connections to other brokers; a key and a sentence where they cannot be.
    pub(crate) fn bridges(&self) -> Result<Vec<BridgeConfig>, (&'static str, String)> {
        bridges(&self.bridge)
    }

    pub(super) fn broken_rule(&self, has_tls: bool) -> Option<(&'static str, String)> {
        let too_small = |key, least| Some((key, format!("it is too small; use at least {least}")));
        match () {
            () if self.listen_tls.is_some() && !has_tls => Some((
                "mqtt.listen_tls",
                "there is no certificate; set tls.cert and tls.key, or tls.self_signed".to_owned(),
            )),
            () if self.client_certificates && self.listen_tls.is_none() => Some((
                "mqtt.client_certificates",
                "clients show certificates over TLS alone; set mqtt.listen_tls, too".to_owned(),
            )),
            () if self.redirect_to.as_deref().is_some_and(|to| !is_reference(to)) => Some((
                "mqtt.redirect_to",
                "it names no server; give it as clients reach it, such as other.example:1883, several with spaces between"
                    .to_owned(),
            )),
            () if self.connections == 0 => too_small("mqtt.connections", 1),
            () if self.sessions == 0 => too_small("mqtt.sessions", 1),
            () if self.limits.packet_bytes < LEAST_PACKET_BYTES => too_small("mqtt.packet_bytes", LEAST_PACKET_BYTES),
            () if self.limits.receive_maximum == 0 => too_small("mqtt.receive_maximum", 1),
            () if self.limits.inflight_messages == 0 => too_small("mqtt.inflight_messages", 1),
            () if self.limits.connect_ms == 0 => too_small("mqtt.connect_ms", 1),
            () => self.config().err().or_else(|| self.bridges().err()),
        }
    }
}

/// Whether it is a list of servers as CONNACK may have it (section 4.11).
fn is_reference(to: &str) -> bool {
    !to.trim().is_empty() && to.len() <= MOST_REFERENCE_BYTES && !to.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_name_their_key() {
        let good = MqttSettings::defaults().unwrap();
        assert_eq!(good.broken_rule(false), None);
        let tls = MqttSettings { listen_tls: Some("0.0.0.0:8883".to_owned()), ..good.clone() };
        assert_eq!(tls.broken_rule(true), None);
        let small = MqttLimits { packet_bytes: 255, ..good.limits };
        for (settings, key) in [
            (tls, "mqtt.listen_tls"),
            (MqttSettings { client_certificates: true, ..good.clone() }, "mqtt.client_certificates"),
            (MqttSettings { redirect_to: Some(" ".to_owned()), ..good.clone() }, "mqtt.redirect_to"),
            (MqttSettings { connections: 0, ..good.clone() }, "mqtt.connections"),
            (MqttSettings { limits: small, ..good.clone() }, "mqtt.packet_bytes"),
            (MqttSettings { device_topics: "a/#/b".to_owned(), ..good.clone() }, "mqtt.device_topics"),
            (MqttSettings { not_stored: "a+".to_owned(), ..good }, "mqtt.not_stored"),
        ] {
            assert_eq!(settings.broken_rule(false).map(|(key, _)| key), Some(key));
        }
    }
}
