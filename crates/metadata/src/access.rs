//! Ending what lets a person in: sessions, API tokens and one-time links.
//!
//! Each works inside of the transaction that makes the change; what is remembered in memory is forgotten once that is
//! committed.

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use sensorium_model::{OrgId, SessionId, TokenId, UserId};
use uuid::Uuid;

use crate::entity::{api_token, one_time_link, session};
use crate::error::MetadataError;
use crate::metadata::Metadata;

impl Metadata {
    /// Ends a person's sessions, but for one; how many there were.
    pub(crate) async fn end_sessions(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        user: UserId,
        but: Option<SessionId>,
    ) -> Result<u64, MetadataError> {
        let mut ended = session::Entity::delete_many()
            .filter(session::Column::OrgId.eq(*org.as_uuid()))
            .filter(session::Column::UserId.eq(*user.as_uuid()));
        if let Some(but) = but {
            ended = ended.filter(session::Column::Id.ne(*but.as_uuid()));
        }
        Ok(ended.exec(on).await?.rows_affected)
    }

    /// Revokes the API tokens that a person made; the caller makes the cache forget them after the commit.
    pub(crate) async fn end_tokens(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        user: UserId,
    ) -> Result<Vec<TokenId>, MetadataError> {
        let theirs = Condition::all()
            .add(api_token::Column::OrgId.eq(*org.as_uuid()))
            .add(api_token::Column::CreatedBy.eq(*user.as_uuid()))
            .add(api_token::Column::RevokedAtMs.is_null());
        let ids: Vec<Uuid> = api_token::Entity::find()
            .select_only()
            .column(api_token::Column::Id)
            .filter(theirs.clone())
            .into_tuple()
            .all(on)
            .await?;
        let revoked = api_token::ActiveModel { revoked_at_ms: Set(Some(self.now_ms())), ..Default::default() };
        api_token::Entity::update_many().set(revoked).filter(theirs).exec(on).await?;
        Ok(ids.into_iter().map(TokenId::from_uuid).collect())
    }

    /// Makes the link that a person has useless; how many there were, 0 or 1.
    pub(crate) async fn drop_links(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        user: UserId,
    ) -> Result<u64, MetadataError> {
        let dropped = one_time_link::Entity::delete_many()
            .filter(one_time_link::Column::OrgId.eq(*org.as_uuid()))
            .filter(one_time_link::Column::UserId.eq(*user.as_uuid()))
            .exec(on)
            .await?;
        Ok(dropped.rows_affected)
    }
}
