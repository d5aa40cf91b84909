//! A search among sorted rows.

use std::ops::Range;

/// The first of some rows that `is_beyond`, or their end; rows behind one that is beyond are so too.
///
/// Takes time that grows with the logarithm of the distance from the start, so that short runs are found quickly.
pub(super) fn first(rows: Range<usize>, is_beyond: impl Fn(usize) -> bool) -> usize {
    let Range { start: mut low, end } = rows;
    let mut step = 1;
    // Invariant: rows before `low` are not beyond.
    while low < end {
        let probe = low.saturating_add(step - 1).min(end - 1);
        if is_beyond(probe) {
            let mut high = probe;
            while low < high {
                let middle = low + (high - low) / 2;
                if is_beyond(middle) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            return low;
        }
        low = probe + 1;
        step = step.saturating_mul(2);
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_finds_the_first_row_beyond() {
        for end in 0..40 {
            for start in 0..=end {
                for edge in start..=end {
                    assert_eq!(first(start..end, |row| row >= edge), edge, "{start}..{end}, {edge}");
                }
            }
        }
    }
}
