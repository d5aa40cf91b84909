//! Messages that were sent and are not acknowledged.

use anyhow::{Context, Result};
use sensorium_protocols::mqtt::packet::PacketId;
use tokio::time::Instant;

/// A window of numbers, 1 to its size; each is free or belongs to a message that is under way.
#[derive(Debug)]
pub(crate) struct UnderWay {
    /// When the message of each number was begun.
    begun: Vec<Option<Instant>>,
    free: Vec<PacketId>,
}

impl UnderWay {
    /// A window in which nothing is under way.
    pub(crate) fn new(window: u16) -> Self {
        Self { begun: vec![None; usize::from(window)], free: (1..=window).rev().filter_map(PacketId::new).collect() }
    }

    /// Whether everything is acknowledged.
    pub(crate) fn is_empty(&self) -> bool {
        self.free.len() == self.begun.len()
    }

    /// Whether every number is under way.
    pub(crate) fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    /// The number of a message that begins now; none when the window is full.
    pub(crate) fn begin(&mut self, now: Instant) -> Option<PacketId> {
        let id = self.free.pop()?;
        *self.slot(id)? = Some(now);
        Some(id)
    }

    /// When the message began whose acknowledgement is here; an error for a number that is not under way.
    pub(crate) fn end(&mut self, id: PacketId) -> Result<Instant> {
        let begun = self.slot(id).and_then(Option::take);
        let begun = begun.with_context(|| format!("message {id} was acknowledged, but is not under way"))?;
        self.free.push(id);
        Ok(begun)
    }

    fn slot(&mut self, id: PacketId) -> Option<&mut Option<Instant>> {
        self.begun.get_mut(usize::from(id.get()) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_used_again_after_its_acknowledgement() {
        let (mut under_way, now) = (UnderWay::new(2), Instant::now());
        let (first, second) = (under_way.begin(now).unwrap(), under_way.begin(now).unwrap());
        assert_eq!((first.get(), second.get(), under_way.begin(now)), (1, 2, None));
        assert!(under_way.is_full());
        assert_eq!(under_way.end(second).unwrap(), now);
        assert!(!under_way.is_empty() && !under_way.is_full());
        assert_eq!(under_way.begin(now), Some(second));
        under_way.end(first).unwrap();
        under_way.end(second).unwrap();
        assert!(under_way.is_empty());
    }

    #[test]
    fn an_acknowledgement_of_nothing_is_an_error() {
        let mut under_way = UnderWay::new(1);
        let id = under_way.begin(Instant::now()).unwrap();
        under_way.end(id).unwrap();
        assert!(under_way.end(id).unwrap_err().to_string().contains("message 1 "));
        assert!(under_way.end(PacketId::MAX).is_err());
    }
}
