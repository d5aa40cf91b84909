//! How a table's columns stand in a file.
//!
//! Times have the coarsest of milliseconds, microseconds and nanoseconds that loses none of them; Parquet knows no seconds.
//! Doubles that are decimals are stored as such ([`super::decimal`]). Everything else is as in memory. [`crate::adapt`] brings
//! what a reader gives back to the table's types.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Schema, TimeUnit, TimestampNanosecondType};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use sensorium_model::time::NANOS_PER_MILLI;

use super::decimal::{Decimals, to_decimals};

const NANOS_PER_MICRO: i64 = 1_000;

/// The types of a file's columns by name, where they are not those of the table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    types: HashMap<String, DataType>,
}

/// What is known of columns from some of their rows.
#[derive(Debug, Default)]
struct Columns {
    times: HashMap<String, (TimeUnit, Option<Arc<str>>)>,
    numbers: HashMap<String, Decimals>,
}

impl Form {
    /// The smallest form for rows that are all there.
    pub(crate) fn of_rows(batch: &RecordBatch) -> Self {
        let mut columns = Columns::default();
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            columns.add_rows(field.name(), column);
        }
        columns.form()
    }

    /// The form that a file with these columns has, and that holds all of its rows.
    pub(crate) fn of_file(columns: &Schema) -> Self {
        let own = |data_type: &DataType| {
            matches!(data_type, DataType::Timestamp(..) | DataType::Decimal32(..) | DataType::Decimal64(..))
        };
        let fields = columns.fields().iter().filter(|field| own(field.data_type()));
        Self { types: fields.map(|field| (field.name().clone(), field.data_type().clone())).collect() }
    }

    /// A form for any rows of these files, found from their metadata. Only columns that stand as doubles in one of them, as
    /// all did in format 1, are read, up to the first value that is no decimal.
    pub(crate) fn of_files(paths: &[&Path]) -> Result<Self, ParquetError> {
        let mut columns = Columns::default();
        for path in paths {
            let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
            let mut doubles = Vec::new();
            for (index, field) in builder.schema().fields().iter().enumerate() {
                match field.data_type() {
                    DataType::Timestamp(unit, zone) => columns.add_times(field.name(), *unit, zone.as_ref()),
                    DataType::Decimal32(_, digits) | DataType::Decimal64(_, digits) => {
                        columns.numbers(field.name()).add_decimals(*digits, largest(builder.metadata(), index));
                    }
                    DataType::Float64 => doubles.push((index, field.name().clone())),
                    _ => {}
                }
            }
            for (index, name) in doubles {
                let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
                let mask = ProjectionMask::roots(builder.parquet_schema(), [index]);
                let mut reader = builder.with_projection(mask).build()?;
                while columns.numbers(&name).possible()
                    && let Some(batch) = reader.next().transpose()?
                {
                    batch.columns().iter().for_each(|column| columns.add_rows(&name, column));
                }
            }
        }
        Ok(columns.form())
    }

    /// Rows as they are written; fails if the form does not hold one of them.
    pub(crate) fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let mut fields = Vec::with_capacity(batch.num_columns());
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let column = match self.types.get(field.name()) {
                Some(data_type) => converted(column, data_type)?
                    .ok_or_else(|| ArrowError::CastError(format!("a value of {} is no {data_type}", field.name())))?,
                None => Arc::clone(column),
            };
            fields.push(Field::new(field.name(), column.data_type().clone(), field.is_nullable()));
            columns.push(column);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
    }
}

impl Columns {
    fn add_rows(&mut self, name: &str, column: &ArrayRef) {
        if let Some(times) = column.as_primitive_opt::<TimestampNanosecondType>() {
            let all = |unit: i64| times.values().iter().all(|time| time % unit == 0);
            let unit = if all(NANOS_PER_MILLI) {
                TimeUnit::Millisecond
            } else if all(NANOS_PER_MICRO) {
                TimeUnit::Microsecond
            } else {
                TimeUnit::Nanosecond
            };
            self.add_times(name, unit, times.timezone().map(Arc::from).as_ref());
        } else if let Some(doubles) = column.as_primitive_opt::<Float64Type>() {
            self.numbers(name).add_values(doubles);
        }
    }

    fn add_times(&mut self, name: &str, unit: TimeUnit, zone: Option<&Arc<str>>) {
        let known = self.times.entry(name.to_owned()).or_insert((unit, zone.cloned()));
        known.0 = unit.max(known.0);
    }

    fn numbers(&mut self, name: &str) -> &mut Decimals {
        self.numbers.entry(name.to_owned()).or_default()
    }

    fn form(self) -> Form {
        let times = self.times.into_iter().map(|(name, (unit, zone))| (name, DataType::Timestamp(unit, zone)));
        let numbers = self.numbers.into_iter().filter_map(|(name, decimals)| Some((name, decimals.data_type()?)));
        Form { types: times.chain(numbers).collect() }
    }
}

/// The column in another type; `None` if that does not hold all of its values.
fn converted(column: &ArrayRef, data_type: &DataType) -> Result<Option<ArrayRef>, ArrowError> {
    if let Some(doubles) = column.as_primitive_opt::<Float64Type>() {
        return to_decimals(doubles, data_type);
    }
    let converted = cast(column, data_type)?;
    let same = column.data_type() == data_type || cast(&converted, column.data_type())?.as_ref() == column.as_ref();
    Ok(same.then_some(converted))
}

/// The largest integer of a column of decimals without its sign; the largest that there is when statistics are absent.
fn largest(metadata: &ParquetMetaData, column: usize) -> u64 {
    let of_group = |statistics: Option<&Statistics>| match statistics {
        Some(Statistics::Int32(found)) => {
            Some(found.min_opt()?.unsigned_abs().max(found.max_opt()?.unsigned_abs()).into())
        }
        Some(Statistics::Int64(found)) => Some(found.min_opt()?.unsigned_abs().max(found.max_opt()?.unsigned_abs())),
        _ => None,
    };
    let groups = metadata.row_groups().iter().filter_map(|group| {
        let chunk = group.columns().get(column)?;
        let absent = chunk.statistics().and_then(Statistics::null_count_opt) == Some(chunk.num_values().unsigned_abs());
        if absent { Some(0) } else { Some(of_group(chunk.statistics()).unwrap_or(u64::MAX)) }
    });
    groups.max().unwrap_or(0)
}
