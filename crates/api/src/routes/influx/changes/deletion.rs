//! Deleting readings: a span of time of series whose tags have given values.

use sensorium_model::{ColumnKind, DatabaseKey};
use sensorium_protocols::influxql::ast::{Binary, BinaryOperator, Expr, MeasurementName, Statement, VarRef};
use sensorium_protocols::influxql::changes::Deletion;
use sensorium_protocols::influxql::conditions::time_range;
use sensorium_protocols::influxql::shows::ShowMeasurements;
use sensorium_query::influxql::Cell;
use serde_json::json;

use futures::StreamExt;

use super::{Changing, Done, told};
use crate::routes::keeping;

/// What a deletion says of tags that can be done.
const ONLY_EQUAL: &str = "readings are deleted by time and by tags with a value each, such as WHERE place = 'room1' AND time < now() - 1d; \
                          split the statement into such ones";

/// Deletes all readings of a measurement; one that does not exist is no error, as for InfluxDB.
pub(super) async fn drop_measurement(changing: &Changing<'_>, name: &str) -> Result<Done, String> {
    let key = changing.database()?;
    if has(changing, &key, name) {
        remove(changing, &key, name, (i64::MIN, i64::MAX), Vec::new()).await?;
    }
    Ok(Done::Nothing)
}

/// `DELETE`, and `DROP SERIES`, which takes no time.
pub(super) async fn delete(changing: &Changing<'_>, deletion: &Deletion, is_series: bool) -> Result<Done, String> {
    let key = changing.database()?;
    let (span, tags) = match &deletion.condition {
        None => ((i64::MIN, i64::MAX), Vec::new()),
        Some(condition) => {
            let (range, rest) = time_range(condition, changing.now_ns, None).map_err(|error| error.to_string())?;
            if is_series && (range.min_ns.is_some() || range.max_ns.is_some()) {
                return Err("DROP SERIES doesn't support time in WHERE clause".to_owned());
            }
            let mut tags = Vec::new();
            if let Some(rest) = &rest {
                equal_tags(rest, &mut tags)?;
            }
            ((range.min_ns.unwrap_or(i64::MIN), range.max_ns.unwrap_or(i64::MAX)), tags)
        }
    };
    for name in measurements(changing, &key, deletion).await? {
        for (tag, _) in &tags {
            let kind = changing.state.store.schema(&key).and_then(|schema| schema.tables.get(name.as_str())?.kind(tag));
            if matches!(kind, Some(ColumnKind::Field(_))) {
                return Err("fields not allowed in WHERE clause during deletion".to_owned());
            }
        }
        remove(changing, &key, &name, span, tags.clone()).await?;
    }
    Ok(Done::Nothing)
}

/// The measurements that exist of those that are named; all, if none is.
async fn measurements(changing: &Changing<'_>, key: &DatabaseKey, deletion: &Deletion) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    if deletion.sources.is_empty() {
        let schema = changing.state.store.schema(key);
        names.extend(schema.iter().flat_map(|schema| schema.tables.keys()).map(ToString::to_string));
    }
    for source in &deletion.sources {
        match &source.name {
            MeasurementName::Name(name) if has(changing, key, name) => names.push(name.clone()),
            MeasurementName::Regex(_) => {
                let show = ShowMeasurements {
                    database: None,
                    with: Some(source.clone()),
                    condition: None,
                    ascending: None,
                    limit: 0,
                    offset: 0,
                };
                let mut found = changing.ask(&Statement::ShowMeasurements(Box::new(show))).await?;
                while let Some(series) = found.next().await {
                    let rows = series.map_err(|error| error.to_string())?.rows;
                    names.extend(rows.iter().filter_map(|row| match row.first() {
                        Some(Cell::Text(name)) => Some(name.to_string()),
                        _ => None,
                    }));
                }
            }
            MeasurementName::Name(_) | MeasurementName::Same => (),
        }
    }
    Ok(names)
}

fn has(changing: &Changing<'_>, key: &DatabaseKey, name: &str) -> bool {
    changing.state.store.schema(key).is_some_and(|schema| schema.tables.contains_key(name))
}

/// The tags and values of comparisons that all hold.
fn equal_tags(condition: &Expr, tags: &mut Vec<(String, String)>) -> Result<(), String> {
    match condition {
        Expr::Paren(inner) => equal_tags(inner, tags),
        Expr::Binary(binary) => {
            let Binary { op, left, right } = binary.as_ref();
            match (op, left, right) {
                (BinaryOperator::And, left, right) => {
                    equal_tags(left, tags)?;
                    equal_tags(right, tags)
                }
                (BinaryOperator::Equal, Expr::VarRef(VarRef { name, .. }), Expr::String(value))
                | (BinaryOperator::Equal, Expr::String(value), Expr::VarRef(VarRef { name, .. }))
                    if !value.is_empty() =>
                {
                    tags.push((name.clone(), value.clone()));
                    Ok(())
                }
                _ => Err(ONLY_EQUAL.to_owned()),
            }
        }
        _ => Err(ONLY_EQUAL.to_owned()),
    }
}

async fn remove(
    changing: &Changing<'_>,
    key: &DatabaseKey,
    table: &str,
    (time_min_ns, time_max_ns): (i64, i64),
    tags: Vec<(String, String)>,
) -> Result<(), String> {
    if time_min_ns > time_max_ns {
        return Ok(());
    }
    let what = json!({"start_ns": time_min_ns, "stop_ns": time_max_ns, "tags": tags});
    let tags = tags.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
    let deletion = sensorium_store::Deletion { time_min_ns, time_max_ns, tags };
    let deleted = keeping::delete_readings(changing.state, changing.caller, key, table, deletion, what).await;
    deleted.map_err(|error| told(&error))
}
