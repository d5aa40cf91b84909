//! Decoders of what is on disk, for the fuzz targets and for tests that damage it: bytes in, an answer or a refusal out.
//!
//! Each function panics where an invariant does not hold: that is what a fuzzer looks for. It is compiled for tests and with the
//! feature `fuzzing` only, and no part of the interface of this crate.

use std::io::Cursor;
use std::path::Path;

use sensorium_model::{Batch, FieldValues, TableBatch};
use serde_json::value::RawValue;

use crate::manifest::{Edit, State};
use crate::salvage::count_intact;
use crate::wal::codec::{decode_batch, decode_database, encode_batch, encode_database};
use crate::wal::record::{RecordKind, append_record};
use crate::wal::segment::{scan, segment_header};

/// How many bytes the values of a batch may take for each byte that they were decoded from: a row takes at least a byte for its
/// time and a bit for each field, and a value and its presence nine at most.
const GROWTH: usize = 9 * 8;

/// What stands in errors for the name of a file.
const NOWHERE: &str = "bytes";

/// Decodes the body of a record. What could be decoded is written and decoded again to the same; returns whether it could be.
pub fn log_body(body: &[u8]) -> bool {
    if let Ok(database) = decode_database(body) {
        let mut again = Vec::new();
        encode_database(&database, &mut again);
        assert!(decode_database(&again).is_ok_and(|read| read == database), "a database is read as it was written");
    }
    let Ok(batch) = decode_batch(body) else { return false };
    assert!(batch.tables.iter().all(TableBatch::is_rectangular), "columns have one length and are in order");
    let (held, most) = (bytes_of(&batch), GROWTH * body.len());
    assert!(held <= most, "{held} bytes of values were made from {}", body.len());
    let written = |batch: &Batch| {
        let mut bytes = Vec::new();
        encode_batch(batch, &mut bytes);
        bytes
    };
    // Compared as bytes: one NaN is not like another.
    let first = written(&batch);
    let again = decode_batch(&first).map(|again| written(&again));
    assert!(again.is_ok_and(|again| again == first), "a batch is read as it was written");
    true
}

fn bytes_of(batch: &Batch) -> usize {
    let of_table = |table: &TableBatch| {
        let rows = table.rows();
        let fields = table.fields.iter().map(|field| match &field.values {
            FieldValues::Text(texts) => rows * 4 + texts.text_bytes(),
            FieldValues::Vector(vectors) => rows * 4 + vectors.number_bytes(),
            FieldValues::Bool(_) => rows,
            _ => rows * 8,
        });
        rows * 8 + table.tags.len() * rows * 4 + fields.sum::<usize>()
    };
    batch.tables.iter().map(of_table).sum()
}

/// Reads a segment of the log as a start does, as the last one and as one before others, and looks for what could be salvaged.
/// Returns the records that a start would take.
pub fn log_segment(segment: &[u8], first_seq: u64) -> u64 {
    let path = Path::new(NOWHERE);
    let read = |is_last: bool| {
        let (mut records, mut bytes) = (0, 0);
        let scanned = scan(Cursor::new(segment), segment.len() as u64, path, first_seq, is_last, |record| {
            let _ = log_body(record.body);
            records += 1;
            bytes += record.body.len();
            Ok(())
        });
        assert!(bytes <= segment.len(), "no byte is read twice");
        if let Ok(scanned) = &scanned {
            assert_eq!(scanned.next_seq - first_seq, records, "records are numbered one by one");
            assert_eq!(scanned.end + scanned.torn_bytes, segment.len() as u64, "each byte is read or torn");
        }
        scanned.map(|_| records)
    };
    let (last, other) = (read(true), read(false));
    if let Ok(other) = other {
        assert_eq!(last.as_ref().ok(), Some(&other), "what is whole before another segment is whole as the last");
    }
    let _ = count_intact(segment, first_seq);
    last.unwrap_or(0)
}

/// A segment whose records are intact and have these bodies: readings where that is true, new databases otherwise.
pub fn segment(first_seq: u64, records: &[(bool, &[u8])]) -> Vec<u8> {
    let mut bytes = segment_header(first_seq).to_vec();
    for (place, (is_batch, body)) in records.iter().enumerate() {
        let seq = first_seq.saturating_add(place as u64);
        let kind = if *is_batch { RecordKind::Batch } else { RecordKind::Database };
        append_record(&mut bytes, seq, kind, true, body, crc32c::crc32c(body));
    }
    bytes
}

/// Reads the files of a manifest, the first as a checkpoint and the others as what follows. What they say together is written and
/// read again to the same; returns how many were taken.
pub fn manifest(files: &[&[u8]]) -> usize {
    use crate::manifest::folder::{FORMAT, check_order, parse, written};
    let path = Path::new(NOWHERE);
    let mut state = State::default();
    let mut taken = 0;
    for file in files {
        let Ok(edit) = parse(path, file) else { continue };
        if taken == 0 || edit.version > state.version && check_order(path, &state, &edit).is_ok() {
            state.apply(&edit);
            taken += 1;
        }
    }
    let next = state.next_edit();
    assert!(check_order(path, &state, &next).is_ok(), "there is always a next version");
    let text = |edit: &Edit| {
        let text = serde_json::value::to_raw_value(edit).ok();
        text.and_then(|text| written(FORMAT, text).ok()).unwrap_or_default()
    };
    let edit = state.checkpoint();
    let read = parse(path, &text(&edit));
    assert!(read.as_ref().is_ok_and(|read| *read == edit), "a checkpoint is read as it was written: {read:?}");
    let mut again = State::default();
    again.apply(&edit);
    assert!(again == state, "a checkpoint says all: {again:?}, not {state:?}");
    taken
}

/// A file of the manifest whose edit has this text, with the right checksum; `None` if the text is not JSON.
pub fn manifest_file(edit: &str) -> Option<Vec<u8>> {
    use crate::manifest::folder::{FORMAT, written};
    written(FORMAT, RawValue::from_string(edit.to_owned()).ok()?).ok()
}
