//! Which devices and places somebody sees: the one place that decides it, for lists, counts, pages and single ones.
//!
//! Whoever may see devices sees all, with statements that have no condition for it. A guest sees what the groups share that they
//! are in: devices, and places with all places inside of them and all devices that stand in any of these. The database filters by
//! how groups are at that moment, so that what is taken out of a group is gone with the next statement. Where a device stands, and
//! what a place is in, is left out if it is itself not seen.

use std::collections::HashSet;

use sea_orm::sea_query::SelectStatement;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use sensorium_model::{Action, DeviceId, PlaceId, Principal, UserId};
use uuid::Uuid;

use crate::entity::{device, group_device, group_member, group_place, place};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::registry::may_read;

/// The longest way down from a place: to a building of a site, and to a floor of that.
const STEPS_DOWN: usize = 2;

/// What of an organisation's devices and places a caller sees.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Visible {
    /// All of them.
    All,
    /// Those that the groups of a person share.
    Shared { org: Uuid, with: UserId },
}

impl Visible {
    /// What a caller sees; fails if that can be nothing.
    pub(crate) fn to(who: &Principal) -> Result<Self, MetadataError> {
        match who.person() {
            Some(with) if who.allows(Action::SeeShared) => Ok(Self::Shared { org: *who.org.as_uuid(), with }),
            _ => may_read(who).map(|()| Self::All),
        }
    }

    /// Lets the devices through that are seen.
    pub(crate) fn devices(self) -> Condition {
        let Self::Shared { org, with } = self else { return Condition::all() };
        let alone = group_device::Entity::find()
            .select_only()
            .column(group_device::Column::DeviceId)
            .filter(group_device::Column::OrgId.eq(org))
            .filter(group_device::Column::GroupId.in_subquery(groups_of(org, with)));
        let places = place::Entity::find()
            .select_only()
            .column(place::Column::Id)
            .filter(place::Column::OrgId.eq(org))
            .filter(self.places());
        Condition::any()
            .add(device::Column::Id.in_subquery(alone.into_query()))
            .add(device::Column::PlaceId.in_subquery(places.into_query()))
    }

    /// Lets the places through that are seen.
    pub(crate) fn places(self) -> Condition {
        let Self::Shared { org, with } = self else { return Condition::all() };
        let shared = group_place::Entity::find()
            .select_only()
            .column(group_place::Column::PlaceId)
            .filter(group_place::Column::OrgId.eq(org))
            .filter(group_place::Column::GroupId.in_subquery(groups_of(org, with)));
        let mut places = shared.into_query();
        let mut any = Condition::any().add(place::Column::Id.in_subquery(places.clone()));
        for _ in 0..STEPS_DOWN {
            places = inside(org, places);
            any = any.add(place::Column::Id.in_subquery(places.clone()));
        }
        any
    }

    /// Takes out of devices that are seen where they stand, if that is not.
    pub(crate) async fn conceal_places(
        self,
        on: &impl ConnectionTrait,
        devices: &mut [device::Model],
    ) -> Result<(), MetadataError> {
        let seen = self.seen_of(on, devices.iter().filter_map(|row| row.place_id)).await?;
        let Some(seen) = seen else { return Ok(()) };
        for row in devices.iter_mut().filter(|row| row.place_id.is_some_and(|place| !seen.contains(&place))) {
            (row.place_id, row.place_x, row.place_y) = (None, None, None);
        }
        Ok(())
    }

    /// Takes out of places that are seen what they are in, if that is not.
    pub(crate) async fn conceal_parents(
        self,
        on: &impl ConnectionTrait,
        places: &mut [place::Model],
    ) -> Result<(), MetadataError> {
        let seen = self.seen_of(on, places.iter().filter_map(|row| row.parent_id)).await?;
        let Some(seen) = seen else { return Ok(()) };
        for row in places.iter_mut().filter(|row| row.parent_id.is_some_and(|parent| !seen.contains(&parent))) {
            row.parent_id = None;
        }
        Ok(())
    }

    /// Which of some places are seen; none for all.
    async fn seen_of(
        self,
        on: &impl ConnectionTrait,
        places: impl Iterator<Item = Uuid>,
    ) -> Result<Option<HashSet<Uuid>>, MetadataError> {
        let Self::Shared { org, .. } = self else { return Ok(None) };
        let places: HashSet<Uuid> = places.collect();
        if places.is_empty() {
            return Ok(Some(places));
        }
        let seen: Vec<Uuid> = place::Entity::find()
            .select_only()
            .column(place::Column::Id)
            .filter(place::Column::OrgId.eq(org))
            .filter(place::Column::Id.is_in(places))
            .filter(self.places())
            .into_tuple()
            .all(on)
            .await?;
        Ok(Some(seen.into_iter().collect()))
    }
}

impl Metadata {
    /// A device of the caller's organisation that the caller sees.
    pub(crate) async fn seen_device(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        id: DeviceId,
    ) -> Result<device::Model, MetadataError> {
        let visible = Visible::to(who)?;
        let found = device::Entity::find_by_id(*id.as_uuid())
            .filter(device::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(visible.devices());
        let mut row = found.one(on).await?.ok_or(MetadataError::Missing("device"))?;
        visible.conceal_places(on, std::slice::from_mut(&mut row)).await?;
        Ok(row)
    }

    /// A place of the caller's organisation that the caller sees.
    pub(crate) async fn seen_place(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        id: PlaceId,
    ) -> Result<place::Model, MetadataError> {
        let visible = Visible::to(who)?;
        let found = place::Entity::find_by_id(*id.as_uuid())
            .filter(place::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(visible.places());
        let mut row = found.one(on).await?.ok_or(MetadataError::Missing("place"))?;
        visible.conceal_parents(on, std::slice::from_mut(&mut row)).await?;
        Ok(row)
    }
}

/// The groups that a person is in.
fn groups_of(org: Uuid, person: UserId) -> SelectStatement {
    group_member::Entity::find()
        .select_only()
        .column(group_member::Column::GroupId)
        .filter(group_member::Column::OrgId.eq(org))
        .filter(group_member::Column::UserId.eq(*person.as_uuid()))
        .into_query()
}

/// The places that are in some places.
fn inside(org: Uuid, places: SelectStatement) -> SelectStatement {
    place::Entity::find()
        .select_only()
        .column(place::Column::Id)
        .filter(place::Column::OrgId.eq(org))
        .filter(place::Column::ParentId.in_subquery(places))
        .into_query()
}
