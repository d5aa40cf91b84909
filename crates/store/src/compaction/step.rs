//! One merge, step by step.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, RecordBatchReader};
use arrow::datatypes::TimestampNanosecondType;
use arrow::error::ArrowError;
use sensorium_model::time::day_of;

use super::merge::{Merge, Source};
use crate::columns::arrow_schema;
use crate::deletion::Deletion;
use crate::error::WriteError;
use crate::files::checksum::Checksums;
use crate::files::data_file::DataFile;
use crate::files::form::Form;
use crate::files::parquet::ParquetFile;
use crate::files::path::{data_file, table_folder};
use crate::files::reading::{open, rows};
use crate::folder::{create_folders_durably, sync_parent};
use crate::manifest::{DatabaseEntry, Edit, FileEntry, TableEdit};
use crate::retention::droppable;
use crate::shared::{Moment, Shared};
use crate::table::Table;

/// A merge of files of a table; `inputs` are in order of age, oldest first.
pub(crate) struct Compaction<'s> {
    shared: &'s Shared,
    table: &'s Table,
    inputs: &'s [Arc<DataFile>],
    /// For each input the deletions that are made real.
    deletions: Vec<Vec<Arc<Deletion>>>,
    /// Rows that are older than they are kept, and are left out.
    expired: Option<Arc<Deletion>>,
}

/// What became of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The inputs are replaced by a file of this size; by none, if all their rows were deleted.
    Merged {
        /// In bytes.
        bytes: u64,
    },
    /// Rows of the inputs were deleted meanwhile, or are needed again: the merge is to be done again.
    Outdated,
    /// The store is closing.
    Stopped,
}

/// A merged file that is not named yet.
struct Written {
    bytes: u64,
    rows: u64,
    time_min_ns: i64,
    time_max_ns: i64,
    crc32c: Option<Checksums>,
}

impl<'s> Compaction<'s> {
    pub(crate) fn new(shared: &'s Shared, table: &'s Table, inputs: &'s [Arc<DataFile>]) -> Self {
        let expired = droppable(shared, shared.manifest.lock().state(), table);
        let rows = table.rows.lock();
        let deletions = inputs.iter().map(|input| rows.deletions_of(input)).collect();
        Self { shared, table, inputs, deletions, expired }
    }

    /// Merges the files and replaces them by the result.
    pub(crate) fn run(&self) -> Result<Outcome, WriteError> {
        let scratch = self.shared.layout.scratch.join("merge.parquet");
        let outcome = match self.write(&scratch) {
            Ok(Some(written)) => self.publish(&scratch, written),
            Ok(None) => Ok(Outcome::Stopped),
            Err(error) => Err(error),
        };
        if !matches!(outcome, Ok(Outcome::Merged { .. })) {
            // The next start removes it, should that fail.
            let _removed = std::fs::remove_file(&scratch);
        }
        outcome
    }

    /// Writes the merged rows durably; `None` if the store is closing.
    fn write(&self, path: &Path) -> Result<Option<Written>, WriteError> {
        let failed = |error| failed(path, error);
        let readers =
            self.inputs.iter().map(|input| open(&input.path, self.inputs.len())).collect::<Result<Vec<_>, _>>()?;
        let schema = self.shared.schema_of(self.table);
        let has = |name: &str| readers.iter().any(|reader| reader.schema().column_with_name(name).is_some());
        let tags = schema.tags().filter(|tag| has(tag)).count();
        let schema = arrow_schema(&schema);
        let used = schema.fields().iter().enumerate().filter(|(_, field)| has(field.name()));
        let used: Vec<usize> = used.map(|(index, _)| index).collect();
        let schema = Arc::new(schema.project(&used).map_err(failed)?);
        let sources = readers.into_iter().zip(&self.deletions).map(|(reader, deletions)| {
            let deletions = deletions.iter().cloned().chain(self.expired.clone()).collect();
            Box::new(rows(reader, Arc::clone(&schema), deletions)) as Source
        });
        let sources = sources.collect();
        let paths: Vec<&Path> = self.inputs.iter().map(|input| input.path.as_path()).collect();
        let form = Form::of_files(&paths).map_err(|error| failed(error.into()))?;
        let mut written = Written { bytes: 0, rows: 0, time_min_ns: i64::MAX, time_max_ns: i64::MIN, crc32c: None };
        let mut file: Option<ParquetFile> = None;
        for batch in Merge::new(schema, tags, sources).map_err(failed)? {
            if self.shared.compaction.is_stopped() || self.shared.is_poisoned() {
                return Ok(None);
            }
            let batch = batch.map_err(failed)?;
            written.note(&batch);
            match &mut file {
                Some(file) => file.write(&batch)?,
                None => file.insert(ParquetFile::create(path, &batch, form.clone(), tags)?).write(&batch)?,
            }
        }
        if let Some(file) = file {
            (written.bytes, written.rows) = file.finish()?;
            let read_back = |source| WriteError::io("read a merged file back", source);
            written.crc32c = Some(Checksums::of_file(path).map_err(read_back)?);
        }
        Ok(Some(written))
    }

    fn publish(&self, scratch: &Path, written: Written) -> Result<Outcome, WriteError> {
        let failed = |source| WriteError::io("name a merged file", source);
        let mut manifest = self.shared.manifest.lock();
        let now = {
            let rows = self.table.rows.lock();
            self.inputs.iter().map(|input| rows.deletions_of(input)).collect::<Vec<_>>()
        };
        // A rollup may need rows now that were left out.
        let droppable = droppable(self.shared, manifest.state(), self.table);
        let expired_until_ns = |expired: &Arc<Deletion>| expired.time_max_ns;
        if now != self.deletions
            || droppable.as_ref().map(expired_until_ns) < self.expired.as_ref().map(expired_until_ns)
        {
            return Ok(Outcome::Outdated);
        }
        let version = manifest.state().version + 1;
        let mut entry = None;
        let mut path = None;
        if written.rows > 0 {
            let folder = table_folder(&self.shared.layout.data, &self.table.database, &self.table.name);
            let file = data_file(&folder, day_of(written.time_min_ns), version, 0);
            create_folders_durably(&self.shared.layout.data, file.parent().unwrap_or(&folder)).map_err(failed)?;
            std::fs::rename(scratch, &file).map_err(failed)?;
            sync_parent(&file).map_err(failed)?;
            entry = Some(FileEntry {
                path: self.shared.relative(&file),
                bytes: written.bytes,
                rows: written.rows,
                time_min_ns: written.time_min_ns,
                time_max_ns: written.time_max_ns,
                crc32c: written.crc32c,
            });
            path = Some(file);
        }
        self.shared.reached(Moment::MergeWritten)?;

        let table = TableEdit {
            files: entry.iter().cloned().collect(),
            dropped_until_ns: self.dropped_until_ns(),
            replaced: self.inputs.iter().map(|input| self.shared.relative(&input.path)).collect(),
            ..manifest.state().table_edit(DatabaseEntry::from(&self.table.database), self.table.name.clone())
        };
        let edit = Edit { tables: vec![table], ..manifest.state().next_edit() };
        self.shared.commit(&mut manifest, &edit, path.as_slice())?;
        self.shared.reached(Moment::MergeNamed)?;
        let merged = path.zip(entry).map(|(path, entry)| Arc::new(DataFile::new(path, &entry)));
        self.table.rows.lock().replace(self.inputs, merged);
        Ok(Outcome::Merged { bytes: written.bytes })
    }
}

impl Compaction<'_> {
    /// Up to when rows may have been left out because they were too old.
    fn dropped_until_ns(&self) -> Option<i64> {
        let expired = self.expired.as_ref()?;
        let with_expired = self.inputs.iter().filter(|input| expired.overlaps(input.time_min_ns, input.time_max_ns));
        with_expired.map(|input| input.time_max_ns.min(expired.time_max_ns).saturating_add(1)).max()
    }
}

impl Written {
    fn note(&mut self, batch: &RecordBatch) {
        let times = batch.columns().first().and_then(|time| time.as_primitive_opt::<TimestampNanosecondType>());
        for time in times.iter().flat_map(|times| times.values().iter()) {
            self.time_min_ns = self.time_min_ns.min(*time);
            self.time_max_ns = self.time_max_ns.max(*time);
        }
    }
}

fn failed(path: &Path, error: ArrowError) -> WriteError {
    WriteError::Encode { path: path.to_owned(), source: Arc::new(error) }
}
