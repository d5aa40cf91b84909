//! What all devices together did so far.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// Counts of all devices.
#[derive(Default)]
pub(super) struct Tally {
    connected: AtomicU64,
    connections: AtomicU64,
    sent: AtomicU64,
    acknowledged: AtomicU64,
    missed: AtomicU64,
    forgotten: AtomicU64,
    commands: AtomicU64,
    trouble: Mutex<Option<String>>,
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

impl Tally {
    pub(super) fn connected(&self) {
        add(&self.connected, 1);
        add(&self.connections, 1);
        *self.trouble.lock() = None;
    }

    pub(super) fn disconnected(&self) {
        self.connected.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn sent(&self) {
        add(&self.sent, 1);
    }

    pub(super) fn acknowledged(&self) {
        add(&self.acknowledged, 1);
    }

    /// A sensor did not answer.
    pub(super) fn missed(&self) {
        add(&self.missed, 1);
    }

    /// Messages gave way because there was no room.
    pub(super) fn forgotten(&self, messages: u64) {
        add(&self.forgotten, messages);
    }

    pub(super) fn commanded(&self) {
        add(&self.commands, 1);
    }

    /// Why a device is not connected.
    pub(super) fn trouble(&self, why: String) {
        *self.trouble.lock() = Some(why);
    }

    /// Why no device was ever connected, if none was.
    pub(super) fn never_connected(&self) -> Option<String> {
        let trouble = self.trouble.lock();
        (read(&self.connections) == 0).then(|| trouble.clone()).flatten()
    }

    /// A line while it goes on: who is connected, what was done, and the newest trouble.
    pub(super) fn progress(&self, devices: u16) -> String {
        let mut text = format!("{} of {devices} connected: {self}", read(&self.connected));
        if let Some(trouble) = self.trouble.lock().as_deref() {
            text.push_str("; ");
            text.push_str(trouble);
        }
        text
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} messages sent, {} acknowledged", read(&self.sent), read(&self.acknowledged))?;
        for (count, what) in [
            (read(&self.commands), "commands heard"),
            (read(&self.missed), "missed by the sensor"),
            (read(&self.forgotten), "dropped for want of room"),
        ] {
            if count > 0 {
                write!(f, ", {what}: {count}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_was_done_and_what_is_wrong() {
        let tally = Tally::default();
        tally.trouble("ESP_1: away".to_owned());
        assert_eq!(tally.never_connected().as_deref(), Some("ESP_1: away"));
        assert_eq!(tally.progress(2), "0 of 2 connected: 0 messages sent, 0 acknowledged; ESP_1: away");
        tally.connected();
        (0..3).for_each(|_| tally.sent());
        tally.acknowledged();
        tally.missed();
        tally.forgotten(2);
        tally.commanded();
        let done =
            "3 messages sent, 1 acknowledged, commands heard: 1, missed by the sensor: 1, dropped for want of room: 2";
        assert_eq!(tally.to_string(), done);
        assert_eq!(tally.progress(2), format!("1 of 2 connected: {done}"));
        tally.disconnected();
        tally.trouble("away".to_owned());
        assert_eq!(tally.never_connected(), None);
    }
}
