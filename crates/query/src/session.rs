//! What DataFusion needs to plan and run one query.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, TableReference};
use datafusion::datasource::source_as_provider;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{FunctionRegistry, SessionState, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::expr_rewriter::unnormalize_cols;
use datafusion::optimizer::Optimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement;
use sensorium_model::{DatabaseKey, DatabaseName, DatabaseScope, OrgId};
use sensorium_store::Store;

use crate::bounds::{CountWindowInput, bounded_text_functions};
use crate::catalog::{CATALOG, Databases, OneCatalog};
use crate::config::QueryConfig;
use crate::direct::{Reading, RecentRows};
use crate::error::QueryError;
use crate::functions;
use crate::gapfill::{FillGaps, GapFillPlanner, gapfill_functions};
use crate::grouping::GroupTagsAsText;
use crate::pg_catalog::{self, Postgres, PostgresCatalog};
use crate::table::{FileReading, KnownSeries, StoreTable};

/// Bytes of file footers that are kept between queries.
const FOOTER_CACHE_BYTES: usize = 8 * 1024 * 1024;
/// Bytes at the end of a file that are read at once in the hope that they hold the whole footer.
pub(crate) const FOOTER_GUESS_BYTES: usize = 64 * 1024;
/// Bytes that a sort sets aside for its last merge.
const SORT_RESERVATION_BYTES: usize = 1024 * 1024;

/// Rows that one thread reads before another one could help.
const ONE_THREAD_ROWS: u64 = 64 * 1024;

/// What all queries share: functions, optimizer rules and cached file footers.
pub(crate) struct Sessions {
    store: Store,
    base: SessionState,
    environment: Arc<RuntimeEnv>,
    files: FileReading,
    series: KnownSeries,
    recent: RecentRows,
    memory_bytes: usize,
}

impl Sessions {
    pub(crate) fn new(store: Store, config: &QueryConfig) -> Result<Self, DataFusionError> {
        let environment = RuntimeEnvBuilder::new()
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
            .with_metadata_cache_limit(FOOTER_CACHE_BYTES)
            .build_arc()?;
        let mut settings = SessionConfig::new()
            .with_target_partitions(config.threads.max(1))
            .with_information_schema(true)
            .with_create_default_catalog_and_schema(false);
        let options = settings.options_mut();
        options.sql_parser.map_string_types_to_utf8view = false;
        options.sql_parser.collect_spans = true;
        options.execution.time_zone = Some("UTC".into());
        options.execution.sort_spill_reservation_bytes = SORT_RESERVATION_BYTES;
        options.execution.parquet.metadata_size_hint = Some(FOOTER_GUESS_BYTES);
        options.execution.parquet.schema_force_view_types = false;
        let mut rules = Optimizer::new().rules;
        rules.insert(0, Arc::new(FillGaps));
        rules.push(Arc::new(GroupTagsAsText));
        let mut base = SessionStateBuilder::new()
            .with_config(settings)
            .with_runtime_env(Arc::clone(&environment))
            .with_default_features()
            .with_optimizer_rules(rules)
            .with_query_planner(Arc::new(GapFillPlanner { max_rows: config.max_rows }))
            .with_physical_optimizer_rule(Arc::new(CountWindowInput))
            .build();
        for function in bounded_text_functions().into_iter().chain(gapfill_functions()) {
            base.register_udf(Arc::new(function))?;
        }
        let files = FileReading::new(&environment);
        let series = KnownSeries::default();
        let recent = RecentRows::default();
        Ok(Self { store, base, environment, files, series, recent, memory_bytes: config.memory_bytes })
    }

    pub(crate) fn has_database(&self, org: OrgId, database: &DatabaseName) -> bool {
        self.store.schema(&DatabaseKey::new(org, database.clone())).is_some()
    }

    /// What reading without a plan needs.
    pub(crate) fn reading(&self) -> Reading<'_> {
        Reading { store: &self.store, files: &self.files, series: &self.series, recent: &self.recent }
    }

    /// An error of planning or of execution as a sentence.
    pub(crate) fn error(&self, error: DataFusionError) -> QueryError {
        QueryError::from_datafusion(error, self.memory_bytes)
    }

    /// A session for one query, with its own memory limit and its own view of the databases.
    pub(crate) fn open(
        &self,
        org: OrgId,
        database: &DatabaseName,
        (scope, postgres): (&DatabaseScope, Option<&Postgres>),
        pool: &Arc<dyn MemoryPool>,
    ) -> Result<Session, QueryError> {
        let databases = Arc::new(Databases::visible(&self.store, org, scope, (&self.files, &self.series)));
        databases.require(database.as_str())?;
        let environment = RuntimeEnvBuilder::from_runtime_env(&self.environment)
            .with_memory_pool(Arc::clone(pool))
            .build_arc()
            .map_err(|error| self.error(error))?;
        // A copy that is changed where queries differ takes a tenth of the time that building a state takes.
        let mut state = self.base.clone();
        let names = &mut state.config_mut().options_mut().catalog;
        CATALOG.clone_into(&mut names.default_catalog);
        database.as_str().clone_into(&mut names.default_schema);
        let described = match postgres {
            Some(postgres) => {
                let catalog = PostgresCatalog::new(&databases, database.as_str(), postgres)?;
                catalog.register_functions(&mut state, postgres).map_err(|error| self.error(error))?;
                Some(Arc::new(catalog) as Arc<dyn CatalogProvider>)
            }
            None => None,
        };
        let is_described = described.is_some();
        let catalog = described.unwrap_or_else(|| Arc::clone(&databases) as Arc<dyn CatalogProvider>);
        state.register_catalog_list(Arc::new(OneCatalog(catalog)) as Arc<dyn CatalogProviderList>);
        functions::register(&mut state, &databases);
        // The moment that now() means, all over the statement.
        state.mark_start_execution();
        Ok(Session { state, databases, is_described, environment })
    }
}

/// About how many rows of tables a plan reads.
fn estimated_rows(state: &SessionState, plan: &LogicalPlan) -> Result<u64, DataFusionError> {
    let mut rows = 0u64;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let provider = source_as_provider(&scan.source)?;
            if let Some(table) = (provider.as_ref() as &dyn Any).downcast_ref::<StoreTable>() {
                let filters = unnormalize_cols(scan.filters.iter().cloned());
                rows = rows.saturating_add(table.estimate(state, &filters)?);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(rows)
}

/// A session for one query.
pub(crate) struct Session {
    pub(crate) state: SessionState,
    databases: Arc<Databases>,
    /// Whether there is a catalog as PostgreSQL has it.
    is_described: bool,
    /// With the memory limit of this query; the state has that of the planner.
    environment: Arc<RuntimeEnv>,
}

impl Session {
    /// Plans a statement: for one thread if it reads few rows, which saves handing them from thread to thread.
    pub(crate) async fn plan(&mut self, logical: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let optimized = self.state.optimize(logical)?;
        if estimated_rows(&self.state, &optimized)? <= ONE_THREAD_ROWS {
            self.state.config_mut().options_mut().execution.target_partitions = 1;
        }
        self.state.query_planner().create_physical_plan(&optimized, &self.state).await
    }

    /// What running the plan needs. The plan has its functions: they are not looked up by name again.
    pub(crate) fn task_context(&self) -> Arc<TaskContext> {
        let id = self.state.session_id().to_owned();
        let settings = self.state.config().clone();
        let environment = Arc::clone(&self.environment);
        Arc::new(TaskContext::new(
            None,
            id,
            settings,
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            environment,
        ))
    }

    /// A table of a database, if the query sees it.
    pub(crate) async fn table(
        &self,
        key: &DatabaseKey,
        table: &str,
    ) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        match self.databases.require(key.name.as_str()) {
            Ok(tables) => SchemaProvider::table(tables.as_ref(), table).await,
            Err(_) => Ok(None),
        }
    }

    /// Fails with near names when the statement names a database or table that does not exist for the caller.
    pub(crate) fn check_names(&self, statement: &Statement) -> Result<(), QueryError> {
        let references =
            self.state.resolve_table_references(statement).map_err(|error| QueryError::from_datafusion(error, 0))?;
        for reference in references {
            let default = self.state.config_options().catalog.default_schema.as_str();
            let database = reference.schema().unwrap_or(default);
            if database == "information_schema" {
                continue;
            }
            if let TableReference::Full { catalog, .. } = &reference
                && catalog.as_ref() != CATALOG
            {
                return Err(QueryError::Meaning {
                    message: format!("There is no catalog {catalog:?}; write database.table."),
                    position: None,
                });
            }
            if matches!(reference, TableReference::Bare { .. })
                && self.state.table_functions().contains_key(reference.table())
            {
                continue;
            }
            if self.is_described && pg_catalog::is_describing(database) {
                continue;
            }
            let is_of_catalog = self.is_described
                && matches!(reference, TableReference::Bare { .. })
                && pg_catalog::has_table(reference.table());
            let tables = self.databases.require(database)?;
            match tables.require(reference.table()) {
                Err(_) if is_of_catalog => {}
                checked => checked?,
            }
        }
        Ok(())
    }
}
