//! Who writes with a key for devices, and keeping what one says that is not known.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use sensorium_model::{ActingDevice, Action, DatabaseName, DeviceId, OrgId, Principal};
use uuid::Uuid;

use super::{InboxError, MAX_SENDERS};
use crate::entity::{device, inbox_device, inbox_message};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::pace::Rate;
use crate::registry::{check_name, name_key, wrong};

/// What a device of the name that a message gives is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// It is in the registry, and may write.
    Known(Arc<ActingDevice>),
    /// It is in the registry, and may not write.
    Disabled,
    /// It is not in the registry.
    Unknown,
}

/// A message of a device that is not known.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'m> {
    /// What the device calls itself.
    pub name: &'m str,
    /// The database that it is for.
    pub database: &'m DatabaseName,
    /// The recognised format, a word of at most 32 characters.
    pub format: &'m str,
    /// JSON: how the body is to be read.
    pub reading: &'m str,
    /// What was sent.
    pub body: &'m str,
    /// Where it came from.
    pub address: IpAddr,
}

/// What became of a message of a device that was not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It waits for somebody to adopt the device.
    InInbox,
    /// The device is known by now, and the message is to be stored.
    Known(Arc<ActingDevice>),
}

impl Metadata {
    /// What the devices of these names are, in the same order. A name stands for the device that calls itself so, else for the one
    /// that has it.
    pub async fn senders(&self, who: &Principal, names: &[&str]) -> Result<Vec<Sender>, MetadataError> {
        self.senders_on(self.db(), who.org, names).await
    }

    async fn senders_on(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        names: &[&str],
    ) -> Result<Vec<Sender>, MetadataError> {
        if names.len() > MAX_SENDERS {
            let rule = format!("at most {MAX_SENDERS} may be (MAX_SENDERS, a fixed limit); send several");
            return Err(wrong(format!("{} devices are in one message", names.len()), rule));
        }
        let keys = names.iter().map(|name| check_name("device", name).map(name_key)).collect::<Result<Vec<_>, _>>()?;
        let rows: Vec<(Uuid, String, String, Option<String>, bool)> = device::Entity::find()
            .select_only()
            .column(device::Column::Id)
            .column(device::Column::Name)
            .column(device::Column::NameKey)
            .column(device::Column::WritesAs)
            .column(device::Column::Enabled)
            .filter(device::Column::OrgId.eq(*org.as_uuid()))
            .filter(
                Condition::any()
                    .add(device::Column::NameKey.is_in(keys.clone()))
                    .add(device::Column::WritesAs.is_in(keys.clone())),
            )
            .into_tuple()
            .all(on)
            .await?;
        let mut found: HashMap<&str, Sender> = HashMap::new();
        for (id, name, key, writes_as, enabled) in &rows {
            let sender = match enabled {
                true => {
                    Sender::Known(Arc::new(ActingDevice { id: DeviceId::from_uuid(*id), name: name.as_str().into() }))
                }
                false => Sender::Disabled,
            };
            if let Some(called) = writes_as {
                found.insert(called, sender);
            } else {
                found.entry(key).or_insert(sender);
            }
        }
        let sender = |key: &String| found.get(key.as_str()).cloned().unwrap_or(Sender::Unknown);
        Ok(keys.iter().map(sender).collect())
    }

    /// Keeps a message of a device that is not known; what it had is then kept as far as there is room, the newest of it.
    pub async fn keep_message(&self, who: &Principal, new: NewMessage<'_>) -> Result<Kept, MetadataError> {
        if !who.allows(Action::WriteForDevices(new.database)) {
            return Err(MetadataError::Denied("this credential does not write for devices; use a key for devices"));
        }
        let name = check_name("device", new.name)?.to_owned();
        let limits = self.config().inbox;
        let bytes = new.body.len() as u64;
        if bytes > limits.bytes {
            return Err(InboxError::TooLong { name, bytes, most: limits.bytes }.into());
        }
        let now_ms = self.now_ms();
        // A sixth of what a minute takes may come at once, so that many devices can be switched on together.
        let rate = Rate { per_minute: limits.per_minute, burst: i64::from(Ord::max(limits.per_minute / 6, 1)) };
        if let Err(retry_after) = self.newcomers().count(who.org, now_ms, rate) {
            return Err(InboxError::TooOften { name, most: limits.per_minute, retry_after }.into());
        }
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        match self.senders_on(&transaction, who.org, &[&name]).await?.pop() {
            Some(Sender::Known(device)) => return Ok(Kept::Known(device)),
            Some(Sender::Disabled) => return Err(disabled()),
            Some(Sender::Unknown) | None => {}
        }
        let newcomer = self.note_newcomer(&transaction, who.org, &name, &new).await?;
        let row = inbox_message::Model {
            id: Self::new_id(),
            org_id: *who.org.as_uuid(),
            newcomer_id: newcomer,
            database_name: new.database.as_str().to_owned(),
            format: new.format.to_owned(),
            reading: new.reading.to_owned(),
            body: new.body.to_owned(),
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            received_at_ms: now_ms,
        };
        inbox_message::Entity::insert(inbox_message::ActiveModel::from(row))
            .exec_without_returning(&transaction)
            .await?;
        self.make_room(&transaction, who.org, newcomer).await?;
        transaction.commit().await?;
        Ok(Kept::InInbox)
    }

    /// The place of a device in the inbox, with what it sent last.
    async fn note_newcomer(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        name: &str,
        new: &NewMessage<'_>,
    ) -> Result<Uuid, MetadataError> {
        let of_org = inbox_device::Entity::find().filter(inbox_device::Column::OrgId.eq(*org.as_uuid()));
        let key = name_key(name);
        let now_ms = self.now_ms();
        let Some(row) = of_org.clone().filter(inbox_device::Column::NameKey.eq(key.as_str())).one(on).await? else {
            let most = self.config().inbox.devices;
            if of_org.count(on).await? >= most {
                return Err(InboxError::Full { name: name.to_owned(), most }.into());
            }
            let row = inbox_device::Model {
                id: Self::new_id(),
                org_id: *org.as_uuid(),
                name: name.to_owned(),
                name_key: key,
                database_name: new.database.as_str().to_owned(),
                format: new.format.to_owned(),
                address: new.address.to_string(),
                first_seen_ms: now_ms,
                last_seen_ms: now_ms,
                messages: 1,
                ignored: false,
                adopted_as: None,
            };
            let id = row.id;
            inbox_device::Entity::insert(inbox_device::ActiveModel::from(row)).exec_without_returning(on).await?;
            return Ok(id);
        };
        if row.ignored {
            return Err(InboxError::Ignored(row.name).into());
        }
        inbox_device::Entity::update_many()
            .col_expr(inbox_device::Column::DatabaseName, Expr::value(new.database.as_str()))
            .col_expr(inbox_device::Column::Format, Expr::value(new.format))
            .col_expr(inbox_device::Column::Address, Expr::value(new.address.to_string()))
            .col_expr(inbox_device::Column::LastSeenMs, Expr::value(now_ms))
            .col_expr(inbox_device::Column::Messages, Expr::col(inbox_device::Column::Messages).add(1))
            .filter(inbox_device::Column::Id.eq(row.id))
            .filter(inbox_device::Column::OrgId.eq(row.org_id))
            .exec(on)
            .await?;
        Ok(row.id)
    }

    /// Removes the oldest messages of a device beyond what is kept.
    async fn make_room(&self, on: &impl ConnectionTrait, org: OrgId, newcomer: Uuid) -> Result<(), MetadataError> {
        let limits = self.config().inbox;
        let kept: Vec<(Uuid, i64)> = inbox_message::Entity::find()
            .select_only()
            .column(inbox_message::Column::Id)
            .column(inbox_message::Column::Bytes)
            .filter(inbox_message::Column::OrgId.eq(*org.as_uuid()))
            .filter(inbox_message::Column::NewcomerId.eq(newcomer))
            .order_by_desc(inbox_message::Column::ReceivedAtMs)
            .order_by_desc(inbox_message::Column::Id)
            .into_tuple()
            .all(on)
            .await?;
        let mut together = 0_u64;
        let mut beyond = Vec::new();
        for (position, (id, bytes)) in kept.into_iter().enumerate() {
            together = together.saturating_add(u64::try_from(bytes).unwrap_or_default());
            if position as u64 >= limits.messages || together > limits.bytes {
                beyond.push(id);
            }
        }
        if !beyond.is_empty() {
            inbox_message::Entity::delete_many()
                .filter(inbox_message::Column::Id.is_in(beyond))
                .filter(inbox_message::Column::OrgId.eq(*org.as_uuid()))
                .exec(on)
                .await?;
        }
        Ok(())
    }
}

/// Why a device of the registry does not write.
fn disabled() -> MetadataError {
    MetadataError::Denied("this device is disabled; ask an editor to enable it")
}
