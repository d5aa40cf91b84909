//! Batches of DataFusion as rows of cells.

use std::cell::RefCell;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampNanosecondType, UInt64Type};
use datafusion::common::{DataFusionError, Result, internal_err};

use super::super::Cell;

/// A column that gives its values as cells.
enum Reader {
    Float(PrimitiveArray<Float64Type>),
    Integer(PrimitiveArray<Int64Type>),
    Unsigned(PrimitiveArray<UInt64Type>),
    Boolean(BooleanArray),
    Time(PrimitiveArray<TimestampNanosecondType>),
    /// Texts by the number of their row.
    Texts(ArrayRef),
    /// Texts by their number, and the one that was read last: neighbours mostly have the same.
    Tags(PrimitiveArray<Int32Type>, StringArray, RefCell<Option<(i32, Arc<str>)>>),
    Nothing,
}

/// A batch whose rows are read one after the other.
pub(super) struct Reading {
    columns: Vec<Reader>,
    rows: usize,
}

impl Reading {
    pub(super) fn new(batch: &RecordBatch) -> Result<Self> {
        let columns = batch.columns().iter().map(reader).collect::<Result<_>>()?;
        Ok(Self { columns, rows: batch.num_rows() })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The value of a column in a row.
    pub(super) fn cell(&self, column: usize, row: usize) -> Cell {
        match self.columns.get(column) {
            Some(Reader::Float(values)) if values.is_valid(row) => Cell::Float(values.value(row)),
            Some(Reader::Integer(values)) if values.is_valid(row) => Cell::Integer(values.value(row)),
            Some(Reader::Unsigned(values)) if values.is_valid(row) => Cell::Unsigned(values.value(row)),
            Some(Reader::Boolean(values)) if values.is_valid(row) => Cell::Boolean(values.value(row)),
            Some(Reader::Time(values)) if values.is_valid(row) => Cell::Time(values.value(row)),
            Some(Reader::Texts(values)) if values.is_valid(row) => match values.as_string_opt::<i32>() {
                Some(texts) => Cell::Text(Arc::from(texts.value(row))),
                None => Cell::Null,
            },
            Some(Reader::Tags(keys, values, last)) if keys.is_valid(row) => {
                let key = keys.value(row);
                let mut last = last.borrow_mut();
                match last.as_ref() {
                    Some((of, text)) if *of == key => Cell::Text(Arc::clone(text)),
                    _ => {
                        let Ok(index) = usize::try_from(key) else { return Cell::Null };
                        let text: Arc<str> = Arc::from(values.value(index));
                        *last = Some((key, Arc::clone(&text)));
                        Cell::Text(text)
                    }
                }
            }
            _ => Cell::Null,
        }
    }

    /// A time or an integer; `None` where there is none.
    pub(super) fn nanoseconds(&self, column: usize, row: usize) -> Option<i64> {
        match self.cell(column, row) {
            Cell::Time(time) | Cell::Integer(time) => Some(time),
            _ => None,
        }
    }

    /// A text; the empty one where there is none.
    pub(super) fn text(&self, column: usize, row: usize) -> Arc<str> {
        match self.cell(column, row) {
            Cell::Text(text) => text,
            _ => Arc::from(""),
        }
    }
}

fn reader(column: &ArrayRef) -> Result<Reader> {
    let unknown = || internal_err!("a column of type {} cannot be read", column.data_type());
    Ok(match column.data_type() {
        DataType::Float64 => Reader::Float(column.as_primitive().clone()),
        DataType::Int64 => Reader::Integer(column.as_primitive().clone()),
        DataType::UInt64 => Reader::Unsigned(column.as_primitive().clone()),
        DataType::Boolean => Reader::Boolean(column.as_boolean().clone()),
        DataType::Timestamp(..) => match column.as_primitive_opt::<TimestampNanosecondType>() {
            Some(times) => Reader::Time(times.clone()),
            None => return unknown(),
        },
        DataType::Utf8 => Reader::Texts(Arc::clone(column)),
        DataType::Utf8View | DataType::LargeUtf8 => {
            Reader::Texts(cast(column, &DataType::Utf8).map_err(DataFusionError::from)?)
        }
        DataType::Dictionary(..) => {
            let Some(tags) = column.as_dictionary_opt::<Int32Type>() else { return unknown() };
            let Some(texts) = tags.values().as_string_opt::<i32>() else { return unknown() };
            Reader::Tags(tags.keys().clone(), texts.clone(), RefCell::new(None))
        }
        DataType::Null => Reader::Nothing,
        _ => return unknown(),
    })
}
