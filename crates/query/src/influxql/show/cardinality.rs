//! `SHOW … CARDINALITY`. Counting is exact here, whether or not that is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regex::Regex;
use sensorium_model::{DatabaseKey, DatabaseSchema, Name, TableSchema};
use sensorium_protocols::influxql::shows::{Counted, ShowCardinality};
use sensorium_protocols::influxql::{Dimension, Expr};

use super::super::{Cell, Context, Series, meaning};
use super::condition::Condition;
use super::known::KnownSeries;
use super::lists::{WantedKeys, type_name};
use super::{Sources, compiled, database_of, limited, schema_of, table, tables};
use crate::error::QueryError;

/// The tags that a count is of, by name.
type Group = Vec<(Arc<str>, Arc<str>)>;

pub(super) fn answer(context: Context<'_>, of: &ShowCardinality) -> Result<Vec<Series>, QueryError> {
    if is_estimate(of) {
        return estimate(context, of);
    }
    let key = database_of(context, of.database.as_deref(), &of.sources)?;
    let condition = Condition::new(context, of.condition.as_ref())?;
    if condition.is_on_time {
        let what = what(of);
        return Err(meaning(format!("SHOW {what} doesn't support time in WHERE clause")));
    }
    let (schema, sources) = (schema_of(context, &key), Sources::new(&of.sources)?);
    let found = tables(&schema, &sources);
    let dimensions = dimensions(&of.dimensions, &schema)?;
    let counting = Counting { context, key: &key, condition: &condition, dimensions: &dimensions };
    let mut counts: Vec<(String, Group, usize)> = Vec::new();
    let mut add = |name: &str, groups: BTreeMap<Group, usize>| {
        let counted = groups.into_iter().filter(|(_, count)| *count > 0);
        counts.extend(counted.map(|(tags, count)| (name.to_owned(), tags, count)));
    };
    if matches!(of.counted, Counted::Measurements) {
        add("", counting.measurements(&found)?);
    } else {
        for (name, schema) in found {
            add(name, counting.of_table(&of.counted, (name, schema))?);
        }
    }
    Ok(counts
        .into_iter()
        .filter_map(|(name, tags, count)| {
            let rows = limited(std::iter::once(vec![number(count)]), of.limit, of.offset);
            (!rows.is_empty()).then(|| Series { tags, ..table(&name, &["count"], rows) })
        })
        .collect())
}

fn number(count: usize) -> Cell {
    Cell::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Whether InfluxDB would estimate, which it tells by the name of the column.
fn is_estimate(of: &ShowCardinality) -> bool {
    let is_plain = of.sources.is_empty() && of.condition.is_none() && of.dimensions.is_empty();
    let is_kind = matches!(of.counted, Counted::Series | Counted::Measurements);
    is_kind && !of.is_exact && is_plain && of.limit == 0 && of.offset == 0
}

fn estimate(context: Context<'_>, of: &ShowCardinality) -> Result<Vec<Series>, QueryError> {
    if of.database.is_none() && context.request.database.is_none() {
        return Err(meaning("database name required"));
    }
    let mut count = 0;
    // A database that does not exist has no series.
    if let Ok(key) = context.database(of.database.as_deref()) {
        for (name, schema) in &schema_of(context, &key).tables {
            let series = KnownSeries::open(context, &key, (name, schema))?.len();
            count += if matches!(of.counted, Counted::Series) { series } else { usize::from(series > 0) };
        }
    }
    Ok(vec![table("", &["cardinality estimation"], vec![vec![number(count)]])])
}

/// What InfluxDB calls the statement.
fn what(of: &ShowCardinality) -> String {
    let what = match of.counted {
        Counted::Series => "SERIES",
        Counted::Measurements => "MEASUREMENT",
        Counted::TagKeys => "TAG KEY",
        Counted::TagValues(_) => "TAG VALUES",
        Counted::FieldKeys => "FIELD KEY",
    };
    format!("{what}{} CARDINALITY", if of.is_exact { " EXACT" } else { "" })
}

/// The tags of a `GROUP BY`, by name.
fn dimensions(dimensions: &[Dimension], schema: &DatabaseSchema) -> Result<BTreeSet<Arc<str>>, QueryError> {
    let all = || schema.tables.values().flat_map(|table| table.tags());
    let mut tags = BTreeSet::new();
    let matching = |pattern: Regex| all().filter(move |tag| pattern.is_match(tag)).map(|tag| Arc::from(&**tag));
    for dimension in dimensions {
        match &dimension.expr {
            Expr::VarRef(var) => {
                tags.insert(Arc::from(var.name.as_str()));
            }
            Expr::Wildcard(_) => tags.extend(all().map(|tag| Arc::from(&**tag))),
            Expr::Regex(pattern) => tags.extend(matching(compiled(pattern)?)),
            _ => return Err(meaning("only time and tag dimensions allowed")),
        }
    }
    Ok(tags)
}

/// What all counts of a statement have in common.
struct Counting<'a> {
    context: Context<'a>,
    key: &'a DatabaseKey,
    condition: &'a Condition,
    dimensions: &'a BTreeSet<Arc<str>>,
}

impl Counting<'_> {
    /// The series of a table that count, by group.
    fn groups(&self, known: &KnownSeries<'_>) -> BTreeMap<Group, Vec<usize>> {
        let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
        // As in InfluxDB, what cannot be compared counts nothing here.
        for series in self.condition.of(known).unwrap_or_default() {
            let tags = self.dimensions.iter().map(|key| (Arc::clone(key), Arc::from(known.tag(series, key))));
            groups.entry(tags.collect()).or_default().push(series);
        }
        groups
    }

    fn measurements(&self, found: &[(&Name, &Arc<TableSchema>)]) -> Result<BTreeMap<Group, usize>, QueryError> {
        let mut counts = BTreeMap::new();
        for (name, schema) in found {
            let known = KnownSeries::open(self.context, self.key, (name, schema))?;
            for group in self.groups(&known).into_keys() {
                *counts.entry(group).or_default() += 1;
            }
        }
        Ok(counts)
    }

    fn of_table(
        &self,
        counted: &Counted,
        (name, schema): (&Name, &TableSchema),
    ) -> Result<BTreeMap<Group, usize>, QueryError> {
        let known = KnownSeries::open(self.context, self.key, (name, schema))?;
        let keys = match counted {
            Counted::TagValues(keys) => Some(WantedKeys::new(keys)?),
            _ => None,
        };
        let count = |series: Vec<usize>| {
            let tags = || series.iter().flat_map(|series| known.tags(*series));
            match (counted, &keys) {
                (Counted::TagValues(_), Some(keys)) => {
                    tags().filter(|(key, _)| keys.have(key)).map(|(_, value)| value).collect::<BTreeSet<_>>().len()
                }
                (Counted::TagKeys, _) => tags().map(|(key, _)| key).collect::<BTreeSet<_>>().len(),
                (Counted::FieldKeys, _) => schema.fields().filter_map(|(_, kind)| type_name(kind)).count(),
                _ => series.len(),
            }
        };
        Ok(self.groups(&known).into_iter().map(|(group, series)| (group, count(series))).collect())
    }
}
