//! What clients of PostgreSQL ask beside the readings: tables of `pg_catalog` and `information_schema`, functions, casts to names,
//! and values in the place of parameters.
//!
//! A request that comes over PostgreSQL's protocol says so ([`crate::QueryRequest::postgres`]). Its statement is then rewritten before
//! it is planned:
//! - `public` is the request's database, and `database.table` reads another one, as it does elsewhere;
//! - `pg_catalog` and `information_schema` describe the request's database and nothing else; the list of databases is the caller's;
//! - a parameter (`$1`) becomes its value, so that nothing after this knows of parameters;
//! - operators, casts and arrays that only PostgreSQL has become what the planner knows ([`rewrite`]);
//! - a SELECT from a table that is always empty here has no rows, whatever else it asks ([`empty`]).
//!
//! Limits: a list in a parameter has at most [`MAX_LIST`] values; what is rewritten is bounded like every statement.
//!
//! Object identifiers are made from names ([`oids`]), so that they are the same in every connection.

mod empty;
mod functions;
mod information;
mod oids;
mod parameters;
mod rewrite;
mod rows;
mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::common::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;

use crate::catalog::{Databases, Tables};
use crate::error::QueryError;

pub use oids::postgres_type;
pub use parameters::Parameter;
pub(crate) use rewrite::rewrite;

/// Values of a list in a parameter.
pub(crate) const MAX_LIST: usize = 10_000;

/// The schema of what describes the server.
pub(crate) const CATALOG_SCHEMA: &str = "pg_catalog";
/// Where `information_schema` is put: the planner has one of its own under that name.
const INFORMATION_SCHEMA: &str = "pg_information_schema";
/// What the request's database is called as a schema.
const PUBLIC: &str = "public";

/// The version of PostgreSQL whose catalog this resembles.
pub const POSTGRES_VERSION: &str = "15.0";

/// What a request over PostgreSQL's protocol has beside its statement.
#[derive(Debug, Clone, Default)]
pub struct Postgres {
    /// What the caller is called.
    pub user: String,
    /// Names the connection (`pg_backend_pid()`).
    pub connection: i32,
    /// Settings of the connection, by their names in lower case (`current_setting()`, `pg_settings`).
    pub settings: BTreeMap<String, String>,
    /// The values of `$1`, `$2` and so on; none when the statement is only described.
    pub parameters: Option<Vec<Parameter>>,
}

/// What a statement takes and gives.
#[derive(Debug, Clone)]
pub struct Described {
    /// The types of its parameters, as far as they follow from the statement.
    pub parameters: Vec<Option<DataType>>,
    /// The columns of its answer.
    pub columns: SchemaRef,
}

impl Described {
    pub(crate) fn of(plan: &LogicalPlan) -> Result<Self> {
        let mut parameters = Vec::new();
        for (name, data_type) in plan.get_parameter_types()? {
            let number = name.trim_start_matches('$').parse::<u16>().map_or(0, usize::from);
            if number > parameters.len() {
                parameters.resize(number, None);
            }
            if let Some(place) = number.checked_sub(1).and_then(|index| parameters.get_mut(index)) {
                *place = data_type;
            }
        }
        Ok(Self { parameters, columns: Arc::new(plan.schema().as_arrow().clone()) })
    }
}

/// The databases with what describes them.
#[derive(Debug)]
pub(crate) struct PostgresCatalog {
    databases: Arc<Databases>,
    described: Arc<DescribedDatabase>,
}

/// What the rows of the catalog are made from.
#[derive(Debug)]
pub(crate) struct DescribedDatabase {
    databases: Vec<String>,
    name: String,
    tables: Arc<Tables>,
    user: String,
    settings: BTreeMap<String, String>,
}

impl PostgresCatalog {
    pub(crate) fn new(databases: &Arc<Databases>, name: &str, postgres: &Postgres) -> Result<Self, QueryError> {
        let described = DescribedDatabase {
            databases: databases.names().into_iter().map(str::to_owned).collect(),
            name: name.to_owned(),
            tables: Arc::clone(databases.require(name)?),
            user: postgres.user.clone(),
            settings: postgres.settings.clone(),
        };
        Ok(Self { databases: Arc::clone(databases), described: Arc::new(described) })
    }

    /// Makes the functions known to a session.
    pub(crate) fn register_functions(&self, state: &mut SessionState, postgres: &Postgres) -> Result<()> {
        functions::register(state, &self.described, postgres)
    }
}

impl CatalogProvider for PostgresCatalog {
    fn schema_names(&self) -> Vec<String> {
        self.databases.schema_names()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let described = Arc::clone(&self.described);
        match name {
            CATALOG_SCHEMA => Some(Arc::new(Describing { described, find: tables::find, behind: None })),
            INFORMATION_SCHEMA => Some(Arc::new(Describing { described, find: information::find, behind: None })),
            // Tables of the catalog are found without their schema's name, too.
            _ if name == self.described.name => {
                let behind = self.databases.schema(name);
                Some(Arc::new(Describing { described, find: tables::find, behind }))
            }
            _ => self.databases.schema(name),
        }
    }
}

/// Whether a schema holds what describes the server, and not readings.
pub(crate) fn is_describing(schema: &str) -> bool {
    schema == CATALOG_SCHEMA || schema == INFORMATION_SCHEMA
}

/// Whether the catalog has a table of this name.
pub(crate) fn has_table(name: &str) -> bool {
    tables::NAMES.contains(&name) || empty::columns(name).is_some()
}

/// Makes a table of the catalog, if there is one of that name.
type Find = fn(&DescribedDatabase, &str) -> Result<Option<Arc<dyn TableProvider>>>;

/// A schema whose tables describe a database, after those of a database itself.
#[derive(Debug)]
struct Describing {
    described: Arc<DescribedDatabase>,
    find: Find,
    behind: Option<Arc<dyn SchemaProvider>>,
}

#[async_trait]
impl SchemaProvider for Describing {
    fn table_names(&self) -> Vec<String> {
        self.behind.as_ref().map(|tables| tables.table_names()).unwrap_or_default()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(tables) = &self.behind
            && let Some(table) = tables.table(name).await?
        {
            return Ok(Some(table));
        }
        (self.find)(&self.described, name)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.behind.as_ref().is_some_and(|tables| tables.table_exist(name))
            || (self.find)(&self.described, name).is_ok_and(|table| table.is_some())
    }
}
