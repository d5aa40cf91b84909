//! A store with many points: how long a restart takes, what it needs, and how fast the newest values are there.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use clap::Args;
use futures::TryStreamExt;
use indicatif::{ProgressBar, ProgressStyle};

use crate::percentiles::median;
use crate::process::{self, resident_bytes};
use crate::sensorium::{Options, Sensorium};
use crate::trucks::{TRUCKS, Trucks};

/// Values of a row, on average over both tables.
const VALUES_A_ROW: u64 = 8;
/// Lines of a body.
const LINES: u64 = 5_000;
/// Connections that write at the same time.
const CONNECTIONS: usize = 4;
/// How often the question is asked.
const QUESTIONS: usize = 21;
/// The aims: seconds, bytes and milliseconds.
const READY_SECONDS: f64 = 5.0;
const RESIDENT_BYTES: f64 = 300e6;
const LAST_MS: f64 = 10.0;

/// Settings of the measurement.
#[derive(Args)]
#[command(
    after_help = "Example:\n  sensorium-bench large --binary ~/.cache/sensorium/target/debug/sensorium --points 1000000"
)]
pub(crate) struct LargeArgs {
    /// The `sensorium` binary to measure
    #[arg(long)]
    binary: PathBuf,
    /// Values to store; a row holds six or ten
    #[arg(long, default_value_t = 100_000_000)]
    points: u64,
    /// Decides all data
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder, on the disk to measure, that the server's folder is made in [default: the system's temporary folder]
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Runs the measurement and prints its table.
#[expect(clippy::print_stdout, reason = "the table is the result")]
#[expect(clippy::cast_precision_loss, reason = "points, far fewer than 2^53")]
pub(crate) async fn run(arguments: LargeArgs) -> Result<()> {
    let options = Options { arguments: vec!["--no-host-metrics".to_owned()], parent: arguments.folder.clone() };
    let mut server = Sensorium::start_with(&arguments.binary, &options)?;
    let mut trucks = Trucks::new(arguments.seed, TRUCKS, arguments.points.div_ceil(VALUES_A_ROW));
    let started = Instant::now();
    write(&server, &mut trucks, arguments.points).await?;
    let (values, wrote) = (trucks.made().values(), started.elapsed());

    let ready = server.restart().await?;
    let resident = resident_bytes(&process::folder(server.pid()))?;
    let mut times_ms = Vec::new();
    for _ in 0..QUESTIONS {
        let asked = Instant::now();
        let answer = server.ask("SELECT name, latitude, longitude FROM last('readings')").await?;
        times_ms.push(asked.elapsed().as_secs_f64() * 1e3);
        ensure!(answer.len() == TRUCKS, "{} trucks have a last position, not {TRUCKS}", answer.len());
    }
    let last_ms = median(&times_ms);
    let count = server.ask("SELECT count(*) FROM readings").await?;
    let rows = count.first().and_then(|row| row.first()?.as_u64()).context("no count")?;
    ensure!(rows == trucks.made().readings, "{rows} readings are stored, {} were acknowledged", trucks.made().readings);

    let verdict = |reached: bool| if reached { "reached" } else { "not reached" };
    println!(
        "{values} points of {TRUCKS} trucks, written in {:.0} s, then the server was killed\n",
        wrote.as_secs_f64()
    );
    let line = |words: &str, figure: String, aim: String| println!("{words:<44} {figure:>14}  {aim}");
    line("restart to ready", format!("{:.2} s", ready.as_secs_f64()), {
        format!("under {READY_SECONDS} s: {}", verdict(ready.as_secs_f64() < READY_SECONDS))
    });
    line("memory after the start", format!("{:.0} MB", resident / 1e6), {
        format!("under {:.0} MB: {}", RESIDENT_BYTES / 1e6, verdict(resident < RESIDENT_BYTES))
    });
    line("last position of every truck, median", format!("{last_ms:.1} ms"), {
        format!("under {LAST_MS} ms: {}", verdict(last_ms < LAST_MS))
    });
    println!("\nlarge ratio {:.2}", values as f64 / arguments.points as f64);
    Ok(())
}

/// Writes all rows; the bar counts points.
async fn write(server: &Sensorium, trucks: &mut Trucks, points: u64) -> Result<()> {
    let bar = ProgressBar::new(points);
    bar.set_style(ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} points, {elapsed}, {eta} left")?);
    bar.enable_steady_tick(Duration::from_millis(500));
    let bodies = std::iter::from_fn(|| {
        bar.set_position(trucks.made().values());
        Some(trucks.body(LINES)).filter(|body| !body.is_empty()).map(|body| Ok::<_, anyhow::Error>(Bytes::from(body)))
    });
    let written = futures::stream::iter(bodies)
        .try_for_each_concurrent(CONNECTIONS, |body| async move { server.write("main", body).await })
        .await;
    bar.finish_and_clear();
    written
}
