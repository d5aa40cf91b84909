//! Reading one segment of the log.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::record::{HEAD_BYTES, Head, RecordKind, find_after_sync};
use crate::error::{OpenError, SALVAGE};

/// Bytes of a segment's header.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 24;

const MAGIC: &[u8; 8] = b"SENSWAL1";

/// The header of a segment that begins with a sequence number.
pub(crate) fn segment_header(first_seq: u64) -> [u8; SEGMENT_HEADER_BYTES] {
    let mut header = [0; SEGMENT_HEADER_BYTES];
    let (checked, rest) = header.split_at_mut(16);
    let (magic, seq) = checked.split_at_mut(8);
    magic.copy_from_slice(MAGIC);
    seq.copy_from_slice(&first_seq.to_le_bytes());
    let crc = crc32c::crc32c(checked);
    rest.split_at_mut(4).0.copy_from_slice(&crc.to_le_bytes());
    header
}

/// The file of a segment.
pub(crate) fn segment_path(folder: &Path, first_seq: u64) -> PathBuf {
    folder.join(format!("{first_seq:020}.wal"))
}

/// A record as it is read.
pub(crate) struct Record<'b> {
    pub(crate) seq: u64,
    pub(crate) kind: RecordKind,
    pub(crate) body: &'b [u8],
    pub(crate) offset: u64,
}

/// What a segment held.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// The number that the next record after this segment has.
    pub(crate) next_seq: u64,
    /// Where the intact records end.
    pub(crate) end: u64,
    /// Bytes behind that, which were never synced.
    pub(crate) torn_bytes: u64,
}

/// An error that names the place of the damage.
pub(crate) fn damaged(path: &Path, offset: u64, what: impl Into<String>) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), offset, what: what.into(), remedy: SALVAGE }
}

/// Reads the records of a segment in order. An unsynced end may be torn, in the last segment only.
pub(crate) fn scan_segment(
    path: &Path,
    first_seq: u64,
    is_last: bool,
    visit: impl FnMut(Record<'_>) -> Result<(), OpenError>,
) -> Result<Scanned, OpenError> {
    let failed = |source| OpenError::io("read", path, source);
    let file = File::open(path).map_err(failed)?;
    let len = file.metadata().map_err(failed)?.len();
    scan(BufReader::with_capacity(1 << 18, file), len, path, first_seq, is_last, visit)
}

/// The same for `len` bytes from anywhere; the path is only named in errors.
pub(crate) fn scan(
    mut reader: impl Read + Seek,
    len: u64,
    path: &Path,
    first_seq: u64,
    is_last: bool,
    mut visit: impl FnMut(Record<'_>) -> Result<(), OpenError>,
) -> Result<Scanned, OpenError> {
    let failed = |source| OpenError::io("read", path, source);
    let mut header = [0; SEGMENT_HEADER_BYTES];
    let whole = read_exact(&mut reader, &mut header).map_err(failed)?;
    if !whole || header != segment_header(first_seq) {
        // A crash while the segment was created leaves a short header, or one that is zero where it did not come to the disk;
        // it is synced before the first record, so that there is none behind it.
        if is_last && len <= SEGMENT_HEADER_BYTES as u64 {
            return Ok(Scanned { next_seq: first_seq, end: 0, torn_bytes: len });
        }
        return Err(damaged(
            path,
            0,
            format!("this is not the header of a log segment that begins with record {first_seq}"),
        ));
    }

    let mut scanned = Scanned { next_seq: first_seq, end: SEGMENT_HEADER_BYTES as u64, torn_bytes: 0 };
    let mut body = Vec::new();
    while scanned.end < len {
        let Some(head) = read_record(&mut reader, len - scanned.end, scanned.next_seq, &mut body).map_err(failed)?
        else {
            return torn_or_damaged(reader, path, is_last, len, scanned);
        };
        visit(Record { seq: head.seq, kind: head.kind, body: &body, offset: scanned.end })?;
        scanned.next_seq += 1;
        scanned.end += (HEAD_BYTES + head.body_bytes) as u64;
    }
    Ok(scanned)
}

/// Reads the next record; `None` if it is not intact or not the expected one.
fn read_record(reader: &mut impl Read, left: u64, seq: u64, body: &mut Vec<u8>) -> io::Result<Option<Head>> {
    let mut head = [0; HEAD_BYTES];
    if !read_exact(reader, &mut head)? {
        return Ok(None);
    }
    let Some(head) = Head::decode(&head).filter(|head| head.seq == seq) else { return Ok(None) };
    if (HEAD_BYTES + head.body_bytes) as u64 > left {
        return Ok(None);
    }
    body.resize(head.body_bytes, 0);
    Ok((read_exact(reader, body)? && head.matches(body)).then_some(head))
}

/// Decides what a record that is not intact means.
fn torn_or_damaged(
    mut reader: impl Read + Seek,
    path: &Path,
    is_last: bool,
    len: u64,
    mut scanned: Scanned,
) -> Result<Scanned, OpenError> {
    let failed = |source| OpenError::io("read", path, source);
    let missing = format!("record {} is not intact", scanned.next_seq);
    if !is_last {
        return Err(damaged(path, scanned.end, format!("{missing}, and a later segment follows")));
    }
    reader.seek(SeekFrom::Start(scanned.end)).map_err(failed)?;
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).map_err(failed)?;
    if let Some(at) = find_after_sync(&rest, scanned.next_seq) {
        let later = scanned.end + at as u64;
        return Err(damaged(path, scanned.end, format!("{missing}, but a later one at byte {later} is")));
    }
    scanned.torn_bytes = len - scanned.end;
    Ok(scanned)
}

/// Fills the buffer; false if the file ends before.
fn read_exact(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
