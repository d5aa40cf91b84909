//! `sensorium simulate`: devices that are not there, for who has none at hand or wants to try with many. Each is an MQTT client of
//! its own (rumqttc, which knows nothing of our broker), so that any broker can be tried with them.
//!
//! What is where: [`device`] (the life of one, over a [`link`]), [`node`] and [`switch`] (what they are, without sockets and
//! clocks), [`climate`] (what a sensor measures), [`registry`] (tokens and devices of the server), [`tally`] (what was done).
//!
//! Invariants: a reading is sent until it is acknowledged, or gives way when the outbox is full, which is counted; tokens that the
//! command made are revoked when it ends.

mod args;
mod climate;
mod device;
mod link;
mod node;
mod outbox;
mod pause;
mod registry;
mod switch;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use chrono::Utc;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cli::ReachFlags;
use crate::client::{local_mqtt, server};
use crate::serve::StopSignals;
use args::{Broker, DhtArgs, FleetFlags, Simulated, SwitchArgs};
use device::{Device, Times, live};
use link::Login;
use node::Node;
use registry::{Kind, Made, Registry};
use switch::Switch;
use tally::Tally;

pub(crate) use args::{EXAMPLES, SimulateArgs};

/// How often the line of progress changes.
const PROGRESS: Duration = Duration::from_millis(500);
/// How often it is a line of its own, where it cannot change in its place.
const LINE: Duration = Duration::from_secs(10);

const DHT: Kind = Kind {
    name: "ESP8266 with a DHT",
    description: "Temperature and humidity of a DHT11 or DHT22 over MQTT",
    table: node::TABLE,
    fields: &[("temperature", "Temperature", "Cel"), ("humidity", "Humidity", "%")],
};

const SWITCH: Kind = Kind {
    name: "Sonoff switch",
    description: "A switch with Tasmota",
    table: switch::TABLE,
    fields: &[("power", "Power", ""), ("uptimesec", "Uptime", "s")],
};

/// Runs the command.
pub(crate) async fn simulate(args: SimulateArgs) -> Result<()> {
    match args.what {
        Simulated::Dht(args) => simulate_nodes(args).await,
        Simulated::Switch(args) => simulate_switches(args).await,
    }
}

async fn simulate_nodes(args: DhtArgs) -> Result<()> {
    let DhtArgs { fleet, interval, messages, adopt } = args;
    let broker = broker(&fleet)?;
    if adopt {
        let registry = registry(&fleet.reach).await?;
        let kind = registry.kind(&DHT).await?;
        for number in 0..fleet.count {
            registry.device(&node::name(number), &kind).await?;
        }
    }
    let key = match fleet.reach.token {
        Some(_) => None,
        None => Some(registry(&fleet.reach).await?.key_for_devices().await?),
    };
    let password = key.as_ref().map(|key| key.secret.clone()).or_else(|| fleet.reach.token.clone()).unwrap_or_default();
    let devices = (0..fleet.count).map(|number| (Node::new(number, messages), password.clone()));
    let outcome = run(devices, &fleet, broker, interval).await;
    finish(outcome, &fleet.reach, key.as_slice()).await
}

async fn simulate_switches(args: SwitchArgs) -> Result<()> {
    let SwitchArgs { fleet, interval } = args;
    let broker = broker(&fleet)?;
    let now = Utc::now();
    if let Some(token) = &fleet.reach.token {
        let devices = (0..fleet.count).map(|number| (Switch::new(number, now), token.clone()));
        return run(devices, &fleet, broker, interval).await;
    }
    let registry = registry(&fleet.reach).await?;
    let mut made = Vec::new();
    let outcome = match own_tokens(&registry, fleet.count, &mut made).await {
        Ok(()) => {
            let devices = (0..fleet.count).zip(&made);
            let devices = devices.map(|(number, made)| (Switch::new(number, now), made.secret.clone()));
            run(devices, &fleet, broker, interval).await
        }
        Err(error) => Err(error),
    };
    finish(outcome, &fleet.reach, &made).await
}

/// Makes each switch known and gives it a token of its own: a key for devices hears no commands.
async fn own_tokens(registry: &Registry, count: u16, made: &mut Vec<Made>) -> Result<()> {
    let kind = registry.kind(&SWITCH).await?;
    for number in 0..count {
        let device = registry.device(&switch::name(number), &kind).await?;
        made.push(registry.token_of(&device).await?);
    }
    Ok(())
}

/// Revokes what was made, however it went. The server is looked for anew: it may have been started again meanwhile.
async fn finish(outcome: Result<()>, reach: &ReachFlags, made: &[Made]) -> Result<()> {
    let revoked = match made {
        [] => Ok(()),
        made => match registry(reach).await {
            Ok(registry) => registry.revoke_all(made).await,
            Err(error) => Err(error),
        },
    };
    outcome.and(revoked)
}

async fn registry(reach: &ReachFlags) -> Result<Registry> {
    let remote = server(reach).await;
    Ok(Registry(remote.context("simulated devices need a server that gives them a token, or one with --token")?))
}

/// Where the devices connect.
fn broker(fleet: &FleetFlags) -> Result<Broker> {
    if let Some(broker) = &fleet.server {
        return Ok(broker.clone());
    }
    if let Some(url) = &fleet.reach.url {
        return Broker::beside(url).ok_or_else(|| anyhow!("{url:?} is no address; write it as http://host:8086"));
    }
    let Some(address) = local_mqtt(&fleet.reach.config)? else {
        bail!(
            "no server that uses this data folder listens to MQTT; start it with `sensorium serve --mqtt 0.0.0.0:1883`, or name \
             the folder with --data-dir or a broker with --server mqtt://host:1883"
        );
    };
    Ok(address.into())
}

/// Lets devices live until they are done, the time is over, or a signal comes; says what they did.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the answer to a person or a script")]
async fn run<D: Device>(
    devices: impl Iterator<Item = (D, String)>,
    fleet: &FleetFlags,
    broker: Broker,
    every: Duration,
) -> Result<()> {
    let (tally, stop) = (Arc::new(Tally::default()), CancellationToken::new());
    let mut signals = StopSignals::new()?;
    let mut lives = JoinSet::new();
    eprintln!("Simulating {} at {broker}; Ctrl-C ends it.", devices_in_words(fleet.count));
    for (number, (device, password)) in (0..fleet.count).zip(devices) {
        let first = every.mul_f64(f64::from(number) / f64::from(fleet.count));
        let times = Times { first, every, stop: stop.clone() };
        let login = Login { broker: broker.clone(), password };
        lives.spawn(live(device, login, times, tally.clone()));
    }
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {wide_msg}")?);
    let mut progress = tokio::time::interval(PROGRESS);
    let ends_at = fleet.seconds.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    let (mut failed, mut line_at) = (Ok(()), Instant::now());
    loop {
        tokio::select! {
            ended = lives.join_next() => match ended {
                None => break,
                Some(Err(error)) if error.is_cancelled() => {}
                Some(ended) => {
                    if let Err(error) = ended.context("a device ended unexpectedly").flatten() {
                        stop.cancel();
                        failed = failed.and(Err(error));
                    }
                }
            },
            _ = signals.next() => {
                // Who asks twice does not want to wait.
                if stop.is_cancelled() {
                    lives.abort_all();
                }
                stop.cancel();
            }
            () = until(ends_at), if !stop.is_cancelled() => stop.cancel(),
            _ = progress.tick() => {
                bar.set_message(tally.progress(fleet.count));
                bar.tick();
                if bar.is_hidden() && line_at.elapsed() >= LINE {
                    line_at = Instant::now();
                    eprintln!("{}", tally.progress(fleet.count));
                }
            }
        }
    }
    bar.finish_and_clear();
    failed?;
    if let Some(trouble) = tally.never_connected() {
        bail!("no device was ever connected: {trouble}");
    }
    println!("{}: {tally}", devices_in_words(fleet.count));
    Ok(())
}

fn devices_in_words(count: u16) -> String {
    match count {
        1 => "1 device".to_owned(),
        count => format!("{count} devices"),
    }
}

/// Waits for a time; without one, for ever.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
