//! The rows of sub-queries, as rows of the query around them.
//!
//! They are collected, because the query around groups them by other tags and wants them in order of time; the memory of the
//! query is asked for them.

use std::sync::Arc;

use super::super::Cell;
use super::accumulate::Point;
use super::budget::Budget;
use super::exec::Target;
use super::plan::Plan;
use super::series::{InputRow, OutputRow, SeriesKey};
use super::value::Row;
use crate::error::QueryError;

/// Where a value is found in a row of a sub-query.
#[derive(Debug, Clone, Copy)]
enum Place {
    Output(usize),
    Tag(usize),
    Nowhere,
}

/// Rows of sub-queries.
pub(super) struct Collected {
    rows: Vec<InputRow>,
    budget: Budget,
    /// For the sub-query whose rows come now: where the columns and tags of the query around are.
    columns: Vec<Place>,
    tags: Vec<Place>,
    /// The query around, as far as it looks at rows.
    outer: Option<Plan>,
    /// Whether the order in which rows came is that of the answer.
    is_told: bool,
}

impl Collected {
    pub(super) fn new(budget: Budget) -> Self {
        Self { rows: Vec::new(), budget, columns: Vec::new(), tags: Vec::new(), outer: None, is_told: false }
    }

    /// From now on, rows of `inner` come, which `outer` reads.
    pub(super) fn enter(&mut self, outer: &Plan, inner: &Plan) {
        let output = |name: &str| inner.outputs.iter().position(|output| output.name.as_ref() == name);
        let tag = |name: &str| inner.group_by.iter().position(|tag| tag.as_ref() == name);
        let place = |name: &str| match (output(name), tag(name)) {
            (Some(output), _) => Place::Output(output),
            (None, Some(tag)) => Place::Tag(tag),
            (None, None) => Place::Nowhere,
        };
        self.columns = outer.columns.iter().map(|column| place(&column.name)).collect();
        self.tags = outer.group_by.iter().map(|name| tag(name).map_or(Place::Nowhere, Place::Tag)).collect();
        self.is_told = outer.is_raw() && inner.is_selection() && inner.windows.is_one();
        self.outer = Some(outer.clone());
    }

    /// The rows in the order in which the query around reads them, and the memory that they hold.
    pub(super) fn sorted(mut self, outer: &Plan) -> (Vec<InputRow>, Budget) {
        let is_told = self.is_told;
        self.rows.sort_by(|left, right| {
            let by_time = if is_told { std::cmp::Ordering::Equal } else { left.time.cmp(&right.time) };
            let order = left.key.cmp(&right.key).then(by_time);
            if outer.ascending { order } else { order.reverse() }
        });
        (self.rows, self.budget)
    }
}

impl Target for Collected {
    async fn row(&mut self, _inner: &Plan, key: &SeriesKey, (time, values): OutputRow) -> Result<bool, QueryError> {
        let Some(outer) = &self.outer else { return Ok(false) };
        let tag = |index: usize| key.1.get(index).cloned().unwrap_or_else(|| Arc::from(""));
        let value = |place: &Place| match place {
            Place::Output(index) => values.get(*index).cloned().unwrap_or(Cell::Null),
            Place::Tag(index) => Cell::Text(tag(*index)),
            Place::Nowhere => Cell::Null,
        };
        let columns: Vec<Cell> =
            self.columns.iter().zip(&outer.columns).map(|(place, column)| column.kind.cast(value(place))).collect();
        if let Some(condition) = &outer.condition
            && !condition.holds(Row { time, columns: &columns, calls: &[] })
        {
            return Ok(true);
        }
        let tags = self.tags.iter().map(|place| match place {
            Place::Tag(index) => tag(*index),
            Place::Output(_) | Place::Nowhere => Arc::from(""),
        });
        let row = InputRow { key: (Arc::clone(&key.0), tags.collect()), time, columns };
        let cells: usize = row.columns.iter().map(|cell| Point::new(time, cell.clone()).bytes()).sum();
        self.budget.grow(size_of::<InputRow>() + cells)?;
        self.rows.push(row);
        Ok(true)
    }
}
