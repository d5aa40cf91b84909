//! One load on one broker, and what it costs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::broker::Target;
use super::connection::Connection;
use super::message;
use super::publisher::{Publisher, Sent};
use super::scenario::{Pace, Plan};
use super::subscriber::{Delivered, receive};
use crate::percentiles::percentile;
use crate::process;
use crate::thread;

/// What subscribers subscribe to.
const FILTER: &str = "office/+/climate";
/// How long the last acknowledgements may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was measured in one turn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    /// Messages that were acknowledged; deliveries where nothing is acknowledged.
    pub(crate) messages_a_second: f64,
    /// Of the broker, with its work in the background until it was idle.
    pub(crate) messages_a_cpu_second: f64,
    pub(crate) ack_median_ms: f64,
    pub(crate) ack_p99_ms: f64,
    /// What subscribers received of what they were to receive.
    pub(crate) delivered_share: f64,
    /// Processor time of the load, relative to the broker's.
    pub(crate) load_share: f64,
}

/// Runs the load on a thread of its own.
pub(crate) async fn run(target: &Target, plan: Plan) -> Result<Figures> {
    let target = target.clone();
    let name = target.name;
    thread::run(async move { measure(&target, plan).await }).await.context(name)
}

async fn measure(target: &Target, plan: Plan) -> Result<Figures> {
    let delivered = Arc::new(Delivered::new(plan.room));
    let mut subscribers = subscribe(target, plan, &delivered).await?;
    let publishers = connect(target, plan).await?;
    let cpu = || process::cpu_seconds(&target.process);
    let (cpu_before, load_before) = (cpu()?, thread::cpu_seconds()?);
    let started = Instant::now();
    let until = started + plan.duration;
    let sent = tokio::select! {
        sent = timeout_at(until + PATIENCE, publish(publishers, plan, until, &delivered)) => {
            sent.with_context(|| format!("messages were not acknowledged within {PATIENCE:?}"))??
        }
        error = failure(&mut subscribers) => return Err(error),
    };
    let (seconds, in_time) = (started.elapsed().as_secs_f64(), delivered.count());
    let wanted = sent.messages * u64::from(plan.subscribers);
    tokio::select! {
        () = delivered.reach(wanted) => {}
        error = failure(&mut subscribers) => return Err(error),
    }
    let load_cpu = thread::cpu_seconds()? - load_before;
    process::idle(&[&target.process]).await?;
    let counts = match plan.pace {
        Pace::Room => Counts { in_time, in_all: delivered.count() },
        Pace::Window(_) | Pace::Rate(_) => Counts { in_time: sent.messages, in_all: sent.messages },
    };
    let deliveries = Counts { in_time: delivered.count(), in_all: wanted };
    Ok(figures(counts, deliveries, seconds, (cpu()? - cpu_before, load_cpu), sent.latencies_ms))
}

async fn subscribe(target: &Target, plan: Plan, delivered: &Arc<Delivered>) -> Result<JoinSet<Result<Infallible>>> {
    let mut subscribers = JoinSet::new();
    for number in 0..plan.subscribers {
        let mut connection = Connection::open(target, &format!("bench-subscriber-{number}")).await?;
        connection.subscribe(FILTER, plan.qos).await?;
        subscribers.spawn(receive(connection, Arc::clone(delivered)));
    }
    Ok(subscribers)
}

async fn connect(target: &Target, plan: Plan) -> Result<Vec<Publisher>> {
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let mut publishers = Vec::new();
    for number in 0..plan.publishers {
        let connection = Connection::open(target, &format!("bench-publisher-{number}")).await?;
        let rooms = (number..plan.rooms).step_by(plan.publishers);
        publishers.push(Publisher { connection, messages: message::of_rooms(rooms, plan.qos, &mut rng)? });
    }
    Ok(publishers)
}

/// Has all publishers send until it is time to stop, and waits for the last acknowledgement.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 publishers")]
async fn publish(publishers: Vec<Publisher>, plan: Plan, until: Instant, delivered: &Arc<Delivered>) -> Result<Sent> {
    let mut tasks = JoinSet::new();
    for (number, publisher) in publishers.into_iter().enumerate() {
        match plan.pace {
            Pace::Window(window) => tasks.spawn(publisher.fill_window(window, plan.subscribers, Arc::clone(delivered))),
            Pace::Rate(rate) => {
                // Publishers do not send in step.
                let (every, delay) = (plan.publishers as f64 / rate, number as f64 / rate);
                let [every, delay] = [every, delay].map(Duration::from_secs_f64);
                tasks.spawn(publisher.keep_rate(every, delay, until))
            }
            Pace::Room => tasks.spawn(publisher.fill_room(plan.subscribers, Arc::clone(delivered))),
        };
    }
    sleep_until(until).await;
    delivered.stop();
    let mut all = Sent::default();
    while let Some(sent) = tasks.join_next().await {
        let sent = sent.context("a publisher stopped")??;
        all.messages += sent.messages;
        all.latencies_ms.extend(sent.latencies_ms);
    }
    Ok(all)
}

/// Why a subscriber ended; waits as long as all of them receive.
async fn failure(subscribers: &mut JoinSet<Result<Infallible>>) -> Error {
    match subscribers.join_next().await {
        Some(Ok(Err(error))) => error,
        _ => anyhow!("a subscriber stopped"),
    }
}

/// Something that is counted until the load ends, and until nothing more comes.
#[derive(Debug, Clone, Copy)]
struct Counts {
    in_time: u64,
    in_all: u64,
}

/// The figures of what was counted in so many seconds, with the processor time of the broker and of the load.
#[expect(clippy::cast_precision_loss, reason = "messages, far fewer than 2^53")]
fn figures(
    counts: Counts,
    deliveries: Counts,
    seconds: f64,
    (cpu, load_cpu): (f64, f64),
    mut latencies_ms: Vec<f64>,
) -> Figures {
    latencies_ms.sort_by(f64::total_cmp);
    Figures {
        messages_a_second: counts.in_time as f64 / seconds,
        messages_a_cpu_second: counts.in_all as f64 / cpu,
        ack_median_ms: percentile(&latencies_ms, 0.5),
        ack_p99_ms: percentile(&latencies_ms, 0.99),
        delivered_share: deliveries.in_time as f64 / deliveries.in_all as f64,
        load_share: load_cpu / cpu,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_counted_by_the_second_and_by_the_cpu_second() {
        let counts = Counts { in_time: 1_000, in_all: 1_200 };
        let deliveries = Counts { in_time: 600, in_all: 1_200 };
        let latencies_ms = (1..=100).rev().map(f64::from).collect();
        assert_eq!(
            figures(counts, deliveries, 2.0, (3.0, 1.5), latencies_ms),
            Figures {
                messages_a_second: 500.0,
                messages_a_cpu_second: 400.0,
                ack_median_ms: 50.0,
                ack_p99_ms: 99.0,
                delivered_share: 0.5,
                load_share: 0.5,
            }
        );
    }
}
