//! The batches of the last minute, shared by the clients of one organisation.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hashbrown::{DefaultHashBuilder, HashTable};
use sensorium_model::{Batch, FieldValues, SeriesKey, TableBatch, TagColumn};

/// A published batch, and the series of its rows once somebody has asked for them.
#[derive(Debug)]
pub(crate) struct Entry {
    seq: u64,
    at: Instant,
    bytes: usize,
    batch: Arc<Batch>,
    series: Box<[OnceLock<RowSeries>]>,
}

impl Entry {
    pub(crate) fn new(seq: u64, at: Instant, batch: Arc<Batch>) -> Self {
        let series = batch.tables.iter().map(|_| OnceLock::new()).collect();
        Self { seq, at, bytes: batch.tables.iter().map(table_bytes).sum(), batch, series }
    }

    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    pub(crate) fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The series of each row of a table; computed by the first client that needs it, kept for the others.
    pub(crate) fn series(&self, table: usize) -> &RowSeries {
        static NONE: RowSeries = RowSeries { of_row: Vec::new(), keys: Vec::new() };
        match (self.series.get(table), self.batch.tables.get(table)) {
            (Some(cell), Some(batch)) => cell.get_or_init(|| RowSeries::of(batch)),
            _ => &NONE,
        }
    }
}

/// The series key of each row, each distinct key stored once.
#[derive(Debug)]
pub(crate) struct RowSeries {
    of_row: Vec<u32>,
    keys: Vec<Arc<str>>,
}

impl RowSeries {
    fn of(table: &TableBatch) -> Self {
        let hasher = DefaultHashBuilder::default();
        let hash = |row: usize| {
            let mut state = hasher.build_hasher();
            table.tags.iter().for_each(|tag| state.write_u32(key_at(tag, row)));
            state.finish()
        };
        let mut first_rows: Vec<usize> = Vec::new();
        let mut known: HashTable<u32> = HashTable::new();
        let mut keys: Vec<Arc<str>> = Vec::new();
        let mut of_row = Vec::with_capacity(table.rows());
        let mut text = String::new();
        for row in 0..table.rows() {
            let same = |index: &u32| {
                first_rows
                    .get(*index as usize)
                    .is_some_and(|first| table.tags.iter().all(|tag| key_at(tag, *first) == key_at(tag, row)))
            };
            if let Some(index) = known.find(hash(row), same) {
                of_row.push(*index);
                continue;
            }
            let index = u32::try_from(keys.len()).unwrap_or(u32::MAX);
            SeriesKey::write_sorted(table.row_tags(row), &mut text);
            keys.push(text.as_str().into());
            first_rows.push(row);
            of_row.push(index);
            known.insert_unique(hash(row), index, |index| {
                first_rows.get(*index as usize).map_or(0, |first| hash(*first))
            });
        }
        Self { of_row, keys }
    }

    /// The canonical key of a row's series.
    pub(crate) fn key(&self, row: usize) -> Option<&Arc<str>> {
        self.keys.get(*self.of_row.get(row)? as usize)
    }
}

fn key_at(tag: &TagColumn, row: usize) -> u32 {
    tag.keys.get(row).copied().unwrap_or(TagColumn::ABSENT)
}

/// An upper estimate of the memory that a table's rows hold, series keys included.
fn table_bytes(table: &TableBatch) -> usize {
    let rows = table.rows();
    let dictionaries: usize = table.tags.iter().flat_map(|tag| &tag.dictionary).map(|value| value.len() + 32).sum();
    let fields: usize = table
        .fields
        .iter()
        .map(|field| match &field.values {
            FieldValues::Text(text) => text.text_bytes() + 4 * rows,
            FieldValues::Vector(vectors) => vectors.number_bytes() + 4 * rows,
            FieldValues::Bool(_) => rows,
            FieldValues::F64(_) | FieldValues::I64(_) | FieldValues::U64(_) => 8 * rows,
        })
        .sum();
    256 + rows * (8 + 4 + 4 + 4 * table.tags.len()) + 2 * dictionaries + fields
}

/// The ring. Positions count the batches of the organisation from 0 and are never used twice.
///
/// Invariant: `entries[i]` has position `first + i`; everything before `first` was let go, and its greatest sequence
/// number is at most `gone_through`.
#[derive(Debug)]
pub(crate) struct Ring {
    entries: VecDeque<Arc<Entry>>,
    first: u64,
    bytes: usize,
    gone_through: u64,
    last_seq: u64,
}

impl Ring {
    /// An empty ring, to which nothing up to `seq` was appended.
    pub(crate) fn starting_after(seq: u64) -> Self {
        Self { entries: VecDeque::new(), first: 0, bytes: 0, gone_through: seq, last_seq: seq }
    }

    /// Appends a batch, then lets go of what is too old or too much; returns the batch's position.
    ///
    /// A batch that is larger than the whole ring is not kept.
    pub(crate) fn push(&mut self, entry: Entry, window: Duration, max_bytes: usize) -> u64 {
        let position = self.head();
        let now = entry.at;
        self.last_seq = self.last_seq.max(entry.seq);
        self.bytes += entry.bytes;
        self.entries.push_back(Arc::new(entry));
        while let Some(front) = self.entries.front() {
            if self.bytes <= max_bytes && now.saturating_duration_since(front.at) <= window {
                break;
            }
            self.bytes -= front.bytes;
            self.gone_through = self.gone_through.max(front.seq);
            self.entries.pop_front();
            self.first += 1;
        }
        position
    }

    /// The position that the next batch will have.
    pub(crate) fn head(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The position of the oldest batch that is still there.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The greatest sequence number that was appended.
    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The batch at a position.
    pub(crate) fn get(&self, position: u64) -> Option<&Arc<Entry>> {
        self.entries.get(usize::try_from(position.checked_sub(self.first)?).ok()?)
    }

    /// The position of the first batch after a sequence number, and whether a batch after it is gone already.
    pub(crate) fn after(&self, seq: u64) -> (u64, bool) {
        let earlier = self.entries.partition_point(|entry| entry.seq <= seq);
        (self.first + earlier as u64, seq < self.gone_through)
    }

    /// Bytes of the batches in the ring.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of batches in the ring.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
