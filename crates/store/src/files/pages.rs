//! Which rows of a file may belong to some series and times, by the index of its pages.
//!
//! Rows are sorted by series, so that a page has rows of few series. Pages of a file without an index, and those whose bounds
//! are not known, are kept.

use std::ops::Range;

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use parquet::arrow::arrow_reader::RowSelection;
use parquet::file::metadata::{ParquetColumnIndex, ParquetMetaData, ParquetOffsetIndex};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use sensorium_model::names::TIME_COLUMN;

/// The values that a tag has in all wanted rows; absent for none.
pub type TagValues = (String, Vec<Option<String>>);

/// What wanted rows have in common.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The first time.
    pub time_min_ns: i64,
    /// The last time, included.
    pub time_max_ns: i64,
    /// The tags whose values are known.
    pub tags: &'a [TagValues],
}

/// Rows of a file.
#[derive(Debug, Clone)]
pub struct Pages {
    /// The row groups that have some of them.
    pub groups: Vec<usize>,
    /// Which of the rows of these row groups.
    pub selection: RowSelection,
    /// How many they are.
    pub rows: usize,
}

impl Wanted<'_> {
    /// The rows of a file with these columns that are on pages which may hold wanted ones.
    pub fn pages(&self, file: &ParquetMetaData, columns: &SchemaRef) -> Pages {
        let time_unit_ns = time_unit_ns(columns);
        let (mut groups, mut ranges, mut rows_before) = (Vec::new(), Vec::new(), 0);
        for (number, group) in file.row_groups().iter().enumerate() {
            let rows = usize::try_from(group.num_rows()).unwrap_or_default();
            let kept = self.of_group(file, number, rows, time_unit_ns);
            if !kept.is_empty() {
                groups.push(number);
                ranges.extend(kept.into_iter().map(|range| range.start + rows_before..range.end + rows_before));
                rows_before += rows;
            }
        }
        let rows = ranges.iter().map(ExactSizeIterator::len).sum();
        Pages { groups, selection: RowSelection::from_consecutive_ranges(ranges.into_iter(), rows_before), rows }
    }

    fn of_group(&self, file: &ParquetMetaData, group: usize, rows: usize, time_unit_ns: i64) -> Vec<Range<usize>> {
        let mut kept: Vec<Range<usize>> = std::iter::once(0..rows).collect();
        let overlaps = |min: i64, max: i64| min <= self.time_max_ns && max >= self.time_min_ns;
        let in_time = |index: &ColumnIndexMetaData, page: usize| match index {
            ColumnIndexMetaData::INT64(times_of) => match (times_of.min_value(page), times_of.max_value(page)) {
                (Some(min), Some(max)) => overlaps(min.saturating_mul(time_unit_ns), max.saturating_mul(time_unit_ns)),
                _ => true,
            },
            _ => true,
        };
        keep(&mut kept, file, (group, rows), TIME_COLUMN, &in_time);
        for (name, values) in self.tags {
            if column_of(file, name).is_none() {
                // No row of the file has the tag.
                if !values.contains(&None) {
                    return Vec::new();
                }
                continue;
            }
            let has_value = |index: &ColumnIndexMetaData, page: usize| match index {
                ColumnIndexMetaData::BYTE_ARRAY(texts) => values.iter().any(|value| match value {
                    None => index.null_count(page) != Some(0),
                    Some(text) => match (texts.min_value(page), texts.max_value(page)) {
                        (Some(min), Some(max)) => min <= text.as_bytes() && text.as_bytes() <= max,
                        _ => !index.is_null_page(page),
                    },
                }),
                _ => true,
            };
            keep(&mut kept, file, (group, rows), name, &has_value);
        }
        kept
    }
}

/// Nanoseconds in the unit that a file's times have.
pub(crate) fn time_unit_ns(columns: &SchemaRef) -> i64 {
    match columns.fields().first().map(|field| field.data_type()) {
        Some(DataType::Timestamp(TimeUnit::Second, _)) => 1_000_000_000,
        Some(DataType::Timestamp(TimeUnit::Millisecond, _)) => 1_000_000,
        Some(DataType::Timestamp(TimeUnit::Microsecond, _)) => 1_000,
        _ => 1,
    }
}

/// Leaves of `kept` the rows on pages of a column that may match.
fn keep(
    kept: &mut Vec<Range<usize>>,
    file: &ParquetMetaData,
    (group, rows): (usize, usize),
    column: &str,
    may_match: &dyn Fn(&ColumnIndexMetaData, usize) -> bool,
) {
    let Some((index, starts)) = column_of(file, column).and_then(|column| {
        let (indexes, offsets): (&ParquetColumnIndex, &ParquetOffsetIndex) =
            (file.column_index()?, file.offset_index()?);
        let index = indexes.get(group)?.get(column)?;
        let pages = offsets.get(group)?.get(column)?.page_locations();
        let starts: Vec<usize> = pages.iter().filter_map(|page| usize::try_from(page.first_row_index).ok()).collect();
        let is_known = index.num_pages() == starts.len() as u64 && !matches!(index, ColumnIndexMetaData::NONE);
        is_known.then_some((index, starts))
    }) else {
        return;
    };
    let ends = starts.iter().skip(1).copied().chain([rows]);
    let pages = starts.iter().copied().zip(ends).enumerate();
    let matching: Vec<Range<usize>> =
        pages.filter(|(page, _)| may_match(index, *page)).map(|(_, (start, end))| start..end).collect();
    *kept = common(kept, &matching);
}

/// The leaf column with that name.
fn column_of(file: &ParquetMetaData, name: &str) -> Option<usize> {
    let columns = file.file_metadata().schema_descr().columns();
    columns.iter().position(|column| matches!(column.path().parts(), [only] if only == name))
}

/// What ascending, disjoint ranges have in common.
fn common(left: &[Range<usize>], right: &[Range<usize>]) -> Vec<Range<usize>> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut both: Vec<Range<usize>> = Vec::new();
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let range = a.start.max(b.start)..a.end.min(b.end);
        if a.end <= b.end {
            left.next();
        } else {
            right.next();
        }
        match both.last_mut() {
            _ if range.is_empty() => {}
            Some(last) if last.end == range.start => last.end = range.end,
            _ => both.push(range),
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranges() -> impl Strategy<Value = Vec<Range<usize>>> {
        proptest::collection::vec((0usize..4, 1usize..5), 0..8).prop_map(|steps| {
            let mut end = 0;
            let mut ranges = Vec::new();
            for (gap, len) in steps {
                ranges.push(end + gap..end + gap + len);
                end += gap + len;
            }
            ranges
        })
    }

    proptest! {
        #[test]
        fn common_rows_are_in_both(left in ranges(), right in ranges()) {
            let rows = |ranges: &[Range<usize>]| ranges.iter().cloned().flatten().collect::<Vec<_>>();
            let both = rows(&left).into_iter().filter(|row| rows(&right).contains(row)).collect::<Vec<_>>();
            prop_assert_eq!(rows(&common(&left, &right)), both);
        }
    }
}
