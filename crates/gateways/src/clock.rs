//! The time that sessions and exchanges count in: milliseconds since the epoch that never go back while the process runs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The time of the start plus what has passed since, on the clock of timers: tests move both together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    since: Instant,
    start_ms: u64,
}

impl Clock {
    /// A clock that goes on from now.
    pub(crate) fn start() -> Self {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { since: Instant::now(), start_ms: whole_ms(start) }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.start_ms.saturating_add(whole_ms(self.since.elapsed()))
    }

    /// When it will be that late, on the clock of timers.
    pub(crate) fn instant(&self, at_ms: u64) -> Instant {
        // Further ahead than any timer needs, and not so far that it overflows.
        let ahead = Duration::from_millis(at_ms.saturating_sub(self.start_ms)).min(Duration::from_secs(86_400 * 365));
        self.since + ahead
    }
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
