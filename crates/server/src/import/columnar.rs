//! Reads Parquet files.
//!
//! A column's type says what it is: a time stamp is the time, text in a dictionary is a tag (as Sensorium itself writes
//! tags), numbers keep their kind, dates and other time stamps become text. NaN is no value. Lists, structures and bytes
//! are left out.

use anyhow::{Context, Result, bail};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, SchemaRef, TimeUnit, TimestampNanosecondType, UInt64Type};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use sensorium_model::{BatchBuilder, ColumnKind, FieldType, Point, Precision, RowError, Value};
use sensorium_protocols::Refusals;
use sensorium_protocols::time::{DateTimeFormat, Zone, epoch_ns, guess_precision, sounds_like_time};

use super::ImportArgs;
use super::open::open_file;
use super::reader::{PIECE_CELLS, Reader};

/// Integers up to this one are all exact in a float (2^53).
const EXACT: u64 = 1 << 53;

/// Rows of a Parquet file.
pub(super) struct ParquetRows {
    table: String,
    columns: Vec<PlannedColumn>,
    reader: ParquetRecordBatchReader,
    /// The first rows, which were looked at to make the plan.
    pending: Option<RecordBatch>,
    read: u64,
    total: u64,
    previous_ns: Option<i64>,
    ambiguous: u64,
}

struct PlannedColumn {
    name: String,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    Time(TimeFormat),
    Tag,
    Field(FieldType),
    /// Left out, and why.
    Skip(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum TimeFormat {
    /// Time stamps of a known zone.
    Moment,
    /// Time stamps without a zone.
    Local(Zone),
    /// Numbers since 1970.
    Number(Precision),
    /// Dates as text.
    Text(DateTimeFormat),
}

impl ParquetRows {
    pub(super) fn open(args: &ImportArgs, table: String) -> Result<Self> {
        let name = args.file.display();
        let file = open_file(&args.file)?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)
            .with_context(|| format!("{name} cannot be read as Parquet"))?;
        let total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
        let schema = builder.schema().clone();
        let rows = (PIECE_CELLS / schema.fields().len().max(1)).clamp(64, 8_192);
        let mut reader = builder.with_batch_size(rows).build().with_context(|| format!("{name} cannot be read"))?;
        let pending = reader.next().transpose().with_context(|| format!("{name} cannot be read"))?;
        let Some(first) = &pending else { bail!("{name} holds no row") };
        let columns = plan(&schema, first, args)?;
        Ok(Self { table, columns, reader, pending, read: 0, total, previous_ns: None, ambiguous: 0 })
    }
}

impl Reader for ParquetRows {
    fn fill(&mut self, builder: &mut BatchBuilder<'_>, refusals: &mut Refusals) -> Result<bool> {
        let next = self.pending.take().map(Ok).or_else(|| self.reader.next());
        let Some(rows) = next.transpose().context("the file is damaged")? else { return Ok(false) };
        let columns = self.columns.iter().zip(rows.columns());
        let columns = columns.map(|(column, array)| Values::new(column.role, array)).collect::<Result<Vec<_>>>()?;
        for row in 0..rows.num_rows() {
            self.read += 1;
            let line = u32::try_from(self.read).unwrap_or(u32::MAX);
            let point = point(&self.table, &self.columns, &columns, row, self.previous_ns, builder);
            let pushed = point.and_then(|(point, ambiguous)| {
                self.previous_ns = Some(point.time_ns);
                self.ambiguous += u64::from(ambiguous);
                builder.push(&point, line)
            });
            if let Err(error) = pushed {
                refusals.push(line, error, &[]);
            }
        }
        Ok(true)
    }

    fn position(&self) -> u64 {
        self.read
    }

    fn total(&self) -> u64 {
        self.total
    }

    fn describe(&self) -> Vec<String> {
        let mut lines = vec![format!("Parquet, {} rows; table {:?}", self.total, self.table), String::new()];
        let width = self.columns.iter().map(|column| column.name.chars().count()).max().unwrap_or_default();
        for column in &self.columns {
            let role = match column.role {
                Role::Time(TimeFormat::Moment) => "time".to_owned(),
                Role::Time(TimeFormat::Local(zone)) => format!("time (in zone {zone})"),
                Role::Time(TimeFormat::Number(unit)) => format!("time (a number of {} since 1970)", unit.as_str()),
                Role::Time(TimeFormat::Text(format)) => {
                    format!("time ({}; where no zone is given: {})", format.order, format.zone)
                }
                Role::Tag => "tag".to_owned(),
                Role::Field(kind) => format!("field: {kind}"),
                Role::Skip(why) => format!("left out{why}"),
            };
            lines.push(format!("  {:width$}  {role}", column.name));
        }
        lines
    }

    fn notes(&self) -> Vec<String> {
        match self.ambiguous {
            0 => Vec::new(),
            rows => vec![format!("{rows} rows have a local time that happened twice, because clocks went back")],
        }
    }
}

fn plan(schema: &SchemaRef, first: &RecordBatch, args: &ImportArgs) -> Result<Vec<PlannedColumn>> {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let find = |name: &String| {
        let position = names.iter().position(|known| known == name);
        let position = position.or_else(|| names.iter().position(|known| known.eq_ignore_ascii_case(name)));
        position.with_context(|| format!("there is no column {name:?}; the columns are {}", names.join(", ")))
    };
    let tags = args.tag.iter().map(find).collect::<Result<Vec<_>>>()?;
    let skip = args.skip.iter().map(find).collect::<Result<Vec<_>>>()?;
    let (time, format) =
        find_time(schema, first, args, &|position| tags.contains(&position) || skip.contains(&position))?;
    let columns = schema.fields().iter().enumerate().map(|(position, field)| {
        let role = if position == time {
            Role::Time(format)
        } else if skip.contains(&position) {
            Role::Skip("")
        } else if tags.contains(&position) {
            Role::Tag
        } else {
            role(field.data_type())
        };
        PlannedColumn { name: field.name().clone(), role }
    });
    let columns: Vec<_> = columns.collect();
    if !columns.iter().any(|column| matches!(column.role, Role::Field(_))) {
        bail!("no column is left for a field; a reading needs at least one");
    }
    Ok(columns)
}

fn role(data_type: &DataType) -> Role {
    match data_type {
        DataType::Dictionary(_, value) if is_text(value) => Role::Tag,
        DataType::Boolean => Role::Field(FieldType::Bool),
        other if other.is_signed_integer() => Role::Field(FieldType::I64),
        other if other.is_unsigned_integer() => Role::Field(FieldType::U64),
        other if other.is_floating() || other.is_decimal() => Role::Field(FieldType::F64),
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Role::Field(FieldType::Text),
        other if is_text(other) => Role::Field(FieldType::Text),
        _ => Role::Skip(": a type that has no place in a table of readings"),
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn find_time(
    schema: &SchemaRef,
    first: &RecordBatch,
    args: &ImportArgs,
    taken: &dyn Fn(usize) -> bool,
) -> Result<(usize, TimeFormat)> {
    let fields = || schema.fields().iter().enumerate().filter(|(position, _)| !taken(*position));
    let known = || schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
    let format = |position: usize| first.columns().get(position).and_then(|array| time_format(array, args));
    if let Some(name) = &args.time_column {
        let named = fields().find(|(_, field)| field.name().eq_ignore_ascii_case(name));
        let (position, _) =
            named.with_context(|| format!("there is no column {name:?}; the columns are {}", known()))?;
        let format = format(position).with_context(|| format!("column {name:?} does not hold times"))?;
        return Ok((position, format));
    }
    let by_name = fields().filter(|(_, field)| sounds_like_time(field.name())).find_map(|(p, _)| Some((p, format(p)?)));
    let is_stamp = |data_type: &DataType| matches!(data_type, DataType::Timestamp(..));
    let by_type = || fields().filter(|(_, field)| is_stamp(field.data_type())).find_map(|(p, _)| Some((p, format(p)?)));
    by_name.or_else(by_type).with_context(|| {
        format!("no column looks like a time; name it with --time-column (the columns are {})", known())
    })
}

fn time_format(array: &ArrayRef, args: &ImportArgs) -> Option<TimeFormat> {
    let zone = args.timezone.unwrap_or(Zone::UTC);
    match array.data_type() {
        DataType::Timestamp(_, Some(_)) => Some(TimeFormat::Moment),
        DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64 => Some(TimeFormat::Local(zone)),
        other if other.is_integer() || other.is_floating() => {
            let text = cast(array, &DataType::Utf8).ok()?;
            let first = text.as_string::<i32>().iter().flatten().next()?.split('.').next()?.parse().ok()?;
            Some(TimeFormat::Number(args.precision.unwrap_or_else(|| guess_precision(first))))
        }
        other if is_text(other) => {
            let text = cast(array, &DataType::Utf8).ok()?;
            DateTimeFormat::detect(text.as_string::<i32>().iter().flatten(), zone).map(TimeFormat::Text)
        }
        _ => None,
    }
}

/// A column of one piece, in one of a few types.
struct Values(Option<ArrayRef>);

impl Values {
    fn new(role: Role, array: &ArrayRef) -> Result<Self> {
        let utc = |zone: bool| DataType::Timestamp(TimeUnit::Nanosecond, zone.then(|| "+00:00".into()));
        let wanted = match role {
            Role::Skip(_) | Role::Field(FieldType::Vector(_)) => return Ok(Self(None)),
            Role::Time(TimeFormat::Moment) => utc(true),
            Role::Time(TimeFormat::Local(_)) => utc(false),
            Role::Time(TimeFormat::Number(_) | TimeFormat::Text(_)) | Role::Tag | Role::Field(FieldType::Text) => {
                DataType::Utf8
            }
            Role::Field(FieldType::F64) => DataType::Float64,
            Role::Field(FieldType::I64) => DataType::Int64,
            Role::Field(FieldType::U64) => DataType::UInt64,
            Role::Field(FieldType::Bool) => DataType::Boolean,
        };
        Ok(Self(Some(cast(array, &wanted).context("a column cannot be read")?)))
    }

    /// The array, if the row has a value.
    fn at(&self, row: usize) -> Option<&ArrayRef> {
        self.0.as_ref().filter(|array| array.is_valid(row))
    }
}

fn point<'r>(
    table: &'r str,
    columns: &'r [PlannedColumn],
    values: &'r [Values],
    row: usize,
    previous_ns: Option<i64>,
    builder: &BatchBuilder<'_>,
) -> Result<(Point<'r>, bool), RowError> {
    let mut point = Point::new(table, 0);
    let mut moment = None;
    for (column, values) in columns.iter().zip(values) {
        let Some(array) = values.at(row) else { continue };
        match column.role {
            Role::Time(format) => moment = Some(time(format, array, row, previous_ns)?),
            Role::Tag => point.tags.push((column.name.as_str().into(), array.as_string::<i32>().value(row).into())),
            Role::Field(kind) => {
                if let Some(value) = field(kind, array, row) {
                    let value = adapt(value, builder.kind(table, &column.name));
                    point.fields.push((column.name.as_str().into(), value));
                }
            }
            Role::Skip(_) => {}
        }
    }
    let (time_ns, ambiguous) = moment.ok_or_else(|| RowError::Malformed("the row has no time".to_owned()))?;
    point.time_ns = time_ns;
    Ok((point, ambiguous))
}

fn time(format: TimeFormat, array: &ArrayRef, row: usize, previous_ns: Option<i64>) -> Result<(i64, bool), RowError> {
    let malformed = |error: &dyn std::fmt::Display| RowError::Malformed(error.to_string());
    let stamp = || array.as_primitive::<TimestampNanosecondType>().value(row);
    let instant = match format {
        TimeFormat::Moment => return Ok((stamp(), false)),
        TimeFormat::Local(zone) => zone.moment_of_local_ns(stamp(), previous_ns),
        TimeFormat::Text(format) => format.parse(array.as_string::<i32>().value(row), previous_ns),
        TimeFormat::Number(precision) => {
            let text = array.as_string::<i32>().value(row);
            let time = epoch_ns(text, Some(precision));
            let time = time.ok_or_else(|| malformed(&format_args!("{text:?} is no number since 1970")))?;
            return Ok((time.map_err(|error| malformed(&error))?, false));
        }
    };
    instant.map(|instant| (instant.time_ns, instant.ambiguous)).map_err(|error| malformed(&error))
}

fn field(kind: FieldType, array: &ArrayRef, row: usize) -> Option<Value<'_>> {
    Some(match kind {
        FieldType::F64 => {
            let number = array.as_primitive::<Float64Type>().value(row);
            return (!number.is_nan()).then_some(Value::F64(number));
        }
        FieldType::I64 => Value::I64(array.as_primitive::<Int64Type>().value(row)),
        FieldType::U64 => Value::U64(array.as_primitive::<UInt64Type>().value(row)),
        FieldType::Bool => Value::Bool(array.as_boolean().value(row)),
        FieldType::Text => Value::Text(array.as_string::<i32>().value(row).into()),
        FieldType::Vector(_) => return None,
    })
}

/// Fits a number to the stored column where nothing is lost by it; otherwise the row is refused later.
fn adapt<'v>(value: Value<'v>, stored: Option<ColumnKind>) -> Value<'v> {
    let Some(ColumnKind::Field(stored)) = stored else { return value };
    match (value, stored) {
        (Value::I64(n), FieldType::F64) if n.unsigned_abs() <= EXACT => Value::F64(n as f64),
        (Value::U64(n), FieldType::F64) if n <= EXACT => Value::F64(n as f64),
        (Value::I64(n), FieldType::U64) => u64::try_from(n).map_or(Value::I64(n), Value::U64),
        (Value::U64(n), FieldType::I64) => i64::try_from(n).map_or(Value::U64(n), Value::I64),
        (Value::F64(n), FieldType::I64) if n.fract() == 0.0 && n.abs() <= EXACT as f64 => Value::I64(n as i64),
        (Value::F64(n), FieldType::U64) if n.fract() == 0.0 && (0.0..=EXACT as f64).contains(&n) => {
            Value::U64(n as u64)
        }
        (value, _) => value,
    }
}
