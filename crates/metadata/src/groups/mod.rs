//! Groups: each shares devices and places with the people in it, who as guests see nothing else ([`visible`]).
//!
//! Administrators make and change them. Anybody may be in a group; it means something for guests only, because all others see all
//! devices. A place stands for all places inside of it, and for all devices that stand in any of these.
//!
//! Invariants:
//! - names are unique in an organisation without regard to case;
//! - a change names the version that it was made for, and fails if another one came first;
//! - all that a group has is of its own organisation, and leaves it when it is deleted;
//! - when a change has returned, guests see what is shared from then on.
//!
//! Limits: [`MAX_GROUPS`] of one organisation; [`MAX_MEMBERS`], [`MAX_GROUP_DEVICES`] and [`MAX_GROUP_PLACES`] of a group, and
//! [`MAX_ENTRIES`] of all groups together, which bounds a list of them; names of [`crate::registry::MAX_NAME`] and descriptions of
//! [`crate::registry::MAX_DESCRIPTION`] characters; [`facts::NAMED`] things of a kind in an entry of the record of changes.

mod contents;
mod error;
mod facts;
pub(crate) mod visible;

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Set};
use sensorium_model::{Action, DeviceId, GroupId, OrgId, PlaceId, Principal, UserId};
use uuid::Uuid;

use self::contents::{checked, groups_of, read, write};
use self::facts::facts;
use crate::audit::Change;
use crate::entity::{group_device, group_member, group_place, sharing_group};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::registry::{RegistryError, check_description, check_name, name_key, wrong};

pub use error::GroupError;

/// The most groups of one organisation.
pub const MAX_GROUPS: u64 = 1_000;
/// The most people of a group.
pub const MAX_MEMBERS: usize = 1_000;
/// The most devices of a group; a place stands for any number of them.
pub const MAX_GROUP_DEVICES: usize = 10_000;
/// The most places of a group.
pub const MAX_GROUP_PLACES: usize = 1_000;
/// The most people, devices and places of all groups of one organisation together.
pub const MAX_ENTRIES: u64 = 100_000;

/// What the record of changes calls it.
const SUBJECT: &str = "group";
const ONLY_ADMINISTRATORS: &str = "only administrators see and manage groups; sign in as one";

/// A group, and what it shares with whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The id.
    pub id: GroupId,
    /// Unique in the organisation without regard to case.
    pub name: String,
    /// May be empty.
    pub description: String,
    /// The people in it, by login.
    pub members: Vec<GroupMember>,
    /// The devices that it shares, by name; without those that stand in its places.
    pub devices: Vec<GroupDevice>,
    /// The places that it shares, by name; without those inside of them.
    pub places: Vec<GroupPlace>,
    /// Grows with each change of the group; a change names the one that it was made for.
    pub version: i64,
    /// When it was added, in milliseconds since the epoch.
    pub created_at_ms: i64,
}

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// The id.
    pub id: UserId,
    /// What the person signs in with.
    pub login: String,
    /// The name; may be empty.
    pub name: String,
}

/// A device that a group shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDevice {
    /// The id.
    pub id: DeviceId,
    /// The name.
    pub name: String,
}

/// A place that a group shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPlace {
    /// The id.
    pub id: PlaceId,
    /// The name.
    pub name: String,
}

/// A group to add.
#[derive(Debug, Clone, Default)]
pub struct NewGroup {
    /// 1 to 100 characters, unique in the organisation without regard to case.
    pub name: String,
    /// At most 1,000 characters; may be empty.
    pub description: String,
    /// Who is in it.
    pub members: Vec<UserId>,
    /// What it shares.
    pub devices: Vec<DeviceId>,
    /// What it shares, with all that is inside.
    pub places: Vec<PlaceId>,
}

/// What to change of a group; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct GroupChange {
    /// The version that the change was made for.
    pub version: i64,
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Other people, all that are to be in it.
    pub members: Option<Vec<UserId>>,
    /// Other devices, all that it is to share.
    pub devices: Option<Vec<DeviceId>>,
    /// Other places, all that it is to share.
    pub places: Option<Vec<PlaceId>>,
}

/// What a group is to have; what is none stays.
struct Wanted {
    members: Option<BTreeSet<Uuid>>,
    devices: Option<BTreeSet<Uuid>>,
    places: Option<BTreeSet<Uuid>>,
}

impl Wanted {
    fn checked(
        members: Option<Vec<UserId>>,
        devices: Option<Vec<DeviceId>>,
        places: Option<Vec<PlaceId>>,
    ) -> Result<Self, MetadataError> {
        let members = members.map(|ids| checked::<group_member::Entity>(ids.iter().map(|id| *id.as_uuid())));
        let devices = devices.map(|ids| checked::<group_device::Entity>(ids.iter().map(|id| *id.as_uuid())));
        let places = places.map(|ids| checked::<group_place::Entity>(ids.iter().map(|id| *id.as_uuid())));
        Ok(Self { members: members.transpose()?, devices: devices.transpose()?, places: places.transpose()? })
    }

    async fn write(&self, on: &impl ConnectionTrait, row: &sharing_group::Model) -> Result<(), MetadataError> {
        let (org, group) = (row.org_id, row.id);
        if let Some(ids) = &self.members {
            write::<group_member::Entity>(on, org, group, ids).await?;
        }
        if let Some(ids) = &self.devices {
            write::<group_device::Entity>(on, org, group, ids).await?;
        }
        if let Some(ids) = &self.places {
            write::<group_place::Entity>(on, org, group, ids).await?;
        }
        check_entries(on, org).await
    }
}

impl Metadata {
    /// The groups of the caller's organisation, by name. Administrators only.
    pub async fn groups(&self, who: &Principal) -> Result<Vec<Group>, MetadataError> {
        require(who)?;
        let rows = sharing_group::Entity::find()
            .filter(sharing_group::Column::OrgId.eq(*who.org.as_uuid()))
            .order_by_asc(sharing_group::Column::NameKey)
            .all(self.db())
            .await?;
        describe(self.db(), *who.org.as_uuid(), rows, None).await
    }

    /// A group of the caller's organisation. Administrators only.
    pub async fn group(&self, who: &Principal, id: GroupId) -> Result<Group, MetadataError> {
        require(who)?;
        let row = group_row(self.db(), who.org, id).await?;
        described(self.db(), row).await
    }

    /// Adds a group. Administrators only.
    pub async fn create_group(&self, who: &Principal, new: NewGroup) -> Result<Group, MetadataError> {
        require(who)?;
        let row = named(
            sharing_group::Model {
                id: Self::new_id(),
                org_id: *who.org.as_uuid(),
                name: String::new(),
                name_key: String::new(),
                description: String::new(),
                version: 1,
                created_at_ms: self.now_ms(),
            },
            &new.name,
            new.description,
        )?;
        let wanted = Wanted::checked(Some(new.members), Some(new.devices), Some(new.places))?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        check_group_name(&transaction, &row).await?;
        let present = sharing_group::Entity::find().filter(sharing_group::Column::OrgId.eq(row.org_id));
        if present.count(&transaction).await? >= MAX_GROUPS {
            let rule = format!("an organisation has at most {MAX_GROUPS} (MAX_GROUPS, a fixed limit); delete some");
            return Err(wrong("another group would be too many", rule));
        }
        sharing_group::Entity::insert(sharing_group::ActiveModel::from(row.clone()))
            .exec_without_returning(&transaction)
            .await?;
        wanted.write(&transaction, &row).await?;
        let made = described(&transaction, row).await?;
        let entry = Change::created(SUBJECT, &made.name).after(facts(&made, None));
        self.record(&transaction, who, entry).await?;
        transaction.commit().await?;
        Ok(made)
    }

    /// Changes a group. Administrators only.
    pub async fn change_group(
        &self,
        who: &Principal,
        id: GroupId,
        change: GroupChange,
    ) -> Result<Group, MetadataError> {
        require(who)?;
        let wanted = Wanted::checked(change.members, change.devices, change.places)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let before = group_of_version(&transaction, who.org, id, change.version).await?;
        let was = described(&transaction, before.clone()).await?;
        let next = sharing_group::Model { version: before.version.saturating_add(1), ..before.clone() };
        let name = change.name.as_deref().unwrap_or(&before.name);
        let after = named(next, name, change.description.unwrap_or(before.description))?;
        check_group_name(&transaction, &after).await?;
        let row = sharing_group::ActiveModel {
            name: Set(after.name.clone()),
            name_key: Set(after.name_key.clone()),
            description: Set(after.description.clone()),
            version: Set(after.version),
            ..Default::default()
        };
        sharing_group::Entity::update_many()
            .set(row)
            .filter(sharing_group::Column::Id.eq(after.id))
            .filter(sharing_group::Column::OrgId.eq(after.org_id))
            .exec(&transaction)
            .await?;
        wanted.write(&transaction, &after).await?;
        let is_now = described(&transaction, after).await?;
        let entry = Change::new("changed", SUBJECT, &was.name);
        let entry = entry.before(facts(&was, Some(&is_now))).after(facts(&is_now, Some(&was)));
        self.record(&transaction, who, entry).await?;
        transaction.commit().await?;
        Ok(is_now)
    }

    /// Deletes a group; what it had stays, and is no longer shared by it. Administrators only.
    pub async fn delete_group(&self, who: &Principal, id: GroupId, version: i64) -> Result<(), MetadataError> {
        require(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let row = group_of_version(&transaction, who.org, id, version).await?;
        let was = described(&transaction, row.clone()).await?;
        sharing_group::Entity::delete_many()
            .filter(sharing_group::Column::Id.eq(row.id))
            .filter(sharing_group::Column::OrgId.eq(row.org_id))
            .exec(&transaction)
            .await?;
        self.record(&transaction, who, Change::new("deleted", SUBJECT, &was.name).before(facts(&was, None))).await?;
        Ok(transaction.commit().await?)
    }

    /// Takes somebody who is deleted out of all groups: the row of a person stays.
    pub(crate) async fn leave_groups(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        person: UserId,
    ) -> Result<(), MetadataError> {
        group_member::Entity::delete_many()
            .filter(group_member::Column::OrgId.eq(*org.as_uuid()))
            .filter(group_member::Column::UserId.eq(*person.as_uuid()))
            .exec(on)
            .await?;
        Ok(())
    }
}

fn require(who: &Principal) -> Result<(), MetadataError> {
    if who.allows(Action::ManageGroups) { Ok(()) } else { Err(MetadataError::Denied(ONLY_ADMINISTRATORS)) }
}

async fn group_row(on: &impl ConnectionTrait, org: OrgId, id: GroupId) -> Result<sharing_group::Model, MetadataError> {
    sharing_group::Entity::find_by_id(*id.as_uuid())
        .filter(sharing_group::Column::OrgId.eq(*org.as_uuid()))
        .one(on)
        .await?
        .ok_or(MetadataError::Missing("group"))
}

/// A group, if it is in the version that a change was made for.
async fn group_of_version(
    on: &impl ConnectionTrait,
    org: OrgId,
    id: GroupId,
    version: i64,
) -> Result<sharing_group::Model, MetadataError> {
    let row = group_row(on, org, id).await?;
    if row.version == version {
        return Ok(row);
    }
    Err(GroupError::Changed(Box::new(described(on, row).await?)).into())
}

async fn described(on: &impl ConnectionTrait, row: sharing_group::Model) -> Result<Group, MetadataError> {
    let (org, group) = (row.org_id, row.id);
    describe(on, org, vec![row], Some(group)).await?.pop().ok_or(MetadataError::Missing("group"))
}

/// Adds to rows of an organisation what they have; `group` if it is a single one.
async fn describe(
    on: &impl ConnectionTrait,
    org: Uuid,
    rows: Vec<sharing_group::Model>,
    group: Option<Uuid>,
) -> Result<Vec<Group>, MetadataError> {
    let mut members: HashMap<Uuid, Vec<GroupMember>> = read::<group_member::Entity>(on, org, group).await?;
    let mut devices: HashMap<Uuid, Vec<GroupDevice>> = read::<group_device::Entity>(on, org, group).await?;
    let mut places: HashMap<Uuid, Vec<GroupPlace>> = read::<group_place::Entity>(on, org, group).await?;
    let groups = rows.into_iter().map(|row| Group {
        id: GroupId::from_uuid(row.id),
        members: members.remove(&row.id).unwrap_or_default(),
        devices: devices.remove(&row.id).unwrap_or_default(),
        places: places.remove(&row.id).unwrap_or_default(),
        name: row.name,
        description: row.description,
        version: row.version,
        created_at_ms: row.created_at_ms,
    });
    Ok(groups.collect())
}

/// A row with another name and another description, which are checked.
fn named(row: sharing_group::Model, name: &str, description: String) -> Result<sharing_group::Model, MetadataError> {
    let name = check_name(SUBJECT, name)?;
    check_description(SUBJECT, &description)?;
    Ok(sharing_group::Model { name: name.to_owned(), name_key: name_key(name), description, ..row })
}

async fn check_group_name(on: &impl ConnectionTrait, row: &sharing_group::Model) -> Result<(), MetadataError> {
    let taken = sharing_group::Entity::find()
        .filter(sharing_group::Column::OrgId.eq(row.org_id))
        .filter(sharing_group::Column::NameKey.eq(row.name_key.as_str()))
        .filter(sharing_group::Column::Id.ne(row.id))
        .one(on)
        .await?;
    match taken {
        Some(taken) => Err(RegistryError::NameTaken { what: SUBJECT, name: taken.name }.into()),
        None => Ok(()),
    }
}

/// Fails if the groups of an organisation have too much together.
async fn check_entries(on: &impl ConnectionTrait, org: Uuid) -> Result<(), MetadataError> {
    let members = group_member::Entity::find().filter(group_member::Column::GroupId.in_subquery(groups_of(org)));
    let devices = group_device::Entity::find().filter(group_device::Column::GroupId.in_subquery(groups_of(org)));
    let places = group_place::Entity::find().filter(group_place::Column::GroupId.in_subquery(groups_of(org)));
    let entries = members.count(on).await? + devices.count(on).await? + places.count(on).await?;
    if entries > MAX_ENTRIES {
        let rule = format!(
            "they have at most {MAX_ENTRIES} together (MAX_ENTRIES, a fixed limit); share places instead of single devices"
        );
        return Err(wrong(format!("{entries} people, devices and places of all groups are too many"), rule));
    }
    Ok(())
}
