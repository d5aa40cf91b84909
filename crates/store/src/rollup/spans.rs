//! Sets of times: which windows of a rollup are to be computed.

use serde::{Deserialize, Serialize};

/// Times from `start` until before `end`, nanoseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "(i64, i64)", into = "(i64, i64)")]
pub(crate) struct Span {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Span {
    pub(crate) fn new(start: i64, end: i64) -> Self {
        Self { start, end }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// The times that are in both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }

    /// How many windows it has.
    pub(crate) fn windows(self, interval_ns: i64) -> u64 {
        let length = i128::from(self.end) - i128::from(self.start);
        u64::try_from(length / i128::from(interval_ns.max(1))).unwrap_or(0)
    }
}

impl From<(i64, i64)> for Span {
    fn from((start, end): (i64, i64)) -> Self {
        Self { start, end }
    }
}

impl From<Span> for (i64, i64) {
    fn from(span: Span) -> Self {
        (span.start, span.end)
    }
}

/// A set of times, as spans in ascending order that neither overlap nor touch, none of them empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Spans(Vec<Span>);

impl Spans {
    /// The windows that begin at these times, which may stand in any order and more than once.
    pub(crate) fn of_windows(mut starts: Vec<i64>, interval_ns: i64) -> Self {
        starts.sort_unstable();
        let mut spans: Vec<Span> = Vec::new();
        for start in starts {
            let end = start.saturating_add(interval_ns);
            match spans.last_mut().filter(|last| last.end >= start) {
                Some(last) => last.end = end,
                None => spans.push(Span { start, end }),
            }
        }
        Self(spans)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Span> {
        self.0.iter().copied()
    }

    pub(crate) fn first(&self) -> Option<Span> {
        self.0.first().copied()
    }

    pub(crate) fn last(&self) -> Option<Span> {
        self.0.last().copied()
    }

    /// From the first time to the last.
    pub(crate) fn hull(&self) -> Option<Span> {
        Some(Span { start: self.first()?.start, end: self.last()?.end })
    }

    pub(crate) fn add(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        let from = self.0.partition_point(|other| other.end < span.start);
        let to = self.0.partition_point(|other| other.start <= span.end);
        let near = self.0.get(from..to).unwrap_or_default();
        let joined = near
            .iter()
            .fold(span, |sum, other| Span { start: sum.start.min(other.start), end: sum.end.max(other.end) });
        self.0.splice(from..to, [joined]).for_each(drop);
    }

    pub(crate) fn add_all(&mut self, others: &Self) {
        others.iter().for_each(|span| self.add(span));
    }

    pub(crate) fn remove(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        let rest = |other: &Span| {
            [Span::new(other.start, other.end.min(span.start)), Span::new(other.start.max(span.end), other.end)]
        };
        self.0 = self.0.iter().flat_map(rest).filter(|part| !part.is_empty()).collect();
    }

    pub(crate) fn remove_all(&mut self, others: &Self) {
        others.iter().for_each(|span| self.remove(span));
    }

    /// The times of this set that are in a span.
    pub(crate) fn within(&self, span: Span) -> Self {
        Self(self.0.iter().map(|other| other.and(span)).filter(|part| !part.is_empty()).collect())
    }

    /// Joins spans over the smallest gaps until there are at most so many: what is between them is then in the set, too.
    pub(crate) fn bound(&mut self, most: usize) {
        let surplus = self.0.len().saturating_sub(most.max(1));
        if surplus == 0 {
            return;
        }
        let gaps = self.0.windows(2).enumerate().filter_map(|(position, pair)| match pair {
            [left, right] => Some((i128::from(right.start) - i128::from(left.end), position + 1)),
            _ => None,
        });
        let mut gaps: Vec<(i128, usize)> = gaps.collect();
        gaps.sort_unstable();
        let mut joined: Vec<bool> = vec![false; self.0.len()];
        for (_, position) in gaps.into_iter().take(surplus) {
            if let Some(joined) = joined.get_mut(position) {
                *joined = true;
            }
        }
        let mut spans: Vec<Span> = Vec::with_capacity(most);
        for (span, joined) in self.0.iter().zip(joined) {
            match spans.last_mut().filter(|_| joined) {
                Some(last) => last.end = span.end,
                None => spans.push(*span),
            }
        }
        self.0 = spans;
    }

    /// How many windows are in it.
    pub(crate) fn windows(&self, interval_ns: i64) -> u64 {
        self.iter().map(|span| span.windows(interval_ns)).fold(0, u64::saturating_add)
    }
}

impl From<Span> for Spans {
    fn from(span: Span) -> Self {
        let mut spans = Self::default();
        spans.add(span);
        spans
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn times(spans: &Spans) -> BTreeSet<i64> {
        let ordered = spans.0.windows(2).all(|pair| pair[0].end < pair[1].start);
        assert!(ordered && spans.iter().all(|span| !span.is_empty()), "{spans:?}");
        spans.iter().flat_map(|span| span.start..span.end).collect()
    }

    fn span() -> impl Strategy<Value = Span> {
        (0..60_i64, 0..8_i64).prop_map(|(start, length)| Span::new(start, start + length))
    }

    proptest! {
        #[test]
        fn spans_are_a_set(steps in proptest::collection::vec((any::<bool>(), span()), 0..30), cut in span(), most in 1..6_usize) {
            let mut spans = Spans::default();
            let mut model = BTreeSet::new();
            for (add, span) in steps {
                if add {
                    spans.add(span);
                    model.extend(span.start..span.end);
                } else {
                    spans.remove(span);
                    model.retain(|time| !(span.start..span.end).contains(time));
                }
                prop_assert_eq!(times(&spans), model.clone());
            }
            let within: BTreeSet<i64> = model.iter().copied().filter(|time| (cut.start..cut.end).contains(time)).collect();
            prop_assert_eq!(times(&spans.within(cut)), within);
            prop_assert_eq!(spans.windows(1), model.len() as u64);
            let text = serde_json::to_string(&spans).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Spans>(&text).unwrap(), &spans);
            let (before, hull) = (spans.0.len(), spans.hull());
            spans.bound(most);
            prop_assert_eq!(spans.0.len(), before.min(most));
            prop_assert!(times(&spans).is_superset(&model));
            prop_assert_eq!(spans.hull(), hull);
        }

        #[test]
        fn windows_in_any_order_become_spans(starts in proptest::collection::vec(0..20_i64, 0..30)) {
            let expected: BTreeSet<i64> = starts.iter().flat_map(|start| start * 3..start * 3 + 3).collect();
            let spans = Spans::of_windows(starts.iter().map(|start| start * 3).collect(), 3);
            prop_assert_eq!(times(&spans), expected);
        }
    }

    #[test]
    fn the_smallest_gaps_are_closed_first() {
        let mut spans = Spans::default();
        [(0, 1), (10, 11), (12, 13), (20, 21)].into_iter().for_each(|span| spans.add(span.into()));
        spans.bound(2);
        assert_eq!(spans.0, [Span::new(0, 1), Span::new(10, 21)]);
    }

    #[test]
    fn the_first_and_the_last_time_that_there_are_do_not_overflow() {
        let mut spans = Spans::of_windows(vec![i64::MIN, i64::MAX - 5], 10);
        assert_eq!(spans.last(), Some(Span::new(i64::MAX - 5, i64::MAX)));
        spans.bound(1);
        assert_eq!(spans.windows(1), u64::MAX);
    }
}
