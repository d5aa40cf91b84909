//! The names that a query sees: one catalog, the caller's databases as its schemas, their tables.
//!
//! A catalog is made for one query and remembers the tables that it handed out, so that a table that is named twice is read
//! at one moment. Databases of other organisations, and those outside of the caller's scope, do not exist here.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::TableType;
use parking_lot::Mutex;
use sensorium_model::{DatabaseKey, DatabaseName, DatabaseSchema, DatabaseScope, Name, OrgId, TableSchema};
use sensorium_store::Store;

use crate::error::QueryError;
use crate::near::hint;
use crate::table::{FileReading, KnownSeries, StoreTable};

/// The name of the only catalog.
pub(crate) const CATALOG: &str = "sensorium";

/// The databases that one query may see.
pub(crate) struct Databases {
    schemas: HashMap<String, Arc<Tables>>,
}

impl Databases {
    /// Looks up the databases of an organisation within a scope.
    pub(crate) fn visible(
        store: &Store,
        org: OrgId,
        scope: &DatabaseScope,
        (files, series): (&FileReading, &KnownSeries),
    ) -> Self {
        let names: Vec<DatabaseName> = match scope {
            DatabaseScope::All => store.databases(org),
            DatabaseScope::One(name) => vec![name.clone()],
        };
        let schemas = names.into_iter().filter_map(|name| {
            let key = DatabaseKey::new(org, name);
            let schema = store.schema(&key)?;
            let name = key.name.as_str().to_owned();
            Some((name, Arc::new(Tables::new(store.clone(), key, schema, (files.clone(), series.clone())))))
        });
        Self { schemas: schemas.collect() }
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.schemas.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The database of that name, or an error that offers others.
    pub(crate) fn require(&self, database: &str) -> Result<&Arc<Tables>, QueryError> {
        self.schemas.get(database).ok_or_else(|| QueryError::UnknownDatabase {
            database: database.to_owned(),
            hint: hint("databases", database, self.names().into_iter()),
        })
    }
}

impl fmt::Debug for Databases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Databases").field(&self.names()).finish()
    }
}

impl CatalogProvider for Databases {
    fn schema_names(&self) -> Vec<String> {
        self.names().into_iter().map(str::to_owned).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        self.schemas.get(name).map(|tables| Arc::clone(tables) as Arc<dyn SchemaProvider>)
    }
}

/// The list that holds the only catalog.
#[derive(Debug)]
pub(crate) struct OneCatalog(pub(crate) Arc<dyn CatalogProvider>);

impl CatalogProviderList for OneCatalog {
    fn register_catalog(&self, _name: String, _catalog: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == CATALOG).then(|| Arc::clone(&self.0))
    }
}

/// A table and where it is.
pub(crate) struct Stored {
    pub(crate) store: Store,
    pub(crate) key: DatabaseKey,
    pub(crate) table: Name,
    pub(crate) schema: Arc<TableSchema>,
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.key.name, self.table)
    }
}

/// The tables of a database.
pub(crate) struct Tables {
    store: Store,
    key: DatabaseKey,
    schema: Arc<DatabaseSchema>,
    files: FileReading,
    series: KnownSeries,
    handed_out: Mutex<HashMap<Name, Arc<StoreTable>>>,
}

impl Tables {
    fn new(
        store: Store,
        key: DatabaseKey,
        schema: Arc<DatabaseSchema>,
        (files, series): (FileReading, KnownSeries),
    ) -> Self {
        Self { store, key, schema, files, series, handed_out: Mutex::default() }
    }

    /// The tables with their columns.
    pub(crate) fn schema(&self) -> &DatabaseSchema {
        &self.schema
    }

    /// Fails with near names when there is no such table.
    pub(crate) fn require(&self, table: &str) -> Result<(), QueryError> {
        self.stored(table).map(|_| ())
    }

    /// Where a table is stored; fails with near names when there is no such table.
    pub(crate) fn stored(&self, table: &str) -> Result<Stored, QueryError> {
        let Some((name, schema)) = self.schema.tables.get_key_value(table) else {
            return Err(QueryError::UnknownTable {
                database: self.key.name.as_str().to_owned(),
                table: table.to_owned(),
                hint: hint("tables", table, self.schema.tables.keys().map(AsRef::as_ref)),
            });
        };
        let (store, key) = (self.store.clone(), self.key.clone());
        Ok(Stored { store, key, table: name.clone(), schema: Arc::clone(schema) })
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tables").field(&self.key.name.as_str()).finish()
    }
}

#[async_trait]
impl SchemaProvider for Tables {
    fn table_names(&self) -> Vec<String> {
        self.schema.tables.keys().map(|name| name.as_ref().to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some((name, schema)) = self.schema.tables.get_key_value(name) else { return Ok(None) };
        let mut handed_out = self.handed_out.lock();
        let table = handed_out.entry(name.clone()).or_insert_with(|| {
            let (store, key, schema) = (self.store.clone(), self.key.clone(), Arc::clone(schema));
            let stored = Stored { store, key, table: name.clone(), schema };
            Arc::new(StoreTable::new(stored, self.files.clone(), self.series.clone()))
        });
        Ok(Some(Arc::clone(table) as Arc<dyn TableProvider>))
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        Ok(self.table_exist(name).then_some(TableType::Base))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.schema.tables.contains_key(name)
    }
}
