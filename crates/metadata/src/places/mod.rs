//! Where devices are: sites, buildings and floors, each with a place on Earth, and a plan ([`plan`]) on which devices stand.
//!
//! Invariants:
//! - a site stands by itself, a building in a site or by itself, a floor in a building; so there are no circles;
//! - names are unique among the places with the same parent, without regard to case;
//! - a change names the version that it was made for, and fails if another one came first;
//! - a place that has places or devices in it is not deleted.
//!
//! Limits: [`MAX_PLACES`] of one organisation, names of [`crate::registry::MAX_NAME`] characters, floors of [`LEVELS`].

mod path;
mod plan;

use std::collections::HashMap;
use std::ops::RangeInclusive;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use sensorium_model::{OrgId, PlaceId, Principal};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::Change;
use crate::entity::{device, place};
use crate::error::MetadataError;
use crate::groups::visible::Visible;
use crate::metadata::Metadata;
use crate::registry::{Edit, Location, RegistryError, check_location, check_name, may_manage, name_key, wrong};

pub use path::{NoPath, PlacePath};
pub use plan::{NewPicture, Picture};

/// The most places of one organisation.
pub const MAX_PLACES: u64 = 2_000;
/// The floors that a building may have; 0 is the ground.
pub const LEVELS: RangeInclusive<i32> = -100..=1_000;
/// The most metres that a pixel of a plan may stand for.
pub const MAX_METRES_PER_PIXEL: f64 = 10_000.0;

/// What the record of changes calls it.
const SUBJECT: &str = "place";
/// Names that a sentence tells.
const NAMED: usize = 10;

/// What a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceKind {
    /// Some ground, such as a campus or a farm.
    Site,
    /// A building.
    Building,
    /// A floor of a building.
    Floor,
}

impl PlaceKind {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Building => "building",
            Self::Floor => "floor",
        }
    }

    /// What was stored; a word that this version does not know counts as a site.
    fn of(word: &str) -> Self {
        [Self::Building, Self::Floor].into_iter().find(|kind| kind.as_str() == word).unwrap_or(Self::Site)
    }
}

/// A site, a building or a floor.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The id.
    pub id: PlaceId,
    /// Unique among the places with the same parent, without regard to case.
    pub name: String,
    /// What it is.
    pub kind: PlaceKind,
    /// What it is in.
    pub parent: Option<PlaceId>,
    /// Where it is.
    pub location: Option<Location>,
    /// Of a floor; 0 is the ground.
    pub level: Option<i32>,
    /// Its plan without the picture.
    pub plan: Option<Plan>,
    /// Devices that stand on its own plan.
    pub devices: u64,
    /// Grows with each change; a change names the one that it was made for.
    pub version: i64,
    /// When it was added, in milliseconds since the epoch.
    pub created_at_ms: i64,
}

/// What is known about the plan of a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Such as `image/png`.
    pub media_type: String,
    /// The scale, if one was set.
    pub metres_per_pixel: Option<f64>,
    /// When the picture was uploaded, in milliseconds since the epoch.
    pub changed_at_ms: i64,
}

/// A place to add.
#[derive(Debug, Clone)]
pub struct NewPlace {
    /// 1 to 100 characters.
    pub name: String,
    /// What it is.
    pub kind: PlaceKind,
    /// What it is in.
    pub parent: Option<PlaceId>,
    /// Where it is.
    pub location: Option<Location>,
    /// Of a floor.
    pub level: Option<i32>,
}

/// What to change of a place; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct PlaceChange {
    /// The version that the change was made for.
    pub version: i64,
    /// Another name.
    pub name: Option<String>,
    /// Another place on Earth.
    pub location: Edit<Location>,
    /// Another level, of a floor.
    pub level: Edit<i32>,
    /// Another scale of the plan.
    pub metres_per_pixel: Edit<f64>,
}

impl Metadata {
    /// The places of the caller's organisation that the caller sees, by name.
    pub async fn places(&self, who: &Principal) -> Result<Vec<Place>, MetadataError> {
        let visible = Visible::to(who)?;
        let mut rows = place::Entity::find()
            .filter(place::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(visible.places())
            .order_by_asc(place::Column::NameKey)
            .order_by_asc(place::Column::Id)
            .all(self.db())
            .await?;
        visible.conceal_parents(self.db(), &mut rows).await?;
        let counts = self.devices_of_places(who.org).await?;
        Ok(rows.into_iter().map(|row| described(&row, counts.get(&row.id).copied().unwrap_or(0))).collect())
    }

    /// A place of the caller's organisation that the caller sees.
    pub async fn place(&self, who: &Principal, id: PlaceId) -> Result<Place, MetadataError> {
        let row = self.seen_place(self.db(), who, id).await?;
        self.describe_place(self.db(), &row).await
    }

    /// Adds a place.
    pub async fn create_place(&self, who: &Principal, new: NewPlace) -> Result<Place, MetadataError> {
        may_manage(who)?;
        let name = check_name("place", &new.name)?;
        let row = place::Model {
            id: Self::new_id(),
            org_id: *who.org.as_uuid(),
            name: name.to_owned(),
            name_key: name_key(name),
            kind: new.kind.as_str().to_owned(),
            parent_id: new.parent.map(|id| *id.as_uuid()),
            latitude: new.location.map(|at| at.latitude),
            longitude: new.location.map(|at| at.longitude),
            level: new.level,
            plan_width: None,
            plan_height: None,
            plan_media_type: None,
            plan_changed_at_ms: None,
            metres_per_pixel: None,
            version: 1,
            created_at_ms: self.now_ms(),
        };
        check(&row)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        self.check_parent(&transaction, &row).await?;
        self.check_name_among_siblings(&transaction, &row).await?;
        let present = place::Entity::find().filter(place::Column::OrgId.eq(row.org_id)).count(&transaction).await?;
        if present >= MAX_PLACES {
            let rule = format!("an organisation has at most {MAX_PLACES} (MAX_PLACES, a fixed limit); delete some");
            return Err(wrong("there are too many places", rule));
        }
        place::Entity::insert(place::ActiveModel::from(row.clone())).exec_without_returning(&transaction).await?;
        self.record(&transaction, who, Change::created(SUBJECT, &row.name).after(facts(&row))).await?;
        transaction.commit().await?;
        Ok(described(&row, 0))
    }

    /// Changes a place.
    pub async fn change_place(
        &self,
        who: &Principal,
        id: PlaceId,
        change: PlaceChange,
    ) -> Result<Place, MetadataError> {
        may_manage(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let before = self.place_of_version(&transaction, who, id, change.version).await?;
        let mut after = place::Model { version: before.version.saturating_add(1), ..before.clone() };
        if let Some(name) = &change.name {
            check_name("place", name)?.clone_into(&mut after.name);
            after.name_key = name_key(&after.name);
        }
        let location = change.location.apply(location(&before));
        (after.latitude, after.longitude) = (location.map(|at| at.latitude), location.map(|at| at.longitude));
        after.level = change.level.apply(before.level);
        after.metres_per_pixel = change.metres_per_pixel.apply(before.metres_per_pixel);
        check(&after)?;
        self.check_name_among_siblings(&transaction, &after).await?;
        self.replace_place(&transaction, &after).await?;
        let entry = Change::new("changed", SUBJECT, &before.name).before(facts(&before)).after(facts(&after));
        self.record(&transaction, who, entry).await?;
        let now = self.describe_place(&transaction, &after).await?;
        transaction.commit().await?;
        Ok(now)
    }

    /// Deletes a place that nothing is in, with its plan.
    pub async fn delete_place(&self, who: &Principal, id: PlaceId, version: i64) -> Result<(), MetadataError> {
        may_manage(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let row = self.place_of_version(&transaction, who, id, version).await?;
        let places: Vec<String> = place::Entity::find()
            .select_only()
            .column(place::Column::Name)
            .filter(place::Column::OrgId.eq(row.org_id))
            .filter(place::Column::ParentId.eq(row.id))
            .order_by_asc(place::Column::NameKey)
            .into_tuple()
            .all(&transaction)
            .await?;
        let devices: Vec<String> = device::Entity::find()
            .select_only()
            .column(device::Column::Name)
            .filter(device::Column::OrgId.eq(row.org_id))
            .filter(device::Column::PlaceId.eq(row.id))
            .order_by_asc(device::Column::NameKey)
            .into_tuple()
            .all(&transaction)
            .await?;
        if let Some(sentence) = in_use(&places, &devices) {
            return Err(MetadataError::InUse(sentence));
        }
        place::Entity::delete_many()
            .filter(place::Column::Id.eq(row.id))
            .filter(place::Column::OrgId.eq(row.org_id))
            .exec(&transaction)
            .await?;
        self.record(&transaction, who, Change::new("deleted", SUBJECT, &row.name).before(facts(&row))).await?;
        Ok(transaction.commit().await?)
    }

    pub(crate) async fn place_row(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        id: PlaceId,
    ) -> Result<place::Model, MetadataError> {
        let found = place::Entity::find_by_id(*id.as_uuid()).filter(place::Column::OrgId.eq(*org.as_uuid()));
        found.one(on).await?.ok_or(MetadataError::Missing("place"))
    }

    /// A place that the caller sees with all that is below it; a floor has nothing below, so there are at most three steps.
    pub(crate) async fn places_within(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        id: PlaceId,
    ) -> Result<Vec<Uuid>, MetadataError> {
        let mut within = vec![self.seen_place(on, who, id).await?.id];
        let mut newest = within.clone();
        while !newest.is_empty() {
            newest = place::Entity::find()
                .select_only()
                .column(place::Column::Id)
                .filter(place::Column::OrgId.eq(*who.org.as_uuid()))
                .filter(place::Column::ParentId.is_in(newest))
                .into_tuple()
                .all(on)
                .await?;
            within.extend(&newest);
        }
        Ok(within)
    }

    /// A place, if it is in the version that a change was made for.
    async fn place_of_version(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        id: PlaceId,
        version: i64,
    ) -> Result<place::Model, MetadataError> {
        let row = self.place_row(on, who.org, id).await?;
        if row.version == version {
            return Ok(row);
        }
        Err(MetadataError::PlaceChanged(Box::new(self.describe_place(on, &row).await?)))
    }

    async fn describe_place(&self, on: &impl ConnectionTrait, row: &place::Model) -> Result<Place, MetadataError> {
        let devices = device::Entity::find()
            .filter(device::Column::OrgId.eq(row.org_id))
            .filter(device::Column::PlaceId.eq(row.id))
            .count(on)
            .await?;
        Ok(described(row, devices))
    }

    /// How many devices stand on the plan of each place that has some.
    async fn devices_of_places(&self, org: OrgId) -> Result<HashMap<Uuid, u64>, MetadataError> {
        let counts: Vec<(Uuid, i64)> = device::Entity::find()
            .select_only()
            .column(device::Column::PlaceId)
            .column_as(device::Column::Id.count(), "count")
            .filter(device::Column::OrgId.eq(*org.as_uuid()))
            .filter(device::Column::PlaceId.is_not_null())
            .group_by(device::Column::PlaceId)
            .into_tuple()
            .all(self.db())
            .await?;
        Ok(counts.into_iter().map(|(id, count)| (id, u64::try_from(count).unwrap_or(0))).collect())
    }

    async fn check_parent(&self, on: &impl ConnectionTrait, row: &place::Model) -> Result<(), MetadataError> {
        let parent = match row.parent_id {
            Some(id) => Some(self.place_row(on, OrgId::from_uuid(row.org_id), PlaceId::from_uuid(id)).await?),
            None => None,
        };
        let parent = parent.map(|parent| PlaceKind::of(&parent.kind));
        match (PlaceKind::of(&row.kind), parent) {
            (PlaceKind::Site | PlaceKind::Building, None)
            | (PlaceKind::Building, Some(PlaceKind::Site))
            | (PlaceKind::Floor, Some(PlaceKind::Building)) => Ok(()),
            _ => Err(wrong(
                format!("a {} cannot be there", row.kind),
                "a site stands by itself, a building in a site or by itself, a floor in a building",
            )),
        }
    }

    async fn check_name_among_siblings(
        &self,
        on: &impl ConnectionTrait,
        row: &place::Model,
    ) -> Result<(), MetadataError> {
        let siblings = place::Entity::find()
            .filter(place::Column::OrgId.eq(row.org_id))
            .filter(place::Column::NameKey.eq(row.name_key.as_str()))
            .filter(place::Column::Id.ne(row.id));
        let siblings = match row.parent_id {
            Some(parent) => siblings.filter(place::Column::ParentId.eq(parent)),
            None => siblings.filter(place::Column::ParentId.is_null()),
        };
        match siblings.one(on).await? {
            Some(taken) => Err(RegistryError::NameTaken { what: "place", name: taken.name }.into()),
            None => Ok(()),
        }
    }

    /// Puts a row in the place of the one before it.
    async fn replace_place(&self, on: &impl ConnectionTrait, after: &place::Model) -> Result<(), MetadataError> {
        let row = place::ActiveModel {
            name: Set(after.name.clone()),
            name_key: Set(after.name_key.clone()),
            latitude: Set(after.latitude),
            longitude: Set(after.longitude),
            level: Set(after.level),
            plan_width: Set(after.plan_width),
            plan_height: Set(after.plan_height),
            plan_media_type: Set(after.plan_media_type.clone()),
            plan_changed_at_ms: Set(after.plan_changed_at_ms),
            metres_per_pixel: Set(after.metres_per_pixel),
            version: Set(after.version),
            ..Default::default()
        };
        place::Entity::update_many()
            .set(row)
            .filter(place::Column::Id.eq(after.id))
            .filter(place::Column::OrgId.eq(after.org_id))
            .exec(on)
            .await?;
        Ok(())
    }
}

/// Checks the numbers of a place.
fn check(row: &place::Model) -> Result<(), MetadataError> {
    if let Some(location) = location(row) {
        check_location(location)?;
    }
    if let Some(level) = row.level {
        if PlaceKind::of(&row.kind) != PlaceKind::Floor {
            return Err(wrong("only floors have a level", "leave the level out"));
        }
        if !LEVELS.contains(&level) {
            let rule = format!("use {} to {} (LEVELS, fixed limits)", LEVELS.start(), LEVELS.end());
            return Err(wrong(format!("there is no level {level}"), rule));
        }
    }
    if let Some(scale) = row.metres_per_pixel {
        if row.plan_width.is_none() {
            return Err(wrong("there is no plan that could have a scale", "upload a plan first"));
        }
        // Not a number is in no range.
        if !(f64::MIN_POSITIVE..=MAX_METRES_PER_PIXEL).contains(&scale) {
            let rule =
                format!("use more than 0 and at most {MAX_METRES_PER_PIXEL} (MAX_METRES_PER_PIXEL, a fixed limit)");
            return Err(wrong(format!("{scale} metres a pixel is no scale"), rule));
        }
    }
    Ok(())
}

fn location(row: &place::Model) -> Option<Location> {
    row.latitude.zip(row.longitude).map(|(latitude, longitude)| Location { latitude, longitude })
}

fn described(row: &place::Model, devices: u64) -> Place {
    let pixels = |number: i32| u32::try_from(number).unwrap_or_default();
    Place {
        id: PlaceId::from_uuid(row.id),
        name: row.name.clone(),
        kind: PlaceKind::of(&row.kind),
        parent: row.parent_id.map(PlaceId::from_uuid),
        location: location(row),
        level: row.level,
        plan: row.plan_width.zip(row.plan_height).map(|(width, height)| Plan {
            width: pixels(width),
            height: pixels(height),
            media_type: row.plan_media_type.clone().unwrap_or_default(),
            metres_per_pixel: row.metres_per_pixel,
            changed_at_ms: row.plan_changed_at_ms.unwrap_or_default(),
        }),
        devices,
        version: row.version,
        created_at_ms: row.created_at_ms,
    }
}

/// What the record of changes says about a place.
fn facts(row: &place::Model) -> Value {
    json!({
        "name": row.name, "kind": row.kind, "parent": row.parent_id, "latitude": row.latitude,
        "longitude": row.longitude, "level": row.level, "metres_per_pixel": row.metres_per_pixel,
        "plan": row.plan_width.zip(row.plan_height).map(|(width, height)| format!("{width} × {height}")),
    })
}

/// What is in a place, as a sentence.
fn in_use(places: &[String], devices: &[String]) -> Option<String> {
    let part = |names: &[String], what: &str| {
        let told: Vec<String> = names.iter().take(NAMED).map(|name| format!("{name:?}")).collect();
        let such_as = if names.len() > NAMED { ", such as" } else { ":" };
        (!names.is_empty()).then(|| format!("{} {what}{such_as} {}", names.len(), told.join(", ")))
    };
    let parts: Vec<String> = [part(places, "places"), part(devices, "devices")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("in this place are {}; move or delete them first", parts.join(", and ")))
}
