//! `last`: the newest values of each series.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use sensorium_store::arrow_schema;

use super::memory::InMemory;
use crate::catalog::Stored;

/// The newest values of a table.
pub(super) struct LastRows {
    stored: Stored,
    schema: SchemaRef,
}

impl LastRows {
    pub(super) fn open(stored: Stored, _names: &[String]) -> Result<Arc<dyn InMemory>> {
        let schema = arrow_schema(&stored.schema);
        Ok(Arc::new(Self { stored, schema }))
    }
}

impl fmt::Debug for LastRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "last({})", self.stored)
    }
}

impl InMemory for LastRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn rows(&self, columns: &[usize]) -> Result<RecordBatch> {
        let columns = Arc::new(self.schema.project(columns)?);
        Ok(self.stored.store.last_batch(&self.stored.key, &self.stored.table, &columns)?)
    }
}
