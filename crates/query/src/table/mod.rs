//! A stored table as DataFusion sees it.
//!
//! Sources of a table (Parquet files and memory) whose times do not overlap cannot hold the same key and are read directly,
//! in parallel, with every predicate pushed into the files. Sources that overlap are merged by key, the newest value of each
//! field winning ([`merge`]); there only predicates on `time` and tags are applied below the merge, because a predicate on a
//! field could remove the newer value and let an older one through. Deleted rows are left out below the merge.

mod cursor;
mod files;
mod merge;
mod newest;
mod scan;
mod search;
mod series;
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
use sensorium_store::{TableSnapshot, arrow_schema};

use crate::catalog::Stored;
use series::{Implied, Left};

pub(crate) use files::FileReading;
pub(crate) use series::KnownSeries;
pub(crate) use time_range::TimeRange;

/// A table of the store, read at the moment when it is first planned.
pub(crate) struct StoreTable {
    stored: Stored,
    schema: SchemaRef,
    /// Which columns are tags.
    tags: Vec<usize>,
    files: FileReading,
    series: KnownSeries,
    snapshot: OnceLock<Option<TableSnapshot>>,
}

impl StoreTable {
    pub(crate) fn new(stored: Stored, files: FileReading, series: KnownSeries) -> Self {
        let schema = arrow_schema(&stored.schema);
        let tags = (1..=stored.schema.tags().count()).collect::<Vec<_>>();
        Self { stored, schema, tags, files, series, snapshot: OnceLock::new() }
    }

    /// What the predicates on tags leave of the series, all of which were there before now.
    fn left(&self, state: &dyn Session, filters: &[Expr]) -> Result<Left> {
        let tags = Arc::new(self.schema.project(&self.tags)?);
        let Stored { store, key, table, .. } = &self.stored;
        self.series.left(state, store, (key, table), &tags, filters)
    }
}

impl fmt::Debug for StoreTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreTable({})", self.stored)
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
        let Stored { store, key, table, .. } = &self.stored;
        let Some(snapshot) = self.snapshot.get_or_init(|| store.snapshot(key, table)) else {
            return scan::empty(&self.schema, &columns);
        };
        let implied = match self.left(state, filters)? {
            Left::Nothing => return scan::empty(&self.schema, &columns),
            Left::Unknown => Implied::default(),
            Left::Implied(implied) => implied,
        };
        scan::plan(state, &self.files, snapshot, &columns, (filters, &implied), limit)
    }
}
