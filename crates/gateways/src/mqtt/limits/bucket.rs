//! A token bucket. It fills at a rate, up to what may come at once; what comes takes out of it, and may leave it owing.

/// How far a bucket counts below one.
const PARTS: i64 = 1_000;

/// What may come of one kind.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    per_second: i64,
    /// In thousandths; below 0 while more came than there was.
    level: i64,
    most: i64,
    at_ms: u64,
}

impl Bucket {
    /// A full bucket; none where there is no limit. What comes in `seconds` may come at once.
    pub(super) fn new(per_second: u32, seconds: u32, now_ms: u64) -> Option<Self> {
        let most = i64::from(per_second).saturating_mul(i64::from(seconds)).saturating_mul(PARTS);
        (per_second > 0).then_some(Self { per_second: i64::from(per_second), level: most, most, at_ms: now_ms })
    }

    /// How much may come now.
    pub(super) fn left(&mut self, now_ms: u64) -> u64 {
        self.fill(now_ms);
        u64::try_from(self.level / PARTS).unwrap_or_default()
    }

    /// Something came.
    pub(super) fn take(&mut self, amount: u64, now_ms: u64) {
        self.fill(now_ms);
        let amount = i64::try_from(amount).unwrap_or(i64::MAX).saturating_mul(PARTS);
        self.level = self.level.saturating_sub(amount);
    }

    /// When something may come again; none when it may now.
    pub(super) fn until_ms(&mut self, now_ms: u64) -> Option<u64> {
        self.fill(now_ms);
        // What is filled in a millisecond is as many thousandths as come in a second.
        let missing = u64::try_from(PARTS.saturating_sub(self.level)).ok().filter(|missing| *missing > 0)?;
        let every = u64::try_from(self.per_second).unwrap_or(1).max(1);
        Some(now_ms.saturating_add(missing.div_ceil(every)))
    }

    /// Whether it is as if nothing had come.
    pub(super) fn is_full(&mut self, now_ms: u64) -> bool {
        self.fill(now_ms);
        self.level >= self.most
    }

    fn fill(&mut self, now_ms: u64) {
        let passed = i64::try_from(now_ms.saturating_sub(self.at_ms)).unwrap_or(i64::MAX);
        self.level = self.level.saturating_add(passed.saturating_mul(self.per_second)).min(self.most);
        self.at_ms = self.at_ms.max(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_takes_out_and_time_fills() {
        let mut bucket = Bucket::new(10, 1, 0).unwrap();
        assert_eq!((bucket.left(0), bucket.until_ms(0)), (10, None));
        bucket.take(10, 0);
        assert_eq!((bucket.left(0), bucket.until_ms(0)), (0, Some(100)));
        assert_eq!((bucket.left(99), bucket.left(100)), (0, 1));
        assert!(!bucket.is_full(900) && bucket.is_full(1_000));
        assert_eq!(bucket.left(1_000_000), 10, "no more is there than may come at once");
    }

    #[test]
    fn what_is_owed_is_waited_for() {
        let mut bucket = Bucket::new(1_000, 1, 5).unwrap();
        bucket.take(3_000, 5);
        assert_eq!((bucket.left(5), bucket.until_ms(5)), (0, Some(2_006)));
        assert_eq!((bucket.until_ms(2_005), bucket.until_ms(2_006)), (Some(2_006), None));
        bucket.take(u64::MAX, 2_006);
        assert!(bucket.until_ms(2_006).is_some());
        assert!(Bucket::new(0, 1, 0).is_none());
    }

    #[test]
    fn a_clock_that_goes_back_changes_nothing() {
        let mut bucket = Bucket::new(1, 1, 1_000).unwrap();
        bucket.take(1, 1_000);
        assert_eq!((bucket.left(0), bucket.left(1_999), bucket.left(2_000)), (0, 0, 1));
    }
}
