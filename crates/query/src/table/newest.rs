//! Resolves rows with equal keys that follow each other, the oldest source first: each field keeps its newest value.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, partition, take};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

/// Takes sorted batches and gives them back with unique keys.
///
/// The last key of a batch may continue in the next one, so its rows are held back until that is known.
pub(crate) struct NewestWins {
    schema: SchemaRef,
    keys: usize,
    held: Option<RecordBatch>,
}

impl NewestWins {
    /// The first `keys` columns of `schema` are the key.
    pub(crate) fn new(schema: SchemaRef, keys: usize) -> Self {
        Self { schema, keys, held: None }
    }

    /// Takes the next batch; gives back rows whose key is complete.
    pub(crate) fn push(&mut self, batch: RecordBatch) -> Result<Option<RecordBatch>, ArrowError> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let batch = match self.held.take() {
            Some(held) => concat_batches(&self.schema, [&held, &batch])?,
            None => batch,
        };
        let mut groups = self.groups(&batch)?;
        let Some(last) = groups.pop() else { return Ok(None) };
        self.held = Some(batch.slice(last.start, last.len()));
        self.resolve(&batch.slice(0, last.start), &groups)
    }

    /// Gives back the rows that are still held.
    pub(crate) fn finish(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let Some(held) = self.held.take() else { return Ok(None) };
        let groups = self.groups(&held)?;
        self.resolve(&held, &groups)
    }

    /// The rows of each key.
    fn groups(&self, batch: &RecordBatch) -> Result<Vec<Range<usize>>, ArrowError> {
        let keys = batch.columns().get(..self.keys).unwrap_or_default();
        Ok(partition(keys)?.ranges())
    }

    fn resolve(&self, batch: &RecordBatch, groups: &[Range<usize>]) -> Result<Option<RecordBatch>, ArrowError> {
        if groups.is_empty() {
            return Ok(None);
        }
        if groups.len() == batch.num_rows() {
            return Ok(Some(batch.clone()));
        }
        let newest: UInt64Array = groups.iter().map(|rows| last(rows.clone())).collect();
        let columns = batch.columns().iter().enumerate().map(|(index, column)| {
            if index < self.keys || column.logical_null_count() == 0 {
                take(column, &newest, None)
            } else {
                take(column, &newest_value(column, groups), None)
            }
        });
        RecordBatch::try_new(Arc::clone(&self.schema), columns.collect::<Result<_, _>>()?).map(Some)
    }
}

/// The row of each group that holds the newest value of a column, or its last row when none has one.
fn newest_value(column: &ArrayRef, groups: &[Range<usize>]) -> UInt64Array {
    groups
        .iter()
        .map(|rows| rows.clone().rev().find(|row| column.is_valid(*row)).map_or_else(|| last(rows.clone()), row_number))
        .collect()
}

fn last(rows: Range<usize>) -> u64 {
    row_number(rows.end.saturating_sub(1))
}

fn row_number(row: usize) -> u64 {
    u64::try_from(row).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array};
    use arrow::datatypes::{DataType, Field, Schema};
    use proptest::prelude::*;

    use super::*;

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("key", DataType::Int64, false),
            Field::new("a", DataType::Float64, true),
            Field::new("b", DataType::Float64, true),
        ]))
    }

    type Row = (i64, Option<f64>, Option<f64>);

    fn batch(rows: &[Row]) -> RecordBatch {
        let keys: Int64Array = rows.iter().map(|row| Some(row.0)).collect();
        let a: Float64Array = rows.iter().map(|row| row.1).collect();
        let b: Float64Array = rows.iter().map(|row| row.2).collect();
        RecordBatch::try_new(schema(), vec![Arc::new(keys), Arc::new(a), Arc::new(b)]).unwrap()
    }

    fn resolved(batches: &[Vec<Row>]) -> RecordBatch {
        let mut newest = NewestWins::new(schema(), 1);
        let mut out = Vec::new();
        for rows in batches {
            out.extend(newest.push(batch(rows)).unwrap());
        }
        out.extend(newest.finish().unwrap());
        concat_batches(&schema(), &out).unwrap()
    }

    #[test]
    fn each_field_keeps_its_newest_value_across_batches() {
        let rows = vec![
            vec![(1, Some(1.0), None), (2, Some(2.0), Some(2.0))],
            vec![(2, None, Some(2.5)), (2, None, None)],
            vec![(2, None, Some(2.75)), (3, None, None)],
        ];
        let expected = [(1, Some(1.0), None), (2, Some(2.0), Some(2.75)), (3, None, None)];
        assert_eq!(resolved(&rows), batch(&expected));
    }

    proptest! {
        #[test]
        fn the_cut_into_batches_does_not_matter(
            rows in proptest::collection::vec((0i64..6, proptest::option::of(0f64..9.0), proptest::option::of(0f64..9.0)), 1..60),
            size in 1usize..8,
        ) {
            let mut rows = rows;
            rows.sort_by_key(|row| row.0);
            let mut model: Vec<Row> = Vec::new();
            for row in &rows {
                match model.last_mut() {
                    Some(last) if last.0 == row.0 => *last = (row.0, row.1.or(last.1), row.2.or(last.2)),
                    _ => model.push(*row),
                }
            }
            let cut: Vec<Vec<Row>> = rows.chunks(size).map(<[Row]>::to_vec).collect();
            prop_assert_eq!(resolved(&cut), batch(&model));
        }
    }
}
