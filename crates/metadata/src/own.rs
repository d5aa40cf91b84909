//! What people do with their own account: change the password, see their sessions and end them.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use sensorium_model::{Principal, SessionId, Subject, UserId};
use serde_json::json;

use crate::audit::Change;
use crate::client::Client;
use crate::config::millis;
use crate::entity::{session, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::password;

/// A signed-in browser of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// The id.
    pub id: SessionId,
    /// When it was signed in, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// When it was last used, exact to a minute.
    pub last_seen_ms: i64,
    /// When it ends at the latest.
    pub expires_at_ms: i64,
    /// The address that signed in; none for sessions of older versions.
    pub address: Option<String>,
    /// What the browser called itself.
    pub user_agent: Option<String>,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

impl Metadata {
    /// Changes the caller's own password, which takes the current one; ends all other sessions and a reset link. The
    /// current password is an attempt to sign in, and limited as such.
    pub async fn change_password(
        &self,
        who: &Principal,
        current: &str,
        new: &str,
        client: impl Into<Client>,
    ) -> Result<(), MetadataError> {
        let (id, session) = person(who)?;
        let login = self.user_row(who.org, id).await?.login;
        let before = match self.check_password(&login, current, client.into().address).await {
            Ok(before) => before,
            Err(MetadataError::WrongCredentials) => {
                return Err(MetadataError::Denied("the current password is wrong"));
            }
            Err(error) => return Err(error),
        };
        password::check_rules(&login, new)?;
        let hash = self.passwords().hash(new).await?;
        let transaction = self.begin().await?;
        let changed = user::Entity::update_many()
            .set(user::ActiveModel { password: Set(hash), ..Default::default() })
            .filter(user::Column::Id.eq(before.id))
            .filter(user::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(user::Column::Password.eq(before.password.as_str()))
            .exec(&transaction)
            .await?;
        if changed.rows_affected != 1 {
            return Err(MetadataError::Conflict("the password was changed by another request at the same time"));
        }
        let sessions = self.end_sessions(&transaction, who.org, id, session).await?;
        self.drop_links(&transaction, who.org, id).await?;
        let change = Change::new("changed", "password", &login).after(json!({"sessions_ended": sessions}));
        self.record(&transaction, who, change).await?;
        transaction.commit().await?;
        self.logins().forget_user(id);
        Ok(())
    }

    /// The caller's own sessions that stand, the one used last first.
    pub async fn own_sessions(&self, who: &Principal) -> Result<Vec<SessionInfo>, MetadataError> {
        let (id, current) = person(who)?;
        let now_ms = self.now_ms();
        let rows = session::Entity::find()
            .filter(session::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(session::Column::UserId.eq(*id.as_uuid()))
            .filter(session::Column::ExpiresAtMs.gt(now_ms))
            .filter(session::Column::LastSeenMs.gte(now_ms.saturating_sub(millis(self.config().session_idle))))
            .order_by_desc(session::Column::LastSeenMs)
            .order_by_desc(session::Column::Id)
            .all(self.db())
            .await?;
        let sessions = rows.into_iter().map(|row| SessionInfo {
            id: SessionId::from_uuid(row.id),
            created_at_ms: row.created_at_ms,
            last_seen_ms: row.last_seen_ms,
            expires_at_ms: row.expires_at_ms,
            address: row.address,
            user_agent: row.user_agent,
            is_current: current.is_some_and(|current| *current.as_uuid() == row.id),
        });
        Ok(sessions.collect())
    }

    /// Ends one of the caller's own sessions.
    pub async fn revoke_own_session(&self, who: &Principal, session: SessionId) -> Result<(), MetadataError> {
        let (id, _) = person(who)?;
        let transaction = self.begin().await?;
        let ended = session::Entity::delete_many()
            .filter(session::Column::Id.eq(*session.as_uuid()))
            .filter(session::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(session::Column::UserId.eq(*id.as_uuid()))
            .exec(&transaction)
            .await?;
        if ended.rows_affected == 0 {
            return Err(MetadataError::Missing("session of yours"));
        }
        self.record(&transaction, who, Change::new("revoked", "session", &session.to_string())).await?;
        Ok(transaction.commit().await?)
    }

    /// Ends all of the caller's own sessions but the one that asks; how many there were.
    pub async fn revoke_other_sessions(&self, who: &Principal) -> Result<u64, MetadataError> {
        let (id, current) = person(who)?;
        let transaction = self.begin().await?;
        let ended = self.end_sessions(&transaction, who.org, id, current).await?;
        let change = Change::new("revoked", "session", "all others").after(json!({"sessions_ended": ended}));
        self.record(&transaction, who, change).await?;
        transaction.commit().await?;
        Ok(ended)
    }
}

/// The person behind a caller, and the session that asks.
pub(crate) fn person(who: &Principal) -> Result<(UserId, Option<SessionId>), MetadataError> {
    match who.subject {
        Subject::User(id, session) => Ok((id, session)),
        Subject::Token(_) | Subject::System | Subject::Anonymous => {
            Err(MetadataError::Denied("only people have an account; sign in with a login and a password"))
        }
    }
}
