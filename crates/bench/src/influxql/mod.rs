//! InfluxQL: Sensorium beside InfluxDB 1.x, both asked over `/query`, with the same data on the same machine in one run.
//!
//! The five questions are those of `sensorium-bench influx`, and the answers were found to be the same before the clock runs. So
//! were those of a panel that Grafana draws of the laboratory's readings. The memory at the laboratory's load is that of a
//! Sensorium of its own.

mod memory;
mod panel;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use crate::file_system::require_disk;
use crate::influx::endpoint::{Endpoint, PEER};
use crate::influx::influxdb::InfluxDb;
use crate::influx::{self, FLUSH_SECONDS, disk, ingest};
use crate::pair::{Kind, Pair};
use crate::report::{self, Better, Metric, Unit};
use crate::sensorium::{Options, Sensorium};
use crate::trucks::{TRUCKS, Trucks};

/// The database of the trucks.
const DATABASE: &str = "bench";
/// Lines of one body.
const LINES: u64 = 5_000;
/// Connections that write at the same time.
const CONNECTIONS: usize = 4;

/// One part of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The five questions about trucks
    Queries,
    /// The panel that Grafana draws of the laboratory's readings
    Panel,
    /// Memory at the laboratory's load
    Memory,
}

/// Settings of the comparison.
#[derive(Args)]
#[command(after_help = "Examples:
  sensorium-bench influxql --binary ~/.cache/sensorium/target/debug/sensorium
  sensorium-bench influxql --binary ~/.cache/sensorium/target/debug/sensorium --only queries --rows 100000 --rounds 5
  sensorium-bench influxql --binary ~/.cache/sensorium/target/debug/sensorium --only memory --seconds 300")]
pub(crate) struct InfluxqlArgs {
    /// The `sensorium` binary to measure
    #[arg(long)]
    binary: PathBuf,
    /// The `influxd` binary to measure it against
    #[arg(long, default_value = "influxd")]
    influxd: PathBuf,
    /// Measure only this part; may be given again
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    /// Rows of trucks in both tables together; 12,000 are a minute
    #[arg(long, default_value_t = 950_000)]
    rows: u64,
    /// How often each question is asked
    #[arg(long, default_value_t = 11)]
    rounds: u64,
    /// How long the laboratory's load lasts
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Decides all data
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder, on the disk to measure, that the servers' folders are made in [default: the system's temporary folder]
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Runs the comparison and prints its table.
#[expect(clippy::print_stdout, reason = "the table is the result")]
pub(crate) async fn run(arguments: InfluxqlArgs) -> Result<()> {
    ensure!(arguments.rounds > 0 && arguments.seconds > 0, "--rounds and --seconds must be at least 1");
    ensure!(arguments.rows >= 2 * TRUCKS as u64, "--rows must be at least {}: a row of each truck", 2 * TRUCKS);
    let folder = arguments.folder.clone().unwrap_or_else(std::env::temp_dir);
    require_disk(&folder)?;
    let is_chosen = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let metrics = compare(&arguments, &folder, is_chosen(Part::Queries), is_chosen(Part::Panel)).await?;
    if !metrics.is_empty() {
        println!("Medians of {} rounds over /query, rows of trucks {}\n", arguments.rounds, arguments.rows);
        println!("{}", report::render(PEER, &metrics));
    }
    if is_chosen(Part::Memory) {
        print!("{}", memory::run(&arguments.binary, &folder, arguments.seconds).await?);
    }
    Ok(())
}

/// The lines of the table; none when neither part is wanted.
async fn compare(arguments: &InfluxqlArgs, folder: &Path, queries: bool, panel: bool) -> Result<Vec<Metric>> {
    let mut metrics = Vec::new();
    if !queries && !panel {
        return Ok(metrics);
    }
    let influxdb = InfluxDb::start(&arguments.influxd, folder)?;
    let flush = format!("store.flush_interval_seconds={FLUSH_SECONDS}");
    let options = Options {
        arguments: ["--no-host-metrics", "--set", &flush].map(str::to_owned).to_vec(),
        parent: Some(folder.to_owned()),
    };
    let sensorium = Sensorium::start_with(&arguments.binary, &options)?;
    let servers = async |database: &'static str| {
        let peer = Endpoint::influxdb_with(&influxdb, database).await?;
        anyhow::Ok(Pair { peer, sensorium: Endpoint::sensorium_with(&sensorium, database).await? })
    };
    let (trucks, laboratory) = (servers(DATABASE).await?, servers(panel::DATABASE).await?);

    let mut made = Trucks::new(arguments.seed, TRUCKS, arguments.rows);
    if queries {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {elapsed}, {msg}")?;
        let bar = ProgressBar::new(2 * arguments.rows).with_style(style);
        let plan = ingest::Plan { rows: arguments.rows, rounds: 1, lines_a_body: LINES, connections: CONNECTIONS };
        ingest::run(&trucks, &mut made, plan, &bar).await?;
        bar.finish_and_clear();
    }
    if panel {
        for body in panel::week(arguments.seed) {
            for kind in [Kind::Peer, Kind::Sensorium] {
                laboratory.of(kind).write(body.clone()).await?;
            }
        }
    }
    let bar = influx::spinner()?;
    disk::rest_of_influxdb(&influxdb, &bar).await?;
    disk::rest_of_sensorium(&sensorium, &bar).await?;
    bar.finish_and_clear();

    if queries {
        for answer in influx::ask(&trucks, made.made(), arguments.rounds).await? {
            let key = match answer.question.key {
                "query-last" => "influxql-last",
                "query-truck-hour" => "influxql-truck-hour",
                "query-groupby" => "influxql-groupby",
                "query-fleet" => "influxql-fleet",
                _ => "influxql-filter",
            };
            metrics.push(line(format!("{} ({} rows)", answer.question.words, answer.rows), key, answer.median_ms));
        }
    }
    if panel {
        for span in panel::SPANS {
            let (points, median_ms) = panel::run(&laboratory, span, arguments.rounds).await?;
            metrics.push(line(format!("{} ({points} points)", span.words), span.key, median_ms));
        }
    }
    Ok(metrics)
}

fn line(words: String, key: &'static str, median_ms: Pair<f64>) -> Metric {
    let figures = median_ms.map(|figure| Some(*figure));
    Metric { words, unit: Unit::Milliseconds, better: Better::Less, figures, key: Some(key), aim: None }
}
