//! A stored table as DataFusion sees it.
//!
//! Sources of a table (Parquet files and memory) whose times do not overlap cannot hold the same key and are read directly,
//! in parallel, with every predicate pushed into the files. Sources that overlap are merged by key, the newest value of each
//! field winning ([`merge`]); there only predicates on `time` and tags are applied below the merge, because a predicate on a
//! field could remove the newer value and let an older one through. Deleted rows are left out below the merge.

mod files;
mod merge;
mod newest;
mod scan;
mod sets;
mod time_range;

use std::fmt;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use sensorium_model::{DatabaseKey, Name, TableSchema};
use sensorium_store::{Store, TableSnapshot, arrow_schema};

pub(crate) use files::FileReading;

/// A table of the store, read at the moment when it is first planned.
pub(crate) struct StoreTable {
    store: Store,
    key: DatabaseKey,
    table: Name,
    schema: SchemaRef,
    files: FileReading,
    snapshot: OnceLock<Option<TableSnapshot>>,
}

impl StoreTable {
    pub(crate) fn new(store: Store, key: DatabaseKey, table: Name, schema: &TableSchema, files: FileReading) -> Self {
        Self { store, key, table, schema: arrow_schema(schema), files, snapshot: OnceLock::new() }
    }
}

impl fmt::Debug for StoreTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreTable({}.{})", self.key.name, self.table)
    }
}

#[async_trait]
impl TableProvider for StoreTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Files are pruned by statistics, not row by row: the filter stays above the scan.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns: Vec<&str> = match projection {
            Some(indices) => indices.iter().map(|index| self.schema.field(*index).name().as_str()).collect(),
            None => self.schema.fields().iter().map(|field| field.name().as_str()).collect(),
        };
        let snapshot = self.snapshot.get_or_init(|| self.store.snapshot(&self.key, &self.table));
        match snapshot {
            Some(snapshot) => scan::plan(state, &self.files, snapshot, &columns, filters, limit),
            None => scan::empty(&self.schema, &columns),
        }
    }
}
