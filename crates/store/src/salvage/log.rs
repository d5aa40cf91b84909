//! What of the log is kept.
//!
//! A damaged segment is read from record to record. Where none begins that is intact and has the next number, the next one
//! that does is looked for: first where the length that stands there says that it is, then byte by byte. Sequence numbers
//! must go on ascending by one, so that in place of each lost record a record is put that changes nothing: it creates a
//! database that there is already. So a start needs no rule for gaps, and refuses every gap that nobody has accepted.
//!
//! Limit: [`MAX_LOST`] records.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use sensorium_model::DatabaseKey;

use super::Repair;
use crate::error::{OpenError, sentence};
use crate::folder::{Layout, sync_parent};
use crate::wal::codec::{CodecError, decode_batch, decode_database, encode_database};
use crate::wal::record::{HEAD_BYTES, RecordKind, append_record, record_at};
use crate::wal::replay::segments;
use crate::wal::segment::{SEGMENT_HEADER_BYTES, damaged, scan_segment, segment_header, segment_path};

/// Lost records that are replaced: more are a sign that a name of a segment is wrong, not of loss.
const MAX_LOST: u64 = 1 << 24;

/// What happens to the log.
#[derive(Default)]
pub(super) struct LogPlan {
    pub(super) segments: Vec<NewSegment>,
    /// Databases that hold records and whose creation was lost, or may have been.
    pub(super) databases: BTreeSet<DatabaseKey>,
    pub(super) repairs: Vec<Repair>,
    /// Whether readings are lost that are not in data files.
    pub(super) lost: bool,
    /// The database that stands in records that change nothing.
    filler: Option<DatabaseKey>,
}

/// A segment that is written, or only taken away.
pub(super) struct NewSegment {
    path: PathBuf,
    first_seq: u64,
    /// Whether there is a file of this name, which is damaged.
    pub(super) replaces: bool,
    parts: Vec<Part>,
}

/// Part of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Records as they stand in the damaged file, by their bytes.
    Kept(Range<usize>),
    /// Records that were lost, by their numbers.
    Lost(Range<u64>),
}

/// What a damaged segment still holds.
#[derive(Default)]
struct Found {
    parts: Vec<Part>,
    kept: u64,
    damaged: Vec<Range<usize>>,
    lost: Vec<Range<u64>>,
    /// Whether the bytes at the end hold no record, so that nobody knows how many there were.
    open_end: bool,
    next_seq: u64,
}

impl LogPlan {
    /// Reads the log. `known` are the databases of the manifest, whose newest record is `flushed_seq`.
    pub(super) fn make(
        layout: &Layout,
        known: BTreeSet<DatabaseKey>,
        flushed_seq: u64,
        mut read: impl FnMut(&Path),
    ) -> Result<Self, OpenError> {
        let log = segments(&layout.wal)?;
        let mut plan = Self { filler: known.first().cloned(), ..Self::default() };
        let mut databases = Databases { known, missing: BTreeSet::new() };
        let mut expected = 0;
        for (position, (first_seq, path)) in log.iter().enumerate() {
            let next_first = log.get(position + 1).map(|(next, _)| *next);
            let needed = expected.max(flushed_seq + 1);
            if *first_seq < expected {
                let what =
                    format!("record {first_seq} is in the segment before, too; one of the two is not of this log");
                return Err(damaged(path, 0, what));
            }
            if *first_seq > needed {
                plan.missing(layout, needed..*first_seq, path)?;
            }
            let scanned = scan_segment(path, *first_seq, next_first.is_none(), |record| {
                databases.take(record.kind, record.body).map_err(|what| damaged(path, record.offset, what))
            });
            expected = match scanned {
                Ok(scanned) => scanned.next_seq,
                Err(OpenError::Damaged { what, .. }) => {
                    let bytes = std::fs::read(path).map_err(|source| OpenError::io("read", path, source))?;
                    let found = find(&bytes, *first_seq, next_first, flushed_seq, &mut databases);
                    let next_seq = found.next_seq;
                    plan.damaged(path, *first_seq, what, found, flushed_seq)?;
                    next_seq
                }
                Err(error) => return Err(error),
            };
            read(path);
        }
        plan.databases = databases.missing;
        plan.filler = plan.filler.or_else(|| databases.known.into_iter().next());
        if plan.filler.is_none() && !plan.segments.is_empty() {
            // There is not one record: what is left of the log only stands in the way.
            let of_log = |(first_seq, path): &(u64, PathBuf)| NewSegment {
                path: path.clone(),
                first_seq: *first_seq,
                replaces: true,
                parts: Vec::new(),
            };
            plan.segments = log.iter().map(of_log).collect();
        }
        Ok(plan)
    }

    /// Notes that records are missing before a segment.
    fn missing(&mut self, layout: &Layout, seqs: Range<u64>, before: &Path) -> Result<(), OpenError> {
        check_number(&seqs, before)?;
        self.lost = true;
        let path = segment_path(&layout.wal, seqs.start);
        self.repairs.push(Repair {
            path: before.to_owned(),
            damage: "the segment before this one is missing or ends too early".to_owned(),
            kept: "everything in it".to_owned(),
            lost: vec![numbers(&seqs)],
        });
        let parts = vec![Part::Lost(seqs.clone())];
        self.segments.push(NewSegment { path, first_seq: seqs.start, replaces: false, parts });
        Ok(())
    }

    /// Notes a damaged segment.
    fn damaged(
        &mut self,
        path: &Path,
        first_seq: u64,
        what: String,
        found: Found,
        flushed_seq: u64,
    ) -> Result<(), OpenError> {
        let mut lost = Vec::new();
        for seqs in &found.lost {
            check_number(seqs, path)?;
            let stored = seqs.start..seqs.end.min(flushed_seq + 1);
            if !stored.is_empty() {
                lost.push(format!("nothing of {}: it is in data files", numbers(&stored)));
            }
            let gone = seqs.start.max(flushed_seq + 1)..seqs.end;
            if !gone.is_empty() {
                self.lost = true;
                lost.push(numbers(&gone));
            }
        }
        let places = found.damaged.iter().map(|range| format!("bytes {} to {}", range.start, range.end));
        lost.extend(places.map(|place| format!("{place} hold no intact record")));
        if found.open_end {
            self.lost = true;
            lost.push("whatever was written at the end of the segment; how many records is not known".to_owned());
        }
        let kept = format!("{} of its records", found.kept);
        self.repairs.push(Repair { path: path.to_owned(), damage: what, kept, lost });
        self.segments.push(NewSegment { path: path.to_owned(), first_seq, replaces: true, parts: found.parts });
        Ok(())
    }

    /// Writes the new segments in place of the damaged ones, which are kept elsewhere.
    pub(super) fn write(&self, layout: &Layout) -> Result<(), OpenError> {
        for segment in &self.segments {
            let path = &segment.path;
            let failed = |source| OpenError::io("write", path, source);
            match &self.filler {
                Some(filler) => segment.write(&layout.scratch.join("segment.wal"), filler).map_err(failed)?,
                None => std::fs::remove_file(path).map_err(failed)?,
            }
            sync_parent(path).map_err(failed)?;
        }
        Ok(())
    }

    /// The damaged segments.
    pub(super) fn originals(&self) -> impl Iterator<Item = &PathBuf> {
        self.segments.iter().filter(|segment| segment.replaces).map(|segment| &segment.path)
    }
}

impl NewSegment {
    fn write(&self, scratch: &Path, filler: &DatabaseKey) -> io::Result<()> {
        let old = if self.replaces { std::fs::read(&self.path)? } else { Vec::new() };
        let mut body = Vec::new();
        encode_database(filler, &mut body);
        let body_crc = crc32c::crc32c(&body);
        let mut out = BufWriter::new(File::create(scratch)?);
        out.write_all(&segment_header(self.first_seq))?;
        let mut record = Vec::new();
        for part in &self.parts {
            match part {
                Part::Kept(bytes) => out.write_all(old.get(bytes.clone()).unwrap_or_default())?,
                Part::Lost(seqs) => {
                    for seq in seqs.clone() {
                        record.clear();
                        append_record(&mut record, seq, RecordKind::Database, true, &body, body_crc);
                        out.write_all(&record)?;
                    }
                }
            }
        }
        out.into_inner()?.sync_all()?;
        std::fs::rename(scratch, &self.path)
    }
}

/// The databases that are created before a record is read, and those that are not.
struct Databases {
    known: BTreeSet<DatabaseKey>,
    missing: BTreeSet<DatabaseKey>,
}

impl Databases {
    /// Takes an intact record; says why it cannot be used.
    fn take(&mut self, kind: RecordKind, body: &[u8]) -> Result<(), String> {
        let failed = |error: CodecError| sentence(&error);
        match kind {
            RecordKind::Database => {
                self.known.insert(decode_database(body).map_err(failed)?);
            }
            RecordKind::Batch => {
                let database = decode_batch(body).map_err(failed)?.database;
                if self.known.insert(database.clone()) {
                    self.missing.insert(database);
                }
            }
        }
        Ok(())
    }
}

/// How many records can be salvaged of a last segment.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn count_intact(bytes: &[u8], first_seq: u64) -> u64 {
    let mut databases = Databases { known: BTreeSet::new(), missing: BTreeSet::new() };
    let found = find(bytes, first_seq, None, 0, &mut databases);
    let places = found.parts.iter().filter_map(|part| match part {
        Part::Kept(range) => Some(range),
        Part::Lost(_) => None,
    });
    assert!(places.is_sorted_by(|a, b| a.end <= b.start), "no byte is kept twice");
    found.kept
}

/// Reads what a damaged segment still holds; `next_first` is the first record of the segment behind it.
fn find(bytes: &[u8], first_seq: u64, next_first: Option<u64>, flushed_seq: u64, databases: &mut Databases) -> Found {
    let mut found = Found { next_seq: first_seq, ..Found::default() };
    if bytes.get(..SEGMENT_HEADER_BYTES) != Some(&segment_header(first_seq)) {
        found.damaged.push(0..SEGMENT_HEADER_BYTES.min(bytes.len()));
    }
    let mut at = SEGMENT_HEADER_BYTES;
    while at < bytes.len() {
        let seq = found.next_seq;
        match record_at(bytes, at, |head| head.seq == seq) {
            Some((head, body)) => {
                let record = at..at + HEAD_BYTES + head.body_bytes;
                at = record.end;
                match databases.take(head.kind, body) {
                    Ok(()) => found.keep(record),
                    Err(_) => found.lose(record, seq + 1),
                }
            }
            None => match next_intact(bytes, at, seq, next_first) {
                Some((next, next_seq)) => {
                    found.lose(at..next, next_seq);
                    at = next;
                }
                None => {
                    found.damaged.push(at..bytes.len());
                    found.open_end = next_first.is_none();
                    break;
                }
            },
        }
    }
    // Between segments, records that are in data files need no place.
    if let Some(next) = next_first.filter(|next| *next > found.next_seq.max(flushed_seq + 1)) {
        found.lose_numbers(next);
    }
    found
}

impl Found {
    fn keep(&mut self, record: Range<usize>) {
        self.kept += 1;
        self.next_seq += 1;
        match self.parts.last_mut() {
            Some(Part::Kept(before)) if before.end == record.start => before.end = record.end,
            _ => self.parts.push(Part::Kept(record)),
        }
    }

    /// Notes damaged bytes, behind which the record `next_seq` stands.
    fn lose(&mut self, bytes: Range<usize>, next_seq: u64) {
        match self.damaged.last_mut().filter(|before| before.end == bytes.start) {
            Some(before) => before.end = bytes.end,
            None => self.damaged.push(bytes),
        }
        self.lose_numbers(next_seq);
    }

    fn lose_numbers(&mut self, next_seq: u64) {
        if next_seq > self.next_seq {
            let lost = self.next_seq..next_seq;
            match self.lost.last_mut().filter(|before| before.end == lost.start) {
                Some(before) => before.end = lost.end,
                None => self.lost.push(lost.clone()),
            }
            self.parts.push(Part::Lost(lost));
            self.next_seq = next_seq;
        }
    }
}

/// The next intact record behind damage that begins at `at`, where record `seq` was to be: its offset and its number.
fn next_intact(bytes: &[u8], at: usize, seq: u64, next_first: Option<u64>) -> Option<(usize, u64)> {
    // Mostly a body is damaged and its length is not. Then nothing in the body is taken for a record: a sender can put there
    // whatever it likes.
    if let Some(length) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let end = at.checked_add(HEAD_BYTES)?.checked_add(u32::from_le_bytes(*length) as usize)?;
        if end == bytes.len() {
            return None;
        }
        let next_seq = seq.checked_add(1)?;
        if record_at(bytes, end, |head| head.seq == next_seq).is_some() {
            return Some((end, next_seq));
        }
    }
    let limit = next_first.unwrap_or(seq.saturating_add(MAX_LOST));
    let plausible = |at: usize| record_at(bytes, at, |head| (seq..limit).contains(&head.seq));
    (at + 1..bytes.len()).find_map(|at| plausible(at).map(|(head, _)| (at, head.seq)))
}

fn check_number(seqs: &Range<u64>, path: &Path) -> Result<(), OpenError> {
    if seqs.end - seqs.start <= MAX_LOST {
        return Ok(());
    }
    let what = format!(
        "{} would be missing before it, so many that its name must be wrong; move it out of the folder and try again",
        numbers(seqs)
    );
    Err(damaged(path, 0, what))
}

/// Records as people name them.
fn numbers(seqs: &Range<u64>) -> String {
    match seqs.end - seqs.start {
        1 => format!("record {}", seqs.start),
        count => format!("records {} to {} ({count} of them)", seqs.start, seqs.end - 1),
    }
}
