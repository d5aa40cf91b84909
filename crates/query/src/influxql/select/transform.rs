//! Values that follow each other, each made from those before it: changes, sums, averages.

use std::collections::VecDeque;

use super::super::Cell;
use super::accumulate::Point;
use super::plan::Transform;
use super::value::{Operator, binary, float};

/// A transform on its way through the points of one series.
#[derive(Debug)]
pub(super) struct Transforming {
    transform: Transform,
    ascending: bool,
    /// The point before.
    last: Option<(i64, Cell)>,
    /// The last values of a moving average, and their sum.
    window: VecDeque<f64>,
    sum: f64,
}

impl Transforming {
    pub(super) fn new(transform: Transform, ascending: bool) -> Self {
        Self { transform, ascending, last: None, window: VecDeque::new(), sum: 0.0 }
    }

    /// What the next point becomes; points without a value become nothing.
    pub(super) fn next(&mut self, time: i64, value: &Cell) -> Option<Point> {
        if *value == Cell::Null {
            return None;
        }
        let made = match self.transform {
            Transform::Derivative { unit, non_negative } => {
                let (before, last) = self.step(time, value)?;
                let change = float(value)? - float(&last)?;
                let elapsed = if self.ascending { time.saturating_sub(before) } else { before.saturating_sub(time) };
                let rate = change / (elapsed as f64 / unit as f64);
                if non_negative && change < 0.0 {
                    return None;
                }
                Cell::Float(rate)
            }
            Transform::Difference { non_negative } => {
                let (_, last) = self.step(time, value)?;
                let falls = binary(Operator::Less, value, &last) == Cell::Boolean(true);
                if non_negative && falls {
                    return None;
                }
                binary(Operator::Subtract, value, &last)
            }
            Transform::MovingAverage(count) => {
                if self.window.len() == count {
                    self.sum -= self.window.pop_front().unwrap_or_default();
                }
                let value = float(value)?;
                self.window.push_back(value);
                self.sum += value;
                if self.window.len() < count {
                    return None;
                }
                Cell::Float(self.sum / count as f64)
            }
            Transform::CumulativeSum => {
                let sum = match &self.last {
                    Some((_, sum)) => binary(Operator::Add, sum, value),
                    None => value.clone(),
                };
                self.last = Some((time, sum.clone()));
                sum
            }
            Transform::Elapsed(unit) => {
                let (before, _) = self.last.replace((time, Cell::Null))?;
                Cell::Integer(time.saturating_sub(before).checked_div(unit)?)
            }
        };
        Some(Point::new(time, made))
    }

    /// The point before, unless there is none or it is of the same time, in which case this one does not count.
    fn step(&mut self, time: i64, value: &Cell) -> Option<(i64, Cell)> {
        if self.last.as_ref().is_some_and(|(before, _)| *before == time) {
            return None;
        }
        self.last.replace((time, value.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn made(transform: Transform, values: &[(i64, Cell)]) -> Vec<(i64, Cell)> {
        let mut transforming = Transforming::new(transform, true);
        let points = values.iter().filter_map(|(time, value)| transforming.next(time * SECOND, value));
        points.map(|point| (point.time / SECOND, point.value)).collect()
    }

    #[test]
    fn changes_skip_points_of_the_same_time_and_points_without_a_value() {
        let values = [(0, Cell::Float(1.0)), (0, Cell::Float(9.0)), (1, Cell::Null), (2, Cell::Float(5.0))];
        let derivative = Transform::Derivative { unit: SECOND, non_negative: false };
        assert_eq!(made(derivative, &values), [(2, Cell::Float(2.0))]);
        let difference = Transform::Difference { non_negative: false };
        assert_eq!(made(difference, &values), [(2, Cell::Float(4.0))]);
    }

    #[test]
    fn falls_are_left_out_on_request() {
        let values = [(0, Cell::Integer(3)), (1, Cell::Integer(1)), (2, Cell::Integer(4))];
        assert_eq!(made(Transform::Difference { non_negative: true }, &values), [(2, Cell::Integer(3))]);
    }

    #[test]
    fn averages_sums_and_times_between() {
        let values = [(0, Cell::Integer(1)), (2, Cell::Integer(3)), (3, Cell::Integer(5))];
        assert_eq!(made(Transform::MovingAverage(2), &values), [(2, Cell::Float(2.0)), (3, Cell::Float(4.0))]);
        let sums = [(0, Cell::Integer(1)), (2, Cell::Integer(4)), (3, Cell::Integer(9))];
        assert_eq!(made(Transform::CumulativeSum, &values), sums);
        assert_eq!(made(Transform::Elapsed(SECOND), &values), [(2, Cell::Integer(2)), (3, Cell::Integer(1))]);
    }
}
