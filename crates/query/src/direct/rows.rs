//! Reads the rows of one series.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, concat_batches, filter_record_batch, interleave};
use arrow::datatypes::{Int32Type, SchemaRef, TimestampNanosecondType};
use datafusion::common::{DataFusionError, Result};
use sensorium_store::{DataFile, Deletion, SourceData, TableSnapshot, Wanted, adapt};

use super::recent::{Key, RecentRows};
use crate::table::{FilePages, FileReading, Implied, TimeRange};

/// Files and parts of memory that are read; more are left to threads that share the work.
const MAX_SOURCES: usize = 64;

/// Which rows are wanted, and what of them.
pub(super) struct SeriesRows<'a> {
    /// The tags that were asked for.
    tags: &'a [(String, String)],
    times: TimeRange,
    /// What all of them have in common.
    series: Implied,
    /// All columns of the table.
    all: SchemaRef,
    /// The time and the wanted fields.
    columns: SchemaRef,
    /// The same and the wanted tags, as text.
    what: Arc<[String]>,
}

impl<'a> SeriesRows<'a> {
    pub(super) fn new(
        (tags, times): (&'a [(String, String)], TimeRange),
        series: Implied,
        all: SchemaRef,
        columns: SchemaRef,
    ) -> Self {
        let named = tags.iter().flat_map(|(name, value)| [name.clone(), value.clone()]);
        // The time, which is always wanted, stands between tags and fields.
        let what = named.chain(columns.fields().iter().map(|field| field.name().clone())).collect();
        Self { tags, times, series, all, columns, what }
    }

    /// The rows by time, each time once with the newest value of each field; `None` if they cannot be had by reading little.
    pub(super) async fn read(
        &self,
        files: &FileReading,
        recent: &RecentRows,
        snapshot: &TableSnapshot,
    ) -> Result<Option<RecordBatch>> {
        let times = self.times;
        let sources = snapshot.sources.iter();
        let sources: Vec<_> = sources
            .filter(|source| source.rows > 0 && times.overlaps(source.time_min_ns, source.time_max_ns))
            .collect();
        if sources.len() > MAX_SOURCES {
            return Ok(None);
        }
        let mut parts = Vec::new();
        for source in sources {
            let rows = match &source.data {
                SourceData::Memory(batch) => adapt(&self.series.narrow(&adapt(batch, &self.all)?), &self.columns)?,
                SourceData::File(file) => {
                    let span = TimeRange { min: source.time_min_ns, max: source.time_max_ns };
                    match self.of_file(files, recent, (file, times.and(span))).await? {
                        Some(rows) => rows,
                        None => return Ok(None),
                    }
                }
            };
            let rows = self.without_deleted(self.in_time(rows)?, &source.deletions)?;
            if rows.num_rows() > 0 {
                parts.push(rows);
            }
        }
        self.newest(parts).map(Some)
    }

    /// All rows that a file has of the series and these times, and maybe others of the series; `None` if many are to be read.
    async fn of_file(
        &self,
        files: &FileReading,
        recent: &RecentRows,
        (file, times): (&Arc<DataFile>, TimeRange),
    ) -> Result<Option<RecordBatch>> {
        let key = Key { file: file.path.clone(), what: Arc::clone(&self.what) };
        if let Some(rows) = recent.get(&key, times) {
            return Ok(Some(rows));
        }
        let wanted = Wanted { time_min_ns: times.min, time_max_ns: times.max, tags: &self.series.values };
        let Some(pages) = files.few_pages(file, wanted).await? else { return Ok(None) };
        let rows = if pages.pages.rows == 0 {
            RecordBatch::new_empty(Arc::clone(&self.columns))
        } else {
            self.of_pages(&pages)?
        };
        recent.keep(key, times, rows.clone());
        Ok(Some(rows))
    }

    /// The rows of the series on some pages of a file.
    fn of_pages(&self, pages: &FilePages) -> Result<RecordBatch> {
        let is_asked = |name: &str| self.tags.iter().any(|(tag, _)| tag == name);
        let is_wanted = |name: &str| is_asked(name) || self.columns.column_with_name(name).is_some();
        let rows = |batch: Result<RecordBatch, _>| -> Result<RecordBatch> {
            let batch = batch?;
            Ok(adapt(&filter_record_batch(&batch, &self.marks(&batch)?)?, &self.columns)?)
        };
        let rows = pages.reader(is_wanted, pages.pages.rows)?.map(rows).collect::<Result<Vec<_>>>()?;
        Ok(concat_batches(&self.columns, &rows)?)
    }

    /// Which rows have the tags that were asked for.
    fn marks(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let mut marks = vec![true; batch.num_rows()];
        for (name, wanted) in self.tags {
            let (Some(column), Ok(field)) = (batch.column_by_name(name), self.all.field_with_name(name)) else {
                // Without the column, no row of the file has the tag.
                return Ok(vec![false; marks.len()].into());
            };
            let tag = cast(column, field.data_type())?;
            let matches = texts_equal(&tag, wanted)?;
            for (mark, key) in marks.iter_mut().zip(tag.as_dictionary::<Int32Type>().keys()) {
                *mark &= key.and_then(|key| matches.get(usize::try_from(key).ok()?)).is_some_and(|matches| *matches);
            }
        }
        Ok(marks.into())
    }

    /// The rows between the times that were asked for.
    fn in_time(&self, rows: RecordBatch) -> Result<RecordBatch> {
        let times = times(&rows)?;
        let start = times.partition_point(|time| *time < self.times.min);
        let end = times.partition_point(|time| *time <= self.times.max);
        Ok(rows.slice(start, end.saturating_sub(start)))
    }

    fn without_deleted(&self, rows: RecordBatch, deletions: &[Arc<Deletion>]) -> Result<RecordBatch> {
        let has = |name: &str, value: &str| {
            self.series.prefix.iter().any(|(tag, is)| tag == name && is.as_deref() == Some(value))
        };
        let of_series =
            |deletion: &&Arc<Deletion>| deletion.tags.iter().all(|(name, value)| has(name.as_ref(), value.as_ref()));
        let deletions: Vec<_> = deletions.iter().filter(of_series).collect();
        if deletions.is_empty() {
            return Ok(rows);
        }
        let is_left =
            |time: &i64| !deletions.iter().any(|deletion| (deletion.time_min_ns..=deletion.time_max_ns).contains(time));
        let left: Vec<bool> = times(&rows)?.iter().map(is_left).collect();
        Ok(filter_record_batch(&rows, &left.into())?)
    }

    /// The rows of all parts, of which the newest is the last, by time.
    fn newest(&self, mut parts: Vec<RecordBatch>) -> Result<RecordBatch> {
        let mut spans = Vec::new();
        for part in &parts {
            spans.push(times(part)?.first().copied().zip(times(part)?.last().copied()));
        }
        if parts.len() > 1 && spans.is_sorted_by(|a, b| matches!((a, b), (Some(a), Some(b)) if a.1 < b.0)) {
            return Ok(concat_batches(&self.columns, &parts)?);
        }
        if parts.len() <= 1 {
            return Ok(parts.pop().unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&self.columns))));
        }
        let mut places = Vec::new();
        for (part, rows) in parts.iter().enumerate() {
            places.extend(times(rows)?.iter().enumerate().map(|(row, time)| (*time, part, row)));
        }
        places.sort_unstable();
        let columns = (0..self.columns.fields().len()).map(|column| {
            let arrays = parts.iter().filter_map(|part| part.columns().get(column)).collect::<Vec<_>>();
            let is_value =
                |place: &&(i64, usize, usize)| arrays.get(place.1).is_some_and(|array| array.is_valid(place.2));
            let newest = |same: &[(i64, usize, usize)]| {
                let (_, part, row) = same.iter().rev().find(is_value).or(same.last()).copied()?;
                Some((part, row))
            };
            let picks: Vec<(usize, usize)> = places.chunk_by(|a, b| a.0 == b.0).filter_map(newest).collect();
            interleave(&arrays.iter().map(|array| array.as_ref()).collect::<Vec<&dyn Array>>(), &picks)
        });
        Ok(RecordBatch::try_new(Arc::clone(&self.columns), columns.collect::<Result<_, _>>()?)?)
    }
}

/// For each value of a tag's dictionary, whether it is this text.
fn texts_equal(tag: &dyn Array, wanted: &str) -> Result<Vec<bool>> {
    let texts = tag.as_any_dictionary_opt().and_then(|tag| tag.values().as_string_opt::<i32>());
    let texts = texts.ok_or_else(|| DataFusionError::Internal("a tag is no dictionary of texts".to_owned()))?;
    Ok(texts.iter().map(|text| text == Some(wanted)).collect())
}

/// The times of rows, which stand in the first column.
pub(super) fn times(rows: &RecordBatch) -> Result<&[i64]> {
    let times = rows.columns().first().and_then(|times| times.as_primitive_opt::<TimestampNanosecondType>());
    let times = times.ok_or_else(|| DataFusionError::Internal("the first column is not the time".to_owned()))?;
    Ok(times.values())
}
