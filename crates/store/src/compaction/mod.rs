//! Fewer, larger files: a table's small files are merged into one, in the background.
//!
//! One thread compacts, one merge at a time, with a low priority: it chooses files (see [`choose`]), merges them as they
//! stream from disk (see [`merge`]), writes the result under a temporary name, and replaces them by it in the next version of
//! the manifest (see [`step`]). Readers that hold the old files go on; an old file is deleted when the last of them is done.
//!
//! Invariants:
//! - a merge changes no answer: of equal keys each field keeps its newest value, and the result stands where its inputs
//!   stood in the order of age, which is only done when no file between them can hold one of their keys;
//! - the inputs stay until the manifest names the result; a crash in between leaves a temporary file, which the next start
//!   removes; a crash behind it leaves inputs that the manifest calls retired, which the next start removes;
//! - a merge that fails changes nothing.
//!
//! Limits: [`choose::FAN_IN`] files at once, each with one batch of rows in memory, and one row group of the result.

pub(crate) mod choose;
pub(crate) mod compactor;
pub(crate) mod merge;
pub(crate) mod step;
