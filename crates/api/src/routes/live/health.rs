//! Whether a client keeps up.
//!
//! A socket accepts megabytes before it blocks, so a slow client would look healthy and see the past. A probe (a ping that
//! carries a number) is therefore sent after a frame; its pong shows that everything before it was read. A client is
//! behind while a probe is unanswered for longer than [`BEHIND_AFTER`], or a frame is stuck in the socket; while it is,
//! no further frame is sent, so that it never has more than that to catch up. Silent for [`GONE_AFTER`], it is gone.
//!
//! Pure: the clock is an argument.

use std::time::{Duration, Instant};

/// An unanswered probe of this age means that the client is behind.
pub(super) const BEHIND_AFTER: Duration = Duration::from_secs(2);
/// A frame that the socket does not take for this long means that the client is behind.
pub(super) const STUCK_AFTER: Duration = Duration::from_millis(250);
/// An unanswered probe of this age means that nobody is there.
const GONE_AFTER: Duration = Duration::from_secs(30);
/// Probes while frames are sent are at least this far apart.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// Probes while nothing is sent: keeps middleboxes from forgetting the connection.
const IDLE_PROBE_EVERY: Duration = Duration::from_secs(15);

/// The state of the probes of one client.
#[derive(Debug)]
pub(super) struct Health {
    /// The number and time of the unanswered probe.
    outstanding: Option<(u64, Instant)>,
    next_number: u64,
    last_probe: Instant,
    /// Since when a frame is stuck in the socket.
    stuck_since: Option<Instant>,
}

impl Health {
    pub(super) fn new(now: Instant) -> Self {
        Self { outstanding: None, next_number: 1, last_probe: now, stuck_since: None }
    }

    /// The number of a probe to send now, if one is due; `after_frame` says that a frame was just sent.
    pub(super) fn probe(&mut self, after_frame: bool, now: Instant) -> Option<u64> {
        let every = if after_frame { PROBE_EVERY } else { IDLE_PROBE_EVERY };
        if self.outstanding.is_some() || now.saturating_duration_since(self.last_probe) < every {
            return None;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.last_probe = now;
        self.outstanding = Some((number, now));
        Some(number)
    }

    /// Notes the answer to a probe.
    pub(super) fn answered(&mut self, number: u64) {
        if self.outstanding.is_some_and(|(asked, _)| asked == number) {
            self.outstanding = None;
        }
    }

    /// Notes whether the socket still holds something that the kernel did not take.
    pub(super) fn socket_is_blocked(&mut self, blocked: bool, now: Instant) {
        self.stuck_since = blocked.then(|| self.stuck_since.unwrap_or(now));
    }

    /// Whether the client is behind.
    pub(super) fn is_behind(&self, now: Instant) -> bool {
        let older = |since: Instant, age| now.saturating_duration_since(since) >= age;
        self.stuck_since.is_some_and(|since| older(since, STUCK_AFTER))
            || self.outstanding.is_some_and(|(_, since)| older(since, BEHIND_AFTER))
    }

    /// Whether nobody is there any more.
    pub(super) fn is_gone(&self, now: Instant) -> bool {
        self.outstanding.is_some_and(|(_, since)| now.saturating_duration_since(since) >= GONE_AFTER)
            || self.stuck_since.is_some_and(|since| now.saturating_duration_since(since) >= GONE_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn an_unanswered_probe_makes_a_client_behind_then_gone() {
        let start = Instant::now();
        let mut health = Health::new(start);
        assert_eq!(health.probe(true, start + ms(499)), None);
        assert_eq!(health.probe(true, start + ms(500)), Some(1));
        assert_eq!(health.probe(true, start + ms(5_000)), None, "one probe at a time");
        assert!(!health.is_behind(start + ms(2_499)));
        assert!(health.is_behind(start + ms(2_500)));
        assert!(!health.is_gone(start + ms(30_499)));
        assert!(health.is_gone(start + ms(30_500)));
        health.answered(7);
        assert!(health.is_behind(start + ms(2_500)), "a made-up answer does not count");
        health.answered(1);
        assert!(!health.is_behind(start + ms(60_000)));
    }

    #[test]
    fn a_stuck_socket_makes_a_client_behind() {
        let start = Instant::now();
        let mut health = Health::new(start);
        health.socket_is_blocked(true, start);
        health.socket_is_blocked(true, start + ms(200));
        assert!(!health.is_behind(start + ms(249)));
        assert!(health.is_behind(start + ms(250)));
        health.socket_is_blocked(false, start + ms(260));
        assert!(!health.is_behind(start + ms(9_000)));
    }

    #[test]
    fn an_idle_line_is_probed_seldom() {
        let start = Instant::now();
        let mut health = Health::new(start);
        assert_eq!(health.probe(false, start + ms(14_999)), None);
        assert_eq!(health.probe(false, start + ms(15_000)), Some(1));
    }
}
