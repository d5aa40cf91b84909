//! One table: its series, its rows in memory and in files, and the newest values.
//!
//! Order of locks: the newest values before the series; the rows are locked alone.

pub(crate) mod last;
mod rebuild;
pub(crate) mod rows;
pub(crate) mod series;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use arrow::record_batch::RecordBatch;
use parking_lot::Mutex;
use sensorium_model::time::day_of;
use sensorium_model::{DatabaseKey, FieldColumn, FieldValues, Name, TableBatch, TableSchema};

use crate::columns::{adapt, arrow_schema};
use crate::deletion::Deletion;
use crate::memtable::bucket::{BUCKET_BYTES, Bounds, Sealed, View};
use crate::memtable::chunk::{COLUMN_BYTES, Chunk};
use crate::memtable::sort::sorted_batch;
use crate::report::{Source, SourceData, TableSnapshot};
use last::LastValues;
use rows::TableRows;
use series::SeriesSet;

/// One table.
pub(crate) struct Table {
    pub(crate) database: DatabaseKey,
    pub(crate) name: Name,
    pub(crate) series: SeriesSet,
    pub(crate) rows: Mutex<TableRows>,
    pub(crate) last: Mutex<LastValues>,
    /// Bytes that one more row takes in memory, as the last append found it.
    row_bytes: AtomicUsize,
}

impl Table {
    pub(crate) fn new(database: DatabaseKey, name: Name) -> Self {
        Self {
            database,
            name,
            series: SeriesSet::default(),
            rows: Mutex::default(),
            last: Mutex::default(),
            row_bytes: AtomicUsize::new(0),
        }
    }

    /// Makes stored rows visible; returns the bytes that they take and whether they are the first since the last seal.
    pub(crate) fn apply(&self, batch: &TableBatch, series: &[u32]) -> Growth {
        let applied = {
            let mut rows = self.rows.lock();
            let first = !rows.has_active();
            let bytes = rows.append(batch, series);
            self.row_bytes.store(rows.widest_row_bytes(), Ordering::Relaxed);
            Growth { bytes, first }
        };
        self.last.lock().update(batch, series);
        applied
    }

    /// An upper estimate of the bytes that a batch will take in memory.
    pub(crate) fn estimate(&self, batch: &TableBatch) -> usize {
        estimate(batch, self.row_bytes.load(Ordering::Relaxed))
    }
}

/// An upper estimate of the bytes that a batch will take in memory, in a table whose rows take so many each.
pub(crate) fn estimate(batch: &TableBatch, row_bytes: usize) -> usize {
    let content = |field: &FieldColumn| match &field.values {
        FieldValues::Text(text) => text.text_bytes(),
        FieldValues::Vector(vectors) => vectors.number_bytes(),
        _ => 0,
    };
    // A value takes at most 8 bytes and one for whether it is there.
    let row_bytes = (12 + 9 * batch.fields.len()).max(row_bytes);
    let rows_bytes = batch.rows() * row_bytes + batch.fields.iter().map(content).sum::<usize>();
    rows_bytes + days(batch) * (BUCKET_BYTES + COLUMN_BYTES * batch.fields.len())
}

impl Table {
    /// The rows of sealed buckets, sorted. `schema` has all their columns.
    pub(crate) fn sorted_rows(&self, buckets: &[Arc<Sealed>], schema: &TableSchema) -> RecordBatch {
        if let [only] = buckets {
            let sorted = only.sorted.get_or_init(|| self.sort(&only.chunks, schema));
            return adapted(sorted, schema);
        }
        let chunks: Vec<_> = buckets.iter().flat_map(|bucket| bucket.chunks.iter().cloned()).collect();
        self.sort(&chunks, schema)
    }

    /// The table's rows at this moment; `schema` is called after they are taken, so that it has all their columns. What is
    /// `expired` is deleted, too.
    pub(crate) fn snapshot(
        &self,
        expired: Option<Arc<Deletion>>,
        schema: impl FnOnce() -> Arc<TableSchema>,
    ) -> TableSnapshot {
        let now = Instant::now();
        let view = self.rows.lock().view(now);
        let schema = schema();
        let mut sources: Vec<Source> = Vec::with_capacity(view.files.len() + view.sealed.len() + view.active.len());
        sources.extend(view.files.into_iter().map(|(file, deletions)| Source {
            time_min_ns: file.time_min_ns,
            time_max_ns: file.time_max_ns,
            rows: file.rows,
            data: SourceData::File(file),
            deletions,
        }));
        let memory = |bounds: Bounds, batch: RecordBatch| Source {
            time_min_ns: bounds.time_min_ns,
            time_max_ns: bounds.time_max_ns,
            rows: batch.num_rows() as u64,
            data: SourceData::Memory(batch),
            deletions: Vec::new(),
        };
        for sealed in view.sealed {
            sources.push(memory(sealed.bounds, self.sorted_rows(std::slice::from_ref(&sealed), &schema)));
        }
        for (day, bounds, rows) in view.active {
            let batch = match rows {
                View::Sorted(batch) => adapted(&batch, &schema),
                View::Rows { id, chunks } => {
                    let batch = self.sort(&chunks, &schema);
                    self.rows.lock().keep_sorted(day, id, batch.clone(), bounds.rows, now);
                    batch
                }
            };
            sources.push(memory(bounds, batch));
        }
        if let Some(expired) = expired {
            sources.retain(|source| !expired.covers(source.time_min_ns, source.time_max_ns));
            let reaching = |source: &&mut Source| expired.overlaps(source.time_min_ns, source.time_max_ns);
            sources.iter_mut().filter(reaching).for_each(|source| source.deletions.push(Arc::clone(&expired)));
        }
        TableSnapshot { schema, sources }
    }

    #[expect(clippy::expect_used, reason = "the columns are made from the schema, with one length")]
    fn sort(&self, chunks: &[Arc<Chunk>], schema: &TableSchema) -> RecordBatch {
        sorted_batch(chunks, &self.series.read(), schema).expect("columns that match their schema")
    }
}

/// The number of days that a batch has rows on.
fn days(batch: &TableBatch) -> usize {
    let mut runs = batch.time_ns.chunk_by(|a, b| day_of(*a) == day_of(*b));
    if runs.by_ref().nth(1).is_none() {
        return 1;
    }
    batch.time_ns.iter().map(|time| day_of(*time)).collect::<HashSet<_>>().len()
}

#[expect(clippy::expect_used, reason = "columns only ever grow, and a missing one is filled with nulls")]
fn adapted(batch: &RecordBatch, schema: &TableSchema) -> RecordBatch {
    adapt(batch, &arrow_schema(schema)).expect("columns that match their schema")
}

/// What rows did to the memtable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Growth {
    /// Growth of the memtable, in bytes.
    pub(crate) bytes: usize,
    /// Whether the table had no unsealed rows before.
    pub(crate) first: bool,
}
