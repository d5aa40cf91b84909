//! The head of a record in the log.

/// Bytes before a record's body.
pub(crate) const HEAD_BYTES: usize = 17;

/// The largest body: a batch far beyond what a request may bring.
pub(crate) const MAX_BODY_BYTES: usize = 512 << 20;

/// Marks a record before which everything was on disk when it was written.
const AFTER_SYNC: u8 = 0x80;

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    /// Readings.
    Batch,
    /// A new database.
    Database,
}

/// A record's head, decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) body_bytes: usize,
    pub(crate) seq: u64,
    pub(crate) kind: RecordKind,
    pub(crate) after_sync: bool,
    crc: u32,
}

/// The length, sequence number and kind as they enter the CRC after the body.
fn checked_part(body_bytes: u32, seq: u64, kind: u8) -> [u8; 13] {
    let mut part = [0; 13];
    let (length, rest) = part.split_at_mut(4);
    length.copy_from_slice(&body_bytes.to_le_bytes());
    let (sequence, last) = rest.split_at_mut(8);
    sequence.copy_from_slice(&seq.to_le_bytes());
    last.fill(kind);
    part
}

/// Appends a record. `body_crc` is the CRC-32C of the body alone, so that it can be computed before the number is known.
pub(crate) fn append_record(
    out: &mut Vec<u8>,
    seq: u64,
    kind: RecordKind,
    after_sync: bool,
    body: &[u8],
    body_crc: u32,
) {
    debug_assert!(body.len() <= MAX_BODY_BYTES);
    let kind = match kind {
        RecordKind::Batch => 1,
        RecordKind::Database => 2,
    } | if after_sync { AFTER_SYNC } else { 0 };
    let body_bytes = body.len() as u32;
    let crc = crc32c::crc32c_append(body_crc, &checked_part(body_bytes, seq, kind));
    out.extend_from_slice(&body_bytes.to_le_bytes());
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&seq.to_le_bytes());
    out.push(kind);
    out.extend_from_slice(body);
}

impl Head {
    /// Decodes a head; `None` if no record can begin like this. None has the last number, so that each has a next one.
    pub(crate) fn decode(bytes: &[u8; HEAD_BYTES]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (crc, rest) = rest.split_first_chunk::<4>()?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let kind = *rest.first()?;
        let (body_bytes, seq) = (u32::from_le_bytes(*length) as usize, u64::from_le_bytes(*seq));
        let record_kind = match kind & !AFTER_SYNC {
            1 => RecordKind::Batch,
            2 => RecordKind::Database,
            _ => return None,
        };
        (body_bytes <= MAX_BODY_BYTES && seq < u64::MAX).then_some(Self {
            body_bytes,
            seq,
            kind: record_kind,
            after_sync: kind & AFTER_SYNC != 0,
            crc: u32::from_le_bytes(*crc),
        })
    }

    /// Whether the body is the one that was written.
    pub(crate) fn matches(&self, body: &[u8]) -> bool {
        let kind = match self.kind {
            RecordKind::Batch => 1,
            RecordKind::Database => 2,
        } | if self.after_sync { AFTER_SYNC } else { 0 };
        let part = checked_part(self.body_bytes as u32, self.seq, kind);
        body.len() == self.body_bytes && crc32c::crc32c_append(crc32c::crc32c(body), &part) == self.crc
    }
}

/// The record that begins at an offset, if its head is as wanted and it is intact. The head is asked before the body is read.
pub(crate) fn record_at(bytes: &[u8], at: usize, wanted: impl Fn(&Head) -> bool) -> Option<(Head, &[u8])> {
    let (head, rest) = bytes.get(at..)?.split_first_chunk::<HEAD_BYTES>()?;
    let head = Head::decode(head).filter(wanted)?;
    let body = rest.get(..head.body_bytes)?;
    head.matches(body).then_some((head, body))
}

/// Finds the offset of an intact record after `seq` that was written when everything before it was on disk.
pub(crate) fn find_after_sync(bytes: &[u8], seq: u64) -> Option<usize> {
    // A segment holds far fewer records than this, so that chance matches are not even looked at.
    let plausible = |head: &Head| head.after_sync && head.seq > seq && head.seq - seq < 1 << 32;
    (0..bytes.len().saturating_sub(HEAD_BYTES - 1)).find(|at| record_at(bytes, *at, plausible).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seq: u64, after_sync: bool, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        append_record(&mut out, seq, RecordKind::Batch, after_sync, body, crc32c::crc32c(body));
        out
    }

    fn intact(bytes: &[u8]) -> bool {
        let (head, body) = bytes.split_first_chunk::<HEAD_BYTES>().unwrap();
        Head::decode(head).is_some_and(|head| head.matches(body))
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = record(9, true, b"readings");
        assert!(intact(&bytes));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(!intact(&damaged), "bit {bit}");
        }
    }

    #[test]
    fn only_a_later_record_that_followed_a_sync_is_found() {
        let mut bytes = b"garbage".to_vec();
        bytes.extend(record(3, true, b"old"));
        bytes.extend(record(5, false, b"same group"));
        assert_eq!(find_after_sync(&bytes, 4), None);
        let at = bytes.len();
        bytes.extend(record(6, true, b""));
        assert_eq!(find_after_sync(&bytes, 4), Some(at));
        assert_eq!(find_after_sync(&bytes[..bytes.len() - 1], 4), None);
    }
}
