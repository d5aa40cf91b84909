//! Bins without values between those that have some: InfluxDB's `fill()`.

use super::super::Cell;
use super::accumulate::Point;
use super::budget::Budget;
use super::plan::{Fill, Kind};
use super::value::float;
use super::window::{Bounds, MIN_TIME, Windows};
use crate::error::QueryError;

/// How the bins of a series are filled.
#[derive(Debug)]
pub(super) struct Filling<'a> {
    pub(super) windows: &'a Windows,
    pub(super) bounds: Bounds,
    pub(super) ascending: bool,
    pub(super) fill: &'a Fill,
    /// Whether the values are counts, of which there are 0 where there is none.
    pub(super) is_count: bool,
    /// The type of the values.
    pub(super) kind: Kind,
    /// The most bins that a statement may make.
    pub(super) max_rows: u64,
    /// How many points are enough.
    pub(super) enough: usize,
}

impl Filling<'_> {
    /// The points of one series with those of the empty bins among them.
    pub(super) fn fill(&self, points: Vec<Point>, budget: &mut Budget) -> Result<Vec<Point>, QueryError> {
        let Some(first) = points.first() else { return Ok(points) };
        if *self.fill == Fill::None || self.windows.is_one() {
            return Ok(points);
        }
        let start = |time: i64| self.windows.start(time, self.bounds);
        let (from, to) =
            if self.ascending { (self.bounds.min, self.bounds.max) } else { (self.bounds.max, self.bounds.min) };
        let to = start(to);
        let from = start(from);
        let is_open = self.bounds.min <= MIN_TIME;
        let mut expected = if is_open && self.ascending { start(first.time) } else { from };
        let mut shift = self.windows.shift(expected);
        let mut filled: Vec<Point> = Vec::new();
        let mut last: Option<Point> = None;
        let mut points = points.into_iter().peekable();
        loop {
            let is_inside = if self.ascending { expected <= to } else { expected >= to && !is_open };
            if filled.len() >= self.enough || (points.peek().is_none() && !is_inside) {
                return Ok(filled);
            }
            let is_next = |point: &Point| if self.ascending { point.time <= expected } else { point.time >= expected };
            let point = match points.next_if(is_next) {
                Some(point) => {
                    last = Some(Point::new(point.time, point.value.clone()));
                    point
                }
                None => Point::new(expected, self.missing(expected, last.as_ref(), points.peek())),
            };
            budget.grow(point.bytes())?;
            filled.push(point);
            if filled.len() as u64 > self.max_rows {
                return Err(too_many_bins(filled.len() as u64, self.max_rows));
            }
            expected = expected.saturating_add(if self.ascending { self.windows.every } else { -self.windows.every });
            let now = self.windows.shift(expected.saturating_sub(1));
            if now != shift {
                if (shift - now).abs() < self.windows.every {
                    expected += shift - now;
                }
                shift = now;
            }
        }
    }

    fn missing(&self, time: i64, last: Option<&Point>, next: Option<&Point>) -> Cell {
        match self.fill {
            Fill::Null if self.is_count => Cell::Integer(0),
            Fill::Null | Fill::None => Cell::Null,
            Fill::Number(number) => number_of(number, self.kind),
            Fill::Previous => last.map_or(Cell::Null, |last| last.value.clone()),
            Fill::Linear => match (last, next) {
                (Some(last), Some(next)) => self.between(time, last, next).unwrap_or(Cell::Null),
                _ => Cell::Null,
            },
        }
    }

    /// The line between two points; InfluxDB counts time in bins.
    fn between(&self, time: i64, last: &Point, next: &Point) -> Option<Cell> {
        let every = self.windows.every;
        let (time, start, end) = (time / every, last.time / every, next.time / every);
        let (low, high) = (float(&last.value)?, float(&next.value)?);
        let slope = (high - low) / (end - start) as f64;
        let value = slope * (time - start) as f64 + low;
        Some(match &last.value {
            Cell::Integer(_) => Cell::Integer(value as i64),
            Cell::Unsigned(_) => Cell::Unsigned(value as u64),
            _ => Cell::Float(value),
        })
    }
}

/// A number that is filled in, as one of the type of the values; as it is where they are no numbers.
pub(super) fn number_of(number: &Cell, kind: Kind) -> Cell {
    if kind.is_number() { kind.cast(number.clone()) } else { number.clone() }
}

/// The error of bins that are too short for the time that they cover.
pub(super) fn too_many_bins(bins: u64, max_rows: u64) -> QueryError {
    super::super::meaning(format!(
        "max-select-buckets limit exceeded: ({bins}/{max_rows}); group by a longer time, read a shorter time range, or raise \
         query.max_rows"
    ))
}
