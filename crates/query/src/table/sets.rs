//! Which sources can hold the same key: those whose times overlap.

/// The first and last time of a source, both included.
pub(crate) type Span = (i64, i64);

/// Merging more sources than this at once is avoided where their times allow it.
const WIDE: usize = 16;

/// Sources that must be merged with each other, within a window of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Set {
    /// Indices of the sources, ascending: oldest first.
    pub(crate) sources: Vec<usize>,
    /// The times, both included, that the set answers for; other sets answer for the rest of a source that reaches beyond.
    pub(crate) window: Span,
}

/// Splits sources into sets that share no key.
///
/// Sources without any overlap are sets of one. A long chain, where each source overlaps only its neighbours, is cut in time,
/// so that the memory for merging grows with how many sources overlap at one time and not with the length of the chain; the
/// few sources that reach across a cut are read once on each side.
pub(crate) fn split(spans: &[(usize, Span)]) -> Vec<Set> {
    let mut by_start: Vec<(usize, Span)> = spans.to_vec();
    by_start.sort_by_key(|(source, (min, max))| (*min, *max, *source));
    let mut sets = Vec::new();
    let mut members: Vec<(usize, Span)> = Vec::new();
    let mut start = i64::MIN;
    for (source, span) in by_start {
        let reaching: Vec<(usize, Span)> = members.iter().filter(|(_, (_, max))| *max >= span.0).copied().collect();
        let cut_pays = members.len() >= WIDE && reaching.len() * 4 <= members.len();
        if !members.is_empty() && (reaching.is_empty() || cut_pays) {
            let end = span.0.saturating_sub(1);
            sets.push(set(&members, (start, end)));
            members = reaching;
            start = span.0;
        }
        members.push((source, span));
    }
    if !members.is_empty() {
        sets.push(set(&members, (start, i64::MAX)));
    }
    sets
}

fn set(members: &[(usize, Span)], window: Span) -> Set {
    let mut sources: Vec<usize> = members.iter().map(|(source, _)| *source).collect();
    sources.sort_unstable();
    Set { sources, window }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sources(sets: &[Set]) -> Vec<Vec<usize>> {
        sets.iter().map(|set| set.sources.clone()).collect()
    }

    #[test]
    fn disjoint_sources_stand_alone_and_overlapping_ones_together() {
        let sets = split(&[(0, (0, 10)), (1, (20, 30)), (2, (25, 40)), (3, (11, 19))]);
        assert_eq!(sources(&sets), [vec![0], vec![3], vec![1, 2]]);
        assert_eq!(sources(&split(&[(0, (0, 10)), (1, (10, 20))])), [vec![0, 1]]);
        assert!(split(&[]).is_empty());
    }

    #[test]
    fn a_long_chain_is_cut() {
        let chain: Vec<(usize, Span)> = (0..500).map(|n| (n, (n as i64 * 10, n as i64 * 10 + 10))).collect();
        let sets = split(&chain);
        assert!(sets.iter().all(|set| set.sources.len() <= WIDE + 1), "{sets:?}");
        assert!(sets.len() > 500 / (WIDE + 1));
    }

    proptest! {
        #[test]
        fn each_time_of_each_source_is_answered_by_exactly_one_set_with_all_its_rivals(
            spans in proptest::collection::vec((0i64..200, 0i64..30), 0..80),
        ) {
            let spans: Vec<(usize, Span)> =
                spans.iter().enumerate().map(|(source, (min, length))| (source, (*min, min + length))).collect();
            let sets = split(&spans);
            for time in 0..240 {
                let holding: Vec<usize> = spans
                    .iter()
                    .filter(|(_, (min, max))| *min <= time && time <= *max)
                    .map(|(source, _)| *source)
                    .collect();
                let answering: Vec<&Set> =
                    sets.iter().filter(|set| set.window.0 <= time && time <= set.window.1).collect();
                prop_assert_eq!(answering.len(), usize::from(!sets.is_empty()));
                for source in holding {
                    prop_assert!(answering.iter().all(|set| set.sources.contains(&source)));
                }
            }
        }
    }
}
