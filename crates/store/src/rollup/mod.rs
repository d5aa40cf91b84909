//! Rollups: tables that are computed from others, window by window, and kept up to date.
//!
//! A rollup is declared in the manifest. So are its *pending* windows: those whose rows are to be computed. A flush makes the
//! windows pending that its rows lie in, in the same version of the manifest that names their files, and a deletion those that
//! it touches; late readings are no special case. One thread, with a low priority, takes pending windows, the newest first,
//! merges what the source's files have of them as a compaction does, and writes the result through the log like any other rows.
//! Windows stop to be pending in the version of the manifest whose files have the result.
//!
//! Invariants:
//! - a rollup is a function of the source's files: once nothing is pending, each of its rows is what the rows in the source's
//!   files give, for all windows that are not closed;
//! - computing again changes nothing, so that a crash between any two steps costs time only;
//! - rows of the source that are older than they are kept stay in its files until the windows that they lie in are computed.
//!   With the first row that was dropped its window is *closed*: the rollup keeps what it has, and nothing changes it any more;
//! - a write only adds values to a window or replaces some. What a deletion takes away is first deleted from the rollup as well
//!   ([`crate::manifest::RollupState::shrunk`]), then its windows are computed;
//! - a rollup is never computed from another one, so that there is no cycle; nobody else writes to its table.
//!
//! Limits: `rollups_per_database`; [`MAX_SPANS`] spans of pending windows, beyond which the nearest are joined over what lies
//! between them; [`MAX_SHRUNK`] deletions, beyond which they are joined to one of all series. Computing holds one batch of rows
//! of each file, and one batch of results.

pub(crate) mod declare;
pub(crate) mod definition;
pub(crate) mod error;
mod fold;
pub(crate) mod progress;
pub(crate) mod spans;
mod step;
pub(crate) mod touch;
pub(crate) mod worker;

/// Spans of pending windows of one rollup.
pub(crate) const MAX_SPANS: usize = 256;

/// Deletions that one rollup has still to follow.
pub(crate) const MAX_SHRUNK: usize = 64;
