//! Reads everything that a store has and says what is damaged. Changes nothing.
//!
//! What is verified: the chain of the manifest's versions and their checksums; each record of the log by its CRC-32C, its
//! number and its encoding; each file of newest values by its CRC-32C; each Parquet file by its size, by the
//! CRC-32C of its blocks, by decoding every value, and by what the manifest says of it: rows, times, sorted and unique keys.

use std::path::{Path, PathBuf};

use sensorium_model::TableSchema;

use crate::error::{OpenError, sentence};
use crate::files::last_file::read_last;
use crate::files::verify::verify;
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
        self.report.findings.push(Finding { path: path.to_owned(), what: sentence(what) });
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
        let verified = verify(path, entry, schema);
        self.report.files += 1;
        self.report.rows += verified.rows;
        let findings = verified.findings.into_iter().map(|what| Finding { path: path.to_owned(), what });
        self.report.findings.extend(findings);
        self.read(entry.bytes);
    }
}

/// The size of a file; 0 if it is missing, which reading it will tell.
fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
