//! A stored table as DataFusion sees it.
//!
//! Sources of a table (Parquet files and memory) whose times do not overlap cannot hold the same key and are read directly,
//! in parallel, with every predicate pushed into the files. Sources that overlap are merged by key, the newest value of each
//! field winning ([`merge`]); there only predicates on `time` and tags are applied below the merge, because a predicate on a
//! field could remove the newer value and let an older one through. Deleted rows are left out below the merge. Of files in
//! which few pages can hold a matching row, those pages are read and nothing else ([`narrow`]).

mod cursor;
mod files;
mod merge;
mod narrow;
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
use parking_lot::Mutex;
use sensorium_store::{Source, TableSnapshot, arrow_schema};

use crate::catalog::Stored;
use series::Left;

pub(crate) use files::FileReading;
pub(crate) use narrow::FilePages;
pub(crate) use series::{Implied, KnownSeries};
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
    /// What the last predicates left of the series.
    left: Mutex<Option<(Vec<Expr>, Arc<Left>)>>,
}

impl StoreTable {
    pub(crate) fn new(stored: Stored, files: FileReading, series: KnownSeries) -> Self {
        let schema = arrow_schema(&stored.schema);
        let tags = (1..=stored.schema.tags().count()).collect::<Vec<_>>();
        Self { stored, schema, tags, files, series, snapshot: OnceLock::new(), left: Mutex::default() }
    }

    /// What the predicates on tags leave of the series, all of which were there before now.
    fn left(&self, state: &dyn Session, filters: &[Expr]) -> Result<Arc<Left>> {
        if let Some((asked, left)) = &*self.left.lock()
            && asked == filters
        {
            return Ok(Arc::clone(left));
        }
        let tags = Arc::new(self.schema.project(&self.tags)?);
        let Stored { store, key, table, .. } = &self.stored;
        let left = Arc::new(self.series.left(state, store, (key, table), &tags, filters)?);
        *self.left.lock() = Some((filters.to_vec(), Arc::clone(&left)));
        Ok(left)
    }

    fn snapshot(&self) -> Option<&TableSnapshot> {
        let Stored { store, key, table, .. } = &self.stored;
        self.snapshot.get_or_init(|| store.snapshot(key, table)).as_ref()
    }

    /// About how many rows satisfy predicates, taking all series and all times of a source to have equally many.
    pub(crate) fn estimate(&self, state: &dyn Session, filters: &[Expr]) -> Result<u64> {
        let Some(snapshot) = self.snapshot() else { return Ok(0) };
        let (matching, of) = match self.left(state, filters)?.as_ref() {
            Left::Nothing => (0, 1),
            Left::Unknown => (1, 1),
            Left::Implied(implied) => implied.series.unwrap_or((1, 1)),
        };
        let times = TimeRange::of(filters);
        let rows = |source: &Source| times.share(source.rows, (source.time_min_ns, source.time_max_ns));
        let rows = snapshot.sources.iter().map(rows).sum::<u128>();
        let rows = rows * matching as u128 / (of as u128).max(1);
        Ok(u64::try_from(rows).unwrap_or(u64::MAX))
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
        let Some(snapshot) = self.snapshot() else {
            return scan::empty(&self.schema, &columns);
        };
        let nothing_known = Implied::default();
        let left = self.left(state, filters)?;
        let implied = match left.as_ref() {
            Left::Nothing => return scan::empty(&self.schema, &columns),
            Left::Unknown => &nothing_known,
            Left::Implied(implied) => implied,
        };
        scan::plan(state, &self.files, snapshot, &columns, (filters, implied), limit).await
    }
}
