//! Cuts rows that come sorted by their keys into groups, however they are cut into batches.

use std::collections::VecDeque;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};

/// Gathers the rows of each group.
pub(super) struct Groups {
    schema: SchemaRef,
    keys: Vec<usize>,
    /// Absent when nothing tells rows apart: then all are one group.
    converter: Option<RowConverter>,
    /// The key of the group that may go on.
    key: Option<OwnedRow>,
    /// Its rows.
    open: Vec<RecordBatch>,
    /// Bytes of the batches that its rows are in.
    open_bytes: usize,
    whole: VecDeque<Vec<RecordBatch>>,
    bytes: usize,
}

impl Groups {
    pub(super) fn new(schema: SchemaRef, keys: Vec<usize>) -> Result<Self, ArrowError> {
        let fields = keys.iter().filter_map(|key| schema.fields().get(*key));
        let fields: Vec<SortField> = fields.map(|field| SortField::new(field.data_type().clone())).collect();
        let converter = if fields.is_empty() { None } else { Some(RowConverter::new(fields)?) };
        let (open, whole) = (Vec::new(), VecDeque::new());
        Ok(Self { schema, keys, converter, key: None, open, open_bytes: 0, whole, bytes: 0 })
    }

    /// Takes in the next rows. The groups that have ended are to be taken out before.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let size = batch.get_array_memory_size();
        self.bytes = self.open_bytes + size;
        let mut begin = 0;
        if let Some(converter) = &self.converter {
            let columns: Vec<ArrayRef> =
                self.keys.iter().filter_map(|key| batch.columns().get(*key).cloned()).collect();
            let rows = converter.convert_columns(&columns)?;
            for (index, row) in rows.iter().enumerate() {
                if self.key.as_ref().is_some_and(|key| key.row() == row) {
                    continue;
                }
                self.extend(batch, begin, index);
                begin = index;
                self.close();
                self.key = Some(row.owned());
            }
        }
        self.extend(batch, begin, batch.num_rows());
        self.open_bytes += size;
        Ok(())
    }

    /// No more rows come.
    pub(super) fn end(&mut self) {
        self.close();
    }

    /// The next group that has ended, as one batch.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let Some(parts) = self.whole.pop_front() else { return Ok(None) };
        match parts.as_slice() {
            [only] => Ok(Some(only.clone())),
            _ => concat_batches(&self.schema, &parts).map(Some),
        }
    }

    /// Bytes of the rows that are held, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn extend(&mut self, batch: &RecordBatch, from: usize, to: usize) {
        if to > from {
            self.open.push(batch.slice(from, to - from));
        }
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.whole.push_back(std::mem::take(&mut self.open));
        }
        self.open_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};

    use super::*;

    type Row = (Option<&'static str>, i64);

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true), Field::new("v", DataType::Int64, true)]))
    }

    /// The values of each group, when rows come `size` at a time.
    fn groups(rows: &[Row], keys: Vec<usize>, size: usize) -> Vec<Vec<i64>> {
        let mut groups = Groups::new(schema(), keys).unwrap();
        let mut found = Vec::new();
        let mut take = |groups: &mut Groups| {
            while let Some(group) = groups.next().unwrap() {
                found.push(group.column(1).as_primitive::<Int64Type>().values().to_vec());
            }
        };
        for part in rows.chunks(size) {
            let keys = Arc::new(part.iter().map(|row| row.0).collect::<StringArray>());
            let values = Arc::new(part.iter().map(|row| Some(row.1)).collect::<Int64Array>());
            groups.push(&RecordBatch::try_new(schema(), vec![keys, values]).unwrap()).unwrap();
            take(&mut groups);
        }
        groups.end();
        take(&mut groups);
        found
    }

    #[test]
    fn groups_are_the_same_however_rows_are_cut() {
        let rows =
            [(None, 1), (None, 2), (Some("a"), 3), (Some("b"), 4), (Some("b"), 5), (Some("b"), 6), (Some("c"), 7)];
        for size in 1..=rows.len() {
            assert_eq!(groups(&rows, vec![0], size), [vec![1, 2], vec![3], vec![4, 5, 6], vec![7]], "{size}");
            assert_eq!(groups(&rows, vec![], size), [vec![1, 2, 3, 4, 5, 6, 7]], "{size}");
        }
        assert!(groups(&[], vec![0], 1).is_empty());
    }
}
