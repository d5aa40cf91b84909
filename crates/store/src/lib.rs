//! The durable store: what was acknowledged is on disk, and stays there.
//!
//! A batch goes through the write-ahead log (one sync for many writers) into memory (buckets of a table and a day),
//! is flushed to Parquet files that a manifest names, and is read as a [`TableSnapshot`] over both. Each part has its own
//! module, whose header states its layout on disk, its invariants and its limits:
//!
//! | module | what it holds |
//! |---|---|
//! | `folder` | the lock and the version of the folder |
//! | `wal` | segments, records, the encoding of batches, replay |
//! | `commit` | writers, the queue and the committer |
//! | `disk` | the room that is kept free |
//! | `catalog` | databases, tables and columns |
//! | `table`, `memtable` | series, rows in memory, newest values, views of a moment |
//! | `flush`, `files`, `manifest` | from memory to Parquet |
//! | `deletion`, `retention` | what readers do not see any more, and what is dropped |
//! | `compaction` | from many small files to few large ones |
//! | `rollup` | tables that are computed from others |
//! | `open` | recovery |
//! | `check`, `salvage` | verifies everything that is stored, and recovers what is readable of it |
//! | `backup` | copies of a running store, and back |
//! | `fuzzing` | decoders of what is on disk, for fuzz targets only |
//!
//! Invariants of the whole:
//! - [`Store::write`] resolves after the batch is synced and visible;
//! - a key (series, time) is unique for a reader: the newest write wins field by field, across memory and files, and a restart
//!   resolves it the same way;
//! - damage of stored data stops the start with file and offset; a failed sync stops writing;
//! - this crate never sees DataFusion, and reads no configuration and no clock but the monotonic one.

mod backup;
mod catalog;
mod check;
pub mod columns;
mod commit;
mod compaction;
pub mod config;
mod deletion;
mod disk;
pub mod error;
mod files;
mod flush;
mod folder;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod manifest;
mod memtable;
mod open;
mod priority;
pub mod report;
mod requests;
mod retention;
mod rollup;
mod salvage;
mod shared;
mod store;
mod table;
mod telemetry;
mod wal;

#[cfg(test)]
mod tests;

pub use backup::{Backup, BackupError, BackupInfo, BackupReport, Frozen, backups, restore};
pub use check::{CheckProgress, CheckReport, Finding, check};
pub use columns::{adapt, arrow_schema};
pub use config::{Clock, CommitListener, Durability, StoreConfig};
pub use deletion::Deletion;
pub use error::{OpenError, WriteError};
pub use files::data_file::DataFile;
pub use files::pages::{Pages, TagValues, Wanted};
pub use report::{
    LastField, LastRow, RecoveryReport, RollupInfo, Source, SourceData, StoreStats, TableSnapshot, WriteReport,
};
pub use rollup::definition::{Aggregate, Rollup};
pub use rollup::error::RollupError;
pub use salvage::{Repair, Salvage};
pub use store::Store;
pub use telemetry::describe_metrics;
