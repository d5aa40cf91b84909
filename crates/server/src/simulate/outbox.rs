//! What a device has to say and was not acknowledged: at most [`CAPACITY`] messages, as many as the sketch for the ESP8266
//! keeps. One is under way at a time.
//!
//! Invariant: the message that is under way stays until it is acknowledged; when there is no room, the oldest other one gives way.

use std::collections::VecDeque;

/// Messages that are kept while the network or the server is away.
pub(super) const CAPACITY: usize = 60;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) topic: String,
    pub(super) payload: String,
    pub(super) retain: bool,
}

/// Messages in their order.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Outgoing>,
    is_under_way: bool,
    forgotten: u64,
}

impl Outbox {
    pub(super) fn push(&mut self, message: Outgoing) {
        if self.waiting.len() >= CAPACITY {
            self.waiting.remove(usize::from(self.is_under_way));
            self.forgotten += 1;
        }
        self.waiting.push_back(message);
    }

    /// The message to send now, unless one is under way.
    pub(super) fn begin(&mut self) -> Option<&Outgoing> {
        if self.is_under_way {
            return None;
        }
        let oldest = self.waiting.front()?;
        self.is_under_way = true;
        Some(oldest)
    }

    /// The message that is under way is stored; whether there was one.
    pub(super) fn acknowledged(&mut self) -> bool {
        let was_under_way = std::mem::take(&mut self.is_under_way);
        was_under_way && self.waiting.pop_front().is_some()
    }

    /// The connection ended: what was under way is sent again.
    pub(super) fn lost(&mut self) {
        self.is_under_way = false;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many messages gave way since it was asked last.
    pub(super) fn take_forgotten(&mut self) -> u64 {
        std::mem::take(&mut self.forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: usize) -> Outgoing {
        Outgoing { topic: "t".into(), payload: number.to_string(), retain: false }
    }

    fn next(outbox: &mut Outbox) -> Option<String> {
        outbox.begin().map(|message| message.payload.clone())
    }

    #[test]
    fn one_message_is_under_way_at_a_time_and_is_sent_again_when_it_was_lost() {
        let mut outbox = Outbox::default();
        assert_eq!((next(&mut outbox), outbox.acknowledged()), (None, false));
        (0..2).for_each(|number| outbox.push(message(number)));
        assert_eq!((next(&mut outbox).as_deref(), next(&mut outbox)), (Some("0"), None));
        outbox.lost();
        assert_eq!(next(&mut outbox).as_deref(), Some("0"));
        assert!(outbox.acknowledged() && !outbox.acknowledged());
        assert_eq!(next(&mut outbox).as_deref(), Some("1"));
        assert!(outbox.acknowledged() && outbox.is_empty());
    }

    #[test]
    fn without_room_the_oldest_gives_way_that_is_not_under_way() {
        let mut outbox = Outbox::default();
        (0..=CAPACITY).for_each(|number| outbox.push(message(number)));
        assert_eq!((outbox.take_forgotten(), outbox.take_forgotten()), (1, 0));
        assert_eq!(next(&mut outbox).as_deref(), Some("1"));
        outbox.push(message(CAPACITY + 1));
        assert!(outbox.acknowledged());
        assert_eq!(next(&mut outbox).as_deref(), Some("3"));
    }
}
