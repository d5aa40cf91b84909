//! Bounds on what a statement becomes when its named and nested sub-queries are put in place.
//!
//! A sub-query that WITH names is copied at each use, so tables are counted as often as they would be read. The optimizer also
//! puts the expressions of a sub-query in the place of its columns: `a + a` over `a + a` over … doubles at each level. What an
//! expression can grow to is estimated as the product, over the levels, of the most columns that one output column is made
//! from.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, ObjectName, Query, Select, SelectItem, Statement, Visit, Visitor,
};

use super::limit;
use crate::error::QueryError;

/// Tables read, those within named sub-queries counted at each use.
const MAX_RELATIONS: usize = 100;
/// Columns in one expression once sub-queries are put in place.
const MAX_GROWTH: usize = 2_000;

/// Counts what a statement reads and estimates what its expressions grow to.
pub(super) fn check(statement: &Statement) -> Result<(), QueryError> {
    let mut expansion = Expansion::default();
    let _: ControlFlow<()> = statement.visit(&mut expansion);
    limit("tables", expansion.whole.tables, MAX_RELATIONS)?;
    limit("columns in one expression, through its sub-queries,", expansion.largest, MAX_GROWTH)
}

/// What a query adds to the one that uses it.
#[derive(Clone, Copy)]
struct Size {
    /// Tables read.
    tables: usize,
    /// Columns that one output column is made from.
    growth: usize,
}

/// A query that is being visited.
struct Open {
    tables: usize,
    /// The largest growth of the queries that it reads from.
    inputs: usize,
    /// The most columns in one of its output columns.
    outputs: usize,
    /// The most columns in one of its predicates.
    predicates: usize,
}

impl Default for Open {
    fn default() -> Self {
        Self { tables: 0, inputs: 1, outputs: 1, predicates: 1 }
    }
}

#[derive(Default)]
struct Expansion {
    /// The queries that are being visited, the outermost first.
    open: Vec<Open>,
    /// What stands outside of any query.
    whole: Open,
    /// Definitions of WITH clauses that are yet to be visited, by the address of their query.
    definitions: HashMap<usize, String>,
    /// What each visited definition adds at each use.
    sizes: HashMap<String, Size>,
    /// The largest estimate.
    largest: usize,
}

impl Expansion {
    fn current(&mut self) -> &mut Open {
        self.open.last_mut().unwrap_or(&mut self.whole)
    }

    fn uses(&mut self, size: Size) {
        let open = self.current();
        open.tables = open.tables.saturating_add(size.tables);
        open.inputs = open.inputs.max(size.growth);
    }
}

impl Visitor for Expansion {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for definition in query.with.iter().flat_map(|with| &with.cte_tables) {
            let address = std::ptr::from_ref(definition.query.as_ref()).addr();
            self.definitions.insert(address, definition.alias.name.value.to_lowercase());
        }
        self.open.push(Open::default());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let open = self.open.pop().unwrap_or_default();
        let size = Size { tables: open.tables, growth: open.outputs.saturating_mul(open.inputs) };
        self.largest = self.largest.max(size.growth).max(open.predicates.saturating_mul(open.inputs));
        match self.definitions.remove(&std::ptr::from_ref(query).addr()) {
            Some(name) => {
                let known = self.sizes.entry(name).or_insert(size);
                *known = Size { tables: known.tables.max(size.tables), growth: known.growth.max(size.growth) };
            }
            None => self.uses(size),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let outputs = select.projection.iter().filter_map(|item| match item {
            SelectItem::UnnamedExpr(expr)
            | SelectItem::ExprWithAlias { expr, .. }
            | SelectItem::ExprWithAliases { expr, .. } => Some(columns(expr)),
            SelectItem::QualifiedWildcard(..) | SelectItem::Wildcard(_) => None,
        });
        let outputs = outputs.max().unwrap_or(1);
        let predicates = [&select.selection, &select.having, &select.qualify].into_iter().flatten().map(widest).max();
        let open = self.current();
        open.outputs = open.outputs.max(outputs);
        open.predicates = open.predicates.max(predicates.unwrap_or(1));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = relation.to_string().replace('"', "").to_lowercase();
        let size = self.sizes.get(&name).copied().unwrap_or(Size { tables: 1, growth: 1 });
        self.uses(size);
        ControlFlow::Continue(())
    }
}

/// The most columns in one of the terms that AND joins.
fn widest(predicate: &Expr) -> usize {
    match predicate {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => widest(left).max(widest(right)),
        Expr::Nested(inner) => widest(inner),
        other => columns(other),
    }
}

/// The columns that an expression names, at least 1.
fn columns(expression: &Expr) -> usize {
    struct Columns(usize);
    impl Visitor for Columns {
        type Break = ();

        fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
            self.0 += usize::from(matches!(expression, Expr::Identifier(_) | Expr::CompoundIdentifier(_)));
            ControlFlow::Continue(())
        }
    }
    let mut count = Columns(0);
    let _: ControlFlow<()> = expression.visit(&mut count);
    count.0.max(1)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn complex(sql: &str) -> bool {
        matches!(parse(sql), Err(QueryError::TooComplex { .. }))
    }

    fn levels(count: usize, expression: &str) -> String {
        let levels = (1..=count).map(|n| format!("c{n} AS (SELECT {expression} AS a FROM c{})", n - 1));
        format!("WITH c0 AS (SELECT a FROM t), {} SELECT a FROM c{count}", levels.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn tables_of_named_sub_queries_count_at_each_use() {
        assert!(complex(&format!("SELECT 1 FROM {}", vec!["t"; 101].join(","))));
        assert!(!complex(&format!("SELECT 1 FROM {}", vec!["t"; 90].join(","))));
        let doubling: Vec<String> =
            (1..12).map(|n| format!("c{n} AS (SELECT a.x FROM c{} a, c{} b)", n - 1, n - 1)).collect();
        assert!(complex(&format!("WITH c0 AS (SELECT x FROM t), {} SELECT * FROM c11", doubling.join(","))));
        assert!(!complex("WITH a AS (SELECT x FROM t), b AS (SELECT x FROM a) SELECT * FROM a, b"));
    }

    #[test]
    fn expressions_that_double_through_sub_queries_are_refused() {
        assert!(complex(&levels(11, "a + a")));
        assert!(!complex(&levels(10, "a + a")));
        assert!(!complex(&levels(50, "avg(a)")));
        let nested = (0..11).fold("t".to_owned(), |inner, n| format!("(SELECT concat(a, a) AS a FROM {inner}) s{n}"));
        assert!(complex(&format!("SELECT a FROM {nested}")));
        assert!(!complex("SELECT avg(a - b), max(c) FROM t WHERE a > 1 AND b < 2 GROUP BY d HAVING max(c) > 3"));
    }
}
