//! Which databases and tables exist, and their columns.
//!
//! Invariants:
//! - a column is reserved here before a row that has it is appended to the log, so that writers at the same moment agree on
//!   its type; the rows that lose such a race are refused one by one;
//! - columns only grow; a column reserved for a write that then failed stays until the next start, and holds no values;
//! - every column of a row in memory, in the log or in a file is in the table's schema.
//!
//! Limits: [`MAX_DATABASES`] databases, and the tables and columns that `IngestLimits` allows.

mod reserve;
mod rows;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use sensorium_model::{
    Batch, ColumnKind, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, Name, OrgId, Rejection, RowError,
    TableBatch, TableSchema,
};

pub(crate) use rows::keep_rows;

use crate::rollup::definition::Rollup;
use crate::table::{Table, estimate};

/// Databases of all organisations together.
pub(crate) const MAX_DATABASES: usize = 10_000;

/// All databases.
#[derive(Default)]
pub(crate) struct Catalog {
    databases: RwLock<BTreeMap<DatabaseKey, Arc<Database>>>,
}

/// One database.
pub(crate) struct Database {
    pub(crate) key: DatabaseKey,
    content: RwLock<Content>,
    retention: RwLock<Retention>,
}

/// For how long rows are kept.
#[derive(Default)]
struct Retention {
    /// In tables that have no time of their own.
    database: Option<Duration>,
    tables: BTreeMap<Name, Duration>,
}

#[derive(Default)]
struct Content {
    schema: Arc<DatabaseSchema>,
    tables: HashMap<Name, Arc<Table>>,
    /// The rollups, by the table that they go to.
    rollups: BTreeMap<Name, Arc<Rollup>>,
}

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// Anyone: rows for the table of a rollup are refused.
    Anyone,
    /// The store itself, what it computed or what it accepted before.
    Store,
}

/// A batch whose columns are reserved.
pub(crate) struct Reserved {
    /// The rows that fit, table by table; a table without any is left out.
    pub(crate) batch: Batch,
    /// The tables of the batch, in its order.
    pub(crate) tables: Vec<Arc<Table>>,
    /// The rows that do not.
    pub(crate) rejected: Vec<Rejection>,
}

impl Catalog {
    pub(crate) fn get(&self, key: &DatabaseKey) -> Option<Arc<Database>> {
        self.databases.read().get(key).cloned()
    }

    /// Adds a database, if it is not there.
    pub(crate) fn create(&self, key: &DatabaseKey) -> Arc<Database> {
        let mut databases = self.databases.write();
        let create =
            || Arc::new(Database { key: key.clone(), content: RwLock::default(), retention: RwLock::default() });
        Arc::clone(databases.entry(key.clone()).or_insert_with(create))
    }

    pub(crate) fn len(&self) -> usize {
        self.databases.read().len()
    }

    pub(crate) fn names(&self, org: OrgId) -> Vec<DatabaseName> {
        self.databases.read().keys().filter(|key| key.org == org).map(|key| key.name.clone()).collect()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Database>> {
        self.databases.read().values().cloned().collect()
    }
}

impl Database {
    pub(crate) fn schema(&self) -> Arc<DatabaseSchema> {
        Arc::clone(&self.content.read().schema)
    }

    pub(crate) fn table_schema(&self, table: &str) -> Option<Arc<TableSchema>> {
        self.content.read().schema.tables.get(table).cloned()
    }

    /// An upper estimate of the bytes that rows of a table, which may be new, will take in memory.
    pub(crate) fn estimate(&self, rows: &TableBatch) -> usize {
        match self.table(&rows.table) {
            Some(table) => table.estimate(rows),
            None => estimate(rows, 0),
        }
    }

    /// For how long rows of a table are kept; for ever, if `None`.
    pub(crate) fn keeps(&self, table: &str) -> Option<Duration> {
        let retention = self.retention.read();
        retention.tables.get(table).copied().or(retention.database)
    }

    /// The retention of the database, or that which a table has of its own.
    pub(crate) fn retention(&self, table: Option<&str>) -> Option<Duration> {
        let retention = self.retention.read();
        table.map_or(retention.database, |table| retention.tables.get(table).copied())
    }

    /// Sets the retention of a table or of the database.
    pub(crate) fn keep(&self, table: Option<&Name>, keep: Option<Duration>) {
        let mut retention = self.retention.write();
        match (table, keep) {
            (None, keep) => retention.database = keep,
            (Some(table), Some(keep)) => drop(retention.tables.insert(Arc::clone(table), keep)),
            (Some(table), None) => drop(retention.tables.remove(table)),
        }
    }

    pub(crate) fn table(&self, table: &str) -> Option<Arc<Table>> {
        self.content.read().tables.get(table).cloned()
    }

    pub(crate) fn tables(&self) -> Vec<Arc<Table>> {
        self.content.read().tables.values().cloned().collect()
    }

    /// The rollup that goes to a table.
    pub(crate) fn rollup(&self, target: &str) -> Option<Arc<Rollup>> {
        self.content.read().rollups.get(target).cloned()
    }

    /// Keeps a table for a rollup, unless `check` says no, given what there is at the same moment.
    pub(crate) fn declare<E>(
        &self,
        rollup: &Arc<Rollup>,
        check: impl FnOnce(&DatabaseSchema, Option<&Table>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut content = self.content.write();
        check(&content.schema, content.tables.get(&rollup.target).map(Arc::as_ref))?;
        content.rollups.insert(Arc::clone(&rollup.target), Arc::clone(rollup));
        Ok(())
    }

    /// Makes the table of a rollup one like others.
    pub(crate) fn undeclare(&self, target: &str) {
        self.content.write().rollups.remove(target);
    }

    /// Reserves the columns of a batch, refusing the rows whose columns contradict what stands or exceed the limits, and those
    /// that the writer may not write.
    pub(crate) fn reserve(&self, batch: Batch, limits: &IngestLimits, writer: Writer) -> Reserved {
        {
            let content = self.content.read();
            let taken = batch.tables.iter().any(|table| content.taken(&table.table, writer).is_some());
            if !taken && let Some(tables) = content.known(&batch) {
                return Reserved { batch, tables, rejected: Vec::new() };
            }
        }
        let mut content = self.content.write();
        let mut reserved = Reserved {
            batch: Batch { database: batch.database, tables: Vec::new() },
            tables: Vec::new(),
            rejected: Vec::new(),
        };
        for table in batch.tables {
            if let Some(rollup) = content.taken(&table.table, writer) {
                let (table_name, of) = (table.table.to_string(), rollup.source.to_string());
                let error = RowError::Rollup { table: table_name, of };
                let refuse = |line: &u32| Rejection { line: *line, error: error.clone() };
                reserved.rejected.extend(table.source.iter().map(refuse));
                continue;
            }
            let present = content.schema.tables.get(&table.table).cloned();
            let room = content.schema.tables.len() < limits.tables_per_database;
            let (table, columns) = reserve::fit(table, present.as_deref(), room, limits, &mut reserved.rejected);
            if table.rows() > 0 {
                reserved.tables.push(content.add(&self.key, &table.table, columns));
                reserved.batch.tables.push(table);
            }
        }
        reserved.rejected.sort_by_key(|rejection| rejection.line);
        reserved
    }

    /// Adds a table as the manifest describes it; the contradicting column, if there is one.
    pub(crate) fn restore(&self, table: &Name, schema: &TableSchema) -> Result<Arc<Table>, Name> {
        let mut content = self.content.write();
        let present = content.schema.tables.get(table).cloned().unwrap_or_default();
        let contradicts = |(name, kind): &(&Name, ColumnKind)| present.kind(name).is_some_and(|other| other != *kind);
        if let Some((name, _)) = schema.columns().find(contradicts) {
            return Err(Arc::clone(name));
        }
        let columns = schema.columns().map(|(name, kind)| (Arc::clone(name), kind)).collect();
        Ok(content.add(&self.key, table, columns))
    }
}

impl Content {
    /// The rollup that keeps a table from a writer.
    fn taken(&self, table: &Name, writer: Writer) -> Option<&Arc<Rollup>> {
        if writer == Writer::Store { None } else { self.rollups.get(table) }
    }

    /// The tables of a batch, if all its columns are known with the types that it has.
    fn known(&self, batch: &Batch) -> Option<Vec<Arc<Table>>> {
        let known = |table: &sensorium_model::TableBatch| {
            let schema = self.schema.tables.get(&table.table)?;
            let tags = table.tags.iter().all(|tag| schema.kind(&tag.name) == Some(ColumnKind::Tag));
            let field = |field: &sensorium_model::FieldColumn| {
                schema.kind(&field.name) == Some(ColumnKind::Field(field.values.field_type()))
            };
            (tags && table.fields.iter().all(field)).then(|| self.tables.get(&table.table).cloned())?
        };
        batch.tables.iter().map(known).collect()
    }

    /// Adds columns, and the table if it is new.
    fn add(&mut self, key: &DatabaseKey, table: &Name, columns: Vec<(Name, ColumnKind)>) -> Arc<Table> {
        if !columns.is_empty() || !self.schema.tables.contains_key(table) {
            let schema = Arc::make_mut(&mut self.schema).tables.entry(Arc::clone(table)).or_default();
            let schema = Arc::make_mut(schema);
            for (name, kind) in columns {
                let added = schema.add(name, kind);
                debug_assert!(added.is_ok(), "the column was checked before");
            }
        }
        let create = || Arc::new(Table::new(key.clone(), Arc::clone(table)));
        Arc::clone(self.tables.entry(Arc::clone(table)).or_insert_with(create))
    }
}
