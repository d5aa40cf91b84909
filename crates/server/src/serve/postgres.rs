//! The listener of PostgreSQL's protocol: bound with the others, and served once everything is open.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use sensorium_metadata::Metadata;
use sensorium_postgres::{Handshake, Postgres};
use sensorium_query::QueryEngine;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::listener::{self, ListenError};
use crate::config::Settings;
use crate::tls::Tls;

/// A socket that is bound, where the settings name an address.
pub(super) struct Listener(Option<TcpListener>);

impl Listener {
    pub(super) fn bind(settings: &Settings) -> Result<Self, ListenError> {
        let address = settings.postgres.address();
        address.map(|address| listener::bind(&address, listener::POSTGRES)).transpose().map(Self)
    }

    /// Where clients connect.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.0.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Starts to accept connections, when there is a socket.
    pub(super) fn start(
        self,
        settings: &Settings,
        (metadata, query): (&Metadata, &QueryEngine),
        tls: Option<&Tls>,
        stop: &CancellationToken,
    ) -> Result<Option<Postgres>> {
        let Some(listener) = self.0 else { return Ok(None) };
        let address = listener.local_addr().context("the listener of PostgreSQL's protocol has no address")?;
        tracing::info!(%address, tls = tls.is_some(), "PostgreSQL's protocol");
        let postgres = Postgres::new(settings.postgres.config(), metadata.clone(), query.clone(), stop.clone());
        let handshake = tls.cloned().map(|tls| Arc::new(move || tls.postgres_acceptor()) as Handshake);
        tokio::spawn(postgres.clone().listen(listener, handshake));
        Ok(Some(postgres))
    }
}
