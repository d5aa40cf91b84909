//! The area under a series, by trapezia; at the ends of bins, the line between the points around is cut.

use super::super::Cell;
use super::accumulate::Point;
use super::value::float;
use super::window::{Bounds, Windows};

/// The area so far.
#[derive(Debug)]
pub(super) struct Area {
    unit: f64,
    windows: Windows,
    bounds: Bounds,
    ascending: bool,
    before: Option<(i64, f64)>,
    start: i64,
    end: i64,
    sum: f64,
}

impl Area {
    /// In values times `unit` nanoseconds.
    pub(super) fn new(unit: i64, windows: Windows, bounds: Bounds, ascending: bool) -> Self {
        Self { unit: unit as f64, windows, bounds, ascending, before: None, start: 0, end: 0, sum: 0.0 }
    }

    fn enter(&mut self, time: i64) {
        if self.windows.is_one() {
            return;
        }
        let (first, second) = self.windows.of(time, self.bounds);
        (self.start, self.end) = if self.ascending { (first, second) } else { (second, first) };
    }

    /// Takes the next point; gives the area of a bin that ends before it.
    pub(super) fn add(&mut self, time: i64, value: &Cell) -> Option<Point> {
        let value = float(value)?;
        let Some((last, height)) = self.before.replace((time, value)) else {
            self.enter(time);
            return None;
        };
        if last == time {
            return None;
        }
        let (mut last, mut height, mut ended) = (last, height, None);
        let is_past = if self.ascending { time >= self.end } else { time <= self.end };
        if !self.windows.is_one() && is_past {
            if last != self.end {
                let slope = (value - height) / (time - last) as f64;
                let cut = slope * (self.end - last) as f64 + height;
                self.sum += 0.5 * (cut + height) * ((self.end - last) as f64 / self.unit);
                (last, height) = (self.end, cut);
            }
            ended = Some(Point::new(self.start, Cell::Float(self.sum)));
            self.enter(time);
            self.sum = 0.0;
        }
        self.sum += 0.5 * (value + height) * ((time - last) as f64 / self.unit);
        ended
    }

    /// The area of the last bin; none of one that begins with the last point.
    pub(super) fn finish(self) -> Option<Point> {
        let (last, _) = self.before?;
        (last != self.start).then(|| Point::new(self.start, Cell::Float(self.sum)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::window::{MAX_TIME, MIN_TIME};
    use super::*;

    #[test]
    fn lines_are_cut_where_bins_end() {
        let windows = Windows { every: 10, offset: 0, zone: None };
        let mut area = Area::new(1, windows, Bounds { min: MIN_TIME, max: MAX_TIME }, true);
        assert_eq!(area.add(5, &Cell::Float(0.0)), None);
        assert_eq!(area.add(15, &Cell::Float(10.0)), Some(Point::new(0, Cell::Float(12.5))));
        assert_eq!(area.finish(), Some(Point::new(10, Cell::Float(37.5))));
    }
}
