//! Reads everything that a store has and says what is damaged. Changes nothing.
//!
//! What is verified: the chain of the manifest's versions and their checksums; each record of the log by its CRC-32C, its
//! number and its encoding; each file of newest values by its CRC-32C; each Parquet file by its size, by decoding every
//! value, and by what the manifest says of it: rows, times, sorted and unique keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::SortOptions;
use arrow::datatypes::TimestampNanosecondType;
use arrow::row::{OwnedRow, RowConverter, SortField};
use sensorium_model::TableSchema;

use crate::columns::arrow_schema;
use crate::error::OpenError;
use crate::files::last_file::read_last;
use crate::files::reading::{open, rows};
use crate::folder::Layout;
use crate::manifest::{FileEntry, Manifest, State};
use crate::wal::codec::{decode_batch, decode_database};
use crate::wal::record::RecordKind;
use crate::wal::replay::{check_gap, segments};
use crate::wal::segment::{damaged, scan_segment};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, with the place where that is known.
    pub what: String,
}

/// What was read, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckReport {
    /// Log segments.
    pub segments: usize,
    /// Records in them.
    pub records: u64,
    /// Parquet files.
    pub files: usize,
    /// Rows in them.
    pub rows: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

/// Bytes that were read so far, and of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckProgress {
    /// So far.
    pub bytes: u64,
    /// Of all files.
    pub total_bytes: u64,
}

/// Checks the store in a folder, which no process may have open. Fails only if there is no store to check.
pub fn check(dir: &Path, mut progress: impl FnMut(CheckProgress)) -> Result<CheckReport, OpenError> {
    let layout = Layout::of(dir)?;
    if layout.is_new()? {
        return Err(OpenError::NotAStore { dir: layout.root });
    }
    let _lock = layout.lock()?;
    let mut check = Check { report: CheckReport::default(), progress: &mut progress, total_bytes: 0 };
    let state = match Manifest::load(&layout.manifest) {
        Ok(manifest) => manifest.state().clone(),
        Err(error) => {
            check.found(&layout.manifest, &error);
            // Which records the log may lack is not known then.
            State { flushed_seq: u64::MAX - 1, ..State::default() }
        }
    };
    let log = segments(&layout.wal)?;
    let of_tables = || state.tables.values();
    let file_bytes = of_tables().flat_map(|table| &table.files).map(|file| file.bytes);
    let last_bytes = of_tables().flat_map(|table| &table.last).map(|last| last.bytes);
    let log_bytes = log.iter().map(|(_, path)| size(path));
    check.total_bytes = file_bytes.chain(last_bytes).chain(log_bytes).sum();

    check.log(&log, state.flushed_seq);
    for table in state.tables.values() {
        for entry in &table.files {
            check.file(&layout.root.join(&entry.path), entry, &table.schema);
        }
        for entry in &table.last {
            let path = layout.root.join(&entry.path);
            if let Err(error) = read_last(&path) {
                check.found(&path, &error);
            }
            check.read(entry.bytes);
        }
    }
    Ok(check.report)
}

struct Check<'p> {
    report: CheckReport,
    progress: &'p mut dyn FnMut(CheckProgress),
    total_bytes: u64,
}

impl Check<'_> {
    fn found(&mut self, path: &Path, what: &dyn std::error::Error) {
        let mut sentence = what.to_string();
        let mut cause = what.source();
        while let Some(error) = cause {
            sentence = format!("{sentence}: {error}");
            cause = error.source();
        }
        self.report.findings.push(Finding { path: path.to_owned(), what: sentence });
    }

    fn read(&mut self, bytes: u64) {
        self.report.bytes += bytes;
        (self.progress)(CheckProgress { bytes: self.report.bytes, total_bytes: self.total_bytes });
    }

    fn log(&mut self, log: &[(u64, PathBuf)], flushed_seq: u64) {
        let mut expected = 0;
        for (position, (first_seq, path)) in log.iter().enumerate() {
            let is_last = position + 1 == log.len();
            if let Err(error) = check_gap(path, *first_seq, expected, flushed_seq) {
                self.found(path, &error);
            }
            let mut records = 0;
            let scanned = scan_segment(path, *first_seq, is_last, |record| {
                records += 1;
                let decoded = match record.kind {
                    RecordKind::Batch => decode_batch(record.body).map(drop),
                    RecordKind::Database => decode_database(record.body).map(drop),
                };
                decoded.map_err(|error| damaged(path, record.offset, format!("record {}: {error}", record.seq)))
            });
            self.report.segments += 1;
            self.report.records += records;
            expected = match scanned {
                Ok(scanned) => scanned.next_seq,
                Err(error) => {
                    self.found(path, &error);
                    // What follows the damage has to begin somewhere behind it; where is not known.
                    log.get(position + 1).map_or(0, |(next, _)| *next)
                }
            };
            self.read(size(path));
        }
    }

    fn file(&mut self, path: &Path, entry: &FileEntry, schema: &TableSchema) {
        self.report.files += 1;
        let differs = |what: &str, found: &dyn std::fmt::Display, said: &dyn std::fmt::Display| Finding {
            path: path.to_owned(),
            what: format!("{what}: {found} in the file, {said} in the manifest"),
        };
        let bytes = size(path);
        if bytes != entry.bytes {
            self.report.findings.push(differs("bytes", &bytes, &entry.bytes));
        }
        match read_file(path, schema) {
            Ok(read) => {
                self.report.rows += read.rows;
                if read.rows != entry.rows {
                    self.report.findings.push(differs("rows", &read.rows, &entry.rows));
                }
                if (read.time_min_ns, read.time_max_ns) != (entry.time_min_ns, entry.time_max_ns) {
                    let span = |min: i64, max: i64| format!("{min} to {max} ns");
                    let found = span(read.time_min_ns, read.time_max_ns);
                    let said = span(entry.time_min_ns, entry.time_max_ns);
                    self.report.findings.push(differs("times", &found, &said));
                }
                if let Some(row) = read.out_of_order {
                    let what = format!("row {row} does not come behind the row before it");
                    self.report.findings.push(Finding { path: path.to_owned(), what });
                }
            }
            Err(error) => self.found(path, error.as_ref()),
        }
        self.read(entry.bytes);
    }
}

/// What a Parquet file holds.
struct Read {
    rows: u64,
    time_min_ns: i64,
    time_max_ns: i64,
    /// The first row whose key is not greater than that of the row before.
    out_of_order: Option<u64>,
}

fn read_file(path: &Path, schema: &TableSchema) -> Result<Read, Box<dyn std::error::Error + Send + Sync>> {
    let columns = arrow_schema(schema);
    let tags = schema.tags().count();
    let options = SortOptions { descending: false, nulls_first: true };
    let key = (1..=tags).chain([0]);
    let fields =
        key.clone().map(|index| SortField::new_with_options(columns.field(index).data_type().clone(), options));
    let converter = RowConverter::new(fields.collect())?;
    let mut read = Read { rows: 0, time_min_ns: i64::MAX, time_max_ns: i64::MIN, out_of_order: None };
    let mut before: Option<OwnedRow> = None;
    for batch in rows(open(path)?, Arc::clone(&columns), Vec::new()) {
        let batch: RecordBatch = batch?;
        let columns: Vec<ArrayRef> = key.clone().map(|index| Arc::clone(batch.column(index))).collect();
        let keys = converter.convert_columns(&columns)?;
        for (number, row) in (read.rows..).zip(keys.iter()) {
            if before.as_ref().is_some_and(|before| before.row() >= row) {
                read.out_of_order.get_or_insert(number);
            }
            before = Some(row.owned());
        }
        for time in batch.column(0).as_primitive::<TimestampNanosecondType>().values() {
            read.time_min_ns = read.time_min_ns.min(*time);
            read.time_max_ns = read.time_max_ns.max(*time);
        }
        read.rows += batch.num_rows() as u64;
    }
    Ok(read)
}

/// The size of a file; 0 if it is missing, which reading it will tell.
fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
