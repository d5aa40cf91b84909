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
//! of `kind` say what the body is (1: a batch, 2: a new database; the layouts stand in [`codec`]); the highest bit says that
//! everything before the record was synced when it was written. Where each write is synced, that is the first record of each
//! group: of the records that one write and one sync bring to disk.
//!
//! Invariants:
//! - sequence numbers ascend by one from record to record, across segments too;
//! - neither a record nor a group spans two segments;
//! - a segment's header and its entry in the folder are synced before its first record is written, and a segment is synced as
//!   a whole before the next one begins, by another process too;
//! - so damage with an intact record behind it that was written after a sync is damage of synced data, and stops the start.
//!   Damage without one, in the last segment, is the unsynced end: what nobody was told is stored (or, with
//!   `Durability::Memory`, the last moments before power was lost). It is cut off.
//!
//! Limits: a body is at most [`record::MAX_BODY_BYTES`].

pub(crate) mod codec;
pub(crate) mod file;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod segment;
pub(crate) mod writer;
