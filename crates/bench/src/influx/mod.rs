//! Sensorium beside InfluxDB 1.x: the same data, the same client and the same machine, in one run.
//!
//! Both servers run at the same time in folders of their own on the same disk, and both sync every write before they
//! acknowledge it. The same bodies go to one and then to the other, in rounds whose order alternates; a turn begins when
//! neither server works in the background. Then both write and compact what they have, their folders are measured, and
//! five questions are asked of both in turn, after the answers were found to be the same.

pub(crate) mod disk;
pub(crate) mod endpoint;
pub(crate) mod influxdb;
pub(crate) mod ingest;
pub(crate) mod queries;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use self::endpoint::{Endpoint, PEER};
use self::influxdb::InfluxDb;
use self::queries::Answered;
use crate::file_system::require_disk;
use crate::pair::Pair;
use crate::percentiles::median;
use crate::process::{cpu_seconds, peak_resident_bytes};
use crate::report::{self, Aim, Better, Metric, Unit};
use crate::sensorium::{Options, Sensorium};
use crate::trucks::{Made, TRUCKS, Trucks};

/// Sensorium writes what it has in memory to files after so many seconds; InfluxDB does when writes pause for five.
pub(crate) const FLUSH_SECONDS: u32 = 10;

/// Settings of the comparison.
#[derive(Args)]
#[command(
    after_help = "Example:\n  sensorium-bench influx --binary ~/.cache/sensorium/target/debug/sensorium --rows 100000"
)]
pub(crate) struct InfluxArgs {
    /// The `sensorium` binary to measure
    #[arg(long)]
    binary: PathBuf,
    /// The `influxd` binary to measure it against
    #[arg(long, default_value = "influxd")]
    influxd: PathBuf,
    /// Rows of both tables together; 12,000 are a minute
    #[arg(long, default_value_t = 950_000)]
    rows: u64,
    /// Rounds of writing
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// How often each question is asked
    #[arg(long, default_value_t = 11)]
    query_rounds: u64,
    /// Lines of one body
    #[arg(long, default_value_t = 5_000)]
    lines: u64,
    /// Connections that write at the same time
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Decides all data
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder, on the disk to measure, that the servers' folders are made in [default: the system's temporary folder]
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Processor time and memory of both servers.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// From the first row to the last acknowledgement, with the work in the background until both were idle.
    ingest_seconds: Pair<f64>,
    /// The same until everything was in files and compacted.
    compacted_seconds: Pair<f64>,
    /// The most memory until then.
    peak_bytes: Pair<f64>,
    /// The most memory until the last answer.
    final_peak_bytes: Pair<f64>,
}

/// Runs the comparison and prints its table.
#[expect(clippy::print_stdout, reason = "the table is the result")]
pub(crate) async fn run(arguments: InfluxArgs) -> Result<()> {
    ensure!(arguments.rounds > 0 && arguments.query_rounds > 0, "--rounds and --query-rounds must be at least 1");
    ensure!(arguments.lines > 0 && arguments.connections > 0, "--lines and --connections must be at least 1");
    ensure!(arguments.rows >= 2 * TRUCKS as u64, "--rows must be at least {}: a row of each truck", 2 * TRUCKS);
    let folder = arguments.folder.clone().unwrap_or_else(std::env::temp_dir);
    require_disk(&folder)?;

    let influxdb = InfluxDb::start(&arguments.influxd, &folder)?;
    let flush = format!("store.flush_interval_seconds={FLUSH_SECONDS}");
    let options =
        Options { arguments: ["--no-host-metrics", "--set", &flush].map(str::to_owned).to_vec(), parent: Some(folder) };
    let sensorium = Sensorium::start_with(&arguments.binary, &options)?;
    let servers = Pair { peer: Endpoint::influxdb(&influxdb).await?, sensorium: Endpoint::sensorium(&sensorium) };

    let cpu = || servers.try_map(|server| cpu_seconds(&server.process));
    let peak = || servers.try_map(|server| peak_resident_bytes(&server.process));
    let before = cpu()?;
    let mut trucks = Trucks::new(arguments.seed, TRUCKS, arguments.rows);
    let rows_a_second = write(&servers, &mut trucks, &arguments).await?;
    let sent = trucks.made();
    let ingested = cpu()?;

    let bar = spinner()?;
    let bytes = Pair {
        peer: disk::rest_of_influxdb(&influxdb, &bar).await?,
        sensorium: disk::rest_of_sensorium(&sensorium, &bar).await?,
    };
    bar.finish_and_clear();
    let (compacted, peak_bytes) = (cpu()?, peak()?);

    let answers = ask(&servers, sent, arguments.query_rounds).await?;
    let cost = Cost {
        ingest_seconds: since(before, ingested),
        compacted_seconds: since(before, compacted),
        peak_bytes,
        final_peak_bytes: peak()?,
    };
    println!(
        "{} rows of {TRUCKS} trucks ({} values) in {} rounds over {} connections, {} lines a body; queries {} times\n",
        sent.rows(),
        sent.values(),
        arguments.rounds,
        arguments.connections,
        arguments.lines,
        arguments.query_rounds
    );
    print!("{}", report::render(PEER, &metrics(sent, &rows_a_second, cost, bytes, &answers)));
    Ok(())
}

fn since(before: Pair<f64>, after: Pair<f64>) -> Pair<f64> {
    Pair { peer: after.peer - before.peer, sensorium: after.sensorium - before.sensorium }
}

async fn write(servers: &Pair<Endpoint>, trucks: &mut Trucks, arguments: &InfluxArgs) -> Result<Pair<Vec<f64>>> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {elapsed}, {msg}")?;
    let bar = ProgressBar::new(2 * arguments.rows).with_style(style);
    let plan = ingest::Plan {
        rows: arguments.rows,
        rounds: arguments.rounds,
        lines_a_body: arguments.lines,
        connections: arguments.connections,
    };
    let rows_a_second = ingest::run(servers, trucks, plan, &bar).await;
    bar.finish_and_clear();
    rows_a_second
}

pub(crate) async fn ask(servers: &Pair<Endpoint>, sent: Made, rounds: u64) -> Result<Vec<Answered>> {
    queries::check_counts(servers, sent).await?;
    let questions = queries::questions(servers).await;
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rounds of questions, {elapsed}, {msg}")?;
    let bar = ProgressBar::new(rounds * questions.len() as u64).with_style(style);
    let mut answers = Vec::new();
    for question in questions {
        bar.set_message(question.words);
        answers.push(queries::run(servers, question, rounds, &bar).await?);
    }
    bar.finish_and_clear();
    Ok(answers)
}

pub(crate) fn spinner() -> Result<ProgressBar> {
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {elapsed}, {msg}")?);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

#[expect(clippy::cast_precision_loss, reason = "rows and bytes, far fewer than 2^53")]
fn metrics(
    sent: Made,
    rows_a_second: &Pair<Vec<f64>>,
    cost: Cost,
    bytes: Pair<u64>,
    answers: &[Answered],
) -> Vec<Metric> {
    use Better::{Less, More};
    let line = |words: &str, unit, better, figures: Pair<f64>| {
        let figures = figures.map(|figure| Some(*figure));
        Metric { words: words.to_owned(), unit, better, figures, key: None, aim: None }
    };
    let aim = |ratio, at_most| Some(Aim { ratio, at_most });
    let rows = sent.rows() as f64;
    let a_value = bytes.map(|bytes| *bytes as f64 / sent.values() as f64);
    let mut metrics = vec![
        line("ingest: rows a second, median of rounds", Unit::Count, More, rows_a_second.map(|all| median(all))),
        Metric {
            key: Some("ingest-cpu"),
            aim: aim(8.0, None),
            ..line("ingest: rows per CPU second", Unit::Count, More, cost.ingest_seconds.map(|cpu| rows / cpu))
        },
        line(
            "ingest and compaction: rows per CPU second",
            Unit::Count,
            More,
            cost.compacted_seconds.map(|cpu| rows / cpu),
        ),
        line("ingest and compaction: CPU", Unit::Seconds, Less, cost.compacted_seconds),
        Metric {
            key: Some("ingest-memory"),
            aim: aim(2.0, None),
            ..line("ingest and compaction: peak memory", Unit::Megabytes, Less, cost.peak_bytes)
        },
        line("ingest, compaction and queries: peak memory", Unit::Megabytes, Less, cost.final_peak_bytes),
        line("on disk", Unit::Megabytes, Less, bytes.map(|bytes| *bytes as f64)),
        Metric {
            key: Some("disk"),
            aim: aim(3.0, Some(1.5)),
            ..line("on disk: bytes a value", Unit::Plain, Less, a_value)
        },
    ];
    for answer in answers {
        let words = format!("{} ({} rows)", answer.question.words, answer.rows);
        let (ratio, at_most) = match answer.question.key {
            "query-last" => (50.0, None),
            "query-truck-hour" => (1.0, Some(5.0)),
            _ => (3.0, None),
        };
        metrics.push(Metric {
            key: Some(answer.question.key),
            aim: aim(ratio, at_most),
            ..line(&words, Unit::Milliseconds, Less, answer.median_ms)
        });
    }
    metrics
}
