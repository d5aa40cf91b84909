//! Computing some windows of a rollup, step by step.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use sensorium_model::time::NANOS_PER_DAY;
use sensorium_model::{Batch, RowError, TableBatch, TableSchema};
use tokio::runtime::Runtime;

use super::definition::{ResultColumn, Rollup, divides_a_day};
use super::fold::Fold;
use super::spans::Span;
use crate::catalog::{Database, Writer};
use crate::columns::arrow_schema;
use crate::commit::write::write;
use crate::compaction::merge::{Merge, Source};
use crate::deletion::Deletion;
use crate::error::WriteError;
use crate::files::data_file::DataFile;
use crate::files::reading::{Part, open_part, rows};
use crate::report::WriteReport;
use crate::shared::Shared;
use crate::telemetry;

/// Rows of the source's files that are read at once, about: so much is read again when windows are touched meanwhile.
const CHUNK_ROWS: u64 = 4_000_000;

/// Rows times columns of one batch of results, about.
const BATCH_CELLS: usize = 1 << 18;

/// How long results wait for room in memory before the windows are given up for now.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether there is room.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Windows of a rollup and the files that have their rows.
pub(super) struct Step<'s> {
    pub(super) shared: &'s Shared,
    pub(super) runtime: &'s Runtime,
    pub(super) database: &'s Database,
    pub(super) rollup: &'s Arc<Rollup>,
    pub(super) span: Span,
    /// The columns of the source.
    pub(super) schema: Arc<TableSchema>,
    /// Oldest first, with the deletions that concern each.
    pub(super) files: Vec<(Arc<DataFile>, Vec<Arc<Deletion>>)>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Computed {
    /// The results are in the log.
    Written {
        /// The newest of their records; 0 if there are no results.
        seq: u64,
        /// Why rows of them were refused.
        problem: Option<String>,
    },
    /// The store is closing, or the rollup was deleted.
    Stopped,
}

impl Step<'_> {
    /// Computes the windows and writes the results to the log.
    pub(super) fn run(&self) -> Result<Computed, WriteError> {
        let failed = |error: ArrowError| {
            let path = self.files.first().map_or(Path::new("data"), |(file, _)| &file.path);
            WriteError::Encode { path: path.to_owned(), source: Arc::new(error) }
        };
        let results = self.rollup.results(&self.schema);
        let mut written = Computed::Written { seq: 0, problem: None };
        let Some((merge, mut fold)) = self.merge(&results, failed)? else { return Ok(written) };
        let batch_rows = (BATCH_CELLS / fold.columns()).max(64);
        for batch in merge {
            let batch = batch.map_err(failed)?;
            let mut start = 0;
            while start < batch.num_rows() {
                if self.shared.rolling.requests.is_stopped() || self.shared.is_poisoned() {
                    return Ok(Computed::Stopped);
                }
                let rows = batch_rows.min(batch.num_rows() - start);
                fold.add(&batch.slice(start, rows)).map_err(failed)?;
                start += rows;
                if fold.rows() >= batch_rows && !self.write(fold.take(), &mut written)? {
                    return Ok(Computed::Stopped);
                }
            }
        }
        fold.close();
        Ok(if self.write(fold.take(), &mut written)? { written } else { Computed::Stopped })
    }

    /// The rows of the windows, merged; `None` if there is nothing to compute.
    fn merge(
        &self,
        results: &[ResultColumn],
        failed: impl Fn(ArrowError) -> WriteError,
    ) -> Result<Option<(Merge, Fold)>, WriteError> {
        let is_tag = |name: &str| self.schema.tags().any(|tag| tag.as_ref() == name);
        let is_field = |name: &str| results.iter().any(|result| result.field.as_ref() == name);
        let part = Part {
            wants: &|name| is_tag(name) || is_field(name),
            time_min_ns: self.span.start,
            time_max_ns: self.span.end.saturating_sub(1),
            files: self.files.len(),
        };
        let readers = self.files.iter().map(|(file, _)| open_part(&file.path, &part)).collect::<Result<Vec<_>, _>>()?;
        let has = |name: &str| {
            readers.iter().any(|reader| {
                let schema = arrow::array::RecordBatchReader::schema(reader);
                schema.column_with_name(name).is_some()
            })
        };
        let schema = arrow_schema(&self.schema);
        let used = schema.fields().iter().enumerate().filter(|(_, field)| has(field.name()));
        let used: Vec<usize> = used.map(|(index, _)| index).collect();
        let tags = self.schema.tags().filter(|tag| has(tag)).count();
        let schema: SchemaRef = Arc::new(schema.project(&used).map_err(&failed)?);
        if schema.fields().len() <= 1 + tags {
            return Ok(None);
        }
        // Pages have rows of other windows, too.
        let before = Arc::new(Deletion::before(self.span.start));
        let behind = Deletion { time_min_ns: self.span.end, time_max_ns: i64::MAX, tags: Vec::new() };
        let outside = [before, Arc::new(behind)];
        let sources = readers.into_iter().zip(&self.files).map(|(reader, (_, deletions))| {
            let deletions = outside.iter().chain(deletions).cloned().collect();
            Box::new(rows(reader, Arc::clone(&schema), deletions)) as Source
        });
        let merge = Merge::new(Arc::clone(&schema), tags, sources.collect()).map_err(&failed)?;
        Ok(Some((merge, Fold::new(Arc::clone(self.rollup), &schema, tags, results))))
    }

    /// Writes results; false if the store is closing or the rollup was deleted.
    fn write(&self, rows: Option<TableBatch>, written: &mut Computed) -> Result<bool, WriteError> {
        let Some(rows) = rows else { return Ok(true) };
        let count = rows.rows() as u64;
        let batch = Batch { database: self.database.key.clone(), tables: vec![rows] };
        let Some(report) = self.write_with_patience(&batch)? else { return Ok(false) };
        telemetry::rolled_up(count);
        // What has become too old meanwhile is not missed.
        let is_problem = |error: &RowError| !matches!(error, RowError::Expired { .. });
        let refused = report.rejected.iter().map(|rejection| &rejection.error).find(|error| is_problem(error));
        if let Computed::Written { seq, problem } = written {
            *seq = (*seq).max(report.seq);
            if problem.is_none() {
                *problem = refused.map(ToString::to_string);
            }
        }
        Ok(true)
    }

    fn write_with_patience(&self, batch: &Batch) -> Result<Option<WriteReport>, WriteError> {
        let until = Instant::now() + PATIENCE;
        loop {
            if self.shared.rolling.requests.is_stopped() {
                return Ok(None);
            }
            // Whoever sends readings comes first.
            if self.shared.memory.is_nearly_full() && Instant::now() < until {
                self.shared.flush.wake();
                std::thread::sleep(LOOK_EVERY);
                continue;
            }
            let writing = self.shared.rolling.writing.lock();
            if !self.database.rollup(&self.rollup.target).is_some_and(|now| Arc::ptr_eq(&now, self.rollup)) {
                return Ok(None);
            }
            match self.runtime.block_on(write(self.shared, batch.clone(), Writer::Store)) {
                Err(WriteError::Busy { .. }) if Instant::now() < until => {}
                result => return result.map(Some),
            }
            drop(writing);
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// The bounds of a file's times, and its rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileBounds {
    pub(super) time_min_ns: i64,
    pub(super) time_max_ns: i64,
    pub(super) rows: u64,
}

/// The newest windows of a span that have about as many rows as are computed at once; at least one.
pub(super) fn newest_part(span: Span, interval_ns: i64, files: &[FileBounds]) -> Span {
    let mut windows = span.windows(interval_ns).max(1);
    loop {
        let length = i128::from(windows).saturating_mul(interval_ns.into());
        let start = i128::from(span.end).saturating_sub(length).max(span.start.into());
        let mut part = Span::new(i64::try_from(start).unwrap_or(span.start), span.end);
        if windows <= 1 {
            return part;
        }
        // Files mostly hold one day.
        let day = part.start.saturating_sub(part.start.rem_euclid(NANOS_PER_DAY)).saturating_add(NANOS_PER_DAY);
        if part.start > span.start && divides_a_day(interval_ns) && day < part.end {
            part.start = day;
        }
        if files.iter().map(|file| file.rows_in(part)).sum::<u64>() <= CHUNK_ROWS {
            return part;
        }
        windows = windows.div_ceil(2);
    }
}

impl FileBounds {
    /// About how many of its rows lie in a span.
    fn rows_in(&self, span: Span) -> u64 {
        let own = Span::new(self.time_min_ns, self.time_max_ns.saturating_add(1));
        let both = own.and(span);
        if both.is_empty() {
            return 0;
        }
        let part = both.windows(1) as f64 / own.windows(1).max(1) as f64;
        (self.rows as f64 * part).ceil() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    fn file(day: i64, rows: u64) -> FileBounds {
        FileBounds { time_min_ns: day * NANOS_PER_DAY, time_max_ns: (day + 1) * NANOS_PER_DAY - 1, rows }
    }

    #[test]
    fn years_of_a_slow_sensor_are_computed_at_once_and_days_of_a_fast_one_each_alone() {
        let year = Span::new(0, 365 * NANOS_PER_DAY);
        let slow: Vec<_> = (0..365).map(|day| file(day, 1_440)).collect();
        assert_eq!(newest_part(year, HOUR, &slow), year);
        let fast: Vec<_> = (0..365).map(|day| file(day, 3_000_000)).collect();
        assert_eq!(newest_part(year, HOUR, &fast), Span::new(364 * NANOS_PER_DAY, 365 * NANOS_PER_DAY));
        let huge: Vec<_> = (0..365).map(|day| file(day, 3_000_000_000)).collect();
        assert_eq!(newest_part(year, HOUR, &huge), Span::new(year.end - HOUR, year.end));
        let week = newest_part(year, 7 * NANOS_PER_DAY, &huge);
        assert_eq!(week, Span::new(year.end - 7 * NANOS_PER_DAY, year.end));
    }

    #[test]
    fn parts_line_up_with_windows_and_cover_everything() {
        let files: Vec<_> = (0..40).map(|day| file(day, (day as u64 % 7) * 2_000_000)).collect();
        for interval in [HOUR, 20 * HOUR / 60, 24 * HOUR, 48 * HOUR] {
            let mut rest = Span::new(0, 40 * NANOS_PER_DAY);
            let mut parts = 0;
            while !rest.is_empty() {
                let part = newest_part(rest, interval, &files);
                assert!(!part.is_empty() && part.end == rest.end && part.start >= rest.start, "{part:?}");
                assert_eq!(part.start.rem_euclid(interval), 0);
                rest.end = part.start;
                parts += 1;
            }
            assert!(parts > 5, "{parts}");
        }
    }
}
