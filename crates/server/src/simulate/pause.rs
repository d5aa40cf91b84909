//! The pauses between attempts to connect: each is about twice as long as the one before, up to a minute, and no two devices
//! wait equally long, so that a server that comes back is not called by all at once.

use std::time::Duration;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// What a device waits next.
pub(super) struct Pause(Duration);

impl Pause {
    pub(super) fn new() -> Self {
        Self(SHORTEST)
    }

    /// The next pause: half to one and a half times as long as is its turn, by a chance from 0 to 1.
    pub(super) fn next(&mut self, chance: f64) -> Duration {
        let pause = self.0.mul_f64(0.5 + chance.clamp(0.0, 1.0));
        self.0 = (self.0 * 2).min(LONGEST);
        pause
    }

    /// A connection was good.
    pub(super) fn reset(&mut self) {
        self.0 = SHORTEST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_an_end_and_begin_anew() {
        let mut pause = Pause::new();
        let mut seconds = || pause.next(0.5).as_secs();
        assert_eq!([(); 8].map(|()| seconds()), [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!((pause.next(0.0).as_secs(), pause.next(1.0).as_secs()), (30, 90));
        pause.reset();
        assert_eq!(pause.next(0.0).as_millis(), 500);
    }
}
