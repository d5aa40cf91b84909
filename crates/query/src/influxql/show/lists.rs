//! Measurements, series, tags and fields.

use std::collections::BTreeSet;

use regex::Regex;
use sensorium_model::FieldType;
use sensorium_protocols::influxql::shows::{ShowMeasurements, ShowSchema, ShowTagValues, TagKeys};

use super::super::{Context, Series, meaning};
use super::condition::{Condition, measurement_holds};
use super::known::KnownSeries;
use super::{Sources, compiled, limited, opened, schema_of, table, tables, text};
use crate::error::QueryError;

/// `SHOW MEASUREMENTS`; a database that does not exist has none.
pub(super) fn measurements(context: Context<'_>, of: &ShowMeasurements) -> Result<Vec<Series>, QueryError> {
    let condition = Condition::new(context, of.condition.as_ref())?;
    if condition.is_on_time {
        return Err(meaning("SHOW MEASUREMENTS doesn't support time in WHERE clause"));
    }
    if of.database.is_none() && context.request.database.is_none() {
        return Err(meaning("database name required"));
    }
    let Ok(key) = context.database(of.database.as_deref()) else { return Ok(Vec::new()) };
    let sources = Sources::new(&of.with)?;
    let mut names = Vec::new();
    for (name, schema) in tables(&schema_of(context, &key), &sources) {
        let known = KnownSeries::open(context, &key, (name, schema))?;
        let holds = match condition.rest() {
            Some(node) => measurement_holds(node, &known)?,
            None => known.len() > 0,
        };
        if holds {
            names.push(vec![text(name)]);
        }
    }
    let rows = limited(names.into_iter(), of.limit, of.offset);
    Ok(if rows.is_empty() { Vec::new() } else { vec![table("measurements", &["name"], rows)] })
}

/// `SHOW SERIES`
pub(super) fn series(context: Context<'_>, of: &ShowSchema) -> Result<Vec<Series>, QueryError> {
    let (key, sources) = opened(context, of)?;
    let condition = Condition::new(context, of.condition.as_ref())?;
    let mut keys = Vec::new();
    for found in tables(&schema_of(context, &key), &sources) {
        let known = KnownSeries::open(context, &key, (found.0, found.1))?;
        let satisfying = condition.of(&known)?;
        let mut of_table: Vec<String> = satisfying.into_iter().map(|series| series_key(&known, series)).collect();
        of_table.sort_unstable();
        keys.extend(of_table);
    }
    let rows = limited(keys.iter().map(|key| vec![text(key)]), of.limit, of.offset);
    Ok(if rows.is_empty() { Vec::new() } else { vec![table("", &["key"], rows)] })
}

/// A series as line protocol writes it.
pub(super) fn series_key(known: &KnownSeries<'_>, series: usize) -> String {
    let mut key = known.measurement.replace(',', "\\,").replace(' ', "\\ ");
    for (name, value) in known.tags(series) {
        for (before, part) in [(',', name), ('=', value)] {
            key.push(before);
            key.push_str(&part.replace(',', "\\,").replace('=', "\\=").replace(' ', "\\ "));
        }
    }
    key
}

/// `SHOW TAG KEYS`
pub(super) fn tag_keys(context: Context<'_>, of: &ShowSchema) -> Result<Vec<Series>, QueryError> {
    let (key, sources) = (context.database(of.database.as_deref())?, Sources::new(&of.sources)?);
    let condition = Condition::new(context, of.condition.as_ref())?;
    let mut answer = Vec::new();
    for (name, schema) in tables(&schema_of(context, &key), &sources) {
        let known = KnownSeries::open(context, &key, (name, schema))?;
        let satisfying = condition.of(&known)?;
        let keys: BTreeSet<&str> =
            satisfying.iter().flat_map(|series| known.tags(*series).map(|(key, _)| key)).collect();
        let rows = limited(keys.into_iter().map(|key| vec![text(key)]), of.limit, of.offset);
        if !rows.is_empty() {
            answer.push(table(name, &["tagKey"], rows));
        }
    }
    Ok(answer)
}

/// `SHOW TAG VALUES`
pub(super) fn tag_values(context: Context<'_>, values: &ShowTagValues) -> Result<Vec<Series>, QueryError> {
    let of = &values.of;
    let (key, sources) = (context.database(of.database.as_deref())?, Sources::new(&of.sources)?);
    let (condition, keys) = (Condition::new(context, of.condition.as_ref())?, WantedKeys::new(&values.keys)?);
    let mut answer = Vec::new();
    for (name, schema) in tables(&schema_of(context, &key), &sources) {
        let known = KnownSeries::open(context, &key, (name, schema))?;
        let satisfying = condition.of(&known)?;
        let tags = satisfying.iter().flat_map(|series| known.tags(*series));
        let found: BTreeSet<(&str, &str)> = tags.filter(|(key, _)| keys.have(key)).collect();
        let rows = found.into_iter().map(|(key, value)| vec![text(key), text(value)]);
        let rows = limited(rows, of.limit, of.offset);
        if !rows.is_empty() {
            answer.push(table(name, &["key", "value"], rows));
        }
    }
    Ok(answer)
}

/// Which tags a `WITH KEY` names.
pub(super) enum WantedKeys<'a> {
    In { keys: Vec<&'a str>, is_in: bool },
    Matching { pattern: Regex, is_match: bool },
}

impl<'a> WantedKeys<'a> {
    pub(super) fn new(keys: &'a TagKeys) -> Result<Self, QueryError> {
        Ok(match keys {
            TagKeys::Equal(key) => Self::In { keys: vec![key], is_in: true },
            TagKeys::NotEqual(key) => Self::In { keys: vec![key], is_in: false },
            TagKeys::In(keys) => Self::In { keys: keys.iter().map(String::as_str).collect(), is_in: true },
            TagKeys::Matches(pattern) => Self::Matching { pattern: compiled(pattern)?, is_match: true },
            TagKeys::MatchesNot(pattern) => Self::Matching { pattern: compiled(pattern)?, is_match: false },
        })
    }

    pub(super) fn have(&self, key: &str) -> bool {
        match self {
            Self::In { keys, is_in } => keys.contains(&key) == *is_in,
            Self::Matching { pattern, is_match } => pattern.is_match(key) == *is_match,
        }
    }
}

/// `SHOW FIELD KEYS`
pub(super) fn field_keys(context: Context<'_>, of: &ShowSchema) -> Result<Vec<Series>, QueryError> {
    let (key, sources) = opened(context, of)?;
    let mut answer = Vec::new();
    for (name, schema) in tables(&schema_of(context, &key), &sources) {
        let fields = schema.fields().filter_map(|(name, kind)| Some(vec![text(name), text(type_name(kind)?)]));
        let rows = limited(fields, of.limit, of.offset);
        if !rows.is_empty() {
            answer.push(table(name, &["fieldKey", "fieldType"], rows));
        }
    }
    Ok(answer)
}

/// What InfluxDB calls a type; it has no vectors, which InfluxQL therefore does not see.
pub(super) fn type_name(field_type: FieldType) -> Option<&'static str> {
    match field_type {
        FieldType::F64 => Some("float"),
        FieldType::I64 => Some("integer"),
        FieldType::U64 => Some("unsigned"),
        FieldType::Bool => Some("boolean"),
        FieldType::Text => Some("string"),
        FieldType::Vector(_) => None,
    }
}
