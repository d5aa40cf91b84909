//! `[coap]`: sockets of CoAP, routes, and the limits of their peers.

use sensorium_gateways::coap::{CoapConfig, DtlsLimits, RouteSettings, routes};
use sensorium_model::DatabaseName;
use sensorium_protocols::coap::CoapLimits;
use serde::{Deserialize, Serialize};

/// The longest patience: a client that hears nothing sends again after two seconds (ACK_TIMEOUT, RFC 7252, section 4.8).
const MOST_PATIENCE_MS: u64 = 1_900;
/// A handshake takes a few round trips, and its datagrams are sent again after a second.
const LEAST_HANDSHAKE_MS: u64 = 1_000;
/// The longest handshake: ten minutes.
const MOST_HANDSHAKE_MS: u64 = 600_000;
/// The smallest journal that is of use.
const LEAST_JOURNAL_BYTES: u64 = 64 * 1_024;

/// `[coap]`. Without an address and WebSocket nothing listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CoapSettings {
    /// Address and port for UDP, such as `0.0.0.0:5683`.
    pub(crate) listen: Option<String>,
    /// Address and port for TCP, such as `0.0.0.0:5683`.
    pub(crate) tcp: Option<String>,
    /// Address and port for DTLS, such as `0.0.0.0:5684`. Devices with a pre-shared key always get in; others see the certificate of
    /// `[tls]`, if there is one.
    pub(crate) dtls: Option<String>,
    /// Whether clients over DTLS that have no pre-shared key have to show a certificate that belongs to a device.
    pub(crate) client_certificates: bool,
    /// Whether CoAP over WebSocket is there at `/coap` of the addresses of `[http]`.
    pub(crate) websocket: bool,
    /// Whether what is asked of all nodes of the network (224.0.1.187) is answered: what there is, and nothing else.
    pub(crate) multicast: bool,
    /// Where readings are stored, unless the request says it or the credential is limited to one database.
    pub(crate) database: DatabaseName,
    /// Paths of one's own.
    pub(crate) route: Vec<RouteSettings>,
    /// Whether tokens in the query are taken without encryption, where others can read them.
    pub(crate) tokens_in_plain: bool,
    /// Milliseconds after which a request that has no answer yet is acknowledged, so that it is not sent again.
    pub(crate) patience_ms: u64,
    /// Milliseconds between two notifications of an observer, at least.
    pub(crate) notify_every_ms: u64,
    /// Readings that may wait to be stored; further ones are told to come again.
    pub(crate) waiting: usize,
    /// Bytes of the readings that may wait.
    pub(crate) waiting_bytes: usize,
    /// Connections over TCP and WebSocket at one time; further ones wait, or are refused over WebSocket.
    pub(crate) connections: usize,
    /// Bytes of the files that know across a restart which messages came.
    pub(crate) journal_bytes: u64,
    #[serde(flatten)]
    pub(crate) limits: CoapLimits,
    #[serde(flatten)]
    pub(crate) dtls_limits: DtlsLimits,
}

impl CoapSettings {
    pub(super) fn defaults() -> Result<Self, sensorium_model::NameError> {
        Ok(Self {
            listen: None,
            tcp: None,
            dtls: None,
            client_certificates: false,
            websocket: false,
            multicast: false,
            database: DatabaseName::new("main")?,
            route: Vec::new(),
            tokens_in_plain: false,
            patience_ms: 1_000,
            notify_every_ms: 100,
            waiting: 65_536,
            waiting_bytes: 64 << 20,
            connections: 1_024,
            journal_bytes: 16 << 20,
            limits: CoapLimits::default(),
            dtls_limits: DtlsLimits::default(),
        })
    }

    /// What the server is told; a key and a sentence where that cannot be.
    pub(crate) fn config(&self, is_synced: bool) -> Result<CoapConfig, (&'static str, String)> {
        Ok(CoapConfig {
            limits: self.limits,
            database: self.database.clone(),
            routes: routes(&self.route).map_err(|error| ("coap.route", error.to_string()))?,
            tokens_in_plain: self.tokens_in_plain,
            patience_ms: self.patience_ms,
            notify_every_ms: self.notify_every_ms,
            waiting: self.waiting,
            waiting_bytes: self.waiting_bytes,
            connections: self.connections,
            journal_bytes: self.journal_bytes,
            is_synced,
        })
    }

    pub(super) fn broken_rule(&self, has_tls: bool) -> Option<(&'static str, String)> {
        let too_small = |key, least: u64| Some((key, format!("it is too small; use at least {least}")));
        let is_block = |bytes: usize| bytes.is_power_of_two() && (16..=1_024).contains(&bytes);
        match () {
            () if self.multicast && self.listen.is_none() => {
                Some(("coap.multicast", "what is asked of all comes over UDP; set coap.listen, too".to_owned()))
            }
            () if self.client_certificates && self.dtls.is_none() => Some((
                "coap.client_certificates",
                "clients show certificates over DTLS alone; set coap.dtls, too".to_owned(),
            )),
            () if self.client_certificates && !has_tls => Some((
                "coap.client_certificates",
                "clients show theirs to a server that has one; set tls.cert and tls.key, or tls.self_signed".to_owned(),
            )),
            () if self.dtls_limits.dtls_peers == 0 => too_small("coap.dtls_peers", 1),
            () if self.dtls_limits.dtls_handshakes == 0 => too_small("coap.dtls_handshakes", 1),
            () if self.dtls_limits.dtls_handshake_ms < LEAST_HANDSHAKE_MS => {
                too_small("coap.dtls_handshake_ms", LEAST_HANDSHAKE_MS)
            }
            () if self.dtls_limits.dtls_handshake_ms > MOST_HANDSHAKE_MS => {
                Some(("coap.dtls_handshake_ms", format!("it is too long; use at most {MOST_HANDSHAKE_MS}")))
            }
            () if self.dtls_limits.dtls_idle_ms < LEAST_HANDSHAKE_MS => {
                too_small("coap.dtls_idle_ms", LEAST_HANDSHAKE_MS)
            }
            () if self.patience_ms > MOST_PATIENCE_MS => Some((
                "coap.patience_ms",
                format!("clients send again after 2 seconds; use at most {MOST_PATIENCE_MS}"),
            )),
            () if !is_block(self.limits.block_bytes) => {
                Some(("coap.block_bytes", "it is a power of two from 16 to 1024".to_owned()))
            }
            () if self.limits.body_bytes < self.limits.block_bytes => {
                too_small("coap.body_bytes", self.limits.block_bytes as u64)
            }
            () if self.waiting == 0 => too_small("coap.waiting", 1),
            () if self.waiting_bytes < self.limits.body_bytes => {
                too_small("coap.waiting_bytes", self.limits.body_bytes as u64)
            }
            () if self.connections == 0 => too_small("coap.connections", 1),
            () if self.limits.remembered_messages == 0 => too_small("coap.remembered_messages", 1),
            () if self.limits.ack_timeout_ms == 0 => too_small("coap.ack_timeout_ms", 1),
            () if self.limits.confirmed_every == 0 => too_small("coap.confirmed_every", 1),
            () if self.journal_bytes < LEAST_JOURNAL_BYTES => too_small("coap.journal_bytes", LEAST_JOURNAL_BYTES),
            () => self.config(true).err(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_name_their_key() {
        let good = CoapSettings::defaults().unwrap();
        assert_eq!(good.broken_rule(false), None);
        let limits = CoapLimits { block_bytes: 100, ..good.limits };
        let route = serde_json::from_str(r#"[{"path": "a", "database": "main", "table": "a"}]"#).unwrap();
        for (settings, key) in [
            (CoapSettings { multicast: true, ..good.clone() }, "coap.multicast"),
            (CoapSettings { client_certificates: true, ..good.clone() }, "coap.client_certificates"),
            (
                CoapSettings { client_certificates: true, dtls: Some("0.0.0.0:5684".to_owned()), ..good.clone() },
                "coap.client_certificates",
            ),
            (
                CoapSettings { dtls_limits: DtlsLimits { dtls_peers: 0, ..good.dtls_limits }, ..good.clone() },
                "coap.dtls_peers",
            ),
            (CoapSettings { patience_ms: 2_000, ..good.clone() }, "coap.patience_ms"),
            (CoapSettings { limits, ..good.clone() }, "coap.block_bytes"),
            (CoapSettings { waiting: 0, ..good.clone() }, "coap.waiting"),
            (CoapSettings { waiting_bytes: 1, ..good.clone() }, "coap.waiting_bytes"),
            (CoapSettings { journal_bytes: 1, ..good.clone() }, "coap.journal_bytes"),
            (CoapSettings { route, ..good }, "coap.route"),
        ] {
            assert_eq!(settings.broken_rule(false).map(|(key, _)| key), Some(key));
        }
    }
}
