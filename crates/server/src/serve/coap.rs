//! The sockets of CoAP: bound with the others, and served once everything is open.

use std::net::SocketAddr;
use std::num::NonZero;
use std::thread::available_parallelism;

use anyhow::{Context, Result, anyhow};
use sensorium_gateways::coap::{self, ALL_NODES, Coap, Watch};
use sensorium_ingest::Ingest;
use sensorium_model::DatabaseKey;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::listener::{self, ListenError};
use crate::config::{DurabilitySetting, Settings};

/// Sockets that are bound, where the settings name addresses.
pub(super) struct Sockets {
    /// They share an address: one for each core.
    udp: Vec<std::net::UdpSocket>,
    group: Option<std::net::UdpSocket>,
    tcp: Option<TcpListener>,
}

impl Sockets {
    pub(super) fn bind(settings: &Settings) -> Result<Self, ListenError> {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let udp = match &settings.coap.listen {
            Some(address) => listener::bind_with(address, listener::COAP, |address| coap::bind(address, cores))?,
            None => Vec::new(),
        };
        let port = udp.first().and_then(|socket| socket.local_addr().ok()).map(|address| address.port());
        let group = match port.filter(|_| settings.coap.multicast) {
            Some(port) => {
                let bound = coap::bind_group(port);
                let address = SocketAddr::from((ALL_NODES, port));
                Some(bound.map_err(|source| ListenError::Other { address, source })?)
            }
            None => None,
        };
        let tcp = settings.coap.tcp.as_ref().map(|address| listener::bind(address, listener::COAP_TCP)).transpose()?;
        Ok(Self { udp, group, tcp })
    }

    /// Where clients send datagrams, and where they connect.
    pub(super) fn addresses(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        let udp = self.udp.first().and_then(|socket| socket.local_addr().ok());
        (udp, self.tcp.as_ref().and_then(|listener| listener.local_addr().ok()))
    }

    /// The server, when there is a way to it. Databases that routes name are made.
    pub(super) fn server(
        &self,
        settings: &Settings,
        ingest: &Ingest,
        watch: Watch,
        stop: &CancellationToken,
    ) -> Result<Option<Coap>> {
        if self.udp.is_empty() && self.tcp.is_none() && !settings.coap.websocket {
            return Ok(None);
        }
        let is_synced = settings.store.durability == DurabilitySetting::Fsync;
        let config = settings.coap.config(is_synced).map_err(|(key, sentence)| anyhow!("{key}: {sentence}"))?;
        for route in &settings.coap.route {
            let database = DatabaseKey::new(ingest.metadata.org(), route.database.clone());
            if ingest.store.schema(&database).is_none() {
                ingest.store.create_database(&database)?;
            }
        }
        let sockets = self.udp.len() + usize::from(self.group.is_some());
        let coap = Coap::open(config, ingest.clone(), watch, &settings.data_dir, sockets, stop.clone())?;
        tokio::spawn(coap.clone().tell_observers());
        Ok(Some(coap))
    }

    /// Starts to take requests.
    pub(super) fn start(self, coap: &Coap) -> Result<()> {
        let (udp, tcp) = self.addresses();
        if let Some(address) = udp {
            tracing::info!(%address, sockets = self.udp.len(), "CoAP");
        }
        for socket in self.udp {
            coap.serve(socket).context("a socket of CoAP cannot be used")?;
        }
        if let Some(socket) = self.group {
            coap.serve_group(socket).context("the socket of CoAP for all nodes cannot be used")?;
        }
        if let Some(listener) = self.tcp {
            if let Some(address) = tcp {
                tracing::info!(%address, "CoAP over TCP");
            }
            tokio::spawn(coap.clone().listen(listener));
        }
        Ok(())
    }
}
