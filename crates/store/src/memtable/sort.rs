//! From rows in order of arrival to sorted rows with unique keys.
//!
//! Rows are put in order by counting them per series, which keeps their order of arrival, then by time within each series,
//! where they mostly are in order already. Of rows with equal keys each field keeps the value that arrived last.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray, TimestampNanosecondArray};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use sensorium_model::TableSchema;

use super::chunk::Chunk;
use super::gather::gather;
use crate::columns::arrow_schema;
use crate::table::series::SeriesEntries;

/// The order of rows.
pub(crate) struct RowOrder {
    /// Positions of rows, over all chunks, in ascending order of key and, for equal keys, of arrival.
    pub(crate) rows: Vec<u32>,
    /// Where in `rows` each distinct key begins.
    pub(crate) starts: Vec<u32>,
}

impl RowOrder {
    /// Whether no key stands twice.
    pub(crate) fn is_unique(&self) -> bool {
        self.rows.len() == self.starts.len()
    }

    /// For each distinct key, its rows in order of arrival.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &[u32]> {
        let ends = self.starts.iter().skip(1).copied().chain(std::iter::once(self.rows.len() as u32));
        self.starts
            .iter()
            .zip(ends)
            .map(|(start, end)| self.rows.get(*start as usize..end as usize).unwrap_or_default())
    }
}

/// Sorts the rows of chunks. The chunks' series are among `series` and their fields in `schema`; more than 4 billion rows are
/// never in memory.
pub(crate) fn sorted_batch(
    chunks: &[Arc<Chunk>],
    series: &SeriesEntries,
    schema: &TableSchema,
) -> Result<RecordBatch, ArrowError> {
    let ids: Vec<u32> = chunks.iter().flat_map(|chunk| chunk.series.iter().copied()).collect();
    let times: Vec<i64> = chunks.iter().flat_map(|chunk| chunk.time_ns.iter().copied()).collect();
    let ranked = rank(&ids, series);
    let order = order(&ids, &times, &ranked);

    let at = |group: &[u32]| group.first().map_or(0, |row| *row as usize);
    let time: Vec<i64> = order.groups().map(|group| times.get(at(group)).copied().unwrap_or_default()).collect();
    let row_ranks: Vec<u32> = order.groups().map(|group| ids.get(at(group)).map_or(0, |id| ranked.rank(*id))).collect();

    let mut columns: Vec<ArrayRef> = vec![Arc::new(TimestampNanosecondArray::from(time).with_timezone("UTC"))];
    for tag in schema.tags() {
        columns.push(Arc::new(tag_array(tag, &ranked, &row_ranks, series)?));
    }
    for (name, field_type) in schema.fields() {
        columns.push(gather(chunks, name, field_type, &order));
    }
    let batch = RecordBatch::try_new(arrow_schema(schema), columns)?;
    debug_assert_eq!(batch.num_rows(), order.starts.len());
    Ok(batch)
}

/// The distinct series of some rows, in the order of stored rows.
struct Ranked {
    series: Vec<u32>,
    /// Rank by series number.
    ranks: Vec<u32>,
}

impl Ranked {
    fn rank(&self, id: u32) -> u32 {
        self.ranks.get(id as usize).copied().unwrap_or_default()
    }
}

fn rank(ids: &[u32], series: &SeriesEntries) -> Ranked {
    const ABSENT: u32 = u32::MAX;
    let mut ranks = vec![ABSENT; series.len()];
    let mut distinct = Vec::new();
    for id in ids {
        match ranks.get_mut(*id as usize) {
            Some(rank) if *rank == ABSENT => {
                *rank = 0;
                distinct.push(*id);
            }
            Some(_) => {}
            None => debug_assert!(false, "a row's series is interned"),
        }
    }
    distinct.sort_unstable_by(|a, b| series.compare(*a, *b));
    for (rank, id) in (0..).zip(&distinct) {
        if let Some(slot) = ranks.get_mut(*id as usize) {
            *slot = rank;
        }
    }
    Ranked { series: distinct, ranks }
}

fn order(ids: &[u32], times: &[i64], ranked: &Ranked) -> RowOrder {
    // Where the rows of each rank begin.
    let mut begins = vec![0_u32; ranked.series.len() + 1];
    for id in ids {
        if let Some(count) = begins.get_mut(ranked.rank(*id) as usize + 1) {
            *count += 1;
        }
    }
    let mut sum = 0;
    for begin in &mut begins {
        sum += *begin;
        *begin = sum;
    }
    let mut next = begins.clone();
    let mut rows = vec![0_u32; ids.len()];
    for (row, id) in (0..).zip(ids) {
        if let Some(next) = next.get_mut(ranked.rank(*id) as usize) {
            if let Some(slot) = rows.get_mut(*next as usize) {
                *slot = row;
            }
            *next += 1;
        }
    }
    let time = |row: u32| times.get(row as usize).copied().unwrap_or_default();
    let mut starts = Vec::with_capacity(rows.len());
    for bounds in begins.windows(2) {
        let [begin, end] = *bounds else { continue };
        let Some(of_series) = rows.get_mut(begin as usize..end as usize) else { continue };
        if !of_series.is_sorted_by_key(|row| time(*row)) {
            of_series.sort_by_key(|row| time(*row));
        }
        let mut before = None;
        for (position, row) in (begin..).zip(of_series.iter()) {
            let time = time(*row);
            if before != Some(time) {
                starts.push(position);
                before = Some(time);
            }
        }
    }
    RowOrder { rows, starts }
}

/// The values of a tag, one per row.
fn tag_array(
    tag: &str,
    ranked: &Ranked,
    row_ranks: &[u32],
    series: &SeriesEntries,
) -> Result<DictionaryArray<arrow::datatypes::Int32Type>, ArrowError> {
    let mut values: Vec<&str> = Vec::new();
    let mut known = std::collections::HashMap::new();
    let keys: Vec<Option<i32>> = ranked
        .series
        .iter()
        .map(|id| {
            let value = series.get(*id)?.tag(tag)?.as_ref();
            Some(*known.entry(value).or_insert_with(|| {
                values.push(value);
                values.len() as i32 - 1
            }))
        })
        .collect();
    let keys: Int32Array = row_ranks.iter().map(|rank| keys.get(*rank as usize).copied().flatten()).collect();
    DictionaryArray::try_new(keys, Arc::new(StringArray::from(values)))
}
