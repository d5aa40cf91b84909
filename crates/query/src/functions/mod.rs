//! Functions that stand in the place of a table and answer from what the store keeps in memory.
//!
//! - `last('table')`: one row per series, each field its newest value, `time` the newest time of the series;
//! - `tag_values('table', 'tag')`: the distinct values of a tag, sorted;
//! - `cardinality('table')`: how many values each tag has, and how many series that makes.
//!
//! A database may stand first: `last('database', 'table')`. Names may be written as identifiers too: `last(room)`. Only the
//! databases that the caller may read exist.

mod cardinality;
mod last;
mod memory;
mod tag_values;

use std::sync::Arc;

use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Column, Result, ScalarValue, plan_datafusion_err, plan_err};
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;

use crate::catalog::{Databases, Stored};
use cardinality::Cardinality;
use last::LastRows;
use memory::{InMemory, InMemoryTable};
use tag_values::TagValues;

/// Makes the functions known to a session.
pub(crate) fn register(state: &mut SessionState, databases: &Arc<Databases>) {
    for (name, usage, names, open) in [
        ("last", "last('table') or last('database', 'table')", 1, LastRows::open as Open),
        (
            "tag_values",
            "tag_values('table', 'tag') or tag_values('database', 'table', 'tag')",
            2,
            TagValues::open as Open,
        ),
        ("cardinality", "cardinality('table') or cardinality('database', 'table')", 1, Cardinality::open as Open),
    ] {
        let function = Function { name, usage, names, open, databases: Arc::clone(databases) };
        state.register_udtf(name, Arc::new(function));
    }
}

/// Makes the rows of a function from a table and the names behind it.
type Open = fn(Stored, &[String]) -> Result<Arc<dyn InMemory>>;

/// One of the functions.
#[derive(Debug)]
struct Function {
    name: &'static str,
    usage: &'static str,
    /// How many names it takes, without that of the database.
    names: usize,
    open: Open,
    databases: Arc<Databases>,
}

impl TableFunctionImpl for Function {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let mut names: Vec<String> = Vec::new();
        for argument in args.exprs() {
            match argument {
                Expr::Literal(
                    ScalarValue::Utf8(Some(text))
                    | ScalarValue::Utf8View(Some(text))
                    | ScalarValue::LargeUtf8(Some(text)),
                    _,
                ) => names.push(text.clone()),
                Expr::Column(Column { relation, name, .. }) => {
                    names.extend(relation.as_ref().map(|relation| relation.table().to_owned()));
                    names.push(name.clone());
                }
                _ => return plan_err!("{} takes names: {}", self.name, self.usage),
            }
        }
        let database = if names.len() == self.names + 1 {
            names.remove(0)
        } else {
            args.session().config_options().catalog.default_schema.clone()
        };
        let (Some((table, rest)), true) = (names.split_first(), names.len() == self.names) else {
            return plan_err!("{} takes other arguments: {}", self.name, self.usage);
        };
        let stored = self.databases.require(&database).and_then(|tables| tables.stored(table));
        let rows = (self.open)(stored.map_err(|error| plan_datafusion_err!("{error}"))?, rest)?;
        Ok(Arc::new(InMemoryTable::new(rows)))
    }
}
