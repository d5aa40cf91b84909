//! Writes this machine's vitals, from a thread of its own, because file systems may take their time to answer.
//!
//! Samples are taken at whole multiples of the interval, so that their times compress to nothing. Each write is waited for:
//! while the store is busy, samples are left out rather than piled up.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sensorium_agent::{Sampler, SamplerConfig, SamplerError};
use sensorium_model::{BatchBuilder, DatabaseKey, DatabaseSchema, IngestLimits};
use sensorium_store::Store;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How long the sample under way may take when the server stops.
const LAST_SAMPLE: Duration = Duration::from_secs(1);

/// A running sampler; it ends with this value.
pub(crate) struct HostMetrics {
    stop: Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl HostMetrics {
    /// Ends sampling and waits for the sample under way, unless a file system holds it up.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        // Either way the thread writes nothing more: it has ended, or the store is closed when it comes back.
        let _ended = tokio::time::timeout(LAST_SAMPLE, self.ended).await;
    }
}

/// Where samples go, and how often.
pub(crate) struct Target {
    pub(crate) store: Store,
    pub(crate) database: DatabaseKey,
    pub(crate) limits: IngestLimits,
    pub(crate) interval: Duration,
}

/// Starts sampling; must be called inside of the runtime that the store lives in.
pub(crate) fn start(target: Target) -> Result<HostMetrics, SamplerError> {
    let sampler = Sampler::new(SamplerConfig::new(host_name()))?;
    let (stop, stopped) = channel();
    let (end, ended) = oneshot::channel::<()>();
    let runtime = Handle::current();
    let thread = std::thread::Builder::new().name("host-metrics".to_owned());
    let spawned = thread.spawn(move || {
        run(sampler, &target, &stopped, &runtime);
        drop(end);
    });
    if let Err(error) = spawned {
        tracing::error!(%error, "host metrics are off: no thread could be started");
    }
    Ok(HostMetrics { stop, ended })
}

/// The machine's name, as the `host` tag shows it.
fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

fn run(mut sampler: Sampler, target: &Target, stopped: &Receiver<()>, runtime: &Handle) {
    let interval_ns = i64::try_from(target.interval.as_nanos()).unwrap_or(i64::MAX).max(1);
    let (mut last_ns, mut told) = (i64::MIN, Told::default());
    loop {
        let until_next = interval_ns - now_ns().rem_euclid(interval_ns);
        match stopped.recv_timeout(Duration::from_nanos(until_next.unsigned_abs())) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
        // The nearest multiple: a timer may fire a little early. After a step of the clock the same one may come twice.
        let now_ns = now_ns().saturating_add(interval_ns / 2).div_euclid(interval_ns) * interval_ns;
        if now_ns == last_ns {
            continue;
        }
        last_ns = now_ns;
        sample(&mut sampler, target, now_ns, runtime, &mut told);
    }
}

/// What was logged already, so that a lasting trouble is one line and not one a second.
#[derive(Default)]
struct Told {
    refused: Vec<&'static str>,
    failure: Option<String>,
}

fn sample(sampler: &mut Sampler, target: &Target, now_ns: i64, runtime: &Handle, told: &mut Told) {
    let empty = DatabaseSchema::default();
    let schema = target.store.schema(&target.database);
    let mut builder = BatchBuilder::new(schema.as_deref().unwrap_or(&empty), target.limits, now_ns);
    let report = sampler.sample(now_ns, &mut builder);
    if !report.missing.is_empty() {
        let missing: Vec<String> = report.missing.iter().map(|missing| missing.path.display().to_string()).collect();
        tracing::info!(missing = missing.join(", "), "not on this machine: left out of host metrics");
    }
    for (table, error) in report.refused {
        if !told.refused.contains(&table) {
            told.refused.push(table);
            tracing::warn!(table, %error, "host metrics of this table are refused");
        }
    }
    let batch = builder.finish(target.database.clone());
    if batch.is_empty() {
        return;
    }
    metrics::counter!("sensorium_host_metrics_samples_total").increment(1);
    let failure = runtime.block_on(target.store.write(batch)).err().map(|error| error.to_string());
    if failure.is_some() {
        metrics::counter!("sensorium_host_metrics_failed_total").increment(1);
    }
    if failure != told.failure {
        match &failure {
            Some(error) => tracing::warn!(%error, "host metrics are not stored"),
            None => tracing::info!("host metrics are stored again"),
        }
        told.failure = failure;
    }
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
