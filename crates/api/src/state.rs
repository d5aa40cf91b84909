//! What the handlers share: the parts of the server, and the settings of its HTTP face.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use sensorium_ingest::Ingest;
use sensorium_live::Hub;
use sensorium_metadata::Metadata;
use sensorium_model::Messaging;
use sensorium_query::QueryEngine;
use sensorium_store::Store;
use tokio_util::sync::CancellationToken;

use crate::mail::Mail;
use crate::oidc::Oidc;

/// Settings of the HTTP face, under `[http]` of the configuration unless said otherwise.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The largest ingest body as sent, in bytes (`http.body_bytes`).
    pub body_bytes: usize,
    /// The largest ingest body after decompression, in bytes (`http.decoded_bytes`).
    pub decoded_bytes: usize,
    /// The largest picture of a place as sent, in bytes (`http.plan_bytes`).
    pub plan_bytes: usize,
    /// How many live connections (WebSocket and event stream) may be open (`http.live_clients`).
    pub live_clients: usize,
    /// Whether `/metrics` answers without a credential (`http.public_metrics`).
    pub public_metrics: bool,
    /// Whether readings are taken without a credential (`http.anonymous_write`); they go to the first organisation.
    pub anonymous_write: bool,
    /// Whether this server itself speaks TLS; cookies are then marked `Secure`.
    pub tls: bool,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            body_bytes: 25 << 20,
            decoded_bytes: 100 << 20,
            plan_bytes: 8 << 20,
            live_clients: 1_024,
            public_metrics: false,
            anonymous_write: false,
            tls: false,
        }
    }
}

/// The parts of the server; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The readings.
    pub store: Store,
    /// SQL.
    pub query: QueryEngine,
    /// Organisations, users, sessions, tokens.
    pub metadata: Metadata,
    /// The live fan-out.
    pub hub: Hub,
    /// Settings.
    pub config: Arc<ApiConfig>,
    /// The provider that people may sign in with.
    pub oidc: Option<Oidc>,
    /// The way of readings into the store, and what was refused of them lately.
    pub ingest: Ingest,
    /// The broker of messages, where it listens.
    pub messaging: Option<Arc<dyn Messaging>>,
    /// Mail to people, where it is set up.
    pub mail: Option<Mail>,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Cancelled when the server starts to drain: live connections close and `/ready` turns negative.
    pub shutdown: CancellationToken,
}
