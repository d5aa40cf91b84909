//! The parts of a server that these tests do not look into.

use std::path::Path;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusBuilder;
use sensorium_ingest::Ingest;
use sensorium_live::{Hub, HubConfig};
use sensorium_metadata::Metadata;
use sensorium_model::IngestLimits;
use sensorium_query::{QueryConfig, QueryEngine};
use sensorium_store::{Clock, Durability, Store, StoreConfig};
use tokio_util::sync::CancellationToken;

use crate::{ApiConfig, AppState};

pub(super) async fn state(folder: &Path, metadata: Metadata, config: ApiConfig) -> AppState {
    let clock: Clock = Arc::new(|| chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default());
    let store = StoreConfig { durability: Durability::Memory, clock, ..StoreConfig::new(folder.join("store")) };
    let (store, _) = tokio::task::spawn_blocking(|| Store::open(store)).await.unwrap().unwrap();
    AppState {
        ingest: Ingest::new(store.clone(), metadata.clone(), IngestLimits::default()),
        query: QueryEngine::new(store.clone(), QueryConfig::default()).unwrap(),
        store,
        metadata,
        hub: Hub::new(HubConfig::default()),
        config: config.into(),
        oidc: None,
        messaging: None,
        mail: None,
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        shutdown: CancellationToken::new(),
    }
}
