//! One flush, step by step.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sensorium_model::TableSchema;

use super::plan::{Planned, plan};
use crate::error::WriteError;
use crate::files::checksum::Checksums;
use crate::files::data_file::DataFile;
use crate::files::last_file::write_last;
use crate::files::parquet::write_parquet;
use crate::files::path::{data_file, last_file, table_folder};
use crate::folder::{create_folders_durably, temporary};
use crate::manifest::{DatabaseEntry, Edit, FileEntry, LastEntry, Manifest, RollupEdit, TableEdit};
use crate::memtable::bucket::Sealed;
use crate::rollup::touch;
use crate::shared::{Moment, Shared};
use crate::table::Table;
use crate::wal::writer::Segment;

/// Files of last values after which a table gets a full one.
const MAX_LAST_FILES: usize = 16;

/// A flush whose rows are sealed.
pub(crate) struct Flush<'s> {
    shared: &'s Shared,
    tables: Vec<Arc<Table>>,
    /// All records up to this one are sealed.
    seq: u64,
}

/// What a flush wrote.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Written {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) files: usize,
}

/// A table's part of a flush.
struct TablePart {
    table: Arc<Table>,
    edit: TableEdit,
    files: Vec<Arc<DataFile>>,
    /// The windows of rollups that its rows lie in.
    rollups: Vec<RollupEdit>,
}

impl<'s> Flush<'s> {
    /// Seals all rows. `sealed` has the tables of an earlier flush that failed, and afterwards those of this one too.
    pub(crate) fn begin(shared: &'s Shared, sealed: &mut Vec<Arc<Table>>) -> Result<Self, WriteError> {
        // With a new segment, the ones before it can be removed as a whole. After shutdown the log is closed anyway.
        let (done, rotated) = std::sync::mpsc::sync_channel(1);
        if shared.queue.push_rotate(done).is_ok() {
            let _answered = rotated.recv();
        }
        if shared.is_poisoned() {
            return Err(WriteError::Poisoned);
        }
        let mut applied = shared.applied.lock();
        for table in std::mem::take(&mut applied.tables) {
            table.rows.lock().seal();
            if !sealed.iter().any(|known| Arc::ptr_eq(known, &table)) {
                sealed.push(table);
            }
        }
        applied.since = None;
        applied.bytes = 0;
        Ok(Self { shared, tables: sealed.clone(), seq: applied.seq })
    }

    /// Writes the sealed rows and cuts the log.
    pub(crate) fn run(self, manifest: &mut Manifest) -> Result<Written, WriteError> {
        let known = &manifest.state().databases;
        let databases = self.shared.catalog.all();
        let databases = databases.iter().map(|database| DatabaseEntry::from(&database.key));
        let databases: Vec<_> = databases.filter(|entry| !known.contains(entry)).collect();
        if self.tables.is_empty() && databases.is_empty() {
            return Ok(Written::default());
        }
        let version = manifest.state().version + 1;
        let mut paths = Vec::new();
        let parts = match self.write_files(version, manifest, &mut paths) {
            Ok(parts) => parts,
            Err(error) => {
                for path in &paths {
                    // Either is there, or neither.
                    let _removed = (std::fs::remove_file(path), std::fs::remove_file(temporary(path)));
                }
                return Err(error);
            }
        };
        self.shared.reached(Moment::FilesWritten)?;

        let tables = parts.iter().map(|part| part.edit.clone()).collect();
        // First what is computed: the rows of this flush may have touched it again.
        let mut rollups = self.shared.rolling.settled(self.seq);
        rollups.extend(parts.iter().flat_map(|part| part.rollups.iter().cloned()));
        let edit = Edit { flushed_seq: self.seq, databases, tables, rollups, ..manifest.state().next_edit() };
        let needless = self.shared.commit(manifest, &edit, &paths)?;
        self.shared.rolling.settle(self.seq);
        self.shared.reached(Moment::ManifestWritten)?;

        let mut written = Written::default();
        for part in parts {
            written.files += part.files.len();
            written.rows += part.files.iter().map(|file| file.rows).sum::<u64>();
            written.bytes += part.files.iter().map(|file| file.bytes).sum::<u64>();
            let freed = part.table.rows.lock().publish(part.files);
            self.shared.memory.release(freed);
        }
        self.shared.flushed_seq.store(self.seq, Ordering::SeqCst);
        self.cut_log();
        self.shared.remove_last(&needless);
        self.shared.compaction.wake();
        Ok(written)
    }

    fn write_files(
        &self,
        version: u64,
        manifest: &Manifest,
        paths: &mut Vec<PathBuf>,
    ) -> Result<Vec<TablePart>, WriteError> {
        let mut number = 0;
        let mut parts = Vec::with_capacity(self.tables.len());
        for table in &self.tables {
            let sealed = table.rows.lock().sealed();
            // Taken after the rows, so that it has all their columns.
            let schema = self.shared.schema_of(table);
            let folder = table_folder(&self.shared.layout.data, &table.database, &table.name);
            let database = DatabaseEntry::from(&table.database);
            let mut part = TablePart {
                rollups: touch::by_rows(manifest.state(), &database, &table.name, &sealed),
                table: Arc::clone(table),
                edit: TableEdit::of(database, table.name.clone(), schema.as_ref().clone()),
                files: Vec::new(),
            };
            for planned in plan(&sealed) {
                let path = data_file(&folder, planned.day, version, number);
                number += 1;
                self.prepare(&path, paths)?;
                let (entry, file) = self.write_rows(table, &schema, &planned, path)?;
                part.edit.files.push(entry);
                part.files.push(file);
            }
            let path = last_file(&folder, version, number);
            number += 1;
            self.prepare(&path, paths)?;
            part.edit.last.push(self.write_last(table, &sealed, manifest, &path)?);
            parts.push(part);
        }
        Ok(parts)
    }

    /// Makes a file's folder, and notes the file for removal in case the flush fails.
    fn prepare(&self, path: &Path, paths: &mut Vec<PathBuf>) -> Result<(), WriteError> {
        paths.push(path.to_owned());
        let folder = path.parent().unwrap_or(path);
        create_folders_durably(&self.shared.layout.data, folder)
            .map_err(|source| WriteError::io("create a folder for data files", source))
    }

    fn write_rows(
        &self,
        table: &Table,
        schema: &TableSchema,
        planned: &Planned,
        path: PathBuf,
    ) -> Result<(FileEntry, Arc<DataFile>), WriteError> {
        let rows = table.sorted_rows(&planned.buckets, schema);
        let (rows, tag_columns) = crate::columns::without_empty(&rows, schema.tags().count());
        let bytes = write_parquet(&path, &rows, tag_columns)?;
        let bounds = planned.bounds;
        let entry = FileEntry {
            path: self.shared.relative(&path),
            bytes,
            rows: rows.num_rows() as u64,
            time_min_ns: bounds.time_min_ns,
            time_max_ns: bounds.time_max_ns,
            crc32c: Some(Checksums::of_file(&path).map_err(|source| WriteError::io("read a data file back", source))?),
        };
        let file = DataFile::new(path, &entry);
        Ok((entry, Arc::new(file)))
    }

    /// Saves the newest values of the series with sealed rows, or, now and then, of all series.
    fn write_last(
        &self,
        table: &Table,
        sealed: &[Arc<Sealed>],
        manifest: &Manifest,
        path: &Path,
    ) -> Result<LastEntry, WriteError> {
        let mut changed: Vec<u32> =
            sealed.iter().flat_map(|bucket| &bucket.chunks).flat_map(|chunk| chunk.series.iter().copied()).collect();
        changed.sort_unstable();
        changed.dedup();
        let key = (DatabaseEntry::from(&table.database), table.name.clone());
        let saved = manifest.state().tables.get(&key).map(|state| state.last.as_slice()).unwrap_or_default();
        let full_bytes: u64 = saved.iter().filter(|entry| entry.full).map(|entry| entry.bytes).sum();
        let other_bytes: u64 = saved.iter().filter(|entry| !entry.full).map(|entry| entry.bytes).sum();
        let last = table.last.lock();
        let series = table.series.read();
        let due = saved.len() >= MAX_LAST_FILES || other_bytes >= full_bytes;
        let full = due || changed.len() == series.len();
        if full {
            changed = (0..u32::try_from(series.len()).unwrap_or(u32::MAX)).collect();
        }
        let tables = last.to_tables(&changed, &series);
        drop((last, series));
        let bytes = write_last(path, &table.database, tables)
            .map_err(|source| WriteError::io("write the newest values", source))?;
        Ok(LastEntry { path: self.shared.relative(path), bytes, full })
    }

    /// Removes the segments of the log that are not needed any more. When that fails, the next start does it.
    fn cut_log(&self) {
        let mut segments = self.shared.closed_segments.lock();
        let (cut, kept) = std::mem::take(&mut *segments).into_iter().partition(|closed| closed.last_seq <= self.seq);
        *segments = kept;
        drop(segments);
        for Segment { path, .. } in cut {
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "a segment of the log that is not needed any more could not be removed");
            }
        }
    }
}
