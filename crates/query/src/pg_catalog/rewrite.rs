//! A statement in PostgreSQL's words as one that the planner knows; the header of this module's parent says what changes.
//!
//! Expressions are changed from the inside to the outside, so that each sees its parts as the planner will.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, Array, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr,
    Subscript, TableFactor, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use super::parameters::{text_literal, value_of};
use super::{CATALOG_SCHEMA, INFORMATION_SCHEMA, PUBLIC, Parameter, Postgres, empty, functions};
use crate::error::QueryError;

/// Rewrites a statement.
pub(crate) fn rewrite(statement: &mut Parsed, postgres: &Postgres) -> Result<(), QueryError> {
    let inner = match statement {
        Parsed::Statement(inner) => inner,
        Parsed::Explain(explain) => return rewrite(&mut explain.statement, postgres),
        _ => return Ok(()),
    };
    let mut rewriter = Rewriter { parameters: postgres.parameters.as_deref() };
    match inner.visit(&mut rewriter) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(refused) => Err(refused),
    }
}

struct Rewriter<'a> {
    parameters: Option<&'a [Parameter]>,
}

impl VisitorMut for Rewriter<'_> {
    type Break = QueryError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<QueryError> {
        empty::simplify(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<QueryError> {
        let mut seen = HashSet::new();
        for (position, item) in (1..).zip(&mut select.projection) {
            let SelectItem::UnnamedExpr(expr) = item else { continue };
            // The names that PostgreSQL gives to the columns of its own functions.
            let named = is_named_by_function(expr).then(|| empty::name_of(expr));
            let is_first = seen.insert(named.clone().unwrap_or_else(|| expr.to_string()));
            let name = match (is_first, named) {
                (true, Some(named)) => named,
                (true, None) => continue,
                // Two columns of one name are none for DataFusion.
                (false, _) => format!("{}:{position}", empty::name_of(expr)),
            };
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', name) };
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<QueryError> {
        let count = relation.0.len();
        let part = |from_end: usize| {
            let index = count.checked_sub(from_end)?;
            relation.0.get(index)?.as_ident().map(|ident| ident.value.to_lowercase())
        };
        let (schema, table) = (part(2), part(1));
        match schema.as_deref() {
            Some(PUBLIC) => keep_last(&mut relation.0, 1),
            Some(CATALOG_SCHEMA) if table.as_deref().is_some_and(|table| table.starts_with("pg_")) => {
                keep_last(&mut relation.0, 2);
            }
            // A function in the place of a table.
            Some(CATALOG_SCHEMA) => keep_last(&mut relation.0, 1),
            Some("information_schema") => {
                keep_last(&mut relation.0, 2);
                if let Some(schema) = relation.0.first_mut() {
                    *schema = ObjectNamePart::Identifier(Ident::new(INFORMATION_SCHEMA));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
        match value_of(expr, self.parameters) {
            Ok(None) => {}
            Ok(Some(value)) => {
                *expr = value;
                return ControlFlow::Continue(());
            }
            Err(refused) => return ControlFlow::Break(refused),
        }
        if let Some(other) = rewritten(expr) {
            *expr = other;
        }
        ControlFlow::Continue(())
    }
}

fn keep_last<T>(parts: &mut Vec<T>, count: usize) {
    let surplus = parts.len().saturating_sub(count);
    parts.drain(..surplus);
}

fn is_named_by_function(expr: &Expr) -> bool {
    match expr {
        Expr::Function(_) => functions::NAMES.contains(&empty::name_of(expr).to_lowercase().as_str()),
        Expr::Identifier(ident) => is_current_schema(ident),
        Expr::Cast { expr, .. } => is_named_by_function(expr),
        _ => false,
    }
}

fn is_current_schema(ident: &Ident) -> bool {
    ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("current_schema")
}

/// What takes the place of an expression, if something does; changes it in place where that is less.
fn rewritten(expr: &mut Expr) -> Option<Expr> {
    match expr {
        Expr::Collate { expr, .. } => Some(expr.as_ref().clone()),
        Expr::Identifier(ident) if is_current_schema(ident) => Some(call("current_schema", Vec::new())),
        Expr::CompoundIdentifier(parts) => {
            qualified(parts);
            None
        }
        Expr::BinaryOp { op, .. } => {
            if let BinaryOperator::PGCustomBinaryOperator(parts) = op
                && let Some(known) = parts.last().and_then(|operator| operator_of(operator))
            {
                *op = known;
            }
            None
        }
        // ARRAY(SELECT …) of nothing.
        Expr::Function(Function { args: FunctionArguments::Subquery(query), .. }) if empty::is_nothing(query) => {
            Some(text_literal("{}"))
        }
        // The planner knows the backslash alone.
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
            if let Some(ValueWithSpan { value: Value::SingleQuotedString(escape), .. }) = escape_char.take() {
                let plain = vec![pattern.as_ref().clone(), text_literal(&escape), text_literal("\\")];
                **pattern = call("replace", plain);
            }
            None
        }
        Expr::Function(function) => {
            let is_of_catalog = matches!(function.name.0.as_slice(), [ObjectNamePart::Identifier(schema), _]
                if schema.value.eq_ignore_ascii_case(CATALOG_SCHEMA));
            if is_of_catalog {
                keep_last(&mut function.name.0, 1);
            }
            if matches!(function.args, FunctionArguments::None) {
                function.args = arguments(Vec::new());
            }
            None
        }
        Expr::Cast { expr: inner, data_type, .. } => cast_of(inner, data_type),
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => Some(any_of(left, right, false)),
        Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => Some(any_of(left, right, true)),
        Expr::CompoundFieldAccess { root, access_chain } => match access_chain.as_slice() {
            [AccessExpr::Subscript(Subscript::Index { index })] if is_list_in_text(root) => {
                Some(call("pg_element", vec![root.as_ref().clone(), index.clone()]))
            }
            _ => None,
        },
        // What is on the search path is known, and how Grafana asks for it cannot be planned.
        Expr::InSubquery { expr, subquery, negated } if subquery.to_string().contains("search_path") => {
            let (expr, list) = (expr.clone(), vec![text_literal(PUBLIC)]);
            Some(Expr::InList { expr, list, negated: *negated })
        }
        Expr::Subquery(query) if empty::is_nothing(query) => Some(empty::null()),
        Expr::Subquery(query) => {
            at_most_one(query);
            None
        }
        _ => None,
    }
}

/// A name of a column: its table may be told with `public` or `information_schema`.
fn qualified(parts: &mut Vec<Ident>) {
    let [.., schema, _, _] = parts.as_mut_slice() else { return };
    if schema.value.eq_ignore_ascii_case(PUBLIC) {
        keep_last(parts, 2);
    } else if schema.value.eq_ignore_ascii_case("information_schema") {
        *schema = Ident::new(INFORMATION_SCHEMA);
    }
}

fn operator_of(operator: &str) -> Option<BinaryOperator> {
    Some(match operator {
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "~~*" => BinaryOperator::PGILikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        "!~~*" => BinaryOperator::PGNotILikeMatch,
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "||" => BinaryOperator::StringConcat,
        _ => return None,
    })
}

/// Casts to types that only PostgreSQL has: names of things become identifiers and the other way around.
fn cast_of(inner: &Expr, data_type: &DataType) -> Option<Expr> {
    let is_text = matches!(inner, Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(_), .. }));
    let named = |from_text: &str, to_text: &str| {
        let function = if is_text { from_text } else { to_text };
        Some(call(function, vec![inner.clone()]))
    };
    let to = |data_type| Some(cast(inner, data_type));
    let name = match data_type {
        DataType::Regclass => "regclass".to_owned(),
        DataType::Custom(name, _) => name.0.last()?.as_ident()?.value.to_lowercase(),
        // Lists of the catalog are texts here.
        DataType::Array(_) => return Some(inner.clone()),
        _ => return None,
    };
    match name.as_str() {
        "regclass" => named("to_regclass", "pg_class_name"),
        "regtype" => named("to_regtype", "pg_type_name"),
        "regnamespace" => named("to_regnamespace", "pg_namespace_name"),
        "oid" | "xid" | "cid" | "int8" => to(DataType::BigInt(None)),
        "int4" | "cardinal_number" => to(DataType::Int(None)),
        "int2" => to(DataType::SmallInt(None)),
        "float8" => to(DataType::DoublePrecision),
        "float4" => to(DataType::Real),
        "bool" => to(DataType::Boolean),
        "text" | "name" | "char" | "bpchar" | "varchar" | "cstring" | "regproc" | "regprocedure" | "regrole"
        | "regoper" | "sql_identifier" | "character_data" | "yes_or_no" => to(DataType::Text),
        _ => None,
    }
}

fn cast(expr: &Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr.clone()), data_type, array: false, format: None }
}

/// `left = ANY(right)`, or `left <> ALL(right)`.
fn any_of(left: &Expr, right: &Expr, negated: bool) -> Expr {
    let mut right = right;
    while let Expr::Nested(inner) = right {
        right = inner;
    }
    let list = match right {
        Expr::Array(Array { elem, .. }) => elem.clone(),
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => {
            functions::elements(text).iter().map(|element| text_literal(element)).collect()
        }
        Expr::Function(_) if empty::name_of(right) == "current_schemas" => {
            vec![text_literal(CATALOG_SCHEMA), text_literal(PUBLIC)]
        }
        Expr::Subquery(query) => {
            return Expr::InSubquery { expr: Box::new(left.clone()), subquery: query.clone(), negated };
        }
        list => {
            let found = call("pg_is_element", vec![list.clone(), cast(left, DataType::Text)]);
            return match negated {
                true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(found) },
                false => found,
            };
        }
    };
    match list.is_empty() {
        true => Expr::value(Value::Boolean(negated)),
        false => Expr::InList { expr: Box::new(left.clone()), list, negated },
    }
}

/// Whether a call gives a list, which is a text here.
fn is_list_in_text(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_list_in_text(inner),
        Expr::Function(_) => ["parse_ident", "string_to_array", "current_schemas"]
            .contains(&empty::name_of(expr).to_lowercase().as_str()),
        _ => false,
    }
}

/// A look-up in the catalog as one that the planner sees to give one value at most: there is one row of an identifier.
fn at_most_one(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let is_of_catalog = !select.from.is_empty()
        && select.from.iter().flat_map(|table| std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation))).all(
            |relation| {
                matches!(relation, TableFactor::Table { name, .. }
                    if name.0.last().and_then(|part| part.as_ident()).is_some_and(|table| table.value.starts_with("pg_")))
            },
        );
    if !is_of_catalog || empty::is_grouped(select) || select.selection.is_none() {
        return;
    }
    let [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] = select.projection.as_mut_slice()
    else {
        return;
    };
    let is_summary = matches!(expr, Expr::Function(_))
        && ["count", "string_agg", "array_agg", "min", "max", "sum"]
            .contains(&empty::name_of(expr).to_lowercase().as_str());
    if !is_summary {
        *expr = call("max", vec![expr.clone()]);
        query.order_by = None;
        query.limit_clause = None;
    }
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: arguments(args),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn arguments(args: Vec<Expr>) -> FunctionArguments {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement;

    fn rewritten(sql: &str, parameters: Vec<Parameter>) -> String {
        let mut parsed = statement::parse(sql).unwrap();
        let postgres = Postgres { parameters: Some(parameters), ..Postgres::default() };
        rewrite(&mut parsed, &postgres).unwrap();
        parsed.to_string()
    }

    #[test]
    fn what_only_postgresql_has_is_put_in_other_words() {
        for (sql, expected) in [
            ("SELECT a FROM public.cpu", "SELECT a FROM cpu"),
            ("SELECT public.cpu.a FROM public.cpu", "SELECT cpu.a FROM cpu"),
            ("SELECT a FROM other.cpu", "SELECT a FROM other.cpu"),
            ("SELECT a = ANY(ARRAY['r', 'p']) FROM t", "SELECT a IN ('r', 'p') FROM t"),
            ("SELECT a <> ALL('{1,2}') FROM t", "SELECT a NOT IN ('1', '2') FROM t"),
            ("SELECT a OPERATOR(pg_catalog.~) '^x$' COLLATE pg_catalog.default FROM t", "SELECT a ~ '^x$' FROM t"),
            (
                "SELECT a::pg_catalog.regtype::pg_catalog.text AS x FROM t",
                "SELECT CAST(pg_type_name(a) AS TEXT) AS x FROM t",
            ),
            ("SELECT 'cpu'::regclass::oid AS x", "SELECT CAST(to_regclass('cpu') AS BIGINT) AS x"),
            ("SELECT a LIKE 'x/_' ESCAPE '/' FROM t", "SELECT a LIKE replace('x/_', '/', '\\') FROM t"),
            ("SELECT x FROM information_schema.tables", "SELECT x FROM pg_information_schema.tables"),
        ] {
            assert_eq!(rewritten(sql, Vec::new()), expected, "{sql}");
        }
    }

    #[test]
    fn what_is_always_empty_is_not_read() {
        let sql =
            "SELECT i.indexrelid::regclass, pg_get_indexdef(i.indexrelid) AS def FROM pg_catalog.pg_index i ORDER BY 1";
        let simple = rewritten(sql, Vec::new());
        assert!(!simple.contains("pg_index") && simple.contains("WHERE false"), "{simple}");
        let joined = "SELECT c.oid FROM pg_class c LEFT JOIN pg_index i ON i.indrelid = c.oid";
        assert!(rewritten(joined, Vec::new()).contains("pg_index"), "rows of the other table stay");
        let nested = "SELECT a.n FROM pg_class c JOIN (SELECT unnest(indkey) AS n FROM pg_index) AS a ON a.n = c.oid";
        assert!(!rewritten(nested, Vec::new()).contains("unnest"));
        let twice = rewritten("SELECT polname, NULL, NULL FROM pg_policy ORDER BY polname", Vec::new());
        assert!(twice.contains("\"?column?\"") && !twice.contains("ORDER BY"), "{twice}");
    }

    #[test]
    fn parameters_are_values_wherever_they_stand() {
        let values = vec![Parameter::Text("a'b".to_owned()), Parameter::Integer(-5)];
        let sql = "SELECT v FROM t WHERE tag = $1 AND v > $2 LIMIT 3";
        assert_eq!(rewritten(sql, values), "SELECT v FROM t WHERE tag = 'a''b' AND v > (-5) LIMIT 3");
        let list = vec![Parameter::List(vec![Parameter::Text("a".to_owned())])];
        assert_eq!(rewritten("SELECT v FROM t WHERE tag = ANY($1)", list), "SELECT v FROM t WHERE tag IN ('a')");
    }

    #[test]
    fn a_parameter_without_a_value_is_named() {
        let mut parsed = statement::parse("SELECT $2").unwrap();
        let postgres = Postgres { parameters: Some(vec![Parameter::Null]), ..Postgres::default() };
        let refused = rewrite(&mut parsed, &postgres).unwrap_err().to_string();
        assert!(refused.contains("$2"), "{refused}");
    }
}
