//! Which sealed buckets go into which file.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::memtable::bucket::{Bounds, Sealed};

/// Days with rows of one table in one flush up to which each day gets its own file.
pub(crate) const SPARSE_DAYS: usize = 32;

/// Rows that a file has at least when there are more days than that: a table of daily readings over decades must not become
/// ten thousand files.
pub(crate) const LEAST_ROWS: usize = 8_192;

/// The buckets of one file.
pub(crate) struct Planned {
    /// The first day.
    pub(crate) day: i64,
    /// In order of day, and within a day in order of arrival.
    pub(crate) buckets: Vec<Arc<Sealed>>,
    pub(crate) bounds: Bounds,
}

/// Distributes a table's sealed buckets over files, in order of day.
pub(crate) fn plan(sealed: &[Arc<Sealed>]) -> Vec<Planned> {
    let mut days: BTreeMap<i64, Vec<Arc<Sealed>>> = BTreeMap::new();
    for bucket in sealed {
        days.entry(bucket.day).or_default().push(Arc::clone(bucket));
    }
    let least = if days.len() > SPARSE_DAYS { LEAST_ROWS } else { 0 };
    let mut files: Vec<Planned> = Vec::new();
    for (day, buckets) in days {
        let bounds = buckets.iter().fold(Bounds::EMPTY, |sum, bucket| sum.join(bucket.bounds));
        match files.last_mut().filter(|file| file.bounds.rows < least) {
            Some(file) => {
                file.bounds = file.bounds.join(bounds);
                file.buckets.extend(buckets);
            }
            None => files.push(Planned { day, buckets, bounds }),
        }
    }
    debug_assert_eq!(
        files.iter().map(|file| file.bounds.rows).sum::<usize>(),
        sealed.iter().map(|bucket| bucket.bounds.rows).sum::<usize>()
    );
    files
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;

    fn sealed(day: i64, rows: usize) -> Arc<Sealed> {
        let bounds = Bounds { rows, time_min_ns: day, time_max_ns: day };
        Arc::new(Sealed { day, chunks: Vec::new(), bounds, sorted: OnceLock::new() })
    }

    #[test]
    fn a_few_days_get_a_file_each_in_order_of_arrival() {
        let files = plan(&[sealed(2, 1), sealed(1, 10), sealed(2, 5)]);
        let rows: Vec<Vec<usize>> =
            files.iter().map(|file| file.buckets.iter().map(|bucket| bucket.bounds.rows).collect()).collect();
        assert_eq!(rows, [vec![10], vec![1, 5]]);
    }

    #[test]
    fn thousands_of_sparse_days_become_a_handful_of_files() {
        let sparse: Vec<_> = (0..20_000).map(|day| sealed(day, 24)).collect();
        assert_eq!(plan(&sparse).len(), 20_000 * 24 / LEAST_ROWS + 1);
        let dense: Vec<_> = (0..100).map(|day| sealed(day, LEAST_ROWS)).collect();
        assert_eq!(plan(&dense).len(), 100);
    }
}
