//! `sensorium import`: reads a file into a database.
//!
//! A file is looked at first (`--dry-run` shows what was understood), then read in pieces on a thread of its own while
//! the pieces before are stored: straight into the data folder, or over HTTP when a server has it.
//!
//! - `open` finds the format and opens the file, `reader` reads text formats, `columnar` reads Parquet;
//! - `target` stores pieces; `report` says what was understood and what became of the rows.
//!
//! Invariants: a bad row costs only itself; the exit code is not zero if anything was refused; memory is bounded by a few
//! pieces, whatever the size of the file.

mod columnar;
mod open;
mod reader;
mod report;
mod target;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use sensorium_model::{Batch, BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, Precision};
use sensorium_protocols::Refusals;
use sensorium_protocols::time::Zone;
use tokio::sync::mpsc;

use crate::cli::ReachFlags;
use crate::client::Reach;
use reader::Reader;
use report::{Overview, Progress, Tally};
use target::{Stored, Target};

/// Pieces that wait to be stored while the next one is read.
const WAITING: usize = 2;
/// Refused rows that are shown.
const SHOWN: usize = 10;

const EXAMPLES: &str = "\
Examples:
  sensorium import office-2015-02-02.csv --table office --timezone Europe/Brussels
  sensorium import readings.csv --dry-run                    Show what is understood, store nothing
  sensorium import log.csv --time-column when --tag room --skip comment
  sensorium import export.parquet --table history --database archive
  sensorium import backup.lp.gz --precision s
  sensorium import readings.csv --url https://sensors.example.org --token sen_…";

/// What to import, and how.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    /// A .csv, .tsv, .parquet or .lp file; text may be compressed (.gz)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Database to store into; created if it does not exist
    #[arg(long, alias = "db", value_name = "NAME", default_value = "main")]
    database: DatabaseName,
    /// Table to store into [default: the leading word of the file's name]
    #[arg(long, short, value_name = "NAME")]
    table: Option<String>,
    /// Column that holds the time [default: the first that looks like it]
    #[arg(long, value_name = "COLUMN")]
    time_column: Option<String>,
    /// Zone of times that carry none, such as Europe/Brussels or +01:00 [default: UTC]
    #[arg(long, value_name = "ZONE")]
    timezone: Option<Zone>,
    /// Column that identifies the series, such as a room; may be repeated
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    tag: Vec<String>,
    /// Column to leave out; may be repeated
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    skip: Vec<String>,
    /// Column of a CSV file to store as integers instead of floats; may be repeated
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    integer: Vec<String>,
    /// Unit of times that are numbers: ns, us, ms or s [default: by their size; ns in line protocol]
    #[arg(long, value_name = "UNIT")]
    precision: Option<Precision>,
    /// Character between the values of a CSV file [default: found]
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<char>,
    /// Whether the first line of a CSV file names the columns [default: found]
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    header: Option<bool>,
    /// What the file is [default: by its name]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Show what is understood and how many rows would be refused; store nothing
    #[arg(long)]
    dry_run: bool,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Values between commas or other delimiters
    Csv,
    /// Apache Parquet
    Parquet,
    /// InfluxDB line protocol
    Lp,
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("say yes or no"),
    }
}

/// A part of the file on its way.
struct Piece {
    batch: Batch,
    refusals: Refusals,
    /// How far the file is read, in the reader's unit.
    position: u64,
    /// What the reader has to say once the whole file is read.
    notes: Vec<String>,
}

/// Runs the command.
pub(crate) async fn run(args: ImportArgs, reach: ReachFlags) -> Result<()> {
    let reader = {
        let args = args.clone();
        tokio::task::spawn_blocking(move || open::open(&args)).await.context("opening the file was interrupted")??
    };
    if args.dry_run {
        return dry_run(&args, reader).await;
    }
    let reach = Reach::open(&reach, true).await?;
    let outcome = import(&args, &reach, reader).await;
    reach.close().await?;
    let tally = outcome?;
    tally.fail_if_refused()
}

async fn import(args: &ImportArgs, reach: &Reach, reader: Box<dyn Reader>) -> Result<Tally> {
    let target = Target::new(reach, &args.database).await?;
    let progress = Progress::start(reader.total());
    let mut tally = Tally::new(SHOWN);
    let mut pieces = read(reader, target.key(), target.schema().await?, target.limits());
    while let Some(piece) = pieces.recv().await {
        let piece = piece.inspect_err(|_| progress.abandon())?;
        tally.refused_by_decoder(&piece.refusals);
        if !piece.batch.is_empty() {
            let stored = target.store(piece.batch).await;
            let stored = stored.inspect_err(|_| progress.abandon()).with_context(|| tally.so_far())?;
            tally.add(stored);
        }
        tally.notes(piece.notes);
        progress.at(piece.position, &tally);
    }
    let elapsed = progress.finish();
    report::print(&tally.summary(&args.database, elapsed))?;
    Ok(tally)
}

async fn dry_run(args: &ImportArgs, reader: Box<dyn Reader>) -> Result<()> {
    let key = DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), args.database.clone());
    let mut overview = Overview::new(&args.file, &args.database, reader.describe());
    let mut tally = Tally::new(SHOWN);
    let mut pieces = read(reader, key, DatabaseSchema::default(), IngestLimits::default());
    while let Some(piece) = pieces.recv().await {
        let piece = piece?;
        tally.refused_by_decoder(&piece.refusals);
        overview.add(&piece.batch);
        tally.add(Stored { rows: piece.batch.rows() as u64, ..Stored::default() });
        tally.notes(piece.notes);
    }
    report::print(&overview.text(&tally))?;
    tally.fail_if_refused()
}

/// Reads the file on a thread of its own.
fn read(
    mut reader: Box<dyn Reader>,
    key: DatabaseKey,
    mut schema: DatabaseSchema,
    limits: IngestLimits,
) -> mpsc::Receiver<Result<Piece>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        loop {
            let now_ns = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
            let mut builder = BatchBuilder::new(&schema, limits, now_ns);
            let mut refusals = Refusals::keep(SHOWN);
            let more = reader.fill(&mut builder, &mut refusals);
            let batch = builder.finish(key.clone());
            let piece = more.map(|more| {
                let notes = if more { Vec::new() } else { reader.notes() };
                (Piece { batch, refusals, position: reader.position(), notes }, more)
            });
            let goes_on = matches!(piece, Ok((_, true)));
            if let Ok((piece, _)) = &piece {
                learn(&mut schema, &piece.batch);
            }
            // A receiver that is gone has met an error of its own.
            if sender.blocking_send(piece.map(|(piece, _)| piece)).is_err() || !goes_on {
                return;
            }
        }
    });
    receiver
}

/// Adds the columns of a batch to what is known, so that the pieces after it agree with it.
fn learn(schema: &mut DatabaseSchema, batch: &Batch) {
    use sensorium_model::ColumnKind;
    for table in &batch.tables {
        let tags = table.tags.iter().map(|tag| (&tag.name, ColumnKind::Tag));
        let fields = table.fields.iter().map(|field| (&field.name, ColumnKind::Field(field.values.field_type())));
        let known = schema.tables.entry(table.table.clone()).or_default();
        let known = std::sync::Arc::make_mut(known);
        for (name, kind) in tags.chain(fields) {
            // The builder has refused rows that disagree.
            let _agrees = known.add(name.clone(), kind);
        }
    }
}

/// The leading word of the file's name.
fn table_name(args: &ImportArgs) -> Result<String> {
    if let Some(table) = &args.table {
        sensorium_model::names::validate_name(table).with_context(|| format!("the table {table:?} cannot be"))?;
        return Ok(table.clone());
    }
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let word: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if word.is_empty() {
        bail!("the name of {} starts with no word; name the table with --table", args.file.display());
    }
    Ok(word)
}

#[cfg(test)]
mod tests;
