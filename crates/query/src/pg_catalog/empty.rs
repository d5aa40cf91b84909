//! Tables of `pg_catalog` that never have rows here: there are no indexes, constraints, triggers, comments and the like.
//!
//! Clients ask them in ways that only PostgreSQL can plan. A SELECT that reads from one of them, other than on the optional side of
//! an outer join, has no rows; it becomes one that says so, with the same names and without its order.

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, GroupByExpr, Ident, JoinOperator, ObjectName, Query, Select, SelectItem, SetExpr,
    TableFactor, TableWithJoins, Value,
};

use super::rows::ColumnOf;
use super::rows::Kind::{Number, Text, Truth};

const OID: ColumnOf = ("oid", Number);

/// The columns of a table that is always empty, as far as others are joined to it by them.
pub(super) fn columns(name: &str) -> Option<&'static [ColumnOf]> {
    let columns: &'static [ColumnOf] = match name {
        "pg_description" => &[("objoid", Number), ("classoid", Number), ("objsubid", Number), ("description", Text)],
        "pg_shdescription" => &[("objoid", Number), ("classoid", Number), ("description", Text)],
        "pg_attrdef" => &[OID, ("adrelid", Number), ("adnum", Number), ("adbin", Text)],
        "pg_constraint" => &[
            OID,
            ("conname", Text),
            ("connamespace", Number),
            ("contype", Text),
            ("condeferrable", Truth),
            ("condeferred", Truth),
            ("convalidated", Truth),
            ("conrelid", Number),
            ("contypid", Number),
            ("conindid", Number),
            ("conparentid", Number),
            ("confrelid", Number),
            ("confupdtype", Text),
            ("confdeltype", Text),
            ("confmatchtype", Text),
            ("conkey", Text),
            ("confkey", Text),
        ],
        "pg_index" => &[
            ("indexrelid", Number),
            ("indrelid", Number),
            ("indnatts", Number),
            ("indisunique", Truth),
            ("indisprimary", Truth),
            ("indisclustered", Truth),
            ("indisvalid", Truth),
            ("indkey", Text),
            ("indclass", Text),
            ("indoption", Text),
            ("indexprs", Text),
            ("indpred", Text),
        ],
        "pg_collation" => &[OID, ("collname", Text), ("collnamespace", Number), ("collprovider", Text)],
        "pg_enum" => &[OID, ("enumtypid", Number), ("enumsortorder", Number), ("enumlabel", Text)],
        "pg_range" => &[("rngtypid", Number), ("rngsubtype", Number), ("rngmultitypid", Number)],
        "pg_inherits" => {
            &[("inhrelid", Number), ("inhparent", Number), ("inhseqno", Number), ("inhdetachpending", Truth)]
        }
        "pg_proc" => &[
            OID,
            ("proname", Text),
            ("pronamespace", Number),
            ("proowner", Number),
            ("prolang", Number),
            ("prokind", Text),
            ("prorettype", Number),
            ("proargtypes", Text),
            ("proretset", Truth),
        ],
        "pg_depend" => &[
            ("classid", Number),
            ("objid", Number),
            ("objsubid", Number),
            ("refclassid", Number),
            ("refobjid", Number),
            ("refobjsubid", Number),
            ("deptype", Text),
        ],
        "pg_foreign_table" => &[("ftrelid", Number), ("ftserver", Number), ("ftoptions", Text)],
        "pg_foreign_server" => &[OID, ("srvname", Text), ("srvfdw", Number)],
        "pg_partitioned_table" => &[("partrelid", Number), ("partstrat", Text), ("partnatts", Number)],
        "pg_rewrite" => &[OID, ("rulename", Text), ("ev_class", Number), ("ev_type", Text)],
        "pg_trigger" => {
            &[OID, ("tgrelid", Number), ("tgname", Text), ("tgisinternal", Truth), ("tgconstraint", Number)]
        }
        "pg_sequence" => &[("seqrelid", Number), ("seqtypid", Number), ("seqstart", Number)],
        "pg_extension" => &[OID, ("extname", Text), ("extnamespace", Number), ("extversion", Text)],
        "pg_auth_members" => &[("roleid", Number), ("member", Number), ("grantor", Number), ("admin_option", Truth)],
        "pg_views" | "pg_matviews" => &[
            ("schemaname", Text),
            ("viewname", Text),
            ("matviewname", Text),
            ("viewowner", Text),
            ("definition", Text),
        ],
        "pg_indexes" => &[("schemaname", Text), ("tablename", Text), ("indexname", Text), ("indexdef", Text)],
        "pg_sequences" => &[("schemaname", Text), ("sequencename", Text), ("sequenceowner", Text)],
        "pg_stat_activity" => &[
            ("datid", Number),
            ("datname", Text),
            ("pid", Number),
            ("usename", Text),
            ("application_name", Text),
            ("state", Text),
            ("query", Text),
        ],
        "pg_stat_user_tables" | "pg_stat_all_tables" | "pg_statio_user_tables" => {
            &[("relid", Number), ("schemaname", Text), ("relname", Text), ("n_live_tup", Number)]
        }
        "pg_locks" => &[("locktype", Text), ("database", Number), ("relation", Number), ("pid", Number)],
        "pg_language" => &[OID, ("lanname", Text)],
        "pg_operator" => &[OID, ("oprname", Text), ("oprnamespace", Number)],
        "pg_aggregate" => &[("aggfnoid", Number), ("aggkind", Text)],
        "pg_cast" => &[OID, ("castsource", Number), ("casttarget", Number)],
        "pg_opclass" => &[OID, ("opcname", Text), ("opcnamespace", Number)],
        "pg_conversion" => &[OID, ("conname", Text), ("connamespace", Number)],
        "pg_policy" => &[OID, ("polname", Text), ("polrelid", Number)],
        "pg_statistic_ext" => &[OID, ("stxrelid", Number), ("stxname", Text), ("stxnamespace", Number)],
        "pg_publication" => &[OID, ("pubname", Text), ("puballtables", Truth)],
        "pg_publication_rel" => &[OID, ("prpubid", Number), ("prrelid", Number), ("prqual", Text), ("prattrs", Text)],
        "pg_publication_namespace" => &[OID, ("pnpubid", Number), ("pnnspid", Number)],
        "pg_subscription" => &[OID, ("subname", Text)],
        "pg_event_trigger" => &[OID, ("evtname", Text)],
        "pg_foreign_data_wrapper" => &[OID, ("fdwname", Text)],
        "pg_user_mapping" => &[OID, ("umuser", Number), ("umserver", Number)],
        "pg_default_acl" => &[OID, ("defaclrole", Number), ("defaclnamespace", Number)],
        "pg_init_privs" | "pg_seclabel" | "pg_shseclabel" => &[("objoid", Number), ("classoid", Number)],
        "pg_shdepend" => &[("dbid", Number), ("classid", Number), ("objid", Number), ("refobjid", Number)],
        "pg_db_role_setting" => &[("setdatabase", Number), ("setrole", Number), ("setconfig", Text)],
        "pg_ts_config" | "pg_ts_dict" | "pg_ts_parser" | "pg_ts_template" | "pg_largeobject_metadata" => &[OID],
        "pg_get_keywords" => &[("word", Text), ("catcode", Text)],
        _ => return None,
    };
    Some(columns)
}

/// Gives a query that has no rows a form that says so. Left alone where the names of its columns would be needed and are not known.
pub(super) fn simplify(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    if !select.from.iter().any(reads_nothing) || calls(select, &["count"]) {
        return;
    }
    let Some(names) = select.projection.iter().map(name).collect::<Option<Vec<_>>>() else { return };
    // A summary of nothing is one row of nulls.
    let is_one_row = !is_grouped(select) && calls(select, &SUMMARIES);
    // The planner wants each name once.
    let mut told: Vec<String> = Vec::new();
    for name in names {
        let count = told.iter().filter(|other| **other == name).count();
        told.push(if count == 0 { name } else { format!("{name} {}", told.len() + 1) });
    }
    select.projection = told
        .into_iter()
        .map(|name| SelectItem::ExprWithAlias { expr: null(), alias: Ident::with_quote('"', name) })
        .collect();
    select.from.clear();
    select.distinct = None;
    select.having = None;
    select.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
    select.selection = (!is_one_row).then(|| Expr::value(Value::Boolean(false)));
    query.order_by = None;
}

/// Whether a query was given the form of one without rows.
pub(super) fn is_nothing(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let is_false = matches!(&select.selection, Some(Expr::Value(value)) if value.value == Value::Boolean(false));
    select.from.is_empty() && is_false
}

/// Whether a query has no rows because of what it reads from.
fn is_void(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let is_summary = !is_grouped(select) && (calls(select, &SUMMARIES) || calls(select, &["count"]));
    !is_summary && select.from.iter().any(reads_nothing)
}

/// Functions that make one value of many.
const SUMMARIES: [&str; 8] = ["string_agg", "array_agg", "min", "max", "sum", "avg", "bool_or", "bool_and"];

pub(super) fn is_grouped(select: &Select) -> bool {
    !matches!(&select.group_by, GroupByExpr::Expressions(expressions, _) if expressions.is_empty())
}

/// Null as a text.
pub(super) fn null() -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::value(Value::Null)),
        data_type: DataType::Text,
        array: false,
        format: None,
    }
}

/// Whether rows of this would have to come from a table that is always empty.
fn reads_nothing(table: &TableWithJoins) -> bool {
    let outer = table.joins.iter().any(|join| {
        matches!(join.join_operator, JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_))
    });
    let joined = table.joins.iter().any(|join| {
        let inner =
            matches!(join.join_operator, JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_));
        inner && is_empty(&join.relation)
    });
    !outer && (joined || is_empty(&table.relation))
}

fn is_empty(relation: &TableFactor) -> bool {
    match relation {
        TableFactor::Table { name, .. } => last(name).is_some_and(|name| columns(&name).is_some()),
        TableFactor::NestedJoin { table_with_joins, .. } => reads_nothing(table_with_joins),
        TableFactor::Derived { subquery, .. } => is_void(subquery),
        _ => false,
    }
}

/// The last part of a name that may be one of the catalog.
fn last(name: &ObjectName) -> Option<String> {
    let parts: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
    match parts.as_slice() {
        [table] => Some(table.value.to_lowercase()),
        [schema, table] if schema.value.eq_ignore_ascii_case(super::CATALOG_SCHEMA) => Some(table.value.to_lowercase()),
        _ => None,
    }
}

/// What a column is called.
fn name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(expr) => Some(name_of(expr)),
        _ => None,
    }
}

/// What PostgreSQL calls a column that is not named.
pub(super) fn name_of(expr: &Expr) -> String {
    let named = match expr {
        Expr::Identifier(ident) => Some(ident.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|ident| ident.value.clone()),
        Expr::Function(function) => {
            function.name.0.last().and_then(|part| part.as_ident()).map(|name| name.value.clone())
        }
        Expr::Cast { expr, .. } | Expr::Nested(expr) | Expr::Collate { expr, .. } => Some(name_of(expr)),
        Expr::Case { .. } => Some("case".to_owned()),
        _ => None,
    };
    named.unwrap_or_else(|| "?column?".to_owned())
}

/// Whether one of the columns is a call of one of some functions.
fn calls(select: &Select, functions: &[&str]) -> bool {
    select.projection.iter().any(|item| {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { return false };
        let mut expr = expr;
        while let Expr::Cast { expr: inner, .. } | Expr::Nested(inner) = expr {
            expr = inner;
        }
        matches!(expr, Expr::Function(_)) && functions.contains(&name_of(expr).to_lowercase().as_str())
    })
}
