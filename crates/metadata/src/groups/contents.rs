//! What groups have: people, devices and places, each kind in a table of its own.

use std::collections::{BTreeSet, HashMap};

use sea_orm::sea_query::SelectStatement;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select, Set,
    TryGetableMany,
};
use sensorium_model::{DeviceId, PlaceId, UserId};
use uuid::Uuid;

use super::{GroupDevice, GroupError, GroupMember, GroupPlace, MAX_GROUP_DEVICES, MAX_GROUP_PLACES, MAX_MEMBERS};
use crate::entity::{device, group_device, group_member, group_place, place, sharing_group, user};
use crate::error::MetadataError;
use crate::registry::wrong;

/// Ids of one statement.
const STEP: usize = 500;

/// A table that says what groups have of one kind, and the table that these things are in.
pub(super) trait Contents: EntityTrait {
    type Thing: EntityTrait;
    /// What is read of a thing.
    type Row: TryGetableMany + Send;
    /// A thing as it is shown.
    type Shown: Clone;

    /// `person`, `device` or `place`.
    const WHAT: &'static str;
    /// The most of one group, and what that limit is called.
    const MOST: (usize, &'static str);
    const GROUP: Self::Column;
    const THING: Self::Column;
    const ORG: Self::Column;
    const THING_ID: <Self::Thing as EntityTrait>::Column;
    /// What things are sorted by.
    const THING_KEY: <Self::Thing as EntityTrait>::Column;
    /// The columns of a row.
    const THING_COLUMNS: &'static [<Self::Thing as EntityTrait>::Column];

    /// The things of an organisation that a group may have.
    fn things(org: Uuid) -> Select<Self::Thing>;
    /// The id of a thing, and the thing.
    fn shown(row: Self::Row) -> (Uuid, Self::Shown);
    fn entry(org: Uuid, group: Uuid, thing: Uuid) -> Self::ActiveModel;
}

impl Contents for group_member::Entity {
    type Thing = user::Entity;
    type Row = (Uuid, String, String);
    type Shown = GroupMember;

    const WHAT: &'static str = "person";
    const MOST: (usize, &'static str) = (MAX_MEMBERS, "MAX_MEMBERS");
    const GROUP: Self::Column = group_member::Column::GroupId;
    const THING: Self::Column = group_member::Column::UserId;
    const ORG: Self::Column = group_member::Column::OrgId;
    const THING_ID: user::Column = user::Column::Id;
    const THING_KEY: user::Column = user::Column::LoginKey;
    const THING_COLUMNS: &'static [user::Column] = &[user::Column::Id, user::Column::Login, user::Column::Name];

    fn things(org: Uuid) -> Select<user::Entity> {
        let people = user::Entity::find().filter(user::Column::OrgId.eq(org));
        people.filter(user::Column::Status.ne(user::Status::Deleted))
    }

    fn shown((id, login, name): Self::Row) -> (Uuid, GroupMember) {
        (id, GroupMember { id: UserId::from_uuid(id), login, name })
    }

    fn entry(org: Uuid, group: Uuid, thing: Uuid) -> group_member::ActiveModel {
        group_member::ActiveModel { group_id: Set(group), user_id: Set(thing), org_id: Set(org) }
    }
}

impl Contents for group_device::Entity {
    type Thing = device::Entity;
    type Row = (Uuid, String);
    type Shown = GroupDevice;

    const WHAT: &'static str = "device";
    const MOST: (usize, &'static str) = (MAX_GROUP_DEVICES, "MAX_GROUP_DEVICES");
    const GROUP: Self::Column = group_device::Column::GroupId;
    const THING: Self::Column = group_device::Column::DeviceId;
    const ORG: Self::Column = group_device::Column::OrgId;
    const THING_ID: device::Column = device::Column::Id;
    const THING_KEY: device::Column = device::Column::NameKey;
    const THING_COLUMNS: &'static [device::Column] = &[device::Column::Id, device::Column::Name];

    fn things(org: Uuid) -> Select<device::Entity> {
        device::Entity::find().filter(device::Column::OrgId.eq(org))
    }

    fn shown((id, name): Self::Row) -> (Uuid, GroupDevice) {
        (id, GroupDevice { id: DeviceId::from_uuid(id), name })
    }

    fn entry(org: Uuid, group: Uuid, thing: Uuid) -> group_device::ActiveModel {
        group_device::ActiveModel { group_id: Set(group), device_id: Set(thing), org_id: Set(org) }
    }
}

impl Contents for group_place::Entity {
    type Thing = place::Entity;
    type Row = (Uuid, String);
    type Shown = GroupPlace;

    const WHAT: &'static str = "place";
    const MOST: (usize, &'static str) = (MAX_GROUP_PLACES, "MAX_GROUP_PLACES");
    const GROUP: Self::Column = group_place::Column::GroupId;
    const THING: Self::Column = group_place::Column::PlaceId;
    const ORG: Self::Column = group_place::Column::OrgId;
    const THING_ID: place::Column = place::Column::Id;
    const THING_KEY: place::Column = place::Column::NameKey;
    const THING_COLUMNS: &'static [place::Column] = &[place::Column::Id, place::Column::Name];

    fn things(org: Uuid) -> Select<place::Entity> {
        place::Entity::find().filter(place::Column::OrgId.eq(org))
    }

    fn shown((id, name): Self::Row) -> (Uuid, GroupPlace) {
        (id, GroupPlace { id: PlaceId::from_uuid(id), name })
    }

    fn entry(org: Uuid, group: Uuid, thing: Uuid) -> group_place::ActiveModel {
        group_place::ActiveModel { group_id: Set(group), place_id: Set(thing), org_id: Set(org) }
    }
}

/// What each group of an organisation, or one of them, has of a kind, sorted.
pub(super) async fn read<C: Contents>(
    on: &impl ConnectionTrait,
    org: Uuid,
    group: Option<Uuid>,
) -> Result<HashMap<Uuid, Vec<C::Shown>>, MetadataError> {
    // By its groups, which the primary key finds.
    let of_groups = || match group {
        Some(group) => C::GROUP.eq(group),
        None => C::GROUP.in_subquery(groups_of(org)),
    };
    let entries = || C::find().select_only().column(C::THING).filter(C::ORG.eq(org)).filter(of_groups());
    let pairs: Vec<(Uuid, Uuid)> = entries().column(C::GROUP).into_tuple().all(on).await?;
    let mut groups_of: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for (thing, group) in pairs {
        groups_of.entry(thing).or_default().push(group);
    }
    let things = C::things(org).filter(C::THING_ID.in_subquery(entries().into_query()));
    let things = C::THING_COLUMNS.iter().fold(things.select_only(), |things, column| things.column(*column));
    let rows: Vec<C::Row> = things.order_by_asc(C::THING_KEY).order_by_asc(C::THING_ID).into_tuple().all(on).await?;
    let mut contents: HashMap<Uuid, Vec<C::Shown>> = HashMap::new();
    for (id, thing) in rows.into_iter().map(C::shown) {
        for group in groups_of.get(&id).into_iter().flatten() {
            contents.entry(*group).or_default().push(thing.clone());
        }
    }
    Ok(contents)
}

/// The groups of an organisation.
pub(super) fn groups_of(org: Uuid) -> SelectStatement {
    let groups = sharing_group::Entity::find().select_only().column(sharing_group::Column::Id);
    groups.filter(sharing_group::Column::OrgId.eq(org)).into_query()
}

/// The things that a group is to have, each once; fails if they are too many.
pub(super) fn checked<C: Contents>(ids: impl IntoIterator<Item = Uuid>) -> Result<BTreeSet<Uuid>, MetadataError> {
    let ids: BTreeSet<Uuid> = ids.into_iter().collect();
    let (most, limit) = C::MOST;
    if ids.len() > most {
        let rule = format!("a group has at most {most} of this kind ({limit}, a fixed limit); make another group");
        return Err(wrong(format!("{} are too many ({})", ids.len(), C::WHAT), rule));
    }
    Ok(ids)
}

/// Gives a group other things of a kind, all that it is to have. Fails on the first one that is not in the organisation.
pub(super) async fn write<C: Contents>(
    on: &impl ConnectionTrait,
    org: Uuid,
    group: Uuid,
    ids: &BTreeSet<Uuid>,
) -> Result<(), MetadataError> {
    let ids: Vec<Uuid> = ids.iter().copied().collect();
    for step in ids.chunks(STEP) {
        let known = C::things(org).filter(C::THING_ID.is_in(step.iter().copied()));
        let known: Vec<Uuid> = known.select_only().column(C::THING_ID).into_tuple().all(on).await?;
        let known: BTreeSet<Uuid> = known.into_iter().collect();
        if let Some(id) = step.iter().find(|id| !known.contains(id)) {
            return Err(GroupError::Unknown { what: C::WHAT, id: *id }.into());
        }
    }
    C::delete_many().filter(C::ORG.eq(org)).filter(C::GROUP.eq(group)).exec(on).await?;
    for step in ids.chunks(STEP) {
        let entries = step.iter().map(|thing| C::entry(org, group, *thing));
        C::insert_many(entries).exec_without_returning(on).await?;
    }
    Ok(())
}
