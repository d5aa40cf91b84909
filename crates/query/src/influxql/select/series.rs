//! The rows of one series of the answer: its points go in, in order of time where that matters, and its rows come out.
//!
//! Each call keeps its own points until the series ends; then bins are filled, transforms are made, and the points of all
//! calls that are of one moment become a row.

use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use super::super::Cell;
use super::accumulate::{Bin, Point};
use super::budget::Budget;
use super::fill::{Filling, number_of};
use super::integral::Area;
use super::plan::{Call, Fill, Kind, Leaf, Plan};
use super::transform::Transforming;
use super::value::Row;
use super::window::{Bounds, MIN_TIME, Windows};
use crate::error::QueryError;

/// A measurement and the tags of a series, in the order of the plan.
pub(super) type SeriesKey = (Arc<str>, Vec<Arc<str>>);

/// A row on its way into a series.
#[derive(Debug)]
pub(super) struct InputRow {
    pub(super) key: SeriesKey,
    pub(super) time: i64,
    /// The values of [`Plan::columns`].
    pub(super) columns: Vec<Cell>,
}

/// A row of a series: its time, and the values behind it.
pub(super) type OutputRow = (i64, Vec<Cell>);

/// The points of one series on their way to rows.
#[derive(Debug)]
pub(super) struct SeriesRun<'a> {
    plan: &'a Plan,
    calls: Vec<CallRun<'a>>,
}

#[derive(Debug)]
struct CallRun<'a> {
    call: &'a Call,
    bounds: Bounds,
    windows: Windows,
    /// Whether points keep the other columns of their row.
    keeps_columns: bool,
    /// Whether a selected point keeps its time.
    keeps_times: bool,
    /// Whether its points are rows of a sub-query.
    is_nested: bool,
    seed: u64,
    stage: Stage,
    points: Vec<Point>,
}

#[derive(Debug)]
enum Stage {
    Bins {
        open: Option<((i64, i64), Bin)>,
        is_over: bool,
    },
    Area(Option<Area>),
    /// Every point is passed on.
    Each(Vec<Transforming>),
}

impl<'a> CallRun<'a> {
    fn new(plan: &'a Plan, call: &'a Call, seed: u64) -> Self {
        let bounds = plan.bounds_of(call);
        let stage = match &call.leaf {
            Some(Leaf::Integral(unit)) => Stage::Area(Some(Area::new(*unit, plan.windows, bounds, plan.ascending))),
            Some(_) => Stage::Bins { open: None, is_over: false },
            None => Stage::Each(transforming(plan, call)),
        };
        let is_by = |leaf: &Leaf| matches!(leaf, Leaf::Top(_, by) | Leaf::Bottom(_, by) if !by.is_empty());
        let keeps_columns =
            plan.is_selection() && (!plan.shown_columns.is_empty() || call.leaf.as_ref().is_some_and(is_by));
        let keeps_times =
            call.leaf.as_ref().is_some_and(|leaf| leaf.keeps_times() || (plan.windows.is_one() && plan.is_selection()));
        let (windows, is_nested) = (plan.windows, plan.is_nested());
        Self { call, bounds, windows, keeps_columns, keeps_times, is_nested, seed, stage, points: Vec::new() }
    }

    fn take(&mut self, time: i64, columns: &[Cell], budget: &mut Budget) -> Result<(), QueryError> {
        let Some(value) = columns.get(self.call.column).filter(|value| **value != Cell::Null) else { return Ok(()) };
        match &mut self.stage {
            Stage::Each(transforming) => {
                if !self.bounds.contains(time) {
                    return Ok(());
                }
                let made = through(transforming, Point::new(time, value.clone()));
                if let Some(point) = made {
                    budget.grow(point.bytes())?;
                    self.points.push(point);
                }
            }
            Stage::Area(area) => {
                if let Some(point) =
                    area.as_mut().filter(|_| self.bounds.contains(time)).and_then(|area| area.add(time, value))
                {
                    budget.grow(point.bytes())?;
                    self.points.push(point);
                }
            }
            Stage::Bins { open, is_over } => {
                if !self.bounds.contains(time) {
                    // Bins of a sub-query may begin before those of this one: in bins they count, without bins they end it.
                    if !self.is_nested {
                        return Ok(());
                    }
                    *is_over |= self.windows.is_one();
                }
                if *is_over {
                    return Ok(());
                }
                let Some(leaf) = &self.call.leaf else { return Ok(()) };
                if open.as_ref().is_some_and(|((start, end), _)| time < *start || time >= *end) {
                    close(open, leaf, self.keeps_times, &mut self.points, budget)?;
                }
                let (_, bin) =
                    open.get_or_insert_with(|| (self.windows.of(time, self.bounds), Bin::new(leaf, self.seed)));
                let aux = || self.keeps_columns.then(|| columns.into());
                bin.add(leaf, (time, value), aux, budget)?;
            }
        }
        Ok(())
    }

    /// All points, with empty bins filled and transforms made.
    fn finish(mut self, plan: &Plan, max_rows: u64, budget: &mut Budget) -> Result<Vec<Point>, QueryError> {
        match &mut self.stage {
            Stage::Each(_) => return Ok(self.points),
            Stage::Area(area) => {
                self.points.extend(area.take().and_then(Area::finish));
                return Ok(self.points);
            }
            Stage::Bins { open, .. } => {
                if let Some(leaf) = &self.call.leaf {
                    close(open, leaf, self.keeps_times, &mut self.points, budget)?;
                }
            }
        }
        let is_filled = self.call.leaf.as_ref().is_some_and(Leaf::is_filled);
        let points = if is_filled {
            let is_cut = plan.limit > 0 && self.call.transforms.is_empty();
            let enough = if is_cut { plan.limit.saturating_add(plan.offset) } else { usize::MAX };
            let filling = Filling {
                windows: &self.windows,
                bounds: self.bounds,
                ascending: plan.ascending,
                fill: &plan.fill,
                is_count: matches!(self.call.leaf, Some(Leaf::Count | Leaf::CountDistinct)),
                kind: self.call.kind,
                max_rows,
                enough,
            };
            filling.fill(self.points, budget)?
        } else {
            self.points
        };
        let mut transforming = transforming(plan, self.call);
        Ok(points.into_iter().filter_map(|point| through(&mut transforming, point)).collect())
    }
}

fn transforming(plan: &Plan, call: &Call) -> Vec<Transforming> {
    call.transforms.iter().map(|transform| Transforming::new(transform.clone(), plan.ascending)).collect()
}

/// What a point becomes on its way through transforms.
fn through(transforming: &mut [Transforming], point: Point) -> Option<Point> {
    transforming.iter_mut().try_fold(point, |point, transform| transform.next(point.time, &point.value))
}

/// Ends a bin: its points get the time that the answer tells.
fn close(
    open: &mut Option<((i64, i64), Bin)>,
    leaf: &Leaf,
    keeps_times: bool,
    points: &mut Vec<Point>,
    budget: &mut Budget,
) -> Result<(), QueryError> {
    let Some(((start, _), bin)) = open.take() else { return Ok(()) };
    for mut point in bin.finish(leaf) {
        if !keeps_times {
            point.time = told(start);
        }
        budget.grow(point.bytes())?;
        points.push(point);
    }
    Ok(())
}

/// When a bin is said to be; the one that begins before all time, at the epoch.
fn told(start: i64) -> i64 {
    if start <= MIN_TIME { 0 } else { start }
}

impl<'a> SeriesRun<'a> {
    pub(super) fn new(plan: &'a Plan, seed: u64) -> Self {
        Self { plan, calls: plan.calls.iter().map(|call| CallRun::new(plan, call, seed)).collect() }
    }

    /// Takes a row.
    pub(super) fn take(&mut self, time: i64, columns: &[Cell], budget: &mut Budget) -> Result<(), QueryError> {
        self.calls.iter_mut().try_for_each(|call| call.take(time, columns, budget))
    }

    /// Takes what a bin is worth that was made elsewhere: a value for each call, and when it was.
    pub(super) fn take_bin(
        &mut self,
        start: i64,
        values: &[(Cell, Option<i64>)],
        budget: &mut Budget,
    ) -> Result<(), QueryError> {
        for (call, (value, time)) in self.calls.iter_mut().zip(values) {
            let counts = matches!(call.call.leaf, Some(Leaf::Count | Leaf::CountDistinct));
            if *value == Cell::Null || (counts && *value == Cell::Integer(0)) {
                continue;
            }
            let time = time.filter(|_| call.keeps_times).unwrap_or_else(|| told(start));
            let point = Point::new(time, value.clone());
            budget.grow(point.bytes())?;
            call.points.push(point);
        }
        Ok(())
    }

    /// The rows of the series, in order.
    pub(super) fn finish(self, max_rows: u64, budget: &mut Budget) -> Result<Rows<'a>, QueryError> {
        let plan = self.plan;
        let mut calls = Vec::new();
        for call in self.calls {
            let points = call.finish(plan, max_rows, budget)?;
            let kept = points.into_iter().skip(plan.offset).take(if plan.limit == 0 { usize::MAX } else { plan.limit });
            calls.push(kept.collect::<Vec<_>>().into_iter().peekable());
        }
        Ok(Rows { calls, state: RowState::new(plan) })
    }
}

/// Rows whose points are of one moment.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    calls: Vec<Peekable<IntoIter<Point>>>,
    state: RowState<'a>,
}

impl Iterator for Rows<'_> {
    type Item = OutputRow;

    fn next(&mut self) -> Option<OutputRow> {
        let ascending = self.state.plan.ascending;
        let times = self.calls.iter_mut().filter_map(|call| call.peek().map(|point| point.time));
        // The only call tells its points in the order in which it made them.
        let time = if ascending { times.min() } else { times.max() }?;
        for (index, call) in self.calls.iter_mut().enumerate() {
            match call.next_if(|point| point.time == time) {
                Some(point) => {
                    self.state.set_call(index, point.value);
                    match point.aux {
                        Some(columns) => self.state.set_columns(&columns),
                        None => self.state.clear_columns(),
                    }
                }
                None => self.state.set_call(index, Cell::Null),
            }
        }
        Some((time, self.state.row(time)))
    }
}

/// The values that expressions of the answer see, from row to row of one series.
#[derive(Debug)]
pub(super) struct RowState<'a> {
    plan: &'a Plan,
    columns: Vec<Cell>,
    calls: Vec<Cell>,
}

impl<'a> RowState<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self { plan, columns: vec![Cell::Null; plan.columns.len()], calls: vec![Cell::Null; plan.calls.len()] }
    }

    fn set_call(&mut self, index: usize, value: Cell) {
        let kind = self.plan.calls.get(index).map_or(Kind::Unknown, |call| call.kind);
        if let Some(slot) = self.calls.get_mut(index) {
            set(slot, value, &self.plan.fill, kind);
        }
    }

    /// Sets the columns of the row.
    pub(super) fn set_columns(&mut self, values: &[Cell]) {
        for ((slot, value), column) in self.columns.iter_mut().zip(values).zip(&self.plan.columns) {
            set(slot, value.clone(), &self.plan.fill, column.kind);
        }
    }

    /// A bin without a point has no columns.
    fn clear_columns(&mut self) {
        for (slot, column) in self.columns.iter_mut().zip(&self.plan.columns) {
            set(slot, Cell::Null, &self.plan.fill, column.kind);
        }
    }

    /// The values of the answer's columns.
    pub(super) fn row(&self, time: i64) -> Vec<Cell> {
        let row = Row { time, columns: &self.columns, calls: &self.calls };
        let value = |value: Cell| match value {
            Cell::Float(float) if float.is_nan() => Cell::Null,
            other => other,
        };
        self.plan.outputs.iter().map(|output| value(output.value.value(row))).collect()
    }
}

/// Puts a value in its place; where there is none, what is filled in.
fn set(slot: &mut Cell, value: Cell, fill: &Fill, kind: Kind) {
    *slot = match (value, fill) {
        (Cell::Null, Fill::Previous) => return,
        (Cell::Null, Fill::Number(number)) => number_of(number, kind),
        (value, _) => value,
    };
}
