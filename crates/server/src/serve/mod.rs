//! `sensorium serve`: opens everything, listens, and stops in order.
//!
//! Order of the start: configuration, socket, store, metadata, host metrics, connections. Order of the stop, within ten
//! seconds: no new connections, requests and messages under way, sampling, mail, store (flush and sync), metadata. Whatever is acknowledged
//! is on disk before its acknowledgement, so a stop that is cut short loses nothing.

mod coap;
mod coap_websocket;
mod connections;
mod host_metrics;
mod influx_udp;
mod listener;
mod mail;
mod mqtt;
mod mqtt_websocket;
mod stop;
mod websocket;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::http::HeaderValue;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use rustix::process::{Resource, Rlimit};
use sensorium_api::{ApiConfig, AppState};
use sensorium_gateways::coap::{Coap, Watch};
use sensorium_gateways::mqtt::Mqtt;
use sensorium_ingest::Ingest;
use sensorium_live::{Hub, HubConfig};
use sensorium_metadata::Metadata;
use sensorium_model::messaging::{MessagingListener, Transport};
use sensorium_model::{DatabaseKey, DatabaseName, Messaging, OrgId};
use sensorium_store::{CommitListener, Store};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Settings, TlsSettings};
use crate::local::{Addresses, LocalFile, LocalServer};
use crate::tls::{self, Tls};
use crate::{logging, open};
use connections::{Connections, Patience};
use host_metrics::HostMetrics;
pub(crate) use mail::config as mail_config;
pub(crate) use stop::StopSignals;

/// The database that exists from the first start.
const FIRST_DATABASE: &str = "main";
/// Creates an API token with this value at the first start.
const BOOTSTRAP_VARIABLE: &str = "SENSORIUM_BOOTSTRAP_TOKEN";
/// How long requests under way may take once the server stops.
const DRAIN: Duration = Duration::from_secs(4);
/// How long messages that wait are still tried.
const MAIL: Duration = Duration::from_secs(1);
/// How long the last flush may take; what it does not reach is in the log.
const FLUSH: Duration = Duration::from_secs(5);
/// How often it is written what devices did.
const ACTIVITY: Duration = Duration::from_secs(5);
/// Open files that the process asks for: connections, data files, procfs.
const OPEN_FILES: u64 = 65_536;
/// Bounds of the latency histograms of `/metrics`, in seconds.
const LATENCY_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// Runs until a signal; returns after everything is on disk.
pub(crate) async fn serve(config: Config) -> Result<()> {
    let started = Instant::now();
    let settings = &config.settings;
    logging::start(&settings.log)?;
    raise_open_files();
    let metrics = metrics_recorder()?;
    let mut signals = StopSignals::new()?;
    let files = Tls::from_files(&settings.tls)?;
    let oidc = settings.people.oidc.provider(settings.http.public_url.as_deref())?;
    let listener = listener::bind(&settings.http.listen, listener::HTTP)?;
    let mqtt_listeners = mqtt::Listeners::bind(settings)?;
    let coap_sockets = coap::Sockets::bind(settings)?;
    let postgres_listener =
        settings.postgres.address().map(|address| listener::bind(&address, listener::POSTGRES)).transpose()?;
    let influx_socket = influx_udp::Socket::bind(settings)?;
    let address = listener.local_addr().context("the listener has no address")?;

    let hub = Hub::new(HubConfig { clients: settings.http.live_clients, ..HubConfig::default() });
    let (publisher, watch) = (hub.clone(), Watch::default());
    let observed = watch.clone();
    let on_commit: CommitListener = Arc::new(move |seq, batch| {
        publisher.publish(seq, batch);
        observed.publish(batch);
    });
    let (store, recovery) = open::store(settings, Some(on_commit)).await?;
    let (metadata, first) = open::metadata(settings).await?;
    bootstrap(&metadata).await?;
    create_first_database(&store, first.org)?;
    let query = open::query(settings, &store)?;
    // Only now, because the data folder is this process's own.
    let tls = match settings.tls.self_signed {
        true => Some(Tls::self_signed(&settings.data_dir, tls::names(address.ip()))?),
        false => files,
    };

    let stop = CancellationToken::new();
    let mail = mail::start(settings, &metadata, &stop)?;
    let ingest = Ingest::new(store.clone(), metadata.clone(), settings.limits);
    let mqtt = mqtt_listeners.broker(settings, &ingest, &stop)?;
    let coap = coap_sockets.server(settings, &ingest, watch, &stop)?;
    influx_socket.start(settings, &ingest, &stop)?;
    let state = AppState {
        store: store.clone(),
        query,
        metadata: metadata.clone(),
        hub,
        config: Arc::new(api_config(settings)),
        oidc,
        ingest,
        messaging: mqtt.clone().map(|mqtt| Arc::new(mqtt) as Arc<dyn Messaging>),
        mail: mail.as_ref().map(|running| running.mail.clone()),
        metrics: metrics.clone(),
        shutdown: stop.clone(),
    };
    let every = Duration::from_secs(settings.people.clean_up_minutes.saturating_mul(60));
    tokio::spawn(finish_adoptions(state.clone(), every, stop.clone()));
    let router = match mqtt.clone().filter(|_| settings.mqtt.websocket) {
        Some(mqtt) => {
            mqtt.listens(MessagingListener { address: address.to_string(), transport: Transport::WebSocket });
            mqtt_websocket::beside(sensorium_api::router(state), mqtt)
        }
        None => sensorium_api::router(state),
    };
    let router = match coap.clone().filter(|_| settings.coap.websocket) {
        Some(coap) => coap_websocket::beside(router, coap, settings.tls.is_on()),
        None => router,
    };
    let connections = Connections::new(router, settings.http.connections, Patience::default(), stop.clone());
    let connections = connections.with_hsts(hsts(&settings.tls));
    let host_metrics = start_host_metrics(settings, &store, first.org)?;
    let url = listener::local_url(address, tls.is_some());
    let local_listener = if tls.is_some() { Some(listener::bind("127.0.0.1:0", listener::HTTP)?) } else { None };
    let postgres = postgres_listener.as_ref().and_then(|listener| listener.local_addr().ok());
    let others = Addresses { mqtt: mqtt_listeners.address(), postgres, ..coap_sockets.addresses() };
    let _local = local_access(&settings.data_dir, &metadata, local_listener.as_ref(), &url, others)?;
    tokio::spawn(keep_up(metrics, stop.clone()));
    tokio::spawn(clean_up(metadata.clone(), every, stop.clone()));
    tokio::spawn(save_activity(metadata.clone(), stop.clone()));
    if let Some(tls) = &tls {
        tokio::spawn(tls.clone().watch(stop.clone()));
    }
    tokio::spawn(connections.clone().listen(listener, tls.clone()));
    if let Some(mqtt) = &mqtt {
        mqtt_listeners.start(settings, mqtt, tls.as_ref())?;
    }
    if let Some(coap) = &coap {
        coap_sockets.start(settings, coap, tls.as_ref())?;
    }
    if let Some(local) = local_listener {
        tokio::spawn(connections.clone().listen(local, None));
    }
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let data_dir = settings.data_dir.display();
    let (files, log_rows, torn_bytes) = (recovery.files, recovery.rows, recovery.torn_bytes);
    tracing::info!(%address, %data_dir, files, log_rows, torn_bytes, took_ms, "ready");
    if torn_bytes > 0 {
        tracing::warn!(
            torn_bytes,
            "the log ended in an unfinished write, which was cut off; it was never acknowledged"
        );
    }
    let own = tls.as_ref().filter(|_| settings.tls.self_signed).map(Tls::fingerprint);
    announce(&url, first.setup_code.as_deref(), own.as_deref());

    let signal = signals.next().await;
    tracing::info!(signal, "stopping");
    stop.cancel();
    tokio::select! {
        outcome = stop_in_order(connections, (mqtt, coap), host_metrics, mail, store, metadata) => outcome,
        signal = signals.next() => bail!("stopped at once by a second {signal}; the next start replays the log"),
    }
}

async fn stop_in_order(
    connections: Connections,
    (mqtt, coap): (Option<Mqtt>, Option<Coap>),
    host_metrics: Option<HostMetrics>,
    mail: Option<mail::Running>,
    store: Store,
    metadata: Metadata,
) -> Result<()> {
    let drained = async || match &mqtt {
        Some(mqtt) => mqtt.drain(DRAIN).await,
        None => 0,
    };
    let answered = async || match &coap {
        Some(coap) => coap.drain(DRAIN).await,
        None => 0,
    };
    let (http, mqtt, coap) = tokio::join!(connections.drain(DRAIN), drained(), answered());
    let dropped = http + mqtt + coap;
    if dropped > 0 {
        tracing::warn!(dropped, "connections were still busy and were closed");
    }
    if let Some(host_metrics) = host_metrics {
        host_metrics.stop().await;
    }
    if let Some(mail) = mail {
        mail.finish(MAIL).await;
    }
    match tokio::time::timeout(FLUSH, store.shutdown()).await {
        Ok(outcome) => outcome.context("the last flush failed; the log holds what it did not reach")?,
        Err(_) => tracing::warn!("the last flush was cut short; the next start replays the log"),
    }
    if let Err(error) = metadata.save_device_activity().await {
        tracing::warn!(%error, "what devices did last could not be noted");
    }
    if let Err(error) = metadata.close().await {
        tracing::warn!(%error, "the metadata could not be closed");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Where to go, on standard output, so that it stands out from the log; before it, by what a certificate that nobody vouches for
/// is known.
#[expect(clippy::print_stdout, reason = "the lines that a person waits for")]
fn announce(url: &str, setup_code: Option<&str>, fingerprint: Option<&str>) {
    if let Some(fingerprint) = fingerprint {
        println!("Certificate SHA-256 {fingerprint}");
    }
    match setup_code {
        // After the `#`, the code reaches no proxy and no log.
        Some(code) => println!("Open {url}/setup#code={code}"),
        None => println!("Open {url}"),
    }
}

fn api_config(settings: &Settings) -> ApiConfig {
    ApiConfig {
        body_bytes: settings.http.body_bytes,
        decoded_bytes: settings.http.decoded_bytes,
        plan_bytes: settings.http.plan_bytes,
        live_clients: settings.http.live_clients,
        public_metrics: settings.http.public_metrics,
        anonymous_write: settings.http.anonymous_write,
        tls: settings.tls.is_on(),
    }
}

/// What browsers are told about this host (RFC 6797). With a certificate that they do not trust, they would shut themselves out.
fn hsts(settings: &TlsSettings) -> Option<HeaderValue> {
    let is_trusted = settings.cert.is_some() && settings.hsts_seconds > 0;
    let value = is_trusted.then(|| HeaderValue::try_from(format!("max-age={}", settings.hsts_seconds)));
    value.and_then(Result::ok)
}

async fn bootstrap(metadata: &Metadata) -> Result<()> {
    let Some(secret) = std::env::var_os(BOOTSTRAP_VARIABLE) else { return Ok(()) };
    let secret = secret.to_str().with_context(|| format!("{BOOTSTRAP_VARIABLE} is not valid UTF-8"))?;
    if metadata.bootstrap_token(secret).await.with_context(|| format!("{BOOTSTRAP_VARIABLE} cannot be used"))? {
        tracing::info!("created the all-access API token of {BOOTSTRAP_VARIABLE}");
    }
    Ok(())
}

fn create_first_database(store: &Store, org: OrgId) -> Result<()> {
    if store.databases(org).is_empty() {
        store.create_database(&DatabaseKey::new(org, DatabaseName::new(FIRST_DATABASE)?))?;
    }
    Ok(())
}

fn start_host_metrics(settings: &Settings, store: &Store, org: OrgId) -> Result<Option<HostMetrics>> {
    if !settings.host_metrics.enabled {
        return Ok(None);
    }
    let database = DatabaseKey::new(org, settings.host_metrics.database.clone());
    store.create_database(&database)?;
    let interval = Duration::from_millis(settings.host_metrics.interval_ms);
    let target = host_metrics::Target { store: store.clone(), database, limits: settings.limits, interval };
    match host_metrics::start(target) {
        Ok(running) => Ok(Some(running)),
        Err(error) => {
            tracing::warn!(%error, "host metrics are off");
            Ok(None)
        }
    }
}

/// Lets commands on this machine in. Under TLS they get a plain listener on the loopback address, because the
/// certificate is made out to another name.
fn local_access(
    data_dir: &Path,
    metadata: &Metadata,
    plain: Option<&TcpListener>,
    url: &str,
    others: Addresses,
) -> Result<LocalFile> {
    let url = match plain {
        Some(listener) => listener::local_url(listener.local_addr().context("the listener has no address")?, false),
        None => url.to_owned(),
    };
    let server = LocalServer::new(url, others);
    metadata.accept_local_token(&server.token);
    server.write(data_dir).with_context(|| format!("cannot write server.json in {}", data_dir.display()))
}

fn metrics_recorder() -> Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS)
        .context("the histogram bounds are wrong")?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("metrics were started twice")?;
    Ok(handle)
}

/// Folds the raw samples of the histograms, which otherwise grow until somebody reads `/metrics`.
async fn keep_up(metrics: PrometheusHandle, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        metrics.run_upkeep();
    }
}

/// Removes sessions, links and recorded changes that are over; the start has done it once already.
async fn clean_up(metadata: Metadata, every: Duration, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        match metadata.clean_up().await {
            Ok(done) => tracing::debug!(?done, "removed what is over"),
            Err(error) => tracing::warn!(%error, "what is over could not be removed; it is tried again"),
        }
    }
}

/// Hands over what was kept of devices that were adopted, where a stop or a full disk came in between.
async fn finish_adoptions(state: AppState, every: Duration, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(every);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        stop.run_until_cancelled(sensorium_api::finish_adoptions(&state)).await;
    }
}

/// Writes what devices did, until the server stops; the stop does it once more.
async fn save_activity(metadata: Metadata, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(ACTIVITY)).await.is_some() {
        if let Err(error) = metadata.save_device_activity().await {
            tracing::warn!(%error, "what devices did could not be noted; it is tried again");
        }
    }
}

/// The usual limit of 1,024 open files is below the default of `http.connections`.
fn raise_open_files() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(OPEN_FILES).min(OPEN_FILES);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        if let Err(error) = rustix::process::setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
}
