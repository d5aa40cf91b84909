//! The broker's listeners: bound with the others, and served once everything is open.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use sensorium_gateways::mqtt::{Handshake, Mqtt};
use sensorium_ingest::Ingest;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::listener::{self, ListenError};
use crate::config::Settings;
use crate::tls::Tls;

/// Sockets that are bound, where the settings name addresses.
pub(super) struct Listeners {
    plain: Option<TcpListener>,
    tls: Option<TcpListener>,
}

impl Listeners {
    pub(super) fn bind(settings: &Settings) -> Result<Self, ListenError> {
        let bind = |address: &Option<String>, setting| {
            address.as_ref().map(|address| listener::bind(address, setting)).transpose()
        };
        Ok(Self {
            plain: bind(&settings.mqtt.listen, listener::MQTT)?,
            tls: bind(&settings.mqtt.listen_tls, listener::MQTT_TLS)?,
        })
    }

    /// Where clients without TLS connect.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.plain.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Starts the broker, when anything listens.
    pub(super) fn start(
        self,
        settings: &Settings,
        ingest: Ingest,
        tls: Option<&Tls>,
        stop: &CancellationToken,
    ) -> Result<Option<Mqtt>> {
        if self.plain.is_none() && self.tls.is_none() {
            return Ok(None);
        }
        let config = settings.mqtt.config().map_err(|(key, sentence)| anyhow!("{key}: {sentence}"))?;
        let mqtt = Mqtt::new(config, ingest, stop.clone());
        tokio::spawn(mqtt.clone().keep_up());
        tokio::spawn(mqtt.clone().attend_devices());
        if let Some(listener) = self.plain {
            let address = listener.local_addr().context("the listener of MQTT has no address")?;
            tracing::info!(%address, "MQTT");
            tokio::spawn(mqtt.clone().listen(listener, None));
        }
        if let Some((listener, tls)) = self.tls.zip(tls.cloned()) {
            let address = listener.local_addr().context("the listener of MQTT over TLS has no address")?;
            tracing::info!(%address, "MQTT over TLS");
            let handshake: Handshake = Arc::new(move || tls.mqtt_acceptor());
            tokio::spawn(mqtt.clone().listen(listener, Some(handshake)));
        }
        Ok(Some(mqtt))
    }
}
