//! The write-ahead log: what makes an acknowledgement mean "stored".
//!
//! ```text
//! <dir>/wal/<first sequence number, 20 digits>.wal
//! segment = header record*
//! header  = "SENSWAL1"  first sequence number (u64)  CRC-32C of these 16 bytes (u32)  zero (u32)
//! record  = length of the body (u32)  CRC-32C (u32)  sequence number (u64)  kind (u8)  body
//! ```
//!
//! Integers are little-endian. The CRC covers the body, then the length, the sequence number and the kind. The lower seven bits
//! of `kind` say what the body is (1: a batch, 2: a new database; the layouts stand in [`codec`]); the highest bit marks the
//! first record of a group: the records that one write and one sync brought to disk together.
//!
//! Invariants:
//! - sequence numbers ascend by one from record to record, across segments too;
//! - a record never spans two segments, and a group never does;
//! - a segment's header and its entry in the folder are synced before its first record is written;
//! - a group is written only after the one before it was synced. So damage that has an intact first record of a group behind
//!   it is damage of synced data and stops the start; damage without one, in the last segment, is the unfinished last group,
//!   which nobody was told is stored, and is cut off. Every start begins a new segment, so that older ones are closed to this.
//!
//! Limits: a body is at most [`record::MAX_BODY_BYTES`].

pub(crate) mod codec;
pub(crate) mod file;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod segment;
pub(crate) mod writer;
