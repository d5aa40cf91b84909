//! Reading the whole log at start.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use super::segment::{Record, SEGMENT_HEADER_BYTES, damaged, scan_segment};
use super::writer::Segment;
use crate::error::OpenError;
use crate::wal::file::sync_folder;

/// What the log held.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// The segments, oldest first, without empty ones.
    pub(crate) segments: Vec<Segment>,
    /// The number that the next record gets.
    pub(crate) next_seq: u64,
    /// Bytes of an unsynced end that were cut off.
    pub(crate) torn_bytes: u64,
}

/// Reads all records after `flushed_seq` in order, then cuts off an unsynced end and syncs what is intact before it.
///
/// Nothing is changed before all records were read without damage.
pub(crate) fn replay(
    folder: &Path,
    flushed_seq: u64,
    mut visit: impl FnMut(&Path, Record<'_>) -> Result<(), OpenError>,
) -> Result<Replayed, OpenError> {
    let found = segments(folder)?;
    let mut replayed = Replayed { segments: Vec::new(), next_seq: flushed_seq + 1, torn_bytes: 0 };
    let mut expected: Option<u64> = None;
    let mut empty = Vec::new();
    for (position, (first_seq, path)) in found.iter().enumerate() {
        let is_last = position + 1 == found.len();
        check_gap(path, *first_seq, expected.unwrap_or(0), flushed_seq)?;
        let scanned = scan_segment(path, *first_seq, is_last, |record| {
            if record.seq > flushed_seq { visit(path, record) } else { Ok(()) }
        })?;
        replayed.torn_bytes += scanned.torn_bytes;
        if scanned.end <= SEGMENT_HEADER_BYTES as u64 {
            empty.push(path.clone());
        } else {
            replayed.segments.push(Segment {
                path: path.clone(),
                first_seq: *first_seq,
                last_seq: scanned.next_seq - 1,
                bytes: scanned.end,
            });
        }
        expected = Some(scanned.next_seq);
    }
    replayed.next_seq = expected.unwrap_or(0).max(flushed_seq + 1);
    // What a killed process wrote is in the kernel's memory: it must be on disk before a newer segment vouches for it.
    if let Some(last) = replayed.segments.last() {
        let synced = cut_and_sync(&last.path, last.bytes);
        synced.map_err(|source| OpenError::io("cut off the unsynced end of", &last.path, source))?;
    }
    for path in &empty {
        std::fs::remove_file(path).map_err(|source| OpenError::io("remove", path, source))?;
    }
    sync_folder(folder).map_err(|source| OpenError::io("sync", folder, source))?;
    Ok(replayed)
}

/// Records that are in files may be missing, because segments are removed one by one; others may not.
pub(crate) fn check_gap(path: &Path, first_seq: u64, expected: u64, flushed_seq: u64) -> Result<(), OpenError> {
    let needed = expected.max(flushed_seq + 1);
    if first_seq > needed {
        let what = format!("records {needed} to {} are missing before this segment", first_seq - 1);
        return Err(damaged(path, 0, what));
    }
    if first_seq < expected {
        return Err(damaged(path, 0, format!("record {first_seq} is in the segment before, too")));
    }
    Ok(())
}

fn cut_and_sync(path: &Path, end: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(end)?;
    file.sync_all()
}

/// The segments in the folder, oldest first.
pub(crate) fn segments(folder: &Path) -> Result<Vec<(u64, PathBuf)>, OpenError> {
    let failed = |source| OpenError::io("read the folder", folder, source);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|extension| extension != "wal") {
            continue;
        }
        match path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok()) {
            Some(first_seq) => found.push((first_seq, path)),
            None => return Err(damaged(&path, 0, "its name is not the number of a record")),
        }
    }
    found.sort_unstable();
    Ok(found)
}
