//! A venue full of cameras: each sends the people that it sees ten times a second, while others look on.
//!
//! Every frame is a request of its own over the connection of its camera, at a fixed rate: a slow answer makes the next one
//! late, and that lateness counts. In the end as many rows are stored as were acknowledged.

mod camera;
mod load;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use futures::future::try_join_all;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use self::camera::Camera;
use self::load::{Plan, Sent};
use self::watch::Subscriber;
use crate::percentiles::percentile;
use crate::process::{self, cpu_seconds, resident_bytes};
use crate::sensorium::{Options, Sensorium};

/// Memory is to stay what it is after so long.
const SETTLED: Duration = Duration::from_secs(120);
/// How much it may still grow: the store has more or less in memory from one moment to the next.
const FLAT: f64 = 1.1;

/// Settings of the measurement.
#[derive(Args)]
#[command(
    after_help = "Example:\n  sensorium-bench detections --binary ~/.cache/sensorium/target/debug/sensorium --seconds 60"
)]
pub(crate) struct DetectionsArgs {
    /// The `sensorium` binary to measure
    #[arg(long)]
    binary: PathBuf,
    /// Cameras, each with a connection of its own
    #[arg(long, default_value_t = 200)]
    cameras: usize,
    /// Frames a second of each camera
    #[arg(long, default_value_t = 10)]
    rate: u32,
    /// Detections in a frame
    #[arg(long, default_value_t = 50)]
    objects: usize,
    /// How long they send
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Live subscribers, each of one camera
    #[arg(long, default_value_t = 20)]
    subscribers: usize,
    /// Decides all data
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder, on the disk to measure, that the server's folder is made in [default: the system's temporary folder]
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// What was seen of the process.
#[derive(Debug, Default)]
struct Watched {
    cores: f64,
    settled_bytes: f64,
    most_after_bytes: f64,
}

/// Runs the measurement and prints its table.
pub(crate) async fn run(arguments: DetectionsArgs) -> Result<()> {
    ensure!(arguments.cameras > 0 && arguments.rate > 0 && arguments.objects > 0, "there must be something to send");
    let options = Options { arguments: vec!["--no-host-metrics".to_owned()], parent: arguments.folder.clone() };
    let server = Sensorium::start_with(&arguments.binary, &options)?;
    let every = Duration::from_secs(1) / arguments.rate;
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    let plan =
        Plan { url: format!("{}/api/v1/detections?db=main", server.base_url()), token: server.token(), every, until };
    let mut subscribers = Vec::new();
    for number in 0..arguments.subscribers {
        subscribers.push(Subscriber::start(&server, number % arguments.cameras).await?);
    }
    let cameras = (0..arguments.cameras).map(|number| {
        let camera = Camera::new(number, arguments.objects, arguments.seed);
        // Cameras do not send in step.
        let delay = every.mul_f64(share(number, arguments.cameras));
        let plan = plan.clone();
        async move { tokio::spawn(load::send(camera, plan, delay)).await.context("a camera stopped")? }
    });
    let query_url = format!("{}/api/v1/sql", server.base_url());
    let chart = tokio::spawn(watch::chart(query_url, server.token(), 0, until));
    let started = Instant::now();
    let (sent, watched) = tokio::try_join!(try_join_all(cameras), watch_process(&server, until))?;
    let seconds = started.elapsed().as_secs_f64();
    let charts = chart.await.context("the chart stopped")??;
    let mut frames = Vec::new();
    for subscriber in subscribers {
        frames.push(subscriber.stop().await?);
    }
    let stored: u64 = sent.iter().map(|camera| camera.stored).sum::<u64>() * u64::try_from(arguments.objects)?;
    let count = server.ask("SELECT count(*) FROM detections").await?;
    let found = count.first().and_then(|row| row.first()?.as_u64()).context("no count")?;
    ensure!(found == stored, "{stored} detections were acknowledged, but {found} are stored");
    report(&arguments, (&sent, stored), &watched, (charts, &frames), seconds);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 cameras")]
fn share(number: usize, of: usize) -> f64 {
    number as f64 / of as f64
}

/// Looks at memory each second, and at processor time from start to end.
async fn watch_process(server: &Sensorium, until: Instant) -> Result<Watched> {
    let process = process::folder(server.pid());
    let (started, before) = (Instant::now(), cpu_seconds(&process)?);
    let bar = ProgressBar::new((until - started).as_secs());
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} s, {msg}")?);
    let mut watched = Watched::default();
    while Instant::now() < until {
        tokio::time::sleep_until((Instant::now() + Duration::from_secs(1)).min(until)).await;
        let resident = resident_bytes(&process)?;
        if started.elapsed() <= SETTLED {
            watched.settled_bytes = watched.settled_bytes.max(resident);
        } else {
            watched.most_after_bytes = watched.most_after_bytes.max(resident);
        }
        watched.cores = (cpu_seconds(&process)? - before) / started.elapsed().as_secs_f64();
        bar.set_message(format!("{:.2} cores, {:.0} MB", watched.cores, resident / 1e6));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(watched)
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
#[expect(clippy::cast_precision_loss, reason = "counts, far fewer than 2^53")]
fn report(
    arguments: &DetectionsArgs,
    (sent, stored): (&[Sent], u64),
    watched: &Watched,
    (mut charts, frames): (Vec<f64>, &[u64]),
    seconds: f64,
) {
    let DetectionsArgs { cameras, rate, objects, subscribers, .. } = arguments;
    let wanted = *cameras as f64 * f64::from(*rate) * *objects as f64;
    let failed: u64 = sent.iter().map(|camera| camera.failed).sum();
    let mut latencies: Vec<f64> = sent.iter().flat_map(|camera| camera.latencies_ms.iter().copied()).collect();
    latencies.sort_by(f64::total_cmp);
    charts.sort_by(f64::total_cmp);
    let a_second = stored as f64 / seconds;
    let p99 = percentile(&latencies, 0.99);
    let flat = watched.most_after_bytes <= FLAT * watched.settled_bytes;
    let slowest = frames.iter().min().copied().unwrap_or_default() as f64 / seconds;
    let verdict = |reached: bool| if reached { "reached" } else { "not reached" };
    println!(
        "{cameras} cameras × {rate} frames a second × {objects} detections for {seconds:.0} s, {subscribers} live \
         subscribers, a chart each second\n"
    );
    let line = |words: &str, figure: String, aim: String| println!("{words:<44} {figure:>14}  {aim}");
    line("detections a second, acknowledged", format!("{a_second:.0}"), {
        format!("{wanted:.0}: {}", verdict(a_second >= 0.995 * wanted))
    });
    line("frames that failed", failed.to_string(), format!("none: {}", verdict(failed == 0)));
    line("acknowledgement, median", format!("{:.1} ms", percentile(&latencies, 0.5)), String::new());
    line("acknowledgement, p99", format!("{p99:.1} ms"), format!("under 50 ms: {}", verdict(p99 < 50.0)));
    line("processor of the server, cores", format!("{:.2}", watched.cores), {
        format!("at most 1.2: {}", verdict(watched.cores <= 1.2))
    });
    line("memory, most of the first two minutes", format!("{:.0} MB", watched.settled_bytes / 1e6), String::new());
    line("memory, most after that", format!("{:.0} MB", watched.most_after_bytes / 1e6), {
        format!("at most {FLAT} times that: {}", verdict(flat))
    });
    line("live frames a second, slowest subscriber", format!("{slowest:.1}"), String::new());
    line("chart, median", format!("{:.0} ms", percentile(&charts, 0.5)), String::new());
    line("chart, p99", format!("{:.0} ms", percentile(&charts, 0.99)), String::new());
    if let Some(failure) = sent.iter().find_map(|camera| camera.first_failure.as_deref()) {
        println!("\nthe first failure: {failure}");
    }
    println!("\ndetections ratio {:.2}", a_second / wanted);
}
