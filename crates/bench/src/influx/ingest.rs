//! The same bodies to one server, then to the other.

use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use futures::TryStreamExt;
use indicatif::ProgressBar;

use super::endpoint::Endpoint;
use crate::pair::{Pair, turns};
use crate::process;
use crate::trucks::Trucks;

/// The settings of the rounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rows: u64,
    pub(crate) rounds: u64,
    pub(crate) lines_a_body: u64,
    pub(crate) connections: usize,
}

/// Sends all rows to both servers in rounds, each server first in every other round, and waits for the work in the
/// background to end. Returns each server's rows a second of every round, until the round's last acknowledgement. The bar
/// counts rows sent.
pub(crate) async fn run(
    servers: &Pair<Endpoint>,
    trucks: &mut Trucks,
    plan: Plan,
    bar: &ProgressBar,
) -> Result<Pair<Vec<f64>>> {
    let processes = [servers.peer.process.as_path(), servers.sensorium.process.as_path()];
    let mut rows_a_second: Pair<Vec<f64>> = Pair::default();
    for round in 0..plan.rounds {
        let rows = plan.rows * (round + 1) / plan.rounds - plan.rows * round / plan.rounds;
        let bodies = bodies(trucks, rows, plan.lines_a_body).await;
        for kind in turns(round) {
            let server = servers.of(kind);
            process::idle(&processes).await?;
            bar.set_message(format!("round {} of {}, {}", round + 1, plan.rounds, server.name()));
            let took = send(server, &bodies, plan, bar).await?;
            #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 rows")]
            rows_a_second.of_mut(kind).push(rows as f64 / took.as_secs_f64());
        }
    }
    process::idle(&processes).await?;
    Ok(rows_a_second)
}

/// The next lines, made before the clock runs.
async fn bodies(trucks: &mut Trucks, lines: u64, lines_a_body: u64) -> Vec<Bytes> {
    let (mut bodies, mut left) = (Vec::new(), lines);
    while left > 0 {
        let wanted = left.min(lines_a_body);
        let body = trucks.body(wanted);
        if body.is_empty() {
            break;
        }
        bodies.push(Bytes::from(body));
        left -= wanted;
        // Lets an interruption through.
        tokio::task::yield_now().await;
    }
    bodies
}

/// Sends all bodies over several connections; the time until the last acknowledgement.
async fn send(server: &Endpoint, bodies: &[Bytes], plan: Plan, bar: &ProgressBar) -> Result<Duration> {
    let started = Instant::now();
    futures::stream::iter(bodies.iter().cloned().map(anyhow::Ok))
        .try_for_each_concurrent(plan.connections, |body| async move {
            server.write(body).await?;
            bar.inc(plan.lines_a_body);
            Ok(())
        })
        .await?;
    Ok(started.elapsed())
}
