//! What is made of the values of one bin.
//!
//! Sums, counts and the like hold one value; functions that need all values of a bin hold them, which the memory of the query
//! is asked for.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::super::Cell;
use super::budget::Budget;
use super::plan::Leaf;
use super::value::{Operator, binary, float};
use crate::error::QueryError;

/// A value, when it was, and the other columns of its row where they are asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) time: i64,
    pub(super) value: Cell,
    pub(super) aux: Option<Box<[Cell]>>,
}

impl Point {
    pub(super) fn new(time: i64, value: Cell) -> Self {
        Self { time, value, aux: None }
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let text = |cell: &Cell| if let Cell::Text(text) = cell { text.len() } else { 0 };
        let aux = self.aux.iter().flat_map(|cells| cells.iter()).map(|cell| size_of::<Cell>() + text(cell));
        size_of::<Self>() + text(&self.value) + aux.sum::<usize>()
    }
}

/// The values of a bin so far.
#[derive(Debug)]
pub(super) enum Bin {
    Count(i64),
    Sum(Option<Cell>),
    Mean {
        sum: Cell,
        count: u64,
    },
    Spread(Option<(Cell, Cell)>),
    /// The point that is selected so far.
    One(Option<Point>),
    /// All points; of the largest and smallest, at least those that are wanted.
    All(Vec<Point>),
    /// When each value was first.
    Distinct(BTreeMap<Ordered, i64>),
    /// The outermost point of each combination of other columns.
    Each(BTreeMap<Vec<Ordered>, Point>),
    /// What was seen of so many points.
    Sample {
        kept: Vec<Point>,
        seen: u64,
        random: u64,
    },
}

/// The order of values; of equal ones none is first.
pub(super) fn order(left: &Cell, right: &Cell) -> Ordering {
    match (left, right) {
        (Cell::Boolean(left), Cell::Boolean(right)) => left.cmp(right),
        (Cell::Integer(left), Cell::Integer(right)) => left.cmp(right),
        (Cell::Unsigned(left), Cell::Unsigned(right)) => left.cmp(right),
        (Cell::Text(left), Cell::Text(right)) => left.cmp(right),
        _ => match (float(left), float(right)) {
            (Some(left), Some(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
            _ => Ordering::Equal,
        },
    }
}

/// A value among others of its type.
#[derive(Debug, Clone)]
pub(super) struct Ordered(Cell);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        let is_null = |cell: &Self| cell.0 == Cell::Null;
        is_null(other).cmp(&is_null(self)).then_with(|| order(&self.0, &other.0))
    }
}

impl Bin {
    /// A bin without values.
    pub(super) fn new(leaf: &Leaf, seed: u64) -> Self {
        match leaf {
            Leaf::Count => Self::Count(0),
            Leaf::Sum => Self::Sum(None),
            Leaf::Mean => Self::Mean { sum: Cell::Null, count: 0 },
            Leaf::Spread => Self::Spread(None),
            Leaf::Min | Leaf::Max | Leaf::First | Leaf::Last => Self::One(None),
            Leaf::Sample(_) => Self::Sample { kept: Vec::new(), seen: 0, random: seed | 1 },
            Leaf::Stddev | Leaf::Median | Leaf::Mode | Leaf::Percentile(_) | Leaf::Integral(_) => Self::All(Vec::new()),
            Leaf::Top(_, by) | Leaf::Bottom(_, by) if by.is_empty() => Self::All(Vec::new()),
            Leaf::Top(..) | Leaf::Bottom(..) => Self::Each(BTreeMap::new()),
            Leaf::Distinct | Leaf::CountDistinct => Self::Distinct(BTreeMap::new()),
        }
    }

    /// Takes a value, which is not null; `aux` makes the point's other columns.
    pub(super) fn add(
        &mut self,
        leaf: &Leaf,
        (time, value): (i64, &Cell),
        aux: impl Fn() -> Option<Box<[Cell]>>,
        budget: &mut Budget,
    ) -> Result<(), QueryError> {
        let point = || Point { time, value: value.clone(), aux: aux() };
        match self {
            Self::Count(count) => *count += 1,
            Self::Sum(sum) => {
                *sum = Some(match sum.take() {
                    Some(sum) => binary(Operator::Add, &sum, value),
                    None => value.clone(),
                });
            }
            Self::Mean { sum, count } => {
                *sum = if *count == 0 { value.clone() } else { binary(Operator::Add, sum, value) };
                *count += 1;
            }
            Self::Spread(ends) => {
                let (least, most) = ends.get_or_insert_with(|| (value.clone(), value.clone()));
                if order(value, least).is_lt() {
                    *least = value.clone();
                }
                if order(value, most).is_gt() {
                    *most = value.clone();
                }
            }
            Self::One(kept) => {
                if kept.as_ref().is_none_or(|kept| replaces(leaf, (time, value), kept)) {
                    *kept = Some(point());
                }
            }
            Self::All(points) => {
                let point = point();
                if let Leaf::Top(count, _) | Leaf::Bottom(count, _) = leaf {
                    if points.len() >= count.saturating_mul(2).max(1024) {
                        keep_outermost(leaf, points, *count);
                    }
                    if points.len() == points.capacity() {
                        budget.grow(point.bytes() * points.len().max(1))?;
                    }
                } else {
                    budget.grow(point.bytes())?;
                }
                points.push(point);
            }
            Self::Distinct(first) => match first.entry(Ordered(value.clone())) {
                Entry::Vacant(entry) => {
                    budget.grow(2 * Point::new(time, value.clone()).bytes())?;
                    entry.insert(time);
                }
                Entry::Occupied(mut entry) => {
                    let first = entry.get_mut();
                    *first = time.min(*first);
                }
            },
            Self::Each(outermost) => {
                let (Leaf::Top(_, by) | Leaf::Bottom(_, by)) = leaf else { return Ok(()) };
                let point = point();
                let column = |index: &usize| point.aux.as_ref().and_then(|aux| aux.get(*index)).cloned();
                let key = by.iter().map(|index| Ordered(column(index).unwrap_or(Cell::Null))).collect();
                match outermost.entry(key) {
                    Entry::Vacant(entry) => {
                        budget.grow(2 * point.bytes())?;
                        entry.insert(point);
                    }
                    Entry::Occupied(mut entry) => {
                        if outermost_first(leaf, &point, entry.get()).is_lt() {
                            entry.insert(point);
                        }
                    }
                }
            }
            Self::Sample { kept, seen, random } => {
                *seen += 1;
                let Leaf::Sample(size) = leaf else { return Ok(()) };
                if kept.len() < *size {
                    let point = point();
                    budget.grow(point.bytes())?;
                    kept.push(point);
                } else {
                    let place = usize::try_from(next_random(random) % *seen).unwrap_or(usize::MAX);
                    if let Some(slot) = kept.get_mut(place) {
                        *slot = point();
                    }
                }
            }
        }
        Ok(())
    }

    /// What the bin is worth: points whose times are those of the values. Those of functions that select none have no meaning.
    pub(super) fn finish(self, leaf: &Leaf) -> Vec<Point> {
        let value = |value: Cell| vec![Point::new(0, value)];
        match self {
            Self::Count(0) => Vec::new(),
            Self::Count(count) => value(Cell::Integer(count)),
            Self::Sum(sum) => sum.map(value).unwrap_or_default(),
            Self::Mean { count: 0, .. } => Vec::new(),
            Self::Mean { sum, count } => value(float(&sum).map_or(Cell::Null, |sum| Cell::Float(sum / count as f64))),
            Self::Spread(ends) => {
                ends.map(|(least, most)| value(binary(Operator::Subtract, &most, &least))).unwrap_or_default()
            }
            Self::One(point) => point.into_iter().collect(),
            Self::Sample { mut kept, .. } => {
                kept.sort_by_key(|point| point.time);
                kept
            }
            Self::Distinct(first) if first.is_empty() => Vec::new(),
            Self::Distinct(first) if *leaf == Leaf::CountDistinct => {
                value(Cell::Integer(i64::try_from(first.len()).unwrap_or(i64::MAX)))
            }
            Self::Distinct(first) => {
                let mut points: Vec<Point> = first.into_iter().map(|(value, time)| Point::new(time, value.0)).collect();
                // Values that came at one moment stay in their order.
                points.sort_by_key(|point| point.time);
                points
            }
            Self::Each(outermost) => of_all(leaf, outermost.into_values().collect()),
            Self::All(points) if points.is_empty() => Vec::new(),
            Self::All(points) => of_all(leaf, points),
        }
    }
}

/// Whether a value is selected instead of the one that is.
fn replaces(leaf: &Leaf, (time, value): (i64, &Cell), kept: &Point) -> bool {
    let (by_value, by_time) = (order(value, &kept.value), time.cmp(&kept.time));
    match leaf {
        Leaf::Min => by_value.is_lt() || (by_value.is_eq() && by_time.is_lt()),
        Leaf::Max => by_value.is_gt() || (by_value.is_eq() && by_time.is_lt()),
        // Of several values of one moment, the largest.
        Leaf::First => by_time.is_lt() || (by_time.is_eq() && by_value.is_gt()),
        Leaf::Last => by_time.is_gt() || (by_time.is_eq() && by_value.is_gt()),
        _ => false,
    }
}

/// The next of numbers without a pattern (xorshift).
fn next_random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn outermost_first(leaf: &Leaf, left: &Point, right: &Point) -> Ordering {
    let by_value = order(&left.value, &right.value);
    let by_value = if matches!(leaf, Leaf::Top(..)) { by_value.reverse() } else { by_value };
    by_value.then(left.time.cmp(&right.time))
}

fn keep_outermost(leaf: &Leaf, points: &mut Vec<Point>, count: usize) {
    points.sort_by(|left, right| outermost_first(leaf, left, right));
    points.truncate(count);
}

fn of_all(leaf: &Leaf, mut points: Vec<Point>) -> Vec<Point> {
    let by_value = |left: &Point, right: &Point| order(&left.value, &right.value);
    match leaf {
        Leaf::Top(count, _) | Leaf::Bottom(count, _) => {
            keep_outermost(leaf, &mut points, *count);
            points.sort_by_key(|point| point.time);
            points
        }
        Leaf::Percentile(percentile) => {
            let count = points.len();
            let rank = (count as f64 * percentile / 100.0 + 0.5).floor() - 1.0;
            if rank < 0.0 || rank >= count as f64 {
                return Vec::new();
            }
            points.sort_by(by_value);
            points.into_iter().nth(rank as usize).into_iter().collect()
        }
        Leaf::Median => {
            points.sort_by(by_value);
            let middle = points.len() / 2;
            let at = |index: usize| points.get(index).map_or(Cell::Null, |point| point.value.clone());
            let median = if points.len().is_multiple_of(2) {
                let (low, high) = (at(middle - 1), at(middle));
                float(&low).zip(float(&high)).map_or(Cell::Null, |(low, high)| Cell::Float(low + (high - low) / 2.0))
            } else {
                float(&at(middle)).map_or(Cell::Null, Cell::Float)
            };
            vec![Point::new(0, median)]
        }
        Leaf::Mode => {
            points.sort_by(|left, right| by_value(left, right).then(left.time.cmp(&right.time)));
            vec![Point::new(0, mode(&points))]
        }
        Leaf::Stddev => vec![Point::new(0, deviation(&points))],
        _ => Vec::new(),
    }
}

/// The most frequent of sorted values; of equally frequent ones, mostly the one that came first.
fn mode(points: &[Point]) -> Cell {
    let Some(first) = points.first() else { return Cell::Null };
    if matches!(first.value, Cell::Boolean(_)) {
        let truths = points.iter().filter(|point| point.value == Cell::Boolean(true)).count();
        return Cell::Boolean(truths * 2 >= points.len());
    }
    // As InfluxDB counts: a value that is there once is the mode only when it is the smallest and none is there twice.
    let (mut most, mut most_time, mut most_often) = (first, first.time, 0);
    for run in points.chunk_by(|left, right| order(&left.value, &right.value).is_eq()) {
        let Some(start) = run.first() else { continue };
        for (point, often) in run.iter().zip(1..) {
            let counts = often > 1 || std::ptr::eq(start, first);
            if counts && (often > most_often || (often == most_often && start.time <= most_time)) {
                (most, most_time, most_often) = (point, point.time, often);
            }
        }
    }
    most.value.clone()
}

/// The deviation of a sample; none of one value.
fn deviation(points: &[Point]) -> Cell {
    if points.len() < 2 {
        return Cell::Null;
    }
    let (mut mean, mut count) = (0.0, 0.0);
    for value in points.iter().filter_map(|point| float(&point.value)) {
        count += 1.0;
        mean += (value - mean) / count;
    }
    let squares: f64 = points.iter().filter_map(|point| float(&point.value)).map(|value| (value - mean).powi(2)).sum();
    Cell::Float((squares / (count - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};

    use super::*;

    fn made(leaf: &Leaf, values: &[(i64, Cell)]) -> Vec<(i64, Cell)> {
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(1 << 20));
        let mut budget = Budget::new(&pool, 1 << 20);
        let mut bin = Bin::new(leaf, 7);
        for (time, value) in values {
            bin.add(leaf, (*time, value), || None, &mut budget).unwrap();
        }
        bin.finish(leaf).into_iter().map(|point| (point.time, point.value)).collect()
    }

    fn floats(values: &[f64]) -> Vec<(i64, Cell)> {
        (0..).zip(values).map(|(time, value)| (time, Cell::Float(*value))).collect()
    }

    #[test]
    fn of_several_values_of_one_moment_first_and_last_take_the_largest() {
        let values = [(1, Cell::Float(2.5)), (1, Cell::Float(4.0)), (1, Cell::Float(3.0))];
        assert_eq!(made(&Leaf::First, &values), [(1, Cell::Float(4.0))]);
        assert_eq!(made(&Leaf::Last, &values), [(1, Cell::Float(4.0))]);
    }

    #[test]
    fn ranks_are_rounded_as_influxdb_rounds_them() {
        let values = floats(&[3.0, 7.0, 1.0, 5.0, 9.0]);
        assert_eq!(made(&Leaf::Percentile(30.0), &values), [(0, Cell::Float(3.0))]);
        assert_eq!(made(&Leaf::Percentile(100.0), &values), [(4, Cell::Float(9.0))]);
        assert_eq!(made(&Leaf::Percentile(0.0), &values), []);
    }

    #[test]
    fn of_equally_frequent_values_the_one_that_came_first_is_the_mode() {
        assert_eq!(made(&Leaf::Mode, &floats(&[4.0, 1.0, 4.0, 1.0])), [(0, Cell::Float(4.0))]);
        assert_eq!(made(&Leaf::Mode, &floats(&[4.0, 1.0, 1.0])), [(0, Cell::Float(1.0))]);
        assert_eq!(made(&Leaf::Mode, &floats(&[4.0, 1.0, 2.0])), [(0, Cell::Float(1.0))]);
    }

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        assert_eq!(made(&Leaf::Stddev, &floats(&[1.0, 3.0])), [(0, Cell::Float(2f64.sqrt()))]);
        assert_eq!(made(&Leaf::Stddev, &floats(&[1.0])), [(0, Cell::Null)]);
    }

    #[test]
    fn the_largest_are_told_in_order_of_time() {
        let values = floats(&[1.0, 9.0, 3.0, 9.0, 4.0]);
        assert_eq!(made(&Leaf::Top(2, Vec::new()), &values), [(1, Cell::Float(9.0)), (3, Cell::Float(9.0))]);
        assert_eq!(made(&Leaf::Bottom(2, Vec::new()), &values), [(0, Cell::Float(1.0)), (2, Cell::Float(3.0))]);
    }

    #[test]
    fn distinct_values_come_when_they_were_first() {
        let values = floats(&[3.0, 7.0, 3.0]);
        assert_eq!(made(&Leaf::Distinct, &values), [(0, Cell::Float(3.0)), (1, Cell::Float(7.0))]);
        assert_eq!(made(&Leaf::CountDistinct, &values), [(0, Cell::Integer(2))]);
    }
}
