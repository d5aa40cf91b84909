//! Bringing writes to disk: many writers, one committer.
//!
//! A writer prepares its record on its own task (columns reserved, series numbered, bytes encoded) and waits. The committer, a
//! thread of its own, takes what waits as one group, writes it with one call, syncs it once, makes the rows visible in order
//! of sequence numbers, answers all writers and tells the listener.
//!
//! Invariants:
//! - a writer is answered "stored" only after the sync of its group and after its rows are visible;
//! - rows become visible in the order of the log, so that a restart resolves equal keys as the running store did;
//! - a group that failed leaves no trace: its sequence numbers are given to the next one.
//!
//! Limits: `queue_batches` writes wait at most; a group ends at `commit_bytes`.

pub(crate) mod committer;
pub(crate) mod prepare;
pub(crate) mod queue;
pub(crate) mod write;
