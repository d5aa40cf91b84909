//! Reads text formats piece by piece.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use sensorium_model::{BatchBuilder, Precision};
use sensorium_protocols::csv::{FieldKind, Plan, Role, Rows, Skip, TimeFormat};
use sensorium_protocols::{Refusals, line_protocol};

use super::open::Input;

/// Cells of one piece: rows times columns.
pub(super) const PIECE_CELLS: usize = 200_000;
/// Bytes of line protocol that become one piece.
const PART_BYTES: usize = 2 << 20;
/// The longest reading of line protocol.
const LONGEST_READING_BYTES: usize = 64 << 20;

/// A file of readings.
pub(super) trait Reader: Send {
    /// Reads the next piece; false when the file is at its end.
    fn fill(&mut self, builder: &mut BatchBuilder<'_>, refusals: &mut Refusals) -> Result<bool>;
    /// How far the file is read, of [`Reader::total`].
    fn position(&self) -> u64;
    /// The size of the file in the unit of [`Reader::position`].
    fn total(&self) -> u64;
    /// What the file is understood to be, line by line.
    fn describe(&self) -> Vec<String>;
    /// What a person should know after the whole file is read.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Rows of a CSV file.
pub(super) struct CsvRows {
    rows: Rows<Input>,
    most: usize,
    position: Arc<AtomicU64>,
    total: u64,
}

impl CsvRows {
    pub(super) fn new(plan: Plan, input: Input) -> Self {
        let most = (PIECE_CELLS / plan.columns.len().max(1)).max(1);
        Self { most, position: input.position(), total: input.total(), rows: Rows::new(plan, input) }
    }
}

impl Reader for CsvRows {
    fn fill(&mut self, builder: &mut BatchBuilder<'_>, refusals: &mut Refusals) -> Result<bool> {
        Ok(self.rows.fill(builder, refusals, self.most)? > 0)
    }

    fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    fn total(&self) -> u64 {
        self.total
    }

    fn describe(&self) -> Vec<String> {
        let plan = self.rows.plan();
        let delimiter = match plan.delimiter {
            b'\t' => "tabs".to_owned(),
            other => format!("{:?}", char::from(other)),
        };
        let header = if plan.header { "the first line names the columns" } else { "no line names the columns" };
        let mut lines =
            vec![format!("CSV, values between {delimiter}, {header}; table {:?}", plan.table), String::new()];
        let width = plan.columns.iter().map(|column| column.name.chars().count()).max().unwrap_or_default();
        for column in &plan.columns {
            let comma = if column.decimal_comma { ", with decimal commas" } else { "" };
            lines.push(format!("  {:width$}  {}{comma}", column.name, role(column.role)));
        }
        lines
    }

    fn notes(&self) -> Vec<String> {
        match self.rows.ambiguous() {
            0 => Vec::new(),
            rows => vec![format!(
                "{rows} rows have a local time that happened twice, because clocks went back: the earlier moment was taken, \
                 except after a row that was later already"
            )],
        }
    }
}

fn role(role: Role) -> String {
    match role {
        Role::Time(TimeFormat::Text(format)) => {
            format!("time ({}; where no zone is given: {})", format.order, format.zone)
        }
        Role::Time(TimeFormat::Number(precision)) => format!("time (a number of {} since 1970)", precision.as_str()),
        Role::TimeOfDay => "time of day, which belongs to the date".to_owned(),
        Role::Tag => "tag".to_owned(),
        Role::Field(FieldKind::Number) => "field: float".to_owned(),
        Role::Field(FieldKind::Integer) => "field: integer".to_owned(),
        Role::Field(FieldKind::Truth) => "field: boolean".to_owned(),
        Role::Field(FieldKind::Text) => "field: string".to_owned(),
        Role::Field(FieldKind::Undecided) => "field: no value so far; the first one decides".to_owned(),
        Role::Skip(Skip::Asked) => "left out".to_owned(),
        Role::Skip(Skip::RowNumber) => "left out: a row number that the header does not name".to_owned(),
    }
}

/// Lines of line protocol.
pub(super) struct Lines {
    input: Input,
    options: line_protocol::Options,
    /// What is read of the file but not yet of its readings.
    buffer: Vec<u8>,
    line: u32,
    at_end: bool,
}

impl Lines {
    pub(super) fn new(input: Input, precision: Precision) -> Self {
        // Lines without a time all get the time of the import.
        let now_ns = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
        let options = line_protocol::Options { precision, now_ns };
        Self { input, options, buffer: Vec::new(), line: 1, at_end: false }
    }
}

impl Reader for Lines {
    fn fill(&mut self, builder: &mut BatchBuilder<'_>, refusals: &mut Refusals) -> Result<bool> {
        loop {
            let wanted = PART_BYTES as u64;
            let read =
                self.input.by_ref().take(wanted).read_to_end(&mut self.buffer).context("cannot read the file")?;
            self.at_end = (read as u64) < wanted;
            // A reading that never ends is refused as the last one.
            let last = self.at_end || self.buffer.len() > LONGEST_READING_BYTES;
            let part = line_protocol::decode_part(&self.buffer, self.line, last, self.options, builder, refusals);
            self.buffer.drain(..part.consumed);
            self.line = part.next_line;
            if part.consumed > 0 || self.at_end {
                return Ok(!self.at_end);
            }
        }
    }

    fn position(&self) -> u64 {
        self.input.position().load(Ordering::Relaxed)
    }

    fn total(&self) -> u64 {
        self.input.total()
    }

    fn describe(&self) -> Vec<String> {
        vec![format!("line protocol, times in {}", self.options.precision.as_str())]
    }
}
