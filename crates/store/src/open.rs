//! Starting: from what is on disk to a store that takes writes.

use std::collections::HashSet;
use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sensorium_model::{DatabaseKey, IngestLimits};

use crate::catalog::Writer;
use crate::commit::committer::Committer;
use crate::compaction::compactor::Compactor;
use crate::config::StoreConfig;
use crate::error::{OpenError, SALVAGE};
use crate::files::data_file::DataFile;
use crate::files::last_file::read_last;
use crate::files::path::version_of;
use crate::flush::flusher::Flusher;
use crate::folder::{FolderLock, Layout};
use crate::manifest::{Manifest, State};
use crate::report::RecoveryReport;
use crate::rollup::worker::Roller;
use crate::shared::Shared;
use crate::wal::codec::{decode_batch, decode_database};
use crate::wal::file::LogFolder;
use crate::wal::record::RecordKind;
use crate::wal::replay::replay;
use crate::wal::segment::{Record, damaged};
use crate::wal::writer::{ClosedSegments, LogWriter};

/// A store whose threads are not started yet.
pub(crate) struct Opened {
    pub(crate) shared: Arc<Shared>,
    pub(crate) committer: Committer,
    pub(crate) flusher: Flusher,
    pub(crate) compactor: Compactor,
    pub(crate) roller: Roller,
    pub(crate) lock: FolderLock,
    pub(crate) report: RecoveryReport,
}

/// Locks the folder, reads the manifest and the log, and removes what an unfinished flush left.
pub(crate) fn open(config: StoreConfig, files: Arc<dyn LogFolder>) -> Result<Opened, OpenError> {
    let layout = Layout::create(&config.dir)?;
    let lock = layout.lock()?;
    if layout.is_new()? {
        layout.create_folders()?;
        Manifest::create(&layout.manifest)?;
        layout.write_format()?;
    }
    layout.empty_scratch()?;
    let manifest = Manifest::load(&layout.manifest)?;
    let closed = ClosedSegments::default();
    let shared = Shared::new(config, layout, Arc::clone(&files), manifest, Arc::clone(&closed));
    let manifest = shared.manifest.lock();
    let mut report = RecoveryReport::default();

    restore(&shared, manifest.state(), &mut report)?;
    let flushed_seq = manifest.state().flushed_seq;
    let replayed = replay(&shared.layout.wal, flushed_seq, |path, record| apply(&shared, path, &record, &mut report))?;
    report.segments = replayed.segments.len();
    report.torn_bytes = replayed.torn_bytes;
    *closed.lock() = replayed.segments;
    remove_leftovers(&shared.layout, manifest.state(), &mut report)?;

    drop(manifest);
    shared.flushed_seq.store(flushed_seq, Ordering::SeqCst);
    shared.applied.lock().seq = replayed.next_seq - 1;
    let shared = Arc::new(shared);
    let log = LogWriter::new(shared.layout.wal.clone(), files, shared.config.segment_bytes, closed);
    let committer = Committer::new(Arc::clone(&shared), log, replayed.next_seq);
    let flusher = Flusher::new(Arc::clone(&shared));
    let compactor = Compactor::new(Arc::clone(&shared));
    let roller = Roller::new(Arc::clone(&shared))?;
    Ok(Opened { shared, committer, flusher, compactor, roller, lock, report })
}

/// Makes the databases, tables, files and newest values that the manifest names.
fn restore(shared: &Shared, state: &State, report: &mut RecoveryReport) -> Result<(), OpenError> {
    for database in &state.databases {
        shared.catalog.create(&DatabaseKey::from(database));
    }
    for ((database, table), seconds) in &state.retention {
        let database = shared.catalog.create(&DatabaseKey::from(database));
        database.keep(table.as_ref(), Some(Duration::from_secs(*seconds)));
    }
    for ((database, _), rollup) in &state.rollups {
        let database = shared.catalog.create(&DatabaseKey::from(database));
        let Ok(()) = database.declare(&rollup.rollup, |_, _| Ok::<_, Infallible>(()));
    }
    for ((database, name), table) in &state.tables {
        let database = shared.catalog.create(&DatabaseKey::from(database));
        let restored = database.restore(name, &table.schema).map_err(|column| OpenError::Damaged {
            path: shared.layout.manifest.clone(),
            offset: 0,
            what: format!("column {column:?} of table {name:?} has two types"),
            remedy: "Restore the folder from a backup with `sensorium restore`",
        })?;
        let mut files = Vec::with_capacity(table.files.len());
        for entry in &table.files {
            let path = shared.layout.root.join(&entry.path);
            check_size(&path, entry.bytes)?;
            files.push(Arc::new(DataFile::new(path, entry)));
        }
        report.files += files.len();
        {
            let mut rows = restored.rows.lock();
            rows.publish(files);
            table.deletions.iter().for_each(|entry| rows.delete(entry.version, Arc::clone(&entry.deletion)));
        }
        if table.last_is_unknown {
            let found = restored.newest_of_sources(shared, None);
            let found = found.map_err(|error| {
                OpenError::io("read the data files of", &shared.layout.data, io::Error::other(error))
            })?;
            restored.last.lock().absorb(found);
            // The next flush saves them, so that the next start need not look for them.
            let mut applied = shared.applied.lock();
            applied.tables.push(Arc::clone(&restored));
            applied.since.get_or_insert_with(Instant::now);
        }
        for entry in &table.last {
            let path = shared.layout.root.join(&entry.path);
            let (values, times) = read_last(&path)?;
            let ids = restored.series.intern(&values, usize::MAX);
            restored.last.lock().restore(&values, &times, &ids);
        }
    }
    Ok(())
}

/// A file that is missing or shorter than it was is found at start, not by the first query that needs it.
fn check_size(path: &Path, bytes: u64) -> Result<(), OpenError> {
    let damaged = |what: String| OpenError::Damaged { path: path.to_owned(), offset: 0, what, remedy: SALVAGE };
    match std::fs::metadata(path) {
        Ok(found) if found.len() == bytes => Ok(()),
        Ok(found) => Err(damaged(format!("it has {} bytes, and the manifest says {bytes}", found.len()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(damaged("the file is missing".to_owned())),
        Err(source) => Err(OpenError::io("read", path, source)),
    }
}

/// Applies a record of the log, as the committer did before.
fn apply(shared: &Shared, path: &Path, record: &Record<'_>, report: &mut RecoveryReport) -> Result<(), OpenError> {
    report.records += 1;
    let broken = |what: String| damaged(path, record.offset, format!("record {}: {what}", record.seq));
    if record.kind == RecordKind::Database {
        let key = decode_database(record.body).map_err(|error| broken(error.to_string()))?;
        shared.catalog.create(&key);
        return Ok(());
    }
    let batch = decode_batch(record.body).map_err(|error| broken(error.to_string()))?;
    let Some(database) = shared.catalog.get(&batch.database) else {
        return Err(broken(format!("database {} was never created", batch.database)));
    };
    // What was accepted once is accepted again, whatever the limits are today.
    let limits =
        IngestLimits { tables_per_database: usize::MAX, columns_per_table: usize::MAX, ..shared.config.limits };
    let reserved = database.reserve(batch, &limits, Writer::Store);
    if let Some(rejection) = reserved.rejected.first() {
        return Err(broken(rejection.error.to_string()));
    }
    for (rows, table) in reserved.batch.tables.iter().zip(&reserved.tables) {
        let ids = table.series.intern(rows, usize::MAX);
        let growth = table.apply(rows, &ids);
        shared.memory.add(growth.bytes);
        shared.applied.lock().add(table, growth);
        report.rows += rows.rows() as u64;
    }
    Ok(())
}

/// Removes the files of a flush or a merge that did not come to naming them, and files that a merge replaced: their rows are
/// in the log, or in the files that the manifest names.
fn remove_leftovers(layout: &Layout, state: &State, report: &mut RecoveryReport) -> Result<(), OpenError> {
    let named = |entry: &str| layout.root.join(entry);
    let files = state.tables.values().flat_map(|table| table.files.iter().map(|file| named(&file.path)));
    let last = state.tables.values().flat_map(|table| table.last.iter().map(|last| named(&last.path)));
    let named: HashSet<PathBuf> = files.chain(last).collect();
    let retired: HashSet<PathBuf> = state.retired.iter().map(|path| layout.root.join(path)).collect();
    let mut folders = vec![layout.data.clone()];
    while let Some(folder) = folders.pop() {
        let failed = |source| OpenError::io("read the folder", &folder, source);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(path);
            } else if !named.contains(&path) {
                let extension = path.extension().unwrap_or_default();
                let needless = match version_of(&path) {
                    _ if retired.contains(&path) => true,
                    // Newest values that a later file replaced, and files whose writing did not end.
                    Some(_) if extension == "last" || extension == "tmp" => true,
                    Some(version) => version > state.version,
                    None => false,
                };
                if needless {
                    std::fs::remove_file(&path).map_err(|source| OpenError::io("remove", &path, source))?;
                    report.removed_files += 1;
                } else {
                    tracing::warn!(path = %path.display(), "the manifest does not name this file; it is left alone");
                    report.unknown_files += 1;
                }
            }
        }
    }
    Ok(())
}
