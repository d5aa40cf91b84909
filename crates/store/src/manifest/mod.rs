//! Which databases, tables and files there are: the truth about everything that is no longer in the log.
//!
//! ```text
//! <dir>/manifest/<version, 20 digits>.delta.json        what a flush or a merge changed of the version before
//! <dir>/manifest/<version, 20 digits>.checkpoint.json   everything at that version
//! file = {"format":2,"crc32c":"<8 hex digits of the text of edit>","edit":{…}}
//! ```
//!
//! Format 2 has checksums of the data files ([`crate::files::checksum`]); format 1, which did not say its number, is read too.
//! A file that says something of rollups ([`crate::rollup`]) is of format 3, so that a version that does not know them refuses
//! it instead of forgetting them.
//!
//! Invariants:
//! - versions ascend by one; each is created once, and never replaced: the file is written under another name, synced, and
//!   linked to its own name, which fails when it exists;
//! - the state is the newest checkpoint with all deltas behind it; older files are deleted only after a newer checkpoint is
//!   on disk;
//! - `flushed_seq` never falls; every record of the log up to it has its rows in the named files.

pub(crate) mod edit;
pub(crate) mod folder;
pub(crate) mod rollups;

pub(crate) use edit::{DatabaseEntry, DeletionEntry, Edit, FileEntry, LastEntry, RetentionEntry, State, TableEdit};
pub(crate) use folder::{CommitError, Manifest};
pub(crate) use rollups::{RollupEdit, RollupKey, RollupState};
