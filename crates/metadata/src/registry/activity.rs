//! What devices did lately: counted in memory, and written to the database every few seconds and when the server stops.
//!
//! Invariant: what is taken for writing and cannot be written is put back. A crash loses what was counted since the last
//! time; readings themselves are never lost by it.
//!
//! Limit: [`MAX_PENDING`] devices between two writes; what further ones do is not counted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use parking_lot::Mutex;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sensorium_model::{DeviceId, OrgId};

use crate::entity::device;
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// The most devices of which counts wait to be written.
pub const MAX_PENDING: usize = 100_000;

/// What a device did since the last time that it was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) last_seen_ms: i64,
    pub(crate) rows: i64,
    pub(crate) messages: i64,
    pub(crate) errors: i64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.last_seen_ms = self.last_seen_ms.max(other.last_seen_ms);
        self.rows = self.rows.saturating_add(other.rows);
        self.messages = self.messages.saturating_add(other.messages);
        self.errors = self.errors.saturating_add(other.errors);
    }
}

type Pending = HashMap<DeviceId, (OrgId, Counts)>;

/// What waits to be written.
#[derive(Default)]
pub(crate) struct Activity(Mutex<Pending>);

impl Activity {
    fn add(&self, org: OrgId, device: DeviceId, counts: Counts) {
        let mut pending = self.0.lock();
        let room = pending.len() < MAX_PENDING;
        match pending.entry(device) {
            Entry::Occupied(mut known) => known.get_mut().1.add(counts),
            Entry::Vacant(place) if room => {
                place.insert((org, counts));
            }
            Entry::Vacant(_) => {}
        }
    }

    fn take(&self) -> Pending {
        std::mem::take(&mut self.0.lock())
    }

    /// What waits of a device.
    pub(crate) fn of(&self, device: DeviceId) -> Counts {
        self.0.lock().get(&device).map(|(_, counts)| *counts).unwrap_or_default()
    }

    /// Forgets a device that was deleted.
    pub(crate) fn forget(&self, device: DeviceId) {
        self.0.lock().remove(&device);
    }
}

impl Metadata {
    /// Counts a message of a device: how many of its rows were accepted, and how many were refused.
    pub fn count_device_message(&self, org: OrgId, device: DeviceId, rows: u64, errors: u64) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let counts = Counts { last_seen_ms: self.now_ms(), rows: number(rows), messages: 1, errors: number(errors) };
        self.activity().add(org, device, counts);
    }

    /// Writes what was counted about devices; how many devices that concerned.
    pub async fn save_device_activity(&self) -> Result<usize, MetadataError> {
        let pending = self.activity().take();
        let devices = pending.len();
        if devices == 0 {
            return Ok(0);
        }
        let saved = self.save(&pending).await;
        if saved.is_err() {
            for (device, (org, counts)) in pending {
                self.activity().add(org, device, counts);
            }
        }
        saved.map(|()| devices)
    }

    async fn save(&self, pending: &Pending) -> Result<(), MetadataError> {
        use sea_orm::sea_query::ExprTrait as _;
        let transaction = self.begin().await?;
        for (device, (org, counts)) in pending {
            let plus = |column: device::Column, count: i64| Expr::col(column).add(count);
            // One that was deleted in the meantime has no row, which is no failure.
            device::Entity::update_many()
                .col_expr(device::Column::LastSeenMs, Expr::value(counts.last_seen_ms))
                .col_expr(device::Column::RowsAccepted, plus(device::Column::RowsAccepted, counts.rows))
                .col_expr(device::Column::Messages, plus(device::Column::Messages, counts.messages))
                .col_expr(device::Column::Errors, plus(device::Column::Errors, counts.errors))
                .filter(device::Column::Id.eq(*device.as_uuid()))
                .filter(device::Column::OrgId.eq(*org.as_uuid()))
                .exec(&transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn counts_add_up_and_memory_stays_bounded() {
        let activity = Activity::default();
        let org = OrgId::from_uuid(Uuid::nil());
        let device = |number: usize| DeviceId::from_uuid(Uuid::from_u128(number as u128));
        let counts = |last_seen_ms| Counts { last_seen_ms, rows: 2, messages: 1, errors: 1 };
        for number in 0..=MAX_PENDING {
            activity.add(org, device(number), counts(5));
        }
        activity.add(org, device(0), counts(4));
        assert_eq!(activity.of(device(0)), Counts { last_seen_ms: 5, rows: 4, messages: 2, errors: 2 });
        assert_eq!(activity.of(device(MAX_PENDING)), Counts::default());
        activity.forget(device(0));
        assert_eq!(activity.take().len(), MAX_PENDING - 1);
        assert_eq!(activity.of(device(1)), Counts::default());
    }
}
