//! The log: whatever a record or a segment holds, it is read or refused, and what is read is written again to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sensorium_store::fuzzing::{log_body, log_segment, segment};

/// Pieces, each behind its length.
fn pieces(mut bytes: &[u8]) -> Vec<(bool, &[u8])> {
    let mut pieces = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (piece, rest) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
        pieces.push((true, piece));
        bytes = rest;
    }
    pieces
}

// The first byte says what the others are: a body, a segment as it stands, or the bodies of intact records.
fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        0 => {
            let _ = log_body(bytes);
        }
        1 => {
            let _ = log_segment(bytes, 1);
        }
        _ => {
            let records = pieces(bytes);
            assert_eq!(log_segment(&segment(1, &records), 1), records.len() as u64, "an intact record is taken");
        }
    }
});
