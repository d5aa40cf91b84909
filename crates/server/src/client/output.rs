//! Prints record batches as a table, CSV or JSON.
//!
//! CSV and JSON are written as batches arrive. A table needs all rows to know its widths, so it shows the first
//! [`TABLE_ROWS`] and says how many more there are.

use std::borrow::Cow;
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

use anyhow::{Context, Result};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::json::writer::{JsonArray, WriterBuilder};
use arrow::record_batch::RecordBatch;
use arrow::util::pretty::pretty_format_batches_with_schema;

use super::query::Sink;
use crate::cli::OutputFormat;

/// Rows that a table shows.
const TABLE_ROWS: usize = 10_000;

/// Where an answer goes.
pub(crate) struct Output<W: Write = BufWriter<Stdout>> {
    schema: Option<SchemaRef>,
    rows: usize,
    form: Form<W>,
}

enum Form<W: Write> {
    Table { out: W, batches: Vec<RecordBatch> },
    Csv(Box<arrow::csv::Writer<W>>),
    Json(arrow::json::Writer<W, JsonArray>),
}

impl Output {
    /// To standard output.
    pub(crate) fn new(format: OutputFormat) -> Self {
        Self::to(format, BufWriter::new(io::stdout()))
    }
}

impl<W: Write> Output<W> {
    fn to(format: OutputFormat, out: W) -> Self {
        let form = match format {
            OutputFormat::Table => Form::Table { out, batches: Vec::new() },
            OutputFormat::Csv => Form::Csv(Box::new(arrow::csv::WriterBuilder::new().with_header(true).build(out))),
            OutputFormat::Json => Form::Json(WriterBuilder::new().with_explicit_nulls(true).build(out)),
        };
        Self { schema: None, rows: 0, form }
    }
}

impl<W: Write> Sink for Output<W> {
    fn schema(&mut self, schema: &SchemaRef) -> Result<()> {
        self.schema.get_or_insert_with(|| schema.clone());
        Ok(())
    }

    /// False when nobody reads the output any more.
    fn batch(&mut self, batch: RecordBatch) -> Result<bool> {
        let before = self.rows;
        self.rows += batch.num_rows();
        let written = match &mut self.form {
            Form::Table { batches, .. } => {
                if before < TABLE_ROWS {
                    batches.push(batch.slice(0, batch.num_rows().min(TABLE_ROWS - before)));
                }
                Ok(())
            }
            Form::Csv(writer) => writer.write(&batch),
            Form::Json(writer) => writer.write(&batch),
        };
        still_read(written).context("cannot print the answer")
    }

    fn finish(&mut self) -> Result<()> {
        let (rows, schema) = (self.rows, self.schema.clone());
        let finished = match &mut self.form {
            Form::Table { out, batches } => table(out, batches, schema, rows),
            Form::Csv(writer) => header(writer, rows, schema),
            Form::Json(writer) => json_end(writer),
        };
        still_read(finished).context("cannot print the answer")?;
        Ok(())
    }
}

fn table(
    out: &mut impl Write,
    batches: &[RecordBatch],
    schema: Option<SchemaRef>,
    rows: usize,
) -> Result<(), ArrowError> {
    if let Some(schema) = schema {
        writeln!(out, "{}", printable(&pretty_format_batches_with_schema(schema, batches)?.to_string()))?;
    }
    match rows {
        1 => writeln!(out, "1 row")?,
        rows if rows > TABLE_ROWS => {
            writeln!(out, "{rows} rows, of which the first {TABLE_ROWS} are shown; --format csv prints all")?;
        }
        rows => writeln!(out, "{rows} rows")?,
    }
    Ok(out.flush()?)
}

/// Stored text is somebody else's: what would steer the terminal is shown instead.
fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let shown = |character: char| match steers(character) {
        true => '\u{fffd}',
        false => character,
    };
    Cow::Owned(text.chars().map(shown).collect())
}

fn steers(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\t')
}

/// CSV without rows still has its header.
fn header<W: Write>(
    writer: &mut arrow::csv::Writer<W>,
    rows: usize,
    schema: Option<SchemaRef>,
) -> Result<(), ArrowError> {
    match schema {
        Some(schema) if rows == 0 => writer.write(&RecordBatch::new_empty(schema)),
        _ => Ok(()),
    }
}

fn json_end<W: Write>(writer: &mut arrow::json::Writer<W, JsonArray>) -> Result<(), ArrowError> {
    writer.finish()?;
    let out = writer.get_mut();
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// A reader that has seen enough (`| head`) is no failure.
fn still_read(outcome: Result<(), ArrowError>) -> Result<bool, ArrowError> {
    match outcome {
        Ok(()) => Ok(true),
        Err(ArrowError::IoError(_, error)) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        // The CSV writer turns every error into text.
        Err(ArrowError::CsvError(text)) if text.contains("Broken pipe") => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn rows() -> RecordBatch {
        let schema =
            Schema::new(vec![Field::new("place", DataType::Utf8, true), Field::new("value", DataType::Float64, true)]);
        let place = Arc::new(StringArray::from(vec![Some("a,b"), None]));
        RecordBatch::try_new(Arc::new(schema), vec![place, Arc::new(Float64Array::from(vec![1.5, 2.0]))]).unwrap()
    }

    fn printed(format: OutputFormat, batches: &[RecordBatch]) -> String {
        let mut bytes = Vec::new();
        let mut output = Output::to(format, &mut bytes);
        output.schema(&rows().schema()).unwrap();
        for batch in batches {
            assert!(output.batch(batch.clone()).unwrap());
        }
        output.finish().unwrap();
        drop(output);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_format() {
        let two = [rows(), rows()];
        assert_eq!(printed(OutputFormat::Csv, &two), "place,value\n\"a,b\",1.5\n,2.0\n\"a,b\",1.5\n,2.0\n");
        let one = printed(OutputFormat::Json, &two[..1]);
        assert_eq!(one, "[{\"place\":\"a,b\",\"value\":1.5},{\"place\":null,\"value\":2.0}]\n");
        let table = printed(OutputFormat::Table, &two);
        assert!(table.contains("| place | value |") && table.ends_with("4 rows\n"), "{table}");
    }

    #[test]
    fn stored_text_does_not_steer_the_terminal() {
        let schema = Schema::new(vec![Field::new("place", DataType::Utf8, true)]);
        let text = Arc::new(StringArray::from(vec![Some("a\u{1b}[2Jb")]));
        let mut bytes = Vec::new();
        let mut output = Output::to(OutputFormat::Table, &mut bytes);
        let batch = RecordBatch::try_new(Arc::new(schema), vec![text]).unwrap();
        output.schema(&batch.schema()).unwrap();
        assert!(output.batch(batch).unwrap());
        output.finish().unwrap();
        drop(output);
        let printed = String::from_utf8(bytes).unwrap();
        assert!(printed.contains("a\u{fffd}[2Jb") && !printed.contains('\u{1b}'), "{printed:?}");
    }

    #[test]
    fn an_empty_answer_still_has_its_columns() {
        assert_eq!(printed(OutputFormat::Csv, &[]), "place,value\n");
        assert_eq!(printed(OutputFormat::Json, &[]), "[]\n");
        assert!(printed(OutputFormat::Table, &[]).contains("place"));
    }

    #[test]
    fn a_long_table_is_cut_and_says_so() {
        let many: Vec<RecordBatch> = std::iter::repeat_with(rows).take(TABLE_ROWS / 2 + 1).collect();
        let table = printed(OutputFormat::Table, &many);
        assert!(table.ends_with("10002 rows, of which the first 10000 are shown; --format csv prints all\n"));
    }
}
