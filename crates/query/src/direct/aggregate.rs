//! Aggregates of rows in bins.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, Int64Array, PrimitiveArray, RecordBatch,
    TimestampNanosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, Schema, UInt64Type};
use datafusion::common::{DataFusionError, Result};
use sensorium_model::FieldType;

use super::Column;
use super::question::Question;
use super::rows::times;

/// What a column of the answer tells of each bin.
#[derive(Debug)]
pub(super) struct Aggregate {
    function: Function,
    /// What it is of; none for the bin itself and for all rows.
    pub(super) field: Option<String>,
    data_type: DataType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Bin,
    Count,
    Avg,
    Sum,
    Min,
    Max,
}

impl Aggregate {
    /// When the bin begins.
    pub(super) fn bin() -> Self {
        Self { function: Function::Bin, field: None, data_type: DataType::Null }
    }

    /// A function by its name, of a field of some kind or, without one, of all rows.
    pub(super) fn of(function: &str, field: Option<String>, kind: Option<FieldType>) -> Option<Self> {
        let numbers = |function, data_type| Some(Self { function, field: field.clone(), data_type });
        match function {
            "count" => {
                let field = field.clone().filter(|_| kind.is_some());
                Some(Self { function: Function::Count, field, data_type: DataType::Int64 })
            }
            "avg" => number_type(kind?).and_then(|_| numbers(Function::Avg, DataType::Float64)),
            "sum" => numbers(Function::Sum, number_type(kind?)?),
            "min" => numbers(Function::Min, number_type(kind?)?),
            "max" => numbers(Function::Max, number_type(kind?)?),
            _ => None,
        }
    }

    pub(super) fn is_count(&self) -> bool {
        self.function == Function::Count
    }

    pub(super) fn data_type(&self) -> DataType {
        self.data_type.clone()
    }

    fn column(&self, rows: &RecordBatch, bins: &[Bin]) -> Result<ArrayRef> {
        let values = self.field.as_ref().and_then(|field| rows.column_by_name(field));
        match (self.function, values) {
            (Function::Bin, _) => {
                let starts = TimestampNanosecondArray::from_iter_values(bins.iter().map(|bin| bin.start_ns));
                Ok(Arc::new(starts.with_timezone("UTC")))
            }
            (Function::Count, None) => Ok(counts(bins, |bin| bin.rows.len())),
            (Function::Count, Some(values)) => {
                let valid = |bin: &Bin| bin.rows.len() - values.slice(bin.rows.start, bin.rows.len()).null_count();
                Ok(counts(bins, valid))
            }
            (Function::Avg, Some(values)) => {
                let values = cast(values, &DataType::Float64)?;
                let values = values.as_primitive_opt::<Float64Type>().ok_or_else(no_number)?;
                let average = |bin: &Bin| {
                    let of_bin = values.slice(bin.rows.start, bin.rows.len());
                    let count = of_bin.len() - of_bin.null_count();
                    // The first value is added to nothing, as by DataFusion: that tells 0 from -0.
                    (count > 0).then(|| of_bin.iter().flatten().fold(0.0, |sum, value| sum + value) / count as f64)
                };
                Ok(Arc::new(bins.iter().map(average).collect::<PrimitiveArray<Float64Type>>()))
            }
            (function, Some(values)) => match self.data_type {
                DataType::Float64 => folded::<Float64Type>(values, bins, function),
                DataType::Int64 => folded::<Int64Type>(values, bins, function),
                DataType::UInt64 => folded::<UInt64Type>(values, bins, function),
                _ => Err(no_number()),
            },
            (_, None) => Err(no_number()),
        }
    }
}

/// The type of numbers that aggregates are made of.
fn number_type(kind: FieldType) -> Option<DataType> {
    match kind {
        FieldType::F64 => Some(DataType::Float64),
        FieldType::I64 => Some(DataType::Int64),
        FieldType::U64 => Some(DataType::UInt64),
        FieldType::Bool | FieldType::Text | FieldType::Vector(_) => None,
    }
}

fn no_number() -> DataFusionError {
    DataFusionError::Internal("a field is not of the type of its column".to_owned())
}

fn counts(bins: &[Bin], count: impl Fn(&Bin) -> usize) -> ArrayRef {
    Arc::new(bins.iter().map(|bin| i64::try_from(count(bin)).ok()).collect::<Int64Array>())
}

/// The sum, least or largest value of each bin.
fn folded<T: ArrowPrimitiveType>(values: &ArrayRef, bins: &[Bin], function: Function) -> Result<ArrayRef>
where
    T::Native: ArrowNativeTypeOp,
{
    let values = values.as_primitive_opt::<T>().ok_or_else(no_number)?;
    let of_both = |a: T::Native, b: T::Native| match function {
        Function::Min if b < a => b,
        Function::Max if b > a => b,
        Function::Min | Function::Max => a,
        _ => a.add_wrapping(b),
    };
    let of_bin = |bin: &Bin| values.slice(bin.rows.start, bin.rows.len()).iter().flatten().reduce(of_both);
    Ok(Arc::new(bins.iter().map(of_bin).collect::<PrimitiveArray<T>>()))
}

/// A bin and its rows.
struct Bin {
    start_ns: i64,
    rows: Range<usize>,
}

/// The bins that have rows; `None` if one begins before time does.
fn bins(times: &[i64], step_ns: i64) -> Option<Vec<Bin>> {
    let mut bins: Vec<Bin> = Vec::new();
    for (row, time) in times.iter().enumerate() {
        let start_ns = time.checked_sub(time.rem_euclid(step_ns))?;
        match bins.last_mut() {
            Some(bin) if bin.start_ns == start_ns => bin.rows.end = row + 1,
            _ => bins.push(Bin { start_ns, rows: row..row + 1 }),
        }
    }
    Some(bins)
}

/// The answer, made of the rows.
pub(super) fn answer_of(question: &Question, columns: &[Column], rows: &RecordBatch) -> Result<Option<RecordBatch>> {
    let Some(mut bins) = bins(times(rows)?, question.step_ns) else { return Ok(None) };
    if question.descending {
        bins.reverse();
    }
    let schema = Schema::new(columns.iter().map(|(field, _)| field.clone()).collect::<Vec<_>>());
    let answer = columns.iter().map(|(_, aggregate)| aggregate.column(rows, &bins));
    Ok(Some(RecordBatch::try_new(Arc::new(schema), answer.collect::<Result<_>>()?)?))
}
