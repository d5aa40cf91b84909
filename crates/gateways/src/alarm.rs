//! The alarm of one connection or socket. It may ring early: what is later than what it is set to does not set it anew, because each packet
//! puts the keep-alive off.

use std::future::pending;
use std::pin::Pin;

use tokio::time::Sleep;

use crate::clock::Clock;

/// Rings once for each time that it is set.
#[derive(Default)]
pub(crate) struct Alarm {
    /// When it rings, in milliseconds, while it is set.
    at_ms: Option<u64>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Rings at this time or before.
    pub(crate) fn set(&mut self, at_ms: Option<u64>, clock: &Clock) {
        let Some(at_ms) = at_ms.filter(|at_ms| self.at_ms.is_none_or(|set_ms| set_ms > *at_ms)) else { return };
        self.at_ms = Some(at_ms);
        let at = clock.instant(at_ms);
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(at))),
        }
    }

    /// Waits until it rings; for ever when it is not set.
    pub(crate) async fn rung(&mut self) {
        match &mut self.sleep {
            Some(sleep) if self.at_ms.is_some() => sleep.as_mut().await,
            _ => pending().await,
        }
        self.at_ms = None;
    }
}
