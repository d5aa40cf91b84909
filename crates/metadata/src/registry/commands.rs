//! What devices are asked to do, and what they answer.
//!
//! A command is queued, handed out to its device once, and answered by it, or it expires. It is handed out in a transaction, so
//! that of several connections of the device one gets it; what is lost on the way then is not handed out again, but expires.
//!
//! Limits: those of [`super::documents`], [`TIMEOUT_SECONDS`], [`MAX_PAGE`], and of a device `open_commands` that are queued or
//! delivered and `kept_commands` that are over, for `command_lifetime` ([`crate::DeviceLimits`]).

use std::ops::RangeInclusive;
use std::time::Duration;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use sensorium_model::{ActingDevice, CommandId, DeviceId, Principal, Subject};
use serde_json::{Value, json};
use uuid::Uuid;

use super::documents::{Object, checked_object, checked_value};
use super::state::recorded;
use super::waiting::{Patience, Topic, Until};
use super::{RegistryError, acting, check_name, from_json, may_manage, may_read, wrong};
use crate::audit::Change;
use crate::entity::{api_token, device_command};
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// For how long a device may be asked to answer, in seconds.
pub const TIMEOUT_SECONDS: RangeInclusive<u64> = 1..=604_800;
/// The most commands of one listing.
pub const MAX_PAGE: u64 = 100;
/// Commands that are removed at once.
const STEP: u64 = 500;

const QUEUED: &str = "queued";
const DELIVERED: &str = "delivered";
const ANSWERED: &str = "answered";
const FAILED: &str = "failed";

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandStatus {
    /// The device did not take it yet.
    Queued,
    /// The device has it.
    Delivered,
    /// The device did it.
    Answered,
    /// The device could not do it.
    Failed,
    /// The device did not answer in time.
    Expired,
}

impl CommandStatus {
    /// Whether it stays as it is.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Answered | Self::Failed | Self::Expired)
    }
}

/// Something that a device was asked to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The id.
    pub id: CommandId,
    /// What to do.
    pub name: String,
    /// How.
    pub arguments: Object,
    /// What became of it.
    pub status: CommandStatus,
    /// What the device answered.
    pub result: Option<Value>,
    /// The login or the name of the token of whoever asked; none for the server itself.
    pub requested_by: Option<String>,
    /// When it was sent, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Without an answer it expires then.
    pub expires_at_ms: i64,
    /// When the device took it.
    pub delivered_at_ms: Option<i64>,
    /// When the device answered.
    pub answered_at_ms: Option<i64>,
}

/// A command to send.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCommand {
    /// What to do, 1 to 100 characters.
    pub name: String,
    /// A JSON object.
    pub arguments: Value,
    /// How long the device has, as [`TIMEOUT_SECONDS`] allows.
    pub timeout_seconds: u64,
}

impl Metadata {
    /// Queues a command for a device.
    pub async fn send_command(&self, who: &Principal, id: DeviceId, new: NewCommand) -> Result<Command, MetadataError> {
        may_manage(who)?;
        let name = check_name("command", &new.name)?.to_owned();
        let arguments = checked_object("the arguments", &new.arguments)?;
        if !TIMEOUT_SECONDS.contains(&new.timeout_seconds) {
            let rule =
                format!("use {} to {} (TIMEOUT_SECONDS, fixed limits)", TIMEOUT_SECONDS.start(), TIMEOUT_SECONDS.end());
            return Err(wrong(format!("a time-out of {} seconds cannot be used", new.timeout_seconds), rule));
        }
        let timeout_ms = i64::try_from(new.timeout_seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let of = self.device_row(&transaction, who.org, id).await?;
        let requested_by = self.called(&transaction, who).await?;
        let now_ms = self.now_ms();
        let open = of_device(who, id).filter(open(now_ms)).count(&transaction).await?;
        let most = self.config().devices.open_commands;
        if open >= most {
            return Err(RegistryError::TooManyOpen { open, most }.into());
        }
        let row = device_command::Model {
            id: Self::new_id(),
            org_id: of.org_id,
            device_id: of.id,
            name,
            arguments,
            status: QUEUED.to_owned(),
            result: None,
            requested_by,
            created_at_ms: now_ms,
            expires_at_ms: now_ms.saturating_add(timeout_ms),
            delivered_at_ms: None,
            answered_at_ms: None,
        };
        let active = device_command::ActiveModel::from(row.clone());
        device_command::Entity::insert(active).exec_without_returning(&transaction).await?;
        self.remove_old_commands(&transaction, who, id, now_ms).await?;
        let facts = json!({
            "command": row.name, "arguments": recorded(&row.arguments), "timeout_seconds": new.timeout_seconds,
        });
        self.record(&transaction, who, Change::new("sent", "device_command", &of.name).after(facts)).await?;
        transaction.commit().await?;
        self.waiting().wake(id, Topic::Commands);
        Ok(described(row, now_ms))
    }

    /// The newest commands of a device, newest first.
    pub async fn commands(&self, who: &Principal, id: DeviceId, limit: u64) -> Result<Vec<Command>, MetadataError> {
        may_read(who)?;
        self.device_row(self.db(), who.org, id).await?;
        let rows = of_device(who, id)
            .order_by_desc(device_command::Column::CreatedAtMs)
            .order_by_desc(device_command::Column::Id)
            .limit(limit.clamp(1, MAX_PAGE))
            .all(self.db())
            .await?;
        let now_ms = self.now_ms();
        Ok(rows.into_iter().map(|row| described(row, now_ms)).collect())
    }

    /// A command of a device: when it is over, or as it is when `until` is ready.
    pub async fn command(
        &self,
        who: &Principal,
        device: DeviceId,
        id: CommandId,
        until: Option<Until>,
    ) -> Result<Command, MetadataError> {
        may_read(who)?;
        let mut patience = Patience::new(device, Topic::Answers, until);
        loop {
            let row = self.command_row(self.db(), who, device, id).await?;
            let now_ms = self.now_ms();
            let command = described(row, now_ms);
            let left_ms = u64::try_from(command.expires_at_ms.saturating_sub(now_ms)).unwrap_or(0).max(1);
            let longest = Some(Duration::from_millis(left_ms));
            if command.status.is_final() {
                self.is_still_heard(who, patience.has_waited()).await?;
                return Ok(command);
            }
            if !self.is_worth_asking(who, &mut patience, longest).await? {
                return Ok(command);
            }
        }
    }

    /// Hands out the oldest queued command of the calling device, which has it from then on; none if there is none until `until`
    /// is ready.
    pub async fn take_command(&self, who: &Principal, until: Option<Until>) -> Result<Option<Command>, MetadataError> {
        let device = acting(who)?;
        self.count_device_message(who.org, device.id, 0, 0);
        let mut patience = Patience::new(device.id, Topic::Commands, until);
        loop {
            // Asking costs others nothing; only taking is a transaction.
            let waits = of_device(who, device.id).filter(queued(self.now_ms())).one(self.db()).await?.is_some();
            if waits {
                self.is_still_heard(who, patience.has_waited()).await?;
                if let Some(command) = self.take_oldest(who, device).await? {
                    return Ok(Some(command));
                }
            }
            if !self.is_worth_asking(who, &mut patience, None).await? {
                return Ok(None);
            }
        }
    }

    async fn take_oldest(&self, who: &Principal, device: &ActingDevice) -> Result<Option<Command>, MetadataError> {
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        self.acting_row(&transaction, who.org, device).await?;
        let now_ms = self.now_ms();
        let oldest = of_device(who, device.id)
            .filter(queued(now_ms))
            .order_by_asc(device_command::Column::CreatedAtMs)
            .order_by_asc(device_command::Column::Id)
            .one(&transaction)
            .await?;
        let Some(row) = oldest else { return Ok(None) };
        let row = device_command::Model { status: DELIVERED.to_owned(), delivered_at_ms: Some(now_ms), ..row };
        let taken = device_command::ActiveModel {
            status: Set(row.status.clone()),
            delivered_at_ms: Set(row.delivered_at_ms),
            ..Default::default()
        };
        change(&transaction, &row, taken).await?;
        transaction.commit().await?;
        self.waiting().wake(device.id, Topic::Answers);
        Ok(Some(described(row, now_ms)))
    }

    /// Takes the answer of the calling device to a command that it has.
    pub async fn answer_command(
        &self,
        who: &Principal,
        id: CommandId,
        ok: bool,
        result: &Value,
    ) -> Result<(), MetadataError> {
        let device = acting(who)?;
        let answered = self.store_answer(who, device, id, ok, result).await;
        self.count_device_message(who.org, device.id, 0, u64::from(answered.is_err()));
        answered
    }

    async fn store_answer(
        &self,
        who: &Principal,
        device: &ActingDevice,
        id: CommandId,
        ok: bool,
        result: &Value,
    ) -> Result<(), MetadataError> {
        let result = checked_value("the result", result)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        self.acting_row(&transaction, who.org, device).await?;
        let row = self.command_row(&transaction, who, device.id, id).await?;
        let now_ms = self.now_ms();
        match status(&row, now_ms) {
            CommandStatus::Delivered => {}
            CommandStatus::Queued => {
                return Err(MetadataError::Conflict("this command was not handed out yet; take it first"));
            }
            CommandStatus::Answered | CommandStatus::Failed => {
                return Err(MetadataError::Conflict("this command was answered already; the first answer stays"));
            }
            CommandStatus::Expired => {
                return Err(MetadataError::Conflict("this command has expired; nobody waits for its answer any more"));
            }
        }
        let answer = device_command::ActiveModel {
            status: Set(if ok { ANSWERED } else { FAILED }.to_owned()),
            result: Set(Some(result)),
            answered_at_ms: Set(Some(now_ms)),
            ..Default::default()
        };
        change(&transaction, &row, answer).await?;
        transaction.commit().await?;
        self.waiting().wake(device.id, Topic::Answers);
        Ok(())
    }

    async fn command_row(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        device: DeviceId,
        id: CommandId,
    ) -> Result<device_command::Model, MetadataError> {
        let found = of_device(who, device).filter(device_command::Column::Id.eq(*id.as_uuid())).one(on).await?;
        found.ok_or(MetadataError::Missing("command"))
    }

    /// What a caller is called.
    async fn called(&self, on: &impl ConnectionTrait, who: &Principal) -> Result<Option<String>, MetadataError> {
        let Subject::Token(id) = who.subject else { return self.login_of(on, who).await };
        let token = api_token::Entity::find_by_id(*id.as_uuid());
        let token = token.filter(api_token::Column::OrgId.eq(*who.org.as_uuid())).one(on).await?;
        Ok(token.map(|row| row.name))
    }

    /// Removes the commands of a device that are over, but for the newest ones.
    async fn remove_old_commands(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        device: DeviceId,
        now_ms: i64,
    ) -> Result<(), MetadataError> {
        let over: Vec<Uuid> = of_device(who, device)
            .select_only()
            .column(device_command::Column::Id)
            .filter(over(now_ms))
            .order_by_desc(device_command::Column::CreatedAtMs)
            .order_by_desc(device_command::Column::Id)
            .offset(self.config().devices.kept_commands)
            .limit(STEP)
            .into_tuple()
            .all(on)
            .await?;
        if !over.is_empty() {
            let old = device_command::Entity::delete_many().filter(device_command::Column::Id.is_in(over));
            old.filter(device_command::Column::OrgId.eq(*who.org.as_uuid())).exec(on).await?;
        }
        Ok(())
    }
}

/// The commands of a device of the caller's organisation.
fn of_device(who: &Principal, device: DeviceId) -> sea_orm::Select<device_command::Entity> {
    device_command::Entity::find()
        .filter(device_command::Column::DeviceId.eq(*device.as_uuid()))
        .filter(device_command::Column::OrgId.eq(*who.org.as_uuid()))
}

fn queued(now_ms: i64) -> Condition {
    Condition::all().add(device_command::Column::Status.eq(QUEUED)).add(device_command::Column::ExpiresAtMs.gt(now_ms))
}

fn open(now_ms: i64) -> Condition {
    Condition::all()
        .add(device_command::Column::Status.is_in([QUEUED, DELIVERED]))
        .add(device_command::Column::ExpiresAtMs.gt(now_ms))
}

fn over(now_ms: i64) -> Condition {
    Condition::any()
        .add(device_command::Column::Status.is_in([ANSWERED, FAILED]))
        .add(device_command::Column::ExpiresAtMs.lte(now_ms))
}

async fn change(
    on: &impl ConnectionTrait,
    row: &device_command::Model,
    change: device_command::ActiveModel,
) -> Result<(), MetadataError> {
    device_command::Entity::update_many()
        .set(change)
        .filter(device_command::Column::Id.eq(row.id))
        .filter(device_command::Column::OrgId.eq(row.org_id))
        .exec(on)
        .await?;
    Ok(())
}

fn status(row: &device_command::Model, now_ms: i64) -> CommandStatus {
    match row.status.as_str() {
        ANSWERED => CommandStatus::Answered,
        FAILED => CommandStatus::Failed,
        _ if row.expires_at_ms <= now_ms => CommandStatus::Expired,
        DELIVERED => CommandStatus::Delivered,
        _ => CommandStatus::Queued,
    }
}

fn described(row: device_command::Model, now_ms: i64) -> Command {
    Command {
        id: CommandId::from_uuid(row.id),
        status: status(&row, now_ms),
        arguments: from_json(&row.arguments),
        result: row.result.map(|text| from_json(&text)),
        name: row.name,
        requested_by: row.requested_by,
        created_at_ms: row.created_at_ms,
        expires_at_ms: row.expires_at_ms,
        delivered_at_ms: row.delivered_at_ms,
        answered_at_ms: row.answered_at_ms,
    }
}
