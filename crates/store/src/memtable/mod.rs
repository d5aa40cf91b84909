//! Rows in memory: per table and UTC day a bucket of typed columns.
//!
//! A bucket is a list of full, shared chunks and one that grows, so that a reader takes a view by copying at most one chunk
//! while writers go on.
//!
//! Invariants:
//! - the rows of a bucket are in the order in which they were written, chunk after chunk;
//! - a column of a chunk is never longer than the chunk; rows past its end, and those not marked valid, have no value;
//! - all times of a bucket lie on its day.
//!
//! Limit: a chunk is shared at [`chunk::CHUNK_ROWS`] rows or [`chunk::CHUNK_BYTES`] bytes, whichever comes first.

pub(crate) mod bucket;
pub(crate) mod chunk;
pub(crate) mod gather;
pub(crate) mod sort;
