//! Declaring, listing and deleting rollups.

use std::sync::Arc;
use std::time::Duration;

use sensorium_model::names::validate_name;
use sensorium_model::{ColumnKind, DatabaseKey, DatabaseSchema, TableSchema};

use super::definition::{Rollup, is_number};
use super::error::RollupError;
use super::touch;
use crate::error::WriteError;
use crate::manifest::{DatabaseEntry, Edit, RetentionEntry, RollupEdit, State};
use crate::report::RollupInfo;
use crate::shared::Shared;
use crate::table::Table;

/// Declares a rollup; durable when it returns.
pub(crate) fn create(
    shared: &Shared,
    key: &DatabaseKey,
    mut rollup: Rollup,
    keep: Option<Duration>,
) -> Result<(), RollupError> {
    check(&rollup, keep)?;
    rollup.aggregates.sort_unstable();
    rollup.aggregates.dedup();
    rollup.fields.sort_unstable();
    rollup.fields.dedup();
    let rollup = Arc::new(rollup);
    let missing = || WriteError::MissingDatabase { database: key.clone() };
    let database = shared.catalog.get(key).ok_or_else(missing)?;
    shared.check_open()?;
    let entry = DatabaseEntry::from(key);
    let _one_at_a_time = shared.rolling.writing.lock();
    let mut manifest = shared.manifest.lock();
    let state = manifest.state();
    database.declare(&rollup, |schema, target| fits(shared, state, &entry, &rollup, schema, target))?;
    let pending = touch::by_declaring(state, &entry, &rollup);
    let edit = RollupEdit {
        declared: Some(Arc::clone(&rollup)),
        touched: pending,
        ..RollupEdit::of(entry.clone(), Arc::clone(&rollup.target))
    };
    let retention = keep.map(|keep| RetentionEntry {
        database: entry.clone(),
        table: Some(Arc::clone(&rollup.target)),
        keep_seconds: Some(keep.as_secs()),
    });
    let retention = retention.into_iter().collect();
    let edit = Edit { databases: vec![entry], retention, rollups: vec![edit], ..state.next_edit() };
    if let Err(error) = shared.commit(&mut manifest, &edit, &[]) {
        database.undeclare(&rollup.target);
        return Err(error.into());
    }
    if keep.is_some() {
        database.keep(Some(&rollup.target), keep);
    }
    drop(manifest);
    // Also if the table has nothing yet, so that the thread knows of it.
    shared.rolling.requests.wake();
    Ok(())
}

/// Deletes a rollup; durable when it returns.
pub(crate) fn delete(shared: &Shared, key: &DatabaseKey, target: &str) -> Result<Rollup, RollupError> {
    let missing = || WriteError::MissingDatabase { database: key.clone() };
    let database = shared.catalog.get(key).ok_or_else(missing)?;
    shared.check_open()?;
    let _one_at_a_time = shared.rolling.writing.lock();
    let mut manifest = shared.manifest.lock();
    let rollup = database.rollup(target).ok_or_else(|| RollupError::Missing { target: target.into() })?;
    let edit = RollupEdit { removed: true, ..RollupEdit::of(DatabaseEntry::from(key), Arc::clone(&rollup.target)) };
    let edit = Edit { rollups: vec![edit], ..manifest.state().next_edit() };
    shared.commit(&mut manifest, &edit, &[])?;
    database.undeclare(target);
    Ok(rollup.as_ref().clone())
}

/// The rollups of a database, by name.
pub(crate) fn list(shared: &Shared, key: &DatabaseKey) -> Vec<RollupInfo> {
    let Some(database) = shared.catalog.get(key) else { return Vec::new() };
    let entry = DatabaseEntry::from(key);
    let manifest = shared.manifest.lock();
    let info = |state: &crate::manifest::RollupState| {
        let rollup = state.rollup.as_ref();
        let of = (entry.clone(), Arc::clone(&rollup.target));
        let mut pending = state.pending.clone();
        pending.remove_all(&shared.rolling.written(&of));
        RollupInfo {
            keep: database.retention(Some(&rollup.target)),
            pending_windows: pending.windows(rollup.interval_ns()),
            pending_ns: pending.hull().map(|span| (span.start, span.end)),
            problem: shared.rolling.problem(&of),
            rollup: rollup.clone(),
        }
    };
    manifest.state().rollups_in(&entry).map(info).collect()
}

/// What a rollup must be, whatever there is.
fn check(rollup: &Rollup, keep: Option<Duration>) -> Result<(), RollupError> {
    validate_name(&rollup.target)?;
    if !Rollup::is_interval(rollup.interval_seconds) {
        return Err(RollupError::Interval { seconds: rollup.interval_seconds });
    }
    if rollup.aggregates.is_empty() {
        return Err(RollupError::NoAggregates);
    }
    match keep.map(|keep| keep.as_secs()) {
        Some(keep_seconds) if keep_seconds < rollup.interval_seconds => {
            Err(RollupError::Keep { keep_seconds, interval_seconds: rollup.interval_seconds })
        }
        _ => Ok(()),
    }
}

/// Whether a rollup fits what there is. A cycle is impossible, because no rollup is computed from the table of another one.
fn fits(
    shared: &Shared,
    state: &State,
    entry: &DatabaseEntry,
    rollup: &Rollup,
    schema: &DatabaseSchema,
    target: Option<&Table>,
) -> Result<(), RollupError> {
    let others = || state.rollups_in(entry).map(|state| state.rollup.as_ref());
    if others().any(|other| other.target == rollup.target) {
        return Err(RollupError::Exists { target: Arc::clone(&rollup.target) });
    }
    if let Some(other) = others().find(|other| other.target == rollup.source) {
        return Err(RollupError::OfRollup { table: Arc::clone(&rollup.source), of: Arc::clone(&other.source) });
    }
    let own = (rollup.target == rollup.source).then_some(rollup);
    if let Some(other) = own.or_else(|| others().find(|other| other.source == rollup.target)) {
        let (target, rollup) = (Arc::clone(&rollup.target), Arc::clone(&other.target));
        return Err(RollupError::IsSource { target, rollup });
    }
    if target.is_some_and(|table| !table.rows.lock().is_empty()) {
        return Err(RollupError::TableExists { target: Arc::clone(&rollup.target) });
    }
    let missing = || RollupError::MissingTable { table: Arc::clone(&rollup.source) };
    let source = schema.tables.get(&rollup.source).ok_or_else(missing)?;
    columns_fit(rollup, source, schema.tables.get(&rollup.target).map(Arc::as_ref))?;

    let within = |what, number, limit, remedy, setting| match number {
        number if number > limit => Err(RollupError::TooMany { what, number, limit, remedy, setting }),
        _ => Ok(()),
    };
    let number = others().count() + 1;
    let limit = shared.config.rollups_per_database;
    within("the number of rollups of the database", number, limit, "delete one", "store.rollups_per_database")?;
    let columns = source.tags().count() + rollup.results(source).len();
    let limit = shared.config.limits.columns_per_table;
    within("the number of columns", columns, limit, "name fewer fields or aggregates", "limits.columns_per_table")?;
    let to_come = others().filter(|other| !schema.tables.contains_key(&other.target)).count();
    let tables = schema.tables.len() + to_come + usize::from(!schema.tables.contains_key(&rollup.target));
    let limit = shared.config.limits.tables_per_database;
    within("the number of tables of the database", tables, limit, "use another database", "limits.tables_per_database")
}

/// Whether the fields are numbers, and their results have names and types that can be.
fn columns_fit(rollup: &Rollup, source: &TableSchema, target: Option<&TableSchema>) -> Result<(), RollupError> {
    for field in &rollup.fields {
        let (table, field) = (Arc::clone(&rollup.source), Arc::clone(field));
        match source.kind(&field) {
            Some(ColumnKind::Field(kind)) if is_number(kind) => {}
            Some(ColumnKind::Field(kind)) => return Err(RollupError::NotNumeric { table, field, kind }),
            Some(ColumnKind::Tag) | None => return Err(RollupError::MissingField { table, field }),
        }
    }
    for result in rollup.wanted(source) {
        // Of all fields, those are left out that cannot be.
        let obstacle = result.obstacle(source).filter(|_| !rollup.fields.is_empty());
        let kind = ColumnKind::Field(result.aggregate.of(result.field_type));
        let stands = target.and_then(|target| target.kind(&result.name));
        let other_type = stands.is_some_and(|stands| stands != kind).then_some("had another type in the table before");
        if let Some(why) = obstacle.or(other_type) {
            return Err(RollupError::Column { column: result.name, why });
        }
    }
    Ok(())
}
