//! What of a data file is kept: the row groups that are proven to be what was written.
//!
//! A row group is kept if none of its bytes, and none of the file's own description at its end, lie in a block whose checksum
//! does not match, if it decodes, and if its keys ascend. Of a file of the first format, which has no checksums, only the
//! latter two are known.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::TimestampNanosecondType;
use arrow::error::ArrowError;
use chrono::{DateTime, SecondsFormat};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use sensorium_model::TableSchema;
use sensorium_model::time::day_of;

use crate::columns::arrow_schema;
use crate::deletion::Deletion;
use crate::error::WriteError;
use crate::files::checksum::Checksums;
use crate::files::form::Form;
use crate::files::pages::time_unit_ns;
use crate::files::parquet::ParquetFile;
use crate::files::path::data_file;
use crate::files::reading::{builder, rows};
use crate::files::verify::{KeyOrder, Verified};
use crate::folder::{create_folders_durably, sync_parent};
use crate::manifest::FileEntry;

/// Bytes at the end of a Parquet file that say how long its description is.
const PARQUET_END_BYTES: u64 = 8;

/// What is kept of a damaged file, and what is lost.
pub(super) struct Kept {
    /// The row groups that are kept.
    pub(super) groups: Vec<usize>,
    pub(super) rows: u64,
    lost_times: Option<(i64, i64)>,
}

/// Finds what can be kept of a damaged file.
pub(super) fn find(path: &Path, entry: &FileEntry, schema: &TableSchema, verified: &Verified) -> Kept {
    let nothing = || Kept { groups: Vec::new(), rows: 0, lost_times: Some((entry.time_min_ns, entry.time_max_ns)) };
    let is_damaged = |range: &Range<u64>| verified.damaged.iter().any(|d| d.start < range.end && range.start < d.end);
    match description(path) {
        Ok(range) if !is_damaged(&range) => {}
        _ => return nothing(),
    }
    let Ok(builder) = File::open(path).map_err(drop).and_then(|file| builder(file).map_err(drop)) else {
        return nothing();
    };
    let unit = time_unit_ns(builder.schema());
    let metadata = Arc::clone(builder.metadata());
    let Ok(mut order) = KeyOrder::new(&arrow_schema(schema), schema.tags().count()) else { return nothing() };
    let mut kept = Kept { groups: Vec::new(), rows: 0, lost_times: None };
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let rows = if is_damaged(&bytes_of(group)) { None } else { read_group(path, number, schema, &mut order).ok() };
        match rows {
            Some(Some(rows)) => {
                kept.groups.push(number);
                kept.rows += rows;
            }
            _ => {
                let (min, max) = times(group, unit).unwrap_or((entry.time_min_ns, entry.time_max_ns));
                let (first, last) = kept.lost_times.unwrap_or((min, max));
                kept.lost_times = Some((first.min(min), last.max(max)));
            }
        }
    }
    kept
}

impl Kept {
    /// What is lost of the rows of a table, as a sentence.
    pub(super) fn lost(&self, entry: &FileEntry, table: &str) -> Vec<String> {
        let lost = entry.rows.saturating_sub(self.rows);
        if lost == 0 {
            return Vec::new();
        }
        let (min, max) = self.lost_times.unwrap_or((entry.time_min_ns, entry.time_max_ns));
        let time = |ns: i64| DateTime::from_timestamp_nanos(ns).to_rfc3339_opts(SecondsFormat::AutoSi, true);
        vec![format!("{lost} of {} rows of {table}, with times from {} to {}", entry.rows, time(min), time(max))]
    }

    /// Writes the rows that are kept and not deleted to a file of their own; `None` if there are none.
    pub(super) fn write(
        &self,
        source: &Path,
        schema: &TableSchema,
        deletions: &[Arc<Deletion>],
        target: &Target<'_>,
    ) -> Result<Option<FileEntry>, WriteError> {
        if self.groups.is_empty() {
            return Ok(None);
        }
        let failed = |error: ArrowError| WriteError::Encode { path: source.to_owned(), source: Arc::new(error) };
        let io = |source| WriteError::io("write the rows that are kept", source);
        let builder = builder(File::open(source).map_err(io)?).map_err(failed)?;
        let has = |name: &str| builder.schema().column_with_name(name).is_some();
        let tags = schema.tags().filter(|tag| has(tag)).count();
        let columns = arrow_schema(schema);
        let used = columns.fields().iter().enumerate().filter(|(_, field)| has(field.name()));
        let used: Vec<usize> = used.map(|(index, _)| index).collect();
        let columns = Arc::new(columns.project(&used).map_err(failed)?);
        let form = Form::of_file(builder.schema());
        let reader = builder.with_row_groups(self.groups.clone()).build();
        let reader = reader.map_err(|error| failed(error.into()))?;

        let scratch = target.scratch.join("salvage.parquet");
        let (mut time_min_ns, mut time_max_ns) = (i64::MAX, i64::MIN);
        let mut file: Option<ParquetFile> = None;
        for batch in rows(reader, columns, deletions.to_vec()) {
            let batch = batch.map_err(failed)?;
            if batch.num_rows() == 0 {
                continue;
            }
            let times = batch.columns().first().and_then(|time| time.as_primitive_opt::<TimestampNanosecondType>());
            for time in times.iter().flat_map(|times| times.values().iter()) {
                time_min_ns = time_min_ns.min(*time);
                time_max_ns = time_max_ns.max(*time);
            }
            match &mut file {
                Some(file) => file.write(&batch)?,
                None => file.insert(ParquetFile::create(&scratch, &batch, form.clone(), tags)?).write(&batch)?,
            }
        }
        let Some(file) = file else { return Ok(None) };
        let (bytes, rows) = file.finish()?;
        let path = data_file(target.table, day_of(time_min_ns), target.version, target.number);
        create_folders_durably(target.root, path.parent().unwrap_or(target.table)).map_err(io)?;
        std::fs::rename(&scratch, &path).map_err(io)?;
        sync_parent(&path).map_err(io)?;
        let crc32c = Some(Checksums::of_file(&path).map_err(io)?);
        let path = path.strip_prefix(target.root).unwrap_or(&path).to_string_lossy().into_owned();
        Ok(Some(FileEntry { path, bytes, rows, time_min_ns, time_max_ns, crc32c }))
    }
}

/// Where a file of kept rows goes.
pub(super) struct Target<'p> {
    pub(super) root: &'p Path,
    pub(super) scratch: &'p Path,
    /// The folder of the table.
    pub(super) table: &'p Path,
    pub(super) version: u64,
    pub(super) number: usize,
}

/// Where in a file its own description stands.
fn description(path: &Path) -> io::Result<Range<u64>> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let end = bytes.checked_sub(PARQUET_END_BYTES).ok_or(io::ErrorKind::UnexpectedEof)?;
    file.seek(SeekFrom::Start(end))?;
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    let start = end.checked_sub(u32::from_le_bytes(length).into()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(start..bytes)
}

/// The rows of a row group; `None` if their keys do not ascend.
fn read_group(
    path: &Path,
    number: usize,
    schema: &TableSchema,
    order: &mut KeyOrder,
) -> Result<Option<u64>, ArrowError> {
    let reader = builder(File::open(path)?)?.with_row_groups(vec![number]).build()?;
    let mut found = 0;
    for batch in rows(reader, arrow_schema(schema), Vec::new()) {
        let batch = batch?;
        if order.follow(&batch)?.is_some() {
            return Ok(None);
        }
        found += batch.num_rows() as u64;
    }
    Ok(Some(found))
}

/// Where the columns of a row group stand.
fn bytes_of(group: &RowGroupMetaData) -> Range<u64> {
    let columns = || group.columns().iter().map(|column| column.byte_range());
    let start = columns().map(|(start, _)| start).min().unwrap_or(0);
    let end = columns().map(|(start, length)| start.saturating_add(length)).max().unwrap_or(0);
    start..end
}

/// The first and the last time of a row group, as its description says.
fn times(group: &RowGroupMetaData, unit_ns: i64) -> Option<(i64, i64)> {
    let Some(Statistics::Int64(times)) = group.columns().first()?.statistics() else { return None };
    Some((times.min_opt()?.saturating_mul(unit_ns), times.max_opt()?.saturating_mul(unit_ns)))
}
