//! CoAP: confirmable readings that Sensorium has stored and synced when it answers, beside a server of libcoap's that keeps the
//! newest in memory, and beside the laboratory's own kind of server, which is in Python and writes to InfluxDB.
//!
//! All of them run at the same time, started as the laboratory starts its own. The same load goes to one after the other, in
//! rounds whose order rotates; a turn begins when none works in the background. It comes from one thread of this process, from
//! many source ports, each of which has one request under way. In the end Sensorium holds as many readings as it acknowledged.

mod figures;
mod load;
pub(crate) mod port;
pub(crate) mod servers;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use self::figures::Measured;
use self::port::Port;
use self::servers::{Programs, Server, Which};
use crate::file_system::require_disk;
use crate::open_files;
use crate::process;
use crate::report;

/// A system gives away about 28,000 ports by itself, and each of three servers has its own.
const MOST_PORTS: u64 = 9_000;

/// Settings of the comparison.
#[derive(Args)]
#[command(after_help = "Examples:
  sensorium-bench coap --binary ~/.cache/sensorium/target/debug/sensorium --python ~/.cache/sensorium/python/bin/python3
  sensorium-bench coap --binary ~/.cache/sensorium/target/debug/sensorium --only libcoap --only sensorium --seconds 3 --rounds 1
  sensorium-bench coap --only libcoap --ports 100

--python names a Python that has txThings 0.3.0 and Twisted; `scripts/install.sh test` makes one.")]
pub(crate) struct CoapArgs {
    /// The `sensorium` binary to measure
    #[arg(long)]
    binary: Option<PathBuf>,
    /// The server of libcoap to measure it against
    #[arg(long, default_value = "coap-server-notls")]
    libcoap: PathBuf,
    /// The Python that runs the laboratory's server
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// The `influxd` binary that the laboratory's server writes to
    #[arg(long, default_value = "influxd")]
    influxd: PathBuf,
    /// Measure only this server; may be given again
    #[arg(long, value_name = "SERVER")]
    only: Vec<Which>,
    /// Source ports, each with one request under way
    #[arg(long, default_value_t = 400)]
    ports: u64,
    /// How long each load is sent
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Rounds; the figures are their medians
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The folder, on the disk to measure, that the servers' folders are made in [default: the system's temporary folder]
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// A server with the ports that ask it.
struct Measuring {
    which: Which,
    server: Server,
    /// The same in all turns, so that no message id comes again.
    ports: Vec<Port>,
}

/// Runs the comparison and prints its tables.
#[expect(clippy::print_stdout, reason = "the tables are the result")]
pub(crate) async fn run(arguments: CoapArgs) -> Result<()> {
    ensure!(arguments.rounds > 0 && arguments.seconds > 0, "--rounds and --seconds must be at least 1");
    ensure!((1..=MOST_PORTS).contains(&arguments.ports), "--ports must be between 1 and {MOST_PORTS}");
    let folder = arguments.folder.unwrap_or_else(std::env::temp_dir);
    require_disk(&folder)?;
    let programs = Programs {
        sensorium: arguments.binary,
        libcoap: arguments.libcoap,
        python: arguments.python,
        influxd: arguments.influxd,
        folder,
    };
    let chosen = chosen(&arguments.only);
    // A turn has each of its sockets twice: one drives it, one is kept for the next.
    open_files::raise(arguments.ports * (chosen.len() as u64 + 1), "--ports")?;
    let mut all = Vec::new();
    for which in chosen {
        let server = Server::start(which, &programs)?;
        let ports =
            (0..arguments.ports).map(|number| Port::open(server.target.address, number)).collect::<Result<_>>()?;
        all.push(Measuring { which, server, ports });
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rounds of a server, {elapsed}, {msg}")?;
    let bar = ProgressBar::new((arguments.rounds * all.len()) as u64).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    let measured = rounds(&mut all, arguments.rounds, Duration::from_secs(arguments.seconds), &bar).await?;
    bar.finish_and_clear();
    for measuring in &all {
        let (acknowledged, stored) = (measured.answered(measuring.which), measuring.server.stored().await?);
        let name = measuring.which.name();
        // What was answered too late for its device may be stored beside.
        ensure!(
            stored.is_none_or(|stored| stored >= acknowledged),
            "{name} stored {stored:?} readings, but acknowledged {acknowledged}"
        );
    }
    println!(
        "Confirmable readings from {} ports on loopback, medians of {} rounds of {} s\n",
        arguments.ports, arguments.rounds, arguments.seconds
    );
    for peer in peers(&all.iter().map(|measuring| measuring.which).collect::<Vec<_>>()) {
        println!("{}", report::render(peer.name(), &measured.metrics(peer)));
    }
    Ok(())
}

/// Who is measured: everybody, unless somebody is named.
fn chosen(only: &[Which]) -> Vec<Which> {
    let all = [Which::Libcoap, Which::Laboratory, Which::Sensorium];
    all.into_iter().filter(|which| only.is_empty() || only.contains(which)).collect()
}

/// Who stands beside Sensorium, each in a table of its own.
fn peers(measured: &[Which]) -> Vec<Which> {
    let peers: Vec<Which> = measured.iter().copied().filter(|which| *which != Which::Sensorium).collect();
    // A table without a peer shows Sensorium alone.
    if peers.is_empty() { vec![Which::Libcoap] } else { peers }
}

/// Sends the load to all servers in turn; each round begins with the next one, so that none always finds the warmer machine.
async fn rounds(all: &mut [Measuring], rounds: usize, duration: Duration, bar: &ProgressBar) -> Result<Measured> {
    let mut measured = Measured::default();
    for round in 0..rounds {
        for turn in 0..all.len() {
            let processes: Vec<PathBuf> =
                all.iter().flat_map(|other| other.server.target.processes().map(Path::to_owned)).collect();
            let Some(next) = all.get_mut((round + turn) % all.len().max(1)) else { continue };
            let target = &next.server.target;
            bar.set_message(target.name);
            process::idle(&processes.iter().map(PathBuf::as_path).collect::<Vec<_>>()).await?;
            let (ports, figures) = load::run(target, std::mem::take(&mut next.ports), duration).await?;
            next.ports = ports;
            measured.add(next.which, figures);
            bar.inc(1);
        }
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_measured_unless_somebody_is_named() {
        assert_eq!(chosen(&[]).len(), 3);
        assert_eq!(chosen(&[Which::Sensorium, Which::Libcoap]), [Which::Libcoap, Which::Sensorium]);
        assert_eq!(peers(&chosen(&[])), [Which::Libcoap, Which::Laboratory]);
        assert_eq!(peers(&[Which::Sensorium]), [Which::Libcoap]);
    }
}
