//! Making a device of one that waits, and handing over what was kept of it.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use sensorium_model::{ActingDevice, DeviceId, DeviceTypeId, NewcomerId, OrgId, Principal};
use serde_json::json;
use uuid::Uuid;

use super::{InboxError, Message, SUBJECT, not_adopted};
use crate::audit::Change;
use crate::entity::{device, inbox_device, inbox_message};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::registry::{Device, NewDevice, NewType};

/// What a device of the inbox becomes.
#[derive(Debug, Clone, PartialEq)]
pub enum Adoption {
    /// Another device.
    New {
        /// Its name; what it calls itself if there is none.
        name: Option<String>,
        /// Its type.
        type_id: Option<DeviceTypeId>,
    },
    /// Another device, of a type that is made for it.
    NewOfNewType {
        /// Its name; what it calls itself if there is none.
        name: Option<String>,
        /// The type.
        new_type: NewType,
    },
    /// One that there is already, such as the one whose place it takes.
    Existing(DeviceId),
}

/// A device of the inbox that was adopted, and is still to be given what was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adopted {
    /// The organisation.
    pub org: OrgId,
    /// The place in the inbox.
    pub newcomer: NewcomerId,
}

impl Metadata {
    /// Makes a device of one that waits. From now on what it sends is the device's; what was kept is to be handed over.
    pub async fn adopt(
        &self,
        who: &Principal,
        newcomer: NewcomerId,
        adoption: Adoption,
    ) -> Result<(Device, Adopted), MetadataError> {
        crate::registry::may_manage(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let row = self.newcomer_row(&transaction, who.org, newcomer).await?;
        not_adopted(&row)?;
        if row.ignored {
            return Err(InboxError::Ignored(row.name).into());
        }
        let id = match adoption {
            Adoption::New { name, type_id } => {
                self.add_device(&transaction, who, new_device(name.as_deref().unwrap_or(&row.name), type_id)).await?.id
            }
            Adoption::NewOfNewType { name, new_type } => {
                let of = DeviceTypeId::from_uuid(Self::new_id());
                let of = self.add_type(&transaction, who, of, new_type).await?.id;
                self.add_device(&transaction, who, new_device(name.as_deref().unwrap_or(&row.name), Some(of))).await?.id
            }
            Adoption::Existing(id) => id,
        };
        let before = self.device_row(&transaction, who.org, id).await?;
        if before.writes_as.as_ref().unwrap_or(&before.name_key) != &row.name_key {
            let change = device::ActiveModel {
                writes_as: Set(Some(row.name_key.clone())),
                version: Set(before.version.saturating_add(1)),
                ..Default::default()
            };
            device::Entity::update_many()
                .set(change)
                .filter(device::Column::Id.eq(before.id))
                .filter(device::Column::OrgId.eq(before.org_id))
                .exec(&transaction)
                .await?;
        }
        let change = inbox_device::ActiveModel { adopted_as: Set(Some(before.id)), ..Default::default() };
        inbox_device::Entity::update_many()
            .set(change)
            .filter(inbox_device::Column::Id.eq(row.id))
            .filter(inbox_device::Column::OrgId.eq(row.org_id))
            .exec(&transaction)
            .await?;
        let entry = Change::new("adopted", SUBJECT, &row.name);
        self.record(&transaction, who, entry.after(json!({"device": before.name, "writes_as": row.name_key}))).await?;
        let after = self.device_row(&transaction, who.org, id).await?;
        let adopted = self.describe_device(&transaction, after).await?;
        transaction.commit().await?;
        Ok((adopted, Adopted { org: who.org, newcomer }))
    }

    /// Devices of the inbox that were adopted and not yet given all that was kept.
    pub async fn adoptions_to_finish(&self) -> Result<Vec<Adopted>, MetadataError> {
        let rows = inbox_device::Entity::find().filter(inbox_device::Column::AdoptedAs.is_not_null());
        let adopted = |row: inbox_device::Model| Adopted {
            org: OrgId::from_uuid(row.org_id),
            newcomer: NewcomerId::from_uuid(row.id),
        };
        Ok(rows.all(self.db()).await?.into_iter().map(adopted).collect())
    }

    /// The oldest message that an adopted device is still to be given, and the device as it is called now. When there is none, its
    /// place in the inbox is removed.
    pub async fn next_kept(&self, of: Adopted) -> Result<Option<(Message, ActingDevice)>, MetadataError> {
        let row = match self.newcomer_row(self.db(), of.org, of.newcomer).await {
            Ok(row) => row,
            Err(MetadataError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(device) = row.adopted_as else { return Ok(None) };
        let message = inbox_message::Entity::find()
            .filter(inbox_message::Column::OrgId.eq(row.org_id))
            .filter(inbox_message::Column::NewcomerId.eq(row.id))
            .order_by_asc(inbox_message::Column::ReceivedAtMs)
            .order_by_asc(inbox_message::Column::Id)
            .one(self.db())
            .await?;
        let Some(message) = message else {
            self.drop_newcomer(self.db(), of.org, of.newcomer).await?;
            return Ok(None);
        };
        let id = DeviceId::from_uuid(device);
        let device = match self.device_row(self.db(), of.org, id).await {
            Ok(device) => device,
            // It was deleted a moment ago, and its place in the inbox with it.
            Err(MetadataError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some((message.into(), ActingDevice { id, name: device.name.into() })))
    }

    /// Forgets a message that was handed over.
    pub async fn forget_kept(&self, of: Adopted, message: Uuid) -> Result<(), MetadataError> {
        inbox_message::Entity::delete_many()
            .filter(inbox_message::Column::Id.eq(message))
            .filter(inbox_message::Column::OrgId.eq(*of.org.as_uuid()))
            .filter(inbox_message::Column::NewcomerId.eq(*of.newcomer.as_uuid()))
            .exec(self.db())
            .await?;
        Ok(())
    }
}

fn new_device(name: &str, type_id: Option<DeviceTypeId>) -> NewDevice {
    NewDevice {
        name: name.to_owned(),
        type_id,
        attributes: [].into(),
        tags: [].into(),
        writes_as: None,
        enabled: true,
        location: None,
        position: None,
    }
}
