//! The measurements and sub-queries behind `FROM`, and what names mean in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regex::Regex;
use sensorium_protocols::influxql::{
    self as ast, Call, DataType, Dimension, Expr, Field, MeasurementName, VarRef, Wildcard,
};

use super::super::{Context, meaning};
use super::plan::{Kind, Source};
use super::value::Function;
use crate::error::QueryError;

/// The only retention policy of a database.
const POLICY: &str = "autogen";

/// Compiles a regular expression.
pub(super) fn pattern(text: &str) -> Result<Regex, QueryError> {
    Regex::new(text).map_err(|error| {
        let message = error.to_string();
        let reason = message.lines().last().unwrap_or_default().trim().to_owned();
        meaning(format!("error parsing regexp: {reason}: `{text}`"))
    })
}

/// The tables that a measurement stands for, by name.
pub(super) fn tables(context: Context<'_>, measurement: &ast::Measurement) -> Result<Vec<Source>, QueryError> {
    let key = context.database(measurement.database.as_deref())?;
    if let Some(policy) = measurement.retention_policy.as_deref().filter(|policy| *policy != POLICY) {
        return Err(meaning(format!("retention policy not found: {policy}")));
    }
    let Some(database) = context.store().schema(&key) else { return Ok(Vec::new()) };
    let pattern = match &measurement.name {
        MeasurementName::Regex(text) => Some(self::pattern(text)?),
        MeasurementName::Name(_) | MeasurementName::Same => None,
    };
    let is_meant = |name: &str| match (&measurement.name, &pattern) {
        (MeasurementName::Name(wanted), _) => wanted == name,
        (_, Some(pattern)) => pattern.is_match(name),
        _ => false,
    };
    let tables = database.tables.iter().filter(|(name, _)| is_meant(name));
    let source = |(name, schema): (&sensorium_model::Name, &Arc<sensorium_model::TableSchema>)| Source::Table {
        key: key.clone(),
        table: name.clone(),
        schema: Arc::clone(schema),
    };
    Ok(tables.map(source).collect())
}

/// What names mean in some sources.
pub(super) struct Names<'a> {
    sources: &'a [Source],
}

impl<'a> Names<'a> {
    pub(super) fn new(sources: &'a [Source]) -> Self {
        Self { sources }
    }

    /// The type of a name.
    pub(super) fn kind(&self, var: &VarRef) -> Kind {
        let stored = || self.sources.iter().map(|source| kind_in(source, &var.name)).fold(Kind::Unknown, Kind::or);
        match var.data_type {
            Some(DataType::Float) => Kind::Float,
            Some(DataType::Integer) => Kind::Integer,
            Some(DataType::Unsigned) => Kind::Unsigned,
            Some(DataType::String) => Kind::Text,
            Some(DataType::Boolean) => Kind::Boolean,
            Some(DataType::Tag) => Kind::Tag,
            Some(DataType::AnyField) => match stored() {
                Kind::Tag => Kind::Unknown,
                kind => kind,
            },
            None => stored(),
        }
    }

    /// The fields with their types, and the tags.
    fn all(&self) -> (BTreeMap<String, Kind>, BTreeSet<String>) {
        let (mut fields, mut tags) = (BTreeMap::new(), BTreeSet::new());
        let mut add = |name: &str, kind: Kind| {
            let slot = fields.entry(name.to_owned()).or_insert(Kind::Unknown);
            *slot = slot.or(kind);
        };
        for source in self.sources {
            match source {
                Source::Table { schema, .. } => {
                    for (name, kind) in schema.columns() {
                        match Kind::stored(kind) {
                            Some(Kind::Tag) => {
                                tags.insert(name.as_ref().to_owned());
                            }
                            Some(kind) => add(name, kind),
                            None => (),
                        }
                    }
                }
                Source::Query(plan) => {
                    plan.outputs.iter().for_each(|output| add(&output.name, output.kind));
                    tags.extend(plan.group_by.iter().map(|tag| tag.as_ref().to_owned()));
                }
            }
        }
        (fields, tags)
    }

    /// The columns with `*` and regular expressions written out.
    pub(super) fn fields(&self, fields: Vec<Field>, dimensions: &[Dimension]) -> Result<Vec<Field>, QueryError> {
        let is_many = |expr: &Expr| matches!(expr, Expr::Wildcard(_) | Expr::Regex(_));
        let mut has_many = false;
        fields.iter().for_each(|field| field.expr.walk(&mut |expr| has_many |= is_many(expr)));
        if !has_many {
            return Ok(fields);
        }
        let (all, tags) = self.all();
        let mut known: Vec<(String, Kind)> = all.into_iter().collect();
        if !known.is_empty() && !dimensions.iter().any(|dimension| is_many(&dimension.expr)) {
            let is_grouped = |tag: &str| {
                dimensions.iter().any(|dimension| matches!(&dimension.expr, Expr::VarRef(var) if var.name == tag))
            };
            known.extend(tags.into_iter().filter(|tag| !is_grouped(tag)).map(|tag| (tag, Kind::Tag)));
            known.sort_by(|left, right| left.0.cmp(&right.0));
        }
        let mut written = Vec::new();
        for field in fields {
            match &field.expr {
                Expr::Wildcard(of) => {
                    let is_meant = |kind: Kind| match of {
                        Wildcard::All => true,
                        Wildcard::Fields => kind != Kind::Tag,
                        Wildcard::Tags => kind == Kind::Tag,
                    };
                    written.extend(known.iter().filter(|(_, kind)| is_meant(*kind)).map(|(name, _)| plain(name)));
                }
                Expr::Regex(text) => {
                    let pattern = pattern(text)?;
                    written
                        .extend(known.iter().filter(|(name, _)| pattern.is_match(name)).map(|(name, _)| plain(name)));
                }
                Expr::Call(call) => match of_many(call) {
                    Some((inner, many)) => written.extend(expanded(&field, call, (inner, many), &known)?),
                    None => written.push(field),
                },
                Expr::Binary(_) => {
                    let (mut regex, mut wildcard) = (false, false);
                    field.expr.walk(&mut |expr| {
                        regex |= matches!(expr, Expr::Regex(_));
                        wildcard |= matches!(expr, Expr::Wildcard(_));
                    });
                    if wildcard {
                        return Err(meaning(format!("unsupported expression with wildcard: {}", field.expr)));
                    }
                    if regex {
                        return Err(meaning(format!("unsupported expression with regex field: {}", field.expr)));
                    }
                    written.push(field);
                }
                _ => written.push(field),
            }
        }
        Ok(written)
    }

    /// The tags that rows are grouped by, by name.
    pub(super) fn tags(&self, dimensions: &[Dimension]) -> Result<BTreeSet<Arc<str>>, QueryError> {
        let mut grouped = BTreeSet::new();
        for dimension in dimensions {
            match &dimension.expr {
                Expr::VarRef(var) => {
                    grouped.insert(Arc::from(var.name.as_str()));
                }
                Expr::Wildcard(_) => grouped.extend(self.all().1.iter().map(|tag| Arc::from(tag.as_str()))),
                Expr::Regex(text) => {
                    let pattern = pattern(text)?;
                    let tags = self.all().1;
                    grouped.extend(tags.iter().filter(|tag| pattern.is_match(tag)).map(|tag| Arc::from(tag.as_str())));
                }
                _ => (),
            }
        }
        Ok(grouped)
    }
}

fn kind_in(source: &Source, name: &str) -> Kind {
    match source {
        Source::Table { schema, .. } => schema.kind(name).and_then(Kind::stored).unwrap_or(Kind::Unknown),
        Source::Query(plan) => {
            let output = plan.outputs.iter().find(|output| output.name.as_ref() == name).map(|output| output.kind);
            let is_tag = || plan.group_by.iter().any(|tag| tag.as_ref() == name);
            output.unwrap_or_else(|| if is_tag() { Kind::Tag } else { Kind::Unknown })
        }
    }
}

fn plain(name: &str) -> Field {
    Field { expr: Expr::VarRef(VarRef { name: name.to_owned(), data_type: None }), alias: None }
}

/// The innermost call of a chain of calls that is of many columns, and what stands for these.
fn of_many(call: &Call) -> Option<(&str, &Expr)> {
    match call.args.first()? {
        Expr::Call(inner) => of_many(inner),
        many @ (Expr::Wildcard(_) | Expr::Regex(_)) => Some((&call.name, many)),
        _ => None,
    }
}

/// A call of many columns, once for each that it can be of.
fn expanded(
    field: &Field,
    call: &Call,
    (inner, many): (&str, &Expr),
    known: &[(String, Kind)],
) -> Result<Vec<Field>, QueryError> {
    let pattern = match many {
        Expr::Wildcard(Wildcard::Tags) => return Err(meaning(format!("unable to use tag wildcard in {inner}()"))),
        Expr::Regex(text) => Some(pattern(text)?),
        _ => None,
    };
    let takes = |kind: Kind| match kind {
        Kind::Float | Kind::Integer | Kind::Unsigned => true,
        Kind::Text => takes_everything(inner),
        Kind::Boolean => takes_everything(inner) || matches!(inner, "min" | "max"),
        Kind::Tag | Kind::Unknown => false,
    };
    let is_meant = |name: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(name));
    let meant = known.iter().filter(|(name, kind)| takes(*kind) && is_meant(name));
    Ok(meant
        .map(|(name, _)| Field {
            expr: Expr::Call(with_column(call, name)),
            alias: Some(format!("{}_{name}", field.name())),
        })
        .collect())
}

/// Whether a function is of values of any type.
pub(super) fn takes_everything(function: &str) -> bool {
    Function::named(function).is_none()
        && matches!(function, "count" | "first" | "last" | "distinct" | "elapsed" | "mode" | "sample")
}

fn with_column(call: &Call, name: &str) -> Call {
    let mut call = call.clone();
    if let Some(first) = call.args.first_mut() {
        *first = match first {
            Expr::Call(inner) => Expr::Call(with_column(inner, name)),
            _ => plain(name).expr,
        };
    }
    call
}
