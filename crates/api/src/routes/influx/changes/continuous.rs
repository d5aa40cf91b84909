//! Continuous queries, which are rollups here: aggregates of fields by windows of time for each series. A rollup is called as
//! the measurement that it goes to, and its fields `<field>_<aggregate>`.

use std::sync::Arc;

use sensorium_model::{Action, DatabaseKey};
use sensorium_protocols::influxql::ast::{Call, Expr, MeasurementName, Select, Source, Wildcard};
use sensorium_protocols::influxql::changes::CreateContinuousQuery;
use sensorium_query::influxql::Cell;
use sensorium_store::{Aggregate, Rollup};

use super::{Changing, Done, done, table, told};
use crate::routes::rollups;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// What a rollup can be made of.
const SHAPE: &str = "a continuous query is kept as a rollup, and this one does not fit into one: it is SELECT min, max, mean, sum, count, \
                     first or last of fields INTO a measurement of the same database FROM one other, GROUP BY time(…), *, without RESAMPLE, WHERE, \
                     fill and offsets";

pub(super) async fn create(changing: &Changing<'_>, create: &CreateContinuousQuery) -> Result<Done, String> {
    let key = changing.named(&create.database)?;
    let is_resampled = create.resample_every_ns.is_some() || create.resample_for_ns.is_some();
    let rollup = if is_resampled { None } else { fitting(&create.select, &create.database) };
    let rollup = rollup.ok_or_else(|| SHAPE.to_owned())?;
    let declared = rollups::declare(changing.state, changing.caller, &key, rollup, None).await;
    let info = declared.map_err(|error| told(&error))?;
    Ok(Done::Warning(format!(
        "it is kept as the rollup {}, whose fields are called <field>_<aggregate>; late readings are counted too",
        info.rollup.target
    )))
}

/// Ends a rollup; its rows stay.
pub(super) async fn drop_query(changing: &Changing<'_>, name: &str, database: &str) -> Result<Done, String> {
    let key = changing.named(database)?;
    done(rollups::remove(changing.state, changing.caller, &key, name.to_owned(), false).await)
}

/// The rollups of every database that the caller may read.
pub(super) async fn show(changing: &Changing<'_>) -> Result<Done, String> {
    let principal = &changing.caller.0;
    let databases = changing.state.store.databases(principal.org);
    let mut all = Vec::new();
    for name in databases.into_iter().filter(|name| principal.allows(Action::Read(name))) {
        let key = DatabaseKey::new(principal.org, name);
        let of = key.clone();
        let found = rollups::blocking(changing.state, move |store| store.rollups(&of)).await;
        let found = found.map_err(|error| told(&error))?;
        let row = |rollup: &Rollup| {
            let query = text(&key, rollup);
            vec![Cell::Text(Arc::clone(&rollup.target)), Cell::Text(query.into())]
        };
        let rows = found.iter().map(|info| row(&info.rollup)).collect();
        all.push(table(key.name.as_str(), &["name", "query"], rows));
    }
    Ok(Done::Series(all))
}

/// A rollup as the continuous query that would make it.
fn text(key: &DatabaseKey, rollup: &Rollup) -> String {
    let Rollup { target, source, interval_seconds, aggregates, fields } = rollup;
    let of = |aggregate: &Aggregate| match fields.as_slice() {
        [] => vec![format!("{}(*)", called(*aggregate))],
        named => named.iter().map(|field| format!("{}(\"{field}\")", called(*aggregate))).collect(),
    };
    let calls: Vec<String> = aggregates.iter().flat_map(of).collect();
    let database = &key.name;
    format!(
        "CREATE CONTINUOUS QUERY \"{target}\" ON \"{database}\" BEGIN SELECT {} INTO \"{database}\".autogen.\"{target}\" FROM \
         \"{database}\".autogen.\"{source}\" GROUP BY time({interval_seconds}s), * END",
        calls.join(", ")
    )
}

fn called(aggregate: Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Min => "min",
        Aggregate::Max => "max",
        Aggregate::Mean => "mean",
        Aggregate::Sum => "sum",
        Aggregate::Count => "count",
        Aggregate::First => "first",
        Aggregate::Last => "last",
    }
}

/// The rollup that does what the query of a database does.
fn fitting(select: &Select, database: &str) -> Option<Rollup> {
    let same = |named: &Option<String>| named.as_deref().is_none_or(|named| named == database);
    let target = select.target.as_ref().filter(|target| same(&target.database))?;
    let [Source::Measurement(source)] = select.sources.as_slice() else { return None };
    let (MeasurementName::Name(target), MeasurementName::Name(name)) = (&target.name, &source.name) else {
        return None;
    };
    if !same(&source.database) || select.condition.is_some() || select.zone.is_some() {
        return None;
    }
    let mut dimensions = select.dimensions.iter().map(|dimension| &dimension.expr);
    let (Some(Expr::Call(Call { name: time, args })), Some(Expr::Wildcard(Wildcard::All)), None) =
        (dimensions.next(), dimensions.next(), dimensions.next())
    else {
        return None;
    };
    let [Expr::Duration(window)] = args.as_slice() else { return None };
    if time != "time" || window % NANOS_PER_SECOND != 0 {
        return None;
    }
    let mut aggregates = Vec::new();
    let mut fields: Vec<Arc<str>> = Vec::new();
    let mut pairs = Vec::new();
    for field in &select.fields {
        let Expr::Call(Call { name, args }) = &field.expr else { return None };
        let aggregate = Aggregate::ALL.into_iter().find(|aggregate| called(*aggregate) == name)?;
        let of: Option<Arc<str>> = match args.as_slice() {
            [Expr::VarRef(field)] => Some(field.name.as_str().into()),
            [Expr::Wildcard(Wildcard::All)] => None,
            _ => return None,
        };
        if field.alias.as_ref().is_some_and(|alias| of.as_ref().is_none_or(|of| *alias != format!("{of}_{name}"))) {
            return None;
        }
        if !aggregates.contains(&aggregate) {
            aggregates.push(aggregate);
        }
        if let Some(of) = of.as_ref().filter(|of| !fields.contains(of)) {
            fields.push(Arc::clone(of));
        }
        pairs.push((aggregate, of));
    }
    // A rollup makes every aggregate of every field.
    let makes = aggregates.len() * fields.len().max(1);
    let is_mixed = !fields.is_empty() && pairs.iter().any(|(_, of)| of.is_none());
    (makes == pairs.len() && !is_mixed).then(|| Rollup {
        target: target.as_str().into(),
        source: name.as_str().into(),
        interval_seconds: u64::try_from(window / NANOS_PER_SECOND).unwrap_or_default(),
        aggregates,
        fields,
    })
}
