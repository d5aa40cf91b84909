//! Columns of `last('table')`: what is it now.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use datafusion::common::Result;
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, GroupByExpr, ObjectNamePart, Select, SelectItem, Statement, TableFactor,
    TableFunctionArgs, WildcardAdditionalOptions,
};
use sensorium_store::arrow_schema;

use super::literal::text;
use super::question::{normalized, plain, plain_table};
use super::{Reading, database};
use crate::engine::QueryRequest;

/// Series up to which the newest values are answered without a plan, which counts their memory.
const MAX_SERIES: usize = 8_192;

/// Newest values.
#[derive(Debug)]
pub(super) struct Newest {
    /// The database, if it is named.
    database: Option<String>,
    table: String,
    /// Columns and what they are called in the answer; none for all.
    columns: Option<Vec<(String, String)>>,
}

impl Newest {
    /// The newest values that a statement asks for, if it asks for nothing else.
    pub(super) fn read(statement: &Parsed) -> Option<Self> {
        let Parsed::Statement(statement) = statement else { return None };
        let Statement::Query(query) = statement.as_ref() else { return None };
        let select = plain(query)?;
        let is_grouped =
            !matches!(&select.group_by, GroupByExpr::Expressions(by, with) if by.is_empty() && with.is_empty());
        if select.selection.is_some() || query.order_by.is_some() || is_grouped {
            return None;
        }
        let (database, table) = match names(select)?.as_slice() {
            [table] => (None, table.clone()),
            [database, table] => (Some(database.clone()), table.clone()),
            _ => return None,
        };
        let columns = match select.projection.as_slice() {
            [SelectItem::Wildcard(options)] if *options == WildcardAdditionalOptions::default() => None,
            items => Some(items.iter().map(named).collect::<Option<Vec<_>>>()?),
        };
        Some(Self { database, table, columns })
    }

    /// The answer, if the columns are there and the rows are few.
    pub(super) fn answer(&self, reading: &Reading<'_>, request: &QueryRequest) -> Result<Option<RecordBatch>> {
        let Some(key) = database(self.database.as_deref(), request) else { return Ok(None) };
        let Some(schema) = reading.store.schema(&key) else { return Ok(None) };
        let Some((table, schema)) = schema.tables.get_key_value(self.table.as_str()) else { return Ok(None) };
        if reading.store.series_count(&key, table) > MAX_SERIES {
            return Ok(None);
        }
        let all = arrow_schema(schema);
        let Some(columns) = &self.columns else { return Ok(Some(reading.store.last_batch(&key, table, &all)?)) };
        let mut names: Vec<&str> = columns.iter().map(|(_, name)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let indices = columns.iter().map(|(column, _)| all.index_of(column).ok()).collect::<Option<Vec<_>>>();
        let Some(indices) = indices.filter(|_| names.len() == columns.len()) else { return Ok(None) };
        let wanted = Arc::new(all.project(&indices)?);
        let rows = reading.store.last_batch(&key, table, &wanted)?;
        let called = |(field, (_, name)): (&Arc<Field>, &(String, String))| field.as_ref().clone().with_name(name);
        let schema = Schema::new(wanted.fields().iter().zip(columns).map(called).collect::<Vec<_>>());
        Ok(Some(RecordBatch::try_new(Arc::new(schema), rows.columns().to_vec())?))
    }
}

/// The names in the brackets of `last`, if that is what is read.
fn names(select: &Select) -> Option<Vec<String>> {
    let TableFactor::Table { name, args: Some(TableFunctionArgs { args, settings: None }), .. } = plain_table(select)?
    else {
        return None;
    };
    // Names of such functions are taken as they are written.
    let is_last = matches!(name.0.as_slice(), [ObjectNamePart::Identifier(name)] if name.value == "last");
    let argument = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(name)) => text(name).map(str::to_owned),
        _ => None,
    };
    args.iter().map(argument).collect::<Option<Vec<_>>>().filter(|_| is_last)
}

/// A column of a list and what it is called.
fn named(item: &SelectItem) -> Option<(String, String)> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some((normalized(name), normalized(name))),
        SelectItem::ExprWithAlias { expr: Expr::Identifier(name), alias } => {
            Some((normalized(name), normalized(alias)))
        }
        _ => None,
    }
}
