//! The four rows of a stretch of time.

use std::cmp::Ordering;

/// A row that is kept: where it is, and what it is kept for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pick {
    pub(super) batch: usize,
    pub(super) row: usize,
    pub(super) time_ns: i64,
    pub(super) value: f64,
}

/// The picks of a stretch; each of two extremes per number that is looked at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bucket {
    first: Pick,
    last: Pick,
    /// The smallest and the largest value of each number; absent while it had none.
    extremes: Vec<Option<(Pick, Pick)>>,
}

impl Bucket {
    /// A stretch with one row.
    pub(super) fn new(pick: Pick, numbers: usize) -> Self {
        Self { first: pick, last: pick, extremes: vec![None; numbers] }
    }

    /// Takes in a row's time.
    pub(super) fn add(&mut self, pick: Pick) {
        if pick.time_ns < self.first.time_ns {
            self.first = pick;
        }
        if pick.time_ns >= self.last.time_ns {
            self.last = pick;
        }
    }

    /// Takes in a row's value of a number.
    pub(super) fn add_value(&mut self, number: usize, pick: Pick) {
        if let Some(extremes) = self.extremes.get_mut(number) {
            let (low, high) = extremes.get_or_insert((pick, pick));
            if is_before(pick.value.total_cmp(&low.value), pick, *low) {
                *low = pick;
            }
            if is_before(high.value.total_cmp(&pick.value), pick, *high) {
                *high = pick;
            }
        }
    }

    /// Takes in the neighbour's rows: what the rows of both give together.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.add(other.first);
        self.add(other.last);
        for (number, extremes) in other.extremes.iter().enumerate() {
            if let Some((low, high)) = extremes {
                self.add_value(number, *low);
                self.add_value(number, *high);
            }
        }
    }

    /// All picks; a row may be among them several times.
    pub(super) fn picks(&self) -> impl Iterator<Item = &Pick> {
        [&self.first, &self.last].into_iter().chain(self.extremes.iter().flatten().flat_map(|(low, high)| [low, high]))
    }

    pub(super) fn picks_mut(&mut self) -> impl Iterator<Item = &mut Pick> {
        let extremes = self.extremes.iter_mut().flatten().flat_map(|(low, high)| [low, high]);
        [&mut self.first, &mut self.last].into_iter().chain(extremes)
    }
}

/// Whether a value wins: by itself, or being equal because it is older.
fn is_before(order: Ordering, pick: Pick, stands: Pick) -> bool {
    order.then_with(|| pick.time_ns.cmp(&stands.time_ns)).is_lt()
}
