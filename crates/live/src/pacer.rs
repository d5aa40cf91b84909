//! How often a client gets a frame: at once when the line has been idle, at most so many times a second, and less often
//! while the client cannot keep up.
//!
//! Pure: the clock is an argument. The level falls 20, 5, 1 Hz, at most one step per [`STEP_DOWN`]; it rises a step after
//! the client kept up for [`STEP_UP`].

use std::time::{Duration, Instant};

/// Frames a second at each level.
const LEVELS: [f64; 3] = [20.0, 5.0, 1.0];
/// How long a level is given before the next lower one.
const STEP_DOWN: Duration = Duration::from_secs(2);
/// How long a client must keep up before it gets more.
const STEP_UP: Duration = Duration::from_secs(5);

/// A change of level that the client is told about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Frames come less often than asked for, at this rate, and hold only the latest values.
    Degraded {
        /// Frames a second.
        hz: f64,
    },
    /// The client is back at the rate that it asked for.
    Recovered {
        /// Frames a second.
        hz: f64,
    },
}

/// Decides when the next frame may be sent.
#[derive(Debug, Clone)]
pub struct Pacer {
    wanted_hz: f64,
    level: usize,
    last_sent: Option<Instant>,
    last_change: Option<Instant>,
    keeping_up_since: Option<Instant>,
}

impl Default for Pacer {
    fn default() -> Self {
        Self { wanted_hz: LEVELS[0], level: 0, last_sent: None, last_change: None, keeping_up_since: None }
    }
}

impl Pacer {
    /// The highest rate, in frames a second.
    pub const MAX_HZ: f64 = LEVELS[0];
    /// The lowest rate that can be asked for, in frames a second.
    pub const MIN_HZ: f64 = 0.1;

    /// Sets the rate that the client asks for; returns it as kept within the bounds.
    pub fn set_wanted(&mut self, hz: f64) -> f64 {
        self.wanted_hz = if hz.is_finite() { hz.clamp(Self::MIN_HZ, Self::MAX_HZ) } else { Self::MAX_HZ };
        self.wanted_hz
    }

    /// The rate now.
    pub fn hz(&self) -> f64 {
        LEVELS.get(self.level).map_or(self.wanted_hz, |level| level.min(self.wanted_hz))
    }

    /// Whether the client gets less than it asked for.
    pub fn is_degraded(&self) -> bool {
        self.level > 0
    }

    /// When the next frame may be sent: now, if the line has been idle for an interval.
    pub fn due(&self, now: Instant) -> Instant {
        self.last_sent.map_or(now, |sent| (sent + Duration::from_secs_f64(1.0 / self.hz())).max(now))
    }

    /// Notes that a frame was handed to the socket.
    pub fn sent(&mut self, now: Instant) {
        self.last_sent = Some(now);
    }

    /// Notes whether the client keeps up: asked before each frame and while one is stuck.
    pub fn observe(&mut self, keeps_up: bool, now: Instant) -> Option<Change> {
        if !keeps_up {
            self.keeping_up_since = None;
            let early = self.last_change.is_some_and(|change| now.saturating_duration_since(change) < STEP_DOWN);
            if early || self.level + 1 == LEVELS.len() {
                return None;
            }
            self.level += 1;
            self.last_change = Some(now);
            return Some(Change::Degraded { hz: self.hz() });
        }
        let since = *self.keeping_up_since.get_or_insert(now);
        if self.level == 0 || now.saturating_duration_since(since) < STEP_UP {
            return None;
        }
        self.level -= 1;
        self.keeping_up_since = Some(now);
        self.last_change = Some(now);
        Some(if self.level == 0 { Change::Recovered { hz: self.hz() } } else { Change::Degraded { hz: self.hz() } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn an_idle_line_sends_at_once_and_a_busy_one_twenty_times_a_second() {
        let mut pacer = Pacer::default();
        let start = Instant::now();
        assert_eq!(pacer.due(start), start);
        pacer.sent(start);
        assert_eq!(pacer.due(start + ms(1)), start + ms(50));
        assert_eq!(pacer.due(start + ms(70)), start + ms(70));
    }

    #[test]
    fn the_level_falls_step_by_step_and_rises_again() {
        let mut pacer = Pacer::default();
        let start = Instant::now();
        assert_eq!(pacer.observe(true, start), None);
        assert_eq!(pacer.observe(false, start + ms(10)), Some(Change::Degraded { hz: 5.0 }));
        assert_eq!(pacer.observe(false, start + ms(20)), None, "a level is given time to help");
        assert_eq!(pacer.observe(false, start + ms(2_010)), Some(Change::Degraded { hz: 1.0 }));
        assert_eq!(pacer.observe(false, start + ms(9_000)), None, "there is nothing below 1 Hz");
        assert_eq!(pacer.observe(true, start + ms(10_000)), None);
        assert_eq!(pacer.observe(true, start + ms(15_000)), Some(Change::Degraded { hz: 5.0 }));
        assert_eq!(pacer.observe(true, start + ms(19_999)), None);
        assert_eq!(pacer.observe(true, start + ms(20_000)), Some(Change::Recovered { hz: 20.0 }));
        assert!(!pacer.is_degraded());
    }

    #[test]
    fn a_relapse_starts_the_wait_again() {
        let mut pacer = Pacer::default();
        let start = Instant::now();
        pacer.observe(false, start);
        pacer.observe(true, start + ms(100));
        pacer.observe(false, start + ms(1_900));
        assert_eq!(pacer.observe(true, start + ms(5_200)), None);
    }

    #[test]
    fn the_wanted_rate_is_an_upper_bound_within_limits() {
        let mut pacer = Pacer::default();
        assert_eq!(pacer.set_wanted(2.0), 2.0);
        pacer.observe(false, Instant::now());
        assert_eq!(pacer.hz(), 2.0, "degrading to 5 Hz does not speed a slow client up");
        assert_eq!(pacer.set_wanted(1e9), Pacer::MAX_HZ);
        assert_eq!(pacer.set_wanted(0.0), Pacer::MIN_HZ);
        assert_eq!(pacer.set_wanted(f64::NAN), Pacer::MAX_HZ);
    }
}
