//! The sockets of CoAP: bound with the others, and served once everything is open.

use std::net::SocketAddr;
use std::num::NonZero;
use std::thread::available_parallelism;

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use sensorium_gateways::coap::{self, ALL_NODES, Coap, DtlsConfig, Watch};
use sensorium_ingest::Ingest;
use sensorium_model::DatabaseKey;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::listener::{self, ListenError};
use crate::config::{DurabilitySetting, Settings};
use crate::local::Addresses;
use crate::tls::Tls;

/// Sockets that are bound, where the settings name addresses.
pub(super) struct Sockets {
    /// They share an address: one for each core.
    udp: Vec<std::net::UdpSocket>,
    group: Option<std::net::UdpSocket>,
    /// As many as without DTLS.
    dtls: Vec<std::net::UdpSocket>,
    tcp: Option<TcpListener>,
}

impl Sockets {
    pub(super) fn bind(settings: &Settings) -> Result<Self, ListenError> {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let bind = |address: &Option<String>, setting| match address {
            Some(address) => listener::bind_with(address, setting, |address| coap::bind(address, cores)),
            None => Ok(Vec::new()),
        };
        let udp = bind(&settings.coap.listen, listener::COAP)?;
        let dtls = bind(&settings.coap.dtls, listener::COAP_DTLS)?;
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
        Ok(Self { udp, group, dtls, tcp })
    }

    /// Where clients send datagrams, and where they connect.
    pub(super) fn addresses(&self) -> Addresses {
        let first = |sockets: &[std::net::UdpSocket]| sockets.first().and_then(|socket| socket.local_addr().ok());
        Addresses {
            coap: first(&self.udp),
            coap_tcp: self.tcp.as_ref().and_then(|listener| listener.local_addr().ok()),
            coap_dtls: first(&self.dtls),
            ..Addresses::default()
        }
    }

    /// The server, when there is a way to it. Databases that routes name are made.
    pub(super) fn server(
        &self,
        settings: &Settings,
        ingest: &Ingest,
        watch: Watch,
        stop: &CancellationToken,
    ) -> Result<Option<Coap>> {
        if self.udp.is_empty() && self.dtls.is_empty() && self.tcp.is_none() && !settings.coap.websocket {
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
        let sockets = self.udp.len() + self.dtls.len() + usize::from(self.group.is_some());
        let coap = Coap::open(config, ingest.clone(), watch, &settings.data_dir, sockets, stop.clone())?;
        tokio::spawn(coap.clone().tell_observers());
        Ok(Some(coap))
    }

    /// Starts to take requests.
    pub(super) fn start(self, settings: &Settings, coap: &Coap, tls: Option<&Tls>) -> Result<()> {
        let Addresses { coap: udp, coap_tcp: tcp, coap_dtls: dtls, .. } = self.addresses();
        if let Some(address) = udp {
            tracing::info!(%address, sockets = self.udp.len(), "CoAP");
        }
        if let Some(address) = dtls {
            let has_certificate = tls.is_some_and(|tls| tls.dtls_certificate().is_some());
            if tls.is_some() && !has_certificate {
                tracing::warn!(
                    "the certificate's key is no ECDSA key with P-256 or P-384; devices with pre-shared keys alone can use CoAP over DTLS"
                );
            }
            tracing::info!(%address, sockets = self.dtls.len(), has_certificate, "CoAP over DTLS");
        }
        let presented = tls.cloned();
        let config = DtlsConfig {
            limits: settings.coap.dtls_limits.shared_by(self.dtls.len()),
            asks_for_certificate: settings.coap.client_certificates,
            certificate: Arc::new(move || presented.as_ref().and_then(Tls::dtls_certificate)),
        };
        for socket in self.dtls {
            coap.serve_secured(socket, config.clone()).context("a socket of CoAP over DTLS cannot be used")?;
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
