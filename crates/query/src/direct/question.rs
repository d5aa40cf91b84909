//! Recognises the question in a parsed statement.

use std::sync::LazyLock;

use datafusion::logical_expr::Operator;
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, ObjectName,
    ObjectNamePart, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, Query, Select, SelectItem, SetExpr, Statement,
    TableFactor, Value, ValueWithSpan,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use sensorium_model::names::TIME_COLUMN;

use super::literal::{interval, text, time};
use crate::table::TimeRange;

/// Statements are compared with this one, their own parts put in: whatever else they have, it lacks.
static PLAIN: LazyLock<Option<Box<Query>>> = LazyLock::new(|| {
    let statements = Parser::parse_sql(&GenericDialect {}, "SELECT f(x) FROM t GROUP BY x ORDER BY x").ok()?;
    match statements.into_iter().next() {
        Some(Statement::Query(query)) => Some(query),
        _ => None,
    }
});

/// Aggregates of one series in bins of time.
#[derive(Debug)]
pub(super) struct Question {
    /// The database, if it is named.
    pub(super) database: Option<String>,
    pub(super) table: String,
    /// Tags and the value that each must have.
    pub(super) tags: Vec<(String, String)>,
    pub(super) times: TimeRange,
    /// The length of a bin in nanoseconds; one begins at the epoch.
    pub(super) step_ns: i64,
    /// The name of the bin's column.
    pub(super) bin_name: String,
    /// The columns of the answer, of which one is the bin.
    pub(super) outputs: Vec<Output>,
    /// Whether the newest bin comes first.
    pub(super) descending: bool,
}

/// A column of the answer.
#[derive(Debug)]
pub(super) enum Output {
    /// When the bin begins.
    Bin,
    /// A function of the bin's rows.
    Aggregate {
        /// In lower case.
        function: String,
        /// What it is of; none for all rows.
        field: Option<String>,
        /// The name of the column.
        name: String,
    },
}

impl Question {
    /// The question that a statement asks, if it is of this kind. `now_ns` is what `now()` means in it, in nanoseconds.
    pub(super) fn read(statement: &Parsed, now_ns: i64) -> Option<Self> {
        let Parsed::Statement(statement) = statement else { return None };
        let Statement::Query(query) = statement.as_ref() else { return None };
        let select = plain(query)?;
        let (database, table) = table(select)?;
        let scope = Scope { table: table.last()?, written: table.join("."), now_ns };
        let mut bin = None;
        let mut outputs = Vec::new();
        for item in &select.projection {
            let (expression, alias) = match item {
                SelectItem::UnnamedExpr(expression) => (expression, None),
                SelectItem::ExprWithAlias { expr, alias } => (expr, Some(normalized(alias))),
                _ => return None,
            };
            let output = match scope.bin(expression) {
                Some(step_ns) => {
                    // Without a name, its column is called like the expression.
                    if bin.replace((outputs.len(), step_ns, expression, alias?)).is_some() {
                        return None;
                    }
                    Output::Bin
                }
                None => scope.aggregate(expression, alias)?,
            };
            outputs.push(output);
        }
        let (position, step_ns, expression, bin_name) = bin?;
        let is_bin = |asked: &Expr| is_bin(asked, position, expression, &bin_name);
        let GroupByExpr::Expressions(groups, modifiers) = &select.group_by else { return None };
        if !(modifiers.is_empty() && matches!(groups.as_slice(), [group] if is_bin(group))) {
            return None;
        }
        let descending = match query.order_by.as_ref() {
            None => false,
            Some(order) => descending(order, is_bin)?,
        };
        let mut names: Vec<&str> = outputs.iter().filter_map(Output::name).chain([bin_name.as_str()]).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return None;
        }
        let (mut tags, mut times) = (Vec::new(), TimeRange::ALL);
        scope.condition(select.selection.as_ref()?, &mut tags, &mut times)?;
        let table = scope.table.to_owned();
        Some(Self { database, table, tags, times, step_ns, bin_name, outputs, descending })
    }
}

impl Output {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Bin => None,
            Self::Aggregate { name, .. } => Some(name),
        }
    }
}

/// The SELECT of a query that has a list and perhaps a FROM, a WHERE, a GROUP BY and an ORDER BY, and nothing else.
pub(super) fn plain(query: &Query) -> Option<&Select> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let mut same = PLAIN.as_deref()?.clone();
    let SetExpr::Select(part) = same.body.as_mut() else { return None };
    part.projection.clone_from(&select.projection);
    part.from.clone_from(&select.from);
    part.selection.clone_from(&select.selection);
    part.group_by.clone_from(&select.group_by);
    same.order_by.clone_from(&query.order_by);
    (same == *query).then_some(select.as_ref())
}

/// What stands behind FROM, if it is one name, with arguments or without, and nothing else.
pub(super) fn plain_table(select: &Select) -> Option<&TableFactor> {
    let [from] = select.from.as_slice() else { return None };
    let TableFactor::Table { name, args, .. } = &from.relation else { return None };
    let SetExpr::Select(same) = PLAIN.as_deref()?.body.as_ref() else { return None };
    let mut same = same.from.first()?.clone();
    if let TableFactor::Table { name: same_name, args: same_args, .. } = &mut same.relation {
        same_name.clone_from(name);
        same_args.clone_from(args);
    }
    (same == *from).then_some(&from.relation)
}

/// The database and the name of the only table, as they are written.
fn table(select: &Select) -> Option<(Option<String>, Vec<String>)> {
    let TableFactor::Table { name, args: None, .. } = plain_table(select)? else { return None };
    let parts: Vec<String> = identifiers(name)?;
    let database = match parts.as_slice() {
        [_] => None,
        [database, _] => Some(database.clone()),
        _ => return None,
    };
    Some((database, parts))
}

fn identifiers(name: &ObjectName) -> Option<Vec<String>> {
    let identifier = |part: &ObjectNamePart| match part {
        ObjectNamePart::Identifier(name) => Some(normalized(name)),
        ObjectNamePart::Function(_) => None,
    };
    name.0.iter().map(identifier).collect()
}

/// A name as it is meant: in lower case unless it stands in quotes.
pub(super) fn normalized(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_ascii_lowercase() }
}

/// Whether an expression of GROUP BY or ORDER BY is the bin: by its name, by its place or spelled out.
fn is_bin(asked: &Expr, position: usize, expression: &Expr, name: &str) -> bool {
    match asked {
        Expr::Identifier(asked) => normalized(asked) == name,
        Expr::Value(ValueWithSpan { value: Value::Number(number, false), .. }) => *number == (position + 1).to_string(),
        _ => asked == expression,
    }
}

/// Whether the newest bin comes first, if the bin is all that the rows are ordered by.
fn descending(order: &OrderBy, is_bin: impl Fn(&Expr) -> bool) -> Option<bool> {
    match order {
        OrderBy { kind: OrderByKind::Expressions(by), interpolate: None } => match by.as_slice() {
            [OrderByExpr { expr, options: OrderByOptions { asc, .. }, with_fill: None }] if is_bin(expr) => {
                Some(*asc == Some(false))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The name of a column of a table.
fn column(expression: &Expr, of: &str) -> Option<String> {
    match expression {
        Expr::Identifier(name) => Some(normalized(name)),
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [table, name] if normalized(table) == of => Some(normalized(name)),
            _ => None,
        },
        _ => None,
    }
}

/// The table that columns belong to.
struct Scope<'a> {
    table: &'a str,
    /// Its name with the database, where that is written.
    written: String,
    /// What `now()` means.
    now_ns: i64,
}

impl Scope<'_> {
    /// The length of a bin, if that is what an expression asks for.
    fn bin(&self, expression: &Expr) -> Option<i64> {
        match call(expression)? {
            (name, arguments) if name == "date_bin" => match arguments.as_slice() {
                [Argument::Of(step), Argument::Of(of)] if column(of, self.table)? == TIME_COLUMN => interval(step),
                _ => None,
            },
            _ => None,
        }
    }

    fn aggregate(&self, expression: &Expr, alias: Option<String>) -> Option<Output> {
        let (function, arguments) = call(expression)?;
        let field = match arguments.as_slice() {
            [Argument::Rows] if function == "count" => None,
            [Argument::Of(of)] => Some(column(of, self.table)?),
            _ => return None,
        };
        let called = || match &field {
            None => format!("{function}(*)"),
            Some(field) => format!("{function}({}.{field})", self.written),
        };
        let name = alias.unwrap_or_else(called);
        Some(Output::Aggregate { function, field, name })
    }

    /// Takes a condition apart: tags that are equal to a text, and bounds of the time.
    fn condition(&self, expression: &Expr, tags: &mut Vec<(String, String)>, times: &mut TimeRange) -> Option<()> {
        match expression {
            Expr::Nested(inner) => self.condition(inner, tags, times),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.condition(left, tags, times)?;
                self.condition(right, tags, times)
            }
            Expr::BinaryOp { left, op, right } => {
                let name = column(left, self.table)?;
                if name == TIME_COLUMN {
                    *times = times.and(TimeRange::compared(comparison(op)?, time(right, self.now_ns)?));
                } else if *op == BinaryOperator::Eq {
                    tags.push((name, text(right)?.to_owned()));
                } else {
                    return None;
                }
                Some(())
            }
            Expr::Between { expr, negated: false, low, high } if column(expr, self.table)? == TIME_COLUMN => {
                *times = times.and(TimeRange { min: time(low, self.now_ns)?, max: time(high, self.now_ns)? });
                Some(())
            }
            _ => None,
        }
    }
}

fn comparison(operator: &BinaryOperator) -> Option<Operator> {
    match operator {
        BinaryOperator::Lt => Some(Operator::Lt),
        BinaryOperator::LtEq => Some(Operator::LtEq),
        BinaryOperator::Gt => Some(Operator::Gt),
        BinaryOperator::GtEq => Some(Operator::GtEq),
        BinaryOperator::Eq => Some(Operator::Eq),
        _ => None,
    }
}

/// What a function is called with.
pub(super) enum Argument<'a> {
    Rows,
    Of(&'a Expr),
}

/// The name and the arguments of a call without any further clause.
pub(super) fn call<'a>(expression: &'a Expr) -> Option<(String, Vec<Argument<'a>>)> {
    let Expr::Function(function) = expression else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    let mut same = plain_call()?.clone();
    same.name.clone_from(&function.name);
    if let FunctionArguments::List(same) = &mut same.args {
        same.args.clone_from(&list.args);
    }
    if same != *function {
        return None;
    }
    let argument = |argument: &'a FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Some(Argument::Rows),
        FunctionArg::Unnamed(FunctionArgExpr::Expr(of)) => Some(Argument::Of(of)),
        _ => None,
    };
    let arguments = list.args.iter().map(argument).collect::<Option<Vec<_>>>()?;
    match identifiers(&function.name)?.as_slice() {
        [name] => Some((name.clone(), arguments)),
        _ => None,
    }
}

fn plain_call() -> Option<&'static Function> {
    let SetExpr::Select(select) = PLAIN.as_deref()?.body.as_ref() else { return None };
    match select.projection.first()? {
        SelectItem::UnnamedExpr(Expr::Function(function)) => Some(function),
        _ => None,
    }
}
