//! Appending groups of records to the log.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::file::{LogFile, LogFolder};
use super::segment::{SEGMENT_HEADER_BYTES, segment_header, segment_path};
use crate::error::{is_exhausted, is_no_space};

/// A closed segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) bytes: u64,
}

/// The closed segments, shared by the committer, which closes them, and the flusher, which removes them.
pub(crate) type ClosedSegments = Arc<Mutex<Vec<Segment>>>;

/// Why a group was not appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// The disk is full, or no file can be opened now; the log is as it was before.
    Unchanged(io::Error),
    /// What is on disk is unknown; nothing more may be appended.
    Fatal(io::Error),
}

/// The log's end.
///
/// Invariant: `end` is where the last acknowledged group ends in the open segment; bytes behind it mean nothing.
pub(crate) struct LogWriter {
    folder: PathBuf,
    files: Arc<dyn LogFolder>,
    segment_bytes: u64,
    closed: ClosedSegments,
    open: Option<OpenSegment>,
}

struct OpenSegment {
    path: PathBuf,
    file: Box<dyn LogFile>,
    first_seq: u64,
    last_seq: u64,
    end: u64,
}

impl LogWriter {
    /// A writer that begins a new segment with the next group.
    pub(crate) fn new(folder: PathBuf, files: Arc<dyn LogFolder>, segment_bytes: u64, closed: ClosedSegments) -> Self {
        Self { folder, files, segment_bytes, closed, open: None }
    }

    /// Appends the records `first_seq..=last_seq` and, if `sync`, brings them to disk; returns the time that took.
    pub(crate) fn append(
        &mut self,
        group: &[u8],
        first_seq: u64,
        last_seq: u64,
        sync: bool,
    ) -> Result<Duration, AppendError> {
        debug_assert!(first_seq <= last_seq);
        if self.open.as_ref().is_some_and(|open| open.end + group.len() as u64 > self.segment_bytes) {
            self.rotate(sync)?;
        }
        if self.open.is_none() {
            self.open = Some(self.create(first_seq)?);
        }
        let Some(open) = self.open.as_mut() else {
            return Err(AppendError::Fatal(io::Error::other("no open log segment")));
        };
        debug_assert!(open.last_seq + 1 == first_seq, "records ascend by one");
        if let Err(error) = open.file.write_at(group, open.end) {
            // Nothing of the group was synced: cutting it off leaves the log as it was.
            return Err(match open.file.truncate(open.end) {
                Ok(()) if is_no_space(&error) => AppendError::Unchanged(error),
                _ => AppendError::Fatal(error),
            });
        }
        let started = Instant::now();
        if sync {
            // After a failed sync the kernel may have dropped the pages: trying again could report a false success.
            open.file.sync().map_err(AppendError::Fatal)?;
        }
        open.end += group.len() as u64;
        open.last_seq = last_seq;
        Ok(started.elapsed())
    }

    /// Brings the open segment to disk.
    pub(crate) fn sync(&mut self) -> Result<(), AppendError> {
        self.open.as_mut().map_or(Ok(()), |open| open.file.sync().map_err(AppendError::Fatal))
    }

    /// Closes the open segment, if it has records.
    pub(crate) fn rotate(&mut self, synced: bool) -> Result<(), AppendError> {
        if !synced {
            self.sync()?;
        }
        if let Some(open) = self.open.take() {
            self.closed.lock().push(Segment {
                path: open.path,
                first_seq: open.first_seq,
                last_seq: open.last_seq,
                bytes: open.end,
            });
        }
        Ok(())
    }

    /// Size of the open segment.
    pub(crate) fn open_bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.end)
    }

    fn create(&self, first_seq: u64) -> Result<OpenSegment, AppendError> {
        let path = segment_path(&self.folder, first_seq);
        let attempt = || {
            let mut file = self.files.create(&path)?;
            file.write_at(&segment_header(first_seq), 0)?;
            file.sync()?;
            self.files.sync(&self.folder)?;
            Ok(file)
        };
        match attempt() {
            Ok(file) => {
                let end = SEGMENT_HEADER_BYTES as u64;
                Ok(OpenSegment { path, file, first_seq, last_seq: first_seq.saturating_sub(1), end })
            }
            // The segment has no records and is created anew by the next group, so no harm is done.
            Err(error) if is_no_space(&error) || is_exhausted(&error) => {
                let _removed = self.files.remove(&path);
                Err(AppendError::Unchanged(error))
            }
            Err(error) => Err(AppendError::Fatal(error)),
        }
    }
}
