//! Devices: adding, reading, changing and removing one.

use sea_orm::{ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use sensorium_model::{DeviceId, DeviceTypeId, OrgId, PlaceId, Principal};
use serde_json::json;

use super::rows::{added, called, changed, checked, facts, position};
use super::{Edit, Labels, MAX_DEVICES, RegistryError, from_json, may_manage, wrong};
use crate::audit::Change;
use crate::entity::{api_token, device, device_credential};
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// A device of an organisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// The id.
    pub id: DeviceId,
    /// The tag `device` of what it writes; unique in the organisation without regard to case.
    pub name: String,
    /// What kind of device it is.
    pub device_type: Option<DeviceTypeRef>,
    /// Facts about it.
    pub attributes: Labels,
    /// Words to group it by.
    pub tags: Labels,
    /// What it calls itself when it writes with a key for devices, in lower case; none if that is its name.
    pub writes_as: Option<String>,
    /// Whether it may write.
    pub enabled: bool,
    /// Where it is.
    pub location: Option<Location>,
    /// Where it is on the plan of a place.
    pub position: Option<Position>,
    /// Grows with each change; a change names the one that it was made for.
    pub version: i64,
    /// When it was added, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// What was counted about it.
    pub status: DeviceStatus,
}

/// The type of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceTypeRef {
    /// The id.
    pub id: DeviceTypeId,
    /// The name.
    pub name: String,
}

/// A place on Earth (WGS 84), in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Location {
    /// -90 to 90; north is positive.
    pub latitude: f64,
    /// -180 to 180; east is positive.
    pub longitude: f64,
}

/// A point on the plan of a site, a building or a floor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Which place.
    pub place: PlaceId,
    /// From the left of its plan, as a fraction of the width: 0 to 1.
    pub x: f64,
    /// From the top of its plan, as a fraction of the height: 0 to 1.
    pub y: f64,
}

/// What was counted about a device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceStatus {
    /// When it last sent something with its own token, in milliseconds since the epoch.
    pub last_seen_ms: Option<i64>,
    /// Rows of it that were stored.
    pub rows: i64,
    /// Requests that it sent.
    pub messages: i64,
    /// Rows that were refused, and requests that were refused as a whole.
    pub errors: i64,
}

/// A device to add.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// 1 to 100 characters, unique in the organisation without regard to case.
    pub name: String,
    /// What kind of device it is.
    pub type_id: Option<DeviceTypeId>,
    /// Facts about it, at most 32.
    pub attributes: Labels,
    /// Words to group it by, at most 32.
    pub tags: Labels,
    /// What it calls itself when it writes with a key for devices, whatever its case; none if that is its name.
    pub writes_as: Option<String>,
    /// Whether it may write.
    pub enabled: bool,
    /// Where it is.
    pub location: Option<Location>,
    /// Where it is on the plan of a place.
    pub position: Option<Position>,
}

/// What to change of a device; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct DeviceChange {
    /// The version that the change was made for.
    pub version: i64,
    /// Another name.
    pub name: Option<String>,
    /// Another type.
    pub type_id: Edit<DeviceTypeId>,
    /// Other attributes, all of them.
    pub attributes: Option<Labels>,
    /// Other tags, all of them.
    pub tags: Option<Labels>,
    /// What else it calls itself.
    pub writes_as: Edit<String>,
    /// Whether it may write.
    pub enabled: Option<bool>,
    /// Another place on Earth.
    pub location: Edit<Location>,
    /// Another point on the plan of a place.
    pub position: Edit<Position>,
}

impl Metadata {
    /// A device of the caller's organisation that the caller sees.
    pub async fn device(&self, who: &Principal, id: DeviceId) -> Result<Device, MetadataError> {
        let row = self.seen_device(self.db(), who, id).await?;
        self.describe_device(self.db(), row).await
    }

    /// Adds a device.
    pub async fn create_device(&self, who: &Principal, new: NewDevice) -> Result<Device, MetadataError> {
        may_manage(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let made = self.add_device(&transaction, who, new).await?;
        transaction.commit().await?;
        Ok(made)
    }

    /// Adds a device, and records it, in a transaction that has claimed the registry.
    pub(crate) async fn add_device(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        new: NewDevice,
    ) -> Result<Device, MetadataError> {
        let writes_as = new.writes_as.as_deref().map(called).transpose()?;
        let row = added(who, &checked(NewDevice { writes_as, ..new })?, self.now_ms());
        self.check_device(on, &row).await?;
        self.check_room(on, who, 1).await?;
        device::Entity::insert(device::ActiveModel::from(row.clone())).exec_without_returning(on).await?;
        let made = self.describe_device(on, row).await?;
        self.record(on, who, Change::created("device", &made.name).after(facts(&made))).await?;
        Ok(made)
    }

    /// Changes a device. Once this returns, tokens of one that was disabled are refused, and those of one that has another name
    /// write that.
    pub async fn change_device(
        &self,
        who: &Principal,
        id: DeviceId,
        change: DeviceChange,
    ) -> Result<Device, MetadataError> {
        may_manage(who)?;
        let writes_as = match &change.writes_as {
            Edit::Set(name) => Edit::Set(called(name)?),
            other => other.clone(),
        };
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let before = self.device_row(&transaction, who.org, id).await?;
        let was = self.describe_device(&transaction, before.clone()).await?;
        if change.version != before.version {
            return Err(RegistryError::DeviceChanged(Box::new(was)).into());
        }
        let type_before = was.device_type.as_ref().map(|device_type| device_type.id);
        let new = checked(NewDevice {
            name: change.name.unwrap_or_else(|| was.name.clone()),
            type_id: change.type_id.apply(type_before),
            attributes: change.attributes.unwrap_or_else(|| was.attributes.clone()),
            tags: change.tags.unwrap_or_else(|| was.tags.clone()),
            writes_as: writes_as.apply(was.writes_as.clone()),
            enabled: change.enabled.unwrap_or(was.enabled),
            location: change.location.apply(was.location),
            position: change.position.apply(was.position),
        })?;
        let after = changed(&before, &new);
        self.check_device(&transaction, &after).await?;
        self.replace_device(&transaction, &after).await?;
        let is_now = self.describe_device(&transaction, after).await?;
        let entry = Change::new("changed", "device", &was.name).before(facts(&was)).after(facts(&is_now));
        self.record(&transaction, who, entry).await?;
        transaction.commit().await?;
        if (was.name.as_str(), was.enabled) != (is_now.name.as_str(), is_now.enabled) {
            self.token_cache().forget_devices(&[id]);
            self.waiting().wake_device(id);
        }
        Ok(is_now)
    }

    /// Deletes a device with its state, commands, keys and certificates, and revokes its tokens. What it wrote stays. Once this returns, its tokens are refused.
    pub async fn delete_device(&self, who: &Principal, id: DeviceId, version: i64) -> Result<(), MetadataError> {
        may_manage(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let row = self.device_row(&transaction, who.org, id).await?;
        let was = self.describe_device(&transaction, row).await?;
        if version != was.version {
            return Err(RegistryError::DeviceChanged(Box::new(was)).into());
        }
        let revoked = api_token::ActiveModel { revoked_at_ms: Set(Some(self.now_ms())), ..Default::default() };
        let tokens = api_token::Entity::update_many()
            .set(revoked)
            .filter(api_token::Column::DeviceId.eq(*id.as_uuid()))
            .filter(api_token::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(api_token::Column::RevokedAtMs.is_null())
            .exec(&transaction)
            .await?;
        let credentials = device_credential::Entity::find()
            .filter(device_credential::Column::DeviceId.eq(*id.as_uuid()))
            .filter(device_credential::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(device_credential::Column::RevokedAtMs.is_null())
            .count(&transaction)
            .await?;
        self.drop_claim(&transaction, who.org, id).await?;
        // Its credentials go with it.
        device::Entity::delete_many()
            .filter(device::Column::Id.eq(*id.as_uuid()))
            .filter(device::Column::OrgId.eq(*who.org.as_uuid()))
            .exec(&transaction)
            .await?;
        let entry = Change::new("deleted", "device", &was.name).before(facts(&was));
        let ended = json!({"tokens_revoked": tokens.rows_affected, "credentials_deleted": credentials});
        self.record(&transaction, who, entry.after(ended)).await?;
        transaction.commit().await?;
        self.token_cache().forget_devices(&[id]);
        self.activity().forget(id);
        self.reports().forget(&id);
        self.waiting().wake_device(id);
        Ok(())
    }

    pub(crate) async fn device_row(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        id: DeviceId,
    ) -> Result<device::Model, MetadataError> {
        device::Entity::find_by_id(*id.as_uuid())
            .filter(device::Column::OrgId.eq(*org.as_uuid()))
            .one(on)
            .await?
            .ok_or(MetadataError::Missing("device"))
    }

    /// Fails if another device has the name or writes as this one, or the type or the place is none of the organisation.
    async fn check_device(&self, on: &impl ConnectionTrait, row: &device::Model) -> Result<(), MetadataError> {
        let taken = device::Entity::find()
            .filter(device::Column::OrgId.eq(row.org_id))
            .filter(device::Column::NameKey.eq(row.name_key.as_str()))
            .filter(device::Column::Id.ne(row.id))
            .one(on)
            .await?;
        if let Some(taken) = taken {
            return Err(RegistryError::NameTaken { what: "device", name: taken.name }.into());
        }
        if let Some(writes_as) = &row.writes_as {
            let taken = device::Entity::find()
                .filter(device::Column::OrgId.eq(row.org_id))
                .filter(device::Column::WritesAs.eq(writes_as.as_str()))
                .filter(device::Column::Id.ne(row.id))
                .one(on)
                .await?;
            if let Some(taken) = taken {
                return Err(RegistryError::writes_as_taken(writes_as, &taken.name).into());
            }
        }
        if let Some(wanted) = row.type_id {
            self.type_row(on, OrgId::from_uuid(row.org_id), DeviceTypeId::from_uuid(wanted)).await?;
        }
        if let Some(wanted) = row.place_id {
            self.place_row(on, OrgId::from_uuid(row.org_id), PlaceId::from_uuid(wanted)).await?;
        }
        Ok(())
    }

    /// Fails if so many devices more are too many, for the organisation or for the class of whoever adds them.
    pub(super) async fn check_room(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        more: u64,
    ) -> Result<(), MetadataError> {
        let present = device::Entity::find().filter(device::Column::OrgId.eq(*who.org.as_uuid())).count(on).await?;
        if present.saturating_add(more) > MAX_DEVICES {
            let rule = format!("an organisation has at most {MAX_DEVICES} (MAX_DEVICES, a fixed limit); delete some");
            return Err(wrong(format!("{} devices would be too many", present.saturating_add(more)), rule));
        }
        self.check_quota_of_devices(on, who, more).await
    }

    /// Puts a row in the place of the one before it.
    pub(super) async fn replace_device(
        &self,
        on: &impl ConnectionTrait,
        after: &device::Model,
    ) -> Result<(), MetadataError> {
        let row = device::ActiveModel {
            name: Set(after.name.clone()),
            name_key: Set(after.name_key.clone()),
            type_id: Set(after.type_id),
            attributes: Set(after.attributes.clone()),
            tags: Set(after.tags.clone()),
            writes_as: Set(after.writes_as.clone()),
            enabled: Set(after.enabled),
            latitude: Set(after.latitude),
            longitude: Set(after.longitude),
            place_id: Set(after.place_id),
            place_x: Set(after.place_x),
            place_y: Set(after.place_y),
            version: Set(after.version),
            // What is counted is not part of a change.
            last_seen_ms: ActiveValue::NotSet,
            ..Default::default()
        };
        device::Entity::update_many()
            .set(row)
            .filter(device::Column::Id.eq(after.id))
            .filter(device::Column::OrgId.eq(after.org_id))
            .exec(on)
            .await?;
        Ok(())
    }

    pub(crate) async fn describe_device(
        &self,
        on: &impl ConnectionTrait,
        row: device::Model,
    ) -> Result<Device, MetadataError> {
        let names = self.type_names(on, OrgId::from_uuid(row.org_id), row.type_id).await?;
        let device_type = row
            .type_id
            .and_then(|id| Some(DeviceTypeRef { id: DeviceTypeId::from_uuid(id), name: names.get(&id)?.clone() }));
        Ok(self.complete_device(row, device_type))
    }

    /// Adds to a row what is not in it, or not yet.
    pub(super) fn complete_device(&self, row: device::Model, device_type: Option<DeviceTypeRef>) -> Device {
        let id = DeviceId::from_uuid(row.id);
        let pending = self.activity().of(id);
        let last_seen_ms = row.last_seen_ms.max(pending.last_seen_ms);
        Device {
            id,
            device_type,
            attributes: from_json(&row.attributes),
            tags: from_json(&row.tags),
            writes_as: row.writes_as.clone(),
            enabled: row.enabled,
            location: row.latitude.zip(row.longitude).map(|(latitude, longitude)| Location { latitude, longitude }),
            position: position(&row),
            version: row.version,
            created_at_ms: row.created_at_ms,
            status: DeviceStatus {
                last_seen_ms: (last_seen_ms > 0).then_some(last_seen_ms),
                rows: row.rows_accepted.saturating_add(pending.rows),
                messages: row.messages.saturating_add(pending.messages),
                errors: row.errors.saturating_add(pending.errors),
            },
            name: row.name,
        }
    }
}
