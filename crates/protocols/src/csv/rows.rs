//! Reads a file's rows by a plan.

use std::borrow::Cow;
use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder};
use sensorium_model::{BatchBuilder, Point, RowError, Value};

use super::infer;
use super::plan::{FieldKind, Plan, PlannedColumn, Role, TimeFormat};
use super::{CsvError, MAX_ROW_VALUES};
use crate::numbers::number;
use crate::refusals::Refusals;
use crate::time::epoch_ns;

/// The most bytes of a file that become one batch.
const PIECE_BYTES: u64 = 4 << 20;

/// The rows of a file.
pub struct Rows<R> {
    reader: Reader<R>,
    record: ByteRecord,
    plan: Plan,
    header_pending: bool,
    /// The time of the row before, which decides in the hour that happens twice.
    previous_ns: Option<i64>,
    ambiguous: u64,
}

impl<R: Read> Rows<R> {
    /// Reads `input` from its start.
    pub fn new(plan: Plan, input: R) -> Self {
        let reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(plan.delimiter).from_reader(input);
        let header_pending = plan.header;
        Self { reader, record: ByteRecord::new(), plan, header_pending, previous_ns: None, ambiguous: 0 }
    }

    /// Reads up to `most` rows, and not much more than 4 MiB, into the builder; refused rows go to `refusals`, numbered by their line. Returns the
    /// number of rows that were read: 0 at the end of the file.
    pub fn fill(
        &mut self,
        builder: &mut BatchBuilder<'_>,
        refusals: &mut Refusals,
        most: usize,
    ) -> Result<usize, CsvError> {
        let mut rows = 0;
        let end = self.reader.position().byte().saturating_add(PIECE_BYTES);
        while rows < most && self.reader.position().byte() < end {
            if !self.reader.read_byte_record(&mut self.record).map_err(|source| CsvError::Read { source })? {
                break;
            }
            if std::mem::take(&mut self.header_pending) {
                continue;
            }
            rows += 1;
            let line = self.line();
            match read(&self.record, &mut self.plan, self.previous_ns, builder) {
                Ok((point, ambiguous)) => {
                    self.previous_ns = Some(point.time_ns);
                    self.ambiguous += u64::from(ambiguous);
                    if let Err(error) = builder.push(&point, line) {
                        refusals.push(line, error, self.record.as_slice());
                    }
                }
                Err(error) => refusals.push(line, error, self.record.as_slice()),
            }
        }
        Ok(rows)
    }

    /// The line that the current row starts on. The reader's own position is that of blank lines before the row.
    fn line(&self) -> u32 {
        let before = self.record.position().map_or(1, csv::Position::line);
        let inside = memchr::memchr_iter(b'\n', self.record.as_slice()).count();
        let behind = self.reader.position().line().saturating_sub(1 + inside as u64);
        u32::try_from(before.max(behind)).unwrap_or(u32::MAX)
    }

    /// How many rows so far had a local time that happened twice; see [`crate::time::Zone`] for the choice.
    pub fn ambiguous(&self) -> u64 {
        self.ambiguous
    }

    /// The plan, in which columns without a value in the sample are decided as their values come.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

fn malformed(message: String) -> RowError {
    RowError::Malformed(message)
}

/// Makes a point of a row; also tells whether its local time happened twice.
fn read<'r>(
    record: &'r ByteRecord,
    plan: &'r mut Plan,
    previous_ns: Option<i64>,
    builder: &BatchBuilder<'_>,
) -> Result<(Point<'r>, bool), RowError> {
    let width = plan.columns.len();
    if record.len() != width {
        return Err(malformed(format!("the row has {} values, but there are {width} columns", record.len())));
    }
    debug_assert!(width <= MAX_ROW_VALUES);
    for (column, value) in plan.columns.iter_mut().zip(record) {
        if column.role == Role::Field(FieldKind::Undecided) {
            let kind = std::str::from_utf8(value)
                .map_or(FieldKind::Undecided, |v| infer::field_kind([v.trim()].into_iter(), plan.delimiter != b',').0);
            column.role = Role::Field(kind);
        }
    }
    let plan = &*plan;
    let mut point = Point::new(plan.table.as_str(), 0);
    point.fields.reserve(width);
    let (mut time, mut time_of_day) = (None, None);
    for (column, value) in plan.columns.iter().zip(record) {
        let text = std::str::from_utf8(value)
            .map_err(|_| malformed(format!("column {:?}: the value is not UTF-8", column.name)))?
            .trim();
        match column.role {
            Role::Time(format) => time = Some((format, column, text)),
            Role::TimeOfDay => time_of_day = Some(text),
            Role::Tag if !text.is_empty() => point.tags.push((column.name.as_str().into(), text.into())),
            Role::Field(kind) => {
                if let Some(value) = field(column, kind, text, &plan.table, builder)? {
                    point.fields.push((column.name.as_str().into(), value));
                }
            }
            Role::Tag | Role::Skip(_) => {}
        }
    }
    let (format, column, text) = time.ok_or_else(|| malformed("the row has no time".into()))?;
    let text = time_of_day.map_or(Cow::Borrowed(text), |time_of_day| Cow::Owned(format!("{text} {time_of_day}")));
    let in_column = |error: &dyn std::fmt::Display| malformed(format!("column {:?}: {error}", column.name));
    let moment = match format {
        TimeFormat::Text(format) => {
            let instant = format.parse(&text, previous_ns).map_err(|error| in_column(&error))?;
            (instant.time_ns, instant.ambiguous)
        }
        TimeFormat::Number(precision) => {
            let time = epoch_ns(&text, Some(precision));
            let time = time.ok_or_else(|| in_column(&format_args!("{:?} is no number since 1970", shown(&text))))?;
            (time.map_err(|error| in_column(&error))?, false)
        }
    };
    point.time_ns = moment.0;
    Ok((point, moment.1))
}

fn field<'r>(
    column: &PlannedColumn,
    kind: FieldKind,
    text: &'r str,
    table: &str,
    builder: &BatchBuilder<'_>,
) -> Result<Option<Value<'r>>, RowError> {
    if text.is_empty() || (kind != FieldKind::Text && infer::is_absent(text)) {
        return Ok(None);
    }
    let wrong = |what: &str| malformed(format!("column {:?}: {:?} is no {what}", column.name, shown(text)));
    let decimal = if column.decimal_comma { Cow::Owned(text.replacen(',', ".", 1)) } else { Cow::Borrowed(text) };
    let value = match kind {
        FieldKind::Text => Value::Text(text.into()),
        FieldKind::Truth => Value::Bool(infer::truth(text).ok_or_else(|| wrong("true or false"))?),
        FieldKind::Integer => match number(&decimal, INTEGER) {
            Some(value @ Value::I64(_)) => value,
            _ => return Err(wrong("integer")),
        },
        FieldKind::Number | FieldKind::Undecided => {
            number(&decimal, builder.kind(table, &column.name)).ok_or_else(|| wrong("number"))?
        }
    };
    Ok(Some(value))
}

const INTEGER: Option<sensorium_model::ColumnKind> =
    Some(sensorium_model::ColumnKind::Field(sensorium_model::FieldType::I64));

fn shown(text: &str) -> &str {
    text.char_indices().nth(60).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}
