//! One series, read without a plan: what a panel asks about one sensor.
//!
//! Its rows are those of [`crate::direct`], which keeps what was read last; a plan of DataFusion would take longer to make than
//! they take to read.

use std::sync::Arc;

use sensorium_model::{DatabaseKey, Name, TableSchema};

use super::super::Cell;
use super::plan::{Kind, Plan};
use super::rows::Reading;
use super::series::{InputRow, SeriesKey};
use super::value::{Node, Operator};
use crate::direct::only_series;
use crate::error::QueryError;
use crate::session::Sessions;
use crate::table::TimeRange;
use crate::telemetry;

/// The rows of a table if the condition is nothing but the tags of one series, in the order in which they are told; `None`
/// when they are to be read in another way.
pub(super) async fn rows(
    sessions: &Sessions,
    plan: &Plan,
    (key, name, schema): (&DatabaseKey, &Name, &TableSchema),
) -> Result<Option<Vec<InputRow>>, QueryError> {
    let mut tags = Vec::new();
    if let Some(condition) = &plan.condition
        && !equal_tags(condition, plan, schema, &mut tags)
    {
        return Ok(None);
    }
    let kind = |column: &str| schema.kind(column).and_then(Kind::stored);
    let is_field = |index: &usize| {
        let column = plan.columns.get(*index)?;
        let stored = kind(&column.name).filter(|kind| *kind != Kind::Tag)?;
        column.kind.reads(stored).then_some(column.name.as_ref())
    };
    let all: Vec<usize> = (0..plan.columns.len()).collect();
    let mut read = plan.calls.iter().map(|call| call.column).chain(plan.shown_columns.iter().copied());
    let fields: Vec<&str> = all.iter().filter_map(is_field).collect();
    if !read.any(|index| is_field(&index).is_some()) {
        return Ok(None);
    }
    let reading = sessions.reading();
    let Some(snapshot) = reading.store.snapshot(key, name) else { return Ok(None) };
    let bounds = plan.widest_bounds();
    let times = TimeRange { min: bounds.min, max: bounds.max };
    let wanted = (tags.as_slice(), times);
    let series = only_series(&reading, (key, name, schema), &snapshot, wanted, fields).await;
    let Some(series) = series.map_err(|error| sessions.error(error))? else { return Ok(None) };
    telemetry::answered_directly();
    let tag = |name: &str| {
        let tag = series.tags.iter().find(|(tag, _)| tag == name);
        tag.and_then(|(_, value)| value.as_deref()).map(Arc::<str>::from)
    };
    let series_key: SeriesKey = (
        Arc::from(name.as_ref()),
        plan.group_by.iter().map(|name| tag(name).unwrap_or_else(|| Arc::from(""))).collect(),
    );
    let tags: Vec<Option<Arc<str>>> = plan.columns.iter().map(|column| tag(&column.name)).collect();
    let places: Vec<Option<usize>> =
        all.iter().map(|index| is_field(index).and_then(|name| series.rows.schema_ref().index_of(name).ok())).collect();
    let shown: Vec<usize> = plan.shown_columns.iter().copied().filter(|index| is_field(index).is_some()).collect();
    let batch = Reading::new(&series.rows).map_err(|error| sessions.error(error))?;
    let mut rows = Vec::with_capacity(batch.rows());
    for row in 0..batch.rows() {
        let Some(time) = batch.nanoseconds(0, row) else { continue };
        let cell = |(index, column): (usize, &super::plan::Column)| {
            let place = places.get(index).copied().flatten();
            let value = match (place, tags.get(index)) {
                (Some(place), _) => batch.cell(place, row),
                (None, Some(Some(tag))) if column.kind == Kind::Tag => Cell::Text(Arc::clone(tag)),
                _ => Cell::Null,
            };
            column.kind.cast(value)
        };
        let columns: Vec<Cell> = plan.columns.iter().enumerate().map(cell).collect();
        let is_present = |index: &usize| columns.get(*index).is_some_and(|cell| *cell != Cell::Null);
        if !plan.is_raw() || shown.iter().any(is_present) {
            rows.push(InputRow { key: series_key.clone(), time, columns });
        }
    }
    if !plan.ascending {
        rows.reverse();
    }
    Ok(Some(rows))
}

/// Collects the tags that a condition says are equal to something; false when it says something else.
fn equal_tags(node: &Node, plan: &Plan, schema: &TableSchema, tags: &mut Vec<(String, String)>) -> bool {
    match node {
        Node::Binary(Operator::And, left, right) => {
            equal_tags(left, plan, schema, tags) && equal_tags(right, plan, schema, tags)
        }
        Node::Binary(Operator::Equal, left, right) => match (left.as_ref(), right.as_ref()) {
            (Node::Tag(column), Node::Literal(Cell::Text(value)))
            | (Node::Literal(Cell::Text(value)), Node::Tag(column)) => {
                let name = plan.columns.get(*column).map(|column| column.name.as_ref());
                let name = name.filter(|name| schema.kind(name).and_then(Kind::stored) == Some(Kind::Tag));
                match name.filter(|_| !value.is_empty()) {
                    Some(name) => {
                        tags.push((name.to_owned(), value.as_ref().to_owned()));
                        true
                    }
                    None => false,
                }
            }
            _ => false,
        },
        _ => false,
    }
}
