//! How often something may happen that costs a transaction, so that one sender must not take all of them.
//!
//! It may happen some times at once and so many times a minute in the long run (GCRA, the leaky bucket of ATM). Limit:
//! [`MAX_KEYS`] senders are remembered; those that were quiet for long enough are forgotten first.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use parking_lot::Mutex;

/// The most senders that are remembered.
pub(crate) const MAX_KEYS: usize = 100_000;

/// How often one sender may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) per_minute: u32,
    /// What may come at once.
    pub(crate) burst: i64,
}

/// When the next message of each sender is due, in milliseconds since the epoch.
pub(crate) struct Pace<K>(Mutex<HashMap<K, i64>>);

impl<K> Default for Pace<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Pace<K> {
    /// Counts a message, or says in how long it may come.
    pub(crate) fn count(&self, sender: K, now_ms: i64, Rate { per_minute, burst }: Rate) -> Result<(), Duration> {
        let every_ms = (60_000 / i64::from(per_minute.max(1))).max(1);
        let mut due = self.0.lock();
        if due.len() >= MAX_KEYS && !due.contains_key(&sender) {
            due.retain(|_, due| *due > now_ms);
        }
        // A clock that was set back must not silence a sender.
        let next = due.get(&sender).copied().filter(|next| *next <= now_ms.saturating_add(every_ms * burst));
        let next = next.unwrap_or(now_ms).max(now_ms);
        let early_ms = next - now_ms - every_ms * (burst - 1);
        if early_ms > 0 || (due.len() >= MAX_KEYS && !due.contains_key(&sender)) {
            return Err(Duration::from_millis(u64::try_from(early_ms.max(1)).unwrap_or(1)));
        }
        due.insert(sender, next + every_ms);
        Ok(())
    }

    /// Forgets a sender that is no more.
    pub(crate) fn forget(&self, sender: &K) {
        self.0.lock().remove(sender);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_minute: 60, burst: 10 };

    #[test]
    fn a_sender_may_some_times_at_once_and_then_at_its_pace() {
        let pace = Pace::default();
        let mut now_ms = 1_000_000;
        let taken = |now_ms: i64| pace.count(1, now_ms, RATE).is_ok();
        assert_eq!((0..1_000).filter(|_| taken(now_ms)).count(), 10);
        let mut later = 0;
        for _ in 0..60_000 {
            now_ms += 1;
            later += usize::from(taken(now_ms));
        }
        assert_eq!(later, 60, "a thousand times a second for a minute");
        assert!(pace.count(2, now_ms, RATE).is_ok(), "another sender");
        assert_eq!(pace.count(1, now_ms + 400, RATE), Err(Duration::from_millis(600)));
        assert!(pace.count(1, 5, RATE).is_ok(), "the clock was set back");
    }

    #[test]
    fn memory_stays_bounded() {
        let pace = Pace::default();
        for number in 0..MAX_KEYS {
            pace.count(number, 0, RATE).unwrap();
        }
        assert!(pace.count(MAX_KEYS, 0, RATE).is_err());
        assert!(pace.count(MAX_KEYS, 1_000, RATE).is_ok());
        assert_eq!(pace.0.lock().len(), 1);
        pace.forget(&MAX_KEYS);
        assert!(pace.0.lock().is_empty());
    }
}
