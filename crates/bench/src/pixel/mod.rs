//! From the POST of a reading to its value on the screen of a browser that shows the overview page.
//!
//! One round: a marker is armed in the page (`probe.js`), a reading that holds the marker as a text field is posted, and
//! the page reports when the live frame with the marker came in and when the frame of the screen that shows it had been
//! painted. All moments are read from the same machine's clock.

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

/// Notes moments in the page.
const PROBE: &str = include_str!("probe.js");

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
    browser.run_before_each_page(PROBE).await?;
    browser.open(&format!("{}/", server.base_url())).await?;
    browser
        .wait_for_text("start", Duration::from_secs(20))
        .await
        .context("the overview did not show the first reading")?;

    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} readings, {elapsed}")?;
    let bar = ProgressBar::new(u64::from(arguments.rounds)).with_style(style);
    let mut rounds = Vec::new();
    for round in 0..arguments.rounds {
        // A random pause keeps the rounds out of step with the sampler's seconds and the screen's frames.
        let pause = rand::rng().random_range(40..240);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        rounds.push(one_round(&server, &mut browser, round).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();

    println!("From POST on loopback, ms ({} readings, overview page with live host metrics)", rounds.len());
    println!("{:<24} {:>8} {:>8} {:>8} {:>8} {:>8}", "to", "p50", "p90", "p95", "p99", "max");
    print_row("acknowledgement", rounds.iter().map(|round| round.acknowledged_ms));
    print_row("live frame at the page", rounds.iter().map(|round| round.received_ms));
    print_row("pixel", rounds.iter().map(|round| round.painted_ms));
    Ok(())
}

/// When something had happened after the POST was begun.
struct Round {
    acknowledged_ms: f64,
    received_ms: f64,
    painted_ms: f64,
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn print_row(name: &str, samples: impl Iterator<Item = f64>) {
    let mut sorted: Vec<f64> = samples.collect();
    sorted.sort_by(f64::total_cmp);
    let shares = [0.5, 0.9, 0.95, 0.99, 1.0].map(|share| format!("{:>8.1}", percentile(&sorted, share)));
    println!("{name:<24} {}", shares.join(" "));
}

async fn one_round(server: &Sensorium, browser: &mut Browser, round: u32) -> Result<Round> {
    let marker = format!("marker-{round:06}");
    browser.evaluate(&format!("probe.arm({})", json!(marker))).await?;
    let sent_ms = unix_ms()?;
    server.write("main", format!("{TABLE},probe=a marker={}", json!(marker))).await?;
    let acknowledged_ms = unix_ms()? - sent_ms;
    let seen =
        browser.evaluate("probe.seen()").await.with_context(|| format!("{marker} never appeared on the page"))?;
    let (received, painted): (f64, f64) = serde_json::from_value(seen).context("the page returned no times")?;
    Ok(Round { acknowledged_ms, received_ms: received - sent_ms, painted_ms: painted - sent_ms })
}

fn unix_ms() -> Result<f64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64() * 1_000.0)
}
