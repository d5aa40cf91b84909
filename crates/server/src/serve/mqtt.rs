//! The broker's listeners: bound with the others, and served once everything is open.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use anyhow::{Context, Result, anyhow};
use sensorium_gateways::mqtt::{Handshake, Mqtt};
use sensorium_ingest::Ingest;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::listener::{self, ListenError};
use crate::config::Settings;
use crate::tls::{Tls, write_whole};

/// The file in the data folder with what survives the process.
const SESSIONS: &str = "mqtt.redb";
/// The file in the data folder with what this server is called on the way of messages over bridges.
const HERE: &str = "mqtt-bridges.id";

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

    /// The broker, when there is a way to it.
    pub(super) fn broker(
        &self,
        settings: &Settings,
        ingest: &Ingest,
        stop: &CancellationToken,
    ) -> Result<Option<Mqtt>> {
        if self.plain.is_none() && self.tls.is_none() && !settings.mqtt.websocket {
            return Ok(None);
        }
        let config = settings.mqtt.config().map_err(|(key, sentence)| anyhow!("{key}: {sentence}"))?;
        let mqtt = Mqtt::open(config, ingest.clone(), &settings.data_dir.join(SESSIONS), stop.clone())?;
        tokio::spawn(mqtt.clone().keep_up());
        tokio::spawn(mqtt.clone().attend_devices());
        let bridges = settings.mqtt.bridges().map_err(|(key, sentence)| anyhow!("{key}: {sentence}"))?;
        if !bridges.is_empty() {
            let path = settings.data_dir.join(HERE);
            mqtt.bridge(bridges, here(&path).with_context(|| path.display().to_string())?);
        }
        Ok(Some(mqtt))
    }

    /// Starts to accept connections.
    pub(super) fn start(self, settings: &Settings, mqtt: &Mqtt, tls: Option<&Tls>) -> Result<()> {
        if let Some(listener) = self.plain {
            let address = listener.local_addr().context("the listener of MQTT has no address")?;
            tracing::info!(%address, "MQTT");
            tokio::spawn(mqtt.clone().listen(listener, None));
        }
        if let Some((listener, tls)) = self.tls.zip(tls.cloned()) {
            let address = listener.local_addr().context("the listener of MQTT over TLS has no address")?;
            tracing::info!(%address, "MQTT over TLS");
            let asks = settings.mqtt.client_certificates;
            let handshake: Handshake = Arc::new(move || tls.mqtt_acceptor(asks));
            tokio::spawn(mqtt.clone().listen(listener, Some(handshake)));
        }
        Ok(())
    }
}

/// What this server is called on the way of messages over bridges, from its first start with some on.
fn here(path: &Path) -> io::Result<Uuid> {
    match fs::read_to_string(path) {
        // Whatever else is there is no name, and is replaced.
        Ok(text) => {
            if let Ok(here) = Uuid::try_parse(text.trim()) {
                return Ok(here);
            }
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let here = Uuid::now_v7();
    write_whole(path, format!("{here}\n").as_bytes(), 0o600)?;
    Ok(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_the_same_name_on_bridges_at_each_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(HERE);
        let first = here(&path).unwrap();
        assert_eq!(here(&path).unwrap(), first);
        fs::write(&path, "").unwrap();
        let second = here(&path).unwrap();
        assert!(second != first && here(&path).unwrap() == second, "what is no name is replaced");
    }
}
