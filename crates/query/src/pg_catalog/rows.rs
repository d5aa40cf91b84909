//! Small tables that are made from cells.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::datasource::MemTable;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Numbers and object identifiers.
    Number,
    Text,
    Truth,
}

/// A value in its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Number(i64),
    Text(String),
    Truth(bool),
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Cell {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A column: its name, and the kind of its cells.
pub(super) type ColumnOf = (&'static str, Kind);

/// A table from its columns and, of each row, what is known of it; other cells are null.
pub(super) fn table(columns: &[ColumnOf], rows: &[Vec<(&'static str, Cell)>]) -> Result<Arc<dyn TableProvider>> {
    let cell = |row: &Vec<(&'static str, Cell)>, name: &str| {
        row.iter().find(|(column, _)| *column == name).map_or(Cell::Null, |(_, cell)| cell.clone())
    };
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for (name, kind) in columns {
        let cells = rows.iter().map(|row| cell(row, name));
        let (data_type, array): (DataType, ArrayRef) = match kind {
            Kind::Number => {
                let numbers = cells.map(|cell| if let Cell::Number(number) = cell { Some(number) } else { None });
                (DataType::Int64, Arc::new(numbers.collect::<Int64Array>()))
            }
            Kind::Text => {
                let texts = cells.map(|cell| if let Cell::Text(text) = cell { Some(text) } else { None });
                (DataType::Utf8, Arc::new(texts.collect::<StringArray>()))
            }
            Kind::Truth => {
                let truths = cells.map(|cell| if let Cell::Truth(truth) = cell { Some(truth) } else { None });
                (DataType::Boolean, Arc::new(truths.collect::<BooleanArray>()))
            }
        };
        fields.push(Field::new(*name, data_type, true));
        arrays.push(array);
    }
    let schema = Arc::new(Schema::new(fields));
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}
