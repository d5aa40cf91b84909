//! One turn: the same load on one server, and what it costs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sensorium_protocols::coap::{Code, Response};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::port::{Asked, Port, reading};
use crate::percentiles::percentile;
use crate::process;
use crate::thread;

/// How long the last answers may take: longer than a client sends again (RFC 7252, section 4.8.2).
const PATIENCE: Duration = Duration::from_secs(100);

/// Where the load goes, and whom it costs.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) method: Code,
    /// Whether an answer means that the reading was taken.
    pub(crate) is_wanted: fn(&Response) -> bool,
    /// The server's folder of `/proc`, and that of its database, if that is another process.
    pub(crate) process: PathBuf,
    pub(crate) database: Option<PathBuf>,
}

/// What was measured in one turn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    /// Readings that were taken before the turn was over.
    pub(crate) requests_a_second: f64,
    /// Of the server and its database, with their work in the background until both were idle.
    pub(crate) requests_a_cpu_second: f64,
    /// Of the server without its database.
    pub(crate) requests_a_server_cpu_second: f64,
    pub(crate) answer_median_ms: f64,
    pub(crate) answer_p99_ms: f64,
    /// Readings that were taken of all that were sent.
    pub(crate) answered_share: f64,
    /// Processor time of the load, relative to that of the server and its database.
    pub(crate) load_share: f64,
    /// Readings that were taken.
    pub(crate) answered: u64,
}

/// Processor time, in seconds.
#[derive(Debug, Clone, Copy)]
struct Cpu {
    server: f64,
    database: f64,
    load: f64,
}

impl Target {
    /// The folders of `/proc` of all of its processes.
    pub(crate) fn processes(&self) -> impl Iterator<Item = &Path> {
        [Some(&self.process), self.database.as_ref()].into_iter().flatten().map(PathBuf::as_path)
    }

    fn cpu(&self) -> Result<(f64, f64)> {
        let database = self.database.as_deref().map(process::cpu_seconds).transpose()?;
        Ok((process::cpu_seconds(&self.process)?, database.unwrap_or_default()))
    }
}

/// Has all ports ask for so long, on a thread of their own, and gives them back.
pub(crate) async fn run(target: &Target, ports: Vec<Port>, duration: Duration) -> Result<(Vec<Port>, Figures)> {
    let target = target.clone();
    let name = target.name;
    thread::run(async move { measure(&target, ports, duration).await }).await.context(name)
}

async fn measure(target: &Target, ports: Vec<Port>, duration: Duration) -> Result<(Vec<Port>, Figures)> {
    let ((server_before, database_before), load_before) = (target.cpu()?, thread::cpu_seconds()?);
    let until = Instant::now() + duration;
    let request = reading(target.method, "temperature", "28.8");
    let mut tasks = JoinSet::new();
    for port in ports {
        tasks.spawn(port.keep_asking(request.clone(), until, target.is_wanted));
    }
    let (mut ports, mut all) = (Vec::new(), Asked::default());
    while let Some(ended) =
        timeout_at(until + PATIENCE, tasks.join_next()).await.context("the last answers did not come")?
    {
        let (port, asked) = ended.context("a port stopped")??;
        ports.push(port);
        all.in_time += asked.in_time;
        all.answered += asked.answered;
        all.failed += asked.failed;
        all.latencies_ms.extend(asked.latencies_ms);
    }
    ensure!(all.answered > 0, "no reading was taken, of {} that were sent", all.failed);
    let load = thread::cpu_seconds()? - load_before;
    process::idle(&target.processes().collect::<Vec<_>>()).await?;
    let (server, database) = target.cpu()?;
    let cpu = Cpu { server: server - server_before, database: database - database_before, load };
    Ok((ports, figures(all, duration.as_secs_f64(), cpu)))
}

#[expect(clippy::cast_precision_loss, reason = "requests, far fewer than 2^53")]
fn figures(mut asked: Asked, seconds: f64, cpu: Cpu) -> Figures {
    asked.latencies_ms.sort_by(f64::total_cmp);
    let (answered, all) = (asked.answered as f64, (asked.answered + asked.failed) as f64);
    let whole = cpu.server + cpu.database;
    Figures {
        requests_a_second: asked.in_time as f64 / seconds,
        requests_a_cpu_second: answered / whole,
        requests_a_server_cpu_second: answered / cpu.server,
        answer_median_ms: percentile(&asked.latencies_ms, 0.5),
        answer_p99_ms: percentile(&asked.latencies_ms, 0.99),
        answered_share: answered / all,
        load_share: cpu.load / whole,
        answered: asked.answered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_counted_by_the_second_and_by_the_cpu_second() {
        let latencies_ms = (1..=100).rev().map(f64::from).collect();
        let asked = Asked { in_time: 800, answered: 900, failed: 100, latencies_ms };
        assert_eq!(
            figures(asked, 2.0, Cpu { server: 1.0, database: 2.0, load: 1.5 }),
            Figures {
                requests_a_second: 400.0,
                requests_a_cpu_second: 300.0,
                requests_a_server_cpu_second: 900.0,
                answer_median_ms: 50.0,
                answer_p99_ms: 99.0,
                answered_share: 0.9,
                load_share: 0.5,
                answered: 900,
            }
        );
    }
}
