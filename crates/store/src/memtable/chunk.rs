//! A piece of a bucket: rows in order of arrival, as typed columns.

use std::ops::Range;

use sensorium_model::{FieldColumn, FieldValues, Name, TableBatch, TextColumn};

/// Rows at which a chunk is full.
pub(crate) const CHUNK_ROWS: usize = 65_536;

/// Bytes at which a chunk is full.
pub(crate) const CHUNK_BYTES: usize = 4 << 20;

/// What a column costs before it has a value.
pub(crate) const COLUMN_BYTES: usize = 128;

/// Rows of one table and day.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chunk {
    pub(crate) time_ns: Vec<i64>,
    pub(crate) series: Vec<u32>,
    pub(crate) columns: Vec<ChunkColumn>,
}

/// A batch on its way into chunks.
pub(crate) struct Incoming<'b> {
    batch: &'b TableBatch,
    /// The number of each row's series.
    series: &'b [u32],
    /// For each field, whether every row has a value: found once, because a batch may be appended in many pieces.
    dense: Vec<bool>,
}

impl<'b> Incoming<'b> {
    pub(crate) fn new(batch: &'b TableBatch, series: &'b [u32]) -> Self {
        debug_assert_eq!(batch.rows(), series.len());
        let dense = batch.fields.iter().map(|field| field.valid.count_valid() == field.valid.len()).collect();
        Self { batch, series, dense }
    }

    pub(crate) fn times(&self, range: Range<usize>) -> &'b [i64] {
        self.batch.time_ns.get(range).unwrap_or_default()
    }
}

/// A field of a chunk.
#[derive(Debug, Clone)]
pub(crate) struct ChunkColumn {
    pub(crate) name: Name,
    pub(crate) values: FieldValues,
    /// Which rows have a value; all of those up to the column's end, when it is `None`.
    pub(crate) valid: Option<Vec<bool>>,
}

impl Chunk {
    pub(crate) fn rows(&self) -> usize {
        self.time_ns.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows() >= CHUNK_ROWS || self.bytes() >= CHUNK_BYTES
    }

    /// Bytes that the rows take.
    pub(crate) fn bytes(&self) -> usize {
        self.rows() * 12 + self.columns.iter().map(ChunkColumn::bytes).sum::<usize>()
    }

    /// Bytes that one more row with all columns would take, without its text and vectors.
    pub(crate) fn row_bytes(&self) -> usize {
        12 + self.columns.len() * 9
    }

    /// The column of a field.
    pub(crate) fn column(&self, name: &str) -> Option<&ChunkColumn> {
        self.columns.iter().find(|column| column.name.as_ref() == name)
    }

    /// Appends rows of a batch.
    pub(crate) fn append(&mut self, incoming: &Incoming<'_>, range: Range<usize>) {
        let before = self.rows();
        self.time_ns.extend_from_slice(incoming.times(range.clone()));
        self.series.extend_from_slice(incoming.series.get(range.clone()).unwrap_or_default());
        debug_assert_eq!(self.rows(), self.series.len());
        let mut hint = 0;
        for (field, dense) in incoming.batch.fields.iter().zip(&incoming.dense) {
            if !dense && !range.clone().any(|row| field.valid.get(row)) {
                continue;
            }
            let index = self.index(field, hint);
            hint = index + 1;
            if let Some(column) = self.columns.get_mut(index) {
                column.fill_to(before);
                column.extend(field, range.clone(), *dense);
                debug_assert_eq!(column.values.len(), self.time_ns.len());
            }
        }
    }

    /// Where a field's column is; batches of a table mostly have the same fields in the same order.
    fn index(&mut self, field: &FieldColumn, hint: usize) -> usize {
        if self.columns.get(hint).is_some_and(|column| column.name == field.name) {
            return hint;
        }
        if let Some(index) = self.columns.iter().position(|column| column.name == field.name) {
            return index;
        }
        let values = FieldValues::new(field.values.field_type());
        self.columns.push(ChunkColumn { name: field.name.clone(), values, valid: None });
        self.columns.len() - 1
    }
}

impl ChunkColumn {
    /// Whether a row has a value.
    pub(crate) fn has(&self, row: usize) -> bool {
        row < self.values.len() && self.valid.as_ref().is_none_or(|valid| valid.get(row).copied().unwrap_or(false))
    }

    fn bytes(&self) -> usize {
        let rows = self.values.len();
        let values = match &self.values {
            FieldValues::F64(_) | FieldValues::I64(_) | FieldValues::U64(_) => rows * 8,
            FieldValues::Bool(_) => rows,
            FieldValues::Text(text) => rows * 4 + text.text_bytes(),
            FieldValues::Vector(vectors) => rows * 4 + vectors.number_bytes(),
        };
        COLUMN_BYTES + values + self.valid.as_ref().map_or(0, Vec::len)
    }

    fn fill_to(&mut self, rows: usize) {
        let len = self.values.len();
        if len >= rows {
            return;
        }
        self.valid.get_or_insert_with(|| vec![true; len]).resize(rows, false);
        match &mut self.values {
            FieldValues::F64(values) => values.resize(rows, 0.0),
            FieldValues::I64(values) => values.resize(rows, 0),
            FieldValues::U64(values) => values.resize(rows, 0),
            FieldValues::Bool(values) => values.resize(rows, false),
            FieldValues::Text(values) => (len..rows).for_each(|_| values.push("")),
            FieldValues::Vector(values) => (len..rows).for_each(|_| values.push_absent()),
        }
    }

    fn extend(&mut self, field: &FieldColumn, range: Range<usize>, dense: bool) {
        let len = self.values.len();
        if !dense {
            self.valid.get_or_insert_with(|| vec![true; len]);
        }
        if let Some(valid) = &mut self.valid {
            valid.extend(range.clone().map(|row| dense || field.valid.get(row)));
        }
        match (&mut self.values, &field.values) {
            (FieldValues::F64(to), FieldValues::F64(from)) => extend(to, from, range),
            (FieldValues::I64(to), FieldValues::I64(from)) => extend(to, from, range),
            (FieldValues::U64(to), FieldValues::U64(from)) => extend(to, from, range),
            (FieldValues::Bool(to), FieldValues::Bool(from)) => extend(to, from, range),
            (FieldValues::Text(to), FieldValues::Text(from)) => extend_text(to, from, range),
            (FieldValues::Vector(to), FieldValues::Vector(from)) => to.extend(from, range),
            _ => debug_assert!(false, "the catalog keeps a field to one type"),
        }
    }
}

fn extend<T: Copy>(to: &mut Vec<T>, from: &[T], range: Range<usize>) {
    to.extend_from_slice(from.get(range).unwrap_or_default());
}

fn extend_text(to: &mut TextColumn, from: &TextColumn, range: Range<usize>) {
    range.for_each(|row| to.push(from.get(row)));
}
