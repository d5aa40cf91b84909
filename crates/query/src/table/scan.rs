//! Plans the reading of one table: leaves out sources by time, reads disjoint ones directly and merges the rest.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::{SchemaRef, TimestampNanosecondType};
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::FileGroup;
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, ident, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::union::UnionExec;
use sensorium_model::Name;
use sensorium_model::names::TIME_COLUMN;
use sensorium_store::{DataFile, Deletion, Source, SourceData, TableSnapshot, Wanted, adapt, arrow_schema};

use super::files::{FileReading, Pruning, partitioned};
use super::merge::{MergeNewestExec, SortedSources};
use super::narrow::{FilePages, NarrowExec};
use super::newest::Shape;
use super::series::Implied;
use super::sets::{self, Set, Span};
use super::time_range::TimeRange;
use crate::slices::slices;

/// A plan without rows.
pub(crate) fn empty(schema: &SchemaRef, columns: &[&str]) -> Result<Arc<dyn ExecutionPlan>> {
    let indices = positions(schema, columns)?;
    Ok(Arc::new(EmptyExec::new(Arc::new(schema.project(&indices)?))))
}

/// A plan that reads `columns` of the snapshot, at least of all rows that satisfy `filters`. What `implied` holds follows from
/// them for every row and only leaves out parts of files.
pub(crate) async fn plan(
    state: &dyn Session,
    files: &FileReading,
    snapshot: &TableSnapshot,
    columns: &[&str],
    (filters, implied): (&[Expr], &Implied),
    limit: Option<usize>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = arrow_schema(&snapshot.schema);
    let keys = 1 + snapshot.schema.tags().count();
    let times = TimeRange::of(filters);
    let scan = Scan { state, files, keys, output: positions(&schema, columns)?, implied, times, schema, limit };
    let sources: Vec<Source> =
        snapshot.sources.iter().map(|source| scan.narrowed(source, implied)).collect::<Result<_>>()?;
    let spans: Vec<(usize, Span)> = sources
        .iter()
        .enumerate()
        .filter(|(_, source)| source.rows > 0 && times.overlaps(source.time_min_ns, source.time_max_ns))
        .map(|(index, source)| (index, (source.time_min_ns, source.time_max_ns)))
        .collect();
    let (mut direct, mut overlapping) = (Vec::new(), Vec::new());
    for set in sets::split(&spans) {
        let members: Vec<&Source> = set.sources.iter().filter_map(|index| sources.get(*index)).collect();
        match members.as_slice() {
            [source] if within(source, set.window) && source.deletions.is_empty() => direct.push(*source),
            _ => overlapping.push((set, members)),
        }
    }
    let mut inputs = scan.direct(&direct).await?;
    inputs.extend(scan.merged(overlapping, filters).await?);
    match inputs.len() {
        0 => empty(&scan.schema, columns),
        _ => UnionExec::try_new(inputs),
    }
}

/// Whether a source has no row outside of a window.
fn within(source: &Source, window: Span) -> bool {
    window.0 <= source.time_min_ns && source.time_max_ns <= window.1
}

fn positions(schema: &SchemaRef, columns: &[&str]) -> Result<Vec<usize>> {
    Ok(columns.iter().map(|column| schema.index_of(column)).collect::<Result<_, _>>()?)
}

struct Scan<'a> {
    state: &'a dyn Session,
    files: &'a FileReading,
    schema: SchemaRef,
    /// The first columns of the schema: time and tags.
    keys: usize,
    output: Vec<usize>,
    /// What every wanted row satisfies, on keys only.
    implied: &'a Implied,
    /// When every wanted row is.
    times: TimeRange,
    limit: Option<usize>,
}

impl Scan<'_> {
    /// The part of a source in memory that can match, with the columns of the scan; a file as it is.
    fn narrowed(&self, source: &Source, implied: &Implied) -> Result<Source> {
        let SourceData::Memory(batch) = &source.data else { return Ok(source.clone()) };
        let batch = adapt(batch, &self.schema).map_err(DataFusionError::from)?;
        let part = implied.narrow(&batch);
        let rows = u64::try_from(part.num_rows()).unwrap_or(u64::MAX);
        let times = part.columns().first().and_then(|times| times.as_primitive_opt::<TimestampNanosecondType>());
        let span = times.filter(|_| rows < source.rows).and_then(|times| Some((min(times)?, max(times)?)));
        let (time_min_ns, time_max_ns) = span.unwrap_or((source.time_min_ns, source.time_max_ns));
        let deletions = source.deletions.clone();
        Ok(Source { time_min_ns, time_max_ns, rows, data: SourceData::Memory(part), deletions })
    }

    /// Reads sources that share no key with any other; the optimizer pushes predicates into the files.
    async fn direct(&self, sources: &[&Source]) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
        let partitions = self.state.config_options().execution.target_partitions.max(1);
        let (mut in_files, mut in_pages, mut in_memory) = (Vec::new(), Vec::new(), Vec::new());
        for source in sources {
            match &source.data {
                SourceData::File(file) => match self.few_pages(file).await? {
                    Some(pages) => in_pages.push(pages),
                    None => in_files.push(partitioned(file, &self.schema)?),
                },
                SourceData::Memory(batch) => in_memory.push(self.small(batch)),
            }
        }
        let mut plans = Vec::new();
        in_pages.retain(|file| file.pages.rows > 0);
        if !in_pages.is_empty() {
            plans.push(self.narrow(in_pages, &self.output)?);
        }
        if !in_files.is_empty() {
            let groups = FileGroup::new(in_files).split_files(partitions);
            let implied =
                conjunction(self.implied.predicates.iter().cloned()).map(|filter| self.physical(filter)).transpose()?;
            plans.push(self.files.plan(
                self.state,
                &self.schema,
                &self.output,
                groups,
                self.pruning(implied.as_ref()),
                self.limit,
            )?);
        }
        if !in_memory.is_empty() {
            let each = in_memory.len().div_ceil(partitions);
            let partitions: Vec<Vec<RecordBatch>> = in_memory.chunks(each).map(<[_]>::concat).collect();
            plans.push(self.memory(&partitions, &self.output)?);
        }
        Ok(plans)
    }

    /// The pages of a file that may hold a wanted row, if it is known that they are few.
    async fn few_pages(&self, file: &Arc<DataFile>) -> Result<Option<FilePages>> {
        if self.implied.series.is_none() {
            return Ok(None);
        }
        let TimeRange { min: time_min_ns, max: time_max_ns } = self.times;
        self.files.few_pages(file, Wanted { time_min_ns, time_max_ns, tags: &self.implied.values }).await
    }

    fn narrow(&self, files: Vec<FilePages>, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(NarrowExec::new(files, Arc::new(self.schema.project(columns)?))))
    }

    /// Reads sources that may share keys.
    async fn merged(&self, sets: Vec<(Set, Vec<&Source>)>, filters: &[Expr]) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let on_keys: Vec<Expr> = filters.iter().filter(|filter| self.is_on_keys(filter)).cloned().collect();
        let deletions = sets.iter().flat_map(|(_, sources)| sources).flat_map(|source| &source.deletions);
        let deletions: Vec<Expr> = deletions.filter_map(|deletion| self.not_deleted(deletion)).collect();
        let used = |name: &str| {
            let mut filters = on_keys.iter().chain(&deletions);
            filters.any(|filter| filter.column_refs().iter().any(|column| column.name == name))
        };
        // Once the predicates hold, a tag with one value tells no rows apart.
        let is_constant = |column: usize| {
            let name = self.schema.field(column).name();
            !self.output.contains(&column) && self.implied.constant.contains(name) && !used(name)
        };
        let mut columns: Vec<usize> = (0..self.keys).filter(|column| !is_constant(*column)).collect();
        let keys = columns.len();
        columns.extend(self.output.iter().copied().filter(|column| *column >= self.keys));
        columns.sort_unstable();
        columns.dedup();
        let output = self.output.iter().map(|wanted| columns.iter().position(|column| column == wanted));
        let output = output.collect::<Option<Vec<usize>>>().unwrap_or_default();
        let shape = Shape { schema: Arc::new(self.schema.project(&columns)?), keys, output };
        let mut planned: Vec<SortedSources> = Vec::new();
        for (set, sources) in sets {
            let mut plans = Vec::new();
            for source in sources {
                let mut filters = on_keys.clone();
                if !within(source, set.window) {
                    filters.push(in_window(set.window));
                }
                filters.extend(source.deletions.iter().filter_map(|deletion| self.not_deleted(deletion)));
                plans.push(self.sorted(source, &columns, filters).await?);
            }
            planned.push(plans);
        }
        let partitions = self.state.config_options().execution.target_partitions;
        let merge = MergeNewestExec::new(shape, planned, partitions)?;
        Ok(merge.map(|merge| Arc::new(merge) as Arc<dyn ExecutionPlan>))
    }

    /// Whether a predicate may be applied before rows with equal keys are resolved.
    fn is_on_keys(&self, filter: &Expr) -> bool {
        let is_key = |name: &str| self.schema.index_of(name).is_ok_and(|index| index < self.keys);
        !filter.is_volatile() && filter.column_refs().iter().all(|column| is_key(&column.name))
    }

    /// The predicate that keeps the rows that a deletion does not hold for; `None` if it cannot hold for any.
    fn not_deleted(&self, deletion: &Deletion) -> Option<Expr> {
        let tag = |(name, value): &(Name, Name)| {
            let column = self.schema.field_with_name(name).ok()?;
            let value = ScalarValue::Utf8(Some(value.to_string())).cast_to(column.data_type()).ok()?;
            Some(ident(name.as_ref()).eq(lit(value)))
        };
        let tags = deletion.tags.iter().map(tag).collect::<Option<Vec<_>>>()?;
        let time = in_window((deletion.time_min_ns, deletion.time_max_ns));
        // A row without the tag is not deleted: its comparison is neither true nor false.
        Some(tags.into_iter().fold(time, Expr::and).is_not_true())
    }

    /// One source as a sorted stream of one partition, without the rows that `filters` exclude.
    async fn sorted(&self, source: &Source, columns: &[usize], filters: Vec<Expr>) -> Result<Arc<dyn ExecutionPlan>> {
        let all = conjunction(filters.iter().chain(&self.implied.predicates).cloned());
        let read = DFSchema::try_from(self.schema.project(columns)?)?;
        let predicate =
            conjunction(filters).map(|filter| self.state.create_physical_expr(filter, &read)).transpose()?;
        let plan = match &source.data {
            SourceData::File(file) => match self.few_pages(file).await? {
                Some(pages) => self.narrow(vec![pages], columns)?,
                None => {
                    let groups = vec![FileGroup::new(vec![partitioned(file, &self.schema)?])];
                    let all = all.map(|filter| self.physical(filter)).transpose()?;
                    self.files.plan(self.state, &self.schema, columns, groups, self.pruning(all.as_ref()), None)?
                }
            },
            SourceData::Memory(batch) => self.memory(&[self.small(batch)], columns)?,
        };
        match predicate {
            Some(predicate) => Ok(Arc::new(FilterExec::try_new(predicate, plan)?)),
            None => Ok(plan),
        }
    }

    fn physical(&self, filter: Expr) -> Result<Arc<dyn PhysicalExpr>> {
        self.state.create_physical_expr(filter, &DFSchema::try_from(Arc::clone(&self.schema))?)
    }

    fn pruning<'p>(&self, predicate: Option<&'p Arc<dyn PhysicalExpr>>) -> Pruning<'p> {
        Pruning { predicate, series_known: self.implied.series.is_some() }
    }

    fn small(&self, batch: &RecordBatch) -> Vec<RecordBatch> {
        slices(batch.clone(), self.state.config().batch_size()).collect()
    }

    fn memory(&self, partitions: &[Vec<RecordBatch>], columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let source = MemorySourceConfig::try_new(partitions, Arc::clone(&self.schema), Some(columns.to_vec()))?;
        Ok(DataSourceExec::from_data_source(source.with_show_sizes(false)))
    }
}

/// The predicate that keeps the times of a window.
fn in_window((start, end): Span) -> Expr {
    let at = |time| lit(ScalarValue::TimestampNanosecond(Some(time), Some("UTC".into())));
    ident(TIME_COLUMN).gt_eq(at(start)).and(ident(TIME_COLUMN).lt_eq(at(end)))
}
