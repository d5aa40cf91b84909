//! What InfluxDB 3 answers with: rows as JSON objects, in a list or a line each, and tables of characters. Absent values are left
//! out of objects.

use std::time::Duration;

use arrow::error::ArrowError;
use arrow::json::LineDelimitedWriter;
use arrow::record_batch::RecordBatch;
use arrow::util::pretty::pretty_format_batches;

use super::encoder::{EncodeError, Encoder};
use crate::error::ApiError;

/// The most rows of a table of characters, which is held in memory until its columns are as wide as they get.
const MAX_PRETTY_ROWS: usize = 10_000;

/// Writes objects.
#[derive(Debug)]
pub(super) struct Objects {
    is_list: bool,
    has_rows: bool,
}

impl Objects {
    /// In one list.
    pub(super) fn list() -> Self {
        Self { is_list: true, has_rows: false }
    }

    /// A line each.
    pub(super) fn lines() -> Self {
        Self { is_list: false, has_rows: false }
    }
}

impl Encoder for Objects {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
        let mut writer = LineDelimitedWriter::new(Vec::new());
        writer.write(batch)?;
        writer.finish()?;
        let lines = writer.into_inner();
        if !self.is_list || lines.is_empty() {
            return Ok(lines);
        }
        // A text has its line ends escaped, so that each of these ends an object.
        let mut bytes = Vec::with_capacity(lines.len() + 1);
        bytes.push(if std::mem::replace(&mut self.has_rows, true) { b',' } else { b'[' });
        bytes.extend(lines.iter().map(|byte| if *byte == b'\n' { b',' } else { *byte }));
        bytes.pop();
        Ok(bytes)
    }

    fn finish(self: Box<Self>, _: Duration) -> Result<Vec<u8>, EncodeError> {
        Ok(match (self.is_list, self.has_rows) {
            (true, true) => b"]".to_vec(),
            (true, false) => b"[]".to_vec(),
            (false, _) => Vec::new(),
        })
    }

    fn fail(self: Box<Self>, _: &ApiError) -> Option<Vec<u8>> {
        None
    }
}

/// Draws a table.
#[derive(Debug, Default)]
pub(super) struct Pretty {
    batches: Vec<RecordBatch>,
    rows: usize,
}

impl Encoder for Pretty {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
        self.rows += batch.num_rows();
        if self.rows > MAX_PRETTY_ROWS {
            let sentence = format!("a table of characters has at most {MAX_PRETTY_ROWS} rows; ask for csv or jsonl");
            return Err(ArrowError::InvalidArgumentError(sentence).into());
        }
        self.batches.push(batch.clone());
        Ok(Vec::new())
    }

    fn finish(self: Box<Self>, _: Duration) -> Result<Vec<u8>, EncodeError> {
        Ok(pretty_format_batches(&self.batches)?.to_string().into_bytes())
    }

    fn fail(self: Box<Self>, error: &ApiError) -> Option<Vec<u8>> {
        Some(format!("error: {}\n", error.message()).into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn batch(numbers: &[Option<i64>]) -> RecordBatch {
        let texts = StringArray::from(vec!["a\nb"; numbers.len()]);
        let numbers = Int64Array::from(numbers.to_vec());
        RecordBatch::try_from_iter([("n", Arc::new(numbers) as _), ("t", Arc::new(texts) as _)]).unwrap()
    }

    #[test]
    fn a_list_is_one_over_all_batches() {
        let mut objects = Box::new(Objects::list());
        let mut text = objects.batch(&batch(&[Some(1), None])).unwrap();
        text.extend(objects.batch(&batch(&[])).unwrap());
        text.extend(objects.batch(&batch(&[Some(3)])).unwrap());
        text.extend(objects.finish(Duration::ZERO).unwrap());
        assert_eq!(String::from_utf8(text).unwrap(), r#"[{"n":1,"t":"a\nb"},{"t":"a\nb"},{"n":3,"t":"a\nb"}]"#);
    }
}
