//! What the class of a person bounds: devices that they added and that are still there, points a second that they, their API tokens and
//! their devices write together, for how long databases that they create keep readings, and what these take together
//! ([`super::storage`]).
//!
//! What a device writes counts for the person who added it, what an API token writes and adds for the person who made it
//! ([`Principal::answerable`]). The server itself, and whoever is in no class, is not bound.
//!
//! Points are counted in memory: up to [`BURST_SECONDS`] of the quota may come at once. Each server of several on one database
//! counts for itself, and knows of a changed class after [`FRESH`] at the latest, this one at once. [`MAX_METERS`] people are
//! remembered; then counting starts anew.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};
use sensorium_model::{DatabaseKey, ErrorKind, OrgId, Principal, UserId};
use thiserror::Error;

use super::{quotas_of, storage};
use crate::config::millis;
use crate::entity::{device, person_class, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// The largest `points_per_second`.
pub const MAX_POINTS_PER_SECOND: u64 = 100_000_000;
/// So many seconds of a quota of points may come at once.
pub const BURST_SECONDS: u64 = 10;
/// How long a quota that was read is believed.
pub const FRESH: Duration = Duration::from_secs(30);
/// The most people whose points are counted.
pub const MAX_METERS: usize = 10_000;

/// What a person of a class may have; `None` is not bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Devices that they added, and that were not deleted.
    pub devices: Option<u64>,
    /// Points a second that they write.
    pub points_per_second: Option<u64>,
    /// Days for which databases that they create keep readings.
    pub retention_days: Option<u64>,
    /// Bytes that the databases that they created take together.
    pub storage_bytes: Option<u64>,
}

/// The quotas of a caller, and how much of them is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnQuotas {
    /// The name of the class; none if nothing is bound.
    pub class: Option<String>,
    /// The quotas.
    pub quotas: Quotas,
    /// Devices that the caller added.
    pub devices: u64,
    /// Bytes that the databases that the caller created take.
    pub storage_bytes: u64,
}

impl OwnQuotas {
    /// Fails if the databases that the caller created take all that they may.
    pub fn check_storage(&self) -> Result<(), QuotaError> {
        match (&self.class, self.quotas.storage_bytes) {
            (Some(class), Some(limit)) => storage::check(class, limit, self.storage_bytes),
            _ => Ok(()),
        }
    }
}

/// A quota that is used up; names the quota and the class.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuotaError {
    /// Too many devices.
    #[error(
        "the quota `devices` of class {class:?} is {limit}: {present} were added already, and {more} more would be too many; delete some, or ask an administrator for another class"
    )]
    Devices {
        /// The class.
        class: String,
        /// The quota.
        limit: u64,
        /// How many there are.
        present: u64,
        /// How many more were wanted.
        more: u64,
    },
    /// Points come too fast.
    #[error(
        "the quota `points_per_second` of class {class:?} is {limit}; send again in {} s, more slowly, or ask an administrator for another class",
        retry_after.as_secs().max(1)
    )]
    Points {
        /// The class.
        class: Arc<str>,
        /// The quota.
        limit: u64,
        /// When as many points are free.
        retry_after: Duration,
    },
    /// More points in one request than may come at once.
    #[error(
        "the quota `points_per_second` of class {class:?} is {limit}, and at most {most} points come at once; send these {sent} in several requests"
    )]
    PointsAtOnce {
        /// The class.
        class: Arc<str>,
        /// The quota.
        limit: u64,
        /// The most at once.
        most: u64,
        /// How many were sent.
        sent: u64,
    },
    /// The databases that a person created take all that they may.
    #[error(
        "the quota `storage_bytes` of class {class:?} is {limit}, and the databases that one person of it created take {used} bytes; delete readings, keep them for a shorter time, or ask an administrator for another class"
    )]
    Storage {
        /// The class.
        class: Arc<str>,
        /// The quota.
        limit: u64,
        /// What they take.
        used: u64,
    },
}

impl QuotaError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Devices { .. } => ErrorKind::Denied,
            Self::Points { .. } => ErrorKind::Busy,
            Self::PointsAtOnce { .. } => ErrorKind::TooLarge,
            Self::Storage { .. } => ErrorKind::NoSpace,
        }
    }
}

/// Counts the points of people.
#[derive(Default)]
pub(crate) struct Meters(Mutex<State>);

#[derive(Default)]
struct State {
    meters: HashMap<UserId, Meter>,
    /// Grows when something was forgotten, so that a quota that was read before is not remembered after.
    generation: u64,
}

struct Meter {
    read_ms: i64,
    /// The class and its quota, if points are bound.
    bound: Option<(Arc<str>, u64)>,
    /// Thousandths of points that are free.
    free: u64,
    counted_ms: i64,
}

impl Meter {
    fn new(bound: Option<(Arc<str>, u64)>, now_ms: i64) -> Self {
        let free = bound.as_ref().map_or(0, |(_, limit)| capacity(*limit));
        Self { read_ms: now_ms, bound, free, counted_ms: now_ms }
    }

    fn spend(&mut self, points: u64, now_ms: i64) -> Result<(), QuotaError> {
        let Some((class, limit)) = &self.bound else { return Ok(()) };
        let (class, limit) = (class.clone(), *limit);
        // A point a second is a thousandth of a point a millisecond.
        let elapsed = u64::try_from(now_ms.saturating_sub(self.counted_ms)).unwrap_or_default();
        self.free = self.free.saturating_add(elapsed.saturating_mul(limit)).min(capacity(limit));
        self.counted_ms = now_ms;
        let wanted = points.saturating_mul(1_000);
        if wanted > capacity(limit) {
            let most = limit.saturating_mul(BURST_SECONDS);
            return Err(QuotaError::PointsAtOnce { class, limit, most, sent: points });
        }
        match self.free.checked_sub(wanted) {
            Some(left) => {
                self.free = left;
                Ok(())
            }
            None => {
                let missing = wanted - self.free;
                Err(QuotaError::Points { class, limit, retry_after: Duration::from_millis(missing.div_ceil(limit)) })
            }
        }
    }
}

/// What may come at once, in thousandths of points.
fn capacity(limit: u64) -> u64 {
    limit.saturating_mul(BURST_SECONDS).saturating_mul(1_000)
}

impl Meters {
    /// Spends points of a person whose quota is known; `None` if it must be read.
    fn spend(&self, person: UserId, points: u64, now_ms: i64) -> Option<Result<(), QuotaError>> {
        let mut state = self.0.lock();
        let meter = state.meters.get_mut(&person)?;
        let is_fresh = (0..millis(FRESH)).contains(&now_ms.saturating_sub(meter.read_ms));
        is_fresh.then(|| meter.spend(points, now_ms))
    }

    fn generation(&self) -> u64 {
        self.0.lock().generation
    }

    /// Remembers a quota that was read since `generation`, and spends points of it. A quota that is as it was goes on from where it
    /// stood.
    fn learn(
        &self,
        generation: u64,
        person: UserId,
        bound: Option<(Arc<str>, u64)>,
        points: u64,
        now_ms: i64,
    ) -> Result<(), QuotaError> {
        let mut state = self.0.lock();
        if state.generation != generation {
            return Meter::new(bound, now_ms).spend(points, now_ms);
        }
        if state.meters.len() >= MAX_METERS && !state.meters.contains_key(&person) {
            state.meters.clear();
        }
        let meter = state.meters.entry(person).or_insert_with(|| Meter::new(bound.clone(), now_ms));
        if meter.bound == bound {
            meter.read_ms = now_ms;
        } else {
            *meter = Meter::new(bound, now_ms);
        }
        meter.spend(points, now_ms)
    }

    /// Forgets a person who has another class.
    pub(crate) fn forget(&self, person: UserId) {
        let mut state = self.0.lock();
        state.generation += 1;
        state.meters.remove(&person);
    }

    /// Forgets everyone, because a class has changed.
    pub(crate) fn forget_all(&self) {
        let mut state = self.0.lock();
        state.generation += 1;
        state.meters.clear();
    }
}

impl Metadata {
    /// The caller's quotas, and how much of them is used; `bytes_of` says what a database takes.
    pub async fn own_quotas(
        &self,
        who: &Principal,
        bytes_of: impl Fn(&DatabaseKey) -> u64,
    ) -> Result<OwnQuotas, MetadataError> {
        let Some(person) = who.answerable() else { return Ok(OwnQuotas::default()) };
        let devices = self.devices_added(self.db(), who.org, person).await?;
        let row = self.class_of(self.db(), who.org, person).await?;
        let quotas = row.as_ref().map(quotas_of).unwrap_or_default();
        let storage_bytes = self.databases_created(who.org, person).await?.iter().map(bytes_of).sum();
        Ok(OwnQuotas { class: row.map(|row| row.name), quotas, devices, storage_bytes })
    }

    /// Counts points that the caller is about to write, or says that the quota is used up.
    pub async fn spend_points(&self, who: &Principal, points: u64) -> Result<(), MetadataError> {
        let Some(person) = who.answerable() else { return Ok(()) };
        if let Some(spent) = self.meters().spend(person, points, self.now_ms()) {
            return Ok(spent?);
        }
        let generation = self.meters().generation();
        let row = self.class_of(self.db(), who.org, person).await?;
        let bound = row.and_then(|row| Some((row.name.as_str().into(), quotas_of(&row).points_per_second?)));
        Ok(self.meters().learn(generation, person, bound, points, self.now_ms())?)
    }

    /// Fails if so many devices more are too many for whoever answers for the caller. Asked after
    /// [`Metadata::claim_registry`], so that nobody adds one meanwhile.
    pub(crate) async fn check_quota_of_devices(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        more: u64,
    ) -> Result<(), MetadataError> {
        let Some(person) = who.answerable() else { return Ok(()) };
        let Some(row) = self.class_of(on, who.org, person).await? else { return Ok(()) };
        let Some(limit) = quotas_of(&row).devices else { return Ok(()) };
        let present = self.devices_added(on, who.org, person).await?;
        if present.saturating_add(more) > limit {
            return Err(QuotaError::Devices { class: row.name, limit, present, more }.into());
        }
        Ok(())
    }

    async fn devices_added(&self, on: &impl ConnectionTrait, org: OrgId, person: UserId) -> Result<u64, MetadataError> {
        Ok(device::Entity::find()
            .filter(device::Column::OrgId.eq(*org.as_uuid()))
            .filter(device::Column::AddedBy.eq(*person.as_uuid()))
            .count(on)
            .await?)
    }

    /// The class of a person.
    pub(super) async fn class_of(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        person: UserId,
    ) -> Result<Option<person_class::Model>, MetadataError> {
        let row =
            user::Entity::find_by_id(*person.as_uuid()).filter(user::Column::OrgId.eq(*org.as_uuid())).one(on).await?;
        let Some(class) = row.and_then(|row| row.class_id) else { return Ok(None) };
        let class = person_class::Entity::find_by_id(class).filter(person_class::Column::OrgId.eq(*org.as_uuid()));
        Ok(class.one(on).await?)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn person(number: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(number))
    }

    fn bound(limit: u64) -> Option<(Arc<str>, u64)> {
        Some(("guests".into(), limit))
    }

    #[test]
    fn ten_seconds_of_the_quota_come_at_once_and_the_rest_at_its_rate() {
        let meters = Meters::default();
        assert!(meters.spend(person(1), 1, 0).is_none(), "nothing is known yet");
        assert_eq!(meters.learn(0, person(1), bound(2), 19, 0), Ok(()));
        assert_eq!(meters.spend(person(1), 1, 0), Some(Ok(())));
        let wait = |millis| QuotaError::Points {
            class: "guests".into(),
            limit: 2,
            retry_after: Duration::from_millis(millis),
        };
        assert_eq!(meters.spend(person(1), 1, 100), Some(Err(wait(400))), "half a second makes a point");
        assert_eq!(meters.spend(person(1), 1, 500), Some(Ok(())));
        assert_eq!(meters.spend(person(1), 20, 29_000), Some(Ok(())), "no more than ten seconds are saved up");
        assert_eq!(meters.spend(person(1), 1, 29_000), Some(Err(wait(500))));
        let too_many = QuotaError::PointsAtOnce { class: "guests".into(), limit: 2, most: 20, sent: 21 };
        assert_eq!(meters.spend(person(1), 21, 29_999), Some(Err(too_many)));
        assert!(meters.spend(person(1), 1, 30_000).is_none(), "the quota is read again");
        assert!(meters.learn(0, person(1), bound(2), 4, 30_000).is_err(), "it goes on from where it stood");
        assert!(meters.spend(person(1), 1, 20_000).is_none(), "so it is when the clock was set back");
    }

    #[test]
    fn a_change_counts_at_once_and_a_look_up_beside_it_is_not_remembered() {
        let meters = Meters::default();
        assert_eq!(meters.learn(0, person(1), None, 1_000_000, 0), Ok(()), "no class, no bound");
        assert_eq!(meters.spend(person(1), 1_000_000, 1), Some(Ok(())));
        let before = meters.generation();
        meters.forget(person(1));
        assert_eq!(meters.learn(before, person(1), None, 5, 2), Ok(()));
        assert!(meters.spend(person(1), 5, 2).is_none(), "it was read before the change");
        assert_eq!(meters.learn(meters.generation(), person(1), bound(1), 10, 2), Ok(()));
        meters.forget_all();
        assert!(meters.spend(person(1), 0, 2).is_none());
    }

    #[test]
    fn memory_stays_bounded() {
        let meters = Meters::default();
        for number in 0..=MAX_METERS as u128 {
            meters.learn(0, person(number), bound(1), 0, 0).unwrap();
        }
        assert_eq!(meters.0.lock().meters.len(), 1);
    }
}
