//! Whether a data file is what was written: by its checksums, by decoding every value, and by what the manifest says of it.

use std::fmt::Display;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::SortOptions;
use arrow::datatypes::{SchemaRef, TimestampNanosecondType};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use sensorium_model::TableSchema;

use super::checksum::Checksums;
use super::reading::{open, rows};
use crate::columns::arrow_schema;
use crate::error::sentence;
use crate::manifest::FileEntry;

/// What a file holds, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Verified {
    /// Rows that could be read.
    pub(crate) rows: u64,
    /// The bytes that do not match their checksums.
    pub(crate) damaged: Vec<Range<u64>>,
    /// Everything that is wrong, as sentences.
    pub(crate) findings: Vec<String>,
}

/// Reads a whole file.
pub(crate) fn verify(path: &Path, entry: &FileEntry, schema: &TableSchema) -> Verified {
    let mut verified = Verified::default();
    let differs = |what: &str, found: &dyn Display, said: &dyn Display| {
        format!("{what}: {found} in the file, {said} in the manifest")
    };
    let bytes = match &entry.crc32c {
        Some(then) => Checksums::of_file_that_had(path, entry.bytes).map(|(bytes, now)| {
            verified.damaged = then.damaged(&now, entry.bytes);
            bytes
        }),
        None => std::fs::metadata(path).map(|metadata| metadata.len()),
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => {
            verified.damaged = std::iter::once(0..entry.bytes).collect();
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            let what = if missing { "the file is missing".to_owned() } else { format!("it cannot be read: {error}") };
            verified.findings.push(what);
            return verified;
        }
    };
    if bytes != entry.bytes {
        verified.findings.push(differs("bytes", &bytes, &entry.bytes));
    }
    for range in &verified.damaged {
        verified.findings.push(format!("bytes {} to {} do not match their checksum", range.start, range.end));
    }
    match read(path, schema) {
        Ok(read) => {
            verified.rows = read.rows;
            if read.rows != entry.rows {
                verified.findings.push(differs("rows", &read.rows, &entry.rows));
            }
            if (read.time_min_ns, read.time_max_ns) != (entry.time_min_ns, entry.time_max_ns) {
                let span = |min: i64, max: i64| format!("{min} to {max} ns");
                let found = span(read.time_min_ns, read.time_max_ns);
                let said = span(entry.time_min_ns, entry.time_max_ns);
                verified.findings.push(differs("times", &found, &said));
            }
            if let Some(row) = read.out_of_order {
                verified.findings.push(format!("row {row} does not come behind the row before it"));
            }
        }
        Err(error) => verified.findings.push(sentence(error.as_ref())),
    }
    verified
}

/// What a Parquet file holds.
struct Read {
    rows: u64,
    time_min_ns: i64,
    time_max_ns: i64,
    /// The first row whose key is not greater than that of the row before.
    out_of_order: Option<u64>,
}

fn read(path: &Path, schema: &TableSchema) -> Result<Read, Box<dyn std::error::Error + Send + Sync>> {
    let columns = arrow_schema(schema);
    let mut order = KeyOrder::new(&columns, schema.tags().count())?;
    let mut read = Read { rows: 0, time_min_ns: i64::MAX, time_max_ns: i64::MIN, out_of_order: None };
    for batch in rows(open(path, 1)?, columns, Vec::new()) {
        let batch = batch?;
        if let Some(row) = order.follow(&batch)? {
            read.out_of_order.get_or_insert(read.rows + row);
        }
        let times = batch.columns().first().and_then(|time| time.as_primitive_opt::<TimestampNanosecondType>());
        for time in times.iter().flat_map(|times| times.values().iter()) {
            read.time_min_ns = read.time_min_ns.min(*time);
            read.time_max_ns = read.time_max_ns.max(*time);
        }
        read.rows += batch.num_rows() as u64;
    }
    Ok(read)
}

/// Follows rows and finds those whose key does not come behind the one before.
pub(crate) struct KeyOrder {
    /// The columns of the key: the tags, then the time.
    key: Vec<usize>,
    converter: RowConverter,
    before: Option<OwnedRow>,
}

impl KeyOrder {
    /// For rows with these columns, of which the first is the time, and so many behind it are tags.
    pub(crate) fn new(columns: &SchemaRef, tags: usize) -> Result<Self, ArrowError> {
        let options = SortOptions { descending: false, nulls_first: true };
        let key: Vec<usize> = (1..=tags).chain([0]).collect();
        let fields =
            key.iter().map(|index| SortField::new_with_options(columns.field(*index).data_type().clone(), options));
        let converter = RowConverter::new(fields.collect())?;
        Ok(Self { key, converter, before: None })
    }

    /// The number of the first row of a batch that does not come behind the row before it.
    pub(crate) fn follow(&mut self, batch: &RecordBatch) -> Result<Option<u64>, ArrowError> {
        let columns: Vec<ArrayRef> = self.key.iter().map(|index| Arc::clone(batch.column(*index))).collect();
        let keys = self.converter.convert_columns(&columns)?;
        let mut first = None;
        for (number, row) in (0..).zip(keys.iter()) {
            if self.before.as_ref().is_some_and(|before| before.row() >= row) {
                first.get_or_insert(number);
            }
            self.before = Some(row.owned());
        }
        Ok(first)
    }
}
