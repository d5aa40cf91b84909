//! The inbox: devices that write with a key for devices and are not in the registry, with what they sent last.
//!
//! A key for devices is an API token that writes for the device that each reading names ([`sensorium_model::DEVICE_TAG`]). Of a
//! device of the registry, that is stored as if the device had sent it with a token of its own. Anything else is kept here, apart
//! from all readings, until somebody adopts the device, ignores it, or [`InboxLimits::lifetime`] is over.
//!
//! Invariants:
//! - what is acknowledged is committed;
//! - nothing of a device that is not known is stored among readings before it is adopted;
//! - a device that was adopted gets what was kept, oldest first, and its place in the inbox goes with the last of it; a stop in
//!   between is made up for ([`Metadata::adoptions_to_finish`]);
//! - a device that becomes known while one of its messages is on the way does not land here: that is looked at once more when nothing
//!   else changes the registry.
//!
//! Limits: [`InboxLimits`]; [`MAX_SENDERS`] devices in a message; names as in [`crate::registry::MAX_NAME`].

mod adopt;
mod error;
mod keep;

use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use sensorium_model::{DeviceId, NewcomerId, OrgId, Principal};
use serde_json::json;
use uuid::Uuid;

use crate::audit::Change;
use crate::config::millis;
use crate::entity::{inbox_device, inbox_message};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::registry::{may_manage, may_read};

pub use adopt::{Adopted, Adoption};
pub use error::InboxError;
pub use keep::{Kept, NewMessage, Sender};

/// The most devices that one message names.
pub const MAX_SENDERS: usize = 1_000;
/// What the record of changes, and an error, calls a device of the inbox.
const SUBJECT: &str = "inbox device";
/// Messages that are removed at once.
const STEP: u64 = 500;

/// What the inbox of an organisation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxLimits {
    /// Devices.
    pub devices: u64,
    /// Messages of a device that are kept, the newest of them.
    pub messages: u64,
    /// Bytes of the messages of a device that are kept; a longer message is refused.
    pub bytes: u64,
    /// For how long a message is kept.
    pub lifetime: Duration,
    /// Messages in a minute.
    pub per_minute: u32,
}

impl Default for InboxLimits {
    fn default() -> Self {
        Self {
            devices: 500,
            messages: 50,
            bytes: 64 * 1_024,
            lifetime: Duration::from_secs(7 * 86_400),
            per_minute: 600,
        }
    }
}

/// A device that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newcomer {
    /// The id.
    pub id: NewcomerId,
    /// What it calls itself.
    pub name: String,
    /// The database that it wrote to last.
    pub database: String,
    /// The format of what it sent last.
    pub format: String,
    /// The network address that it sent from last.
    pub address: String,
    /// When the first message came, in milliseconds since the epoch.
    pub first_seen_ms: i64,
    /// When the last message came.
    pub last_seen_ms: i64,
    /// How many messages came.
    pub messages: u64,
    /// How many of them are kept.
    pub kept: u64,
    /// Their bytes.
    pub kept_bytes: u64,
    /// Whether what it sends is refused.
    pub ignored: bool,
    /// The device that is being given what is kept.
    pub adopted_as: Option<DeviceId>,
}

/// A message that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The id.
    pub id: Uuid,
    /// The database that it is for.
    pub database: String,
    /// The recognised format.
    pub format: String,
    /// JSON: how the body is to be read.
    pub reading: String,
    /// What was sent.
    pub body: String,
    /// When it came, in milliseconds since the epoch.
    pub received_at_ms: i64,
}

impl From<inbox_message::Model> for Message {
    fn from(row: inbox_message::Model) -> Self {
        let inbox_message::Model { id, database_name: database, format, reading, body, received_at_ms, .. } = row;
        Self { id, database, format, reading, body, received_at_ms }
    }
}

impl Metadata {
    /// The devices that wait, the last to send first.
    pub async fn inbox(&self, who: &Principal) -> Result<Vec<Newcomer>, MetadataError> {
        may_read(who)?;
        let rows = inbox_device::Entity::find()
            .filter(inbox_device::Column::OrgId.eq(*who.org.as_uuid()))
            .order_by_desc(inbox_device::Column::LastSeenMs)
            .order_by_desc(inbox_device::Column::Id)
            .all(self.db())
            .await?;
        let kept: Vec<(Uuid, i64, i64)> = inbox_message::Entity::find()
            .select_only()
            .column(inbox_message::Column::NewcomerId)
            .expr(Expr::col(inbox_message::Column::Id).count())
            // The sum of integers is a decimal in PostgreSQL.
            .expr(Expr::col(inbox_message::Column::Bytes).sum().cast_as("bigint"))
            .filter(inbox_message::Column::OrgId.eq(*who.org.as_uuid()))
            .group_by(inbox_message::Column::NewcomerId)
            .into_tuple()
            .all(self.db())
            .await?;
        let kept: std::collections::HashMap<Uuid, (i64, i64)> =
            kept.into_iter().map(|(id, count, bytes)| (id, (count, bytes))).collect();
        Ok(rows.into_iter().map(|row| newcomer(&row, kept.get(&row.id).copied().unwrap_or_default())).collect())
    }

    /// How many devices wait that are not ignored.
    pub async fn inbox_size(&self, who: &Principal) -> Result<u64, MetadataError> {
        may_read(who)?;
        let waiting = inbox_device::Entity::find()
            .filter(inbox_device::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(inbox_device::Column::Ignored.eq(false))
            .filter(inbox_device::Column::AdoptedAs.is_null());
        Ok(waiting.count(self.db()).await?)
    }

    /// A device that waits, and what is kept of it, newest first.
    pub async fn newcomer(&self, who: &Principal, id: NewcomerId) -> Result<(Newcomer, Vec<Message>), MetadataError> {
        may_read(who)?;
        let row = self.newcomer_row(self.db(), who.org, id).await?;
        let messages = inbox_message::Entity::find()
            .filter(inbox_message::Column::OrgId.eq(row.org_id))
            .filter(inbox_message::Column::NewcomerId.eq(row.id))
            .order_by_desc(inbox_message::Column::ReceivedAtMs)
            .order_by_desc(inbox_message::Column::Id)
            .all(self.db())
            .await?;
        let count = i64::try_from(messages.len()).unwrap_or(i64::MAX);
        let bytes = messages.iter().map(|message| message.bytes).sum();
        Ok((newcomer(&row, (count, bytes)), messages.into_iter().map(Message::from).collect()))
    }

    /// Says whether what a device sends is refused from now on; what was kept of one that is ignored is deleted.
    pub async fn ignore_newcomer(&self, who: &Principal, id: NewcomerId, ignored: bool) -> Result<(), MetadataError> {
        may_manage(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let row = self.newcomer_row(&transaction, who.org, id).await?;
        not_adopted(&row)?;
        if row.ignored == ignored {
            return Ok(());
        }
        let change = inbox_device::ActiveModel { ignored: Set(ignored), ..Default::default() };
        inbox_device::Entity::update_many()
            .set(change)
            .filter(inbox_device::Column::Id.eq(row.id))
            .filter(inbox_device::Column::OrgId.eq(row.org_id))
            .exec(&transaction)
            .await?;
        if ignored {
            inbox_message::Entity::delete_many()
                .filter(inbox_message::Column::NewcomerId.eq(row.id))
                .filter(inbox_message::Column::OrgId.eq(row.org_id))
                .exec(&transaction)
                .await?;
        }
        let entry = Change::new("changed", SUBJECT, &row.name);
        let entry = entry.before(json!({"ignored": row.ignored})).after(json!({"ignored": ignored}));
        self.record(&transaction, who, entry).await?;
        Ok(transaction.commit().await?)
    }

    /// Deletes a device from the inbox with what was kept of it. With its next message it is there again.
    pub async fn dismiss_newcomer(&self, who: &Principal, id: NewcomerId) -> Result<(), MetadataError> {
        may_manage(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let row = self.newcomer_row(&transaction, who.org, id).await?;
        not_adopted(&row)?;
        self.drop_newcomer(&transaction, who.org, id).await?;
        self.record(&transaction, who, Change::new("deleted", SUBJECT, &row.name)).await?;
        Ok(transaction.commit().await?)
    }

    /// Removes messages that are older than they are kept, then devices of which nothing is kept and nothing came since; how many
    /// messages. Devices that are ignored stay, and what waits for a device that was adopted.
    pub(crate) async fn clean_inbox(&self) -> Result<u64, MetadataError> {
        let before = self.now_ms().saturating_sub(millis(self.config().inbox.lifetime));
        let mut removed = 0;
        loop {
            let ids: Vec<Uuid> = inbox_message::Entity::find()
                .select_only()
                .column(inbox_message::Column::Id)
                .filter(inbox_message::Column::ReceivedAtMs.lt(before))
                .filter(inbox_message::Column::NewcomerId.not_in_subquery(adopted()))
                .limit(STEP)
                .into_tuple()
                .all(self.db())
                .await?;
            if ids.is_empty() {
                break;
            }
            let old = inbox_message::Entity::delete_many().filter(inbox_message::Column::Id.is_in(ids));
            removed += old.exec(self.db()).await?.rows_affected;
        }
        inbox_device::Entity::delete_many()
            .filter(inbox_device::Column::LastSeenMs.lt(before))
            .filter(inbox_device::Column::Ignored.eq(false))
            .filter(inbox_device::Column::AdoptedAs.is_null())
            .exec(self.db())
            .await?;
        Ok(removed)
    }

    async fn newcomer_row(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        id: NewcomerId,
    ) -> Result<inbox_device::Model, MetadataError> {
        inbox_device::Entity::find_by_id(*id.as_uuid())
            .filter(inbox_device::Column::OrgId.eq(*org.as_uuid()))
            .one(on)
            .await?
            .ok_or(MetadataError::Missing(SUBJECT))
    }

    /// Removes a device of the inbox; what is kept of it goes with it.
    async fn drop_newcomer(&self, on: &impl ConnectionTrait, org: OrgId, id: NewcomerId) -> Result<(), MetadataError> {
        inbox_device::Entity::delete_many()
            .filter(inbox_device::Column::Id.eq(*id.as_uuid()))
            .filter(inbox_device::Column::OrgId.eq(*org.as_uuid()))
            .exec(on)
            .await?;
        Ok(())
    }
}

/// The ids of those that were adopted.
fn adopted() -> sea_orm::sea_query::SelectStatement {
    sea_orm::sea_query::Query::select()
        .column(inbox_device::Column::Id)
        .from(inbox_device::Entity)
        .and_where(inbox_device::Column::AdoptedAs.is_not_null())
        .to_owned()
}

fn not_adopted(row: &inbox_device::Model) -> Result<(), MetadataError> {
    if row.adopted_as.is_none() {
        return Ok(());
    }
    Err(MetadataError::Conflict(
        "this device was adopted, and is being given what was kept; look for it among the devices",
    ))
}

fn newcomer(row: &inbox_device::Model, (kept, bytes): (i64, i64)) -> Newcomer {
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    Newcomer {
        id: NewcomerId::from_uuid(row.id),
        name: row.name.clone(),
        database: row.database_name.clone(),
        format: row.format.clone(),
        address: row.address.clone(),
        first_seen_ms: row.first_seen_ms,
        last_seen_ms: row.last_seen_ms,
        messages: count(row.messages),
        kept: count(kept),
        kept_bytes: count(bytes),
        ignored: row.ignored,
        adopted_as: row.adopted_as.map(DeviceId::from_uuid),
    }
}
