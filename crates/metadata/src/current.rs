//! Whether a caller that was authenticated a while ago still would be: asked by connections that outlive a request.

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};
use sensorium_model::{OrgId, Principal, Role, SessionId, Subject, TokenId, UserId};

use crate::config::millis;
use crate::entity::{api_token, device_credential, session, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;

impl Metadata {
    /// Whether the session or token behind a principal still stands and its user has the role that it had. Unlike
    /// [`Metadata::session`] this neither renews a session's secret nor counts as use of the session.
    pub async fn is_current(&self, who: &Principal) -> Result<bool, MetadataError> {
        match who.subject {
            Subject::User(user, None) => self.user_is_active(self.db(), who.org, user, who.role).await,
            Subject::User(user, Some(session)) => Ok(self.session_stands(who.org, user, session).await?
                && self.user_is_active(self.db(), who.org, user, who.role).await?),
            Subject::Token(token) => {
                Ok(self.token_stands(who.org, token).await? || self.credential_stands(who.org, token).await?)
            }
            Subject::System | Subject::Anonymous => Ok(true),
        }
    }

    async fn session_stands(&self, org: OrgId, user: UserId, session: SessionId) -> Result<bool, MetadataError> {
        let now_ms = self.now_ms();
        let idle_since = now_ms.saturating_sub(millis(self.config().session_idle));
        let found = session::Entity::find_by_id(*session.as_uuid())
            .filter(session::Column::OrgId.eq(*org.as_uuid()))
            .filter(session::Column::UserId.eq(*user.as_uuid()))
            .filter(session::Column::ExpiresAtMs.gt(now_ms))
            .filter(session::Column::LastSeenMs.gte(idle_since))
            .count(self.db())
            .await?;
        Ok(found > 0)
    }

    /// Whether a user is active and has this role.
    pub(crate) async fn user_is_active(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        user: UserId,
        role: Role,
    ) -> Result<bool, MetadataError> {
        let row = user::Entity::find_by_id(*user.as_uuid())
            .filter(user::Column::OrgId.eq(*org.as_uuid()))
            .filter(user::Column::Status.eq(user::Status::Active))
            .one(on)
            .await?;
        Ok(row.is_some_and(|row| Role::from(row.role) == role))
    }

    async fn token_stands(&self, org: OrgId, token: TokenId) -> Result<bool, MetadataError> {
        let found = api_token::Entity::find_by_id(*token.as_uuid())
            .filter(api_token::Column::OrgId.eq(*org.as_uuid()))
            .filter(api_token::Column::RevokedAtMs.is_null())
            .filter(
                Condition::any()
                    .add(api_token::Column::ExpiresAtMs.is_null())
                    .add(api_token::Column::ExpiresAtMs.gt(self.now_ms())),
            )
            .count(self.db())
            .await?;
        Ok(found > 0)
    }

    /// The same of a pre-shared key or a certificate of a device, which stands in a token's place.
    async fn credential_stands(&self, org: OrgId, credential: TokenId) -> Result<bool, MetadataError> {
        let found = device_credential::Entity::find_by_id(*credential.as_uuid())
            .filter(device_credential::Column::OrgId.eq(*org.as_uuid()))
            .filter(device_credential::Column::RevokedAtMs.is_null())
            .one(self.db())
            .await?;
        Ok(found.is_some_and(|row| row.is_good_at(self.now_ms())))
    }
}
