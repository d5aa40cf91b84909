//! From the POST of a reading to its value on the screen of a browser that shows the overview page.
//!
//! One round: a marker is armed in the page (a `MutationObserver`), a reading that holds the marker as a text field is
//! posted, and the page reports the moment at which the frame that shows it has been painted. Both moments are
//! read from the same machine's clock.

mod devtools;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rand::Rng;
use serde_json::json;

use crate::percentiles::percentile;
use crate::sensorium::Sensorium;
use devtools::Browser;

/// The table that the readings go to, and whose card on the overview shows them.
const TABLE: &str = "bench_pixel";

/// Settings of the measurement.
#[derive(Args)]
#[command(
    after_help = "Example:\n  sensorium-bench pixel --binary ~/.cache/sensorium/target/debug/sensorium --rounds 200"
)]
pub(crate) struct PixelArgs {
    /// The `sensorium` binary to measure
    #[arg(long)]
    binary: PathBuf,
    /// The Chromium to show the page in
    #[arg(long, default_value = "/usr/bin/chromium")]
    chromium: PathBuf,
    /// How many readings to time
    #[arg(long, default_value_t = 200)]
    rounds: u32,
}

/// Runs the measurement and prints its table.
#[expect(clippy::print_stdout, reason = "the table is the result")]
pub(crate) async fn run(arguments: PixelArgs) -> Result<()> {
    ensure!(arguments.rounds > 0, "--rounds must be at least 1");
    let server = Sensorium::start(&arguments.binary)?;
    let cookie = server.sign_in().await?;
    server.write("main", format!("{TABLE},probe=a marker=\"start\"")).await?;

    let mut browser = Browser::start(&arguments.chromium).await?;
    browser.set_cookie(server.base_url(), "sensorium_session", &cookie).await?;
    browser.open(&format!("{}/", server.base_url())).await?;
    browser
        .wait_for_text("start", Duration::from_secs(20))
        .await
        .context("the overview did not show the first reading")?;

    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} readings, {elapsed}")?;
    let bar = ProgressBar::new(u64::from(arguments.rounds)).with_style(style);
    let mut latencies_ms = Vec::new();
    for round in 0..arguments.rounds {
        // A random pause keeps the rounds out of step with the sampler's seconds and the screen's frames.
        let pause = rand::rng().random_range(40..240);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        latencies_ms.push(one_round(&server, &mut browser, round).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();

    latencies_ms.sort_by(f64::total_cmp);
    println!("POST to pixel on loopback, ms ({} readings, overview page with live host metrics)", latencies_ms.len());
    println!("{:>8} {:>8} {:>8} {:>8} {:>8}", "p50", "p90", "p95", "p99", "max");
    let shares = [0.5, 0.9, 0.95, 0.99, 1.0].map(|share| format!("{:>8.1}", percentile(&latencies_ms, share)));
    println!("{}", shares.join(" "));
    Ok(())
}

async fn one_round(server: &Sensorium, browser: &mut Browser, round: u32) -> Result<f64> {
    let marker = format!("marker-{round:06}");
    browser.arm(&marker).await?;
    let sent_ms = unix_ms()?;
    server.write("main", format!("{TABLE},probe=a marker={}", json!(marker))).await?;
    let painted_ms = browser.painted().await.with_context(|| format!("{marker} never appeared on the page"))?;
    Ok(painted_ms - sent_ms)
}

fn unix_ms() -> Result<f64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64() * 1_000.0)
}
