//! Forgetting what is over: sessions and links that ended, and changes, commands and messages of the inbox that are older than they are kept.
//!
//! It works in steps of [`STEP`] rows, so that nobody who writes has to wait for long.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::config::millis;
use crate::entity::{audit, device_claim, device_command, one_time_link, organisation, session};
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// Rows that are removed at once.
const STEP: u64 = 500;

/// How much was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CleanedUp {
    /// Sessions.
    pub sessions: u64,
    /// One-time links.
    pub links: u64,
    /// Claim links of devices.
    pub claims: u64,
    /// Recorded changes.
    pub changes: u64,
    /// People who asked to join, about whom nobody decided.
    pub waiting: u64,
    /// Commands of devices.
    pub commands: u64,
    /// Messages of devices that are not known.
    pub messages: u64,
}

impl Metadata {
    /// Removes sessions and links that ended, recorded changes beyond `audit_lifetime` and `audit_rows`, commands beyond
    /// `command_lifetime`, and messages of the inbox beyond its `lifetime`.
    pub async fn clean_up(&self) -> Result<CleanedUp, MetadataError> {
        let now_ms = self.now_ms();
        let idle_since = now_ms.saturating_sub(millis(self.config().session_idle));
        let over = Condition::any()
            .add(session::Column::ExpiresAtMs.lte(now_ms))
            .add(session::Column::LastSeenMs.lt(idle_since));
        let sessions = session::Entity::delete_many().filter(over).exec(self.db()).await?.rows_affected;
        let links = one_time_link::Entity::delete_many()
            .filter(one_time_link::Column::ExpiresAtMs.lte(now_ms))
            .exec(self.db())
            .await?
            .rows_affected;
        let claims = device_claim::Entity::delete_many()
            .filter(device_claim::Column::ExpiresAtMs.lte(now_ms))
            .exec(self.db())
            .await?
            .rows_affected;
        let waiting = self.forget_waiting().await?;
        let mut changes = 0;
        for org in organisation::Entity::find().all(self.db()).await? {
            let of_org = audit::Entity::find().filter(audit::Column::OrgId.eq(org.id));
            let since = now_ms.saturating_sub(millis(self.config().audit_lifetime));
            changes += self.remove_changes(of_org.clone().filter(audit::Column::AtMs.lt(since)), 0).await?;
            changes += self.remove_changes(of_org, self.config().audit_rows).await?;
        }
        let commands = self.remove_commands(now_ms).await?;
        let messages = self.clean_inbox().await?;
        Ok(CleanedUp { sessions, links, claims, changes, waiting, commands, messages })
    }

    async fn remove_commands(&self, now_ms: i64) -> Result<u64, MetadataError> {
        let ended_before = now_ms.saturating_sub(millis(self.config().devices.command_lifetime));
        let mut removed = 0;
        loop {
            let ids: Vec<Uuid> = device_command::Entity::find()
                .select_only()
                .column(device_command::Column::Id)
                .filter(device_command::Column::ExpiresAtMs.lte(ended_before))
                .limit(STEP)
                .into_tuple()
                .all(self.db())
                .await?;
            if ids.is_empty() {
                return Ok(removed);
            }
            let old = device_command::Entity::delete_many().filter(device_command::Column::Id.is_in(ids));
            removed += old.exec(self.db()).await?.rows_affected;
        }
    }

    /// Removes the selected changes but for the newest `kept`.
    async fn remove_changes(&self, select: sea_orm::Select<audit::Entity>, kept: u64) -> Result<u64, MetadataError> {
        let mut removed = 0;
        loop {
            let ids: Vec<Uuid> = select
                .clone()
                .select_only()
                .column(audit::Column::Id)
                .order_by_desc(audit::Column::AtMs)
                .order_by_desc(audit::Column::Id)
                .offset(kept)
                .limit(STEP)
                .into_tuple()
                .all(self.db())
                .await?;
            if ids.is_empty() {
                return Ok(removed);
            }
            removed +=
                audit::Entity::delete_many().filter(audit::Column::Id.is_in(ids)).exec(self.db()).await?.rows_affected;
        }
    }
}
