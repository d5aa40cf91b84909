//! Sensorium's MQTT listener beside Mosquitto: the same load from the same client on the same machine, in one run.
//!
//! Both brokers run at the same time. Each load goes to one and then to the other, in rounds whose order alternates; a turn
//! begins when neither works in the background. The load comes from one thread of this process, which encodes messages
//! before the clock runs. What Sensorium acknowledges is stored and synced as well as relayed; Mosquitto keeps nothing.
//!
//! Idle connections are measured on brokers of their own, one at a time, because memory that was freed after a load is not
//! given back.

mod broker;
mod connection;
mod figures;
mod idle;
mod load;
mod message;
mod mosquitto;
mod publisher;
mod scenario;
mod subscriber;
#[cfg(test)]
mod tests;
mod under_way;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use self::broker::{Broker, PEER};
use self::figures::Measured;
use self::scenario::Scenario;
use crate::file_system::require_disk;
use crate::open_files;
use crate::pair::{Kind, Pair, turns};
use crate::process;
use crate::report;

/// Settings of the comparison.
#[derive(Args)]
#[command(after_help = "Examples:
  sensorium-bench mqtt --binary ~/.cache/sensorium/target/debug/sensorium
  sensorium-bench mqtt --binary ~/.cache/sensorium/target/debug/sensorium --only gateway --seconds 3 --rounds 1
  sensorium-bench mqtt --only-peer --only idle --idle 1000")]
pub(crate) struct MqttArgs {
    /// The `sensorium` binary to measure
    #[arg(long, required_unless_present = "only_peer")]
    binary: Option<PathBuf>,
    /// The `mosquitto` binary to measure it against
    #[arg(long, default_value = "/usr/sbin/mosquitto")]
    mosquitto: PathBuf,
    /// Measure Mosquitto alone
    #[arg(long)]
    only_peer: bool,
    /// Measure nothing else
    #[arg(long, value_name = "SCENARIO")]
    only: Option<Scenario>,
    /// How long each load is sent
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Rounds; the figures are their medians
    #[arg(long, default_value_t = 3)]
    rounds: u64,
    /// Connections that do nothing
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// Decides all readings
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder, on the disk to measure, that Sensorium's folder is made in [default: the system's temporary folder]
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Runs the comparison and prints its table.
#[expect(clippy::print_stdout, reason = "the table is the result")]
pub(crate) async fn run(arguments: MqttArgs) -> Result<()> {
    ensure!(arguments.rounds > 0 && arguments.seconds > 0, "--rounds and --seconds must be at least 1");
    ensure!(arguments.idle > 0, "--idle must be at least 1");
    if !arguments.only_peer {
        require_disk(&arguments.folder.clone().unwrap_or_else(std::env::temp_dir))?;
    }
    let mut chosen = Scenario::chosen(arguments.only);
    let idle = chosen.pop_if(|last| *last == Scenario::Idle);

    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rounds of a broker, {elapsed}, {msg}")?;
    let kinds = if arguments.only_peer { 1 } else { 2 };
    let turns = arguments.rounds * kinds * (chosen.len() as u64 + u64::from(idle.is_some()));
    let bar = ProgressBar::new(turns).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    let mut measured = Measured::default();
    if !chosen.is_empty() {
        loads(&arguments, &chosen, &mut measured, &bar).await?;
    }
    if idle.is_some() {
        connections(&arguments, &mut measured, &bar).await?;
    }
    bar.finish_and_clear();
    let MqttArgs { seconds, rounds, idle, .. } = arguments;
    println!("MQTT 3.1.1 on loopback, medians of {rounds} rounds; each load {seconds} s, idle connections {idle}\n");
    print!("{}", report::render(PEER, &measured.metrics()));
    Ok(())
}

/// Sends all loads to both brokers in turn.
async fn loads(arguments: &MqttArgs, chosen: &[Scenario], measured: &mut Measured, bar: &ProgressBar) -> Result<()> {
    let mut brokers: Pair<Option<Broker>> = Pair::default();
    for kind in kinds(arguments, 0) {
        *brokers.of_mut(kind) = Some(Broker::start(kind, arguments).await?);
    }
    let running = [&brokers.peer, &brokers.sensorium];
    let processes: Vec<&Path> = running.into_iter().flatten().map(|broker| broker.target.process.as_path()).collect();
    let duration = Duration::from_secs(arguments.seconds);
    for round in 0..arguments.rounds {
        for scenario in chosen {
            let rate = measured.half_load();
            for kind in kinds(arguments, round) {
                let Some(Broker { target, .. }) = brokers.of(kind) else { continue };
                bar.set_message(format!("{}, {}", target.name, scenario.words()));
                process::idle(&processes).await?;
                let plan = scenario.plan(rate, duration, arguments.seed).context("nothing is sent")?;
                measured.add(*scenario, kind, load::run(target, plan).await?);
                bar.inc(1);
            }
        }
    }
    Ok(())
}

/// Opens connections to brokers of their own.
async fn connections(arguments: &MqttArgs, measured: &mut Measured, bar: &ProgressBar) -> Result<()> {
    open_files::raise(arguments.idle as u64, "--idle")?;
    for round in 0..arguments.rounds {
        for kind in kinds(arguments, round) {
            let broker = Broker::start(kind, arguments).await?;
            let target = &broker.target;
            bar.set_message(format!("{}, {}", target.name, Scenario::Idle.words()));
            measured.add_idle(kind, idle::bytes_a_connection(target, arguments.idle).await?);
            bar.inc(1);
        }
    }
    Ok(())
}

/// Who is measured in a round, in its order.
fn kinds(arguments: &MqttArgs, round: u64) -> impl Iterator<Item = Kind> {
    let only_peer = arguments.only_peer;
    turns(round).into_iter().filter(move |kind| *kind == Kind::Peer || !only_peer)
}
