//! The points that wait for one client.
//!
//! Two modes. As long as there is room, every point waits. When one comes for which there is none, or when the client is
//! known to be behind, only the point with the latest time of each (subscription, table, series, field) waits; of equal
//! times the one that came last. The mode lasts until the points are taken.

use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::point::LivePoint;

/// The queue of one client, bounded in points and in bytes of text.
#[derive(Debug)]
pub(crate) struct Pending {
    max_points: usize,
    max_text_bytes: usize,
    points: Vec<LivePoint>,
    text_bytes: usize,
    /// The index of each distinct series and field; `Some` in the mode that keeps the latest only.
    latest: Option<HashTable<usize>>,
    always_latest: bool,
    hasher: DefaultHashBuilder,
    coalesced: u64,
    dropped: u64,
}

/// What [`Pending::take`] hands out.
#[derive(Debug, PartialEq)]
pub(crate) struct Taken {
    pub(crate) points: Vec<LivePoint>,
    pub(crate) coalesced: u64,
    pub(crate) dropped: u64,
}

impl Pending {
    pub(crate) fn new(max_points: usize, max_text_bytes: usize) -> Self {
        Self {
            max_points,
            max_text_bytes,
            points: Vec::new(),
            text_bytes: 0,
            latest: None,
            always_latest: false,
            hasher: DefaultHashBuilder::default(),
            coalesced: 0,
            dropped: 0,
        }
    }

    /// Whether to keep the latest only even while there is room.
    pub(crate) fn set_always_latest(&mut self, always: bool) {
        self.always_latest = always;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.points.is_empty() && self.coalesced == 0 && self.dropped == 0
    }

    /// Points replaced and points without room since the last [`Pending::take`].
    pub(crate) fn left_out(&self) -> (u64, u64) {
        (self.coalesced, self.dropped)
    }

    /// How many more points fit before the latest of each series must do.
    pub(crate) fn room(&self) -> usize {
        if self.latest.is_some() { 0 } else { self.max_points.saturating_sub(self.points.len()) }
    }

    /// Adds a point, in the place of an earlier one if it must be.
    pub(crate) fn push(&mut self, point: LivePoint) {
        if self.latest.is_none() && (self.always_latest || !self.fits(&point)) {
            self.keep_latest_only();
        }
        match self.latest.take() {
            None => {
                self.text_bytes += point.value.text_bytes();
                self.points.push(point);
            }
            Some(mut latest) => {
                self.push_latest(&mut latest, point);
                self.latest = Some(latest);
            }
        }
    }

    /// Forgets the points of a subscription.
    pub(crate) fn forget(&mut self, subscription: u32) {
        self.points.retain(|point| point.subscription != subscription);
        self.text_bytes = self.points.iter().map(|point| point.value.text_bytes()).sum();
        if self.latest.is_some() {
            self.keep_latest_only();
        }
    }

    /// Hands out everything that waits.
    pub(crate) fn take(&mut self) -> Taken {
        self.latest = None;
        self.text_bytes = 0;
        Taken {
            points: std::mem::take(&mut self.points),
            coalesced: std::mem::take(&mut self.coalesced),
            dropped: std::mem::take(&mut self.dropped),
        }
    }

    fn fits(&self, point: &LivePoint) -> bool {
        self.points.len() < self.max_points && self.text_bytes + point.value.text_bytes() <= self.max_text_bytes
    }

    fn keep_latest_only(&mut self) {
        let points = std::mem::take(&mut self.points);
        let mut latest = HashTable::with_capacity(points.len().min(1_024));
        self.text_bytes = 0;
        for point in points {
            self.push_latest(&mut latest, point);
        }
        self.latest = Some(latest);
    }

    fn push_latest(&mut self, latest: &mut HashTable<usize>, point: LivePoint) {
        let hash = hash_of(&self.hasher, &point);
        let same = |index: &usize| self.points.get(*index).is_some_and(|present| same_field(present, &point));
        let found = latest.find(hash, same).copied();
        let room = self.points.len() < self.max_points;
        let present = found.and_then(|index| self.points.get_mut(index));
        let freed = present.as_ref().map_or(0, |present| present.value.text_bytes());
        let text_bytes = self.text_bytes - freed + point.value.text_bytes();
        match present {
            Some(present) if point.time_ns < present.time_ns => self.coalesced += 1,
            _ if text_bytes > self.max_text_bytes => self.dropped += 1,
            Some(present) => {
                *present = point;
                self.text_bytes = text_bytes;
                self.coalesced += 1;
            }
            None if !room => self.dropped += 1,
            None => {
                let index = self.points.len();
                self.points.push(point);
                self.text_bytes = text_bytes;
                latest.insert_unique(hash, index, |index| {
                    self.points.get(*index).map_or(0, |point| hash_of(&self.hasher, point))
                });
            }
        }
    }
}

fn hash_of(hasher: &DefaultHashBuilder, point: &LivePoint) -> u64 {
    let mut state = hasher.build_hasher();
    point.subscription.hash(&mut state);
    point.table.hash(&mut state);
    point.series.hash(&mut state);
    point.field.hash(&mut state);
    state.finish()
}

fn same_field(a: &LivePoint, b: &LivePoint) -> bool {
    a.subscription == b.subscription && a.table == b.table && a.series == b.series && a.field == b.field
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::point::LiveValue;

    fn point(subscription: u32, series: u8, time_ns: i64, value: LiveValue) -> LivePoint {
        LivePoint {
            subscription,
            time_ns,
            table: "t".into(),
            series: format!("s={series}").into(),
            field: "f".into(),
            value,
        }
    }

    /// What the queue promises, without its clever parts.
    fn model(points: &[LivePoint], max_points: usize) -> Taken {
        if points.len() <= max_points {
            return Taken { points: points.to_vec(), coalesced: 0, dropped: 0 };
        }
        let mut kept: Vec<LivePoint> = Vec::new();
        let mut at: HashMap<(u32, String), usize> = HashMap::new();
        let (mut coalesced, mut dropped) = (0, 0);
        for point in points {
            let key = (point.subscription, point.series.to_string());
            match at.get(&key) {
                Some(index) => {
                    coalesced += 1;
                    if point.time_ns >= kept[*index].time_ns {
                        kept[*index] = point.clone();
                    }
                }
                None if kept.len() == max_points => dropped += 1,
                None => {
                    at.insert(key, kept.len());
                    kept.push(point.clone());
                }
            }
        }
        Taken { points: kept, coalesced, dropped }
    }

    proptest! {
        #[test]
        fn behaves_as_the_model(
            sent in proptest::collection::vec((0_u32..2, 0_u8..6, 0_i64..10), 0..60),
            max_points in 1_usize..20,
            taken_after in proptest::collection::vec(0_usize..60, 0..3),
        ) {
            let mut pending = Pending::new(max_points, 1_000);
            let mut since: Vec<LivePoint> = Vec::new();
            for (index, (subscription, series, time_ns)) in sent.into_iter().enumerate() {
                if taken_after.contains(&index) {
                    prop_assert_eq!(pending.take(), model(&since, max_points));
                    since.clear();
                }
                let point = point(subscription, series, time_ns, LiveValue::Number(index as f64));
                since.push(point.clone());
                pending.push(point);
                prop_assert!(pending.points.len() <= max_points);
            }
            prop_assert_eq!(pending.take(), model(&since, max_points));
            prop_assert!(pending.is_empty());
        }

        #[test]
        fn text_is_bounded(lengths in proptest::collection::vec((0_u8..4, 0_usize..60), 0..40)) {
            let mut pending = Pending::new(1_000, 100);
            let sent = lengths.len() as u64;
            for (time_ns, (series, length)) in lengths.into_iter().enumerate() {
                pending.push(point(0, series, time_ns as i64, LiveValue::Text("x".repeat(length).into())));
                let held: usize = pending.points.iter().map(|point| point.value.text_bytes()).sum();
                prop_assert_eq!(held, pending.text_bytes);
                prop_assert!(held <= 100);
            }
            let taken = pending.take();
            prop_assert_eq!(taken.points.len() as u64 + taken.coalesced + taken.dropped, sent);
        }
    }

    #[test]
    fn a_client_that_is_behind_gets_the_latest_only_even_with_room() {
        let mut pending = Pending::new(100, 100);
        pending.push(point(0, 1, 1, LiveValue::Number(1.0)));
        pending.set_always_latest(true);
        pending.push(point(0, 1, 2, LiveValue::Number(2.0)));
        pending.push(point(0, 2, 2, LiveValue::Number(3.0)));
        let taken = pending.take();
        assert_eq!((taken.points.len(), taken.coalesced), (2, 1));
        assert_eq!(taken.points[0].value, LiveValue::Number(2.0));
    }

    #[test]
    fn forgetting_a_subscription_keeps_the_others_findable() {
        let mut pending = Pending::new(2, 100);
        for (subscription, time_ns) in [(0, 1), (1, 1), (1, 2)] {
            pending.push(point(subscription, 1, time_ns, LiveValue::Number(time_ns as f64)));
        }
        pending.forget(0);
        pending.push(point(1, 1, 3, LiveValue::Number(3.0)));
        let taken = pending.take();
        assert_eq!(taken.points, [point(1, 1, 3, LiveValue::Number(3.0))]);
    }
}
