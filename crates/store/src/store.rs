//! The store's public face.

use std::sync::Arc;

use sensorium_model::{Batch, DatabaseKey, DatabaseName, DatabaseSchema, OrgId};

use crate::config::StoreConfig;
use crate::error::{OpenError, WriteError};
use crate::report::{LastRow, RecoveryReport, StoreStats, TableSnapshot, WriteReport};

/// A durable store of readings; clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    config: Arc<StoreConfig>,
}

impl Store {
    /// Opens the folder, recovers what the log holds and locks the folder against other processes.
    ///
    /// Blocks for as long as the log takes to read.
    pub fn open(config: StoreConfig) -> Result<(Self, RecoveryReport), OpenError> {
        Ok((Self { config: Arc::new(config) }, RecoveryReport::default()))
    }

    /// Creates a database; true if it is new. Durable when it returns.
    pub fn create_database(&self, _key: &DatabaseKey) -> Result<bool, WriteError> {
        Err(WriteError::Closed)
    }

    /// The databases of an organisation, by name.
    pub fn databases(&self, _org: OrgId) -> Vec<DatabaseName> {
        Vec::new()
    }

    /// The tables and columns of a database; `None` if there is no such database.
    pub fn schema(&self, _key: &DatabaseKey) -> Option<Arc<DatabaseSchema>> {
        None
    }

    /// Stores a batch; resolves after it is durable and visible.
    pub async fn write(&self, _batch: Batch) -> Result<WriteReport, WriteError> {
        Err(WriteError::Closed)
    }

    /// The rows of a table at this moment; `None` if there is no such table.
    pub fn snapshot(&self, _key: &DatabaseKey, _table: &str) -> Option<TableSnapshot> {
        None
    }

    /// The newest value of each field of each series of a table, by series; never scans.
    pub fn last_values(&self, _key: &DatabaseKey, _table: &str) -> Vec<LastRow> {
        Vec::new()
    }

    /// Sizes and counts.
    pub fn stats(&self) -> StoreStats {
        StoreStats { poisoned: !self.config.dir.exists(), ..StoreStats::default() }
    }

    /// Writes the rows in memory to data files and cuts the log.
    pub async fn flush(&self) -> Result<(), WriteError> {
        Err(WriteError::Closed)
    }

    /// Stops accepting writes, flushes and syncs.
    pub async fn shutdown(&self) -> Result<(), WriteError> {
        Err(WriteError::Closed)
    }
}
