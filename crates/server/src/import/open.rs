//! Finds out what a file is and opens it.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;
use sensorium_protocols::csv;
use sensorium_protocols::time::Zone;

use super::columnar::ParquetRows;
use super::reader::{CsvRows, Lines, Reader};
use super::{Format, ImportArgs, table_name};

/// How much of a CSV file is looked at before it is read.
const SAMPLE_BYTES: u64 = 4 << 20;

/// Opens the file and makes a plan of it.
pub(super) fn open(args: &ImportArgs) -> Result<Box<dyn Reader>> {
    let (format, gzip) = format_of(args)?;
    match format {
        Format::Csv => open_csv(args, gzip),
        Format::Parquet => Ok(Box::new(ParquetRows::open(args, table_name(args)?)?)),
        Format::Lp => {
            refuse_column_flags(args)?;
            let input = Input::open(&args.file, gzip)?;
            Ok(Box::new(Lines::new(input, args.precision.unwrap_or_default())))
        }
    }
}

fn format_of(args: &ImportArgs) -> Result<(Format, bool)> {
    let name = args.file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let gzip = name.ends_with(".gz");
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let by_name = match plain.rsplit_once('.').map(|(_, extension)| extension) {
        Some("csv" | "tsv" | "tab" | "txt") => Some(Format::Csv),
        Some("parquet" | "pq") => Some(Format::Parquet),
        Some("lp" | "line" | "lines" | "influx") => Some(Format::Lp),
        _ => None,
    };
    match args.format.or(by_name) {
        Some(Format::Parquet) if gzip => {
            bail!("Parquet is compressed by itself; unpack {} first (gunzip)", args.file.display())
        }
        Some(format) => Ok((format, gzip)),
        None => bail!("the name of {} does not tell what it is; add --format csv, parquet or lp", args.file.display()),
    }
}

fn refuse_column_flags(args: &ImportArgs) -> Result<()> {
    let given = [
        ("--table", args.table.is_some()),
        ("--time-column", args.time_column.is_some()),
        ("--timezone", args.timezone.is_some()),
        ("--tag", !args.tag.is_empty()),
        ("--skip", !args.skip.is_empty()),
        ("--integer", !args.integer.is_empty()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((flag, _)) => bail!("{flag} means nothing for line protocol, whose lines name table, tags and time"),
        None => Ok(()),
    }
}

fn open_csv(args: &ImportArgs, gzip: bool) -> Result<Box<dyn Reader>> {
    let delimiter = args.delimiter.map(u8::try_from).transpose().context("--delimiter takes one ASCII character")?;
    let options = csv::Options {
        time_column: args.time_column.clone(),
        tags: args.tag.clone(),
        skip: args.skip.clone(),
        integers: args.integer.clone(),
        header: args.header,
        delimiter,
        zone: args.timezone.unwrap_or(Zone::UTC),
        precision: args.precision,
        ..csv::Options::new(table_name(args)?)
    };
    let mut start = Vec::new();
    let mut sample = Input::open(&args.file, gzip)?.take(SAMPLE_BYTES);
    sample.read_to_end(&mut start).with_context(|| format!("cannot read {}", args.file.display()))?;
    let whole = (start.len() as u64) < SAMPLE_BYTES;
    let plan = csv::plan(&start, whole, &options).with_context(|| args.file.display().to_string())?;
    Ok(Box::new(CsvRows::new(plan, Input::open(&args.file, gzip)?)))
}

/// A file that knows how far it is read.
pub(super) struct Input {
    reader: Box<dyn Read + Send>,
    position: Arc<AtomicU64>,
    total: u64,
}

impl Input {
    pub(super) fn open(path: &Path, gzip: bool) -> Result<Self> {
        let file = open_file(path)?;
        let total = file.metadata().with_context(|| format!("cannot read {}", path.display()))?.len();
        let position = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: file, position: position.clone() };
        let reader: Box<dyn Read + Send> = match gzip {
            true => Box::new(MultiGzDecoder::new(BufReader::new(counted))),
            false => Box::new(BufReader::new(counted)),
        };
        Ok(Self { reader, position, total })
    }

    /// Bytes of the file, as stored.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Tells how many of them are read; stays valid when the input is moved elsewhere.
    pub(super) fn position(&self) -> Arc<AtomicU64> {
        self.position.clone()
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// Opens a file; the error names it.
pub(super) fn open_file(path: &Path) -> Result<File> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        bail!("{} is a folder; name a file", path.display());
    }
    Ok(file)
}

struct Counted<R> {
    inner: R,
    position: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.position.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
