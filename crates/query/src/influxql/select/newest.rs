//! `last(…)` of whole series: what is it now. The store has the newest value of each field of each series in memory, with its
//! time, so that nothing is scanned.

use std::sync::Arc;

use sensorium_model::{DatabaseKey, Name, TableSchema, Value};

use super::super::Cell;
use super::plan::{Call, Kind, Leaf, Plan};
use super::series::{InputRow, SeriesKey};
use super::value::{Node, Row};
use super::window::MAX_TIME;
use crate::session::Sessions;
use crate::telemetry;

/// Tables with more series are read: the memory of a plan is counted.
const MAX_SERIES: usize = 8_192;

/// The newest values of a table as rows, in the order in which they are told; `None` when a plan asks for something else.
pub(super) fn rows(
    sessions: &Sessions,
    plan: &Plan,
    (key, name, schema): (&DatabaseKey, &Name, &TableSchema),
) -> Option<Vec<InputRow>> {
    let is_last = |call: &Call| call.leaf == Some(Leaf::Last) && call.transforms.is_empty();
    if plan.is_raw() || !plan.windows.is_one() || plan.bounds.max < MAX_TIME || !plan.calls.iter().all(is_last) {
        return None;
    }
    let is_tag = |index: &usize| {
        let column = plan.columns.get(*index);
        column.is_some_and(|column| {
            column.kind == Kind::Tag && schema.kind(&column.name).and_then(Kind::stored) == Some(Kind::Tag)
        })
    };
    if !plan.shown_columns.iter().all(is_tag) {
        return None;
    }
    let mut is_on_tags = true;
    if let Some(condition) = &plan.condition {
        condition.walk(&mut |node| {
            is_on_tags &= match node {
                Node::Column(index) => is_tag(index),
                Node::Tag(index) => {
                    plan.columns.get(*index).is_some_and(|column| is_tag(index) || schema.kind(&column.name).is_none())
                }
                Node::Time | Node::Call(_) => false,
                _ => true,
            }
        });
    }
    let store = sessions.reading().store;
    if !is_on_tags || store.series_count(key, name) > MAX_SERIES {
        return None;
    }
    let mut rows = Vec::new();
    for newest in store.last_values(key, name) {
        let of_series = newest.series.tags();
        let tag = |wanted: &str| {
            let tag = of_series.iter().find(|(name, _)| name == wanted);
            tag.map(|(_, value)| Arc::<str>::from(value.as_str()))
        };
        let tags: Vec<Cell> =
            plan.columns.iter().map(|column| tag(&column.name).map_or(Cell::Null, Cell::Text)).collect();
        let of_tags = Row { time: 0, columns: &tags, calls: &[] };
        if plan.condition.as_ref().is_some_and(|condition| !condition.holds(of_tags)) {
            continue;
        }
        let group = plan.group_by.iter().map(|by| tag(by).unwrap_or_else(|| Arc::from(""))).collect();
        let series: SeriesKey = (Arc::from(name.as_ref()), group);
        for (index, column) in plan.columns.iter().enumerate() {
            let field = newest.fields.iter().find(|field| field.name.as_ref() == column.name.as_ref());
            let Some(field) = field.filter(|field| field.time_ns >= plan.bounds.min) else { continue };
            let mut columns = tags.clone();
            if let Some(slot) = columns.get_mut(index) {
                *slot = column.kind.cast(cell(&field.value));
            }
            rows.push(InputRow { key: series.clone(), time: field.time_ns, columns });
        }
    }
    rows.sort_by(|left, right| left.key.cmp(&right.key).then(left.time.cmp(&right.time)));
    if !plan.ascending {
        rows.reverse();
    }
    telemetry::answered_directly();
    Some(rows)
}

fn cell(value: &Value<'_>) -> Cell {
    match value {
        Value::F64(value) => Cell::Float(*value),
        Value::I64(value) => Cell::Integer(*value),
        Value::U64(value) => Cell::Unsigned(*value),
        Value::Bool(value) => Cell::Boolean(*value),
        Value::Text(value) => Cell::Text(Arc::from(value.as_ref())),
        Value::Vector(_) => Cell::Null,
    }
}
