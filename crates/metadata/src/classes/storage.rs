//! The quota `storage_bytes`: what the databases that a person created may take together. When it is used up, readings for these
//! databases are refused, whoever sends them, until there is room.
//!
//! What a database takes is for the store to say; it is not known here.
//!
//! Invariants:
//! - who created a database is recorded with the change itself; what an API token creates counts for the person who made it
//!   ([`Principal::answerable`]). A database of the server itself, of a token that no person made, or of a person who was deleted
//!   binds nobody;
//! - a database counts in its own organisation only;
//! - while what is known of a database is fresh, a write costs no statement, and asks what databases take once in [`MEASURED`] and
//!   person; so the quota is overrun by at most what comes in that time.
//!
//! Each server of several on one database knows of a changed class, and of a database that another one created, after
//! [`quotas::FRESH`] at the latest; this one knows at once. [`MAX_KNOWN`] databases are remembered; then all are read anew.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use sensorium_model::{DatabaseKey, DatabaseName, OrgId, Principal, UserId};

use super::quotas::{self, QuotaError};
use super::quotas_of;
use crate::audit::Change;
use crate::config::millis;
use crate::entity::database_creator;
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// How long it is believed what databases take.
pub const MEASURED: Duration = Duration::from_secs(1);
/// The most databases of which it is known whom they bind.
pub const MAX_KNOWN: usize = 10_000;

/// Fails if databases take all that they may.
pub(super) fn check(class: &str, limit: u64, used: u64) -> Result<(), QuotaError> {
    if used < limit { Ok(()) } else { Err(QuotaError::Storage { class: class.into(), limit, used }) }
}

/// What bounds the databases of a person.
struct Bound {
    class: String,
    limit: u64,
    /// Those that the person created.
    databases: Vec<DatabaseKey>,
    /// When they were measured, and what they took.
    measured: Mutex<Option<(i64, u64)>>,
}

impl Bound {
    fn new(class: String, limit: u64, databases: Vec<DatabaseKey>) -> Self {
        Self { class, limit, databases, measured: Mutex::default() }
    }

    fn check(&self, now_ms: i64, bytes_of: impl Fn(&DatabaseKey) -> u64) -> Result<(), QuotaError> {
        let mut measured = self.measured.lock();
        let fresh = measured.filter(|(at, _)| (0..millis(MEASURED)).contains(&now_ms.saturating_sub(*at)));
        let (at, used) = fresh.unwrap_or_else(|| (now_ms, self.databases.iter().map(bytes_of).sum()));
        *measured = Some((at, used));
        check(&self.class, self.limit, used)
    }
}

/// What bounds databases, as far as it was asked lately.
#[derive(Default)]
pub(crate) struct Bounds(Mutex<State>);

#[derive(Default)]
struct State {
    known: HashMap<DatabaseKey, Known>,
    /// Grows when something was forgotten, so that what was read before is not remembered after.
    generation: u64,
}

#[derive(Clone)]
struct Known {
    read_ms: i64,
    /// Nothing, if the database binds nobody.
    bound: Option<Arc<Bound>>,
}

impl Bounds {
    /// What is known of a database; `None` if it must be read.
    fn find(&self, database: &DatabaseKey, now_ms: i64) -> Option<Known> {
        let state = self.0.lock();
        let known = state.known.get(database)?;
        (0..millis(quotas::FRESH)).contains(&now_ms.saturating_sub(known.read_ms)).then(|| known.clone())
    }

    fn generation(&self) -> u64 {
        self.0.lock().generation
    }

    /// Remembers what was read of a database since `generation`, for all that count together.
    fn learn(&self, generation: u64, database: &DatabaseKey, known: &Known) {
        let mut state = self.0.lock();
        if state.generation != generation {
            return;
        }
        let together = known.bound.as_ref().map_or(std::slice::from_ref(database), |bound| bound.databases.as_slice());
        if state.known.len() + together.len() > MAX_KNOWN {
            state.known.clear();
        }
        state.known.extend(together.iter().map(|database| (database.clone(), known.clone())));
    }

    /// Forgets everything, because a class, who is in one, or who created what has changed.
    pub(crate) fn forget(&self) {
        let mut state = self.0.lock();
        state.generation += 1;
        state.known.clear();
    }
}

impl Metadata {
    /// Records that the caller created a database, which counts for whoever answers for them from then on.
    pub async fn record_database(&self, who: &Principal, name: &DatabaseName) -> Result<(), MetadataError> {
        let transaction = self.begin().await?;
        // One of this name that is no more, as after an older copy of the readings was put back, counts no longer.
        database_creator::Entity::delete_many()
            .filter(database_creator::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(database_creator::Column::Name.eq(name.as_str()))
            .exec(&transaction)
            .await?;
        if let Some(person) = who.answerable() {
            let row = database_creator::Model {
                id: Self::new_id(),
                org_id: *who.org.as_uuid(),
                name: name.to_string(),
                created_by: *person.as_uuid(),
                created_at_ms: self.now_ms(),
            };
            database_creator::Entity::insert(database_creator::ActiveModel::from(row))
                .exec_without_returning(&transaction)
                .await?;
        }
        self.record(&transaction, who, Change::created("database", name.as_str())).await?;
        transaction.commit().await?;
        self.storage().forget();
        Ok(())
    }

    /// Fails if a database takes no readings, because those of whoever created it take all that they may. `bytes_of` says what a
    /// database takes.
    pub async fn check_storage(
        &self,
        database: &DatabaseKey,
        bytes_of: impl Fn(&DatabaseKey) -> u64,
    ) -> Result<(), MetadataError> {
        let now_ms = self.now_ms();
        let known = match self.storage().find(database, now_ms) {
            Some(known) => known,
            None => {
                let generation = self.storage().generation();
                let known = Known { read_ms: now_ms, bound: self.storage_bound(database).await?.map(Arc::new) };
                self.storage().learn(generation, database, &known);
                known
            }
        };
        match known.bound {
            Some(bound) => Ok(bound.check(now_ms, bytes_of)?),
            None => Ok(()),
        }
    }

    async fn storage_bound(&self, database: &DatabaseKey) -> Result<Option<Bound>, MetadataError> {
        let org = database.org;
        let creator = database_creator::Entity::find()
            .filter(database_creator::Column::OrgId.eq(*org.as_uuid()))
            .filter(database_creator::Column::Name.eq(database.name.as_str()))
            .one(self.db())
            .await?;
        let Some(person) = creator.map(|row| UserId::from_uuid(row.created_by)) else { return Ok(None) };
        let Some(class) = self.class_of(self.db(), org, person).await? else { return Ok(None) };
        let Some(limit) = quotas_of(&class).storage_bytes else { return Ok(None) };
        Ok(Some(Bound::new(class.name, limit, self.databases_created(org, person).await?)))
    }

    /// The databases that a person created.
    pub(super) async fn databases_created(
        &self,
        org: OrgId,
        person: UserId,
    ) -> Result<Vec<DatabaseKey>, MetadataError> {
        let rows = database_creator::Entity::find()
            .filter(database_creator::Column::OrgId.eq(*org.as_uuid()))
            .filter(database_creator::Column::CreatedBy.eq(*person.as_uuid()))
            .all(self.db())
            .await?;
        // Only names that were checked are stored.
        let key = |row: database_creator::Model| Some(DatabaseKey::new(org, DatabaseName::new(&row.name).ok()?));
        Ok(rows.into_iter().filter_map(key).collect())
    }

    /// Forgets which databases a person created, who is deleted.
    pub(crate) async fn drop_creator(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        person: UserId,
    ) -> Result<(), MetadataError> {
        database_creator::Entity::delete_many()
            .filter(database_creator::Column::OrgId.eq(*org.as_uuid()))
            .filter(database_creator::Column::CreatedBy.eq(*person.as_uuid()))
            .exec(on)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use uuid::Uuid;

    use super::*;

    fn key(name: &str) -> DatabaseKey {
        DatabaseKey::new(OrgId::from_uuid(Uuid::from_u128(1)), DatabaseName::new(name).unwrap())
    }

    #[test]
    fn databases_are_measured_once_a_second_and_writes_resume_by_themselves() {
        let bound = Bound::new("Guests".into(), 10, vec![key("a"), key("b")]);
        let (bytes, asked) = (Cell::new(4), Cell::new(0));
        let measure = |_: &DatabaseKey| {
            asked.set(asked.get() + 1);
            bytes.get()
        };
        assert_eq!(bound.check(0, measure), Ok(()), "8 of 10");
        bytes.set(5);
        assert_eq!(bound.check(999, measure), Ok(()), "it is believed for a second");
        assert_eq!(asked.get(), 2);
        let full = QuotaError::Storage { class: "Guests".into(), limit: 10, used: 10 };
        assert_eq!(bound.check(1_000, measure), Err(full));
        bytes.set(0);
        assert!(bound.check(1_999, measure).is_err());
        assert_eq!(bound.check(2_000, measure), Ok(()));
        assert_eq!(asked.get(), 6);
        assert_eq!(bound.check(500, measure), Ok(()));
        assert_eq!(asked.get(), 8, "it is measured when the clock was set back");
    }

    #[test]
    fn what_counts_together_is_learned_at_once_and_not_after_a_change() {
        let bounds = Bounds::default();
        let bound = Arc::new(Bound::new("Guests".into(), 10, vec![key("a"), key("b")]));
        let known = Known { read_ms: 0, bound: Some(bound) };
        bounds.learn(0, &key("a"), &known);
        assert!(bounds.find(&key("b"), 0).is_some() && bounds.find(&key("c"), 0).is_none());
        assert!(bounds.find(&key("b"), millis(quotas::FRESH)).is_none(), "it is read again");
        bounds.forget();
        assert!(bounds.find(&key("a"), 0).is_none());
        bounds.learn(0, &key("a"), &known);
        assert!(bounds.find(&key("a"), 0).is_none(), "it was read before the change");
    }

    #[test]
    fn memory_stays_bounded() {
        let bounds = Bounds::default();
        for number in 0..=MAX_KNOWN {
            bounds.learn(0, &key(&format!("d{number}")), &Known { read_ms: 0, bound: None });
        }
        assert_eq!(bounds.0.lock().known.len(), 1);
    }
}
