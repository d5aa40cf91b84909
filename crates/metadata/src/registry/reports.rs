//! How often devices may report their state: each report is a transaction, and one device must not take all of them.
//!
//! A device may report [`BURST`] times at once and `reports_per_minute` times a minute in the long run (GCRA, the leaky bucket
//! of ATM). Limit: [`MAX_DEVICES`] devices are remembered; those that were quiet for long enough are forgotten first.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use sensorium_model::DeviceId;

use super::{MAX_DEVICES, RegistryError};

/// Reports that a device may send at once.
pub(crate) const BURST: i64 = 10;

/// When the next report of each device is due, in milliseconds since the epoch.
#[derive(Default)]
pub(crate) struct Reports(Mutex<HashMap<DeviceId, i64>>);

impl Reports {
    /// Counts a report, or says when it may come.
    pub(crate) fn count(&self, device: DeviceId, now_ms: i64, per_minute: u32) -> Result<(), RegistryError> {
        let every_ms = (60_000 / i64::from(per_minute.max(1))).max(1);
        let mut due = self.0.lock();
        if due.len() as u64 >= MAX_DEVICES && !due.contains_key(&device) {
            due.retain(|_, due| *due > now_ms);
        }
        // A clock that was set back must not silence a device.
        let next = due.get(&device).copied().filter(|next| *next <= now_ms.saturating_add(every_ms * BURST));
        let next = next.unwrap_or(now_ms).max(now_ms);
        let early_ms = next - now_ms - every_ms * (BURST - 1);
        if early_ms > 0 || (due.len() as u64 >= MAX_DEVICES && !due.contains_key(&device)) {
            let wait_ms = u64::try_from(early_ms.max(1)).unwrap_or(1);
            return Err(RegistryError::TooOften { most: per_minute, retry_after: Duration::from_millis(wait_ms) });
        }
        due.insert(device, next + every_ms);
        Ok(())
    }

    /// Forgets a device that was deleted.
    pub(crate) fn forget(&self, device: DeviceId) {
        self.0.lock().remove(&device);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn device(number: u64) -> DeviceId {
        DeviceId::from_uuid(Uuid::from_u128(number.into()))
    }

    #[test]
    fn a_device_reports_some_times_at_once_and_then_at_its_pace() {
        let reports = Reports::default();
        let mut now_ms = 1_000_000;
        let taken = |now_ms: i64| reports.count(device(1), now_ms, 60).is_ok();
        assert_eq!((0..1_000).filter(|_| taken(now_ms)).count(), 10);
        let mut later = 0;
        for _ in 0..60_000 {
            now_ms += 1;
            later += usize::from(taken(now_ms));
        }
        assert_eq!(later, 60, "a thousand times a second for a minute");
        assert!(reports.count(device(2), now_ms, 60).is_ok(), "another device");
        let Err(RegistryError::TooOften { retry_after, .. }) = reports.count(device(1), now_ms + 400, 60) else {
            unreachable!()
        };
        assert_eq!(retry_after, Duration::from_millis(600));
        assert!(reports.count(device(1), 5, 60).is_ok(), "the clock was set back");
    }

    #[test]
    fn memory_stays_bounded() {
        let reports = Reports::default();
        for number in 0..MAX_DEVICES {
            reports.count(device(number), 0, 60).unwrap();
        }
        assert!(reports.count(device(MAX_DEVICES), 0, 60).is_err());
        assert!(reports.count(device(MAX_DEVICES), 1_000, 60).is_ok());
        assert_eq!(reports.0.lock().len(), 1);
        reports.forget(device(MAX_DEVICES));
        assert!(reports.0.lock().is_empty());
    }
}
