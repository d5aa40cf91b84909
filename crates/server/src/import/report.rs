//! What a person sees of an import: a bar, what was understood, what became of the rows.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use sensorium_model::{Batch, DatabaseName, Value};
use sensorium_protocols::Refusals;

use super::target::Stored;

/// Rows that a dry run shows.
const FIRST_ROWS: usize = 5;

/// Rows stored and refused so far.
pub(super) struct Tally {
    stored: u64,
    refused: u64,
    shown: usize,
    first: Vec<(u32, String)>,
    notes: Vec<String>,
}

impl Tally {
    pub(super) fn new(shown: usize) -> Self {
        Self { stored: 0, refused: 0, shown, first: Vec::new(), notes: Vec::new() }
    }

    pub(super) fn refused_by_decoder(&mut self, refusals: &Refusals) {
        self.refused += refusals.total();
        self.show(refusals.first().iter().map(|row| (row.line, row.error.to_string())));
    }

    pub(super) fn add(&mut self, stored: Stored) {
        self.stored += stored.rows;
        self.refused += stored.refused;
        self.show(stored.first.into_iter());
    }

    pub(super) fn notes(&mut self, notes: Vec<String>) {
        self.notes.extend(notes);
    }

    fn show(&mut self, rows: impl Iterator<Item = (u32, String)>) {
        let room = self.shown.saturating_sub(self.first.len());
        self.first.extend(rows.take(room));
    }

    /// For an error in the middle.
    pub(super) fn so_far(&self) -> String {
        format!("the import stopped after {} rows were stored", grouped(self.stored))
    }

    pub(super) fn summary(&self, database: &DatabaseName, elapsed: Duration) -> String {
        let mut text = format!(
            "{} rows stored in database {database} in {:.1} s ({} rows/s)\n",
            grouped(self.stored),
            elapsed.as_secs_f64(),
            grouped(rate(self.stored, elapsed)),
        );
        self.write_refused(&mut text);
        text
    }

    fn write_refused(&self, text: &mut String) {
        for note in &self.notes {
            _ = writeln!(text, "{note}");
        }
        if self.refused == 0 {
            return;
        }
        _ = writeln!(text, "{} rows refused:", grouped(self.refused));
        for (line, error) in &self.first {
            _ = writeln!(text, "  line {line}: {error}");
        }
        let more = self.refused.saturating_sub(self.first.len() as u64);
        if more > 0 {
            _ = writeln!(text, "  and {} more", grouped(more));
        }
    }

    /// An import that refused anything is a failure to whoever runs it from a script.
    pub(super) fn fail_if_refused(&self) -> Result<()> {
        match self.refused {
            0 => Ok(()),
            refused => bail!("{} of {} rows were refused", grouped(refused), grouped(refused + self.stored)),
        }
    }
}

/// What a dry run found.
pub(super) struct Overview {
    text: String,
    rows: u64,
    first: Vec<String>,
    bounds_ns: Option<(i64, i64)>,
    tables: Vec<String>,
}

impl Overview {
    pub(super) fn new(file: &Path, database: &DatabaseName, described: Vec<String>) -> Self {
        let mut text = format!("{}: ", file.display());
        text.push_str(&described.join("\n"));
        _ = writeln!(text, "\n\ninto database {database}");
        Self { text, rows: 0, first: Vec::new(), bounds_ns: None, tables: Vec::new() }
    }

    pub(super) fn add(&mut self, batch: &Batch) {
        self.rows += batch.rows() as u64;
        for table in &batch.tables {
            if let Some((min, max)) = table.time_bounds() {
                let (earliest, latest) = self.bounds_ns.unwrap_or((min, max));
                self.bounds_ns = Some((earliest.min(min), latest.max(max)));
            }
            if !self.tables.iter().any(|known| **known == *table.table) {
                self.tables.push(table.table.to_string());
            }
            let room = FIRST_ROWS.saturating_sub(self.first.len());
            for (row, time_ns) in table.time_ns.iter().enumerate().take(room) {
                let mut line = format!("  {}  {}", rfc3339(*time_ns), table.table);
                for (name, value) in table.row_tags(row) {
                    _ = write!(line, " {name}={value}");
                }
                for field in &table.fields {
                    if let Some(value) = field.get(row) {
                        _ = write!(line, " {}={}", field.name, shown(&value));
                    }
                }
                self.first.push(line);
            }
        }
    }

    /// Everything that a dry run prints.
    pub(super) fn text(mut self, tally: &Tally) -> String {
        if !self.first.is_empty() {
            _ = writeln!(self.text, "\nfirst rows, times in UTC\n{}", self.first.join("\n"));
        }
        if let Some((min, max)) = self.bounds_ns {
            let tables = match self.tables.len() {
                1 => self.tables.join(""),
                many => format!("{many} tables"),
            };
            let (from, to) = (rfc3339(min), rfc3339(max));
            _ = writeln!(self.text, "\n{} rows of {tables} from {from} to {to}", grouped(self.rows));
        }
        tally.write_refused(&mut self.text);
        self.text.push_str("nothing was stored (dry run)\n");
        self.text
    }
}

/// The bar on standard error; hidden when that is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    pub(super) fn start(total: u64) -> Self {
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}") {
            bar.set_style(style);
        }
        Self { bar, started: Instant::now() }
    }

    pub(super) fn at(&self, position: u64, tally: &Tally) {
        self.bar.set_position(position);
        let speed = grouped(rate(tally.stored, self.started.elapsed()));
        let refused = if tally.refused == 0 { String::new() } else { format!(", {} refused", grouped(tally.refused)) };
        self.bar.set_message(format!("{} rows, {speed} rows/s{refused}", grouped(tally.stored)));
    }

    pub(super) fn abandon(&self) {
        self.bar.abandon();
    }

    /// Removes the bar; how long it took.
    pub(super) fn finish(self) -> Duration {
        self.bar.finish_and_clear();
        self.started.elapsed()
    }
}

/// Writes to standard output; a reader that has gone away is no error.
pub(super) fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn rate(rows: u64, elapsed: Duration) -> u64 {
    // A float holds the number of rows of any file exactly enough for a rate.
    (rows as f64 / elapsed.as_secs_f64().max(0.001)) as u64
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn rfc3339(time_ns: i64) -> String {
    chrono::DateTime::from_timestamp_nanos(time_ns).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::F64(number) => number.to_string(),
        Value::I64(number) => format!("{number}i"),
        Value::U64(number) => format!("{number}u"),
        Value::Bool(truth) => truth.to_string(),
        Value::Text(text) => format!("{:?}", text.chars().take(40).collect::<String>()),
        Value::Vector(numbers) => format!("{} numbers", numbers.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
