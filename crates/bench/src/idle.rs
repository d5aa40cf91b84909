//! What a server costs that does nothing but sample the machine that it runs on.
//!
//! Three figures: from starting the process to the first binary frame of live data, resident memory, and the processor time
//! of the whole process and of its sampling thread, in percent of one core.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use futures::{SinkExt, StreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::process::{self, cpu_seconds, resident_bytes};
use crate::sensorium::Sensorium;

/// The name of the thread that samples the host.
const SAMPLER_THREAD: &str = "host-metrics";

/// How long the first live point may take.
const FIRST_POINT_TIMEOUT: Duration = Duration::from_secs(20);

/// Settings of the measurement.
#[derive(Args)]
#[command(
    after_help = "Example:\n  sensorium-bench idle --binary ~/.cache/sensorium/target/debug/sensorium --seconds 60"
)]
pub(crate) struct IdleArgs {
    /// The `sensorium` binary to measure
    #[arg(long)]
    binary: PathBuf,
    /// How long to watch it
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// Runs the measurement and prints its table.
#[expect(clippy::print_stdout, reason = "the table is the result")]
pub(crate) async fn run(arguments: IdleArgs) -> Result<()> {
    let started = Instant::now();
    let server = Sensorium::start(&arguments.binary)?;
    tokio::time::timeout(FIRST_POINT_TIMEOUT, first_live_point(&server)).await.context("no live point came")??;
    let first_point = started.elapsed();

    let process = process::folder(server.pid());
    let sampler = process::thread(&process, SAMPLER_THREAD)?;
    let before = (cpu_seconds(&process)?, cpu_seconds(&sampler)?);
    let watched = Instant::now();
    let bar = ProgressBar::new(arguments.seconds);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} s")?);
    for _ in 0..arguments.seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let seconds = watched.elapsed().as_secs_f64();
    let after = (cpu_seconds(&process)?, cpu_seconds(&sampler)?);

    println!("An idle server with the host sampler on, watched for {seconds:.0} s");
    println!("{:<44} {:>8.2} s", "start of the process to first live point", first_point.as_secs_f64());
    println!("{:<44} {:>8.1} MB", "resident memory", resident_bytes(&process)? / 1e6);
    println!("{:<44} {:>8.2} %", "processor, whole process, of one core", 100.0 * (after.0 - before.0) / seconds);
    println!("{:<44} {:>8.2} %", "processor, sampling thread, of one core", 100.0 * (after.1 - before.1) / seconds);
    Ok(())
}

/// Subscribes to the processor's figures and waits for the first frame.
async fn first_live_point(server: &Sensorium) -> Result<()> {
    let url = format!("{}/ws/live", server.base_url().replacen("http", "ws", 1));
    let mut request = url.into_client_request()?;
    request.headers_mut().insert("Authorization", format!("Bearer {}", server.token()).parse()?);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
    socket.send(Message::text(r#"{"type":"subscribe","id":1,"database":"main","table":"cpu"}"#)).await?;
    while let Some(message) = socket.next().await {
        if message?.is_binary() {
            return Ok(());
        }
    }
    bail!("the server closed the live connection")
}
