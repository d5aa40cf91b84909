//! `SLIMIT` and `SOFFSET`: which series of a table are told. InfluxDB counts the series that the table has and whose tags
//! satisfy the condition, whether or not they have rows in the time that is asked for.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use sensorium_model::{DatabaseKey, Name, TableSchema};
use sensorium_store::arrow_schema;

use super::super::Cell;
use super::plan::{Kind, Plan};
use super::rows::Reading;
use super::value::{Node, Operator, Row};
use crate::error::QueryError;
use crate::session::Sessions;

/// The tags of the series that are told; `None` when all are.
pub(super) fn allowed(
    sessions: &Sessions,
    plan: &Plan,
    (key, name, schema): (&DatabaseKey, &Name, &TableSchema),
) -> Result<Option<HashSet<Vec<Arc<str>>>>, QueryError> {
    if plan.series_limit == 0 && plan.series_offset == 0 {
        return Ok(None);
    }
    let all = arrow_schema(schema);
    let indices: Vec<usize> = (1..=schema.tags().count()).collect();
    let fields = indices.iter().filter_map(|index| all.fields().get(*index).cloned()).collect::<Vec<_>>();
    let tags = Arc::new(arrow::datatypes::Schema::new(fields));
    let series = sessions.reading().store.series_batch(key, name, &tags);
    let series = series.map_err(|error| sessions.error(error.into()))?;
    let reading = Reading::new(&series).map_err(|error| sessions.error(error))?;
    let place = |name: &str| tags.index_of(name).ok();
    let columns: Vec<Option<usize>> = plan.columns.iter().map(|column| place(&column.name)).collect();
    let groups: Vec<Option<usize>> = plan.group_by.iter().map(|tag| place(tag)).collect();
    let cell = |place: &Option<usize>, row: usize| place.map_or(Cell::Null, |place| reading.cell(place, row));
    let mut told: BTreeMap<String, Vec<Arc<str>>> = BTreeMap::new();
    for row in 0..reading.rows() {
        let columns: Vec<Cell> = columns.iter().map(|place| cell(place, row)).collect();
        if plan.condition.as_ref().is_none_or(|condition| may_hold(condition, plan, &columns)) {
            let tags: Vec<Arc<str>> = groups
                .iter()
                .map(|place| place.map_or_else(|| Arc::from(""), |place| reading.text(place, row)))
                .collect();
            told.insert(counted_as(&plan.group_by, &tags), tags);
        }
    }
    let limit = if plan.series_limit == 0 { usize::MAX } else { plan.series_limit };
    Ok(Some(told.into_values().skip(plan.series_offset).take(limit).collect()))
}

/// The order in which InfluxDB counts series: by the names of the tags that they have, then by their values.
fn counted_as(names: &[Arc<str>], tags: &[Arc<str>]) -> String {
    let present = || names.iter().zip(tags).filter(|(_, tag)| !tag.is_empty());
    let parts = present().map(|(name, _)| name.as_ref()).chain(present().map(|(_, tag)| tag.as_ref()));
    parts.collect::<Vec<&str>>().join("|")
}

/// Whether a row of a series can satisfy a condition, whatever its fields are.
fn may_hold(node: &Node, plan: &Plan, columns: &[Cell]) -> bool {
    match node {
        Node::Binary(Operator::And, left, right) => may_hold(left, plan, columns) && may_hold(right, plan, columns),
        Node::Binary(Operator::Or, left, right) => may_hold(left, plan, columns) || may_hold(right, plan, columns),
        _ => {
            let mut is_on_fields = false;
            node.walk(&mut |part| {
                if let Node::Column(column) = part {
                    is_on_fields |= plan.columns.get(*column).is_some_and(|column| column.kind != Kind::Tag);
                }
                is_on_fields |= matches!(part, Node::Time);
            });
            is_on_fields || node.holds(Row { time: 0, columns, calls: &[] })
        }
    }
}
