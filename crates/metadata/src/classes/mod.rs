//! Classes of people: what each person in one may have ([`quotas`], [`storage`]). Whoever is in no class is not bound.
//!
//! Administrators make and change them, and put people into them ([`crate::PersonChange::class`]).
//!
//! Invariants:
//! - names are unique in an organisation without regard to case;
//! - a change names the version that it was made for, and fails if another one came first;
//! - a class that people are in is not deleted.
//!
//! Limits: [`MAX_CLASSES`] of one organisation, names of [`crate::registry::MAX_NAME`] characters.

pub mod quotas;
pub mod storage;

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use sensorium_model::{Action, ClassId, OrgId, Principal, Role};
use serde_json::{Value, json};
use uuid::Uuid;

use self::quotas::Quotas;
use crate::audit::Change;
use crate::entity::{person_class, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::registry::{Edit, RegistryError, check_name, name_key, wrong};

/// The most classes of one organisation.
pub const MAX_CLASSES: u64 = 100;
/// The most days of `retention_days`.
pub const MAX_RETENTION_DAYS: u64 = 36_500;
/// The most bytes of `storage_bytes`: a pebibyte.
pub const MAX_STORAGE_BYTES: u64 = 1 << 50;

/// What the record of changes calls it.
const SUBJECT: &str = "class";
const ONLY_ADMINISTRATORS: &str = "only administrators see and manage classes of people; sign in as one";

/// A class of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// The id.
    pub id: ClassId,
    /// Unique in the organisation without regard to case.
    pub name: String,
    /// What each person in it may have.
    pub quotas: Quotas,
    /// How many people are in it, without deleted ones.
    pub people: u64,
    /// Grows with each change; a change names the one that it was made for.
    pub version: i64,
    /// When it was added, in milliseconds since the epoch.
    pub created_at_ms: i64,
}

/// The class of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassRef {
    /// The id.
    pub id: ClassId,
    /// The name.
    pub name: String,
}

/// A class to add.
#[derive(Debug, Clone)]
pub struct NewClass {
    /// 1 to 100 characters, unique in the organisation without regard to case.
    pub name: String,
    /// What each person in it may have.
    pub quotas: Quotas,
}

/// What to change of a class; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ClassChange {
    /// The version that the change was made for.
    pub version: i64,
    /// Another name.
    pub name: Option<String>,
    /// Another number of devices.
    pub devices: Edit<u64>,
    /// Another rate of points.
    pub points_per_second: Edit<u64>,
    /// Another retention of the databases that they create.
    pub retention_days: Edit<u64>,
    /// Another bound of what the databases that they create take.
    pub storage_bytes: Edit<u64>,
}

impl Metadata {
    /// The classes of the caller's organisation, by name. Administrators only.
    pub async fn classes(&self, who: &Principal) -> Result<Vec<Class>, MetadataError> {
        require(who)?;
        let rows = person_class::Entity::find()
            .filter(person_class::Column::OrgId.eq(*who.org.as_uuid()))
            .order_by_asc(person_class::Column::NameKey)
            .all(self.db())
            .await?;
        let people: Vec<(Uuid, i64)> = user::Entity::find()
            .select_only()
            .column(user::Column::ClassId)
            .column_as(user::Column::Id.count(), "people")
            .filter(user::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(user::Column::ClassId.is_not_null())
            .filter(user::Column::Status.ne(user::Status::Deleted))
            .group_by(user::Column::ClassId)
            .into_tuple()
            .all(self.db())
            .await?;
        let people: HashMap<Uuid, i64> = people.into_iter().collect();
        let count = |id: &Uuid| people.get(id).map_or(0, |count| count.unsigned_abs());
        Ok(rows.into_iter().map(|row| class(count(&row.id), row)).collect())
    }

    /// A class of the caller's organisation. Administrators only.
    pub async fn class(&self, who: &Principal, id: ClassId) -> Result<Class, MetadataError> {
        require(who)?;
        let row = self.class_row(self.db(), who.org, id).await?;
        Ok(class(self.people_of(self.db(), &row).await?, row))
    }

    /// Adds a class. Administrators only.
    pub async fn create_class(&self, who: &Principal, new: NewClass) -> Result<Class, MetadataError> {
        require(who)?;
        let row = filled(
            person_class::Model {
                id: Self::new_id(),
                org_id: *who.org.as_uuid(),
                name: String::new(),
                name_key: String::new(),
                devices: None,
                points_per_second: None,
                retention_days: None,
                storage_bytes: None,
                version: 1,
                created_at_ms: self.now_ms(),
            },
            &new.name,
            new.quotas,
        )?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        self.check_class_name(&transaction, &row).await?;
        let present = person_class::Entity::find().filter(person_class::Column::OrgId.eq(row.org_id));
        if present.count(&transaction).await? >= MAX_CLASSES {
            let rule = format!("an organisation has at most {MAX_CLASSES} (MAX_CLASSES, a fixed limit); delete some");
            return Err(wrong("another class would be too many", rule));
        }
        person_class::Entity::insert(person_class::ActiveModel::from(row.clone()))
            .exec_without_returning(&transaction)
            .await?;
        self.record(&transaction, who, Change::created(SUBJECT, &row.name).after(facts(&row))).await?;
        transaction.commit().await?;
        Ok(class(0, row))
    }

    /// Changes a class. Once this returns, this server counts with the new quotas. Administrators only.
    pub async fn change_class(
        &self,
        who: &Principal,
        id: ClassId,
        change: ClassChange,
    ) -> Result<Class, MetadataError> {
        require(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let before = self.class_row(&transaction, who.org, id).await?;
        let people = self.people_of(&transaction, &before).await?;
        if change.version != before.version {
            return Err(MetadataError::ClassChanged(Box::new(class(people, before))));
        }
        let was = quotas_of(&before);
        let quotas = Quotas {
            devices: change.devices.apply(was.devices),
            points_per_second: change.points_per_second.apply(was.points_per_second),
            retention_days: change.retention_days.apply(was.retention_days),
            storage_bytes: change.storage_bytes.apply(was.storage_bytes),
        };
        let next = person_class::Model { version: before.version.saturating_add(1), ..before.clone() };
        let after = filled(next, change.name.as_deref().unwrap_or(&before.name), quotas)?;
        self.check_class_name(&transaction, &after).await?;
        let row = person_class::ActiveModel {
            name: Set(after.name.clone()),
            name_key: Set(after.name_key.clone()),
            devices: Set(after.devices),
            points_per_second: Set(after.points_per_second),
            retention_days: Set(after.retention_days),
            storage_bytes: Set(after.storage_bytes),
            version: Set(after.version),
            ..Default::default()
        };
        person_class::Entity::update_many()
            .set(row)
            .filter(person_class::Column::Id.eq(after.id))
            .filter(person_class::Column::OrgId.eq(after.org_id))
            .exec(&transaction)
            .await?;
        let entry = Change::new("changed", SUBJECT, &before.name).before(facts(&before)).after(facts(&after));
        self.record(&transaction, who, entry).await?;
        transaction.commit().await?;
        self.meters().forget_all();
        self.storage().forget();
        Ok(class(people, after))
    }

    /// Deletes a class that nobody is in. Administrators only.
    pub async fn delete_class(&self, who: &Principal, id: ClassId, version: i64) -> Result<(), MetadataError> {
        require(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let row = self.class_row(&transaction, who.org, id).await?;
        let people = self.people_of(&transaction, &row).await?;
        if version != row.version {
            return Err(MetadataError::ClassChanged(Box::new(class(people, row))));
        }
        if people > 0 {
            let sentence = format!("{people} people are in class {:?}; put them into another one first", row.name);
            return Err(MetadataError::InUse(sentence));
        }
        person_class::Entity::delete_many()
            .filter(person_class::Column::Id.eq(row.id))
            .filter(person_class::Column::OrgId.eq(row.org_id))
            .exec(&transaction)
            .await?;
        self.record(&transaction, who, Change::new("deleted", SUBJECT, &row.name).before(facts(&row))).await?;
        Ok(transaction.commit().await?)
    }

    pub(crate) async fn class_row(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        id: ClassId,
    ) -> Result<person_class::Model, MetadataError> {
        person_class::Entity::find_by_id(*id.as_uuid())
            .filter(person_class::Column::OrgId.eq(*org.as_uuid()))
            .one(on)
            .await?
            .ok_or(MetadataError::Missing("class"))
    }

    /// Classes of an organisation by id.
    pub(crate) async fn class_names(&self, org: OrgId, ids: Vec<Uuid>) -> Result<HashMap<Uuid, String>, MetadataError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = person_class::Entity::find()
            .filter(person_class::Column::OrgId.eq(*org.as_uuid()))
            .filter(person_class::Column::Id.is_in(ids))
            .all(self.db())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
    }

    async fn people_of(&self, on: &impl ConnectionTrait, row: &person_class::Model) -> Result<u64, MetadataError> {
        Ok(user::Entity::find()
            .filter(user::Column::OrgId.eq(row.org_id))
            .filter(user::Column::ClassId.eq(row.id))
            .filter(user::Column::Status.ne(user::Status::Deleted))
            .count(on)
            .await?)
    }

    async fn check_class_name(
        &self,
        on: &impl ConnectionTrait,
        row: &person_class::Model,
    ) -> Result<(), MetadataError> {
        let taken = person_class::Entity::find()
            .filter(person_class::Column::OrgId.eq(row.org_id))
            .filter(person_class::Column::NameKey.eq(row.name_key.as_str()))
            .filter(person_class::Column::Id.ne(row.id))
            .one(on)
            .await?;
        match taken {
            Some(taken) => Err(RegistryError::NameTaken { what: SUBJECT, name: taken.name }.into()),
            None => Ok(()),
        }
    }
}

fn require(who: &Principal) -> Result<(), MetadataError> {
    if who.allows(Action::ManagePeople(Role::Viewer)) {
        Ok(())
    } else {
        Err(MetadataError::Denied(ONLY_ADMINISTRATORS))
    }
}

fn class(people: u64, row: person_class::Model) -> Class {
    Class {
        id: ClassId::from_uuid(row.id),
        quotas: quotas_of(&row),
        people,
        version: row.version,
        created_at_ms: row.created_at_ms,
        name: row.name,
    }
}

pub(crate) fn quotas_of(row: &person_class::Model) -> Quotas {
    // Only what was checked is stored.
    let stored = |number: Option<i64>| number.map(i64::unsigned_abs);
    Quotas {
        devices: stored(row.devices),
        points_per_second: stored(row.points_per_second),
        retention_days: stored(row.retention_days),
        storage_bytes: stored(row.storage_bytes),
    }
}

/// A row with another name and other quotas, which are checked.
fn filled(row: person_class::Model, name: &str, quotas: Quotas) -> Result<person_class::Model, MetadataError> {
    let name = check_name(SUBJECT, name)?;
    let number = |quota: &str, value: Option<u64>, least: u64, most: u64| match value {
        Some(value) if !(least..=most).contains(&value) => {
            let rule = format!("use {least} to {most}, or null for no bound");
            Err(wrong(format!("{quota} {value} cannot be used"), rule))
        }
        value => Ok(value.and_then(|value| i64::try_from(value).ok())),
    };
    Ok(person_class::Model {
        name: name.to_owned(),
        name_key: name_key(name),
        devices: number("devices", quotas.devices, 0, crate::registry::MAX_DEVICES)?,
        points_per_second: number("points_per_second", quotas.points_per_second, 1, quotas::MAX_POINTS_PER_SECOND)?,
        retention_days: number("retention_days", quotas.retention_days, 1, MAX_RETENTION_DAYS)?,
        storage_bytes: number("storage_bytes", quotas.storage_bytes, 1, MAX_STORAGE_BYTES)?,
        ..row
    })
}

/// What the record of changes says about a class.
fn facts(row: &person_class::Model) -> Value {
    json!({
        "name": row.name,
        "devices": row.devices,
        "points_per_second": row.points_per_second,
        "retention_days": row.retention_days,
        "storage_bytes": row.storage_bytes,
    })
}
