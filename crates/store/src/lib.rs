//! The durable store: write-ahead log, memtable, Parquet files, manifest.

pub mod columns;
pub mod config;
pub mod error;
pub mod merge;
pub mod report;
mod store;
mod wal;

pub use columns::{adapt, arrow_schema};
pub use config::{CommitListener, Durability, StoreConfig};
pub use error::{OpenError, WriteError};
pub use merge::merge_newest_wins;
pub use report::{
    DataFile, LastField, LastRow, RecoveryReport, Source, SourceData, StoreStats, TableSnapshot, WriteReport,
};
pub use store::Store;
